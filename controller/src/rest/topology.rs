//! `GET /v1/links`, `/v1/hosts`, `/v1/topology` and `/v1/paths`: the picture of the network; `DELETE /v1/hosts/{mac}`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use godwit_openflow::types::{DatapathId, MacAddr};
use godwit_topology::{Constraints, Host, Link, Metric, Path, PortRef, TopologySnapshot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::endpoint::{self, Endpoint, EndpointName};
use super::error::ApiError;
use super::id::Id;
use super::routes::{Routes, operation};
use crate::network::Network;

/// The most paths that one request may ask for; each costs a few Dijkstra runs.
const MOST_PATHS: usize = 64;

pub(super) fn routes(network: &Network) -> Routes {
    let all_links = operation("The links, one per direction");
    let all_hosts = operation("The hosts");
    let forget_one = operation("Forgets a host, until it speaks again");
    let at_once = operation("Switches, links and hosts in one moment");
    let ways = operation("Paths from one host or port to another, the shortest first")
        .query::<PathsQuery>()
        .answers::<Vec<PathDto>>(200)
        .or(&[422]);
    Routes::new("topology")
        .get(
            "/links",
            links,
            all_links
                .paged(&["src", "dst"])
                .tagged()
                .answers::<Vec<LinkDto>>(200),
        )
        .get(
            "/hosts",
            hosts,
            all_hosts
                .paged(&["mac"])
                .tagged()
                .answers::<Vec<HostDto>>(200),
        )
        .delete("/hosts/{mac}", forget, forget_one.done())
        .get(
            "/topology",
            whole,
            at_once.tagged().answers::<TopologyDto>(200),
        )
        .get("/paths", paths, ways)
        .with_state(network.clone())
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Host")]
struct HostDto {
    mac: MacAddr,
    ipv4: Vec<IpAddr>,
    ipv6: Vec<IpAddr>,
    vlans: BTreeSet<u16>,
    attachment: PortRef,
    last_seen: String,
}

impl HostDto {
    fn new(host: &Host) -> Self {
        Self {
            mac: host.mac,
            ipv4: host.ipv4.iter().copied().map(IpAddr::V4).collect(),
            ipv6: host.ipv6.iter().copied().map(IpAddr::V6).collect(),
            vlans: host.vlans.clone(),
            attachment: host.attachment,
            last_seen: humantime::format_rfc3339_millis(host.last_seen).to_string(),
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TopologyLink")]
struct LinkDto {
    #[serde(flatten)]
    link: Link,
    /// Nothing was seen to come the other way: no route uses it.
    one_way: bool,
    /// Something that speaks no OpenFlow stands between its ends.
    indirect: bool,
    cost: u64,
    /// What packets take to cross it, smoothed; `null` as long as it isn't known.
    latency_us: Option<u64>,
    /// Whether a broadcast may be sent over it from switch to switch.
    broadcast: bool,
}

impl LinkDto {
    fn new(link: Link, topology: &TopologySnapshot) -> Self {
        let (graph, tree) = (topology.graph(), topology.broadcast_tree());
        let one_way = !graph.is_usable(&link);
        Self {
            link,
            one_way,
            indirect: graph.is_indirect(&link),
            cost: topology.cost(&link),
            latency_us: topology.latency(&link).map(|latency| {
                // Of probes that are waited for some seconds.
                u64::try_from(latency.as_micros()).unwrap_or(u64::MAX)
            }),
            broadcast: !one_way && tree.contains(link.src) && tree.contains(link.dst),
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Topology")]
struct TopologyDto {
    revision: u64,
    switches: Vec<DatapathId>,
    links: Vec<LinkDto>,
    hosts: Vec<HostDto>,
}

fn all_links(topology: &TopologySnapshot) -> Vec<LinkDto> {
    let links = topology.links();
    links.map(|link| LinkDto::new(link, topology)).collect()
}

/// The hosts that are there. One whose port is gone, or has come back and brought nothing of it yet, may belong to a
/// network of before.
fn all_hosts(topology: &TopologySnapshot) -> Vec<HostDto> {
    let hosts = topology.hosts().filter(|host| host.is_present());
    hosts.map(HostDto::new).collect()
}

async fn links(State(network): State<Network>) -> Json<Vec<LinkDto>> {
    Json(all_links(&network.topology()))
}

async fn hosts(State(network): State<Network>) -> Json<Vec<HostDto>> {
    Json(all_hosts(&network.topology()))
}

async fn forget(
    State(network): State<Network>,
    Id(mac): Id<String>,
) -> Result<StatusCode, ApiError> {
    let none = || ApiError::not_found(format!("no host `{mac}` is known"));
    let known = mac.parse::<MacAddr>().map_err(|_| none())?;
    if network.forget_host(known).await {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(none())
    }
}

async fn whole(State(network): State<Network>) -> Json<TopologyDto> {
    let topology = network.topology();
    Json(TopologyDto {
        revision: topology.revision(),
        switches: topology.switches().collect(),
        links: all_links(&topology),
        hosts: all_hosts(&topology),
    })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PathsQuery {
    from: String,
    to: String,
    k: Option<usize>,
    /// Names of switches, joined by commas.
    avoid: Option<String>,
    /// Names of switches, joined by commas.
    via: Option<String>,
    /// What makes a path short; as the configuration says unless it is given.
    metric: Option<Metric>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CostedPath")]
struct PathDto {
    cost: u64,
    hops: Path,
}

async fn paths(
    State(network): State<Network>,
    query: Result<Query<PathsQuery>, QueryRejection>,
) -> Result<Json<Vec<PathDto>>, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::malformed(rejection.body_text()))?;
    let k = query.k.unwrap_or(1);
    if !(1..=MOST_PATHS).contains(&k) {
        return Err(ApiError::impossible(format!("`k` must be from 1 to {MOST_PATHS}")).at("k"));
    }
    let topology = network.topology();
    let from = named(&network, &topology, &query.from).map_err(|error| error.at("from"))?;
    let to = named(&network, &topology, &query.to).map_err(|error| error.at("to"))?;
    let names = |list: &Option<String>| {
        let list = list.as_deref().unwrap_or_default();
        let names: Vec<String> = list
            .split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        endpoint::switches(&network, names.iter().map(String::as_str))
    };
    let constraints = Constraints {
        avoid: names(&query.avoid)
            .map_err(|error| error.at("avoid"))?
            .into_iter()
            .collect::<BTreeSet<_>>(),
        via: names(&query.via).map_err(|error| error.at("via"))?,
    };
    let (from, to) = endpoint::ports_between(&topology, from, to);
    let weighed = topology.by_asked(query.metric);
    let found = if k == 1 {
        weighed.path(from, to, &constraints).map(|path| vec![path])
    } else {
        weighed.paths(from, to, k, &constraints)
    };
    let found = found.map_err(|error| ApiError::impossible(error.to_string()))?;
    Ok(Json(
        found
            .into_iter()
            .map(|hops| PathDto {
                cost: weighed.cost_of(&hops),
                hops,
            })
            .collect(),
    ))
}

/// A host by its address, or a switch's port as `SWITCH/PORT`.
fn named(network: &Network, topology: &TopologySnapshot, text: &str) -> Result<Endpoint, ApiError> {
    let name = match text.split_once('/') {
        Some((dpid, port)) => {
            let port = port
                .parse()
                .map_err(|_| ApiError::impossible(format!("`{port}` is not a port")))?;
            EndpointName::Port(endpoint::PortName {
                dpid: dpid.to_owned(),
                port,
            })
        }
        None => EndpointName::Address(text.to_owned()),
    };
    name.resolve(network, topology)
}
