use godwit_openflow::model::{Field, Pattern};
use godwit_openflow::types::Version;
use proptest::prelude::*;

use super::{List, Rule, Verb, without};

fn rule(priority: u16, action: Verb, pattern: Pattern) -> Rule {
    Rule {
        name: None,
        priority,
        r#match: pattern,
        action,
    }
}

fn ip() -> Pattern {
    Pattern::new().eth_type(0x0800)
}

/// Packets from these addresses.
fn from(address: u32, bits: u32) -> Pattern {
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or_default();
    ip().with_masked(Field::Ipv4Src, address.into(), mask.into())
}

fn list(rules: impl IntoIterator<Item = Rule>) -> List {
    let mut list = List::default();
    for (id, rule) in (1..).zip(rules) {
        list.insert(id, rule);
    }
    list
}

fn is_dropped(list: &List, version: Version, packet: &Pattern) -> bool {
    let (entries, unsayable) = list.entries(version);
    assert_eq!(unsayable, []);
    assert!(entries.iter().all(|entry| entry.instructions.is_empty()));
    entries.iter().any(|entry| entry.pattern.covers(packet))
}

#[test]
fn an_address_is_cut_out_of_a_network_in_both_versions() {
    let network = 0x0a00_0000;
    let exempt = rule(2, Verb::Allow, from(network + 77, 32));
    let list = list([rule(1, Verb::Deny, from(network, 24)), exempt]);
    for version in [Version::V10, Version::V13] {
        assert_eq!(list.entries(version).0.len(), 8);
        for last in 0..256 {
            let packet = from(network + last, 32);
            assert_eq!(is_dropped(&list, version, &packet), last != 77, "{last}");
        }
        assert!(!is_dropped(&list, version, &from(network + 256, 32)));
    }
}

#[test]
fn what_is_allowed_below_changes_nothing_and_of_equals_the_first_decides() {
    for (priority, dropped) in [(0, true), (1, true), (2, false)] {
        let rules = [
            rule(1, Verb::Deny, from(1, 32)),
            rule(priority, Verb::Allow, from(1, 32)),
        ];
        assert_eq!(
            is_dropped(&list(rules), Version::V13, &from(1, 32)),
            dropped
        );
    }
}

#[test]
fn what_has_no_words_is_said_and_left_out() {
    let tcp = ip().with(Field::IpProto, 6);
    let but_web = [
        rule(1, Verb::Deny, tcp.clone()),
        rule(2, Verb::Allow, tcp.with(Field::TcpDst, 80)),
    ];
    let (entries, unsayable) = list(but_web).entries(Version::V13);
    assert_eq!(entries, []);
    assert!(
        unsayable[0]
            .why
            .contains("`tcp_dst` can only be matched whole")
    );
    // OpenFlow 1.0 knows no IPv6.
    let six = Pattern::new().eth_type(0x86dd).with(Field::Ipv6Src, 1);
    let six = list([rule(1, Verb::Deny, six)]);
    assert_eq!(six.entries(Version::V13).1, []);
    assert_eq!(six.entries(Version::V10).1.len(), 1);
}

fn patterns() -> impl Strategy<Value = Pattern> {
    let network = || (0_u32..16, 28_u32..=32);
    (network(), network()).prop_map(|((src, src_bits), (dst, dst_bits))| {
        let mask = u32::MAX << (32 - dst_bits);
        from(src, src_bits).with_masked(Field::Ipv4Dst, dst.into(), mask.into())
    })
}

proptest! {
    #[test]
    fn a_packet_is_dropped_exactly_when_the_first_rule_that_matches_it_denies(
        rules in prop::collection::vec((0_u16..4, any::<bool>(), patterns()), 0..6),
        src in 0_u32..16,
        dst in 0_u32..16,
    ) {
        let verb = |allow| if allow { Verb::Allow } else { Verb::Deny };
        let rules = rules.into_iter().map(|(priority, allow, pattern)| rule(priority, verb(allow), pattern));
        let list = list(rules);
        let packet = from(src, 32).with(Field::Ipv4Dst, dst.into());
        let decides = list.in_order().into_iter().find(|(_, rule)| rule.r#match.covers(&packet));
        let denied = decides.is_some_and(|(_, rule)| rule.action == Verb::Deny);
        prop_assert_eq!(is_dropped(&list, Version::V13, &packet), denied);
    }

    #[test]
    fn the_parts_of_a_difference_do_not_overlap(one in patterns(), other in patterns()) {
        let parts = without(&one, &other).unwrap();
        for (index, part) in parts.iter().enumerate() {
            prop_assert!(one.covers(part) && !part.overlaps(&other));
            prop_assert!(parts[..index].iter().all(|earlier| !earlier.overlaps(part)));
        }
    }
}
