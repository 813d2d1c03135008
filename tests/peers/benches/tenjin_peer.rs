//! `tenjin_sdn`, which speaks OpenFlow 1.0 and 1.3.
//!
//! Its reader of a 1.0 FLOW_MOD steps over no field that the match leaves out, and for 1.3 it has none. What it writes for
//! 1.3 is right only for matches on ports and Ethernet addresses: IPv4 addresses it puts before the match, and ports of TCP
//! get no header. So the 5-tuple is timed for 1.0 alone.

pub mod v10 {
    use godwit_openflow::model::{Field, PacketIn, Pattern};
    use tenjin_sdn::openflow::ofp10::events::flow_mod::match_fields::Mask;
    use tenjin_sdn::openflow::ofp10::events::payload::Payload;
    use tenjin_sdn::openflow::ofp10::{
        Action, FlowModEvent, MatchFields, MessageMarshal, OfpHeader, OpenflowHeader,
        PacketInEvent, PseudoPort,
    };
    use tenjin_sdn::utils::MacAddr;

    pub fn packet_in(header: &Vec<u8>, body: &Vec<u8>) -> (OfpHeader, PacketInEvent) {
        (
            OfpHeader::parse(header).unwrap(),
            PacketInEvent::parse(body).unwrap(),
        )
    }

    pub fn check_packet_in(bytes: &[u8], own: &PacketIn) {
        let (header, packet) = packet_in(&bytes[..8].to_vec(), &bytes[8..].to_vec());
        assert_eq!(usize::from(header.length), bytes.len());
        assert_eq!(u32::from(packet.in_port), own.in_port.0);
        assert_eq!(packet.total_len, own.total_len);
        match packet.payload {
            Payload::NoBuffered(data) => assert_eq!(data, own.data),
            Payload::Buffered(..) => panic!("buffered"),
        }
    }

    fn exact<T: TryFrom<u128>>(pattern: &Pattern, field: Field) -> Option<T> {
        pattern
            .exact(field)
            .and_then(|value| T::try_from(value).ok())
    }

    pub fn prepared(pattern: &Pattern) -> FlowModEvent {
        let mac = |field| exact::<u64>(pattern, field).map(MacAddr::from);
        let address = |field| exact(pattern, field).map(|ip| Mask { ip, mask: None });
        let mut wanted = MatchFields::match_all();
        wanted.in_port = exact(pattern, Field::InPort);
        wanted.mac_src = mac(Field::EthSrc);
        wanted.mac_dest = mac(Field::EthDst);
        wanted.ethernet_type = exact(pattern, Field::EthType);
        wanted.protocol = exact(pattern, Field::IpProto);
        wanted.ip_src = address(Field::Ipv4Src);
        wanted.ip_dest = address(Field::Ipv4Dst);
        wanted.transport_src = exact(pattern, Field::TcpSrc);
        wanted.transport_dest = exact(pattern, Field::TcpDst);
        let actions = vec![Action::Oputput(PseudoPort::PhysicalPort(7))];
        FlowModEvent::add_flow(100, wanted, actions, None)
    }

    /// As its `send_msg` does: the body, then a header with its length, joined.
    pub fn flow_mod(flow_mod: &FlowModEvent, bytes: &mut Vec<u8>) {
        let mut body = Vec::new();
        flow_mod.marshal(&mut body);
        OfpHeader::new(flow_mod.msg_usize() as u8, body.len(), 1).marshal(bytes);
        bytes.append(&mut body);
    }
}

pub mod v13 {
    use godwit_openflow::model::{Action as OwnAction, Instruction, PacketIn, ToSwitch};
    use tenjin_sdn::openflow::ofp13::events::Payload;
    use tenjin_sdn::openflow::ofp13::{
        Action, FlowModEvent, MatchFields, MessageMarshal, OfpHeader, OpenflowHeader,
        PacketInEvent, PseudoPort,
    };
    use tenjin_sdn::utils::MacAddr;

    pub fn packet_in(header: &Vec<u8>, body: &Vec<u8>) -> (OfpHeader, PacketInEvent) {
        (
            OfpHeader::parse(header).unwrap(),
            PacketInEvent::parse(body).unwrap(),
        )
    }

    pub fn check_packet_in(bytes: &[u8], own: &PacketIn) {
        let (header, packet) = packet_in(&bytes[..8].to_vec(), &bytes[8..].to_vec());
        assert_eq!(usize::from(header.length), bytes.len());
        assert_eq!(packet.matchs.in_port, Some(own.in_port.0));
        assert_eq!(Some(packet.cookie), own.cookie.map(|cookie| cookie.0));
        assert_eq!(packet.total_len, own.total_len);
        match packet.payload {
            Payload::NoBuffered(data) => assert_eq!(data, own.data),
            Payload::Buffered(..) => panic!("buffered"),
        }
    }

    /// The flow by addresses.
    pub fn prepared() -> FlowModEvent {
        let mut wanted = MatchFields::match_all();
        wanted.in_port = Some(3);
        wanted.eth_src = Some(MacAddr::from(1));
        wanted.eth_dst = Some(MacAddr::from(2));
        let actions = vec![Action::Oputput(PseudoPort::PhysicalPort(7))];
        FlowModEvent::add_flow(100, wanted, actions, 0, None)
    }

    pub fn without_max_len(mut message: ToSwitch) -> ToSwitch {
        if let ToSwitch::FlowMod(flow_mod) = &mut message {
            for instruction in &mut flow_mod.rule.instructions {
                let Instruction::ApplyActions(actions) = instruction else {
                    continue;
                };
                for action in actions {
                    if let OwnAction::Output { max_len, .. } = action {
                        *max_len = 0;
                    }
                }
            }
        }
        message
    }

    pub fn flow_mod(flow_mod: &FlowModEvent, bytes: &mut Vec<u8>) {
        let mut body = Vec::new();
        flow_mod.marshal(&mut body);
        OfpHeader::new(flow_mod.msg_usize() as u8, body.len(), 1).marshal(bytes);
        bytes.append(&mut body);
    }
}
