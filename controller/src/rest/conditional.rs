//! What is the same for all routes: lists in parts ([`PageQuery`]), and conditional requests (RFC 9110 §13): `If-None-Match` on reads that are long or often repeated, `If-Match` on what two
//! writers may change.
//!
//! A tag has two parts: what the resource is, and all that was said of it. Counters go on without anybody changing anything,
//! so `If-Match` looks at the first part alone, and `If-None-Match` at both: an answer is left out only if it would be
//! the same to the letter.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};
use tower::ServiceExt as _;

use super::error::ApiError;
use super::paging::PageQuery;
use super::routes::Described;

/// Members that change by themselves.
const MOVING: [&str; 14] = [
    "packets",
    "bytes",
    "duration_ns",
    "last_seen",
    "flows",
    "references",
    "rules",
    "events",
    "events_missed",
    "packets_dropped",
    "panics",
    "rules_refused",
    "pending",
    "revision",
];

/// Writers of one resource wait for each other; those of different ones do so only by chance.
const TURNS: usize = 64;

/// The longest answer that has a tag.
const LONGEST: usize = 64 << 20;

/// What the middleware knows of the routes.
#[derive(Clone)]
struct Conditions {
    /// By method and path with names in braces: where the resource is read that this changes.
    guarded: Arc<HashMap<(Method, String), String>>,
    /// Paths whose reads have a tag.
    tagged: Arc<HashSet<String>>,
    /// Paths of lists that are given in parts.
    paged: Arc<HashMap<String, &'static [&'static str]>>,
    turns: Arc<[Mutex<()>; TURNS]>,
    router: Router,
}

/// The same router, heeding conditions.
pub(super) fn heeding(router: Router, operations: &[Described]) -> Router {
    let guards = operations.iter().filter_map(|described| {
        let guard = described.operation.guard.clone()?;
        let method = described.method.to_uppercase().parse().ok()?;
        Some(((method, described.path.clone()), guard))
    });
    let tagged = operations
        .iter()
        .filter(|described| described.operation.tagged);
    let paged = operations.iter().filter_map(|described| {
        let known_by = described.operation.paged?;
        Some((described.path.clone(), known_by))
    });
    let conditions = Conditions {
        paged: Arc::new(paged.collect()),
        guarded: Arc::new(guards.collect()),
        tagged: Arc::new(tagged.map(|described| described.path.clone()).collect()),
        turns: Arc::new(std::array::from_fn(|_| Mutex::new(()))),
        router: router.clone(),
    };
    router.layer(from_fn_with_state(conditions, heed))
}

async fn heed(State(conditions): State<Conditions>, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let template = matched.map_or("", MatchedPath::as_str).to_owned();
    if request.method() == Method::GET {
        return conditions.read(&template, request, next).await;
    }
    let key = (request.method().clone(), template);
    let wanted = given(request.headers(), &header::IF_MATCH);
    match (conditions.guarded.get(&key), wanted) {
        (Some(guard), wanted) => {
            let resource = filled(guard, request.uri().path());
            let _turn = conditions.turn(&resource).await;
            if let Some(wanted) = wanted
                && let Some(problem) = conditions.refuses(&resource, &wanted).await
            {
                return problem.into_response();
            }
            next.run(request).await
        }
        (None, Some(_)) if !key.1.is_empty() => {
            let why = "what this changes has no tag; leave `If-Match` out";
            ApiError::precondition_failed(why).into_response()
        }
        (None, _) => next.run(request).await,
    }
}

/// A header of which there may be several, as one.
fn given(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<&str> = headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

impl Conditions {
    async fn read(&self, template: &str, request: Request, next: Next) -> Response {
        let known = given(request.headers(), &header::IF_NONE_MATCH);
        let uri = request.uri().clone();
        let mut page = None;
        if let Some(known_by) = self.paged.get(template) {
            match PageQuery::of(&uri) {
                Ok(asked) => page = asked.map(|asked| (asked, *known_by)),
                Err(problem) => return problem.into_response(),
            }
        }
        let mut answer = next.run(request).await;
        if let Some((page, known_by)) = page {
            answer = cut(answer, &page, known_by, uri.path()).await;
        }
        if self.tagged.contains(template) {
            answer = shown(answer, known.as_deref()).await;
        }
        answer
    }

    async fn turn(&self, resource: &str) -> Option<MutexGuard<'_, ()>> {
        let index = usize::try_from(hash(resource.as_bytes())).unwrap_or_default() % TURNS;
        Some(self.turns.get(index)?.lock().await)
    }

    /// Why a change that is wanted of this tag alone is not made. Of something that isn't there the change itself says
    /// so.
    async fn refuses(&self, resource: &str, wanted: &str) -> Option<ApiError> {
        let read = Request::get(resource).body(Body::empty()).ok()?;
        let answer = match self.router.clone().oneshot(read).await {
            Ok(answer) if answer.status() == StatusCode::OK => answer,
            Ok(_) => return None,
            Err(never) => match never {},
        };
        let body = axum::body::to_bytes(answer.into_body(), LONGEST)
            .await
            .ok()?;
        let tag = Tag::of(&body);
        if tags(wanted).any(|one| one == "*" || one.split('-').next() == Some(&tag.state)) {
            return None;
        }
        let why = format!(
            "somebody else has changed it since: its tag is {tag} now; GET {resource} shows what it is, and the change may \
             be asked for again with that tag"
        );
        Some(ApiError::precondition_failed(why))
    }
}

/// The path with what stands in the place of its names in a longer or equal one.
fn filled(template: &str, path: &str) -> String {
    let given = path.split('/');
    let parts = template.split('/').zip(given.chain(std::iter::repeat("")));
    let parts = parts.map(|(part, given)| if part.starts_with('{') { given } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// A part of the list that was answered.
async fn cut(answer: Response, page: &PageQuery, known_by: &[&str], path: &str) -> Response {
    if answer.status() != StatusCode::OK {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let list = axum::body::to_bytes(body, LONGEST).await.ok();
    let list = list.and_then(|body| serde_json::from_slice::<Vec<Value>>(&body).ok());
    let Some(mut list) = list else {
        return ApiError::unavailable("the list is too long").into_response();
    };
    if let Err(problem) = page.cut(&mut list, known_by, path, &mut parts.headers) {
        return problem.into_response();
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts, axum::Json(list)).into_response()
}

async fn shown(answer: Response, known: Option<&str>) -> Response {
    let kind = answer.headers().get(header::CONTENT_TYPE);
    if answer.status() != StatusCode::OK || kind.is_none_or(|kind| kind != "application/json") {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LONGEST).await else {
        return ApiError::unavailable("the answer is too long").into_response();
    };
    let tag = Tag::of(&body).to_string();
    let same = known
        .is_some_and(|known| tags(known).any(|one| one == "*" || tag.trim_matches('"') == one));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        parts.headers.insert(header::ETAG, tag);
    }
    if same {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(body))
}

/// The tags of a header, without quotes. Whether one is weak makes no difference here: none of ours is.
fn tags(header: &str) -> impl Iterator<Item = &str> {
    let all = header.split(',').map(str::trim);
    all.map(|tag| tag.trim_start_matches("W/").trim_matches('"'))
}

struct Tag {
    state: String,
    whole: u64,
}

impl Tag {
    fn of(body: &Bytes) -> Self {
        let state = match serde_json::from_slice::<Value>(body) {
            Ok(mut value) => {
                settle(&mut value);
                hash(value.to_string().as_bytes())
            }
            Err(_) => hash(body),
        };
        Self {
            state: format!("{state:016x}"),
            whole: hash(body),
        }
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}-{:016x}\"", self.state, self.whole)
    }
}

/// Leaves out what changes by itself.
fn settle(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !MOVING.contains(&name.as_str()));
            members.values_mut().for_each(settle);
        }
        Value::Array(all) => all.iter_mut().for_each(settle),
        _ => {}
    }
}

pub(super) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
