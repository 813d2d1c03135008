//! What is done with a packet that no rule took.
//!
//! Nothing is ever flooded on a link between switches: a broadcast is handed to the controller at the
//! edge and put out at every other edge port, once. So it can't circle, whatever the topology.

use bytes::Bytes;
use godwit_controller::{Commands, Packet};
use godwit_openflow::types::MacAddr;
use godwit_topology::{PortKind, PortRef, TopologySnapshot};

use crate::arp;

/// What to do with a packet.
#[derive(Debug)]
pub enum Decision {
    /// This, at once.
    Commands(Commands),
    /// Make a route both ways between two hosts, then send the packet.
    Connect {
        /// Both hosts and where they are.
        ends: [(MacAddr, PortRef); 2],
        /// What to send when the route is there.
        then: Then,
    },
}

/// A packet that waits for a route.
#[derive(Debug)]
pub enum Then {
    /// Through the tables of the switch, as if it had just come in: the route's rules take it and count it.
    ThroughTables(PortRef, Bytes),
    /// Out of this port.
    OutOf(PortRef, Bytes),
}

/// Decides about a packet.
#[must_use]
pub fn decide(packet: &Packet<'_>, topology: &TopologySnapshot) -> Decision {
    let nothing = Decision::Commands(Commands::default());
    // Only hosts begin conversations. What comes in from a link was sent on by a rule of a route that is
    // being changed; what comes in from a port that is not settled may come from a switch.
    if topology.kind(packet.port) != PortKind::Edge || packet.headers.eth_src.is_multicast() {
        return nothing;
    }
    let source = packet.headers.eth_src;
    let destination = packet.headers.eth_dst;
    // A host that the tracker did not accept here is not served here: it may be somebody else's address, or one of
    // more addresses than a port may have.
    if topology
        .host_by_mac(source)
        .is_none_or(|host| host.attachment != packet.port)
    {
        return nothing;
    }
    if let Some(answer) = answer_arp(packet, topology) {
        return answer;
    }
    match topology.host_by_mac(destination) {
        Some(host) if host.attachment == packet.port => nothing,
        Some(host) => Decision::Connect {
            ends: [(source, packet.port), (destination, host.attachment)],
            then: Then::ThroughTables(packet.port, packet.data().clone()),
        },
        // Broadcast, multicast, and who has not been heard of yet.
        None => Decision::Commands(to_every_edge(packet, topology)),
    }
}

/// Answers who-has for a host that is known, on its behalf; the route is made first, so that what the
/// asker sends next meets its rules.
fn answer_arp(packet: &Packet<'_>, topology: &TopologySnapshot) -> Option<Decision> {
    let (reply, target) = arp::answer(packet, topology)?;
    let asker = (packet.headers.eth_src, packet.port);
    Some(Decision::Connect {
        ends: [asker, (target.mac, target.attachment)],
        then: Then::OutOf(packet.port, reply),
    })
}

fn to_every_edge(packet: &Packet<'_>, topology: &TopologySnapshot) -> Commands {
    let others = topology.edge_ports().filter(|port| *port != packet.port);
    others.fold(Commands::default(), |commands, port| {
        commands.packet_out(port, packet.data().clone())
    })
}
