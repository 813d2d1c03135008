//! Reading what was written gives what was to be written.

use proptest::prelude::*;

use godwit_samples::v13 as samples;

use super::V13;
use crate::common::check_read_back;

proptest! {
    #[test]
    fn what_is_written_for_a_switch_is_read_back(message in samples::to_switch()) {
        check_read_back(V13, message)?;
    }

    #[test]
    fn what_is_written_for_a_controller_is_read_back(message in samples::from_switch()) {
        check_read_back(V13, message)?;
    }
}
