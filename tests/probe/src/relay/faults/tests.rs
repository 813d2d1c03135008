use std::{
    num::NonZeroU64,
    time::{Duration, Instant},
};

use super::{Counts, Faults, LONGEST_HELD, Wanted};
use crate::packet::{HEADER_LENGTH, Header};

/// An Ethernet frame with a probe packet.
fn frame(flow: u32, sequence: u64) -> Vec<u8> {
    let mut frame = vec![0; 42 + HEADER_LENGTH];
    Header {
        run: 1,
        flow,
        sequence,
        sent_at_ns: 0,
    }
    .write(&mut frame[42..]);
    frame
}

fn sequence(frame: &[u8]) -> u64 {
    Header::find(frame).unwrap().sequence
}

fn wanted(lose: u64, duplicate: u64, swap: u64) -> Wanted {
    Wanted {
        lose_every: NonZeroU64::new(lose),
        duplicate_every: NonZeroU64::new(duplicate),
        swap_every: NonZeroU64::new(swap),
    }
}

/// What is left of packets 1 to `count` of one flow, one at once after the other, and what was done.
fn left_of(count: u64, wanted: Wanted) -> (Vec<u64>, Counts) {
    let mut faults = Faults::new(wanted);
    let now = Instant::now();
    let mut left = Vec::new();
    for number in 1..=count {
        let leaving = faults.pass(frame(0, number), now);
        left.extend(leaving.iter().map(|frame| sequence(frame)));
    }
    let late = faults.expired(now + LONGEST_HELD);
    left.extend(late.iter().map(|frame| sequence(frame)));
    (left, faults.counts())
}

fn counts(forwarded: u64, lost: u64, duplicated: u64, swapped: u64) -> Counts {
    Counts {
        forwarded,
        lost,
        duplicated,
        swapped,
    }
}

#[test]
fn every_so_many_are_lost_duplicated_or_swapped() {
    assert_eq!(
        left_of(5, wanted(2, 0, 0)),
        (vec![1, 3, 5], counts(3, 2, 0, 0))
    );
    assert_eq!(
        left_of(4, wanted(0, 2, 0)),
        (vec![1, 2, 2, 3, 4, 4], counts(4, 0, 2, 0))
    );
    assert_eq!(
        left_of(5, wanted(0, 0, 2)),
        (vec![1, 3, 2, 5, 4], counts(5, 0, 0, 2))
    );
    assert_eq!(
        left_of(4, wanted(0, 0, 1)),
        (vec![2, 1, 4, 3], counts(4, 0, 0, 2))
    );
    assert_eq!(left_of(3, wanted(1, 1, 1)), (vec![], counts(0, 3, 0, 0)));
}

#[test]
fn a_frame_is_lost_before_it_is_duplicated_and_duplicated_before_it_is_swapped() {
    // 3 is held until 5, as 4 is lost; 6 is duplicated and not held, and 12 is lost.
    let (left, done) = left_of(12, wanted(4, 6, 3));
    assert_eq!(left, [1, 2, 5, 3, 6, 6, 7, 10, 9, 11]);
    assert_eq!(done, counts(9, 3, 1, 2));
}

#[test]
fn a_frame_changes_places_within_its_flow() {
    let mut faults = Faults::new(wanted(0, 0, 3));
    let now = Instant::now();
    let mut leaving = |flow, number| -> Vec<u64> {
        let frames = faults.pass(frame(flow, number), now);
        frames.iter().map(|frame| sequence(frame)).collect()
    };
    assert_eq!(leaving(0, 0), [0]);
    assert_eq!(leaving(1, 10), [10]);
    assert_eq!(leaving(0, 1), [0; 0], "the third is held");
    assert_eq!(leaving(1, 11), [11]);
    assert_eq!(leaving(1, 12), [12]);
    assert_eq!(leaving(1, 13), [0; 0], "so is the sixth");
    assert_eq!(leaving(1, 14), [14, 13]);
    assert_eq!(leaving(0, 2), [2, 1]);
}

#[test]
fn a_frame_without_a_successor_leaves_in_time_and_has_changed_places_with_none() {
    let mut faults = Faults::new(wanted(0, 0, 1));
    let now = Instant::now();
    assert_eq!(faults.deadline(), None);
    assert!(faults.pass(frame(0, 7), now).is_empty());
    assert_eq!(faults.deadline(), Some(now + LONGEST_HELD));
    let early = now + LONGEST_HELD - Duration::from_nanos(1);
    assert!(faults.expired(early).is_empty());
    assert_eq!(faults.expired(now + LONGEST_HELD), [frame(0, 7)]);
    assert_eq!(
        (faults.deadline(), faults.counts()),
        (None, counts(1, 0, 0, 0))
    );
}

#[test]
fn other_frames_pass_and_are_not_counted() {
    let mut faults = Faults::new(wanted(1, 1, 1));
    let other = vec![0x55; 100];
    assert_eq!(faults.pass(other.clone(), Instant::now()), [other]);
    assert_eq!(faults.counts(), Counts::default());
}
