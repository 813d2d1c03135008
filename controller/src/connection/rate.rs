//! A limit of events per second that lets bursts through.

use std::time::{Duration, Instant};

/// A token bucket, kept as the moment at which it will be full again.
#[derive(Debug)]
pub(crate) struct RateLimit {
    interval: Duration,
    tolerance: Duration,
    full_at: Instant,
}

impl RateLimit {
    /// `per_second` in the long run, `burst` at once.
    pub(crate) fn new(per_second: u32, burst: u32, now: Instant) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self {
            interval,
            tolerance: interval * burst.saturating_sub(1),
            full_at: now,
        }
    }

    /// Whether one more may pass.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let full_at = self.full_at.max(now);
        if full_at.duration_since(now) > self.tolerance {
            return false;
        }
        self.full_at = full_at + self.interval;
        true
    }
}
