use godwit_openflow::types::PortNo;

use super::*;
use crate::link::Link;

fn port(dpid: u64, port: u32) -> PortRef {
    PortRef::new(DatapathId(dpid), PortNo(port))
}

fn indirect(graph: &mut Graph, src: PortRef, dst: PortRef) {
    graph.add_indirect(Link { src, dst });
}

fn cable(graph: &mut Graph, src: PortRef, dst: PortRef) {
    let link = Link { src, dst };
    graph.add_link(link);
    graph.add_link(link.reversed());
}

#[test]
fn ports_are_joined_over_any_number_of_links_in_either_direction() {
    let mut graph = Graph::new();
    indirect(&mut graph, port(4, 1), port(3, 1));
    indirect(&mut graph, port(1, 1), port(2, 1));
    indirect(&mut graph, port(3, 1), port(2, 1));
    indirect(&mut graph, port(1, 2), port(4, 2));
    let segments = Segments::of(&graph, &BTreeSet::new(), &Costs::default());
    let all: Vec<Vec<PortRef>> = segments
        .iter()
        .map(|ports| ports.iter().copied().collect())
        .collect();
    let first = [1, 2, 3, 4].map(|dpid| port(dpid, 1)).to_vec();
    assert_eq!(all, [first, vec![port(1, 2), port(4, 2)]]);
    assert!(segments.same(port(1, 1), port(4, 1)));
    assert!(!segments.same(port(1, 1), port(1, 2)));
    assert!(segments.same(port(9, 9), port(9, 9)) && !segments.same(port(9, 9), port(9, 8)));
    assert_eq!(segments.at(port(9, 9)), None);
}

#[test]
fn the_nearest_port_is_that_of_the_cheapest_path() {
    // A row of switches 1 to 4; the segment joins 1 and 4.
    let mut graph = Graph::new();
    for dpid in 1..=3 {
        cable(&mut graph, port(dpid, 2), port(dpid + 1, 3));
    }
    indirect(&mut graph, port(1, 1), port(4, 1));
    indirect(&mut graph, port(4, 1), port(1, 1));
    let nearest = |excluded: &[u64], costs: &Costs| {
        let excluded = excluded.iter().map(|dpid| DatapathId(*dpid)).collect();
        let segments = Segments::of(&graph, &excluded, costs);
        [1, 2, 3, 4].map(|dpid| segments.nearest(port(4, 1), DatapathId(dpid)).dpid.0)
    };
    let mut costs = Costs::default();
    assert_eq!(nearest(&[], &costs), [1, 1, 4, 4]);
    costs.set_port(port(1, 2), Some(9)).unwrap();
    assert_eq!(nearest(&[], &costs), [1, 4, 4, 4]);
    assert_eq!(
        nearest(&[4], &costs),
        [1, 1, 1, 4],
        "4 is not led to at all"
    );
    let segments = Segments::of(&graph, &BTreeSet::new(), &costs);
    assert_eq!(segments.nearest(port(2, 7), DatapathId(1)), port(2, 7));
}
