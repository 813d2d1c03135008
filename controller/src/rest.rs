//! REST, under `/v1` and beside it.
//!
//! | method and path | handler |
//! |---|---|
//! | `GET /healthz`, `GET /readyz`, `GET /metrics` | here |
//! | `GET /v1/switches`, `/v1/switches/{id}`, `…/rules`, `…/ports`, `…/tables` | `switches` |
//! | `GET /v1/switches/{id}/groups`, `…/meters`, `…/queues` | `shared` |
//! | `GET /v1/queued` | `queued` |
//! | `GET /v1/links`, `/v1/hosts`, `/v1/topology`, `/v1/paths`; `DELETE /v1/hosts/{mac}` | `topology` |
//! | `PUT /v1/links/cost`, `/v1/switches/{id}/ports/{port}/cost` | `cost` |
//! | `GET`, `POST /v1/audit`, `/v1/switches/{id}/audit` | `audit` |
//! | `GET /v1/events` | `events` |
//! | `GET /v1/apps`, `PUT /v1/apps/{name}/enabled` | `hosting::rest` |
//! | `GET /stats/…`, `/v1.0/topology/…`, `/wm/…` | [`compatible`] |
//! | `GET /openapi.json`, `GET /docs` | `openapi` |
//! | `GET /` | `dashboard` |
//! | what the apps bring, under `/v1` | [`App::routes`](crate::App::routes) |
//!
//! All of it is registered by [`Routes`], which serve and describe.

mod audit;
pub mod body;
pub mod compatible;
mod conditional;
mod cost;
mod dashboard;
pub mod endpoint;
pub mod error;
mod events;
pub mod id;
mod key;
mod openapi;
mod paging;
mod queued;
mod routes;
mod rule;
pub mod server;
mod shared;
mod switches;
mod topology;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

pub use body::{Body, OneOrMany, parse};
pub use error::{ApiError, Problem};
pub use id::Id;
pub use key::{IDEMPOTENCY_KEY, idempotency_key};
pub use routes::{Operation, Routes, operation};
pub use rule::RuleDto;
pub use shared::is_no_queue;

use crate::audit::Audits;
use crate::connection::ConnectionCounts;
use crate::hosting::{self, Apps};
use crate::metrics::write_metric;
use crate::network::Network;

/// The largest request body: 1,000 routes with a full match each take about 300 KiB.
const LARGEST_BODY: usize = 1 << 20;

const TEXT: &str = "text/plain";

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Api {
    network: Network,
    apps: Apps,
    audits: Audits,
    ready: Arc<AtomicBool>,
}

/// All of REST. `ready` is set when the listeners are bound, and cleared when the controller stops, as `stop` says first.
pub(crate) fn router(
    network: Network,
    apps: Apps,
    audits: Audits,
    ready: Arc<AtomicBool>,
    stop: watch::Receiver<bool>,
) -> Router {
    let mut v1 = switches::routes(&network)
        .merge(shared::routes(&network))
        .merge(queued::routes(&network))
        .merge(topology::routes(&network))
        .merge(cost::routes(&network))
        .merge(events::routes(&network, stop))
        .merge(audit::routes(&audits));
    v1 = v1.merge(hosting::routes(&apps));
    let mut compatible = compatible::routes(&network);
    for app in apps.iter() {
        if let Some(routes) = app.routes() {
            v1 = v1.merge(hosting::gated(&apps, app.name(), routes));
        }
        if let Some(routes) = app.compatible_routes() {
            compatible = compatible.merge(hosting::gated(&apps, app.name(), routes));
        }
    }
    let api = Api {
        network,
        apps,
        audits,
        ready,
    };
    let document = openapi::Written::default();
    let healthy = async || "ok\n";
    let lives = operation("Whether the process answers").gives(TEXT);
    let is_ready = operation("Whether switches are listened for").gives(TEXT);
    let prometheus = operation("Metrics for Prometheus").gives(TEXT);
    let all = Routes::new("controller")
        .get("/healthz", healthy, lives)
        .get("/readyz", readyz, is_ready.empty(503))
        .get("/metrics", metrics, prometheus)
        .with_state(api)
        .merge(openapi::routes(Arc::clone(&document)))
        .merge(dashboard::routes())
        .merge(v1.under("/v1"))
        .merge(compatible);
    let (router, operations) = all.into_parts();
    // It is written once.
    let _ = document.set(openapi::document(&operations).to_string().into());
    conditional::heeding(router, &operations)
        .fallback(|| async { ApiError::not_found("nothing is served at this path; GET /openapi.json says what is, and /docs shows it") })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
}

async fn readyz(State(api): State<Api>) -> Response {
    if api.ready.load(Ordering::Acquire) {
        "ready\n".into_response()
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the listeners are not bound\n",
        )
            .into_response()
    }
}

async fn metrics(State(api): State<Api>) -> Response {
    let mut out = String::new();
    let topology = api.network.topology();
    let gauge = |out: &mut String, name, help, value: usize| {
        write_metric(out, name, "gauge", help, value as u64)
    };
    gauge(
        &mut out,
        "godwit_switches",
        "Switches connected.",
        api.network.switches().len(),
    );
    gauge(
        &mut out,
        "godwit_links",
        "Links, one per direction.",
        topology.links().count(),
    );
    gauge(
        &mut out,
        "godwit_hosts",
        "Hosts known.",
        topology.hosts().filter(|host| host.is_present()).count(),
    );
    write_connections(&mut out, &api.network.connections().snapshot());
    api.network.metrics().write(&mut out);
    api.network.held().metrics(&mut out);
    api.audits.metrics(&mut out);
    api.apps.metrics(&mut out);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], out).into_response()
}

fn write_connections(out: &mut String, counts: &ConnectionCounts) {
    let rows = [
        (
            "godwit_connections_accepted_total",
            "Connections of switches accepted.",
            counts.accepted,
        ),
        (
            "godwit_handshakes_total",
            "Switches that completed the handshake.",
            counts.ready,
        ),
        (
            "godwit_handshakes_failed_total",
            "Connections that ended before that.",
            counts.handshakes_failed,
        ),
        (
            "godwit_duplicates_refused_total",
            "Connections refused: datapath id taken.",
            counts.duplicates_refused,
        ),
        (
            "godwit_packet_ins_total",
            "PACKET_INs received.",
            counts.packet_ins,
        ),
        (
            "godwit_packet_ins_dropped_total",
            "PACKET_INs dropped under load.",
            counts.packet_ins_dropped,
        ),
        (
            "godwit_messages_dropped_total",
            "Other messages dropped under load.",
            counts.messages_dropped,
        ),
        (
            "godwit_flow_mods_total",
            "FLOW_MODs sent.",
            counts.flow_mods_sent,
        ),
        (
            "godwit_packet_outs_total",
            "PACKET_OUTs sent.",
            counts.packet_outs_sent,
        ),
        (
            "godwit_errors_total",
            "ERRORs received.",
            counts.errors_received,
        ),
        (
            "godwit_decode_errors_total",
            "Messages that could not be decoded.",
            counts.decode_errors,
        ),
    ];
    for (name, help, value) in rows {
        write_metric(out, name, "counter", help, value);
    }
    let name = "godwit_connections_closed_total";
    // Writing to a string can't fail.
    let _ = writeln!(
        out,
        "# HELP {name} Connections of switches ended, by reason.\n# TYPE {name} counter"
    );
    for (reason, count) in &counts.closed {
        let _ = writeln!(out, "{name}{{reason=\"{reason}\"}} {count}");
    }
}
