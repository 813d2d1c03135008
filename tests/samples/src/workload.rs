//! The messages that the benchmarks measure: what a controller of many switches reads and writes most.

use std::net::Ipv4Addr;

use bytes::{Bytes, BytesMut};
use godwit_openflow::model::{
    Action, Field, FlowMod, FlowRemoved, FlowRemovedReason, FlowRule, FlowStats, FromSwitch,
    PacketIn, PacketInReason, Pattern, Port, PortStatus, PortStatusReason, StatsReply, ToSwitch,
};
use godwit_openflow::types::{Cookie, MacAddr, PortNo, TableId, Version, Xid};
use godwit_openflow::{Unsupported, codec};

/// How many flow entries a part of a statistics reply carries here; 64 KiB are enough for them in both versions.
const ENTRIES_PER_PART: usize = 400;

/// A packet of UDP over IPv4 over Ethernet with so many bytes in all, at least 42.
#[must_use]
pub fn packet(length: usize) -> Bytes {
    let mut packet = vec![0; length.max(42)];
    packet[..6].copy_from_slice(&[0, 0, 0, 0, 0, 2]);
    packet[6..12].copy_from_slice(&[0, 0, 0, 0, 0, 1]);
    packet[12..14].copy_from_slice(&0x0800_u16.to_be_bytes());
    packet[14] = 0x45;
    packet[23] = 17;
    for (index, byte) in packet[42..].iter_mut().enumerate() {
        *byte = (index % 251) as u8;
    }
    Bytes::from(packet)
}

/// The whole of a packet of `length` bytes that no flow entry matched, with its port and nothing else.
#[must_use]
pub fn packet_in(version: Version, length: usize) -> FromSwitch {
    let in_port = PortNo(3);
    FromSwitch::PacketIn(PacketIn {
        buffer_id: None,
        total_len: length as u16,
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: (version == Version::V13).then_some(Cookie(0xc0)),
        in_port,
        pattern: Pattern::new().in_port(in_port),
        data: packet(length),
    })
}

/// One connection of TCP: what it is called the 5-tuple of.
#[must_use]
pub fn five_tuple(number: u16) -> Pattern {
    let [high, low] = number.to_be_bytes();
    Pattern::new()
        .eth_type(0x0800)
        .with(Field::IpProto, 6)
        .ipv4_src(Ipv4Addr::new(10, 0, high, low))
        .ipv4_dst(Ipv4Addr::new(10, 1, high, low))
        .with(Field::TcpSrc, number.into())
        .with(Field::TcpDst, 80)
}

/// All that a learning switch matches: where from and where to.
#[must_use]
pub fn addresses() -> Pattern {
    Pattern::new()
        .in_port(PortNo(3))
        .eth_src(MacAddr([0, 0, 0, 0, 0, 1]))
        .eth_dst(MacAddr([0, 0, 0, 0, 0, 2]))
}

/// A new flow entry, out of one port.
#[must_use]
pub fn flow_mod(pattern: Pattern) -> ToSwitch {
    ToSwitch::FlowMod(FlowMod::add(rule(pattern)))
}

fn rule(pattern: Pattern) -> FlowRule {
    let output = Action::Output {
        port: PortNo(7),
        max_len: 0,
    };
    FlowRule::new(100, pattern, vec![output])
}

/// What so many flow entries of one connection each have counted, in as many parts as it takes.
#[must_use]
pub fn flow_stats(entries: u16) -> Vec<FromSwitch> {
    let flows: Vec<FlowStats> = (0..entries).map(flow_stats_entry).collect();
    let mut parts: Vec<FromSwitch> = flows
        .chunks(ENTRIES_PER_PART)
        .map(|flows| FromSwitch::Stats {
            more: true,
            body: StatsReply::Flows(flows.to_vec()),
        })
        .collect();
    if let Some(FromSwitch::Stats { more, .. }) = parts.last_mut() {
        *more = false;
    }
    parts
}

fn flow_stats_entry(number: u16) -> FlowStats {
    FlowStats {
        rule: rule(five_tuple(number)).with_cookie(Cookie(number.into())),
        duration_ns: 5_000_000_001,
        packets: number.into(),
        bytes: 64 * u64::from(number),
    }
}

/// What a switch with some traffic sends: eight PACKET_IN of several sizes for each two messages of other types.
#[must_use]
pub fn mixed(version: Version) -> Vec<FromSwitch> {
    let mut messages: Vec<_> = [64, 64, 1500, 90, 128, 64, 594, 60]
        .into_iter()
        .map(|length| packet_in(version, length))
        .collect();
    messages.insert(2, FromSwitch::EchoReply(Bytes::from_static(b"12345678")));
    messages.insert(6, FromSwitch::FlowRemoved(flow_removed()));
    let mut again = messages.clone();
    again[2] = FromSwitch::BarrierReply;
    again[6] = FromSwitch::PortStatus(port_status());
    messages.append(&mut again);
    messages
}

fn flow_removed() -> FlowRemoved {
    FlowRemoved {
        cookie: Cookie(7),
        priority: 100,
        reason: FlowRemovedReason::IdleTimeout,
        table: TableId(0),
        duration_ns: 1_000_000_000,
        idle_timeout: 10,
        hard_timeout: 0,
        packets: 12,
        bytes: 3400,
        pattern: five_tuple(9),
    }
}

fn port_status() -> PortStatus {
    PortStatus {
        reason: PortStatusReason::Modify,
        port: Port {
            number: PortNo(3),
            mac: MacAddr([0, 0, 0, 0, 3, 3]),
            name: "s1-eth3".to_owned(),
            admin_down: false,
            link_down: false,
            config: 0,
            state: 0,
            features: [0; 4],
            current_speed: 0,
            max_speed: 0,
        },
    }
}

/// The bytes of messages from a switch, one after the other.
///
/// # Errors
/// When the version can't say one of them.
pub fn stream<'a>(
    version: Version,
    messages: impl IntoIterator<Item = &'a FromSwitch>,
) -> Result<BytesMut, Unsupported> {
    let mut buffer = BytesMut::new();
    for message in messages {
        codec::encode_from_switch(version, Xid(1), message, &mut buffer)?;
    }
    Ok(buffer)
}
