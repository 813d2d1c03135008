//! Arbitrary ports.

use godwit_openflow::model::{Port, PortMod};
use godwit_openflow::types::PortNo;
use proptest::prelude::*;

use crate::common::{mac, text};

/// A set of bits of which 1.0 and 1.3 share some: those have 1.3's numbers, every other of 1.0's stands 32 higher.
const fn places(shared_of_1_3: u64, shared_of_1_0: u64) -> u64 {
    shared_of_1_3 | (0xffff_ffff & !shared_of_1_0) << 32
}

const CAPABILITIES: u64 = places(0x67, 0x67);
const CONFIG: u64 = places(0x65, 0x65);
const STATE: u64 = places(1, 1);
const FEATURES: u64 = places(0xf87f, 0xfff);

fn bits(places: u64) -> impl Strategy<Value = u64> {
    any::<u64>().prop_map(move |bits| bits & places)
}

pub(super) fn capabilities() -> impl Strategy<Value = u64> {
    bits(CAPABILITIES)
}

/// Every number that 1.0 has.
pub(super) fn port_no() -> impl Strategy<Value = PortNo> {
    prop_oneof![0..=0xff00_u32, 0xffff_ff01..=0xffff_ffff_u32].prop_map(PortNo)
}

/// Every number but the one for no port.
pub(super) fn named_port() -> impl Strategy<Value = PortNo> {
    prop_oneof![0..=0xff00_u32, 0xffff_ff01..=0xffff_fffe_u32].prop_map(PortNo)
}

/// A name may fill its field.
pub(super) fn port() -> impl Strategy<Value = Port> {
    let features = [FEATURES; 4].map(bits);
    (
        port_no(),
        mac(),
        text(16),
        bits(CONFIG),
        bits(STATE),
        features,
    )
        .prop_map(|(number, mac, name, config, state, features)| Port {
            number,
            mac,
            name,
            admin_down: config & 1 != 0,
            link_down: state & 1 != 0,
            config,
            state,
            features,
            current_speed: 0,
            max_speed: 0,
        })
}

pub(super) fn port_mod() -> impl Strategy<Value = PortMod> {
    (port_no(), mac(), bits(CONFIG), bits(CONFIG), bits(FEATURES)).prop_map(
        |(port, mac, config, mask, advertise)| PortMod {
            port,
            mac,
            config,
            mask,
            advertise,
        },
    )
}
