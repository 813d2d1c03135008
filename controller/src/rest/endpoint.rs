//! Naming things in requests: switches by datapath id or name, hosts by address or port.

use std::net::IpAddr;

use godwit_openflow::types::{DatapathId, MacAddr, PortNo};
use godwit_topology::{PortRef, TopologySnapshot};
use schemars::JsonSchema;
use serde::Deserialize;

use super::error::ApiError;
use crate::network::Network;
use crate::switch::SwitchHandle;

/// Finds a connected switch by any of its names.
///
/// # Errors
/// 404 when there is none.
pub fn switch(network: &Network, name: &str) -> Result<SwitchHandle, ApiError> {
    network
        .switches()
        .resolve(name)
        .ok_or_else(|| ApiError::not_found(unknown(network, name)))
}

/// How many switches are named to whoever names one that is not there.
const MOST_NAMED: usize = 8;

/// That no switch has this name, and which there are.
#[must_use]
pub fn unknown(network: &Network, name: &str) -> String {
    let all = network.switches().list();
    let named: Vec<&str> = all
        .iter()
        .take(MOST_NAMED)
        .map(SwitchHandle::name)
        .collect();
    let there = match all.len().checked_sub(named.len()) {
        _ if named.is_empty() => "there is none".to_owned(),
        None | Some(0) => format!("there are {}", named.join(", ")),
        Some(more) => format!("there are {} and {more} more", named.join(", ")),
    };
    format!("no switch `{name}` is connected; {there}")
}

/// A host in a request: a MAC, an IPv4 or IPv6 address, or the port that it hangs on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a MAC, IPv4 or IPv6 address as text, or {\"dpid\": …, \"port\": n}"
)]
pub enum EndpointName {
    /// An address as text.
    Address(String),
    /// A port.
    Port(PortName),
}

/// A port in a request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortName {
    /// The switch, by any of its names.
    pub dpid: String,
    /// The port's number.
    pub port: PortNo,
}

/// Where traffic comes from or goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// The host, when it was named by an address.
    pub mac: Option<MacAddr>,
    /// Where it is attached.
    pub port: PortRef,
}

impl EndpointName {
    /// Finds what is named.
    ///
    /// # Errors
    /// 422 when it is not known, or the port can't have a host.
    pub fn resolve(
        &self,
        network: &Network,
        topology: &TopologySnapshot,
    ) -> Result<Endpoint, ApiError> {
        match self {
            Self::Address(text) => {
                let host = if let Ok(mac) = text.parse::<MacAddr>() {
                    topology.host_by_mac(mac)
                } else if let Ok(address) = text.parse::<IpAddr>() {
                    topology.host_by_ip(address)
                } else {
                    let detail = format!("`{text}` is neither a MAC, an IPv4 nor an IPv6 address");
                    return Err(ApiError::impossible(detail));
                };
                let host = host.ok_or_else(|| {
                    ApiError::impossible(format!(
                        "no host `{text}` is known; it is learnt when it first sends something"
                    ))
                })?;
                Ok(Endpoint {
                    mac: Some(host.mac),
                    port: host.attachment,
                })
            }
            Self::Port(name) => {
                let switch = network
                    .switches()
                    .resolve(&name.dpid)
                    .ok_or_else(|| ApiError::impossible(unknown(network, &name.dpid)))?;
                let port = PortRef {
                    dpid: switch.dpid(),
                    port: name.port,
                };
                if !switch
                    .ports()
                    .iter()
                    .any(|known| known.number == name.port && known.number.is_physical())
                {
                    return Err(ApiError::impossible(format!(
                        "switch `{}` has no port {}",
                        name.dpid, name.port
                    )));
                }
                Ok(Endpoint { mac: None, port })
            }
        }
    }
}

/// The ports at which a path between two ends enters the network and leaves it. A host on a segment that several switches
/// are on is reached by the one that is nearest to the other end.
#[must_use]
pub fn ports_between(
    topology: &TopologySnapshot,
    from: Endpoint,
    to: Endpoint,
) -> (PortRef, PortRef) {
    let nearest = |end: Endpoint, other: PortRef| match end.mac {
        Some(_) => topology.segments().nearest(end.port, other.dpid),
        None => end.port,
    };
    let start = nearest(from, to.port);
    (start, nearest(to, start))
}

/// Finds several connected switches by their names.
///
/// # Errors
/// 422 with the first name that is none.
pub fn switches<'a>(
    network: &Network,
    names: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<DatapathId>, ApiError> {
    let find = |name: &str| {
        let found = network.switches().resolve(name);
        found
            .map(|switch| switch.dpid())
            .ok_or_else(|| ApiError::impossible(unknown(network, name)))
    };
    names.into_iter().map(find).collect()
}
