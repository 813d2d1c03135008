pub(crate) mod world;

use godwit_openflow::model::{Action, Bucket, Field, GroupType, Instruction, Pattern};
use godwit_openflow::types::{GroupId, QueueId};

use super::graft::remaining;
use super::*;
use crate::plan::Change;
use crate::plan::entry::Entry;
use world::{World, bucket, out, port, put, put_rule, rule, to};

#[test]
fn an_entry_keeps_all_but_its_ports_and_the_time_that_it_has_lived() {
    let mut world = World::new();
    let mut entry = rule(vec![
        Action::DecNwTtl,
        out(4),
        Action::output(PortNo::CONTROLLER),
    ]);
    entry.pattern = entry.pattern.in_port(PortNo(3));
    entry.table = TableId(2);
    entry.idle_timeout = 30;
    entry.hard_timeout = 60;
    entry.instructions.push(Instruction::GotoTable(TableId(3)));
    world.add(1, entry.clone());
    let steps = world.graft().unwrap();
    let mut wanted = entry.clone();
    wanted.pattern = to(1).in_port(PortNo(13));
    wanted.hard_timeout = 56;
    wanted.instructions[0] = Instruction::ApplyActions(vec![
        Action::DecNwTtl,
        out(14),
        Action::output(PortNo::CONTROLLER),
    ]);
    assert_eq!(*put_rule(&steps), wanted);
    let carried = &steps.transplant.rules;
    assert_eq!((&carried[0].source, &carried[0].target), (&entry, &wanted));
    assert_eq!(carried[0].age_ns, 4_500_000_000);
    assert_eq!(steps.taken[0].before, Some(Entry::Rule(entry)));
}

#[test]
fn what_remains_of_a_hard_timeout_is_at_least_a_second() {
    let seconds = |seconds: u64| seconds * 1_000_000_000;
    assert_eq!(remaining(0, seconds(99)), 0);
    assert_eq!(remaining(10, seconds(3) + 999_999_999), 7);
    assert_eq!(remaining(10, seconds(10)), 1);
    assert_eq!(remaining(10, seconds(1_000_000)), 1);
}

#[test]
fn floods_become_the_ports_that_they_meant() {
    let mut world = World::new();
    let flooding = FlowRule::new(1, Pattern::new(), vec![Action::output(PortNo::FLOOD)]);
    world.add(1, flooding);
    let steps = world.graft().unwrap();
    let wanted = Instruction::ApplyActions(vec![out(13), out(14)]);
    assert_eq!(put_rule(&steps).instructions, [wanted]);
}

#[test]
fn groups_come_behind_those_that_they_point_at_and_meters_before_all() {
    let mut world = World::new();
    world.meter(1, 5);
    world.group(
        1,
        8,
        GroupType::All,
        vec![bucket(vec![Action::Group(GroupId(9))])],
    );
    world.group(1, 9, GroupType::Indirect, vec![bucket(vec![out(3)])]);
    let failing = Bucket {
        watch_port: Some(PortNo(4)),
        ..bucket(vec![out(4)])
    };
    world.group(1, 10, GroupType::FastFailover, vec![failing]);
    let mut entry = rule(vec![Action::Group(GroupId(8))]);
    entry.instructions.insert(0, Instruction::Meter(MeterId(5)));
    world.add(1, entry);
    // Numbers that the target has given away are changed.
    world.group(2, 9, GroupType::All, Vec::new());
    world.meter(2, 5);
    let steps = world.graft().unwrap();
    let order: Vec<String> = put(&steps)
        .iter()
        .map(|entry| match entry {
            Entry::Meter(meter) => format!("meter {}", meter.meter.0),
            Entry::Group(group) => {
                format!("group {} {:?}", group.group.0, group.buckets[0].watch_port)
            }
            Entry::Rule(_) => "rule".to_owned(),
        })
        .collect();
    let failover = format!("group 10 {:?}", Some(PortNo(14)));
    assert_eq!(
        order,
        [
            "meter 1",
            "group 1 None",
            failover.as_str(),
            "group 8 None",
            "rule"
        ]
    );
    let taken: Vec<&Entry> = steps
        .shells
        .iter()
        .filter_map(|step| step.before.as_ref())
        .collect();
    assert!(matches!(taken[0], Entry::Group(group) if group.group == GroupId(8)));
    assert!(matches!(taken[3], Entry::Meter(_)));
}

#[test]
fn neighbours_turn_and_treat_the_target_as_the_source() {
    let mut world = World::new();
    world.add(1, rule(vec![out(4)]));
    world.add(3, rule(vec![out(1)]));
    let mut from_source = rule(vec![out(100)]);
    from_source.pattern = from_source.pattern.in_port(PortNo(1));
    world.add(4, from_source.clone());
    let steps = world.graft().unwrap();
    let [flip] = &steps.flips[..] else {
        panic!("{:?}", steps.flips)
    };
    assert_eq!((flip.dpid, flip.change), (DatapathId(3), Change::Modify));
    assert_eq!(flip.after, Some(Entry::Rule(rule(vec![out(2)]))));
    let twin = &steps.transplant.twins[0];
    assert_eq!(twin.before, from_source);
    assert_eq!(twin.after.pattern, to(1).in_port(PortNo(2)));
    assert_eq!(steps.twins[0].after, Some(Entry::Rule(twin.after.clone())));
    assert_eq!(steps.old_twins[0].before, Some(Entry::Rule(from_source)));
}

#[test]
fn what_an_entry_may_not_do_is_refused_with_the_reason() {
    let output = |port| vec![Action::output(port)];
    let queue = Action::Enqueue {
        port: PortNo(3),
        queue: QueueId(1),
    };
    let learn = Action::Experimenter {
        experimenter: 0x2320,
        body: bytes::Bytes::new(),
    };
    for (actions, reason) in [
        (output(PortNo::NORMAL), "own forwarding"),
        (output(PortNo::LOCAL), "own network stack"),
        (output(PortNo::TABLE), "port `table`"),
        (output(PortNo(77)), "there is no port 77"),
        (vec![queue], "a queue"),
        (vec![Action::SetQueue(QueueId(1)), out(3)], "a queue"),
        (vec![learn], "an action that is not known"),
    ] {
        let mut world = World::new();
        world.add(1, rule(actions));
        world.refused(reason);
    }
}

#[test]
fn ports_that_have_no_like_are_refused() {
    for (number, reason) in [(5, "a host may hang there"), (9, "port 9 is down")] {
        let mut world = World::new();
        world.site(1).ports.push(port(number));
        world.add(1, rule(vec![out(number)]));
        world.refused(reason);
    }
    let mut world = World::new();
    world.site(1).ports.push(port(5));
    let mut entry = rule(vec![out(3)]);
    entry.pattern = entry.pattern.in_port(PortNo(5));
    world.add(1, entry);
    world.refused("it matches what comes in at a port, and port 5");
    let mut world = World::new();
    world.site(1).ports.push(port(6));
    world.join((1, 6), (2, 16));
    world.add(1, rule(vec![out(6)]));
    world.refused("leads to the target itself");
    let mut world = World::new();
    world.site(1).ports.push(port(6));
    world.join((1, 6), (5, 1));
    let other = world.sites[&DatapathId(4)].clone();
    let fifth = DatapathId(5);
    world.sites.insert(
        fifth,
        Site {
            dpid: fifth,
            ..other
        },
    );
    world.add(1, rule(vec![out(6)]));
    world.refused("to which the target has no link");
}

#[test]
fn every_entry_that_can_not_be_moved_is_named() {
    let mut world = World::new();
    for priority in 1..=3 {
        let entry = rule(vec![Action::output(PortNo::NORMAL)]);
        world.add(1, FlowRule { priority, ..entry });
    }
    let reasons = world.graft().map(|_| "a plan").unwrap_err();
    for priority in 1..=3 {
        assert!(
            reasons
                .iter()
                .any(|reason| reason.contains(&format!("priority {priority},"))),
            "{reasons:?}"
        );
    }
}

#[test]
fn what_the_target_can_not_say_is_refused() {
    let mut world = World::new();
    world.site(2).tables = 2;
    world.add(
        1,
        FlowRule {
            table: TableId(3),
            ..rule(vec![out(3)])
        },
    );
    world.refused("it needs table 3, and the target has 2");
    let mut world = World::new();
    world.site(2).version = Version::V10;
    world.add(1, rule(vec![Action::DecNwTtl, out(3)]));
    world.refused("1.0");
    let mut world = World::new();
    world.site(2).version = Version::V10;
    world.group(1, 1, GroupType::All, Vec::new());
    world.refused("there are groups");
    let mut world = World::new();
    world.site(1).version = Version::V10;
    let tag = Action::SetField {
        field: Field::VlanVid,
        value: 0x1005,
    };
    world.add(1, rule(vec![tag, out(3)]));
    world.refused("OpenFlow 1.0 adds");
}

#[test]
fn what_the_target_has_itself_is_not_touched() {
    let mut world = World::new();
    world.add(1, rule(vec![out(3)]));
    world.add(2, rule(vec![out(14)]).with_cookie(Cookie(8)));
    world.refused("would be overwritten");
    let mut world = World::new();
    world.add(1, rule(vec![out(3)]));
    world.add(2, FlowRule::new(5, Pattern::new(), vec![out(14)]));
    world.refused("which would stand above it");
    // What is there already need not be put there.
    let mut world = World::new();
    world.add(1, rule(Vec::new()));
    world.add(2, rule(Vec::new()));
    let steps = world.graft().unwrap();
    assert!(steps.put.is_empty());
    assert_eq!(steps.taken.len(), 1);
}

#[test]
fn neighbours_that_would_make_copies_are_refused() {
    for port in [PortNo::FLOOD, PortNo::ALL, PortNo::NORMAL] {
        let mut world = World::new();
        world.add(1, rule(vec![out(4)]));
        world.add(
            3,
            FlowRule::new(1, Pattern::new(), vec![Action::output(port)]),
        );
        let reasons = world.graft().map(|_| "a plan").unwrap_err();
        assert!(
            reasons[0].contains("while both carry traffic"),
            "{reasons:?}"
        );
    }
    let mut world = World::new();
    world.add(1, rule(vec![out(4)]));
    world.add(3, rule(vec![out(1), out(2)]));
    world.refused("which would get both");
    let mut world = World::new();
    world.add(1, rule(vec![out(4)]));
    world.add(4, rule(vec![out(1)]));
    world.refused("sends back");
    let mut world = World::new();
    world.add(1, rule(vec![out(4)]));
    let mut from_target = rule(vec![out(100)]);
    from_target.pattern = from_target.pattern.in_port(PortNo(2));
    world.add(4, from_target);
    world.refused("that have come from the source so far");
}

#[test]
fn two_links_that_become_one_must_not_be_told_apart() {
    let apart = |ports: &[u32]| {
        let mut world = World::new();
        world.site(1).ports.push(port(6));
        world.join((1, 6), (3, 6));
        for number in ports {
            let mut entry = rule(vec![out(4)]);
            entry.pattern = entry.pattern.in_port(PortNo(*number));
            world.add(1, entry);
        }
        world
    };
    apart(&[3]).refused("tells apart");
    let steps = apart(&[3, 6]).graft().unwrap();
    assert_eq!(steps.put.len(), 1, "one entry for both ports");
    assert_eq!(steps.transplant.rules.len(), 2);
}

#[test]
fn later_writes_to_the_source_are_translated() {
    let mut world = World::new();
    world.add(1, rule(vec![out(4)]));
    world.group(1, 1, GroupType::All, Vec::new());
    world.group(2, 1, GroupType::All, Vec::new());
    let own = FlowRule::new(3, to(9), vec![out(13)]);
    world.add(2, own.clone());
    let transplant = world.graft().unwrap().transplant;
    let mut write = FlowMod::add(rule(vec![out(3), Action::Group(GroupId(1))]));
    write.rule.pattern = to(2).in_port(PortNo(4));
    let translated = transplant.translated(write.clone()).unwrap();
    assert_eq!(translated.rule.pattern, to(2).in_port(PortNo(14)));
    let wanted = vec![out(13), Action::Group(GroupId(2))];
    assert_eq!(
        translated.rule.instructions,
        [Instruction::ApplyActions(wanted)]
    );
    let mut delete = FlowMod::new(FlowCommand::Delete, FlowRule::new(0, to(1), Vec::new()));
    delete.out_port = Some(PortNo(4));
    assert_eq!(
        transplant.translated(delete.clone()).unwrap().out_port,
        Some(PortNo(14))
    );
    // Never the target's own.
    delete.out_port = None;
    delete.rule.pattern = Pattern::new();
    assert!(
        transplant
            .translated(delete)
            .unwrap_err()
            .contains("the target's own")
    );
    assert!(transplant.translated(FlowMod::add(own)).is_err());
    write.rule.pattern = to(2).in_port(PortNo(77));
    assert!(
        transplant
            .translated(write)
            .unwrap_err()
            .contains("no port 77")
    );
}

#[test]
fn a_transplant_survives_the_journal() {
    let mut world = World::new();
    world.add(1, rule(vec![out(4)]));
    world.group(1, 1, GroupType::All, Vec::new());
    world.group(2, 1, GroupType::All, Vec::new());
    let transplant = world.graft().unwrap().transplant;
    let text = serde_json::to_string(&transplant).unwrap();
    assert_eq!(
        serde_json::from_str::<Transplant>(&text).unwrap(),
        transplant
    );
}
