//! Groups that rules use: one that somebody has changed makes its rules do something else, and one that is gone has taken
//! its rules along (OF 1.3.5 §6.7).

use std::collections::HashSet;
use std::time::Duration;

use godwit_openflow::model::{Action, FlowRule, FlowStats, GroupMod, StatsReply, StatsRequest};
use tokio::time::timeout;

use crate::app::Desired;
use crate::rules::groups::group_difference;
use crate::rules::{Aspect, Finding};
use crate::switch::SwitchHandle;

use super::report::Outcome;

/// What a switch has to be sent to hold the groups that are wanted. One of which none are wanted isn't asked.
pub(super) async fn amiss(
    switch: &SwitchHandle,
    desired: &Desired,
    deadline: Duration,
) -> Result<Vec<GroupMod>, Outcome> {
    if desired.groups.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |why: String| Outcome::Failed(format!("its groups can't be read: {why}"));
    match timeout(deadline, switch.request(StatsRequest::GroupDescription)).await {
        Ok(Ok(StatsReply::GroupDescription(held))) => Ok(group_difference(desired, &held).0),
        Ok(Ok(_)) => Err(failed("it answers something else".to_owned())),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed("it does not answer".to_owned())),
    }
}

/// The rules that are there as they should be and use groups that are not.
pub(super) fn using<'a>(
    groups: &[GroupMod],
    desired: &'a Desired,
    held: &'a [FlowStats],
    wrong: &[Finding<'a>],
) -> Vec<Finding<'a>> {
    let groups: HashSet<_> = groups.iter().map(|change| change.group).collect();
    let uses = |rule: &FlowRule| {
        let is_one =
            |action: &Action| matches!(action, Action::Group(group) if groups.contains(group));
        rule.actions().any(is_one)
    };
    let known: HashSet<_> = wrong
        .iter()
        .filter_map(super::judge::wanted)
        .map(FlowRule::identity)
        .collect();
    let unknown = |rule: &&FlowRule| uses(rule) && !known.contains(&rule.identity());
    let changed = |wanted: &'a FlowRule| {
        let held = held.iter().find(|held| held.rule.same_identity(wanted))?;
        Some(Finding::Changed {
            wanted,
            held,
            aspects: vec![Aspect::Group],
        })
    };
    let rules = desired.rules.iter().filter(unknown);
    rules.filter_map(changed).collect()
}

#[cfg(test)]
mod tests {
    use godwit_openflow::model::{GroupCommand, GroupDescription, GroupType, Pattern};

    use super::*;
    use crate::rules::groups::group_of;

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
            group.message(GroupCommand::Modify)
        });
        // The third is missing itself, and told of as that.
        let missing = [Finding::Missing(&desired.rules[2])];
        let found = using(&amiss, &desired, &held, &missing);
        let expected = Finding::Changed {
            wanted: &desired.rules[0],
            held: &held[0],
            aspects: vec![Aspect::Group],
        };
        assert_eq!(found, [expected]);
        assert!(found[0].mend().is_empty());
        assert!(using(&[], &desired, &held, &[]).is_empty());
    }
}
