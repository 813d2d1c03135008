//! HELLO, whatever the version of its header.

use bytes::Bytes;
use godwit_openflow::DecodeError;
use godwit_openflow::error::Problem;
use godwit_openflow::model::{FromSwitch, HelloElement, ToSwitch};

use super::V13;
use crate::common::{decode_from, decode_to, hex, unhex};

fn hello(version: u8, body: &str) -> Bytes {
    let length = 8 + body.len() / 2;
    unhex(&format!("{version:02x}00{length:04x}00000001{body}"))
}

type Parts = (Option<Vec<u8>>, Vec<HelloElement>);

fn parts(version: u8, body: &str) -> Result<Parts, DecodeError> {
    let bytes = hello(version, body);
    match (decode_from(bytes.clone())?, decode_to(bytes)?) {
        (
            FromSwitch::Hello {
                bitmap,
                elements,
                header_version,
            },
            ToSwitch::Hello {
                bitmap: other,
                elements: others,
            },
        ) => {
            assert_eq!((header_version, &bitmap), (version, &other));
            assert_eq!(elements, others);
            Ok((bitmap, elements))
        }
        other => panic!("{other:?}"),
    }
}

fn bitmap(version: u8, body: &str) -> Result<Option<Vec<u8>>, DecodeError> {
    parts(version, body).map(|(bitmap, _)| bitmap)
}

fn element(element_type: u16, body: &'static [u8]) -> HelloElement {
    HelloElement {
        element_type,
        body: Bytes::from_static(body),
    }
}

fn refused(body: &str) -> (usize, Problem) {
    let error = bitmap(4, body).unwrap_err();
    (error.offset, error.problem)
}

#[test]
fn a_header_alone_is_a_hello_in_any_version() {
    for version in 0..=u8::MAX {
        assert_eq!(bitmap(version, ""), Ok(None));
    }
}

#[test]
fn a_version_bitmap_is_read_below_any_header() {
    for version in [0x01, 0x02, 0x04, 0x05, 0x06, 0x99] {
        assert_eq!(
            bitmap(version, "0001000800000012"),
            Ok(Some(vec![1, 4])),
            "{version}"
        );
    }
}

#[test]
fn elements_that_are_not_known_are_kept_and_written_behind_the_bitmap() {
    let body = "0007000601020000000100080000005effff000400000000";
    let elements = vec![element(7, &[1, 2]), element(0xffff, &[])];
    assert_eq!(
        parts(4, body),
        Ok((Some(vec![1, 2, 3, 4, 6]), elements.clone()))
    );
    assert_eq!(parts(1, body), parts(4, body));
    let message = ToSwitch::Hello {
        bitmap: Some(vec![1, 2, 3, 4, 6]),
        elements,
    };
    let written = V13.encode(&message).unwrap();
    assert_eq!(
        hex(&written[8..]),
        "000100080000005e0007000601020000ffff000400000000"
    );
    assert_eq!(decode_to(written), Ok(message));
}

#[test]
fn elements_that_can_not_be_written_are_refused() {
    for (element, what) in [
        (
            element(1, &[0, 0, 0, 0x10]),
            "a version bitmap among the other elements of HELLO",
        ),
        (
            element(7, &[0; 65_532]),
            "an element of HELLO of 65536 bytes",
        ),
    ] {
        let message = ToSwitch::Hello {
            bitmap: None,
            elements: vec![element],
        };
        assert_eq!(V13.encode(&message).unwrap_err().what, what);
    }
}

#[test]
fn a_bitmap_of_several_words_counts_on() {
    assert_eq!(
        bitmap(4, "0001000c000000108000000100000000"),
        Ok(Some(vec![4, 32, 63]))
    );
    let last = format!("00010024{}8000000000000000", "00000000".repeat(7));
    assert_eq!(bitmap(4, &last), Ok(Some(vec![255])));
    let beyond = format!("00010028{}ffffffff", "00000000".repeat(8));
    assert_eq!(bitmap(4, &beyond), Ok(Some(vec![])));
}

#[test]
fn an_empty_bitmap_offers_nothing() {
    assert_eq!(bitmap(4, "0001000400000000"), Ok(Some(vec![])));
}

#[test]
fn an_element_without_length_is_an_error_at_once() {
    let error = decode_from(unhex("0400000c98c20000000c0000")).unwrap_err();
    assert_eq!((error.field, error.offset), ("elements.length", 10));
    assert_eq!(error.problem, Problem::Length(0));
}

#[test]
fn a_wrong_length_of_an_element_is_an_error() {
    assert_eq!(refused("0001000300000000"), (10, Problem::Length(3)));
    assert_eq!(refused("0001000900000010"), (10, Problem::Length(9)));
    assert_eq!(refused("0001000600001000"), (10, Problem::Length(6)));
    assert_eq!(
        refused("00010008000000100000"),
        (18, Problem::Truncated { needed: 2, left: 0 })
    );
}

#[test]
fn what_follows_the_header_of_another_version_may_be_anything() {
    for body in ["00", "000c0000", "00010009ffffffff", "ffffffffffffffffff"] {
        assert_eq!(bitmap(1, body), Ok(None), "{body}");
        assert_eq!(bitmap(6, body), Ok(None), "{body}");
    }
    assert_eq!(bitmap(1, "0001000800000012aa"), Ok(Some(vec![1, 4])));
    let before = "0007000601020000ffff0003";
    assert_eq!(parts(6, before), Ok((None, vec![element(7, &[1, 2])])));
}

#[test]
fn a_hello_goes_out_below_the_header_it_names() {
    let message = FromSwitch::Hello {
        bitmap: Some(vec![4]),
        elements: vec![element(2, b"elements")],
        header_version: 6,
    };
    let bytes = V13.encode(&message).unwrap();
    assert_eq!(bytes[0], 6);
    assert_eq!(decode_from(bytes), Ok(message));
}
