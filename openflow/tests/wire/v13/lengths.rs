//! Lengths that can't be, wherever 1.3 has one: refused where they stand.

use bytes::BytesMut;
use godwit_openflow::DecodeError;
use godwit_openflow::error::Problem;

use super::V13;
use crate::common::hostile::{filled, prolonged, read_both_ways};

/// A length in a vector, and what it must not be.
struct Length {
    vector: &'static str,
    /// Where it stands in the message.
    at: usize,
    field: &'static str,
    wrong: &'static [u16],
}

const fn length(
    vector: &'static str,
    at: usize,
    field: &'static str,
    wrong: &'static [u16],
) -> Length {
    Length {
        vector,
        at,
        field,
        wrong,
    }
}

/// Each with nothing, with less than its own header, with no multiple of what it must be, with more than contains it.
#[rustfmt::skip]
const LENGTHS: [Length; 19] = [
    length("group_mod", 16, "buckets.len", &[0, 1, 8, 15, 20, 33, 40, 0xffff]),
    length("group_mod", 34, "actions.len", &[0, 4, 12, 24, 0xfff8]),
    length("meter_mod_add", 18, "bands.len", &[0, 4, 11, 49, 0xffff]),
    length("meter_mod_modify", 18, "bands.len", &[0, 11, 17, 0xffff]),
    length("queue_get_config_reply", 24, "queues.len", &[0, 8, 15, 105, 0xffff]),
    length("queue_get_config_reply", 34, "properties.len", &[0, 4, 7, 33, 0xffff]),
    length("queue_get_config_reply", 50, "properties.len", &[0, 7, 17, 0xffff]),
    length("reply_flow_more", 16, "length", &[0, 48, 55, 57, 0xffff]),
    length("reply_group", 16, "length", &[0, 2, 39, 41, 48, 71, 120, 0xffff]),
    length("reply_group_desc", 16, "length", &[0, 7, 12, 88, 0xffff]),
    length("reply_group_desc", 24, "buckets.len", &[0, 15, 17, 72, 0xffff]),
    length("reply_meter", 20, "len", &[0, 6, 39, 48, 71, 120, 0xffff]),
    length("reply_meter_config", 16, "length", &[0, 7, 49, 0xffff]),
    length("reply_meter_config", 26, "bands.len", &[0, 4, 11, 33, 0xffff]),
    length("reply_table_features_more", 16, "length", &[0, 63, 65, 68, 344, 0xffff]),
    length("reply_table_features_more", 146, "properties.length", &[0, 3, 209, 0xffff]),
    length("reply_table_features_more", 150, "properties.ids.len", &[0, 3, 13, 0xffff]),
    length("request_table_features_more", 146, "properties.length", &[0, 3, 209, 0xffff]),
    length("reply_table_features_experimenters", 86, "properties.ids.len", &[0, 3, 9, 0xffff]),
];

fn with(vector: &str, at: usize, value: u16) -> Option<DecodeError> {
    let mut bytes = BytesMut::from(&V13.vector(vector)[..]);
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
    let (to_switch, from_switch) = read_both_ways(V13, bytes);
    to_switch.or(from_switch)
}

#[test]
fn a_length_that_can_not_be_is_refused_where_it_stands() {
    for length in &LENGTHS {
        for &wrong in length.wrong {
            let error = with(length.vector, length.at, wrong)
                .unwrap_or_else(|| panic!("{} at {}: {wrong}", length.vector, length.at));
            assert_eq!(
                (error.field, error.offset, error.problem),
                (length.field, length.at, Problem::Length(wrong.into())),
                "{}",
                length.vector
            );
        }
    }
}

#[test]
fn a_structure_of_fixed_size_may_not_be_longer_or_shorter() {
    let error = with("meter_mod_modify", 18, 12).expect("an error");
    assert_eq!(
        (error.field, error.problem),
        ("bands.pad", Problem::Truncated { needed: 4, left: 0 })
    );
    let error = with("meter_mod_add", 18, 32).expect("an error");
    assert_eq!(
        (error.field, error.problem),
        ("bands.len", Problem::Length(16))
    );
    let error = with("queue_get_config_reply", 34, 32).expect("an error");
    assert_eq!(
        (error.field, error.problem),
        ("properties.len", Problem::Length(16))
    );
}

#[test]
fn a_message_of_fixed_size_to_a_switch_is_refused_when_cut_or_prolonged() {
    for name in [
        "port_mod",
        "table_mod",
        "role_request",
        "set_async",
        "queue_get_config_request",
        "request_port",
        "request_queue",
        "request_group",
        "request_meter",
        "request_meter_config",
    ] {
        let bytes = V13.vector(name);
        for length in 8..bytes.len() {
            let (error, _) = read_both_ways(V13, BytesMut::from(&bytes[..length]));
            assert!(error.is_some(), "{name} cut at {length}");
        }
        let (error, _) = read_both_ways(V13, prolonged(&bytes));
        let field = error.map(|error| error.field);
        assert_eq!(field, Some("header.length"), "{name}");
    }
}

#[test]
fn commands_that_are_not_there_are_refused() {
    for name in ["group_mod", "meter_mod_add"] {
        let error = with(name, 8, 3).expect("an error");
        assert_eq!(
            (error.field, error.offset, error.problem),
            ("command", 8, Problem::Value(3)),
            "{name}"
        );
    }
}

/// A multipart message of this type with as many copies of `part` as fit.
fn multipart(vector: &str, stats_type: u8, part: &[u8]) -> BytesMut {
    let mut bytes = filled(V13, vector, 16, part);
    bytes[8..12].copy_from_slice(&[0, stats_type, 0, 0]);
    bytes
}

/// A structure of `length` bytes, its length at `at`, that begins with `head` and goes on with copies of `part`.
fn container(head: &[u8], at: usize, length: usize, part: &[u8]) -> Vec<u8> {
    let copies = (length - head.len()) / part.len();
    let mut bytes = [head, &part.repeat(copies)].concat();
    bytes.resize(length, 0);
    let length = u16::try_from(length).expect("fits");
    bytes[at..at + 2].copy_from_slice(&length.to_be_bytes());
    bytes
}

const EMPTY_BUCKET: [u8; 16] = [0, 16, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0];

#[test]
fn the_longest_lists_of_the_smallest_records_are_read_soon() {
    let band = [0, 3, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0];
    for (name, part) in [
        ("group_mod", &EMPTY_BUCKET[..]),
        ("meter_mod_add", &band[..]),
    ] {
        let bytes = filled(V13, name, 16, part);
        assert_eq!(read_both_ways(V13, bytes).0, None, "{name}");
    }
    let queue = container(&[], 8, 16, &[0]);
    let queues = filled(V13, "queue_get_config_reply", 16, &queue);
    assert_eq!(read_both_ways(V13, queues).1, None);

    for (stats_type, part) in [
        (6, container(&[], 0, 40, &[0])),
        (7, container(&[], 0, 8, &[0])),
        (9, container(&[], 4, 40, &[0])),
        (10, container(&[], 0, 8, &[0])),
        (12, container(&[], 0, 64, &[0])),
    ] {
        let bytes = multipart("reply_flow_none", stats_type, &part);
        assert_eq!(read_both_ways(V13, bytes).1, None, "{stats_type}");
    }
}

#[test]
fn the_longest_lists_within_one_record_are_read_soon() {
    const LONGEST: usize = 0xfff8 - 16;
    let table =
        |property: Vec<u8>| container(&[&[0; 64][..], &property].concat(), 0, LONGEST, &[0]);
    let list = |number, part| table(container(&[0, number, 0, 0], 2, LONGEST - 64, part));
    for (stats_type, record) in [
        (6, container(&[0; 40], 0, LONGEST, &[0; 16])),
        (7, container(&[0; 8], 0, LONGEST, &EMPTY_BUCKET)),
        (
            12,
            container(&[0; 64], 0, LONGEST, &[0, 9, 0, 4, 0, 0, 0, 0]),
        ),
        (12, list(0, &[0, 1, 0, 4])),
        (12, list(2, &[1])),
        (12, list(8, &[0x80, 0, 0, 0])),
    ] {
        let bytes = multipart("reply_flow_none", stats_type, &record);
        assert_eq!(bytes.len(), 16 + record.len());
        assert_eq!(read_both_ways(V13, bytes).1, None, "{stats_type}");
    }
}
