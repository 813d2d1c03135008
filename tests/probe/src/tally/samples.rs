//! What a receiver has seen, interval by interval.

use serde::Serialize;

use crate::{intervals::Intervals, packet::Header};

/// What is summed up of one interval.
#[derive(Debug, Default)]
pub(super) struct Interval {
    packets: u32,
    bytes: u64,
    duplicates: u64,
    delay_sum_ns: u64,
    delay_max_ns: u64,
    jitter_sum_ns: f64,
    arrived: u64,
    arrived_bytes: u64,
}

/// One interval. All but the last two are of packets that were *sent* in it: what the sender counted for the same
/// interval, less `packets`, is what was lost of it, exactly.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Sample {
    /// When it begins, in nanoseconds on the monotonic clock.
    pub(crate) at_ns: u64,
    /// Different packets.
    pub(crate) packets: u32,
    /// Their bytes of UDP payload.
    pub(crate) bytes: u64,
    /// Packets that came again.
    pub(crate) duplicates: u64,
    /// The mean one-way delay of the different packets, or 0.
    pub(crate) delay_mean_us: f64,
    /// Their greatest one-way delay, or 0.
    pub(crate) delay_max_us: f64,
    /// The mean of their flows' estimates of the jitter just after each of them, or 0.
    pub(crate) jitter_us: f64,
    /// Packets that arrived in it, whenever they were sent, duplicates as well.
    pub(crate) arrived: u64,
    /// Their bytes of UDP payload.
    pub(crate) arrived_bytes: u64,
}

/// An arrival.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) header: Header,
    /// Of UDP payload.
    pub(super) bytes: u64,
    pub(super) is_first: bool,
    /// The flow's estimate, with this packet in it.
    pub(super) jitter_ns: f64,
}

impl Intervals<Interval> {
    /// Counts a packet that arrived at `now_ns`.
    pub(super) fn record(&mut self, arrival: &Arrival, now_ns: u64) {
        if let Some(then) = self.at(arrival.header.sent_at_ns) {
            then.count(arrival, now_ns);
        }
        if let Some(now) = self.at(now_ns) {
            now.arrived += 1;
            now.arrived_bytes += arrival.bytes;
        }
    }

    pub(super) fn samples(&self) -> Vec<Sample> {
        self.iter()
            .map(|(at_ns, interval)| interval.sample(at_ns))
            .collect()
    }
}

impl Interval {
    fn count(&mut self, arrival: &Arrival, now_ns: u64) {
        if !arrival.is_first {
            self.duplicates += 1;
            return;
        }
        let delay_ns = arrival.header.delay_ns(now_ns);
        self.packets += 1;
        self.bytes += arrival.bytes;
        self.delay_sum_ns += delay_ns;
        self.delay_max_ns = self.delay_max_ns.max(delay_ns);
        self.jitter_sum_ns += arrival.jitter_ns;
    }

    fn sample(&self, at_ns: u64) -> Sample {
        let packets = f64::from(self.packets.max(1));
        Sample {
            at_ns,
            packets: self.packets,
            bytes: self.bytes,
            duplicates: self.duplicates,
            delay_mean_us: in_us(self.delay_sum_ns as f64 / packets),
            delay_max_us: in_us(self.delay_max_ns as f64),
            jitter_us: in_us(self.jitter_sum_ns / packets),
            arrived: self.arrived,
            arrived_bytes: self.arrived_bytes,
        }
    }
}

/// Whole nanoseconds, in microseconds.
pub(super) fn in_us(ns: f64) -> f64 {
    ns.round() / 1_000.0
}
