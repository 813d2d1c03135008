//! The rates of a record of counters, from readings of it. Pure: time comes in as an argument.
//!
//! The raw rate is what was counted between two readings that lie at least [`SHORTEST`] apart, by the time between them,
//! which is this machine's: when each answer came. The smoothed rate `s` follows the raw rate `r` by
//!
//! ```text
//! s ← s + (1 − 2^(−Δt/h)) · (r − s)
//! ```
//!
//! where Δt is the time since it was last changed and h the half-life: what was h ago counts half. So it does not depend
//! on how often is read, and a constant rate stays what it is.
//!
//! A counter that falls has wrapped, or it is another one. It has wrapped if it can be 32 bits wide (what was read
//! before fits, and is in the upper half), counts less than half its range by that, and no more than the port can carry;
//! and not if every counter of the record fell. A record is another if it is younger than it should be; where a switch
//! doesn't say how old it is, if it is read over another connection. Then all of it begins anew, without a rate until it
//! is read again. Of a counter that wraps more than once between two readings nothing can be known: 32 bits of bytes
//! are 34 s at 1 Gb/s.

use std::collections::VecDeque;
use std::time::Duration;

/// How far apart two readings have to be at the least for a rate: counters of cached flows may be some milliseconds
/// late, which is little to this. Less than a second, since collections at an interval of one are sometimes a bit less apart.
pub const SHORTEST: Duration = Duration::from_millis(800);

/// How long an answer may be on its way that is overtaken by another; one that would have been longer is of another
/// record.
const OVERTAKEN: Duration = Duration::from_secs(5);

/// How much younger than it should be a record may seem: a switch may count whole seconds, and answers may be late.
const CLOCKS_APART: Duration = Duration::from_millis(1500);

/// By which part of the time that has passed the switch's clock may be slow.
const CLOCKS_APART_PART: u32 = 10;

/// How much more than its speed says a port may carry: a speed is a round number.
const ABOVE_SPEED: f64 = 1.25;

/// How rates are made of readings.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The half-life of the smoothed rate.
    pub half_life: Duration,
    /// How many rates are kept at the most.
    pub samples: usize,
}

/// A record as a switch reported it: packets at even places, bytes at odd ones. `None` is what the switch doesn't keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading<const N: usize> {
    /// When the answer came, by a clock that never goes back.
    pub at: Duration,
    /// The counters.
    pub counts: [Option<u64>; N],
    /// How old the record is, by the switch.
    pub age: Option<Duration>,
    /// Over which connection it was read.
    pub connection: u64,
}

/// Rates of one moment, a second each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<const N: usize> {
    /// When the reading came that it ends with.
    pub at: Duration,
    /// In the order of the counters.
    pub rates: [Option<f64>; N],
}

/// What is known of a record from all readings of it.
#[derive(Debug, Clone)]
pub struct Series<const N: usize> {
    last: Option<Reading<N>>,
    /// What was counted in all: as the switch says, and on where a counter wrapped.
    totals: [Option<u64>; N],
    /// Where the interval of the next rate begins, and the totals there.
    base: (Duration, [Option<u64>; N]),
    raw: Option<Sample<N>>,
    smoothed: Option<Sample<N>>,
    history: VecDeque<Sample<N>>,
}

impl<const N: usize> Default for Series<N> {
    fn default() -> Self {
        Self {
            last: None,
            totals: [None; N],
            base: (Duration::ZERO, [None; N]),
            raw: None,
            smoothed: None,
            history: VecDeque::new(),
        }
    }
}

/// What a reading is to the one before.
enum Step<const N: usize> {
    /// The same record, which has counted so much more.
    On([Option<u64>; N]),
    /// A record that has begun anew.
    Anew,
    /// It is older than the one before.
    Overtaken,
}

impl<const N: usize> Series<N> {
    /// Takes in a reading.
    ///
    /// `most_bytes`: how many bytes a second the record can count at the most, where that is known.
    pub fn take(&mut self, reading: Reading<N>, most_bytes: Option<f64>, shape: Shape) {
        let step = match &self.last {
            Some(last) => step(last, &reading, most_bytes),
            None => Step::Anew,
        };
        match step {
            Step::Overtaken => return,
            Step::Anew => {
                self.totals = reading.counts;
                self.base = (reading.at, self.totals);
                self.raw = None;
            }
            Step::On(more) => {
                for ((total, more), now) in self.totals.iter_mut().zip(more).zip(reading.counts) {
                    *total = match (*total, more) {
                        (Some(total), Some(more)) => Some(total.saturating_add(more)),
                        _ => now,
                    };
                }
                self.rate(reading.at, shape);
            }
        }
        self.last = Some(reading);
    }

    /// The record has ended, and had counted this then; it may be less than was read before, since switches credit late.
    pub fn end(&mut self, at: Duration, counts: [Option<u64>; N], shape: Shape) {
        let Some(last) = self.last.as_mut().filter(|last| last.at < at) else {
            return;
        };
        for ((total, before), now) in self.totals.iter_mut().zip(&mut last.counts).zip(counts) {
            if let (Some(total), Some(before), Some(now)) = (total, before, now) {
                *total = total.saturating_add(now.saturating_sub(*before));
                *before = now.max(*before);
            }
        }
        last.at = at;
        self.rate(at, shape);
    }

    /// Makes the rates up to now, if enough time has passed.
    fn rate(&mut self, at: Duration, shape: Shape) {
        let (begun, before) = self.base;
        let elapsed = at.saturating_sub(begun);
        if elapsed < SHORTEST {
            return;
        }
        let mut rates = [None; N];
        for ((rate, total), before) in rates.iter_mut().zip(self.totals).zip(before) {
            if let (Some(total), Some(before)) = (total, before) {
                *rate = Some(total.saturating_sub(before) as f64 / elapsed.as_secs_f64());
            }
        }
        let sample = Sample { at, rates };
        self.smoothed = Some(match self.smoothed {
            Some(smoothed) => follow(&smoothed, &sample, shape.half_life),
            None => sample,
        });
        self.raw = Some(sample);
        self.base = (at, self.totals);
        if self.history.len() >= shape.samples {
            self.history.pop_front();
        }
        if shape.samples > 0 {
            self.history.push_back(sample);
        }
    }

    /// What was counted in all. It falls only where a record begins anew.
    #[must_use]
    pub const fn totals(&self) -> &[Option<u64>; N] {
        &self.totals
    }

    /// The rates of the last interval; `None` until there is one since the record began.
    #[must_use]
    pub const fn raw(&self) -> Option<&Sample<N>> {
        self.raw.as_ref()
    }

    /// The smoothed rates.
    #[must_use]
    pub const fn smoothed(&self) -> Option<&Sample<N>> {
        self.smoothed.as_ref()
    }

    /// The last so many raw rates, oldest first.
    pub fn history(&self, count: usize) -> impl Iterator<Item = &Sample<N>> {
        let skipped = self.history.len().saturating_sub(count);
        self.history.iter().skip(skipped)
    }
}

fn follow<const N: usize>(
    smoothed: &Sample<N>,
    sample: &Sample<N>,
    half_life: Duration,
) -> Sample<N> {
    let elapsed = sample.at.saturating_sub(smoothed.at).as_secs_f64();
    let weight = 1.0 - (-elapsed / half_life.as_secs_f64()).exp2();
    let mut next = *sample;
    for (next, before) in next.rates.iter_mut().zip(smoothed.rates) {
        *next = match (before, *next) {
            (Some(before), Some(now)) => Some(weight.mul_add(now - before, before)),
            (before, now) => now.or(before),
        };
    }
    next
}

fn step<const N: usize>(before: &Reading<N>, now: &Reading<N>, most_bytes: Option<f64>) -> Step<N> {
    if now.at <= before.at {
        return Step::Overtaken;
    }
    let elapsed = now.at - before.at;
    match (before.age, now.age) {
        (Some(old), Some(new)) if new < old => {
            // So long it would have been on its way.
            return if elapsed + (old - new) <= OVERTAKEN {
                Step::Overtaken
            } else {
                Step::Anew
            };
        }
        (Some(old), Some(new)) => {
            let late = CLOCKS_APART + elapsed / CLOCKS_APART_PART;
            if new + late < old + elapsed {
                return Step::Anew;
            }
        }
        _ if before.connection != now.connection => return Step::Anew,
        _ => {}
    }
    let pairs = || before.counts.iter().zip(&now.counts);
    let had_counted = pairs().filter(|(before, _)| before.is_some_and(|count| count > 0));
    let fell = |(before, now): &(&Option<u64>, &Option<u64>)| now.is_some() && now < before;
    let fallen = pairs().filter(fell).count();
    if fallen > 0 && fallen == had_counted.count() {
        return Step::Anew;
    }
    let mut steps = [None; N];
    for (index, (step, (before, now))) in steps.iter_mut().zip(pairs()).enumerate() {
        if let (Some(before), Some(now)) = (*before, *now) {
            let most = most_bytes.filter(|_| index % 2 == 1);
            *step = match now.checked_sub(before) {
                Some(more) => Some(more),
                None => match wrapped(before, now) {
                    Some(more) if is_possible(more, elapsed, most) => Some(more),
                    _ => return Step::Anew,
                },
            };
        }
    }
    Step::On(steps)
}

/// How much a counter of 32 bits has counted that fell, if it can be one.
fn wrapped(before: u64, now: u64) -> Option<u64> {
    const RANGE: u64 = 1 << 32;
    if !(RANGE / 2..RANGE).contains(&before) {
        return None;
    }
    Some(RANGE - before + now).filter(|more| *more < RANGE / 2)
}

fn is_possible(more: u64, elapsed: Duration, most: Option<f64>) -> bool {
    most.is_none_or(|most| more as f64 <= most * elapsed.as_secs_f64() * ABOVE_SPEED)
}

#[cfg(test)]
mod tests;
