//! What links cost: paths are made to cost as little as possible.
//!
//! A link costs the same both ways, so that a route and its way back agree and waypoints are found exactly. What is set
//! for the link itself stands; otherwise the greater of what is set for the ports at its ends.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::link::{Link, PortRef};

/// What may be set. The upper end is OSPF's (RFC 2328 §C.3); no path through a million switches overflows a sum.
pub const COSTS: RangeInclusive<u32> = 1..=65_535;
/// What a cable costs unless something is set: a hop.
pub const CABLE_COST: u32 = 1;
/// How many times what a cable would an indirect link costs unless something is set: what stands in between learns
/// addresses, and forgets them, as it likes, so it is used where cables would take ten hops more.
pub const INDIRECT_COST: u32 = 10;
/// Settings at the most. They are kept as one record, which is written anew with each change.
pub const MAX_SETTINGS: usize = 4096;

/// The costs that were set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Listed", into = "Listed")]
pub struct Costs {
    ports: BTreeMap<PortRef, u32>,
    /// By the ends, the lower one first.
    links: BTreeMap<(PortRef, PortRef), u32>,
}

/// There is no room for a further setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{MAX_SETTINGS} costs are set, which is the most")]
pub struct TooMany;

impl Costs {
    /// Sets what a link at a port costs, or takes that back. Both directions are meant.
    ///
    /// # Errors
    /// [`TooMany`] when it would be one too many; then nothing is changed.
    pub fn set_port(&mut self, port: PortRef, cost: Option<u32>) -> Result<(), TooMany> {
        let count = self.len();
        set(&mut self.ports, port, cost, count)
    }

    /// Sets what one link costs, in both directions, or takes that back.
    ///
    /// # Errors
    /// As [`Self::set_port`].
    pub fn set_link(&mut self, link: Link, cost: Option<u32>) -> Result<(), TooMany> {
        let count = self.len();
        set(&mut self.links, ends(link), cost, count)
    }

    /// What a link costs where every cable costs the same; never 0.
    #[must_use]
    pub fn of(&self, link: &Link, indirect: bool) -> u64 {
        self.or(link, indirect, u64::from(CABLE_COST))
    }

    /// What a link costs: what is set, else this, if it is a cable; an indirect link as much more as it is worth less.
    /// Never 0.
    #[must_use]
    pub fn or(&self, link: &Link, indirect: bool, unset: u64) -> u64 {
        let at = |port| self.ports.get(&port).copied();
        let own = self.links.get(&ends(*link)).copied();
        let set = own.or(at(link.src).max(at(link.dst)));
        let times = if indirect { INDIRECT_COST } else { 1 };
        let cost = set.map_or_else(|| unset.saturating_mul(times.into()), u64::from);
        cost.max(1)
    }

    /// How many settings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ports.len() + self.links.len()
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn set<K: Ord>(
    costs: &mut BTreeMap<K, u32>,
    key: K,
    cost: Option<u32>,
    count: usize,
) -> Result<(), TooMany> {
    match cost {
        Some(_) if count >= MAX_SETTINGS && !costs.contains_key(&key) => return Err(TooMany),
        Some(cost) => _ = costs.insert(key, cost),
        None => _ = costs.remove(&key),
    }
    Ok(())
}

fn ends(link: Link) -> (PortRef, PortRef) {
    (link.src.min(link.dst), link.src.max(link.dst))
}

/// The same as lists, for whoever keeps them.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Listed {
    ports: Vec<(PortRef, u32)>,
    links: Vec<(Link, u32)>,
}

impl From<Listed> for Costs {
    fn from(listed: Listed) -> Self {
        let links = listed.links.into_iter();
        Self {
            ports: listed.ports.into_iter().collect(),
            links: links.map(|(link, cost)| (ends(link), cost)).collect(),
        }
    }
}

impl From<Costs> for Listed {
    fn from(costs: Costs) -> Self {
        let links = costs.links.into_iter();
        Self {
            ports: costs.ports.into_iter().collect(),
            links: links
                .map(|((src, dst), cost)| (Link { src, dst }, cost))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests;
