//! Any queue, and what is reported of it.

use godwit_openflow::model::{
    QueueConfig, QueueConfigReply, QueueFilter, QueueProperty, QueueStats,
};
use godwit_openflow::types::QueueId;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::port_no;
use crate::common::{data, duration_ns};

fn queue_id() -> impl Strategy<Value = QueueId> {
    any::<u32>().prop_map(QueueId)
}

fn property() -> impl Strategy<Value = QueueProperty> {
    let unknown = prop_oneof![Just(0), 3..=0xfffe_u16];
    prop_oneof![
        any::<u16>().prop_map(|rate| QueueProperty::MinRate { rate }),
        any::<u16>().prop_map(|rate| QueueProperty::MaxRate { rate }),
        (any::<u32>(), data(20))
            .prop_map(|(experimenter, body)| QueueProperty::Experimenter { experimenter, body }),
        (unknown, data(20)).prop_map(|(property, body)| QueueProperty::Unknown { property, body }),
    ]
}

pub(super) fn config() -> impl Strategy<Value = QueueConfigReply> {
    let queue =
        (queue_id(), port_no(), vec(property(), 0..4)).prop_map(|(queue, port, properties)| {
            QueueConfig {
                queue,
                port,
                properties,
            }
        });
    (port_no(), vec(queue, 0..4)).prop_map(|(port, queues)| QueueConfigReply { port, queues })
}

pub(super) fn filter() -> impl Strategy<Value = QueueFilter> {
    (port_no(), queue_id()).prop_map(|(port, queue)| QueueFilter { port, queue })
}

pub(super) fn stats() -> impl Strategy<Value = QueueStats> {
    (
        port_no(),
        queue_id(),
        vec(of(0..u64::MAX), 3),
        of(duration_ns()),
    )
        .prop_map(|(port, queue, counters, duration_ns)| QueueStats {
            port,
            queue,
            tx_bytes: counters[0],
            tx_packets: counters[1],
            tx_errors: counters[2],
            duration_ns,
        })
}
