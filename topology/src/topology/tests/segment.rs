use super::*;

/// The triangle, in which the bridge between the ports 9 of all three switches has hosts as well.
fn bridged() -> Net {
    let mut net = Net::triangle();
    net.bridge = (1..=3).map(|dpid| port(dpid, 9)).collect();
    net.run(1_000);
    net.changes.clear();
    net
}

fn out_of(net: &mut Net, from: PortRef) -> Vec<PortRef> {
    net.topology.snapshot().broadcast_from(from).collect()
}

#[test]
fn hosts_on_a_segment_are_at_its_lowest_port_wherever_they_are_seen() {
    let mut net = bridged();
    let at = port(1, 9);
    assert_eq!(net.topology.snapshot().kind(at), PortKind::Shared);
    assert_eq!(
        net.see(H1, 1, port(3, 9)),
        [TopologyChange::HostAdded { mac: H1, at }]
    );
    assert_eq!(net.see(H1, 1, port(2, 9)), [], "no conflict");
}

#[test]
fn what_comes_by_on_a_segment_moves_no_host() {
    let mut net = bridged();
    net.see(H1, 1, port(2, 8));
    for dpid in 1..=3 {
        assert_eq!(net.see(H1, 1, port(dpid, 9)), []);
    }
    net.run(60_000);
    let snapshot = net.topology.snapshot();
    assert_eq!(snapshot.host_by_mac(H1).unwrap().attachment, port(2, 8));
}

#[test]
fn a_host_of_a_segment_can_not_be_taken_by_an_edge_port_while_it_answers() {
    let mut net = bridged();
    net.see(H1, 1, port(2, 9));
    net.alive.insert(H1, port(1, 9));
    let stolen = net.see(H1, 1, port(3, 8));
    assert!(matches!(stolen[..], [TopologyChange::HostConflict { .. }]));
    net.run(60_000);
    let snapshot = net.topology.snapshot();
    assert_eq!(snapshot.host_by_mac(H1).unwrap().attachment, port(1, 9));
}

#[test]
fn a_broadcast_goes_into_a_segment_once_where_its_sender_is_near() {
    let mut net = bridged();
    let edges = [1, 2, 3].map(|dpid| port(dpid, 8));
    for from in edges {
        let mut expected: Vec<_> = edges.into_iter().filter(|port| *port != from).collect();
        expected.push(port(from.dpid.0, 9));
        assert_eq!(out_of(&mut net, from), expected);
    }
    assert_eq!(
        out_of(&mut net, port(1, 9)),
        edges,
        "from the segment, not back into it"
    );
}

#[test]
fn hosts_stay_when_the_segments_lowest_port_goes() {
    let mut net = bridged();
    net.see(H1, 1, port(2, 9));
    let now = net.now();
    let changes = net.topology.switch_down(DatapathId(1), now);
    assert!(changes.contains(&TopologyChange::HostMoved {
        mac: H1,
        from: port(1, 9),
        to: port(2, 9)
    }));
    let host = net.topology.snapshot().host_by_mac(H1).cloned().unwrap();
    assert!(host.is_present());
    // The bridge is reached by switch 1 again.
    let now = net.now();
    let ports = [2, 3, 8, 9].map(PortNo);
    net.topology.switch_up(DatapathId(1), ports, now);
    net.run(1_000);
    assert_eq!(net.see(H1, 1, port(1, 9)), []);
    let snapshot = net.topology.snapshot();
    assert_eq!(snapshot.host_by_mac(H1).unwrap().attachment, port(2, 9));
}

#[test]
fn paths_take_cables_before_bridges_and_bridges_where_there_is_nothing_else() {
    let mut net = bridged();
    let (one, two) = (DatapathId(1), DatapathId(2));
    let path = |net: &mut Net| {
        let snapshot = net.topology.snapshot();
        let path = snapshot.path(port(1, 8), port(2, 8), &Constraints::default());
        let path = path.unwrap();
        (snapshot.cost_of(&path), path.links().collect::<Vec<_>>())
    };
    let cut = |net: &mut Net, end: PortRef| {
        let now = net.now();
        net.topology.port_down(end, now);
    };
    assert_eq!(path(&mut net).0, 1);
    cut(&mut net, port(1, 2));
    assert_eq!(path(&mut net).0, 2);
    cut(&mut net, port(2, 3));
    let bridge = Link {
        src: port(1, 9),
        dst: port(2, 9),
    };
    assert_eq!(path(&mut net), (10, vec![bridge]));
    let snapshot = net.topology.snapshot();
    assert!(snapshot.graph().is_indirect(&bridge));
    // A station on the bridge is reached from each switch by its own port.
    assert_eq!(snapshot.segments().nearest(port(1, 9), two), port(2, 9));
    assert_eq!(snapshot.segments().nearest(port(2, 9), one), port(1, 9));
}

#[test]
fn costs_decide_between_paths_and_grow_the_revision() {
    let mut net = Net::settled();
    let before = net.topology.snapshot();
    let mut costs = Costs::default();
    costs.set_port(port(1, 2), Some(5)).unwrap();
    assert_eq!(
        net.topology.set_costs(costs.clone()),
        [TopologyChange::CostsChanged]
    );
    assert_eq!(net.topology.set_costs(costs), []);
    let after = net.topology.snapshot();
    assert_eq!(after.revision(), before.revision() + 1);
    let (from, to) = (port(1, 8), port(2, 8));
    let cost = |snapshot: &TopologySnapshot| {
        let path = snapshot.path(from, to, &Constraints::default()).unwrap();
        (snapshot.cost_of(&path), path.link_count())
    };
    assert_eq!((cost(&before), cost(&after)), ((1, 1), (2, 2)));
    let all = after.paths(from, to, 9, &Constraints::default()).unwrap();
    let all: Vec<u64> = all.iter().map(|path| after.cost_of(path)).collect();
    assert_eq!(all, [2, 5]);
}

#[test]
fn another_network_in_the_place_of_the_old_leaves_nothing_of_it_in_five_seconds() {
    let mut net = bridged();
    net.see(H1, 1, port(1, 8));
    net.see(H2, 2, port(2, 9));
    let now = net.now();
    for dpid in 1..=3 {
        net.topology.switch_down(DatapathId(dpid), now);
    }
    let present = |net: &mut Net| {
        let snapshot = net.topology.snapshot();
        snapshot.hosts().filter(|host| host.is_present()).count()
    };
    assert_eq!(present(&mut net), 0);
    net.run(10_000);
    net.cables.clear();
    net.bridge.clear();
    // One switch with a number that was there, one with another.
    let now = net.now();
    for dpid in [1, 7] {
        let ports = [8, 9].map(PortNo);
        net.topology.switch_up(DatapathId(dpid), ports, now);
    }
    net.run(5_000);
    let snapshot = net.topology.snapshot();
    assert_eq!(snapshot.switches().count(), 2);
    assert_eq!(snapshot.links().count(), 0);
    assert_eq!(present(&mut net), 0);
    assert_eq!(snapshot.host_by_mac(H1), None, "it did not answer");
}

#[test]
fn a_host_is_forgotten_on_request() {
    let mut net = Net::settled();
    net.see(H1, 1, port(1, 8));
    let gone = TopologyChange::HostGone {
        mac: H1,
        at: port(1, 8),
    };
    assert_eq!(net.topology.forget_host(H1), [gone]);
    assert_eq!(net.topology.forget_host(H1), []);
    assert_eq!(net.topology.snapshot().hosts().count(), 0);
}
