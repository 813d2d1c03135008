//! What Ryu's `rest_topology` answers.
//!
//! | method and path | what |
//! |---|---|
//! | `GET /v1.0/topology/switches`, `…/switches/{dpid}` | switches with their ports |
//! | `GET /v1.0/topology/links`, `…/links/{dpid}` | links, one per direction; those that lead away from a switch |
//! | `GET /v1.0/topology/hosts`, `…/hosts/{dpid}` | hosts; those at a switch |
//!
//! Datapath ids have 16 hexadecimal digits, ports 8. Of a switch that is not there nothing is listed, as with Ryu.

use axum::Json;
use axum::extract::State;
use godwit_openflow::model::Port;
use godwit_openflow::types::DatapathId;
use godwit_topology::{Host, Link, PortRef};
use serde_json::{Value, json};

use crate::network::Network;
use crate::rest::error::ApiError;
use crate::rest::id::Id;
use crate::rest::routes::{Routes, operation};

pub(super) fn routes(network: &Network) -> Routes {
    let reads = |summary| operation(summary).answers::<serde_json::Value>(200);
    Routes::new("Ryu")
        .get(
            "/v1.0/topology/{kind}",
            all,
            reads("Switches, links or hosts"),
        )
        .get(
            "/v1.0/topology/{kind}/{dpid}",
            one,
            reads("A switch, its links or its hosts"),
        )
        .with_state(network.clone())
}

async fn all(
    State(network): State<Network>,
    Id(kind): Id<String>,
) -> Result<Json<Vec<Value>>, ApiError> {
    list(&network, &kind, None)
}

async fn one(
    State(network): State<Network>,
    Id((kind, dpid)): Id<(String, String)>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let is_id = dpid.len() == 16 && dpid.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u64::from_str_radix(&dpid, 16).ok().filter(|_| is_id);
    let number = number.ok_or_else(|| {
        ApiError::not_found(format!(
            "`{dpid}` is not a datapath id of 16 hexadecimal digits"
        ))
    })?;
    list(&network, &kind, Some(DatapathId(number)))
}

fn list(
    network: &Network,
    kind: &str,
    only: Option<DatapathId>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let wanted = |dpid: DatapathId| only.is_none_or(|only| only == dpid);
    let topology = network.topology();
    let described = |end: PortRef| {
        let connected = network.switches().get(end.dpid);
        port(
            end,
            connected.and_then(|switch| switch.port(end.port)).as_ref(),
        )
    };
    Ok(Json(match kind {
        "switches" => {
            let connected = network.switches().list();
            let connected = connected.iter().filter(|switch| wanted(switch.dpid()));
            connected
                .map(|switch| self::switch(switch.dpid(), &switch.ports()))
                .collect()
        }
        "links" => {
            let links = topology.links().filter(|link| wanted(link.src.dpid));
            links.map(|link| self::link(link, described)).collect()
        }
        "hosts" => {
            let hosts = topology.hosts().filter(|host| wanted(host.attachment.dpid));
            hosts
                .map(|host| self::host(host, described(host.attachment)))
                .collect()
        }
        _ => {
            return Err(ApiError::not_found(
                "there are `switches`, `links` and `hosts`",
            ));
        }
    }))
}

/// A switch with its ports, without those that are no ports but names for something.
fn switch(dpid: DatapathId, ports: &[Port]) -> Value {
    let physical = ports.iter().filter(|port| port.number.is_physical());
    let ports = physical.map(|known| {
        let end = PortRef {
            dpid,
            port: known.number,
        };
        port(end, Some(known))
    });
    json!({ "dpid": dpid, "ports": ports.collect::<Vec<_>>() })
}

/// A port; without its address and name when it has just gone.
fn port(end: PortRef, known: Option<&Port>) -> Value {
    json!({
        "dpid": end.dpid,
        "port_no": format!("{:08x}", end.port.0),
        "hw_addr": known.map(|port| port.mac).unwrap_or_default(),
        "name": known.map(|port| port.name.as_str()).unwrap_or_default(),
    })
}

fn link(link: Link, port: impl Fn(PortRef) -> Value) -> Value {
    json!({ "src": port(link.src), "dst": port(link.dst) })
}

fn host(host: &Host, port: Value) -> Value {
    json!({ "mac": host.mac, "ipv4": host.ipv4, "ipv6": host.ipv6, "port": port })
}

#[cfg(test)]
mod tests {
    use godwit_openflow::types::{MacAddr, PortNo};

    use super::*;

    fn known(number: PortNo, name: &str) -> Port {
        Port {
            number,
            mac: MacAddr([2, 0, 0, 0, 0, 7]),
            name: name.to_owned(),
            admin_down: false,
            link_down: false,
            config: 0,
            state: 0,
            features: [0; 4],
            current_speed: 0,
            max_speed: 0,
        }
    }

    #[test]
    fn a_switch_has_its_ports_but_not_the_local_one() {
        let ports = [known(PortNo(18), "s26-eth18"), known(PortNo::LOCAL, "s26")];
        let expected = json!({
            "dpid": "000000000000001a",
            "ports": [{
                "dpid": "000000000000001a",
                "port_no": "00000012",
                "hw_addr": "02:00:00:00:00:07",
                "name": "s26-eth18",
            }],
        });
        assert_eq!(switch(DatapathId(26), &ports), expected);
    }

    #[test]
    fn a_link_to_a_port_that_has_gone_is_still_described() {
        let ends = [1, 2].map(|dpid| PortRef {
            dpid: DatapathId(dpid),
            port: PortNo(3),
        });
        let between = Link {
            src: ends[0],
            dst: ends[1],
        };
        let there = |end: PortRef| {
            let port = known(PortNo(3), "s1-eth3");
            self::port(end, (end.dpid == DatapathId(1)).then_some(&port))
        };
        let described = link(between, there);
        assert_eq!(described["src"]["name"], "s1-eth3");
        assert_eq!(described["dst"]["port_no"], "00000003");
        assert_eq!(described["dst"]["name"], "");
    }
}
