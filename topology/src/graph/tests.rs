use godwit_openflow::types::PortNo;

use super::*;

fn port(dpid: u64, port: u32) -> PortRef {
    PortRef::new(DatapathId(dpid), PortNo(port))
}

fn link(src: (u64, u32), dst: (u64, u32)) -> Link {
    Link {
        src: port(src.0, src.1),
        dst: port(dst.0, dst.1),
    }
}

#[test]
fn a_link_is_usable_only_when_both_directions_are_known() {
    let mut graph = Graph::new();
    let forth = link((1, 1), (2, 1));
    graph.add_link(forth);
    assert!(graph.contains_link(&forth) && !graph.is_usable(&forth));
    assert_eq!(graph.usable_from(DatapathId(1)).count(), 0);
    graph.add_link(forth.reversed());
    assert!(graph.is_usable(&forth));
    assert_eq!(
        graph.usable_from(DatapathId(1)).collect::<Vec<_>>(),
        [forth]
    );
    assert_eq!(
        graph.ways_to(DatapathId(1)).collect::<Vec<_>>(),
        [forth.reversed()]
    );
}

#[test]
fn parallel_links_are_kept_apart() {
    let mut graph = Graph::new();
    let (first, second) = (link((1, 1), (2, 1)), link((1, 2), (2, 2)));
    for one in [second, first, second.reversed(), first.reversed()] {
        assert_eq!(graph.add_link(one), []);
    }
    assert_eq!(
        graph.links().collect::<Vec<_>>(),
        [first, second, first.reversed(), second.reversed()]
    );
    assert!(graph.remove_link(&first));
    assert!(!graph.remove_link(&first));
    assert!(graph.is_usable(&second) && !graph.is_usable(&first.reversed()));
}

#[test]
fn a_new_link_displaces_those_that_held_its_ends() {
    let mut graph = Graph::new();
    let (old, other) = (link((1, 1), (2, 1)), link((3, 1), (4, 1)));
    graph.add_link(old);
    graph.add_link(other);
    let new = link((1, 1), (4, 1));
    assert_eq!(graph.add_link(new), [old, other]);
    assert_eq!(
        graph.add_link(new),
        [],
        "a link that is known displaces nothing"
    );
    assert_eq!(graph.links().collect::<Vec<_>>(), [new]);
    assert_eq!(graph.link_to(port(4, 1)), Some(new));
    assert_eq!(graph.link_to(port(2, 1)), None);
}

#[test]
fn a_switch_takes_its_links_along() {
    let mut graph = Graph::new();
    let (to, fro, far) = (
        link((1, 1), (2, 1)),
        link((2, 1), (1, 1)),
        link((2, 2), (3, 1)),
    );
    for one in [to, fro, far] {
        graph.add_link(one);
    }
    assert_eq!(graph.remove_switch(DatapathId(1)), [to, fro]);
    assert_eq!(
        graph.switches().collect::<Vec<_>>(),
        [DatapathId(2), DatapathId(3)]
    );
    assert_eq!(graph.links().collect::<Vec<_>>(), [far]);
    assert!(graph.add_switch(DatapathId(1)));
    assert!(!graph.add_switch(DatapathId(1)));
}

#[test]
fn several_indirect_links_may_leave_a_port_and_only_paths_are_told_of_them() {
    let mut graph = Graph::new();
    let [a, b, c] = [(1, 1), (2, 1), (3, 1)];
    let cable = link((1, 2), (2, 2));
    for (from, to) in [(a, b), (a, c), (b, a), (c, a)] {
        assert!(graph.add_indirect(link(from, to)));
        assert!(!graph.add_indirect(link(from, to)));
    }
    graph.add_link(cable);
    graph.add_link(cable.reversed());
    assert!(graph.is_usable(&link(a, b)) && graph.is_indirect(&link(a, b)));
    assert_eq!(
        graph.links().collect::<Vec<_>>(),
        [
            link(a, b),
            link(a, c),
            cable,
            link(b, a),
            cable.reversed(),
            link(c, a)
        ]
    );
    assert_eq!(graph.link_count(), 6);
    assert_eq!(graph.link_from(port(1, 1)), None);
    assert!(!graph.has_cable(port(1, 1)) && graph.has_cable(port(2, 2)));
    assert_eq!(
        graph.indirect_from(port(1, 1)).collect::<Vec<_>>(),
        [link(a, b), link(a, c)]
    );
    assert_eq!(
        graph.indirect_to(port(1, 1)).collect::<Vec<_>>(),
        [link(b, a), link(c, a)]
    );
    assert_eq!(
        graph.usable_from(DatapathId(1)).collect::<Vec<_>>(),
        [cable]
    );
    assert_eq!(graph.ways_to(DatapathId(2)).count(), 2);
    assert!(graph.remove_link(&link(a, b)));
    assert!(!graph.is_usable(&link(b, a)));
    assert_eq!(graph.remove_switch(DatapathId(3)).len(), 2);
    assert_eq!(graph.indirect().collect::<Vec<_>>(), [link(b, a)]);
}
