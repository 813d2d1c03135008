//! Joining the parts of a statistics reply (OF 1.3.5 §7.3.5), within bounds.

use godwit_openflow::model::StatsReply;

use crate::limits::MULTIPART_PARTS;

/// The parts of one reply so far.
#[derive(Debug)]
pub(crate) struct Joiner {
    body: Option<StatsReply>,
    parts: usize,
    bytes: usize,
    max_bytes: usize,
}

/// What a part made of it.
#[derive(Debug)]
pub(crate) enum Joined {
    /// Others follow.
    Open,
    /// It was the last.
    Whole(StatsReply),
    /// More parts or bytes than allowed.
    TooLarge,
    /// The part is of another kind than those before.
    Mixed,
}

impl Joiner {
    /// For a reply of at most `max_bytes` on the wire.
    pub(crate) const fn new(max_bytes: usize) -> Self {
        Self {
            body: None,
            parts: 0,
            bytes: 0,
            max_bytes,
        }
    }

    /// Takes a part of `bytes` on the wire.
    pub(crate) fn push(&mut self, part: StatsReply, more: bool, bytes: usize) -> Joined {
        self.parts += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.parts > MULTIPART_PARTS || self.bytes > self.max_bytes {
            return Joined::TooLarge;
        }
        let body = match self.body.take() {
            None => part,
            Some(mut body) => match body.append(part) {
                Ok(()) => body,
                Err(_) => return Joined::Mixed,
            },
        };
        if more {
            self.body = Some(body);
            Joined::Open
        } else {
            Joined::Whole(body)
        }
    }
}
