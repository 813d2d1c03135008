//! Walking every flow through every round of a plan, before anything is sent.
//!
//! Within a round the switches may change in any order. So at each switch of the round the flow may
//! meet the old rule or the new one; if the graph that has *both* next hops has no cycle and no dead end
//! that the flow can reach, no interleaving has.
//!
//! The budget is one millisecond for 1,000 rules, a rule being one change of one round (`benches/planning.rs` shows it as
//! more than a million elements a second). A route of several hops has several.

pub mod entries;

use std::fmt;

use godwit_openflow::model::FlowRule;
use godwit_openflow::types::{DatapathId, PortNo};
use godwit_topology::{Path, PortRef};
use smallvec::{SmallVec, smallvec};

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
    let mut all: Vec<(FlowId, usize, &Step)> = Vec::new();
    for (index, round) in rounds.iter().enumerate() {
        all.extend(round.steps.iter().map(|step| (step.flow, index, step)));
    }
    // Of one flow they stay in the order of the rounds.
    all.sort_by_key(|(flow, ..)| *flow);
    for flow in flows {
        let id = flow.template.id;
        let mut tables = Tables::of(flow);
        let begin = all.partition_point(|(flow, ..)| *flow < id);
        let steps = all.get(begin..).unwrap_or_default();
        let steps = &steps[..steps.partition_point(|(flow, ..)| *flow == id)];
        for chunk in steps.chunk_by(|one, other| one.1 == other.1) {
            let (_, round, _) = chunk[0];
            chunk.iter().for_each(|(.., step)| tables.begin_one(step));
            tables.holds(guarantee).map_err(|violation| Unsafe {
                flow: id,
                round,
                violation,
            })?;
            chunk.iter().for_each(|(.., step)| tables.finish_one(step));
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

/// Where a switch may send a flow: `None` is nowhere. One next hop, or two while it changes; more only where changes of
/// several rounds are laid over each other.
type NextHops = SmallVec<[Option<PortNo>; 2]>;

/// So many switches are walked through without asking for memory.
const SHORT: usize = 16;

/// The rules of one flow on all switches, where some may be either old or new. A path has few switches, so that looking
/// through a list is faster than any tree.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    next: Vec<(DatapathId, NextHops)>,
    links: Vec<(PortRef, DatapathId)>,
    ends: Vec<PortRef>,
    start: DatapathId,
}

/// How far the walk is with a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visit {
    Not,
    OnWay,
    Done,
}

impl Tables {
    /// As they are before the first round.
    pub(super) fn of(flow: &Flow) -> Self {
        let mut tables = Self {
            next: Vec::new(),
            links: Vec::new(),
            ends: Vec::new(),
            start: flow.new.source().dpid,
        };
        for path in flow.old.iter().chain([&flow.new]) {
            tables.learn_links(path);
        }
        for hop in flow.old.iter().flat_map(|path| path.hops()) {
            tables.next.push((hop.dpid, smallvec![Some(hop.out_port)]));
        }
        tables
    }

    fn learn_links(&mut self, path: &Path) {
        for pair in path.hops().windows(2) {
            if let [hop, next] = pair {
                let end = PortRef::new(hop.dpid, hop.out_port);
                self.links.push((end, next.dpid));
            }
        }
        self.ends.push(path.destination());
    }

    /// The place of a switch in the list, where it is put if it was not there.
    fn place(&mut self, dpid: DatapathId) -> usize {
        let known = self.next.iter().position(|(other, _)| *other == dpid);
        known.unwrap_or_else(|| {
            self.next.push((dpid, smallvec![None]));
            self.next.len() - 1
        })
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
        let place = self.place(step.dpid);
        if let Some((_, hops)) = self.next.get_mut(place) {
            let hop = out_port(step.after.as_ref());
            if !hops.contains(&hop) {
                hops.push(hop);
            }
        }
    }

    fn finish_one(&mut self, step: &Step) {
        let place = self.place(step.dpid);
        if let Some((_, hops)) = self.next.get_mut(place) {
            hops.clear();
            hops.push(out_port(step.after.as_ref()));
        }
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
        let mut visits: SmallVec<[Visit; SHORT]> = smallvec![Visit::Not; self.next.len()];
        // Depth first, with an explicit stack: a switch is entered, and left when all behind it is done.
        let mut stack: SmallVec<[(DatapathId, bool); SHORT]> = smallvec![(self.start, false)];
        while let Some((dpid, leaving)) = stack.pop() {
            let Some(place) = self.next.iter().position(|(other, _)| *other == dpid) else {
                // It has no rule, and never will have.
                if may_end_early {
                    continue;
                }
                return Err(Violation::DeadEnd(dpid));
            };
            match (leaving, visits[place]) {
                (true, _) => {
                    visits[place] = Visit::Done;
                    continue;
                }
                (false, Visit::OnWay) => return Err(Violation::Loop(dpid)),
                (false, Visit::Done) => continue,
                (false, Visit::Not) => visits[place] = Visit::OnWay,
            }
            stack.push((dpid, true));
            for &next in &self.next[place].1 {
                let reached = next.map(|port| PortRef::new(dpid, port));
                if reached.is_some_and(|end| self.ends.contains(&end)) {
                    continue;
                }
                let link = reached.and_then(|end| self.links.iter().find(|(from, _)| *from == end));
                match link {
                    Some((_, next)) => stack.push((*next, false)),
                    None if may_end_early => {}
                    None => return Err(Violation::DeadEnd(dpid)),
                }
            }
        }
        Ok(())
    }
}

fn out_port(rule: Option<&FlowRule>) -> Option<PortNo> {
    rule.and_then(|rule| rule.output_ports().next())
}
