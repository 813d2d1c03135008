//! The states before a switch is known.

use godwit_openflow::Frame;
use godwit_openflow::error::DecodeError;
use godwit_openflow::model::{
    Description, ErrorReport, Features, FromSwitch, Port, PortStatus, StatsReply, StatsRequest,
    ToSwitch,
};
use godwit_openflow::types::{Version, Xid};

use super::super::close::CloseReason;
use super::super::multipart::{Joined, Joiner};
use super::negotiation::{negotiate, version_of_refusal};
use super::{ADMISSION_DEADLINE, Output, Session, State, code};
use crate::limits::{HANDSHAKE_MULTIPART_BYTES, PORTS};
use crate::switch::{Identity, PortTable};

/// The first message, as far as it is one.
#[derive(Debug)]
pub(super) enum Hello {
    Offer {
        xid: Xid,
        header_version: u8,
        bitmap: Option<Vec<u8>>,
    },
    Malformed {
        xid: Xid,
        header_version: u8,
        error: DecodeError,
    },
    Refusal(ErrorReport),
    Other(u8),
}

impl Hello {
    pub(super) fn read(frame: &Frame) -> Self {
        let header_version = frame.version();
        match frame.from_switch() {
            Ok(FromSwitch::Hello { bitmap, .. }) => Self::Offer {
                xid: frame.xid(),
                header_version,
                bitmap,
            },
            Ok(FromSwitch::Error(report)) => Self::Refusal(report),
            Err(error) if frame.message_type() == code::HELLO => Self::Malformed {
                xid: frame.xid(),
                header_version,
                error,
            },
            Ok(_) | Err(_) => Self::Other(frame.message_type()),
        }
    }
}

/// What is known of a switch after its FEATURES_REPLY.
#[derive(Debug)]
pub(super) struct Details {
    features: Features,
    description: Question<Description>,
    ports: Question<Vec<Port>>,
    /// Changes of ports that came before the list of ports. Applied again on top of it: whether the list was made
    /// before or after them can't be told, and the last change of a port is right either way.
    changes: Vec<PortStatus>,
}

#[derive(Debug)]
enum Question<T> {
    Open { xid: Xid, joiner: Joiner },
    Answered(T),
}

impl<T> Question<T> {
    const fn open(xid: Xid) -> Self {
        Self::Open {
            xid,
            joiner: Joiner::new(HANDSHAKE_MULTIPART_BYTES),
        }
    }

    fn is_about(&self, answer: Xid) -> bool {
        matches!(self, Self::Open { xid, .. } if *xid == answer)
    }

    /// Takes a part of the answer; `read` says what of the whole was asked for.
    fn take(
        &mut self,
        part: StatsReply,
        more: bool,
        bytes: usize,
        read: fn(StatsReply) -> Option<T>,
    ) -> Result<(), CloseReason> {
        let Self::Open { joiner, .. } = self else {
            return Ok(());
        };
        match joiner.push(part, more, bytes) {
            Joined::Open => {}
            Joined::Whole(body) => match read(body) {
                Some(answer) => *self = Self::Answered(answer),
                None => return Err(CloseReason::UnexpectedAnswer),
            },
            Joined::TooLarge => return Err(CloseReason::HandshakeTooLarge),
            Joined::Mixed => return Err(CloseReason::UnexpectedAnswer),
        }
        Ok(())
    }
}

impl Session {
    pub(super) fn on_hello(&mut self, hello: Hello, out: &mut Vec<Output>) {
        match hello {
            Hello::Offer {
                xid,
                header_version,
                bitmap,
            } => match negotiate(header_version, bitmap.as_deref()) {
                Ok(version) => {
                    self.version = version;
                    let xid = self.xids.next();
                    self.state = State::AwaitFeatures { xid };
                    self.send(xid, ToSwitch::FeaturesRequest, out);
                }
                Err(text) => {
                    self.refuse_hello(xid, header_version, &text, out);
                    self.close(CloseReason::Incompatible(text), out);
                }
            },
            Hello::Malformed {
                xid,
                header_version,
                error,
            } => {
                self.refuse_hello(
                    xid,
                    header_version,
                    &format!("malformed HELLO: {error}"),
                    out,
                );
                self.close(CloseReason::MalformedHandshake(error), out);
            }
            Hello::Refusal(report) => self.close(CloseReason::Refused(report), out),
            Hello::Other(message_type) => self.close(CloseReason::NoHello(message_type), out),
        }
    }

    fn refuse_hello(&mut self, xid: Xid, header_version: u8, text: &str, out: &mut Vec<Output>) {
        self.version = version_of_refusal(header_version);
        let (error_type, code) = code::INCOMPATIBLE;
        let data = text.as_bytes().to_vec().into();
        let report = ErrorReport {
            version: self.version,
            error_type,
            code,
            data,
        };
        self.send(xid, ToSwitch::Error(report), out);
    }

    pub(super) fn on_features(
        &mut self,
        xid: Xid,
        asked: Xid,
        message: FromSwitch,
        out: &mut Vec<Output>,
    ) {
        match message {
            FromSwitch::Features(features) if xid == asked && features.auxiliary_id != 0 => {
                self.close(CloseReason::Auxiliary(features.auxiliary_id), out);
            }
            FromSwitch::Features(features) if xid == asked => self.ask_details(features, out),
            // A HELLO_FAILED carries an id of the switch's choice; before the features every error is about us.
            FromSwitch::Error(report) => self.close(CloseReason::Refused(report), out),
            FromSwitch::PacketIn(_) => out.push(Output::PacketInDropped),
            _ => {}
        }
    }

    fn ask_details(&mut self, mut features: Features, out: &mut Vec<Output>) {
        let listed = features.ports.take();
        let description = self.xids.next();
        self.send(description, ToSwitch::stats(StatsRequest::Description), out);
        let ports = if self.version == Version::V13 {
            let xid = self.xids.next();
            self.send(xid, ToSwitch::stats(StatsRequest::PortDescription), out);
            Question::open(xid)
        } else {
            Question::Answered(listed.unwrap_or_default())
        };
        self.state = State::AwaitDetails(Box::new(Details {
            features,
            description: Question::open(description),
            ports,
            changes: Vec::new(),
        }));
    }

    pub(super) fn on_details(&mut self, frame: &Frame, message: FromSwitch, out: &mut Vec<Output>) {
        let State::AwaitDetails(details) = &mut self.state else {
            return;
        };
        match details.learn(frame, message, out) {
            Ok(()) => self.identify_when_complete(out),
            Err(reason) => self.close(reason, out),
        }
    }

    /// Whether the handshake can't go on without this message.
    pub(super) fn needs(&self, frame: &Frame) -> bool {
        match &self.state {
            State::AwaitFeatures { xid } => *xid == frame.xid(),
            State::AwaitDetails(details) => {
                details.ports.is_about(frame.xid()) || details.description.is_about(frame.xid())
            }
            _ => false,
        }
    }

    fn identify_when_complete(&mut self, out: &mut Vec<Output>) {
        let complete = matches!(
            &self.state,
            State::AwaitDetails(details) if matches!(
                (&details.description, &details.ports),
                (Question::Answered(_), Question::Answered(_))
            )
        );
        if !complete {
            return;
        }
        // From here on the connection waits for us, not for the switch.
        self.deadline = self.heard_at + ADMISSION_DEADLINE;
        let State::AwaitDetails(details) =
            std::mem::replace(&mut self.state, State::AwaitAdmission)
        else {
            return;
        };
        match details.identity(self.version) {
            Ok((identity, ports)) => out.push(Output::Identified {
                identity: Box::new(identity),
                ports,
            }),
            Err(reason) => self.close(reason, out),
        }
    }
}

impl Details {
    fn learn(
        &mut self,
        frame: &Frame,
        message: FromSwitch,
        out: &mut Vec<Output>,
    ) -> Result<(), CloseReason> {
        let (xid, bytes) = (frame.xid(), frame.bytes().len());
        match message {
            FromSwitch::Stats { more, body } if self.description.is_about(xid) => {
                self.description.take(body, more, bytes, |body| match body {
                    StatsReply::Description(description) => Some(description),
                    _ => None,
                })
            }
            FromSwitch::Stats { more, body } if self.ports.is_about(xid) => {
                self.ports.take(body, more, bytes, |body| match body {
                    StatsReply::PortDescription(ports) => Some(ports),
                    _ => None,
                })
            }
            // A description is for people; one can do without it.
            FromSwitch::Error(_) if self.description.is_about(xid) => {
                self.description = Question::Answered(Description::default());
                Ok(())
            }
            FromSwitch::Error(report) => Err(CloseReason::Refused(report)),
            FromSwitch::PortStatus(_) if self.changes.len() >= PORTS => {
                Err(CloseReason::TooManyPorts)
            }
            FromSwitch::PortStatus(status) => {
                self.changes.push(status);
                Ok(())
            }
            FromSwitch::PacketIn(_) => {
                out.push(Output::PacketInDropped);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn identity(self, version: Version) -> Result<(Identity, PortTable), CloseReason> {
        let (Question::Answered(description), Question::Answered(list)) =
            (self.description, self.ports)
        else {
            return Err(CloseReason::UnexpectedAnswer);
        };
        let ports = PortTable::new(list).map_err(|_| CloseReason::TooManyPorts)?;
        for change in &self.changes {
            ports.apply(change).map_err(|_| CloseReason::TooManyPorts)?;
        }
        Ok((
            Identity {
                version,
                features: self.features,
                description,
            },
            ports,
        ))
    }
}
