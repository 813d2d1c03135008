//! What an entry matches, in Ryu's words: those of OpenFlow 1.0's header for every version, where it has one.

use std::net::{Ipv4Addr, Ipv6Addr};

use godwit_openflow::model::pattern::field::Format;
use godwit_openflow::model::{Field, Masked, Pattern, RawOxm};
use godwit_openflow::types::{MacAddr, PortNo, Version};
use serde_json::{Map, Value};

use super::names;

/// `OFPVID_PRESENT` (OF 1.3.5 §7.2.3.7).
pub(super) const VLAN_PRESENT: u128 = 0x1000;

/// 1.0's VLAN id of packets without a tag (OF 1.0.2 §5.2.3).
const NO_VLAN: u64 = 0xffff;

/// By how much the six bits of a DSCP stand higher in 1.0's type of service.
pub(super) const DSCP_SHIFT: u32 = 2;

/// A match as JSON.
pub(super) fn to_json(version: Version, pattern: &Pattern) -> Map<String, Value> {
    let mut map = Map::new();
    for (field, masked) in pattern.fields() {
        let (name, value) = match version {
            Version::V10 => (name_10(field), value_10(field, masked)),
            Version::V13 => (name_13(field), value_13(field, masked)),
        };
        map.entry(name).or_insert(value);
    }
    for oxm in pattern.unknown() {
        let (name, value) = unknown(oxm);
        map.entry(name).or_insert(value);
    }
    map
}

fn name_13(field: Field) -> &'static str {
    match field {
        Field::EthSrc => "dl_src",
        Field::EthDst => "dl_dst",
        Field::EthType => "dl_type",
        Field::VlanVid => "dl_vlan",
        Field::Ipv4Src => "nw_src",
        Field::Ipv4Dst => "nw_dst",
        Field::IpProto => "nw_proto",
        Field::TcpSrc | Field::UdpSrc => "tp_src",
        Field::TcpDst | Field::UdpDst => "tp_dst",
        other => other.name(),
    }
}

/// In 1.0 ARP and ICMP have no fields of their own (OF 1.0.2 §5.2.3).
fn name_10(field: Field) -> &'static str {
    match field {
        Field::VlanPcp => "dl_vlan_pcp",
        Field::IpDscp => "nw_tos",
        Field::ArpOp => "nw_proto",
        Field::ArpSpa => "nw_src",
        Field::ArpTpa => "nw_dst",
        Field::Icmpv4Type => "tp_src",
        Field::Icmpv4Code => "tp_dst",
        other => name_13(other),
    }
}

fn value_13(field: Field, masked: Masked) -> Value {
    let (value, mask) = (masked.value(), masked.mask());
    let exact = mask == field.full_mask();
    match field {
        Field::VlanVid if !exact => format!("{value:#06x}/{mask:#06x}").into(),
        Field::VlanVid if value & VLAN_PRESENT != 0 => (value & !VLAN_PRESENT).to_string().into(),
        Field::VlanVid => format!("{value:#06x}").into(),
        Field::InPort => names::port(Version::V13, PortNo(low(value))),
        _ if exact => one(field, value),
        _ => format!("{}/{}", plain(field, value), plain(field, mask)).into(),
    }
}

fn value_10(field: Field, masked: Masked) -> Value {
    let (value, mask) = (masked.value(), masked.mask());
    match field {
        Field::InPort => names::port(Version::V10, PortNo(low(value))),
        Field::VlanVid if value & VLAN_PRESENT == 0 => NO_VLAN.into(),
        Field::VlanVid => number(value & !VLAN_PRESENT),
        Field::IpDscp => number(value << DSCP_SHIFT),
        Field::Ipv4Src | Field::Ipv4Dst | Field::ArpSpa | Field::ArpTpa
            if mask != field.full_mask() =>
        {
            format!("{}/{}", plain(field, value), mask.count_ones()).into()
        }
        _ => one(field, value),
    }
}

/// A value that is compared as a whole.
fn one(field: Field, value: u128) -> Value {
    match field.format() {
        Format::Mac | Format::Ipv4 | Format::Ipv6 => plain(field, value).into(),
        Format::Decimal | Format::Port | Format::Vlan => number(value),
    }
}

/// The widths of the fields that are numbers make it exact.
fn number(value: u128) -> Value {
    u64::try_from(value).unwrap_or(u64::MAX).into()
}

fn low(value: u128) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A field's value as text, whatever it means.
pub(in crate::rest::compatible) fn plain(field: Field, value: u128) -> String {
    match field.format() {
        Format::Mac => MacAddr::from_u64(u64::try_from(value).unwrap_or(u64::MAX)).to_string(),
        Format::Ipv4 => Ipv4Addr::from(low(value)).to_string(),
        Format::Ipv6 => Ipv6Addr::from(value).to_string(),
        Format::Decimal | Format::Port | Format::Vlan => value.to_string(),
    }
}

/// A field without a word here: by its class and number, its bytes in hex.
fn unknown(oxm: &RawOxm) -> (String, Value) {
    let name = format!("field_{}", u32::from(oxm.class) << 7 | u32::from(oxm.field));
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let payload = oxm.payload.as_ref();
    let text = if oxm.has_mask {
        let (value, mask) = payload.split_at(payload.len() / 2);
        format!("0x{}/0x{}", hex(value), hex(mask))
    } else {
        format!("0x{}", hex(payload))
    };
    (name, text.into())
}
