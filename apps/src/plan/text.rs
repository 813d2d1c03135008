//! Plans as JSON: which switch gets which rule, why, and how each is undone.

use std::collections::BTreeMap;

use godwit_controller::rest::RuleDto;
use godwit_openflow::model::{GroupDescription, MeterConfig};
use godwit_openflow::types::DatapathId;
use schemars::JsonSchema;
use serde::Serialize;

use super::entry::{Entry, EntryStep, Part};
use super::{Change, FlowId, Kind, Round, Step};

/// A round as it is served.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Round")]
pub struct RoundDto {
    kind: Kind,
    why: &'static str,
    switches: Vec<SwitchDto>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RoundOnSwitch")]
struct SwitchDto {
    dpid: DatapathId,
    rules: Vec<StepDto>,
    /// What belongs to no route; it comes before the rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entries: Vec<EntryStepDto>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EntryStep")]
struct EntryStepDto {
    change: Change,
    #[serde(flatten)]
    entry: Option<EntryDto>,
    why: &'static str,
    undo: EntryUndoDto,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EntryUndo")]
struct EntryUndoDto {
    change: Change,
    #[serde(flatten)]
    entry: Option<EntryDto>,
}

/// What a switch holds, under its kind.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PlannedEntry")]
enum EntryDto {
    Rule(RuleDto),
    Group(GroupDescription),
    Meter(MeterConfig),
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RuleStep")]
struct StepDto {
    change: Change,
    flow: FlowId,
    rule: Option<RuleDto>,
    why: &'static str,
    undo: UndoDto,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RuleUndo")]
struct UndoDto {
    change: Change,
    rule: Option<RuleDto>,
}

impl From<&Entry> for EntryDto {
    fn from(entry: &Entry) -> Self {
        match entry {
            Entry::Rule(rule) => Self::Rule(RuleDto::from(rule.clone())),
            Entry::Group(group) => Self::Group(group.clone()),
            Entry::Meter(meter) => Self::Meter(meter.clone()),
        }
    }
}

impl From<&EntryStep> for EntryStepDto {
    fn from(step: &EntryStep) -> Self {
        let (before, after) = (step.before.as_ref(), step.after.as_ref());
        let (shown, undone_by, undone) = match step.change {
            Change::Install => (after, Change::Remove, after),
            Change::Modify => (after, Change::Modify, before),
            Change::Replace => (after, Change::Replace, before),
            Change::Remove => (before, Change::Install, before),
        };
        Self {
            change: step.change,
            entry: shown.map(EntryDto::from),
            why: step.part.why(step.change),
            undo: EntryUndoDto {
                change: undone_by,
                entry: undone.map(EntryDto::from),
            },
        }
    }
}

impl Part {
    const fn why(self, change: Change) -> &'static str {
        match (self, change) {
            (Self::Carried(_), Change::Remove) => {
                "the target has it now, and nothing comes here any more"
            }
            (Self::Carried(_), _) => {
                "the source's, with ports that lead to the same neighbours from here"
            }
            (Self::Neighbour, Change::Install) => {
                "what comes from the target is treated as what comes from the source"
            }
            (Self::Neighbour, Change::Remove) => "nothing comes from the source any more",
            (Self::Neighbour, _) => "it leads to the target instead of the source from here on",
            (Self::Detour, _) => "a hop of a labelled detour to a neighbour without a link",
        }
    }
}

impl From<&Round> for RoundDto {
    fn from(round: &Round) -> Self {
        type Both = (Vec<StepDto>, Vec<EntryStepDto>);
        let mut switches: BTreeMap<DatapathId, Both> = BTreeMap::new();
        for step in &round.steps {
            let (rules, _) = switches.entry(step.dpid).or_default();
            rules.push(StepDto::from(step));
        }
        for step in &round.entries {
            let (_, entries) = switches.entry(step.dpid).or_default();
            entries.push(EntryStepDto::from(step));
        }
        let switches = switches
            .into_iter()
            .map(|(dpid, (rules, entries))| SwitchDto {
                dpid,
                rules,
                entries,
            })
            .collect();
        Self {
            kind: round.kind,
            why: round.kind.why(),
            switches,
        }
    }
}

impl Kind {
    const fn why(self) -> &'static str {
        match self {
            Self::Install => {
                "new rules that carry no traffic yet; in place before anything is sent their way"
            }
            Self::Flip => "live rules get their new next hop; everything beyond it is in place",
            Self::Cut => {
                "the source's rule goes first, and with it the traffic of this flow until it is installed again"
            }
            Self::Remove => "rules that carry nothing any more, once they are at rest",
        }
    }
}

impl From<&Step> for StepDto {
    fn from(step: &Step) -> Self {
        let (why, undone_by) = match step.change {
            Change::Install => (
                "the new path crosses this switch, the old one does not",
                Change::Remove,
            ),
            Change::Modify => (
                "both paths cross this switch; from here on they part",
                Change::Modify,
            ),
            Change::Replace => (
                "the algorithm installs the whole path anew",
                Change::Replace,
            ),
            Change::Remove => ("the new path does not cross this switch", Change::Install),
        };
        let (shown, undone) = match step.change {
            Change::Remove => (step.before.as_ref(), step.before.as_ref()),
            Change::Install => (step.after.as_ref(), step.after.as_ref()),
            Change::Modify | Change::Replace => (step.after.as_ref(), step.before.as_ref()),
        };
        Self {
            change: step.change,
            flow: step.flow,
            rule: shown.cloned().map(RuleDto::from),
            why,
            undo: UndoDto {
                change: undone_by,
                rule: undone.cloned().map(RuleDto::from),
            },
        }
    }
}

#[cfg(test)]
mod tests;
