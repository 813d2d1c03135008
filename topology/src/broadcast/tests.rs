use proptest::prelude::*;

use super::*;

fn port(dpid: u64, port: u32) -> PortRef {
    PortRef::new(DatapathId(dpid), PortNo(port))
}

fn both_ways(graph: &mut Graph, src: PortRef, dst: PortRef, indirect: bool) {
    for link in [Link { src, dst }, Link { src: dst, dst: src }] {
        if indirect {
            graph.add_indirect(link);
        } else {
            graph.add_link(link);
        }
    }
}

fn tree(graph: &Graph, excluded: &[u64], costs: &Costs) -> BroadcastTree {
    let excluded = excluded.iter().map(|dpid| DatapathId(*dpid)).collect();
    let segments = Segments::of(graph, &excluded, costs);
    BroadcastTree::of(graph, &segments, &excluded, costs)
}

#[test]
fn parallel_cables_and_rings_leave_one_way() {
    let mut graph = Graph::new();
    both_ways(&mut graph, port(1, 1), port(2, 1), false);
    both_ways(&mut graph, port(1, 2), port(2, 2), false);
    both_ways(&mut graph, port(2, 3), port(3, 3), false);
    both_ways(&mut graph, port(3, 4), port(1, 4), false);
    graph.add_link(Link {
        src: port(3, 5),
        dst: port(4, 5),
    });
    let mut costs = Costs::default();
    let ports = |tree: BroadcastTree| tree.ports.into_iter().collect::<Vec<_>>();
    assert_eq!(
        ports(tree(&graph, &[], &costs)),
        [port(1, 1), port(1, 4), port(2, 1), port(3, 4)],
        "nothing of the link in one direction"
    );
    costs.set_port(port(2, 1), Some(3)).unwrap();
    let cheaper = tree(&graph, &[], &costs);
    assert!(cheaper.contains(port(1, 2)) && !cheaper.contains(port(1, 1)));
    let without = tree(&graph, &[3], &costs);
    assert_eq!(ports(without), [port(1, 2), port(2, 2)]);
}

#[test]
fn a_segment_is_entered_by_as_many_switches_as_it_takes() {
    // Four switches on one segment, two ports of the first; 1 and 2 also have a cable.
    let mut graph = Graph::new();
    let on_segment = [port(1, 1), port(1, 2), port(2, 1), port(3, 1), port(4, 1)];
    for one in on_segment {
        for other in on_segment.iter().filter(|other| **other > one) {
            both_ways(&mut graph, one, *other, true);
        }
    }
    both_ways(&mut graph, port(1, 9), port(2, 9), false);
    let tree = tree(&graph, &[], &Costs::default());
    let ports: Vec<PortRef> = tree.ports.iter().copied().collect();
    let expected = [port(1, 1), port(1, 9), port(2, 9), port(3, 1), port(4, 1)];
    assert_eq!(ports, expected);
    let of_first: Vec<PortRef> = tree.ports_of(DatapathId(1)).collect();
    assert_eq!(of_first, [port(1, 1), port(1, 9)]);
}

/// How often each switch gets a broadcast that the first one sends along the tree: a segment hands what comes in on to all
/// its other ports, and a switch takes it from ports of the tree alone.
fn flood(graph: &Graph, segments: &Segments, tree: &BroadcastTree) -> BTreeMap<DatapathId, u32> {
    let first = DatapathId(0);
    let mut got = BTreeMap::from([(first, 1)]);
    let mut leaving: Vec<PortRef> = tree.ports_of(first).collect();
    while let Some(from) = leaving.pop() {
        let cable = graph.link_from(from).map(|link| link.dst);
        let segment = segments.at(from).into_iter().flatten().copied();
        for at in cable.into_iter().chain(segment) {
            if at == from || !tree.contains(at) {
                continue;
            }
            let times = got.entry(at.dpid).or_default();
            *times += 1;
            assert!(*times < 3, "it goes round");
            leaving.extend(tree.ports_of(at.dpid).filter(|port| *port != at));
        }
    }
    got
}

proptest! {
    #[test]
    fn every_switch_gets_a_broadcast_once_on_any_network(
        cables in prop::collection::vec((0_u64..8, 0_u64..8), 0..14),
        bridges in prop::collection::vec(prop::collection::btree_set(0_u64..8, 2..5), 0..4),
    ) {
        let mut graph = Graph::new();
        (0..8).for_each(|dpid| _ = graph.add_switch(DatapathId(dpid)));
        let mut joined = Joined::default();
        for (number, (one, other)) in (0..).zip(&cables) {
            both_ways(&mut graph, port(*one, number), port(*other, 100 + number), false);
            joined.join(Place::Switch(DatapathId(*one)), Place::Switch(DatapathId(*other)));
        }
        for (number, bridge) in (200..).zip(&bridges) {
            for one in bridge {
                for other in bridge.iter().filter(|other| *other > one) {
                    both_ways(&mut graph, port(*one, number), port(*other, number), true);
                    joined.join(Place::Switch(DatapathId(*one)), Place::Switch(DatapathId(*other)));
                }
            }
        }
        let (excluded, costs) = (BTreeSet::new(), Costs::default());
        let segments = Segments::of(&graph, &excluded, &costs);
        let tree = BroadcastTree::of(&graph, &segments, &excluded, &costs);
        let root = joined.root(Place::Switch(DatapathId(0)));
        let reachable: BTreeMap<DatapathId, u32> = (0..8)
            .map(DatapathId)
            .filter(|dpid| joined.root(Place::Switch(*dpid)) == root)
            .map(|dpid| (dpid, 1))
            .collect();
        prop_assert_eq!(flood(&graph, &segments, &tree), reachable);
    }
}
