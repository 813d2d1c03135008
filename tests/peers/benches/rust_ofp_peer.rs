//! `rust_ofp`, which speaks OpenFlow 1.0.
//!
//! Its reader of a FLOW_MOD looks for actions until it panics at the end of the message, and steps over no field that the
//! match leaves out, so there is nothing to time. Its `Message::parse` prints a line for each message, so that
//! `PacketIn::parse`, to which it hands the body, is timed instead, with its header.

use godwit_openflow::model::{Field, PacketIn as OwnPacketIn, Pattern as OwnPattern, ToSwitch};
use rust_ofp::ofp_header::OfpHeader;
use rust_ofp::ofp_message::OfpMessage;
use rust_ofp::openflow0x01::message::{Message, add_flow};
use rust_ofp::openflow0x01::{
    Action, FlowMod, Mask, MessageType, PacketIn, Pattern, Payload, PseudoPort,
};

use super::read;

pub fn packet_in(bytes: &[u8]) -> (OfpHeader, PacketIn) {
    let (header, body) = bytes.split_first_chunk().unwrap();
    (OfpHeader::parse(*header), PacketIn::parse(body))
}

pub fn check_packet_in(bytes: &[u8], own: &OwnPacketIn) {
    let (header, packet) = packet_in(bytes);
    assert_eq!(header.length(), bytes.len());
    assert_eq!(u32::from(packet.port), own.in_port.0);
    assert_eq!(packet.total_len, own.total_len);
    match packet.input_payload {
        Payload::NotBuffered(data) => assert_eq!(data, own.data),
        Payload::Buffered(..) => panic!("buffered"),
    }
}

fn exact<T: TryFrom<u128>>(pattern: &OwnPattern, field: Field) -> Option<T> {
    pattern
        .exact(field)
        .and_then(|value| T::try_from(value).ok())
}

fn address(pattern: &OwnPattern, field: Field) -> Option<Mask<u32>> {
    exact(pattern, field).map(|value| Mask { value, mask: None })
}

/// It keeps the first octet of an address in the lowest byte.
fn mac(pattern: &OwnPattern, field: Field) -> Option<u64> {
    exact::<u64>(pattern, field).map(|mac| mac.swap_bytes() >> 16)
}

pub fn prepared(pattern: &OwnPattern) -> FlowMod {
    let mut wanted = Pattern::match_all();
    wanted.in_port = exact(pattern, Field::InPort);
    wanted.dl_src = mac(pattern, Field::EthSrc);
    wanted.dl_dst = mac(pattern, Field::EthDst);
    wanted.dl_typ = exact(pattern, Field::EthType);
    wanted.nw_proto = exact(pattern, Field::IpProto);
    wanted.nw_src = address(pattern, Field::Ipv4Src);
    wanted.nw_dst = address(pattern, Field::Ipv4Dst);
    wanted.tp_src = exact(pattern, Field::TcpSrc);
    wanted.tp_dst = exact(pattern, Field::TcpDst);
    add_flow(
        100,
        wanted,
        vec![Action::Output(PseudoPort::PhysicalPort(7))],
    )
}

pub fn flow_mod(flow_mod: FlowMod) -> Vec<u8> {
    Message::marshal(1, Message::FlowMod(flow_mod))
}

/// It writes the protocol after the padding that belongs behind it; put back, the message is the same.
pub fn check_flow_mod(pattern: &OwnPattern, own: &ToSwitch) {
    const NW_PROTO: usize = 8 + 25;
    let mut written = flow_mod(prepared(pattern));
    written.swap(NW_PROTO, NW_PROTO + 2);
    assert_eq!(&read(&written), own);
}
