//! What belongs to no route, beside its messages: whose end is told, what is counted on, where static entries stand, and
//! the writes that were held.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use godwit_controller::carried::{Brought, Ended, SharedCount};
use godwit_controller::{Batch, Event, StoreError};
use godwit_openflow::model::{FlowCommand, FlowFlags, FlowMod, FlowRule};
use godwit_openflow::types::DatapathId;

use super::Job;
use crate::entries::{Entries, EntryId, Lease};
use crate::migration::drain::{Counts, OldWay, Reading};
use crate::migration::journal::{CountedOther, CountedShared};
use crate::migration::planning::Planned;
use crate::migration::record::{Migration, OtherCount};
use crate::migration::request::Algorithm;
use crate::migration::settle::{self, LateWrites, MovedRule, MovedShared, OldPorts};
use crate::migration::transplant::Transplant;
use crate::plan::entry::Entry;
use crate::routing::counters::Tally;

/// What a job keeps of what belongs to no route.
#[derive(Debug)]
pub(super) struct Others {
    pub(super) entries: Entries,
    /// The rules that move.
    pub(super) rules: Vec<MovedRule>,
    /// The groups and meters that move.
    pub(super) shared: Vec<MovedShared>,
    /// As long as it is there, static entries on the switches of the plan are left to it.
    _lease: Lease,
    /// What the copies at the target had counted when the flows left them again.
    used: Mutex<Used>,
}

/// By index among the moved.
#[derive(Debug, Clone, Default)]
struct Used {
    rules: BTreeMap<usize, Reading>,
    shared: BTreeMap<usize, SharedCount>,
}

impl Others {
    pub(super) fn new(entries: Entries, planned: &Planned) -> Self {
        let lease = entries.lease(planned.switches().into_iter().collect());
        Self {
            entries,
            rules: settle::moved_rules(planned),
            shared: settle::moved_shared(planned),
            _lease: lease,
            used: Mutex::default(),
        }
    }
}

impl Job {
    pub(super) fn old_ports(&self) -> OldPorts {
        OldPorts::of(&self.planned, self.network().topology().graph())
    }

    /// From here on what is moved stands at two places.
    pub(super) fn begin_others(&self) {
        let pairs = self.others.rules.iter().cloned();
        let carried = self.network().carried();
        carried.during(pairs.map(|rule| (rule.from, rule.to)));
        let shared = self.others.shared.iter();
        carried.during_shared(shared.map(|moved| (moved.from, moved.to)));
    }

    /// What the rules had brought to where an earlier run counted them. It is not there any more when that run had written
    /// down already what they bring to their new places.
    pub(super) fn restore_others(&self, before: &BTreeMap<usize, Brought>) {
        for (index, brought) in before {
            if let Some(rule) = self.others.rules.get(*index) {
                self.network().carried().bring(rule.from.clone(), *brought);
            }
        }
    }

    /// The migration is about to delete the rules that were moved from these places: nobody is to hear of it.
    pub(super) fn expect_removals(&self, rules: &[MovedRule]) {
        let audible = rules.iter();
        let audible = audible.filter(|rule| rule.rule.flags.contains(FlowFlags::SEND_FLOW_REMOVED));
        let places = audible.map(|rule| rule.from.clone());
        self.network().carried().expect_removal(places);
    }

    /// Writes down the final counts, of routes and of all else, before anything is deleted.
    pub(super) async fn write_counts(&self, counts: &Counts) -> Result<(), StoreError> {
        let carried = self.network().carried();
        let others = counts.others.iter().map(|(&index, reading)| {
            let moved = self.others.rules.get(index);
            let before = moved.and_then(|rule| carried.at(&rule.from));
            CountedOther::new(index, reading, before)
        });
        let others: Vec<CountedOther> = others.collect();
        let mut batch = Batch::default();
        let rules = self.others.rules.iter().enumerate();
        let moves = rules.filter_map(|(index, rule)| {
            let reading = counts.others.get(&index)?;
            let counted = brought(reading, &rule.rule);
            Some((&rule.from, &rule.to, counted))
        });
        carried.records_for_batch(&mut batch, moves)?;
        let shared = self.brought_shared(&counts.shared);
        self.journal
            .counted(batch, &counts.routes, others, shared)
            .await
    }

    /// What groups and meters bring with them that have counted this where they stood.
    fn brought_shared(&self, counted: &BTreeMap<usize, SharedCount>) -> Vec<CountedShared> {
        let carried = self.network().carried();
        let all = self.others.shared.iter().enumerate();
        let brought = all.filter_map(|(index, moved)| {
            let total = carried.would_bring_shared(moved.from, counted.get(&index)?);
            Some(CountedShared { index, total })
        });
        brought.collect()
    }

    /// Takes in what the moved groups and meters had counted where they stood.
    pub(super) fn take_in_shared(&self, counts: &Counts) {
        self.bring_shared(self.brought_shared(&counts.shared));
    }

    /// The moved groups and meters bring this with them.
    pub(super) fn bring_shared(&self, brought: Vec<CountedShared>) {
        for CountedShared { index, total } in brought {
            if let Some(moved) = self.others.shared.get(index) {
                self.network().carried().bring_shared(moved.to, total);
            }
        }
    }

    /// Takes in what the moved rules had counted where they stood.
    pub(super) fn take_in_others(&self, migration: &Migration, others: &BTreeMap<usize, Reading>) {
        let mut told = Vec::new();
        for (index, rule) in self.others.rules.iter().enumerate() {
            let Some(reading) = others.get(&index) else {
                continue;
            };
            let carried = self.network().carried();
            carried.bring(rule.to.clone(), brought(reading, &rule.rule));
            if Some(rule.from.dpid) == self.planned.request.left_and_taking()[0] {
                told.push(OtherCount::of(&rule.rule, reading.tally));
            }
        }
        migration.set_carried(told);
    }

    /// What somebody wrote to the source while it was emptied goes to the target as well. On a way back what is new on
    /// the target is the target's own.
    pub(super) async fn adopt_late_writes(&self, migration: &Migration, counts: &Counts) {
        let Some(transplant) = &self.planned.transplant else {
            return;
        };
        // Even an empty switch holds the controller's own rules: this one could not be read.
        if counts.left.is_empty() {
            return;
        }
        let request = &self.planned.request;
        // Where the source's rules are cut first, none of them is there any more.
        let before: Vec<FlowRule> = match request.algorithm {
            Algorithm::Clone => {
                let rules = transplant.rules.iter();
                rules.map(|rule| rule.source.clone()).collect()
            }
            Algorithm::Move | Algorithm::FreezeCopy => Vec::new(),
        };
        let mut late = settle::differences(&before, &counts.left);
        let [Some(source), Some(target)] = request.left_and_taking() else {
            return;
        };
        if self.may_have_lost(source) {
            // What it has not kept nobody has deleted.
            let deletes = |write: &FlowMod| write.command == FlowCommand::DeleteStrict;
            late.writes.retain(|write| !deletes(write));
        }
        if request.reverts.is_some() {
            let added = std::mem::take(&mut late.added);
            late.writes.retain(|write| !added.contains(&write.rule));
        }
        let ends = [source, target];
        let mut shared = self.late_shared(migration, ends, &late).await;
        shared.put(migration, self.network()).await;
        self.adopt_late_rules(migration, transplant, ends, late)
            .await;
        shared.take_away(migration, self.network()).await;
    }

    async fn adopt_late_rules(
        &self,
        migration: &Migration,
        transplant: &Transplant,
        [source, target]: [DatapathId; 2],
        late: LateWrites,
    ) {
        if late.writes.is_empty() {
            return;
        }
        let mut round = godwit_controller::Round::default();
        let mut taken = Vec::new();
        for write in late.writes {
            let rule = write.rule.clone();
            match transplant.translated(write) {
                Ok(translated) => {
                    round.push(target, translated);
                    taken.push(rule);
                }
                Err(why) => {
                    tracing::warn!(id = migration.id(), rule = %rule.pattern, why,
                        "a rule that somebody wrote meanwhile stays on the source");
                }
            }
        }
        if let Err(error) = round.apply(self.network().switches()).await {
            tracing::warn!(id = migration.id(), %error, "rules that somebody wrote meanwhile stay on the source");
            return;
        }
        let added = late.added.into_iter().filter(|rule| taken.contains(rule));
        let removal: godwit_controller::Round = added
            .map(|rule| (source, FlowMod::delete_strict(rule)))
            .collect();
        if let Err(error) = removal.apply(self.network().switches()).await {
            tracing::warn!(id = migration.id(), %error, "rules that somebody wrote meanwhile are left on the source");
        }
    }

    /// What was moved stands at its new places only. Gives the static entries for which that has to be kept.
    pub(super) async fn settle_others(&self) -> BTreeSet<EntryId> {
        let sources = self.others.rules.iter().map(|rule| &rule.from);
        let ended = self.network().carried().settled(sources);
        self.tell(ended).await;
        let sources = self.others.shared.iter().map(|moved| moved.from);
        self.network().carried().settled_shared(sources);
        let request = &self.planned.request;
        let ([Some(left), Some(taking)], Some(transplant)) =
            (request.left_and_taking(), &self.planned.transplant)
        else {
            return BTreeSet::new();
        };
        // An entry that is held in the place of one that is leaving has another cookie.
        let key = |rule: &FlowRule| (rule.owned_identity(), rule.cookie);
        let carried = transplant.rules.iter();
        let carried: HashMap<_, _> = carried
            .map(|carried| (key(&carried.source), &carried.target))
            .collect();
        // What came to the target after the source had gone is the target's own, and stays there on a way back.
        let form = |rule: &FlowRule| match carried.get(&key(rule)) {
            Some(target) => Some(Ok((*target).clone())),
            None if request.reverts.is_some() => None,
            None => {
                let translated = transplant.translated(FlowMod::add(rule.clone()));
                Some(translated.map(|write| write.rule))
            }
        };
        let mut settled = self.others.entries.moved(left, taking, form);
        // Those of neighbours that read otherwise now.
        let steps = self.planned.rounds.iter().flat_map(|round| &round.entries);
        for step in steps {
            if let (Some(Entry::Rule(_)), Some(Entry::Rule(after))) = (&step.before, &step.after) {
                settled.extend(self.others.entries.changed(step.dpid, after));
            }
        }
        self.settle_shared();
        settled
    }

    /// Groups and meters that were asked for stand at their new places, and those of neighbours read otherwise.
    fn settle_shared(&self) {
        let entries = &self.others.entries;
        let steps = || self.planned.rounds.iter().flat_map(|round| &round.entries);
        for moved in &self.others.shared {
            let stands = steps().find_map(|step| {
                let after = step.after.as_ref()?;
                let is_it = step.dpid == moved.to.dpid && after.shared() == Some(moved.to.shared);
                is_it.then_some(after)
            });
            if let Some(form) = stands {
                entries.shared_moved(moved.from, moved.to, form.clone());
            }
        }
        for step in steps() {
            if let (Some(_), Some(after)) = (&step.before, &step.after) {
                entries.shared_changed(step.dpid, after);
            }
        }
    }

    /// Waits until nothing is left of what was let onto the new way.
    pub(super) async fn leave_new_way(&self, way: OldWay) {
        let old = OldPorts::back(&self.planned, self.network().topology().graph());
        let rules = self.others.rules.iter().cloned();
        let back: Vec<MovedRule> = rules.map(MovedRule::reversed).collect();
        let request = &self.planned.request;
        let [_, taking] = request.left_and_taking();
        let busy = taking.map(|taking| self.entered_by_others(taking));
        let shared = self.others.shared.iter().copied();
        let shared: Vec<MovedShared> = shared.map(MovedShared::reversed).collect();
        let way = way
            .with(&back, &old, &busy.unwrap_or_default())
            .counting(&shared);
        let rest = way
            .rest(self.network(), self.turned(), request.bounds.drain)
            .await;
        let mut used = self
            .others
            .used
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        used.rules.extend(rest.counts.others);
        used.shared.extend(rest.counts.shared);
        drop(used);
        self.expect_removals(&back);
    }

    /// What was to be moved stands where it stood, and nowhere else.
    pub(super) async fn undo_others(&self) {
        let used = {
            let used = self
                .others
                .used
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            used.clone()
        };
        let rules = self.others.rules.iter().enumerate();
        let counted = rules.map(|(index, rule)| {
            let counted = used
                .rules
                .get(&index)
                .map(|reading| brought(reading, &rule.rule));
            (&rule.from, counted.unwrap_or_default())
        });
        let ended = self.network().carried().undone(counted);
        self.tell(ended).await;
        let shared = self.others.shared.iter().enumerate();
        let counted = shared.map(|(index, moved)| {
            let counted = used.shared.get(&index).cloned();
            (moved.from, counted.unwrap_or_default())
        });
        self.network().carried().undone_shared(counted);
    }

    async fn tell(&self, ended: Vec<Ended>) {
        for Ended { dpid, removed } in ended {
            let removed = std::sync::Arc::new(removed);
            let event = Event::FlowRemoved { dpid, removed };
            self.network().announce(event).await;
        }
    }

    /// Makes the writes that were held for the source: on the target once the migration is done, else on the source.
    /// This is before the end is written down, so that a new run either takes the migration up, and holds and makes them
    /// again, or finds all of them made. Gives the static entries for which that has to be kept.
    pub(super) async fn thaw(&self, committed: bool) -> BTreeSet<EntryId> {
        let request = &self.planned.request;
        if request.reverts.is_some() {
            return BTreeSet::new();
        }
        let transplant = self.planned.transplant.as_ref().filter(|_| committed);
        let place = request
            .target
            .filter(|_| committed)
            .unwrap_or(request.source);
        let source = request.source;
        let translate = |write: FlowMod| match transplant {
            Some(transplant) => transplant.translated(write),
            None if committed => Err(format!(
                "switch {source} was emptied, and no switch took its place"
            )),
            None => Ok(write),
        };
        settle::replay(
            self.network(),
            &self.others.entries,
            source,
            place,
            translate,
        )
        .await
    }
}

fn brought(reading: &Reading, rule: &FlowRule) -> Brought {
    let Tally { packets, bytes } = reading.tally;
    Brought {
        packets,
        bytes,
        duration_ns: reading.age_ns,
        hard_timeout: rule.hard_timeout,
    }
}
