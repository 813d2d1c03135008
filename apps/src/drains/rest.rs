//! `/v1/drains`.
//!
//! | method and path | what it does |
//! |---|---|
//! | `POST /drains` | begins one |
//! | `GET /drains`, `GET /drains/{id}` | how far they are |
//! | `POST /drains/{id}/pause` | begins nothing more |
//! | `POST /drains/{id}/resume` | goes on, or tries again |
//! | `DELETE /drains/{id}` | gives it up; what is drained stays drained |

use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use godwit_controller::SwitchState;
use godwit_controller::rest::{
    ApiError, Body, IDEMPOTENCY_KEY, Id, Routes, endpoint, idempotency_key, operation,
};
use godwit_openflow::types::DatapathId;
use schemars::JsonSchema;
use serde::Deserialize;

use super::order::Order;
use super::record::{Drain, DrainId, Record, Request};
use super::{DEFAULT_PARALLEL_OF_SETS, DrainError, Drains};
use crate::migration::request::Algorithm;

pub(super) fn router(drains: Drains) -> Routes {
    let begin = operation("Empties several switches, one after another or side by side")
        .header("Idempotency-Key", IDEMPOTENCY_KEY)
        .body::<DrainRequest>()
        .answers::<Record>(202)
        .or(&[409, 503, 507]);
    let (all, one) = (operation("The drains"), operation("One drain"));
    let steer = |summary| {
        let steered = operation(summary).answers::<Record>(202);
        steered.or(&[409, 503])
    };
    Routes::new("drains")
        .get(
            "/drains",
            list,
            all.paged(&["id"]).answers::<Vec<Record>>(200),
        )
        .post("/drains", create, begin)
        .get("/drains/{id}", show, one.answers::<Record>(200))
        .delete(
            "/drains/{id}",
            cancel,
            steer("Gives a drain up; what is drained stays drained"),
        )
        .post("/drains/{id}/pause", pause, steer("Begins nothing more"))
        .post(
            "/drains/{id}/resume",
            resume,
            steer("Goes on, or tries again"),
        )
        .with_state(drains)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DrainRequest {
    switches: Vec<String>,
    order: Order,
    parallel: Option<usize>,
    algorithm: Option<Algorithm>,
}

impl DrainRequest {
    fn parse(self, drains: &Drains) -> Result<Request, ApiError> {
        let mut switches = Vec::with_capacity(self.switches.len());
        let mut unknown = Vec::new();
        for name in &self.switches {
            match resolve(drains, name) {
                Some(dpid) => switches.push(dpid),
                None => unknown.push(endpoint::unknown(drains.routing.network(), name)),
            }
        }
        if !unknown.is_empty() {
            let detail = DrainError::Switches(Vec::new()).to_string();
            return Err(ApiError::impossible(detail).at("switches").because(unknown));
        }
        let parallel = if self.order.is_by_sets() {
            DEFAULT_PARALLEL_OF_SETS
        } else {
            1
        };
        Ok(Request {
            switches,
            order: self.order,
            parallel: self.parallel.unwrap_or(parallel),
            algorithm: self.algorithm.unwrap_or(Algorithm::Clone),
        })
    }
}

/// A switch by any of its names; one that is drained and away still has its datapath id.
fn resolve(drains: &Drains, name: &str) -> Option<DatapathId> {
    let network = drains.routing.network();
    let here = network.switches().resolve(name).map(|switch| switch.dpid());
    here.or_else(|| {
        let away: Option<DatapathId> = name.parse().ok();
        away.filter(|dpid| network.state(*dpid) != SwitchState::Active)
    })
}

async fn create(
    Shared(drains): Shared<Drains>,
    headers: HeaderMap,
    Body(body): Body<DrainRequest>,
) -> Result<Response, ApiError> {
    let key = idempotency_key(&headers)?;
    let request = body.parse(&drains)?;
    // Once entered it is begun, also when the client goes away.
    let beginning = tokio::spawn(async move { drains.begin(request, key).await });
    let (drain, _) = beginning
        .await
        .map_err(|_| ApiError::unavailable("the controller is stopping"))?
        .map_err(refused)?;
    let location = format!("/v1/drains/{}", drain.id());
    Ok((
        StatusCode::ACCEPTED,
        [(header::LOCATION, location)],
        Json(drain.record()),
    )
        .into_response())
}

fn refused(error: DrainError) -> ApiError {
    let detail = error.to_string();
    match error {
        DrainError::Number(_) => ApiError::impossible(detail).at("switches"),
        DrainError::Parallel(_) => ApiError::impossible(detail).at("parallel"),
        DrainError::Switches(reasons) | DrainError::Impossible(reasons) => {
            ApiError::impossible(detail).at("switches").because(reasons)
        }
        DrainError::Overlaps { other, .. } => {
            ApiError::conflict(detail).with(format!("/v1/drains/{other}"))
        }
        DrainError::KeyReused(_) => ApiError::impossible(detail),
        DrainError::Unknown(_) => ApiError::not_found(detail),
        DrainError::State { .. } => ApiError::conflict(detail),
        DrainError::Unchecked(_) | DrainError::Store(_) | DrainError::Damaged(_) => {
            ApiError::unavailable(detail)
        }
    }
}

async fn list(Shared(drains): Shared<Drains>) -> Json<Vec<Record>> {
    Json(drains.list().iter().map(|drain| drain.record()).collect())
}

async fn show(
    Shared(drains): Shared<Drains>,
    Id(id): Id<DrainId>,
) -> Result<Json<Record>, ApiError> {
    Ok(Json(drains.get(id).map_err(refused)?.record()))
}

async fn pause(Shared(drains): Shared<Drains>, Id(id): Id<DrainId>) -> Result<Response, ApiError> {
    steered(drains.pause(id).await)
}

async fn resume(Shared(drains): Shared<Drains>, Id(id): Id<DrainId>) -> Result<Response, ApiError> {
    steered(drains.resume(id).await)
}

async fn cancel(Shared(drains): Shared<Drains>, Id(id): Id<DrainId>) -> Result<Response, ApiError> {
    steered(drains.cancel(id).await)
}

/// What was under way is not at its end yet: accepted, not done.
fn steered(drain: Result<Arc<Drain>, DrainError>) -> Result<Response, ApiError> {
    let drain = drain.map_err(refused)?;
    Ok((StatusCode::ACCEPTED, Json(drain.record())).into_response())
}
