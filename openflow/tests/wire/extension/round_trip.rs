//! Reading what was written gives what was to be written.

use godwit_openflow::codec::Frame;
use godwit_openflow::types::Version;
use godwit_samples::extension as samples;
use proptest::prelude::*;

use super::{V10, V13, captured};
use crate::common::{Wire, check_read_back, decode_from, decode_to};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_written_for_a_switch_of_1_3_is_read_back(message in samples::to_switch_v13()) {
        check_read_back(V13, message)?;
    }

    #[test]
    fn what_is_written_for_a_controller_of_1_3_is_read_back(message in samples::from_switch_v13()) {
        check_read_back(V13, message)?;
    }

    #[test]
    fn what_is_written_for_a_switch_of_1_0_is_read_back(message in samples::to_switch_v10()) {
        check_read_back(V10, message)?;
    }

    #[test]
    fn what_is_written_for_a_controller_of_1_0_is_read_back(message in samples::from_switch_v10()) {
        check_read_back(V10, message)?;
    }
}

/// But for the order of the fields in NXM, which here is that of 1.3's numbers.
#[test]
fn what_open_vswitch_sent_is_written_as_the_same_bytes() {
    for wire in [V10, V13] {
        for bytes in captured::of_version(wire.version.wire()) {
            let xid = Frame::new(bytes.clone()).expect("a whole frame").xid();
            let wire = Wire { xid, ..wire };
            let written = match bytes[1] {
                17 | 19 => wire.encode(&decode_from(bytes.clone()).expect("a message")),
                _ => wire.encode(&decode_to(bytes.clone()).expect("a message")),
            };
            let written = written.expect("expressible");
            if matches!(wire.version, Version::V10) {
                assert_eq!(sorted(&written), sorted(&bytes));
            } else {
                assert_eq!(written, bytes);
            }
        }
    }
}

fn sorted(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.sort_unstable();
    bytes
}
