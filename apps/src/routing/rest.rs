//! `/v1/routes`.
//!
//! | method and path | what it does |
//! |---|---|
//! | `POST /routes` | makes one route, or an array of them all or none |
//! | `GET /routes`, `GET /routes/{id}[?per_switch=true]` | routes with what they have carried |
//! | `DELETE /routes/{id}` | takes one away |

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use godwit_controller::rest::endpoint::{self, EndpointName};
use godwit_controller::rest::{ApiError, Body, Id, OneOrMany, Routes, operation};
use godwit_controller::switch::ApplyError;
use godwit_controller::{RoundError, SwitchState};
use godwit_openflow::model::{Field, FlowRule, Pattern};
use godwit_openflow::types::{DatapathId, MeterId, QueueId};
use godwit_topology::spread::MOST_PATHS;
use godwit_topology::{Metric, Path, TopologySnapshot};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::counters::CarriedOver;
use super::install::{InstallError, Wish};
use super::spreading::Alone;
use super::table::{Origin, Route, State as RouteState};
use super::{REQUESTED_PRIORITY, Routing};
use crate::plan::{FlowId, Treatment};

/// Above the table-miss entry, below discovery.
const PRIORITIES: std::ops::RangeInclusive<u16> = 1..=u16::MAX - 1;

type Shared = Arc<Routing>;

pub(super) fn router(routing: Shared) -> Routes {
    let make = operation("Makes a route, or an array of them all or none")
        .body::<OneOrMany<RouteRequest>>()
        .guarded_by("/routes")
        .answers::<OneOrMany<RouteDto>>(201)
        .or(&[409, 503, 507]);
    let all = operation("The routes, with what they have carried").query::<ListQuery>();
    let one = operation("One route").query::<ShowQuery>();
    let take_away = operation("Takes a route away")
        .guarded_by("/routes/{id}")
        .done();
    let take_those_away = operation("Takes routes away; none if one of them is not there")
        .body::<Those>()
        .guarded_by("/routes")
        .done()
        .or(&[404, 503]);
    Routes::new("routes")
        .get(
            "/routes",
            list,
            all.paged(&["id"]).tagged().answers::<Vec<RouteDto>>(200),
        )
        .post("/routes", create, make)
        .post("/routes/delete", delete_those, take_those_away)
        .get("/routes/{id}", show, one.tagged().answers::<RouteDto>(200))
        .delete("/routes/{id}", delete, take_away.or(&[422, 503]))
        .with_state(routing)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RouteRequest {
    from: EndpointName,
    to: EndpointName,
    #[serde(default)]
    r#match: Pattern,
    #[serde(default)]
    via: Vec<String>,
    metric: Option<Metric>,
    priority: Option<u16>,
    #[serde(default)]
    idle_timeout: u16,
    #[serde(default)]
    hard_timeout: u16,
    queue: Option<u32>,
    meter: Option<u32>,
    spread: Option<Way>,
    max_paths: Option<usize>,
}

/// How a route is spread.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "RouteSpreadOver")]
#[serde(rename_all = "lowercase")]
enum Way {
    /// Over paths of equal cost.
    Ecmp,
}

impl RouteRequest {
    fn wish(
        self,
        routing: &Routing,
        topology: &godwit_topology::TopologySnapshot,
    ) -> Result<Wish, ApiError> {
        let network = routing.network();
        let names = [name(&self.from), name(&self.to)];
        let from = self
            .from
            .resolve(network, topology)
            .map_err(|error| error.at("from"))?;
        let to = self
            .to
            .resolve(network, topology)
            .map_err(|error| error.at("to"))?;
        if self.r#match.get(Field::InPort).is_some() {
            return Err(
                ApiError::impossible("a route's ingress port is that of `from`")
                    .at("match.in_port"),
            );
        }
        self.r#match.check_prerequisites().map_err(|error| {
            let field = format!("match.{}", error.field.name());
            ApiError::impossible(error.to_string()).at(field)
        })?;
        let priority = self.priority.unwrap_or(REQUESTED_PRIORITY);
        if !PRIORITIES.contains(&priority) {
            return Err(ApiError::impossible("a priority is from 1 to 65534").at("priority"));
        }
        let treatment = treatment(self.queue, self.meter)?;
        let spread = self.paths()?;
        let via = endpoint::switches(network, self.via.iter().map(String::as_str))
            .map_err(|error| error.at("via"))?;
        for dpid in via.iter().chain([&from.port.dpid, &to.port.dpid]) {
            if network.state(*dpid) != SwitchState::Active {
                return Err(ApiError::impossible(format!(
                    "switch {dpid} is being drained, or is drained"
                )));
            }
        }
        Ok(Wish {
            from,
            to,
            names,
            asked: self.r#match,
            via,
            metric: self.metric,
            priority,
            idle_timeout: self.idle_timeout,
            hard_timeout: self.hard_timeout,
            treatment,
            spread,
            origin: Origin::Request,
        })
    }

    /// Over how many paths it is to be spread, if it is.
    fn paths(&self) -> Result<Option<usize>, ApiError> {
        let Some(Way::Ecmp) = self.spread else {
            return match self.max_paths {
                None => Ok(None),
                Some(_) => {
                    let why = "`max_paths` is of a route with `\"spread\": \"ecmp\"`";
                    Err(ApiError::impossible(why).at("max_paths"))
                }
            };
        };
        let refused = |why: &str, field| Err(ApiError::impossible(why).at(field));
        let paths = self.max_paths.unwrap_or(MOST_PATHS);
        if !(2..=MOST_PATHS).contains(&paths) {
            refused("a route is spread over 2 to 16 paths", "max_paths")
        } else if !self.via.is_empty() {
            refused("a route that is spread has no waypoints", "via")
        } else if self.idle_timeout != 0 {
            let why =
                "a route that is spread has no timeouts: a path may be idle while others are not";
            refused(why, "idle_timeout")
        } else if self.hard_timeout != 0 {
            refused("a route that is spread has no timeouts", "hard_timeout")
        } else {
            Ok(Some(paths))
        }
    }
}

/// Numbers that name one queue and one meter, not all of them.
fn treatment(queue: Option<u32>, meter: Option<u32>) -> Result<Treatment, ApiError> {
    let (queue, meter) = (queue.map(QueueId), meter.map(MeterId));
    if queue == Some(QueueId::ALL) {
        let why = format!("a queue has a number below {}", QueueId::ALL.0);
        return Err(ApiError::impossible(why).at("queue"));
    }
    if meter.is_some_and(|meter| meter.0 == 0 || meter > MeterId::MAX) {
        let why = format!("a meter has a number from 1 to {}", MeterId::MAX.0);
        return Err(ApiError::impossible(why).at("meter"));
    }
    Ok(Treatment { queue, meter })
}

fn name(end: &EndpointName) -> serde_json::Value {
    match end {
        EndpointName::Address(text) => text.as_str().into(),
        EndpointName::Port(port) => serde_json::json!({ "dpid": port.dpid, "port": port.port }),
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RoutePath")]
struct PathDto {
    cost: u64,
    hops: godwit_topology::Path,
}

/// What a route shows that is spread.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RouteSpread")]
struct SpreadDto {
    spread: Way,
    max_paths: usize,
    paths: Vec<PathDto>,
    /// Where it has a choice that the switch can't make: from there it goes one way.
    single_path_at: Vec<Alone>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RouteOnSwitch")]
struct OnSwitchDto {
    dpid: DatapathId,
    packets: u64,
    bytes: u64,
    live: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    carried_over: Option<CarriedOver>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Route")]
struct RouteDto {
    id: FlowId,
    #[schemars(with = "EndpointName")]
    from: serde_json::Value,
    #[schemars(with = "EndpointName")]
    to: serde_json::Value,
    r#match: Pattern,
    priority: u16,
    idle_timeout: u16,
    hard_timeout: u16,
    via: Vec<DatapathId>,
    metric: Metric,
    #[serde(flatten)]
    treatment: Treatment,
    origin: Origin,
    path: PathDto,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    spread: Option<SpreadDto>,
    state: RouteState,
    packets: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    switches: Option<Vec<OnSwitchDto>>,
    /// Only when it is made: rules of other owners that are in its way, or it in theirs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl RouteDto {
    fn new(route: Route, per_switch: bool, topology: &TopologySnapshot) -> Self {
        let delivered = route.counters.delivered();
        let switches = per_switch.then(|| {
            let on_switch =
                |(dpid, counted): (DatapathId, &super::counters::OnSwitch)| OnSwitchDto {
                    dpid,
                    packets: counted.total().packets,
                    bytes: counted.total().bytes,
                    live: counted.is_live(),
                    carried_over: counted.carried_over(),
                };
            route.counters.switches().map(on_switch).collect()
        });
        let [from, to] = route.names;
        let weighed = topology.by_asked(route.metric);
        let path = |hops: Path| PathDto {
            cost: weighed.cost_of(&hops),
            hops,
        };
        let spread = route.spread.as_ref().map(|spreading| SpreadDto {
            spread: Way::Ecmp,
            max_paths: spreading.most,
            paths: spreading.now.paths().iter().cloned().map(path).collect(),
            single_path_at: spreading.alone(),
        });
        Self {
            id: route.template.id,
            from,
            to,
            r#match: route.asked,
            priority: route.template.priority,
            idle_timeout: route.template.idle_timeout,
            hard_timeout: route.template.hard_timeout,
            via: route.via,
            metric: weighed.metric(),
            treatment: route.template.treatment,
            origin: route.origin,
            path: path(route.path),
            spread,
            state: route.state,
            packets: delivered.packets,
            bytes: delivered.bytes,
            switches,
            warnings: Vec::new(),
        }
    }
}

async fn create(
    State(routing): State<Shared>,
    Body(body): Body<OneOrMany<RouteRequest>>,
) -> Result<Response, ApiError> {
    let (requests, single) = body.into_parts();
    let topology = routing.network().topology();
    let mut wishes = Vec::with_capacity(requests.len());
    for (index, request) in requests.into_iter().enumerate() {
        let wish = request.wish(&routing, &topology).map_err(|error| {
            match error.problem().field.clone() {
                Some(field) if !single => error.at(format!("[{index}].{field}")),
                None if !single => error.at(format!("[{index}]")),
                _ => error,
            }
        })?;
        wishes.push(wish);
    }
    // Once begun it is carried through, also when the client goes away.
    let making = Arc::clone(&routing);
    let ids = tokio::spawn(async move { making.create(wishes).await })
        .await
        .map_err(|_| ApiError::unavailable("the controller is stopping"))?
        .map_err(|error| refused(&error))?;
    let made: Vec<Route> = ids
        .iter()
        .filter_map(|id| routing.table().get(*id))
        .collect();
    let warnings = warnings(&routing, &made);
    let mut made: Vec<RouteDto> = made
        .into_iter()
        .zip(warnings)
        .map(|(route, warnings)| RouteDto {
            warnings,
            ..RouteDto::new(route, false, &topology)
        })
        .collect();
    match made.pop() {
        Some(route) if single => {
            let location = format!("/v1/routes/{}", route.id);
            Ok((
                StatusCode::CREATED,
                [(header::LOCATION, location)],
                Json(route),
            )
                .into_response())
        }
        last => {
            made.extend(last);
            Ok((StatusCode::CREATED, Json(made)).into_response())
        }
    }
}

/// Rules of other owners that are in the way of these routes, for each.
fn warnings(routing: &Routing, made: &[Route]) -> Vec<Vec<String>> {
    let mut on: BTreeMap<DatapathId, (Vec<usize>, Vec<FlowRule>)> = BTreeMap::new();
    for (index, route) in made.iter().enumerate() {
        for place in route.places() {
            let (indices, rules) = on.entry(place.dpid).or_default();
            indices.push(index);
            rules.push(place.rule);
        }
    }
    let mut warnings = vec![Vec::new(); made.len()];
    for (dpid, (indices, rules)) in on {
        for (which, what) in routing.network().overlaps(dpid, &rules) {
            let route = indices
                .get(which)
                .and_then(|index| warnings.get_mut(*index));
            if let Some(route) = route {
                route.push(format!("switch {dpid}: {what}"));
            }
        }
    }
    warnings
}

fn refused(error: &InstallError) -> ApiError {
    match error {
        InstallError::Duplicate { other, .. } => {
            ApiError::conflict(error.to_string()).with(format!("/v1/routes/{other}"))
        }
        InstallError::NoPath { .. } | InstallError::NoWay { .. } | InstallError::TooOld { .. } => {
            ApiError::impossible(error.to_string())
        }
        InstallError::Occupied { rules } => {
            ApiError::impossible(error.to_string()).because(rules.clone())
        }
        InstallError::Unread(_) => ApiError::unavailable(error.to_string()),
        InstallError::Refused(round) | InstallError::Torn { refused: round, .. } => {
            if is_answer(round) {
                ApiError::impossible(error.to_string())
            } else {
                ApiError::unavailable(error.to_string())
            }
        }
    }
}

/// Whether every switch that failed has said no, rather than nothing.
fn is_answer(error: &RoundError) -> bool {
    let answered = |error: &ApplyError| {
        matches!(
            error,
            ApplyError::Rejected(_) | ApplyError::Unsupported { .. }
        )
    };
    error
        .failures
        .iter()
        .all(|failure| answered(&failure.error))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ShowQuery {
    #[serde(default)]
    per_switch: bool,
}

/// As [`ShowQuery`], beside what asks for a part of the list.
#[derive(Debug, Deserialize, JsonSchema)]
struct ListQuery {
    #[serde(default)]
    per_switch: bool,
}

fn asked<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, ApiError> {
    query
        .map(|Query(asked)| asked)
        .map_err(|rejection| ApiError::malformed(rejection.body_text()))
}

async fn list(
    State(routing): State<Shared>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Vec<RouteDto>>, ApiError> {
    let ListQuery { per_switch } = asked(query)?;
    let mut ids = Vec::new();
    routing.table().for_each(|id, _| ids.push(id));
    log_unread(routing.refresh(&ids, per_switch).await);
    let mut routes = Vec::with_capacity(ids.len());
    let topology = routing.network().topology();
    routing
        .table()
        .for_each(|_, route| routes.push(RouteDto::new(route.clone(), per_switch, &topology)));
    Ok(Json(routes))
}

async fn show(
    State(routing): State<Shared>,
    Id(id): Id<FlowId>,
    query: Result<Query<ShowQuery>, QueryRejection>,
) -> Result<Json<RouteDto>, ApiError> {
    let ShowQuery { per_switch } = asked(query)?;
    let id = known(&routing, id)?;
    log_unread(routing.refresh(&[id], per_switch).await);
    let route = routing.table().get(id).ok_or_else(no_route)?;
    let topology = routing.network().topology();
    Ok(Json(RouteDto::new(route, per_switch, &topology)))
}

fn log_unread(failed: Vec<(DatapathId, godwit_controller::ReadError)>) {
    for (dpid, error) in failed {
        tracing::warn!(%dpid, %error, "counters could not be read; what was read before is served");
    }
}

async fn delete(State(routing): State<Shared>, Id(id): Id<FlowId>) -> Result<StatusCode, ApiError> {
    let id = known(&routing, id)?;
    match take_away(routing, vec![id]).await? {
        0 => Err(no_route()),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

/// Routes by their numbers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RoutesNamed")]
struct Those {
    ids: Vec<FlowId>,
}

async fn delete_those(
    State(routing): State<Shared>,
    Body(those): Body<Those>,
) -> Result<StatusCode, ApiError> {
    for (place, id) in those.ids.iter().enumerate() {
        if routing.table().get(*id).is_none() {
            let why = format!("no route has the number {id}; none was taken away");
            return Err(ApiError::not_found(why).at(format!("ids[{place}]")));
        }
    }
    // One that somebody else has taken away meanwhile is gone as it shall be.
    take_away(routing, those.ids).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes routes away, also when whoever asked for it has gone, and says how many there were.
async fn take_away(routing: Shared, ids: Vec<FlowId>) -> Result<usize, ApiError> {
    tokio::spawn(async move { routing.delete_all(&ids).await })
        .await
        .map_err(|_| ApiError::unavailable("the controller is stopping"))?
        .map_err(|error| match is_answer(&error) {
            true => ApiError::impossible(error.to_string()),
            false => ApiError::unavailable(error.to_string()),
        })
}

fn known(routing: &Routing, id: FlowId) -> Result<FlowId, ApiError> {
    routing.table().get(id).map(|_| id).ok_or_else(no_route)
}

fn no_route() -> ApiError {
    ApiError::not_found("no route has this number")
}
