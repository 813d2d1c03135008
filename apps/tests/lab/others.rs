//! Rules of others where routes are about to go: nothing is touched.

use godwit_apps::acl::{Rule, Verb};
use godwit_apps::migration::BeginError;
use godwit_apps::migration::planning::Refusal;
use godwit_apps::migration::record::State;
use godwit_apps::migration::request::Algorithm;
use godwit_apps::routing::REQUESTED_PRIORITY;
use godwit_apps::routing::install::InstallError;
use godwit_controller::{Owner, SwitchState};
use godwit_openflow::model::{Action, Field, FlowMod, FlowRule, Pattern};
use godwit_openflow::types::{Cookie, PortNo};

use crate::bench::{Bench, SOURCE, packet, until, wish};
use crate::fabric::Mood;

const THEIRS: Cookie = Cookie(5);

fn rule(priority: u16, pattern: Pattern) -> FlowRule {
    FlowRule::new(priority, pattern, vec![Action::output(PortNo(4))]).with_cookie(THEIRS)
}

/// What a migration says of this rule on the new way; empty when it goes through.
async fn refused(algorithm: Algorithm, theirs: FlowRule) -> Vec<String> {
    let bench = Bench::new().await;
    bench.routes(3).await;
    bench.fabric.change(5, &FlowMod::add(theirs.clone()));
    let is_there = |rule: &FlowRule| *rule == theirs;
    let request = Bench::request(algorithm);
    let rehearsed = bench.migrations.rehearse(&request).await;
    let begun = bench.migrations.begin(request, None).await;
    let reasons = match (begun, rehearsed) {
        (Ok((migration, _)), Ok(_)) => {
            assert_eq!(bench.end_of(&migration).await.0, State::Committed);
            Vec::new()
        }
        (Err(BeginError::Refused(begun)), Err(BeginError::Refused(rehearsed))) => {
            assert_eq!(begun, rehearsed);
            assert!(matches!(begun, Refusal::RulesAhead { .. }), "{begun}");
            assert_eq!(bench.fabric.harm(), [""; 0]);
            assert_eq!(bench.fabric.routing_rules(5), []);
            assert_eq!(bench.network.state(SOURCE), SwitchState::Active);
            begun.reasons()
        }
        (begun, rehearsed) => panic!("{begun:?} but {rehearsed:?}"),
    };
    assert_eq!(bench.fabric.rules(5, is_there).len(), 1);
    reasons
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_overwrites_nobody_elses_rule() {
    for algorithm in [Algorithm::Clone, Algorithm::Move, Algorithm::FreezeCopy] {
        let reasons = refused(algorithm, rule(REQUESTED_PRIORITY, packet(1))).await;
        let [reason] = &reasons[..] else {
            panic!("{reasons:?}")
        };
        assert!(reason.starts_with("switch 0000000000000005: table 0, priority 32768"));
        assert!(reason.ends_with("would be overwritten by route 2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_does_not_go_below_somebody_elses_rule() {
    let above = Pattern::new().eth_type(0x0800);
    let reasons = refused(Algorithm::Clone, rule(REQUESTED_PRIORITY + 1, above)).await;
    assert!(
        reasons[0].ends_with("would take packets of route 1"),
        "{reasons:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_no_packet_of_a_route_meets_first_are_no_hindrance() {
    for harmless in [
        rule(REQUESTED_PRIORITY - 1, Pattern::new()),
        rule(REQUESTED_PRIORITY + 1, packet(77)),
        // The routes come in at port 1.
        rule(REQUESTED_PRIORITY + 1, Pattern::new().in_port(PortNo(2))),
        // Where a route stands above, its own way goes on from there.
        rule(REQUESTED_PRIORITY + 1, packet(1)).with_cookie(Owner::Routing.cookie(99)),
        rule(u16::MAX, Pattern::new().eth_type(0x88cd)).with_cookie(Owner::Core.cookie(7)),
    ] {
        assert_eq!(refused(Algorithm::Clone, harmless).await, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_of_the_new_way_that_says_nothing_is_not_relied_on() {
    let bench = Bench::new().await;
    bench.routes(1).await;
    bench.fabric.mood(5, Mood::Hangs);
    let begun = bench
        .migrations
        .begin(Bench::request(Algorithm::Clone), None)
        .await;
    assert!(matches!(
        begun,
        Err(BeginError::Refused(Refusal::Unread(_)))
    ));
    bench.fabric.mood(5, Mood::Well);
    let migration = bench.migrate(Algorithm::Clone).await;
    assert_eq!(bench.end_of(&migration).await.0, State::Committed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_overwrites_nobody_elses_rule() {
    let bench = Bench::new().await;
    let theirs = rule(REQUESTED_PRIORITY, packet(1));
    bench.fabric.change(2, &FlowMod::add(theirs.clone()));
    for asked in [vec![wish(1)], (0..3).map(wish).collect()] {
        match bench.create(asked).await {
            Err(InstallError::Occupied { rules }) => assert_eq!(rules.len(), 1, "{rules:?}"),
            other => panic!("{other:?}"),
        }
        assert!(bench.routing.table().is_empty());
        assert_eq!(bench.fabric.routing_rules(4), []);
        assert_eq!(bench.fabric.rules(2, |rule| *rule == theirs).len(), 1);
    }
    bench.routes(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_list_is_on_every_switch_and_in_no_migrations_way() {
    let held = |bench: &Bench| {
        (1..=5)
            .map(|dpid| {
                let acl = |rule: &FlowRule| Owner::Acl.own_part(rule.cookie).is_some();
                bench.fabric.rules(dpid, acl).len()
            })
            .collect::<Vec<_>>()
    };
    for algorithm in [Algorithm::Clone, Algorithm::Move, Algorithm::FreezeCopy] {
        let bench = Bench::new().await;
        bench.routes(3).await;
        // It stands above all routes, and matches packets that they match.
        let denied = Rule {
            name: None,
            priority: 1,
            r#match: Pattern::new().eth_type(0x0800).with(Field::IpProto, 17),
            action: Verb::Deny,
        };
        let (_, pending) = bench.acl.add(vec![denied.clone()]).await.unwrap();
        assert!(pending.is_empty());
        assert_eq!(held(&bench), [1; 5]);
        // A switch whose work is being moved away takes it when that is over.
        bench.network.held().freeze(SOURCE);
        let (_, pending) = bench
            .acl
            .add(vec![Rule {
                r#match: packet(99),
                ..denied
            }])
            .await
            .unwrap();
        assert_eq!(pending.keys().copied().collect::<Vec<_>>(), [SOURCE]);
        assert_eq!(held(&bench), [2, 1, 2, 2, 2]);
        assert!(bench.network.held().take(SOURCE).is_empty());
        let migration = bench.migrate(algorithm).await;
        assert_eq!(
            bench.end_of(&migration).await,
            (State::Committed, String::new())
        );
        until("the whole list on the source", || held(&bench) == [2; 5]).await;
        assert!(bench.network.held().list().is_empty());
    }
}
