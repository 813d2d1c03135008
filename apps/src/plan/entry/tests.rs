use godwit_openflow::model::Action;
use godwit_openflow::model::group::{Bucket, GroupType};
use godwit_openflow::types::{GroupId, MeterId, PortNo};

use super::*;

fn bucket(weight: u16, port: u32) -> Bucket {
    Bucket {
        weight,
        watch_port: None,
        watch_group: None,
        actions: vec![Action::output(PortNo(port))],
    }
}

fn group(group_type: GroupType, buckets: Vec<Bucket>) -> GroupDescription {
    GroupDescription {
        group_type,
        group: GroupId(1),
        buckets,
    }
}

fn meter(flags: MeterFlags, rate: u32, burst: u32) -> MeterConfig {
    MeterConfig {
        flags,
        meter: MeterId(1),
        bands: vec![MeterBand::Drop { rate, burst }],
    }
}

#[test]
fn groups_are_the_same_that_do_the_same() {
    let all = |buckets| group(GroupType::All, buckets);
    let select = |buckets| group(GroupType::Select, buckets);
    let watching = |port| Bucket {
        watch_port: Some(PortNo(port)),
        ..bucket(0, 1)
    };
    for (one, other, same) in [
        (all(vec![bucket(0, 1)]), all(vec![bucket(1, 1)]), true),
        (all(vec![bucket(0, 1)]), all(vec![bucket(0, 2)]), false),
        (all(vec![bucket(0, 1)]), all(vec![]), false),
        (all(vec![bucket(0, 1)]), select(vec![bucket(0, 1)]), false),
        (
            select(vec![bucket(1, 1)]),
            select(vec![bucket(2, 1)]),
            false,
        ),
        (all(vec![watching(1)]), all(vec![watching(2)]), false),
    ] {
        assert_eq!(is_same_group(&one, &other), same, "{one:?} {other:?}");
    }
}

#[test]
fn meters_are_the_same_that_do_the_same() {
    const NONE: MeterFlags = MeterFlags(0);
    const BURST: MeterFlags = MeterFlags(MeterFlags::KBPS.0 | MeterFlags::BURST.0);
    for (one, other, same) in [
        (meter(NONE, 5, 0), meter(MeterFlags::KBPS, 5, 0), true),
        (meter(NONE, 5, 0), meter(MeterFlags::PKTPS, 5, 0), false),
        (meter(NONE, 5, 0), meter(NONE, 6, 0), false),
        (meter(NONE, 5, 0), meter(NONE, 5, 7), true),
        (meter(BURST, 5, 0), meter(BURST, 5, 7), false),
        (meter(NONE, 5, 0), meter(MeterFlags::STATS, 5, 0), false),
    ] {
        assert_eq!(is_same_meter(&one, &other), same, "{one:?} {other:?}");
    }
}
