//! Walking every flow through every round of a plan, before anything is sent.
//!
//! Within a round the switches may change in any order. So at each switch of the round the flow may
//! meet the old rule or the new one; if the graph that has *both* next hops has no cycle and no dead end
//! that the flow can reach, no interleaving has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use godwit_openflow::model::FlowRule;
use godwit_openflow::types::{DatapathId, PortNo};
use godwit_topology::{Path, PortRef};

use super::{Flow, FlowId, Round, Step};

/// What a plan has to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarantee {
    /// Every packet reaches its destination, at every moment.
    Delivery,
    /// No packet circles; it may be lost.
    NoLoops,
}

/// Something that a plan would let happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// The flow could come back to this switch.
    Loop(DatapathId),
    /// The flow could end at this switch, which has no rule for it.
    DeadEnd(DatapathId),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loop(dpid) => write!(f, "packets could circle through switch {dpid}"),
            Self::DeadEnd(dpid) => write!(f, "packets could end at switch {dpid}"),
        }
    }
}

/// A plan that must not be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("flow {flow}, round {}: {violation}", round + 1)]
pub struct Unsafe {
    /// The flow that would suffer.
    pub flow: FlowId,
    /// The round in which, from 0.
    pub round: usize,
    /// What could happen.
    pub violation: Violation,
}

/// Checks a plan.
///
/// # Errors
/// With the first flow and round in which `guarantee` could be broken.
pub fn verify(flows: &[Flow], rounds: &[Round], guarantee: Guarantee) -> Result<(), Unsafe> {
    let mut steps_of: BTreeMap<FlowId, Vec<(usize, &Step)>> = BTreeMap::new();
    for (index, round) in rounds.iter().enumerate() {
        for step in &round.steps {
            steps_of.entry(step.flow).or_default().push((index, step));
        }
    }
    for flow in flows {
        let id = flow.template.id;
        let mut tables = Tables::of(flow);
        let steps = steps_of.get(&id).map_or(&[][..], Vec::as_slice);
        for chunk in steps.chunk_by(|one, other| one.0 == other.0) {
            let (round, _) = chunk[0];
            chunk.iter().for_each(|(_, step)| tables.begin_one(step));
            tables.holds(guarantee).map_err(|violation| Unsafe {
                flow: id,
                round,
                violation,
            })?;
            chunk.iter().for_each(|(_, step)| tables.finish_one(step));
        }
        // A plan may not leave a flow worse than it promised to bring it.
        tables.delivers().map_err(|violation| Unsafe {
            flow: id,
            round: rounds.len(),
            violation,
        })?;
    }
    Ok(())
}

/// Where a switch may send a flow: `None` is nowhere.
type NextHops = BTreeSet<Option<PortNo>>;

/// The rules of one flow on all switches, where some may be either old or new.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    next: BTreeMap<DatapathId, NextHops>,
    links: BTreeMap<PortRef, DatapathId>,
    ends: BTreeSet<PortRef>,
    start: DatapathId,
}

impl Tables {
    /// As they are before the first round.
    pub(super) fn of(flow: &Flow) -> Self {
        let mut tables = Self {
            next: BTreeMap::new(),
            links: BTreeMap::new(),
            ends: BTreeSet::new(),
            start: flow.new.source().dpid,
        };
        for path in flow.old.iter().chain([&flow.new]) {
            tables.learn_links(path);
        }
        for hop in flow.old.iter().flat_map(|path| path.hops()) {
            tables
                .next
                .insert(hop.dpid, BTreeSet::from([Some(hop.out_port)]));
        }
        tables
    }

    fn learn_links(&mut self, path: &Path) {
        for pair in path.hops().windows(2) {
            if let [hop, next] = pair {
                self.links.insert(
                    PortRef {
                        dpid: hop.dpid,
                        port: hop.out_port,
                    },
                    next.dpid,
                );
            }
        }
        self.ends.insert(path.destination());
    }

    /// From now on these changes may have taken effect or not.
    pub(super) fn begin(&mut self, steps: &[Step]) {
        steps.iter().for_each(|step| self.begin_one(step));
    }

    /// Now these changes have taken effect.
    pub(super) fn finish(&mut self, steps: &[Step]) {
        steps.iter().for_each(|step| self.finish_one(step));
    }

    fn begin_one(&mut self, step: &Step) {
        self.next
            .entry(step.dpid)
            .or_insert_with(|| BTreeSet::from([None]))
            .insert(out_port(step.after.as_ref()));
    }

    fn finish_one(&mut self, step: &Step) {
        self.next
            .insert(step.dpid, BTreeSet::from([out_port(step.after.as_ref())]));
    }

    fn holds(&self, guarantee: Guarantee) -> Result<(), Violation> {
        match (self.delivers(), guarantee) {
            (Err(Violation::DeadEnd(_)), Guarantee::NoLoops) => self.walk(true),
            (result, _) => result,
        }
    }

    /// Whether the flow reaches an end on every way that it might take.
    pub(super) fn delivers(&self) -> Result<(), Violation> {
        self.walk(false)
    }

    fn walk(&self, may_end_early: bool) -> Result<(), Violation> {
        let mut done = BTreeSet::new();
        // Depth first, with an explicit stack: a switch is entered, and left when all behind it is done.
        let mut on_way = BTreeSet::new();
        let mut stack = vec![(self.start, false)];
        while let Some((dpid, leaving)) = stack.pop() {
            if leaving {
                on_way.remove(&dpid);
                done.insert(dpid);
                continue;
            }
            if on_way.contains(&dpid) {
                return Err(Violation::Loop(dpid));
            }
            if done.contains(&dpid) {
                continue;
            }
            on_way.insert(dpid);
            stack.push((dpid, true));
            for next in self.next.get(&dpid).unwrap_or(&BTreeSet::from([None])) {
                let reached = next.map(|port| PortRef { dpid, port });
                match reached.map(|port| (self.ends.contains(&port), self.links.get(&port))) {
                    Some((true, _)) => {}
                    Some((false, Some(&next))) => stack.push((next, false)),
                    Some((false, None)) | None if may_end_early => {}
                    Some((false, None)) | None => return Err(Violation::DeadEnd(dpid)),
                }
            }
        }
        Ok(())
    }
}

fn out_port(rule: Option<&FlowRule>) -> Option<PortNo> {
    rule.and_then(|rule| rule.output_ports().next())
}
