//! Reading what was written gives what was to be written.

use proptest::prelude::*;

use super::{V13, generated};
use crate::common::generated::check_read_back;

proptest! {
    #[test]
    fn what_is_written_for_a_switch_is_read_back(message in generated::to_switch()) {
        check_read_back(V13, message)?;
    }

    #[test]
    fn what_is_written_for_a_controller_is_read_back(message in generated::from_switch()) {
        check_read_back(V13, message)?;
    }
}
