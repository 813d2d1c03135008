//! What the controller tells a switch.

use bytes::Bytes;

use super::action::Action;
use super::inbound::{ErrorReport, SwitchConfig};
use super::pattern::Pattern;
use super::rule::FlowMod;
use crate::types::{BufferId, Cookie, GroupId, PortNo, TableId};

/// A message to a switch, whatever its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToSwitch {
    /// The first message. With `bitmap` the wire numbers of the versions offered; 1.0 has no bitmap of
    /// its own, but a bitmap may follow a 1.0 header too and is ignored by those who don't know it.
    Hello {
        /// Wire numbers for the version bitmap element; `None` sends none.
        bitmap: Option<Vec<u8>>,
    },
    /// Something that the switch sent was refused.
    Error(ErrorReport),
    /// Are you there?
    EchoRequest(Bytes),
    /// Yes.
    EchoReply(Bytes),
    /// Who are you?
    FeaturesRequest,
    /// How do you treat packets?
    GetConfigRequest,
    /// Treat packets like this.
    SetConfig(SwitchConfig),
    /// Send this packet.
    PacketOut(PacketOut),
    /// Change a flow table.
    FlowMod(FlowMod),
    /// Finish all that came before, then say so.
    BarrierRequest,
    /// Report.
    StatsRequest(StatsRequest),
    /// An experimenter's (in 1.0: vendor's) message.
    Experimenter {
        /// Whose.
        experimenter: u32,
        /// In 1.3 the experimenter's type; 1.0 has none and leaves it out.
        exp_type: u32,
        /// The rest.
        body: Bytes,
    },
    /// A message that this model has no word for.
    Unknown {
        /// The type byte of the header.
        message_type: u8,
        /// Everything after the header.
        body: Bytes,
    },
}

/// A packet for the switch to send (OF 1.3.5 §7.3.7, OF 1.0.2 §5.3.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacketOut {
    /// A packet that the switch keeps; then `data` is empty.
    pub buffer_id: Option<BufferId>,
    /// The port that the packet is taken to have come in on; the controller itself by default.
    pub in_port: PortNo,
    /// What to do with it.
    pub actions: Vec<Action>,
    /// The packet from its Ethernet header on.
    pub data: Bytes,
}

impl PacketOut {
    /// Sends `data`, made by the controller, out of `port`.
    #[must_use]
    pub fn to_port(port: PortNo, data: Bytes) -> Self {
        Self {
            buffer_id: None,
            in_port: PortNo::CONTROLLER,
            actions: vec![Action::output(port)],
            data,
        }
    }
}

/// What to report (OF 1.3.5 §7.3.5, OF 1.0.2 §5.3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatsRequest {
    /// The switch's description.
    Description,
    /// Flow entries, each with its counters.
    Flows(FlowFilter),
    /// The sums over flow entries.
    Aggregate(FlowFilter),
    /// Every table.
    Tables,
    /// The counters of one port, or of all ([`PortNo::ANY`]).
    Ports(PortNo),
    /// The ports themselves. Not in 1.0, where the features reply lists them.
    PortDescription,
    /// A request that this model has no word for.
    Unknown {
        /// The statistics type on the wire.
        stats_type: u16,
        /// Its body.
        body: Bytes,
    },
}

/// Which flow entries a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowFilter {
    /// Of this table, or of all.
    pub table: TableId,
    /// That output here.
    pub out_port: Option<PortNo>,
    /// That use this group. Not in 1.0.
    pub out_group: Option<GroupId>,
    /// Whose cookie agrees with this one in the bits of `cookie_mask`. Not in 1.0.
    pub cookie: Cookie,
    /// The bits of the cookie that are compared; 0 asks nothing. Not in 1.0.
    pub cookie_mask: u64,
    /// That this pattern covers.
    pub pattern: Pattern,
}

impl FlowFilter {
    /// Every flow entry of the switch.
    #[must_use]
    pub fn all() -> Self {
        Self {
            table: TableId::ALL,
            out_port: None,
            out_group: None,
            cookie: Cookie(0),
            cookie_mask: 0,
            pattern: Pattern::new(),
        }
    }
}
