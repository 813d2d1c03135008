//! One audit of one switch.

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime};

use godwit_openflow::model::{FlowRule, FlowStats, OwnedIdentity};
use godwit_openflow::types::DatapathId;
use tokio::time::{sleep, timeout};

use crate::app::Desired;
use crate::event::Event;
use crate::network::SwitchState;
use crate::rules::{self, Aspect, described};
use crate::switch::SwitchHandle;

use super::judge::{Judged, Wishes, judge};
use super::repair::Suspect;
use super::report::{Found, Looked, MOST_LISTED, Outcome, Unmended};
use super::shared;
use super::{Audits, Memory};

/// How long a switch may take to say what it holds.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);

/// After how long what was found wrong is looked at again: by then it is heard that a rule has expired.
const SECOND_LOOK: Duration = Duration::from_millis(200);

/// Rules of others that are told of in one audit of a switch at the most; the rest is counted.
const MOST_TOLD: usize = 50;

/// Rules of others that are remembered of each switch as told of.
const MOST_KNOWN: usize = 16_384;

/// Why a switch is left alone whose work is being moved.
const MOVING: &str = "its work is being moved";

impl Audits {
    /// Compares what a switch holds with what is wanted, and puts it right. `is_asked`: somebody wants to know now.
    pub(super) async fn look(
        &self,
        memory: &mut Memory,
        switch: &SwitchHandle,
        is_asked: bool,
    ) -> Looked {
        let began = Instant::now();
        let mut looked = Looked {
            at: SystemTime::now(),
            took: Duration::ZERO,
            result: Outcome::Audited,
            found: Found::default(),
            repairs: Vec::new(),
            shared: Vec::new(),
            refused: 0,
        };
        if let Err(ended) = self.look_into(memory, switch, is_asked, &mut looked).await {
            looked.result = ended;
        }
        looked.took = began.elapsed();
        tracing::debug!(%switch, took = ?looked.took, result = ?looked.result, rules = looked.found.rules,
            repairs = looked.repairs.len(), alien = looked.found.alien_rules, "audited");
        looked
    }

    async fn look_into(
        &self,
        memory: &mut Memory,
        switch: &SwitchHandle,
        is_asked: bool,
        looked: &mut Looked,
    ) -> Result<(), Outcome> {
        let dpid = switch.dpid();
        let compared = switch.compared().lock().await;
        if !*compared {
            return Err(Outcome::Skipped("it has just connected"));
        }
        self.check_unmoved(dpid)?;
        let (desired, all_known) = self.wanted_on(dpid);
        let held = self.held_by(switch, ANSWER_DEADLINE).await?;
        self.check_unmoved(dpid)?;
        let is_at_work = |owner| self.inner.apps.is_at_work(owner);
        let wishes = Wishes {
            desired: &desired,
            all_known,
            is_at_work: &is_at_work,
        };
        let mut judged = judge(wishes, &held, switch.version(), self.settings());
        let amiss = shared::amiss(switch, &desired).await?;
        let by_shared = shared::using(&amiss, &desired, &held, &judged.wrong);
        judged.wrong.extend(by_shared);
        looked.found.rules = held.len();
        looked.found.excepted = judged.excepted;
        self.tell_of_others(dpid, memory, &judged, &mut looked.found);
        let wrong = judged.identities();
        memory.patience.begin(&wrong);
        if judged.wrong.is_empty() && amiss.before.is_empty() {
            return Ok(());
        }
        let mut suspects = Vec::new();
        for suspect in judged.wrong.iter().filter_map(Suspect::of) {
            let identity = suspect.rule.owned_identity();
            if is_asked || memory.patience.is_due(&identity) {
                suspects.push(suspect);
            } else {
                let again = memory.patience.turn_in(&identity);
                let why = format!(
                    "it does not stay as it is put: somebody else changes it, or the switch reports it otherwise; it is put right again in {again} audits"
                );
                let times = memory.patience.times(&identity);
                let unmended = self.unmended(&suspect.rule, &suspect.aspects, times, why);
                looked.found.unmended.push(unmended);
            }
        }
        if suspects.is_empty() && amiss.before.is_empty() {
            return Ok(());
        }
        sleep(SECOND_LOOK).await;
        if !amiss.before.is_empty() {
            self.put_shared_right(switch, looked).await?;
        }
        self.put_right(switch, &suspects, memory, looked).await;
        drop(compared);
        Ok(())
    }

    /// Unless the work of a switch is being moved.
    pub(super) fn check_unmoved(&self, dpid: DatapathId) -> Result<(), Outcome> {
        let is_frozen = self.network().state(dpid) == SwitchState::Frozen;
        if is_frozen || self.network().held().is_frozen(dpid) || self.inner.apps.is_moving(dpid) {
            return Err(Outcome::Skipped(MOVING));
        }
        Ok(())
    }

    /// What is wanted of a switch: of one that is drained only what every switch holds.
    pub(super) fn wanted_on(&self, dpid: DatapathId) -> (Desired, bool) {
        let (mut desired, all_known) = self.inner.apps.wanted(dpid);
        if self.network().state(dpid) == SwitchState::Drained {
            desired
                .rules
                .retain(|rule| rules::stands_everywhere(rule.cookie));
            desired.groups.clear();
            desired.meters.clear();
        }
        (desired, all_known)
    }

    /// What a switch holds.
    pub(super) async fn held_by(
        &self,
        switch: &SwitchHandle,
        deadline: Duration,
    ) -> Result<Vec<FlowStats>, Outcome> {
        match timeout(deadline, self.network().read(switch, None)).await {
            Ok(Ok(held)) => Ok(held),
            Ok(Err(error)) => Err(Outcome::Failed(error.to_string())),
            Err(_) => Err(Outcome::Failed("it does not answer".to_owned())),
        }
    }

    pub(super) fn unmended(
        &self,
        rule: &FlowRule,
        aspects: &[Aspect],
        times: u32,
        why: String,
    ) -> Unmended {
        Unmended {
            rule: rule.clone(),
            owner: self.inner.apps.owner_name(rule.cookie),
            aspects: aspects.to_vec(),
            times,
            why,
        }
    }

    /// Notes the rules that are nobody's here, and tells of each once.
    fn tell_of_others(
        &self,
        dpid: DatapathId,
        memory: &mut Memory,
        judged: &Judged<'_>,
        found: &mut Found,
    ) {
        let mut unowned = judged.unowned.clone();
        if unowned.iter().any(|rule| rules::is_ours(rule.cookie)) {
            // One may have been made since the owners were asked.
            let (now, _) = self.inner.apps.wanted(dpid);
            let wanted: HashSet<_> = now.rules.iter().map(FlowRule::identity).collect();
            unowned.retain(|rule| {
                !wanted.contains(&rule.identity()) && !now.busy.contains(&rule.cookie)
            });
        }
        found.alien_rules = unowned.len();
        let listed = unowned.iter().take(MOST_LISTED);
        found.alien = listed.map(|rule| (*rule).clone()).collect();
        let name = |rule: &FlowRule| -> (OwnedIdentity, _) { (rule.owned_identity(), rule.cookie) };
        let before = std::mem::take(&mut memory.told);
        let mut news = 0;
        for rule in unowned {
            let name = name(rule);
            if !before.contains(&name) {
                news += 1;
                if news <= MOST_TOLD {
                    let described = described(rule);
                    tracing::warn!(%dpid, rule = described, "a rule of nobody here");
                    self.network().announce_if_room(Event::AlienRule {
                        dpid,
                        rule: rule.clone().into(),
                    });
                }
            }
            if memory.told.len() < MOST_KNOWN {
                memory.told.insert(name);
            }
        }
        if news > MOST_TOLD {
            let more = news - MOST_TOLD;
            tracing::warn!(%dpid, more, "more rules of nobody here");
        }
    }
}
