use super::{HIGHEST_SEQUENCE, Tally};
use crate::packet::{HEADER_LENGTH, Header};

const RUN: u32 = 9;
const MILLISECOND: u64 = 1_000_000;

fn payload(run: u32, flow: u32, sequence: u64, sent_at_ns: u64) -> [u8; HEADER_LENGTH] {
    let mut payload = [0; HEADER_LENGTH];
    Header {
        run,
        flow,
        sequence,
        sent_at_ns,
    }
    .write(&mut payload);
    payload
}

/// Records `sequences` of flow 0, one every millisecond from 1 ms on, each sent 100 µs before.
fn tally_of(sequences: &[u64]) -> Tally {
    let mut tally = Tally::new(RUN, 1);
    for (sequence, now) in sequences.iter().zip((1..).map(|tick| tick * MILLISECOND)) {
        tally.record(0, &payload(RUN, 0, *sequence, now - 100_000), now);
    }
    tally
}

#[test]
fn packets_in_order_are_received_and_nothing_else() {
    let summary = tally_of(&[0, 1, 2, 3]).summary(0);
    assert_eq!((summary.received, summary.duplicates), (4, 0));
    assert_eq!((summary.reordered, summary.max_displacement), (0, 0));
    assert_eq!(summary.longest_silence_us, 1_000);
    assert_eq!(
        (
            summary.delay_us.min,
            summary.delay_us.mean,
            summary.delay_us.max
        ),
        (100, 100, 100)
    );
}

#[test]
fn a_gap_alone_is_no_reordering() {
    let summary = tally_of(&[0, 5, 6]).summary(0);
    assert_eq!((summary.received, summary.reordered), (3, 0));
    assert_eq!(summary.missing, [(0, 1), (0, 2), (0, 3), (0, 4)]);
}

#[test]
fn what_is_missing_is_named_up_to_a_number() {
    let late: Vec<u64> = (0..200).filter(|sequence| sequence % 64 != 63).collect();
    let summary = tally_of(&late).summary(0);
    assert_eq!(summary.missing, [(0, 63), (0, 127), (0, 191)]);
    assert_eq!(tally_of(&[0, 1_000]).summary(0).missing.len(), 32);
    assert_eq!(tally_of(&[1, 0, 2]).summary(0).missing, []);
}

#[test]
fn a_packet_overtaken_by_three_is_displaced_by_three() {
    let summary = tally_of(&[0, 2, 3, 4, 1, 5]).summary(0);
    assert_eq!(
        (
            summary.received,
            summary.reordered,
            summary.max_displacement
        ),
        (6, 1, 3)
    );
}

#[test]
fn a_packet_that_comes_again_is_a_duplicate_and_not_reordered() {
    let summary = tally_of(&[0, 1, 1, 0]).summary(0);
    assert_eq!(
        (summary.received, summary.duplicates, summary.reordered),
        (2, 2, 0)
    );
}

#[test]
fn the_silence_of_a_flow_is_not_hidden_by_another_flow() {
    let mut tally = Tally::new(RUN, 2);
    for tick in 1..=100 {
        tally.record(0, &payload(RUN, 0, tick - 1, 0), tick * MILLISECOND);
        if tick <= 30 || tick > 70 {
            tally.record(1, &payload(RUN, 1, tick - 1, 0), tick * MILLISECOND);
        }
    }
    let summary = tally.summary(0);
    assert_eq!(summary.flows, [100, 60]);
    assert_eq!(summary.longest_silence_us, 1_000);
    assert_eq!(summary.longest_flow_silence_us, 41_000);
}

#[test]
fn the_end_of_the_longest_silence_is_kept() {
    let mut tally = Tally::new(RUN, 1);
    for (sequence, time) in (0..).zip([1, 2, 32, 33]) {
        tally.record(0, &payload(RUN, 0, sequence, 0), time * MILLISECOND);
    }
    let summary = tally.summary(0);
    assert_eq!(summary.longest_silence_us, 30_000);
    assert_eq!(summary.silence_ended_at_ns, 32 * MILLISECOND);
}

#[test]
fn a_flow_that_starts_late_or_ends_early_or_never_comes_is_silent_there() {
    let steady_and = |times: &[u64]| {
        let mut tally = Tally::new(RUN, 2);
        for tick in 1..=100 {
            tally.record(0, &payload(RUN, 0, tick - 1, 0), tick * MILLISECOND);
            if let Some(sequence) = times.iter().position(|time| *time == tick) {
                let sequence = u64::try_from(sequence).unwrap();
                tally.record(1, &payload(RUN, 1, sequence, 0), tick * MILLISECOND);
            }
        }
        tally.summary(0).longest_flow_silence_us
    };
    assert_eq!(steady_and(&[41, 70, 100]), 40_000);
    assert_eq!(steady_and(&[1, 30, 40]), 60_000);
    assert_eq!(steady_and(&[]), 99_000);
}

#[test]
fn strangers_are_counted_apart() {
    let mut tally = Tally::new(RUN, 2);
    tally.record(0, b"hello", MILLISECOND);
    tally.record(0, &payload(RUN + 1, 0, 0, 0), MILLISECOND);
    tally.record(0, &payload(RUN, 1, 0, 0), MILLISECOND);
    tally.record(0, &payload(RUN, 0, HIGHEST_SEQUENCE, 0), MILLISECOND);
    let summary = tally.summary(3);
    assert_eq!((summary.received, summary.foreign), (0, 4));
    assert_eq!(summary.receiver_drops, 3, "the kernel's count is passed on");
    assert_eq!((summary.first_at_ns, summary.last_at_ns), (0, 0));
}
