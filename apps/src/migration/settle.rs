//! What becomes of rules that belong to no route, beside the messages that move them: which rule takes which one's
//! place, what it brings with it, what others write meanwhile, and the writes that were held for the source.

mod late;
mod replay;

use std::collections::BTreeSet;

use godwit_controller::carried::{Place, Shared, SharedPlace};
use godwit_openflow::model::FlowRule;
use godwit_openflow::types::{DatapathId, PortNo};
use godwit_topology::{Graph, PortRef};

use super::planning::Planned;
use crate::plan::Change;
use crate::plan::entry::{Entry, EntryStep, Part};

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

/// A group or a meter that leaves one switch for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MovedShared {
    /// Where it stood.
    pub from: SharedPlace,
    /// Where it stands afterwards, with the number that it has there.
    pub to: SharedPlace,
}

impl MovedShared {
    /// On the way back.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
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

/// The groups and meters of a plan that move: those that are taken from the switch that is left.
#[must_use]
pub fn moved_shared(planned: &Planned) -> Vec<MovedShared> {
    let [Some(left), Some(taking)] = planned.request.left_and_taking() else {
        return Vec::new();
    };
    let Some(transplant) = &planned.transplant else {
        return Vec::new();
    };
    let numbers = &transplant.numbers;
    let of_carried = |step: &&EntryStep| {
        step.dpid == left && step.change == Change::Remove && matches!(step.part, Part::Carried(_))
    };
    let removed = entries(planned).filter(of_carried);
    let shared = removed.filter_map(|step| step.before.as_ref()?.shared());
    let moved = shared.map(|shared| MovedShared {
        from: SharedPlace { dpid: left, shared },
        to: SharedPlace {
            dpid: taking,
            shared: match shared {
                Shared::Group(group) => {
                    Shared::Group(*numbers.groups.get(&group).unwrap_or(&group))
                }
                Shared::Meter(meter) => {
                    Shared::Meter(*numbers.meters.get(&meter).unwrap_or(&meter))
                }
            },
        },
    });
    moved.collect()
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
