//! A round: changes on several switches that may take effect in any order, confirmed on each.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use godwit_openflow::model::{FlowRule, ToSwitch};
use godwit_openflow::types::DatapathId;
use std::time::Duration;
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;

use crate::limits::APPLY_DEADLINE;
use crate::switch::{ApplyError, Registry};

/// Changes for several switches, each of which gets its own at once with the others, confirmed by a barrier: all or none
/// where it takes bundles, see [`SwitchHandle::apply_within`](crate::switch::SwitchHandle::apply_within).
#[derive(Debug, Clone, Default)]
pub struct Round {
    batches: BTreeMap<DatapathId, Vec<ToSwitch>>,
}

impl Round {
    /// Adds a change for a switch, after those that it already has: a FLOW_MOD, a GROUP_MOD or a METER_MOD.
    pub fn push(&mut self, dpid: DatapathId, change: impl Into<ToSwitch>) {
        self.batches.entry(dpid).or_default().push(change.into());
    }

    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// The switches of this round with their changes.
    pub fn batches(&self) -> impl Iterator<Item = (DatapathId, &[ToSwitch])> {
        self.batches
            .iter()
            .map(|(&dpid, batch)| (dpid, batch.as_slice()))
    }

    /// Sends every switch its part at once and waits until all have confirmed, each within [`APPLY_DEADLINE`].
    ///
    /// # Errors
    /// With every switch that did not, and why. What the others were sent is in force; of those that failed, see
    /// [`ApplyError::nothing_in_force`]. Whoever undoes a round undoes it on all of its switches: deleting what is not
    /// there, and setting what is as it was, change nothing.
    pub async fn apply(self, switches: &Registry) -> Result<(), RoundError> {
        self.apply_within(switches, APPLY_DEADLINE).await
    }

    /// The same, where each switch has so long to confirm.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub async fn apply_within(
        self,
        switches: &Registry,
        deadline: Duration,
    ) -> Result<(), RoundError> {
        let began = Instant::now();
        let changes: usize = self.batches.values().map(Vec::len).sum();
        let on = self.batches.len();
        let mut failures = Vec::new();
        let mut running = Running::default();
        for (dpid, messages) in self.batches {
            let Some(switch) = switches.get(dpid) else {
                failures.push(SwitchFailure {
                    dpid,
                    error: ApplyError::Disconnected,
                    rules: Vec::new(),
                });
                continue;
            };
            running.spawn(dpid, async move {
                let result = switch.apply_within(&messages, deadline).await;
                result.map_err(|error| SwitchFailure::new(dpid, error, &messages))
            });
        }
        failures.extend(running.failures().await);
        let failed = failures.len();
        tracing::debug!(changes, switches = on, failed, took = ?began.elapsed(), "round");
        if failures.is_empty() {
            Ok(())
        } else {
            Err(RoundError { failures })
        }
    }
}

/// Batches under way, each a task of its own.
#[derive(Debug, Default)]
pub(super) struct Running {
    tasks: JoinSet<Result<(), SwitchFailure>>,
    switches: HashMap<Id, DatapathId>,
}

impl Running {
    pub(super) fn spawn(
        &mut self,
        dpid: DatapathId,
        batch: impl Future<Output = Result<(), SwitchFailure>> + Send + 'static,
    ) {
        let task = self.tasks.spawn(batch);
        self.switches.insert(task.id(), dpid);
    }

    /// Waits for all; gives those that were not confirmed.
    pub(super) async fn failures(mut self) -> Vec<SwitchFailure> {
        let mut failures = Vec::new();
        while let Some(result) = self.tasks.join_next().await {
            match result {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => failures.push(failure),
                Err(error) => {
                    tracing::error!(%error, "a batch's task ended abnormally");
                    failures.extend(self.switches.get(&error.id()).map(|&dpid| SwitchFailure {
                        dpid,
                        error: ApplyError::Unknown,
                        rules: Vec::new(),
                    }));
                }
            }
        }
        failures
    }
}

impl<M: Into<ToSwitch>> FromIterator<(DatapathId, M)> for Round {
    fn from_iter<I: IntoIterator<Item = (DatapathId, M)>>(changes: I) -> Self {
        let mut round = Self::default();
        for (dpid, change) in changes {
            round.push(dpid, change);
        }
        round
    }
}

/// A round that not every switch confirmed.
#[derive(Debug, thiserror::Error)]
pub struct RoundError {
    /// The switches that did not.
    pub failures: Vec<SwitchFailure>,
}

impl fmt::Display for RoundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, failure) in self.failures.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{failure}")?;
        }
        Ok(())
    }
}

/// One switch that did not confirm its part of a round.
#[derive(Debug)]
pub struct SwitchFailure {
    /// The switch.
    pub dpid: DatapathId,
    /// Why.
    pub error: ApplyError,
    /// The rules that the switch named in its errors, as text.
    rules: Vec<String>,
}

impl SwitchFailure {
    /// How many refused rules are named; a batch of thousands may be refused whole.
    const NAMED_RULES: usize = 3;

    fn new(dpid: DatapathId, error: ApplyError, messages: &[ToSwitch]) -> Self {
        let describe = |index: &usize| {
            let number = index + 1;
            match messages.get(*index)? {
                ToSwitch::FlowMod(flow_mod) => {
                    let FlowRule {
                        priority, pattern, ..
                    } = &flow_mod.rule;
                    Some(format!("rule {number} (priority {priority}, {pattern})"))
                }
                ToSwitch::GroupMod(change) => Some(format!("group {}", change.group.0)),
                ToSwitch::MeterMod(change) => Some(format!("meter {}", change.meter.0)),
                _ => None,
            }
        };
        let rules = match &error {
            ApplyError::Rejected(refusal) => refusal
                .messages
                .iter()
                .take(Self::NAMED_RULES)
                .filter_map(|(index, _)| describe(index))
                .collect(),
            ApplyError::Unsupported { index, .. } => describe(index).into_iter().collect(),
            _ => Vec::new(),
        };
        Self { dpid, error, rules }
    }
}

impl fmt::Display for SwitchFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "switch {}: {}", self.dpid, self.error)?;
        if !self.rules.is_empty() {
            write!(f, ", at {}", self.rules.join(", "))?;
        }
        Ok(())
    }
}
