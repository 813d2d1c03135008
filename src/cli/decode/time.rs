//! When a packet was captured.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use serde::{Serialize, Serializer};

/// The first second that RFC 3339 can't write: the year 10000.
const END: u64 = 253_402_300_800;

const NANOSECONDS_PER_SECOND: u128 = 1_000_000_000;

/// A point in time. As text it is RFC 3339 in UTC, with as many digits as the capture has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time {
    since_epoch: Duration,
    nanoseconds: bool,
}

impl Time {
    /// From seconds since the epoch and microseconds or nanoseconds; `None` for times that can't be.
    pub(super) fn new(seconds: u64, fraction: u32, nanoseconds: bool) -> Option<Self> {
        let fraction = fraction.checked_mul(if nanoseconds { 1 } else { 1000 })?;
        let valid = seconds < END && u128::from(fraction) < NANOSECONDS_PER_SECOND;
        valid.then(|| Self {
            since_epoch: Duration::new(seconds, fraction),
            nanoseconds,
        })
    }

    /// How much later this is; zero if it is earlier.
    pub(super) const fn since(self, earlier: Self) -> Duration {
        self.since_epoch.saturating_sub(earlier.since_epoch)
    }
}

/// The clock of an interface (pcapng, Interface Description Block: `if_tsresol`, `if_tsoffset`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// Ticks a second; `None` when there are more than can be counted.
    pub(super) ticks_per_second: Option<u128>,
    /// Seconds to add.
    pub(super) offset: i64,
}

impl Clock {
    /// Ticks a second from the octet `if_tsresol`: a negative power of 2 with the highest bit, else of 10.
    pub(super) fn resolution(octet: u8) -> Option<u128> {
        let exponent = u32::from(octet & 0x7f);
        if octet & 0x80 == 0 {
            10_u128.checked_pow(exponent)
        } else {
            1_u128.checked_shl(exponent)
        }
    }

    /// The time after this many ticks.
    pub(super) fn time(self, ticks: u64) -> Option<Time> {
        let per_second = self.ticks_per_second?;
        let ticks = u128::from(ticks);
        let seconds = u64::try_from(ticks / per_second).ok()?;
        // No overflow: what is left of 64 bits, times less than 2^30.
        let fraction = ticks % per_second * NANOSECONDS_PER_SECOND / per_second;
        let fraction = u32::try_from(fraction).ok()?;
        let seconds = seconds.checked_add_signed(self.offset)?;
        if per_second > 1_000_000 {
            Time::new(seconds, fraction, true)
        } else {
            Time::new(seconds, fraction / 1000, false)
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = UNIX_EPOCH + self.since_epoch;
        if self.nanoseconds {
            humantime::format_rfc3339_nanos(time).fmt(f)
        } else {
            humantime::format_rfc3339_micros(time).fmt(f)
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(octet: u8, offset: i64, ticks: u64) -> Option<String> {
        let ticks_per_second = Clock::resolution(octet);
        let clock = Clock {
            ticks_per_second,
            offset,
        };
        clock.time(ticks).map(|time| time.to_string())
    }

    #[test]
    fn every_resolution_is_read() {
        let expected = |text: &str| Some(text.to_owned());
        let second = "2023-11-14T22:13:20";
        assert_eq!(
            text(0, 0, 1_700_000_000),
            expected(&format!("{second}.000000Z"))
        );
        let micros = 1_700_000_000_123_456;
        assert_eq!(text(6, 0, micros), expected(&format!("{second}.123456Z")));
        let nanos = 1_700_000_000_123_456_789;
        assert_eq!(text(9, 0, nanos), expected(&format!("{second}.123456789Z")));
        let halves = (1_700_000_000 << 1) + 1;
        assert_eq!(
            text(0x81, 0, halves),
            expected(&format!("{second}.500000Z"))
        );
        assert_eq!(
            text(6, -20, micros),
            expected("2023-11-14T22:13:00.123456Z")
        );
        assert_eq!(
            text(0xff, 0, u64::MAX),
            expected("1970-01-01T00:00:00.000000000Z")
        );
    }

    #[test]
    fn times_that_can_not_be_are_none() {
        assert_eq!(text(0, 0, u64::MAX), None);
        assert_eq!(text(0x7f, 0, 1), None);
        assert_eq!(text(6, i64::MIN, 1), None);
        assert_eq!(text(6, i64::MAX, 1), None);
        assert_eq!(Time::new(0, u32::MAX, false), None);
        assert_eq!(Time::new(END, 0, false), None);
    }
}
