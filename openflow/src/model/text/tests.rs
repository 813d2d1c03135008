//! The lines themselves.

mod answers;
mod changes;

use bytes::Bytes;

use crate::message::{Body, Message};
use crate::model::{FromSwitch, ToSwitch};
use crate::types::{Version, Xid};

/// The line of a message to a switch of 1.3 with transaction id 7.
fn to(message: ToSwitch) -> String {
    line(Version::V13, Body::ToSwitch(message))
}

/// The line of a message from a switch of 1.3 with transaction id 7.
fn from(message: FromSwitch) -> String {
    line(Version::V13, Body::FromSwitch(message))
}

fn line(version: Version, body: Body) -> String {
    let xid = Xid(7);
    let message = Message { version, xid, body };
    message.to_string()
}

#[test]
fn a_message_without_fields_is_its_head() {
    assert_eq!(
        to(ToSwitch::BarrierRequest),
        "BARRIER_REQUEST (OF1.3) (xid=0x7)"
    );
    assert_eq!(
        line(Version::V10, Body::FromSwitch(FromSwitch::BarrierReply)),
        "BARRIER_REPLY (OF1.0) (xid=0x7)"
    );
    assert_eq!(ToSwitch::BarrierRequest.to_string(), "BARRIER_REQUEST");
}

#[test]
fn the_first_messages_of_a_connection() {
    assert_eq!(
        to(ToSwitch::hello(Some(vec![1, 4]))),
        "HELLO (OF1.3) (xid=0x7): version bitmap: 0x01 0x04"
    );
    let hello = FromSwitch::Hello {
        bitmap: None,
        elements: Vec::new(),
        header_version: 6,
    };
    assert_eq!(from(hello), "HELLO (OF1.3) (xid=0x7): version: 0x06");
    assert_eq!(
        from(FromSwitch::EchoRequest(Bytes::from_static(b"abcd"))),
        "ECHO_REQUEST (OF1.3) (xid=0x7): 4 bytes of payload"
    );
}

#[test]
fn what_has_no_name_is_its_number_and_its_bytes() {
    let body = || Bytes::from_static(b"\x01\xff");
    assert_eq!(
        to(ToSwitch::Unknown {
            message_type: 99,
            body: body()
        }),
        "UNKNOWN (OF1.3) (xid=0x7): type=99 body=01ff"
    );
    assert_eq!(
        from(FromSwitch::Experimenter {
            experimenter: 0x2320,
            exp_type: 11,
            body: body()
        }),
        "EXPERIMENTER (OF1.3) (xid=0x7): exp_type=11 experimenter=0x00002320 body=01ff"
    );
}
