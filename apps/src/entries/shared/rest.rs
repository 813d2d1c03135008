//! Groups and meters by REST.
//!
//! | method and path | what it does |
//! |---|---|
//! | `PUT /switches/{id}/groups/{group}` | makes a group, or changes it |
//! | `DELETE /switches/{id}/groups/{group}` | takes one away that nothing uses |
//! | `PUT /switches/{id}/meters/{meter}` | makes a meter, or changes it |
//! | `DELETE /switches/{id}/meters/{meter}` | takes one away that nothing uses |

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use godwit_controller::StoreError;
use godwit_controller::carried::Shared;
use godwit_controller::rest::{ApiError, Body, Id, Routes, endpoint, operation};
use godwit_controller::rules::shared::is_of_route;
use godwit_controller::switch::{ApplyError, SwitchHandle};
use godwit_openflow::model::{
    Action, Bucket, GroupDescription, GroupType, MeterBand, MeterConfig, MeterFlags,
};
use godwit_openflow::types::{GroupId, MeterId, PortNo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Entries;
use super::make::MakeError;
use crate::plan::entry::Entry;

pub(in crate::entries) fn router(entries: Entries) -> Routes {
    let problems = &[409, 422, 503, 507];
    let group = operation("Makes a group, or changes it")
        .body::<GroupRequest>()
        .guarded_by("/switches/{id}/groups")
        .answers::<GroupDto>(200)
        .answers::<GroupDto>(201)
        .or(problems);
    let no_group = operation("Takes a group away that nothing uses")
        .guarded_by("/switches/{id}/groups")
        .done()
        .or(problems);
    let meter = operation("Makes a meter, or changes it")
        .body::<MeterRequest>()
        .guarded_by("/switches/{id}/meters")
        .answers::<MeterDto>(200)
        .answers::<MeterDto>(201)
        .or(problems);
    let no_meter = operation("Takes a meter away that nothing uses")
        .guarded_by("/switches/{id}/meters")
        .done()
        .or(problems);
    Routes::new("groups and meters")
        .put("/switches/{id}/groups/{group}", put_group, group)
        .delete("/switches/{id}/groups/{group}", delete_group, no_group)
        .put("/switches/{id}/meters/{meter}", put_meter, meter)
        .delete("/switches/{id}/meters/{meter}", delete_meter, no_meter)
        .with_state(entries)
}

/// A group as it is asked for: the shape in which it is reported, without what only a switch can say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct GroupRequest {
    r#type: GroupType,
    buckets: Vec<BucketRequest>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BucketRequest")]
struct BucketRequest {
    /// Its share in a select group; 1 unless given.
    weight: Option<u16>,
    watch_port: Option<PortNo>,
    watch_group: Option<GroupId>,
    actions: Vec<Action>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MadeGroup")]
struct GroupDto {
    group: GroupId,
    r#type: GroupType,
    buckets: Vec<Bucket>,
}

impl GroupRequest {
    fn form(self, group: GroupId) -> Result<GroupDescription, ApiError> {
        if group > GroupId::MAX {
            let why = format!("a group has a number from 0 to {}", GroupId::MAX.0);
            return Err(ApiError::not_found(why));
        }
        if is_of_route(group) {
            let why = "the numbers from 0x60000000 to 0x7fffffff are for groups of routes";
            return Err(ApiError::impossible(why));
        }
        if matches!(self.r#type, GroupType::Unknown(_)) {
            let why = "a group is `all`, `select`, `indirect` or `fast_failover`";
            return Err(ApiError::impossible(why).at("type"));
        }
        if self.r#type == GroupType::Indirect && self.buckets.len() != 1 {
            let why = "an indirect group has one bucket";
            return Err(ApiError::impossible(why).at("buckets"));
        }
        let weighs = self.r#type == GroupType::Select;
        let bucket = |(place, asked): (usize, BucketRequest)| {
            let at = |why: &str, field: &str| {
                ApiError::impossible(why).at(format!("buckets[{place}].{field}"))
            };
            if !weighs && asked.weight.is_some_and(|weight| weight != 0) {
                return Err(at("only buckets of a select group have a weight", "weight"));
            }
            let watches = asked.watch_port.is_some() || asked.watch_group.is_some();
            if self.r#type == GroupType::FastFailover && !watches {
                let why = "a bucket of a fast failover group watches a port or a group";
                return Err(at(why, "watch_port"));
            }
            Ok(Bucket {
                weight: asked.weight.unwrap_or(u16::from(weighs)),
                watch_port: asked.watch_port,
                watch_group: asked.watch_group,
                actions: asked.actions,
            })
        };
        let buckets: Result<Vec<Bucket>, ApiError> =
            self.buckets.into_iter().enumerate().map(bucket).collect();
        Ok(GroupDescription {
            group_type: self.r#type,
            group,
            buckets: buckets?,
        })
    }
}

/// What a meter lets pass. What is more is dropped, unless `bands` say otherwise.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MeterRequest {
    rate_kbps: Option<u32>,
    rate_packets: Option<u32>,
    /// In the unit of the rate, of kilobits or packets.
    burst: Option<u32>,
    /// Instead of a rate: all bands, their rates in kilobits a second, or packets where `unit` is.
    bands: Option<Vec<MeterBand>>,
    /// Of the rates of `bands`.
    unit: Option<Unit>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "MeterUnit")]
enum Unit {
    Kbps,
    Packets,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MadeMeter")]
struct MeterDto {
    meter: MeterId,
    flags: MeterFlags,
    bands: Vec<MeterBand>,
}

impl MeterRequest {
    fn form(self, meter: MeterId) -> Result<MeterConfig, ApiError> {
        if meter.0 == 0 || meter > MeterId::MAX {
            let why = format!("a meter has a number from 1 to {}", MeterId::MAX.0);
            return Err(ApiError::not_found(why));
        }
        let drop = |rate| {
            vec![MeterBand::Drop {
                rate,
                burst: self.burst.unwrap_or(0),
            }]
        };
        let (unit, bands) = match (self.rate_kbps, self.rate_packets, self.bands) {
            (Some(rate), None, None) => (MeterFlags::KBPS, drop(rate)),
            (None, Some(rate), None) => (MeterFlags::PKTPS, drop(rate)),
            (None, None, Some(bands)) => {
                let unit = match self.unit {
                    None | Some(Unit::Kbps) => MeterFlags::KBPS,
                    Some(Unit::Packets) => MeterFlags::PKTPS,
                };
                (unit, bands)
            }
            _ => {
                let why = "a meter has either `rate_kbps` or `rate_packets`, or `bands`";
                return Err(ApiError::impossible(why).at("rate_kbps"));
            }
        };
        let rates = bands.iter().enumerate();
        let mut bursts = false;
        for (place, band) in rates {
            let (rate, burst) = match band {
                MeterBand::Drop { rate, burst }
                | MeterBand::DscpRemark { rate, burst, .. }
                | MeterBand::Experimenter { rate, burst, .. } => (*rate, *burst),
                MeterBand::Unknown { .. } => {
                    let why = "a band is `drop`, `dscp_remark` or `experimenter`";
                    return Err(ApiError::impossible(why).at(format!("bands[{place}].type")));
                }
            };
            if rate == 0 {
                let why = "a meter with a rate of 0 lets nothing pass";
                return Err(ApiError::impossible(why));
            }
            bursts |= burst > 0;
        }
        if bands.is_empty() {
            let why = "a meter has a band at least";
            return Err(ApiError::impossible(why).at("bands"));
        }
        let burst = if bursts || self.burst.is_some() {
            MeterFlags::BURST.0
        } else {
            0
        };
        Ok(MeterConfig {
            flags: MeterFlags(unit.0 | burst | MeterFlags::STATS.0),
            meter,
            bands,
        })
    }
}

async fn put_group(
    State(entries): State<Entries>,
    Id((id, group)): Id<(String, u32)>,
    Body(request): Body<GroupRequest>,
) -> Result<(StatusCode, Json<GroupDto>), ApiError> {
    let switch = endpoint::switch(entries.network(), &id)?;
    let form = request.form(GroupId(group))?;
    let status = make(entries, switch, Entry::Group(form.clone())).await?;
    let made = GroupDto {
        group: form.group,
        r#type: form.group_type,
        buckets: form.buckets,
    };
    Ok((status, Json(made)))
}

async fn put_meter(
    State(entries): State<Entries>,
    Id((id, meter)): Id<(String, u32)>,
    Body(request): Body<MeterRequest>,
) -> Result<(StatusCode, Json<MeterDto>), ApiError> {
    let switch = endpoint::switch(entries.network(), &id)?;
    let form = request.form(MeterId(meter))?;
    let status = make(entries, switch, Entry::Meter(form.clone())).await?;
    let made = MeterDto {
        meter: form.meter,
        flags: form.flags,
        bands: form.bands,
    };
    Ok((status, Json(made)))
}

/// Once begun it is carried through, also when the client goes away.
async fn make(entries: Entries, switch: SwitchHandle, form: Entry) -> Result<StatusCode, ApiError> {
    let made = tokio::spawn(async move {
        let made = entries.make_shared(&switch, form).await;
        made.map_err(|error| problem(&switch, &error))
    });
    Ok(match made.await.map_err(|_| stopping())?? {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    })
}

async fn delete_group(
    State(entries): State<Entries>,
    Id((id, group)): Id<(String, u32)>,
) -> Result<StatusCode, ApiError> {
    remove(entries, &id, Shared::Group(GroupId(group))).await
}

async fn delete_meter(
    State(entries): State<Entries>,
    Id((id, meter)): Id<(String, u32)>,
) -> Result<StatusCode, ApiError> {
    remove(entries, &id, Shared::Meter(MeterId(meter))).await
}

async fn remove(entries: Entries, id: &str, shared: Shared) -> Result<StatusCode, ApiError> {
    let switch = endpoint::switch(entries.network(), id)?;
    let removed = tokio::spawn(async move {
        let removed = entries.remove_shared(&switch, shared).await;
        removed.map_err(|error| problem(&switch, &error))
    });
    removed.await.map_err(|_| stopping())??;
    Ok(StatusCode::NO_CONTENT)
}

fn stopping() -> ApiError {
    ApiError::unavailable("the controller is stopping")
}

fn problem(switch: &SwitchHandle, error: &MakeError) -> ApiError {
    let text = error.to_string();
    let named = format!("switch {}: {text}", switch.name());
    match error {
        MakeError::TooOld(_) | MakeError::Circle | MakeError::Nowhere(_) => {
            ApiError::impossible(named)
        }
        MakeError::Moving | MakeError::Foreign(_) | MakeError::Used(..) => {
            ApiError::conflict(named)
        }
        MakeError::Unknown(_) => ApiError::not_found(text),
        MakeError::Refused(ApplyError::Rejected(_) | ApplyError::Unsupported { .. }) => {
            ApiError::impossible(named)
        }
        MakeError::Unread(_) | MakeError::Refused(_) => ApiError::switch_failed(named),
        MakeError::Store(StoreError::Full) => ApiError::insufficient_storage(text),
        MakeError::Store(_) | MakeError::Unreadable(_) => ApiError::unavailable(text),
    }
}
