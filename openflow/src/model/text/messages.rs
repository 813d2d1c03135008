//! Whole messages.

use std::fmt::{self, Display, Formatter};

use bytes::Bytes;

use super::{Hex, Name, experimenter, gap};
use crate::message::kind;
use crate::model::{ErrorReport, FromSwitch, HelloElement, ToSwitch};
use crate::types::Version;

/// What a message says beside its type; nothing where the type says all.
pub(crate) struct Fields<'a, M>(pub(crate) &'a M);

impl Display for ToSwitch {
    /// The name of the type in 1.3, and what else the message says.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(kind::name_to_switch(Version::V13, self))?;
        behind_colon(f, &Fields(self))
    }
}

impl Display for FromSwitch {
    /// The name of the type in 1.3, and what else the message says.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(kind::name_from_switch(Version::V13, self))?;
        behind_colon(f, &Fields(self))
    }
}

/// The fields after a colon; no colon where there are none.
pub(crate) fn behind_colon(f: &mut Formatter<'_>, fields: &impl Display) -> fmt::Result {
    let text = match f.alternate() {
        true => format!("{fields:#}"),
        false => fields.to_string(),
    };
    match text.is_empty() {
        true => Ok(()),
        false => write!(f, ": {text}"),
    }
}

impl Display for Fields<'_, ToSwitch> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            ToSwitch::Hello { bitmap, elements } => hello(f, None, bitmap.as_deref(), elements),
            ToSwitch::Error(report) => error(f, report),
            ToSwitch::EchoRequest(payload) | ToSwitch::EchoReply(payload) => echo(f, payload),
            ToSwitch::FeaturesRequest
            | ToSwitch::GetConfigRequest
            | ToSwitch::BarrierRequest
            | ToSwitch::AsyncConfigRequest
            | ToSwitch::SetFlowAge => Ok(()),
            ToSwitch::SetConfig(config) => config.fmt(f),
            ToSwitch::PacketOut(packet) => packet.fmt(f),
            ToSwitch::FlowMod(change) => change.fmt(f),
            ToSwitch::GroupMod(change) => change.fmt(f),
            ToSwitch::PortMod(change) => change.fmt(f),
            ToSwitch::TableMod(change) => change.fmt(f),
            ToSwitch::MeterMod(change) => change.fmt(f),
            ToSwitch::StatsRequest { more, body } => {
                more_follows(f, *more)?;
                body.fmt(f)
            }
            ToSwitch::QueueConfigRequest(port) => write!(f, "port={}", Name(*port)),
            ToSwitch::RoleRequest(role) => role.fmt(f),
            ToSwitch::SetAsyncConfig(config) => config.fmt(f),
            ToSwitch::BundleControl(control) => control.fmt(f),
            ToSwitch::BundleAdd(add) => add.fmt(f),
            ToSwitch::FlowMonitorCancel(monitor) => write!(f, "id={monitor}"),
            ToSwitch::Experimenter {
                experimenter: whose,
                exp_type,
                body,
            } => {
                write!(f, "exp_type={exp_type} ")?;
                experimenter(f, *whose, body)
            }
            ToSwitch::Unknown { message_type, body } => unknown(f, *message_type, body),
        }
    }
}

impl Display for Fields<'_, FromSwitch> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            FromSwitch::Hello {
                bitmap,
                elements,
                header_version,
            } => hello(f, Some(*header_version), bitmap.as_deref(), elements),
            FromSwitch::Error(report) => error(f, report),
            FromSwitch::EchoRequest(payload) | FromSwitch::EchoReply(payload) => echo(f, payload),
            FromSwitch::BarrierReply
            | FromSwitch::FlowMonitorPaused
            | FromSwitch::FlowMonitorResumed => Ok(()),
            FromSwitch::Features(features) => features.fmt(f),
            FromSwitch::Config(config) => config.fmt(f),
            FromSwitch::PacketIn(packet) => packet.fmt(f),
            FromSwitch::FlowRemoved(removed) => removed.fmt(f),
            FromSwitch::PortStatus(status) => status.fmt(f),
            FromSwitch::Stats { more, body } => {
                more_follows(f, *more)?;
                body.fmt(f)
            }
            FromSwitch::QueueConfig(queues) => queues.fmt(f),
            FromSwitch::Role(role) => role.fmt(f),
            FromSwitch::AsyncConfig(config) => config.fmt(f),
            FromSwitch::BundleControl(control) => control.fmt(f),
            FromSwitch::Experimenter {
                experimenter: whose,
                exp_type,
                body,
            } => {
                write!(f, "exp_type={exp_type} ")?;
                experimenter(f, *whose, body)
            }
            FromSwitch::Unknown { message_type, body } => unknown(f, *message_type, body),
        }
    }
}

fn hello(
    f: &mut Formatter<'_>,
    header_version: Option<u8>,
    bitmap: Option<&[u8]>,
    elements: &[HelloElement],
) -> fmt::Result {
    let mut first = true;
    if let Some(version) = header_version {
        write!(f, "{}version: {version:#04x}", gap(&mut first, ", "))?;
    }
    if let Some(versions) = bitmap {
        write!(f, "{}version bitmap:", gap(&mut first, ", "))?;
        for version in versions {
            write!(f, " {version:#04x}")?;
        }
    }
    for element in elements {
        write!(f, "{}{element}", gap(&mut first, ", "))?;
    }
    Ok(())
}

fn error(f: &mut Formatter<'_>, report: &ErrorReport) -> fmt::Result {
    write!(f, "{report} data={}", Hex(&report.data))
}

fn echo(f: &mut Formatter<'_>, payload: &Bytes) -> fmt::Result {
    write!(f, "{} bytes of payload", payload.len())
}

fn more_follows(f: &mut Formatter<'_>, more: bool) -> fmt::Result {
    f.write_str(if more { "(more) " } else { "" })
}

fn unknown(f: &mut Formatter<'_>, message_type: u8, body: &Bytes) -> fmt::Result {
    write!(f, "type={message_type} body={}", Hex(body))
}
