use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::graph::Graph;
use crate::metric::Metric;
use crate::routing::{Constraints, k_shortest_paths};
use crate::snapshot::TopologySnapshot;

fn port(dpid: u64, port: u32) -> PortRef {
    PortRef::new(DatapathId(dpid), PortNo(port))
}

/// A network of cables between these switches; each cable has a port number of its own.
fn network(cables: &[(u64, u64)]) -> TopologySnapshot {
    let mut graph = Graph::new();
    for (number, (one, other)) in (1..).zip(cables) {
        graph.add_switch(DatapathId(*one));
        graph.add_switch(DatapathId(*other));
        let link = Link {
            src: port(*one, number),
            dst: port(*other, number),
        };
        graph.add_link(link);
        graph.add_link(link.reversed());
    }
    TopologySnapshot {
        graph: Arc::new(graph),
        ..TopologySnapshot::default()
    }
}

/// Hosts are at the ports 100.
fn spread(network: &TopologySnapshot, from: u64, to: u64, most: usize) -> Spread {
    let ends = (port(from, 100), port(to, 100));
    let weighed = network.by(Metric::Hops);
    weighed.spread(ends.0, ends.1, most, |_| true).unwrap()
}

fn ways(spread: &Spread) -> Vec<Vec<u64>> {
    let dpids = |path: &Path| path.switches().map(|dpid| dpid.0).collect();
    spread.paths().iter().map(dpids).collect()
}

/// Two layers of two between 1 and 6, every switch joined to all of the next layer.
const LAYERS: [(u64, u64); 8] = [
    (1, 2),
    (1, 3),
    (2, 4),
    (2, 5),
    (3, 4),
    (3, 5),
    (4, 6),
    (5, 6),
];

#[test]
fn all_paths_of_least_cost_are_in_it_and_no_other() {
    let mut cables = LAYERS.to_vec();
    cables.extend([(1, 7), (7, 8), (8, 9), (9, 6)]);
    let all = spread(&network(&cables), 1, 6, 16);
    let mut found = ways(&all);
    assert_eq!(found[0], [1, 2, 4, 6], "the one that a route alone takes");
    found.sort();
    let expected = [[1, 2, 4, 6], [1, 2, 5, 6], [1, 3, 4, 6], [1, 3, 5, 6]];
    assert_eq!(found, expected);
    assert_eq!(all.outputs(DatapathId(1)), [PortNo(1), PortNo(2)]);
    assert_eq!(all.outputs(DatapathId(6)), [PortNo(100)]);
    assert_eq!(all.outputs(DatapathId(7)), []);
    let levels: Vec<Vec<u64>> = all
        .levels()
        .iter()
        .map(|level| level.iter().map(|dpid| dpid.0).collect())
        .collect();
    assert_eq!(levels, [vec![6], vec![4, 5], vec![2, 3], vec![1]]);
}

#[test]
fn of_too_many_those_are_left_that_part_early() {
    let network = network(&LAYERS);
    assert_eq!(ways(&spread(&network, 1, 6, 1)), [[1, 2, 4, 6]]);
    assert_eq!(
        ways(&spread(&network, 1, 6, 2)),
        [[1, 2, 4, 6], [1, 3, 4, 6]]
    );
    let three = ways(&spread(&network, 1, 6, 3));
    assert_eq!(three, [[1, 2, 4, 6], [1, 2, 5, 6], [1, 3, 4, 6]]);
}

#[test]
fn parallel_cables_are_ways_of_their_own() {
    let both = spread(&network(&[(1, 2), (1, 2), (2, 3)]), 1, 3, 16);
    assert_eq!(ways(&both), [[1, 2, 3], [1, 2, 3]]);
    assert_eq!(both.outputs(DatapathId(1)), [PortNo(1), PortNo(2)]);
    assert_eq!(both.outputs(DatapathId(2)), [PortNo(3)]);
}

#[test]
fn from_a_switch_that_cannot_choose_there_is_one_way() {
    let network = network(&LAYERS);
    let weighed = network.by(Metric::Hops);
    let (from, to) = (port(1, 100), port(6, 100));
    let able = |dpid: DatapathId| dpid != DatapathId(2);
    let some = weighed.spread(from, to, 16, able).unwrap();
    assert_eq!(ways(&some), [[1, 2, 4, 6], [1, 3, 4, 6], [1, 3, 5, 6]]);
    let none = weighed.spread(from, to, 16, |_| false).unwrap();
    assert_eq!(ways(&none), [[1, 2, 4, 6]]);
}

#[test]
fn at_one_switch_it_is_that_switch() {
    let network = network(&LAYERS);
    let weighed = network.by(Metric::Hops);
    let here = weighed.spread(port(1, 100), port(1, 101), 4, |_| true);
    assert_eq!(here.unwrap().outputs(DatapathId(1)), [PortNo(101)]);
    let nowhere = weighed.spread(port(1, 100), port(99, 1), 4, |_| true);
    assert!(nowhere.is_err());
}

#[test]
fn what_dies_is_left_out_and_the_rest_stays() {
    let all = spread(&network(&LAYERS), 1, 6, 16);
    let without =
        |dead: &[u64]| all.retain(|path| path.switches().all(|dpid| !dead.contains(&dpid.0)));
    assert_eq!(ways(&without(&[3]).unwrap()), [[1, 2, 4, 6], [1, 2, 5, 6]]);
    assert_eq!(without(&[2, 3]), None);
}

#[test]
fn what_is_kept_is_read_back_and_what_is_no_spread_is_not() {
    let network = network(&LAYERS);
    let all = spread(&network, 1, 6, 16);
    let text = serde_json::to_string(&all).unwrap();
    assert_eq!(serde_json::from_str::<Spread>(&text).unwrap(), all);
    let paths = all.paths();
    let read = |paths: &[&Path]| {
        Spread::try_from(paths.iter().map(|path| (*path).clone()).collect::<Vec<_>>())
    };
    assert_eq!(read(&[]), Err(SpreadError::Empty));
    let open = SpreadError::Open {
        dpid: DatapathId(1),
    };
    assert_eq!(read(&[&paths[0], &paths[0]]), Err(open), "one twice");
    let waist = self::network(&[(1, 2), (1, 3), (2, 4), (3, 4), (4, 6), (4, 6)]);
    let four = spread(&waist, 1, 6, 16);
    let [first, .., last] = four.paths() else {
        panic!("{four:?}")
    };
    assert_eq!(
        read(&[first, last]),
        Err(open),
        "at 4 each may go on as the other"
    );
    let elsewhere = spread(&network, 1, 5, 1);
    assert_eq!(
        read(&[&paths[0], elsewhere.first()]),
        Err(SpreadError::Ends)
    );
    // 1-2-3-4 and 1-3-2-4: at 2 and 3 packets could go back and forth.
    let square = self::network(&[(1, 2), (2, 3), (3, 4), (1, 3), (2, 4)]);
    let (from, to, default) = (port(1, 100), port(4, 100), Constraints::default());
    let long = square
        .by(Metric::Hops)
        .paths(from, to, 9, &default)
        .unwrap();
    let long: Vec<Path> = long
        .into_iter()
        .filter(|path| path.link_count() == 3)
        .collect();
    assert_eq!(long.len(), 2);
    assert!(matches!(
        Spread::try_from(long),
        Err(SpreadError::Open { .. })
    ));
}

proptest! {
    #[test]
    fn on_any_network_a_spread_is_what_it_says(
        cables in prop::collection::vec((1..8_u64, 1..8_u64), 1..24),
        most in 1..=MOST_PATHS,
    ) {
        let cables: Vec<_> = cables.into_iter().filter(|(one, other)| one != other).collect();
        let network = network(&cables);
        let ends = [DatapathId(1), DatapathId(7)];
        let all = k_shortest_paths(network.graph(), ends[0], ends[1], 400, &Constraints::default());
        let Ok(all) = all else { return Ok(()) };
        let least = all.iter().filter(|path| path.len() == all[0].len()).count();
        let spread = spread(&network, 1, 7, most);
        prop_assert!(spread.paths().len() <= most.min(least));
        prop_assert!(spread.paths().iter().all(|path| path.link_count() == all[0].len()));
        if most >= least {
            prop_assert_eq!(spread.paths().len(), least);
        }
        let first: Vec<Link> = spread.first().links().collect();
        prop_assert_eq!(&first, &all[0]);
        // Whatever each switch chooses, packets arrive by one of the paths.
        let known: BTreeSet<&Path> = spread.paths().iter().collect();
        prop_assert_eq!(known.len(), spread.paths().len());
        prop_assert!(Spread::try_from(spread.paths().to_vec()).is_ok());
        let order: Vec<DatapathId> = spread.levels().into_iter().flatten().collect();
        let place = |dpid| order.iter().position(|other| *other == dpid);
        for link in spread.links() {
            prop_assert!(place(link.dst.dpid) < place(link.src.dpid));
        }
    }
}
