use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::super::close::CloseReason;
use super::super::link::Link;
use super::super::metrics::ConnectionMetrics;
use super::{Seat, Seats};
use crate::limits::Limits;

struct Room {
    seats: Arc<Seats>,
    limits: Limits,
    last: u64,
}

impl Room {
    fn new(connections: usize, unready: usize, unready_per_address: usize) -> Self {
        let limits = Limits {
            connections,
            unready,
            unready_per_address,
            ..Limits::default()
        };
        Self {
            seats: Arc::new(Seats::new(&limits)),
            limits,
            last: 0,
        }
    }

    fn enter(&mut self, host: u8) -> Option<(Seat, Arc<Link>)> {
        self.last += 1;
        let peer = SocketAddr::from(([127, 0, 0, host], 1_000));
        let metrics = Arc::new(ConnectionMetrics::default());
        let link = Arc::new(Link::new(self.last, peer, &self.limits, metrics));
        self.seats.take(&link).map(|seat| (seat, link))
    }
}

async fn made_room(link: &Link) -> bool {
    match timeout(Duration::from_millis(1), link.closer.requested()).await {
        Ok(reason) => reason == CloseReason::MadeRoom,
        Err(_) => false,
    }
}

#[tokio::test(start_paused = true)]
async fn the_oldest_that_has_said_nothing_makes_room() {
    let mut room = Room::new(100, 3, 100);
    let (first, first_link) = room.enter(1).unwrap();
    let (_second, second_link) = room.enter(1).unwrap();
    let (_third, third_link) = room.enter(1).unwrap();
    first.heard();
    let _fourth = room.enter(2).unwrap();
    assert!(!made_room(&first_link).await);
    assert!(made_room(&second_link).await);
    assert!(!made_room(&third_link).await);
}

#[tokio::test(start_paused = true)]
async fn an_address_takes_seats_from_itself_only() {
    let mut room = Room::new(100, 100, 2);
    let (_honest, honest_link) = room.enter(9).unwrap();
    let (_one, one_link) = room.enter(1).unwrap();
    let (_two, two_link) = room.enter(1).unwrap();
    let _three = room.enter(1).unwrap();
    assert!(made_room(&one_link).await);
    assert!(!made_room(&two_link).await);
    assert!(!made_room(&honest_link).await);
}

#[tokio::test(start_paused = true)]
async fn a_complete_switch_keeps_its_seat_and_gives_it_up_in_the_end() {
    let mut room = Room::new(2, 2, 2);
    let (mut first, first_link) = room.enter(1).unwrap();
    let (mut second, _) = room.enter(1).unwrap();
    first.ready();
    second.ready();
    assert!(
        room.enter(1).is_none(),
        "all seats are taken by complete switches"
    );
    assert!(!made_room(&first_link).await);
    drop(second);
    let (third, third_link) = room.enter(1).unwrap();
    assert!(room.enter(1).is_some(), "an incomplete one makes room");
    assert!(made_room(&third_link).await);
    drop(third);
    assert!(room.enter(1).is_some());
}

#[tokio::test(start_paused = true)]
async fn without_file_descriptors_some_incomplete_connections_end() {
    let mut room = Room::new(100, 100, 100);
    assert!(!room.seats.make_room(), "nobody is there");
    let (_seat, link) = room.enter(1).unwrap();
    assert!(room.seats.make_room());
    assert!(made_room(&link).await);
    assert!(!room.seats.make_room(), "it does not count twice");
}
