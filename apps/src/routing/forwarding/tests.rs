use std::net::Ipv4Addr;
use std::time::{Duration, Instant, SystemTime};

use godwit_openflow::model::{Action, PacketIn, PacketInReason, Pattern};
use godwit_openflow::types::{DatapathId, PortNo, TableId};
use godwit_topology::packet::{ETHERTYPE_ARP, ParsedPacket, arp_request, tagged};
use godwit_topology::{RunKey, Sender, Timing, Topology};

use super::*;

const H1: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const H2: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);
const H3: MacAddr = MacAddr([2, 0, 0, 0, 0, 3]);
const START: Duration = Duration::from_secs(2);

const fn port(dpid: u64, port: u32) -> PortRef {
    PortRef::new(DatapathId(dpid), PortNo(port))
}

/// Switches 1 and 2, whose ports 1 a bridge joins. H1 and H2 are at their ports 2, H3 is on the bridge.
fn network(began: Instant) -> Topology {
    let mut topology = Topology::new(RunKey::from_bytes([7; 64]), Timing::default());
    for dpid in [1, 2] {
        let _ = topology.switch_up(DatapathId(dpid), [1, 2].map(PortNo), began);
    }
    while let Some(at) = topology.next_deadline().filter(|at| *at < began + START) {
        for probe in topology.poll(at).probes {
            let far = port(3 - probe.port.dpid.0, 1);
            if probe.port.port == PortNo(1) && probe.frame.starts_with(&[0xff; 6]) {
                let _ = topology.on_lldp(far.dpid, far.port, &probe.frame, at);
            }
        }
    }
    for (mac, at, last, vlan) in [
        (H1, port(1, 2), 1, None),
        (H2, port(2, 2), 2, Some(20)),
        (H3, port(2, 1), 3, None),
    ] {
        let sender = Sender {
            mac,
            addresses: vec![Ipv4Addr::new(10, 0, 0, last).into()],
            vlan,
        };
        let _ = topology.observe_host(sender, at, began + START, SystemTime::UNIX_EPOCH);
    }
    topology
}

fn decide_at(topology: &mut Topology, at: PortRef, data: Bytes) -> Decision {
    let message = PacketIn {
        buffer_id: None,
        total_len: data.len() as u16,
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: None,
        in_port: at.port,
        pattern: Pattern::new(),
        data,
    };
    let headers = ParsedPacket::parse(&message.data).unwrap();
    let packet = Packet {
        port: at,
        message: &message,
        headers: &headers,
    };
    decide(&packet, &topology.snapshot())
}

/// Where a packet is put out at once.
fn put_out(decision: &Decision) -> Vec<PortRef> {
    let Decision::Commands(commands) = decision else {
        panic!("{decision:?}");
    };
    let ports = commands.packet_outs.iter().flat_map(|(dpid, packet)| {
        let outputs = packet.actions.iter().filter_map(Action::output_port);
        outputs.map(|port| PortRef::new(*dpid, port))
    });
    ports.collect()
}

fn question(from: MacAddr, for_host: u8) -> Bytes {
    let address = Ipv4Addr::new(10, 0, 0, for_host);
    let mut frame = arp_request(MacAddr::BROADCAST, address, from).to_vec();
    // From one who has an address.
    frame[28..32].copy_from_slice(&[10, 0, 0, 99]);
    frame.into()
}

#[test]
fn an_answer_is_in_the_vlan_of_the_question_and_given_for_addresses_of_that_vlan() {
    let mut topology = network(Instant::now());
    let tagged_question = tagged(&question(H1, 2), 20);
    let Decision::Connect { ends, then } = decide_at(&mut topology, port(1, 2), tagged_question)
    else {
        panic!("no answer");
    };
    assert_eq!(ends, [(H1, port(1, 2)), (H2, port(2, 2))]);
    let Then::OutOf(back, reply) = then else {
        panic!("{then:?}");
    };
    let reply = ParsedPacket::parse(&reply).unwrap();
    assert_eq!((back, reply.vlan_id()), (port(1, 2), Some(20)));
    assert_eq!((reply.eth_type, reply.eth_src), (ETHERTYPE_ARP, H2));
    // In another VLAN, and in none, everybody else is asked.
    for frame in [tagged(&question(H1, 2), 30), question(H1, 2)] {
        let asked = put_out(&decide_at(&mut topology, port(1, 2), frame));
        assert_eq!(asked, [port(2, 2), port(1, 1)]);
    }
}

#[test]
fn a_host_whose_port_is_gone_is_not_answered_for() {
    let began = Instant::now();
    let mut topology = network(began);
    let answered = decide_at(&mut topology, port(2, 2), question(H2, 1));
    assert!(matches!(answered, Decision::Connect { .. }));
    let _ = topology.port_down(port(1, 2), began + START);
    let asked = put_out(&decide_at(&mut topology, port(2, 2), question(H2, 1)));
    assert_eq!(asked, [port(2, 1)]);
}

#[test]
fn of_the_copies_that_a_bridge_makes_one_is_taken() {
    let mut topology = network(Instant::now());
    // What a host on the bridge asks everybody comes in at both switches.
    let asked = question(H3, 77);
    let taken = put_out(&decide_at(&mut topology, port(1, 1), asked.clone()));
    assert_eq!(taken, [port(1, 2), port(2, 2)]);
    assert_eq!(put_out(&decide_at(&mut topology, port(2, 1), asked)), []);
    // What it sends to one host is taken where that host is near.
    let mut to_h2 = question(H3, 77).to_vec();
    to_h2[..6].copy_from_slice(&H2.0);
    let ignored = decide_at(&mut topology, port(1, 1), to_h2.clone().into());
    assert_eq!(put_out(&ignored), []);
    let Decision::Connect { then, .. } = decide_at(&mut topology, port(2, 1), to_h2.into()) else {
        panic!("it is not taken");
    };
    assert!(matches!(then, Then::ThroughTables(at, _) if at == port(2, 1)));
    // An answer to it goes in where the host that is answered for is near.
    let Decision::Connect { then, .. } = decide_at(&mut topology, port(1, 1), question(H3, 1))
    else {
        panic!("no answer");
    };
    assert!(matches!(then, Then::OutOf(at, _) if at == port(1, 1)));
}
