use std::sync::Arc;

use bytes::Bytes;
use godwit_openflow::model::{FlowRemoved, FlowRemovedReason, PacketIn, PacketInReason, Pattern};
use godwit_openflow::types::{Cookie, PortNo, TableId};

use super::super::close::CloseReason;
use super::super::metrics::ConnectionMetrics;
use super::super::observer::SwitchMessage;
use super::Deliveries;
use crate::limits::{CHANGE_QUEUE, LLDP_QUEUE, PACKET_IN_QUEUE, PACKET_IN_QUEUE_BYTES};

fn packet(data: Bytes) -> SwitchMessage {
    SwitchMessage::PacketIn(PacketIn {
        buffer_id: None,
        total_len: 0,
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: None,
        in_port: PortNo(1),
        pattern: Pattern::new(),
        data,
    })
}

fn lldp() -> SwitchMessage {
    let mut frame = [0; 60];
    frame[12..14].copy_from_slice(&[0x88, 0xcc]);
    packet(Bytes::copy_from_slice(&frame))
}

fn change(cookie: u64) -> SwitchMessage {
    SwitchMessage::FlowRemoved(FlowRemoved {
        cookie: Cookie(cookie),
        priority: 0,
        reason: FlowRemovedReason::Delete,
        table: TableId(0),
        duration_ns: 0,
        idle_timeout: 0,
        hard_timeout: 0,
        packets: 0,
        bytes: 0,
        pattern: Pattern::new(),
    })
}

fn queue() -> (Deliveries, Arc<ConnectionMetrics>) {
    let metrics = Arc::new(ConnectionMetrics::default());
    (Deliveries::new(Arc::clone(&metrics)), metrics)
}

#[tokio::test]
async fn messages_come_in_order() {
    let (queue, _) = queue();
    let messages = [
        packet(Bytes::from_static(b"a")),
        change(1),
        lldp(),
        packet(Bytes::new()),
        change(2),
    ];
    for message in messages.clone() {
        queue.push(message).unwrap();
    }
    for message in messages {
        assert_eq!(queue.next().await.unwrap(), message);
    }
}

#[tokio::test]
async fn a_flood_of_packets_costs_packets_and_nothing_else() {
    let (queue, metrics) = queue();
    for _ in 0..PACKET_IN_QUEUE + 500 {
        queue.push(packet(Bytes::new())).unwrap();
    }
    for _ in 0..LLDP_QUEUE {
        queue.push(lldp()).unwrap();
    }
    queue.push(change(1)).unwrap();
    assert_eq!(metrics.snapshot().packet_ins_dropped, 500);
    for _ in 0..PACKET_IN_QUEUE + LLDP_QUEUE {
        queue.next().await.unwrap();
    }
    assert_eq!(queue.next().await.unwrap(), change(1));
    queue.push(packet(Bytes::new())).unwrap();
    assert!(queue.next().await.is_ok(), "there is room again");
}

#[test]
fn large_packets_are_bounded_by_their_bytes() {
    let (queue, metrics) = queue();
    let large = Bytes::from(vec![0; 60_000]);
    let room = PACKET_IN_QUEUE_BYTES / large.len();
    for _ in 0..room + 3 {
        queue.push(packet(large.clone())).unwrap();
    }
    assert_eq!(metrics.snapshot().packet_ins_dropped, 3);
}

#[test]
fn changes_are_never_dropped_but_have_an_end() {
    let (queue, _) = queue();
    for cookie in 0..CHANGE_QUEUE as u64 {
        queue.push(change(cookie)).unwrap();
    }
    assert!(queue.push(change(0)).is_err());
}

#[tokio::test]
async fn after_the_end_changes_still_count_and_packets_do_not() {
    let (queue, _) = queue();
    queue.push(packet(Bytes::new())).unwrap();
    queue.push(change(1)).unwrap();
    queue.close(CloseReason::ClosedByPeer);
    queue.close(CloseReason::Shutdown);
    queue.push(change(2)).unwrap();
    assert_eq!(queue.next().await, Ok(change(1)));
    assert_eq!(queue.next().await, Err(CloseReason::ClosedByPeer));
}
