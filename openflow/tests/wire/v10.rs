//! OpenFlow 1.0.

mod expected;
mod golden;
mod hostile;
mod lowering;
mod ovs;
mod raising;
mod round_trip;

use godwit_openflow::types::{Version, Xid};

use crate::common::Wire;

const V10: Wire = Wire {
    version: Version::V10,
    xid: Xid(0x0102_0304),
    vectors: "v10",
};
