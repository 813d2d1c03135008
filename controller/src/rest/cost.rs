//! What links cost: `PUT /v1/links/cost` for one link, `PUT /v1/switches/{id}/ports/{port}/cost` for all at a port.
//!
//! The body of the first is `{"src": {dpid, port}, "dst": {dpid, port}, "cost": n}`, that of the second `{"cost": n}`; both
//! directions are meant. `null` takes back what was set. Paths that are computed from then on have it; routes that are
//! there stay where they are.

use axum::extract::State;
use axum::http::StatusCode;
use godwit_topology::cost::COSTS;
use godwit_topology::{Link, PortRef};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::body::Body;
use super::endpoint::{self, EndpointName, PortName};
use super::error::ApiError;
use super::id::Id;
use super::routes::{Routes, operation};
use crate::network::Network;
use crate::topology::Costing;

pub(super) fn routes(network: &Network) -> Routes {
    let link = operation("Sets what a link costs; `null` takes it back");
    let port = operation("Sets what the links at a port cost; `null` takes it back");
    Routes::new("topology")
        .put(
            "/links/cost",
            of_link,
            link.body::<LinkCost>()
                .guarded_by("/links")
                .done()
                .or(&[507]),
        )
        .put(
            "/switches/{id}/ports/{port}/cost",
            of_port,
            port.body::<PortCost>()
                .guarded_by("/links")
                .done()
                .or(&[507]),
        )
        .with_state(network.clone())
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PortCost {
    #[serde(deserialize_with = "present")]
    cost: Option<u32>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LinkCost {
    src: PortName,
    dst: PortName,
    #[serde(deserialize_with = "present")]
    cost: Option<u32>,
}

/// A value that may be null but not left out: what was meant by leaving it out isn't known.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u32>, D::Error> {
    Option::deserialize(value)
}

async fn of_link(
    State(network): State<Network>,
    Body(body): Body<LinkCost>,
) -> Result<StatusCode, ApiError> {
    let topology = network.topology();
    let named = |port, field| {
        let end = EndpointName::Port(port).resolve(&network, &topology);
        end.map(|end| end.port)
            .map_err(|error: ApiError| error.at(field))
    };
    let link = Link {
        src: named(body.src, "src")?,
        dst: named(body.dst, "dst")?,
    };
    set(&network, Costing::Link(link), body.cost).await
}

async fn of_port(
    State(network): State<Network>,
    Id((switch, port)): Id<(String, u32)>,
    Body(body): Body<PortCost>,
) -> Result<StatusCode, ApiError> {
    let switch = endpoint::switch(&network, &switch)?;
    let known = switch.ports();
    let number = known
        .iter()
        .map(|known| known.number)
        .filter(|number| number.is_physical())
        .find(|number| number.0 == port)
        .ok_or_else(|| ApiError::not_found(format!("the switch has no port {port}")))?;
    let port = PortRef::new(switch.dpid(), number);
    set(&network, Costing::Port(port), body.cost).await
}

async fn set(network: &Network, of: Costing, cost: Option<u32>) -> Result<StatusCode, ApiError> {
    if cost.is_some_and(|cost| !COSTS.contains(&cost)) {
        let (least, most) = (COSTS.start(), COSTS.end());
        let detail = format!("a cost is from {least} to {most}, or null to take it back");
        return Err(ApiError::impossible(detail).at("cost"));
    }
    network
        .set_cost(of, cost)
        .await
        .map_err(|error| ApiError::insufficient_storage(error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}
