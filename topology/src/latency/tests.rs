use godwit_openflow::types::PortNo;
use proptest::prelude::*;

use super::*;
use crate::link::PortRef;

const S1: DatapathId = DatapathId(1);
const S2: DatapathId = DatapathId(2);
const LINK: Link = Link {
    src: PortRef::new(S1, PortNo(1)),
    dst: PortRef::new(S2, PortNo(1)),
};

fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// Two switches, the echoes of which take 400 and 600 µs.
fn two() -> Latencies {
    let mut known = Latencies::default();
    known.answered(S1, us(400));
    known.answered(S2, us(600));
    known
}

/// With these samples of the link itself.
fn after(samples: &[u64]) -> Latencies {
    let mut known = two();
    for sample in samples {
        known.crossed(LINK, us(sample + 500));
    }
    known
}

#[test]
fn half_a_round_trip_of_each_control_channel_is_no_part_of_the_link() {
    assert_eq!(after(&[7_000]).of(&LINK), Some(us(7_000)));
    let mut known = two();
    known.crossed(LINK, us(300));
    assert_eq!(known.of(&LINK), Some(us(0)), "never less than nothing");
    let mut half = Latencies::default();
    half.answered(S1, us(400));
    assert!(!half.crossed(LINK, us(9_000)));
    assert_eq!((half.of(&LINK), half.cost(&LINK)), (None, UNKNOWN_COST));
}

#[test]
fn a_sample_that_was_held_up_changes_nothing_and_what_lasts_is_followed() {
    assert_eq!(
        after(&[90_000, 2_000]).of(&LINK),
        Some(us(2_000)),
        "the first"
    );
    let steady = [2_000; 4];
    assert_eq!(
        after(&[&steady[..], &[80_000, 2_000]].concat()).of(&LINK),
        Some(us(2_000))
    );
    let slower = after(&[&steady[..], &[22_000; 2]].concat());
    assert_eq!(slower.of(&LINK), Some(us(7_000)), "a quarter of the way");
    let after_long = after(&[&steady[..], &[22_000; 30]].concat());
    assert_eq!(after_long.of(&LINK).unwrap().as_millis(), 21);
    assert!(
        (17..=22).contains(&after_long.cost(&LINK)),
        "within a quarter"
    );
}

#[test]
fn both_directions_cost_the_greater_of_what_is_known() {
    let mut known = after(&[20_000]);
    assert_eq!(known.cost(&LINK.reversed()), 20);
    known.crossed(LINK.reversed(), us(30_500));
    assert_eq!((known.cost(&LINK), known.cost(&LINK.reversed())), (30, 30));
    assert!(known.forget_link(&LINK.reversed()) && !known.forget_link(&LINK.reversed()));
    assert_eq!(known.cost(&LINK), 20);
    known.forget_switch(S2);
    assert!(
        !known.crossed(LINK, us(90_000)),
        "its channel is not known any more"
    );
    assert_eq!(known.cost(&LINK), 20);
}

#[test]
fn a_change_of_cost_is_said() {
    let mut known = two();
    assert!(known.crossed(LINK, us(20_500)), "it was unknown");
    assert!(!known.crossed(LINK, us(20_500)));
    assert!(
        !known.crossed(LINK.reversed(), us(1_000)),
        "the greater stands"
    );
}

proptest! {
    #[test]
    fn noise_of_less_than_a_step_changes_no_cost(
        base in 200..80_000_u64,
        noise in prop::collection::vec(0..900_u64, 2..40),
    ) {
        let mut known = after(&[base, base]);
        let cost = known.cost(&LINK);
        for more in noise {
            known.crossed(LINK, us(base + more + 500));
            prop_assert_eq!(known.cost(&LINK), cost);
        }
    }

    #[test]
    fn a_cost_is_never_far_from_what_it_stands_for(
        samples in prop::collection::vec(0..200_000_u64, 1..40)
    ) {
        let known = after(&samples);
        let latency = known.of(&LINK).unwrap().as_secs_f64() * 1e3;
        let cost = known.cost(&LINK) as f64;
        prop_assert!((cost - latency).abs() <= 1.0_f64.max(cost / 4.0) + 1e-6, "{cost} for {latency} ms");
    }
}
