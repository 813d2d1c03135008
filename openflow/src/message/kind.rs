//! Which way each message type goes, and what it is called.

use super::Direction;
use crate::model::{FromSwitch, ToSwitch};
use crate::types::Version;

/// The way that messages of this type go, where that is one way only (OF 1.3.5 §7.1, OF 1.0.2 §5.1, `ofp_type`).
pub(super) const fn direction(version: Version, message_type: u8) -> Option<Direction> {
    match (version, message_type) {
        (_, 5 | 7 | 9 | 13 | 14)
        | (Version::V10, 15 | 16 | 18 | 20)
        | (Version::V13, 15 | 16 | 17 | 18 | 20 | 22 | 24 | 26 | 28 | 29) => {
            Some(Direction::ToSwitch)
        }
        (_, 6 | 8 | 10 | 11 | 12)
        | (Version::V10, 17 | 19 | 21)
        | (Version::V13, 19 | 21 | 23 | 25 | 27) => Some(Direction::FromSwitch),
        _ => None,
    }
}

pub(crate) const fn name_to_switch(version: Version, message: &ToSwitch) -> &'static str {
    match message {
        ToSwitch::Hello { .. } => "HELLO",
        ToSwitch::Error(_) => "ERROR",
        ToSwitch::EchoRequest(_) => "ECHO_REQUEST",
        ToSwitch::EchoReply(_) => "ECHO_REPLY",
        ToSwitch::FeaturesRequest => "FEATURES_REQUEST",
        ToSwitch::GetConfigRequest => "GET_CONFIG_REQUEST",
        ToSwitch::SetConfig(_) => "SET_CONFIG",
        ToSwitch::PacketOut(_) => "PACKET_OUT",
        ToSwitch::FlowMod(_) => "FLOW_MOD",
        ToSwitch::GroupMod(_) => "GROUP_MOD",
        ToSwitch::PortMod(_) => "PORT_MOD",
        ToSwitch::TableMod(_) => "TABLE_MOD",
        ToSwitch::MeterMod(_) => "METER_MOD",
        ToSwitch::BarrierRequest => "BARRIER_REQUEST",
        ToSwitch::StatsRequest { .. } => match version {
            Version::V10 => "STATS_REQUEST",
            Version::V13 => "MULTIPART_REQUEST",
        },
        ToSwitch::QueueConfigRequest(_) => "QUEUE_GET_CONFIG_REQUEST",
        ToSwitch::RoleRequest(_) => "ROLE_REQUEST",
        ToSwitch::AsyncConfigRequest => "GET_ASYNC_REQUEST",
        ToSwitch::SetAsyncConfig(_) => "SET_ASYNC",
        ToSwitch::BundleControl(_) => "BUNDLE_CONTROL",
        ToSwitch::BundleAdd(_) => "BUNDLE_ADD_MESSAGE",
        ToSwitch::FlowMonitorCancel(_) => "FLOW_MONITOR_CANCEL",
        ToSwitch::SetFlowAge => "FLOW_AGE",
        ToSwitch::Experimenter { .. } => experimenter(version),
        ToSwitch::Unknown { .. } => "UNKNOWN",
    }
}

pub(crate) const fn name_from_switch(version: Version, message: &FromSwitch) -> &'static str {
    match message {
        FromSwitch::Hello { .. } => "HELLO",
        FromSwitch::Error(_) => "ERROR",
        FromSwitch::EchoRequest(_) => "ECHO_REQUEST",
        FromSwitch::EchoReply(_) => "ECHO_REPLY",
        FromSwitch::Features(_) => "FEATURES_REPLY",
        FromSwitch::Config(_) => "GET_CONFIG_REPLY",
        FromSwitch::PacketIn(_) => "PACKET_IN",
        FromSwitch::FlowRemoved(_) => "FLOW_REMOVED",
        FromSwitch::PortStatus(_) => "PORT_STATUS",
        FromSwitch::BarrierReply => "BARRIER_REPLY",
        FromSwitch::Stats { .. } => match version {
            Version::V10 => "STATS_REPLY",
            Version::V13 => "MULTIPART_REPLY",
        },
        FromSwitch::QueueConfig(_) => "QUEUE_GET_CONFIG_REPLY",
        FromSwitch::Role(_) => "ROLE_REPLY",
        FromSwitch::AsyncConfig(_) => "GET_ASYNC_REPLY",
        FromSwitch::BundleControl(_) => "BUNDLE_CONTROL",
        FromSwitch::FlowMonitorPaused => "FLOW_MONITOR_PAUSED",
        FromSwitch::FlowMonitorResumed => "FLOW_MONITOR_RESUMED",
        FromSwitch::Experimenter { .. } => experimenter(version),
        FromSwitch::Unknown { .. } => "UNKNOWN",
    }
}

const fn experimenter(version: Version) -> &'static str {
    match version {
        Version::V10 => "VENDOR",
        Version::V13 => "EXPERIMENTER",
    }
}
