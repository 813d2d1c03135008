//! The laws of covering, overlapping and intersecting, which the planning of changes relies on.
//!
//! Patterns are drawn from few fields, few bits and few unknown fields, so that pairs of them often cover or
//! overlap each other.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// A field of any width and kind, with a value and mask of two bits at both of its ends.
fn term() -> impl Strategy<Value = (Field, u128, u128)> {
    let fields = vec![Field::EthType, Field::Ipv4Dst, Field::Ipv6Dst];
    (select(fields), 0..4_u128, 0..4_u128).prop_map(|(field, value, mask)| {
        let spread = |bits: u128| bits & 1 | (bits >> 1) << (field.bits() - 1);
        (field, spread(value), spread(mask))
    })
}

fn known() -> impl Strategy<Value = Pattern> {
    prop::collection::vec(term(), 0..4).prop_map(|terms| {
        terms
            .into_iter()
            .fold(Pattern::new(), |pattern, (field, value, mask)| {
                pattern.with_masked(field, value, mask)
            })
    })
}

fn raw(field: u8) -> RawOxm {
    RawOxm {
        class: 1,
        field,
        has_mask: false,
        payload: Bytes::from_static(&[0, 0, 0, 1]),
    }
}

/// With unknown fields in the order of their numbers, each at most once.
fn pattern() -> impl Strategy<Value = Pattern> {
    (known(), any::<[bool; 2]>()).prop_map(|(mut pattern, unknown)| {
        for (field, present) in (0..).zip(unknown) {
            if present {
                pattern.push_unknown(raw(field));
            }
        }
        pattern
    })
}

/// `base` and something more: always covered by it.
fn narrower(base: Pattern) -> impl Strategy<Value = Pattern> {
    pattern().prop_map(move |more| base.intersect(&more).unwrap_or_else(|| base.clone()))
}

/// Three patterns, each covered by the one before it.
fn chain() -> impl Strategy<Value = (Pattern, Pattern, Pattern)> {
    pattern().prop_flat_map(|a| {
        (Just(a.clone()), narrower(a))
            .prop_flat_map(|(a, b)| (Just(a), Just(b.clone()), narrower(b)))
    })
}

/// Two patterns, and one that both cover where there is such a one.
fn two_and_narrower() -> impl Strategy<Value = (Pattern, Pattern, Pattern)> {
    (pattern(), pattern()).prop_flat_map(|(a, b)| {
        let both = a.intersect(&b).unwrap_or_else(|| a.clone());
        (Just(a), Just(b), narrower(both))
    })
}

/// Two patterns that compare the same bits, often with the same values.
fn of_the_same_bits() -> impl Strategy<Value = (Pattern, Pattern)> {
    (pattern(), 0..4_u128).prop_map(|(a, flipped)| {
        let mut b = a.clone();
        for (field, masked) in a.fields() {
            b.set(field, masked.value() ^ flipped, masked.mask());
        }
        (a, b)
    })
}

/// The order of unknown fields, which means nothing, made the same.
fn sorted(pattern: Pattern) -> Pattern {
    let mut unknown = pattern.unknown().to_vec();
    unknown.sort();
    let mut sorted = Pattern::new();
    for (field, masked) in pattern.fields() {
        sorted.set(field, masked.value(), masked.mask());
    }
    for oxm in unknown {
        sorted.push_unknown(oxm);
    }
    sorted
}

/// Every combination of the bits that the terms above are about.
fn packets() -> impl Iterator<Item = [(Field, u128); 3]> {
    let values = |field: Field| {
        let top = 1_u128 << (field.bits() - 1);
        [0, 1, top, top | 1].map(|value| (field, value))
    };
    values(Field::EthType).into_iter().flat_map(move |first| {
        values(Field::Ipv4Dst)
            .into_iter()
            .flat_map(move |second| values(Field::Ipv6Dst).map(|third| [first, second, third]))
    })
}

fn matches(pattern: &Pattern, packet: &[(Field, u128)]) -> bool {
    packet.iter().all(|&(field, value)| {
        pattern
            .get(field)
            .is_none_or(|masked| value & masked.mask() == masked.value())
    })
}

proptest! {
    #[test]
    fn a_pattern_covers_itself(a in pattern()) {
        prop_assert!(a.covers(&a));
    }

    #[test]
    fn what_covers_a_covering_pattern_covers_what_that_covers((a, b, c) in chain()) {
        prop_assert!(a.covers(&b) && b.covers(&c));
        prop_assert!(a.covers(&c));
    }

    #[test]
    fn covering_is_transitive_for_patterns_of_any_kind(a in pattern(), b in pattern(), c in pattern()) {
        prop_assert!(!(a.covers(&b) && b.covers(&c)) || a.covers(&c));
    }

    #[test]
    fn patterns_that_cover_each_other_are_equal(a in pattern(), b in pattern()) {
        prop_assert_eq!(a.covers(&b) && b.covers(&a), a == b);
    }

    #[test]
    fn patterns_of_the_same_bits_cover_each_other_only_when_they_are_equal((a, b) in of_the_same_bits()) {
        prop_assert_eq!(a.covers(&b), a == b);
        prop_assert_eq!(b.covers(&a), a == b);
    }

    #[test]
    fn a_narrower_pattern_covers_a_wider_one_only_when_they_are_equal((a, b, _) in chain()) {
        prop_assert_eq!(b.covers(&a), sorted(a) == sorted(b));
    }

    #[test]
    fn what_a_pattern_covers_overlaps_it((a, b, c) in chain(), other in pattern()) {
        prop_assert!(a.overlaps(&b) && b.overlaps(&a) && a.overlaps(&c));
        prop_assert!(!a.covers(&other) || a.overlaps(&other));
    }

    #[test]
    fn overlapping_is_the_same_both_ways(a in pattern(), b in pattern()) {
        prop_assert_eq!(a.overlaps(&b), b.overlaps(&a));
    }

    #[test]
    fn patterns_overlap_where_they_have_an_intersection(a in pattern(), b in pattern()) {
        prop_assert_eq!(a.overlaps(&b), a.intersect(&b).is_some());
    }

    #[test]
    fn the_intersection_is_the_same_both_ways(a in pattern(), b in pattern()) {
        prop_assert_eq!(a.intersect(&b).map(sorted), b.intersect(&a).map(sorted));
    }

    #[test]
    fn the_intersection_is_covered_by_both(a in pattern(), b in pattern()) {
        if let Some(both) = a.intersect(&b) {
            prop_assert!(a.covers(&both) && b.covers(&both));
        }
    }

    #[test]
    fn the_intersection_covers_whatever_both_cover(a in pattern(), b in pattern(), c in pattern()) {
        if a.covers(&c) && b.covers(&c) {
            prop_assert!(a.intersect(&b).is_some_and(|both| both.covers(&c)));
        }
    }

    #[test]
    fn the_intersection_covers_a_pattern_exactly_when_both_do((a, b, c) in two_and_narrower()) {
        let both = a.intersect(&b);
        let covered = both.is_some_and(|both| both.covers(&c));
        prop_assert_eq!(covered, a.covers(&c) && b.covers(&c));
    }

    #[test]
    fn the_order_of_intersecting_means_nothing(a in pattern(), b in pattern(), c in pattern()) {
        let left = a.intersect(&b).and_then(|both| both.intersect(&c));
        let right = b.intersect(&c).and_then(|both| a.intersect(&both));
        prop_assert_eq!(left.map(sorted), right.map(sorted));
    }

    #[test]
    fn intersecting_with_itself_or_with_everything_changes_nothing(a in pattern()) {
        prop_assert_eq!(a.intersect(&a), Some(a.clone()));
        prop_assert_eq!(a.intersect(&Pattern::new()), Some(a.clone()));
        prop_assert!(Pattern::new().covers(&a));
    }

    #[test]
    fn a_pattern_covers_what_it_does_not_narrow(a in pattern(), b in pattern()) {
        prop_assert_eq!(a.covers(&b), a.intersect(&b).map(sorted) == Some(sorted(b)));
    }

    #[test]
    fn the_intersection_of_a_pattern_and_what_it_covers_is_the_latter((a, b, _) in chain()) {
        prop_assert_eq!(a.intersect(&b).map(sorted), Some(sorted(b)));
    }

    #[test]
    fn the_laws_are_those_of_the_packets_that_match(a in known(), b in known()) {
        let both = a.intersect(&b);
        for packet in packets() {
            let expected = matches(&a, &packet) && matches(&b, &packet);
            let got = both.as_ref().is_some_and(|both| matches(both, &packet));
            prop_assert_eq!(got, expected);
        }
        let covered = packets().all(|packet| matches(&a, &packet) || !matches(&b, &packet));
        prop_assert_eq!(a.covers(&b), covered);
        let shared = packets().any(|packet| matches(&a, &packet) && matches(&b, &packet));
        prop_assert_eq!(a.overlaps(&b), shared);
    }
}
