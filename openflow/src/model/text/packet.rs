//! Packets on their way through the controller.

use std::fmt::{self, Display, Formatter};

use super::Name;
use super::flow::{Actions, Match};
use crate::model::{Field, PacketIn, PacketInReason, PacketOut};
use crate::types::BufferId;

/// The packet that a switch keeps, if it does.
fn buffer(f: &mut Formatter<'_>, buffer: Option<BufferId>) -> fmt::Result {
    match buffer {
        Some(BufferId(number)) => write!(f, "buffer={number:#010x}"),
        None => f.write_str("(unbuffered)"),
    }
}

impl Display for PacketInReason {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMatch => f.write_str("no_match"),
            Self::Action => f.write_str("action"),
            Self::InvalidTtl => f.write_str("invalid_ttl"),
            Self::Unknown(number) => write!(f, "{number}"),
        }
    }
}

impl Display for PacketIn {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "table_id={} ", self.table.0)?;
        if let Some(cookie) = self.cookie {
            write!(f, "cookie={:#x} ", cookie.0)?;
        }
        write!(
            f,
            "total_len={} in_port={}",
            self.total_len,
            Name(self.in_port)
        )?;
        // The port is said already, unless the pattern says another.
        let mut metadata = self.pattern.clone();
        if metadata.exact(Field::InPort) == Some(self.in_port.0.into()) {
            metadata.remove(Field::InPort);
        }
        let (metadata, length) = (Match(&metadata), self.data.len());
        write!(f, "{metadata} (via {}) data_len={length} ", self.reason)?;
        buffer(f, self.buffer_id)
    }
}

impl Display for PacketOut {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let actions = Actions(&self.actions);
        write!(f, "in_port={} actions={actions} ", Name(self.in_port))?;
        match self.buffer_id {
            None => write!(f, "data_len={}", self.data.len()),
            kept => buffer(f, kept),
        }
    }
}
