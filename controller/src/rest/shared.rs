//! What flow entries share: `GET /v1/switches/{id}/groups`, `…/meters` and `…/queues`, from the switch, now. What groups and
//! meters had counted before a migration brought them there is added.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use godwit_openflow::model::{
    Bucket, BucketStats, ErrorReport, GroupDescription, GroupStats, GroupType, MeterBand,
    MeterBandStats, MeterConfig, MeterFlags, MeterStats, QueueFilter, QueueStats, StatsReply,
    StatsRequest,
};
use godwit_openflow::types::{GroupId, MeterId, PortNo, QueueId, Version};
use schemars::JsonSchema;
use serde::Serialize;

use super::endpoint;
use super::error::ApiError;
use super::id::Id;
use super::routes::{Routes, operation};
use super::switches::{request, request_failed};
use crate::carried::Shared;
use crate::network::Network;
use crate::switch::{RequestError, SwitchHandle};

pub(super) fn routes(network: &Network) -> Routes {
    let groups_now = operation("The groups of a switch, with what they have counted");
    let meters_now = operation("The meters of a switch, with what they have counted");
    let queues_now = operation("What the queues of a switch have counted");
    Routes::new("switches")
        .get(
            "/switches/{id}/groups",
            groups,
            groups_now.tagged().answers::<Vec<GroupDto>>(200).or(&[503]),
        )
        .get(
            "/switches/{id}/meters",
            meters,
            meters_now.tagged().answers::<Vec<MeterDto>>(200).or(&[503]),
        )
        .get(
            "/switches/{id}/queues",
            queues,
            queues_now.answers::<Vec<QueueStats>>(200).or(&[503]),
        )
        .with_state(network.clone())
}

/// A group with its counters. They are `null` when it came or went between the two answers that this is made of.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Group")]
struct GroupDto {
    group: GroupId,
    r#type: GroupType,
    references: Option<u32>,
    packets: Option<u64>,
    bytes: Option<u64>,
    duration_ns: Option<u64>,
    buckets: Vec<BucketDto>,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "CountedBucket")]
struct BucketDto {
    #[serde(flatten)]
    bucket: Bucket,
    packets: Option<u64>,
    bytes: Option<u64>,
}

impl GroupDto {
    fn new(group: GroupDescription, stats: Option<&GroupStats>) -> Self {
        let counted = |index: usize| -> Option<&BucketStats> { stats?.buckets.get(index) };
        let buckets = group.buckets.into_iter().enumerate();
        let buckets = buckets.map(|(index, bucket)| BucketDto {
            bucket,
            packets: counted(index).map(|stats| stats.packets),
            bytes: counted(index).map(|stats| stats.bytes),
        });
        Self {
            group: group.group,
            r#type: group.group_type,
            references: stats.map(|stats| stats.references),
            packets: stats.map(|stats| stats.packets),
            bytes: stats.map(|stats| stats.bytes),
            duration_ns: stats.map(|stats| stats.duration_ns),
            buckets: buckets.collect(),
        }
    }
}

async fn groups(
    State(network): State<Network>,
    Id(id): Id<String>,
) -> Result<Json<Vec<GroupDto>>, ApiError> {
    let switch = endpoint::switch(&network, &id)?;
    if switch.version() == Version::V10 {
        // OpenFlow 1.0 has no groups, so the switch has none.
        return Ok(Json(Vec::new()));
    }
    let (described, counted) = tokio::try_join!(
        request(&switch, StatsRequest::GroupDescription),
        group_stats(&network, &switch),
    )?;
    let StatsReply::GroupDescription(mut described) = described else {
        return Err(request_failed(&switch, &RequestError::Unexpected));
    };
    described.sort_by_key(|group| group.group);
    let counted: HashMap<GroupId, GroupStats> = counted
        .into_iter()
        .map(|stats| (stats.group, stats))
        .collect();
    let all = described.into_iter().map(|group| {
        let stats = counted.get(&group.group);
        GroupDto::new(group, stats)
    });
    Ok(Json(all.collect()))
}

/// What all groups have counted, wherever they stood.
pub(super) async fn group_stats(
    network: &Network,
    switch: &SwitchHandle,
) -> Result<Vec<GroupStats>, ApiError> {
    let look = network.carried().look_at_groups(switch.dpid());
    let StatsReply::Groups(mut counted) =
        request(switch, StatsRequest::Groups(GroupId::ALL)).await?
    else {
        return Err(request_failed(switch, &RequestError::Unexpected));
    };
    let ages = counted
        .iter()
        .map(|stats| (Shared::Group(stats.group), stats.duration_ns));
    let carried = network.carried().seen(look, ages);
    for stats in &mut counted {
        if let Some(before) = carried.get(&Shared::Group(stats.group)) {
            before.add_to_group(stats);
        }
    }
    Ok(counted)
}

/// A meter with its counters. They are `null` when it came or went between the two answers that this is made of.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Meter")]
struct MeterDto {
    meter: MeterId,
    flags: Vec<&'static str>,
    flows: Option<u32>,
    packets: Option<u64>,
    bytes: Option<u64>,
    duration_ns: Option<u64>,
    bands: Vec<BandDto>,
}

#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "CountedBand")]
struct BandDto {
    #[serde(flatten)]
    band: MeterBand,
    packets: Option<u64>,
    bytes: Option<u64>,
}

/// The names of a meter's flags (OF 1.3.5 §7.3.4.4, `ofp_meter_flags`).
const METER_FLAGS: [(MeterFlags, &str); 4] = [
    (MeterFlags::KBPS, "kbps"),
    (MeterFlags::PKTPS, "pktps"),
    (MeterFlags::BURST, "burst"),
    (MeterFlags::STATS, "stats"),
];

impl MeterDto {
    fn new(meter: MeterConfig, stats: Option<&MeterStats>) -> Self {
        let counted = |index: usize| -> Option<&MeterBandStats> { stats?.bands.get(index) };
        let bands = meter.bands.into_iter().enumerate();
        let bands = bands.map(|(index, band)| BandDto {
            band,
            packets: counted(index).map(|stats| stats.packets),
            bytes: counted(index).map(|stats| stats.bytes),
        });
        let set = |(flag, _): &&(MeterFlags, &str)| meter.flags.0 & flag.0 != 0;
        let flags = METER_FLAGS.iter().filter(set).map(|&(_, name)| name);
        Self {
            meter: meter.meter,
            flags: flags.collect(),
            flows: stats.map(|stats| stats.flows),
            packets: stats.map(|stats| stats.packets),
            bytes: stats.map(|stats| stats.bytes),
            duration_ns: stats.map(|stats| stats.duration_ns),
            bands: bands.collect(),
        }
    }
}

async fn meters(
    State(network): State<Network>,
    Id(id): Id<String>,
) -> Result<Json<Vec<MeterDto>>, ApiError> {
    let switch = endpoint::switch(&network, &id)?;
    if switch.version() == Version::V10 {
        // OpenFlow 1.0 has no meters, so the switch has none.
        return Ok(Json(Vec::new()));
    }
    let (described, counted) = tokio::try_join!(
        request(&switch, StatsRequest::MeterConfig(MeterId::ALL)),
        meter_stats(&network, &switch),
    )?;
    let StatsReply::MeterConfig(mut described) = described else {
        return Err(request_failed(&switch, &RequestError::Unexpected));
    };
    described.sort_by_key(|meter| meter.meter);
    let counted: HashMap<MeterId, MeterStats> = counted
        .into_iter()
        .map(|stats| (stats.meter, stats))
        .collect();
    let all = described.into_iter().map(|meter| {
        let stats = counted.get(&meter.meter);
        MeterDto::new(meter, stats)
    });
    Ok(Json(all.collect()))
}

/// What all meters have counted, wherever they stood.
pub(super) async fn meter_stats(
    network: &Network,
    switch: &SwitchHandle,
) -> Result<Vec<MeterStats>, ApiError> {
    let look = network.carried().look_at_meters(switch.dpid());
    let StatsReply::Meters(mut counted) =
        request(switch, StatsRequest::Meters(MeterId::ALL)).await?
    else {
        return Err(request_failed(switch, &RequestError::Unexpected));
    };
    let ages = counted
        .iter()
        .map(|stats| (Shared::Meter(stats.meter), stats.duration_ns));
    let carried = network.carried().seen(look, ages);
    for stats in &mut counted {
        if let Some(before) = carried.get(&Shared::Meter(stats.meter)) {
            before.add_to_meter(stats);
        }
    }
    Ok(counted)
}

async fn queues(
    State(network): State<Network>,
    Id(id): Id<String>,
) -> Result<Json<Vec<QueueStats>>, ApiError> {
    let switch = endpoint::switch(&network, &id)?;
    let all = QueueFilter {
        port: PortNo::ANY,
        queue: QueueId::ALL,
    };
    match switch.request(StatsRequest::Queues(all)).await {
        Ok(StatsReply::Queues(mut queues)) => {
            queues.sort_by_key(|stats| (stats.port, stats.queue));
            Ok(Json(queues))
        }
        Ok(_) => Err(request_failed(&switch, &RequestError::Unexpected)),
        Err(RequestError::Refused(report)) if is_no_queue(&switch, &report) => Ok(Json(Vec::new())),
        Err(error) => Err(request_failed(&switch, &error)),
    }
}

/// Whether a switch that was asked for all queues of all ports says in this way that there is none (OF 1.3.5 §7.5.4.10
/// and OF 1.0.2 §5.4.4, `OFPQOFC_BAD_PORT` and `OFPQOFC_BAD_QUEUE`).
#[must_use]
pub fn is_no_queue(switch: &SwitchHandle, report: &ErrorReport) -> bool {
    let queue_op_failed = match switch.version() {
        Version::V10 => 5,
        Version::V13 => 9,
    };
    report.error_type == queue_op_failed && report.code <= 1
}
