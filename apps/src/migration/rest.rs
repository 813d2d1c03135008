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

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use godwit_controller::SwitchState;
use godwit_controller::rest::{ApiError, Body, Id};
use godwit_openflow::types::DatapathId;
use serde::Deserialize;

use super::planning::Refusal;
use super::record::{Migration, MigrationDto, MigrationId, PlanDto};
use super::request::{Algorithm, DEFAULT_HOLD, LONGEST_HOLD, Request};
use super::revert::Irreversible;
use super::{BeginError, Migrations};

/// The longest idempotency key: the draft asks for nothing longer than a UUID, some clients send more.
const LONGEST_KEY: usize = 256;

pub(super) fn router(migrations: Migrations) -> Router {
    Router::new()
        .route("/migrations", get(list).post(create))
        .route("/migrations/{id}", get(show).delete(cancel))
        .route("/migrations/{id}/plan", get(plan))
        .route("/migrations/{id}/revert", post(revert))
        .route("/switches/{id}/restore", post(restore))
        .with_state(migrations)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MigrationRequest {
    source: String,
    target: Option<String>,
    algorithm: Algorithm,
    #[serde(default)]
    dry_run: bool,
    /// Seconds.
    hold: Option<u64>,
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
    let hold = body.hold.map_or(DEFAULT_HOLD, Duration::from_secs);
    if hold > LONGEST_HOLD {
        let most = LONGEST_HOLD.as_secs();
        let detail = format!("a migration may be held for 0 to {most} seconds");
        return Err(ApiError::impossible(detail).at("hold"));
    }
    let request = Request {
        source,
        target,
        algorithm: body.algorithm,
        hold,
        reverts: None,
    };
    if body.dry_run {
        let planned = migrations
            .rehearse(&request)
            .await
            .map_err(|error| refused(&error))?;
        return Ok(Json(PlanDto::new(&planned)).into_response());
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
        (None, None) => Err(ApiError::not_found(format!(
            "no switch `{name}` is connected"
        ))),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= LONGEST_KEY => Ok(Some(key.to_owned())),
        _ => Err(ApiError::malformed(format!(
            "Idempotency-Key must be 1 to {LONGEST_KEY} visible ASCII characters"
        ))),
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
        BeginError::Abandoned => ApiError::unavailable(detail),
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
    if migration.cancel() {
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

async fn restore(
    Shared(migrations): Shared<Migrations>,
    Id(name): Id<String>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let dpid = resolve(&migrations, &name)?;
    let network = migrations.network();
    match network.state(dpid) {
        SwitchState::Drained => {
            network.set_state(dpid, SwitchState::Active).await;
            tracing::info!(%dpid, "switch restored");
            Ok(Json(serde_json::json!({ "dpid": dpid, "state": "active" })))
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
