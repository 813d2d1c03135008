//! Cutting an ordered stream into messages, and finding their boundaries again after a gap.

mod boundary;

use bytes::{Buf as _, BytesMut};
use godwit_openflow::Frame;

use boundary::{HEADER_LENGTH, Header};

/// How many bytes are searched for a boundary before a stream is given up: two messages of the largest length.
const MAX_SEARCHED: usize = 2 * 65_535;

/// How many messages in a row may have a version that does not exist before the stream counts as out of step.
const MAX_STRANGE: u8 = 3;

/// What a stream turned out to hold. Offsets count bytes since the stream's first one that was captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cut {
    Message(Frame),
    Trouble(Trouble),
}

/// What keeps bytes of a stream from being messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{missing} bytes are missing from the capture at byte {offset} of the stream{}", unfinished(*.dropped))]
    Gap {
        offset: u64,
        missing: u64,
        dropped: usize,
    },
    #[error("{skipped} bytes skipped at byte {offset} of the stream, up to the next message")]
    Skipped { offset: u64, skipped: usize },
    #[error("not OpenFlow{}: the stream begins with {start}, and is not read", tls(.start))]
    NotOpenFlow { start: String },
    #[error(
        "out of step at byte {offset} of the stream: {header} is no message's header; the rest of the stream is not read"
    )]
    OutOfStep { offset: u64, header: String },
    #[error(
        "no message found in {searched} bytes from byte {offset} of the stream on; the rest of the stream is not read"
    )]
    NoBoundary { offset: u64, searched: usize },
    #[error("the capture ends within a message: {have} bytes of it are there{}", of(*.length))]
    Unfinished { have: usize, length: Option<usize> },
    #[error("a fragment of an IP packet: fragments are not put together")]
    Fragment,
}

impl Trouble {
    /// Whether something that was captured could not be read, rather than not captured whole at the capture's ends.
    pub(super) const fn is_failure(&self) -> bool {
        !matches!(
            self,
            Self::Unfinished { .. } | Self::Skipped { offset: 0, .. }
        )
    }
}

fn unfinished(dropped: usize) -> String {
    match dropped {
        0 => String::new(),
        dropped => format!(", within a message of which {dropped} bytes were there"),
    }
}

/// `16 03` begins a handshake of TLS (RFC 8446 §5.1).
fn tls(start: &str) -> &'static str {
    if start.starts_with("1603") {
        " but TLS"
    } else {
        ""
    }
}

fn of(length: Option<usize>) -> String {
    length.map_or_else(String::new, |length| format!(" of {length}"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// At the first byte of a connection.
    Beginning,
    /// Somewhere in a connection: a boundary has to be found.
    #[default]
    Searching,
    InStep,
    /// Within a message that is lost, this many bytes before its end.
    Skipping(u64),
    /// Not read any more.
    Abandoned,
}

/// Cuts one direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    state: State,
    buffer: BytesMut,
    /// Where the buffer begins in the stream.
    offset: u64,
    /// The version of the last message, which narrows what a boundary looks like.
    version: Option<u8>,
    /// Messages in a row with a version that does not exist.
    strange: u8,
}

impl Cutter {
    /// For a stream that is captured from its first byte.
    pub(super) fn at_beginning() -> Self {
        Self {
            state: State::Beginning,
            ..Self::default()
        }
    }

    /// Takes the next bytes.
    pub(super) fn data(&mut self, bytes: &[u8], cut: &mut dyn FnMut(Cut)) {
        if self.state == State::Abandoned {
            return;
        }
        let segment = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        if let State::Skipping(left) = self.state {
            let skipped = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            self.advance(skipped);
            match left - skipped as u64 {
                0 => self.state = State::InStep,
                left => self.state = State::Skipping(left),
            }
        }
        if self.state == State::Beginning && !self.begins(cut) {
            return;
        }
        if self.state == State::Searching {
            self.search(segment, cut);
        }
        while self.state == State::InStep && self.cut_one(cut) {}
    }

    /// Takes that bytes are missing.
    pub(super) fn gap(&mut self, missing: u64, cut: &mut dyn FnMut(Cut)) {
        if self.state == State::Abandoned {
            return;
        }
        let after = self.after_gap(missing);
        if self.state == State::Searching {
            self.skip_all(cut);
        }
        let dropped = self.buffer.len();
        self.advance(dropped);
        cut(Cut::Trouble(Trouble::Gap {
            offset: self.offset,
            missing,
            dropped,
        }));
        self.offset += missing;
        self.state = after;
    }

    /// Takes that nothing follows.
    pub(super) fn finish(&mut self, cut: &mut dyn FnMut(Cut)) {
        if self.state == State::Searching {
            self.skip_all(cut);
        }
        let have = self.buffer.len();
        if have > 0 {
            let length = Header::read(&self.buffer).map(|header| header.length);
            cut(Cut::Trouble(Trouble::Unfinished { have, length }));
        }
        *self = Self::default();
    }

    /// Where a gap leads: when it lies within one message whose length is known, behind it all is in step again.
    fn after_gap(&self, missing: u64) -> State {
        let left = match self.state {
            State::Skipping(left) => left,
            State::InStep => match Header::read(&self.buffer) {
                Some(header) => (header.length - self.buffer.len()) as u64,
                None => return State::Searching,
            },
            State::Beginning | State::Searching => return State::Searching,
            State::Abandoned => return State::Abandoned,
        };
        match left.checked_sub(missing) {
            None => State::Searching,
            Some(0) => State::InStep,
            Some(left) => State::Skipping(left),
        }
    }

    /// Whether the stream begins like OpenFlow, as far as can be said yet. A stream that doesn't is abandoned.
    fn begins(&mut self, cut: &mut dyn FnMut(Cut)) -> bool {
        let strange = self
            .buffer
            .first()
            .is_some_and(|&version| !boundary::is_version(version));
        match Header::read(&self.buffer) {
            None if !strange => false,
            Some(header) if !strange && header.is_plausible(None) => {
                self.state = State::InStep;
                true
            }
            _ => {
                let start = self.start();
                self.abandon(Trouble::NotOpenFlow { start }, cut);
                false
            }
        }
    }

    fn search(&mut self, segment: usize, cut: &mut dyn FnMut(Cut)) {
        if let Some(skipped) = boundary::find(&self.buffer, segment, self.version) {
            self.skip(skipped, cut);
            self.state = State::InStep;
        } else if self.buffer.len() > MAX_SEARCHED {
            let (offset, searched) = (self.offset, self.buffer.len());
            self.abandon(Trouble::NoBoundary { offset, searched }, cut);
        }
    }

    /// Cuts a message; whether there may be another one.
    fn cut_one(&mut self, cut: &mut dyn FnMut(Cut)) -> bool {
        let Some(header) = Header::read(&self.buffer) else {
            return false;
        };
        let strange = if boundary::is_version(header.version) {
            0
        } else {
            self.strange + 1
        };
        if header.length < HEADER_LENGTH || strange >= MAX_STRANGE {
            let (offset, header) = (self.offset, self.start());
            self.abandon(Trouble::OutOfStep { offset, header }, cut);
            return false;
        }
        if self.buffer.len() < header.length {
            return false;
        }
        self.strange = strange;
        self.version = Some(header.version);
        self.offset += header.length as u64;
        match Frame::new(self.buffer.split_to(header.length).freeze()) {
            Ok(frame) => cut(Cut::Message(frame)),
            // The length has been seen to.
            Err(_) => self.state = State::Searching,
        }
        true
    }

    fn abandon(&mut self, trouble: Trouble, cut: &mut dyn FnMut(Cut)) {
        cut(Cut::Trouble(trouble));
        self.buffer = BytesMut::new();
        self.state = State::Abandoned;
    }

    fn skip_all(&mut self, cut: &mut dyn FnMut(Cut)) {
        self.skip(self.buffer.len(), cut);
    }

    fn skip(&mut self, count: usize, cut: &mut dyn FnMut(Cut)) {
        if count > 0 {
            let (offset, skipped) = (self.offset, count);
            cut(Cut::Trouble(Trouble::Skipped { offset, skipped }));
        }
        self.advance(count);
    }

    fn advance(&mut self, count: usize) {
        self.buffer.advance(count);
        self.offset += count as u64;
    }

    /// The first bytes of the buffer, in hex.
    fn start(&self) -> String {
        let start = self.buffer.iter().take(HEADER_LENGTH);
        start.map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests;
