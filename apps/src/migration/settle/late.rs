//! What others write to the source while its rules move: another controller, or somebody at the command line, knows of
//! no freeze. What they add, change and take away there is seen when the source is read again, and done on the target.

use std::collections::HashMap;

use godwit_controller::rules::{Owner, stands_everywhere};
use godwit_openflow::model::group::in_order;
use godwit_openflow::model::{
    FlowMod, FlowRule, FlowStats, GroupDescription, Identity, MeterConfig,
};

use crate::plan::Change;
use crate::plan::entry::Entry;

/// What somebody did to the source after it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LateWrites {
    /// Rules added, changed and deleted, as writes to the source.
    pub writes: Vec<FlowMod>,
    /// The rules that are there now and were not: what has to be deleted with the others.
    pub added: Vec<FlowRule>,
}

/// Compares what the source holds with what it held. Pure.
///
/// Rules that have a timeout and are gone have timed out, as far as anybody can tell; theirs is not a write. Godwit's own
/// rules are written by nobody else.
#[must_use]
pub fn differences(before: &[FlowRule], now: &[FlowStats]) -> LateWrites {
    let was: HashMap<Identity<'_>, &FlowRule> =
        before.iter().map(|rule| (rule.identity(), rule)).collect();
    let mut late = LateWrites::default();
    let mut present = HashMap::with_capacity(now.len());
    for FlowStats { rule, .. } in now {
        present.insert(rule.identity(), ());
        match was.get(&rule.identity()) {
            Some(old) if old.instructions == rule.instructions && old.cookie == rule.cookie => {}
            // Counters and age stay with a rule that is changed in place.
            Some(old) if old.cookie == rule.cookie => {
                late.writes.push(FlowMod::modify_strict(rule.clone()));
            }
            Some(_) => late.writes.push(FlowMod::add(rule.clone())),
            None if is_core_or_route(rule) => {}
            None => {
                late.writes.push(FlowMod::add(rule.clone()));
                late.added.push(rule.clone());
            }
        }
    }
    let gone = before
        .iter()
        .filter(|rule| !present.contains_key(&rule.identity()));
    let deleted = gone.filter(|rule| rule.idle_timeout == 0 && rule.hard_timeout == 0);
    late.writes
        .extend(deleted.cloned().map(FlowMod::delete_strict));
    late
}

/// Compares the groups and meters that the source has with those that it had: what is new as it is, what has changed as
/// it is now, what is gone as it was. New groups stand behind those that they point at. Pure.
#[must_use]
pub fn shared_differences<'a>(
    before: impl Iterator<Item = &'a Entry> + Clone,
    groups: &[GroupDescription],
    meters: &[MeterConfig],
) -> Vec<(Change, Entry)> {
    let (mut put, mut gone) = (Vec::new(), Vec::new());
    let mut compare = |was: Option<bool>, now: Entry| match was {
        None => put.push((Change::Install, now)),
        Some(false) => put.push((Change::Modify, now)),
        Some(true) => {}
    };
    for meter in meters {
        let was = before.clone().find_map(|entry| match entry {
            Entry::Meter(was) if was.meter == meter.meter => Some(was.does_the_same(meter)),
            _ => None,
        });
        compare(was, Entry::Meter(meter.clone()));
    }
    // Groups that point at each other in a circle are refused by every switch.
    let (order, _) = in_order(groups);
    for group in order.into_iter().filter_map(|place| groups.get(place)) {
        let was = before.clone().find_map(|entry| match entry {
            Entry::Group(was) if was.group == group.group => Some(was.does_the_same(group)),
            _ => None,
        });
        compare(was, Entry::Group(group.clone()));
    }
    for entry in before {
        let is_there = match entry {
            Entry::Group(was) => groups.iter().any(|group| group.group == was.group),
            Entry::Meter(was) => meters.iter().any(|meter| meter.meter == was.meter),
            Entry::Rule(_) => true,
        };
        if !is_there {
            gone.push((Change::Remove, entry.clone()));
        }
    }
    put.extend(gone);
    put
}

/// Rules that every switch has don't move, and those of routes move in their own way.
fn is_core_or_route(rule: &FlowRule) -> bool {
    stands_everywhere(rule.cookie) || Owner::Routing.own_part(rule.cookie).is_some()
}

#[cfg(test)]
mod tests {
    use godwit_openflow::model::{
        Action, Bucket, FlowCommand, GroupType, MeterBand, MeterFlags, Pattern,
    };
    use godwit_openflow::types::{Cookie, GroupId, MeterId, PortNo};

    use super::*;

    fn rule(ethertype: u16, port: u32) -> FlowRule {
        let pattern = Pattern::new().eth_type(ethertype);
        FlowRule::new(5, pattern, vec![Action::output(PortNo(port))]).with_cookie(Cookie(7))
    }

    fn held(rules: &[FlowRule]) -> Vec<FlowStats> {
        let stats = |rule: &FlowRule| FlowStats {
            rule: rule.clone(),
            duration_ns: 1,
            packets: 0,
            bytes: 0,
        };
        rules.iter().map(stats).collect()
    }

    #[test]
    fn nothing_has_changed() {
        let rules = [rule(0x800, 1), rule(0x806, 2)];
        assert_eq!(differences(&rules, &held(&rules)), LateWrites::default());
    }

    #[test]
    fn what_was_added_changed_and_deleted_is_seen() {
        let before = [rule(0x800, 1), rule(0x806, 2), rule(0x86dd, 3)];
        let now = [rule(0x800, 1), rule(0x806, 9), rule(0x8847, 4)];
        let late = differences(&before, &held(&now));
        let seen: Vec<_> = late
            .writes
            .iter()
            .map(|write| (write.command, &write.rule))
            .collect();
        assert_eq!(
            seen,
            [
                (FlowCommand::ModifyStrict, &now[1]),
                (FlowCommand::Add, &now[2]),
                (FlowCommand::DeleteStrict, &before[2]),
            ]
        );
        assert_eq!(late.added, [now[2].clone()]);
    }

    #[test]
    fn a_rule_that_has_timed_out_was_deleted_by_nobody() {
        let mut timed = rule(0x800, 1);
        timed.hard_timeout = 5;
        assert_eq!(differences(&[timed], &[]), LateWrites::default());
    }

    #[test]
    fn the_controllers_own_rules_are_not_late() {
        let discovery = godwit_controller::rules::discovery_rule();
        assert_eq!(differences(&[], &held(&[discovery])), LateWrites::default());
    }
    fn group(number: u32, does: Action) -> GroupDescription {
        GroupDescription {
            group_type: GroupType::Indirect,
            group: GroupId(number),
            buckets: vec![Bucket {
                weight: 0,
                watch_port: None,
                watch_group: None,
                actions: vec![does],
            }],
        }
    }

    fn meter(number: u32, rate: u32) -> MeterConfig {
        MeterConfig {
            flags: MeterFlags::KBPS,
            meter: MeterId(number),
            bands: vec![MeterBand::Drop { rate, burst: 0 }],
        }
    }

    #[test]
    fn groups_and_meters_that_were_added_changed_and_deleted_are_seen() {
        let out = |port: u32| Action::output(PortNo(port));
        let before = [
            Entry::Group(group(1, out(1))),
            Entry::Group(group(2, out(1))),
            Entry::Group(group(3, out(1))),
            Entry::Meter(meter(1, 5)),
            Entry::Meter(meter(2, 5)),
        ];
        let inner = group(9, out(1));
        let outer = group(4, Action::Group(GroupId(9)));
        let groups = [
            outer.clone(),
            group(1, out(1)),
            group(2, out(2)),
            inner.clone(),
        ];
        let meters = [meter(2, 6), meter(3, 5)];
        let seen = shared_differences(before.iter(), &groups, &meters);
        let expected = [
            (Change::Modify, Entry::Meter(meter(2, 6))),
            (Change::Install, Entry::Meter(meter(3, 5))),
            (Change::Modify, Entry::Group(group(2, out(2)))),
            (Change::Install, Entry::Group(inner)),
            (Change::Install, Entry::Group(outer)),
            (Change::Remove, before[2].clone()),
            (Change::Remove, before[3].clone()),
        ];
        assert_eq!(seen, expected);
    }
}
