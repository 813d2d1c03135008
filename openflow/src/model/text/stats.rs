//! Statistics, asked for and told.

use std::fmt::{self, Display, Formatter};

use super::group::{Group, Meter};
use super::{Hex, Name, experimenter, records};
use crate::model::{AggregateStats, StatsReply, StatsRequest};

impl Display for StatsRequest {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Description => f.write_str("DESC"),
            Self::Flows(filter) => write!(f, "FLOW {filter}"),
            Self::Aggregate(filter) => write!(f, "AGGREGATE {filter}"),
            Self::Tables => f.write_str("TABLE"),
            Self::Ports(port) => write!(f, "PORT port_no={}", Name(*port)),
            Self::PortDescription => f.write_str("PORT_DESC"),
            Self::Queues(filter) => write!(f, "QUEUE {filter}"),
            Self::Groups(group) => write!(f, "GROUP group_id={}", Group(*group)),
            Self::GroupDescription => f.write_str("GROUP_DESC"),
            Self::GroupFeatures => f.write_str("GROUP_FEATURES"),
            Self::Meters(meter) => write!(f, "METER meter={}", Meter(*meter)),
            Self::MeterConfig(meter) => write!(f, "METER_CONFIG meter={}", Meter(*meter)),
            Self::MeterFeatures => f.write_str("METER_FEATURES"),
            Self::TableFeatures(tables) if tables.is_empty() => f.write_str("TABLE_FEATURES"),
            Self::TableFeatures(tables) => named(f, "TABLE_FEATURES", tables),
            Self::FlowMonitor(monitors) => named(f, "FLOW_MONITOR", monitors),
            Self::AgedFlows(filter) => write!(f, "FLOW_AGES {filter}"),
            Self::Experimenter {
                experimenter: whose,
                exp_type,
                body,
            } => {
                write!(f, "EXPERIMENTER exp_type={exp_type} ")?;
                experimenter(f, *whose, body)
            }
            Self::Unknown { stats_type, body } => {
                write!(f, "type {stats_type} body={}", Hex(body))
            }
        }
    }
}

impl Display for AggregateStats {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (packets, bytes, flows) = (self.packets, self.bytes, self.flows);
        write!(
            f,
            "packet_count={packets} byte_count={bytes} flow_count={flows}"
        )
    }
}

impl Display for StatsReply {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Description(description) => write!(f, "DESC {description}"),
            Self::Flows(list) => named(f, "FLOW", list),
            Self::Aggregate(sums) => write!(f, "AGGREGATE {sums}"),
            Self::Tables(list) => named(f, "TABLE", list),
            Self::Ports(list) => named(f, "PORT", list),
            Self::PortDescription(list) => named(f, "PORT_DESC", list),
            Self::Queues(list) => named(f, "QUEUE", list),
            Self::Groups(list) => named(f, "GROUP", list),
            Self::GroupDescription(list) => named(f, "GROUP_DESC", list),
            Self::GroupFeatures(features) => write!(f, "GROUP_FEATURES {features}"),
            Self::Meters(list) => named(f, "METER", list),
            Self::MeterConfig(list) => named(f, "METER_CONFIG", list),
            Self::MeterFeatures(features) => write!(f, "METER_FEATURES {features}"),
            Self::TableFeatures(list) => named(f, "TABLE_FEATURES", list),
            Self::FlowMonitor(list) => named(f, "FLOW_MONITOR", list),
            Self::AgedFlows(list) => named(f, "FLOW_AGES", list),
            Self::Experimenter {
                experimenter: whose,
                exp_type,
                body,
            } => {
                write!(f, "EXPERIMENTER exp_type={exp_type} ")?;
                experimenter(f, *whose, body)
            }
            Self::Unknown { stats_type, body } => {
                write!(f, "type {stats_type} body={}", Hex(body))
            }
        }
    }
}

fn named<T: Display>(f: &mut Formatter<'_>, name: &str, list: &[T]) -> fmt::Result {
    f.write_str(name)?;
    records(f, list)
}
