//! ARP by proxy: who asks for the address of a host that the topology knows is answered here, and nobody else hears
//! the question.
//!
//! The `routing` app answers for known hosts as well, when the way is there. This app is for networks that something
//! else forwards in, such as [`learning`](crate::learning), which would flood every question.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use godwit_controller::{App, Commands, Declaration, Packet, Verdict, View};
use godwit_openflow::model::{Field, Pattern};
use godwit_topology::packet::{Arp, ETHERTYPE_ARP, arp_reply, tagged};
use godwit_topology::{Host, PortKind, TopologySnapshot};

/// Before those that forward.
const PRIORITY: u16 = 300;

/// The app.
#[derive(Debug, Clone, Copy, Default)]
pub struct ArpProxy;

impl App for ArpProxy {
    fn name(&self) -> &'static str {
        "arp"
    }

    fn declares(&self) -> Declaration {
        let requests = Pattern::new()
            .eth_type(ETHERTYPE_ARP)
            .with(Field::ArpOp, Arp::REQUEST.into());
        Declaration {
            description: "answers ARP requests for hosts that are known",
            priority: PRIORITY,
            filter: vec![requests],
            ..Declaration::default()
        }
    }

    fn packet_in(&self, packet: &Packet<'_>, view: &View<'_>) -> Verdict {
        match answer(packet, view.topology) {
            Some((reply, target)) => {
                let segments = view.topology.segments();
                let back = segments.nearest(packet.port, target.attachment.dpid);
                Verdict::Claim(Commands::default().packet_out(back, reply))
            }
            // It is not known who that is: whoever forwards asks on.
            None => Verdict::Pass,
        }
    }
}

/// The answer to a request for the address of a host that is there and hangs elsewhere, and that host. There is none for
/// one who asks from where it is not known to be, which may be somebody else's place, and for a host's question whether
/// anybody else has its own address (RFC 5227). An address is in one VLAN, and asked for in that one.
pub(crate) fn answer<'a>(
    packet: &Packet<'_>,
    topology: &'a TopologySnapshot,
) -> Option<(Bytes, &'a Host)> {
    let (arp, vlan) = (packet.headers.arp.as_ref()?, packet.headers.vlan_id());
    let asker = topology.host_by_mac(packet.headers.eth_src)?;
    let at_edge = matches!(
        topology.kind(packet.port),
        PortKind::Edge | PortKind::Shared
    );
    if arp.op != Arp::REQUEST
        || arp.spa == arp.tpa
        || packet.headers.inner_vlan.is_some()
        || !at_edge
        || !topology.segments().same(asker.attachment, packet.port)
    {
        return None;
    }
    let target = topology.host_by_ip(arp.tpa.into())?;
    if !target.is_present()
        || target.vlan_of(arp.tpa.into()) != vlan
        || topology.segments().same(target.attachment, packet.port)
    {
        return None;
    }
    let reply = arp_reply(arp, target.mac);
    let reply = vlan.map_or(reply.clone(), |vlan| tagged(&reply, vlan));
    Some((reply, target))
}
