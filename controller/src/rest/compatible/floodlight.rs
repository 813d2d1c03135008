//! What Floodlight answers (version 1.0 and later).
//!
//! | method and path | what |
//! |---|---|
//! | `GET /wm/core/controller/switches/json` | the switches |
//! | `GET /wm/core/controller/summary/json` | how many switches, hosts and links there are |
//! | `GET /wm/core/memory/json`, `…/health/json`, `…/system/uptime/json` | the controller itself |
//! | `GET /wm/core/switch/all/{kind}/json` | what every switch reports, by its datapath id |
//! | `GET /wm/core/switch/{dpid}/{kind}/json` | what one reports |
//! | `GET /wm/topology/links/json`, `…/directed-links/json` | links, each once, or one per direction |
//! | `GET /wm/topology/switchclusters/json` | which switches reach each other |
//!
//! Kinds: `aggregate`, `desc`, `features`, `flow`, `group`, `group-desc`, `group-features`, `meter`, `meter-config`,
//! `meter-features`, `port`, `port-desc`, `queue`, `table`. What a switch reports has its numbers as text, as there. Its
//! static entries are in the crate of the apps.

pub mod entry;
pub mod read;
mod stats;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::{Instant, SystemTime};

use axum::Json;
use axum::extract::State;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{QueueFilter, StatsReply, StatsRequest};
use godwit_openflow::types::{DatapathId, MeterId, PortNo, QueueId, Version};
use godwit_topology::Link;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use super::{aggregate, ask, flows, unexpected};
use crate::network::Network;
use crate::rest::error::ApiError;
use crate::rest::id::Id;
use crate::rest::routes::{Routes, operation};
use crate::rest::shared;
use crate::switch::SwitchHandle;

/// When the process began to serve.
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

pub(super) fn routes(network: &Network) -> Routes {
    LazyLock::force(&STARTED);
    let reads = |summary| operation(summary).answers::<Value>(200);
    Routes::new("Floodlight")
        .get(
            "/wm/core/controller/switches/json",
            switches,
            reads("The switches"),
        )
        .get(
            "/wm/core/controller/summary/json",
            summary,
            reads("How many switches, hosts and links there are"),
        )
        .get(
            "/wm/core/memory/json",
            memory,
            reads("The memory of the controller").or(&[503]),
        )
        .get(
            "/wm/core/health/json",
            health,
            reads("Whether the controller is well"),
        )
        .get(
            "/wm/core/system/uptime/json",
            uptime,
            reads("How long the controller has run"),
        )
        .get(
            "/wm/core/switch/all/{kind}/json",
            of_all,
            reads("What all switches report").or(&[501, 503]),
        )
        .get(
            "/wm/core/switch/{dpid}/{kind}/json",
            of_one,
            reads("What a switch reports").or(&[501, 503]),
        )
        .get(
            "/wm/topology/links/json",
            links,
            reads("The links, each once"),
        )
        .get(
            "/wm/topology/directed-links/json",
            directed_links,
            reads("The links, one per direction"),
        )
        .get(
            "/wm/topology/switchclusters/json",
            clusters,
            reads("Which switches reach each other"),
        )
        .with_state(network.clone())
}

/// A datapath id in Floodlight's form: eight pairs of digits.
#[must_use]
pub fn dpid_text(dpid: DatapathId) -> String {
    let pairs = dpid.0.to_be_bytes().map(|byte| format!("{byte:02x}"));
    pairs.join(":")
}

/// A version as Floodlight names it.
#[must_use]
pub const fn version_text(version: Version) -> &'static str {
    match version {
        Version::V10 => "OF_10",
        Version::V13 => "OF_13",
    }
}

/// With every number as text.
fn quoted(value: Value) -> Value {
    match value {
        Value::Number(number) => number.to_string().into(),
        Value::Array(all) => all.into_iter().map(quoted).collect(),
        Value::Object(all) => all
            .into_iter()
            .map(|(key, value)| (key, quoted(value)))
            .collect(),
        other => other,
    }
}

/// Scripts for Floodlight before 1.0 read `dpid`.
async fn switches(State(network): State<Network>) -> Json<Vec<Value>> {
    let described = |switch: &SwitchHandle| {
        let since = switch.connected_at().duration_since(SystemTime::UNIX_EPOCH);
        let since = since.map_or(0, |since| since.as_millis());
        json!({
            "switchDPID": dpid_text(switch.dpid()),
            "dpid": dpid_text(switch.dpid()),
            "inetAddress": format!("/{}", switch.address()),
            "connectedSince": u64::try_from(since).unwrap_or(u64::MAX),
            "openFlowVersion": version_text(switch.version()),
        })
    };
    Json(network.switches().list().iter().map(described).collect())
}

async fn summary(State(network): State<Network>) -> Json<Value> {
    let topology = network.topology();
    let links: Vec<Link> = topology.links().collect();
    Json(json!({
        "# Switches": network.switches().len(),
        "# hosts": topology.hosts().count(),
        "# inter-switch links": joined(&links).len(),
        "# quarantine ports": 0,
    }))
}

/// Bytes: what the process holds, and what the machine could still give it.
async fn memory() -> Result<Json<Value>, ApiError> {
    let unread = || ApiError::unavailable("the operating system doesn't say");
    // The kernel makes them up as they are read: there is no disk to wait for.
    let read = |path| std::fs::read_to_string(path).map_err(|_| unread());
    let (own, machine) = (read("/proc/self/status")?, read("/proc/meminfo")?);
    let held = kibibytes(&own, "VmRSS:").ok_or_else(unread)?;
    let free = kibibytes(&machine, "MemAvailable:").ok_or_else(unread)?;
    Ok(Json(json!({ "total": held + free, "free": free })))
}

/// A line of `/proc`, in bytes.
fn kibibytes(text: &str, label: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    let number = line.trim().strip_suffix("kB")?.trim();
    number.parse::<u64>().ok()?.checked_mul(1024)
}

async fn health() -> Json<Value> {
    Json(json!({ "healthy": true }))
}

async fn uptime() -> Json<Value> {
    let running = u64::try_from(STARTED.elapsed().as_millis()).unwrap_or(u64::MAX);
    Json(json!({ "systemUptimeMsec": running }))
}

/// A switch that does not answer is left out, as with Floodlight.
async fn of_all(
    State(network): State<Network>,
    Id(kind): Id<String>,
) -> Result<Json<Value>, ApiError> {
    let kind = Kind::named(&kind)?;
    let mut asked = JoinSet::new();
    for switch in network.switches().list() {
        let network = network.clone();
        asked.spawn(async move {
            let answer = report(&network, &switch, kind).await;
            (switch, answer)
        });
    }
    let mut all = BTreeMap::new();
    while let Some(answered) = asked.join_next().await {
        match answered {
            Ok((switch, Ok(report))) => {
                all.insert(dpid_text(switch.dpid()), report);
            }
            Ok((switch, Err(error))) => {
                tracing::debug!(%switch, why = %error.problem().detail, "it is left out of what all switches report");
            }
            Err(error) => tracing::error!(%error, "a switch was not asked to the end"),
        }
    }
    Ok(Json(Map::from_iter(all).into()))
}

async fn of_one(
    State(network): State<Network>,
    Id((dpid, kind)): Id<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let kind = Kind::named(&kind)?;
    let id = read::dpid(&dpid).ok_or_else(|| {
        ApiError::malformed(format!(
            "`{dpid}` is not a datapath id: eight hexadecimal pairs joined by colons"
        ))
    })?;
    let switch = super::switch(&network, id)?;
    report(&network, &switch, kind).await.map(Json)
}

/// What a switch can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Aggregate,
    Desc,
    Features,
    Flow,
    Group,
    GroupDesc,
    GroupFeatures,
    Meter,
    MeterConfig,
    MeterFeatures,
    Port,
    PortDesc,
    Queue,
    Table,
}

const KINDS: [(&str, Kind); 14] = [
    ("aggregate", Kind::Aggregate),
    ("desc", Kind::Desc),
    ("features", Kind::Features),
    ("flow", Kind::Flow),
    ("group", Kind::Group),
    ("group-desc", Kind::GroupDesc),
    ("group-features", Kind::GroupFeatures),
    ("meter", Kind::Meter),
    ("meter-config", Kind::MeterConfig),
    ("meter-features", Kind::MeterFeatures),
    ("port", Kind::Port),
    ("port-desc", Kind::PortDesc),
    ("queue", Kind::Queue),
    ("table", Kind::Table),
];

impl Kind {
    fn named(name: &str) -> Result<Self, ApiError> {
        let known = KINDS.iter().find(|(known, _)| *known == name);
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            let all: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            let why = format!("there are no statistics `{name}`, but {}", all.join(", "));
            ApiError::not_found(why)
        })
    }

    const fn is_only_in_13(self) -> bool {
        matches!(
            self,
            Self::Group
                | Self::GroupDesc
                | Self::GroupFeatures
                | Self::Meter
                | Self::MeterConfig
                | Self::MeterFeatures
        )
    }
}

async fn report(network: &Network, switch: &SwitchHandle, kind: Kind) -> Result<Value, ApiError> {
    let version = switch.version();
    if version == Version::V10 && kind.is_only_in_13() {
        return Err(ApiError::not_implemented(
            "OpenFlow 1.0 has no groups and meters",
        ));
    }
    let value = match kind {
        Kind::Flow => {
            let all = flows(network, switch, FlowFilter::all()).await?;
            let all: Vec<Value> = all
                .iter()
                .map(|stats| entry::counted(version, stats))
                .collect();
            json!({ "flows": all })
        }
        Kind::Aggregate => {
            let sum = aggregate(network, switch, FlowFilter::all()).await?;
            json!({ "aggregate": stats::aggregate(version, &sum.unwrap_or_default()) })
        }
        Kind::Features => stats::features(version, switch.features(), &switch.ports()),
        Kind::PortDesc => stats::port_descriptions(version, &switch.ports()),
        Kind::Group => stats::groups(&shared::group_stats(network, switch).await?),
        Kind::Meter => stats::meters(&shared::meter_stats(network, switch).await?),
        _ => asked(switch, kind).await?,
    };
    Ok(quoted(value))
}

/// What is asked for in one request.
async fn asked(switch: &SwitchHandle, kind: Kind) -> Result<Value, ApiError> {
    let version = switch.version();
    let question = match kind {
        Kind::Desc => StatsRequest::Description,
        Kind::Table => StatsRequest::Tables,
        Kind::Port => StatsRequest::Ports(PortNo::ANY),
        Kind::GroupDesc => StatsRequest::GroupDescription,
        Kind::GroupFeatures => StatsRequest::GroupFeatures,
        Kind::MeterConfig => StatsRequest::MeterConfig(MeterId::ALL),
        Kind::MeterFeatures => StatsRequest::MeterFeatures,
        _ => StatsRequest::Queues(QueueFilter {
            port: PortNo::ANY,
            queue: QueueId::ALL,
        }),
    };
    Ok(match ask(switch, question).await? {
        None => json!({}),
        Some(StatsReply::Description(said)) => stats::description(version, &said),
        Some(StatsReply::Tables(tables)) => stats::tables(version, &tables),
        Some(StatsReply::Ports(ports)) => stats::ports(version, &ports),
        Some(StatsReply::Queues(queues)) => stats::queues(version, &queues),
        Some(StatsReply::GroupDescription(groups)) => stats::group_descriptions(&groups),
        Some(StatsReply::GroupFeatures(features)) => stats::group_features(&features),
        Some(StatsReply::MeterConfig(meters)) => stats::meter_configs(&meters),
        Some(StatsReply::MeterFeatures(features)) => stats::meter_features(&features),
        Some(_) => return Err(unexpected(switch)),
    })
}

async fn links(State(network): State<Network>) -> Json<Vec<Value>> {
    let all: Vec<Link> = network.topology().links().collect();
    Json(
        joined(&all)
            .into_iter()
            .map(|(link, both)| described(link, both))
            .collect(),
    )
}

async fn directed_links(State(network): State<Network>) -> Json<Vec<Value>> {
    let topology = network.topology();
    Json(
        topology
            .links()
            .map(|link| described(link, false))
            .collect(),
    )
}

fn described(link: Link, both_ways: bool) -> Value {
    json!({
        "src-switch": dpid_text(link.src.dpid),
        "src-port": link.src.port.0,
        "dst-switch": dpid_text(link.dst.dpid),
        "dst-port": link.dst.port.0,
        "type": "internal",
        "direction": if both_ways { "bidirectional" } else { "unidirectional" },
    })
}

/// Each link once, with whether it leads both ways; then its source is the lesser end.
fn joined(links: &[Link]) -> Vec<(Link, bool)> {
    let all: BTreeSet<Link> = links.iter().copied().collect();
    let once = all.iter().filter_map(|&link| {
        let back = Link {
            src: link.dst,
            dst: link.src,
        };
        let both_ways = all.contains(&back);
        (!both_ways || link.src < link.dst).then_some((link, both_ways))
    });
    once.collect()
}

async fn clusters(State(network): State<Network>) -> Json<BTreeMap<String, Vec<String>>> {
    let topology = network.topology();
    let switches: Vec<DatapathId> = topology.switches().collect();
    let links: Vec<Link> = topology.links().collect();
    let clusters = connected(&switches, &links).into_iter().map(|cluster| {
        let named: Vec<String> = cluster.iter().copied().map(dpid_text).collect();
        (named.first().cloned().unwrap_or_default(), named)
    });
    Json(clusters.collect())
}

/// The switches that links join, in order: each set begins with its least.
fn connected(switches: &[DatapathId], links: &[Link]) -> Vec<BTreeSet<DatapathId>> {
    let mut neighbours: BTreeMap<DatapathId, BTreeSet<DatapathId>> = BTreeMap::new();
    for link in links {
        let (src, dst) = (link.src.dpid, link.dst.dpid);
        neighbours.entry(src).or_default().insert(dst);
        neighbours.entry(dst).or_default().insert(src);
    }
    let mut left: BTreeSet<DatapathId> = switches.iter().copied().collect();
    let mut clusters = Vec::new();
    while let Some(first) = left.pop_first() {
        let (mut cluster, mut reached) = (BTreeSet::from([first]), vec![first]);
        while let Some(here) = reached.pop() {
            for &next in neighbours.get(&here).into_iter().flatten() {
                if left.remove(&next) {
                    cluster.insert(next);
                    reached.push(next);
                }
            }
        }
        clusters.push(cluster);
    }
    clusters
}
