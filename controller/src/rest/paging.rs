//! Long lists in parts: `?limit=N` gives the first so many, `&after=KEY` those behind the one with this key.
//!
//! The key is what the list's elements are known by, so that nothing is left out or comes twice because something before it
//! has come or gone meanwhile. The body stays an array; `X-Total-Count` says how many there are, and `Link` where the next
//! part is.

use std::num::NonZeroUsize;

use axum::extract::Query;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::conditional::hash;
use super::error::ApiError;

/// Which part of a list.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct PageQuery {
    /// So many at the most.
    limit: Option<NonZeroUsize>,
    /// Those behind the one with this key: as `Link` names it, or the number that the list's elements have.
    after: Option<String>,
    /// What else is asked for, as it stands in the request, each with a `&` behind it.
    #[serde(skip)]
    others: String,
}

const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

impl PageQuery {
    /// What is asked for; `None` when all is.
    pub(super) fn of(uri: &Uri) -> Result<Option<Self>, ApiError> {
        let Query(mut query) = Query::<Self>::try_from_uri(uri)
            .map_err(|rejection| ApiError::malformed(rejection.body_text()))?;
        if query.limit.is_none() && query.after.is_none() {
            return Ok(None);
        }
        let mine = |asked: &&str| asked.starts_with("limit=") || asked.starts_with("after=");
        let others = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|asked| !mine(asked));
        query.others = others.map(|asked| format!("{asked}&")).collect();
        Ok(Some(query))
    }

    /// Cuts a list, whose elements are known by these of their members, and says in the headers what is left.
    pub(super) fn cut(
        &self,
        list: &mut Vec<Value>,
        known_by: &[&str],
        path: &str,
        headers: &mut HeaderMap,
    ) -> Result<(), ApiError> {
        headers.insert(TOTAL, HeaderValue::from(list.len()));
        let begin = match &self.after {
            Some(after) => behind(list, known_by, after)?,
            None => 0,
        };
        list.drain(..begin.min(list.len()));
        let Some(limit) = self.limit.filter(|limit| limit.get() < list.len()) else {
            return Ok(());
        };
        list.truncate(limit.get());
        if let Some(last) = list.last() {
            let next = format!(
                "<{path}?{}limit={limit}&after={}>; rel=\"next\"",
                self.others,
                key(last, known_by)
            );
            if let Ok(next) = HeaderValue::from_str(&next) {
                headers.insert(header::LINK, next);
            }
        }
        Ok(())
    }
}

/// Where those begin that come after this key. Of one that is gone the number says where it was, if the list goes by
/// numbers.
fn behind(list: &[Value], known_by: &[&str], after: &str) -> Result<usize, ApiError> {
    if let Some(at) = list.iter().position(|one| key(one, known_by) == after) {
        return Ok(at + 1);
    }
    let numbers: Option<Vec<u64>> = match known_by {
        [name] => list.iter().map(|one| one.get(name)?.as_u64()).collect(),
        _ => None,
    };
    match (numbers, after.parse::<u64>()) {
        (Some(numbers), Ok(after)) if numbers.is_sorted() => {
            Ok(numbers.partition_point(|number| *number <= after))
        }
        _ => {
            let why = format!(
                "the list has nothing with the key `{after}`; leave `after` out to begin anew"
            );
            Err(ApiError::impossible(why).at("after"))
        }
    }
}

/// What an element is known by: the member as it is, or a digest of several.
fn key(one: &Value, known_by: &[&str]) -> String {
    match known_by {
        [name] => match one.get(name) {
            Some(Value::String(text)) => text.clone(),
            other => other.map(Value::to_string).unwrap_or_default(),
        },
        names => {
            let members: Vec<Option<&Value>> = names.iter().map(|name| one.get(name)).collect();
            let text = serde_json::to_string(&members).unwrap_or_default();
            format!("{:016x}", hash(text.as_bytes()))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn part(query: &str, known_by: &[&str]) -> Result<(Vec<Value>, HeaderMap), ApiError> {
        let uri: Uri = format!("/v1/routes?{query}").parse().unwrap();
        let mut list: Vec<Value> = [2, 3, 5, 7, 11]
            .map(|id| json!({ "id": id, "src": id % 2, "dst": id }))
            .to_vec();
        let mut headers = HeaderMap::new();
        if let Some(page) = PageQuery::of(&uri)? {
            page.cut(&mut list, known_by, uri.path(), &mut headers)?;
        }
        Ok((list, headers))
    }

    fn ids(query: &str) -> Vec<u64> {
        let (list, _) = part(query, &["id"]).unwrap();
        list.iter().map(|one| one["id"].as_u64().unwrap()).collect()
    }

    #[test]
    fn a_part_begins_behind_its_key_wherever_that_was() {
        assert_eq!(ids(""), [2, 3, 5, 7, 11]);
        assert_eq!(ids("limit=2"), [2, 3]);
        assert_eq!(ids("limit=2&after=3"), [5, 7]);
        assert_eq!(ids("limit=2&after=4"), [5, 7]);
        assert_eq!(ids("after=7"), [11]);
        assert_eq!(ids("after=99"), [0; 0]);
        assert_eq!(ids("limit=99"), [2, 3, 5, 7, 11]);
    }

    #[test]
    fn following_the_links_gives_everything_once() {
        for known_by in [&["id"][..], &["src", "dst"]] {
            let (mut query, mut seen) = ("limit=2".to_owned(), Vec::new());
            loop {
                let (list, headers) = part(&query, known_by).unwrap();
                assert_eq!(headers["x-total-count"], "5");
                seen.extend(list.iter().map(|one| one["id"].as_u64().unwrap()));
                let Some(next) = headers.get("link") else {
                    break;
                };
                let next = next.to_str().unwrap();
                let (next, _) = next.split_once(">; rel=\"next\"").unwrap();
                next.split_once('?').unwrap().1.clone_into(&mut query);
            }
            assert_eq!(seen, [2, 3, 5, 7, 11]);
        }
    }

    #[test]
    fn the_next_part_is_asked_for_as_the_first_was() {
        let (_, headers) = part("per_switch=true&limit=2&x=%26", &["id"]).unwrap();
        assert_eq!(
            headers["link"],
            "</v1/routes?per_switch=true&x=%26&limit=2&after=3>; rel=\"next\""
        );
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for (query, status) in [
            ("limit=0", 400),
            ("limit=x", 400),
            ("limit=-1", 400),
            ("after=x", 422),
        ] {
            let error = part(query, &["id"]).unwrap_err();
            assert_eq!(error.status(), status, "{query}");
        }
    }
}
