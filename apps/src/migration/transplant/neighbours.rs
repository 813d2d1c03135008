//! What has to change on the neighbours of the source: what they send to it goes to the target, and what they do with
//! what comes from it they do with what comes from the target.

mod doubled;

use std::collections::{BTreeMap, BTreeSet};

use godwit_openflow::model::{Action, Field, FlowRule, FlowStats, Pattern};
use godwit_openflow::types::{DatapathId, PortNo};
use godwit_topology::Graph;

use super::conflict::{outputs, rewrites, told_apart};
use super::detours::Detour;
use super::graft::{Scene, Steps, remaining};
use super::ports::{PortMap, Stand, links_between, sharing, turned};
use super::translate::{Translator, anywhere};
use super::{Site, Twin};
use crate::others::described;
use crate::plan::Change;
use crate::plan::entry::{Entry, EntryStep, Part};
use crate::plan::overlap::Map;

/// A neighbour, and its ports.
pub(super) struct Neighbour<'a> {
    site: &'a Site,
    /// The ports to the source, and what leads to the target instead.
    turned: BTreeMap<PortNo, Stand>,
    /// The ports to the source.
    sourceward: BTreeSet<PortNo>,
    /// The ports to the target.
    targetward: BTreeSet<PortNo>,
    /// Whether what belongs to no route is sent here by the source.
    is_reached: bool,
}

/// What packets of a neighbour would come twice, or go round, while source and target both carry traffic. Apart from
/// [`graft`](super::graft::graft), for a way back: a way there that cuts the source off first has not asked for it.
pub(crate) fn check_mixture(scene: &Scene<'_>, site: &Site, why: &mut Vec<String>) {
    let [source, target] = [scene.source.dpid, scene.target.dpid];
    let ports = |to| {
        let links = links_between(scene.graph, site.dpid, to);
        links.iter().map(|link| link.src.port).collect()
    };
    let neighbour = Neighbour {
        site,
        turned: BTreeMap::new(),
        sourceward: ports(source),
        targetward: ports(target),
        is_reached: false,
    };
    if !neighbour.sourceward.is_empty() {
        neighbour.check_copies(scene, why);
        neighbour.check_hairpins(scene, why);
    }
}

impl<'a> Neighbour<'a> {
    pub(super) fn new(
        graph: &Graph,
        [source, target]: [DatapathId; 2],
        map: &PortMap,
        detour: Option<&Detour>,
        site: &'a Site,
        used: &BTreeSet<PortNo>,
    ) -> Self {
        let links = links_between(graph, source, site.dpid);
        let turned = match detour.and_then(Detour::at_neighbour) {
            Some(stand) => links.iter().map(|link| (link.dst.port, stand)).collect(),
            None => turned(graph, source, target, map, site.dpid),
        };
        Self {
            site,
            turned,
            sourceward: links.iter().map(|link| link.dst.port).collect(),
            targetward: links_between(graph, site.dpid, target)
                .iter()
                .map(|link| link.src.port)
                .collect(),
            is_reached: links.iter().any(|link| used.contains(&link.src.port)),
        }
    }

    /// Everything that has to change here.
    pub(super) fn turn(&self, scene: &Scene<'_>, steps: &mut Steps, reasons: &mut Vec<String>) {
        let mut why = Vec::new();
        self.turn_groups(steps, &mut why);
        self.turn_rules(scene, steps, &mut why);
        self.add_twins(scene, steps, &mut why);
        self.check_copies(scene, &mut why);
        if scene.mixes {
            self.check_hairpins(scene, &mut why);
        }
        let dpid = self.site.dpid;
        reasons.extend(why.iter().map(|reason| format!("switch {dpid}: {reason}")));
    }

    fn others<'s>(&'s self, scene: &'s Scene<'_>) -> impl Iterator<Item = &'a FlowStats> + 's
    where
        'a: 's,
    {
        let rules = self.site.holdings.rules.iter();
        rules.filter(|stats| super::is_others(stats.rule.cookie, scene.moving))
    }

    fn turn_groups(&self, steps: &mut Steps, why: &mut Vec<String>) {
        let translator = Translator::turning(&self.turned);
        for (group, _) in &self.site.holdings.groups {
            let mut reasons = Vec::new();
            let after = translator.group(group, &mut reasons);
            let direct = group.buckets.iter().flat_map(|bucket| &bucket.actions);
            self.check_lost(direct, &mut reasons);
            let watched = group.buckets.iter().filter_map(|bucket| bucket.watch_port);
            reasons.extend(
                watched
                    .filter(|port| self.is_lost(*port))
                    .map(|port| format!("it watches port {port}, which leads to the source")),
            );
            let number = group.group.0;
            why.extend(
                reasons
                    .iter()
                    .map(|reason| format!("group {number}: {reason}")),
            );
            if after != *group {
                steps.flips.push(EntryStep {
                    part: Part::Neighbour,
                    dpid: self.site.dpid,
                    change: Change::Modify,
                    before: Some(Entry::Group(group.clone())),
                    after: Some(Entry::Group(after)),
                });
            }
        }
    }

    fn turn_rules(&self, scene: &Scene<'_>, steps: &mut Steps, why: &mut Vec<String>) {
        let translator = Translator::turning(&self.turned);
        for FlowStats { rule, .. } in self.others(scene) {
            let mut reasons = Vec::new();
            let instructions = translator.instructions(&rule.instructions, &mut reasons);
            self.check_lost(rule.actions(), &mut reasons);
            why.extend(
                reasons
                    .iter()
                    .map(|reason| format!("{}: {reason}", described(rule))),
            );
            if instructions != rule.instructions {
                let after = FlowRule {
                    instructions,
                    ..rule.clone()
                };
                steps.flips.push(EntryStep {
                    part: Part::Neighbour,
                    dpid: self.site.dpid,
                    change: Change::Modify,
                    before: Some(Entry::Rule(rule.clone())),
                    after: Some(Entry::Rule(after)),
                });
            }
        }
    }

    fn is_lost(&self, port: PortNo) -> bool {
        self.sourceward.contains(&port) && !self.turned.contains_key(&port)
    }

    fn check_lost<'s>(&self, actions: impl IntoIterator<Item = &'s Action>, why: &mut Vec<String>) {
        for action in actions {
            if let Action::Output { port, .. } | Action::Enqueue { port, .. } = action
                && self.is_lost(*port)
            {
                why.push(format!(
                    "it sends to the source out of port {port}, and no link leads from here to the target"
                ));
            }
        }
    }

    /// What it does with packets from the source it does with those from the target.
    fn add_twins(&self, scene: &Scene<'_>, steps: &mut Steps, why: &mut Vec<String>) {
        let translator = Translator::turning(&self.turned);
        let rewritten =
            |rule: &FlowRule| translator.instructions(&rule.instructions, &mut Vec::new());
        let ends = || self.turned.iter().map(|(own, stand)| (*own, stand.port()));
        let others = || self.others(scene).map(|stats| &stats.rule);
        told_apart(others(), &sharing(ends()), rewritten, why);
        let held: Map<(u8, u16, &Pattern), &FlowRule> = others()
            .map(|rule| ((rule.table.0, rule.priority, &rule.pattern), rule))
            .collect();
        let mut twins: Vec<Twin> = Vec::new();
        for FlowStats {
            rule, duration_ns, ..
        } in self.others(scene)
        {
            let port = rule.pattern.ingress_port();
            let Some(stand) = port.and_then(|port| self.turned.get(&port)) else {
                continue;
            };
            let twin = FlowRule {
                instructions: rewritten(rule),
                hard_timeout: remaining(rule.hard_timeout, *duration_ns),
                ..Translator::turning(&self.turned).rule(rule, &mut Vec::new())
            };
            let pattern = twin.pattern.clone().in_port(stand.port());
            let twin = FlowRule { pattern, ..twin };
            match held.get(&(twin.table.0, twin.priority, &twin.pattern)) {
                Some(there) if rewritten(there) == twin.instructions => {}
                Some(there) => why.push(format!(
                    "{} already says what becomes of packets from the target, other than of those from the source",
                    described(there)
                )),
                None => twins.push(Twin {
                    dpid: self.site.dpid,
                    before: rule.clone(),
                    after: twin,
                    age_ns: *duration_ns,
                }),
            }
        }
        if self.is_reached {
            self.check_told_from_target(scene, why);
        }
        self.check_targets_own(scene, &twins, why);
        self.put_twins(twins, steps);
    }

    fn put_twins(&self, twins: Vec<Twin>, steps: &mut Steps) {
        let mut installed: BTreeSet<(u8, u16, Pattern)> = BTreeSet::new();
        for twin in twins {
            let step = |change, before: Option<&FlowRule>, after: Option<&FlowRule>| EntryStep {
                part: Part::Neighbour,
                dpid: self.site.dpid,
                change,
                before: before.cloned().map(Entry::Rule),
                after: after.cloned().map(Entry::Rule),
            };
            let after = &twin.after;
            if installed.insert((after.table.0, after.priority, after.pattern.clone())) {
                steps.twins.push(step(Change::Install, None, Some(after)));
            }
            // By then it has been turned over to the target.
            let mut turned = twin.before.clone();
            turned.instructions.clone_from(&after.instructions);
            steps
                .old_twins
                .push(step(Change::Remove, Some(&turned), None));
            steps.transplant.twins.push(twin);
        }
    }

    /// Entries for what comes from the target that there are not for what comes from the source: they would take
    /// packets that have come from the source so far.
    fn check_told_from_target(&self, scene: &Scene<'_>, why: &mut Vec<String>) {
        let others = || self.others(scene).map(|stats| &stats.rule);
        let held: Map<(u8, u16, &Pattern), &FlowRule> = others()
            .map(|rule| ((rule.table.0, rule.priority, &rule.pattern), rule))
            .collect();
        for rule in others() {
            let Some(port) = rule.pattern.ingress_port() else {
                continue;
            };
            let like = self.turned.iter().filter(|(_, stand)| stand.port() == port);
            for (own, _) in like {
                let pattern = rule.pattern.clone().in_port(*own);
                if !held.contains_key(&(rule.table.0, rule.priority, &pattern)) {
                    why.push(format!(
                        "{} would take packets that have come from the source so far",
                        described(rule)
                    ));
                }
            }
        }
    }

    /// What the target sends here already must not meet the twins.
    fn check_targets_own(&self, scene: &Scene<'_>, twins: &[Twin], why: &mut Vec<String>) {
        if twins.is_empty() {
            return;
        }
        let groups = scene.target.groups();
        for FlowStats { rule, .. } in scene.target.others(scene.moving) {
            let ends = outputs(rule, &groups).into_iter().filter_map(|port| {
                let link = scene
                    .graph
                    .link_from(godwit_topology::PortRef::new(scene.target.dpid, port))?;
                (link.dst.dpid == self.site.dpid).then_some(link.dst.port)
            });
            let ends: Vec<PortNo> = ends.collect();
            let met = twins.iter().find(|twin| {
                twin.after
                    .pattern
                    .ingress_port()
                    .is_some_and(|port| ends.contains(&port))
                    && (rewrites(rule) || may_be_same(&rule.pattern, &twin.after.pattern))
            });
            if let Some(met) = met {
                why.push(format!(
                    "{} is for what comes from the source, and the target sends such packets here by itself: {}",
                    described(&met.before),
                    described(rule)
                ));
            }
        }
    }
}

/// Whether a packet that matches the one when it is sent may match the other when it arrives.
pub(super) fn may_be_same(sent: &Pattern, arriving: &Pattern) -> bool {
    let bare = |pattern: &Pattern| {
        let mut pattern = anywhere(pattern);
        pattern.remove(Field::Metadata);
        pattern
    };
    bare(sent).overlaps(&bare(arriving))
}
