//! The quality of service by REST.
//!
//! | method and path | what it does |
//! |---|---|
//! | `GET /switches/{id}/qos` | the ports that are shaped, with their queues |
//! | `PUT /switches/{id}/ports/{port}/qos` | shapes a port, instead of what godwit shaped it to before |
//! | `DELETE /switches/{id}/ports/{port}/qos` | shapes it no more |
//! | `PUT /switches/{id}/meters/{meter}` | makes a meter, or changes its rate |
//! | `DELETE /switches/{id}/meters/{meter}` | takes one away that no flow entry uses |

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use godwit_controller::SwitchState;
use godwit_controller::rest::{ApiError, Body, Id, Routes, endpoint, operation};
use godwit_controller::switch::{ApplyError, RequestError, SwitchHandle};
use godwit_openflow::model::meter::{MeterBand, MeterCommand, MeterFlags, MeterMod};
use godwit_openflow::model::{StatsReply, StatsRequest, ToSwitch};
use godwit_openflow::types::{MeterId, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Qos;
use super::shape::{ShapeRequest, Shaped};

pub(super) fn router(qos: Qos) -> Routes {
    let all = operation("The ports of a switch that are shaped, with their queues");
    let one = operation("Shapes a port, instead of what godwit shaped it to before")
        .body::<ShapeRequest>()
        .guarded_by("/switches/{id}/qos")
        .answers::<Shaped>(200)
        .or(&[409, 503]);
    let none = operation("Shapes a port no more")
        .guarded_by("/switches/{id}/qos")
        .done();
    let make = operation("Makes a meter, or changes its rate")
        .body::<MeterRequest>()
        .guarded_by("/switches/{id}/meters")
        .answers::<MeterDto>(200)
        .or(&[409, 503]);
    let take_away = operation("Takes a meter away that no flow entry uses")
        .guarded_by("/switches/{id}/meters")
        .done();
    Routes::new("quality of service")
        .get(
            "/switches/{id}/qos",
            list,
            all.tagged().answers::<Vec<Shaped>>(200).or(&[422, 503]),
        )
        .put("/switches/{id}/ports/{port}/qos", shape, one)
        .delete(
            "/switches/{id}/ports/{port}/qos",
            unshape,
            none.or(&[409, 422, 503]),
        )
        .put("/switches/{id}/meters/{meter}", meter, make)
        .delete(
            "/switches/{id}/meters/{meter}",
            remove_meter,
            take_away.or(&[409, 422, 503]),
        )
        .with_state(qos)
}

async fn list(State(qos): State<Qos>, Id(id): Id<String>) -> Result<Json<Vec<Shaped>>, ApiError> {
    let switch = endpoint::switch(&qos.network, &id)?;
    let (_, ports) = qos.ports(&switch).await?;
    Ok(Json(ports.shaped()))
}

async fn shape(
    State(qos): State<Qos>,
    Id((id, port)): Id<(String, u32)>,
    Body(request): Body<ShapeRequest>,
) -> Result<Json<Shaped>, ApiError> {
    let switch = endpoint::switch(&qos.network, &id)?;
    let request = request.checked()?;
    // Once begun it is carried through, also when the client goes away.
    let shaped = tokio::spawn(async move { qos.shape(&switch, port, Some(request)).await });
    let shaped = shaped.await.map_err(|_| stopping())??;
    shaped
        .map(Json)
        .ok_or_else(|| ApiError::unavailable("the port has been shaped otherwise since"))
}

async fn unshape(
    State(qos): State<Qos>,
    Id((id, port)): Id<(String, u32)>,
) -> Result<StatusCode, ApiError> {
    let switch = endpoint::switch(&qos.network, &id)?;
    let done = tokio::spawn(async move { qos.shape(&switch, port, None).await });
    done.await.map_err(|_| stopping())??;
    Ok(StatusCode::NO_CONTENT)
}

fn stopping() -> ApiError {
    ApiError::unavailable("the controller is stopping")
}

/// What a meter lets pass; what is more is dropped.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MeterRequest {
    rate_kbps: Option<u32>,
    rate_packets: Option<u32>,
    /// In the unit of the rate, of kilobits or packets.
    burst: Option<u32>,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "MadeMeter")]
struct MeterDto {
    meter: MeterId,
    flags: MeterFlags,
    bands: Vec<MeterBand>,
}

impl MeterRequest {
    fn change(self, meter: MeterId) -> Result<MeterMod, ApiError> {
        let (unit, rate) = match (self.rate_kbps, self.rate_packets) {
            (Some(rate), None) => (MeterFlags::KBPS, rate),
            (None, Some(rate)) => (MeterFlags::PKTPS, rate),
            _ => {
                let why = "a meter has either `rate_kbps` or `rate_packets`";
                return Err(ApiError::impossible(why).at("rate_kbps"));
            }
        };
        if rate == 0 {
            return Err(ApiError::impossible(
                "a meter with a rate of 0 lets nothing pass",
            ));
        }
        let burst = self.burst.map_or(MeterFlags(0), |_| MeterFlags::BURST);
        Ok(MeterMod {
            command: MeterCommand::Add,
            flags: MeterFlags(unit.0 | burst.0 | MeterFlags::STATS.0),
            meter,
            bands: vec![MeterBand::Drop {
                rate,
                burst: self.burst.unwrap_or(0),
            }],
        })
    }
}

/// A switch whose meters can be changed now.
fn metered(qos: &Qos, id: &str, meter: u32) -> Result<(SwitchHandle, MeterId), ApiError> {
    let switch = endpoint::switch(&qos.network, id)?;
    if switch.version() == Version::V10 {
        return Err(ApiError::impossible("OpenFlow 1.0 has no meters"));
    }
    if qos.network.state(switch.dpid()) != SwitchState::Active {
        return Err(ApiError::conflict(format!(
            "the work of switch {} is being moved, or has been",
            switch.name()
        )));
    }
    let meter = MeterId(meter);
    if meter.0 == 0 || meter > MeterId::MAX {
        let why = format!("a meter has a number from 1 to {}", MeterId::MAX.0);
        return Err(ApiError::not_found(why));
    }
    Ok((switch, meter))
}

async fn meter(
    State(qos): State<Qos>,
    Id((id, meter)): Id<(String, u32)>,
    Body(request): Body<MeterRequest>,
) -> Result<Json<MeterDto>, ApiError> {
    let (switch, meter) = metered(&qos, &id, meter)?;
    let mut change = request.change(meter)?;
    if flows(&switch, meter).await?.is_some() {
        change.command = MeterCommand::Modify;
    }
    apply(&switch, change.clone()).await?;
    Ok(Json(MeterDto {
        meter,
        flags: change.flags,
        bands: change.bands,
    }))
}

async fn remove_meter(
    State(qos): State<Qos>,
    Id((id, meter)): Id<(String, u32)>,
) -> Result<StatusCode, ApiError> {
    let (switch, meter) = metered(&qos, &id, meter)?;
    match flows(&switch, meter).await? {
        None => {
            return Err(ApiError::not_found(
                "the switch has no meter with this number",
            ));
        }
        Some(0) => {}
        // The switch would delete them too.
        Some(flows) => {
            return Err(ApiError::conflict(format!(
                "{flows} flow entries use this meter"
            )));
        }
    }
    let change = MeterMod {
        command: MeterCommand::Delete,
        flags: MeterFlags::default(),
        meter,
        bands: Vec::new(),
    };
    apply(&switch, change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How many flow entries use a meter; `None` when it is not there.
async fn flows(switch: &SwitchHandle, meter: MeterId) -> Result<Option<u32>, ApiError> {
    match switch.request(StatsRequest::Meters(MeterId::ALL)).await {
        Ok(StatsReply::Meters(all)) => {
            let found = all.iter().find(|stats| stats.meter == meter);
            Ok(found.map(|stats| stats.flows))
        }
        Ok(_) => Err(failed(switch, &RequestError::Unexpected)),
        Err(error) => Err(failed(switch, &error)),
    }
}

async fn apply(switch: &SwitchHandle, change: MeterMod) -> Result<(), ApiError> {
    let applied = switch.apply(&[ToSwitch::MeterMod(change)]).await;
    applied.map_err(|error| match error {
        ApplyError::Rejected(_) | ApplyError::Unsupported { .. } => {
            ApiError::impossible(format!("switch {}: {error}", switch.name()))
        }
        error => failed(switch, &error),
    })
}

fn failed(switch: &SwitchHandle, error: &dyn std::fmt::Display) -> ApiError {
    ApiError::switch_failed(format!("switch {}: {error}", switch.name()))
}
