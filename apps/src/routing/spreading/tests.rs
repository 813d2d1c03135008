use godwit_openflow::model::Pattern;
use godwit_openflow::types::{MacAddr, MeterId};
use godwit_topology::Hop;

use super::*;
use crate::plan::Treatment;

fn path(switches: &[u64]) -> Path {
    let last = switches.len() - 1;
    let hop = |(at, dpid): (usize, &u64)| {
        let towards = |other: usize| PortNo(switches[other] as u32);
        Hop {
            dpid: DatapathId(*dpid),
            in_port: if at == 0 {
                PortNo(100)
            } else {
                towards(at - 1)
            },
            out_port: if at == last {
                PortNo(100)
            } else {
                towards(at + 1)
            },
        }
    };
    let hops: Vec<Hop> = switches.iter().enumerate().map(hop).collect();
    Path::try_from(hops).unwrap()
}

fn diamond() -> Spread {
    Spread::try_from(vec![path(&[1, 2, 4]), path(&[1, 3, 4])]).unwrap()
}

fn template() -> Template {
    Template {
        id: 7,
        priority: 9,
        pattern: Pattern::new().eth_dst(MacAddr([2; 6])),
        ingress: Some(PortNo(100)),
        idle_timeout: 0,
        hard_timeout: 0,
        treatment: Treatment {
            queue: None,
            meter: Some(MeterId(3)),
        },
    }
}

fn select(watches: bool) -> Abilities {
    Abilities::from([(DatapathId(1), Ability::Select { watches })])
}

#[test]
fn a_switch_with_a_choice_has_a_group_and_the_others_the_rule_of_any_route() {
    let spreading = Spreading::new(4, diamond(), select(true));
    let template = template();
    let levels = spreading.places(&template);
    let dpids: Vec<Vec<u64>> = levels
        .iter()
        .map(|level| level.iter().map(|place| place.dpid.0).collect())
        .collect();
    assert_eq!(dpids, [vec![4], vec![2, 3], vec![1]], "the last hop first");
    for place in levels[..2].iter().flatten() {
        let hops = diamond();
        let hop = hops.paths().iter().find_map(|path| path.hop_at(place.dpid));
        assert_eq!(place.rule, template.rule(&hop.unwrap(), false));
        assert_eq!(place.group, None);
    }
    let first = &levels[2][0];
    let number = group_of(7);
    assert_eq!(first.rule, template.rule_to(Action::Group(number), true));
    let group = first.group.clone().unwrap();
    assert_eq!((group.group_type, group.group), (GroupType::Select, number));
    let buckets: Vec<_> = group
        .buckets
        .into_iter()
        .map(|bucket| (bucket.weight, bucket.watch_port, bucket.actions))
        .collect();
    let bucket = |port| (1, Some(PortNo(port)), vec![Action::output(PortNo(port))]);
    assert_eq!(buckets, [bucket(2), bucket(3)]);
    let blind = Spreading::new(4, diamond(), select(false)).places(&template);
    let group = blind[2][0].group.clone().unwrap();
    assert!(
        group
            .buckets
            .iter()
            .all(|bucket| bucket.watch_port.is_none())
    );
}

#[test]
fn a_switch_says_what_it_makes_of_a_choice() {
    let of = |types, capabilities| {
        Ability::of(&GroupFeatures {
            types,
            capabilities,
            ..GroupFeatures::default()
        })
    };
    assert_eq!(of(0b1111, 0b10), Ability::Select { watches: true });
    assert_eq!(of(0b0010, 0b01), Ability::Select { watches: false });
    assert_eq!(of(0b1101, 0b11), Ability::NoSelect);
}

#[test]
fn where_it_goes_one_way_for_want_of_groups_is_told_with_the_reason() {
    let single = Spread::from(path(&[1, 2, 4]));
    let unable = Abilities::from([
        (DatapathId(1), Ability::OldVersion),
        (DatapathId(3), Ability::NoSelect),
    ]);
    let alone = Spreading::new(4, single, unable).alone();
    assert_eq!(alone.len(), 1, "switch 3 is not on its way");
    assert_eq!(alone[0].dpid, DatapathId(1));
    assert!(alone[0].why.contains("OpenFlow 1.0"));
    assert!(
        Spreading::new(4, diamond(), select(true))
            .alone()
            .is_empty()
    );
}

#[test]
fn it_comes_back_to_the_paths_that_it_was_made_with() {
    let spreading = Spreading::new(4, diamond(), select(true));
    let over = |dead: u64| move |path: &Path| path.hop_at(DatapathId(dead)).is_none();
    let left = spreading.left(over(2)).unwrap();
    assert_eq!(left.paths(), [path(&[1, 3, 4])]);
    let smaller = spreading.with(left, Abilities::new());
    assert_eq!(
        smaller.places(&template())[2][0].group,
        None,
        "no choice is left"
    );
    assert_eq!(smaller.left(|_| true).unwrap(), diamond());
    let round = Spread::from(path(&[1, 5, 6, 4]));
    let detour = spreading.with(round.clone(), Abilities::new());
    let made_is_dead = |path: &Path| path.hop_at(DatapathId(5)).is_some();
    assert_eq!(detour.left(made_is_dead), Some(round));
    assert_eq!(detour.left(|_| false), None);
    assert_eq!(detour.left(over(3)).unwrap().paths(), [path(&[1, 2, 4])]);
}
