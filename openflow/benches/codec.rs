//! How fast messages are read and written: `cargo bench -p godwit-openflow --bench codec`.
//!
//! One element is one message, but an element of `flow_stats` is a flow entry.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "the benchmark's own messages can be said"
)]

mod cpu_time;

use std::hint::black_box;

use bytes::BytesMut;
use cpu_time::CpuTime;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use godwit_openflow::model::{FromSwitch, ToSwitch};
use godwit_openflow::types::{Version, Xid};
use godwit_openflow::{Frame, FrameCodec, codec};
use godwit_samples::workload;
use tokio_util::codec::Decoder;

const STATS_ENTRIES: u16 = 1000;

fn frames(version: Version, messages: &[FromSwitch]) -> Vec<Frame> {
    let mut stream = workload::stream(version, messages).unwrap();
    std::iter::from_fn(|| FrameCodec.decode(&mut stream).unwrap()).collect()
}

fn frame(version: Version, message: &ToSwitch) -> Frame {
    let mut buffer = BytesMut::new();
    codec::encode_to_switch(version, Xid(1), message, &mut buffer).unwrap();
    Frame::new(buffer.freeze()).unwrap()
}

fn packet_in(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("packet_in");
    group.throughput(Throughput::Elements(1));
    for version in Version::ALL {
        for length in [64, 1500] {
            let message = workload::packet_in(version, length);
            let frame = &frames(version, std::slice::from_ref(&message))[0];
            group.bench_function(BenchmarkId::new(format!("decode/{version}"), length), |b| {
                b.iter(|| black_box(frame).from_switch().unwrap());
            });
            let mut buffer = BytesMut::with_capacity(1 << 16);
            group.bench_function(BenchmarkId::new(format!("encode/{version}"), length), |b| {
                b.iter(|| {
                    buffer.clear();
                    codec::encode_from_switch(version, Xid(1), black_box(&message), &mut buffer)
                });
            });
        }
    }
    group.finish();
}

fn flow_mod(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("flow_mod");
    group.throughput(Throughput::Elements(1));
    let message = workload::flow_mod(workload::five_tuple(7));
    for version in Version::ALL {
        let frame = frame(version, &message);
        group.bench_function(format!("decode/{version}"), |b| {
            b.iter(|| black_box(&frame).to_switch().unwrap());
        });
        let mut buffer = BytesMut::with_capacity(1 << 16);
        group.bench_function(format!("encode/{version}"), |b| {
            b.iter(|| {
                buffer.clear();
                codec::encode_to_switch(version, Xid(1), black_box(&message), &mut buffer)
            });
        });
    }
    group.finish();
}

fn flow_stats(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("flow_stats");
    group.throughput(Throughput::Elements(STATS_ENTRIES.into()));
    let parts = workload::flow_stats(STATS_ENTRIES);
    for version in Version::ALL {
        let frames = frames(version, &parts);
        group.bench_function(format!("decode/{version}"), |b| {
            b.iter(|| {
                for frame in &frames {
                    black_box(frame.from_switch().unwrap());
                }
            });
        });
        group.bench_function(format!("encode/{version}"), |b| {
            b.iter(|| workload::stream(version, black_box(&parts)).unwrap());
        });
    }
    group.finish();
}

/// From the stream's bytes to messages, with the cutting into frames.
fn mixed(criterion: &mut Criterion<CpuTime>) {
    const REPEATED: usize = 50;
    let mut group = criterion.benchmark_group("mixed");
    for version in Version::ALL {
        let messages = vec![workload::mixed(version); REPEATED].concat();
        let stream = workload::stream(version, &messages).unwrap();
        group.throughput(Throughput::Elements(messages.len() as u64));
        group.bench_function(format!("decode/{version}"), |b| {
            b.iter_batched(
                || stream.clone(),
                |mut stream| {
                    while let Some(frame) = FrameCodec.decode(&mut stream).unwrap() {
                        black_box(frame.from_switch().unwrap());
                    }
                    stream
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = packet_in, flow_mod, flow_stats, mixed
}
criterion_main!(benches);
