//! What a receiver has seen: counted per flow, summarised at the end. No I/O; the arrival time is an argument.

mod delay;
mod flow;
mod samples;

use serde::Serialize;

use crate::{intervals::Intervals, packet::Header};
use delay::{Delay, Delays};
use flow::Flow;
use samples::{Arrival, Interval, Sample, in_us};

/// The highest sequence number believed: 64 Mi packets a flow need 8 MiB of marks. A mangled number beyond it must not
/// make the receiver allocate without bound.
const HIGHEST_SEQUENCE: u64 = 1 << 26;

/// How many gaps a summary names: where the first packets were lost says most.
const GAPS_NAMED: usize = 1_024;

/// All flows of one run.
#[derive(Debug)]
pub(crate) struct Tally {
    run: u32,
    flows: Vec<Flow>,
    foreign: u64,
    delay: Delay,
    samples: Option<Intervals<Interval>>,
    first_at_ns: u64,
    last_at_ns: u64,
    longest_silence_ns: u64,
    silence_ended_at_ns: u64,
}

/// The receiver's summary. Times are nanoseconds on the monotonic clock of the machine.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    /// Different packets, over all flows.
    pub(crate) received: u64,
    /// Packets that came again.
    pub(crate) duplicates: u64,
    /// Packets that came after a later one of their flow.
    pub(crate) reordered: u64,
    /// How far behind the latest packet of its flow one came, in sequence numbers.
    pub(crate) max_displacement: u64,
    /// The longest time between two arrivals of any flow.
    pub(crate) longest_silence_us: u64,
    /// When it ended; 0 if there was none.
    pub(crate) silence_ended_at_ns: u64,
    /// The longest time between two arrivals of one flow, over all flows. The first and the last arrival of any flow
    /// stand at the ends of each: a flow that starts late, or ends early, is silent there.
    pub(crate) longest_flow_silence_us: u64,
    /// Arrival of the first packet, or 0.
    pub(crate) first_at_ns: u64,
    /// Arrival of the last packet, or 0.
    pub(crate) last_at_ns: u64,
    /// One-way delays of the different packets.
    pub(crate) delay_us: Delays,
    /// The upper bounds in microseconds of those delays' buckets, two significant digits wide, and the packets in each;
    /// none that is empty.
    pub(crate) histogram: Vec<(u64, u64)>,
    /// The jitter as in RFC 3550 §6.4.1, the mean over the flows that came. Packets that came again aren't in it.
    pub(crate) jitter_us: f64,
    /// Different packets of each flow, in the order of the ports.
    pub(crate) flows: Vec<u64>,
    /// One past the highest sequence number that came of each flow, in the order of the ports.
    pub(crate) next: Vec<u64>,
    /// The packets that did not come although a later one of their flow did: flow, first sequence number, how many in a
    /// row. The first 1,024 such gaps.
    pub(crate) missing: Vec<(usize, u64, u64)>,
    /// Gaps that aren't in `missing`.
    pub(crate) missing_left_out: usize,
    /// What was seen interval by interval, if that was asked for.
    pub(crate) samples: Vec<Sample>,
    /// Packets and arrivals that aren't in `samples`, because there are too many of those.
    pub(crate) samples_left_out: u64,
    /// Packets that weren't of this run, or not a probe's at all.
    pub(crate) foreign: u64,
    /// Packets that the kernel dropped because this program read too slowly.
    pub(crate) receiver_drops: u64,
}

impl Tally {
    /// For `flows` flows of the run `run`, with samples of `sample_ms` milliseconds if they are asked for.
    pub(crate) fn new(run: u32, flows: usize, sample_ms: Option<u64>) -> Self {
        Self {
            run,
            flows: (0..flows).map(|_| Flow::default()).collect(),
            foreign: 0,
            delay: Delay::new(),
            samples: sample_ms.map(Intervals::of_ms),
            first_at_ns: 0,
            last_at_ns: 0,
            longest_silence_ns: 0,
            silence_ended_at_ns: 0,
        }
    }

    /// Counts a payload that arrived on the socket of `flow`.
    pub(crate) fn record(&mut self, flow: usize, payload: &[u8], now_ns: u64) {
        let header = Header::read(payload).filter(|header| {
            header.run == self.run
                && usize::try_from(header.flow) == Ok(flow)
                && header.sequence < HIGHEST_SEQUENCE
        });
        let (Some(header), Some(entry)) = (header, self.flows.get_mut(flow)) else {
            self.foreign += 1;
            return;
        };
        let is_first = entry.record(&header, now_ns);
        if is_first {
            self.delay.record(header.delay_ns(now_ns));
        }
        if let Some(samples) = &mut self.samples {
            let arrival = Arrival {
                header,
                bytes: u64::try_from(payload.len()).unwrap_or(u64::MAX),
                is_first,
                jitter_ns: entry.jitter_ns,
            };
            samples.record(&arrival, now_ns);
        }
        if self.first_at_ns == 0 {
            self.first_at_ns = now_ns;
        } else if now_ns - self.last_at_ns > self.longest_silence_ns {
            self.longest_silence_ns = now_ns - self.last_at_ns;
            self.silence_ended_at_ns = now_ns;
        }
        self.last_at_ns = now_ns;
    }

    /// Arrival of the last packet, or 0.
    pub(crate) fn last_at_ns(&self) -> u64 {
        self.last_at_ns
    }

    /// Different packets that have come by now, over all flows.
    pub(crate) fn received(&self) -> u64 {
        self.flows.iter().map(|flow| flow.received).sum()
    }

    /// How many packets were sent up to the latest of each flow that has come, over all flows.
    pub(crate) fn reached(&self) -> u64 {
        self.flows.iter().map(|flow| flow.next_expected).sum()
    }

    /// The summary, with the kernel's `receiver_drops`.
    pub(crate) fn summary(&self, receiver_drops: u64) -> Summary {
        let sum = |count: fn(&Flow) -> u64| self.flows.iter().map(count).sum::<u64>();
        let greatest = |value: fn(&Flow) -> u64| self.flows.iter().map(value).max().unwrap_or(0);
        let each = |value: fn(&Flow) -> u64| self.flows.iter().map(value).collect();
        let samples = self.samples.as_ref();
        let missing: Vec<_> = self.gaps().take(GAPS_NAMED).collect();
        Summary {
            received: self.received(),
            duplicates: sum(|flow| flow.duplicates),
            reordered: sum(|flow| flow.reordered),
            max_displacement: greatest(|flow| flow.max_displacement),
            longest_silence_us: self.longest_silence_ns / 1_000,
            silence_ended_at_ns: self.silence_ended_at_ns,
            longest_flow_silence_us: self.longest_flow_silence_ns() / 1_000,
            first_at_ns: self.first_at_ns,
            last_at_ns: self.last_at_ns,
            delay_us: self.delay.summary(),
            histogram: self.delay.histogram(),
            jitter_us: self.jitter_us(),
            flows: each(|flow| flow.received),
            next: each(|flow| flow.next_expected),
            missing_left_out: self.gaps().count() - missing.len(),
            missing,
            samples: samples.map(Intervals::samples).unwrap_or_default(),
            samples_left_out: samples.map_or(0, Intervals::left_out),
            foreign: self.foreign,
            receiver_drops,
        }
    }

    fn gaps(&self) -> impl Iterator<Item = (usize, u64, u64)> {
        let flows = self.flows.iter().enumerate();
        flows.flat_map(|(index, flow)| flow.gaps().map(move |(first, count)| (index, first, count)))
    }

    fn jitter_us(&self) -> f64 {
        let (mut sum_ns, mut flows) = (0.0, 0.0);
        for flow in self.flows.iter().filter(|flow| flow.received > 0) {
            sum_ns += flow.jitter_ns;
            flows += 1.0;
        }
        in_us(sum_ns / f64::max(flows, 1.0))
    }

    fn longest_flow_silence_ns(&self) -> u64 {
        let (first, last) = (self.first_at_ns, self.last_at_ns);
        let silences = self
            .flows
            .iter()
            .map(|flow| flow.longest_silence_ns(first, last));
        silences.max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
