//! A switch that keeps a flow table.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use godwit_controller::Owner;
use godwit_openflow::FrameCodec;
use godwit_openflow::codec::encode_from_switch;
use godwit_openflow::model::{
    AggregateStats, Description, ErrorReport, Features, FlowMod, FlowRule, FromSwitch, PacketOut,
    Port, StatsReply, StatsRequest, ToSwitch,
};
use godwit_openflow::types::{DatapathId, MacAddr, PortNo, Version, Xid};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio_util::codec::Decoder as _;
use tokio_util::sync::CancellationToken;

use crate::flow_table::FlowTable;

type Say = mpsc::UnboundedSender<(u32, FromSwitch)>;

#[derive(Default)]
struct Inner {
    table: FlowTable,
    /// Rules that it refuses.
    refuses: Option<u16>,
    say: Option<Say>,
    cut: CancellationToken,
    sent: Vec<PacketOut>,
}

/// Clones are the same switch.
#[derive(Clone)]
pub(crate) struct Switch {
    dpid: DatapathId,
    version: Version,
    inner: Arc<Mutex<Inner>>,
}

impl Switch {
    pub(crate) fn new(dpid: DatapathId) -> Self {
        Self::speaking(Version::V13, dpid)
    }

    pub(crate) fn speaking(version: Version, dpid: DatapathId) -> Self {
        Self {
            dpid,
            version,
            inner: Arc::default(),
        }
    }

    /// Connects, with an empty table if it `forgets`.
    pub(crate) async fn plug(&self, controller: SocketAddr, forgets: bool) {
        let (read, write) = TcpStream::connect(controller).await.unwrap().into_split();
        let (say, said) = mpsc::unbounded_channel();
        let hello = FromSwitch::Hello {
            bitmap: Some(vec![self.version.wire()]),
            elements: Vec::new(),
            header_version: self.version.wire(),
        };
        say.send((1, hello)).unwrap();
        let cut = CancellationToken::new();
        {
            let mut inner = self.inner.lock().unwrap();
            if forgets {
                inner.table.clear();
            }
            inner.say = Some(say.clone());
            inner.cut = cut.clone();
        }
        let this = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = cut.cancelled() => {}
                () = speak(this.version, write, said) => {}
                () = this.listen(read, say) => {}
            }
        });
    }

    pub(crate) fn unplug(&self) {
        self.inner.lock().unwrap().cut.cancel();
    }

    /// From now on it refuses rules of this priority.
    pub(crate) fn refuse(&self, priority: u16) {
        self.inner.lock().unwrap().refuses = Some(priority);
    }

    /// The static entries that it holds, in the order of their cookies.
    pub(crate) fn entries(&self) -> Vec<FlowRule> {
        let inner = self.inner.lock().unwrap();
        let ours = |rule: &&FlowRule| Owner::Entries.own_part(rule.cookie).is_some();
        let mut rules: Vec<FlowRule> = inner.table.rules().filter(ours).cloned().collect();
        rules.sort_by_key(|rule| rule.cookie.0);
        rules
    }

    /// The priorities of the static entries that it holds.
    pub(crate) fn priorities(&self) -> Vec<u16> {
        self.entries().iter().map(|rule| rule.priority).collect()
    }

    /// The static entries of this priority have had no packet for too long.
    pub(crate) fn expire(&self, priority: u16) {
        let mut inner = self.inner.lock().unwrap();
        let over = |rule: &FlowRule| rule.priority == priority;
        let say = inner.say.clone().unwrap();
        for ended in inner.table.expire(over) {
            _ = say.send((0, FromSwitch::FlowRemoved(ended)));
        }
    }

    /// All that it holds of this owner, in the order of the cookies.
    pub(crate) fn rules_of(&self, owner: Owner) -> Vec<FlowRule> {
        let inner = self.inner.lock().unwrap();
        let own = |rule: &&FlowRule| owner.own_part(rule.cookie).is_some();
        let mut rules: Vec<FlowRule> = inner.table.rules().filter(own).cloned().collect();
        rules.sort_by_key(|rule| rule.cookie.0);
        rules
    }

    /// Says something that nobody has asked for.
    pub(crate) fn say(&self, message: FromSwitch) {
        let say = self.inner.lock().unwrap().say.clone();
        say.unwrap().send((0, message)).unwrap();
    }

    /// The packets that it was told to send, but for the controller's own.
    pub(crate) fn sent(&self) -> Vec<PacketOut> {
        self.inner.lock().unwrap().sent.clone()
    }

    /// Changes the table by another's hand.
    pub(crate) fn change(&self, change: &FlowMod) {
        self.inner.lock().unwrap().table.change(change);
    }

    async fn listen(&self, mut read: OwnedReadHalf, say: Say) {
        let mut received = BytesMut::new();
        loop {
            while let Some(frame) = FrameCodec.decode(&mut received).unwrap() {
                let xid = frame.xid().0;
                for answer in self.answers(frame.to_switch().unwrap()) {
                    _ = say.send((xid, answer));
                }
            }
            if !matches!(read.read_buf(&mut received).await, Ok(1..)) {
                return;
            }
        }
    }

    fn answers(&self, message: ToSwitch) -> Vec<FromSwitch> {
        match message {
            ToSwitch::EchoRequest(payload) => vec![FromSwitch::EchoReply(payload)],
            ToSwitch::BarrierRequest => vec![FromSwitch::BarrierReply],
            ToSwitch::FeaturesRequest => vec![FromSwitch::Features(Features {
                datapath_id: self.dpid,
                buffers: 0,
                tables: 1,
                auxiliary_id: 0,
                capabilities: 0x47,
                actions: (self.version == Version::V10).then_some(0xfff),
                ports: (self.version == Version::V10).then(|| self.ports()),
            })],
            ToSwitch::StatsRequest { body, .. } => {
                let body = self.report(&body);
                vec![FromSwitch::Stats { more: false, body }]
            }
            ToSwitch::FlowMod(change) => {
                let mut inner = self.inner.lock().unwrap();
                if inner.refuses == Some(change.rule.priority) {
                    return vec![FromSwitch::Error(ErrorReport {
                        version: self.version,
                        error_type: 5,
                        code: 1,
                        data: Bytes::new(),
                    })];
                }
                let ended = inner.table.change(&change);
                ended.into_iter().map(FromSwitch::FlowRemoved).collect()
            }
            ToSwitch::PacketOut(packet) if packet.data.get(12..14) != Some(&[0x88, 0xcc]) => {
                self.inner.lock().unwrap().sent.push(packet);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn report(&self, request: &StatsRequest) -> StatsReply {
        match request {
            StatsRequest::Flows(filter) => {
                StatsReply::Flows(self.inner.lock().unwrap().table.report(filter))
            }
            StatsRequest::Aggregate(filter) => {
                let flows = self.inner.lock().unwrap().table.report(filter).len();
                StatsReply::Aggregate(AggregateStats {
                    packets: 0,
                    bytes: 0,
                    flows: u32::try_from(flows).unwrap(),
                })
            }
            StatsRequest::PortDescription => StatsReply::PortDescription(self.ports()),
            StatsRequest::Description => StatsReply::Description(Description::default()),
            other => panic!("the controller asks for {other:?}"),
        }
    }

    fn ports(&self) -> Vec<Port> {
        let numbers = [PortNo(1), PortNo(2), PortNo::LOCAL];
        numbers.map(|number| self.port(number)).into()
    }

    fn port(&self, number: PortNo) -> Port {
        let name = match number {
            PortNo::LOCAL => format!("s{}", self.dpid.0),
            _ => format!("s{}-eth{number}", self.dpid.0),
        };
        Port {
            number,
            mac: MacAddr([2, 0, 0, 0, 0, 1]),
            name,
            admin_down: false,
            link_down: false,
            config: 0,
            state: 0,
            features: [0; 4],
            current_speed: 0,
            max_speed: 0,
        }
    }
}

async fn speak(
    version: Version,
    mut write: OwnedWriteHalf,
    mut said: mpsc::UnboundedReceiver<(u32, FromSwitch)>,
) {
    while let Some((xid, message)) = said.recv().await {
        let mut buffer = BytesMut::new();
        encode_from_switch(version, Xid(xid), &message, &mut buffer).unwrap();
        if write.write_all(&buffer).await.is_err() {
            return;
        }
    }
}
