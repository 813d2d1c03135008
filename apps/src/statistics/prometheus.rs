//! Counters and rates per port, link and route in Prometheus' text format. Labels are datapath ids and numbers, never
//! names from the network, and there are no more of them than series are followed.

use std::fmt::Write as _;

use super::measured::Measured;

/// What is shown of a record.
type Value = fn(&Measured) -> Option<String>;

/// The metrics of each record: end of the name, type, what it is, value.
const METRICS: [(&str, &str, &str, Value); 5] = [
    ("packets_total", "counter", "Packets", |measured| {
        measured.packets.map(|count| count.to_string())
    }),
    ("bytes_total", "counter", "Bytes", |measured| {
        measured.bytes.map(|count| count.to_string())
    }),
    ("bits_per_second", "gauge", "Bits a second", |measured| {
        measured.rates.bits_per_second.map(|rate| rate.to_string())
    }),
    (
        "packets_per_second",
        "gauge",
        "Packets a second",
        |measured| {
            measured
                .rates
                .packets_per_second
                .map(|rate| rate.to_string())
        },
    ),
    (
        "utilisation_ratio",
        "gauge",
        "Bits a second by the speed of the port",
        |measured| measured.rates.utilised().map(|part| part.to_string()),
    ),
];

/// Appends the metrics of all records of a kind, each with its labels.
pub(super) fn write<'a>(
    out: &mut String,
    prefix: &str,
    what: &str,
    records: impl Iterator<Item = (&'a str, &'a Measured)> + Clone,
) {
    for (name, kind, meaning, value) in METRICS {
        // Writing to a string can't fail.
        let _ = writeln!(
            out,
            "# HELP {prefix}_{name} {meaning}, {what}.\n# TYPE {prefix}_{name} {kind}"
        );
        for (labels, measured) in records.clone() {
            if let Some(value) = value(measured) {
                let _ = writeln!(out, "{prefix}_{name}{{{labels}}} {value}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        let measured = Measured {
            packets: Some(7),
            ..Measured::default()
        };
        let mut out = String::new();
        write(
            &mut out,
            "godwit_x",
            "by x",
            [("x=\"1\"", &measured)].into_iter(),
        );
        let values: Vec<&str> = out.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(values, ["godwit_x_packets_total{x=\"1\"} 7"]);
        assert_eq!(out.matches("# TYPE").count(), 5);
    }
}
