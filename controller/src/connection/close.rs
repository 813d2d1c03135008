//! Why a connection ended.

use std::io::ErrorKind;
use std::net::SocketAddr;

use godwit_openflow::FrameError;
use godwit_openflow::error::DecodeError;
use godwit_openflow::model::ErrorReport;
use godwit_openflow::types::DatapathId;

use crate::limits::{ECHO_DEADLINE, PORTS, UNDECODABLE, WRITE_STALL, WRONG_VERSIONS};

/// Why a connection ended, with what to do about it where that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// The peer looked whether the port is open: it closed without having sent a byte.
    #[error("the peer closed without having sent anything")]
    Probe,
    /// The peer closed.
    #[error("the switch closed the connection")]
    ClosedByPeer,
    /// The operating system reports an error.
    #[error("the connection failed: {0}")]
    Io(ErrorKind),
    /// The byte stream can't be cut into messages any more.
    #[error("a message claims {0} bytes, less than its own header")]
    Framing(u16),
    /// The peer closed within a message.
    #[error("the connection ended within a message")]
    Truncated,
    /// The first message was not a HELLO.
    #[error(
        "the first message is of type {0}, not a HELLO: this is not a switch, or one that is out of step"
    )]
    NoHello(u8),
    /// A message of the handshake can't be decoded.
    #[error("a message of the handshake is malformed: {0}")]
    MalformedHandshake(DecodeError),
    /// No version is spoken by both sides.
    #[error("{0}")]
    Incompatible(String),
    /// The switch refused the handshake.
    #[error("the switch refused the handshake: {0}{text}", text = quoted(.0))]
    Refused(ErrorReport),
    /// The handshake took too long.
    #[error("the handshake was not complete in time: still waiting for {0}")]
    HandshakeTimeout(&'static str),
    /// An answer of the handshake has no end.
    #[error("an answer of the handshake is larger than any switch needs")]
    HandshakeTooLarge,
    /// An answer of the handshake is not what was asked for.
    #[error("an answer of the handshake is not what was asked for")]
    UnexpectedAnswer,
    /// An auxiliary connection (OF 1.3.5 §6.3.6), which godwit has no use for.
    #[error(
        "an auxiliary connection (number {0}) is not needed here: configure the switch to open only its main one"
    )]
    Auxiliary(u8),
    /// More ports than are believed.
    #[error("the switch claims more than {PORTS} ports")]
    TooManyPorts,
    /// The datapath id belongs to a connected switch, which is well.
    #[error(
        "datapath id {dpid} belongs to the switch that is connected from {incumbent}; give this one another (ovs-vsctl \
         set bridge NAME other-config:datapath-id=…)"
    )]
    Duplicate {
        /// The datapath id.
        dpid: DatapathId,
        /// Where the other connection comes from.
        incumbent: SocketAddr,
    },
    /// The switch did not answer any more when it connected anew.
    #[error(
        "the switch has connected anew from {by}, and this connection does not answer any more"
    )]
    Replaced {
        /// Where the newer connection comes from.
        by: SocketAddr,
    },
    /// What was told of the former connection of this switch has not been dealt with in time.
    #[error("the former connection of this switch is still being cleared away")]
    StillBusy,
    /// Messages of a version other than the negotiated one.
    #[error("{WRONG_VERSIONS} messages of a version that was not negotiated")]
    WrongVersion,
    /// Messages that can't be decoded.
    #[error("{UNDECODABLE} messages within a short time can't be decoded; the last: {0}")]
    Undecodable(DecodeError),
    /// No message for too long.
    #[error("the switch has not answered an echo request for {} s", ECHO_DEADLINE.as_secs())]
    Silent,
    /// The switch does not take what is due to it.
    #[error("the switch has not taken a byte for {} s", WRITE_STALL.as_secs())]
    NotReading,
    /// More is due to the switch than may wait.
    #[error("the switch takes what is due to it too slowly, and too much waits")]
    QueueFull,
    /// More changes of ports and rules than its observer can take in.
    #[error("the switch reports more changes than can be taken in")]
    TooManyChanges,
    /// It made room for a newer connection.
    #[error("too many connections have not completed the handshake; the oldest make room")]
    MadeRoom,
    /// All connections are taken.
    #[error("all connections are taken")]
    NoRoom,
    /// The observer failed.
    #[error("an internal error in handling this switch's messages")]
    ObserverFailed,
    /// Asked for by this program.
    #[error("the controller ended the connection")]
    Requested,
    /// The controller is stopping.
    #[error("the controller is stopping")]
    Shutdown,
}

fn quoted(report: &ErrorReport) -> String {
    let text = String::from_utf8_lossy(&report.data);
    let text = text.trim_end_matches('\0');
    let readable = !text.is_empty() && text.chars().all(|c| !c.is_control() && c != '\u{fffd}');
    if readable {
        format!(" (\"{text}\")")
    } else {
        String::new()
    }
}

impl CloseReason {
    /// Every label, in the order of [`Self::index`].
    pub const LABELS: [&'static str; 28] = [
        "probe",
        "closed_by_peer",
        "io",
        "framing",
        "truncated",
        "no_hello",
        "malformed_handshake",
        "incompatible",
        "refused",
        "handshake_timeout",
        "handshake_too_large",
        "unexpected_answer",
        "auxiliary",
        "too_many_ports",
        "duplicate",
        "replaced",
        "still_busy",
        "wrong_version",
        "undecodable",
        "silent",
        "not_reading",
        "queue_full",
        "too_many_changes",
        "made_room",
        "no_room",
        "observer_failed",
        "requested",
        "shutdown",
    ];

    /// A word for metrics.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        Self::LABELS[self.index()]
    }

    /// The label's place in [`Self::LABELS`].
    #[must_use]
    pub const fn index(&self) -> usize {
        match self {
            Self::Probe => 0,
            Self::ClosedByPeer => 1,
            Self::Io(_) => 2,
            Self::Framing(_) => 3,
            Self::Truncated => 4,
            Self::NoHello(_) => 5,
            Self::MalformedHandshake(_) => 6,
            Self::Incompatible(_) => 7,
            Self::Refused(_) => 8,
            Self::HandshakeTimeout(_) => 9,
            Self::HandshakeTooLarge => 10,
            Self::UnexpectedAnswer => 11,
            Self::Auxiliary(_) => 12,
            Self::TooManyPorts => 13,
            Self::Duplicate { .. } => 14,
            Self::Replaced { .. } => 15,
            Self::StillBusy => 16,
            Self::WrongVersion => 17,
            Self::Undecodable(_) => 18,
            Self::Silent => 19,
            Self::NotReading => 20,
            Self::QueueFull => 21,
            Self::TooManyChanges => 22,
            Self::MadeRoom => 23,
            Self::NoRoom => 24,
            Self::ObserverFailed => 25,
            Self::Requested => 26,
            Self::Shutdown => 27,
        }
    }

    /// Whether the peer can still be told: the stream is whole and an error message may be on its way.
    pub(crate) const fn leaves_stream_whole(&self) -> bool {
        !matches!(
            self,
            Self::Probe
                | Self::ClosedByPeer
                | Self::Io(_)
                | Self::Truncated
                | Self::Silent
                | Self::NotReading
                | Self::QueueFull
                | Self::Replaced { .. }
                | Self::MadeRoom
        )
    }
}

impl From<FrameError> for CloseReason {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::TooShort { length } => Self::Framing(length),
            FrameError::Truncated => Self::Truncated,
            FrameError::Io(error) => Self::Io(error.kind()),
        }
    }
}
