//! What switches hold, and the least that has to be sent so that a round is done, or undone.
//!
//! A round that was interrupted (by a refusal, a switch that did not answer, the end of the process) has taken effect
//! in any part. So the switches are read, and what is there already is not sent again: a rule that is added over
//! itself loses its age, and under OpenFlow 1.0 its counters.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use godwit_controller::switch::SwitchHandle;
use godwit_controller::{Network, Owner};
use godwit_openflow::model::group::GroupDescription;
use godwit_openflow::model::meter::MeterConfig;
use godwit_openflow::model::{FlowFlags, FlowRule, OwnedIdentity, ToSwitch};
use godwit_openflow::types::{DatapathId, GroupId, MeterId};
use tokio::task::JoinSet;

use super::shared::Shared;
use crate::migration::journal::Owed;
use crate::migration::transplant::read;
use crate::plan::entry::{Entry, EntryStep, Part};
use crate::plan::{Change, FlowId, Kind, Round, Step};

/// How long one switch may take to say what it holds: 100,000 rules take half a second.
const READING_BOUND: Duration = Duration::from_secs(2);

/// Which way a round is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Done,
    Undone,
}

/// What is asked of one switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Depth {
    /// Rules of routes.
    #[default]
    Routes,
    /// All rules.
    Rules,
    /// All rules, groups and meters.
    Everything,
}

/// What one switch holds. What it could not say is `None`: then everything is sent, which is safe, since every
/// message names exactly one entry.
#[derive(Debug, Default)]
struct Held {
    rules: Option<HashMap<OwnedIdentity, FlowRule>>,
    groups: Option<HashMap<GroupId, GroupDescription>>,
    meters: Option<HashMap<MeterId, MeterConfig>>,
}

/// What switches hold.
#[derive(Debug, Default)]
pub(super) struct Standing {
    switches: BTreeMap<DatapathId, Held>,
}

/// What has to be sent.
#[derive(Debug, Default)]
pub(super) struct Missing {
    pub(super) messages: godwit_controller::Round,
    /// Rules of routes that were deleted and are put back: they count from zero.
    pub(super) anew: Vec<(DatapathId, FlowId)>,
    /// Switches that are not connected.
    pub(super) away: BTreeSet<DatapathId>,
}

impl Standing {
    /// Asks every switch of these rounds that is connected.
    pub(super) async fn read(network: &Network, rounds: &[Round]) -> Self {
        let mut wants: BTreeMap<DatapathId, Depth> = BTreeMap::new();
        for step in rounds.iter().flat_map(|round| &round.steps) {
            wants.entry(step.dpid).or_default();
        }
        for step in rounds.iter().flat_map(|round| &round.entries) {
            let depth = match step.after.as_ref().or(step.before.as_ref()) {
                Some(Entry::Rule(_)) | None => Depth::Rules,
                Some(Entry::Group(_) | Entry::Meter(_)) => Depth::Everything,
            };
            let wanted = wants.entry(step.dpid).or_default();
            *wanted = depth.max(*wanted);
        }
        Self::ask(network, wants).await
    }

    /// Asks these switches, as far as they are connected.
    pub(super) async fn ask(network: &Network, wants: BTreeMap<DatapathId, Depth>) -> Self {
        let mut reading = JoinSet::new();
        for (dpid, depth) in wants {
            if let Some(switch) = network.switches().get(dpid) {
                let network = network.clone();
                reading.spawn(async move {
                    let mut held = Held::default();
                    let asked = held.ask(&network, &switch, depth);
                    if tokio::time::timeout(READING_BOUND, asked).await.is_err() {
                        tracing::warn!(%dpid, "the switch does not say what it holds");
                    }
                    (dpid, held)
                });
            }
        }
        let mut switches = BTreeMap::new();
        while let Some(answer) = reading.join_next().await {
            match answer {
                Ok((dpid, held)) => _ = switches.insert(dpid, held),
                Err(error) => tracing::error!(%error, "reading a switch ended abnormally"),
            }
        }
        Self { switches }
    }

    /// These groups and meters are somebody else's, whatever number they have.
    pub(super) fn disown(&mut self, theirs: &BTreeSet<(DatapathId, Shared)>) {
        for (dpid, shared) in theirs {
            let Some(held) = self.switches.get_mut(dpid) else {
                continue;
            };
            match shared {
                Shared::Group(group) => {
                    held.groups.as_mut().and_then(|groups| groups.remove(group));
                }
                Shared::Meter(meter) => {
                    held.meters.as_mut().and_then(|meters| meters.remove(meter));
                }
            }
        }
    }

    /// What has to be sent so that this round is done or undone. It is taken as done from then on.
    pub(super) fn missing(&mut self, round: &Round, way: Way) -> Missing {
        let mut missing = Missing::default();
        let (entries, steps) = (&round.entries, &round.steps);
        match way {
            Way::Done => {
                for step in entries {
                    self.entry(step, way, &mut missing);
                }
                for step in steps {
                    self.step(step, way, &mut missing);
                }
            }
            Way::Undone => {
                for step in steps.iter().rev() {
                    self.step(step, way, &mut missing);
                }
                for step in entries.iter().rev() {
                    self.entry(step, way, &mut missing);
                }
            }
        }
        missing
    }

    /// Whether a switch has a rule in this place with this cookie; `None` when it did not say.
    pub(super) fn has_rule(&self, dpid: DatapathId, rule: &FlowRule) -> Option<bool> {
        let rules = self.switches.get(&dpid)?.rules.as_ref()?;
        let there = rules.get(&rule.owned_identity());
        Some(there.is_some_and(|there| there.cookie == rule.cookie))
    }

    /// Whether a switch has no rule in this place, whoever's; `None` when it did not say.
    pub(super) fn is_free(&self, dpid: DatapathId, rule: &FlowRule) -> Option<bool> {
        let rules = self.switches.get(&dpid)?.rules.as_ref()?;
        Some(!rules.contains_key(&rule.owned_identity()))
    }

    fn step(&mut self, step: &Step, way: Way, missing: &mut Missing) {
        let rule = |rule: &Option<FlowRule>| rule.clone().map(Entry::Rule);
        let same = EntryStep {
            // It has no part among what belongs to no route; nobody asks.
            part: Part::Neighbour,
            dpid: step.dpid,
            change: step.change,
            before: rule(&step.before),
            after: rule(&step.after),
        };
        if self.entry(&same, way, missing) && way == Way::Undone {
            missing.anew.push((step.dpid, step.flow));
        }
    }

    /// Whether something that was gone is put back.
    fn entry(&mut self, step: &EntryStep, way: Way, missing: &mut Missing) -> bool {
        let Some(held) = self.switches.get_mut(&step.dpid) else {
            missing.away.insert(step.dpid);
            return false;
        };
        let (wanted, other) = match way {
            Way::Done => (&step.after, &step.before),
            Way::Undone => (&step.before, &step.after),
        };
        if !held.is_known(wanted.as_ref().or(other.as_ref())) {
            let blind = match way {
                Way::Done => step.message(),
                Way::Undone => step.undo(),
            };
            if let Some(message) = blind {
                missing.messages.push(step.dpid, message);
            }
            return false;
        }
        let change = match (wanted, other) {
            (Some(entry), _) => held.lacks(entry),
            (None, Some(entry)) => held.has(entry).then_some(Change::Remove),
            (None, None) => None,
        };
        let Some(change) = change else {
            return false;
        };
        held.note(wanted.as_ref(), other.as_ref());
        let message = message(step.dpid, change, wanted.as_ref().or(other.as_ref()));
        if let Some(message) = message {
            missing.messages.push(step.dpid, message);
        }
        change == Change::Install
    }
}

/// The message that makes this one change of an entry.
fn message(dpid: DatapathId, change: Change, entry: Option<&Entry>) -> Option<ToSwitch> {
    EntryStep {
        part: Part::Neighbour,
        dpid,
        change,
        before: entry.cloned(),
        after: entry.cloned(),
    }
    .message()
}

impl Held {
    async fn ask(&mut self, network: &Network, switch: &SwitchHandle, depth: Depth) {
        // What was sent before has taken effect when this is answered.
        if switch.apply(&[]).await.is_err() {
            return;
        }
        let owner = (depth == Depth::Routes).then_some(Owner::Routing);
        let Ok(rules) = network.read(switch, owner).await else {
            return;
        };
        let of = |rule: FlowRule| (rule.owned_identity(), rule);
        self.rules = Some(rules.into_iter().map(|stats| of(stats.rule)).collect());
        if depth != Depth::Everything {
            return;
        }
        if let Ok(groups) = read::groups(switch).await {
            let of = |group: GroupDescription| (group.group, group);
            self.groups = Some(groups.into_iter().map(of).collect());
        }
        if let Ok(meters) = read::meters(switch).await {
            let of = |meter: MeterConfig| (meter.meter, meter);
            self.meters = Some(meters.into_iter().map(of).collect());
        }
    }

    /// Whether the switch has said what it holds of this kind.
    const fn is_known(&self, entry: Option<&Entry>) -> bool {
        match entry {
            Some(Entry::Rule(_)) => self.rules.is_some(),
            Some(Entry::Group(_)) => self.groups.is_some(),
            Some(Entry::Meter(_)) => self.meters.is_some(),
            None => true,
        }
    }

    /// What has to be done so that the entry is there as it is.
    fn lacks(&self, entry: &Entry) -> Option<Change> {
        fn compare<K: std::hash::Hash + Eq, V>(
            held: Option<&HashMap<K, V>>,
            key: &K,
            same: impl Fn(&V) -> bool,
            whose: impl Fn(&V) -> bool,
        ) -> Option<Change> {
            match held.map(|held| held.get(key)) {
                Some(Some(there)) if whose(there) && same(there) => None,
                Some(Some(there)) if whose(there) => Some(Change::Modify),
                _ => Some(Change::Install),
            }
        }
        match entry {
            Entry::Rule(rule) => compare(
                self.rules.as_ref(),
                &rule.owned_identity(),
                |there| there.instructions == rule.instructions,
                // A cookie and flags can only be changed by adding it anew. Of the flags only this one is compared: it
                // is what an interrupted `Change::Replace` leaves, and OpenFlow 1.0 reports none.
                |there| {
                    let resets = |rule: &FlowRule| rule.flags.contains(FlowFlags::RESET_COUNTS);
                    there.cookie == rule.cookie && resets(there) == resets(rule)
                },
            ),
            Entry::Group(group) => compare(
                self.groups.as_ref(),
                &group.group,
                |there| there.does_the_same(group),
                |_| true,
            ),
            Entry::Meter(meter) => compare(
                self.meters.as_ref(),
                &meter.meter,
                |there| there.does_the_same(meter),
                |_| true,
            ),
        }
    }

    /// Whether the entry may be there. One of the same place by another's hand is not it.
    fn has(&self, entry: &Entry) -> bool {
        match entry {
            Entry::Rule(rule) => self.rules.as_ref().is_none_or(|rules| {
                let there = rules.get(&rule.owned_identity());
                there.is_some_and(|there| there.cookie == rule.cookie)
            }),
            Entry::Group(group) => {
                let groups = self.groups.as_ref();
                groups.is_none_or(|groups| groups.contains_key(&group.group))
            }
            Entry::Meter(meter) => {
                let meters = self.meters.as_ref();
                meters.is_none_or(|meters| meters.contains_key(&meter.meter))
            }
        }
    }

    fn note(&mut self, wanted: Option<&Entry>, other: Option<&Entry>) {
        match (wanted, other) {
            (Some(Entry::Rule(rule)), _) => {
                let rules = self.rules.as_mut();
                rules.and_then(|rules| rules.insert(rule.owned_identity(), rule.clone()));
            }
            (Some(Entry::Group(group)), _) => {
                let groups = self.groups.as_mut();
                groups.and_then(|groups| groups.insert(group.group, group.clone()));
            }
            (Some(Entry::Meter(meter)), _) => {
                let meters = self.meters.as_mut();
                meters.and_then(|meters| meters.insert(meter.meter, meter.clone()));
            }
            (None, Some(Entry::Rule(rule))) => {
                let rules = self.rules.as_mut();
                rules.and_then(|rules| rules.remove(&rule.owned_identity()));
            }
            (None, Some(Entry::Group(group))) => {
                let groups = self.groups.as_mut();
                groups.and_then(|groups| groups.remove(&group.group));
            }
            (None, Some(Entry::Meter(meter))) => {
                let meters = self.meters.as_mut();
                meters.and_then(|meters| meters.remove(&meter.meter));
            }
            (None, None) => {}
        }
    }
}

/// Whether the switch is connected and does what it is told.
pub(super) async fn answers(network: &Network, dpid: DatapathId) -> bool {
    match network.switches().get(dpid) {
        Some(switch) => switch.apply(&[]).await.is_ok(),
        None => false,
    }
}

/// Puts right what belongs to no route on a switch that was gone or did not answer. Whether it is done.
pub(in crate::migration) async fn put_right(network: &Network, owed: &Owed) -> bool {
    if !answers(network, owed.dpid).await {
        return false;
    }
    let round = Round {
        // What kind it was plays no part here.
        kind: Kind::Remove,
        steps: Vec::new(),
        entries: owed.steps.clone(),
    };
    let mut standing = Standing::read(network, std::slice::from_ref(&round)).await;
    let way = if owed.undone { Way::Undone } else { Way::Done };
    let missing = standing.missing(&round, way);
    missing.away.is_empty() && missing.messages.apply(network.switches()).await.is_ok()
}

#[cfg(test)]
mod tests;
