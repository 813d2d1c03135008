//! What a switch says: of itself, and of what comes in.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use godwit_openflow::model::{
    Action, AggregateStats, Description, ErrorReport, Features, Field, FromSwitch, Instruction,
    PacketIn, PacketInReason, Pattern, Port, PortStats, StatsReply, StatsRequest, TableFeatures,
    TableStats,
};
use godwit_openflow::types::{Cookie, DatapathId, MacAddr, PortNo, TableId, Version};

use crate::flow_table::FlowTable;

/// The ports of every switch.
const PORTS: u32 = 4;

/// How fast they are.
const SPEED_KBPS: u32 = 10_000;

/// What a switch is.
pub(super) fn features(dpid: DatapathId) -> Features {
    Features {
        datapath_id: dpid,
        buffers: 0,
        tables: 1,
        auxiliary_id: 0,
        capabilities: 0x47,
        actions: None,
        ports: None,
    }
}

/// What a switch reports of itself.
pub(super) fn report(
    dpid: DatapathId,
    table: &FlowTable,
    counted: &BTreeMap<PortNo, [u64; 4]>,
    request: &StatsRequest,
) -> StatsReply {
    match request {
        StatsRequest::Flows(filter) => StatsReply::Flows(table.report(filter)),
        StatsRequest::Aggregate(filter) => {
            let held = table.report(filter);
            StatsReply::Aggregate(AggregateStats {
                packets: held.iter().map(|stats| stats.packets).sum(),
                bytes: held.iter().map(|stats| stats.bytes).sum(),
                flows: u32::try_from(held.len()).unwrap(),
            })
        }
        StatsRequest::Ports(_) => {
            let all = (1..=PORTS).map(PortNo);
            let counts = |port| counted.get(&port).copied().unwrap_or_default();
            StatsReply::Ports(all.map(|port| port_stats(port, counts(port))).collect())
        }
        StatsRequest::PortDescription => {
            let all = (1..=PORTS).chain([PortNo::LOCAL.0]);
            StatsReply::PortDescription(all.map(|number| port(dpid, number)).collect())
        }
        StatsRequest::Queues(_) => StatsReply::Queues(Vec::new()),
        StatsRequest::GroupDescription => StatsReply::GroupDescription(Vec::new()),
        StatsRequest::Groups(_) => StatsReply::Groups(Vec::new()),
        StatsRequest::MeterConfig(_) => StatsReply::MeterConfig(Vec::new()),
        StatsRequest::Meters(_) => StatsReply::Meters(Vec::new()),
        StatsRequest::Tables => StatsReply::Tables(vec![TableStats {
            table: 0,
            name: None,
            max_entries: None,
            wildcards: None,
            active: u32::try_from(table.rules().count()).unwrap(),
            lookups: 0,
            matched: 0,
        }]),
        StatsRequest::TableFeatures(_) => StatsReply::TableFeatures(vec![TableFeatures {
            table: TableId(0),
            name: String::new(),
            metadata_match: 0,
            metadata_write: 0,
            config: 0,
            max_entries: u32::try_from(table.limited().unwrap_or(1_000_000)).unwrap(),
            properties: Vec::new(),
        }]),
        StatsRequest::Description => StatsReply::Description(Description::default()),
        other => panic!("the controller asks for {other:?}"),
    }
}

/// A change is refused: the table is full (OF 1.3.5 §7.5.4.6).
pub(super) fn table_full() -> FromSwitch {
    FromSwitch::Error(ErrorReport {
        version: Version::V13,
        error_type: 5,
        code: 1,
        data: Bytes::new(),
    })
}

/// What the controller gets of a discovery frame, by the entry that takes it.
pub(super) fn sent_up(table: &FlowTable, port: PortNo, frame: &Bytes) -> Option<Bytes> {
    let pattern = Pattern::new().in_port(port).eth_type(0x88cc);
    let mut data = BytesMut::from(frame.as_ref());
    let actions = table.lookup(&pattern)?.instructions.iter();
    let actions = actions.filter_map(|instruction| match instruction {
        Instruction::ApplyActions(actions) => Some(actions),
        _ => None,
    });
    let mut told = None;
    for action in actions.flatten() {
        match action {
            Action::SetField {
                field: Field::EthSrc,
                value,
            } => data[6..12].copy_from_slice(&value.to_be_bytes()[10..]),
            Action::Output {
                port: PortNo::CONTROLLER,
                ..
            } => told = Some(data.clone().freeze()),
            other => panic!("{other:?} is not emulated"),
        }
    }
    told
}

pub(super) fn packet_in(port: PortNo, data: Bytes) -> FromSwitch {
    FromSwitch::PacketIn(PacketIn {
        buffer_id: None,
        total_len: u16::try_from(data.len()).unwrap(),
        reason: PacketInReason::Action,
        table: TableId(0),
        cookie: Some(Cookie(0)),
        in_port: port,
        pattern: Pattern::new().in_port(port),
        data,
    })
}

pub(super) fn port(dpid: DatapathId, number: u32) -> Port {
    let name = match PortNo(number) {
        PortNo::LOCAL => format!("s{}", dpid.0),
        _ => format!("s{}-eth{number}", dpid.0),
    };
    Port {
        number: PortNo(number),
        mac: MacAddr([2, 0, 0, 0, dpid.0 as u8, number as u8]),
        name,
        admin_down: false,
        link_down: false,
        config: 0,
        state: 0,
        features: [0; 4],
        // Where the hosts hang it is not known.
        current_speed: if number == 1 { 0 } else { SPEED_KBPS },
        max_speed: 0,
    }
}

fn port_stats(port: PortNo, [rx_packets, rx_bytes, tx_packets, tx_bytes]: [u64; 4]) -> PortStats {
    PortStats {
        port,
        rx_packets: Some(rx_packets),
        tx_packets: Some(tx_packets),
        rx_bytes: Some(rx_bytes),
        tx_bytes: Some(tx_bytes),
        rx_dropped: None,
        tx_dropped: None,
        rx_errors: None,
        tx_errors: None,
        rx_frame_errors: None,
        rx_overrun_errors: None,
        rx_crc_errors: None,
        collisions: None,
        duration_ns: None,
    }
}
