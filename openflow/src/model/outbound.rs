//! What the controller tells a switch.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};

use super::action::Action;
use super::extension::{BundleAdd, BundleControl, FlowMonitor};
use super::group::GroupMod;
use super::hex;
use super::inbound::{ErrorReport, HelloElement, SwitchConfig};
use super::meter::MeterMod;
use super::pattern::Pattern;
use super::queue::QueueFilter;
use super::role::{AsyncConfig, RoleMessage};
use super::rule::FlowMod;
use super::table::{TableFeatures, TableMod};
use crate::types::{BufferId, Cookie, GroupId, MacAddr, MeterId, PortNo, TableId};

/// A message to a switch, whatever its version (OF 1.3.5 §7.1, `ofp_type`; OF 1.0.2 §5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    content = "body",
    rename_all = "snake_case",
    deny_unknown_fields,
    remote = "Self"
)]
pub enum ToSwitch {
    /// The first message. With `bitmap` the wire numbers of the versions offered; 1.0 has no bitmap of
    /// its own, but a bitmap may follow a 1.0 header too and is ignored by those who don't know it.
    Hello {
        /// Wire numbers for the version bitmap element; `None` sends none.
        bitmap: Option<Vec<u8>>,
        /// Its other elements, in the order they came.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        elements: Vec<HelloElement>,
    },
    /// Something that the switch sent was refused.
    Error(ErrorReport),
    /// Are you there?
    EchoRequest(#[serde(with = "hex")] Bytes),
    /// Yes.
    EchoReply(#[serde(with = "hex")] Bytes),
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
    /// Change the group table. Not in 1.0.
    GroupMod(GroupMod),
    /// Change how a port behaves.
    PortMod(PortMod),
    /// Change how a table behaves. Not in 1.0.
    TableMod(TableMod),
    /// Change the meter table. Not in 1.0.
    MeterMod(MeterMod),
    /// Finish all that came before, then say so.
    BarrierRequest,
    /// Report. `more` says that another part with the same transaction id follows.
    StatsRequest {
        /// Whether another part follows. Only requests that carry lists come in parts; not in 1.0.
        more: bool,
        /// What to report.
        body: StatsRequest,
    },
    /// Which queues does this port have?
    QueueConfigRequest(PortNo),
    /// Be this controller's, in this role.
    RoleRequest(RoleMessage),
    /// Which messages do you send by yourself? Not in 1.0.
    AsyncConfigRequest,
    /// Send these by yourself. Not in 1.0.
    SetAsyncConfig(AsyncConfig),
    /// A step in the life of a bundle. Not in 1.0.
    BundleControl(BundleControl),
    /// A message for a bundle. Not in 1.0.
    BundleAdd(BundleAdd),
    /// End the flow monitor with this number. Not in 1.0.
    FlowMonitorCancel(u32),
    /// Say the ages of flow entries in answers to [`StatsRequest::AgedFlows`] (Nicira's `NXT_FLOW_AGE`). Only in 1.0.
    SetFlowAge,
    /// An experimenter's (in 1.0: vendor's) message.
    Experimenter {
        /// Whose.
        experimenter: u32,
        /// In 1.3 the experimenter's type; in 1.0 there is none and this is 0.
        exp_type: u32,
        /// The rest.
        #[serde(with = "hex")]
        body: Bytes,
    },
    /// A message that this model has no word for.
    Unknown {
        /// The type byte of the header.
        message_type: u8,
        /// Everything after the header.
        #[serde(with = "hex")]
        body: Bytes,
    },
}

crate::json::naming_the_path!(ToSwitch);

impl ToSwitch {
    /// A HELLO that offers these versions, by their wire numbers.
    #[must_use]
    pub const fn hello(bitmap: Option<Vec<u8>>) -> Self {
        Self::Hello {
            bitmap,
            elements: Vec::new(),
        }
    }

    /// Reads a message within another one, which already keeps the path.
    pub(super) fn within<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Box<Self>, D::Error> {
        Self::deserialize(deserializer).map(Box::new)
    }

    /// A statistics request in one part.
    #[must_use]
    pub const fn stats(body: StatsRequest) -> Self {
        Self::StatsRequest { more: false, body }
    }
}

/// A packet for the switch to send (OF 1.3.5 §7.3.7, OF 1.0.2 §5.3.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PacketOut {
    /// A packet that the switch keeps; then `data` is empty.
    pub buffer_id: Option<BufferId>,
    /// The port that the packet is taken to have come in on; the controller itself by default.
    pub in_port: PortNo,
    /// What to do with it.
    pub actions: Vec<Action>,
    /// The packet from its Ethernet header on.
    #[serde(with = "hex", default)]
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

/// A change of how a port behaves (OF 1.3.5 §7.3.4.3, `ofp_port_mod`; OF 1.0.2 §5.3.3). The numbering of bits is that of
/// [`super::Port`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortMod {
    /// Which port.
    pub port: PortNo,
    /// Its address, as a check.
    pub mac: MacAddr,
    /// The bits of the configuration.
    pub config: u64,
    /// Which of them to change.
    pub mask: u64,
    /// The features to advertise; 0 leaves them.
    pub advertise: u64,
}

/// What to report (OF 1.3.5 §7.3.5, OF 1.0.2 §5.3.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    content = "body",
    rename_all = "snake_case",
    deny_unknown_fields
)]
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
    /// The counters of queues.
    Queues(QueueFilter),
    /// The counters of one group, or of all ([`GroupId::ANY`]). Not in 1.0.
    Groups(GroupId),
    /// The groups themselves. Not in 1.0.
    GroupDescription,
    /// What groups can do. Not in 1.0.
    GroupFeatures,
    /// The counters of one meter, or of all ([`MeterId::ALL`]). Not in 1.0.
    Meters(MeterId),
    /// One meter itself, or all ([`MeterId::ALL`]). Not in 1.0.
    MeterConfig(MeterId),
    /// What meters can do. Not in 1.0.
    MeterFeatures,
    /// What tables can do; a list sets it. Not in 1.0.
    TableFeatures(Vec<TableFeatures>),
    /// Changes of flow entries from now on (ONF EXT-187). Not in 1.0.
    FlowMonitor(Vec<FlowMonitor>),
    /// Flow entries, each with its counters and ages (Nicira's `NXST_FLOW`). Only in 1.0.
    AgedFlows(FlowFilter),
    /// An experimenter's (in 1.0: vendor's) request, kept as bytes.
    Experimenter {
        /// Whose.
        experimenter: u32,
        /// The experimenter's type; 1.0 has none, and this is 0.
        exp_type: u32,
        /// The rest.
        #[serde(with = "hex")]
        body: Bytes,
    },
    /// A request that this model has no word for.
    Unknown {
        /// The statistics type on the wire.
        stats_type: u16,
        /// Its body.
        #[serde(with = "hex")]
        body: Bytes,
    },
}

impl StatsRequest {
    /// Joins a later part of the same request to this one.
    ///
    /// # Errors
    /// Gives the part back when it is of another kind, or of a kind that comes in one part.
    #[expect(
        clippy::result_large_err,
        reason = "the part is given back, and parts are few"
    )]
    pub fn append(&mut self, part: Self) -> Result<(), Self> {
        match (self, part) {
            (Self::TableFeatures(all), Self::TableFeatures(mut part)) => all.append(&mut part),
            (Self::FlowMonitor(all), Self::FlowMonitor(mut part)) => all.append(&mut part),
            (_, part) => return Err(part),
        }
        Ok(())
    }
}

/// Which flow entries a request is about (OF 1.3.5 §7.3.5.2, `ofp_flow_stats_request`; OF 1.0.2 §5.3.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

impl From<FlowMod> for ToSwitch {
    fn from(flow_mod: FlowMod) -> Self {
        Self::FlowMod(flow_mod)
    }
}

impl From<GroupMod> for ToSwitch {
    fn from(group_mod: GroupMod) -> Self {
        Self::GroupMod(group_mod)
    }
}

impl From<MeterMod> for ToSwitch {
    fn from(meter_mod: MeterMod) -> Self {
        Self::MeterMod(meter_mod)
    }
}
