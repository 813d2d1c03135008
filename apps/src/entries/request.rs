//! What is asked for, checked as far as that can be done without the switch.

use godwit_controller::rest::ApiError;
use godwit_openflow::model::{Action, FlowFlags, FlowRule, Instruction, Pattern};
use godwit_openflow::types::{Cookie, TableId};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The priority of an entry that was asked for without one: OpenFlow's customary middle.
const PRIORITY: u16 = 0x8000;

/// The flags that an entry may have (OF 1.3.5 §7.3.4.1, `ofp_flow_mod_flags`).
const FLAGS: FlowFlags = FlowFlags::SEND_FLOW_REMOVED
    .with(FlowFlags::CHECK_OVERLAP)
    .with(FlowFlags::RESET_COUNTS)
    .with(FlowFlags::NO_PACKET_COUNTS)
    .with(FlowFlags::NO_BYTE_COUNTS);

/// An entry as it is asked for: the shape in which rules are reported, without what only a switch can say. What it
/// matches and what it does have to be said, so that nothing drops everything by mistake.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleRequest {
    /// Where it shall stand: at `/v1/rules` alone.
    pub(super) switch: Option<String>,
    #[serde(default)]
    table: u8,
    priority: Option<u16>,
    #[schemars(skip)]
    cookie: Option<IgnoredAny>,
    r#match: Pattern,
    instructions: Option<Vec<Instruction>>,
    actions: Option<Vec<Action>>,
    #[serde(default)]
    idle_timeout: u16,
    #[serde(default)]
    hard_timeout: u16,
    #[serde(default)]
    flags: FlowFlags,
}

impl RuleRequest {
    /// The rule of a request whose path says the switch.
    pub(super) fn rule_here(self) -> Result<FlowRule, ApiError> {
        if self.switch.is_some() {
            let why = "the path says the switch; `POST /v1/rules` takes entries for several";
            return Err(ApiError::impossible(why).at("switch"));
        }
        self.rule()
    }

    /// The rule, under no cookie yet.
    pub(super) fn rule(self) -> Result<FlowRule, ApiError> {
        if self.cookie.is_some() {
            let why =
                "the cookie is the mark by which godwit knows its own entries, and can't be chosen";
            return Err(ApiError::impossible(why).at("cookie"));
        }
        self.r#match.check_prerequisites().map_err(|error| {
            let field = format!("match.{}", error.field.name());
            ApiError::impossible(error.to_string()).at(field)
        })?;
        let priority = self.priority.unwrap_or(PRIORITY);
        if self.table == 0 && priority == u16::MAX {
            let why =
                "in table 0 discovery alone has the highest priority; an entry may have 65534";
            return Err(ApiError::impossible(why).at("priority"));
        }
        if !FLAGS.contains(self.flags) {
            let why = format!("flags are bits of {:#x}", FLAGS.0);
            return Err(ApiError::impossible(why).at("flags"));
        }
        let instructions = match (self.instructions, self.actions) {
            (Some(instructions), None) => instructions,
            (None, Some(actions)) => vec![Instruction::ApplyActions(actions)],
            (Some(_), Some(_)) => {
                let why = "`actions` are short for one `apply_actions` among the `instructions`; give either";
                return Err(ApiError::impossible(why).at("actions"));
            }
            (None, None) => {
                let why = "what the entry does is missing: give `instructions` or `actions`, empty to drop";
                return Err(ApiError::impossible(why).at("instructions"));
            }
        };
        let mut flags = self.flags;
        if self.idle_timeout > 0 || self.hard_timeout > 0 {
            // So that its end is heard of.
            flags = flags.with(FlowFlags::SEND_FLOW_REMOVED);
        }
        Ok(FlowRule {
            table: TableId(self.table),
            priority,
            pattern: self.r#match,
            cookie: Cookie(0),
            instructions: in_order(instructions)?,
            idle_timeout: self.idle_timeout,
            hard_timeout: self.hard_timeout,
            flags,
        })
    }
}

/// The instructions in the order in which a switch performs them and reports them (OF 1.3.5 §5.9); those that do nothing
/// are left out.
fn in_order(mut instructions: Vec<Instruction>) -> Result<Vec<Instruction>, ApiError> {
    let place = |instruction: &Instruction| match instruction {
        Instruction::Meter(_) => 0,
        Instruction::ApplyActions(_) => 1,
        Instruction::ClearActions => 2,
        Instruction::WriteActions(_) => 3,
        Instruction::WriteMetadata { .. } => 4,
        Instruction::GotoTable(_) => 5,
        Instruction::Experimenter { .. } | Instruction::Unknown { .. } => 6,
    };
    instructions.sort_by_key(place);
    let twice = |pair: &[Instruction]| match pair {
        [one, next] => place(one) == place(next) && place(one) < 6,
        _ => false,
    };
    if instructions.windows(2).any(twice) {
        let why = "an entry may have each instruction once";
        return Err(ApiError::impossible(why).at("instructions"));
    }
    instructions.retain(|instruction| {
        !matches!(instruction, Instruction::ApplyActions(actions) if actions.is_empty())
    });
    Ok(instructions)
}
