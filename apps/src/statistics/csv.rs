//! Tables of comma-separated values (RFC 4180), a header with the units on top, for spreadsheets and scripts.
//!
//! What is not known is empty. Names come from the network: one that a spreadsheet would take for a formula gets an
//! apostrophe in front, which spreadsheets don't show.

use std::fmt::Display;
use std::path::Path;
use std::{fs, io};

use schemars::JsonSchema;
use serde::Deserialize;

use super::measured::Measured;
use super::rows::{LinkRow, PortRow, RouteRow, RuleRow};

/// What a table is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "TableKind")]
pub(super) enum Kind {
    /// One line a port of every switch.
    #[default]
    Ports,
    /// One line a link and direction.
    Links,
    /// One line a flow entry of every switch.
    Rules,
    /// One line a route.
    Routes,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Ports, Self::Links, Self::Rules, Self::Routes];

    /// The name of its file.
    const fn file(self) -> &'static str {
        match self {
            Self::Ports => "ports.csv",
            Self::Links => "links.csv",
            Self::Rules => "rules.csv",
            Self::Routes => "routes.csv",
        }
    }

    const fn header(self) -> &'static str {
        match self {
            Self::Ports => {
                "time,dpid,switch,port,name,speed_bit_per_s,\
                 rx_packets,rx_bytes,tx_packets,tx_bytes,rx_dropped_packets,tx_dropped_packets,\
                 rx_errors,tx_errors,\
                 rx_bit_per_s,rx_packet_per_s,rx_smoothed_bit_per_s,rx_smoothed_packet_per_s,rx_utilisation_percent,\
                 tx_bit_per_s,tx_packet_per_s,tx_smoothed_bit_per_s,tx_smoothed_packet_per_s,tx_utilisation_percent"
            }
            Self::Links => {
                "time,src_dpid,src_port,dst_dpid,dst_port,speed_bit_per_s,packets,bytes,\
                 bit_per_s,packet_per_s,smoothed_bit_per_s,smoothed_packet_per_s,utilisation_percent"
            }
            Self::Rules => {
                "time,dpid,switch,table,priority,cookie,match,age_s,packets,bytes,\
                 bit_per_s,packet_per_s,smoothed_bit_per_s,smoothed_packet_per_s"
            }
            Self::Routes => {
                "time,route,from,to,state,speed_bit_per_s,packets,bytes,\
                 bit_per_s,packet_per_s,smoothed_bit_per_s,smoothed_packet_per_s,utilisation_percent"
            }
        }
    }
}

/// A table that is being written.
#[derive(Debug)]
pub(super) struct Table {
    text: String,
    is_line_begun: bool,
}

impl Table {
    pub(super) fn new(kind: Kind) -> Self {
        let text = format!("{}\r\n", kind.header());
        Self {
            text,
            is_line_begun: false,
        }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// A field that holds nothing to be quoted: a number or a name of ours.
    fn plain(&mut self, value: impl Display) {
        if self.is_line_begun {
            self.text.push(',');
        }
        self.is_line_begun = true;
        // Writing to a string can't fail.
        let _ = std::fmt::Write::write_fmt(&mut self.text, format_args!("{value}"));
    }

    fn known(&mut self, value: Option<impl Display>) {
        match value {
            Some(value) => self.plain(value),
            None => self.plain(""),
        }
    }

    fn text(&mut self, value: &str) {
        let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let guard = if is_formula { "'" } else { "" };
        if is_formula || value.contains(['"', ',', '\r', '\n']) {
            self.plain(format_args!("\"{guard}{}\"", value.replace('"', "\"\"")));
        } else {
            self.plain(value);
        }
    }

    /// An address as text, or a port of a switch.
    fn endpoint(&mut self, value: &serde_json::Value) {
        let of = |key| value.get(key).map(shown).unwrap_or_default();
        match value {
            serde_json::Value::Object(_) => self.text(&format!("{}/{}", of("dpid"), of("port"))),
            other => self.text(&shown(other)),
        }
    }

    fn rates(&mut self, measured: &Measured) {
        let rates = &measured.rates;
        self.known(rates.bits_per_second);
        self.known(rates.packets_per_second);
        self.known(rates.smoothed_bits_per_second);
        self.known(rates.smoothed_packets_per_second);
    }

    fn utilisation(&mut self, measured: &Measured) {
        // To a ten-thousandth of a percent, as it is rounded already.
        let percent = measured
            .rates
            .utilised()
            .map(|part| (part * 1e6).round() / 1e4);
        self.known(percent);
    }

    fn end(&mut self) {
        self.text.push_str("\r\n");
        self.is_line_begun = false;
    }

    pub(super) fn port(&mut self, time: &str, dpid: impl Display, switch: &str, row: &PortRow) {
        let PortRow {
            name,
            speed_bps,
            stats,
            rx,
            tx,
        } = row;
        self.plain(time);
        self.plain(dpid);
        self.text(switch);
        self.plain(stats.port);
        self.text(name);
        self.known(*speed_bps);
        for count in [
            rx.packets,
            rx.bytes,
            tx.packets,
            tx.bytes,
            stats.rx_dropped,
            stats.tx_dropped,
            stats.rx_errors,
            stats.tx_errors,
        ] {
            self.known(count);
        }
        for direction in [rx, tx] {
            self.rates(direction);
            self.utilisation(direction);
        }
        self.end();
    }

    pub(super) fn link(&mut self, time: &str, row: &LinkRow) {
        let LinkRow {
            link,
            speed_bps,
            measured,
        } = row;
        self.plain(time);
        for end in [link.src, link.dst] {
            self.plain(end.dpid);
            self.plain(end.port);
        }
        self.measured(*speed_bps, measured);
    }

    pub(super) fn rule(&mut self, time: &str, dpid: impl Display, switch: &str, row: &RuleRow) {
        let RuleRow {
            rule,
            duration_ns,
            measured,
        } = row;
        self.plain(time);
        self.plain(dpid);
        self.text(switch);
        self.plain(rule.table.0);
        self.plain(rule.priority);
        self.plain(rule.cookie);
        self.text(&rule.pattern.to_string());
        self.plain(format_args!("{:.3}", *duration_ns as f64 / 1e9));
        self.known(measured.packets);
        self.known(measured.bytes);
        self.rates(measured);
        self.end();
    }

    pub(super) fn route(&mut self, time: &str, row: &RouteRow) {
        self.plain(time);
        self.plain(row.id);
        self.endpoint(&row.from);
        self.endpoint(&row.to);
        self.plain(row.state.name());
        self.measured(row.speed_bps, &row.measured);
    }

    fn measured(&mut self, speed_bps: Option<u64>, measured: &Measured) {
        self.known(speed_bps);
        self.known(measured.packets);
        self.known(measured.bytes);
        self.rates(measured);
        self.utilisation(measured);
        self.end();
    }
}

fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Puts tables into a directory, which is made if it is not there. Whoever reads a file meanwhile finds the one before,
/// whole.
pub(super) fn export(directory: &Path, tables: &[(Kind, String)]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for (kind, text) in tables {
        let name = kind.file();
        let draft = directory.join(format!(".{name}.new"));
        let put = fs::write(&draft, text).and_then(|()| fs::rename(&draft, directory.join(name)));
        if let Err(error) = put {
            // What is left of it would only take room.
            let _ = fs::remove_file(&draft);
            return Err(error);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_the_standard_has_it() {
        let mut table = Table {
            text: String::new(),
            is_line_begun: false,
        };
        for text in [
            "s1-eth1",
            "a,b",
            "say \"hi\"",
            "two\nlines",
            "=1+1",
            "-",
            "",
        ] {
            table.text(text);
        }
        table.known(None::<u64>);
        table.known(Some(1.5));
        table.end();
        let wanted = "s1-eth1,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"'=1+1\",\"'-\",,,1.5\r\n";
        assert_eq!(table.into_text(), wanted);
    }

    #[test]
    fn every_line_has_as_many_fields_as_the_header() {
        let link = LinkRow {
            link: godwit_topology::Link {
                src: godwit_topology::PortRef::new(
                    godwit_openflow::types::DatapathId(1),
                    godwit_openflow::types::PortNo(2),
                ),
                dst: godwit_topology::PortRef::new(
                    godwit_openflow::types::DatapathId(2),
                    godwit_openflow::types::PortNo(1),
                ),
            },
            speed_bps: Some(1000),
            measured: Measured::default(),
        };
        let mut table = Table::new(Kind::Links);
        table.link("now", &link);
        let text = table.into_text();
        let fields: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
        assert_eq!(fields, [13, 13]);
        let wanted = "now,0000000000000001,2,0000000000000002,1,1000,,,,,,,\r\n";
        assert!(text.ends_with(wanted), "{text}");
    }

    #[test]
    fn a_file_is_there_whole_or_as_before() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("deep").join("er");
        export(&place, &[(Kind::Ports, "one".to_owned())]).unwrap();
        export(&place, &[(Kind::Ports, "two".to_owned())]).unwrap();
        let names: Vec<_> = fs::read_dir(&place).unwrap().collect();
        assert_eq!(names.len(), 1);
        assert_eq!(fs::read_to_string(place.join("ports.csv")).unwrap(), "two");
        // Where a file can't be put, what was begun is taken away.
        let blocked = directory.path().join("blocked");
        fs::create_dir_all(blocked.join("ports.csv")).unwrap();
        assert!(export(&blocked, &[(Kind::Ports, "x".to_owned())]).is_err());
        assert_eq!(fs::read_dir(&blocked).unwrap().count(), 1);
    }
}
