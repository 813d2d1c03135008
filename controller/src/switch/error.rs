//! What can become of a message to a switch: one enum per operation.

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
    /// The switch refused these messages, counted from 0 and in order, and took the others. An index equal to the
    /// number of messages is the barrier's own: then nothing is known of those that are not listed.
    #[error("the switch refused {}", refusals(.0))]
    Rejected(Vec<(usize, ErrorReport)>),
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

fn refusals(list: &[(usize, ErrorReport)]) -> String {
    match list {
        [] => "nothing".to_owned(),
        [(index, report)] => format!("message {index}: {report}"),
        [(index, report), ..] => {
            format!("{} messages, first message {index}: {report}", list.len())
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
    #[error("the switch refused: {0}")]
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
