//! The quality of service by REST.
//!
//! | method and path | what it does |
//! |---|---|
//! | `GET /switches/{id}/qos` | the ports that are shaped, with their queues |
//! | `PUT /switches/{id}/ports/{port}/qos` | shapes a port, instead of what godwit shaped it to before |
//! | `DELETE /switches/{id}/ports/{port}/qos` | shapes it no more |

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use godwit_controller::rest::{ApiError, Body, Id, Routes, endpoint, operation};

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
