//! What a batch costs the controller, from the changes to the confirmation: `cargo bench -p godwit-controller --bench batch`.
//!
//! The switch is a task on the same thread that does nothing but look for barriers; what it costs is in the figures. An
//! element is a flow-mod. `encode` is the part that can't be spared: the same messages into one buffer.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark fails by panicking"
)]

#[path = "../../openflow/benches/cpu_time.rs"]
mod cpu_time;

use std::hint::black_box;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use cpu_time::CpuTime;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use godwit_controller::connection::{CloseReason, Connections, SwitchMessage, SwitchObserver};
use godwit_controller::limits::Limits;
use godwit_controller::rules::Round;
use godwit_controller::switch::{Registry, SwitchHandle};
use godwit_openflow::Frame;
use godwit_openflow::codec::{encode_from_switch, encode_to_switch};
use godwit_openflow::model::pattern::Field;
use godwit_openflow::model::{
    Action, BundleControl, BundleStep, Description, Features, FlowMod, FlowRule, FromSwitch,
    Pattern, StatsReply, StatsRequest, ToSwitch,
};
use godwit_openflow::types::{DatapathId, MacAddr, PortNo, Version, Xid};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::Runtime;

/// What a socket to a local switch takes at a time.
const STREAM_BUFFER: usize = 256 << 10;

struct Deaf;

impl SwitchObserver for Deaf {
    async fn switch_up(&self, _switch: &SwitchHandle) {}
    async fn message(&self, _switch: &SwitchHandle, _message: SwitchMessage) {}
    async fn switch_down(&self, _switch: &SwitchHandle, _reason: &CloseReason) {}
}

/// Answers what has to be answered.
struct Switch {
    stream: DuplexStream,
    dpid: u64,
    bundles: bool,
}

impl Switch {
    async fn live(mut self) {
        let mut received = BytesMut::new();
        let hello = FromSwitch::Hello {
            bitmap: Some(vec![4]),
            elements: Vec::new(),
            header_version: 4,
        };
        self.send(Xid(1), &hello).await;
        while self.stream.read_buf(&mut received).await.unwrap_or(0) > 0 {
            while received.len() >= 8 {
                let length = usize::from(u16::from_be_bytes([received[2], received[3]]));
                if received.len() < length {
                    break;
                }
                self.hear(&mut received, length).await;
            }
        }
    }

    async fn hear(&mut self, received: &mut BytesMut, length: usize) {
        // FLOW_MOD, and a message that is added to a bundle.
        if received[1] == 14 || received[1] == 4 && length > 24 {
            received.advance(length);
            return;
        }
        let frame = Frame::new(received.split_to(length).freeze()).unwrap();
        let xid = frame.xid();
        let answer = match frame.to_switch().unwrap() {
            ToSwitch::FeaturesRequest => FromSwitch::Features(Features {
                datapath_id: DatapathId(self.dpid),
                buffers: 0,
                tables: 254,
                auxiliary_id: 0,
                capabilities: 0,
                actions: None,
                ports: None,
            }),
            ToSwitch::StatsRequest { body, .. } => FromSwitch::Stats {
                more: false,
                body: match body {
                    StatsRequest::PortDescription => StatsReply::PortDescription(Vec::new()),
                    _ => StatsReply::Description(Description::default()),
                },
            },
            ToSwitch::BarrierRequest => FromSwitch::BarrierReply,
            ToSwitch::EchoRequest(payload) => FromSwitch::EchoReply(payload),
            ToSwitch::BundleControl(asked) if self.bundles => {
                let step = match asked.step {
                    BundleStep::OpenRequest => BundleStep::OpenReply,
                    BundleStep::CommitRequest => BundleStep::CommitReply,
                    _ => BundleStep::DiscardReply,
                };
                FromSwitch::BundleControl(BundleControl { step, ..asked })
            }
            _ => return,
        };
        self.send(xid, &answer).await;
    }

    async fn send(&mut self, xid: Xid, message: &FromSwitch) {
        let mut buffer = BytesMut::new();
        encode_from_switch(Version::V13, xid, message, &mut buffer).unwrap();
        self.stream.write_all(&buffer).await.unwrap();
    }
}

fn batch(count: u16) -> Vec<ToSwitch> {
    let change = |port: u16| {
        let pattern = Pattern::new()
            .eth_dst(MacAddr([2, 0, 0, 0, 0, 1]))
            .eth_type(0x0800)
            .with(Field::IpProto, 17)
            .with(Field::UdpDst, port.into());
        let rule = FlowRule::new(100, pattern, vec![Action::output(PortNo(2))]);
        ToSwitch::FlowMod(FlowMod::add(rule))
    };
    (0..count).map(change).collect()
}

struct Stage {
    runtime: Runtime,
    registry: Arc<Registry>,
    _connections: Connections<Deaf>,
    _tasks: Vec<godwit_controller::connection::ConnectionTask>,
}

impl Stage {
    fn new(switches: u64, bundles: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let registry = Arc::new(Registry::new());
        let connections =
            Connections::new(Arc::clone(&registry), Arc::new(Deaf), Limits::default());
        let tasks = runtime.block_on(async {
            let mut tasks = Vec::new();
            for dpid in 1..=switches {
                let (ours, stream) = tokio::io::duplex(STREAM_BUFFER);
                let peer = ([127, 0, 0, 1], 1).into();
                tasks.push(connections.adopt(ours, peer).unwrap());
                let switch = Switch {
                    stream,
                    dpid,
                    bundles,
                };
                tokio::spawn(switch.live());
                while registry.get(DatapathId(dpid)).is_none() {
                    tokio::task::yield_now().await;
                }
                let handle = registry.get(DatapathId(dpid)).unwrap();
                handle.apply(&[]).await.unwrap();
            }
            tasks
        });
        Self {
            runtime,
            registry,
            _connections: connections,
            _tasks: tasks,
        }
    }
}

fn one_switch(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("batch");
    for count in [10, 1_000] {
        let messages = batch(count);
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function(BenchmarkId::new("encode", count), |bencher| {
            bencher.iter(|| {
                let mut buffer = BytesMut::with_capacity(messages.len() * 160);
                for message in &messages {
                    encode_to_switch(Version::V13, Xid(1), message, &mut buffer).unwrap();
                }
                black_box(buffer)
            });
        });
        for (name, bundles) in [("plain", false), ("bundle", true)] {
            let stage = Stage::new(1, bundles);
            let switch = stage.registry.get(DatapathId(1)).unwrap();
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                bencher.iter(|| {
                    stage.runtime.block_on(switch.apply(&messages)).unwrap();
                });
            });
        }
    }
    group.finish();
}

fn round(criterion: &mut Criterion<CpuTime>) {
    const SWITCHES: u64 = 10;
    let mut group = criterion.benchmark_group("round of 10 switches");
    let messages = batch(1_000);
    group.throughput(Throughput::Elements(SWITCHES * 1_000));
    for (name, bundles) in [("plain", false), ("bundle", true)] {
        let stage = Stage::new(SWITCHES, bundles);
        group.bench_function(name, |bencher| {
            bencher.iter_batched(
                || {
                    let mut round = Round::default();
                    for dpid in 1..=SWITCHES {
                        for message in &messages {
                            round.push(DatapathId(dpid), message.clone());
                        }
                    }
                    round
                },
                |round| {
                    stage
                        .runtime
                        .block_on(round.apply(&stage.registry))
                        .unwrap();
                },
                criterion::BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = one_switch, round
}
criterion_main!(benches);
