//! What is served of a flow entry wherever one is named: in listings, among held writes, in plans.

use godwit_openflow::model::{FlowRule, Instruction, Pattern};
use godwit_openflow::types::Cookie;
use schemars::JsonSchema;
use serde::Serialize;

/// A flow entry as it is served, without flags and counters.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Rule")]
pub struct RuleDto {
    table: u8,
    priority: u16,
    cookie: Cookie,
    r#match: Pattern,
    instructions: Vec<Instruction>,
    idle_timeout: u16,
    hard_timeout: u16,
}

impl From<FlowRule> for RuleDto {
    fn from(rule: FlowRule) -> Self {
        Self {
            table: rule.table.0,
            priority: rule.priority,
            cookie: rule.cookie,
            r#match: rule.pattern,
            instructions: rule.instructions,
            idle_timeout: rule.idle_timeout,
            hard_timeout: rule.hard_timeout,
        }
    }
}
