//! Reading what was written gives what was to be written.

use proptest::prelude::*;

use super::corpus::{decode_from, decode_to, encode_from, encode_to};
use super::generated;

proptest! {
    #[test]
    fn what_is_written_for_a_switch_is_read_back(message in generated::to_switch()) {
        let bytes = encode_to(&message)?;
        prop_assert_eq!(decode_to(bytes)?, message);
    }

    #[test]
    fn what_is_written_for_a_controller_is_read_back(message in generated::from_switch()) {
        let bytes = encode_from(&message)?;
        prop_assert_eq!(decode_from(bytes)?, message);
    }
}
