//! What the model is in JSON is read back as what it was, whatever it is; and whatever it is has a line of text.

mod any;

use godwit_openflow::message::{Body, Message};
use godwit_openflow::model::{FromSwitch, ToSwitch};
use godwit_openflow::types::{Version, Xid};
use godwit_samples::{v10, v13};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

fn reads_back<T>(value: &T) -> Result<(), TestCaseError>
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let text =
        serde_json::to_string(value).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let read: T = serde_json::from_str(&text)
        .map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
    prop_assert_eq!(&read, value, "{}", text);
    Ok(())
}

fn in_envelope(body: Body) -> Message {
    Message {
        version: Version::V13,
        xid: Xid(0xffff_fffe),
        body,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn messages_to_a_switch_of_1_0(message in v10::to_switch()) {
        reads_back(&message)?;
    }

    #[test]
    fn messages_from_a_switch_of_1_0(message in v10::from_switch()) {
        reads_back(&message)?;
    }

    #[test]
    fn messages_to_a_switch_of_1_3(message in v13::to_switch()) {
        reads_back(&message)?;
    }

    #[test]
    fn messages_from_a_switch_of_1_3(message in v13::from_switch()) {
        reads_back(&message)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn patterns(pattern in any::pattern()) {
        reads_back(&pattern)?;
    }

    #[test]
    fn actions(action in any::action()) {
        reads_back(&action)?;
    }

    #[test]
    fn instructions(instruction in any::instruction()) {
        reads_back(&instruction)?;
    }

    #[test]
    fn whatever_goes_to_a_switch(message in any::to_switch()) {
        reads_back(&message)?;
    }

    #[test]
    fn whatever_comes_from_a_switch(message in any::from_switch()) {
        reads_back(&message)?;
    }

    #[test]
    fn requests_for_statistics(body in any::stats_request(), more: bool) {
        reads_back::<ToSwitch>(&ToSwitch::StatsRequest { more, body })?;
    }

    #[test]
    fn statistics(body in any::stats_reply(), more: bool) {
        reads_back::<FromSwitch>(&FromSwitch::Stats { more, body })?;
    }

    #[test]
    fn a_message_is_one_line_of_text(to in any::to_switch(), from in any::from_switch()) {
        for body in [Body::ToSwitch(to), Body::FromSwitch(from)] {
            let line = in_envelope(body).to_string();
            prop_assert!(!line.contains(char::is_control), "{:?}", line);
        }
    }

    #[test]
    fn messages_in_their_envelope(to in any::to_switch(), from in any::from_switch()) {
        reads_back(&in_envelope(Body::ToSwitch(to)))?;
        reads_back(&in_envelope(Body::FromSwitch(from)))?;
    }
}
