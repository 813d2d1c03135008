//! What audits have found, and auditing now.
//!
//! | method and path | what it does |
//! |---|---|
//! | `GET /audit`, `GET /switches/{id}/audit` | what the last audits have found, of all switches or one |
//! | `POST /audit`, `POST /switches/{id}/audit` | audits now, and says what was found |

use std::time::SystemTime;

use axum::Json;
use axum::extract::State;
use godwit_openflow::model::FlowRule;
use godwit_openflow::types::DatapathId;
use schemars::JsonSchema;
use serde::Serialize;

use super::error::ApiError;
use super::{Id, Routes, RuleDto, endpoint, operation};
use crate::audit::{
    Audits, Outcome, Repair, RepairKind, Report, RulesSettings, SharedRepair, Unmended,
};
use crate::rules::Aspect;

pub(super) fn routes(audits: &Audits) -> Routes {
    let all =
        operation("What the last audits have found, of all switches").answers::<AuditsDto>(200);
    let all_now = operation("Audits all switches now").answers::<AuditsDto>(200);
    let one = operation("What the last audit of a switch has found")
        .answers::<ReportDto>(200)
        .done();
    let one_now = operation("Audits a switch now").answers::<ReportDto>(200);
    Routes::new("audits")
        .get("/audit", list, all)
        .post("/audit", audit_all, all_now)
        .get("/switches/{id}/audit", show, one)
        .post("/switches/{id}/audit", audit, one_now.or(&[502]))
        .with_state(audits.clone())
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Audits")]
struct AuditsDto {
    #[serde(flatten)]
    settings: RulesSettings,
    switches: Vec<ReportDto>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Audit")]
struct ReportDto {
    dpid: DatapathId,
    name: String,
    at: String,
    duration_us: u64,
    result: &'static str,
    /// Why it was not audited.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    audited_at: Option<String>,
    rules: usize,
    restored: usize,
    mended: usize,
    /// Groups and meters that were put right beside that.
    groups_and_meters: Vec<SharedRepair>,
    unmended_rules: usize,
    unmended: Vec<UnmendedDto>,
    alien_rules: usize,
    alien: Vec<RuleDto>,
    excepted_rules: usize,
    repairs: Vec<RepairDto>,
    totals: Totals,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditTotals")]
struct Totals {
    audits: u64,
    restored: u64,
    mended: u64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UnmendedRule")]
struct UnmendedDto {
    owner: String,
    /// What of it is changed; nothing when it is missing.
    changed: Vec<Aspect>,
    why: String,
    times: u32,
    #[serde(flatten)]
    rule: RuleDto,
}

impl From<Unmended> for UnmendedDto {
    fn from(unmended: Unmended) -> Self {
        Self {
            owner: unmended.owner,
            changed: unmended.aspects,
            why: unmended.why,
            times: unmended.times,
            rule: unmended.rule.into(),
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Repair")]
struct RepairDto {
    at: String,
    repair: RepairKind,
    owner: String,
    changed: Vec<Aspect>,
    times: u32,
    #[serde(flatten)]
    rule: RuleDto,
}

impl From<Repair> for RepairDto {
    fn from(repair: Repair) -> Self {
        Self {
            at: time(repair.at),
            repair: repair.kind,
            owner: repair.owner,
            changed: repair.aspects,
            times: repair.times,
            rule: repair.rule.into(),
        }
    }
}

fn time(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}

impl From<Report> for ReportDto {
    fn from(report: Report) -> Self {
        let (result, why) = match report.result {
            Outcome::Audited => ("audited", None),
            Outcome::Skipped(why) => ("skipped", Some(why.to_owned())),
            Outcome::Failed(why) => ("failed", Some(why)),
        };
        Self {
            dpid: report.dpid,
            name: report.name,
            at: time(report.at),
            duration_us: u64::try_from(report.took.as_micros()).unwrap_or(u64::MAX),
            result,
            why,
            audited_at: report.audited_at.map(time),
            rules: report.rules,
            restored: report.restored,
            mended: report.mended,
            groups_and_meters: report.shared,
            unmended_rules: report.unmended_rules,
            unmended: report.unmended.into_iter().map(UnmendedDto::from).collect(),
            alien_rules: report.alien_rules,
            alien: report
                .alien
                .into_iter()
                .map(|rule: FlowRule| rule.into())
                .collect(),
            excepted_rules: report.excepted,
            repairs: report.repairs.into_iter().map(RepairDto::from).collect(),
            totals: Totals {
                audits: report.audits,
                restored: report.restored_total,
                mended: report.mended_total,
            },
        }
    }
}

async fn list(State(audits): State<Audits>) -> Json<AuditsDto> {
    Json(AuditsDto {
        settings: audits.settings().clone(),
        switches: audits.reports().into_iter().map(ReportDto::from).collect(),
    })
}

async fn audit_all(State(audits): State<Audits>) -> Json<AuditsDto> {
    audits.audit_all().await;
    list(State(audits)).await
}

async fn show(
    State(audits): State<Audits>,
    Id(id): Id<String>,
) -> Result<Json<ReportDto>, ApiError> {
    let switch = endpoint::switch(audits.network(), &id)?;
    let report = audits.report(switch.dpid());
    report.map_or_else(
        || Err(ApiError::not_found("this switch was not audited yet")),
        |report| Ok(Json(report.into())),
    )
}

async fn audit(
    State(audits): State<Audits>,
    Id(id): Id<String>,
) -> Result<Json<ReportDto>, ApiError> {
    let switch = endpoint::switch(audits.network(), &id)?;
    let report = audits.audit(&switch).await;
    let gone = || ApiError::switch_failed(format!("switch {} is gone", switch.name()));
    report.map(|report| Json(report.into())).ok_or_else(gone)
}
