//! What becomes of rules that belong to no route, beside the messages that move them: which rule takes which one's
//! place, what it brings with it, what others write meanwhile, and the writes that were held for the source.

mod late;
mod replay;

use std::collections::BTreeSet;

use godwit_controller::carried::Place;
use godwit_openflow::model::FlowRule;
use godwit_openflow::types::{DatapathId, PortNo};
use godwit_topology::{Graph, PortRef};

use super::planning::Planned;
use crate::plan::Change;
use crate::plan::entry::{Entry, EntryStep};

pub use late::{LateWrites, differences, shared_differences};
pub use replay::replay;

/// A rule that leaves one place for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedRule {
    /// Where it stood.
    pub from: Place,
    /// Where it stands afterwards.
    pub to: Place,
    /// As it stood at first.
    pub rule: FlowRule,
}

impl MovedRule {
    /// On the way back.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
            rule: self.rule,
        }
    }
}

/// The ways that packets took which belong to no route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OldPorts {
    /// Ports of neighbours that led to the switch that is left, until they were turned over.
    pub parting: BTreeSet<PortRef>,
    /// Ports by which packets left that switch.
    pub exits: BTreeSet<PortRef>,
    /// Ports of that switch by which they came in.
    pub entries: BTreeSet<PortRef>,
}

impl OldPorts {
    /// Of a plan, on this graph.
    #[must_use]
    pub fn of(planned: &Planned, graph: &Graph) -> Self {
        Self::new(entries(planned), graph)
    }

    /// Of the way back of a plan that is not carried through.
    #[must_use]
    pub fn back(planned: &Planned, graph: &Graph) -> Self {
        let inverse: Vec<_> = entries(planned).cloned().map(EntryStep::inverse).collect();
        Self::new(&inverse, graph)
    }

    fn new<'a>(steps: impl IntoIterator<Item = &'a EntryStep>, graph: &Graph) -> Self {
        let mut old = Self::default();
        for step in steps {
            let Some(before) = &step.before else { continue };
            match step.change {
                Change::Remove => old.exits.extend(outputs(step.dpid, before)),
                Change::Modify => {
                    let after = step.after.iter();
                    let kept: BTreeSet<_> =
                        after.flat_map(|after| outputs(step.dpid, after)).collect();
                    let parting = outputs(step.dpid, before).into_iter();
                    old.parting
                        .extend(parting.filter(|port| !kept.contains(port)));
                }
                Change::Install | Change::Replace => {}
            }
        }
        // A marker arrives only where a link leads.
        old.exits.retain(|port| graph.link_from(*port).is_some());
        let arrivals = old.parting.iter().filter_map(|port| graph.link_from(*port));
        old.entries = arrivals.map(|link| link.dst).collect();
        old
    }
}

fn entries(planned: &Planned) -> impl Iterator<Item = &EntryStep> {
    planned.rounds.iter().flat_map(|round| &round.entries)
}

/// The rules of a plan that belong to no route: those of the switch that is left, and those of neighbours that tell by the
/// port what comes from it.
#[must_use]
pub fn moved_rules(planned: &Planned) -> Vec<MovedRule> {
    let [Some(source), Some(target)] = planned.request.left_and_taking() else {
        return Vec::new();
    };
    let Some(transplant) = &planned.transplant else {
        return Vec::new();
    };
    let carried = transplant.rules.iter().map(|carried| MovedRule {
        from: Place::of(source, &carried.source),
        to: Place::of(target, &carried.target),
        rule: carried.source.clone(),
    });
    let twins = transplant.twins.iter().map(|twin| MovedRule {
        from: Place::of(twin.dpid, &twin.before),
        to: Place::of(twin.dpid, &twin.after),
        rule: twin.before.clone(),
    });
    carried.chain(twins).collect()
}

/// The physical ports that an entry sends out of.
fn outputs(dpid: DatapathId, entry: &Entry) -> Vec<PortRef> {
    let physical = |port: &PortNo| port.is_physical();
    let ports: Vec<PortNo> = match entry {
        Entry::Rule(rule) => rule.output_ports().filter(physical).collect(),
        Entry::Group(group) => {
            let actions = group.buckets.iter().flat_map(|bucket| &bucket.actions);
            actions
                .filter_map(godwit_openflow::model::Action::output_port)
                .filter(physical)
                .collect()
        }
        Entry::Meter(_) => Vec::new(),
    };
    ports
        .into_iter()
        .map(|port| PortRef::new(dpid, port))
        .collect()
}

#[cfg(test)]
mod tests;
