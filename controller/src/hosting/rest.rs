//! The apps by REST.
//!
//! | method and path | what it does |
//! |---|---|
//! | `GET /apps`, `GET /apps/{name}` | what each is, has declared and has counted |
//! | `PUT /apps/{name}/enabled` | enables or disables one: `true`, `false`, or `{"enabled": …}` |
//!
//! What an app that is disabled serves itself is a 409.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{Pattern, StatsReply, StatsRequest};
use godwit_openflow::types::{DatapathId, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Apps;
use super::hosted::Hosted;
use super::standing::SwitchError;
use crate::network::Network;
use crate::rest::{ApiError, Body, Id, Routes, operation};
use crate::rules::Owner;
use crate::store::StoreError;
use crate::switch::SwitchHandle;

/// How long switches get to say how many rules of an app they hold.
const COUNT_DEADLINE: Duration = Duration::from_secs(2);

pub(crate) fn routes(apps: &Apps) -> Routes {
    let enable = operation("Enables or disables an app")
        .body::<Wish>()
        .guarded_by("/apps/{name}")
        .answers::<AppDto>(200)
        .or(&[409, 503, 507]);
    let (all, one) = (operation("The apps"), operation("One app"));
    Routes::new("apps")
        .get("/apps", list, all.tagged().answers::<Vec<AppDto>>(200))
        .get("/apps/{name}", show, one.tagged().answers::<AppDto>(200))
        .put("/apps/{name}/enabled", switch, enable)
        .with_state(apps.clone())
}

/// The routes of an app, for as long as it is enabled.
pub(crate) fn gated(apps: &Apps, name: &'static str, routes: Routes) -> Routes {
    routes.behind(409, |router| {
        router.layer(from_fn_with_state((apps.clone(), name), gate))
    })
}

async fn gate(
    State((apps, name)): State<(Apps, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    match apps.named(name) {
        Some((_, hosted)) if !hosted.is_enabled() => {
            let why = format!(
                "the app `{name}` is disabled; `PUT /v1/apps/{name}/enabled` with `true` enables it"
            );
            ApiError::conflict(why).into_response()
        }
        _ => next.run(request).await,
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "App")]
struct AppDto {
    name: &'static str,
    description: &'static str,
    enabled: bool,
    /// Why godwit has disabled it itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_because: Option<String>,
    /// Why it can't be disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    needed_because: Option<&'static str>,
    priority: u16,
    /// It is asked about the packets that one of these covers.
    filter: Vec<Pattern>,
    /// The first and the last.
    tables: [u8; 2],
    rule_priorities: [u16; 2],
    events: u64,
    events_missed: u64,
    packets: u64,
    packets_dropped: u64,
    panics: u64,
    rules_refused: u64,
    /// How many entries of its the connected switches hold; `null` when one does not say.
    rules: Option<u64>,
    /// Connected switches that do not hold yet what it wants.
    pending: Vec<DatapathId>,
}

impl AppDto {
    async fn new(hosted: &Hosted, network: &Network) -> Self {
        let declared = &hosted.declared;
        Self {
            name: hosted.app.name(),
            description: declared.description,
            enabled: hosted.is_enabled(),
            disabled_because: hosted.reason().map(|why| why.to_string()),
            needed_because: declared.needed,
            priority: declared.priority,
            filter: declared.filter.clone(),
            tables: [*declared.tables.start(), *declared.tables.end()],
            rule_priorities: [
                *declared.rule_priorities.start(),
                *declared.rule_priorities.end(),
            ],
            events: hosted.events(),
            events_missed: hosted.missed(),
            packets: hosted.packets(),
            packets_dropped: hosted.dropped(),
            panics: hosted.panics(),
            rules_refused: hosted.refused(),
            rules: match declared.owner {
                Some(owner) => rules(network, owner).await,
                None => Some(0),
            },
            pending: hosted.unsettled().into_iter().collect(),
        }
    }
}

/// How many entries of this owner the connected switches hold.
async fn rules(network: &Network, owner: Owner) -> Option<u64> {
    let mut asked = tokio::task::JoinSet::new();
    for switch in network.switches().list() {
        let network = network.clone();
        asked.spawn(async move { count(&network, &switch, owner).await });
    }
    let mut all = 0;
    while let Some(counted) = asked.join_next().await {
        all += counted.ok()??;
    }
    Some(all)
}

/// OpenFlow 1.0 can't be asked by cookie.
async fn count(network: &Network, switch: &SwitchHandle, owner: Owner) -> Option<u64> {
    if switch.version() == Version::V10 {
        let read = tokio::time::timeout(COUNT_DEADLINE, network.read(switch, Some(owner)));
        return Some(read.await.ok()?.ok()?.len() as u64);
    }
    let filter = FlowFilter {
        cookie: owner.cookie(0),
        cookie_mask: u64::MAX << 32,
        ..FlowFilter::all()
    };
    let asked = switch.request_within(StatsRequest::Aggregate(filter), COUNT_DEADLINE);
    match asked.await {
        Ok(StatsReply::Aggregate(sum)) => Some(sum.flows.into()),
        _ => None,
    }
}

async fn list(State(apps): State<Apps>) -> Json<Vec<AppDto>> {
    let mut all = Vec::new();
    for hosted in apps.hosted() {
        all.push(AppDto::new(hosted, &apps.inner.network).await);
    }
    Json(all)
}

async fn show(State(apps): State<Apps>, Id(name): Id<String>) -> Result<Json<AppDto>, ApiError> {
    let (_, hosted) = apps
        .named(&name)
        .ok_or_else(|| refused(&apps.unknown(&name)))?;
    Ok(Json(AppDto::new(hosted, &apps.inner.network).await))
}

/// What an app shall be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "`true`, `false` or {\"enabled\": …}")]
#[schemars(rename = "Enabled")]
enum Wish {
    Bare(bool),
    Named(Named),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EnabledByName")]
struct Named {
    enabled: bool,
}

async fn switch(
    State(apps): State<Apps>,
    Id(name): Id<String>,
    Body(wish): Body<Wish>,
) -> Result<Json<AppDto>, ApiError> {
    let enabled = match wish {
        Wish::Bare(enabled) | Wish::Named(Named { enabled }) => enabled,
    };
    let switching = (apps.clone(), name.clone());
    // Once begun it is carried through, also when the client goes away.
    tokio::spawn(async move {
        let (apps, name) = switching;
        apps.set_enabled(&name, enabled).await
    })
    .await
    .map_err(|_| ApiError::unavailable("the controller is stopping"))?
    .map_err(|error| refused(&error))?;
    show(State(apps), Id(name)).await
}

fn refused(error: &SwitchError) -> ApiError {
    let text = error.to_string();
    match error {
        SwitchError::Unknown { .. } => ApiError::not_found(text),
        SwitchError::Needed { .. } => ApiError::conflict(text),
        SwitchError::Store(StoreError::Full) => ApiError::insufficient_storage(text),
        SwitchError::Store(_) => ApiError::unavailable(text),
    }
}
