//! A packet as a pattern, so that what an app has declared to want can be compared with it.

use godwit_openflow::model::Pattern;
use godwit_openflow::model::pattern::Field;
use godwit_topology::{ParsedPacket, PortRef};

/// The bit of a VLAN id that says that there is a tag (OF 1.3.5 §7.2.3.7, `OFPVID_PRESENT`).
const VLAN_PRESENT: u16 = 0x1000;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// All that was read of a packet, each field in all of its bits.
pub(super) fn fields(port: PortRef, headers: &ParsedPacket) -> Pattern {
    let mut fields = Pattern::new()
        .in_port(port.port)
        .eth_src(headers.eth_src)
        .eth_dst(headers.eth_dst)
        .eth_type(headers.eth_type);
    let vlan = headers.vlan.map_or(0, |tag| VLAN_PRESENT | tag.vid);
    fields = fields.with(Field::VlanVid, vlan.into());
    if let Some(tag) = headers.vlan {
        fields = fields.with(Field::VlanPcp, tag.pcp.into());
    }
    if let Some(arp) = headers.arp {
        fields = fields
            .with(Field::ArpOp, arp.op.into())
            .with(Field::ArpSpa, arp.spa.to_bits().into())
            .with(Field::ArpTpa, arp.tpa.to_bits().into())
            .with(Field::ArpSha, arp.sha.to_u64().into())
            .with(Field::ArpTha, arp.tha.to_u64().into());
    }
    if let Some(ip) = headers.ipv4 {
        fields = fields.ipv4_src(ip.src).ipv4_dst(ip.dst);
    }
    if let Some(ip) = headers.ipv6 {
        fields = fields
            .with(Field::Ipv6Src, ip.src.to_bits())
            .with(Field::Ipv6Dst, ip.dst.to_bits());
    }
    let Some(proto) = headers.ip_proto() else {
        return fields;
    };
    fields = fields.with(Field::IpProto, proto.into());
    match (proto, headers.ports) {
        (TCP, Some(ports)) => fields
            .with(Field::TcpSrc, ports.src.into())
            .with(Field::TcpDst, ports.dst.into()),
        (UDP, Some(ports)) => fields
            .with(Field::UdpSrc, ports.src.into())
            .with(Field::UdpDst, ports.dst.into()),
        _ => fields,
    }
}
