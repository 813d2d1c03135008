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
    let mut tally = Tally::new(RUN, 1, None);
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
    assert_eq!(
        (summary.missing, summary.missing_left_out),
        (vec![(0, 1, 4)], 0)
    );
    assert_eq!(summary.next, [7]);
}

#[test]
fn what_is_missing_is_named_gap_by_gap_up_to_a_number() {
    let late: Vec<u64> = (0..200).filter(|sequence| sequence % 64 != 63).collect();
    let summary = tally_of(&late).summary(0);
    assert_eq!(summary.missing, [(0, 63, 1), (0, 127, 1), (0, 191, 1)]);
    assert_eq!(
        tally_of(&[50, 1_000]).summary(0).missing,
        [(0, 0, 50), (0, 51, 949)]
    );
    assert_eq!(tally_of(&[1, 0, 2]).summary(0).missing, []);
    let even: Vec<u64> = (0..=2_060).step_by(2).collect();
    let summary = tally_of(&even).summary(0);
    assert_eq!(
        (summary.missing.len(), summary.missing_left_out),
        (1_024, 6)
    );
    assert_eq!(summary.missing[1_023], (0, 2_047, 1));
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
    let mut tally = Tally::new(RUN, 2, None);
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
    let mut tally = Tally::new(RUN, 1, None);
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
        let mut tally = Tally::new(RUN, 2, None);
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
    let mut tally = Tally::new(RUN, 2, None);
    tally.record(0, b"hello", MILLISECOND);
    tally.record(0, &payload(RUN + 1, 0, 0, 0), MILLISECOND);
    tally.record(0, &payload(RUN, 1, 0, 0), MILLISECOND);
    tally.record(0, &payload(RUN, 0, HIGHEST_SEQUENCE, 0), MILLISECOND);
    let summary = tally.summary(3);
    assert_eq!((summary.received, summary.foreign), (0, 4));
    assert_eq!(summary.receiver_drops, 3, "the kernel's count is passed on");
    assert_eq!((summary.first_at_ns, summary.last_at_ns), (0, 0));
}

#[test]
fn a_packet_that_comes_again_counts_neither_for_delays_nor_for_the_jitter() {
    let mut tally = Tally::new(RUN, 1, None);
    let sent = [0, 1].map(|sequence| payload(RUN, 0, sequence, 10 * MILLISECOND));
    tally.record(0, &sent[0], 11 * MILLISECOND);
    tally.record(0, &sent[0], 90 * MILLISECOND);
    tally.record(0, &sent[1], 91 * MILLISECOND);
    let summary = tally.summary(0);
    assert_eq!(
        (summary.delay_us.mean, summary.delay_us.max),
        (41_000, 81_000)
    );
    assert_eq!(
        summary
            .histogram
            .iter()
            .map(|(_, count)| count)
            .sum::<u64>(),
        2
    );
    assert_eq!(summary.jitter_us, 5_000.0, "a sixteenth of 80 ms");
}

/// Delays of 1, 3, 2 and 2 ms: estimates of 0, 2/16, 2/16 + (1 - 2/16)/16 and of that less a sixteenth.
#[test]
fn the_jitter_is_estimated_flow_by_flow() {
    let mut tally = Tally::new(RUN, 3, None);
    for (sequence, delay) in (0..).zip([1, 3, 2, 2]) {
        let sent = (10 + sequence) * MILLISECOND;
        tally.record(
            0,
            &payload(RUN, 0, sequence, sent),
            sent + delay * MILLISECOND,
        );
    }
    let estimate: f64 = 125.0 + (1_000.0 - 125.0) / 16.0;
    let alone = (estimate * 15.0 / 16.0 * 1_000.0).round() / 1_000.0;
    assert_eq!(tally.summary(0).jitter_us, alone);
    // Of the others one is steady, and one never comes.
    for sequence in 0..10 {
        let sent = (20 + sequence) * MILLISECOND;
        tally.record(1, &payload(RUN, 1, sequence, sent), sent + 50 * MILLISECOND);
    }
    assert!((tally.summary(0).jitter_us - alone / 2.0).abs() < 0.001);
}

#[test]
fn samples_have_packets_where_they_were_sent_and_arrivals_where_they_came() {
    let mut tally = Tally::new(RUN, 1, Some(10));
    // Sent at 1, 9, 11 and 25 ms; the third is lost, the second comes twice, and late.
    for (sequence, sent, arrived) in [(0, 1, 3), (1, 9, 15), (3, 25, 26), (1, 9, 31)] {
        tally.record(
            0,
            &payload(RUN, 0, sequence, sent * MILLISECOND),
            arrived * MILLISECOND,
        );
    }
    let samples = tally.summary(0).samples;
    let counts: Vec<_> = samples
        .iter()
        .map(|sample| {
            (
                sample.at_ns / MILLISECOND,
                sample.packets,
                sample.duplicates,
                sample.arrived,
            )
        })
        .collect();
    assert_eq!(
        counts,
        [(0, 2, 1, 1), (10, 0, 0, 1), (20, 1, 0, 1), (30, 0, 0, 1)]
    );
    assert_eq!((samples[0].bytes, samples[0].arrived_bytes), (64, 32));
    assert_eq!(
        (samples[0].delay_mean_us, samples[0].delay_max_us),
        (4_000.0, 6_000.0)
    );
    // Estimates of 0 and a sixteenth of 4 ms.
    assert_eq!(samples[0].jitter_us, 125.0);
    assert_eq!((samples[1].delay_mean_us, samples[1].jitter_us), (0.0, 0.0));
}
