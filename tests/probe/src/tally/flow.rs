//! The packets of one flow.

use crate::packet::Header;

/// What has come of one flow.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// A bit for each sequence number, from the lowest.
    seen: Vec<u64>,
    /// Different packets.
    pub(super) received: u64,
    /// Packets that came again.
    pub(super) duplicates: u64,
    /// One past the highest sequence number that came.
    pub(super) next_expected: u64,
    /// Packets that came after a later one.
    pub(super) reordered: u64,
    /// How far behind the latest one came, in sequence numbers.
    pub(super) max_displacement: u64,
    first_at_ns: u64,
    last_at_ns: u64,
    longest_silence_ns: u64,
    last_delay_ns: u64,
    /// The estimate of RFC 3550 §6.4.1, in nanoseconds.
    pub(super) jitter_ns: f64,
}

impl Flow {
    /// Counts a packet. `true` if it is the first with its number.
    pub(super) fn record(&mut self, header: &Header, now_ns: u64) -> bool {
        if self.first_at_ns == 0 {
            self.first_at_ns = now_ns;
        } else {
            self.longest_silence_ns = self.longest_silence_ns.max(now_ns - self.last_at_ns);
        }
        self.last_at_ns = now_ns;
        if !self.mark(header.sequence) {
            self.duplicates += 1;
            return false;
        }
        self.estimate_jitter(header.delay_ns(now_ns));
        self.received += 1;
        if header.sequence < self.next_expected {
            self.reordered += 1;
            // `next_expected` is one past the latest.
            let behind = self.next_expected - 1 - header.sequence;
            self.max_displacement = self.max_displacement.max(behind);
        } else {
            self.next_expected = header.sequence + 1;
        }
        true
    }

    /// The longest time without an arrival in a run whose first and last arrival of any flow are these.
    pub(super) fn longest_silence_ns(&self, first_at_ns: u64, last_at_ns: u64) -> u64 {
        match self.received {
            0 => last_at_ns - first_at_ns,
            _ => (self.first_at_ns - first_at_ns)
                .max(self.longest_silence_ns)
                .max(last_at_ns - self.last_at_ns),
        }
    }

    /// The gaps before the latest packet: the first number that is missing, and how many in a row.
    pub(super) fn gaps(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut missing = self.missing().peekable();
        std::iter::from_fn(move || {
            let first = missing.next()?;
            let mut count = 1;
            while missing.next_if_eq(&(first + count)).is_some() {
                count += 1;
            }
            Some((first, count))
        })
    }

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

    /// A sixteenth of the way to the difference of this packet's delay from that of the one that came before it.
    fn estimate_jitter(&mut self, delay_ns: u64) {
        if self.received > 0 {
            let difference = delay_ns.abs_diff(self.last_delay_ns) as f64;
            self.jitter_ns += (difference - self.jitter_ns) / 16.0;
        }
        self.last_delay_ns = delay_ns;
    }
}
