use godwit_openflow::model::{Action, Bucket, FlowRule, GroupType, MeterBand, MeterFlags, Pattern};
use godwit_openflow::types::PortNo;

use super::*;
use crate::plan::entry::{EntryStep, Part};
use crate::plan::{Change, Kind};

const SWITCH: DatapathId = DatapathId(7);

fn group(number: u32, port: u32) -> GroupDescription {
    GroupDescription {
        group_type: GroupType::Indirect,
        group: GroupId(number),
        buckets: vec![Bucket {
            weight: 0,
            watch_port: None,
            watch_group: None,
            actions: vec![Action::output(PortNo(port))],
        }],
    }
}

fn meter(number: u32, rate: u32) -> MeterConfig {
    MeterConfig {
        flags: MeterFlags::KBPS,
        meter: MeterId(number),
        bands: vec![MeterBand::Drop { rate, burst: 0 }],
    }
}

fn step(change: Change, before: Option<Entry>, after: Option<Entry>) -> EntryStep {
    EntryStep {
        part: Part::Carried(0),
        dpid: SWITCH,
        change,
        before,
        after,
    }
}

fn given(entries: Vec<EntryStep>) -> BTreeMap<DatapathId, Given> {
    Given::by(&[Round {
        kind: Kind::Install,
        steps: Vec::new(),
        entries,
    }])
}

#[test]
fn what_is_gone_or_another_is_named() {
    let put = [
        Entry::Group(group(1, 1)),
        Entry::Group(group(2, 1)),
        Entry::Group(group(3, 1)),
        Entry::Meter(meter(1, 5)),
        Entry::Meter(meter(2, 5)),
        Entry::Meter(meter(3, 5)),
    ];
    let steps = put.map(|entry| step(Change::Install, None, Some(entry)));
    let given = &given(steps.into())[&SWITCH];
    let groups = [group(1, 1), group(3, 2), group(4, 9)];
    let meters = [meter(3, 6), meter(1, 5)];
    let expected = [
        (Shared::Group(GroupId(2)), "is gone"),
        (Shared::Group(GroupId(3)), "is not what was put there"),
        (Shared::Meter(MeterId(2)), "is gone"),
        (Shared::Meter(MeterId(3)), "is not what was put there"),
    ];
    assert_eq!(given.compare(&groups, &meters), expected);
    let all: Vec<_> = (1..=3).map(|number| group(number, 1)).collect();
    let meters: Vec<_> = (1..=3).map(|number| meter(number, 5)).collect();
    assert_eq!(given.compare(&all, &meters), []);
}

#[test]
fn a_switch_that_got_rules_only_or_keeps_nothing_is_not_asked() {
    let rule = FlowRule::new(1, Pattern::new(), vec![Action::output(PortNo(1))]);
    let put = Entry::Group(group(1, 1));
    assert!(
        given(vec![
            step(Change::Install, None, Some(Entry::Rule(rule))),
            step(Change::Install, None, Some(put.clone())),
            step(Change::Remove, Some(put), None),
        ])
        .is_empty()
    );
}
