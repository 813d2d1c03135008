use proptest::prelude::*;

use super::super::cutter::Trouble;
use super::*;

const HELLO: [u8; 8] = [4, 0, 0, 8, 0, 0, 0, 1];

fn switch(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 9], port))
}

fn controller() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 6653))
}

fn segment(from: SocketAddr, to: SocketAddr, sequence: u32, payload: &[u8]) -> Segment<'_> {
    Segment {
        source: from,
        destination: to,
        sequence,
        acknowledgment: Some(0),
        syn: false,
        payload,
    }
}

fn syn(from: SocketAddr, to: SocketAddr, sequence: u32, answer: bool) -> Segment<'static> {
    Segment {
        acknowledgment: answer.then_some(0),
        syn: true,
        ..segment(from, to, sequence, b"")
    }
}

/// An echo request with this transaction id and a body of this length.
fn echo(xid: u32, body: usize) -> Vec<u8> {
    let length = u16::try_from(8 + body).unwrap().to_be_bytes();
    let mut bytes = vec![4, 2, length[0], length[1]];
    bytes.extend(xid.to_be_bytes());
    bytes.resize(8 + body, 0x04);
    bytes
}

/// Connections, and what they gave: where from and to, and the transaction id or trouble.
struct Watched {
    connections: Connections,
    seen: Vec<(SocketAddr, Direction, Result<u32, Trouble>)>,
}

impl Watched {
    fn new(ports: &[u16]) -> Self {
        Self {
            connections: Connections::new(ports.to_vec()),
            seen: Vec::new(),
        }
    }

    fn sink(
        seen: &mut Vec<(SocketAddr, Direction, Result<u32, Trouble>)>,
        place: &Place,
        cut: Cut,
    ) {
        seen.push((
            place.from,
            place.direction,
            match cut {
                Cut::Message(frame) => Ok(frame.xid().0),
                Cut::Trouble(trouble) => Err(trouble),
            },
        ));
    }

    fn push(&mut self, segment: &Segment<'_>) {
        let seen = &mut self.seen;
        self.connections.segment(segment, None, &mut |place, cut| {
            Self::sink(seen, place, cut)
        });
    }

    fn finish(&mut self) {
        let seen = &mut self.seen;
        self.connections
            .finish(&mut |place, cut| Self::sink(seen, place, cut));
    }

    fn xids(&self) -> Vec<u32> {
        let all = self.seen.iter();
        all.map(|(_, _, result)| result.clone().unwrap()).collect()
    }
}

#[test]
fn the_side_that_listens_is_the_controller() {
    let mut watched = Watched::new(&[6653]);
    watched.push(&segment(switch(40000), controller(), 1, &HELLO));
    watched.push(&segment(controller(), switch(40000), 1, &HELLO));
    watched.push(&segment(switch(40000), switch(40001), 1, &HELLO));
    watched.finish();
    assert_eq!(
        watched.seen,
        [
            (switch(40000), Direction::FromSwitch, Ok(1)),
            (controller(), Direction::ToSwitch, Ok(1)),
        ]
    );
}

#[test]
fn between_two_ports_of_openflow_the_opening_tells() {
    let mut watched = Watched::new(&[6653, 6633]);
    watched.push(&syn(switch(6633), controller(), 0, false));
    watched.push(&syn(controller(), switch(6633), 0, true));
    watched.push(&segment(controller(), switch(6633), 1, &HELLO));
    watched.push(&segment(switch(6633), controller(), 1, &HELLO));
    assert_eq!(
        watched.seen,
        [
            (controller(), Direction::ToSwitch, Ok(1)),
            (switch(6633), Direction::FromSwitch, Ok(1)),
        ]
    );
}

#[test]
fn connections_are_told_apart() {
    let mut watched = Watched::new(&[6653]);
    let (one, other) = (echo(1, 10), echo(2, 10));
    watched.push(&segment(switch(1), controller(), 0, &one[..9]));
    watched.push(&segment(switch(2), controller(), 0, &other[..9]));
    watched.push(&segment(switch(2), controller(), 9, &other[9..]));
    watched.push(&segment(switch(1), controller(), 9, &one[9..]));
    assert_eq!(watched.xids(), [2, 1]);
}

#[test]
fn a_new_connection_between_the_same_ends_begins_anew() {
    let mut watched = Watched::new(&[6653]);
    let (from, to) = (switch(1), controller());
    watched.push(&syn(from, to, 100, false));
    watched.push(&syn(from, to, 100, false));
    watched.push(&segment(from, to, 101, &echo(1, 0)));
    watched.push(&segment(from, to, 109, &echo(2, 0)[..4]));
    watched.push(&syn(from, to, 5000, false));
    watched.push(&segment(from, to, 5001, &echo(3, 0)));
    let results: Vec<_> = watched
        .seen
        .iter()
        .map(|(_, _, result)| result.clone())
        .collect();
    let unfinished = Trouble::Unfinished {
        have: 4,
        length: Some(8),
    };
    assert_eq!(results, [Ok(1), Err(unfinished), Ok(3)]);
}

#[test]
fn an_answer_captured_before_the_opening_is_kept() {
    let mut watched = Watched::new(&[6653]);
    watched.push(&syn(controller(), switch(1), 7, true));
    watched.push(&segment(controller(), switch(1), 16, &echo(2, 0)));
    watched.push(&syn(switch(1), controller(), 70, false));
    watched.push(&segment(controller(), switch(1), 8, &echo(1, 0)));
    assert_eq!(watched.xids(), [1, 2]);
}

#[test]
fn the_number_of_connections_and_what_they_hold_are_bounded() {
    let mut watched = Watched::new(&[6653]);
    for port in 1..=2500 {
        watched.push(&syn(switch(port), controller(), 0, false));
        for number in 0..50 {
            // The first byte never comes.
            watched.push(&segment(
                switch(port),
                controller(),
                2 + number * 2000,
                &[0; 1400],
            ));
        }
        if port % 500 == 0 {
            let all = watched.connections.connections.values();
            assert_eq!(watched.connections.held, all.map(held).sum::<usize>());
        }
        assert!(watched.connections.held <= MAX_HELD_TOGETHER + 1500);
        assert!(watched.connections.connections.len() <= MAX_CONNECTIONS);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Messages cut into any segments, in any order, some twice, are the same messages.
    #[test]
    fn messages_do_not_depend_on_segments(
        initial: u32,
        bodies in proptest::collection::vec(0_usize..300, 1..40),
        sizes in proptest::collection::vec(1_usize..200, 1..20),
        keys in proptest::collection::vec(any::<u32>(), 1..50),
    ) {
        let messages: Vec<u8> = (0..).zip(&bodies).flat_map(|(xid, body)| echo(xid, *body)).collect();
        let mut segments = Vec::new();
        let mut from = 0;
        for (size, key) in sizes.iter().cycle().zip(keys.iter().cycle()) {
            if from == messages.len() {
                break;
            }
            let to = messages.len().min(from + size);
            segments.push((*key, from..to));
            if key % 5 == 0 {
                segments.push((key.rotate_left(7), from.saturating_sub(3)..to));
            }
            from = to;
        }
        segments.sort_by_key(|(key, _)| *key);
        let mut watched = Watched::new(&[6653]);
        watched.push(&syn(switch(1), controller(), initial, false));
        for (_, range) in segments {
            let offset = u32::try_from(range.start).unwrap();
            let sequence = initial.wrapping_add(1).wrapping_add(offset);
            watched.push(&segment(switch(1), controller(), sequence, &messages[range]));
        }
        watched.finish();
        let expected: Vec<u32> = (0..).take(bodies.len()).collect();
        prop_assert_eq!(watched.xids(), expected);
    }
}
