//! One-way delays.

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest delay that the histogram tells apart, in microseconds. What takes longer is counted as this.
const LONGEST_US: u64 = 60_000_000;

/// Two significant digits: a bucket's bounds differ by less than 1 %.
const DIGITS: u8 = 2;

/// Delays as they come.
#[derive(Debug)]
pub(super) struct Delay {
    min_ns: Option<u64>,
    max_ns: u64,
    sum_ns: u128,
    histogram: Histogram<u64>,
}

/// One-way delays, in microseconds; all 0 if no packet came. Those in between are upper bounds of the histogram's
/// buckets.
#[derive(Debug, Serialize)]
pub(crate) struct Delays {
    /// The least.
    pub(crate) min: u64,
    /// The mean.
    pub(crate) mean: u64,
    /// Half of the packets took at most this.
    pub(crate) p50: u64,
    /// 90 % took at most this.
    pub(crate) p90: u64,
    /// 99 % took at most this.
    pub(crate) p99: u64,
    /// 99.9 % took at most this.
    pub(crate) p999: u64,
    /// The greatest.
    pub(crate) max: u64,
}

impl Delay {
    #[expect(clippy::expect_used, reason = "the bounds are constants that it takes")]
    pub(super) fn new() -> Self {
        Self {
            min_ns: None,
            max_ns: 0,
            sum_ns: 0,
            histogram: Histogram::new_with_bounds(1, LONGEST_US, DIGITS)
                .expect("1 µs to 60 s in two digits"),
        }
    }

    pub(super) fn record(&mut self, delay_ns: u64) {
        self.min_ns = Some(self.min_ns.map_or(delay_ns, |min| min.min(delay_ns)));
        self.max_ns = self.max_ns.max(delay_ns);
        self.sum_ns += u128::from(delay_ns);
        self.histogram.saturating_record(delay_ns / 1_000);
    }

    pub(super) fn summary(&self) -> Delays {
        let max = self.max_ns / 1_000;
        // A bucket's bound may be above the greatest delay in it.
        let at = |quantile| self.histogram.value_at_quantile(quantile).min(max);
        let mean_ns = self.sum_ns.checked_div(u128::from(self.histogram.len()));
        Delays {
            min: self.min_ns.unwrap_or(0) / 1_000,
            mean: u64::try_from(mean_ns.unwrap_or(0) / 1_000).unwrap_or(u64::MAX),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max,
        }
    }

    /// The upper bounds of the buckets that have packets, in microseconds, and how many.
    pub(super) fn histogram(&self) -> Vec<(u64, u64)> {
        let buckets = self.histogram.iter_recorded();
        buckets
            .map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()))
            .collect()
    }
}

#[cfg(test)]
mod tests;
