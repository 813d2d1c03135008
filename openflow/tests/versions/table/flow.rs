//! Flow entries: what they may say beside what they match.

use std::collections::BTreeSet;

use godwit_openflow::model::*;
use godwit_openflow::types::*;

use super::messages::{NOBODY, data, rule};
use super::{Row, Said, rows};

fn add(rule: FlowRule) -> Said {
    Said::To(ToSwitch::FlowMod(FlowMod::add(rule)))
}

pub(crate) fn rules() -> Vec<Row> {
    rows(
        &[
            "add",
            "modify",
            "modify_strict",
            "delete",
            "delete_strict",
            "table other than 0",
            "cookie",
            "cookie_mask",
            "idle_timeout",
            "hard_timeout",
            "buffer_id",
            "out_port",
            "out_group",
            "send_flow_removed",
            "check_overlap",
            "reset_counts",
            "no_packet_counts",
            "no_byte_counts",
        ],
        |_, name| Said::To(ToSwitch::FlowMod(change(name))),
    )
}

fn change(name: &str) -> FlowMod {
    let mut change = FlowMod::add(rule());
    match name {
        "add" => {}
        "modify" => change.command = FlowCommand::Modify,
        "modify_strict" => change.command = FlowCommand::ModifyStrict,
        "delete" => change.command = FlowCommand::Delete,
        "delete_strict" => change.command = FlowCommand::DeleteStrict,
        "table other than 0" => change.rule.table = TableId(1),
        "cookie" => change.rule.cookie = Cookie(u64::MAX - 1),
        "cookie_mask" => {
            change.command = FlowCommand::Delete;
            change.cookie_mask = 1;
        }
        "idle_timeout" => change.rule.idle_timeout = 1,
        "hard_timeout" => change.rule.hard_timeout = 1,
        "buffer_id" => change.buffer_id = Some(BufferId(1)),
        "out_port" => {
            change.command = FlowCommand::Delete;
            change.out_port = Some(PortNo(1));
        }
        "out_group" => {
            change.command = FlowCommand::Delete;
            change.out_group = Some(GroupId(1));
        }
        "send_flow_removed" => change.rule.flags = FlowFlags::SEND_FLOW_REMOVED,
        "check_overlap" => change.rule.flags = FlowFlags::CHECK_OVERLAP,
        "reset_counts" => change.rule.flags = FlowFlags::RESET_COUNTS,
        "no_packet_counts" => change.rule.flags = FlowFlags::NO_PACKET_COUNTS,
        "no_byte_counts" => change.rule.flags = FlowFlags::NO_BYTE_COUNTS,
        _ => panic!("{name}"),
    }
    change
}

pub(crate) fn instructions() -> Vec<Row> {
    rows(
        &[
            "goto_table",
            "write_metadata",
            "write_actions",
            "apply_actions",
            "clear_actions",
            "meter",
            "experimenter",
            "unknown",
        ],
        |_, name| {
            add(FlowRule {
                instructions: vec![instruction(name)],
                ..rule()
            })
        },
    )
}

fn instruction(name: &str) -> Instruction {
    match name {
        "goto_table" => Instruction::GotoTable(TableId(1)),
        "write_metadata" => Instruction::WriteMetadata { value: 1, mask: 1 },
        "write_actions" => Instruction::WriteActions(vec![Action::output(PortNo(1))]),
        "apply_actions" => Instruction::ApplyActions(vec![Action::output(PortNo(1))]),
        "clear_actions" => Instruction::ClearActions,
        "meter" => Instruction::Meter(MeterId(1)),
        "experimenter" => Instruction::Experimenter {
            experimenter: NOBODY,
            body: data(),
        },
        "unknown" => Instruction::Unknown {
            instruction_type: 99,
            body: data().slice(..4),
        },
        _ => panic!("{name}"),
    }
}

pub(crate) fn actions() -> Vec<Row> {
    rows(
        &[
            "output",
            "group",
            "set_queue",
            "enqueue",
            "push_vlan",
            "pop_vlan",
            "push_mpls",
            "pop_mpls",
            "set_field",
            "dec_nw_ttl",
            "set_nw_ttl",
            "copy_ttl_out",
            "copy_ttl_in",
            "set_mpls_ttl",
            "dec_mpls_ttl",
            "push_pbb",
            "pop_pbb",
            "experimenter",
            "unknown",
        ],
        |_, name| add(FlowRule::new(5, Pattern::new(), vec![action(name)])),
    )
}

fn action(name: &str) -> Action {
    match name {
        "output" => Action::output(PortNo(1)),
        "group" => Action::Group(GroupId(1)),
        "set_queue" => Action::SetQueue(QueueId(1)),
        "enqueue" => Action::Enqueue {
            port: PortNo(1),
            queue: QueueId(1),
        },
        "push_vlan" => Action::PushVlan(0x8100),
        "pop_vlan" => Action::PopVlan,
        "push_mpls" => Action::PushMpls(0x8847),
        "pop_mpls" => Action::PopMpls(0x0800),
        "set_field" => Action::SetField {
            field: Field::EthDst,
            value: 1,
        },
        "dec_nw_ttl" => Action::DecNwTtl,
        "set_nw_ttl" => Action::SetNwTtl(1),
        "copy_ttl_out" => Action::CopyTtlOut,
        "copy_ttl_in" => Action::CopyTtlIn,
        "set_mpls_ttl" => Action::SetMplsTtl(1),
        "dec_mpls_ttl" => Action::DecMplsTtl,
        "push_pbb" => Action::PushPbb(0x88e7),
        "pop_pbb" => Action::PopPbb,
        "experimenter" => Action::Experimenter {
            experimenter: NOBODY,
            body: data(),
        },
        "unknown" => Action::Unknown {
            action_type: 99,
            body: data().slice(..4),
        },
        _ => panic!("{name}"),
    }
}

/// A place for each variant: a new one does not compile before it stands here, and fails the test before it has a row.
const fn place_of_action(action: &Action) -> usize {
    match action {
        Action::Output { .. } => 0,
        Action::Group(_) => 1,
        Action::SetQueue(_) => 2,
        Action::Enqueue { .. } => 3,
        Action::PushVlan(_) => 4,
        Action::PopVlan => 5,
        Action::PushMpls(_) => 6,
        Action::PopMpls(_) => 7,
        Action::SetField { .. } => 8,
        Action::DecNwTtl => 9,
        Action::SetNwTtl(_) => 10,
        Action::CopyTtlOut => 11,
        Action::CopyTtlIn => 12,
        Action::SetMplsTtl(_) => 13,
        Action::DecMplsTtl => 14,
        Action::PushPbb(_) => 15,
        Action::PopPbb => 16,
        Action::Experimenter { .. } => 17,
        Action::Unknown { .. } => 18,
    }
}

/// As [`place_of_action`].
const fn place_of_instruction(instruction: &Instruction) -> usize {
    match instruction {
        Instruction::GotoTable(_) => 0,
        Instruction::WriteMetadata { .. } => 1,
        Instruction::WriteActions(_) => 2,
        Instruction::ApplyActions(_) => 3,
        Instruction::ClearActions => 4,
        Instruction::Meter(_) => 5,
        Instruction::Experimenter { .. } => 6,
        Instruction::Unknown { .. } => 7,
    }
}

pub(crate) fn assert_complete() {
    let places: BTreeSet<usize> = actions()
        .iter()
        .map(|(name, _)| place_of_action(&action(name)))
        .collect();
    assert!(places.into_iter().eq(0..19));
    let places: BTreeSet<usize> = instructions()
        .iter()
        .map(|(name, _)| place_of_instruction(&instruction(name)))
        .collect();
    assert!(places.into_iter().eq(0..8));
}
