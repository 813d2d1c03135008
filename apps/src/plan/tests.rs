use std::collections::{BTreeMap, BTreeSet};

use godwit_openflow::model::{FlowCommand, FlowRule};
use godwit_topology::PortRef;
use proptest::prelude::*;

use super::verify::{Guarantee, Violation, verify};
use super::*;
use crate::migration::request::Algorithm;

/// The port of a switch on which hosts hang. The port to a neighbour has the neighbour's number.
const HOST: PortNo = PortNo(1000);

/// Over these switches, from hosts at the first to hosts at the last.
pub(crate) fn path(switches: &[u64]) -> Path {
    let port = |dpid: u64| PortNo(u32::try_from(dpid).unwrap());
    let hops: Vec<Hop> = (0..switches.len())
        .map(|index| Hop {
            dpid: DatapathId(switches[index]),
            in_port: if index == 0 {
                PortNo(999)
            } else {
                port(switches[index - 1])
            },
            out_port: switches.get(index + 1).map_or(HOST, |&next| port(next)),
        })
        .collect();
    Path::try_from(hops).unwrap()
}

fn flow(id: FlowId, old: &[u64], new: &[u64]) -> Flow {
    let template = Template {
        id,
        priority: 7,
        pattern: Pattern::new().eth_type(u16::try_from(id).unwrap()),
        ingress: None,
        idle_timeout: 0,
        hard_timeout: 0,
        treatment: Treatment::default(),
    };
    Flow {
        template,
        old: Some(path(old)),
        new: path(new),
    }
}

#[test]
fn a_flow_keeps_its_queue_at_every_hop_and_its_meter_at_the_first() {
    let mut moved = flow(1, &[1, 2, 4], &[1, 3, 4]);
    moved.template.treatment = Treatment {
        queue: Some(QueueId(5)),
        meter: Some(MeterId(9)),
    };
    for (index, (_, rule)) in moved.template.rules(&moved.new).enumerate() {
        let port = moved.new.hops()[index].out_port;
        let queued = vec![Action::SetQueue(QueueId(5)), Action::output(port)];
        let mut wanted = vec![Instruction::ApplyActions(queued)];
        if index == 0 {
            wanted.insert(0, Instruction::Meter(MeterId(9)));
        }
        assert_eq!(rule.instructions, wanted, "hop {index}");
    }
    let rounds = make_before_break(&[moved]);
    let sent = rounds.iter().flat_map(|round| &round.steps);
    let mut flips = sent.filter(|step| step.dpid == DatapathId(1));
    let flip = flips.next().unwrap();
    let after = flip.after.as_ref().unwrap();
    assert_eq!(after.instructions[0], Instruction::Meter(MeterId(9)));
    let bare = serde_json::json!({
        "id": 1, "priority": 7, "pattern": {}, "ingress": null, "idle_timeout": 0, "hard_timeout": 0,
    });
    let earlier: Template = serde_json::from_value(bare).unwrap();
    assert!(
        earlier.treatment.is_plain(),
        "as releases before have kept it"
    );
}

fn kinds(rounds: &[Round]) -> Vec<(Kind, Vec<u64>)> {
    rounds
        .iter()
        .map(|round| {
            (
                round.kind,
                round.steps.iter().map(|step| step.dpid.0).collect(),
            )
        })
        .collect()
}

#[test]
fn a_detour_is_installed_at_once_before_the_fork_flips() {
    let rounds = make_before_break(&[flow(1, &[1, 2, 5], &[1, 3, 4, 5])]);
    assert_eq!(
        kinds(&rounds),
        [
            (Kind::Install, vec![4, 3]),
            (Kind::Flip, vec![1]),
            (Kind::Remove, vec![2]),
        ]
    );
}

#[test]
fn a_new_flow_is_installed_from_its_end() {
    let mut new = flow(1, &[1, 2, 3], &[1, 2, 3]);
    new.old = None;
    let install = |dpid| (Kind::Install, vec![dpid]);
    assert_eq!(kinds(&make_before_break(&[new])), [3, 2, 1].map(install));
}

#[test]
fn a_new_rule_where_packets_already_come_waits_for_the_others() {
    // A flow that begins at a port: where it begins, its rule is another one.
    let mut moved = flow(1, &[1, 2, 3], &[2, 4, 3]);
    moved.template.ingress = Some(PortNo(99));
    let rounds = kinds(&make_before_break(&[moved]));
    assert_eq!(rounds[0], (Kind::Install, vec![4]));
    assert_eq!(rounds[1], (Kind::Install, vec![2]));
}

#[test]
fn a_path_walked_backwards_flips_switch_by_switch() {
    // 2 → 3 on the old path, 3 → 2 on the new one: flipped together they could send a packet to and fro.
    let rounds = make_before_break(&[flow(1, &[1, 2, 3, 4], &[1, 3, 2, 4])]);
    assert_eq!(
        kinds(&rounds),
        [(Kind::Flip, vec![2]), (Kind::Flip, vec![3, 1])]
    );
}

#[test]
fn a_plan_that_flips_too_much_at_once_is_refused() {
    let moved = flow(1, &[1, 2, 3, 4], &[1, 3, 2, 4]);
    let mut rounds = make_before_break(std::slice::from_ref(&moved));
    let second = rounds.remove(1);
    rounds[0].steps.extend(second.steps);
    let refused = verify(&[moved], &rounds, Guarantee::Delivery).unwrap_err();
    assert!(matches!(refused.violation, Violation::Loop(_)), "{refused}");
}

#[test]
fn a_plan_that_flips_before_it_installs_is_refused() {
    let moved = flow(1, &[1, 2, 4], &[1, 3, 4]);
    let mut rounds = make_before_break(std::slice::from_ref(&moved));
    rounds.swap(0, 1);
    let refused = verify(&[moved], &rounds, Guarantee::Delivery).unwrap_err();
    assert_eq!(refused.violation, Violation::DeadEnd(DatapathId(3)));
}

#[test]
fn a_plan_that_removes_a_live_rule_is_refused() {
    let moved = flow(1, &[1, 2, 4], &[1, 3, 4]);
    let mut rounds = make_before_break(std::slice::from_ref(&moved));
    let last = rounds.pop().unwrap();
    rounds.insert(0, last);
    let refused = verify(&[moved], &rounds, Guarantee::Delivery).unwrap_err();
    assert_eq!(refused.violation, Violation::DeadEnd(DatapathId(2)));
}

#[test]
fn break_before_make_may_lose_but_not_circle() {
    let moved = [
        flow(1, &[1, 2, 4], &[1, 3, 4]),
        flow(2, &[1, 2, 3, 4], &[1, 3, 5, 4]),
    ];
    for algorithm in [Algorithm::Move, Algorithm::FreezeCopy] {
        let rounds = algorithm.plan(&moved, DatapathId(2));
        assert_eq!(rounds[0].kind, Kind::Cut);
        assert_eq!(verify(&moved, &rounds, Guarantee::NoLoops), Ok(()));
        assert!(verify(&moved, &rounds, Guarantee::Delivery).is_err());
    }
}

#[test]
fn freeze_copy_puts_every_rule_of_the_new_path_anew_and_move_keeps_them() {
    let moved = [flow(1, &[1, 2, 4], &[1, 3, 4])];
    let changes = |algorithm: Algorithm| -> BTreeSet<(u64, String)> {
        let rounds = algorithm.plan(&moved, DatapathId(2));
        let steps = rounds.iter().flat_map(|round| &round.steps);
        steps
            .map(|step| (step.dpid.0, format!("{:?}", step.change)))
            .collect()
    };
    let expect = |list: &[(u64, &str)]| {
        list.iter()
            .map(|(dpid, change)| (*dpid, (*change).to_owned()))
            .collect()
    };
    let removed = (2, "Remove");
    let frozen: BTreeSet<_> = expect(&[(1, "Replace"), removed, (3, "Install"), (4, "Replace")]);
    let kept: BTreeSet<_> = expect(&[(1, "Modify"), removed, (3, "Install")]);
    assert_eq!(changes(Algorithm::FreezeCopy), frozen);
    assert_eq!(changes(Algorithm::Move), kept);
}

#[test]
fn every_step_is_undone_by_its_undo() {
    let moved = [flow(1, &[1, 2, 3, 4], &[1, 3, 5, 4])];
    for algorithm in [Algorithm::Clone, Algorithm::Move, Algorithm::FreezeCopy] {
        let before = FakeTables::of(&moved);
        let mut tables = before.clone();
        let rounds = algorithm.plan(&moved, DatapathId(2));
        for round in &rounds {
            round.steps.iter().for_each(|step| tables.perform(step));
        }
        assert_ne!(tables, before);
        for step in rounds
            .iter()
            .rev()
            .flat_map(|round| round.steps.iter().rev())
        {
            tables.apply(step.undo().unwrap(), step.dpid);
        }
        assert_eq!(tables, before, "{algorithm:?}");
    }
}

/// The flow tables of all switches, changed by the very messages that switches would get.
#[derive(Debug, Clone, PartialEq)]
struct FakeTables {
    rules: BTreeMap<(DatapathId, Pattern), PortNo>,
}

impl FakeTables {
    fn of(flows: &[Flow]) -> Self {
        let mut tables = Self {
            rules: BTreeMap::new(),
        };
        for flow in flows {
            for (dpid, rule) in flow.template.rules(flow.old.as_ref().unwrap()) {
                tables.apply(FlowMod::add(rule), dpid);
            }
        }
        tables
    }

    fn perform(&mut self, step: &Step) {
        step.flow_mods()
            .into_iter()
            .for_each(|change| self.apply(change, step.dpid));
    }

    fn apply(&mut self, change: FlowMod, dpid: DatapathId) {
        let out = |rule: &FlowRule| rule.output_ports().next().unwrap();
        let key = (dpid, change.rule.pattern.clone());
        match change.command {
            FlowCommand::Add => _ = self.rules.insert(key, out(&change.rule)),
            FlowCommand::ModifyStrict => {
                if let Some(port) = self.rules.get_mut(&key) {
                    *port = out(&change.rule);
                }
            }
            FlowCommand::DeleteStrict => _ = self.rules.remove(&key),
            other => panic!("no plan uses {other:?}"),
        }
    }

    /// Walks a packet from the flow's first switch; gives the port where it leaves the network.
    fn deliver(&self, flow: &Flow) -> Option<PortRef> {
        let mut dpid = flow.new.source().dpid;
        for _ in 0..50 {
            let port = *self.rules.get(&(dpid, flow.template.pattern.clone()))?;
            if port == HOST {
                return Some(PortRef::new(dpid, port));
            }
            dpid = DatapathId(port.0.into());
        }
        None
    }
}

fn two_paths() -> impl Strategy<Value = (Vec<u64>, Vec<u64>)> {
    let middle = || {
        Just((3..=9u64).collect::<Vec<_>>())
            .prop_shuffle()
            .prop_flat_map(|all| (1..=all.len()).prop_map(move |n| all[..n].to_vec()))
    };
    (middle(), middle()).prop_map(|(old, new)| {
        let whole = |middle: Vec<u64>| [vec![1], middle, vec![2]].concat();
        (whole(old), whole(new))
    })
}

proptest! {
    /// The promise of `clone`: whatever the order in which the switches of a round act, every packet is
    /// delivered at every moment.
    #[test]
    fn clone_delivers_after_every_prefix_of_every_interleaving(
        pairs in prop::collection::vec(two_paths(), 1..4),
        shuffle in any::<u64>(),
    ) {
        let flows: Vec<Flow> =
            pairs.iter().enumerate().map(|(index, (old, new))| flow(u32::try_from(index).unwrap() + 1, old, new)).collect();
        let rounds = make_before_break(&flows);
        prop_assert_eq!(verify(&flows, &rounds, Guarantee::Delivery), Ok(()));
        let mut tables = FakeTables::of(&flows);
        for round in &rounds {
            let mut steps = round.steps.clone();
            // Any order will do: a different one each time.
            steps.sort_by_key(|step| (step.dpid.0.wrapping_mul(shuffle | 1)).rotate_left(step.flow) ^ shuffle);
            for step in steps {
                tables.perform(&step);
                for flow in &flows {
                    prop_assert_eq!(tables.deliver(flow), Some(flow.new.destination()));
                }
            }
        }
        for flow in &flows {
            let left = flow.old.iter().flat_map(Path::switches).filter(|dpid| flow.new.hop_at(*dpid).is_none());
            for dpid in left {
                prop_assert!(!tables.rules.contains_key(&(dpid, flow.template.pattern.clone())));
            }
        }
    }

    /// Break before make never circles, and ends where it should.
    #[test]
    fn move_and_freeze_copy_never_circle((old, new) in two_paths()) {
        let source = old[1];
        prop_assume!(!new.contains(&source));
        let flows = [flow(1, &old, &new)];
        for algorithm in [Algorithm::Move, Algorithm::FreezeCopy] {
            let rounds = algorithm.plan(&flows, DatapathId(source));
            prop_assert_eq!(verify(&flows, &rounds, Guarantee::NoLoops), Ok(()));
            let mut tables = FakeTables::of(&flows);
            for step in rounds.iter().flat_map(|round| &round.steps) {
                tables.perform(step);
            }
            prop_assert_eq!(tables.deliver(&flows[0]), Some(flows[0].new.destination()));
        }
    }
}
