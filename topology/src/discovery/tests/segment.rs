use super::*;

/// Switches 1 to `count`, whose ports 1 a bridge joins; of each, another port that leads nowhere.
fn bridged(count: u64) -> Bench {
    let mut bench = Bench::new();
    bench
        .bridges
        .push((1..=count).map(|dpid| port(dpid, 1)).collect());
    (1..=count).for_each(|dpid| bench.connect(dpid, 2));
    bench
}

fn pair() -> BTreeSet<Link> {
    let there = link(port(1, 1), port(2, 1));
    BTreeSet::from([there, there.reversed()])
}

#[test]
fn a_link_through_a_bridge_is_found_before_its_ports_settle_and_is_marked() {
    let mut bench = bridged(2);
    bench.run(550);
    assert_eq!(bench.links(), pair());
    let graph = Arc::clone(bench.prober.graph());
    assert!(pair().iter().all(|link| graph.is_indirect(link)));
    for dpid in [1, 2] {
        assert_eq!(bench.prober.kind(port(dpid, 1)), PortKind::Shared);
    }
    // Hosts may be there, too.
    assert!(bench.take_changes().contains(&Change::EdgeUp(port(1, 1))));
    bench.run(120_000);
    assert_eq!(bench.links(), pair());
    assert_eq!(bench.prober.kind(port(1, 2)), PortKind::Edge);
    assert_eq!(bench.prober.counters().alarms, 0);
}

#[test]
fn all_switches_on_a_segment_are_linked_to_each_other() {
    let mut bench = bridged(5);
    bench.run(1_000);
    assert_eq!(bench.links().len(), 5 * 4);
    bench.connect(6, 1);
    bench.bridges[0].insert(port(6, 1));
    bench.run(1_000);
    assert_eq!(bench.links().len(), 6 * 5, "one that comes later, too");
    bench.prober.switch_down(DatapathId(3), bench.now());
    bench.run(1_000);
    assert_eq!(bench.links().len(), 5 * 4);
    bench.prober.port_down(port(1, 1), bench.now());
    assert_eq!(
        bench.links().len(),
        4 * 3,
        "they go at once with their port"
    );
}

#[test]
fn a_segment_has_a_bound() {
    let count = MAX_PEERS as u64 + 4;
    let mut bench = bridged(count);
    bench.run(2_000);
    for dpid in 1..=count {
        let from = bench.prober.graph().indirect_from(port(dpid, 1)).count();
        assert_eq!(from, MAX_PEERS);
    }
}

#[test]
fn a_way_through_a_bridge_that_fell_silent_ages_out_alone() {
    let mut bench = bridged(3);
    bench.run(20_000);
    bench.bridges[0].remove(&port(3, 1));
    bench.run(10_000);
    assert_eq!(bench.links().len(), 6, "two missed probes are not enough");
    bench.run(11_000);
    assert_eq!(bench.links(), pair());
    assert_eq!(bench.prober.kind(port(3, 1)), PortKind::Edge);
    // Hosts of the segment are heard there meanwhile; it comes together again all the same.
    bench.prober.host_seen(port(3, 1), bench.now());
    bench.bridges[0].insert(port(3, 1));
    bench.run(6_000);
    assert_eq!(bench.links().len(), 6);
    assert_eq!(bench.prober.counters().alarms, 0);
}

#[test]
fn one_direction_through_a_bridge_is_a_link_that_is_not_usable() {
    let mut bench = bridged(2);
    let there = link(port(1, 1), port(2, 1));
    bench.bridges.clear();
    for _ in 0..4 {
        bench.run(5_000);
        let now = bench.now();
        let probe = bench.prober.emit(port(1, 1), Reach::Segment, false, now);
        let verdict = bench.deliver(port(2, 1), &probe.unwrap());
        assert_eq!(verdict, LldpVerdict::Link(there));
    }
    assert_eq!(bench.links(), BTreeSet::from([there]));
    assert!(!bench.prober.graph().is_usable(&there));
}

#[test]
fn a_cable_takes_the_place_of_ways_through_bridges_and_ends_the_probes_for_them() {
    let mut bench = bridged(3);
    bench.run(10_000);
    bench.bridges.clear();
    bench.plug(port(1, 1), port(2, 1));
    bench.run(6_000);
    assert_eq!(bench.links(), pair(), "also that of port 1 of switch 3");
    let graph = Arc::clone(bench.prober.graph());
    assert!(pair().iter().all(|link| !graph.is_indirect(link)));
    bench.sent.clear();
    bench.run(20_000);
    let from_cable = |probe: &Probe| is_broadcast(probe) && probe.port == port(1, 1);
    assert!(!bench.sent.iter().any(|(_, probe)| from_cable(probe)));
    // One that comes all the same says nothing.
    let now = bench.now();
    let probe = bench.prober.emit(port(3, 1), Reach::Segment, false, now);
    let verdict = bench.deliver(port(1, 1), &probe.unwrap());
    assert_eq!(verdict, LldpVerdict::Late { from: port(3, 1) });
}

#[test]
fn two_ports_of_a_switch_on_one_segment_are_linked() {
    let mut bench = Bench::new();
    let both = BTreeSet::from([port(1, 1), port(1, 2)]);
    bench.bridges.push(both);
    bench.connect(1, 2);
    bench.run(1_000);
    let there = link(port(1, 1), port(1, 2));
    assert_eq!(bench.links(), BTreeSet::from([there, there.reversed()]));
    let now = bench.now();
    let probe = bench.prober.emit(port(1, 1), Reach::Segment, false, now);
    let verdict = bench.deliver(port(1, 1), &probe.unwrap());
    assert_eq!(
        verdict,
        LldpVerdict::Late { from: port(1, 1) },
        "what comes back by a loop says nothing"
    );
}

#[test]
fn a_marker_has_arrived_when_it_has_at_all_ports_of_the_segment() {
    let mut bench = bridged(3);
    bench.run(1_000);
    let marker = bench.prober.marker(port(1, 1), bench.now()).unwrap();
    assert!(is_broadcast(&marker));
    let first = bench.deliver(port(3, 1), &marker);
    assert_eq!(first, LldpVerdict::Link(link(port(1, 1), port(3, 1))));
    let last = bench.deliver(port(2, 1), &marker);
    let arrived = LldpVerdict::Marker {
        nonce: marker.nonce,
        from: port(1, 1),
        at: port(2, 1),
    };
    assert_eq!(last, arrived);
    let again = bench.deliver(port(2, 1), &marker);
    assert_eq!(again, LldpVerdict::Link(link(port(1, 1), port(2, 1))));
}

#[test]
fn a_probe_to_everybody_has_the_same_proof() {
    let mut bench = Bench::pair(3);
    bench.run(1_000);
    let segment = |bench: &mut Bench, from| {
        let now = bench.now();
        bench.prober.emit(from, Reach::Segment, false, now).unwrap()
    };
    // Signed by somebody else.
    let other = RunKey::from_bytes([8; 64]);
    let forged = Probe {
        port: port(1, 2),
        nonce: 1,
        frame: lldp::encode(&other, port(1, 2), 1, Reach::Segment, 20),
    };
    let reason = bench.alarm(port(2, 2), &forged);
    assert_eq!(reason, Some(AlarmReason::BadSignature));
    // A genuine one for a cable, broadcast.
    let now = bench.now();
    let cable = bench.prober.emit(port(1, 2), Reach::Cable, false, now);
    let cable = cable.unwrap();
    let frame = [&[0xff; 6], &cable.frame[6..]].concat().into();
    let broadcast = Probe { frame, ..cable };
    let reason = bench.alarm(port(2, 2), &broadcast);
    assert_eq!(reason, Some(AlarmReason::BadSignature));
    // Held back for too long.
    let captured = segment(&mut bench, port(1, 2));
    bench.run(NONCE_WINDOW.as_millis() as u64 + 1);
    let reason = bench.alarm(port(2, 2), &captured);
    assert_eq!(reason, Some(AlarmReason::Replayed));
    // Carried from or to where hosts are.
    bench.prober.host_seen(port(1, 3), bench.now());
    let captured = segment(&mut bench, port(1, 3));
    let reason = bench.alarm(port(2, 2), &captured);
    assert_eq!(reason, Some(AlarmReason::FromHostPort));
    let captured = segment(&mut bench, port(2, 2));
    let reason = bench.alarm(port(1, 3), &captured);
    assert_eq!(reason, Some(AlarmReason::HostPort));
}
