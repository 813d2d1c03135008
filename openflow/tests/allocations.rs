//! How often the codecs ask for memory: hardly ever, where many messages come and go.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use bytes::BytesMut;
use godwit_openflow::model::{Field, FromSwitch, PacketIn, Pattern};
use godwit_openflow::types::{Version, Xid};
use godwit_openflow::{Frame, FrameCodec, codec};
use godwit_samples::workload;
use tokio_util::codec::Decoder;

fn allocations(mut work: impl FnMut()) -> u64 {
    allocation_counter::measure(&mut work).count_total
}

/// As it comes from a connection.
fn received(version: Version, message: &FromSwitch) -> Frame {
    let mut stream = workload::stream(version, [message, message]).unwrap();
    FrameCodec.decode(&mut stream).unwrap().unwrap()
}

fn decoded(frame: &Frame) -> PacketIn {
    match frame.from_switch().unwrap() {
        FromSwitch::PacketIn(packet) => packet,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_packet_in_with_its_port_is_read_without_an_allocation() {
    for version in Version::ALL {
        for length in [64, 1500] {
            let frame = received(version, &workload::packet_in(version, length));
            assert_eq!(allocations(|| drop(decoded(&frame))), 0, "{version}");
        }
    }
}

#[test]
fn a_packet_in_with_more_metadata_is_read_with_one_allocation() {
    let FromSwitch::PacketIn(mut packet) = workload::packet_in(Version::V13, 64) else {
        panic!("not a PACKET_IN");
    };
    packet.pattern = every_field();
    let message = FromSwitch::PacketIn(packet);
    let frame = received(Version::V13, &message);
    assert_eq!(allocations(|| drop(decoded(&frame))), 1);
    assert_eq!(
        decoded(&frame).pattern,
        every_field().in_port(decoded(&frame).in_port)
    );
}

fn every_field() -> Pattern {
    Field::all().fold(Pattern::new(), |pattern, field| pattern.with(field, 1))
}

#[test]
fn the_data_of_a_packet_in_is_where_it_came_in() {
    for version in Version::ALL {
        let frame = received(version, &workload::packet_in(version, 1500));
        let data = decoded(&frame).data;
        let bytes = frame.bytes().as_ptr_range();
        assert_eq!(data.len(), 1500);
        assert!(bytes.contains(&data.as_ptr()));
        assert_eq!(data.as_ptr_range().end, bytes.end);
    }
}

#[test]
fn frames_are_cut_from_what_came_in_without_a_copy() {
    for version in Version::ALL {
        let messages = workload::mixed(version);
        let mut stream = workload::stream(version, &messages).unwrap();
        let place = stream.as_ptr_range();
        while let Some(frame) = FrameCodec.decode(&mut stream).unwrap() {
            assert!(place.contains(&frame.bytes().as_ptr()));
        }
    }
}

#[test]
fn a_flow_mod_is_written_without_an_allocation() {
    let message = workload::flow_mod(workload::five_tuple(7));
    let mut buffer = BytesMut::with_capacity(4096);
    for version in Version::ALL {
        let count = allocations(|| {
            for _ in 0..100 {
                buffer.clear();
                codec::encode_to_switch(version, Xid(1), &message, &mut buffer).unwrap();
            }
        });
        assert_eq!(count, 0, "{version}");
        assert!(!buffer.is_empty());
    }
}

#[test]
fn a_packet_in_is_written_without_an_allocation() {
    let mut buffer = BytesMut::with_capacity(4096);
    for version in Version::ALL {
        let message = workload::packet_in(version, 64);
        let count = allocations(|| {
            buffer.clear();
            codec::encode_from_switch(version, Xid(1), &message, &mut buffer).unwrap();
        });
        assert_eq!(count, 0, "{version}");
    }
}

#[test]
fn a_flow_mod_is_read_with_an_allocation_for_each_of_its_lists() {
    let message = workload::flow_mod(workload::five_tuple(7));
    for version in Version::ALL {
        let mut buffer = BytesMut::new();
        codec::encode_to_switch(version, Xid(1), &message, &mut buffer).unwrap();
        let frame = Frame::new(buffer.freeze()).unwrap();
        let _ = frame.to_switch();
        // Fields, instructions, actions.
        assert_eq!(allocations(|| drop(frame.to_switch())), 3, "{version}");
    }
}
