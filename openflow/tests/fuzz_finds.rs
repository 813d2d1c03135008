//! What the fuzzers found, each as a test of its own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use bytes::{Bytes, BytesMut};
use godwit_openflow::model::{FromSwitch, StatsReply};
use godwit_openflow::types::{Version, Xid};
use godwit_openflow::{Frame, codec};
use godwit_samples::workload;

fn read(bytes: BytesMut) -> FromSwitch {
    Frame::new(bytes.freeze()).unwrap().from_switch().unwrap()
}

fn again(version: Version, message: &FromSwitch) -> FromSwitch {
    let mut buffer = BytesMut::new();
    codec::encode_from_switch(version, Xid(1), message, &mut buffer).unwrap();
    read(buffer)
}

/// A replacement of three bytes for each that is not UTF-8 made texts that were cut when they were written.
#[test]
fn a_text_that_is_not_utf_8_still_fits_its_field() {
    let mut bytes = workload::stream(Version::V13, &workload::mixed(Version::V13)[16..17]).unwrap();
    // After the header, reason and padding, `ofp_port` has its name at byte 16.
    bytes[32..48].fill(0xff);
    let message = read(bytes);
    let FromSwitch::PortStatus(status) = &message else {
        panic!("{message:?}");
    };
    assert_eq!(status.port.name, "?".repeat(16));
    assert_eq!(again(Version::V13, &message), message);
}

/// Nanoseconds of a second and more were carried into seconds that no longer fitted.
#[test]
fn the_longest_duration_can_be_written_again() {
    for version in Version::ALL {
        let mut bytes = workload::stream(version, &workload::flow_stats(1)).unwrap();
        let duration = match version {
            Version::V10 => 12 + 4 + 40,
            Version::V13 => 16 + 4,
        };
        bytes[duration..duration + 8].fill(0xff);
        let message = read(bytes);
        let FromSwitch::Stats {
            body: StatsReply::Flows(flows),
            ..
        } = &message
        else {
            panic!("{message:?}");
        };
        assert_eq!(flows[0].duration_ns, (1 << 32) * 1_000_000_000 - 1);
        assert_eq!(again(version, &message), message);
    }
}

/// `SET_TP_DST` beside a protocol without ports was read as TCP's, and then refused.
#[test]
fn a_port_set_beside_a_protocol_without_ports_can_be_written_again() {
    let mut frame = vec![1, 14, 0, 80, 0, 0, 0, 1];
    // Ethernet type and IP protocol are compared, all else is not.
    frame.extend(0x003f_ffcf_u32.to_be_bytes());
    frame.extend([0; 18]);
    frame.extend([0x08, 0x00, 0, 20]);
    frame.extend([0; 14]);
    frame.extend([0; 8 + 8]);
    frame.extend([0xff; 4 + 2]);
    frame.extend([0, 0]);
    frame.extend([0, 10, 0, 8, 0x20, 0x41, 0, 0]);
    let frame = Frame::new(Bytes::from(frame)).unwrap();
    let message = frame.to_switch().unwrap();
    let mut buffer = BytesMut::new();
    codec::encode_to_switch(Version::V10, Xid(1), &message, &mut buffer).unwrap();
    assert_eq!(buffer, frame.bytes());
}

/// The ports of SCTP are read in 1.0, since some switches compare them, and refused when they are to be written, since
/// others don't.
#[test]
fn sctp_ports_in_a_request_of_1_0_are_refused_when_they_are_to_be_written() {
    let mut frame = vec![1, 16, 0, 56, 0, 0, 0, 7, 0, 2, 0, 0];
    // Ethernet type, IP protocol and source port are compared, all else is not.
    frame.extend(0x003f_ff8f_u32.to_be_bytes());
    frame.extend([0; 18]);
    frame.extend([0x08, 0x00, 0, 132]);
    frame.extend([0; 10]);
    frame.extend([1, 0, 0, 0]);
    frame.extend([0, 0, 0xff, 0xff]);
    let frame = Frame::new(Bytes::from(frame)).unwrap();
    let message = frame.to_switch().unwrap();
    let error = codec::encode_to_switch(Version::V10, Xid(7), &message, &mut BytesMut::new());
    assert_eq!(error.unwrap_err().what, "the match field sctp_src");
}
