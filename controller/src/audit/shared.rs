//! Groups and meters: one that somebody has changed makes the rules that use it do something else, and one that is gone
//! has taken them along (OF 1.3.5 §6.5 and §6.7).

use std::collections::HashSet;
use std::time::Duration;

use godwit_openflow::model::{FlowRule, FlowStats, ToSwitch};
use tokio::time::timeout;

use super::Audits;
use super::judge::wanted;
use super::repair::{APPLY_DEADLINE, PATIENCE};
use super::report::{Looked, Outcome, RepairKind, SharedRepair};
use crate::app::Desired;
use crate::carried::Shared;
use crate::rules::shared::{SharedChanges, SharedHeld, Wrong, is_of_route, used_by};
use crate::rules::{Aspect, Finding};
use crate::switch::SwitchHandle;

/// How long a switch may take to say what groups and meters it has.
const ANSWER_DEADLINE: Duration = Duration::from_millis(1_500);

/// What a switch has to be sent to hold the groups and meters that are wanted. One of which none are wanted isn't asked.
pub(super) async fn amiss(
    switch: &SwitchHandle,
    desired: &Desired,
) -> Result<SharedChanges, Outcome> {
    let (groups, meters) = (!desired.groups.is_empty(), !desired.meters.is_empty());
    let failed =
        |why: String| Outcome::Failed(format!("its groups and meters can't be read: {why}"));
    match timeout(ANSWER_DEADLINE, SharedHeld::read(switch, groups, meters)).await {
        Ok(Ok(held)) => Ok(SharedChanges::between(desired, &held)),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed("it does not answer".to_owned())),
    }
}

/// The rules that are there as they should be and use groups or meters that are not.
pub(super) fn using<'a>(
    amiss: &SharedChanges,
    desired: &'a Desired,
    held: &'a [FlowStats],
    wrong: &[Finding<'a>],
) -> Vec<Finding<'a>> {
    let amiss: HashSet<Shared> = amiss.before.iter().map(|(shared, ..)| *shared).collect();
    if amiss.is_empty() {
        return Vec::new();
    }
    let known: HashSet<_> = wrong.iter().filter_map(wanted).collect();
    let known: HashSet<_> = known.into_iter().map(FlowRule::identity).collect();
    let unknown = |rule: &&FlowRule| {
        used_by(rule).any(|shared| amiss.contains(&shared)) && !known.contains(&rule.identity())
    };
    let changed = |wanted: &'a FlowRule| {
        let held = held.iter().find(|held| held.rule.same_identity(wanted))?;
        Some(Finding::Changed {
            wanted,
            held,
            aspects: vec![Aspect::Shared],
        })
    };
    let rules = desired.rules.iter().filter(unknown);
    rules.filter_map(changed).collect()
}

/// Sends what is to be there before the rules that use it.
pub(super) async fn send(switch: &SwitchHandle, changes: SharedChanges) -> Result<(), Outcome> {
    let before = changes.before.into_iter();
    let messages: Vec<ToSwitch> = before.map(|(_, _, message)| message).collect();
    if messages.is_empty() {
        return Ok(());
    }
    let sent = switch.apply_within(&messages, APPLY_DEADLINE).await;
    sent.map_err(|error| Outcome::Failed(format!("it did not take its groups and meters: {error}")))
}

impl Audits {
    /// Puts groups and meters right that are no route's, while nobody else writes to the switch. Those of routes are put
    /// right with the rules that use them.
    pub(super) async fn put_shared_right(
        &self,
        switch: &SwitchHandle,
        looked: &mut Looked,
    ) -> Result<(), Outcome> {
        let dpid = switch.dpid();
        let leave = self.network().held().put_right(dpid, PATIENCE).await;
        let Some(_leave) = leave else {
            // The next audit has its turn.
            return Ok(());
        };
        self.check_unmoved(dpid)?;
        let (mut desired, _) = self.wanted_on(dpid);
        desired.groups.retain(|group| !is_of_route(group.group));
        let changes = amiss(switch, &desired).await?;
        let repairs: Vec<SharedRepair> = changes
            .before
            .iter()
            .map(|(shared, wrong, _)| SharedRepair {
                what: shared.to_string(),
                repair: match wrong {
                    Wrong::Missing => RepairKind::Restored,
                    Wrong::Changed => RepairKind::Mended,
                },
            })
            .collect();
        send(switch, changes).await?;
        for repair in &repairs {
            tracing::warn!(%dpid, what = repair.what, kind = ?repair.repair, "a group or meter was not as it should be, and is put right");
        }
        looked.shared.extend(repairs);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use godwit_openflow::model::{Action, GroupCommand, GroupDescription, GroupType, Pattern};

    use super::*;
    use crate::rules::shared::group_of;

    fn rule(priority: u16, route: u32) -> FlowRule {
        FlowRule::new(
            priority,
            Pattern::new(),
            vec![Action::Group(group_of(route))],
        )
    }

    fn stats(rule: FlowRule) -> FlowStats {
        FlowStats {
            rule,
            packets: 0,
            bytes: 0,
            duration_ns: 0,
        }
    }

    #[test]
    fn a_rule_is_told_of_whose_group_is_amiss_once_and_mended_by_the_group_alone() {
        let desired = Desired {
            rules: vec![rule(101, 1), rule(102, 2), rule(103, 3)],
            ..Desired::default()
        };
        let held: Vec<FlowStats> = desired.rules[..2].iter().cloned().map(stats).collect();
        let amiss = [1, 3].map(|route| {
            let group = GroupDescription {
                group_type: GroupType::Select,
                group: group_of(route),
                buckets: Vec::new(),
            };
            let name = Shared::Group(group.group);
            let message = group.message(GroupCommand::Modify).into();
            (name, Wrong::Changed, message)
        });
        let amiss = SharedChanges {
            before: amiss.into(),
            after: Vec::new(),
        };
        // The third is missing itself, and told of as that.
        let missing = [Finding::Missing(&desired.rules[2])];
        let found = using(&amiss, &desired, &held, &missing);
        let expected = Finding::Changed {
            wanted: &desired.rules[0],
            held: &held[0],
            aspects: vec![Aspect::Shared],
        };
        assert_eq!(found, [expected]);
        assert!(found[0].mend().is_empty());
        assert!(using(&SharedChanges::default(), &desired, &held, &[]).is_empty());
    }
}
