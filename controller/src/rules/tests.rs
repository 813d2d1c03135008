use godwit_openflow::model::{Action, FlowCommand, FlowRule, FlowStats, Pattern};
use godwit_openflow::types::{Cookie, DatapathId, PortNo, Version};

use super::round::Running;
use super::*;
use crate::app::Desired;
use crate::switch::ApplyError;

fn rule(udp_port: u16, out: u32, cookie: Cookie) -> FlowRule {
    let pattern = Pattern::new().eth_type(udp_port);
    FlowRule::new(100, pattern, vec![Action::output(PortNo(out))]).with_cookie(cookie)
}

fn reported(rule: FlowRule) -> FlowStats {
    FlowStats {
        rule,
        duration_ns: 1,
        packets: 7,
        bytes: 700,
    }
}

fn commands(desired: Vec<FlowRule>, present: Vec<FlowRule>) -> Vec<(FlowCommand, FlowRule)> {
    let desired = Desired {
        rules: desired,
        ..Desired::default()
    };
    let present: Vec<FlowStats> = present.into_iter().map(reported).collect();
    difference(&desired, &present, Version::V13)
        .into_iter()
        .map(|change| (change.command, change.rule))
        .collect()
}

#[test]
fn a_switch_that_holds_what_is_desired_gets_nothing() {
    let mine = rule(1, 2, Owner::Routing.cookie(1));
    assert_eq!(commands(vec![mine.clone()], vec![mine]), []);
}

#[test]
fn missing_entries_are_added_and_wrong_ones_changed() {
    let missing = rule(1, 2, Owner::Routing.cookie(1));
    let right = rule(2, 2, Owner::Routing.cookie(2));
    let wrong = rule(2, 9, Owner::Routing.cookie(2));
    assert_eq!(
        commands(vec![missing.clone(), right.clone()], vec![wrong]),
        [
            (FlowCommand::ModifyStrict, right),
            (FlowCommand::Add, missing)
        ]
    );
}

#[test]
fn only_our_own_leftovers_are_deleted() {
    let leftover = rule(1, 2, Owner::Routing.cookie(77));
    let foreign = rule(2, 2, Cookie(5));
    assert_eq!(
        commands(vec![], vec![leftover.clone(), foreign]),
        [(FlowCommand::DeleteStrict, leftover)]
    );
}

#[test]
fn entries_under_change_are_left_alone() {
    let busy = rule(1, 2, Owner::Routing.cookie(3));
    let desired = Desired {
        busy: vec![Owner::Routing.cookie(3)],
        ..Desired::default()
    };
    assert_eq!(difference(&desired, &[reported(busy)], Version::V13), []);
}

#[test]
fn a_cookie_names_its_owner_and_its_number() {
    let cookie = Owner::Routing.cookie(41);
    assert_eq!(Owner::Routing.own_part(cookie), Some(41));
    assert_eq!(Owner::Learning.own_part(cookie), None);
    for owner in [Owner::Core, Owner::Acl, Owner::App(0), Owner::App(255)] {
        assert_eq!(Owner::of(owner.cookie(3)), Some(owner));
    }
    assert_eq!(Owner::of(Cookie(41)), None);
    assert_eq!(Owner::of(Cookie(0x60d1_7777_0000_0000)), None);
    assert!(is_ours(cookie) && !is_ours(Cookie(41)));
}

#[tokio::test]
async fn a_batch_that_ends_abnormally_is_a_failure_of_its_switch() {
    let mut running = Running::default();
    running.spawn(DatapathId(1), async { Ok(()) });
    running.spawn(DatapathId(2), async { panic!("a fault of the program") });
    let failures = running.failures().await;
    let failed: Vec<_> = failures
        .iter()
        .map(|failure| (failure.dpid, &failure.error))
        .collect();
    assert_eq!(failed, [(DatapathId(2), &ApplyError::Unknown)]);
}
