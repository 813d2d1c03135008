use godwit_openflow::types::{DatapathId, PortNo};

use super::*;

fn port(dpid: u64, port: u32) -> PortRef {
    PortRef::new(DatapathId(dpid), PortNo(port))
}

const LINK: Link = Link {
    src: PortRef::new(DatapathId(1), PortNo(1)),
    dst: PortRef::new(DatapathId(2), PortNo(1)),
};

#[test]
fn a_link_costs_what_is_set_for_it_else_the_greater_of_its_ports_else_a_hop() {
    let mut costs = Costs::default();
    assert_eq!((costs.of(&LINK, false), costs.of(&LINK, true)), (1, 10));
    costs.set_port(LINK.src, Some(3)).unwrap();
    costs.set_port(LINK.dst, Some(5)).unwrap();
    assert_eq!((costs.of(&LINK, false), costs.of(&LINK, true)), (5, 5));
    costs.set_link(LINK.reversed(), Some(2)).unwrap();
    for one in [LINK, LINK.reversed()] {
        assert_eq!(costs.of(&one, false), 2, "the same both ways");
    }
    costs.set_link(LINK, None).unwrap();
    costs.set_port(LINK.dst, None).unwrap();
    assert_eq!(costs.of(&LINK.reversed(), false), 3);
}

#[test]
fn settings_are_bounded_and_changing_one_is_not_adding_one() {
    let mut costs = Costs::default();
    for number in 0..MAX_SETTINGS as u64 {
        costs.set_port(port(number, 1), Some(2)).unwrap();
    }
    assert_eq!(costs.set_link(LINK, Some(2)), Err(TooMany));
    assert_eq!(costs.set_port(port(0, 1), Some(9)), Ok(()));
    assert_eq!(costs.set_port(port(1, 1), None), Ok(()));
    assert_eq!(costs.set_link(LINK, Some(2)), Ok(()));
    assert_eq!(costs.len(), MAX_SETTINGS);
}

#[test]
fn what_is_kept_is_read_back() {
    let mut costs = Costs::default();
    costs.set_port(LINK.src, Some(3)).unwrap();
    costs.set_link(LINK, Some(7)).unwrap();
    let text = serde_json::to_string(&costs).unwrap();
    assert_eq!(serde_json::from_str::<Costs>(&text).unwrap(), costs);
}
