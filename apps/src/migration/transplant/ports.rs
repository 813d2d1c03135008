//! Which port of the target stands for which port of the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use godwit_openflow::model::Port;
use godwit_openflow::model::bits::{port_config, port_state};
use godwit_openflow::types::{DatapathId, PortNo};
use godwit_topology::{Graph, Link, PortRef};
use serde::{Deserialize, Serialize};

/// What stands for a port of the source on the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    /// A port to the same neighbour.
    Port(PortNo),
    /// The first hop of a detour to the neighbour, whose packets carry this VLAN id.
    Detour {
        /// The target's port.
        port: PortNo,
        /// The label: 1 to 4094.
        vlan: u16,
    },
}

impl Stand {
    /// The port, whatever label it takes.
    #[must_use]
    pub const fn port(self) -> PortNo {
        match self {
            Self::Port(port) | Self::Detour { port, .. } => port,
        }
    }
}

/// Why nothing stands for a port of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// It leads to the target itself.
    LeadsToTarget,
    /// The target has no link to that neighbour.
    NoLink(DatapathId),
    /// It is up, but no switch is known behind it: a host may be.
    NoSwitch,
    /// It is down.
    Down,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeadsToTarget => f.write_str("leads to the target itself"),
            Self::NoLink(dpid) => {
                write!(f, "leads to switch {dpid}, to which the target has no link")
            }
            Self::NoSwitch => {
                f.write_str("leads to no switch that is known: a host may hang there")
            }
            Self::Down => f.write_str("is down"),
        }
    }
}

/// Where the source's ports are on the target.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PortMap {
    /// The source's port, and what stands for it.
    pub ports: BTreeMap<PortNo, Stand>,
    /// The source's other ports.
    pub missing: BTreeMap<PortNo, Missing>,
    /// The source's ports that its FLOOD means.
    pub flood: Vec<PortNo>,
    /// The source's ports that its ALL means.
    pub all: Vec<PortNo>,
}

impl PortMap {
    /// Compares what is cabled to source and target. The n-th link of the source to a neighbour becomes the n-th of the
    /// target, from the beginning again where the target has fewer.
    #[must_use]
    pub fn between(graph: &Graph, source: DatapathId, target: DatapathId, ports: &[Port]) -> Self {
        let mut map = Self::default();
        for port in ports.iter().filter(|port| port.number.is_physical()) {
            let missing = if port.is_up() {
                Missing::NoSwitch
            } else {
                Missing::Down
            };
            map.missing.insert(port.number, missing);
            if port.is_up() && port.config & port_config::NO_FORWARD == 0 {
                map.all.push(port.number);
                let is_blocked = port.state & port_state::BLOCKED != 0
                    || port.state & port_state::SPANNING_TREE == port_state::SPANNING_TREE_BLOCK;
                if port.config & port_config::NO_FLOOD == 0 && !is_blocked {
                    map.flood.push(port.number);
                }
            }
        }
        map.all.sort_unstable();
        map.flood.sort_unstable();
        for (neighbour, links) in links_by_neighbour(graph, source) {
            let theirs = links_between(graph, target, neighbour);
            for (index, link) in links.iter().enumerate() {
                let own = link.src.port;
                let stand = theirs.get(index % theirs.len().max(1));
                match stand {
                    _ if neighbour == target => {
                        map.missing.insert(own, Missing::LeadsToTarget);
                    }
                    None => _ = map.missing.insert(own, Missing::NoLink(neighbour)),
                    Some(theirs) => {
                        map.missing.remove(&own);
                        map.ports.insert(own, Stand::Port(theirs.src.port));
                    }
                }
            }
        }
        map
    }

    /// What stands for a port.
    ///
    /// # Errors
    /// Says why nothing does.
    pub fn stand(&self, port: PortNo) -> Result<Stand, String> {
        match (self.ports.get(&port), self.missing.get(&port)) {
            (Some(stand), _) => Ok(*stand),
            (None, Some(missing)) => Err(format!("port {port} {missing}")),
            (None, None) => Err(format!("there is no port {port}")),
        }
    }

    /// The source's ports that share one of the target with others.
    #[must_use]
    pub fn sharing(&self) -> Vec<BTreeSet<PortNo>> {
        sharing(self.ports.iter().map(|(own, stand)| (*own, stand.port())))
    }
}

/// Sets of several that have the same other port.
#[must_use]
pub fn sharing(ports: impl Iterator<Item = (PortNo, PortNo)>) -> Vec<BTreeSet<PortNo>> {
    let mut by_other: BTreeMap<PortNo, BTreeSet<PortNo>> = BTreeMap::new();
    for (own, other) in ports {
        by_other.entry(other).or_default().insert(own);
    }
    by_other.into_values().filter(|all| all.len() > 1).collect()
}

/// The usable links of a switch, by the switch at their other end, each by its port here.
#[must_use]
pub fn links_by_neighbour(graph: &Graph, dpid: DatapathId) -> BTreeMap<DatapathId, Vec<Link>> {
    let mut by_neighbour: BTreeMap<DatapathId, Vec<Link>> = BTreeMap::new();
    for link in graph.usable_from(dpid) {
        by_neighbour.entry(link.dst.dpid).or_default().push(link);
    }
    by_neighbour.values_mut().for_each(|links| links.sort());
    by_neighbour
}

/// The usable links between two switches, by their ports at the first.
#[must_use]
pub fn links_between(graph: &Graph, from: DatapathId, to: DatapathId) -> Vec<Link> {
    let all = graph.usable_from(from);
    let mut links: Vec<Link> = all.filter(|link| link.dst.dpid == to).collect();
    links.sort();
    links
}

/// Where a neighbour's ports to the source are turned to: what leads to the target in their place.
#[must_use]
pub fn turned(
    graph: &Graph,
    source: DatapathId,
    target: DatapathId,
    map: &PortMap,
    neighbour: DatapathId,
) -> BTreeMap<PortNo, Stand> {
    let mut turned = BTreeMap::new();
    for link in links_between(graph, source, neighbour) {
        let Some(Stand::Port(stand)) = map.ports.get(&link.src.port) else {
            continue;
        };
        if let Some(theirs) = graph.link_from(PortRef::new(target, *stand)) {
            turned.insert(link.dst.port, Stand::Port(theirs.dst.port));
        }
    }
    turned
}
