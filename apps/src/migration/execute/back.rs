//! The way back: everything as it was.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use godwit_controller::rules::SwitchFailure;
use godwit_controller::switch::ApplyError;
use godwit_openflow::types::DatapathId;

use super::shared::Amiss;
use super::standing::{Missing, Standing, Way};
use super::{AGAIN, Halt, Halted, Job, awaited};
use crate::migration::drain::OldWay;
use crate::migration::journal::{self, Counted};
use crate::migration::record::{Ended, Migration, Phase, State};
use crate::migration::request::Algorithm;
use crate::plan::{Flow, FlowId, Kind, Round};
use crate::routing::table::State as RouteState;

/// After so long nothing more is tried on the way back: then a switch is connected and does not do as it is told.
const BOUND: Duration = Duration::from_secs(5);

/// How long a switch is waited for that is gone with live rules turned to the new way, which must stay for so long.
const RETURN: Duration = Duration::from_secs(10);

/// How long switches have to come back after the controller was started anew. Open vSwitch tries every 8 s at least.
const RETURN_AT_START: Duration = Duration::from_secs(30);

/// What could not be undone.
#[derive(Debug, Default)]
struct Left {
    /// At switches that are connected.
    failures: Vec<SwitchFailure>,
    /// Switches that are gone.
    away: BTreeSet<DatapathId>,
    /// Switches that are connected and don't answer. What they were told takes effect when they go on.
    silent: BTreeSet<DatapathId>,
    /// Whether live rules may still lead to the new way.
    is_flipped: bool,
}

impl Job {
    /// Waits until every switch of the plan is connected, for 30 s at the most.
    pub(super) async fn all_here(&self) {
        let switches = self.planned.switches();
        let all_here = async {
            while switches.iter().any(|dpid| self.connection(*dpid).is_none()) {
                tokio::time::sleep(AGAIN / 10).await;
            }
        };
        if tokio::time::timeout(RETURN_AT_START, all_here)
            .await
            .is_err()
        {
            tracing::warn!("not every switch of the migration has come back");
        }
    }

    /// Undoes what of the first `done` rounds has taken effect, the last first.
    pub(super) async fn back(&self, migration: &Migration, halted: &Halted) -> Ended {
        let Halted { done, why } = halted;
        tracing::warn!(id = migration.id(), reason = %why, "migration goes back");
        let timer = migration.phase(Phase::Rollback);
        if let Err(error) = self.journal.back(why.to_string()).await {
            tracing::warn!(id = migration.id(), %error, "that it goes back is not written down");
        }
        let begun = Instant::now();
        let left = loop {
            let left = self.undo(*done, why).await;
            let tried = begun.elapsed();
            let waits_for_return = left.is_flipped && !left.away.is_empty() && tried < RETURN;
            let has_failed = !left.failures.is_empty() || !left.silent.is_empty();
            let tries_again = has_failed && tried < BOUND;
            if !waits_for_return && !tries_again {
                break self.give_up_waiting(*done, left).await;
            }
            tokio::time::sleep(AGAIN).await;
        };
        if let Halt::Gone(gone)
        | Halt::Amiss(Amiss {
            gone: Some(gone), ..
        }) = why
        {
            self.put_back(gone).await;
        }
        // The keeper looks at them as soon as they are given back.
        self.lease.update(|route| route.state = RouteState::Active);
        self.undo_others().await;
        self.set_source(self.before).await;
        drop(timer);
        let (state, error) = told(why, &left);
        let settled = self.thaw(false).await;
        self.end(migration, state, Some(error), settled).await
    }

    /// One pass over the rounds. What was let onto the new way stays there until nothing leads to it.
    async fn undo(&self, done: usize, why: &Halt) -> Left {
        let rounds = self.planned.rounds.get(..done).unwrap_or_default();
        let mut standing = Standing::read(self.network(), rounds).await;
        standing.disown(&self.never_put(why));
        let is_resumed = matches!(why, Halt::Restarted(_));
        let mut left = Left::default();
        // What an earlier run had undone may still be on the links.
        let mut flipped = is_resumed.then(|| self.turned());
        for round in rounds.iter().rev() {
            if left.is_flipped && round.kind == Kind::Install {
                break;
            }
            let missing = standing.missing(&self.in_time(round), Way::Undone);
            left.away.extend(&missing.away);
            left.is_flipped |= round.kind == Kind::Flip && !missing.away.is_empty();
            if !missing.messages.is_empty() {
                self.undo_round(round, missing, &mut flipped, &mut left)
                    .await;
            }
        }
        left
    }

    async fn undo_round(
        &self,
        round: &Round,
        missing: Missing,
        flipped: &mut Option<BTreeSet<DatapathId>>,
        left: &mut Left,
    ) {
        match (round.kind, flipped.take()) {
            // What was let onto the new way has to leave it before its rules go.
            (Kind::Install, Some(_)) => self.leave_new_way(self.reversed()).await,
            // As on the way forth, a flip may rely on the one before.
            (Kind::Flip, Some(turned)) => self.network().sweep_all(turned).await,
            _ => {}
        }
        self.note_anew(&missing.anew).await;
        if let Err(error) = missing.messages.apply(self.network().switches()).await {
            left.is_flipped |= round.kind == Kind::Flip;
            for failure in error.failures {
                match failure.error {
                    ApplyError::Disconnected => _ = left.away.insert(failure.dpid),
                    ApplyError::TimedOut | ApplyError::QueueFull => {
                        left.silent.insert(failure.dpid);
                    }
                    _ => left.failures.push(failure),
                }
            }
        }
        if round.kind == Kind::Flip {
            *flipped = Some(round.switches().collect());
        }
    }

    /// The last pass, with what does not come back given up. Where the flows can stay on the new way it is left in
    /// place until nothing leads to it; else the old way is what a switch shall have when it returns.
    async fn give_up_waiting(&self, done: usize, mut left: Left) -> Left {
        let rounds = self.planned.rounds.get(..done).unwrap_or_default();
        if left.is_flipped && self.both_ways_carry() {
            tokio::spawn(awaited::undo(self.routing.clone(), rounds.to_vec()));
        } else if left.is_flipped {
            let mut standing = Standing::read(self.network(), rounds).await;
            for round in rounds.iter().rev() {
                let missing = standing.missing(&self.in_time(round), Way::Undone);
                if round.kind != Kind::Flip && !missing.messages.is_empty() {
                    self.undo_round(round, missing, &mut None, &mut left).await;
                }
            }
        }
        let absent = &left.away | &left.silent;
        for round in rounds {
            self.owe(round, &absent, Way::Undone);
        }
        left
    }

    /// Whether the flows arrive by either way for as long as both are there. Entries that belong to no route are owed
    /// switch by switch, so they don't wait for each other.
    fn both_ways_carry(&self) -> bool {
        self.planned.request.algorithm == Algorithm::Clone
            && self
                .planned
                .rounds
                .iter()
                .all(|round| round.entries.is_empty())
    }

    /// Rules of routes that are about to be put back count from zero; what they had counted before stands, also if
    /// the controller ends before it could take that in.
    async fn note_anew(&self, rules: &[(DatapathId, FlowId)]) {
        let counted = rules.iter().filter_map(|&(dpid, flow)| {
            let total = self.routing.table().with(flow, |route| {
                let on_switch = route.counters.on_switch(dpid)?;
                Some(on_switch.total())
            });
            Some(Counted::new(dpid, flow, total.flatten()?))
        });
        let totals: Vec<Counted> = counted.collect();
        if totals.is_empty() {
            return;
        }
        journal::begin_anew(&self.routing, &totals);
        if let Err(error) = self.journal.anew(totals).await {
            tracing::warn!(%error, "counters that begin anew are not written down");
        }
    }

    /// The way that the flows took for a moment, as one that is old now.
    fn reversed(&self) -> OldWay {
        let flows = self.planned.flows.iter().filter_map(|flow| {
            let old = flow.old.clone()?;
            Some(Flow {
                template: flow.template.clone(),
                old: Some(flow.new.clone()),
                new: old,
            })
        });
        OldWay::of(&flows.collect::<Vec<_>>())
    }
}

/// The end that a way back has come to, and what is said of it.
fn told(why: &Halt, left: &Left) -> (State, String) {
    if !left.failures.is_empty() {
        let failures: Vec<String> = left.failures.iter().map(ToString::to_string).collect();
        let failures = failures.join("; ");
        return (
            State::Failed,
            format!("{why}; and not all could be undone: {failures}"),
        );
    }
    let named = |switches: &BTreeSet<DatapathId>| {
        let names: Vec<String> = switches.iter().map(ToString::to_string).collect();
        names.join(", ")
    };
    let mut text = why.to_string();
    if !left.away.is_empty() {
        text +=
            "; what is left on switches that are not connected is taken away when they return: ";
        text += &named(&left.away);
    }
    if !left.silent.is_empty() {
        text += "; switches that do not answer are put right when they do: ";
        text += &named(&left.silent);
    }
    (State::RolledBack, text)
}
