//! Arbitrary queues.

use godwit_openflow::model::{
    QueueConfig, QueueConfigReply, QueueFilter, QueueProperty, QueueStats,
};
use godwit_openflow::types::QueueId;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::ports::port_no;
use crate::common::data;

fn property() -> impl Strategy<Value = QueueProperty> {
    // All numbers but that of the minimum rate.
    let unknown = prop_oneof![Just(0_u16), 2..=0xffff_u16];
    prop_oneof![
        any::<u16>().prop_map(|rate| QueueProperty::MinRate { rate }),
        (unknown, data(20)).prop_map(|(property, body)| QueueProperty::Unknown { property, body }),
    ]
}

pub(super) fn config_reply() -> impl Strategy<Value = QueueConfigReply> {
    let queues = vec((any::<u32>(), vec(property(), 0..4)), 0..4);
    (port_no(), queues).prop_map(|(port, queues)| QueueConfigReply {
        port,
        queues: queues
            .into_iter()
            .map(|(queue, properties)| QueueConfig {
                queue: QueueId(queue),
                port,
                properties,
            })
            .collect(),
    })
}

pub(super) fn filter() -> impl Strategy<Value = QueueFilter> {
    (port_no(), any::<u32>()).prop_map(|(port, queue)| QueueFilter {
        port,
        queue: QueueId(queue),
    })
}

pub(super) fn stats() -> impl Strategy<Value = QueueStats> {
    (port_no(), any::<u32>(), [(); 3].map(|()| of(0..u64::MAX))).prop_map(
        |(port, queue, [tx_bytes, tx_packets, tx_errors])| QueueStats {
            port,
            queue: QueueId(queue),
            tx_bytes,
            tx_packets,
            tx_errors,
            duration_ns: None,
        },
    )
}
