//! `/v1/migrations` and `/v1/switches/{id}/restore`.
//!
//! | method and path | what it does |
//! |---|---|
//! | `POST /migrations` | plans and starts one, or with `dry_run` only plans |
//! | `GET /migrations`, `GET /migrations/{id}` | what became of them |
//! | `GET /migrations/{id}/plan` | the rounds |
//! | `DELETE /migrations/{id}` | cancels: rolls back |
//! | `POST /migrations/{id}/revert` | back to the source, within the hold after the commit |
//! | `POST /switches/{id}/restore` | a drained switch may carry traffic again |

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
use serde::{Deserialize, Serialize};

use super::forecast::Forecast;
use super::guard::{LEAST_SILENCE, LONGEST_SILENCE, Limits};
use super::planning::Refusal;
use super::record::{Migration, MigrationDto, MigrationId, PlanDto};
use super::request::{
    Algorithm, Bounds, DEFAULT_HOLD, LEAST_DEADLINE, LEAST_DRAIN_BOUND, LONGEST_DEADLINE,
    LONGEST_DRAIN_BOUND, LONGEST_HOLD, Request, Shape,
};
use super::revert::Irreversible;
use super::{BeginError, Migrations};

pub(super) fn router(migrations: Migrations) -> Routes {
    let begin = operation("Moves the work of a switch; with `dry_run` says only how (200)")
        .header("Idempotency-Key", IDEMPOTENCY_KEY)
        .body::<MigrationRequest>()
        .answers::<PlanDto>(200)
        .answers::<MigrationDto>(202)
        .or(&[404, 409, 503, 507]);
    let (all, one) = (operation("The migrations"), operation("One migration"));
    let give_up = operation("Goes back, before the last flip").answers::<MigrationDto>(202);
    let rounds = operation("The rounds: which switch gets which rule, and how each is undone");
    let go_back = operation("Goes back after the commit, while it is held")
        .header("Idempotency-Key", IDEMPOTENCY_KEY)
        .answers::<MigrationDto>(202)
        .or(&[400, 409, 422, 503, 507]);
    let readmit = operation("A drained switch may carry traffic again").answers::<Restored>(200);
    Routes::new("migrations")
        .get(
            "/migrations",
            list,
            all.paged(&["id"]).answers::<Vec<MigrationDto>>(200),
        )
        .post("/migrations", create, begin)
        .get("/migrations/{id}", show, one.answers::<MigrationDto>(200))
        .delete("/migrations/{id}", cancel, give_up.or(&[409]))
        .get(
            "/migrations/{id}/plan",
            plan,
            rounds.answers::<PlanDto>(200).or(&[503]),
        )
        .post("/migrations/{id}/revert", revert, go_back)
        .post("/switches/{id}/restore", restore, readmit.or(&[409]))
        .with_state(migrations)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MigrationRequest {
    source: String,
    target: Option<String>,
    algorithm: Algorithm,
    shape: Option<Shape>,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    queue: bool,
    /// Seconds.
    hold: Option<u64>,
    max_loss_packets: Option<u64>,
    max_silence_ms: Option<u64>,
    drain_bound_ms: Option<u64>,
    deadline_ms: Option<u64>,
}

impl MigrationRequest {
    fn limits(&self) -> Result<Limits, ApiError> {
        let range = LEAST_SILENCE..=LONGEST_SILENCE;
        let silence = milliseconds(self.max_silence_ms, &range, "max_silence_ms")?;
        Ok(Limits {
            max_loss_packets: self.max_loss_packets,
            max_silence_ms: silence.and(self.max_silence_ms),
        })
    }

    fn bounds(&self) -> Result<Bounds, ApiError> {
        let usual = Bounds::default();
        let drains = LEAST_DRAIN_BOUND..=LONGEST_DRAIN_BOUND;
        let drain = milliseconds(self.drain_bound_ms, &drains, "drain_bound_ms")?;
        let deadlines = LEAST_DEADLINE..=LONGEST_DEADLINE;
        let deadline = milliseconds(self.deadline_ms, &deadlines, "deadline_ms")?;
        Ok(Bounds {
            drain: drain.unwrap_or(usual.drain),
            deadline: deadline.unwrap_or(usual.deadline),
        })
    }

    fn hold(&self) -> Result<Duration, ApiError> {
        let hold = self.hold.map_or(DEFAULT_HOLD, Duration::from_secs);
        if hold > LONGEST_HOLD {
            let most = LONGEST_HOLD.as_secs();
            let detail = format!("a migration may be held for 0 to {most} seconds");
            return Err(ApiError::impossible(detail).at("hold"));
        }
        Ok(hold)
    }
}

/// A duration that has to be in a range.
fn milliseconds(
    asked: Option<u64>,
    range: &RangeInclusive<Duration>,
    field: &str,
) -> Result<Option<Duration>, ApiError> {
    let asked = asked.map(Duration::from_millis);
    if asked.is_none_or(|asked| range.contains(&asked)) {
        return Ok(asked);
    }
    let (least, most) = (range.start().as_millis(), range.end().as_millis());
    let detail = format!("{field} may be {least} to {most} milliseconds");
    Err(ApiError::impossible(detail).at(field))
}

async fn create(
    Shared(migrations): Shared<Migrations>,
    headers: HeaderMap,
    Body(body): Body<MigrationRequest>,
) -> Result<Response, ApiError> {
    let key = idempotency_key(&headers)?;
    let find =
        |name: &str, field: &str| resolve(&migrations, name).map_err(|error| error.at(field));
    let source = find(&body.source, "source")?;
    let target = body
        .target
        .as_deref()
        .map(|name| find(name, "target"))
        .transpose()?;
    let request = Request {
        source,
        target,
        algorithm: body.algorithm,
        shape: body.shape,
        limits: body.limits()?,
        bounds: body.bounds()?,
        queue: body.queue,
        hold: body.hold()?,
        reverts: None,
    };
    if body.dry_run {
        let begun = Instant::now();
        let planned = migrations
            .rehearse(&request)
            .await
            .map_err(|error| refused(&error))?;
        let (network, pace) = (migrations.network(), &migrations.pace);
        let forecast = Forecast::of(network, &planned, pace, begun.elapsed()).await;
        return Ok(Json(PlanDto::new(&planned).with(forecast)).into_response());
    }
    accepted(async move { migrations.begin(request, key).await }).await
}

async fn revert(
    Shared(migrations): Shared<Migrations>,
    Id(id): Id<MigrationId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = idempotency_key(&headers)?;
    accepted(async move { migrations.revert(id, key).await }).await
}

/// The answer to a migration that is to begin. Once begun it is carried through, also when the client goes away.
async fn accepted(
    beginning: impl Future<Output = Result<(Arc<Migration>, bool), BeginError>> + Send + 'static,
) -> Result<Response, ApiError> {
    let (migration, _) = tokio::spawn(beginning)
        .await
        .map_err(|_| ApiError::unavailable("the controller is stopping"))?
        .map_err(|error| refused(&error))?;
    let location = format!("/v1/migrations/{}", migration.id());
    Ok((
        StatusCode::ACCEPTED,
        [(header::LOCATION, location)],
        Json(migration.view()),
    )
        .into_response())
}

/// A switch by any of its names; one that is drained and away still has its datapath id.
fn resolve(migrations: &Migrations, name: &str) -> Result<DatapathId, ApiError> {
    let network = migrations.network();
    let away = name
        .parse()
        .ok()
        .filter(|dpid| network.state(*dpid) != SwitchState::Active);
    match (network.switches().resolve(name), away) {
        (Some(switch), _) => Ok(switch.dpid()),
        (None, Some(dpid)) => Ok(dpid),
        (None, None) => Err(ApiError::not_found(endpoint::unknown(network, name))),
    }
}

fn refused(error: &BeginError) -> ApiError {
    let detail = error.to_string();
    match error {
        BeginError::Overlaps { other, .. } => {
            ApiError::conflict(detail).with(format!("/v1/migrations/{other}"))
        }
        BeginError::Irreversible(Irreversible::Already { by, .. }) => {
            ApiError::conflict(detail).with(format!("/v1/migrations/{by}"))
        }
        BeginError::Irreversible(_) | BeginError::Refused(Refusal::Frozen(_)) => {
            ApiError::conflict(detail)
        }
        BeginError::Unknown(_) => ApiError::not_found(detail),
        BeginError::KeyReused(_) => ApiError::impossible(detail),
        BeginError::Unwritten(_) => ApiError::insufficient_storage(detail),
        BeginError::Crowded | BeginError::Abandoned | BeginError::Damaged(_) => {
            ApiError::unavailable(detail)
        }
        BeginError::Refused(Refusal::SameSwitch) => ApiError::impossible(detail).at("target"),
        BeginError::Refused(Refusal::Unreadable(_) | Refusal::Unread(_)) => {
            ApiError::unavailable(detail)
        }
        BeginError::Refused(refusal) => ApiError::impossible(detail).because(refusal.reasons()),
    }
}

async fn list(Shared(migrations): Shared<Migrations>) -> Json<Vec<MigrationDto>> {
    Json(
        migrations
            .list()
            .iter()
            .map(|migration| migration.view())
            .collect(),
    )
}

async fn show(
    Shared(migrations): Shared<Migrations>,
    Id(id): Id<MigrationId>,
) -> Result<Json<MigrationDto>, ApiError> {
    Ok(Json(known(&migrations, id)?.view()))
}

async fn plan(
    Shared(migrations): Shared<Migrations>,
    Id(id): Id<MigrationId>,
) -> Result<Json<PlanDto>, ApiError> {
    let migration = known(&migrations, id)?;
    match migration.plan() {
        Some(plan) => Ok(Json(PlanDto::new(&plan))),
        None if migration.plan_is_forgotten() => Err(ApiError::not_found(
            "this plan is no longer kept: later migrations have taken its place",
        )),
        None => Err(ApiError::unavailable("the plan is being made")),
    }
}

async fn cancel(
    Shared(migrations): Shared<Migrations>,
    Id(id): Id<MigrationId>,
) -> Result<Response, ApiError> {
    let migration = known(&migrations, id)?;
    if migrations.cancel(&migration) {
        Ok((StatusCode::ACCEPTED, Json(migration.view())).into_response())
    } else {
        let state = migration.state().name();
        Err(ApiError::conflict(format!(
            "the migration can't be cancelled any more: it is {state}, past its last flip"
        )))
    }
}

fn known(migrations: &Migrations, id: MigrationId) -> Result<Arc<Migration>, ApiError> {
    migrations
        .get(id)
        .ok_or_else(|| ApiError::not_found("no migration has this number"))
}

/// A switch that may carry traffic.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RestoredSwitch")]
struct Restored {
    dpid: DatapathId,
    state: &'static str,
}

async fn restore(
    Shared(migrations): Shared<Migrations>,
    Id(name): Id<String>,
) -> Result<Json<Restored>, ApiError> {
    let dpid = resolve(&migrations, &name)?;
    let network = migrations.network();
    match network.state(dpid) {
        SwitchState::Drained => {
            network.set_state(dpid, SwitchState::Active).await;
            tracing::info!(%dpid, "switch restored");
            Ok(Json(Restored {
                dpid,
                state: "active",
            }))
        }
        SwitchState::Frozen => {
            let detail = format!("switch {dpid} is being emptied");
            let conflict = ApiError::conflict(detail);
            Err(match migrations.touching(dpid) {
                Some(id) => conflict.with(format!("/v1/migrations/{id}")),
                None => conflict,
            })
        }
        SwitchState::Active => Err(ApiError::conflict(format!("switch {dpid} is not drained"))),
    }
}
