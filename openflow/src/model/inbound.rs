//! What a switch tells the controller.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::extension::BundleControl;
use super::hex;
use super::pattern::Pattern;
use super::queue::QueueConfigReply;
use super::role::{AsyncConfig, RoleMessage};
use super::stats::StatsReply;
use crate::types::{BufferId, Cookie, DatapathId, MacAddr, PortNo, TableId, Version};

/// A message from a switch, whatever its version (OF 1.3.5 §7.1, `ofp_type`; OF 1.0.2 §5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    content = "body",
    rename_all = "snake_case",
    deny_unknown_fields,
    remote = "Self"
)]
pub enum FromSwitch {
    /// The first message; with the versions of its bitmap where it has one (OF 1.3.5 §7.5.1), as wire
    /// numbers, else the one of its header and all below.
    Hello {
        /// Wire numbers from the version bitmap; `None` without one.
        bitmap: Option<Vec<u8>>,
        /// Its other elements, in the order they came.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        elements: Vec<HelloElement>,
        /// The version field of the message's header.
        header_version: u8,
    },
    /// Something that the controller asked for was refused.
    Error(ErrorReport),
    /// Are you there?
    EchoRequest(#[serde(with = "hex")] Bytes),
    /// Yes.
    EchoReply(#[serde(with = "hex")] Bytes),
    /// Who the switch is.
    Features(Features),
    /// How the switch treats fragments, and how much of a packet it sends.
    Config(SwitchConfig),
    /// A packet for the controller.
    PacketIn(PacketIn),
    /// A flow entry has ended.
    FlowRemoved(FlowRemoved),
    /// A port came, went or changed.
    PortStatus(PortStatus),
    /// Everything before the request with this transaction id is done.
    BarrierReply,
    /// A part of an answer to a statistics request; `more` says that others follow.
    Stats {
        /// Whether another part with the same transaction id follows.
        more: bool,
        /// This part.
        body: StatsReply,
    },
    /// The queues of a port.
    QueueConfig(QueueConfigReply),
    /// The role that this controller has now.
    Role(RoleMessage),
    /// Which messages the switch sends by itself. Not in 1.0.
    AsyncConfig(AsyncConfig),
    /// A step in the life of a bundle was done. Not in 1.0.
    BundleControl(BundleControl),
    /// The connection is full: flow monitors report nothing until [`Self::FlowMonitorResumed`]. Not in 1.0.
    FlowMonitorPaused,
    /// Flow monitors report again. Not in 1.0.
    FlowMonitorResumed,
    /// An experimenter's (in 1.0: vendor's) message, kept as bytes.
    Experimenter {
        /// Whose.
        experimenter: u32,
        /// In 1.3 the experimenter's type; in 1.0 there is none and this is 0.
        exp_type: u32,
        /// The rest.
        #[serde(with = "hex")]
        body: Bytes,
    },
    /// A message whose type the version defines, but that this model has no word for, or that
    /// the version does not define.
    Unknown {
        /// The type byte of the header.
        message_type: u8,
        /// Everything after the header.
        #[serde(with = "hex")]
        body: Bytes,
    },
}

crate::json::naming_the_path!(FromSwitch);

/// An element of a HELLO that this model has no word for, kept as it came (OF 1.3.5 §7.5.1, `ofp_hello_elem_header`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HelloElement {
    /// Its type.
    pub element_type: u16,
    /// What follows type and length, without the padding.
    #[serde(with = "hex")]
    pub body: Bytes,
}

/// An error message (OF 1.3.5 §7.5.4, OF 1.0.2 §5.4.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorReport {
    /// The version whose numbers these are: 1.0 and 1.3 number their errors differently.
    pub version: Version,
    /// The error's type.
    pub error_type: u16,
    /// Its code within the type.
    pub code: u16,
    /// At least the first 64 bytes of the message that was refused; for `HELLO_FAILED`, text.
    #[serde(with = "hex")]
    pub data: Bytes,
}

impl fmt::Display for ErrorReport {
    /// The names of type and code as the specification has them, numbers where it has none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match crate::error::names(self.version, self.error_type, self.code) {
            (Some(kind), Some(code)) => write!(f, "{kind}/{code}"),
            (Some(kind), None) => write!(f, "{kind}/{}", self.code),
            (None, _) => write!(f, "error type {} code {}", self.error_type, self.code),
        }
    }
}

impl ErrorReport {
    /// The same with what mends it, where that can be said.
    #[must_use]
    pub fn explained(&self) -> String {
        match crate::error::mend(self.version, self.error_type, self.code) {
            Some(mend) => format!("{self}: {mend}"),
            None => self.to_string(),
        }
    }
}

/// Who a switch is (OF 1.3.5 §7.3.1, OF 1.0.2 §5.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Features {
    /// Its identity.
    pub datapath_id: DatapathId,
    /// How many packets it can keep for the controller.
    pub buffers: u32,
    /// How many flow tables it has.
    pub tables: u8,
    /// 0 for the main connection. Not in 1.0.
    pub auxiliary_id: u8,
    /// Bits of `ofp_capabilities` in 1.3's numbering; those that only 1.0 defines stand 32 bits higher than there.
    pub capabilities: u64,
    /// One bit for each action type, in 1.0's numbering. Only in 1.0.
    pub actions: Option<u32>,
    /// Its ports, in 1.0 only; 1.3 lists them with a port description request.
    pub ports: Option<Vec<Port>>,
}

/// How a switch treats packets (OF 1.3.5 §7.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchConfig {
    /// Bits of `ofp_config_flags`: 0 treats IP fragments like other packets.
    pub flags: u16,
    /// How many bytes of a packet go to the controller on a table miss; 0xffff is all.
    pub miss_send_len: u16,
}

/// A port of a switch (OF 1.3.5 §7.2.1, OF 1.0.2 §5.2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Its number.
    pub number: PortNo,
    /// Its address.
    pub mac: MacAddr,
    /// Its name on the switch, such as `s7-eth2`.
    pub name: String,
    /// Administratively down (`OFPPC_PORT_DOWN`).
    pub admin_down: bool,
    /// No carrier (`OFPPS_LINK_DOWN`).
    pub link_down: bool,
    /// Bits of `ofp_port_config` in 1.3's numbering; those that only 1.0 defines stand 32 bits higher than there.
    pub config: u64,
    /// Bits of `ofp_port_state`, numbered in the same way.
    pub state: u64,
    /// Features in use now, advertised, supported, advertised by the peer: bits of `ofp_port_features`, numbered in the
    /// same way.
    pub features: [u64; 4],
    /// Present bit rate in kb/s, 0 where unknown. Not in 1.0.
    pub current_speed: u32,
    /// Highest bit rate in kb/s, 0 where unknown. Not in 1.0.
    pub max_speed: u32,
}

impl Port {
    /// Whether packets can pass: not administratively down, and with a carrier.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        !self.admin_down && !self.link_down
    }
}

/// Why a packet was sent to the controller (OF 1.3.5 §7.4.1, `ofp_packet_in_reason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PacketInReason {
    /// No entry matched, or the table-miss entry did.
    NoMatch,
    /// An entry's action said so.
    Action,
    /// The time to live was not valid. Not in 1.0.
    InvalidTtl,
    /// Some other number.
    Unknown(u8),
}

/// A packet that the switch hands to the controller (OF 1.3.5 §7.4.1, OF 1.0.2 §5.4.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PacketIn {
    /// The packet as the switch keeps it, if it does.
    pub buffer_id: Option<BufferId>,
    /// The length of the packet on the network.
    pub total_len: u16,
    /// Why.
    pub reason: PacketInReason,
    /// The table of the entry that sent it; 0 in 1.0.
    pub table: TableId,
    /// The cookie of the entry that sent it. Not in 1.0.
    pub cookie: Option<Cookie>,
    /// The port it came in on.
    pub in_port: PortNo,
    /// All of its metadata, in 1.3; only `in_port` in 1.0.
    pub pattern: Pattern,
    /// The packet from its Ethernet header on, perhaps cut short.
    #[serde(with = "hex")]
    pub data: Bytes,
}

/// Why a flow entry ended (OF 1.3.5 §7.4.2, `ofp_flow_removed_reason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FlowRemovedReason {
    /// No packet for `idle_timeout`.
    IdleTimeout,
    /// `hard_timeout` has passed.
    HardTimeout,
    /// It was deleted.
    Delete,
    /// Its group was deleted. Not in 1.0.
    GroupDelete,
    /// Some other number.
    Unknown(u8),
}

/// A flow entry has ended (OF 1.3.5 §7.4.2, OF 1.0.2 §5.4.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowRemoved {
    /// Its cookie.
    pub cookie: Cookie,
    /// Its priority.
    pub priority: u16,
    /// Why it ended.
    pub reason: FlowRemovedReason,
    /// Its table; 0 in 1.0.
    pub table: TableId,
    /// How long it lived, in nanoseconds.
    pub duration_ns: u64,
    /// Its idle timeout in seconds.
    pub idle_timeout: u16,
    /// Its hard timeout in seconds; 0 in 1.0, which does not say.
    pub hard_timeout: u16,
    /// Packets it had counted, as far as the switch knew.
    pub packets: u64,
    /// Bytes it had counted, as far as the switch knew.
    pub bytes: u64,
    /// What it matched.
    pub pattern: Pattern,
}

/// What happened to a port (OF 1.3.5 §7.4.3, `ofp_port_reason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PortStatusReason {
    /// It was added.
    Add,
    /// It was removed.
    Delete,
    /// It changed.
    Modify,
    /// Some other number.
    Unknown(u8),
}

/// A port came, went or changed (OF 1.3.5 §7.4.3, OF 1.0.2 §5.4.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortStatus {
    /// What happened.
    pub reason: PortStatusReason,
    /// The port as it is now, or was before it was removed.
    pub port: Port,
}
