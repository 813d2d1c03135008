//! `GET /v1/queued`: rule writes that are held for switches whose work is being moved away.

use axum::Json;
use axum::extract::State;
use godwit_openflow::model::{FlowCommand, FlowFlags};
use godwit_openflow::types::DatapathId;
use schemars::JsonSchema;
use serde::Serialize;

use super::RuleDto;
use super::routes::{Routes, operation};
use crate::held::HeldWrite;
use crate::network::Network;

pub(super) fn routes(network: &Network) -> Routes {
    let all = operation("Rule writes that are held for switches under migration");
    Routes::new("switches")
        .get("/queued", list, all.answers::<Vec<QueuedDto>>(200))
        .with_state(network.clone())
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "QueuedWrite")]
struct QueuedDto {
    number: u64,
    dpid: DatapathId,
    writer: &'static str,
    command: FlowCommand,
    #[serde(flatten)]
    rule: RuleDto,
    flags: FlowFlags,
    since: String,
}

impl From<HeldWrite> for QueuedDto {
    fn from(held: HeldWrite) -> Self {
        let rule = held.write.rule;
        Self {
            number: held.number,
            dpid: held.dpid,
            writer: held.writer,
            command: held.write.command,
            flags: rule.flags,
            rule: RuleDto::from(rule),
            since: humantime::format_rfc3339_millis(held.since).to_string(),
        }
    }
}

async fn list(State(network): State<Network>) -> Json<Vec<QueuedDto>> {
    let held = network.held().list();
    Json(held.into_iter().map(QueuedDto::from).collect())
}

#[cfg(test)]
mod tests;
