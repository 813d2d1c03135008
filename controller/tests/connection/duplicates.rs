use std::time::Duration;

use godwit_controller::connection::CloseReason;
use godwit_openflow::model::{StatsRequest, ToSwitch};
use godwit_openflow::types::{DatapathId, Version};
use tokio::time::Instant;

use crate::bench::{Bench, Seen};
use crate::fake_switch::FakeSwitch;

#[tokio::test]
async fn while_the_first_lives_a_second_of_its_name_is_turned_away() {
    let mut bench = Bench::new();
    let (_living, incumbent) = bench.connect_living(1).await;
    let mut contender = FakeSwitch::new(bench.plug(), Version::V10);
    contender.say_who_it_is(1).await;
    assert_eq!(
        contender.until_closed().await,
        [],
        "nothing but the handshake is sent to it"
    );
    bench.ended(1).await;
    assert!(incumbent.is_connected() && bench.is_quiet());
    let kept = bench.registry.get(DatapathId(1)).unwrap();
    assert_eq!(kept.connection_id(), incumbent.connection_id());
    assert_eq!(incumbent.apply(&[]).await, Ok(()));
    let counts = bench.connections.metrics().snapshot();
    assert_eq!(
        (counts.duplicates_refused, counts.handshakes_failed),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_first_is_replaced_once_it_has_not_answered() {
    let mut bench = Bench::new();
    let (_mute, incumbent) = bench.connect(Version::V13, 1).await;
    let begun = Instant::now();
    let mut contender = FakeSwitch::new(bench.plug(), Version::V13);
    contender.shake_hands(1).await;
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "it had its second"
    );
    assert!(begun.elapsed() < Duration::from_millis(1_500));
    let down = bench.seen().await;
    let (old, by) = match &down {
        Seen::Down(1, id, CloseReason::Replaced { by }) => (*id, *by),
        other => panic!("{other:?}"),
    };
    assert_eq!(old, incumbent.connection_id());
    assert_eq!(by.port(), 2);
    assert!(
        matches!(bench.seen().await, Seen::Up(1, id) if id != old),
        "down comes before up"
    );
    assert!(!incumbent.is_connected());
}

#[tokio::test]
async fn the_owner_may_come_back_a_thousand_times() {
    let mut bench = Bench::new();
    for round in 0..1_000 {
        let version = if round % 2 == 0 {
            Version::V13
        } else {
            Version::V10
        };
        let switch = FakeSwitch::connected(bench.plug(), version, 1).await;
        drop(switch);
    }
    for round in 0..1_000 {
        assert!(
            matches!(bench.seen().await, Seen::Up(1, _)),
            "round {round}"
        );
        let down = bench.seen().await;
        assert!(
            matches!(down, Seen::Down(1, _, CloseReason::ClosedByPeer)),
            "round {round}: {down:?}"
        );
    }
    assert_eq!(bench.connections.metrics().snapshot().duplicates_refused, 0);
}

#[tokio::test(start_paused = true)]
async fn of_many_that_claim_a_dead_name_one_gets_it() {
    let mut bench = Bench::new();
    let (_mute, _incumbent) = bench.connect(Version::V13, 1).await;
    let mut contenders = Vec::new();
    for _ in 0..10 {
        let mut contender = FakeSwitch::new(bench.plug(), Version::V13);
        contenders.push(tokio::spawn(async move {
            contender.say_who_it_is(1).await;
            let admitted = matches!(contender.next().await, Some((_, ToSwitch::SetConfig(_))));
            if admitted {
                contender.live().await;
            }
            admitted
        }));
    }
    assert!(matches!(
        bench.seen().await,
        Seen::Down(1, _, CloseReason::Replaced { .. })
    ));
    assert!(matches!(bench.seen().await, Seen::Up(1, _)));
    let refused = 9;
    while bench.connections.metrics().snapshot().duplicates_refused < refused {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(bench.is_quiet());
    let handle = bench.registry.get(DatapathId(1)).unwrap();
    assert_eq!(handle.apply(&[]).await, Ok(()));
    assert!(
        handle
            .request_within(StatsRequest::Tables, Duration::from_millis(1))
            .await
            .is_err()
    );
}
