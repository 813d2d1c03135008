//! Where packets come out that carry a label.

use std::collections::{BTreeMap, BTreeSet};

use godwit_openflow::model::{Action, Field, FlowRule, Instruction, Pattern};
use godwit_openflow::types::{DatapathId, PortNo, TableId};
use godwit_topology::{Graph, PortRef};

use super::After;
use super::alike::Exit;
use crate::migration::transplant::is_others;
use crate::plan::FlowId;
use crate::plan::overlap::Map;

/// An entry of a hop.
pub(super) type Hop = (DatapathId, TableId, u16, Pattern);

/// Ways that packets with a label go.
pub(super) struct Labels<'a> {
    graph: &'a Graph,
    all: &'a BTreeMap<DatapathId, After<'a>>,
    moving: &'a BTreeSet<FlowId>,
    /// The entries that the ways which were asked for consist of.
    pub(super) hops: Map<Hop, ()>,
}

/// Where a labelled way begins, and where it ends, without the label.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    pub(super) exit: Exit,
    pub(super) end: PortRef,
}

impl<'a> Labels<'a> {
    pub(super) fn new(
        graph: &'a Graph,
        all: &'a BTreeMap<DatapathId, After<'a>>,
        moving: &'a BTreeSet<FlowId>,
    ) -> Self {
        Self {
            graph,
            all,
            moving,
            hops: Map::default(),
        }
    }

    /// The labelled way from one switch to another, if one has been laid.
    pub(super) fn way(&mut self, from: DatapathId, to: DatapathId) -> Option<Way> {
        let starts = self.all.iter().flat_map(|(dpid, after)| {
            let added = after.added.iter();
            added.filter_map(|rule| {
                Some((
                    PortRef::new(*dpid, rule.pattern.ingress_port()?),
                    label(rule)?,
                ))
            })
        });
        let starts: Vec<(PortRef, u16)> = starts.collect();
        for (arriving, label) in starts {
            let Some(link) = self.graph.link_to(arriving) else {
                continue;
            };
            if link.src.dpid != from {
                continue;
            }
            let Some((end, hops)) = self.walk(link.src, label) else {
                continue;
            };
            if end.dpid == to {
                self.hops.extend(hops.into_iter().map(|hop| (hop, ())));
                let exit = Exit {
                    port: link.src.port,
                    label: Some(label),
                };
                return Some(Way { exit, end });
            }
        }
        None
    }

    /// Follows a label from a port, out of which it is sent, to where the packet arrives without it.
    fn walk(&self, from: PortRef, label: u16) -> Option<(PortRef, Vec<Hop>)> {
        let mut leaving = from;
        let mut hops = Vec::new();
        for _ in 0..self.all.len() {
            let here = self.graph.link_from(leaving)?.dst;
            let after = self.all.get(&here.dpid)?;
            let pattern = Pattern::new()
                .in_port(here.port)
                .with(Field::VlanVid, u128::from(label) | 0x1000);
            let mut rules = after.rules.values();
            let rule = rules.find(|rule| rule.table.0 == 0 && rule.pattern == pattern)?;
            let is_first = |other: &&FlowRule| {
                !std::ptr::eq(*other, *rule)
                    && other.table == rule.table
                    && other.priority >= rule.priority
                    && is_others(other.cookie, self.moving)
                    && other.pattern.overlaps(&pattern)
            };
            let mut others = after.rules.values().copied();
            if others.any(|other| is_first(&other)) {
                return None;
            }
            hops.push((here.dpid, rule.table, rule.priority, pattern));
            let (next, pops) = sent(rule)?;
            leaving = PortRef::new(here.dpid, next);
            if pops {
                return Some((self.graph.link_from(leaving)?.dst, hops));
            }
        }
        None
    }
}

/// The label that an entry is for, if it is for nothing but what carries one and comes in at a port.
fn label(rule: &FlowRule) -> Option<u16> {
    let fields = rule.pattern.fields().count();
    let vlan = rule.pattern.exact(Field::VlanVid).filter(|_| fields == 2)?;
    u16::try_from(vlan).ok().map(|vlan| vlan & 0x0fff)
}

/// Where a hop sends to, and whether it takes the label away.
fn sent(rule: &FlowRule) -> Option<(PortNo, bool)> {
    let [Instruction::ApplyActions(actions)] = rule.instructions.as_slice() else {
        return None;
    };
    match actions.as_slice() {
        [Action::Output { port, .. }] => Some((*port, false)),
        [Action::PopVlan, Action::Output { port, .. }] => Some((*port, true)),
        _ => None,
    }
}
