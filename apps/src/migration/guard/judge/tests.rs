use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{CREDIT, Judge, Sample, Watch};
use crate::migration::guard::Limits;

const FLOW: u32 = 7;
const WATCH: Watch = Watch::Route(FLOW);
const DELAY_US: u64 = 30_000;
const CREDIT_US: u64 = 100_000;
/// How long the rules had been there before the first reading.
const AGE_US: u64 = 5_000_000;

/// A history of one flow, in microseconds.
#[derive(Debug, Clone, Default)]
struct History {
    /// When its packets passed the first hop, and when the last one; `None` are lost.
    packets: Vec<(u64, Option<u64>)>,
    /// When the rules of the first and the last hop were made anew.
    restarts: [Option<u64>; 2],
}

/// A reading of both hops: when it was asked for, how long it took, how late each switch credits, in how much time of
/// the reading each counter was looked at (in thousandths), and whether its answers are taken in after the next one's.
#[derive(Debug, Clone, Copy)]
struct Reading {
    asked: u64,
    took: u64,
    late: [u64; 2],
    looked: [u64; 2],
    is_overtaken: bool,
}

impl History {
    fn passed(&self, hop: usize, moment: u64) -> u64 {
        let from = self.restarts[hop].filter(|restart| *restart <= moment);
        let times = self.packets.iter();
        let times = times.filter_map(|packet| [Some(packet.0), packet.1][hop]);
        let counted = times.filter(|at| *at <= moment && from.is_none_or(|from| *at > from));
        counted.count() as u64
    }

    /// What a switch answers. `credited` is up to when it had credited its packets in the last answer.
    fn sample(&self, hop: usize, reading: Reading, credited: &mut u64, start: Instant) -> Sample {
        let answered = reading.asked + reading.took;
        let looked = reading.asked + reading.took * reading.looked[hop] / 1_000;
        let late = looked.saturating_sub(reading.late[hop].min(CREDIT_US));
        // A rule that was just made has nothing of the old one to be credited.
        let since = self.restarts[hop].filter(|restart| *restart <= looked);
        *credited = late.max(*credited).max(since.unwrap_or(0));
        let age = since.map_or(AGE_US + looked, |since| looked - since);
        Sample {
            asked: start + Duration::from_micros(reading.asked),
            answered: start + Duration::from_micros(answered),
            packets: self.passed(hop, *credited),
            age_ns: age * 1_000,
        }
    }

    /// Feeds a judge with all readings; gives when it found a limit crossed, and what it said.
    fn judged(&self, limits: Limits, readings: &[Reading]) -> Option<(u64, String)> {
        let start = Instant::now();
        let mut judge = Judge::new(limits, Duration::from_micros(DELAY_US), [FLOW]);
        let mut credited = [0, 0];
        let mut held = None;
        for &reading in readings {
            let [first, last] =
                [0, 1].map(|hop| self.sample(hop, reading, &mut credited[hop], start));
            let mut fed = vec![(first, last)];
            if reading.is_overtaken && held.is_none() {
                held = fed.pop();
            } else {
                fed.extend(held.take());
            }
            for (first, last) in fed {
                judge.first(WATCH, first);
                judge.last(WATCH, last);
                if let Some(crossed) = judge.crossed() {
                    return Some((reading.asked + reading.took, crossed.0));
                }
            }
        }
        None
    }
}

fn limits(max_loss_packets: Option<u64>, max_silence_ms: Option<u64>) -> Limits {
    Limits {
        max_loss_packets,
        max_silence_ms,
    }
}

/// Bursts and pauses of any kind, nothing lost, packets overtaking each other.
fn loss_free() -> impl Strategy<Value = History> {
    let packet = (
        prop_oneof![0_u64..2_000, 0_u64..100_000, 0_u64..600_000],
        0..=DELAY_US,
    );
    let restart = || prop::option::of(0_u64..3_000_000);
    let packets = prop::collection::vec(packet, 0..400);
    (packets, restart(), restart()).prop_map(|(gaps, first, last)| {
        let mut now = 0;
        let packets = gaps.iter().map(|(gap, delay)| {
            now += gap;
            (now, Some(now + delay))
        });
        History {
            packets: packets.collect(),
            restarts: [first, last],
        }
    })
}

fn readings() -> impl Strategy<Value = Vec<Reading>> {
    let one = (
        20_000_u64..200_000,
        1_000_u64..60_000,
        [0..=CREDIT_US, 0..=CREDIT_US],
        [0_u64..=1_000, 0_u64..=1_000],
        prop::bool::weighted(0.1),
    );
    prop::collection::vec(one, 1..60).prop_map(|readings| {
        let mut now = 0;
        let all = readings
            .into_iter()
            .map(|(pause, took, late, looked, is_overtaken)| {
                let asked = now;
                now += took + pause;
                Reading {
                    asked,
                    took,
                    late,
                    looked,
                    is_overtaken,
                }
            });
        all.collect()
    })
}

/// Readings so far apart.
fn steady(apart: u64, count: u64, late: [u64; 2]) -> Vec<Reading> {
    let reading = |index| Reading {
        asked: index * apart,
        took: 25_000,
        late,
        looked: [900, 900],
        is_overtaken: false,
    };
    (0..count).map(reading).collect()
}

/// A flow of a packet every so often, of which those sent from some moment on are lost: one in so many.
fn lossy(every: u64, from: u64, one_in: u64, until: u64) -> History {
    let packets = (0..until / every).map(|number| {
        let sent = number * every;
        let is_lost = sent >= from && number % one_in == 0;
        (sent, (!is_lost).then_some(sent + DELAY_US / 2))
    });
    History {
        packets: packets.collect(),
        restarts: [None, None],
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn nothing_is_said_of_a_flow_that_loses_nothing(history in loss_free(), readings in readings()) {
        prop_assert_eq!(history.judged(limits(Some(0), Some(100)), &readings), None);
    }

    /// Whatever is said to be lost at least has been lost by then.
    #[test]
    fn no_more_is_said_to_be_lost_than_is(
        mut history in loss_free(),
        readings in readings(),
        lost in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        allowed in 0_u64..5,
    ) {
        for index in lost {
            if !history.packets.is_empty() {
                let which = index.index(history.packets.len());
                history.packets[which].1 = None;
            }
        }
        if let Some((at, what)) = history.judged(limits(Some(allowed), None), &readings) {
            let lost = history.packets.iter().filter(|packet| packet.1.is_none() && packet.0 <= at).count();
            let said: u64 = what.split(' ').find_map(|word| word.parse().ok()).unwrap();
            prop_assert!(said > allowed && said <= lost as u64, "{} of {}", what, lost);
        }
    }

    /// The window in which a change shows is as long as promised: for a flow that is sent and comes no more.
    #[test]
    fn a_flow_that_comes_no_more_is_found_within_the_window(
        every in 300_u64..10_000,
        apart in 45_000_u64..80_000,
        late in [0..=CREDIT_US, 0..=CREDIT_US],
        silence in prop::option::of(100_u64..300),
        phase in 0_u64..80_000,
    ) {
        let from = 500_000 + phase;
        let history = lossy(every, from, 1, 3_000_000);
        let limits = limits(silence.is_none().then_some(0), silence);
        let judge = Judge::new(limits, Duration::from_micros(DELAY_US), [FLOW]);
        let window = judge.window(Duration::from_micros(apart)).as_micros() as u64;
        let found = history.judged(limits, &steady(apart, 60, late)).map(|(at, _)| at);
        prop_assert!(found.is_some_and(|at| at >= from && at <= from + window + apart),
            "lost from {} on, found at {:?}, window {}", from, found, window);
    }

    /// A loss is found when it exceeds the limit by what the flow carries in the time that can't be resolved.
    #[test]
    fn a_loss_beyond_what_can_not_be_told_is_found(
        every in 300_u64..3_000,
        apart in 45_000_u64..80_000,
        one_in in 2_u64..5,
        allowed in 0_u64..100,
        late in [0..=CREDIT_US, 0..=CREDIT_US],
    ) {
        let history = lossy(every, 500_000, one_in, 6_000_000);
        let found = history.judged(limits(Some(allowed), None), &steady(apart, 110, late));
        let at = found.map(|(at, _)| at);
        let unresolved = (2 * CREDIT_US + 2 * DELAY_US + 4 * apart) / every;
        let lost_by = |at: u64| history.packets.iter().filter(|packet| packet.1.is_none() && packet.0 <= at).count() as u64;
        let due = lost_by(5_000_000) > allowed + unresolved;
        prop_assert!(!due || at.is_some(), "{} lost, {} allowed, {} unresolved", lost_by(5_000_000), allowed, unresolved);
        if let Some(at) = at {
            // What was lost since the reading before could not be known.
            prop_assert!(lost_by(at.saturating_sub(2 * apart)) <= allowed + unresolved);
        }
    }
}

#[test]
fn one_packet_that_is_lost_is_no_silence() {
    let mut history = lossy(1_000_000, u64::MAX, 1, 5_000_000);
    history.packets[2].1 = None;
    history.packets.truncate(3);
    let readings = steady(75_000, 60, [0, 0]);
    assert_eq!(history.judged(limits(None, Some(100)), &readings), None);
}

#[test]
fn the_limit_that_is_crossed_is_named() {
    let history = lossy(1_000, 500_000, 1, 3_000_000);
    let readings = steady(45_000, 60, [0, 0]);
    let said = |limits| history.judged(limits, &readings).unwrap().1;
    assert!(said(limits(Some(3), None)).starts_with("max_loss_packets: at least "));
    assert!(said(limits(None, Some(200))).starts_with("max_silence_ms: route 7 "));
    assert!(CREDIT.as_micros() == u128::from(CREDIT_US));
}
