use super::*;

/// Has every port probed again, over cables that take so many milliseconds; the switches answer echoes after two.
fn measured(net: &mut Net, millis: impl Fn(Link) -> u64) {
    for dpid in 1..=3 {
        net.topology
            .echo_answered(DatapathId(dpid), Duration::from_millis(2));
    }
    let end = net.elapsed + Duration::from_secs(12);
    while net.elapsed < end {
        let now = net.now();
        let poll = net.topology.poll(now);
        net.changes.extend(poll.changes);
        for probe in poll.probes {
            let Some(to) = net.cables.get(&probe.port).copied() else {
                continue;
            };
            let link = Link {
                src: probe.port,
                dst: to,
            };
            let back = now + Duration::from_millis(2 + millis(link));
            let (_, changes) = net.topology.on_lldp(to.dpid, to.port, &probe.frame, back);
            net.changes.extend(changes);
        }
        net.elapsed += Duration::from_millis(100);
    }
}

fn switches(net: &mut Net, metric: Option<Metric>) -> Vec<u64> {
    let snapshot = net.topology.snapshot();
    let (from, to) = (port(1, 8), port(2, 8));
    let weighed = snapshot.by_asked(metric);
    let path = weighed.path(from, to, &Constraints::default()).unwrap();
    assert_eq!(
        weighed.paths(from, to, 2, &Constraints::default()).unwrap()[0],
        path,
        "the first of many is the only one"
    );
    path.switches().map(|dpid| dpid.0).collect()
}

/// The cable between the switches 1 and 2, in either direction.
fn is_direct(link: Link) -> bool {
    link.src.dpid.0 + link.dst.dpid.0 == 3
}

#[test]
fn by_latency_the_quicker_way_is_taken_and_what_is_set_stands() {
    let mut net = Net::settled();
    measured(&mut net, |link| if is_direct(link) { 40 } else { 5 });
    assert_eq!(switches(&mut net, None), [1, 2], "by hops, unless asked");
    assert_eq!(switches(&mut net, Some(Metric::Latency)), [1, 3, 2]);
    let direct = Link {
        src: port(1, 2),
        dst: port(2, 1),
    };
    let snapshot = net.topology.snapshot();
    assert_eq!(snapshot.latency(&direct), Some(Duration::from_millis(40)));
    assert_eq!(
        (
            snapshot.cost(&direct),
            snapshot.by(Metric::Latency).cost(&direct)
        ),
        (1, 40)
    );
    let mut costs = Costs::default();
    costs.set_link(direct.reversed(), Some(9)).unwrap();
    net.topology.set_costs(costs);
    assert_eq!(switches(&mut net, Some(Metric::Latency)), [1, 2]);
    net.topology.set_costs(Costs::default());
    net.topology.set_metric(Metric::Latency);
    assert_eq!(switches(&mut net, None), [1, 3, 2]);
    assert_eq!(switches(&mut net, Some(Metric::Hops)), [1, 2]);
}

#[test]
fn both_directions_cost_the_slower_one() {
    let mut net = Net::settled();
    let slow = Link {
        src: port(2, 1),
        dst: port(1, 2),
    };
    measured(&mut net, |link| if link == slow { 30 } else { 3 });
    let snapshot = net.topology.snapshot();
    let weighed = snapshot.by(Metric::Latency);
    assert_eq!(
        (weighed.cost(&slow), weighed.cost(&slow.reversed())),
        (30, 30)
    );
    let fast = snapshot.latency(&slow.reversed());
    assert_eq!(
        fast,
        Some(Duration::from_millis(3)),
        "what is shown is of one direction"
    );
}

#[test]
fn a_link_that_went_is_measured_anew() {
    let mut net = Net::settled();
    let direct = Link {
        src: port(1, 2),
        dst: port(2, 1),
    };
    assert_eq!(net.topology.snapshot().latency(&direct), None);
    measured(&mut net, |_| 7);
    net.changes
        .extend(net.topology.port_down(direct.src, net.now()));
    let snapshot = net.topology.snapshot();
    assert_eq!(snapshot.latency(&direct), None);
    assert_eq!(
        snapshot.by(Metric::Latency).cost(&direct),
        crate::latency::UNKNOWN_COST
    );
}

#[test]
fn only_costs_by_the_metric_that_is_set_are_changes_of_the_network() {
    let mut net = Net::settled();
    let before = net.topology.revision();
    measured(&mut net, |_| 7);
    assert_eq!(
        net.topology
            .observe_loads(DatapathId(1), [(PortNo(2), 0.95)]),
        []
    );
    assert_eq!(net.topology.revision(), before, "{:?}", net.changes);
    assert_eq!(switches(&mut net, Some(Metric::Utilisation)), [1, 3, 2]);
    assert_eq!(switches(&mut net, None), [1, 2]);
    assert_eq!(
        net.topology.set_metric(Metric::Utilisation),
        [TopologyChange::CostsChanged]
    );
    assert_eq!(switches(&mut net, None), [1, 3, 2]);
    let idle = net.topology.observe_loads(DatapathId(1), []);
    assert_eq!(idle, [TopologyChange::CostsChanged]);
    assert_eq!(switches(&mut net, None), [1, 2]);
    net.topology
        .observe_loads(DatapathId(1), [(PortNo(2), 0.95)]);
    let down = net.topology.switch_down(DatapathId(1), net.now());
    assert!(
        down.contains(&TopologyChange::CostsChanged),
        "it may be idle when it is back"
    );
    assert_eq!(
        net.topology
            .observe_loads(DatapathId(9), [(PortNo(1), 2.0)]),
        []
    );
}
