//! Changes of what belongs to no route: flow entries of anybody, groups and meters, as whole switches move.

use godwit_controller::carried::Shared;
use godwit_openflow::model::group::{GroupCommand, GroupDescription};
use godwit_openflow::model::meter::{MeterCommand, MeterConfig};
use godwit_openflow::model::{FlowMod, FlowRule, ToSwitch};
use godwit_openflow::types::DatapathId;
use serde::{Deserialize, Serialize};

use super::Change;

/// Something that a switch holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A flow entry.
    Rule(FlowRule),
    /// A group.
    Group(GroupDescription),
    /// A meter.
    Meter(MeterConfig),
}

/// Why an entry changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// It stands in for the source's entry with this index among [`Holdings`](crate::migration::transplant::Holdings),
    /// or is that entry.
    Carried(usize),
    /// It is a neighbour's, and leads to the target instead of the source, or takes what comes from there.
    Neighbour,
    /// It is a hop of a labelled detour.
    Detour,
}

/// One change of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryStep {
    /// Why.
    pub part: Part,
    /// The switch.
    pub dpid: DatapathId,
    /// What is done.
    pub change: Change,
    /// What is there now; `None` before an install.
    pub before: Option<Entry>,
    /// What will be there; `None` after a removal.
    pub after: Option<Entry>,
}

impl Entry {
    /// The flow entry, if it is one.
    #[must_use]
    pub const fn rule(&self) -> Option<&FlowRule> {
        match self {
            Self::Rule(rule) => Some(rule),
            Self::Group(_) | Self::Meter(_) => None,
        }
    }

    /// What names it on its switch when it is a group or a meter.
    #[must_use]
    pub const fn shared(&self) -> Option<Shared> {
        match self {
            Self::Rule(_) => None,
            Self::Group(group) => Some(Shared::Group(group.group)),
            Self::Meter(meter) => Some(Shared::Meter(meter.meter)),
        }
    }

    /// The message that makes it.
    #[must_use]
    pub fn added(self) -> ToSwitch {
        match self {
            Self::Rule(rule) => FlowMod::add(rule).into(),
            Self::Group(group) => group.message(GroupCommand::Add).into(),
            Self::Meter(meter) => meter.message(MeterCommand::Add).into(),
        }
    }

    /// The message that changes it where it is.
    #[must_use]
    pub fn modified(self) -> ToSwitch {
        match self {
            Self::Rule(rule) => FlowMod::modify_strict(rule).into(),
            Self::Group(group) => group.message(GroupCommand::Modify).into(),
            Self::Meter(meter) => meter.message(MeterCommand::Modify).into(),
        }
    }

    /// The message that deletes it.
    #[must_use]
    pub fn deleted(self) -> ToSwitch {
        match self {
            Self::Rule(rule) => FlowMod::delete_strict(rule).into(),
            Self::Group(group) => group.message(GroupCommand::Delete).into(),
            Self::Meter(meter) => meter.message(MeterCommand::Delete).into(),
        }
    }
}

impl EntryStep {
    /// The message that does it.
    #[must_use]
    pub fn message(&self) -> Option<ToSwitch> {
        let after = self.after.clone();
        match self.change {
            Change::Install | Change::Replace => after.map(Entry::added),
            Change::Modify => after.map(Entry::modified),
            Change::Remove => self.before.clone().map(Entry::deleted),
        }
    }

    /// The message that undoes it. It may be sent whether or not the change took effect.
    #[must_use]
    pub fn undo(&self) -> Option<ToSwitch> {
        let before = self.before.clone();
        match self.change {
            Change::Install => self.after.clone().map(Entry::deleted),
            Change::Modify => before.map(Entry::modified),
            Change::Replace | Change::Remove => before.map(Entry::added),
        }
    }

    /// The change that leads back.
    #[must_use]
    pub fn inverse(self) -> Self {
        let change = match self.change {
            Change::Install => Change::Remove,
            Change::Remove => Change::Install,
            Change::Modify | Change::Replace => self.change,
        };
        Self {
            change,
            before: self.after,
            after: self.before,
            ..self
        }
    }
}
