//! What is printed: one line for a message, or for what could not be read.

use std::fmt::Display;
use std::io::{self, Write};

use godwit_openflow::error::Problem;
use godwit_openflow::message::{Direction, Message};
use godwit_openflow::{DecodeError, Frame};
use serde::Serialize;

use super::connections::Place;
use super::cutter::Trouble;
use super::hex::{CutError, HexError};
use super::time::Time;

/// Where lines go.
pub(super) struct Output<'a> {
    out: &'a mut dyn Write,
    json: bool,
    /// Messages so far.
    pub(super) messages: u64,
    /// Whether something could not be read.
    pub(super) failed: bool,
}

/// Where something was captured, as members of its line.
#[derive(Serialize)]
struct Captured {
    time: Option<Time>,
    #[serde(serialize_with = "text")]
    from_address: std::net::SocketAddr,
    #[serde(serialize_with = "text")]
    to_address: std::net::SocketAddr,
}

#[derive(Serialize)]
struct Line<T: Serialize> {
    #[serde(flatten)]
    captured: Option<Captured>,
    #[serde(flatten)]
    content: T,
}

#[derive(Serialize)]
struct Failed<'a> {
    error: Fault<'a>,
}

#[derive(Serialize)]
struct Noted {
    note: String,
}

/// What is wrong. `type` is the header's type byte, `offset` counts bytes: of a message, or before it.
#[derive(Default, Serialize)]
struct Fault<'a> {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u8>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    message_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    xid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<u64>,
}

impl<'a> Output<'a> {
    pub(super) fn new(out: &'a mut dyn Write, json: bool) -> Self {
        Self {
            out,
            json,
            messages: 0,
            failed: false,
        }
    }

    /// Prints a message, or what is wrong with it.
    pub(super) fn frame(
        &mut self,
        place: Option<&Place>,
        frame: &Frame,
        direction: Option<Direction>,
    ) -> io::Result<()> {
        self.messages += 1;
        match Message::decode(frame, direction) {
            Ok(message) if self.json => self.object(place, &message),
            Ok(message) => self.text(place, &message),
            Err(error) if self.json => self.fault(place, fault(&error, frame)),
            Err(error) => self.fault_text(place, &error),
        }
    }

    /// Prints what is wrong with a stream.
    pub(super) fn trouble(&mut self, place: Option<&Place>, trouble: &Trouble) -> io::Result<()> {
        match (trouble.is_failure(), self.json) {
            (true, true) => self.fault(place, plain(trouble)),
            (true, false) => self.fault_text(place, trouble),
            (false, true) => {
                let note = trouble.to_string();
                self.object(place, Noted { note })
            }
            (false, false) => self.text(place, &format_args!("note: {trouble}")),
        }
    }

    /// Prints that bytes can't be cut into messages.
    pub(super) fn cut_error(&mut self, error: &CutError) -> io::Result<()> {
        if !self.json {
            return self.fault_text(None, error);
        }
        let length = error.length();
        let fault = Fault {
            field: length.map(|_| "length"),
            offset: Some(error.offset()),
            value: length.map(|length| length as u64),
            ..plain(error)
        };
        self.fault(None, fault)
    }

    /// Prints that text is not hex.
    pub(super) fn hex_error(&mut self, error: &HexError) -> io::Result<()> {
        if self.json {
            self.fault(None, plain(error))
        } else {
            self.fault_text(None, error)
        }
    }

    /// Hands on what was printed so far.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn fault(&mut self, place: Option<&Place>, error: Fault<'_>) -> io::Result<()> {
        self.failed = true;
        self.object(place, Failed { error })
    }

    fn fault_text(&mut self, place: Option<&Place>, error: &dyn Display) -> io::Result<()> {
        self.failed = true;
        self.text(place, &format_args!("error: {error}"))
    }

    fn object(&mut self, place: Option<&Place>, content: impl Serialize) -> io::Result<()> {
        let captured = place.map(|place| Captured {
            time: place.time,
            from_address: place.from,
            to_address: place.to,
        });
        match captured {
            // Nothing to join: the message as it is.
            None => serde_json::to_writer(&mut *self.out, &content)?,
            captured => serde_json::to_writer(&mut *self.out, &Line { captured, content })?,
        }
        self.out.write_all(b"\n")
    }

    fn text(&mut self, place: Option<&Place>, content: &dyn Display) -> io::Result<()> {
        if let Some(place) = place {
            match place.time {
                Some(time) => write!(self.out, "{time} ")?,
                None => write!(self.out, "- ")?,
            }
            let to = match place.direction {
                Direction::ToSwitch => "switch",
                Direction::FromSwitch => "controller",
            };
            write!(self.out, "{} > {} to {to}: ", place.from, place.to)?;
        }
        writeln!(self.out, "{content}")
    }
}

fn plain(error: &dyn Display) -> Fault<'static> {
    Fault {
        message: error.to_string(),
        ..Fault::default()
    }
}

fn fault<'a>(error: &DecodeError, frame: &Frame) -> Fault<'a> {
    let value = match error.problem {
        Problem::Length(value) | Problem::TooMany(value) => Some(value as u64),
        Problem::Truncated { needed, .. } => Some(needed as u64),
        Problem::Value(value) => Some(value),
        Problem::Version => Some(error.version.into()),
        Problem::Duplicate | Problem::Missing => None,
    };
    Fault {
        version: Some(error.version),
        message_type: Some(error.message_type),
        xid: Some(frame.xid().0),
        field: Some(error.field),
        offset: Some(error.offset),
        value,
        ..plain(error)
    }
}

fn text<T: Display, S: serde::Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
