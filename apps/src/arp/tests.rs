use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use godwit_controller::{App as _, Packet, Verdict, View};
use godwit_openflow::model::{Action, PacketIn, PacketInReason, Pattern};
use godwit_openflow::types::{DatapathId, MacAddr, PortNo, TableId};
use godwit_topology::packet::{Arp, arp_request};
use godwit_topology::{
    ParsedPacket, PortKind, PortRef, RunKey, Sender, Timing, Topology, TopologySnapshot,
};

use super::ArpProxy;

const SWITCH: DatapathId = DatapathId(1);
const ASKER: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const ASKED: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

const fn port(number: u32) -> PortRef {
    PortRef::new(SWITCH, PortNo(number))
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, last)
}

/// A switch with one host at each of its ports 1 and 2.
fn network() -> Arc<TopologySnapshot> {
    let mut topology = Topology::new(RunKey::generate().unwrap(), Timing::default());
    let mut now = Instant::now();
    topology.switch_up(SWITCH, vec![PortNo(1), PortNo(2)], now);
    while topology.snapshot().kind(port(1)) != PortKind::Edge {
        now += Duration::from_millis(100);
        let _ = topology.poll(now);
    }
    for (mac, last) in [(ASKER, 1), (ASKED, 2)] {
        let ip = IpAddr::V4(address(last));
        let sender = Sender {
            mac,
            addresses: vec![ip],
            vlan: None,
        };
        topology.observe_host(sender, port(last.into()), now, SystemTime::now());
    }
    topology.snapshot()
}

/// Where the app sends what, when this comes in at a port.
fn asked(at: u32, data: &Bytes) -> Option<Vec<(PortNo, ParsedPacket)>> {
    let headers = ParsedPacket::parse(data).unwrap();
    let message = PacketIn {
        buffer_id: None,
        total_len: 60,
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: None,
        in_port: PortNo(at),
        pattern: Pattern::new(),
        data: data.clone(),
    };
    let packet = Packet {
        port: port(at),
        message: &message,
        headers: &headers,
    };
    let topology = network();
    let view = View {
        topology: &topology,
    };
    let Verdict::Claim(commands) = ArpProxy.packet_in(&packet, &view) else {
        return None;
    };
    assert!(commands.flow_mods.is_empty());
    let sent = commands.packet_outs.iter().map(|(dpid, out)| {
        assert_eq!(*dpid, SWITCH);
        let [Action::Output { port, .. }] = out.actions[..] else {
            panic!("{out:?}")
        };
        (port, ParsedPacket::parse(&out.data).unwrap())
    });
    Some(sent.collect())
}

/// Who has this address? Asks who has the other.
fn question(sender: MacAddr, from: u8, to: u8) -> Bytes {
    let mut frame = arp_request(MacAddr::BROADCAST, address(to), sender).to_vec();
    frame[28..32].copy_from_slice(&address(from).octets());
    frame.into()
}

#[test]
fn who_asks_for_a_host_that_is_known_gets_its_answer_and_nobody_else_anything() {
    let sent = asked(1, &question(ASKER, 1, 2)).unwrap();
    let [(out, reply)] = sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(
        (out, reply.eth_dst, reply.eth_src),
        (PortNo(1), ASKER, ASKED)
    );
    let arp = reply.arp.unwrap();
    assert_eq!((arp.op, arp.sha, arp.tha), (Arp::REPLY, ASKED, ASKER));
    assert_eq!((arp.spa, arp.tpa), (address(2), address(1)));
}

#[test]
fn what_the_topology_does_not_know_is_left_to_others() {
    for (at, frame, why) in [
        (
            1,
            question(ASKER, 1, 9),
            "nobody is known to have the address",
        ),
        (
            1,
            question(ASKED, 2, 1),
            "the asker is known to be elsewhere",
        ),
        (
            1,
            question(MacAddr([2, 0, 0, 0, 0, 9]), 9, 2),
            "the asker is not known",
        ),
        (
            1,
            question(ASKER, 2, 2),
            "it asks whether the address is free",
        ),
        (2, question(ASKED, 1, 2), "it asks for itself"),
    ] {
        assert!(asked(at, &frame).is_none(), "{why}");
    }
    let untagged = question(ASKER, 1, 2);
    let tagged = [&untagged[..12], &[0x81, 0, 0, 5], &untagged[12..]].concat();
    assert!(asked(1, &tagged.into()).is_none());
}
