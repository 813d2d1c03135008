//! The static entries at the addresses of Floodlight's static entry pusher.
//!
//! | method and path | what it does |
//! |---|---|
//! | `GET /wm/staticentrypusher/list/{switch}/json` | the entries of a switch, or of `all` |
//! | `POST /wm/staticentrypusher/json` | makes one, instead of the one that has the same name |
//! | `DELETE /wm/staticentrypusher/json` | takes the one of this name away |
//!
//! `/wm/staticflowpusher` is the same, as it was called before version 1.2. An entry that has no name goes by its number.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use godwit_controller::rest::compatible::floodlight::{dpid_text, entry, read};
use godwit_controller::rest::{ApiError, Id, Routes, operation, parse};
use godwit_openflow::types::Version;
use serde_json::{Map, Value, json};

use super::Entries;
use super::rest::{refused, stopping, unremoved};
use super::table::{EntryId, State as EntryState, StaticEntry};
use super::written::{rule, switch};

pub(super) fn router(entries: Entries) -> Routes {
    let lists = || operation("The static entries, by switch").answers::<Value>(200);
    let write = |summary| {
        let write = operation(summary).body::<Map<String, Value>>();
        write.answers::<Value>(200).or(&[404, 409, 503, 507])
    };
    let pushes = || write("Makes a static entry").answers::<Value>(202);
    let pulls = || write("Takes a static entry away");
    Routes::new("Floodlight")
        .get(
            "/wm/staticentrypusher/list/{switch}/json",
            list,
            lists().or(&[400]),
        )
        .get(
            "/wm/staticflowpusher/list/{switch}/json",
            list,
            lists().or(&[400]),
        )
        .post("/wm/staticentrypusher/json", push, pushes())
        .delete("/wm/staticentrypusher/json", pull, pulls())
        .post("/wm/staticflowpusher/json", push, pushes())
        .delete("/wm/staticflowpusher/json", pull, pulls())
        .with_state(entries)
}

/// By the switches where they stand. One switch is listed also when it has none.
async fn list(
    State(entries): State<Entries>,
    Id(switch): Id<String>,
) -> Result<Json<Value>, ApiError> {
    let only = if switch.eq_ignore_ascii_case("all") {
        None
    } else {
        let fault = || ApiError::malformed(format!("`{switch}` is not a datapath id, nor `all`"));
        Some(read::dpid(&switch).ok_or_else(fault)?)
    };
    let mut listed: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    if let Some(dpid) = only {
        listed.insert(dpid_text(dpid), Vec::new());
    }
    for (id, static_entry) in entries.list() {
        let place = static_entry.place;
        if only.is_none_or(|only| only == place) {
            let connected = entries.network().switches().get(place);
            let version = connected.map_or(Version::V13, |switch| switch.version());
            let rule = entry::pushed(version, &static_entry.rule);
            let named = Map::from_iter([(name_of(id, &static_entry), rule)]);
            listed
                .entry(dpid_text(place))
                .or_default()
                .push(named.into());
        }
    }
    let listed = listed.into_iter().map(|(dpid, all)| (dpid, all.into()));
    Ok(Json(listed.collect::<Map<_, _>>().into()))
}

fn name_of(id: EntryId, entry: &StaticEntry) -> String {
    entry.name.clone().unwrap_or_else(|| id.to_string())
}

fn named(entries: &Entries, name: &str) -> Option<(EntryId, StaticEntry)> {
    let mut all = entries.list().into_iter();
    all.find(|(id, entry)| name_of(*id, entry) == name)
}

/// Whatever type the body is declared to have: clients of Floodlight declare any.
async fn push(State(entries): State<Entries>, body: Bytes) -> Result<Response, ApiError> {
    let pushed = read::pushed(parse(&body)?)?;
    let (switch, rule) = (switch(&entries, pushed.dpid)?, rule(pushed.rule)?);
    // Once begun it is carried through, also when the client goes away.
    let done = tokio::spawn(async move {
        let before = named(&entries, &pushed.name);
        let name = Some(pushed.name.as_str());
        let made = entries.replace(&switch, rule, name, before).await;
        made.map_err(|error| refused(&switch, &error, true))
    });
    let state = done.await.map_err(|_| stopping())??;
    let status = match state {
        EntryState::Queued => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    };
    Ok((status, Json(json!({ "status": "Entry pushed" }))).into_response())
}

async fn pull(State(entries): State<Entries>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let body: Map<String, Value> = parse(&body)?;
    let name = body.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| ApiError::impossible("`name` says which entry").at("name"))?;
    let (id, _) = named(&entries, name)
        .ok_or_else(|| ApiError::not_found(format!("no static entry is called `{name}`")))?;
    let done = tokio::spawn(async move { entries.remove(id).await });
    done.await
        .map_err(|_| stopping())?
        .map_err(|error| unremoved(&error))?;
    Ok(Json(json!({ "status": format!("Entry {name} deleted") })))
}
