use super::*;

#[test]
fn a_forged_frame_makes_an_alarm_and_no_link() {
    let mut bench = Bench::pair(2);
    bench.round();
    let other = RunKey::from_bytes([8; 64]);
    let frame = lldp::encode(&other, port(1, 2), 1, Reach::Cable, 20);
    let forged = Probe {
        port: port(1, 2),
        nonce: 1,
        frame,
    };
    assert_eq!(
        bench.alarm(port(2, 2), &forged),
        Some(AlarmReason::BadSignature)
    );
    assert_eq!(bench.prober.counters().alarms, 1);
}

#[test]
fn a_genuine_frame_is_worth_nothing_after_its_window() {
    let mut bench = Bench::pair(2);
    bench.round();
    let (_, captured) = bench
        .sent
        .iter()
        .find(|(_, probe)| probe.port == port(1, 2))
        .unwrap()
        .clone();
    bench.millis = 5_001;
    assert_eq!(
        bench.alarm(port(2, 2), &captured),
        Some(AlarmReason::Replayed)
    );
}

#[test]
fn a_genuine_frame_counts_at_one_port_only() {
    let mut bench = Bench::pair(2);
    bench.round();
    let (_, captured) = bench
        .sent
        .iter()
        .find(|(_, probe)| probe.port == port(1, 1))
        .unwrap()
        .clone();
    assert_eq!(
        bench.alarm(port(2, 2), &captured),
        Some(AlarmReason::SeenTwice)
    );
    let expected = LldpVerdict::Link(link(port(1, 1), port(2, 1)));
    assert_eq!(
        bench.deliver(port(2, 1), &captured),
        expected,
        "a duplicate where it belongs does no harm"
    );
}

#[test]
fn a_nonce_of_another_port_is_worth_nothing() {
    let mut bench = Bench::pair(2);
    bench.round();
    let nonce = bench
        .sent
        .iter()
        .find(|(_, probe)| probe.port == port(1, 1))
        .unwrap()
        .1
        .nonce;
    let frame = lldp::encode(
        &RunKey::from_bytes(KEY),
        port(1, 2),
        nonce,
        Reach::Cable,
        20,
    );
    let mixed = Probe {
        port: port(1, 2),
        nonce,
        frame,
    };
    assert_eq!(bench.alarm(port(2, 2), &mixed), Some(AlarmReason::Replayed));
}

#[test]
fn a_relay_between_ports_with_hosts_makes_an_alarm_at_either_end() {
    let mut bench = Bench::pair(3);
    bench.run(1_000);
    bench.prober.host_seen(port(1, 2), bench.now());
    let mut relayed = |from: PortRef, to: PortRef| {
        let probe = bench.prober.marker(from, bench.now()).unwrap();
        bench.alarm(to, &probe)
    };
    assert_eq!(relayed(port(2, 2), port(1, 2)), Some(AlarmReason::HostPort));
    assert_eq!(
        relayed(port(1, 2), port(2, 2)),
        Some(AlarmReason::FromHostPort)
    );
}

#[test]
fn a_flap_of_the_port_does_not_wash_off_that_hosts_are_there() {
    let mut bench = Bench::pair(2);
    bench.run(1_000);
    let host_port = port(1, 2);
    bench.prober.host_seen(host_port, bench.now());
    bench.prober.port_down(host_port, bench.now());
    bench.millis += 100;
    bench.prober.port_up(host_port, bench.now());
    bench.run(30_000);
    let probe = bench.prober.marker(port(2, 2), bench.now()).unwrap();
    assert_eq!(bench.alarm(host_port, &probe), Some(AlarmReason::HostPort));
    // After the hold it may be put to another use.
    bench.run(31_000);
    let probe = bench.prober.marker(port(2, 2), bench.now()).unwrap();
    bench.deliver(host_port, &probe);
    assert!(bench.links().contains(&link(port(2, 2), host_port)));
}

#[test]
fn hosts_behind_a_switch_that_was_not_connected_yet_do_not_bar_its_link() {
    let mut bench = Bench::new();
    bench.plug(port(1, 1), port(2, 1));
    bench.connect(1, 1);
    bench.run(1_000);
    assert_eq!(bench.prober.kind(port(1, 1)), PortKind::Edge);
    bench.prober.host_seen(port(1, 1), bench.now());
    bench.run(2_000);
    bench.take_changes();
    bench.connect(2, 1);
    // A last packet overtakes the first probe.
    bench.millis += 1;
    bench.prober.host_seen(port(1, 1), bench.now());
    bench.run(100);
    assert_eq!(bench.links().len(), 2);
    assert_eq!(bench.changes.first(), Some(&Change::EdgeDown(port(1, 1))));
}
