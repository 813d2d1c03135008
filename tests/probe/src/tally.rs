//! What a receiver has seen: counted per flow, summarised at the end. No I/O; the arrival time is an argument.

use serde::Serialize;

use crate::packet::Header;

/// The highest sequence number believed: 64 Mi packets a flow need 8 MiB of marks. A mangled number beyond it must not
/// make the receiver allocate without bound.
const HIGHEST_SEQUENCE: u64 = 1 << 26;

/// How many missing packets a summary names: where the first were lost says most, and a dead link loses thousands.
const MISSING_NAMED: usize = 32;

/// The packets of one flow.
#[derive(Debug, Default)]
struct Flow {
    seen: Vec<u64>,
    received: u64,
    duplicates: u64,
    next_expected: u64,
    reordered: u64,
    max_displacement: u64,
    first_at_ns: u64,
    last_at_ns: u64,
    longest_silence_ns: u64,
    delay: Delay,
}

/// One-way delays.
#[derive(Debug, Default)]
struct Delay {
    min_ns: Option<u64>,
    max_ns: u64,
    sum_ns: u128,
}

/// All flows of one run.
#[derive(Debug)]
pub(crate) struct Tally {
    run: u32,
    flows: Vec<Flow>,
    foreign: u64,
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
    /// Least, mean and greatest one-way delay.
    pub(crate) delay_us: Delays,
    /// Different packets of each flow, in the order of the ports.
    pub(crate) flows: Vec<u64>,
    /// Of the packets that did not come although a later one of their flow did, the first 32: flow and sequence number.
    pub(crate) missing: Vec<(usize, u64)>,
    /// Packets that weren't of this run, or not a probe's at all.
    pub(crate) foreign: u64,
    /// Packets that the kernel dropped because this program read too slowly.
    pub(crate) receiver_drops: u64,
}

/// One-way delays, in microseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Delays {
    /// The least.
    pub(crate) min: u64,
    /// The mean.
    pub(crate) mean: u64,
    /// The greatest.
    pub(crate) max: u64,
}

impl Tally {
    /// For `flows` flows of the run `run`.
    pub(crate) fn new(run: u32, flows: usize) -> Self {
        Self {
            run,
            flows: (0..flows).map(|_| Flow::default()).collect(),
            foreign: 0,
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
        entry.record(&header, now_ns);
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

    /// The summary, with the kernel's `receiver_drops`.
    pub(crate) fn summary(&self, receiver_drops: u64) -> Summary {
        let sum = |count: fn(&Flow) -> u64| self.flows.iter().map(count).sum::<u64>();
        let greatest = |value: fn(&Flow) -> u64| self.flows.iter().map(value).max().unwrap_or(0);
        let arrivals = sum(|flow| flow.received + flow.duplicates);
        let delay_sum: u128 = self.flows.iter().map(|flow| flow.delay.sum_ns).sum();
        let mean_ns = delay_sum.checked_div(u128::from(arrivals)).unwrap_or(0);
        Summary {
            received: sum(|flow| flow.received),
            duplicates: sum(|flow| flow.duplicates),
            reordered: sum(|flow| flow.reordered),
            max_displacement: greatest(|flow| flow.max_displacement),
            longest_silence_us: self.longest_silence_ns / 1_000,
            silence_ended_at_ns: self.silence_ended_at_ns,
            longest_flow_silence_us: self.longest_flow_silence_ns() / 1_000,
            first_at_ns: self.first_at_ns,
            last_at_ns: self.last_at_ns,
            delay_us: Delays {
                min: self
                    .flows
                    .iter()
                    .filter_map(|flow| flow.delay.min_ns)
                    .min()
                    .unwrap_or(0)
                    / 1_000,
                mean: u64::try_from(mean_ns / 1_000).unwrap_or(u64::MAX),
                max: greatest(|flow| flow.delay.max_ns) / 1_000,
            },
            flows: self.flows.iter().map(|flow| flow.received).collect(),
            missing: self.missing(),
            foreign: self.foreign,
            receiver_drops,
        }
    }

    fn missing(&self) -> Vec<(usize, u64)> {
        let flows = self.flows.iter().enumerate();
        flows
            .flat_map(|(index, flow)| flow.missing().map(move |sequence| (index, sequence)))
            .take(MISSING_NAMED)
            .collect()
    }
    fn longest_flow_silence_ns(&self) -> u64 {
        let silence = |flow: &Flow| match flow.received {
            0 => self.last_at_ns - self.first_at_ns,
            _ => (flow.first_at_ns - self.first_at_ns)
                .max(flow.longest_silence_ns)
                .max(self.last_at_ns - flow.last_at_ns),
        };
        self.flows.iter().map(silence).max().unwrap_or(0)
    }
}

impl Flow {
    fn record(&mut self, header: &Header, now_ns: u64) {
        if self.first_at_ns == 0 {
            self.first_at_ns = now_ns;
        } else {
            self.longest_silence_ns = self.longest_silence_ns.max(now_ns - self.last_at_ns);
        }
        self.last_at_ns = now_ns;
        self.delay.record(now_ns.saturating_sub(header.sent_at_ns));
        if !self.mark(header.sequence) {
            self.duplicates += 1;
            return;
        }
        self.received += 1;
        if header.sequence < self.next_expected {
            self.reordered += 1;
            // `next_expected` is one past the latest.
            let behind = self.next_expected - 1 - header.sequence;
            self.max_displacement = self.max_displacement.max(behind);
        } else {
            self.next_expected = header.sequence + 1;
        }
    }

    /// The gaps before the latest packet.
    fn missing(&self) -> impl Iterator<Item = u64> {
        let words = (0..).step_by(64).zip(&self.seen);
        // Whole words are looked at before their bits: most have no gap.
        let gaps = words.filter(|(_, word)| **word != u64::MAX);
        gaps.flat_map(|(first, word)| {
            let bits = (0..64).filter(move |bit| word & (1 << bit) == 0);
            bits.map(move |bit| first + bit)
        })
        .take_while(|sequence| *sequence < self.next_expected)
    }

    /// Marks `sequence` as seen; `false` if it already was.
    fn mark(&mut self, sequence: u64) -> bool {
        let word = usize::try_from(sequence / 64).unwrap_or(usize::MAX);
        let bit = 1 << (sequence % 64);
        if word >= self.seen.len() {
            self.seen.resize(word + 1, 0);
        }
        let fresh = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        fresh
    }
}

impl Delay {
    fn record(&mut self, delay_ns: u64) {
        self.min_ns = Some(self.min_ns.map_or(delay_ns, |min| min.min(delay_ns)));
        self.max_ns = self.max_ns.max(delay_ns);
        self.sum_ns += u128::from(delay_ns);
    }
}

#[cfg(test)]
mod tests;
