//! A switch that says what the test tells it to.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use godwit_openflow::codec::encode_from_switch;
use godwit_openflow::model::{
    BundleControl, BundleStep, Description, ErrorReport, Features, FlowRemoved, FlowRemovedReason,
    FromSwitch, PacketIn, PacketInReason, Pattern, Port, PortStatus, PortStatusReason, StatsReply,
    StatsRequest, ToSwitch,
};
use godwit_openflow::types::{Cookie, DatapathId, MacAddr, PortNo, TableId, Version, Xid};
use godwit_openflow::{Frame, FrameCodec};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_util::codec::Decoder;

/// Longer than anything that is waited for in good order.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct FakeSwitch<S> {
    stream: S,
    received: BytesMut,
    version: Version,
    bundles: Bundles,
}

/// What a 1.3 switch makes of bundles.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bundles {
    Taken,
    Refused,
    Ignored,
}

impl<S: AsyncRead + AsyncWrite + Unpin> FakeSwitch<S> {
    pub(crate) fn new(stream: S, version: Version) -> Self {
        Self {
            stream,
            received: BytesMut::new(),
            version,
            bundles: Bundles::Ignored,
        }
    }

    pub(crate) fn with(self, bundles: Bundles) -> Self {
        Self { bundles, ..self }
    }

    /// A switch whose handshake is complete.
    pub(crate) async fn connected(stream: S, version: Version, dpid: u64) -> Self {
        let mut switch = Self::new(stream, version);
        switch.shake_hands(dpid).await;
        switch
    }

    pub(crate) async fn send(&mut self, xid: u32, message: &FromSwitch) {
        self.send_bytes(&encoded(self.version, xid, message))
            .await
            .unwrap();
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The next message of the controller; `None` when it has closed.
    pub(crate) async fn next(&mut self) -> Option<(u32, ToSwitch)> {
        loop {
            if let Some(frame) = FrameCodec.decode(&mut self.received).unwrap() {
                return Some((frame.xid().0, frame.to_switch().unwrap()));
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
            match read.expect("nothing came") {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next message, which must be there.
    pub(crate) async fn expect(&mut self) -> (u32, ToSwitch) {
        self.next().await.expect("the controller has closed")
    }

    /// The next message that is not about life signs or configuration.
    pub(crate) async fn expect_work(&mut self) -> (u32, ToSwitch) {
        loop {
            match self.expect().await {
                (xid, ToSwitch::EchoRequest(payload)) => {
                    self.send(xid, &FromSwitch::EchoReply(payload)).await
                }
                (_, ToSwitch::SetConfig(_)) => {}
                work => return work,
            }
        }
    }

    /// Everything until the controller closes.
    pub(crate) async fn until_closed(&mut self) -> Vec<ToSwitch> {
        let mut all = Vec::new();
        while let Some((_, message)) = self.next().await {
            all.push(message);
        }
        all
    }

    pub(crate) async fn shake_hands(&mut self, dpid: u64) {
        self.say_who_it_is(dpid).await;
        assert!(matches!(self.expect().await, (_, ToSwitch::SetConfig(_))));
        if self.version == Version::V13 {
            for asked in [BundleStep::OpenRequest, BundleStep::DiscardRequest] {
                let (xid, message) = self.expect().await;
                let ToSwitch::BundleControl(control) = message else {
                    panic!("{message:?}")
                };
                assert_eq!(control.step, asked);
                match self.bundles {
                    Bundles::Taken => self.did(xid, control).await,
                    Bundles::Refused => self.send(xid, &refusal(self.version, 1, 3)).await,
                    Bundles::Ignored => {}
                }
            }
        }
    }

    /// Says that a step in the life of a bundle was done.
    pub(crate) async fn did(&mut self, xid: u32, asked: BundleControl) {
        let step = match asked.step {
            BundleStep::OpenRequest => BundleStep::OpenReply,
            BundleStep::CommitRequest => BundleStep::CommitReply,
            BundleStep::DiscardRequest => BundleStep::DiscardReply,
            step => panic!("{step:?}"),
        };
        let done = BundleControl { step, ..asked };
        self.send(xid, &FromSwitch::BundleControl(done)).await;
    }

    /// The controller asks for this step in the life of a bundle.
    pub(crate) async fn expect_step(&mut self, step: BundleStep) -> (u32, BundleControl) {
        match self.expect_work().await {
            (xid, ToSwitch::BundleControl(control)) if control.step == step => (xid, control),
            (_, message) => panic!("{step:?}: {message:?}"),
        }
    }

    /// The controller asks for a barrier.
    pub(crate) async fn expect_barrier(&mut self) -> u32 {
        let (xid, message) = self.expect_work().await;
        assert_eq!(message, ToSwitch::BarrierRequest);
        xid
    }

    /// The handshake as far as the controller lets itself be told.
    pub(crate) async fn say_who_it_is(&mut self, dpid: u64) {
        assert!(matches!(self.expect().await, (_, ToSwitch::Hello { .. })));
        self.send(1, &hello(self.version)).await;
        let (xid, message) = self.expect().await;
        assert_eq!(message, ToSwitch::FeaturesRequest);
        self.send(xid, &features(self.version, dpid)).await;
        let (xid, message) = self.expect().await;
        assert_eq!(message, ToSwitch::stats(StatsRequest::Description));
        let description = StatsReply::Description(Description {
            software: "fake".to_owned(),
            ..Default::default()
        });
        self.send(
            xid,
            &FromSwitch::Stats {
                more: false,
                body: description,
            },
        )
        .await;
        if self.version == Version::V13 {
            let (xid, message) = self.expect().await;
            assert_eq!(message, ToSwitch::stats(StatsRequest::PortDescription));
            let body = StatsReply::PortDescription(ports(dpid));
            self.send(xid, &FromSwitch::Stats { more: false, body })
                .await;
        }
    }

    /// Answers echo requests and barriers until the controller closes.
    pub(crate) async fn live(mut self) {
        while let Some((xid, message)) = self.next().await {
            let answer = match message {
                ToSwitch::EchoRequest(payload) => FromSwitch::EchoReply(payload),
                ToSwitch::BarrierRequest => FromSwitch::BarrierReply,
                _ => continue,
            };
            if self
                .send_bytes(&encoded(self.version, xid, &answer))
                .await
                .is_err()
            {
                return;
            }
        }
    }
}

pub(crate) fn encoded(version: Version, xid: u32, message: &FromSwitch) -> Bytes {
    let mut buffer = BytesMut::new();
    encode_from_switch(version, Xid(xid), message, &mut buffer).unwrap();
    let bytes = buffer.freeze();
    assert!(Frame::new(bytes.clone()).is_ok());
    bytes
}

pub(crate) fn hello(version: Version) -> FromSwitch {
    let bitmap = (version == Version::V13).then(|| vec![version.wire()]);
    FromSwitch::Hello {
        bitmap,
        elements: Vec::new(),
        header_version: version.wire(),
    }
}

pub(crate) fn features(version: Version, dpid: u64) -> FromSwitch {
    FromSwitch::Features(Features {
        datapath_id: DatapathId(dpid),
        buffers: 0,
        tables: 254,
        auxiliary_id: 0,
        capabilities: 0x47,
        actions: None,
        ports: (version == Version::V10).then(|| ports(dpid)),
    })
}

pub(crate) fn ports(dpid: u64) -> Vec<Port> {
    vec![
        port(1, &format!("s{dpid}-eth1")),
        port(2, &format!("s{dpid}-eth2")),
        port(PortNo::LOCAL.0, &format!("s{dpid}")),
    ]
}

pub(crate) fn port(number: u32, name: &str) -> Port {
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

pub(crate) fn port_status(reason: PortStatusReason, port: Port) -> FromSwitch {
    FromSwitch::PortStatus(PortStatus { reason, port })
}

pub(crate) fn packet_in(data: &'static [u8]) -> FromSwitch {
    FromSwitch::PacketIn(PacketIn {
        buffer_id: None,
        total_len: u16::try_from(data.len()).unwrap(),
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: None,
        in_port: PortNo(1),
        pattern: Pattern::new().in_port(PortNo(1)),
        data: Bytes::from_static(data),
    })
}

pub(crate) fn flow_removed(cookie: u64) -> FromSwitch {
    FromSwitch::FlowRemoved(FlowRemoved {
        cookie: Cookie(cookie),
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

pub(crate) fn refusal(version: Version, error_type: u16, code: u16) -> FromSwitch {
    FromSwitch::Error(ErrorReport {
        version,
        error_type,
        code,
        data: Bytes::from_static(&[0; 64]),
    })
}
