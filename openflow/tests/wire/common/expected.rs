//! What the generators of both versions' vectors put in.

use godwit_openflow::model::{Action, Description, Field, PortStats};
use godwit_openflow::types::{MacAddr, PortNo};

pub(crate) fn mac(last: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, last])
}

pub(crate) fn output(port: PortNo, max_len: u16) -> Action {
    Action::Output { port, max_len }
}

pub(crate) fn set(field: Field, value: u128) -> Action {
    Action::SetField { field, value }
}

pub(crate) fn description(software: &str) -> Description {
    Description {
        manufacturer: "Maker".to_owned(),
        hardware: "Hardware".to_owned(),
        software: software.to_owned(),
        serial: "None".to_owned(),
        datapath: "switch seven".to_owned(),
    }
}

/// A port that counts everything, for so long, and one that counts little.
pub(crate) fn port_stats(duration_ns: Option<u64>) -> Vec<PortStats> {
    let all = PortStats {
        port: PortNo(1),
        rx_packets: Some(101),
        tx_packets: Some(102),
        rx_bytes: Some(103),
        tx_bytes: Some(104),
        rx_dropped: Some(105),
        tx_dropped: Some(106),
        rx_errors: Some(107),
        tx_errors: Some(108),
        rx_frame_errors: Some(109),
        rx_overrun_errors: Some(110),
        rx_crc_errors: Some(111),
        collisions: Some(112),
        duration_ns,
    };
    let few = PortStats {
        port: PortNo::LOCAL,
        rx_packets: Some(1),
        tx_packets: Some(2),
        rx_bytes: Some(3),
        tx_bytes: Some(4),
        rx_dropped: None,
        tx_dropped: None,
        rx_errors: None,
        tx_errors: None,
        rx_frame_errors: None,
        rx_overrun_errors: None,
        rx_crc_errors: None,
        collisions: None,
        duration_ns: None,
    };
    vec![all, few]
}
