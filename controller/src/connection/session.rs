//! The session with one switch: a state machine without I/O and without a clock.
//!
//! ```text
//!   start ──▶ AwaitHello ──HELLO──▶ AwaitFeatures ──FEATURES_REPLY──▶ AwaitDetails
//!   (HELLO)       │  (FEATURES_REQUEST)   │       (DESC, in 1.3 PORT_DESC)  │ all answered
//!                 │                       │                                 ▼ Identified
//!                 │                       │                          AwaitAdmission
//!                 │ anything else         │ refusal, deadline               │ admit() (SET_CONFIG)
//!                 ▼                       ▼                                 ▼
//!               Closed ◀───────────────────────────────────────────────── Ready ⟲ echo, messages
//! ```
//!
//! Nothing that changes the switch is sent before `admit()`: until then it may be an impostor with another's
//! datapath id.

mod handshake;
mod negotiation;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use godwit_openflow::Frame;
use godwit_openflow::error::{DecodeError, Problem};
use godwit_openflow::model::{ErrorReport, FromSwitch, PacketIn, SwitchConfig, ToSwitch};
use godwit_openflow::types::{Version, Xid};

use self::handshake::{Details, Hello};
use super::close::CloseReason;
use super::deliveries::is_lldp;
use super::observer::SwitchMessage;
use super::rate::RateLimit;
use crate::limits::{
    ADMISSION_DEADLINE, ERROR_DATA_BYTES, LLDP_RATE, Limits, UNDECODABLE, UNDECODABLE_WINDOW,
    WRONG_VERSIONS,
};
use crate::switch::pending::{Reply, Xids};
use crate::switch::{Identity, PortTable};

/// What is to be done. In the order given.
#[derive(Debug)]
pub(crate) enum Output {
    /// Send this, before all that waits.
    Send {
        version: Version,
        xid: Xid,
        message: ToSwitch,
    },
    /// The handshake is complete but for the admission: see whether the datapath id is free, then
    /// [`Session::admit`].
    Identified {
        identity: Box<Identity>,
        ports: PortTable,
    },
    /// An answer to what was asked under this id. An [`Error`](Reply::Error) may be about a message nobody waits for.
    Answer { xid: Xid, reply: Reply },
    /// Tell the observer.
    Deliver(SwitchMessage),
    /// A PACKET_IN came at a bad time or too fast.
    PacketInDropped,
    /// End the connection, once what was to be sent has left.
    Close(CloseReason),
}

/// One connection's progress.
#[derive(Debug)]
pub(crate) struct Session {
    xids: Arc<Xids>,
    state: State,
    version: Version,
    /// Of the states before [`State::Ready`].
    deadline: Instant,
    echo_after: Duration,
    echo_deadline: Duration,
    heard_at: Instant,
    /// The echo request that is not answered yet, and when it was sent.
    probe: Option<(Xid, Instant)>,
    wrong_versions: u32,
    undecodable: u32,
    undecodable_since: Instant,
    packet_ins: RateLimit,
    lldp: RateLimit,
}

#[derive(Debug)]
enum State {
    AwaitHello,
    AwaitFeatures { xid: Xid },
    AwaitDetails(Box<Details>),
    AwaitAdmission,
    Ready,
    Closed,
}

/// Type codes that both versions share.
mod code {
    pub(super) const HELLO: u8 = 0;
    pub(super) const ERROR: u8 = 1;

    /// `OFPET_HELLO_FAILED`, `OFPHFC_INCOMPATIBLE`.
    pub(super) const INCOMPATIBLE: (u16, u16) = (0, 0);
    /// `OFPET_BAD_REQUEST`, `OFPBRC_BAD_VERSION`.
    pub(super) const BAD_VERSION: (u16, u16) = (1, 0);
    /// `OFPET_BAD_REQUEST`, `OFPBRC_BAD_TYPE`.
    pub(super) const BAD_TYPE: (u16, u16) = (1, 1);
    /// `OFPET_BAD_REQUEST`, `OFPBRC_BAD_LEN`.
    pub(super) const BAD_LEN: (u16, u16) = (1, 6);
}

impl Session {
    /// A connection just made. The handshake's deadline runs from `now`.
    pub(crate) fn new(limits: &Limits, xids: Arc<Xids>, now: Instant) -> Self {
        Self {
            xids,
            state: State::AwaitHello,
            version: Version::V13,
            deadline: now + limits.handshake_deadline,
            echo_after: limits.echo_after,
            echo_deadline: limits.echo_deadline,
            heard_at: now,
            probe: None,
            wrong_versions: 0,
            undecodable: 0,
            undecodable_since: now,
            packet_ins: RateLimit::new(limits.packet_in_rate, limits.packet_in_burst, now),
            lldp: RateLimit::new(LLDP_RATE, LLDP_RATE, now),
        }
    }

    /// The first message: our HELLO, with every version we speak.
    pub(crate) fn start(&self) -> Vec<Output> {
        let bitmap = Some(Version::ALL.map(Version::wire).to_vec());
        vec![Output::Send {
            version: Version::V13,
            xid: self.xids.next(),
            message: ToSwitch::hello(bitmap),
        }]
    }

    /// When [`Self::on_tick`] is to be called, unless a message comes first.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        match (&self.state, self.probe) {
            (State::Closed, _) => None,
            (State::Ready, Some((_, sent))) => Some(sent + self.echo_deadline),
            (State::Ready, None) => Some(self.heard_at + self.echo_after),
            _ => Some(self.deadline),
        }
    }

    /// Time has passed.
    pub(crate) fn on_tick(&mut self, now: Instant) -> Vec<Output> {
        let mut out = Vec::new();
        if self.next_deadline().is_none_or(|deadline| now < deadline) {
            return out;
        }
        match (&self.state, self.probe) {
            (State::Ready, None) => {
                let xid = self.xids.next();
                self.probe = Some((xid, now));
                self.send(xid, ToSwitch::EchoRequest(Bytes::new()), &mut out);
            }
            (State::Ready, Some(_)) => self.close(CloseReason::Silent, &mut out),
            (State::AwaitAdmission, _) => self.close(CloseReason::StillBusy, &mut out),
            _ => self.close(CloseReason::HandshakeTimeout(self.awaited()), &mut out),
        }
        out
    }

    /// A whole message has come.
    pub(crate) fn on_frame(&mut self, frame: &Frame, now: Instant) -> Vec<Output> {
        if !matches!(self.state, State::Ready)
            && self.next_deadline().is_some_and(|deadline| now >= deadline)
        {
            // A peer that never stops talking would put the tick off for ever.
            return self.on_tick(now);
        }
        let mut out = Vec::new();
        self.heard_at = now;
        self.probe = None;
        match &self.state {
            State::Closed => {}
            State::AwaitHello => self.on_hello(Hello::read(frame), &mut out),
            // What was negotiated stays: a later HELLO has no meaning in any version, and a switch that sends one
            // is otherwise well.
            _ if frame.message_type() == code::HELLO => {}
            _ if frame.version() != self.version.wire() => self.on_wrong_version(frame, &mut out),
            _ => match frame.from_switch() {
                Ok(message) => self.on_message(frame, message, now, &mut out),
                Err(error) => self.on_undecodable(frame, error, now, &mut out),
            },
        }
        out
    }

    /// The datapath id is this connection's: the switch is configured and is ready.
    pub(crate) fn admit(&mut self, now: Instant) -> Vec<Output> {
        let mut out = Vec::new();
        if matches!(self.state, State::AwaitAdmission) {
            self.state = State::Ready;
            self.heard_at = now;
            let config = SwitchConfig {
                flags: 0,
                miss_send_len: WHOLE_PACKETS,
            };
            self.send(self.xids.next(), ToSwitch::SetConfig(config), &mut out);
        }
        out
    }

    fn on_message(
        &mut self,
        frame: &Frame,
        message: FromSwitch,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let xid = frame.xid();
        match message {
            FromSwitch::EchoRequest(payload) => self.send(xid, ToSwitch::EchoReply(payload), out),
            FromSwitch::Unknown { message_type, body }
                if self.is_reply_without_a_word(message_type) =>
            {
                self.deliver(SwitchMessage::Unknown { message_type, body }, out);
            }
            FromSwitch::Unknown { .. } => self.refuse(frame, code::BAD_TYPE, out),
            message => match self.state {
                State::AwaitFeatures { xid: asked } => self.on_features(xid, asked, message, out),
                State::AwaitDetails(_) => self.on_details(frame, message, out),
                _ => self.on_running(frame, message, now, out),
            },
        }
    }

    /// In the states in which the switch is known.
    fn on_running(
        &mut self,
        frame: &Frame,
        message: FromSwitch,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        let xid = frame.xid();
        match message {
            FromSwitch::PacketIn(packet) => self.on_packet_in(packet, now, out),
            FromSwitch::PortStatus(status) => self.deliver(SwitchMessage::PortStatus(status), out),
            FromSwitch::FlowRemoved(removed) => {
                self.deliver(SwitchMessage::FlowRemoved(removed), out)
            }
            FromSwitch::Experimenter {
                experimenter,
                exp_type,
                body,
            } => {
                self.deliver(
                    SwitchMessage::Experimenter {
                        experimenter,
                        exp_type,
                        body,
                    },
                    out,
                );
            }
            FromSwitch::Error(report) => out.push(Output::Answer {
                xid,
                reply: Reply::Error(report),
            }),
            FromSwitch::BarrierReply => out.push(Output::Answer {
                xid,
                reply: Reply::Barrier,
            }),
            FromSwitch::EchoReply(_) => out.push(Output::Answer {
                xid,
                reply: Reply::Echo,
            }),
            FromSwitch::BundleControl(control) => out.push(Output::Answer {
                xid,
                reply: Reply::Bundle(control.step),
            }),
            FromSwitch::Stats { more, body } => {
                let bytes = frame.bytes().len();
                out.push(Output::Answer {
                    xid,
                    reply: Reply::Stats { more, body, bytes },
                });
            }
            message @ (FromSwitch::QueueConfig(_) | FromSwitch::Role(_)) => {
                let reply = Reply::Single(Box::new(message));
                out.push(Output::Answer { xid, reply });
            }
            // Answers to nothing that is asked in these states; the others never come here.
            FromSwitch::Features(_)
            | FromSwitch::Config(_)
            | FromSwitch::AsyncConfig(_)
            | FromSwitch::FlowMonitorPaused
            | FromSwitch::FlowMonitorResumed
            | FromSwitch::Hello { .. }
            | FromSwitch::EchoRequest(_)
            | FromSwitch::Unknown { .. } => {}
        }
    }

    fn on_packet_in(&mut self, packet: PacketIn, now: Instant, out: &mut Vec<Output>) {
        let limit = if is_lldp(&packet.data) {
            &mut self.lldp
        } else {
            &mut self.packet_ins
        };
        if matches!(self.state, State::Ready) && limit.take(now) {
            self.deliver(SwitchMessage::PacketIn(packet), out);
        } else {
            out.push(Output::PacketInDropped);
        }
    }

    fn deliver(&self, message: SwitchMessage, out: &mut Vec<Output>) {
        if matches!(self.state, State::AwaitAdmission | State::Ready) {
            out.push(Output::Deliver(message));
        }
    }

    fn on_wrong_version(&mut self, frame: &Frame, out: &mut Vec<Output>) {
        self.wrong_versions += 1;
        self.refuse(frame, code::BAD_VERSION, out);
        if self.wrong_versions >= WRONG_VERSIONS {
            self.close(CloseReason::WrongVersion, out);
        }
    }

    fn on_undecodable(
        &mut self,
        frame: &Frame,
        error: DecodeError,
        now: Instant,
        out: &mut Vec<Output>,
    ) {
        if now.duration_since(self.undecodable_since) > UNDECODABLE_WINDOW {
            self.undecodable_since = now;
            self.undecodable = 0;
        }
        self.undecodable += 1;
        // An answer to an error could go back and forth for ever.
        if frame.message_type() != code::ERROR {
            let code = if error.problem == Problem::Version {
                code::BAD_VERSION
            } else {
                code::BAD_LEN
            };
            self.refuse(frame, code, out);
        }
        out.push(Output::Answer {
            xid: frame.xid(),
            reply: Reply::Undecodable(error.clone()),
        });
        if self.needs(frame) {
            self.close(CloseReason::MalformedHandshake(error), out);
        } else if self.undecodable >= UNDECODABLE {
            self.close(CloseReason::Undecodable(error), out);
        }
    }

    /// Types that are answers by the specification, which the model has no word for: `ROLE_REPLY`,
    /// `QUEUE_GET_CONFIG_REPLY`, `GET_ASYNC_REPLY` (OF 1.3.5 §7.1), `QUEUE_GET_CONFIG_REPLY` (OF 1.0.2 §5.1).
    fn is_reply_without_a_word(&self, message_type: u8) -> bool {
        match self.version {
            Version::V10 => message_type == 21,
            Version::V13 => matches!(message_type, 23 | 25 | 27),
        }
    }

    fn refuse(&self, frame: &Frame, (error_type, code): (u16, u16), out: &mut Vec<Output>) {
        let head = &frame.bytes()[..frame.bytes().len().min(ERROR_DATA_BYTES)];
        let data = Bytes::copy_from_slice(head);
        let report = ErrorReport {
            version: self.version,
            error_type,
            code,
            data,
        };
        self.send(frame.xid(), ToSwitch::Error(report), out);
    }

    fn send(&self, xid: Xid, message: ToSwitch, out: &mut Vec<Output>) {
        out.push(Output::Send {
            version: self.version,
            xid,
            message,
        });
    }

    fn close(&mut self, reason: CloseReason, out: &mut Vec<Output>) {
        self.state = State::Closed;
        out.push(Output::Close(reason));
    }

    const fn awaited(&self) -> &'static str {
        match &self.state {
            State::AwaitHello => "its HELLO",
            State::AwaitFeatures { .. } => "its FEATURES_REPLY",
            State::AwaitDetails(_) => "its description and ports",
            State::AwaitAdmission | State::Ready | State::Closed => "nothing",
        }
    }
}

/// `miss_send_len` of a switch that sends packets whole (OF 1.3.5 §7.3.2, `OFPCML_NO_BUFFER`).
const WHOLE_PACKETS: u16 = 0xffff;

#[cfg(test)]
mod tests;
