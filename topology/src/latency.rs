//! What packets take to cross a link, by the round trips of discovery's probes.
//!
//! A probe goes from the controller to a switch, over the link, and from the other switch back. What the two control
//! channels take of that is half the round trip of an echo on each. What is left is the link, and what switches and
//! controller needed to handle the frame. That part varies by some hundred microseconds, so whatever is made of this
//! has to do with a millisecond: see [`STEP`].
//!
//! - Noise only ever adds. So of every two samples in a row the lower one is taken in: a single one that was held up
//!   changes nothing, and what lasts is followed one probe later.
//! - What is taken in counts a quarter ([`WEIGHT`]) against what was known. Half of a change is seen after three
//!   probes, nine tenths after eight.
//! - A cost is made of whole steps, and one that was made stays until the smoothed latency is more than a step *and*
//!   more than a quarter away from it. So what is measured of equal links differs, and their costs do not: paths are
//!   chosen the same way again, and are only weighed anew when a link really has become slower or faster.

use std::collections::BTreeMap;
use std::time::Duration;

use godwit_openflow::types::DatapathId;

use crate::link::Link;

/// What one more unit of cost stands for. A link within a building takes less, and costs one, like a hop.
pub const STEP: Duration = Duration::from_millis(1);
/// What a link costs whose latency is not known, in steps: more than links within a building, so that a link is not
/// preferred for never having been measured, and less than ones across a continent.
pub const UNKNOWN_COST: u64 = 10;
/// How much a sample counts against all before it. TCP takes an eighth (RFC 6298 §2) of samples that come with every
/// window; these come every few seconds.
pub const WEIGHT: f64 = 0.25;
/// The most that a link costs: a minute, more than any probe is waited for.
const MOST: u64 = 60_000;

/// A time that is measured again and again.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Smoothed {
    /// In microseconds.
    value: f64,
    last: f64,
    /// Whether it is the first sample alone, which nothing has been held against.
    first: bool,
}

impl Smoothed {
    fn new(sample: Duration) -> Self {
        let value = micros(sample);
        Self {
            value,
            last: value,
            first: true,
        }
    }

    fn take(&mut self, sample: Duration) {
        let sample = micros(sample);
        let lower = sample.min(std::mem::replace(&mut self.last, sample));
        let weight = if std::mem::take(&mut self.first) {
            1.0
        } else {
            WEIGHT
        };
        self.value += weight * (lower - self.value);
    }
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// A direction of a link.
#[derive(Debug, Clone, Copy, PartialEq)]
struct OneWay {
    smoothed: Smoothed,
    /// What it costs, in steps.
    cost: u64,
}

/// What is known of the latencies in the network.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Latencies {
    links: BTreeMap<Link, OneWay>,
    round_trips: BTreeMap<DatapathId, Smoothed>,
}

impl Latencies {
    /// A switch has answered an echo after this time.
    pub fn answered(&mut self, dpid: DatapathId, after: Duration) {
        self.round_trips
            .entry(dpid)
            .and_modify(|known| known.take(after))
            .or_insert_with(|| Smoothed::new(after));
    }

    /// A probe came back over a link, this long after it was sent to the switch where the link begins. Whether the link
    /// costs something else now. Nothing is known as long as one of the switches has answered no echo.
    pub fn crossed(&mut self, link: Link, after: Duration) -> bool {
        let halves = [link.src, link.dst].map(|end| self.round_trips.get(&end.dpid));
        let [Some(there), Some(back)] = halves else {
            return false;
        };
        let channels = Duration::from_secs_f64((there.value + back.value) / 2.0 / 1e6);
        let sample = after.saturating_sub(channels);
        let before = self.cost(&link);
        self.links
            .entry(link)
            .and_modify(|known| {
                known.smoothed.take(sample);
                known.cost = held(known.cost, known.smoothed.value);
            })
            .or_insert_with(|| {
                let smoothed = Smoothed::new(sample);
                OneWay {
                    smoothed,
                    cost: steps(smoothed.value),
                }
            });
        self.cost(&link) != before
    }

    /// A link is gone. Whether it had been measured.
    pub fn forget_link(&mut self, link: &Link) -> bool {
        self.links.remove(link).is_some()
    }

    /// A switch is gone: when it is there again it may be reached another way.
    pub fn forget_switch(&mut self, dpid: DatapathId) {
        self.round_trips.remove(&dpid);
    }

    /// What a link takes in this direction, smoothed; none where it isn't known.
    #[must_use]
    pub fn of(&self, link: &Link) -> Option<Duration> {
        let known = self.links.get(link)?;
        Some(Duration::from_secs_f64(known.smoothed.value / 1e6))
    }

    /// What a link costs in both directions: the greater of what is known of them, else [`UNKNOWN_COST`].
    #[must_use]
    pub fn cost(&self, link: &Link) -> u64 {
        let known = |link| self.links.get(&link).map(|known| known.cost);
        known(*link)
            .max(known(link.reversed()))
            .unwrap_or(UNKNOWN_COST)
    }
}

/// A latency in steps, from 1 on.
fn steps(micros: f64) -> u64 {
    let steps = (micros / self::micros(STEP)).round();
    // A float that is no number of steps becomes the nearest there is.
    (steps as u64).clamp(1, MOST)
}

/// The cost that stands beside a latency: the one that was made before, unless it is too far off.
fn held(cost: u64, micros: f64) -> u64 {
    let stands_for = cost as f64 * self::micros(STEP);
    let slack = self::micros(STEP).max(stands_for / 4.0);
    if (micros - stands_for).abs() > slack {
        steps(micros)
    } else {
        cost
    }
}

#[cfg(test)]
mod tests;
