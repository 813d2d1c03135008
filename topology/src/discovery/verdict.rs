//! What the prober says.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;

use super::lldp::LldpError;
use crate::link::{Link, PortRef};

/// A frame to be sent out of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The port.
    pub port: PortRef,
    /// The number that names this frame among all of this run.
    pub nonce: u64,
    /// The whole Ethernet frame.
    pub frame: Bytes,
}

/// What changed in the prober's picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A link was found, in this direction.
    LinkUp(Link),
    /// A link is gone, in this direction.
    LinkDown(Link),
    /// A port is now taken for an edge port.
    EdgeUp(PortRef),
    /// A port is no longer taken for an edge port: it went down, or a link was found on it.
    EdgeDown(PortRef),
}

/// What a port is known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PortKind {
    /// Not up, or not probed for long enough.
    Unknown,
    /// Joined to another switch, at least in one direction.
    Link,
    /// Joined to other switches through something that speaks no OpenFlow, at least in one direction. Hosts may be
    /// here as well.
    Shared,
    /// No switch answers: hosts may be here.
    Edge,
}

/// What became of an LLDP frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LldpVerdict {
    /// A probe of ours: it found or confirmed this link.
    Link(Link),
    /// A marker of ours arrived; it also found or confirmed the link.
    Marker {
        /// The marker's number.
        nonce: u64,
        /// Where it was sent.
        from: PortRef,
        /// Where it arrived.
        at: PortRef,
    },
    /// A genuine probe from which nothing follows: one of its ports is no longer up, or it was sent to everybody and one
    /// of its ports has a cable to a switch.
    Late {
        /// Where it was sent.
        from: PortRef,
    },
    /// LLDP of some other system.
    Foreign,
    /// Not a proper LLDP frame.
    Malformed(LldpError),
    /// An attempt to make us believe in a link. No link was made.
    Alarm(Alarm),
}

/// An LLDP frame that should not have been there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// The port it came in on.
    pub port: PortRef,
    /// The port it says it was sent out of; proven unless the reason is a bad signature.
    pub claimed: PortRef,
    /// What is wrong with it.
    pub reason: AlarmReason,
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "LLDP on {} that claims to come from {}: {}",
            self.port, self.claimed, self.reason
        )
    }
}

/// What is wrong with an LLDP frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmReason {
    /// It carries godwit's mark, but this run's key did not sign it.
    BadSignature,
    /// It is genuine, but was sent too long ago.
    Replayed,
    /// It is genuine, but has already arrived at another port: someone passes it on.
    SeenTwice,
    /// It came in on a port where hosts are.
    HostPort,
    /// It was sent out of a port where hosts are, and cannot have got to a switch from there.
    FromHostPort,
}

impl fmt::Display for AlarmReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadSignature => "its signature is wrong",
            Self::Replayed => "it was sent too long ago",
            Self::SeenTwice => "it has already arrived at another port",
            Self::HostPort => "hosts are on that port",
            Self::FromHostPort => "hosts are on the port it was sent out of",
        })
    }
}

/// How many LLDP frames of each sort have come in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Probes and markers that found or confirmed a link.
    pub accepted: u64,
    /// Genuine ones from which nothing follows.
    pub late: u64,
    /// Those of other systems.
    pub foreign: u64,
    /// Frames that are no proper LLDP.
    pub malformed: u64,
    /// Those that raised an alarm.
    pub alarms: u64,
}

impl Counters {
    pub(super) const fn count(&mut self, verdict: &LldpVerdict) {
        let counter = match verdict {
            LldpVerdict::Link(_) | LldpVerdict::Marker { .. } => &mut self.accepted,
            LldpVerdict::Late { .. } => &mut self.late,
            LldpVerdict::Foreign => &mut self.foreign,
            LldpVerdict::Malformed(_) => &mut self.malformed,
            LldpVerdict::Alarm(_) => &mut self.alarms,
        };
        *counter += 1;
    }
}
