//! What stands in the way on a switch that gets entries.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use godwit_openflow::model::{Action, FlowRule, GroupDescription, Instruction, Pattern};
use godwit_openflow::types::{GroupId, PortNo};

use super::translate::anywhere;
use crate::others::described;
use crate::plan::overlap::{Map, pairs};

/// Reasons that are looked for on one switch; more help nobody.
const MOST: usize = 100;

/// Entries of others that a new one would overwrite, or one of which would take the other's packets.
pub fn between(arriving: &[&FlowRule], held: &[&FlowRule], why: &mut Vec<String>) {
    let most = why.len() + MOST;
    pairs(
        arriving.iter().copied(),
        held.iter().copied(),
        |arrives, stands| {
            let (arrives, stands) = (arriving[arrives], held[stands]);
            if arrives.same_identity(stands) {
                if !is_same(arrives, stands) {
                    why.push(format!(
                        "{} would be overwritten by one of the same priority and match, {}",
                        described(stands),
                        arrives.cookie
                    ));
                }
            } else if arrives.instructions != stands.instructions {
                let above = if arrives.priority >= stands.priority {
                    "above"
                } else {
                    "below"
                };
                why.push(format!(
                    "{} matches packets of {}, which would stand {above} it",
                    described(stands),
                    described(arrives)
                ));
            }
            if why.len() < most {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        },
    );
}

/// Whether it makes no difference which of both stands there.
#[must_use]
pub fn is_same(one: &FlowRule, other: &FlowRule) -> bool {
    one.instructions == other.instructions
        && one.cookie == other.cookie
        && one.idle_timeout == other.idle_timeout
        && one.hard_timeout == other.hard_timeout
}

/// Entries that tell apart by the port what comes in at one port afterwards. `ports` come together, and each entry that
/// names one of them must have the like for all others.
pub fn told_apart<'a>(
    rules: impl Iterator<Item = &'a FlowRule>,
    ports: &[std::collections::BTreeSet<PortNo>],
    rewritten: impl Fn(&FlowRule) -> Vec<Instruction>,
    why: &mut Vec<String>,
) {
    if ports.is_empty() {
        return;
    }
    type Rest = (u8, u16, Pattern);
    let mut by_rest: Map<Rest, BTreeMap<PortNo, Vec<Instruction>>> = Map::default();
    let mut all: Vec<(PortNo, Rest, &FlowRule)> = Vec::new();
    for rule in rules {
        if let Some(port) = rule.pattern.ingress_port() {
            let rest = (rule.table.0, rule.priority, anywhere(&rule.pattern));
            let of = by_rest.entry(rest.clone()).or_default();
            of.insert(port, rewritten(rule));
            all.push((port, rest, rule));
        }
    }
    for (port, rest, rule) in all {
        let Some(together) = ports.iter().find(|together| together.contains(&port)) else {
            continue;
        };
        let of = by_rest.get(&rest);
        let does = |port: &PortNo| of.and_then(|of| of.get(port));
        if together.iter().any(|other| does(other) != does(&port)) {
            why.push(format!(
                "{} tells apart what comes in at several ports, and the target has one port for them",
                described(rule)
            ));
        }
    }
}

/// The groups of a switch by their numbers.
pub type Groups<'a> = BTreeMap<GroupId, &'a GroupDescription>;

/// Groups within groups are followed so deep; switches allow none that refer to themselves.
pub(super) const DEPTH: usize = 16;

/// The ports that an entry sends to, through groups too.
#[must_use]
pub fn outputs(rule: &FlowRule, groups: &Groups<'_>) -> Vec<PortNo> {
    let mut ports = Vec::new();
    for instruction in &rule.instructions {
        put_outputs(instruction.actions(), groups, DEPTH, &mut ports);
    }
    ports
}

/// The ports that a group sends to, through groups too.
#[must_use]
pub fn outputs_of(group: &GroupDescription, groups: &Groups<'_>) -> Vec<PortNo> {
    let mut ports = Vec::new();
    for bucket in &group.buckets {
        put_outputs(&bucket.actions, groups, DEPTH, &mut ports);
    }
    ports
}

fn put_outputs(actions: &[Action], groups: &Groups<'_>, depth: usize, into: &mut Vec<PortNo>) {
    for action in actions {
        match action {
            Action::Output { port, .. } | Action::Enqueue { port, .. } => into.push(*port),
            Action::Group(group) if depth > 0 => {
                let buckets = groups
                    .get(group)
                    .into_iter()
                    .flat_map(|group| &group.buckets);
                for bucket in buckets {
                    put_outputs(&bucket.actions, groups, depth - 1, into);
                }
            }
            _ => {}
        }
    }
}

/// Whether a packet may leave the entry other than it came: then what it matched says nothing of what is sent.
#[must_use]
pub fn rewrites(rule: &FlowRule) -> bool {
    let leaves = |instruction: &Instruction| matches!(instruction, Instruction::GotoTable(_));
    let only_sends = |action: &Action| {
        matches!(
            action,
            Action::Output { .. } | Action::Enqueue { .. } | Action::SetQueue(_)
        )
    };
    rule.instructions.iter().any(leaves) || !rule.actions().all(only_sends)
}
