use proptest::prelude::*;

use super::*;

const S1: DatapathId = DatapathId(1);
const LINK: Link = Link {
    src: PortRef::new(S1, PortNo(1)),
    dst: PortRef::new(DatapathId(2), PortNo(7)),
};

fn after(readings: &[f64]) -> u64 {
    let mut loads = Loads::default();
    for used in readings {
        loads.set(S1, [(PortNo(1), *used)]);
    }
    assert_eq!(loads.cost(&LINK), loads.cost(&LINK.reversed()));
    loads.cost(&LINK)
}

#[test]
fn what_is_fuller_costs_more_as_fortz_and_thorup_have_it() {
    let costs = [0.0, 0.3, 0.34, 0.7, 0.95, 1.05, 2.0].map(|used| after(&[used]));
    assert_eq!(costs, [1, 1, 3, 10, 70, 500, 5000]);
    assert_eq!(after(&[]), 1, "what is not known is taken to be idle");
}

#[test]
fn a_link_that_wavers_about_a_step_costs_what_it_did() {
    assert_eq!(after(&[0.34, 0.32, 0.35, 0.30]), 3);
    assert_eq!(after(&[0.34, 0.27]), 1);
    assert_eq!(after(&[0.95, 0.1]), 1, "several steps at once");
    assert_eq!(after(&[0.95, 0.64]), 10, "and as far as it goes");
}

#[test]
fn only_what_changes_a_cost_is_a_change_and_what_is_not_said_is_idle() {
    let mut loads = Loads::default();
    assert!(!loads.set(S1, [(PortNo(1), 0.1)]));
    assert!(loads.set(S1, [(PortNo(1), 0.5)]));
    assert!(!loads.set(S1, [(PortNo(1), 0.6)]));
    assert!(!loads.set(DatapathId(2), [(PortNo(7), 0.2)]));
    assert!(loads.set(DatapathId(2), [(PortNo(7), 0.8)]));
    assert_eq!(loads.cost(&LINK), 10);
    assert!(loads.set(DatapathId(2), []));
    assert!(loads.set(S1, []));
    assert_eq!(loads, Loads::default());
}

proptest! {
    #[test]
    fn a_cost_is_that_of_what_was_used_or_of_five_points_more(
        readings in prop::collection::vec(0.0..1.5_f64, 1..20)
    ) {
        let last = *readings.last().unwrap();
        let cost = after(&readings);
        prop_assert!(slope(last) <= cost && cost <= slope(last + SLACK));
    }
}
