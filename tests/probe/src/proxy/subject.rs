//! What a rule can ask about a message.

use godwit_openflow::{
    Frame,
    message::{Body, Direction, Message},
    model::{FromSwitch, ToSwitch},
    types::{BundleId, Cookie, TableId, Version, Xid},
};
use serde::{Deserialize, Serialize};

/// Types of messages in both versions; the statistics of 1.0 and the multipart messages of 1.3 are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Hello,
    Error,
    EchoRequest,
    EchoReply,
    FeaturesRequest,
    FeaturesReply,
    PacketIn,
    PacketOut,
    FlowMod,
    FlowRemoved,
    GroupMod,
    MeterMod,
    PortMod,
    PortStatus,
    TableMod,
    BarrierRequest,
    BarrierReply,
    StatsRequest,
    StatsReply,
    RoleRequest,
    RoleReply,
    BundleControl,
    BundleAdd,
    /// All else, and what can't be decoded.
    Other,
}

/// A message as the rules see it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    /// Which of its kind: a modification's command, a statistics type or a bundle's step, in the words of the project's
    /// JSON.
    pub(crate) which: Option<String>,
    pub(crate) table: Option<TableId>,
    pub(crate) cookie: Option<Cookie>,
    pub(crate) version: Option<Version>,
    pub(crate) xid: Xid,
    /// The bundle that it opens, adds to, closes or commits.
    pub(crate) bundle: Option<BundleId>,
    /// The message that is added to a bundle.
    pub(crate) inner: Option<Box<Subject>>,
}

impl Subject {
    /// Reads a message that goes this way.
    pub(crate) fn of(frame: &Frame, direction: Direction) -> Self {
        let mut subject = Self::bare(frame.xid(), Version::from_wire(frame.version()));
        match Message::decode(frame, Some(direction)).map(|message| message.body) {
            Ok(Body::ToSwitch(message)) => subject.describe_to_switch(&message),
            Ok(Body::FromSwitch(message)) => subject.describe_from_switch(&message),
            Err(_) => {}
        }
        if matches!(subject.kind, Kind::StatsRequest | Kind::StatsReply) {
            subject.which = statistics(frame);
        }
        subject
    }

    const fn bare(xid: Xid, version: Option<Version>) -> Self {
        Self {
            kind: Kind::Other,
            which: None,
            table: None,
            cookie: None,
            version,
            xid,
            bundle: None,
            inner: None,
        }
    }

    fn describe_to_switch(&mut self, message: &ToSwitch) {
        self.kind = match message {
            ToSwitch::Hello { .. } => Kind::Hello,
            ToSwitch::Error(_) => Kind::Error,
            ToSwitch::EchoRequest(_) => Kind::EchoRequest,
            ToSwitch::EchoReply(_) => Kind::EchoReply,
            ToSwitch::FeaturesRequest => Kind::FeaturesRequest,
            ToSwitch::PacketOut(_) => Kind::PacketOut,
            ToSwitch::PortMod(_) => Kind::PortMod,
            ToSwitch::TableMod(_) => Kind::TableMod,
            ToSwitch::BarrierRequest => Kind::BarrierRequest,
            ToSwitch::StatsRequest { .. } => Kind::StatsRequest,
            ToSwitch::RoleRequest(_) => Kind::RoleRequest,
            ToSwitch::FlowMod(flow_mod) => {
                self.which = word(&flow_mod.command);
                self.table = Some(flow_mod.rule.table);
                self.cookie = Some(flow_mod.rule.cookie);
                Kind::FlowMod
            }
            ToSwitch::GroupMod(group_mod) => {
                self.which = word(&group_mod.command);
                Kind::GroupMod
            }
            ToSwitch::MeterMod(meter_mod) => {
                self.which = word(&meter_mod.command);
                Kind::MeterMod
            }
            ToSwitch::BundleControl(control) => {
                self.which = word(&control.step);
                self.bundle = Some(control.bundle);
                Kind::BundleControl
            }
            ToSwitch::BundleAdd(add) => {
                self.bundle = Some(add.bundle);
                let mut inner = Self::bare(add.xid, self.version);
                inner.describe_to_switch(&add.message);
                self.inner = Some(Box::new(inner));
                Kind::BundleAdd
            }
            _ => Kind::Other,
        };
    }

    fn describe_from_switch(&mut self, message: &FromSwitch) {
        self.kind = match message {
            FromSwitch::Hello { .. } => Kind::Hello,
            FromSwitch::Error(_) => Kind::Error,
            FromSwitch::EchoRequest(_) => Kind::EchoRequest,
            FromSwitch::EchoReply(_) => Kind::EchoReply,
            FromSwitch::Features(_) => Kind::FeaturesReply,
            FromSwitch::PortStatus(_) => Kind::PortStatus,
            FromSwitch::BarrierReply => Kind::BarrierReply,
            FromSwitch::Stats { .. } => Kind::StatsReply,
            FromSwitch::Role(_) => Kind::RoleReply,
            FromSwitch::PacketIn(packet_in) => {
                self.table = Some(packet_in.table);
                self.cookie = packet_in.cookie;
                Kind::PacketIn
            }
            FromSwitch::FlowRemoved(removed) => {
                self.which = word(&removed.reason);
                self.table = Some(removed.table);
                self.cookie = Some(removed.cookie);
                Kind::FlowRemoved
            }
            FromSwitch::BundleControl(control) => {
                self.which = word(&control.step);
                self.bundle = Some(control.bundle);
                Kind::BundleControl
            }
            _ => Kind::Other,
        };
    }

    /// The message that does something: the one within, of a message that adds to a bundle.
    pub(crate) fn innermost(&self) -> &Self {
        self.inner.as_deref().unwrap_or(self)
    }
}

/// How JSON names a value; nothing for values that are more than a name.
fn word(value: &impl Serialize) -> Option<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Some(word),
        _ => None,
    }
}

/// The statistics type, which stands behind the header in requests and replies of both versions (OF 1.3.5 §7.3.5,
/// `ofp_multipart_type`; OF 1.0.2 §5.3.5, `ofp_stats_types`).
fn statistics(frame: &Frame) -> Option<String> {
    let &[high, low] = frame.bytes().get(8..10)? else {
        return None;
    };
    let name = match u16::from_be_bytes([high, low]) {
        0 => "description",
        1 => "flows",
        2 => "aggregate",
        3 => "tables",
        4 => "ports",
        5 => "queues",
        6 => "groups",
        7 => "group_description",
        8 => "group_features",
        9 => "meters",
        10 => "meter_config",
        11 => "meter_features",
        12 => "table_features",
        13 => "port_description",
        0xffff => "experimenter",
        _ => return None,
    };
    Some(name.to_owned())
}
