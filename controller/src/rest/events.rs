//! `GET /v1/events`: what happens, as Server-Sent Events (WHATWG HTML §9.2).
//!
//! A stream begins with what happens next, or after the event that `Last-Event-ID` names, if the log still has what
//! followed. `event: missed` says where it has not; whoever gets that reads the state anew.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event as Frame, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream, StreamExt as _};
use godwit_openflow::model::{FlowRemoved, FlowRemovedReason, FlowRule, Pattern};
use godwit_openflow::types::{Cookie, DatapathId, TableId};
use godwit_topology::{PortRef, TopologyChange};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::error::ApiError;
use super::routes::{Routes, operation};
use crate::event::Event;
use crate::event_log::{EventId, EventLog, Next, Recorded};
use crate::network::Network;
use crate::rules::Aspect;

/// How many streams may be open at once: each holds one of the server's 512 connections.
const MOST_STREAMS: usize = 128;

/// A client whose connection ended shall come back after so long.
const RETRY: Duration = Duration::from_secs(2);

/// How often something is sent when nothing happens, so that both ends learn when the other is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// What families of events there are, as `types` names them.
const FAMILIES: [&str; 7] = ["switch", "port", "link", "host", "rule", "migration", "app"];

#[derive(Clone)]
struct Events {
    network: Network,
    places: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

/// `stop` turns true when the controller stops; then all streams end.
pub(super) fn routes(network: &Network, stop: watch::Receiver<bool>) -> Routes {
    let events = Events {
        network: network.clone(),
        places: Arc::new(Semaphore::new(MOST_STREAMS)),
        stop,
    };
    let stream = operation("What happens, as Server-Sent Events")
        .query::<Wanted>()
        .header("Last-Event-ID", "goes on behind this one")
        .gives("text/event-stream")
        .or(&[503]);
    Routes::new("events")
        .get("/events", events_stream, stream)
        .with_state(events)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EventsWanted")]
struct Wanted {
    /// Families of events, between commas; all unless there is one.
    types: Option<String>,
}

impl Wanted {
    /// The families that are wanted; none means all.
    fn families(&self) -> Result<Vec<&'static str>, ApiError> {
        let Some(types) = &self.types else {
            return Ok(Vec::new());
        };
        let known = |name: &str| FAMILIES.into_iter().find(|family| *family == name);
        let families = types.split(',').map(|name| {
            known(name).ok_or_else(|| {
                let detail = format!(
                    "there are no events of type `{name}`, but {}",
                    FAMILIES.join(", ")
                );
                ApiError::malformed(detail).at("types")
            })
        });
        families.collect()
    }
}

async fn events_stream(
    State(events): State<Events>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Query(wanted) = wanted.map_err(|error| ApiError::malformed(error.body_text()))?;
    let families = wanted.families()?;
    let log = Arc::clone(events.network.event_log());
    let last = match headers.get("last-event-id") {
        None => log.newest(),
        Some(id) => id
            .to_str()
            .ok()
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| {
                ApiError::malformed("Last-Event-ID is no id of an event").at("Last-Event-ID")
            })?,
    };
    let place = events.places.try_acquire_owned().map_err(|_| {
        ApiError::unavailable(format!("{MOST_STREAMS} streams of events are open already"))
    })?;
    // An id without data: a client that is cut off before the first event comes back to here.
    let hello = Frame::default().id(last.to_string()).retry(RETRY);
    let reading = Reading {
        log,
        last,
        families,
        _place: place,
    };
    let stop = events.stop;
    let stream = stream::once(async { hello })
        .chain(reading.frames())
        .take_until(stopped(stop))
        .map(Ok::<_, Infallible>);
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(stream).keep_alive(keep_alive).into_response())
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that nobody can set it any more.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// How far a client has read.
struct Reading {
    log: Arc<EventLog>,
    last: EventId,
    families: Vec<&'static str>,
    _place: OwnedSemaphorePermit,
}

impl Reading {
    fn frames(self) -> impl Stream<Item = Frame> {
        stream::unfold(self, async |mut reading| {
            let frame = reading.next().await;
            Some((frame, reading))
        })
    }

    async fn next(&mut self) -> Frame {
        loop {
            match self.log.next(self.last).await {
                Next::Missed { until, count } => {
                    self.last = until;
                    return frame(until, "missed", &Missed { missed: count });
                }
                Next::Event(recorded) => {
                    self.last = recorded.id;
                    if let Some(frame) = self.shown(&recorded) {
                        return frame;
                    }
                }
            }
        }
    }

    fn shown(&self, recorded: &Recorded) -> Option<Frame> {
        let (family, shown) = Shown::of(&recorded.event)?;
        let is_wanted = self.families.is_empty() || self.families.contains(&family);
        is_wanted.then(|| {
            let body = Body {
                time: humantime::format_rfc3339_millis(recorded.at).to_string(),
                shown,
            };
            frame(recorded.id, family, &body)
        })
    }
}

fn frame(id: EventId, family: &str, body: &impl Serialize) -> Frame {
    let frame = Frame::default().id(id.to_string()).event(family);
    // What is serialised here has no maps with keys that are no strings, nor anything else that JSON can't say.
    let text = serde_json::to_string(body).unwrap_or_default();
    frame.data(text)
}

#[derive(Serialize)]
struct Missed {
    missed: Option<u64>,
}

#[derive(Serialize)]
struct Body<'a> {
    time: String,
    #[serde(flatten)]
    shown: Shown<'a>,
}

/// What is told of an event.
#[derive(Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Topology(TopologyChange),
    Other(Other<'a>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Other<'a> {
    SwitchReady {
        dpid: DatapathId,
    },
    Port {
        port: PortRef,
        up: bool,
        removed: bool,
    },
    RuleRemoved {
        dpid: DatapathId,
        table: TableId,
        priority: u16,
        cookie: Cookie,
        #[serde(rename = "match")]
        pattern: &'a Pattern,
        reason: FlowRemovedReason,
        idle_timeout: u16,
        hard_timeout: u16,
        duration_ns: u64,
        packets: u64,
        bytes: u64,
    },
    RuleRestored {
        dpid: DatapathId,
        owner: &'a str,
        #[serde(flatten)]
        rule: RuleName<'a>,
    },
    RuleMended {
        dpid: DatapathId,
        owner: &'a str,
        #[serde(flatten)]
        rule: RuleName<'a>,
        changed: &'a [Aspect],
    },
    AlienRule {
        dpid: DatapathId,
        #[serde(flatten)]
        rule: RuleName<'a>,
    },
    Migration {
        id: u64,
        source: DatapathId,
        target: Option<DatapathId>,
        state: &'static str,
    },
    MigrationPhase {
        id: u64,
        phase: &'static str,
    },
    AppDisabled {
        app: &'static str,
        why: &'a str,
    },
}

/// What makes a flow entry out among others.
#[derive(Serialize)]
struct RuleName<'a> {
    table: TableId,
    priority: u16,
    cookie: Cookie,
    #[serde(rename = "match")]
    pattern: &'a Pattern,
}

impl<'a> From<&'a FlowRule> for RuleName<'a> {
    fn from(rule: &'a FlowRule) -> Self {
        Self {
            table: rule.table,
            priority: rule.priority,
            cookie: rule.cookie,
            pattern: &rule.pattern,
        }
    }
}

impl<'a> Shown<'a> {
    /// The family and what is told; nothing of what concerns one app alone.
    fn of(event: &'a Event) -> Option<(&'static str, Self)> {
        let (family, other) = match event {
            Event::Topology(change) => {
                return Some((family(change), Self::Topology(*change)));
            }
            Event::SwitchReady(dpid) => ("switch", Other::SwitchReady { dpid: *dpid }),
            Event::Port { port, up, removed } => (
                "port",
                Other::Port {
                    port: *port,
                    up: *up,
                    removed: *removed,
                },
            ),
            Event::FlowRemoved { dpid, removed } => ("rule", Other::removed(*dpid, removed)),
            Event::RuleRestored { dpid, owner, rule } => (
                "rule",
                Other::RuleRestored {
                    dpid: *dpid,
                    owner,
                    rule: rule.as_ref().into(),
                },
            ),
            Event::RuleMended {
                dpid,
                owner,
                rule,
                aspects,
            } => (
                "rule",
                Other::RuleMended {
                    dpid: *dpid,
                    owner,
                    rule: rule.as_ref().into(),
                    changed: aspects,
                },
            ),
            Event::AlienRule { dpid, rule } => (
                "rule",
                Other::AlienRule {
                    dpid: *dpid,
                    rule: rule.as_ref().into(),
                },
            ),
            Event::Migration {
                id,
                source,
                target,
                state,
            } => (
                "migration",
                Other::Migration {
                    id: *id,
                    source: *source,
                    target: *target,
                    state,
                },
            ),
            Event::MigrationPhase { id, phase } => {
                ("migration", Other::MigrationPhase { id: *id, phase })
            }
            Event::AppDisabled { app, why } => ("app", Other::AppDisabled { app, why }),
            Event::Timer | Event::Missed(_) => return None,
        };
        Some((family, Self::Other(other)))
    }
}

impl<'a> Other<'a> {
    fn removed(dpid: DatapathId, removed: &'a FlowRemoved) -> Self {
        Self::RuleRemoved {
            dpid,
            table: removed.table,
            priority: removed.priority,
            cookie: removed.cookie,
            pattern: &removed.pattern,
            reason: removed.reason,
            idle_timeout: removed.idle_timeout,
            hard_timeout: removed.hard_timeout,
            duration_ns: removed.duration_ns,
            packets: removed.packets,
            bytes: removed.bytes,
        }
    }
}

const fn family(change: &TopologyChange) -> &'static str {
    match change {
        TopologyChange::SwitchUp { .. }
        | TopologyChange::SwitchDown { .. }
        | TopologyChange::SwitchExcluded { .. }
        | TopologyChange::SwitchIncluded { .. } => "switch",
        TopologyChange::EdgeUp { .. } | TopologyChange::EdgeDown { .. } => "port",
        TopologyChange::LinkUp { .. }
        | TopologyChange::LinkDown { .. }
        | TopologyChange::CostsChanged
        | TopologyChange::Alarm { .. } => "link",
        TopologyChange::HostAdded { .. }
        | TopologyChange::HostMoved { .. }
        | TopologyChange::HostAddressAdded { .. }
        | TopologyChange::HostGone { .. }
        | TopologyChange::HostConflict { .. } => "host",
    }
}

#[cfg(test)]
mod tests;
