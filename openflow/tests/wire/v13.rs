//! OpenFlow 1.3.

mod expected;
mod golden;
mod hello;
mod hostile;
mod lengths;
mod lowering;
mod ovs;
mod oxm;
mod refused;
mod round_trip;
mod samples;

use godwit_openflow::types::{Version, Xid};

use crate::common::Wire;

const V13: Wire = Wire {
    version: Version::V13,
    xid: Xid(0x0a0b_0c0d),
    vectors: "v13",
};
