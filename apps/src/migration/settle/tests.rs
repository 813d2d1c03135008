use godwit_openflow::model::group::{Bucket, GroupDescription, GroupType};
use godwit_openflow::model::{Action, Field, FlowRule, MeterConfig, MeterFlags, Pattern};
use godwit_openflow::types::{DatapathId, GroupId, MeterId, PortNo};
use godwit_topology::{Graph, Link, PortRef};

use super::*;
use crate::migration::planning::Chosen;
use crate::migration::request::{Algorithm, Request};
use crate::migration::transplant::{Carried, Transplant, Twin};
use crate::plan::entry::Part;
use crate::plan::{Kind, Round};

const SOURCE: DatapathId = DatapathId(1);
const TARGET: DatapathId = DatapathId(2);
const NEIGHBOUR: DatapathId = DatapathId(3);

fn rule(pattern: Pattern, port: u32) -> FlowRule {
    FlowRule::new(9, pattern, vec![Action::output(PortNo(port))])
}

fn step(part: Part, dpid: DatapathId, before: Option<Entry>, after: Option<Entry>) -> EntryStep {
    let change = match (&before, &after) {
        (None, _) => Change::Install,
        (_, None) => Change::Remove,
        _ => Change::Modify,
    };
    EntryStep {
        part,
        dpid,
        change,
        before,
        after,
    }
}

/// The source's port 7 and the target's port 5 lead to the neighbour's ports 1 and 2.
fn graph() -> Graph {
    let mut graph = Graph::new();
    for (dpid, port, there) in [(SOURCE, 7, 1), (TARGET, 5, 2)] {
        let (here, there) = (
            PortRef::new(dpid, PortNo(port)),
            PortRef::new(NEIGHBOUR, PortNo(there)),
        );
        graph.add_switch(dpid);
        graph.add_switch(NEIGHBOUR);
        graph.add_link(Link {
            src: here,
            dst: there,
        });
        graph.add_link(Link {
            src: there,
            dst: here,
        });
    }
    graph
}

fn bucket(port: u32) -> GroupDescription {
    GroupDescription {
        group_type: GroupType::Indirect,
        group: GroupId(4),
        buckets: vec![Bucket {
            weight: 0,
            watch_port: None,
            watch_group: None,
            actions: vec![Action::output(PortNo(port))],
        }],
    }
}

/// A rule that moves, a twin at the neighbour, and a group of the neighbour that is turned over.
fn steps() -> Vec<EntryStep> {
    let ipv4 = Pattern::new().eth_type(0x800);
    let entry = |rule: FlowRule| Some(Entry::Rule(rule));
    let [before, after] = twins();
    vec![
        step(Part::Carried(0), TARGET, None, entry(rule(ipv4.clone(), 5))),
        step(Part::Neighbour, NEIGHBOUR, None, entry(after)),
        step(
            Part::Neighbour,
            NEIGHBOUR,
            Some(Entry::Group(bucket(1))),
            Some(Entry::Group(bucket(2))),
        ),
        step(Part::Carried(0), SOURCE, entry(rule(ipv4, 7)), None),
        step(Part::Neighbour, NEIGHBOUR, entry(before), None),
    ]
}

fn twins() -> [FlowRule; 2] {
    [1, 2].map(|port| rule(Pattern::new().eth_type(0x800).in_port(PortNo(port)), 9))
}

fn planned() -> Planned {
    let ipv4 = Pattern::new().eth_type(0x800);
    let [before, after] = twins();
    let transplant = Transplant {
        rules: vec![Carried {
            source: rule(ipv4.clone(), 7),
            target: rule(ipv4, 5),
            age_ns: 1,
        }],
        twins: vec![Twin {
            dpid: NEIGHBOUR,
            before,
            after,
            age_ns: 1,
        }],
        ..Transplant::default()
    };
    let mut round = Round::of(Kind::Flip, Vec::new());
    round.entries = steps();
    Planned {
        request: Request::new(SOURCE, Some(TARGET), Algorithm::Clone),
        flows: Vec::new(),
        rounds: vec![round],
        transplant: Some(transplant),
        shape: Chosen::default(),
        perishable: Vec::new(),
    }
}

fn ways(moved: &[MovedRule]) -> Vec<(DatapathId, DatapathId)> {
    let way = |rule: &MovedRule| (rule.from.dpid, rule.to.dpid);
    moved.iter().map(way).collect()
}

#[test]
fn each_rule_is_taken_over_by_the_one_that_stands_in_for_it() {
    let moved = moved_rules(&planned());
    assert_eq!(ways(&moved), [(SOURCE, TARGET), (NEIGHBOUR, NEIGHBOUR)]);
    let twin = &moved[1];
    assert_eq!(twin.from.pattern.exact(Field::InPort), Some(1));
    assert_eq!(twin.to.pattern.exact(Field::InPort), Some(2));
}

#[test]
fn each_group_and_meter_is_taken_over_under_the_number_that_it_has_there() {
    let meter = |number| {
        Entry::Meter(MeterConfig {
            flags: MeterFlags::PKTPS,
            meter: MeterId(number),
            bands: Vec::new(),
        })
    };
    let mut planned = planned();
    let entries = &mut planned.rounds[0].entries;
    let own = Part::Carried(0);
    entries.extend([
        step(own, TARGET, None, Some(meter(1))),
        step(own, SOURCE, Some(Entry::Group(bucket(7))), None),
        step(own, SOURCE, Some(meter(1)), None),
        // One of a detour, which is nobody's before.
        step(Part::Detour, SOURCE, Some(meter(2)), None),
    ]);
    let transplant = planned.transplant.as_mut().unwrap();
    transplant.numbers.groups.insert(GroupId(4), GroupId(9));
    let at = |dpid, shared| SharedPlace { dpid, shared };
    let meter = Shared::Meter(MeterId(1));
    let moved = [
        MovedShared {
            from: at(SOURCE, Shared::Group(GroupId(4))),
            to: at(TARGET, Shared::Group(GroupId(9))),
        },
        MovedShared {
            from: at(SOURCE, meter),
            to: at(TARGET, meter),
        },
    ];
    assert_eq!(moved_shared(&planned), moved);
    assert_eq!(moved[0].reversed().reversed(), moved[0]);
    assert_eq!(moved[0].reversed().from, moved[0].to);
    planned.request.target = None;
    assert_eq!(moved_shared(&planned), []);
}

#[test]
fn packets_part_at_the_neighbour_and_leave_by_the_sources_ports() {
    let old = OldPorts::of(&planned(), &graph());
    assert_eq!(old.parting, [PortRef::new(NEIGHBOUR, PortNo(1))].into());
    assert_eq!(old.entries, [PortRef::new(SOURCE, PortNo(7))].into());
    assert!(old.exits.contains(&PortRef::new(SOURCE, PortNo(7))));
}

#[test]
fn the_way_back_parts_from_the_target() {
    let back = moved_rules(&planned()).into_iter().map(MovedRule::reversed);
    let back: Vec<MovedRule> = back.collect();
    assert_eq!(ways(&back), [(TARGET, SOURCE), (NEIGHBOUR, NEIGHBOUR)]);
    let old = OldPorts::back(&planned(), &graph());
    assert_eq!(old.parting, [PortRef::new(NEIGHBOUR, PortNo(2))].into());
    assert_eq!(old.entries, [PortRef::new(TARGET, PortNo(5))].into());
}

#[test]
fn a_change_and_its_inverse_cancel_out() {
    for step in steps() {
        assert_eq!(step.clone().inverse().inverse(), step);
        assert_eq!(step.clone().inverse().message(), step.undo());
    }
}
