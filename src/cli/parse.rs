//! Parsing of what a user types.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;
use serde_json::{Value, json};

/// Where a route begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A host by its MAC, IPv4 or IPv6 address, as it was typed.
    Host(String),
    /// A port of a switch.
    Port {
        /// Datapath id or name of the switch.
        switch: String,
        /// The port's number.
        port: u32,
    },
}

impl Endpoint {
    /// As the REST interface takes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Host(address) => json!(address),
            Self::Port { switch, port } => json!({ "dpid": switch, "port": port }),
        }
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((switch, port)) = text.rsplit_once('/') {
            if is_address(switch) {
                return Err(
                    "a host is one address, not a network; a network goes into --match, \
                     for example --match ipv4_dst=10.0.0.0/24"
                        .to_owned(),
                );
            }
            let port = port
                .parse()
                .map_err(|_| format!("'{port}' is not a port number (expected SWITCH/PORT)"))?;
            return Ok(Self::Port {
                switch: name(switch)?,
                port,
            });
        }
        if is_address(text) || is_octets(text, 6) {
            return Ok(Self::Host(text.to_owned()));
        }
        Err("expected a MAC, IPv4 or IPv6 address, or SWITCH/PORT".to_owned())
    }
}

/// Whether `text` is an IP address. A datapath id written as eight octets would pass for an IPv6
/// address too, but nobody writes one with two digits in each of its groups.
fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() && !is_octets(text, 8)
}

fn is_octets(text: &str, count: usize) -> bool {
    let octets: Vec<&str> = text.split([':', '-']).collect();
    octets.len() == count
        && octets
            .iter()
            .all(|octet| octet.len() == 2 && octet.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// One condition of a route's match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchField {
    /// The field's name; the controller knows which there are.
    pub field: String,
    /// An integer (decimal, or hexadecimal after `0x`) as a JSON number, anything else as text.
    pub value: Value,
}

impl FromStr for MatchField {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (field, value) = text
            .split_once('=')
            .map(|(field, value)| (field.trim(), value.trim()))
            .filter(|(field, value)| !field.is_empty() && !value.is_empty())
            .ok_or("expected FIELD=VALUE, for example udp_dst=5001")?;
        Ok(Self {
            field: field.to_owned(),
            value: integer(value).map_or(json!(value), Value::from),
        })
    }
}

fn integer(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // from_str_radix takes a sign, which a match value never has.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// A switch's or a route's name, which becomes one segment of a URL's path.
pub(super) fn name(text: &str) -> Result<String, String> {
    match text {
        "" => Err("must not be empty".to_owned()),
        // A URL can't carry these as segments, encoded or not (RFC 3986 §5.2.4).
        "." | ".." => Err(format!("'{text}' is not a name")),
        _ => Ok(text.to_owned()),
    }
}

/// An address to listen on.
pub(crate) fn socket_address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "expected ADDRESS:PORT, for example 0.0.0.0:6653".to_owned())
}

/// The controller's URL; without a scheme, `http` is meant.
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let mut url: Url = full
        .parse()
        .map_err(|error| format!("not a URL like http://127.0.0.1:8080: {error}"))?;
    if url.scheme() != "http" {
        return Err(format!("only http is spoken here, not {}", url.scheme()));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// How long: a number of seconds, or with a unit (`500ms`, `2min`).
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let seconds = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds
        .or_else(|| humantime::parse_duration(text).ok())
        .ok_or_else(|| "expected how long, for example 30s, 500ms or 2min".to_owned())
}

/// How often something is read: not so often that the controller has nothing else to do.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    const SHORTEST: Duration = Duration::from_millis(100);
    let interval = duration(text)?;
    if interval < SHORTEST {
        return Err("not more often than every 100 ms".to_owned());
    }
    Ok(interval)
}
