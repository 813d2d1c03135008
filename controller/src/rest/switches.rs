//! `GET /v1/switches` and what each switch reports of itself, now.

use axum::Json;
use axum::extract::State;
use godwit_openflow::model::{
    Description, FlowStats, Port, PortStats, StatsReply, StatsRequest, TableStats,
};
use godwit_openflow::types::{DatapathId, MacAddr, PortNo, Version};
use schemars::JsonSchema;
use serde::Serialize;

use super::endpoint;
use super::error::ApiError;
use super::id::Id;
use super::routes::{Routes, operation};
use super::rule::RuleDto;
use crate::network::{Network, ReadError, SwitchState};
use crate::rules::Owner;
use crate::switch::{RequestError, SwitchHandle};

pub(super) fn routes(network: &Network) -> Routes {
    let (all, one) = (operation("The switches"), operation("One switch"));
    let rules_now = operation("The flow entries of a switch, as it reports them now");
    let ports_now = operation("What the ports of a switch have counted");
    let tables_now = operation("What the flow tables of a switch have counted");
    Routes::new("switches")
        .get(
            "/switches",
            list,
            all.paged(&["dpid"]).answers::<Vec<SwitchDto>>(200),
        )
        .get("/switches/{id}", show, one.answers::<SwitchDto>(200))
        .get(
            "/switches/{id}/rules",
            rules,
            rules_now
                .paged(&["table", "priority", "match"])
                .answers::<Vec<CountedRuleDto>>(200)
                .or(&[503]),
        )
        .get(
            "/switches/{id}/ports",
            ports,
            ports_now.answers::<Vec<PortStats>>(200).or(&[503]),
        )
        .get(
            "/switches/{id}/tables",
            tables,
            tables_now.answers::<Vec<TableStats>>(200).or(&[503]),
        )
        .with_state(network.clone())
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Switch")]
struct SwitchDto {
    dpid: DatapathId,
    name: Option<String>,
    openflow: Option<Version>,
    address: Option<String>,
    state: &'static str,
    connected_at: Option<String>,
    description: Option<Description>,
    ports: Vec<PortDto>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Port")]
struct PortDto {
    number: PortNo,
    name: String,
    mac: MacAddr,
    up: bool,
    admin_down: bool,
    link_down: bool,
    current_speed_kbps: u32,
}

impl PortDto {
    fn new(port: &Port) -> Self {
        Self {
            number: port.number,
            name: port.name.clone(),
            mac: port.mac,
            up: port.is_up(),
            admin_down: port.admin_down,
            link_down: port.link_down,
            current_speed_kbps: port.current_speed,
        }
    }
}

impl SwitchDto {
    fn connected(network: &Network, switch: &SwitchHandle) -> Self {
        let state = match network.state(switch.dpid()) {
            SwitchState::Active => "active",
            SwitchState::Frozen => "frozen",
            SwitchState::Drained => "drained",
        };
        Self {
            dpid: switch.dpid(),
            name: Some(switch.name().to_owned()),
            openflow: Some(switch.version()),
            address: Some(switch.address().to_string()),
            state,
            connected_at: Some(humantime::format_rfc3339_millis(switch.connected_at()).to_string()),
            description: Some(switch.description().clone()),
            ports: switch.ports().iter().map(PortDto::new).collect(),
        }
    }

    /// A switch that is known only because it is not to carry traffic.
    fn absent(dpid: DatapathId) -> Self {
        Self {
            dpid,
            name: None,
            openflow: None,
            address: None,
            state: "disconnected",
            connected_at: None,
            description: None,
            ports: Vec::new(),
        }
    }
}

async fn list(State(network): State<Network>) -> Json<Vec<SwitchDto>> {
    let connected = network.switches().list();
    let absent = network
        .set_aside()
        .into_iter()
        .filter(|dpid| !connected.iter().any(|switch| switch.dpid() == *dpid));
    let mut all: Vec<SwitchDto> = absent.map(SwitchDto::absent).collect();
    all.extend(
        connected
            .iter()
            .map(|switch| SwitchDto::connected(&network, switch)),
    );
    all.sort_by_key(|switch| switch.dpid);
    Json(all)
}

async fn show(
    State(network): State<Network>,
    Id(id): Id<String>,
) -> Result<Json<SwitchDto>, ApiError> {
    if let Ok(dpid) = id.parse::<DatapathId>()
        && network.switches().get(dpid).is_none()
        && network.state(dpid) != SwitchState::Active
    {
        return Ok(Json(SwitchDto::absent(dpid)));
    }
    let switch = endpoint::switch(&network, &id)?;
    Ok(Json(SwitchDto::connected(&network, &switch)))
}

/// A flow entry with what it has counted.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CountedRule")]
struct CountedRuleDto {
    /// Of a static entry: its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    #[serde(flatten)]
    rule: RuleDto,
    duration_ns: u64,
    packets: u64,
    bytes: u64,
}

impl From<FlowStats> for CountedRuleDto {
    fn from(stats: FlowStats) -> Self {
        let FlowStats {
            rule,
            duration_ns,
            packets,
            bytes,
        } = stats;
        Self {
            id: Owner::Entries.own_part(rule.cookie),
            rule: RuleDto::from(rule),
            duration_ns,
            packets,
            bytes,
        }
    }
}

async fn rules(
    State(network): State<Network>,
    Id(id): Id<String>,
) -> Result<Json<Vec<CountedRuleDto>>, ApiError> {
    let switch = endpoint::switch(&network, &id)?;
    let flows = network
        .read_exact(&switch, None)
        .await
        .map_err(|error| read_failed(&switch, &error))?;
    Ok(Json(flows.into_iter().map(CountedRuleDto::from).collect()))
}

async fn ports(
    State(network): State<Network>,
    Id(id): Id<String>,
) -> Result<Json<Vec<PortStats>>, ApiError> {
    let switch = endpoint::switch(&network, &id)?;
    match request(&switch, StatsRequest::Ports(PortNo::ANY)).await? {
        StatsReply::Ports(mut ports) => {
            ports.sort_by_key(|stats| stats.port);
            Ok(Json(ports))
        }
        _ => Err(request_failed(&switch, &RequestError::Unexpected)),
    }
}

/// Tables without an entry that were never looked up are left out: Open vSwitch reports 254.
async fn tables(
    State(network): State<Network>,
    Id(id): Id<String>,
) -> Result<Json<Vec<TableStats>>, ApiError> {
    let switch = endpoint::switch(&network, &id)?;
    match request(&switch, StatsRequest::Tables).await? {
        StatsReply::Tables(mut tables) => {
            tables.retain(|stats| stats.table == 0 || stats.active > 0 || stats.lookups > 0);
            // Bits of one version's wire, which are no part of this interface.
            tables.iter_mut().for_each(|stats| stats.wildcards = None);
            Ok(Json(tables))
        }
        _ => Err(request_failed(&switch, &RequestError::Unexpected)),
    }
}

pub(super) async fn request(
    switch: &SwitchHandle,
    request: StatsRequest,
) -> Result<StatsReply, ApiError> {
    switch
        .request(request)
        .await
        .map_err(|error| request_failed(switch, &error))
}

pub(super) fn request_failed(switch: &SwitchHandle, error: &RequestError) -> ApiError {
    ApiError::switch_failed(format!("switch {}: {error}", switch.name()))
}

pub(super) fn read_failed(switch: &SwitchHandle, error: &ReadError) -> ApiError {
    ApiError::switch_failed(format!("switch {}: {error}", switch.name()))
}

#[cfg(test)]
mod tests;
