//! The static entries at the addresses of Floodlight's static entry pusher.
//!
//! | method and path | what it does |
//! |---|---|
//! | `GET /wm/staticentrypusher/list/{switch}/json` | the entries of a switch, or of `all` |
//!
//! `/wm/staticflowpusher` is the same, as it was called before version 1.2. An entry that has no name is listed under its
//! number.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use godwit_controller::rest::compatible::floodlight::{dpid_text, entry, read};
use godwit_controller::rest::{ApiError, Id};
use godwit_openflow::types::Version;
use serde_json::{Map, Value};

use super::Entries;

pub(super) fn router(entries: Entries) -> Router {
    let list = || get(self::list);
    Router::new()
        .route("/wm/staticentrypusher/list/{switch}/json", list())
        .route("/wm/staticflowpusher/list/{switch}/json", list())
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
            let named = Map::from_iter([(id.to_string(), rule)]);
            listed
                .entry(dpid_text(place))
                .or_default()
                .push(named.into());
        }
    }
    let listed = listed.into_iter().map(|(dpid, all)| (dpid, all.into()));
    Ok(Json(listed.collect::<Map<_, _>>().into()))
}
