//! An app that writes a thousand times a second while its switch is frozen and thawed.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use godwit_openflow::codec::encode_from_switch;
use godwit_openflow::model::{
    Description, Features, FlowMod, FlowRule, FromSwitch, PacketIn, PacketInReason, Pattern, Port,
    StatsReply, StatsRequest, ToSwitch,
};
use godwit_openflow::types::{Cookie, DatapathId, MacAddr, PortNo, TableId, Version, Xid};
use godwit_openflow::{Frame, FrameCodec};
use godwit_topology::PortRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::codec::Decoder as _;

use crate::{
    App, Commands, Controller, ControllerConfig, Declaration, Network, Owner, Packet, Round, Store,
    Verdict, View,
};

/// Longer than anything that is waited for in good order.
const PATIENCE: Duration = Duration::from_secs(20);

const DPID: DatapathId = DatapathId(7);
const WRITES: u64 = 2_000;

/// Writes one rule for each packet, numbered by its cookie, and sends the packet on.
#[derive(Default)]
struct Writer {
    written: AtomicU64,
}

impl App for Writer {
    fn name(&self) -> &'static str {
        "writer"
    }

    fn declares(&self) -> Declaration {
        Declaration {
            filter: vec![Pattern::new()],
            owner: Some(Owner::App(1)),
            ..Declaration::default()
        }
    }

    fn packet_in(&self, packet: &Packet<'_>, _: &View<'_>) -> Verdict {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let rule = FlowRule::new(1, Pattern::new(), Vec::new()).with_cookie(Cookie(number));
        let out = PortRef::new(DPID, PortNo(2));
        let commands = Commands::default()
            .flow_mod(DPID, FlowMod::add(rule))
            .packet_out(out, packet.data().clone());
        Verdict::Claim(commands)
    }
}

/// What has reached the switch.
#[derive(Debug, Clone, Default)]
struct Reached {
    /// The numbers of the writes, in the order in which they came.
    writes: Arc<Mutex<Vec<u64>>>,
    packets: Arc<AtomicU64>,
}

impl Reached {
    fn writes(&self) -> Vec<u64> {
        self.writes.lock().unwrap().clone()
    }
}

/// A switch that answers what it must and notes what the app writes. Gives what it shall say.
async fn plug(
    controller: SocketAddr,
    reached: Reached,
) -> mpsc::UnboundedSender<(u32, FromSwitch)> {
    let (read, write) = TcpStream::connect(controller).await.unwrap().into_split();
    let (say, said) = mpsc::unbounded_channel();
    let hello = FromSwitch::Hello {
        bitmap: Some(vec![Version::V13.wire()]),
        elements: Vec::new(),
        header_version: Version::V13.wire(),
    };
    say.send((1, hello)).unwrap();
    tokio::spawn(speak(write, said));
    tokio::spawn(listen(read, say.clone(), reached));
    say
}

async fn speak(mut write: OwnedWriteHalf, mut said: mpsc::UnboundedReceiver<(u32, FromSwitch)>) {
    while let Some((xid, message)) = said.recv().await {
        let mut buffer = BytesMut::new();
        encode_from_switch(Version::V13, Xid(xid), &message, &mut buffer).unwrap();
        assert!(Frame::new(buffer.clone().freeze()).is_ok());
        if write.write_all(&buffer).await.is_err() {
            return;
        }
    }
}

async fn listen(
    mut read: OwnedReadHalf,
    say: mpsc::UnboundedSender<(u32, FromSwitch)>,
    reached: Reached,
) {
    let mut received = BytesMut::new();
    loop {
        while let Some(frame) = FrameCodec.decode(&mut received).unwrap() {
            let answer = match frame.to_switch().unwrap() {
                ToSwitch::EchoRequest(payload) => FromSwitch::EchoReply(payload),
                ToSwitch::BarrierRequest => FromSwitch::BarrierReply,
                ToSwitch::FeaturesRequest => features(),
                ToSwitch::StatsRequest { body, .. } => report(&body),
                ToSwitch::FlowMod(change) => {
                    if let Some(number) = Owner::App(1).own_part(change.rule.cookie) {
                        reached.writes.lock().unwrap().push(number.into());
                    }
                    continue;
                }
                ToSwitch::PacketOut(packet) => {
                    let ours = packet.data == frame_of_a_host();
                    reached
                        .packets
                        .fetch_add(u64::from(ours), Ordering::Relaxed);
                    continue;
                }
                _ => continue,
            };
            if say.send((frame.xid().0, answer)).is_err() {
                return;
            }
        }
        if !matches!(read.read_buf(&mut received).await, Ok(1..)) {
            return;
        }
    }
}

fn features() -> FromSwitch {
    FromSwitch::Features(Features {
        datapath_id: DPID,
        buffers: 0,
        tables: 1,
        auxiliary_id: 0,
        capabilities: 0x47,
        actions: None,
        ports: None,
    })
}

fn report(request: &StatsRequest) -> FromSwitch {
    let port = |number| Port {
        number,
        mac: MacAddr([2, 0, 0, 0, 0, 1]),
        name: format!("s7-eth{number}"),
        admin_down: false,
        link_down: false,
        config: 0,
        state: 0,
        features: [0; 4],
        current_speed: 0,
        max_speed: 0,
    };
    let body = match request {
        StatsRequest::Description => StatsReply::Description(Description::default()),
        StatsRequest::PortDescription => {
            StatsReply::PortDescription([1, 2].map(|number| port(PortNo(number))).into())
        }
        StatsRequest::Flows(_) => StatsReply::Flows(Vec::new()),
        other => panic!("the controller asks for {other:?}"),
    };
    FromSwitch::Stats { more: false, body }
}

/// An Ethernet header and nothing that anybody reads.
fn frame_of_a_host() -> Bytes {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5];
    frame.resize(60, 0);
    frame.into()
}

fn packet_in() -> FromSwitch {
    FromSwitch::PacketIn(PacketIn {
        buffer_id: None,
        total_len: 60,
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: Some(Cookie(0)),
        in_port: PortNo(1),
        pattern: Pattern::new().in_port(PortNo(1)),
        data: frame_of_a_host(),
    })
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "in vain waited for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Gives the switch what was held for it until nothing is. Gives how many writes that were.
async fn thaw(network: &Network) -> usize {
    let mut replayed = 0;
    loop {
        let held = network.held().take(DPID);
        if held.is_empty() {
            return replayed;
        }
        replayed += held.len();
        let round: Round = held
            .into_iter()
            .map(|held| (held.dpid, held.write))
            .collect();
        round.apply(network.switches()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apps_writes_are_complete_and_in_order_whenever_its_switch_is_frozen_and_thawed() {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listen = ControllerConfig {
        openflow: vec![any],
        http: any,
        topology: Default::default(),
        rules: crate::RulesSettings::unaudited(),
    };
    let controller = Controller::bind(&listen, Store::in_memory()).await.unwrap();
    let network = controller.network().clone();
    let openflow = controller.openflow_addresses()[0];
    let writer = Arc::new(Writer::default());
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(controller.run(vec![writer.clone()], stopped));
    let reached = Reached::default();
    let say = plug(openflow, reached.clone()).await;
    until("the switch", || {
        network.topology().graph().contains_switch(DPID)
    })
    .await;

    let packets = tokio::spawn(async move {
        let mut clock = tokio::time::interval(Duration::from_millis(1));
        clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for _ in 0..WRITES {
            clock.tick().await;
            say.send((0, packet_in())).unwrap();
        }
        say
    });
    let (mut cycles, mut replayed) = (0, 0);
    while !packets.is_finished() {
        network.held().freeze(DPID);
        network.held().written(DPID).await;
        let before = reached.writes();
        tokio::time::sleep(Duration::from_millis(3 + cycles % 17)).await;
        assert_eq!(reached.writes(), before, "written to a frozen switch");
        replayed += thaw(&network).await;
        cycles += 1;
        tokio::time::sleep(Duration::from_millis(cycles % 5)).await;
    }
    let _connected = packets.await.unwrap();
    until("every write", || reached.writes().len() as u64 >= WRITES).await;
    assert_eq!(reached.writes(), Vec::from_iter(0..WRITES));
    until("every packet", || {
        reached.packets.load(Ordering::Relaxed) == WRITES
    })
    .await;
    // How many depends on the machine; here it is frozen while writes come.
    assert!(cycles > 5 && replayed > 100, "{cycles} {replayed}");
    stop.send_replace(true);
}
