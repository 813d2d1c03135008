//! What is shown of a record of counters: its totals, its rates, and how much of a port's speed they are.

use std::time::{Duration, SystemTime};

use godwit_openflow::model::Port;
use godwit_openflow::model::bits::port_feature;
use schemars::JsonSchema;
use serde::Serialize;

use super::series::{Sample, Series};

/// Speeds by the bits of `ofp_port_features` that say them, in Mb/s, fastest first.
const SPEEDS_MBPS: [(u64, u64); 9] = [
    (port_feature::SPEED_1_TB, 1_000_000),
    (port_feature::SPEED_100_GB, 100_000),
    (port_feature::SPEED_40_GB, 40_000),
    (port_feature::SPEED_10_GB, 10_000),
    (port_feature::SPEED_1_GB, 1000),
    (port_feature::SPEED_1_GB_HALF_DUPLEX, 1000),
    (port_feature::SPEED_100_MB, 100),
    (port_feature::SPEED_100_MB_HALF_DUPLEX, 100),
    (port_feature::SPEED_10_MB, 10),
];

/// The present speed of a port in bits a second, as it is said in its version: OpenFlow 1.3 has a number (and it may be
/// 0 for unknown), 1.0 only the features in use.
pub(super) fn speed_bps(port: &Port) -> Option<u64> {
    if port.current_speed > 0 {
        return Some(u64::from(port.current_speed) * 1000);
    }
    let [current, ..] = port.features;
    let half_duplex = (port_feature::SPEED_10_MB_HALF_DUPLEX, 10);
    let mut speeds = SPEEDS_MBPS.iter().chain([&half_duplex]);
    let (_, mbps) = speeds.find(|(bit, _)| current & bit != 0)?;
    Some(mbps * 1_000_000)
}

/// The clock of the service: what it counts from, and what time it was then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(pub(super) SystemTime);

impl Clock {
    fn at(self, since: Duration) -> String {
        humantime::format_rfc3339_millis(self.0 + since).to_string()
    }
}

/// Rates of a direction of a port, of a link, a rule, a route. `null` where one is not known.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub(super) struct Rates {
    pub(super) bits_per_second: Option<f64>,
    pub(super) packets_per_second: Option<f64>,
    pub(super) smoothed_bits_per_second: Option<f64>,
    pub(super) smoothed_packets_per_second: Option<f64>,
    /// The bits a second by the speed of the port: 1 is all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) utilisation: Option<Option<f64>>,
    /// Oldest first; only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<Vec<Point>>,
}

/// Raw rates of the interval that ended then.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "RatesThen")]
struct Point {
    at: String,
    bits_per_second: Option<f64>,
    packets_per_second: Option<f64>,
}

/// Totals and rates.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub(super) struct Measured {
    pub(super) packets: Option<u64>,
    pub(super) bytes: Option<u64>,
    #[serde(flatten)]
    pub(super) rates: Rates,
}

/// What is to be shown of series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) clock: Clock,
    /// How many past rates.
    pub(super) history: Option<usize>,
}

impl Rates {
    /// Of the counters that begin at `first`: packets, then bytes.
    pub(super) fn of<const N: usize>(
        series: Option<&Series<N>>,
        first: usize,
        wanted: Wanted,
    ) -> Self {
        let Some(series) = series else {
            return Self {
                history: wanted.history.map(|_| Vec::new()),
                ..Self::default()
            };
        };
        let of = |sample: Option<&Sample<N>>| {
            sample.map_or((None, None), |sample| rates_at(sample, first))
        };
        let (packets_per_second, bits_per_second) = of(series.raw());
        let (smoothed_packets_per_second, smoothed_bits_per_second) = of(series.smoothed());
        let point = |sample: &Sample<N>| {
            let (packets_per_second, bits_per_second) = rates_at(sample, first);
            Point {
                at: wanted.clock.at(sample.at),
                bits_per_second,
                packets_per_second,
            }
        };
        Self {
            bits_per_second,
            packets_per_second,
            smoothed_bits_per_second,
            smoothed_packets_per_second,
            utilisation: None,
            history: wanted
                .history
                .map(|count| series.history(count).map(point).collect()),
        }
    }

    /// With how much that is of a port's speed.
    pub(super) fn on(mut self, speed_bps: Option<u64>) -> Self {
        let part = |bits: f64| Some(bits / speed_bps? as f64);
        // A millionth of a gigabit is a kilobit.
        let part = self.bits_per_second.and_then(part);
        self.utilisation = Some(part.map(|part| (part * 1e6).round() / 1e6));
        self
    }

    /// The utilisation, where it is known.
    pub(super) fn utilised(&self) -> Option<f64> {
        self.utilisation.flatten()
    }
}

impl Measured {
    /// Of the counters that begin at `first`: packets, then bytes.
    pub(super) fn of<const N: usize>(
        series: Option<&Series<N>>,
        first: usize,
        wanted: Wanted,
    ) -> Self {
        let total = |index: usize| series.and_then(|series| *series.totals().get(index)?);
        Self {
            packets: total(first),
            bytes: total(first + 1),
            rates: Rates::of(series, first, wanted),
        }
    }
}

/// Packets and bits a second of a sample, to a thousandth.
pub(super) fn rates_at<const N: usize>(
    sample: &Sample<N>,
    first: usize,
) -> (Option<f64>, Option<f64>) {
    let rate = |index: usize| sample.rates.get(index).copied().flatten();
    let rounded = |rate: f64| (rate * 1e3).round() / 1e3;
    let bits = rate(first + 1).map(|bytes| rounded(bytes * 8.0));
    (rate(first).map(rounded), bits)
}

#[cfg(test)]
mod tests {
    use godwit_openflow::types::{MacAddr, PortNo};

    use super::*;

    fn port(current_speed: u32, current: u64) -> Port {
        Port {
            number: PortNo(1),
            mac: MacAddr([2; 6]),
            name: String::new(),
            admin_down: false,
            link_down: false,
            config: 0,
            state: 0,
            features: [current, u64::MAX, u64::MAX, u64::MAX],
            current_speed,
            max_speed: 0,
        }
    }

    #[test]
    fn a_speed_is_what_the_port_says_in_its_version() {
        assert_eq!(speed_bps(&port(10_000, 0)), Some(10_000_000));
        // OpenFlow 1.0: 1 Gb/s over copper.
        let gigabit = port_feature::SPEED_1_GB | port_feature::COPPER;
        assert_eq!(speed_bps(&port(0, gigabit)), Some(1_000_000_000));
        let slowest = port_feature::SPEED_10_MB_HALF_DUPLEX;
        assert_eq!(speed_bps(&port(0, slowest)), Some(10_000_000));
        assert_eq!(speed_bps(&port(0, port_feature::FIBER)), None);
    }

    #[test]
    fn of_an_unknown_speed_nothing_is_utilised() {
        let rates = |bits| Rates {
            bits_per_second: bits,
            ..Rates::default()
        };
        assert_eq!(rates(Some(5e6)).on(Some(10_000_000)).utilised(), Some(0.5));
        assert_eq!(rates(Some(5e6)).on(None).utilised(), None);
        assert_eq!(rates(None).on(Some(10_000_000)).utilised(), None);
        let said = serde_json::to_value(rates(None).on(None)).unwrap();
        assert_eq!(said.get("utilisation"), Some(&serde_json::Value::Null));
    }
}
