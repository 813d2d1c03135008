//! Statistics by REST.
//!
//! | method and path | what it does |
//! |---|---|
//! | `POST /switches/{id}/statistics[?history=N]` | collects now |
//! | `GET /switches/{id}/statistics[?history=N]` | what was collected last |
//! | `GET /statistics[?history=N][&busiest=N]` | links and routes, or the busiest of them |
//! | `GET /statistics.csv[?kind=ports\|links\|rules\|routes]` | one table |

use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use godwit_controller::rest::{ApiError, Id, Routes, endpoint, operation};
use godwit_openflow::model::{
    AggregateStats, FlowRemovedReason, GroupStats, MeterStats, Pattern, QueueStats, TableStats,
};
use godwit_openflow::types::{Cookie, DatapathId, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Statistics;
use super::book::{Ended, Removed, SwitchBook};
use super::collect::Collected;
use super::csv::Kind;
use super::measured::{Measured, Rates, Wanted, rates_at};
use super::rows::{self, LinkRow, PortRow, RouteRow, RuleRow, ShownRule};

pub(super) fn router(statistics: Statistics) -> Routes {
    let now = operation("What a switch counts, collected now").query::<HistoryQuery>();
    let last = operation("What was collected of a switch last").query::<HistoryQuery>();
    let all = operation("Links and routes with their rates").query::<NetworkQuery>();
    let table = operation("Ports, links, rules or routes, as comma-separated values");
    Routes::new("statistics")
        .get(
            "/switches/{id}/statistics",
            show,
            last.answers::<SwitchDto<'_>>(200),
        )
        .post(
            "/switches/{id}/statistics",
            collect,
            now.answers::<SwitchDto<'_>>(200).or(&[503]),
        )
        .get("/statistics", network, all.answers::<NetworkDto>(200))
        .get(
            "/statistics.csv",
            csv,
            table.query::<CsvQuery>().gives("text/csv"),
        )
        .with_state(statistics)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HistoryQuery {
    history: Option<usize>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NetworkQuery {
    history: Option<usize>,
    /// So many links and so many routes, those with the most bits a second first; all, by number, unless it is said.
    busiest: Option<NonZeroUsize>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CsvQuery {
    #[serde(default)]
    kind: Kind,
}

/// What a switch counted.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SwitchStatistics")]
struct SwitchDto<'a> {
    dpid: DatapathId,
    name: &'a str,
    openflow: Version,
    collected_at: String,
    took_us: u64,
    aggregate: Option<AggregateStats>,
    tables: Option<Vec<TableStats>>,
    ports: Vec<PortRow>,
    #[schemars(with = "Vec<ShownRule<'_>>")]
    flows: Vec<RuleRow>,
    queues: Option<Vec<WithRates<'a, QueueStats>>>,
    /// `null` where the version has none, or the switch would not say.
    groups: Option<Vec<WithRates<'a, GroupStats>>>,
    meters: Option<Vec<WithRates<'a, MeterStats>>>,
    /// All rules together that have ended, since the switch was first collected.
    removed: Removed,
    /// The last of them.
    ended: Vec<EndedDto<'a>>,
    /// What the switch would not say.
    problems: &'a [String],
}

#[derive(Serialize, JsonSchema)]
struct WithRates<'a, T> {
    #[serde(flatten)]
    stats: &'a T,
    #[serde(flatten)]
    rates: Rates,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EndedRule")]
struct EndedDto<'a> {
    at: String,
    table: u8,
    priority: u16,
    cookie: Cookie,
    r#match: &'a Pattern,
    reason: FlowRemovedReason,
    duration_ns: u64,
    packets: u64,
    bytes: u64,
    bits_per_second: Option<f64>,
    packets_per_second: Option<f64>,
}

impl<'a> From<&'a Ended> for EndedDto<'a> {
    fn from(ended: &'a Ended) -> Self {
        let removed = &ended.removed;
        let rates = ended.last.as_ref().map(|sample| rates_at(sample, 0));
        let (packets_per_second, bits_per_second) = rates.unwrap_or_default();
        Self {
            at: humantime::format_rfc3339_millis(ended.at).to_string(),
            table: removed.table.0,
            priority: removed.priority,
            cookie: removed.cookie,
            r#match: &removed.pattern,
            reason: removed.reason,
            duration_ns: removed.duration_ns,
            packets: removed.packets,
            bytes: removed.bytes,
            bits_per_second,
            packets_per_second,
        }
    }
}

fn with_rates<'a, T>(
    list: Option<&'a Vec<T>>,
    rates: impl Fn(&T) -> Rates,
) -> Option<Vec<WithRates<'a, T>>> {
    let shown = |stats: &'a T| WithRates {
        stats,
        rates: rates(stats),
    };
    list.map(|list| list.iter().map(shown).collect())
}

impl<'a> SwitchDto<'a> {
    fn new(
        statistics: &Statistics,
        book: &SwitchBook,
        collected: &'a Collected,
        ended: &'a [Ended],
        wanted: Wanted,
    ) -> Self {
        let switch = statistics.network().switches().get(collected.dpid);
        let tables = collected.tables.said.clone().map(|mut tables| {
            // As `GET …/tables` has it: Open vSwitch reports 254 tables.
            tables.retain(|stats| stats.table == 0 || stats.active > 0 || stats.lookups > 0);
            tables.iter_mut().for_each(|stats| stats.wildcards = None);
            tables
        });
        let Collected {
            queues,
            groups,
            meters,
            ..
        } = collected;
        Self {
            dpid: collected.dpid,
            name: &collected.name,
            openflow: collected.version,
            collected_at: humantime::format_rfc3339_millis(collected.finished).to_string(),
            took_us: u64::try_from(collected.took.as_micros()).unwrap_or(u64::MAX),
            aggregate: collected.aggregate.said,
            tables,
            ports: rows::ports(switch.as_ref(), book, collected, wanted),
            flows: rows::rules(book, collected, wanted),
            queues: with_rates(queues.said.as_ref(), |queue| {
                Rates::of(book.queues.get(&(queue.port, queue.queue)), 0, wanted)
            }),
            groups: with_rates(groups.said.as_ref(), |group| {
                Rates::of(book.groups.get(&group.group), 0, wanted)
            }),
            meters: with_rates(meters.said.as_ref(), |meter| {
                Rates::of(book.meters.get(&meter.meter), 0, wanted)
            }),
            removed: book.removed,
            ended: ended.iter().map(EndedDto::from).collect(),
            problems: &collected.problems,
        }
    }
}

type HistoryOrNot = Result<Query<HistoryQuery>, QueryRejection>;

fn history(query: HistoryOrNot) -> Result<Option<usize>, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::malformed(rejection.body_text()))?;
    Ok(query.history)
}

async fn collect(
    State(statistics): State<Statistics>,
    Id(id): Id<String>,
    query: HistoryOrNot,
) -> Result<Response, ApiError> {
    let history = history(query)?;
    let switch = endpoint::switch(statistics.network(), &id)?;
    let failed = |error| ApiError::switch_failed(format!("switch {}: {error}", switch.name()));
    statistics.collect(&switch).await.map_err(failed)?;
    shown(&statistics, switch.dpid(), history)
}

async fn show(
    State(statistics): State<Statistics>,
    Id(id): Id<String>,
    query: HistoryOrNot,
) -> Result<Response, ApiError> {
    let history = history(query)?;
    // A switch that has gone may be named by its datapath id.
    let dpid = match id.parse() {
        Ok(dpid) if statistics.has(dpid) => dpid,
        _ => endpoint::switch(statistics.network(), &id)?.dpid(),
    };
    shown(&statistics, dpid, history)
}

fn shown(
    statistics: &Statistics,
    dpid: DatapathId,
    history: Option<usize>,
) -> Result<Response, ApiError> {
    let nothing = || {
        let detail = "nothing has been collected of this switch yet: POST collects it now";
        ApiError::not_found(detail)
    };
    let wanted = statistics.wanted(history);
    let (collected, ended): (Arc<Collected>, Vec<Ended>);
    let body = {
        let book = statistics.lock();
        let book = book.switches.get(&dpid).ok_or_else(nothing)?;
        collected = book.collected.clone().ok_or_else(nothing)?;
        ended = book.ended.iter().cloned().collect();
        SwitchDto::new(statistics, book, &collected, &ended, wanted)
    };
    // Made into text when nobody has to wait for the book any more.
    Ok(Json(body).into_response())
}

/// What no single switch has.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NetworkStatistics")]
struct NetworkDto {
    links: Vec<LinkRow>,
    routes: Vec<RouteRow>,
}

async fn network(
    State(statistics): State<Statistics>,
    query: Result<Query<NetworkQuery>, QueryRejection>,
) -> Result<Json<NetworkDto>, ApiError> {
    let Query(query) = query.map_err(|rejection| ApiError::malformed(rejection.body_text()))?;
    let wanted = statistics.wanted(query.history);
    statistics.save_routes().await;
    let (mut links, mut routes) = (statistics.links(wanted), statistics.routes(wanted));
    if let Some(most) = query.busiest {
        keep_busiest(&mut links, most, |link| &link.measured);
        keep_busiest(&mut routes, most, |route| &route.measured);
    }
    Ok(Json(NetworkDto { links, routes }))
}

/// Those with the most bits a second first, then those of which none are known; no more than so many.
fn keep_busiest<T>(rows: &mut Vec<T>, most: NonZeroUsize, measured: impl Fn(&T) -> &Measured) {
    let rate = |row: &T| measured(row).rates.bits_per_second.unwrap_or(-1.0);
    rows.sort_by(|one, other| rate(other).total_cmp(&rate(one)));
    rows.truncate(most.get());
}

async fn csv(
    State(statistics): State<Statistics>,
    query: Result<Query<CsvQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(CsvQuery { kind }) =
        query.map_err(|rejection| ApiError::malformed(rejection.body_text()))?;
    if kind == Kind::Routes {
        statistics.save_routes().await;
    }
    let kind_of_text = "text/csv; charset=utf-8; header=present";
    let name = "inline; filename=\"statistics.csv\"";
    let headers = [
        (header::CONTENT_TYPE, kind_of_text),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, statistics.table(kind)).into_response())
}
