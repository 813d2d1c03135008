//! How many packets are due now, at a constant rate, when the timer ticks late.

/// Nanoseconds in a second.
const SECOND_NS: u64 = 1_000_000_000;

/// Accumulates what is due. After a stall the backlog is made up at twice the rate, not in one burst that would
/// overflow a queue and so measure the sender instead of the network.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: u64,
    /// So many sources share the rate, this one being one of them.
    sharing: u64,
    started_at_ns: u64,
    last_at_ns: u64,
    released: u64,
}

impl Pace {
    /// Of a tick's packets, at least this many may leave at once: at low rates twice a tick's share is less than one.
    const SMALLEST_BURST: u64 = 2;

    /// `rate` packets a second, from `now_ns` on.
    pub(crate) fn new(rate: u64, now_ns: u64) -> Self {
        Self {
            rate,
            sharing: 1,
            started_at_ns: now_ns,
            last_at_ns: now_ns,
            released: 0,
        }
    }

    /// One of `sharing` sources, at least one, that have `rate` packets a second together.
    pub(crate) fn shared(rate: u64, sharing: u64, now_ns: u64) -> Self {
        Self {
            sharing: sharing.max(1),
            ..Self::new(rate, now_ns)
        }
    }

    /// The packets to send at `now_ns`; they count as sent. `tick_ns` is the timer's nominal interval.
    pub(crate) fn due(&mut self, now_ns: u64, tick_ns: u64) -> u64 {
        let owed = self
            .share(now_ns - self.started_at_ns)
            .saturating_sub(self.released);
        // A tick that came late by some ticks has their share too, but no more than a few of them at once.
        let since_last = (now_ns - self.last_at_ns).clamp(tick_ns, 4 * tick_ns);
        let burst = (2 * self.share(since_last)).max(Self::SMALLEST_BURST);
        let released = owed.min(burst);
        self.last_at_ns = now_ns;
        self.released += released;
        released
    }

    /// The packets that should have been sent by the last tick.
    pub(crate) fn asked(&self) -> u64 {
        self.share(self.last_at_ns - self.started_at_ns)
    }

    /// What `duration_ns` is worth, in packets.
    pub(crate) fn share(&self, duration_ns: u64) -> u64 {
        let per_packet = u128::from(SECOND_NS) * u128::from(self.sharing);
        let packets = u128::from(duration_ns) * u128::from(self.rate) / per_packet;
        u64::try_from(packets).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests;
