//! What a neighbour would let come twice, or go round, while source and target both carry traffic.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use godwit_controller::rules::stands_everywhere;
use godwit_openflow::model::{
    Action, Field, FlowRule, FlowStats, GroupDescription, GroupType, Instruction, Pattern,
};
use godwit_openflow::types::PortNo;

use super::Neighbour;
use crate::migration::transplant::conflict::{DEPTH, Groups, outputs};
use crate::migration::transplant::graft::Scene;
use crate::migration::transplant::pipeline::{after, stages};
use crate::migration::transplant::ports::links_between;
use crate::migration::transplant::translate::anywhere;
use crate::migration::transplant::{Site, is_others};
use crate::others::described;
use crate::plan::overlap::{Map, pairs};

impl Neighbour<'_> {
    /// A packet does not go back out of the port that it came in at (OF 1.3.5 §7.2.1): what the source sends here and
    /// would be sent back is dropped so far. While both carry traffic it would go on to the other one.
    pub(super) fn check_hairpins(&self, scene: &Scene<'_>, why: &mut Vec<String>) {
        let links = links_between(scene.graph, scene.source.dpid, self.site.dpid);
        let ends: BTreeSet<PortNo> = links.iter().map(|link| link.src.port).collect();
        let source = Tables::of(scene.source, |rule| {
            is_others(rule.cookie, scene.moving) && sends(rule, scene.source, &ends)
        });
        let here = Tables::of(self.site, |rule| sends(rule, self.site, &self.sourceward));
        pairs(&source.bare, &here.bare, |one, other| {
            let (from, back) = (source.chosen[one], here.chosen[other]);
            let comes = back.pattern.ingress_port();
            let is_met = comes.is_none_or(|port| self.sourceward.contains(&port))
                && !source.takes_before(from, &here.bare[other].pattern)
                && !here.takes_before(back, &source.bare[one].pattern);
            if is_met {
                why.push(format!(
                    "{} sends back what {} of the source sends here, which would go round while both carry traffic",
                    described(back),
                    described(from)
                ));
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
    }

    /// A packet of which copies go to the source and to the target would come to the target twice.
    pub(super) fn check_copies(&self, scene: &Scene<'_>, why: &mut Vec<String>) {
        let groups = self.site.groups();
        let reaches = |ports: &BTreeSet<PortNo>, ends: &BTreeSet<PortNo>| !ports.is_disjoint(ends);
        let (mut to_source, mut to_target) = (Vec::new(), Vec::new());
        for FlowStats { rule, .. } in self.others(scene) {
            let copies = copies(rule, &groups);
            let doubled = copies.iter().enumerate().any(|(one, first)| {
                let mut rest = copies.iter().enumerate();
                reaches(first, &self.sourceward)
                    && rest.any(|(other, second)| one != other && reaches(second, &self.targetward))
            });
            if doubled {
                why.push(format!(
                    "{} sends copies to the source and to the target, which would get both",
                    described(rule)
                ));
            }
            if copies.iter().any(|ports| reaches(ports, &self.sourceward)) {
                to_source.push(at_any_stage(rule));
            }
            if copies.iter().any(|ports| reaches(ports, &self.targetward)) {
                to_target.push(at_any_stage(rule));
            }
        }
        // What one table sends and what a later one does go together.
        pairs(&to_source, &to_target, |one, other| {
            let (first, second) = (&to_source[one], &to_target[other]);
            let goes_on = |rule: &FlowRule| {
                let mut instructions = rule.instructions.iter();
                instructions.any(|instruction| matches!(instruction, Instruction::GotoTable(_)))
            };
            // The table stands in the cookie, see `at_any_stage`.
            let earlier = if first.cookie < second.cookie {
                first
            } else {
                second
            };
            if first.cookie != second.cookie && goes_on(earlier) {
                why.push(format!(
                    "a packet may be sent to the source by one table and to the target by another ({})",
                    first.pattern
                ));
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
    }
}

/// The entries of a switch, some of them chosen.
struct Tables<'a> {
    all: Vec<&'a FlowRule>,
    by_pattern: Map<(u8, &'a Pattern), u16>,
    chosen: Vec<&'a FlowRule>,
    /// Those that were chosen, with what a packet looks like between switches once they have sent it.
    bare: Vec<FlowRule>,
}

impl<'a> Tables<'a> {
    fn of(site: &'a Site, choose: impl Fn(&FlowRule) -> bool) -> Self {
        let rules = site.holdings.rules.iter().map(|stats| &stats.rule);
        let all: Vec<&FlowRule> = rules
            .filter(|rule| !stands_everywhere(rule.cookie))
            .collect();
        let wanted: Vec<bool> = all.iter().map(|rule| choose(rule)).collect();
        let mut stages = stages(&all);
        stages.retain(|(index, _)| wanted.get(*index) == Some(&true));
        let chosen: Vec<&FlowRule> = stages.iter().map(|(index, _)| all[*index]).collect();
        let bare = stages.into_iter().map(|(index, mut pattern)| {
            pattern.remove(Field::Metadata);
            FlowRule {
                pattern: anywhere(&pattern),
                ..at_any_stage(all[index])
            }
        });
        let mut by_pattern: Map<(u8, &Pattern), u16> = Map::default();
        for rule in &all {
            let highest = by_pattern.entry((rule.table.0, &rule.pattern)).or_default();
            *highest = rule.priority.max(*highest);
        }
        Self {
            bare: bare.collect(),
            all,
            by_pattern,
            chosen,
        }
    }

    /// Whether another entry of the same table takes all packets that this one and `pattern` match.
    fn takes_before(&self, rule: &FlowRule, pattern: &Pattern) -> bool {
        if after(rule, rule.pattern.clone()) != rule.pattern {
            return false;
        }
        let Some(both) = anywhere(&rule.pattern).intersect(pattern) else {
            return true;
        };
        let same = self.by_pattern.get(&(rule.table.0, &both));
        same.is_some_and(|highest| *highest > rule.priority)
            || self.all.iter().any(|other| {
                other.table == rule.table
                    && other.priority > rule.priority
                    && other.pattern.covers(&both)
            })
    }
}

/// Whether the entry sends packets out of one of these ports.
fn sends(rule: &FlowRule, site: &Site, ports: &BTreeSet<PortNo>) -> bool {
    let groups = site.groups();
    let mut out = outputs(rule, &groups).into_iter();
    out.any(|port| ports.contains(&port) || matches!(port, PortNo::FLOOD | PortNo::ALL))
}

/// The rule as one that takes part in [`pairs`] with those of other tables: what packets look like in another table is
/// known only as far as nothing rewrites them. Its table is kept in the cookie.
fn at_any_stage(rule: &FlowRule) -> FlowRule {
    let mut pattern = after(rule, rule.pattern.clone());
    pattern.remove(Field::Metadata);
    FlowRule {
        cookie: godwit_openflow::types::Cookie(rule.table.0.into()),
        table: godwit_openflow::types::TableId(0),
        pattern,
        ..rule.clone()
    }
}

/// The copies that an entry makes of a packet, each with the ports where it may go.
fn copies(rule: &FlowRule, groups: &Groups<'_>) -> Vec<BTreeSet<PortNo>> {
    let mut copies = Vec::new();
    for instruction in &rule.instructions {
        put_copies(instruction.actions(), groups, DEPTH, &mut copies);
    }
    copies
}

fn put_copies(
    actions: &[Action],
    groups: &Groups<'_>,
    depth: usize,
    into: &mut Vec<BTreeSet<PortNo>>,
) {
    for action in actions {
        match action {
            Action::Output { port, .. } | Action::Enqueue { port, .. } => {
                into.push(BTreeSet::from([*port]));
            }
            Action::Group(number) if depth > 0 => {
                if let Some(group) = groups.get(number) {
                    put_group(group, groups, depth - 1, into);
                }
            }
            _ => {}
        }
    }
}

fn put_group(
    group: &GroupDescription,
    groups: &Groups<'_>,
    depth: usize,
    into: &mut Vec<BTreeSet<PortNo>>,
) {
    if matches!(group.group_type, GroupType::All | GroupType::Indirect) {
        for bucket in &group.buckets {
            put_copies(&bucket.actions, groups, depth, into);
        }
        return;
    }
    // One of its buckets: a single copy, unless a bucket makes several.
    let mut places: Vec<BTreeSet<PortNo>> = Vec::new();
    for bucket in &group.buckets {
        let mut own = Vec::new();
        put_copies(&bucket.actions, groups, depth, &mut own);
        for (place, ports) in own.into_iter().enumerate() {
            match places.get_mut(place) {
                Some(known) => known.extend(ports),
                None => places.push(ports),
            }
        }
    }
    into.extend(places);
}
