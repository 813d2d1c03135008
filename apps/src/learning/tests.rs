use bytes::Bytes;
use godwit_controller::{App, Packet, Verdict, View};
use godwit_openflow::model::{Action, PacketIn, PacketInReason, Pattern};
use godwit_openflow::types::{DatapathId, MacAddr, PortNo, TableId};
use godwit_topology::{ParsedPacket, PortRef, TopologySnapshot};

use super::Learning;

const ONE: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const OTHER: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

/// What the app does with a frame from one station to another: ports sent to, and how many rules.
fn offer(app: &Learning, from: (MacAddr, u32), to: MacAddr) -> (Vec<PortNo>, usize) {
    let data = Bytes::from([&to.0[..], &from.0.0[..], &[0x08, 0x00], &[0; 46]].concat());
    let in_port = PortNo(from.1);
    let message = PacketIn {
        buffer_id: None,
        total_len: 60,
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: None,
        in_port,
        pattern: Pattern::new().in_port(in_port),
        data,
    };
    let headers = ParsedPacket::parse(&message.data).unwrap();
    let packet = Packet {
        port: PortRef::new(DatapathId(1), in_port),
        message: &message,
        headers: &headers,
    };
    let topology = TopologySnapshot::default();
    let Verdict::Claim(commands) = app.packet_in(
        &packet,
        &View {
            topology: &topology,
        },
    ) else {
        panic!("the app takes every packet");
    };
    let ports = commands
        .packet_outs
        .iter()
        .flat_map(|(_, packet)| &packet.actions)
        .map(|action| match action {
            Action::Output { port, .. } => *port,
            other => panic!("{other:?}"),
        });
    (ports.collect(), commands.flow_mods.len())
}

#[test]
fn an_unknown_station_is_looked_for_everywhere() {
    assert_eq!(
        offer(&Learning::default(), (ONE, 1), OTHER),
        (vec![PortNo::FLOOD], 0)
    );
}

#[test]
fn a_known_station_gets_its_packet_and_a_rule() {
    let app = Learning::default();
    offer(&app, (OTHER, 2), ONE);
    assert_eq!(offer(&app, (ONE, 1), OTHER), (vec![PortNo(2)], 1));
}

#[test]
fn a_station_that_moved_is_followed() {
    let app = Learning::default();
    offer(&app, (OTHER, 2), ONE);
    offer(&app, (OTHER, 5), ONE);
    assert_eq!(offer(&app, (ONE, 1), OTHER), (vec![PortNo(5)], 1));
}

#[test]
fn broadcast_makes_no_rule() {
    assert_eq!(
        offer(&Learning::default(), (ONE, 1), MacAddr::BROADCAST),
        (vec![PortNo::FLOOD], 0)
    );
}
