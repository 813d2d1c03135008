//! Putting right what was found wrong, while nobody else writes to the switch.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, SystemTime};

use godwit_openflow::model::{FlowMod, FlowRule, FlowStats, OwnedIdentity, ToSwitch};
use godwit_openflow::types::{Cookie, DatapathId};
use tokio::time::{sleep, timeout};

use crate::app::Desired;
use crate::event::Event;
use crate::rules::{Aspect, Finding, Owner, compare, described};
use crate::switch::{ApplyError, SwitchHandle};

use super::judge::wanted;
use super::report::{Looked, Outcome, Repair, RepairKind};
use super::shared;
use super::{Audits, Memory};

/// Rules that are put right at a time. Then others who write to the switch have their turn.
const AT_A_TIME: usize = 1_000;

/// How long is waited for those who are at it: apps whose rules are being settled, writers, a look into the cache.
/// With the two deadlines below it is less than others wait.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// How long the switch may take to say again what it holds.
const ANSWER_DEADLINE: Duration = Duration::from_millis(1_500);

/// How long it may take to confirm.
pub(super) const APPLY_DEADLINE: Duration = Duration::from_millis(2_500);

/// How often it is tried when somebody else is at it, and how long after.
const TRIES: usize = 3;
const AGAIN: Duration = Duration::from_millis(300);

/// How often those that are not refused are tried again when a switch refuses some and takes none.
const MOST_REFUSALS: usize = 8;

/// Repairs that are told of in one audit of a switch at the most; the rest is counted.
const MOST_TOLD: usize = 50;

/// A rule that seems to be wrong.
#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) rule: FlowRule,
    pub(super) aspects: Vec<Aspect>,
}

impl Suspect {
    pub(super) fn of(finding: &Finding<'_>) -> Option<Self> {
        Some(Self {
            rule: wanted(finding)?.clone(),
            aspects: changed(finding).to_vec(),
        })
    }
}

/// What of a rule is changed; nothing when it is missing.
fn changed<'a>(finding: &'a Finding<'_>) -> &'a [Aspect] {
    match finding {
        Finding::Changed { aspects, .. } => aspects,
        _ => &[],
    }
}

/// A rule that a switch did not take.
struct Refused {
    rule: OwnedIdentity,
    why: String,
}

impl Audits {
    /// Puts right what is still wrong.
    pub(super) async fn put_right(
        &self,
        switch: &SwitchHandle,
        suspects: &[Suspect],
        memory: &mut Memory,
        looked: &mut Looked,
    ) {
        let before = looked.repairs.len();
        let mut suspects = suspects.chunks(AT_A_TIME);
        while let Some(some) = suspects.next() {
            let tried = self.try_some(switch, some, memory, looked).await;
            let why = match tried {
                Ok(()) => continue,
                Err(Outcome::Failed(why)) => {
                    looked.result = Outcome::Failed(why);
                    break;
                }
                Err(Outcome::Skipped(why)) => why,
                Err(Outcome::Audited) => break,
            };
            let left = some.iter().chain(suspects.by_ref().flatten());
            let left = left.map(|suspect| {
                let times = memory.patience.times(&suspect.rule.owned_identity());
                self.unmended(&suspect.rule, &suspect.aspects, times, why.to_owned())
            });
            looked.found.unmended.extend(left);
        }
        let dpid = switch.dpid();
        let repairs = &looked.repairs[before..];
        for repair in repairs.iter().take(MOST_TOLD) {
            self.tell(dpid, repair);
        }
        if repairs.len() > MOST_TOLD {
            let more = repairs.len() - MOST_TOLD;
            tracing::warn!(%dpid, more, "more rules were missing or changed, and are put right");
        }
    }

    /// Tries it again when others are at it.
    async fn try_some(
        &self,
        switch: &SwitchHandle,
        some: &[Suspect],
        memory: &mut Memory,
        looked: &mut Looked,
    ) -> Result<(), Outcome> {
        for _ in 1..TRIES {
            match self.put_some_right(switch, some, memory, looked).await {
                Err(Outcome::Skipped(_)) => sleep(AGAIN).await,
                ended => return ended,
            }
        }
        self.put_some_right(switch, some, memory, looked).await
    }

    fn tell(&self, dpid: DatapathId, repair: &Repair) {
        let Repair {
            kind,
            rule,
            owner,
            aspects,
            times,
            ..
        } = repair;
        let described = described(rule);
        let rule = rule.clone().into();
        let owner_name = owner.as_str().into();
        let event = match kind {
            RepairKind::Restored => {
                tracing::warn!(%dpid, owner, rule = described, times, "a rule was missing and is put back");
                Event::RuleRestored {
                    dpid,
                    owner: owner_name,
                    rule,
                }
            }
            RepairKind::Mended => {
                let differs: Vec<_> = aspects.iter().map(|aspect| aspect.name()).collect();
                let differs = differs.join(", ");
                tracing::warn!(%dpid, owner, rule = described, differs, times, "a rule was changed and is mended");
                Event::RuleMended {
                    dpid,
                    owner: owner_name,
                    rule,
                    aspects: aspects.as_slice().into(),
                }
            }
        };
        self.network().announce_if_room(event);
    }

    /// Looks again at some rules while nobody else writes to the switch, and puts right what is still wrong of them.
    async fn put_some_right(
        &self,
        switch: &SwitchHandle,
        some: &[Suspect],
        memory: &mut Memory,
        looked: &mut Looked,
    ) -> Result<(), Outcome> {
        let busy = || Outcome::Skipped("others are changing its rules");
        let dpid = switch.dpid();
        let apps = &self.inner.apps;
        let cookies: BTreeSet<Cookie> = some.iter().map(|suspect| suspect.rule.cookie).collect();
        let is_core = |cookie: &Cookie| Owner::Core.own_part(*cookie).is_some();
        let with_core = cookies.iter().any(is_core);
        if !with_core && some.iter().any(|suspect| !suspect.aspects.is_empty()) {
            // So that what is put there anew has counted nearly all that it will be said to have.
            let _ = timeout(PATIENCE, self.network().nudge(switch)).await;
        }
        let settling = timeout(PATIENCE, apps.settled(&cookies)).await;
        let _settling = settling.map_err(|_| busy())?;
        let _sweeping = if with_core {
            let still = timeout(PATIENCE, switch.sweeps().still()).await;
            Some(still.map_err(|_| busy())?)
        } else {
            None
        };
        let leave = self.network().held().put_right(dpid, PATIENCE).await;
        let _leave = leave.ok_or_else(busy)?;
        // After that is known to others: whoever is about to move work has said so by now, or waits.
        self.check_unmoved(dpid)?;
        let identities: HashSet<_> = some.iter().map(|suspect| suspect.rule.identity()).collect();
        let still = apps.held_still(dpid, &cookies);
        let mut desired = Desired::default();
        let rules = still.iter().flat_map(|still| &still.rules);
        desired.rules.extend(
            rules
                .filter(|rule| identities.contains(&rule.identity()))
                .cloned(),
        );
        for still in &still {
            desired.groups.extend(still.groups.iter().cloned());
            desired.meters.extend(still.meters.iter().cloned());
        }
        let held = self.held_by(switch, ANSWER_DEADLINE).await?;
        let amiss = shared::amiss(switch, &desired).await?;
        let mut findings: Vec<Finding<'_>> = compare(&desired, &held, switch.version())
            .into_iter()
            .filter(|finding| wanted(finding).is_some())
            .collect();
        findings.extend(shared::using(&amiss, &desired, &held, &findings));
        if findings.is_empty() {
            return Ok(());
        }
        shared::send(switch, amiss).await?;
        let refused = self.send(switch, &held, &findings).await?;
        for finding in &findings {
            let Some(rule) = wanted(finding) else {
                continue;
            };
            let identity = rule.owned_identity();
            let times = memory.patience.tried(identity.clone());
            if let Some(refused) = refused.iter().find(|refused| refused.rule == identity) {
                looked.refused += 1;
                let why = format!("the switch did not take it: {}", refused.why);
                let unmended = self.unmended(rule, changed(finding), times, why);
                tracing::warn!(%dpid, owner = unmended.owner, rule = described(rule), why = unmended.why, "a rule could not be put right");
                looked.found.unmended.push(unmended);
                continue;
            }
            let kind = match finding {
                Finding::Changed { .. } => RepairKind::Mended,
                _ => RepairKind::Restored,
            };
            looked.repairs.push(Repair {
                at: SystemTime::now(),
                kind,
                rule: rule.clone(),
                owner: apps.owner_name(rule.cookie),
                aspects: changed(finding).to_vec(),
                times,
            });
        }
        Ok(())
    }

    /// Sends what puts these right. Gives those that the switch refuses.
    async fn send(
        &self,
        switch: &SwitchHandle,
        held: &[FlowStats],
        findings: &[Finding<'_>],
    ) -> Result<Vec<Refused>, Outcome> {
        let until = tokio::time::Instant::now() + APPLY_DEADLINE;
        let mut changes: Vec<FlowMod> = findings.iter().flat_map(Finding::mend).collect();
        let mut refused = Vec::new();
        self.inner.apps.compared(switch.dpid(), held, &changes);
        for _ in 0..MOST_REFUSALS {
            let messages: Vec<ToSwitch> = changes.iter().cloned().map(ToSwitch::FlowMod).collect();
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            let (named, taken) = match switch.apply_within(&messages, left).await {
                Ok(()) => return Ok(refused),
                Err(ApplyError::Rejected(refusal)) => {
                    let named = refusal.messages.iter();
                    let named: Vec<_> = named
                        .map(|(index, report)| (*index, report.to_string()))
                        .collect();
                    (named, !refusal.nothing_in_force)
                }
                Err(ApplyError::Unsupported { index, source }) => {
                    (vec![(index, source.to_string())], false)
                }
                Err(error) => return Err(Outcome::Failed(error.to_string())),
            };
            let before = refused.len();
            for (index, why) in named {
                if let Some(change) = changes.get(index) {
                    let rule = change.rule.owned_identity();
                    if refused.iter().all(|one: &Refused| one.rule != rule) {
                        refused.push(Refused { rule, why });
                    }
                }
            }
            if refused.len() == before {
                return Err(Outcome::Failed("it did not take its rules".to_owned()));
            }
            if taken {
                return Ok(refused);
            }
            changes.retain(|change| {
                let rule = change.rule.owned_identity();
                refused.iter().all(|one| one.rule != rule)
            });
            if changes.is_empty() {
                return Ok(refused);
            }
        }
        Err(Outcome::Failed(
            "it refuses too many of its rules".to_owned(),
        ))
    }
}
