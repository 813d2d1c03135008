//! What is done with a packet that no rule took.
//!
//! Nothing is ever flooded on a cable between switches: a broadcast is handed to the controller at the
//! edge and put out at every other edge port, once. So it can't circle, whatever the topology.
//!
//! A segment with several switches on it is such an edge as well, at which hosts may be, only that it has several ports.
//! What a host on it broadcasts comes in at all of them, and what it sends to one station at any of them: of broadcasts
//! the copy at the port that the host is known at is taken, of the others the copy at the port that is nearest to where it
//! goes, and no other. What goes into the segment goes in by the port nearest to its sender, so that its bridges learn
//! one place for each.

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
    let at_edge = matches!(
        topology.kind(packet.port),
        PortKind::Edge | PortKind::Shared
    );
    if !at_edge || packet.headers.eth_src.is_multicast() {
        return nothing;
    }
    let source = packet.headers.eth_src;
    let destination = packet.headers.eth_dst;
    // A host that the tracker did not accept here is not served here: it may be somebody else's address, or one of
    // more addresses than a port may have.
    let segments = topology.segments();
    let Some(place) = topology
        .host_by_mac(source)
        .map(|host| host.attachment)
        .filter(|place| segments.same(*place, packet.port))
    else {
        return nothing;
    };
    // One whose port is gone may be anywhere by now, as one who was never heard of.
    let known = topology
        .host_by_mac(destination)
        .filter(|host| host.attached);
    let taken_at = known.map_or(place, |host| segments.nearest(place, host.attachment.dpid));
    if packet.port != taken_at {
        return nothing;
    }
    if let Some(answer) = answer_arp(packet, topology, place) {
        return answer;
    }
    match known {
        Some(host) if segments.same(host.attachment, place) => nothing,
        Some(host) => Decision::Connect {
            ends: [(source, place), (destination, host.attachment)],
            then: Then::ThroughTables(packet.port, packet.data().clone()),
        },
        // Broadcast, multicast, and who has not been heard of yet.
        None => Decision::Commands(to_every_edge(packet, topology, place)),
    }
}

/// Answers who-has for a host that is known to be there, on its behalf; the route is made first, so that what the
/// asker sends next meets its rules.
fn answer_arp(
    packet: &Packet<'_>,
    topology: &TopologySnapshot,
    place: PortRef,
) -> Option<Decision> {
    let (reply, target) = arp::answer(packet, topology)?;
    let asker = (packet.headers.eth_src, place);
    let back = topology.segments().nearest(place, target.attachment.dpid);
    Some(Decision::Connect {
        ends: [asker, (target.mac, target.attachment)],
        then: Then::OutOf(back, reply),
    })
}

fn to_every_edge(packet: &Packet<'_>, topology: &TopologySnapshot, place: PortRef) -> Commands {
    let others = topology.broadcast_from(place);
    others.fold(Commands::default(), |commands, port| {
        commands.packet_out(port, packet.data().clone())
    })
}

#[cfg(test)]
mod tests;
