use std::time::Duration;

use bytes::Bytes;
use godwit_controller::connection::CloseReason;
use godwit_controller::limits::Limits;
use godwit_controller::switch::SendError;
use godwit_openflow::model::{FromSwitch, PacketOut, ToSwitch};
use godwit_openflow::types::{PortNo, Version};
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Seen};
use crate::fake_switch::{FakeSwitch, encoded, packet_in};

fn large() -> ToSwitch {
    ToSwitch::PacketOut(PacketOut::to_port(
        PortNo(1),
        Bytes::from_static(&[0; 60_000]),
    ))
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_takes_nothing_is_dropped_and_the_others_do_not_notice() {
    let mut bench = Bench::new();
    let (_stuck, stuck) = bench.connect(Version::V13, 1).await;
    let (_living, well) = bench.connect_living(2).await;
    let begun = Instant::now();
    while stuck.send(&[large()]).is_ok() {}
    assert_eq!(
        stuck.send(&[large()]),
        Err(SendError::QueueFull),
        "the queue has an end"
    );
    while stuck.is_connected() {
        let asked = Instant::now();
        assert_eq!(well.apply(&[large()]).await, Ok(()));
        assert_eq!(
            asked.elapsed(),
            Duration::ZERO,
            "the other waits for nothing"
        );
        sleep(Duration::from_millis(100)).await;
    }
    assert!(
        begun.elapsed() <= Duration::from_millis(10_200),
        "{:?}",
        begun.elapsed()
    );
    assert!(matches!(
        bench.seen().await,
        Seen::Down(1, _, CloseReason::NotReading)
    ));
    assert!(well.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_full_while_nothing_moves_ends_the_connection() {
    let mut bench = Bench::new();
    let (_stuck, stuck) = bench.connect(Version::V13, 1).await;
    stuck.send(&[large()]).unwrap();
    stuck.send(&[large()]).unwrap();
    sleep(Duration::from_secs(2)).await;
    while stuck.send(&[large()]).is_ok() {}
    assert!(matches!(
        bench.seen().await,
        Seen::Down(1, _, CloseReason::QueueFull)
    ));
}

#[tokio::test(start_paused = true)]
async fn echo_requests_without_end_do_not_pile_up_answers() {
    let mut bench = Bench::new();
    let (mut switch, _handle) = bench.connect(Version::V13, 1).await;
    let request = encoded(
        Version::V13,
        1,
        &FromSwitch::EchoRequest(Bytes::from_static(&[0; 60_000])),
    );
    while switch.send_bytes(&request).await.is_ok() {}
    let down = bench.seen().await;
    assert!(
        matches!(
            down,
            Seen::Down(1, _, CloseReason::QueueFull | CloseReason::NotReading)
        ),
        "{down:?}"
    );
}

#[tokio::test]
async fn an_echo_reply_overtakes_what_waits() {
    let mut bench = Bench::with(Limits {
        outbox_bytes: 4 << 20,
        ..Limits::default()
    });
    let (mut switch, handle) = bench.connect(Version::V13, 1).await;
    for _ in 0..30 {
        handle.send(&[large()]).unwrap();
    }
    sleep(Duration::from_millis(50)).await;
    for _ in 0..30 {
        handle.send(&[large()]).unwrap();
    }
    switch
        .send(5, &FromSwitch::EchoRequest(Bytes::from_static(b"alive?")))
        .await;
    sleep(Duration::from_millis(50)).await;
    let mut before = 0;
    loop {
        match switch.expect().await {
            (5, ToSwitch::EchoReply(payload)) => {
                assert_eq!(payload, &b"alive?"[..]);
                break;
            }
            (_, ToSwitch::PacketOut(_)) => before += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(before <= 30, "only what was on its way already: {before}");
}

#[tokio::test]
async fn a_flood_of_packets_from_one_switch_leaves_the_others_their_time() {
    // Low enough that a slow machine floods too.
    let limits = Limits {
        packet_in_rate: 1_000,
        packet_in_burst: 100,
        ..Limits::default()
    };
    let mut bench = Bench::with(limits);
    let (mut flooding, flooded) = bench.connect(Version::V13, 1).await;
    let (_living, well) = bench.connect_living(2).await;
    let burst = encoded(Version::V13, 0, &packet_in(&[0; 60])).repeat(500);
    let begun = Instant::now();
    let flood = tokio::spawn(async move {
        for _ in 0..200 {
            flooding.send_bytes(&burst).await.unwrap();
        }
        flooding
    });
    let mut answers = 0;
    while !flood.is_finished() {
        assert_eq!(well.apply(&[]).await, Ok(()));
        answers += 1;
    }
    let flooding = flood.await.unwrap();
    tokio::spawn(FakeSwitch::live(flooding));
    assert_eq!(
        flooded.apply(&[]).await,
        Ok(()),
        "the flooding switch itself still answers"
    );
    let counts = bench.connections.metrics().snapshot();
    assert_eq!(counts.packet_ins, 100_000, "all of them have been read");
    let through = counts.packet_ins - counts.packet_ins_dropped;
    let allowed = 101 + begun.elapsed().as_millis() as u64;
    assert!(
        (100..=allowed).contains(&through),
        "{through} of {allowed} allowed"
    );
    assert!(
        answers >= 500,
        "the other switch got an answer only {answers} times"
    );
}
