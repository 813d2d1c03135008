//! A migration and its plan as they are served.

use std::time::Duration;

use godwit_openflow::types::DatapathId;
use schemars::JsonSchema;
use serde::Serialize;

use super::{FlowCount, Migration, MigrationId, OtherCount, Phase, State};
use crate::migration::forecast::Forecast;
use crate::migration::planning::{Chosen, Planned, RuleCounts};
use crate::migration::request::{Algorithm, Shape};
use crate::plan::FlowId;
use crate::plan::text::RoundDto;

impl Migration {
    /// As it is served.
    #[must_use]
    pub fn view(&self) -> MigrationDto {
        let is_held = self.check_reversible().is_ok();
        let status = self.status();
        let us = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let duration = status
            .finished
            .map_or_else(|| self.started.elapsed(), |(_, duration)| duration);
        MigrationDto {
            id: self.id,
            source: self.request.source,
            target: self.request.target,
            algorithm: self.request.algorithm,
            shape: status.shape.or(self.request.shape),
            max_loss_packets: self.request.limits.max_loss_packets,
            max_silence_ms: self.request.limits.max_silence_ms,
            state: status.state,
            flows: status.flows,
            rules: status.rules,
            rounds: status.rounds,
            started_at: humantime::format_rfc3339_micros(self.started_at).to_string(),
            finished_at: status
                .finished
                .map(|(at, _)| humantime::format_rfc3339_micros(at).to_string()),
            hold_until: status
                .finished
                .filter(|_| is_held)
                .and_then(|(at, _)| at.checked_add(self.request.hold))
                .map(|at| humantime::format_rfc3339_micros(at).to_string()),
            reverts: self.request.reverts,
            reverted_by: status.reverted_by,
            duration_us: us(duration),
            phases: status
                .phases
                .iter()
                .map(|&(name, duration)| PhaseDto {
                    name,
                    duration_us: us(duration),
                })
                .collect(),
            counters: status.counters.clone(),
            carried: status.carried.clone(),
            error: status.error.clone(),
        }
    }
}

/// A migration as it is served.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Migration")]
pub struct MigrationDto {
    id: MigrationId,
    source: DatapathId,
    target: Option<DatapathId>,
    algorithm: Algorithm,
    #[serde(skip_serializing_if = "Option::is_none")]
    shape: Option<Shape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_loss_packets: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_silence_ms: Option<u64>,
    state: State,
    flows: usize,
    rules: RuleCounts,
    rounds: usize,
    started_at: String,
    finished_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reverts: Option<MigrationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reverted_by: Option<MigrationId>,
    duration_us: u64,
    phases: Vec<PhaseDto>,
    counters: Vec<FlowCount>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    carried: Vec<OtherCount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MigrationPhase")]
struct PhaseDto {
    name: Phase,
    duration_us: u64,
}

/// A plan as it is served.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Plan")]
pub struct PlanDto {
    source: DatapathId,
    target: Option<DatapathId>,
    algorithm: Algorithm,
    #[serde(flatten)]
    shape: Chosen,
    flows: Vec<FlowDto>,
    rules: RuleCounts,
    rounds: Vec<RoundDto>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forecast: Option<Forecast>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PlannedFlow")]
struct FlowDto {
    id: FlowId,
    old: Option<godwit_topology::Path>,
    new: godwit_topology::Path,
}

impl PlanDto {
    /// Of a plan.
    #[must_use]
    pub fn new(planned: &Planned) -> Self {
        let flow = |flow: &crate::plan::Flow| FlowDto {
            id: flow.template.id,
            old: flow.old.clone(),
            new: flow.new.clone(),
        };
        Self {
            source: planned.request.source,
            target: planned.request.target,
            algorithm: planned.request.algorithm,
            shape: planned.shape.clone(),
            flows: planned.flows.iter().map(flow).collect(),
            rules: planned.rule_counts(),
            rounds: planned.rounds.iter().map(RoundDto::from).collect(),
            forecast: None,
        }
    }

    /// The same, with what it is expected to do.
    #[must_use]
    pub fn with(mut self, forecast: Forecast) -> Self {
        self.forecast = Some(forecast);
        self
    }
}
