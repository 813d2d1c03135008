use proptest::prelude::*;

use super::*;

/// What a stream delivered: bytes as they are, a gap as its length in brackets.
#[derive(Default)]
struct Seen(String);

impl Seen {
    fn take(&mut self, delivery: &Delivery<'_>) {
        match delivery {
            Delivery::Data(bytes, _) => self.0.push_str(std::str::from_utf8(bytes).unwrap()),
            Delivery::Gap(missing) => self.0.push_str(&format!("[{missing}]")),
        }
    }
}

/// What a stream that starts at `start` delivers of these segments.
fn delivered(start: u32, segments: &[(u32, &str)]) -> String {
    let mut seen = Seen::default();
    let mut stream = Stream::default();
    stream.start(start);
    for (sequence, bytes) in segments {
        stream.push(
            *sequence,
            bytes.as_bytes(),
            None,
            MAX_HELD,
            &mut |delivery| {
                seen.take(&delivery);
            },
        );
    }
    seen.0
}

#[test]
fn segments_in_order_pass_at_once() {
    assert_eq!(delivered(7, &[(7, "ab"), (9, "c"), (10, "")]), "abc");
}

#[test]
fn segments_out_of_order_wait_for_those_before_them() {
    assert_eq!(delivered(0, &[(4, "ef"), (2, "cd")]), "");
    assert_eq!(delivered(0, &[(4, "ef"), (2, "cd"), (0, "ab")]), "abcdef");
}

#[test]
fn retransmissions_and_overlaps_are_dropped() {
    assert_eq!(
        delivered(0, &[(0, "abc"), (0, "abc"), (1, "b"), (3, "d")]),
        "abcd"
    );
    assert_eq!(delivered(0, &[(0, "abc"), (1, "bcde")]), "abcde");
    assert_eq!(
        delivered(0, &[(3, "de"), (0, "abcdefg"), (7, "h")]),
        "abcdefgh"
    );
    assert_eq!(
        delivered(0, &[(2, "c"), (2, "cdef"), (3, "de"), (0, "ab")]),
        "abcdef"
    );
    // A keep-alive repeats the byte before the next one.
    assert_eq!(delivered(0, &[(0, "abc"), (2, "x"), (3, "d")]), "abcd");
}

#[test]
fn sequence_numbers_wrap() {
    let start = u32::MAX - 1;
    assert_eq!(
        delivered(start, &[(1, "d"), (start, "abc"), (2, "e")]),
        "abcde"
    );
    assert_eq!(delivered(0, &[(u32::MAX, "xab")]), "ab");
    assert_eq!(delivered(0, &[(u32::MAX, "x"), (0, "a")]), "a");
}

#[test]
fn a_stream_without_a_start_begins_with_its_first_segment() {
    let mut seen = Seen::default();
    let mut stream = Stream::default();
    for (sequence, bytes) in [(100, ""), (100, "ab"), (98, "xy"), (102, "cd")] {
        stream.push(
            sequence,
            bytes.as_bytes(),
            None,
            MAX_HELD,
            &mut |delivery| {
                seen.take(&delivery);
            },
        );
    }
    assert_eq!(seen.0, "abcd");
}

#[test]
fn what_is_missing_is_given_up_when_too_much_waits_for_it() {
    let mut seen = Seen::default();
    let mut stream = Stream::default();
    stream.start(0);
    let room = 3 * (SEGMENT_COST + 1);
    for (sequence, bytes) in [(2, "c"), (4, "e"), (5, "f")] {
        stream.push(sequence, bytes.as_bytes(), None, room, &mut |delivery| {
            seen.take(&delivery);
        });
        assert!(stream.held_cost() <= room);
    }
    assert_eq!(seen.0, "");
    stream.push(8, b"i", None, room, &mut |delivery| seen.take(&delivery));
    assert_eq!(seen.0, "[2]c");
    // Too late now.
    stream.push(0, b"ab", None, room, &mut |delivery| seen.take(&delivery));
    stream.finish(&mut |delivery| seen.take(&delivery));
    assert_eq!(seen.0, "[2]c[1]ef[2]i");
    assert_eq!(stream.held_cost(), 0);
}

#[test]
fn what_its_receiver_has_is_not_awaited_for_long() {
    let mut seen = Seen::default();
    let mut stream = Stream::default();
    let at = |seconds| Time::new(seconds, 0, false);
    stream.start(0);
    stream.push(2, b"cd", at(1), MAX_HELD, &mut |delivery| {
        seen.take(&delivery)
    });
    // The receiver waits for the same bytes: they will be sent again.
    for seconds in 1..100 {
        stream.acknowledge(0, at(seconds), &mut |delivery| seen.take(&delivery));
    }
    stream.acknowledge(4, at(100), &mut |delivery| seen.take(&delivery));
    assert_eq!(seen.0, "");
    stream.acknowledge(4, at(101), &mut |delivery| seen.take(&delivery));
    assert_eq!(seen.0, "[2]cd");
}

#[test]
fn each_byte_has_the_time_of_the_packet_that_brought_it() {
    let mut times = Vec::new();
    let mut stream = Stream::default();
    let at = |seconds| Time::new(seconds, 0, false);
    stream.start(0);
    for (sequence, bytes, time) in [(1, b"b", at(1)), (0, b"a", at(2))] {
        stream.push(
            sequence,
            bytes,
            time,
            MAX_HELD,
            &mut |delivery| match delivery {
                Delivery::Data(_, time) => times.push(time),
                Delivery::Gap(_) => panic!("nothing is missing"),
            },
        );
    }
    assert_eq!(times, [at(2), at(1)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any segments in any order, with repetitions, give the bytes in order as soon as all are there.
    #[test]
    fn any_order_of_overlapping_segments_gives_the_stream(
        start: u32,
        bytes in proptest::collection::vec(any::<u8>(), 1..400),
        more in proptest::collection::vec((any::<prop::sample::Index>(), 1_usize..80), 0..40),
        order in any::<u64>(),
    ) {
        let mut segments: Vec<_> = more
            .iter()
            .map(|(index, length)| {
                let from = index.index(bytes.len());
                from..bytes.len().min(from + length)
            })
            .collect();
        segments.extend((0..bytes.len()).step_by(37).map(|from| from..bytes.len().min(from + 37)));
        // An order that follows from the number alone.
        segments.sort_by_key(|range| {
            (range.start as u64 + 1).wrapping_mul(order | 1).rotate_left(range.len() as u32)
        });
        let mut seen = Vec::new();
        let mut stream = Stream::default();
        stream.start(start);
        for range in segments {
            let sequence = start.wrapping_add(range.start as u32);
            stream.push(sequence, &bytes[range], None, MAX_HELD, &mut |delivery| match delivery {
                Delivery::Data(data, _) => seen.extend_from_slice(data),
                Delivery::Gap(missing) => panic!("{missing} bytes are said to be missing"),
            });
        }
        prop_assert_eq!(seen, bytes);
        prop_assert_eq!(stream.held_cost(), 0);
    }
}
