//! Ports, links, rules and routes with their rates: what REST, CSV and Prometheus all show.

use godwit_controller::Network;
use godwit_controller::carried::Place;
use godwit_controller::rest::RuleDto;
use godwit_controller::rest::endpoint::EndpointName;
use godwit_controller::switch::SwitchHandle;
use godwit_openflow::model::{FlowRule, PortStats};
use godwit_topology::{Hop, Link, Path, PortRef};
use schemars::JsonSchema;
use serde::Serialize;

use super::book::{Book, SwitchBook};
use super::collect::Collected;
use super::measured::{Measured, Rates, Wanted, speed_bps};
use crate::plan::FlowId;
use crate::routing::Routing;
use crate::routing::table::State;

/// Where the counters of a port's received packets begin in its series, and those of its sent ones.
pub(super) const RECEIVED: usize = 0;
pub(super) const SENT: usize = 2;

/// A port.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PortStatistics")]
pub(super) struct PortRow {
    pub(super) name: String,
    /// `null` when it is not known.
    pub(super) speed_bps: Option<u64>,
    #[serde(flatten)]
    pub(super) stats: PortStats,
    pub(super) rx: Measured,
    pub(super) tx: Measured,
}

/// A link in one direction.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LinkStatistics")]
pub(super) struct LinkRow {
    #[serde(flatten)]
    pub(super) link: Link,
    pub(super) speed_bps: Option<u64>,
    #[serde(flatten)]
    pub(super) measured: Measured,
}

/// A flow entry.
#[derive(Debug)]
pub(super) struct RuleRow {
    pub(super) rule: FlowRule,
    pub(super) duration_ns: u64,
    pub(super) measured: Measured,
}

/// The same as it is served.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RuleStatistics")]
pub(super) struct ShownRule<'a> {
    #[serde(flatten)]
    rule: RuleDto,
    duration_ns: u64,
    #[serde(flatten)]
    measured: &'a Measured,
}

impl Serialize for RuleRow {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = ShownRule {
            rule: RuleDto::from(self.rule.clone()),
            duration_ns: self.duration_ns,
            measured: &self.measured,
        };
        shown.serialize(serializer)
    }
}

/// A route: what its last hop has delivered.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RouteStatistics")]
pub(super) struct RouteRow {
    pub(super) id: FlowId,
    #[schemars(with = "EndpointName")]
    pub(super) from: serde_json::Value,
    #[schemars(with = "EndpointName")]
    pub(super) to: serde_json::Value,
    pub(super) state: State,
    /// Of the slowest port that it leaves a switch by; `null` when one of them is not known.
    pub(super) speed_bps: Option<u64>,
    #[serde(flatten)]
    pub(super) measured: Measured,
}

/// The speed of a port of a switch that is connected.
pub(super) fn speed_of(network: &Network, port: PortRef) -> Option<u64> {
    let switch = network.switches().get(port.dpid)?;
    speed_bps(&switch.port(port.port)?)
}

/// The ports of a switch by number.
pub(super) fn ports(
    switch: Option<&SwitchHandle>,
    book: &SwitchBook,
    collected: &Collected,
    wanted: Wanted,
) -> Vec<PortRow> {
    let row = |stats: &PortStats| {
        let port = switch.and_then(|switch| switch.port(stats.port));
        let speed_bps = port.as_ref().and_then(speed_bps);
        let series = book.ports.get(&stats.port);
        let measured = |first| {
            let Measured {
                packets,
                bytes,
                rates,
            } = Measured::of(series, first, wanted);
            let rates = rates.on(speed_bps);
            Measured {
                packets,
                bytes,
                rates,
            }
        };
        PortRow {
            name: port.map(|port| port.name).unwrap_or_default(),
            speed_bps,
            stats: stats.clone(),
            rx: measured(RECEIVED),
            tx: measured(SENT),
        }
    };
    let mut rows: Vec<PortRow> = collected.ports.said.iter().flatten().map(row).collect();
    rows.sort_by_key(|row| row.stats.port);
    rows
}

/// The flow entries of a switch, with what they have counted wherever they stood.
pub(super) fn rules(book: &SwitchBook, collected: &Collected, wanted: Wanted) -> Vec<RuleRow> {
    let flows = collected.flows.said.iter().flatten();
    let row = |flow: &godwit_openflow::model::FlowStats| {
        let followed = book.rules.get(&Place::of(collected.dpid, &flow.rule));
        let total = followed.map(super::book::RuleSeries::total);
        let (packets, bytes) = total.map_or((flow.packets, flow.bytes), |total| {
            (total.packets, total.bytes)
        });
        RuleRow {
            rule: flow.rule.clone(),
            duration_ns: flow.duration_ns,
            measured: Measured {
                packets: Some(packets),
                bytes: Some(bytes),
                rates: Rates::of(followed.map(|rule| &rule.series), 0, wanted),
            },
        }
    };
    flows.map(row).collect()
}

/// All links: what is sent into each, or where that is not counted what comes out of it.
pub(super) fn links(network: &Network, book: &Book, wanted: Wanted) -> Vec<LinkRow> {
    let measured = |port: PortRef, first: usize| {
        let series = book.switches.get(&port.dpid)?.ports.get(&port.port)?;
        Some(Measured::of(Some(series), first, wanted)).filter(|measured| measured.bytes.is_some())
    };
    let topology = network.topology();
    let row = |link: Link| {
        let speed_bps = speed_of(network, link.src);
        let mut measured = measured(link.src, SENT)
            .or_else(|| measured(link.dst, RECEIVED))
            .unwrap_or_default();
        measured.rates = measured.rates.on(speed_bps);
        LinkRow {
            link,
            speed_bps,
            measured,
        }
    };
    let mut rows: Vec<LinkRow> = topology.links().map(row).collect();
    rows.sort_by_key(|row| row.link);
    rows
}

/// All routes by number.
pub(super) fn routes(
    network: &Network,
    routing: &Routing,
    book: &Book,
    wanted: Wanted,
) -> Vec<RouteRow> {
    let mut rows = Vec::new();
    routing.table().for_each(|id, route| {
        // Those that all of its packets leave by.
        let mut ports = route.path.hops().to_vec();
        let leaves_by = |path: &Path, hop: &Hop| {
            let own = path.hop_at(hop.dpid);
            own.is_some_and(|own| own.out_port == hop.out_port)
        };
        ports.retain(|hop| route.paths().iter().all(|path| leaves_by(path, hop)));
        let ports = ports.iter();
        let speeds = ports.map(|hop| speed_of(network, PortRef::new(hop.dpid, hop.out_port)));
        let slowest = speeds.collect::<Option<Vec<u64>>>();
        let speed_bps = slowest.and_then(|speeds| speeds.into_iter().min());
        let [from, to] = route.names.clone();
        let delivered = route.counters.delivered();
        rows.push(RouteRow {
            id,
            from,
            to,
            state: route.state,
            speed_bps,
            measured: Measured {
                packets: Some(delivered.packets),
                bytes: Some(delivered.bytes),
                rates: Rates::of(book.routes.get(&id), 0, wanted).on(speed_bps),
            },
        });
    });
    rows
}
