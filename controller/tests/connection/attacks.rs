use std::time::Duration;

use bytes::Bytes;
use godwit_controller::connection::CloseReason;
use godwit_controller::switch::RequestError;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{
    FlowRule, FlowStats, FromSwitch, Pattern, StatsReply, StatsRequest, ToSwitch,
};
use godwit_openflow::types::{DatapathId, Version};
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Seen};
use crate::fake_switch::{FakeSwitch, encoded, features, flow_removed, packet_in};

fn error_of(message: &ToSwitch) -> Option<(u16, u16)> {
    match message {
        ToSwitch::Error(report) => Some((report.error_type, report.code)),
        _ => None,
    }
}

#[tokio::test]
async fn a_message_of_another_version_is_refused_and_reaches_nobody() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect(Version::V13, 1).await;
    let wrong = encoded(Version::V10, 0, &packet_in(b"a frame of 60 bytes or so"));
    switch.send_bytes(&wrong).await.unwrap();
    assert_eq!(error_of(&switch.expect_work().await.1), Some((1, 0)));
    assert!(handle.is_connected() && bench.is_quiet());
    for _ in 0..4 {
        switch.send_bytes(&wrong).await.unwrap();
    }
    assert!(
        switch
            .until_closed()
            .await
            .iter()
            .all(|message| error_of(message) == Some((1, 0)))
    );
    assert!(matches!(
        bench.seen().await,
        Seen::Down(1, _, CloseReason::WrongVersion)
    ));
}

#[tokio::test]
async fn an_unknown_type_is_refused_and_the_connection_stays() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect(Version::V13, 1).await;
    for _ in 0..50 {
        switch
            .send_bytes(&[4, 0xcc, 0, 12, 0, 0, 0, 9, 1, 2, 3, 4])
            .await
            .unwrap();
        let (xid, message) = switch.expect_work().await;
        assert_eq!((xid, error_of(&message)), (9, Some((1, 1))));
    }
    assert!(handle.is_connected() && bench.is_quiet());
}

#[tokio::test]
async fn without_a_hello_nobody_gets_anywhere() {
    let before_hello = [
        features(Version::V13, 1),
        packet_in(b"a frame of 60 bytes or so"),
        flow_removed(1),
        FromSwitch::EchoRequest(Bytes::new()),
        FromSwitch::BarrierReply,
    ];
    for message in before_hello {
        let mut bench = Bench::new();
        let mut switch = FakeSwitch::new(bench.plug(), Version::V13);
        switch.send(1, &message).await;
        let said = switch.until_closed().await;
        assert!(
            matches!(said.as_slice(), [ToSwitch::Hello { .. }]),
            "{said:?}"
        );
        drop(switch);
        bench.ended(0).await;
        assert_eq!(bench.closed("no_hello"), 1);
        assert!(bench.registry.is_empty() && bench.is_quiet());
    }
}

#[tokio::test]
async fn hellos_that_are_no_good_end_in_a_refusal_and_never_hang() {
    let cases: [(&[u8], &str); 9] = [
        // A 12-byte HELLO whose element has length 0.
        (
            &[4, 0, 0, 12, 0x98, 0xc2, 0, 0, 0, 0, 0, 0],
            "malformed_handshake",
        ),
        (
            &[4, 0, 0, 12, 0, 0, 0, 1, 0, 1, 0, 0],
            "malformed_handshake",
        ),
        (
            &[4, 0, 0, 12, 0, 0, 0, 1, 0, 1, 0, 3],
            "malformed_handshake",
        ),
        (
            &[4, 0, 0, 12, 0, 0, 0, 1, 0, 1, 0, 64],
            "malformed_handshake",
        ),
        // A bitmap that contradicts its header: 1.1 only, under a header of 1.3.
        (
            &[4, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 4],
            "incompatible",
        ),
        (
            &[4, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0],
            "incompatible",
        ),
        (&[0, 0, 0, 8, 0, 0, 0, 1], "incompatible"),
        (&[2, 0, 0, 8, 0, 0, 0, 1], "incompatible"),
        (&[3, 0, 0, 8, 0, 0, 0, 1], "incompatible"),
    ];
    for (hello, label) in cases {
        let mut bench = Bench::new();
        let mut switch = FakeSwitch::new(bench.plug(), Version::V13);
        switch.send_bytes(hello).await.unwrap();
        let said = switch.until_closed().await;
        let [ToSwitch::Hello { .. }, refusal] = said.as_slice() else {
            panic!("{hello:?}: {said:?}")
        };
        assert_eq!(error_of(refusal), Some((0, 0)), "{hello:?}");
        drop(switch);
        bench.ended(0).await;
        assert_eq!(bench.closed(label), 1, "{hello:?}");
    }
}

#[tokio::test]
async fn a_hello_of_a_later_version_settles_for_ours() {
    for version in [5, 6, 0x0f, 0x40] {
        let mut bench = Bench::new();
        let mut switch = FakeSwitch::new(bench.plug(), Version::V13);
        switch
            .send_bytes(&[version, 0, 0, 8, 0, 0, 0, 1])
            .await
            .unwrap();
        assert!(matches!(switch.expect().await, (_, ToSwitch::Hello { .. })));
        assert_eq!(
            switch.expect().await.1,
            ToSwitch::FeaturesRequest,
            "{version:#x}"
        );
    }
}

#[tokio::test]
async fn a_second_hello_changes_nothing() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect(Version::V13, 1).await;
    switch.send_bytes(&[1, 0, 0, 8, 0, 0, 0, 1]).await.unwrap();
    switch
        .send_bytes(&[4, 0, 0, 12, 0x98, 0xc2, 0, 0, 0, 0, 0, 0])
        .await
        .unwrap();
    tokio::spawn(switch.live());
    assert_eq!(handle.apply(&[]).await, Ok(()));
    assert_eq!(handle.version(), Version::V13);
}

#[tokio::test]
async fn a_length_below_the_header_ends_the_connection() {
    for length in 0..8 {
        let mut bench = Bench::new();
        let (mut switch, _handle) = bench.connect(Version::V13, 1).await;
        switch
            .send_bytes(&[4, 2, 0, length, 0, 0, 0, 1])
            .await
            .unwrap();
        switch.until_closed().await;
        let down = bench.seen().await;
        assert!(
            matches!(down, Seen::Down(1, _, CloseReason::Framing(claimed)) if claimed == u16::from(length)),
            "{down:?}"
        );
    }
}

#[tokio::test]
async fn a_reply_without_end_fails_its_request_and_not_the_switch() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect(Version::V13, 1).await;
    let request = tokio::spawn({
        let handle = handle.clone();
        async move {
            // Long enough that it is the size and not the time that ends it.
            let request = StatsRequest::Flows(FlowFilter::all());
            handle
                .request_within(request, Duration::from_secs(600))
                .await
        }
    });
    let (xid, _) = switch.expect_work().await;
    let rule = FlowRule::new(1, Pattern::new(), Vec::new());
    let flow = FlowStats {
        rule,
        duration_ns: 0,
        packets: 0,
        bytes: 0,
    };
    let part = FromSwitch::Stats {
        more: true,
        body: StatsReply::Flows(vec![flow; 1_000]),
    };
    let part = encoded(Version::V13, xid, &part);
    while !request.is_finished() {
        switch.send_bytes(&part).await.unwrap();
    }
    assert_eq!(request.await.unwrap(), Err(RequestError::TooLarge));
    tokio::spawn(switch.live());
    assert_eq!(handle.apply(&[]).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_drips_fails_its_request_in_time() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect(Version::V13, 1).await;
    let begun = Instant::now();
    let request = tokio::spawn(async move { handle.request(StatsRequest::Tables).await });
    let (xid, _) = switch.expect_work().await;
    let part = FromSwitch::Stats {
        more: true,
        body: StatsReply::Tables(Vec::new()),
    };
    while !request.is_finished() {
        switch.send(xid, &part).await;
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(request.await.unwrap(), Err(RequestError::TimedOut));
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn phantom_switches_are_forgotten_with_their_connections() {
    let mut bench = Bench::new();
    for dpid in 0x1_0000..0x1_0400 {
        let (switch, _handle) = bench.connect(Version::V10, dpid).await;
        drop(switch);
        assert!(matches!(bench.seen().await, Seen::Down(down, ..) if down == dpid));
        bench.ended(0).await;
    }
    assert!(bench.registry.is_empty());
    assert!(bench.registry.get(DatapathId(0x1_0000)).is_none());
    let counts = bench.connections.metrics().snapshot();
    assert_eq!(
        (counts.accepted, counts.ready, counts.handshakes_failed),
        (0x400, 0x400, 0)
    );
}
