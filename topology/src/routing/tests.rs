use godwit_openflow::types::PortNo;
use proptest::prelude::*;

use super::*;
use crate::link::PortRef;

/// A cable between two switches: datapath id and port of each end.
type Cable = ((u64, u32), (u64, u32));

fn end((dpid, port): (u64, u32)) -> PortRef {
    PortRef::new(DatapathId(dpid), PortNo(port))
}

fn network(switches: u64, cables: &[Cable]) -> Graph {
    let mut graph = Graph::new();
    for dpid in 1..=switches {
        graph.add_switch(DatapathId(dpid));
    }
    for (a, b) in cables {
        let link = Link {
            src: end(*a),
            dst: end(*b),
        };
        graph.add_link(link);
        graph.add_link(link.reversed());
    }
    graph
}

fn dpids(links: &[Link]) -> Vec<u64> {
    links.iter().map(|link| link.dst.dpid.0).collect()
}

fn through(via: &[u64]) -> Constraints {
    Constraints {
        via: via.iter().map(|dpid| DatapathId(*dpid)).collect(),
        ..Constraints::default()
    }
}

fn avoiding(avoid: &[u64]) -> Constraints {
    Constraints {
        avoid: avoid.iter().map(|dpid| DatapathId(*dpid)).collect(),
        ..Constraints::default()
    }
}

fn path(graph: &Graph, from: u64, to: u64, constraints: &Constraints) -> Result<Vec<u64>, NoPath> {
    shortest_path(graph, DatapathId(from), DatapathId(to), constraints).map(|links| dpids(&links))
}

/// A ring of six with a chord: 1-2-3-4-5-6-1, and 2-5.
fn ring() -> Graph {
    network(
        6,
        &[
            ((1, 1), (2, 1)),
            ((2, 2), (3, 1)),
            ((3, 2), (4, 1)),
            ((4, 2), (5, 1)),
            ((5, 2), (6, 1)),
            ((6, 2), (1, 2)),
            ((2, 3), (5, 3)),
        ],
    )
}

#[test]
fn of_two_equal_paths_the_one_with_the_lower_next_switch_wins() {
    let graph = ring();
    assert_eq!(path(&graph, 1, 5, &Constraints::default()).unwrap(), [2, 5]);
    assert_eq!(path(&graph, 5, 1, &Constraints::default()).unwrap(), [2, 1]);
    assert_eq!(path(&graph, 1, 5, &avoiding(&[2])).unwrap(), [6, 5]);
}

#[test]
fn of_parallel_links_the_one_with_the_lowest_port_wins() {
    let graph = network(2, &[((1, 9), (2, 1)), ((1, 3), (2, 7)), ((1, 5), (2, 5))]);
    let links = shortest_path(
        &graph,
        DatapathId(1),
        DatapathId(2),
        &Constraints::default(),
    )
    .unwrap();
    assert_eq!(
        links,
        [Link {
            src: end((1, 3)),
            dst: end((2, 7))
        }]
    );
    let back = shortest_path(
        &graph,
        DatapathId(2),
        DatapathId(1),
        &Constraints::default(),
    )
    .unwrap();
    assert_eq!(
        back,
        [Link {
            src: end((2, 1)),
            dst: end((1, 9))
        }]
    );
}

#[test]
fn from_a_switch_to_itself_there_is_nothing_to_cross() {
    assert_eq!(
        path(&ring(), 3, 3, &Constraints::default()).unwrap(),
        [] as [u64; 0]
    );
    assert_eq!(path(&ring(), 3, 3, &through(&[3])).unwrap(), [] as [u64; 0]);
}

#[test]
fn a_link_known_in_one_direction_is_not_routed_over() {
    let mut graph = network(2, &[]);
    graph.add_link(Link {
        src: end((1, 1)),
        dst: end((2, 1)),
    });
    let no = NoPath::Disconnected {
        from: DatapathId(1),
        to: DatapathId(2),
    };
    assert_eq!(path(&graph, 1, 2, &Constraints::default()), Err(no));
}

#[test]
fn every_refusal_says_why() {
    let graph = network(5, &[((1, 1), (2, 1)), ((2, 2), (3, 1)), ((2, 3), (4, 1))]);
    let cases = [
        (
            1,
            9,
            Constraints::default(),
            "switch 0000000000000009 is not known",
        ),
        (
            9,
            1,
            Constraints::default(),
            "switch 0000000000000009 is not known",
        ),
        (1, 3, through(&[9]), "switch 0000000000000009 is not known"),
        (
            1,
            3,
            avoiding(&[3]),
            "switch 0000000000000003 is to be avoided, but the path would have to use it",
        ),
        (
            1,
            3,
            avoiding(&[2]),
            "no usable path leads from switch 0000000000000001 to switch 0000000000000003",
        ),
        (
            1,
            5,
            Constraints::default(),
            "no usable path leads from switch 0000000000000001 to switch 0000000000000005",
        ),
        (
            1,
            3,
            through(&[5]),
            "no usable path leads from switch 0000000000000001 to switch 0000000000000005",
        ),
        (
            1,
            3,
            through(&[4]),
            "no loop-free path leads from switch 0000000000000001 to switch 0000000000000003 through 0000000000000004",
        ),
        (
            1,
            1,
            through(&[2]),
            "no loop-free path leads from switch 0000000000000001 to switch 0000000000000001 through 0000000000000002",
        ),
    ];
    for (from, to, constraints, why) in cases {
        assert_eq!(
            path(&graph, from, to, &constraints)
                .unwrap_err()
                .to_string(),
            why
        );
    }
    let both = Constraints {
        via: vec![DatapathId(2)],
        ..avoiding(&[2])
    };
    assert_eq!(
        path(&graph, 1, 3, &both),
        Err(NoPath::Avoided(DatapathId(2)))
    );
}

#[test]
fn a_waypoint_is_reached_where_two_shortest_paths_in_a_row_would_loop() {
    // The shortest way from 1 to 4 is over 2, and so is the shortest from 4 to 3: together they would loop.
    let graph = network(
        6,
        &[
            ((1, 1), (2, 1)),
            ((2, 2), (4, 1)),
            ((2, 3), (3, 1)),
            ((4, 2), (5, 1)),
            ((5, 2), (6, 1)),
            ((6, 2), (3, 2)),
        ],
    );
    assert_eq!(path(&graph, 1, 3, &through(&[4])).unwrap(), [2, 4, 5, 6, 3]);
    assert_eq!(path(&graph, 3, 1, &through(&[4])).unwrap(), [6, 5, 4, 2, 1]);
}

#[test]
fn several_waypoints_are_passed_in_order() {
    let graph = ring();
    assert_eq!(
        path(&graph, 1, 6, &through(&[3, 4])).unwrap(),
        [2, 3, 4, 5, 6]
    );
    assert_eq!(path(&graph, 1, 6, &through(&[1, 2, 6])).unwrap(), [2, 5, 6]);
    assert!(matches!(
        path(&graph, 1, 6, &through(&[4, 3])),
        Err(NoPath::NoLoopFreePathVia { .. })
    ));
}

#[test]
fn costs_decide_before_hops() {
    let expensive = |link: &Link| {
        if link.src.dpid.0.min(link.dst.dpid.0) == 1 && link.src.dpid.0.max(link.dst.dpid.0) == 2 {
            10
        } else {
            1
        }
    };
    let links = shortest_path_by(
        &ring(),
        DatapathId(1),
        DatapathId(2),
        &Constraints::default(),
        expensive,
    )
    .unwrap();
    assert_eq!(dpids(&links), [6, 5, 2]);
    let tree = tree_to_by(&ring(), DatapathId(2), &BTreeSet::new(), expensive).unwrap();
    assert_eq!(tree.distance_from(DatapathId(1)), Some(3));
    assert_eq!(
        tree.next_from(DatapathId(1)).unwrap().dst.dpid,
        DatapathId(6)
    );
    assert_eq!(tree.next_from(DatapathId(2)), None);
}

#[test]
fn the_k_shortest_paths_come_in_order_and_end_when_there_are_no_more() {
    let found = |k, constraints: &Constraints| -> Vec<Vec<u64>> {
        let all = k_shortest_paths(&ring(), DatapathId(1), DatapathId(4), k, constraints).unwrap();
        all.iter().map(|links| dpids(links)).collect()
    };
    let all: [Vec<u64>; 4] = [
        vec![2, 3, 4],
        vec![2, 5, 4],
        vec![6, 5, 4],
        vec![6, 5, 2, 3, 4],
    ];
    assert_eq!(found(10, &Constraints::default()), all);
    assert_eq!(found(2, &Constraints::default()), all[..2]);
    assert_eq!(found(0, &Constraints::default()), [] as [Vec<u64>; 0]);
    assert_eq!(
        found(10, &through(&[5])),
        [vec![2, 5, 4], vec![6, 5, 4], vec![6, 5, 2, 3, 4]]
    );
    assert_eq!(found(10, &avoiding(&[2])), [vec![6, 5, 4]]);
}

/// All loop-free paths, found by trying everything.
fn every_path(graph: &Graph, from: DatapathId, to: DatapathId) -> Vec<Vec<Link>> {
    fn extend(
        graph: &Graph,
        path: &mut Vec<Link>,
        here: DatapathId,
        to: DatapathId,
        start: DatapathId,
        all: &mut Vec<Vec<Link>>,
    ) {
        if here == to {
            all.push(path.clone());
            return;
        }
        let onward: Vec<Link> = graph
            .links()
            .filter(|link| link.src.dpid == here && graph.is_usable(link))
            .collect();
        for link in onward {
            let next = link.dst.dpid;
            if next != start && path.iter().all(|known| known.dst.dpid != next) {
                path.push(link);
                extend(graph, path, next, to, start, all);
                path.pop();
            }
        }
    }
    let mut all = Vec::new();
    extend(graph, &mut Vec::new(), from, to, from, &mut all);
    all.sort_by_key(|path| (path.len(), path.iter().map(tie).collect::<Vec<_>>()));
    all
}

/// Up to seven switches and eleven cables, parallel ones and cables from a switch to itself among them.
fn any_network() -> impl Strategy<Value = (u64, Vec<Cable>)> {
    any_network_of(2..=7)
}

fn any_network_of(
    switches: std::ops::RangeInclusive<u64>,
) -> impl Strategy<Value = (u64, Vec<Cable>)> {
    switches.prop_flat_map(|switches| {
        let pairs = prop::collection::vec((1..=switches, 1..=switches), 0..=11);
        pairs.prop_map(move |pairs| {
            let cables = (1..)
                .zip(pairs)
                .map(|(n, (a, b))| ((a, n), (b, 100 - n)))
                .collect();
            (switches, cables)
        })
    })
}

proptest! {
    #[test]
    fn dijkstra_finds_what_trying_everything_finds((switches, cables) in any_network()) {
        let graph = network(switches, &cables);
        let (from, to) = (DatapathId(1), DatapathId(switches));
        let all = every_path(&graph, from, to);
        let found = shortest_path(&graph, from, to, &Constraints::default());
        prop_assert_eq!(found.ok(), all.first().cloned());
    }

    #[test]
    fn yen_finds_every_path_in_order((switches, cables) in any_network(), k in 1_usize..40) {
        let graph = network(switches, &cables);
        let (from, to) = (DatapathId(1), DatapathId(switches));
        let mut all = every_path(&graph, from, to);
        all.truncate(k);
        let found = k_shortest_paths(&graph, from, to, k, &Constraints::default()).unwrap_or_default();
        prop_assert_eq!(found, all);
    }

    #[test]
    fn the_path_through_a_waypoint_is_as_short_as_any((switches, cables) in any_network(), way in 1_u64..=7) {
        let graph = network(switches, &cables);
        let (from, to, waypoint) = (DatapathId(1), DatapathId(switches), DatapathId(way.min(switches)));
        let passes = |path: &&Vec<Link>| {
            waypoint == from || path.iter().any(|link| link.dst.dpid == waypoint)
        };
        let all = every_path(&graph, from, to);
        let best = all.iter().find(passes);
        let constraints = Constraints { via: vec![waypoint], ..Constraints::default() };
        let found = shortest_path(&graph, from, to, &constraints).ok();
        prop_assert_eq!(found.as_ref().map(Vec::len), best.map(Vec::len));
        if let Some(found) = found {
            prop_assert!(all.contains(&found), "not a loop-free path: {:?}", found);
            prop_assert!(passes(&&found));
        }
    }

    #[test]
    fn paths_through_two_waypoints_are_loop_free_and_in_order((switches, cables) in any_network_of(4..=7)) {
        let graph = network(switches, &cables);
        let (from, to) = (DatapathId(1), DatapathId(switches));
        let in_order = |path: &Vec<Link>| {
            let at = |dpid| path.iter().position(|link| link.dst.dpid == DatapathId(dpid));
            matches!((at(2), at(3)), (Some(second), Some(third)) if second < third)
        };
        let all = every_path(&graph, from, to);
        match shortest_path(&graph, from, to, &through(&[2, 3])) {
            Ok(found) => prop_assert!(all.contains(&found) && in_order(&found)),
            Err(_) => prop_assert!(!all.iter().any(in_order), "a path exists"),
        }
    }

    #[test]
    fn the_order_of_discovery_changes_no_path(
        ((switches, cables), shuffled) in any_network()
            .prop_flat_map(|(switches, cables)| (Just((switches, cables.clone())), Just(cables).prop_shuffle())),
    ) {
        let (first, second) = (network(switches, &cables), network(switches, &shuffled));
        for to in (1..=switches).map(DatapathId) {
            let trees = [&first, &second].map(|graph| tree_to(graph, to, &BTreeSet::new()).unwrap());
            for from in (1..=switches).map(DatapathId) {
                prop_assert_eq!(trees[0].path_from(from), trees[1].path_from(from));
                for via in (1..=switches).map(|dpid| through(&[dpid])) {
                    prop_assert_eq!(
                        shortest_path(&first, from, to, &via),
                        shortest_path(&second, from, to, &via)
                    );
                }
            }
        }
    }
}
