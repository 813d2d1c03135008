//! What can become of a message to a switch: one enum per operation.

use std::fmt;

use godwit_openflow::error::{DecodeError, Unsupported};
use godwit_openflow::model::ErrorReport;

/// Why [`send`](super::SwitchHandle::send) sent nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// A message can't be said in the switch's version.
    #[error("message {index}: {source}")]
    Unsupported {
        /// Which, counted from 0.
        index: usize,
        /// What can't be said.
        source: Unsupported,
    },
    /// The connection has ended.
    #[error("the switch is not connected")]
    Disconnected,
    /// Too much waits for the switch already.
    #[error("too much waits to be sent to the switch")]
    QueueFull,
}

/// What became of a batch that was not [applied](super::SwitchHandle::apply).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// A message can't be said in the switch's version; nothing was sent.
    #[error("message {index}: {source}")]
    Unsupported {
        /// Which, counted from 0.
        index: usize,
        /// What can't be said.
        source: Unsupported,
    },
    /// The switch refused messages.
    #[error("the switch refused {0}")]
    Rejected(Refusal),
    /// The barrier was not answered in time; any of the messages may be in force.
    #[error("the switch did not confirm in time")]
    TimedOut,
    /// The connection has ended; unless it was before, any of the messages may be in force.
    #[error("the switch is not connected")]
    Disconnected,
    /// Too much waits for the switch already; nothing was sent.
    #[error("too much waits to be sent to the switch")]
    QueueFull,
    /// Whoever waited for the switch ended abnormally; any of the messages may be in force.
    #[error("it is not known what the switch did")]
    Unknown,
}

impl ApplyError {
    /// Whether it is certain that no message of the batch is in force.
    #[must_use]
    pub const fn nothing_in_force(&self) -> bool {
        match self {
            Self::Unsupported { .. } | Self::QueueFull => true,
            Self::Rejected(refusal) => refusal.nothing_in_force,
            Self::TimedOut | Self::Disconnected | Self::Unknown => false,
        }
    }
}

/// What a switch refused of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The messages it refused, counted from 0 and in order, each with the first error about it. An index equal to
    /// the number of messages stands for what was sent around them, the barrier or the bundle: then nothing is known of
    /// those that are not listed, unless nothing is in force.
    pub messages: Vec<(usize, ErrorReport)>,
    /// Whether it is certain that no message of the batch is in force: it was a bundle, or all were refused. Else those
    /// that are not listed may be, and they are when all that is listed is messages of the batch.
    pub nothing_in_force: bool,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.messages.as_slice() {
            [] => f.write_str("nothing"),
            [(index, report)] => write!(f, "message {index}: {}", report.explained()),
            [(index, report), ..] => {
                let count = self.messages.len();
                let first = report.explained();
                write!(f, "{count} messages, first message {index}: {first}")
            }
        }
    }
}

impl From<SendError> for ApplyError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Unsupported { index, source } => Self::Unsupported { index, source },
            SendError::Disconnected => Self::Disconnected,
            SendError::QueueFull => Self::QueueFull,
        }
    }
}

/// Why there is no answer to a [statistics request](super::SwitchHandle::request).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The request can't be said in the switch's version.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The switch answered with an error.
    #[error("the switch refused: {}", .0.explained())]
    Refused(ErrorReport),
    /// The last part did not come in time.
    #[error("the switch did not answer in time")]
    TimedOut,
    /// The connection has ended.
    #[error("the switch is not connected")]
    Disconnected,
    /// Too much waits for the switch already.
    #[error("too much waits to be sent to the switch")]
    QueueFull,
    /// The reply has more parts or bytes than any switch should have to say.
    #[error("the switch's answer has no end")]
    TooLarge,
    /// The reply is of another kind than the request, or its parts are of several.
    #[error("the switch answered something else than it was asked")]
    Unexpected,
    /// A part of the reply can't be decoded.
    #[error("the switch's answer can't be read: {0}")]
    Undecodable(DecodeError),
}

impl From<SendError> for RequestError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Unsupported { source, .. } => Self::Unsupported(source),
            SendError::Disconnected => Self::Disconnected,
            SendError::QueueFull => Self::QueueFull,
        }
    }
}
