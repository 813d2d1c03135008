//! Many static entries at once, on several switches.
//!
//! | method and path | what it does |
//! |---|---|
//! | `POST /rules` | makes entries on the switches that they name, all or none |
//! | `POST /rules/delete` | takes entries away by their numbers, wherever they stand |

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use godwit_controller::rest::{ApiError, Body, Routes, endpoint, operation};
use godwit_controller::switch::SwitchHandle;
use godwit_openflow::model::FlowRule;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Entries;
use super::install::Removal;
use super::request::RuleRequest;
use super::rest::{Awaited, EntryDto, error_at, made_or_held, problem, stopping, unremoved};
use super::table::{EntryId, StaticEntry};

pub(super) fn router(entries: Entries) -> Routes {
    let make = operation("Makes static entries on the switches that they name, all or none")
        .body::<Vec<RuleRequest>>()
        .answers::<Vec<EntryDto>>(201)
        .answers::<Vec<EntryDto>>(202)
        .or(&[409, 503, 507]);
    let take_away = operation("Takes static entries away; none if one of them is not there")
        .body::<Those>()
        .done()
        .answers::<Vec<Awaited>>(202)
        .or(&[404, 409, 503, 507]);
    Routes::new("static entries")
        .post("/rules", create, make)
        .post("/rules/delete", remove, take_away)
        .with_state(entries)
}

/// What goes to one switch, each with its place in the request.
struct Share {
    switch: SwitchHandle,
    places: Vec<usize>,
    rules: Vec<FlowRule>,
}

async fn create(
    State(entries): State<Entries>,
    Body(requests): Body<Vec<RuleRequest>>,
) -> Result<Response, ApiError> {
    let mut shares: Vec<Share> = Vec::new();
    for (place, mut request) in requests.into_iter().enumerate() {
        let at = |error: ApiError| error_at(error, Some(place));
        let name = request.switch.take().ok_or_else(|| {
            at(ApiError::impossible("`switch` says where the entry shall stand").at("switch"))
        })?;
        let switch = entries.network().switches().resolve(&name).ok_or_else(|| {
            let why = endpoint::unknown(entries.network(), &name);
            at(ApiError::impossible(why).at("switch"))
        })?;
        let rule = request.rule().map_err(at)?;
        match shares
            .iter_mut()
            .find(|share| share.switch.dpid() == switch.dpid())
        {
            Some(share) => {
                share.places.push(place);
                share.rules.push(rule);
            }
            None => shares.push(Share {
                switch,
                places: vec![place],
                rules: vec![rule],
            }),
        }
    }
    // Once begun it is carried through, also when the client goes away.
    let made = tokio::spawn(async move { all_or_none(&entries, shares).await });
    let made = made.await.map_err(|_| stopping())??;
    let status = made_or_held(&made);
    let made: Vec<EntryDto> = made
        .into_iter()
        .map(|one| EntryDto::new(one, None))
        .collect();
    Ok((status, Json(made)).into_response())
}

/// Switch after switch; what was made before one of them refused is taken away again.
async fn all_or_none(
    entries: &Entries,
    shares: Vec<Share>,
) -> Result<Vec<(EntryId, StaticEntry)>, ApiError> {
    let mut made = Vec::new();
    for Share {
        switch,
        places,
        rules,
    } in shares
    {
        match entries.create(&switch, rules).await {
            Ok(entries) => made.extend(places.into_iter().zip(entries)),
            Err(error) => {
                for (_, (id, _)) in made {
                    if let Err(error) = entries.remove(id).await {
                        tracing::warn!(id, %error, "a static entry that was to be given up stays");
                    }
                }
                let (index, problem) = problem(&switch, &error);
                let place = index.and_then(|index| places.get(index).copied());
                return Err(error_at(problem, place));
            }
        }
    }
    made.sort_by_key(|(place, _)| *place);
    Ok(made.into_iter().map(|(_, entry)| entry).collect())
}

/// Entries by their numbers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EntriesNamed")]
struct Those {
    ids: Vec<EntryId>,
}

async fn remove(
    State(entries): State<Entries>,
    Body(those): Body<Those>,
) -> Result<Response, ApiError> {
    for (place, id) in those.ids.iter().enumerate() {
        if entries.get(*id).is_none() {
            let why = format!("no static entry has the number {id}; none was taken away");
            return Err(ApiError::not_found(why).at(format!("ids[{place}]")));
        }
    }
    let removing = tokio::spawn(async move {
        let mut awaited = Vec::new();
        for (place, id) in those.ids.into_iter().enumerate() {
            match entries.remove(id).await {
                Ok(Removal::Done) => {}
                Ok(Removal::Held | Removal::Awaited) => awaited.push(Awaited { id, queued: true }),
                // Named twice, or somebody else was faster.
                Err(super::RemoveError::Unknown) => {}
                Err(error) => return Err(unremoved(&error).at(format!("ids[{place}]"))),
            }
        }
        Ok(awaited)
    });
    let awaited = removing.await.map_err(|_| stopping())??;
    if awaited.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok((StatusCode::ACCEPTED, Json(awaited)).into_response())
}
