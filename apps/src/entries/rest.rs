//! Static entries by REST.
//!
//! | method and path | what it does |
//! |---|---|
//! | `POST /switches/{id}/rules` | makes one, or an array of them all or none |
//! | `GET /switches/{id}/rules/{rule}` | one, with all that it has counted |
//! | `DELETE /switches/{id}/rules/{rule}` | takes one away |
//! | `GET /entries` | all of them, without what they have counted |

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use godwit_controller::carried::Place;
use godwit_controller::rest::{
    ApiError, Body, Id, OneOrMany, Routes, RuleDto, endpoint, operation,
};
use godwit_controller::switch::{ApplyError, RequestError, SwitchHandle};
use godwit_controller::{ReadError, StoreError};
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{FlowFlags, FlowRule, FlowStats, StatsReply, StatsRequest};
use godwit_openflow::types::{DatapathId, Version};
use schemars::JsonSchema;
use serde::Serialize;

use super::Entries;
use super::install::{CreateError, Removal, RemoveError};
use super::request::RuleRequest;
use super::table::{EntryId, State as EntryState, StaticEntry};

pub(super) fn router(entries: Entries) -> Routes {
    let make = operation("Makes a static entry, or an array of them all or none")
        .body::<OneOrMany<RuleRequest>>()
        .answers::<OneOrMany<EntryDto>>(201)
        .answers::<OneOrMany<EntryDto>>(202)
        .or(&[409, 503, 507]);
    let one = operation("A static entry, with all that it has counted");
    let take_away = operation("Takes a static entry away")
        .guarded_by("/switches/{id}/rules/{rule}")
        .done()
        .answers::<Awaited>(202)
        .or(&[409, 422, 503, 507]);
    let all = operation("The static entries of all switches");
    Routes::new("static entries")
        .post("/switches/{id}/rules", create, make)
        .get(
            "/switches/{id}/rules/{rule}",
            show,
            one.tagged().answers::<EntryDto>(200),
        )
        .delete("/switches/{id}/rules/{rule}", remove, take_away)
        .get(
            "/entries",
            list,
            all.paged(&["id"]).tagged().answers::<Vec<EntryDto>>(200),
        )
        .with_state(entries)
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StaticEntry")]
pub(super) struct EntryDto {
    id: EntryId,
    /// The switch that it was asked for.
    dpid: DatapathId,
    /// The switch where it stands.
    place: DatapathId,
    state: EntryState,
    /// Only while it waits for a frozen switch.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    queued: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(flatten)]
    rule: RuleDto,
    flags: FlowFlags,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    counted: Option<Counted>,
    /// Only when it is made: rules of other owners that are in its way, or it in theirs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// What an entry has counted, wherever it stood; `null` when its switch can't be asked now.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub(super) struct Counted {
    duration_ns: Option<u64>,
    packets: Option<u64>,
    bytes: Option<u64>,
}

/// An entry that is taken away as soon as its switch may be written to.
#[derive(Serialize, JsonSchema)]
pub(super) struct Awaited {
    pub(super) id: EntryId,
    pub(super) queued: bool,
}

impl EntryDto {
    pub(super) fn new((id, entry): (EntryId, StaticEntry), counted: Option<Counted>) -> Self {
        let rule = entry.rule;
        Self {
            id,
            dpid: entry.home,
            place: entry.place,
            state: entry.state,
            queued: entry.state == EntryState::Queued,
            error: entry.problem,
            flags: rule.flags,
            rule: RuleDto::from(rule),
            counted,
            warnings: Vec::new(),
        }
    }
}

async fn create(
    State(entries): State<Entries>,
    Id(id): Id<String>,
    Body(body): Body<OneOrMany<RuleRequest>>,
) -> Result<Response, ApiError> {
    let switch = endpoint::switch(entries.network(), &id)?;
    let (requests, single) = body.into_parts();
    let mut rules = Vec::with_capacity(requests.len());
    for (index, request) in requests.into_iter().enumerate() {
        let rule = request.rule_here();
        rules.push(rule.map_err(|error| error_at(error, (!single).then_some(index)))?);
    }
    // Once begun it is carried through, also when the client goes away.
    let (making, network) = (switch.clone(), entries.network().clone());
    let made = tokio::spawn(async move { entries.create(&making, rules).await })
        .await
        .map_err(|_| stopping())?
        .map_err(|error| refused(&switch, &error, single))?;
    let rules: Vec<FlowRule> = made.iter().map(|(_, entry)| entry.rule.clone()).collect();
    let overlaps = network.overlaps(switch.dpid(), &rules);
    Ok(answer(&switch, made, overlaps, single))
}

/// 202 when one of them is held for a frozen switch.
pub(super) fn made_or_held(made: &[(EntryId, StaticEntry)]) -> StatusCode {
    let mut made = made.iter();
    if made.any(|(_, entry)| entry.state == EntryState::Queued) {
        StatusCode::ACCEPTED
    } else {
        StatusCode::CREATED
    }
}

fn answer(
    switch: &SwitchHandle,
    made: Vec<(EntryId, StaticEntry)>,
    overlaps: Vec<(usize, String)>,
    single: bool,
) -> Response {
    let status = made_or_held(&made);
    let dpid = switch.dpid();
    let mut made: Vec<EntryDto> = made
        .into_iter()
        .map(|entry| EntryDto::new(entry, None))
        .collect();
    for (index, warning) in overlaps {
        if let Some(entry) = made.get_mut(index) {
            entry.warnings.push(warning);
        }
    }
    match made.pop() {
        Some(entry) if single => {
            let location = format!("/v1/switches/{dpid}/rules/{}", entry.id);
            (status, [(header::LOCATION, location)], Json(entry)).into_response()
        }
        last => {
            made.extend(last);
            (status, Json(made)).into_response()
        }
    }
}

/// The same error, of one entry among several.
pub(super) fn error_at(error: ApiError, index: Option<usize>) -> ApiError {
    match (index, error.problem().field.clone()) {
        (None, _) => error,
        (Some(index), Some(field)) => error.at(format!("[{index}].{field}")),
        (Some(index), None) => error.at(format!("[{index}]")),
    }
}

pub(super) fn refused(switch: &SwitchHandle, error: &CreateError, single: bool) -> ApiError {
    let (index, problem) = problem(switch, error);
    error_at(problem, index.filter(|_| !single))
}

/// What is answered, and which of the entries it is about.
pub(super) fn problem(switch: &SwitchHandle, error: &CreateError) -> (Option<usize>, ApiError) {
    let text = error.to_string();
    match error {
        CreateError::Unsupported { index, .. } => (Some(*index), ApiError::impossible(text)),
        CreateError::Duplicate(duplicate) => {
            let problem = ApiError::conflict(text);
            let problem = match duplicate.other {
                Some(other) => {
                    problem.with(format!("/v1/switches/{}/rules/{other}", switch.dpid()))
                }
                None => problem,
            };
            (Some(duplicate.index), problem)
        }
        CreateError::Occupied { index, rules } => {
            let problem = ApiError::impossible(text).because(rules.clone());
            (Some(*index), problem)
        }
        CreateError::Refused { refusals } => {
            let reasons = refusals.iter().map(|(_, why)| why.clone()).collect();
            let first = refusals.first().map(|(index, _)| *index);
            (first, ApiError::impossible(text).because(reasons))
        }
        CreateError::Drained(_) => (None, ApiError::impossible(text)),
        CreateError::InTheWay(_) => (None, ApiError::conflict(text)),
        CreateError::TooMany | CreateError::Store(StoreError::Full) => {
            (None, ApiError::insufficient_storage(text))
        }
        CreateError::Unreadable(_) | CreateError::NotHeld(_) | CreateError::Store(_) => {
            (None, ApiError::unavailable(text))
        }
        CreateError::Unread(_) | CreateError::Unconfirmed(_) => {
            let text = format!("switch {}: {text}", switch.name());
            (None, ApiError::switch_failed(text))
        }
    }
}

async fn show(
    State(entries): State<Entries>,
    Id((switch, id)): Id<(String, EntryId)>,
) -> Result<Json<EntryDto>, ApiError> {
    let entry = known(&entries, &switch, id)?;
    let counted = counted(&entries, &entry).await;
    // It may have been moved in the meantime; what was counted is the same wherever it stands.
    let entry = entries.get(id).unwrap_or(entry);
    Ok(Json(EntryDto::new((id, entry), Some(counted))))
}

/// What an entry has counted: before it came to its place, and since.
async fn counted(entries: &Entries, entry: &StaticEntry) -> Counted {
    if matches!(entry.state, EntryState::Queued | EntryState::Refused) {
        return Counted {
            duration_ns: Some(0),
            packets: Some(0),
            bytes: Some(0),
        };
    }
    let Some(switch) = entries.network().switches().get(entry.place) else {
        return Counted::default();
    };
    let live = match live(entries, &switch, entry).await {
        Ok(live) => live,
        Err(error) => {
            tracing::warn!(%switch, %error, "what a static entry has counted can't be read");
            return Counted::default();
        }
    };
    let place = Place::of(entry.place, &entry.rule);
    let brought = entries.network().carried().at(&place).unwrap_or_default();
    let live = |of: fn(&FlowStats) -> u64| live.as_ref().map_or(0, of);
    Counted {
        duration_ns: Some(brought.duration_ns + live(|live| live.duration_ns)),
        packets: Some(brought.packets + live(|live| live.packets)),
        bytes: Some(brought.bytes + live(|live| live.bytes)),
    }
}

/// The entry as its switch has it.
async fn live(
    entries: &Entries,
    switch: &SwitchHandle,
    entry: &StaticEntry,
) -> Result<Option<FlowStats>, ReadError> {
    entries.network().nudge(switch).await?;
    let mut filter = FlowFilter::all();
    filter.table = entry.rule.table;
    filter.pattern = entry.rule.pattern.clone();
    if switch.version() == Version::V13 {
        (filter.cookie, filter.cookie_mask) = (entry.rule.cookie, u64::MAX);
    }
    match switch.request(StatsRequest::Flows(filter)).await? {
        StatsReply::Flows(flows) => Ok(flows.into_iter().find(|stats| {
            stats.rule.same_identity(&entry.rule) && stats.rule.cookie == entry.rule.cookie
        })),
        _ => Err(RequestError::Unexpected.into()),
    }
}

async fn remove(
    State(entries): State<Entries>,
    Id((switch, id)): Id<(String, EntryId)>,
) -> Result<Response, ApiError> {
    known(&entries, &switch, id)?;
    let removing = entries.clone();
    let removed = tokio::spawn(async move { removing.remove(id).await })
        .await
        .map_err(|_| stopping())?;
    match removed {
        Ok(Removal::Done) => Ok(StatusCode::NO_CONTENT.into_response()),
        Ok(Removal::Held | Removal::Awaited) => {
            let body = Awaited { id, queued: true };
            Ok((StatusCode::ACCEPTED, Json(body)).into_response())
        }
        Err(error) => Err(unremoved(&error)),
    }
}

pub(super) fn stopping() -> ApiError {
    ApiError::unavailable("the controller is stopping")
}

pub(super) fn unremoved(error: &RemoveError) -> ApiError {
    let text = error.to_string();
    match error {
        RemoveError::Unknown => ApiError::not_found(text),
        RemoveError::Busy => ApiError::conflict(text),
        RemoveError::Store(StoreError::Full) => ApiError::insufficient_storage(text),
        RemoveError::Apply(ApplyError::Rejected(_) | ApplyError::Unsupported { .. }) => {
            ApiError::impossible(text)
        }
        RemoveError::Apply(_) => ApiError::switch_failed(text),
        RemoveError::NotHeld(_) | RemoveError::Store(_) => ApiError::unavailable(text),
    }
}

async fn list(State(entries): State<Entries>) -> Json<Vec<EntryDto>> {
    let all = entries.list().into_iter();
    Json(all.map(|entry| EntryDto::new(entry, None)).collect())
}

/// An entry by its number and the switch that it was asked for, or where it stands. The first need not be connected any
/// more.
fn known(entries: &Entries, switch: &str, id: EntryId) -> Result<StaticEntry, ApiError> {
    let connected = entries.network().switches().resolve(switch);
    let dpid = connected.map_or_else(|| switch.parse().ok(), |switch| Some(switch.dpid()));
    entries
        .get(id)
        .filter(|entry| match dpid {
            Some(dpid) => entry.home == dpid || entry.place == dpid,
            None => entry.home_name == switch,
        })
        .ok_or_else(|| ApiError::not_found("the switch has no static entry with this number"))
}

#[cfg(test)]
mod tests;
