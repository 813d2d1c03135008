//! The reference app: every switch learns which station is behind which of its ports.
//!
//! It shows what an app is. [`App::declares`] says what it may do. [`App::packet_in`] gets a packet and a read-only view of the network, and
//! gives back what shall be done; it touches nothing itself, so a test is a function call. It is meant
//! for networks without loops: what it doesn't know, it floods along no tree.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use godwit_controller::{App, Commands, Declaration, Owner, Packet, Verdict, View};
use godwit_openflow::model::{Action, FlowMod, FlowRule, PacketOut, Pattern};
use godwit_openflow::types::{DatapathId, MacAddr, PortNo};

/// Rules go when they are unused for so many seconds, so that a station that moved is learnt anew.
const IDLE_TIMEOUT: u16 = 60;

/// Below the routes of the `routing` app.
const PRIORITY: u16 = 10;

/// Stations remembered. A host that forges addresses can fill this, and no more: the memory starts afresh.
const MOST_STATIONS: usize = 65_536;

/// The app.
#[derive(Debug, Default)]
pub struct Learning {
    stations: Mutex<HashMap<(DatapathId, MacAddr), PortNo>>,
}

impl Learning {
    /// Remembers where the sender is; gives the port of the receiver, if that is known.
    fn learn(
        &self,
        dpid: DatapathId,
        sender: (MacAddr, PortNo),
        receiver: MacAddr,
    ) -> Option<PortNo> {
        let mut stations = self.stations.lock().unwrap_or_else(PoisonError::into_inner);
        if stations.len() >= MOST_STATIONS {
            stations.clear();
        }
        stations.insert((dpid, sender.0), sender.1);
        stations.get(&(dpid, receiver)).copied()
    }
}

impl App for Learning {
    fn name(&self) -> &'static str {
        "learning"
    }

    fn declares(&self) -> Declaration {
        Declaration {
            description: "every switch learns which station is behind which of its ports",
            filter: vec![Pattern::new()],
            owner: Some(Owner::Learning),
            rule_priorities: PRIORITY..=PRIORITY,
            ..Declaration::default()
        }
    }

    fn packet_in(&self, packet: &Packet<'_>, _view: &View<'_>) -> Verdict {
        let (source, destination) = (packet.headers.eth_src, packet.headers.eth_dst);
        let known = self.learn(packet.port.dpid, (source, packet.port.port), destination);
        let Some(out) = known.filter(|_| !destination.is_multicast()) else {
            return Verdict::Claim(send(packet, PortNo::FLOOD));
        };
        let pattern = Pattern::new()
            .in_port(packet.port.port)
            .eth_src(source)
            .eth_dst(destination);
        let mut rule = FlowRule::new(PRIORITY, pattern, vec![Action::output(out)])
            .with_cookie(Owner::Learning.cookie(0));
        rule.idle_timeout = IDLE_TIMEOUT;
        Verdict::Claim(send(packet, out).flow_mod(packet.port.dpid, FlowMod::add(rule)))
    }
}

/// Sends the packet on, as if it had come in where it did.
fn send(packet: &Packet<'_>, port: PortNo) -> Commands {
    let mut message = PacketOut::to_port(port, packet.data().clone());
    message.in_port = packet.port.port;
    Commands {
        packet_outs: vec![(packet.port.dpid, message)],
        ..Commands::default()
    }
}
