//! The way back of what belongs to no route: every entry stands again where the migration took it from.
//!
//! The states on this way are those of the way forth in the opposite order: the source has its entries again beside the
//! target's, the neighbours turn to it, the target's copies go. That holds as long as nobody has changed the entries
//! since; whatever somebody did change is named instead of being overwritten.

mod proven;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use godwit_openflow::model::{
    FlowRule, FlowStats, GroupDescription, MeterConfig, OwnedIdentity, Pattern,
};
use godwit_openflow::types::{DatapathId, GroupId, MeterId, PortNo, TableId};
use godwit_topology::Link;
use serde::{Deserialize, Serialize};

use crate::migration::planning::Planned;
use crate::migration::transplant::graft::{Steps, remaining};
use crate::migration::transplant::ports::{Missing, PortMap, Stand};
use crate::migration::transplant::translate::Translator;
use crate::migration::transplant::{Carried, Numbers, Site, Transplant, Twin};
use crate::others::described;
use crate::plan::Change;
use crate::plan::entry::{Entry, EntryStep, Part};

/// What a migration did to what belongs to no route.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Displaced {
    transplant: Transplant,
    /// Those of the rules that the target had already by itself, by their place among them.
    shared: BTreeSet<usize>,
    /// The steps of everything else, in the order in which they were sent.
    steps: Vec<EntryStep>,
}

impl Displaced {
    /// Of a plan; `None` where only routes moved.
    #[must_use]
    pub fn of(planned: &Planned) -> Option<Self> {
        let mut transplant = planned.transplant.clone()?;
        if transplant.is_empty() {
            return None;
        }
        transplant.own.clear();
        let mut shared: BTreeSet<usize> = (0..transplant.rules.len()).collect();
        let mut steps = Vec::new();
        let mut put = BTreeSet::new();
        for step in planned.rounds.iter().flat_map(|round| &round.entries) {
            match (step.part, step.change, &step.after) {
                (Part::Carried(_), Change::Install, Some(Entry::Rule(rule))) => {
                    put.insert(rule.owned_identity());
                }
                (Part::Carried(_), Change::Remove, _)
                    if matches!(step.before, Some(Entry::Rule(_))) => {}
                _ => steps.push(step.clone()),
            }
        }
        shared.retain(|&index| {
            let carried = transplant.rules.get(index);
            carried.is_some_and(|carried| !put.contains(&carried.target.owned_identity()))
        });
        Some(Self {
            transplant,
            shared,
            steps,
        })
    }

    /// The switches that have to be read before there is a way back, beside source and target and the neighbours that
    /// they have now.
    pub fn neighbours(&self) -> impl Iterator<Item = DatapathId> {
        self.steps.iter().map(|step| step.dpid)
    }

    /// The flow entries that the target got.
    pub fn put_on_target(&self) -> impl Iterator<Item = &FlowRule> {
        let rules = self.transplant.rules.iter().enumerate();
        let rules = rules.filter(|(index, _)| !self.shared.contains(index));
        rules.map(|(_, carried)| &carried.target)
    }

    /// Everything else that was put or changed, as it was left.
    pub fn made(&self) -> impl Iterator<Item = (DatapathId, &Entry)> {
        let steps = self.steps.iter();
        steps.filter_map(|step| Some((step.dpid, step.after.as_ref()?)))
    }

    /// The steps that laid detours.
    pub fn hops(&self) -> impl Iterator<Item = &EntryStep> {
        let steps = self.steps.iter();
        steps.filter(|step| step.part == Part::Detour && step.change == Change::Install)
    }

    /// The links by which the target took the source's place.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.transplant.links
    }

    /// What stood on the target for a port of the source.
    #[must_use]
    pub fn stand(&self, port: PortNo) -> Option<Stand> {
        self.transplant.ports.ports.get(&port).copied()
    }

    /// The way back from the target to the source, by what `sites` hold now. Entries that have ended on the target stay
    /// ended. `added` was put on the target later in the source's stead, and goes to the source as well. Pure.
    ///
    /// # Errors
    /// With everything that somebody has changed since.
    pub fn back(
        &self,
        source: DatapathId,
        target: DatapathId,
        sites: &BTreeMap<DatapathId, Site>,
        added: &[FlowRule],
    ) -> Result<Steps, Vec<String>> {
        let held = sites.iter().map(|(dpid, site)| (*dpid, Held::of(site)));
        let mut back = Back {
            ends: [source, target],
            held: held.collect(),
            steps: Steps::default(),
            why: Vec::new(),
        };
        back.steps.transplant = self.inverted();
        if let Some(site) = sites.get(&source) {
            let own = site.holdings.rules.iter();
            back.steps.transplant.own = own.map(|stats| stats.rule.clone()).collect();
        }
        back.rules(self);
        back.added(self, added);
        back.rest(self);
        // None leads into a table that lacks what it leads to, and none of those of lower priority takes a packet.
        let rule = |step: &EntryStep, of: fn(&EntryStep) -> &Option<Entry>| match of(step) {
            Some(Entry::Rule(rule)) => Some((rule.table, rule.priority)),
            _ => None,
        };
        back.steps.put.sort_by_key(|step| {
            let place = rule(step, |step| &step.after);
            place.map(|(table, _)| std::cmp::Reverse(table))
        });
        let taken = &mut back.steps.taken;
        taken.sort_by_key(|step| rule(step, |step| &step.before).map(|(_, priority)| priority));
        if back.why.is_empty() {
            Ok(back.steps)
        } else {
            Err(back.why)
        }
    }

    /// The map of ports and numbers from the target to the source.
    fn inverted(&self) -> Transplant {
        let Transplant { ports, numbers, .. } = &self.transplant;
        let mut map = PortMap::default();
        for (own, stand) in &ports.ports {
            match *stand {
                Stand::Port(port) => _ = map.ports.entry(port).or_insert(Stand::Port(*own)),
                Stand::Detour { port, .. } => _ = map.missing.insert(port, Missing::NoSwitch),
            }
        }
        map.missing.retain(|port, _| !map.ports.contains_key(port));
        map.all = map.ports.keys().copied().collect();
        map.flood.clone_from(&map.all);
        let numbers = Numbers {
            groups: numbers
                .groups
                .iter()
                .map(|(own, new)| (*new, *own))
                .collect(),
            meters: numbers
                .meters
                .iter()
                .map(|(own, new)| (*new, *own))
                .collect(),
        };
        Transplant {
            ports: map,
            numbers,
            ..Transplant::default()
        }
    }
}

/// What a switch holds, by what names it.
struct Held<'a> {
    rules: HashMap<(TableId, u16, &'a Pattern), &'a FlowStats>,
    groups: HashMap<GroupId, &'a GroupDescription>,
    meters: HashMap<MeterId, &'a MeterConfig>,
}

/// What stands in an entry's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    Same,
    Other,
}

impl<'a> Held<'a> {
    fn of(site: &'a Site) -> Self {
        let rules = site.holdings.rules.iter();
        let groups = site.holdings.groups.iter();
        let meters = site.holdings.meters.iter();
        let place = |stats: &'a FlowStats| {
            let rule = &stats.rule;
            ((rule.table, rule.priority, &rule.pattern), stats)
        };
        Self {
            rules: rules.map(place).collect(),
            groups: groups.map(|(group, _)| (group.group, group)).collect(),
            meters: meters.map(|(meter, _)| (meter.meter, meter)).collect(),
        }
    }

    fn rule(&self, rule: &FlowRule) -> Option<&'a FlowStats> {
        let place = (rule.table, rule.priority, &rule.pattern);
        self.rules.get(&place).copied()
    }

    fn found(&self, entry: &Entry) -> Found {
        let same = match entry {
            Entry::Rule(rule) => self.rule(rule).map(|there| is_same(&there.rule, rule)),
            Entry::Group(group) => {
                let there = self.groups.get(&group.group);
                there.map(|there| there.does_the_same(group))
            }
            Entry::Meter(meter) => {
                let there = self.meters.get(&meter.meter);
                there.map(|there| there.does_the_same(meter))
            }
        };
        match same {
            None => Found::Nothing,
            Some(true) => Found::Same,
            Some(false) => Found::Other,
        }
    }
}

/// Timeouts are left aside: what remained of them was put.
fn is_same(one: &FlowRule, other: &FlowRule) -> bool {
    one.instructions == other.instructions && one.cookie == other.cookie
}

fn name(entry: &Entry) -> String {
    match entry {
        Entry::Rule(rule) => described(rule),
        Entry::Group(group) => format!("group {}", group.group.0),
        Entry::Meter(meter) => format!("meter {}", meter.meter.0),
    }
}

struct Back<'a> {
    /// The source, which takes everything again, and the target.
    ends: [DatapathId; 2],
    held: BTreeMap<DatapathId, Held<'a>>,
    steps: Steps,
    why: Vec<String>,
}

impl<'a> Back<'a> {
    fn found(&self, dpid: DatapathId, entry: &Entry) -> Found {
        let held = self.held.get(&dpid);
        held.map_or(Found::Nothing, |held| held.found(entry))
    }

    fn rule(&self, dpid: DatapathId, rule: &FlowRule) -> Option<&'a FlowStats> {
        self.held.get(&dpid)?.rule(rule)
    }

    fn is_free(&mut self, dpid: DatapathId, entry: &Entry) -> bool {
        let is_free = self.found(dpid, entry) != Found::Other;
        if !is_free {
            let name = name(entry);
            self.why.push(format!(
                "switch {dpid}: another stands in the place of {name}"
            ));
        }
        is_free
    }

    fn changed(&mut self, dpid: DatapathId, entry: &Entry) {
        let name = name(entry);
        self.why
            .push(format!("switch {dpid}: somebody has changed {name}"));
    }

    /// Flow entries of the source, and those that stand for them.
    fn rules(&mut self, displaced: &Displaced) {
        let target = self.ends[1];
        let mut removed = BTreeSet::new();
        for (index, carried) in displaced.transplant.rules.iter().enumerate() {
            let Some(there) = self.rule(target, &carried.target) else {
                continue;
            };
            if !is_same(&there.rule, &carried.target) {
                self.changed(target, &Entry::Rule(carried.target.clone()));
                continue;
            }
            let is_first = removed.insert(carried.target.owned_identity());
            let own = FlowRule {
                flags: carried.target.flags,
                ..carried.source.clone()
            };
            let is_own = displaced.shared.contains(&index);
            self.returns(index, there, own, is_first && !is_own);
        }
    }

    /// One entry comes back. `leaves`: its copy goes, and what that has counted comes along.
    fn returns(&mut self, index: usize, there: &FlowStats, own: FlowRule, leaves: bool) {
        let [source, target] = self.ends;
        let own = FlowRule {
            hard_timeout: remaining(there.rule.hard_timeout, there.duration_ns),
            ..own
        };
        let after = Entry::Rule(own.clone());
        if !self.is_free(source, &after) {
            return;
        }
        let part = Part::Carried(index);
        self.steps.put.push(step(part, source, None, Some(after)));
        if !leaves {
            return;
        }
        let before = Entry::Rule(there.rule.clone());
        self.steps
            .taken
            .push(step(part, target, Some(before), None));
        self.steps.transplant.rules.push(Carried {
            source: there.rule.clone(),
            target: own,
            age_ns: there.duration_ns,
        });
    }

    /// What was put on the target later in the source's stead.
    fn added(&mut self, displaced: &Displaced, added: &[FlowRule]) {
        let target = self.ends[1];
        let carried = displaced.transplant.rules.iter();
        let known: BTreeSet<OwnedIdentity> =
            carried.map(|one| one.target.owned_identity()).collect();
        let map = self.steps.transplant.clone();
        let translator = Translator::to_target(&map.ports, &map.numbers);
        for (index, rule) in added.iter().enumerate() {
            let Some(there) = self.rule(target, rule) else {
                continue;
            };
            if known.contains(&rule.owned_identity()) {
                continue;
            }
            let mut why = Vec::new();
            let own = translator.rule(&there.rule, &mut why);
            if why.is_empty() {
                self.returns(displaced.transplant.rules.len() + index, there, own, true);
            }
            let name = described(rule);
            self.why.extend(
                why.iter()
                    .map(|why| format!("switch {target}: {name}: {why}")),
            );
        }
    }

    /// Groups, meters and the neighbours' entries.
    fn rest(&mut self, displaced: &Displaced) {
        let gone = self.gone(displaced);
        let mut returning: BTreeSet<(DatapathId, OwnedIdentity)> = BTreeSet::new();
        let inverse = displaced
            .steps
            .iter()
            .rev()
            .cloned()
            .map(EntryStep::inverse);
        let (first, later): (Vec<_>, Vec<_>) =
            inverse.partition(|step| step.change == Change::Install);
        for step in first {
            let Some(after) = &step.after else { continue };
            if gone.contains(&key(step.dpid, after)) || !self.is_free(step.dpid, after) {
                continue;
            }
            if let Entry::Rule(rule) = after {
                returning.insert((step.dpid, rule.owned_identity()));
            }
            let step = self.with_remaining(step, displaced);
            match (&step.after, step.part) {
                (Some(Entry::Group(_)), Part::Carried(_)) => self.steps.transplant.groups += 1,
                (Some(Entry::Meter(_)), Part::Carried(_)) => self.steps.transplant.meters += 1,
                _ => {}
            }
            match step.part {
                Part::Carried(_) => self.steps.put.push(step),
                Part::Neighbour | Part::Detour => self.steps.twins.push(step),
            }
        }
        for step in later {
            let Some(before) = &step.before else { continue };
            let comes = |rule: &FlowRule| returning.contains(&(step.dpid, rule.owned_identity()));
            let comes = matches!(before, Entry::Rule(rule) if comes(rule));
            match self.found(step.dpid, before) {
                Found::Other => self.changed(step.dpid, before),
                Found::Nothing if !comes => {}
                Found::Nothing | Found::Same => self.leaves(step),
            }
        }
        self.twins(displaced);
    }

    fn leaves(&mut self, step: EntryStep) {
        match (step.change, step.part) {
            (Change::Remove, Part::Carried(_)) => self.steps.shells.push(step),
            (Change::Remove, _) => self.steps.old_twins.push(step),
            _ => self.steps.flips.push(step),
        }
    }

    /// What must not come back, since what stood for it has ended.
    fn gone(&self, displaced: &Displaced) -> BTreeSet<Key> {
        let [source, target] = self.ends;
        let mut gone = BTreeSet::new();
        let steps = || displaced.steps.iter();
        let shells = steps().filter(|step| matches!(step.part, Part::Carried(_)));
        for step in shells.filter(|step| step.dpid == target) {
            let Some(after) = &step.after else { continue };
            if self.found(target, after) != Found::Nothing {
                continue;
            }
            let whole = steps().filter(|other| other.part == step.part && other.dpid == source);
            let before = whole.filter_map(|other| other.before.as_ref());
            let like = before.filter(|before| is_group(before) == is_group(after));
            gone.extend(like.map(|before| key(source, before)));
        }
        for Twin {
            dpid,
            before,
            after,
            ..
        } in &displaced.transplant.twins
        {
            if self.rule(*dpid, after).is_none() {
                gone.insert(key(*dpid, &Entry::Rule(before.clone())));
            }
        }
        gone
    }

    /// A neighbour's entry gets what remains of its twin's hard timeout.
    fn with_remaining(&self, mut step: EntryStep, displaced: &Displaced) -> EntryStep {
        if let Some(Entry::Rule(rule)) = &mut step.after {
            let mut twins = displaced.transplant.twins.iter();
            let twin = twins.find(|twin| twin.dpid == step.dpid && twin.before.same_identity(rule));
            if let Some(there) = twin.and_then(|twin| self.rule(twin.dpid, &twin.after)) {
                rule.hard_timeout = remaining(there.rule.hard_timeout, there.duration_ns);
            }
        }
        step
    }

    /// Which entry of a neighbour takes which one's place.
    fn twins(&mut self, displaced: &Displaced) {
        let mut counted = BTreeSet::new();
        for twin in &displaced.transplant.twins {
            let Some(there) = self.rule(twin.dpid, &twin.after) else {
                continue;
            };
            if counted.insert((twin.dpid, twin.after.owned_identity())) {
                self.steps.transplant.twins.push(Twin {
                    dpid: twin.dpid,
                    before: there.rule.clone(),
                    after: twin.before.clone(),
                    age_ns: there.duration_ns,
                });
            }
        }
    }
}

/// What names an entry among all switches': its table, priority and match, or whether it is a group, and its number.
type Key = (DatapathId, Option<OwnedIdentity>, bool, u32);

fn key(dpid: DatapathId, entry: &Entry) -> Key {
    match entry {
        Entry::Rule(rule) => (dpid, Some(rule.owned_identity()), false, 0),
        Entry::Group(group) => (dpid, None, true, group.group.0),
        Entry::Meter(meter) => (dpid, None, false, meter.meter.0),
    }
}

const fn is_group(entry: &Entry) -> bool {
    matches!(entry, Entry::Group(_))
}

fn step(part: Part, dpid: DatapathId, before: Option<Entry>, after: Option<Entry>) -> EntryStep {
    EntryStep {
        part,
        dpid,
        change: if before.is_none() {
            Change::Install
        } else {
            Change::Remove
        },
        before,
        after,
    }
}

#[cfg(test)]
mod tests;
