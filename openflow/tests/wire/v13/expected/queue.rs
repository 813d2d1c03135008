//! Queues.

use bytes::Bytes;
use godwit_openflow::model::{
    FromSwitch, QueueConfig, QueueConfigReply, QueueFilter, QueueProperty, QueueStats, StatsReply,
    StatsRequest, ToSwitch,
};
use godwit_openflow::types::{PortNo, QueueId};

use crate::common::Named;

pub(super) fn to_switch() -> Named<ToSwitch> {
    vec![(
        "queue_get_config_request",
        ToSwitch::QueueConfigRequest(PortNo(7)),
    )]
}

pub(super) fn from_switch() -> Named<FromSwitch> {
    let queue = |number, properties| QueueConfig {
        queue: QueueId(number),
        port: PortNo(7),
        properties,
    };
    let rates = vec![
        QueueProperty::MinRate { rate: 100 },
        QueueProperty::MaxRate { rate: 900 },
    ];
    let experimenter = vec![QueueProperty::Experimenter {
        experimenter: 0x00ab_cdef,
        body: Bytes::from("the data"),
    }];
    let reply = QueueConfigReply {
        port: PortNo(7),
        queues: vec![queue(1, rates), queue(2, experimenter), queue(3, vec![])],
    };
    vec![("queue_get_config_reply", FromSwitch::QueueConfig(reply))]
}

pub(super) fn requests() -> Named<StatsRequest> {
    let filter = QueueFilter {
        port: PortNo(1),
        queue: QueueId(2),
    };
    vec![("request_queue", StatsRequest::Queues(filter))]
}

pub(super) fn replies() -> Named<StatsReply> {
    let counted = QueueStats {
        port: PortNo(1),
        queue: QueueId(2),
        tx_bytes: Some(3),
        tx_packets: Some(4),
        tx_errors: Some(5),
        duration_ns: Some(6_000_000_007),
    };
    let not_counted = QueueStats {
        port: PortNo(1),
        queue: QueueId(3),
        tx_bytes: None,
        tx_packets: None,
        tx_errors: None,
        duration_ns: None,
    };
    vec![(
        "reply_queue",
        StatsReply::Queues(vec![counted, not_counted]),
    )]
}
