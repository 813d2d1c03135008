//! How full links are, and what that makes them cost.
//!
//! What is weighed is what one more bit costs: the slope of the convex, piecewise linear cost of Fortz and Thorup
//! (*Internet Traffic Engineering by Optimizing OSPF Weights*, INFOCOM 2000, §II). It says about what queueing does: it
//! is flat while there is room, and so steep near the end that a way round of many links is cheaper.
//!
//! | used, at least | 0 | 1/3 | 2/3 | 9/10 | 1 | 11/10 |
//! |---|---|---|---|---|---|---|
//! | costs | 1 | 3 | 10 | 70 | 500 | 5000 |
//!
//! A step is taken upwards at once, and downwards only when the link is five points below it, so that one that
//! wavers about a step does not change what it costs with every reading.

use std::collections::BTreeMap;

use godwit_openflow::types::{DatapathId, PortNo};

use crate::link::{Link, PortRef};

/// What a link costs that is used up to so much of its speed.
const SLOPES: [(f64, u64); 5] = [
    (1.0 / 3.0, 1),
    (2.0 / 3.0, 3),
    (0.9, 10),
    (1.0, 70),
    (1.1, 500),
];
/// What it costs beyond.
const STEEPEST: u64 = 5000;
/// How far below a step it has to be to go down.
const SLACK: f64 = 0.05;

/// What is known of how full the ports of the network are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loads {
    /// Only ports that cost more than those that are idle.
    busy: BTreeMap<PortRef, u64>,
}

impl Loads {
    /// What parts of their speeds the ports of a switch send or receive, the greater of the two: all of them that are
    /// known; the others are taken to be idle. Whether any costs something else now.
    pub fn set(
        &mut self,
        dpid: DatapathId,
        ports: impl IntoIterator<Item = (PortNo, f64)>,
    ) -> bool {
        let own = PortRef::new(dpid, PortNo(0))..=PortRef::new(dpid, PortNo(u32::MAX));
        let before: BTreeMap<PortRef, u64> = self
            .busy
            .range(own)
            .map(|(port, cost)| (*port, *cost))
            .collect();
        let mut after = BTreeMap::new();
        for (port, used) in ports {
            let port = PortRef::new(dpid, port);
            let cost = held(before.get(&port).copied().unwrap_or(1), used);
            if cost > 1 {
                after.insert(port, cost);
            }
        }
        if before == after {
            return false;
        }
        self.busy.retain(|port, _| port.dpid != dpid);
        self.busy.extend(after);
        true
    }

    /// What a link costs in both directions: the greater of its ends.
    #[must_use]
    pub fn cost(&self, link: &Link) -> u64 {
        let at = |port| self.busy.get(&port).copied().unwrap_or(1);
        at(link.src).max(at(link.dst))
    }
}

fn slope(used: f64) -> u64 {
    let within = SLOPES.iter().find(|(up_to, _)| used < *up_to);
    within.map_or(STEEPEST, |(_, cost)| *cost)
}

/// The cost of a port that cost so much before.
fn held(cost: u64, used: f64) -> u64 {
    let up = slope(used);
    if up >= cost {
        up
    } else {
        cost.min(slope(used + SLACK))
    }
}

#[cfg(test)]
mod tests;
