//! What the vectors mean, written by hand from what the generator put in.

mod from_switch;
mod group;
mod meter;
mod queue;
mod role;
mod table;
mod to_switch;

use bytes::Bytes;
use godwit_openflow::model::{Action, ErrorReport, Field, FlowRule, Instruction, Pattern, RawOxm};
use godwit_openflow::types::{GroupId, MeterId, PortNo, QueueId, TableId, Version};

use crate::common::expected::{mac, output, set};
use crate::common::unhex;

pub(super) use from_switch::messages as from_switch;
pub(super) use to_switch::messages as to_switch;

fn frame() -> Bytes {
    let header = unhex("0200000000020200000000010800");
    header.into_iter().chain(0..50).collect()
}

fn tcp() -> Pattern {
    Pattern::new()
        .in_port(PortNo(3))
        .with_masked(Field::EthDst, 0x0200_0000_0000, 0xfeff_0000_0000)
        .eth_src(mac(1))
        .eth_type(0x0800)
        .with(Field::VlanVid, 0x1064)
        .with(Field::VlanPcp, 5)
        .with(Field::IpDscp, 46)
        .with(Field::IpEcn, 1)
        .with(Field::IpProto, 6)
        .with_masked(Field::Ipv4Src, 0x0a01_0000, 0xffff_0000)
        .with(Field::Ipv4Dst, 0x0a02_0007)
        .with(Field::TcpSrc, 1234)
        .with(Field::TcpDst, 80)
}

fn udp() -> Pattern {
    Pattern::new()
        .eth_type(0x0800)
        .with(Field::IpProto, 17)
        .with_masked(Field::Ipv4Dst, 0x0a00_0001, 0xff00_00ff)
        .with(Field::UdpSrc, 68)
        .with(Field::UdpDst, 67)
}

fn arp() -> Pattern {
    Pattern::new()
        .eth_type(0x0806)
        .with(Field::ArpOp, 1)
        .with(Field::ArpSpa, 0x0a00_0001)
        .with_masked(Field::ArpTpa, 0x0a00_0000, 0xffff_ff00)
        .with(Field::ArpSha, mac(1).to_u64().into())
        .with_masked(Field::ArpTha, 0, 0xff)
}

/// Two registers of Open vSwitch and a field of the ONF's as experimenter.
fn unknown_fields() -> Pattern {
    let raw = |class, field, has_mask, payload| RawOxm {
        class,
        field,
        has_mask,
        payload: unhex(payload),
    };
    let mut pattern = Pattern::new().in_port(PortNo(1));
    pattern.push_unknown(raw(0x0001, 0, false, "0000002a"));
    pattern.push_unknown(raw(0x0001, 1, true, "000001000000ff00"));
    pattern.push_unknown(raw(0xffff, 43, false, "4f4e460000000004"));
    pattern
}

fn unknown(action_type: u16, body: &str) -> Action {
    Action::Unknown {
        action_type,
        body: unhex(body),
    }
}

fn every_action() -> Vec<Action> {
    vec![
        Action::CopyTtlOut,
        Action::CopyTtlIn,
        Action::SetMplsTtl(64),
        Action::DecMplsTtl,
        Action::PopVlan,
        Action::PushVlan(0x88a8),
        Action::PopMpls(0x0800),
        Action::PushMpls(0x8848),
        set(Field::VlanVid, 0x1007),
        set(Field::EthDst, mac(0x0b).to_u64().into()),
        set(Field::Ipv6Dst, 0x2001_0db8 << 96 | 7),
        set(Field::TcpDst, 8080),
        set(Field::PbbIsid, 0x010203),
        unknown(25, "000100040000002a00000000"),
        Action::DecNwTtl,
        Action::SetNwTtl(63),
        Action::SetQueue(QueueId(9)),
        Action::Group(GroupId(0x77)),
        Action::PushPbb(0x88e7),
        Action::PopPbb,
        Action::Experimenter {
            experimenter: 0x00ab_cdef,
            body: unhex("0102030405060708"),
        },
        output(PortNo::CONTROLLER, 0xffff),
        output(PortNo(2), 0),
    ]
}

fn every_instruction() -> Vec<Instruction> {
    vec![
        Instruction::Meter(MeterId(5)),
        Instruction::ApplyActions(every_action()),
        Instruction::ClearActions,
        Instruction::WriteActions(vec![output(PortNo::LOCAL, 0)]),
        Instruction::WriteMetadata {
            value: 0xaabb,
            mask: 0xffff,
        },
        Instruction::GotoTable(TableId(3)),
    ]
}

fn rule(priority: u16, pattern: Pattern, port: PortNo) -> FlowRule {
    FlowRule::new(priority, pattern, vec![output(port, 0)])
}

fn error() -> ErrorReport {
    ErrorReport {
        version: Version::V13,
        error_type: 5,
        code: 3,
        data: unhex("040e00380a0b0c0d"),
    }
}
