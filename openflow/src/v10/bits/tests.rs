use proptest::prelude::*;

use super::*;
use crate::model::bits;

const SETS: [&BitSet; 4] = [&CAPABILITIES, &PORT_CONFIG, &PORT_STATE, &PORT_FEATURES];

#[test]
fn bits_that_both_versions_have_get_the_numbers_of_1_3() {
    for (set, wire, neutral) in [
        (&CAPABILITIES, 0b0110_0111, 0b0110_0111),
        (&PORT_CONFIG, 0b0110_0101, 0b0110_0101),
        (&PORT_STATE, 1, 1),
        (&PORT_FEATURES, 0x07f, 0x007f),
        (&PORT_FEATURES, 0xf80, 0xf800),
    ] {
        assert_eq!(set.raise(wire), neutral, "{}", set.what);
        assert_eq!(set.lower(neutral), Ok(wire), "{}", set.what);
    }
}

#[test]
fn bits_that_only_1_0_has_stand_32_bits_higher() {
    for (set, wire, neutral) in [
        (&CAPABILITIES, 1 << 3, bits::capability::SPANNING_TREE),
        (&CAPABILITIES, 1 << 4, bits::capability::RESERVED),
        (&CAPABILITIES, 1 << 7, bits::capability::ARP_MATCH_IP),
        (&PORT_CONFIG, 1 << 1, bits::port_config::NO_SPANNING_TREE),
        (
            &PORT_CONFIG,
            1 << 3,
            bits::port_config::NO_RECEIVE_SPANNING_TREE,
        ),
        (&PORT_CONFIG, 1 << 4, bits::port_config::NO_FLOOD),
        (&PORT_STATE, 1 << 8, bits::port_state::SPANNING_TREE_LEARN),
        (&PORT_STATE, 2 << 8, bits::port_state::SPANNING_TREE_FORWARD),
        (&PORT_STATE, 3 << 8, bits::port_state::SPANNING_TREE_BLOCK),
        (&PORT_STATE, 1 << 31, 1 << 63),
        (&PORT_FEATURES, 1 << 12, 1 << 44),
    ] {
        assert_eq!(set.raise(wire), neutral, "{}", set.what);
        assert_eq!(set.lower(neutral), Ok(wire), "{}", set.what);
    }
}

#[test]
fn bits_that_1_0_has_not_are_named() {
    for (set, neutral, what) in [
        (
            &CAPABILITIES,
            bits::capability::GROUP_STATS,
            "the capability `group statistics`",
        ),
        (
            &CAPABILITIES,
            bits::capability::PORT_BLOCKED,
            "the capability `port blocked`",
        ),
        (&CAPABILITIES, 1 << 4, "the capability 0x10"),
        (&PORT_CONFIG, 1 << 4, "the port configuration 0x10"),
        (&PORT_CONFIG, 1 << 32, "the port configuration 0x100000000"),
        (
            &PORT_STATE,
            bits::port_state::BLOCKED | bits::port_state::LINK_DOWN,
            "the port state `blocked`",
        ),
        (&PORT_STATE, bits::port_state::LIVE, "the port state `live`"),
        (
            &PORT_FEATURES,
            bits::port_feature::SPEED_40_GB,
            "the port feature `40 Gb/s`",
        ),
        (
            &PORT_FEATURES,
            bits::port_feature::SPEED_100_GB,
            "the port feature `100 Gb/s`",
        ),
        (
            &PORT_FEATURES,
            bits::port_feature::SPEED_1_TB,
            "the port feature `1 Tb/s`",
        ),
        (
            &PORT_FEATURES,
            bits::port_feature::SPEED_OTHER,
            "the port feature `of another speed`",
        ),
        (&PORT_FEATURES, 1 << 16, "the port feature 0x10000"),
        (&PORT_FEATURES, 1 << 43, "the port feature 0x80000000000"),
    ] {
        assert_eq!(set.lower(neutral), Err(unsupported(what)));
    }
}

proptest! {
    #[test]
    fn all_bits_of_1_0_are_lowered_as_they_were(wire in any::<u32>()) {
        for set in SETS {
            prop_assert_eq!(set.lower(set.raise(wire)), Ok(wire));
        }
    }

    /// What can be lowered has but one form in the model; all else is refused.
    #[test]
    fn what_can_be_lowered_is_raised_as_it_was(neutral in any::<u64>(), keep in any::<u64>()) {
        for set in SETS {
            let bits = neutral & keep;
            if let Ok(wire) = set.lower(bits) {
                prop_assert_eq!(set.raise(wire), bits);
            }
        }
    }

    #[test]
    fn single_bits_are_lowered_and_raised_as_they_were(place in 0..64_u32) {
        for set in SETS {
            if let Ok(wire) = set.lower(1 << place) {
                prop_assert_eq!(wire.count_ones(), 1);
                prop_assert_eq!(set.raise(wire), 1 << place);
            }
        }
    }
}
