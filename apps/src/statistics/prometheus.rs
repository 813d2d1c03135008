//! Counters and rates per port, link and route in Prometheus' text format. Labels are datapath ids and numbers, never
//! names from the network, and there are no more of them than series are followed.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use godwit_controller::write_metric;
use godwit_topology::{Link, PortRef};

use super::measured::{Measured, Wanted};
use super::{Statistics, rows};

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

impl Statistics {
    /// Appends all metrics.
    pub(super) fn write_metrics(&self, out: &mut String) {
        let counts = &self.inner.counts;
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        for (name, help, value) in [
            (
                "godwit_statistics_collections_total",
                "Collections of a switch's statistics.",
                load(&counts.collections),
            ),
            (
                "godwit_statistics_failures_total",
                "Collections that failed.",
                load(&counts.failures),
            ),
            (
                "godwit_statistics_skipped_total",
                "Collections left out since one of the switch was under way.",
                load(&counts.skipped),
            ),
            (
                "godwit_statistics_export_failures_total",
                "Exports that failed.",
                load(&counts.export_failures),
            ),
        ] {
            write_metric(out, name, "counter", help, value);
        }
        let series = self.lock().series() as u64;
        write_metric(
            out,
            "godwit_statistics_series",
            "gauge",
            "Series that are followed.",
            series,
        );
        let wanted = self.wanted(None);
        let ports = self.port_metrics(wanted);
        write_records(out, "godwit_port", "by port and direction", &ports);
        let links = self
            .links(wanted)
            .into_iter()
            .map(|rows::LinkRow { link, measured, .. }| (labels_of(link), measured));
        let links: Vec<_> = links.take(self.inner.settings.series).collect();
        write_records(out, "godwit_link", "by link and direction", &links);
        self.write_latencies(out);
        let routes = self.routes(wanted).into_iter();
        let routes = routes.map(|row| (format!("route=\"{}\"", row.id), row.measured));
        let routes: Vec<_> = routes.take(self.inner.settings.series).collect();
        write_records(out, "godwit_route", "by route, at its last hop", &routes);
    }

    /// Appends how long packets take to cross links, where it is known.
    fn write_latencies(&self, out: &mut String) {
        let name = "godwit_link_latency_seconds";
        let topology = self.network().topology();
        // Writing to a string can't fail.
        let _ = writeln!(
            out,
            "# HELP {name} What packets take to cross it, smoothed, by link and direction.\n# TYPE {name} gauge"
        );
        for link in topology.links().take(self.inner.settings.series) {
            if let Some(latency) = topology.latency(&link) {
                let seconds = latency.as_secs_f64();
                let _ = writeln!(out, "{name}{{{}}} {seconds}", labels_of(link));
            }
        }
    }

    /// The ports of the switches that are connected, each direction with its labels.
    fn port_metrics(&self, wanted: Wanted) -> Vec<(String, Measured)> {
        let book = self.lock();
        let mut all = Vec::new();
        for (dpid, book) in &book.switches {
            if self.network().switches().get(*dpid).is_none() {
                continue;
            }
            for (port, series) in &book.ports {
                let speed = rows::speed_of(self.network(), PortRef::new(*dpid, *port));
                for (direction, first) in [("rx", rows::RECEIVED), ("tx", rows::SENT)] {
                    let mut measured = Measured::of(Some(series), first, wanted);
                    measured.rates = measured.rates.on(speed);
                    let labels =
                        format!("dpid=\"{dpid}\",port=\"{port}\",direction=\"{direction}\"");
                    all.push((labels, measured));
                }
            }
        }
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }
}

fn labels_of(Link { src, dst }: Link) -> String {
    format!(
        "src=\"{}\",src_port=\"{}\",dst=\"{}\",dst_port=\"{}\"",
        src.dpid, src.port, dst.dpid, dst.port
    )
}

fn write_records(out: &mut String, prefix: &str, what: &str, records: &[(String, Measured)]) {
    let records = records
        .iter()
        .map(|(labels, measured)| (labels.as_str(), measured));
    write(out, prefix, what, records);
}

/// Appends the metrics of all records of a kind, each with its labels.
fn write<'a>(
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
