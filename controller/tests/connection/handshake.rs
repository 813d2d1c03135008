use std::time::Duration;

use godwit_controller::connection::{CloseReason, SwitchMessage};
use godwit_controller::switch::{ApplyError, RequestError, SendError};
use godwit_openflow::model::{ErrorReport, PortStatusReason, StatsRequest, ToSwitch};
use godwit_openflow::types::{DatapathId, PortNo, Version};
use tokio::time::{Instant, sleep};

use crate::bench::{Bench, Seen, flow_mod};
use crate::fake_switch::{FakeSwitch, packet_in, port, port_status};

#[tokio::test]
async fn a_switch_of_either_version_comes_up_whole() {
    for version in Version::ALL {
        let mut bench = Bench::new();
        let (_switch, handle) = bench.connect(version, 7).await;
        assert_eq!(handle.version(), version);
        assert_eq!(handle.dpid(), DatapathId(7));
        assert_eq!(handle.name(), "s7");
        assert_eq!(handle.description().software, "fake");
        assert_eq!(handle.features().tables, 254);
        let numbers: Vec<PortNo> = handle.ports().iter().map(|port| port.number).collect();
        assert_eq!(numbers, [PortNo(1), PortNo(2), PortNo::LOCAL]);
        assert!(handle.is_connected());
        assert_eq!(bench.registry.len(), 1);
        for text in ["s7", "0000000000000007", "00:00:00:00:00:00:00:07", "0x7"] {
            assert!(bench.registry.resolve(text).is_some(), "{text}");
        }
        assert!(bench.registry.resolve("s8").is_none());
    }
}

#[tokio::test]
async fn our_hello_offers_both_versions_and_packets_come_whole() {
    let mut bench = Bench::new();
    let mut switch = FakeSwitch::new(bench.plug(), Version::V13);
    let (_, hello) = switch.expect().await;
    let ToSwitch::Hello {
        bitmap: Some(bitmap),
        ..
    } = hello
    else {
        panic!("{hello:?}")
    };
    assert_eq!(bitmap, [1, 4]);

    let mut switch = FakeSwitch::new(bench.plug(), Version::V13);
    switch.say_who_it_is(1).await;
    let (_, config) = switch.expect().await;
    let ToSwitch::SetConfig(config) = config else {
        panic!("{config:?}")
    };
    assert_eq!((config.miss_send_len, config.flags), (0xffff, 0));
}

#[tokio::test]
async fn a_switch_that_leaves_is_forgotten_and_its_handle_says_so() {
    let mut bench = Bench::new();
    let (switch, handle) = bench.connect(Version::V13, 1).await;
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { handle.apply(&[]).await }
    });
    sleep(Duration::from_millis(20)).await;
    drop(switch);
    assert_eq!(waiting.await.unwrap(), Err(ApplyError::Disconnected));
    let down = Seen::Down(1, handle.connection_id(), CloseReason::ClosedByPeer);
    assert_eq!(bench.seen().await, down);
    bench.ended(0).await;
    assert!(!handle.is_connected());
    assert!(bench.registry.is_empty() && bench.registry.get(DatapathId(1)).is_none());
    assert_eq!(handle.send(&[flow_mod(1)]), Err(SendError::Disconnected));
    assert_eq!(
        handle.apply(&[flow_mod(1)]).await,
        Err(ApplyError::Disconnected)
    );
    assert_eq!(
        handle.request(StatsRequest::Tables).await,
        Err(RequestError::Disconnected)
    );
    assert!(!handle.echo(Duration::from_secs(1)).await);
}

#[tokio::test]
async fn ports_are_up_to_date_before_anyone_is_told() {
    for version in Version::ALL {
        let mut bench = Bench::new();
        let (mut switch, handle) = bench.connect(version, 1).await;
        switch
            .send(0, &port_status(PortStatusReason::Add, port(9, "s1-eth9")))
            .await;
        assert!(matches!(
            bench.seen().await,
            Seen::Message(1, SwitchMessage::PortStatus(_))
        ));
        assert_eq!(handle.port(PortNo(9)).unwrap().name, "s1-eth9");
        switch
            .send(
                0,
                &port_status(PortStatusReason::Delete, port(1, "s1-eth1")),
            )
            .await;
        assert!(matches!(
            bench.seen().await,
            Seen::Message(1, SwitchMessage::PortStatus(_))
        ));
        assert!(handle.port(PortNo(1)).is_none());
        assert_eq!(handle.ports().len(), 3);
    }
}

#[tokio::test]
async fn messages_reach_the_observer_in_order() {
    let mut bench = Bench::new();
    let (mut switch, _handle) = bench.connect(Version::V13, 1).await;
    for data in [
        &b"one.............."[..],
        b"two..............",
        b"three............",
    ] {
        switch.send(0, &packet_in(data)).await;
    }
    for data in [
        &b"one.............."[..],
        b"two..............",
        b"three............",
    ] {
        let Seen::Message(1, SwitchMessage::PacketIn(packet)) = bench.seen().await else {
            panic!()
        };
        assert_eq!(packet.data, data);
        assert_eq!(packet.in_port, PortNo(1));
    }
    assert_eq!(bench.connections.metrics().snapshot().packet_ins, 3);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_stalls_is_ended_in_time() {
    let mut bench = Bench::new();
    let begun = Instant::now();
    let mut mute = FakeSwitch::new(bench.plug(), Version::V13);
    let said = mute.until_closed().await;
    assert!(matches!(said.as_slice(), [ToSwitch::Hello { .. }]));
    assert_eq!(begun.elapsed().as_secs(), 5);
    bench.ended(0).await;
    assert_eq!(bench.closed("handshake_timeout"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_falls_silent_is_asked_and_then_closed() {
    let mut bench = Bench::new();
    let (mut switch, _handle) = bench.connect(Version::V13, 1).await;
    let begun = Instant::now();
    let said = switch.until_closed().await;
    assert!(
        matches!(said.as_slice(), [ToSwitch::EchoRequest(_)]),
        "{said:?}"
    );
    assert_eq!(begun.elapsed().as_secs(), 15);
    assert!(matches!(
        bench.seen().await,
        Seen::Down(1, _, CloseReason::Silent)
    ));
}

#[tokio::test(start_paused = true)]
async fn a_switch_that_answers_echoes_stays() {
    let mut bench = Bench::new();
    let (_living, handle) = bench.connect_living(1).await;
    sleep(Duration::from_secs(3_600)).await;
    assert!(handle.is_connected());
    assert_eq!(handle.apply(&[]).await, Ok(()));
}

#[tokio::test]
async fn a_switch_of_another_version_is_told_why_it_is_not_taken() {
    let mut bench = Bench::new();
    let mut switch = FakeSwitch::new(bench.plug(), Version::V10);
    switch.send_bytes(&[2, 0, 0, 8, 0, 0, 0, 1]).await.unwrap();
    let said = switch.until_closed().await;
    let [
        ToSwitch::Hello { .. },
        ToSwitch::Error(ErrorReport {
            error_type: 0,
            code: 0,
            data,
            ..
        }),
    ] = said.as_slice()
    else {
        panic!("{said:?}")
    };
    let text = std::str::from_utf8(data).unwrap();
    assert!(
        text.contains("1.1") && text.contains("protocols="),
        "{text}"
    );
    bench.ended(0).await;
    assert_eq!(bench.closed("incompatible"), 1);
}
