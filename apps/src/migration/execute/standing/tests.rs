use godwit_openflow::model::{Action, FlowCommand, Pattern};
use godwit_openflow::types::{Cookie, PortNo};

use super::*;

const SWITCH: DatapathId = DatapathId(7);

fn rule(port: u32) -> FlowRule {
    let actions = vec![Action::output(PortNo(port))];
    FlowRule::new(10, Pattern::new().eth_type(0x0800), actions).with_cookie(Cookie(5))
}

fn step(change: Change, before: Option<u32>, after: Option<u32>) -> EntryStep {
    let entry = |port: Option<u32>| port.map(rule).map(Entry::Rule);
    EntryStep {
        part: Part::Neighbour,
        dpid: SWITCH,
        change,
        before: entry(before),
        after: entry(after),
    }
}

fn holding(rules: Option<&[FlowRule]>) -> Standing {
    let rules = rules.map(|rules| {
        let of = |rule: &FlowRule| (rule.owned_identity(), rule.clone());
        rules.iter().map(of).collect()
    });
    let held = Held {
        rules,
        ..Held::default()
    };
    Standing {
        switches: BTreeMap::from([(SWITCH, held)]),
    }
}

/// The commands and output ports of what is sent, for a step, where the switch holds this.
fn sent(step: &EntryStep, way: Way, held: Option<&[FlowRule]>) -> Vec<(FlowCommand, Option<u32>)> {
    let round = Round {
        kind: Kind::Install,
        steps: Vec::new(),
        entries: vec![step.clone()],
    };
    let mut standing = holding(held);
    let missing = standing.missing(&round, way);
    let told = missing.messages.batches().flat_map(|(_, batch)| batch);
    let told = told.map(|message| match message {
        ToSwitch::FlowMod(change) => {
            let port = change.rule.output_ports().next().map(|port| port.0);
            (change.command, port)
        }
        other => panic!("{other:?}"),
    });
    let told = told.collect();
    // What was sent is taken as done, where it is known at all.
    let again = standing.missing(&round, way);
    assert!(held.is_none() || again.messages.is_empty());
    told
}

#[test]
fn only_the_difference_is_sent() {
    use FlowCommand::{Add, DeleteStrict, ModifyStrict};
    let install = step(Change::Install, None, Some(2));
    let modify = step(Change::Modify, Some(1), Some(2));
    let remove = step(Change::Remove, Some(1), None);
    let (old, new) = ([rule(1)], [rule(2)]);
    for (step, way, held, expected) in [
        (&install, Way::Done, &[][..], vec![(Add, Some(2))]),
        (&install, Way::Done, &new, vec![]),
        (&install, Way::Undone, &[], vec![]),
        (&install, Way::Undone, &new, vec![(DeleteStrict, Some(2))]),
        (&modify, Way::Done, &old, vec![(ModifyStrict, Some(2))]),
        (&modify, Way::Done, &new, vec![]),
        (&modify, Way::Undone, &old, vec![]),
        (&modify, Way::Undone, &new, vec![(ModifyStrict, Some(1))]),
        // The switch has lost it.
        (&modify, Way::Undone, &[], vec![(Add, Some(1))]),
        (&remove, Way::Done, &old, vec![(DeleteStrict, Some(1))]),
        (&remove, Way::Done, &[], vec![]),
        (&remove, Way::Undone, &[], vec![(Add, Some(1))]),
        (&remove, Way::Undone, &old, vec![]),
    ] {
        assert_eq!(
            sent(step, way, Some(held)),
            expected,
            "{step:?} {way:?} {held:?}"
        );
    }
}

#[test]
fn a_switch_that_does_not_say_what_it_holds_is_told_everything() {
    let modify = step(Change::Modify, Some(1), Some(2));
    let expected = [(FlowCommand::ModifyStrict, Some(1))];
    assert_eq!(sent(&modify, Way::Undone, None), expected);
}

#[test]
fn what_stands_there_by_anothers_hand_is_not_taken_away() {
    let install = step(Change::Install, None, Some(2));
    let theirs = [rule(2).with_cookie(Cookie(6))];
    assert_eq!(sent(&install, Way::Undone, Some(&theirs)), []);
}

#[test]
fn a_rule_that_would_reset_its_counters_is_not_as_it_was() {
    let modify = step(Change::Modify, Some(1), Some(2));
    let half = rule(1).with_flags(FlowFlags::RESET_COUNTS);
    let expected = [(FlowCommand::Add, Some(1))];
    assert_eq!(sent(&modify, Way::Undone, Some(&[half])), expected);
}

#[test]
fn a_switch_that_is_gone_is_named() {
    let round = Round {
        kind: Kind::Remove,
        steps: Vec::new(),
        entries: vec![step(Change::Remove, Some(1), None)],
    };
    let missing = Standing::default().missing(&round, Way::Done);
    assert!(missing.messages.is_empty());
    assert_eq!(missing.away, BTreeSet::from([SWITCH]));
}
