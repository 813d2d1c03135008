//! One message with all that its header says: version, transaction id and direction.
//!
//! As JSON it is one flat object:
//! `{"version": "1.3", "xid": 7, "to": "switch", "type": "flow_mod", "body": {…}}`.

pub(crate) mod kind;
#[cfg(test)]
mod tests;

use std::fmt;

use bytes::BytesMut;
use serde::{Deserialize, Serialize};

use crate::codec::{Frame, encode_from_switch, encode_to_switch};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::text::{Fields, behind_colon};
use crate::model::{BundleStep, FromSwitch, ToSwitch};
use crate::types::{Version, Xid};

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a controller to a switch.
    ToSwitch,
    /// From a switch to a controller.
    FromSwitch,
}

/// What a message says, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to")]
pub enum Body {
    /// To a switch.
    #[serde(rename = "switch")]
    ToSwitch(ToSwitch),
    /// To a controller.
    #[serde(rename = "controller")]
    FromSwitch(FromSwitch),
}

/// A message and its header (OF 1.3.5 §7.1, `ofp_header`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The version that it is written in. A HELLO from a switch may have any number in its header, which stands in its
    /// body; it is taken to be of the highest version spoken here that is not above that number, else of the lowest.
    pub version: Version,
    /// Joins a reply, or an error, to its request.
    pub xid: Xid,
    /// What it says.
    #[serde(flatten)]
    pub body: Body,
}

impl Message {
    /// Reads a message. Most types go one way only; those that go both ways are read as `direction` says.
    ///
    /// Without a `direction` an experimenter's message that is known goes the way that it is defined for; HELLO, ERROR,
    /// echoes, other experimenters' messages and types that the version does not define are read as from a switch. A
    /// type that goes only one way is read as that, whatever `direction` is.
    ///
    /// # Errors
    /// When the bytes are not what their version and type say, or the version is not spoken here. A HELLO to a switch
    /// must be of a version that is spoken here too: the model has no place for another.
    pub fn decode(frame: &Frame, direction: Option<Direction>) -> Result<Self, DecodeError> {
        let fixed = Version::from_wire(frame.version())
            .and_then(|version| kind::direction(version, frame.message_type()));
        let body = match fixed.or(direction) {
            Some(Direction::ToSwitch) => Body::ToSwitch(frame.to_switch()?),
            Some(Direction::FromSwitch) => Body::FromSwitch(frame.from_switch()?),
            None => Self::guess(frame)?,
        };
        Ok(Self {
            version: Self::version_of(frame, &body)?,
            xid: frame.xid(),
            body,
        })
    }

    /// Reads a message that may go either way.
    fn guess(frame: &Frame) -> Result<Body, DecodeError> {
        let read = frame.from_switch();
        let to_switch = match &read {
            Ok(FromSwitch::Experimenter { .. }) | Err(_) => match frame.to_switch() {
                Ok(ToSwitch::Experimenter { .. }) | Err(_) => None,
                known => known.ok(),
            },
            Ok(FromSwitch::BundleControl(control)) if is_request(control.step) => {
                Some(frame.to_switch()?)
            }
            Ok(_) => None,
        };
        match to_switch {
            Some(message) => Ok(Body::ToSwitch(message)),
            None => read.map(Body::FromSwitch),
        }
    }

    fn version_of(frame: &Frame, body: &Body) -> Result<Version, DecodeError> {
        match (Version::from_wire(frame.version()), body) {
            (Some(version), _) => Ok(version),
            (None, Body::FromSwitch(FromSwitch::Hello { header_version, .. })) => Ok(Version::ALL
                .into_iter()
                .rev()
                .find(|version| version.wire() <= *header_version)
                .unwrap_or(Version::V10)),
            (None, _) => Err(DecodeError {
                version: frame.version(),
                message_type: frame.message_type(),
                field: "version",
                offset: 0,
                problem: Problem::Version,
            }),
        }
    }

    /// Appends the message. On an error the buffer is as it was.
    ///
    /// # Errors
    /// When the version can't express the message, or it is larger than 65,535 bytes.
    pub fn encode(&self, buffer: &mut BytesMut) -> Result<(), Unsupported> {
        match &self.body {
            Body::ToSwitch(message) => encode_to_switch(self.version, self.xid, message, buffer),
            Body::FromSwitch(message) => {
                encode_from_switch(self.version, self.xid, message, buffer)
            }
        }
    }

    /// Which way it goes.
    #[must_use]
    pub const fn direction(&self) -> Direction {
        match self.body {
            Body::ToSwitch(_) => Direction::ToSwitch,
            Body::FromSwitch(_) => Direction::FromSwitch,
        }
    }

    /// The name of its type in its version, such as `FLOW_MOD`; `UNKNOWN` for types that the version doesn't define. An
    /// experimenter's message that is known has the name that the experimenter gave it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match &self.body {
            Body::ToSwitch(message) => kind::name_to_switch(self.version, message),
            Body::FromSwitch(message) => kind::name_from_switch(self.version, message),
        }
    }
}

/// Whether a controller asks for this step, rather than a switch reporting it.
const fn is_request(step: BundleStep) -> bool {
    matches!(
        step,
        BundleStep::OpenRequest
            | BundleStep::CloseRequest
            | BundleStep::CommitRequest
            | BundleStep::DiscardRequest
    )
}

impl fmt::Display for Message {
    /// One line: `FLOW_MOD (OF1.3) (xid=0x7): ADD …`. In the alternate form (`{:#}`) the records of a list follow in lines of
    /// their own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, version, xid) = (self.name(), self.version, self.xid.0);
        write!(f, "{name} (OF{version}) (xid={xid:#x})")?;
        match &self.body {
            Body::ToSwitch(message) => behind_colon(f, &Fields(message)),
            Body::FromSwitch(message) => behind_colon(f, &Fields(message)),
        }
    }
}
