//! Groups and meters that somebody wrote to the source while it was emptied: on the target they are to be as on the source.

use godwit_controller::{Network, Round};
use godwit_openflow::model::{Action, FlowMod, GroupDescription, Instruction, MeterConfig};
use godwit_openflow::types::{DatapathId, Version};

use super::Job;
use crate::migration::record::Migration;
use crate::migration::settle::{LateWrites, shared_differences};
use crate::migration::transplant::read;
use crate::plan::Change;
use crate::plan::entry::{Entry, EntryStep, Part};

/// What has to be sent for them.
#[derive(Debug, Default)]
pub(super) struct LateShared {
    /// To the target, before the entries that use them.
    put: Round,
    /// To the target and the source, when no entry uses them any more.
    taken: Round,
}

impl LateShared {
    /// The entries that use them may follow.
    pub(super) async fn put(&mut self, migration: &Migration, network: &Network) {
        let put = std::mem::take(&mut self.put);
        if let Err(error) = put.apply(network.switches()).await {
            tracing::warn!(id = migration.id(), %error,
                "groups and meters that somebody wrote meanwhile are not all on the target");
        }
    }

    /// No entry uses them any more.
    pub(super) async fn take_away(self, migration: &Migration, network: &Network) {
        if let Err(error) = self.taken.apply(network.switches()).await {
            tracing::warn!(id = migration.id(), %error,
                "groups and meters that somebody deleted or added meanwhile are left");
        }
    }
}

impl Job {
    /// Compares what the switch that is left has with what it had. It is asked only when there were groups or meters, or
    /// `late` uses some.
    pub(super) async fn late_shared(
        &self,
        migration: &Migration,
        [left, taking]: [DatapathId; 2],
        late: &LateWrites,
    ) -> LateShared {
        let mut shared = LateShared::default();
        let Some(transplant) = &self.planned.transplant else {
            return shared;
        };
        let steps = self.planned.rounds.iter().flat_map(|round| &round.entries);
        let before = steps
            .filter(|step| step.dpid == left && step.change == Change::Remove)
            .filter_map(|step| step.before.as_ref())
            .filter(|before| !matches!(before, Entry::Rule(_)));
        if before.clone().next().is_none() && !late.writes.iter().any(uses_shared) {
            return shared;
        }
        let Some((groups, meters)) = self.shared_on(left).await else {
            tracing::warn!(id = migration.id(), switch = %left,
                "the switch does not say what groups and meters it has; what somebody wrote meanwhile is lost");
            return shared;
        };
        for (change, entry) in shared_differences(before, &groups, &meters) {
            let is_new = change == Change::Install;
            let is_gone = change == Change::Remove;
            // On a way back what is new is the target's own; and what a switch has not kept nobody has deleted.
            if is_new && self.planned.request.reverts.is_some()
                || is_gone && self.may_have_lost(left)
            {
                continue;
            }
            match transplant.translated_shared(&entry) {
                Ok(translated) => {
                    let round = if is_gone {
                        &mut shared.taken
                    } else {
                        &mut shared.put
                    };
                    push(round, taking, change, translated);
                    if is_new {
                        push(&mut shared.taken, left, Change::Remove, entry);
                    }
                }
                Err(why) => tracing::warn!(
                    id = migration.id(),
                    ?entry,
                    why,
                    "a group that somebody wrote meanwhile stays on the source"
                ),
            }
        }
        shared
    }

    /// The groups and meters of a switch; `None` when it does not say.
    async fn shared_on(
        &self,
        dpid: DatapathId,
    ) -> Option<(Vec<GroupDescription>, Vec<MeterConfig>)> {
        let switch = self.network().switches().get(dpid)?;
        if switch.version() == Version::V10 {
            return Some((Vec::new(), Vec::new()));
        }
        let (groups, meters) = tokio::join!(read::groups(&switch), read::meters(&switch));
        groups.ok().zip(meters.ok())
    }

    /// Whether a switch may have lost what it held: it was away, or the controller was.
    pub(super) fn may_have_lost(&self, dpid: DatapathId) -> bool {
        let was_away = |&(other, before): &(DatapathId, Option<u64>)| {
            other == dpid && self.connection(dpid) != before
        };
        self.is_resumed || self.connections.iter().any(was_away)
    }
}

fn push(round: &mut Round, dpid: DatapathId, change: Change, entry: Entry) {
    let (before, after) = match change {
        Change::Remove => (Some(entry), None),
        Change::Install | Change::Modify | Change::Replace => (None, Some(entry)),
    };
    let step = EntryStep {
        // It has no part in the plan; nobody asks.
        part: Part::Neighbour,
        dpid,
        change,
        before,
        after,
    };
    if let Some(message) = step.message() {
        round.push(dpid, message);
    }
}

/// Whether a write names a group or a meter.
fn uses_shared(write: &FlowMod) -> bool {
    let is_meter = |one: &Instruction| matches!(one, Instruction::Meter(_));
    let is_group = |action: &Action| matches!(action, Action::Group(_));
    write.rule.instructions.iter().any(is_meter) || write.rule.actions().any(is_group)
}
