//! Mirrors by REST.
//!
//! | method and path | what it does |
//! |---|---|
//! | `GET /switches/{id}/mirrors` | the mirrors of a switch, with what they have copied |
//! | `PUT /switches/{id}/mirrors/{name}` | makes one, instead of godwit's own of that name |
//! | `DELETE /switches/{id}/mirrors/{name}` | takes one away |

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use godwit_controller::rest::{ApiError, Body, Id, Routes, endpoint, operation};

use super::Mirroring;
use super::rows::{Mirror, MirrorRequest};

/// The list that a change of a mirror changes.
const LIST: &str = "/switches/{id}/mirrors";

pub(super) fn router(mirroring: Mirroring) -> Routes {
    let all = operation("The mirrors of a switch, with what they have copied")
        .tagged()
        .answers::<Vec<Mirror>>(200);
    let one = operation("Makes a mirror, instead of godwit's own of that name")
        .body::<MirrorRequest>()
        .guarded_by(LIST)
        .answers::<Mirror>(200);
    let none = operation("Takes a mirror away").guarded_by(LIST).done();
    let path = "/switches/{id}/mirrors/{name}";
    Routes::new("mirrors")
        .get(LIST, list, all.or(&[422, 503]))
        .put(path, make, one.or(&[409, 502, 503]))
        .delete(path, remove, none.or(&[409, 422, 502, 503]))
        .with_state(mirroring)
}

async fn list(
    State(mirroring): State<Mirroring>,
    Id(id): Id<String>,
) -> Result<Json<Vec<Mirror>>, ApiError> {
    let switch = endpoint::switch(&mirroring.network, &id)?;
    let (_, bridge) = mirroring.bridge(&switch).await?;
    Ok(Json(bridge.mirrors()))
}

async fn make(
    State(mirroring): State<Mirroring>,
    Id((id, name)): Id<(String, String)>,
    Body(request): Body<MirrorRequest>,
) -> Result<Json<Mirror>, ApiError> {
    let switch = endpoint::switch(&mirroring.network, &id)?;
    // Once begun it is carried through, also when the client goes away.
    let made = tokio::spawn(async move { mirroring.set(&switch, &name, Some(request)).await });
    let made = made.await.map_err(|_| stopping())??;
    made.map(Json)
        .ok_or_else(|| ApiError::unavailable("the mirror has been taken away since"))
}

async fn remove(
    State(mirroring): State<Mirroring>,
    Id((id, name)): Id<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let switch = endpoint::switch(&mirroring.network, &id)?;
    let done = tokio::spawn(async move { mirroring.set(&switch, &name, None).await });
    done.await.map_err(|_| stopping())??;
    Ok(StatusCode::NO_CONTENT)
}

fn stopping() -> ApiError {
    ApiError::unavailable("the controller is stopping")
}
