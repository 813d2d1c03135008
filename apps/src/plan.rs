//! Plans: rounds of changes that take flows from their old paths to new ones. Pure values; nothing
//! here knows how they are sent.
//!
//! A *round* is a set of changes that may take effect in any order. Between rounds stands a barrier on
//! every switch. [`verify`] walks every flow through every round before anything is sent.

pub mod entry;
pub mod overlap;
pub mod text;
pub mod verify;

#[cfg(test)]
pub(crate) mod tests;

use godwit_controller::Owner;
use godwit_controller::rules::put_anew;
use godwit_openflow::model::{Action, FlowFlags, FlowMod, FlowRule, Instruction, Pattern};
use godwit_openflow::types::{DatapathId, MeterId, PortNo, QueueId};
use godwit_topology::{Hop, Path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use verify::Tables;

use entry::EntryStep;

/// The number of a flow: the own part of its rules' cookies.
pub type FlowId = u32;

/// What a flow's rules have in common on every switch. The output port comes from the path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// The flow.
    pub id: FlowId,
    /// Of every rule.
    pub priority: u16,
    /// What every rule matches.
    pub pattern: Pattern,
    /// What the first switch's rule matches as well, for a flow that begins at a port, not at a host.
    pub ingress: Option<PortNo>,
    /// Seconds without a packet; 0 is never.
    pub idle_timeout: u16,
    /// Seconds; 0 is never.
    pub hard_timeout: u16,
    /// How its packets are treated on their way.
    #[serde(default)]
    pub treatment: Treatment,
}

/// How a flow's packets are treated besides being sent on. Only switches of OpenFlow 1.3 can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Treatment {
    /// The queue that they take at every port that they leave by, where the port has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueId>,
    /// The meter that they pass on the first switch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter: Option<MeterId>,
}

impl Treatment {
    /// Whether they are only sent on.
    #[must_use]
    pub const fn is_plain(self) -> bool {
        self.queue.is_none() && self.meter.is_none()
    }
}

impl Template {
    /// The flow's rule at one hop of a path; `first` where the path begins.
    #[must_use]
    pub fn rule(&self, hop: &Hop, first: bool) -> FlowRule {
        self.rule_to(Action::output(hop.out_port), first)
    }

    /// The flow's rule on a switch that sends its packets on by this; `first` where its path begins.
    #[must_use]
    pub fn rule_to(&self, onward: Action, first: bool) -> FlowRule {
        let pattern = match self.ingress.filter(|_| first) {
            Some(port) => self.pattern.clone().in_port(port),
            None => self.pattern.clone(),
        };
        let queue = self.treatment.queue.map(Action::SetQueue);
        let actions = queue.into_iter().chain([onward]);
        let mut rule = FlowRule::new(self.priority, pattern, actions.collect())
            .with_cookie(Owner::Routing.cookie(self.id))
            .with_flags(FlowFlags::SEND_FLOW_REMOVED);
        if let Some(meter) = self.treatment.meter.filter(|_| first) {
            // A switch performs it first, and reports it first.
            rule.instructions.insert(0, Instruction::Meter(meter));
        }
        rule.idle_timeout = self.idle_timeout;
        rule.hard_timeout = self.hard_timeout;
        rule
    }

    /// The flow's rules along a path, first hop first.
    pub fn rules<'a>(
        &'a self,
        path: &'a Path,
    ) -> impl DoubleEndedIterator<Item = (DatapathId, FlowRule)> + 'a {
        path.hops()
            .iter()
            .enumerate()
            .map(|(index, hop)| (hop.dpid, self.rule(hop, index == 0)))
    }
}

/// A flow that is to go another way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Flow {
    /// Its rules.
    pub template: Template,
    /// The way it goes now; `None` for a flow that is new.
    pub old: Option<Path>,
    /// The way it shall go.
    pub new: Path,
}

/// What one change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Adds a rule where the flow had none.
    Install,
    /// Changes the next hop of a live rule, in place: its counters stay.
    Modify,
    /// Puts the rule there anew: its counters start again.
    Replace,
    /// Deletes a rule.
    Remove,
}

/// One change of one rule.
#[derive(Debug, Clone)]
pub struct Step {
    /// The flow that it belongs to.
    pub flow: FlowId,
    /// The switch.
    pub dpid: DatapathId,
    /// What is done.
    pub change: Change,
    /// The rule that is there now; `None` before an install.
    pub before: Option<FlowRule>,
    /// The rule that will be there; `None` after a removal.
    pub after: Option<FlowRule>,
}

impl Step {
    /// The messages that do it.
    #[must_use]
    pub fn flow_mods(&self) -> Vec<FlowMod> {
        let after = self.after.iter().cloned();
        match self.change {
            Change::Install => after.map(FlowMod::add).collect(),
            Change::Modify => after.map(FlowMod::modify_strict).collect(),
            Change::Replace => after.flat_map(|rule| put_anew(&rule)).collect(),
            Change::Remove => self
                .before
                .iter()
                .cloned()
                .map(FlowMod::delete_strict)
                .collect(),
        }
    }

    /// The message that undoes it. It may be sent whether or not the change took effect.
    #[must_use]
    pub fn undo(&self) -> Option<FlowMod> {
        match self.change {
            Change::Install => self.after.clone().map(FlowMod::delete_strict),
            Change::Modify => self.before.clone().map(FlowMod::modify_strict),
            Change::Replace | Change::Remove => self.before.clone().map(FlowMod::add),
        }
    }
}

/// What a round is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "RoundKind")]
pub enum Kind {
    /// New rules that carry nothing yet.
    Install,
    /// Live rules get their new next hop: from here on traffic goes the new way.
    Flip,
    /// Live rules are deleted: traffic stops until the next install.
    Cut,
    /// Rules that carry nothing any more are deleted.
    Remove,
}

/// Changes that may take effect in any order.
#[derive(Debug, Clone)]
pub struct Round {
    /// What it is for.
    pub kind: Kind,
    /// Changes of routes' rules, in the order in which they are sent to each switch.
    pub steps: Vec<Step>,
    /// Changes of what belongs to no route, in the order in which they are sent to each switch: before [`Self::steps`].
    pub entries: Vec<EntryStep>,
}

impl Round {
    /// A round of changes of routes' rules.
    #[must_use]
    pub const fn of(kind: Kind, steps: Vec<Step>) -> Self {
        Self {
            kind,
            steps,
            entries: Vec::new(),
        }
    }

    /// The switches that it changes; one may come several times.
    pub fn switches(&self) -> impl Iterator<Item = DatapathId> {
        let entries = self.entries.iter().map(|step| step.dpid);
        entries.chain(self.steps.iter().map(|step| step.dpid))
    }

    /// The messages of this round for each switch.
    #[must_use]
    pub fn messages(&self) -> godwit_controller::Round {
        let mut round = godwit_controller::Round::default();
        for step in &self.entries {
            if let Some(message) = step.message() {
                round.push(step.dpid, message);
            }
        }
        for step in &self.steps {
            for flow_mod in step.flow_mods() {
                round.push(step.dpid, flow_mod);
            }
        }
        round
    }

    /// The messages that undo this round, for each switch.
    #[must_use]
    pub fn undo(&self) -> godwit_controller::Round {
        let mut round = godwit_controller::Round::default();
        for step in self.steps.iter().rev() {
            if let Some(flow_mod) = step.undo() {
                round.push(step.dpid, flow_mod);
            }
        }
        for step in self.entries.iter().rev() {
            if let Some(message) = step.undo() {
                round.push(step.dpid, message);
            }
        }
        round
    }
}

/// How a flow's rules differ between its old path and its new one.
#[derive(Debug, Default)]
pub struct Difference {
    /// Rules on switches that only the new path has, last hop first.
    pub install: Vec<Step>,
    /// Rules whose next hop changes, last hop first.
    pub modify: Vec<Step>,
    /// Rules on switches that only the old path has, first hop first.
    pub remove: Vec<Step>,
    /// Rules on both that stay as they are, last hop first.
    pub same: Vec<(DatapathId, FlowRule)>,
}

impl Difference {
    /// Compares the two paths of a flow.
    #[must_use]
    pub fn of(flow: &Flow) -> Self {
        let template = &flow.template;
        // A path has few switches, so that looking through a list is faster than any tree.
        let old = flow.old.iter().flat_map(|path| template.rules(path));
        let mut old: Vec<(DatapathId, FlowRule)> = old.collect();
        let step = |dpid, change, before, after| Step {
            flow: template.id,
            dpid,
            change,
            before,
            after,
        };
        let mut difference = Self::default();
        for (dpid, after) in template.rules(&flow.new).rev() {
            let place = old
                .iter()
                .position(|(at, before)| *at == dpid && before.same_identity(&after));
            let Some((_, before)) = place.map(|place| old.remove(place)) else {
                // Where the switch was the first hop and no longer is, or the other way round, the rule's match changes: a
                // different rule to the switch.
                let install = step(dpid, Change::Install, None, Some(after));
                difference.install.push(install);
                continue;
            };
            if before == after {
                difference.same.push((dpid, after));
            } else {
                let flip = step(dpid, Change::Modify, Some(before), Some(after));
                difference.modify.push(flip);
            }
        }
        let left = old.into_iter();
        difference.remove = left
            .map(|(dpid, rule)| step(dpid, Change::Remove, Some(rule), None))
            .collect();
        difference
    }
}

/// Make before break: every new rule first, at once as far as no packet meets them yet, else last hop first; then the live
/// rules get their new next hop, from the destination towards the source, as many at once as [`verify`] allows;
/// then what is not used any more is removed.
#[must_use]
pub fn make_before_break(flows: &[Flow]) -> Vec<Round> {
    let mut install = Layers::default();
    let mut flip = Layers::default();
    let mut remove = Vec::new();
    for flow in flows {
        let difference = Difference::of(flow);
        flip.add(flip_groups(flow, &difference.install, difference.modify));
        install.add(install_groups(flow, difference.install));
        remove.extend(difference.remove);
    }
    let mut rounds = install.rounds(Kind::Install);
    rounds.extend(flip.rounds(Kind::Flip));
    if !remove.is_empty() {
        rounds.push(Round::of(Kind::Remove, remove));
    }
    rounds
}

/// The new rules of one flow in as few groups as are safe. Where packets of the flow don't come yet, no order of the
/// rules can be told from another; those on switches where they do come follow when the others are in force, last hop
/// first. A flow that is new is installed hop by hop: its packets may come in anywhere.
fn install_groups(flow: &Flow, installs: Vec<Step>) -> Vec<Vec<Step>> {
    let is_met = |step: &Step| {
        let old = flow.old.as_ref();
        old.is_none_or(|old| old.hop_at(step.dpid).is_some())
    };
    let (met, unmet): (Vec<_>, Vec<_>) = installs.into_iter().partition(is_met);
    let met = met.into_iter().map(|step| vec![step]);
    [unmet].into_iter().chain(met).collect()
}

/// The flips of one flow in as few groups as are safe: a flip joins the group before it when every
/// mixture of old and new within the group still delivers.
fn flip_groups(flow: &Flow, installed: &[Step], flips: Vec<Step>) -> Vec<Vec<Step>> {
    if flips.len() < 2 {
        return if flips.is_empty() {
            vec![]
        } else {
            vec![flips]
        };
    }
    let mut tables = Tables::of(flow);
    tables.finish(installed);
    let mut groups: Vec<Vec<Step>> = Vec::new();
    for step in flips {
        let joined = groups.last().is_some_and(|group| {
            let mut mixed = tables.clone();
            mixed.begin(group);
            mixed.begin(std::slice::from_ref(&step));
            mixed.delivers().is_ok()
        });
        match groups.last_mut().filter(|_| joined) {
            Some(group) => group.push(step),
            None => {
                if let Some(group) = groups.last() {
                    tables.finish(group);
                }
                groups.push(vec![step]);
            }
        }
    }
    groups
}

/// Rounds of several flows laid over each other: the first of each together, the second of each, …
#[derive(Debug, Default)]
struct Layers {
    layers: Vec<Vec<Step>>,
}

impl Layers {
    fn add(&mut self, groups: impl IntoIterator<Item = impl IntoIterator<Item = Step>>) {
        for (index, group) in groups.into_iter().enumerate() {
            match self.layers.get_mut(index) {
                Some(layer) => layer.extend(group),
                None => self.layers.push(group.into_iter().collect()),
            }
        }
    }

    fn rounds(self, kind: Kind) -> Vec<Round> {
        let layers = self.layers.into_iter();
        let layers = layers.filter(|steps| !steps.is_empty());
        layers.map(|steps| Round::of(kind, steps)).collect()
    }
}
