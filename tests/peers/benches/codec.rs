//! The same messages through godwit and through other crates, in the same run.
//!
//! Before anything is timed, each peer is checked to read from the bytes what godwit reads, and to write bytes from which
//! godwit reads what was meant; where a peer can't, it is left out and the README says why.

#[path = "../../../openflow/benches/cpu_time.rs"]
mod cpu_time;
mod rust_ofp_peer;
mod tenjin_peer;

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use cpu_time::CpuTime;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use godwit_openflow::model::{FromSwitch, PacketIn, Pattern, ToSwitch};
use godwit_openflow::types::{Version, Xid};
use godwit_openflow::{Frame, FrameCodec, codec};
use godwit_samples::workload;
use tokio_util::codec::Decoder;

fn frame_of(version: Version, message: &FromSwitch) -> Frame {
    let mut stream = workload::stream(version, [message]).unwrap();
    FrameCodec.decode(&mut stream).unwrap().unwrap()
}

fn packet_in_of(frame: &Frame) -> PacketIn {
    match frame.from_switch().unwrap() {
        FromSwitch::PacketIn(packet) => packet,
        other => panic!("{other:?}"),
    }
}

/// What godwit reads from bytes that a peer wrote.
fn read(bytes: &[u8]) -> ToSwitch {
    let frame = Frame::new(Bytes::copy_from_slice(bytes)).unwrap();
    frame.to_switch().unwrap()
}

fn packet_in(criterion: &mut Criterion<CpuTime>) {
    for version in Version::ALL {
        for length in [64, 1500] {
            let frame = frame_of(version, &workload::packet_in(version, length));
            let packet = packet_in_of(&frame);
            let bytes = frame.bytes().to_vec();
            // As `tenjin_sdn` takes them.
            let (header, body) = (bytes[..8].to_vec(), bytes[8..].to_vec());
            let name = format!("packet_in/decode/{version}/{length}");
            let mut group = criterion.benchmark_group(name);
            group.throughput(Throughput::Elements(1));
            group.bench_function("godwit", |b| {
                b.iter(|| black_box(&frame).from_switch().unwrap())
            });
            match version {
                Version::V10 => {
                    rust_ofp_peer::check_packet_in(&bytes, &packet);
                    tenjin_peer::v10::check_packet_in(&bytes, &packet);
                    group.bench_function("rust_ofp", |b| {
                        b.iter(|| rust_ofp_peer::packet_in(black_box(&bytes)))
                    });
                    group.bench_function("tenjin_sdn", |b| {
                        b.iter(|| tenjin_peer::v10::packet_in(black_box(&header), black_box(&body)))
                    });
                }
                Version::V13 => {
                    tenjin_peer::v13::check_packet_in(&bytes, &packet);
                    group.bench_function("tenjin_sdn", |b| {
                        b.iter(|| tenjin_peer::v13::packet_in(black_box(&header), black_box(&body)))
                    });
                }
            }
            group.finish();
        }
    }
}

/// A pattern by its name, and whether a peer writes it right.
struct Case {
    name: &'static str,
    pattern: Pattern,
    version: Version,
}

/// What the peers are given is made anew for each message, as `rust_ofp` takes it away; it is made outside of what is
/// timed, and written into the same buffer again where they let it.
fn flow_mod(criterion: &mut Criterion<CpuTime>) {
    let cases = [
        (Version::V10, "addresses", workload::addresses()),
        (Version::V10, "five_tuple", workload::five_tuple(7)),
        (Version::V13, "addresses", workload::addresses()),
    ];
    for (version, name, pattern) in cases {
        let case = Case {
            name,
            pattern,
            version,
        };
        flow_mod_case(criterion, &case);
    }
}

fn flow_mod_case(criterion: &mut Criterion<CpuTime>, case: &Case) {
    let message = workload::flow_mod(case.pattern.clone());
    let name = format!("flow_mod/encode/{}/{}", case.version, case.name);
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(1));
    let mut buffer = BytesMut::with_capacity(1 << 16);
    group.bench_function("godwit", |b| {
        b.iter(|| {
            buffer.clear();
            codec::encode_to_switch(case.version, Xid(1), black_box(&message), &mut buffer)
        });
    });
    let mut written = Vec::with_capacity(1 << 16);
    match case.version {
        Version::V10 => {
            tenjin_peer::v10::flow_mod(&tenjin_peer::v10::prepared(&case.pattern), &mut written);
            assert_eq!(read(&written), message);
            let prepared = tenjin_peer::v10::prepared(&case.pattern);
            group.bench_function("tenjin_sdn", |b| {
                b.iter(|| {
                    written.clear();
                    tenjin_peer::v10::flow_mod(black_box(&prepared), &mut written);
                });
            });
            rust_ofp_peer::check_flow_mod(&case.pattern, &message);
            group.bench_function("rust_ofp", |b| {
                b.iter_batched(
                    || rust_ofp_peer::prepared(&case.pattern),
                    rust_ofp_peer::flow_mod,
                    criterion::BatchSize::SmallInput,
                );
            });
        }
        Version::V13 => {
            let prepared = tenjin_peer::v13::prepared();
            tenjin_peer::v13::flow_mod(&prepared, &mut written);
            // It says the same of how much goes to the controller for every port.
            assert_eq!(tenjin_peer::v13::without_max_len(read(&written)), message);
            group.bench_function("tenjin_sdn", |b| {
                b.iter(|| {
                    written.clear();
                    tenjin_peer::v13::flow_mod(black_box(&prepared), &mut written);
                });
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = packet_in, flow_mod
}
criterion_main!(benches);
