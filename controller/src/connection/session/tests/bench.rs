//! A session without a connection: frames to give it, and its outputs in words.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use godwit_openflow::Frame;
use godwit_openflow::codec::encode_from_switch;
use godwit_openflow::model::{
    Description, ErrorReport, Features, FlowRemoved, FlowRemovedReason, FromSwitch, PacketIn,
    PacketInReason, Pattern, Port, PortStatus, PortStatusReason, StatsReply, StatsRequest,
    ToSwitch,
};
use godwit_openflow::types::{Cookie, DatapathId, MacAddr, PortNo, TableId, Version, Xid};

use super::super::{Output, Session};
use crate::connection::observer::SwitchMessage;
use crate::limits::Limits;
use crate::switch::pending::{Reply, Xids};

// The ids that a session gives out, in order.
pub(super) const FEATURES: u32 = 2;
pub(super) const DESCRIPTION: u32 = 3;
pub(super) const PORTS_13: u32 = 4;

pub(super) const STRANGE: u32 = 0x00ab_cdef;

pub(super) fn frame(version: Version, xid: u32, message: &FromSwitch) -> Frame {
    let mut buffer = BytesMut::new();
    encode_from_switch(version, Xid(xid), message, &mut buffer).unwrap();
    Frame::new(buffer.freeze()).unwrap()
}

pub(super) fn raw(version: u8, message_type: u8, xid: u32, body: &[u8]) -> Frame {
    let mut bytes = vec![version, message_type];
    bytes.extend_from_slice(&u16::try_from(8 + body.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(&xid.to_be_bytes());
    bytes.extend_from_slice(body);
    Frame::new(bytes.into()).unwrap()
}

pub(super) fn hello(version: Version) -> FromSwitch {
    FromSwitch::Hello {
        bitmap: Some(vec![version.wire()]),
        elements: Vec::new(),
        header_version: version.wire(),
    }
}

pub(super) fn port(number: u32, name: &str) -> Port {
    Port {
        number: PortNo(number),
        mac: MacAddr([2, 0, 0, 0, 0, 1]),
        name: name.to_owned(),
        admin_down: false,
        link_down: false,
        config: 0,
        state: 0,
        features: [0; 4],
        current_speed: 0,
        max_speed: 0,
    }
}

pub(super) fn features(version: Version) -> FromSwitch {
    let ports =
        (version == Version::V10).then(|| vec![port(1, "s1-eth1"), port(PortNo::LOCAL.0, "s1")]);
    FromSwitch::Features(Features {
        datapath_id: DatapathId(1),
        buffers: 0,
        tables: 254,
        auxiliary_id: 0,
        capabilities: 0,
        actions: None,
        ports,
    })
}

pub(super) fn description() -> FromSwitch {
    FromSwitch::Stats {
        more: false,
        body: StatsReply::Description(Description::default()),
    }
}

pub(super) fn port_description() -> FromSwitch {
    let ports = vec![port(1, "s1-eth1"), port(PortNo::LOCAL.0, "s1")];
    FromSwitch::Stats {
        more: false,
        body: StatsReply::PortDescription(ports),
    }
}

pub(super) fn packet_in() -> FromSwitch {
    FromSwitch::PacketIn(PacketIn {
        buffer_id: None,
        total_len: 60,
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: None,
        in_port: PortNo(1),
        pattern: Pattern::new(),
        data: Bytes::from_static(&[0; 60]),
    })
}

pub(super) fn port_status(reason: PortStatusReason, port: Port) -> FromSwitch {
    FromSwitch::PortStatus(PortStatus { reason, port })
}

pub(super) fn flow_removed() -> FromSwitch {
    FromSwitch::FlowRemoved(FlowRemoved {
        cookie: Cookie(7),
        priority: 1,
        reason: FlowRemovedReason::Delete,
        table: TableId(0),
        duration_ns: 0,
        idle_timeout: 0,
        hard_timeout: 0,
        packets: 1,
        bytes: 60,
        pattern: Pattern::new(),
    })
}

pub(super) fn refusal(version: Version) -> FromSwitch {
    FromSwitch::Error(ErrorReport {
        version,
        error_type: 1,
        code: 5,
        data: Bytes::new(),
    })
}

pub(super) fn describe(output: &Output) -> String {
    match output {
        Output::Send { message, .. } => match message {
            ToSwitch::Hello { .. } => "HELLO".to_owned(),
            ToSwitch::Error(report) => format!("ERROR {}/{}", report.error_type, report.code),
            ToSwitch::EchoRequest(_) => "ECHO_REQUEST".to_owned(),
            ToSwitch::EchoReply(_) => "ECHO_REPLY".to_owned(),
            ToSwitch::FeaturesRequest => "FEATURES_REQUEST".to_owned(),
            ToSwitch::SetConfig(_) => "SET_CONFIG".to_owned(),
            ToSwitch::StatsRequest {
                body: StatsRequest::Description,
                ..
            } => "DESC".to_owned(),
            ToSwitch::StatsRequest {
                body: StatsRequest::PortDescription,
                ..
            } => "PORT_DESC".to_owned(),
            other => format!("{other:?}"),
        },
        Output::Identified { .. } => "identified".to_owned(),
        Output::Answer { reply, .. } => match reply {
            Reply::Barrier => "answer: barrier",
            Reply::Echo => "answer: echo",
            Reply::Bundle(_) => "answer: bundle",
            Reply::Stats { .. } => "answer: stats",
            Reply::Single(_) => "answer: single",
            Reply::Error(_) => "answer: error",
            Reply::Undecodable(_) => "answer: undecodable",
        }
        .to_owned(),
        Output::Deliver(message) => match message {
            SwitchMessage::PacketIn(_) => "deliver: packet-in",
            SwitchMessage::PortStatus(_) => "deliver: port-status",
            SwitchMessage::FlowRemoved(_) => "deliver: flow-removed",
            SwitchMessage::Error(_) => "deliver: error",
            SwitchMessage::Experimenter { .. } => "deliver: experimenter",
            SwitchMessage::Unknown { .. } => "deliver: unknown",
        }
        .to_owned(),
        Output::PacketInDropped => "drop".to_owned(),
        Output::Close(reason) => format!("close: {}", reason.label()),
    }
}

pub(super) fn summary(outputs: &[Output]) -> String {
    outputs.iter().map(describe).collect::<Vec<_>>().join(", ")
}

/// A session, and the time.
pub(super) struct Bench {
    pub(super) session: Session,
    pub(super) version: Version,
    pub(super) now: Instant,
}

impl Bench {
    pub(super) fn new(version: Version) -> Self {
        let now = Instant::now();
        let session = Session::new(&Limits::default(), Arc::new(Xids::default()), now);
        assert_eq!(summary(&session.start()), "HELLO");
        Self {
            session,
            version,
            now,
        }
    }

    pub(super) fn give(&mut self, xid: u32, message: &FromSwitch) -> Vec<Output> {
        self.session
            .on_frame(&frame(self.version, xid, message), self.now)
    }

    pub(super) fn after_hello(version: Version) -> Self {
        let mut bench = Self::new(version);
        assert_eq!(summary(&bench.give(0, &hello(version))), "FEATURES_REQUEST");
        bench
    }

    pub(super) fn after_features(version: Version) -> Self {
        let mut bench = Self::after_hello(version);
        let asked = summary(&bench.give(FEATURES, &features(version)));
        assert_eq!(
            asked,
            if version == Version::V13 {
                "DESC, PORT_DESC"
            } else {
                "DESC"
            }
        );
        bench
    }

    pub(super) fn identified(version: Version) -> Self {
        let mut bench = Self::after_features(version);
        if version == Version::V13 {
            assert_eq!(summary(&bench.give(PORTS_13, &port_description())), "");
        }
        assert_eq!(
            summary(&bench.give(DESCRIPTION, &description())),
            "identified"
        );
        bench
    }

    pub(super) fn ready(version: Version) -> Self {
        let mut bench = Self::identified(version);
        assert_eq!(summary(&bench.session.admit(bench.now)), "SET_CONFIG");
        bench
    }

    pub(super) fn at(stage: Stage, version: Version) -> Self {
        match stage {
            Stage::AwaitHello => Self::new(version),
            Stage::AwaitFeatures => Self::after_hello(version),
            Stage::AwaitDetails => Self::after_features(version),
            Stage::AwaitAdmission => Self::identified(version),
            Stage::Ready => Self::ready(version),
        }
    }

    pub(super) fn tick_after(&mut self, wait: Duration) -> String {
        self.now += wait;
        summary(&self.session.on_tick(self.now))
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Stage {
    AwaitHello,
    AwaitFeatures,
    AwaitDetails,
    AwaitAdmission,
    Ready,
}

pub(super) const STAGES: [Stage; 5] = [
    Stage::AwaitHello,
    Stage::AwaitFeatures,
    Stage::AwaitDetails,
    Stage::AwaitAdmission,
    Stage::Ready,
];
