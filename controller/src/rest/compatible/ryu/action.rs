//! Actions and instructions, as Ryu writes them: each a text.

use std::fmt::Write as _;

use godwit_openflow::model::{Action, Field, Instruction};
use godwit_openflow::types::Version;
use serde_json::{Value, json};

use super::names;
use super::pattern::{DSCP_SHIFT, VLAN_PRESENT, plain};

/// What an entry does, as one list: the actions that it applies, and its other instructions.
pub(super) fn of_instructions(version: Version, instructions: &[Instruction]) -> Vec<Value> {
    let mut all = Vec::new();
    for instruction in instructions {
        match instruction {
            Instruction::ApplyActions(actions) => all.extend(of_actions(version, actions)),
            Instruction::WriteActions(actions) if actions.is_empty() => {}
            Instruction::WriteActions(actions) => {
                all.push(json!({ "WRITE_ACTIONS": of_actions(version, actions) }));
            }
            Instruction::ClearActions => all.push("CLEAR_ACTIONS".into()),
            Instruction::GotoTable(table) => all.push(format!("GOTO_TABLE:{}", table.0).into()),
            Instruction::WriteMetadata { value, mask: 0 } => {
                all.push(format!("WRITE_METADATA:{value:#x}").into());
            }
            Instruction::WriteMetadata { value, mask } => {
                all.push(format!("WRITE_METADATA:{value:#x}/{mask:#x}").into());
            }
            Instruction::Meter(meter) => {
                all.push(format!("METER:{}", names::meter_text(*meter)).into());
            }
            Instruction::Experimenter { .. } | Instruction::Unknown { .. } => {}
        }
    }
    all
}

pub(super) fn of_actions(version: Version, actions: &[Action]) -> Vec<Value> {
    let text = |action| match version {
        Version::V10 => text_10(action),
        Version::V13 => text_13(action),
    };
    actions.iter().map(text).map(Value::from).collect()
}

fn text_13(action: &Action) -> String {
    match action {
        Action::Output { port, .. } => {
            format!("OUTPUT:{}", names::port_text(Version::V13, *port))
        }
        Action::Group(group) => format!("GROUP:{}", names::group_text(*group)),
        Action::SetQueue(queue) => format!("SET_QUEUE:{}", names::queue_text(*queue)),
        Action::PushVlan(ethertype) => format!("PUSH_VLAN:{ethertype}"),
        Action::PopVlan => "POP_VLAN".to_owned(),
        Action::PushMpls(ethertype) => format!("PUSH_MPLS:{ethertype}"),
        Action::PopMpls(ethertype) => format!("POP_MPLS:{ethertype}"),
        Action::SetField { field, value } => {
            format!("SET_FIELD: {{{}:{}}}", field.name(), plain(*field, *value))
        }
        Action::DecNwTtl => "DEC_NW_TTL".to_owned(),
        Action::SetNwTtl(ttl) => format!("SET_NW_TTL:{ttl}"),
        Action::CopyTtlOut => "COPY_TTL_OUT".to_owned(),
        Action::CopyTtlIn => "COPY_TTL_IN".to_owned(),
        Action::SetMplsTtl(ttl) => format!("SET_MPLS_TTL:{ttl}"),
        Action::DecMplsTtl => "DEC_MPLS_TTL".to_owned(),
        Action::PushPbb(ethertype) => format!("PUSH_PBB:{ethertype}"),
        Action::PopPbb => "POP_PBB".to_owned(),
        Action::Experimenter { experimenter, body } => {
            let mut text = format!("EXPERIMENTER: {{experimenter:{experimenter}, data:0x");
            for byte in body {
                // Writing to a string can't fail.
                let _ = write!(text, "{byte:02x}");
            }
            text.push('}');
            text
        }
        Action::Enqueue { .. } | Action::Unknown { .. } => "UNKNOWN".to_owned(),
    }
}

fn text_10(action: &Action) -> String {
    match action {
        Action::Output { port, .. } => {
            format!("OUTPUT:{}", names::port_text(Version::V10, *port))
        }
        Action::Enqueue { port, queue } => format!(
            "ENQUEUE:{}:{}",
            names::port_text(Version::V10, *port),
            names::queue_text(*queue)
        ),
        Action::PopVlan => "STRIP_VLAN".to_owned(),
        Action::SetField { field, value } => set_10(*field, *value),
        Action::Experimenter { .. } => "VENDOR".to_owned(),
        _ => "UNKNOWN".to_owned(),
    }
}

/// 1.0 has an action for each header that it can change (OF 1.0.2 §5.2.4).
fn set_10(field: Field, value: u128) -> String {
    let text = |name: &str, value: u128| format!("{name}:{}", plain(field, value));
    match field {
        Field::VlanVid => text("SET_VLAN_VID", value & !VLAN_PRESENT),
        Field::VlanPcp => text("SET_VLAN_PCP", value),
        Field::EthSrc => text("SET_DL_SRC", value),
        Field::EthDst => text("SET_DL_DST", value),
        Field::Ipv4Src => text("SET_NW_SRC", value),
        Field::Ipv4Dst => text("SET_NW_DST", value),
        Field::IpDscp => text("SET_NW_TOS", value << DSCP_SHIFT),
        Field::TcpSrc | Field::UdpSrc | Field::Icmpv4Type => text("SET_TP_SRC", value),
        Field::TcpDst | Field::UdpDst | Field::Icmpv4Code => text("SET_TP_DST", value),
        _ => "UNKNOWN".to_owned(),
    }
}
