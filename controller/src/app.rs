//! What a control app is: it is told what happens and says what shall be done.
//!
//! An app never touches a switch. It gives back [`Commands`], which the controller performs: the
//! rules first, and when the switches have confirmed them by a barrier reply, the packets.

use std::any::Any;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use godwit_openflow::model::{
    FlowMod, FlowRule, FlowStats, GroupDescription, MeterConfig, PacketIn, PacketOut, Pattern,
};
use godwit_openflow::types::{Cookie, DatapathId, PortNo};
use godwit_topology::{ParsedPacket, PortRef, TopologySnapshot};

use crate::event::Event;
use crate::rest::Routes;
use crate::rules::Owner;

/// A control app.
///
/// Packets and events come one after the other on a thread that is the app's own, so an app that is slow delays only
/// itself; what comes on top of 1,024 packets a switch, or 131,072 events, is dropped and counted. The other methods may
/// be called from other threads at the same time, and should return soon.
pub trait App: Send + Sync + 'static {
    /// A short name, unique among the apps of a controller.
    fn name(&self) -> &'static str;

    /// What the app is for and what it may do. Asked once, at the start.
    fn declares(&self) -> Declaration {
        Declaration::default()
    }

    /// Decides about a packet that a switch has handed to the controller, if the app has declared to want such packets.
    /// LLDP never comes here.
    fn packet_in(&self, packet: &Packet<'_>, view: &View<'_>) -> Verdict {
        let _ = (packet, view);
        Verdict::Pass
    }

    /// Hears of an event.
    fn event(&self, event: &Event, view: &View<'_>) -> Commands {
        let _ = (event, view);
        Commands::default()
    }

    /// Says what this app wants a switch that has just connected to hold. The controller compares
    /// that with what the switch reports, and changes the difference.
    fn desired(&self, dpid: DatapathId) -> Desired {
        let _ = dpid;
        Desired::default()
    }

    /// Of the rules with these cookies says those that this app wants a switch to hold, as in [`Self::desired`], and
    /// changes none of them until what it gives is dropped: they are put right on the switch meanwhile. Rules that it is
    /// changing are left out. An app whose `desired` changes only with its own [`Commands`], or by
    /// [`Network::settle`](crate::Network::settle), needs nothing but the default.
    fn held_still(&self, dpid: DatapathId, cookies: &BTreeSet<Cookie>) -> HeldStill {
        let _ = cookies;
        let desired = self.desired(dpid);
        HeldStill {
            rules: desired.rules,
            groups: desired.groups,
            meters: desired.meters,
            until: None,
        }
    }

    /// Whether the app moves work of others to or from this switch, or is about to: then what the switch should hold is
    /// not known, and nobody else puts it right. Before it reads what it moves, such an app says so here and then waits
    /// until nothing is being [put right](crate::held::HeldWrites::put_right).
    fn is_moving(&self, dpid: DatapathId) -> bool {
        let _ = dpid;
        false
    }

    /// Hears what a switch held when it was compared with what is desired, and what is about to be changed there.
    /// Entries that are added count from zero.
    fn compared(&self, dpid: DatapathId, held: &[FlowStats], changes: &[FlowMod]) {
        let _ = (dpid, held, changes);
    }

    /// Whether the app knows what it wants. As long as it doesn't, no rule of godwit is taken for one that nobody wants.
    fn knows_its_rules(&self) -> bool {
        true
    }

    /// Hears that the controller is about to stop. From here on it is asked whether it is busy, for 10 s at the most.
    fn stopping(&self) {}

    /// Whether the app is in the middle of something that should not be cut off when the controller stops.
    fn is_busy(&self) -> bool {
        false
    }

    /// REST routes to be served under `/v1`.
    fn routes(&self) -> Option<Routes> {
        None
    }

    /// REST routes at addresses that other controllers have, beside `/v1`.
    fn compatible_routes(&self) -> Option<Routes> {
        None
    }

    /// Appends metrics in Prometheus' text format.
    fn metrics(&self, out: &mut String) {
        let _ = out;
    }
}

/// What an app is for and what it may do. What is not declared the app does not get: no packets, no rules.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// A sentence for people.
    pub description: &'static str,
    /// Who is asked first about a packet: the app with the highest number; of equals the one that is listed first.
    pub priority: u16,
    /// Which packets the app is asked about: those that one of these covers. None when it is empty, all with one that
    /// requires nothing. Of a packet its port, Ethernet, VLAN, ARP, IP, TCP and UDP fields are looked at.
    pub filter: Vec<Pattern>,
    /// Whose the app's rules are: every rule among its [`Commands`] gets a cookie of this owner. Without one it can make
    /// no rules.
    pub owner: Option<Owner>,
    /// The tables that it may write to.
    pub tables: RangeInclusive<u8>,
    /// The priorities that its rules may have.
    pub rule_priorities: RangeInclusive<u16>,
    /// How often it hears [`Event::Timer`]; at least 10 ms.
    pub timer: Option<Duration>,
    /// Why it can't be disabled, if it can't.
    pub needed: Option<&'static str>,
}

impl Default for Declaration {
    /// Nothing but events. Rules would be for table 0, below the discovery of links.
    fn default() -> Self {
        Self {
            description: "",
            priority: 0,
            filter: Vec::new(),
            owner: None,
            tables: 0..=0,
            rule_priorities: 0..=u16::MAX - 1,
            timer: None,
            needed: None,
        }
    }
}

/// A packet as an app sees it.
#[derive(Debug)]
pub struct Packet<'a> {
    /// Where it came in.
    pub port: PortRef,
    /// The message that brought it.
    pub message: &'a PacketIn,
    /// Its headers.
    pub headers: &'a ParsedPacket,
}

impl Packet<'_> {
    /// The packet from its Ethernet header on.
    #[must_use]
    pub const fn data(&self) -> &Bytes {
        &self.message.data
    }
}

/// The network, to read.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Switches, links, hosts at one moment.
    pub topology: &'a TopologySnapshot,
}

/// What an app makes of a packet.
#[derive(Debug, Default)]
pub enum Verdict {
    /// It is another app's.
    #[default]
    Pass,
    /// It is mine, and this shall be done.
    Claim(Commands),
}

/// What an app wants done: all rules, confirmed by a barrier, then the packets. The rules of an app that goes beyond what
/// it [declared](Declaration) are not made, none of them. Rules for a switch whose work is being
/// moved away are [held](crate::held) until that is over, and are not made if the controller ends before.
#[derive(Debug, Default)]
pub struct Commands {
    /// Changes of flow tables.
    pub flow_mods: Vec<(DatapathId, FlowMod)>,
    /// Packets to send.
    pub packet_outs: Vec<(DatapathId, PacketOut)>,
}

impl Commands {
    /// Changes a flow table.
    #[must_use]
    pub fn flow_mod(mut self, dpid: DatapathId, flow_mod: FlowMod) -> Self {
        self.flow_mods.push((dpid, flow_mod));
        self
    }

    /// Sends a packet out of a port.
    #[must_use]
    pub fn packet_out(mut self, port: PortRef, data: Bytes) -> Self {
        self.packet_outs
            .push((port.dpid, PacketOut::to_port(port.port, data)));
        self
    }

    /// Sends a packet through the flow tables of a switch, as if it had come in on `in_port`.
    #[must_use]
    pub fn through_tables(mut self, in_port: PortRef, data: Bytes) -> Self {
        let mut packet = PacketOut::to_port(PortNo::TABLE, data);
        packet.in_port = in_port.port;
        self.packet_outs.push((in_port.dpid, packet));
        self
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.flow_mods.is_empty() && self.packet_outs.is_empty()
    }
}

/// Rules that an app does not change for now.
#[derive(Debug, Default)]
pub struct HeldStill {
    /// As they should be. Those that were not asked for do no harm.
    pub rules: Vec<FlowRule>,
    /// Groups and meters, likewise.
    pub groups: Vec<GroupDescription>,
    /// See above.
    pub meters: Vec<MeterConfig>,
    /// As long as this is kept, they stay so.
    pub until: Option<Box<dyn Any + Send>>,
}

/// What an app wants a switch to hold.
#[derive(Debug, Default)]
pub struct Desired {
    /// Entries that shall be there.
    pub rules: Vec<FlowRule>,
    /// Groups. Those of routes are numbered by [`group_of`](crate::rules::shared::group_of), and deleted where none is
    /// desired; others aren't.
    pub groups: Vec<GroupDescription>,
    /// Meters. Those that nobody desires are left alone.
    pub meters: Vec<MeterConfig>,
    /// Cookies of entries that are being changed right now and shall be left as they are.
    pub busy: Vec<Cookie>,
    /// Whether the switch is to be compared again soon, since somebody is changing it.
    pub again: bool,
}
