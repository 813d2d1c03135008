//! Routes that are spread over several paths of equal cost (ECMP): what their switches hold. Pure.
//!
//! Where a path parts, a select group chooses the next hop of each packet by its headers, so that the packets of one
//! conversation stay on one path; elsewhere there is the rule that any route has. A route's groups have its number.

use std::collections::BTreeMap;

use godwit_controller::rules::shared::group_of;
use godwit_openflow::model::{
    Action, Bucket, FlowRule, GroupCommand, GroupDescription, GroupFeatures, GroupMod, GroupType,
};
use godwit_openflow::types::{DatapathId, PortNo};
use godwit_topology::{Path, Spread};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::{FlowId, Template};

/// OF 1.3.5 §7.3.5.11, `OFPGFC_SELECT_LIVENESS`.
const SELECT_LIVENESS: u32 = 1 << 1;
/// The bit of select groups among a switch's group types (OF 1.3.5 §7.3.4.2, `OFPGT_SELECT`).
const SELECT: u32 = 1 << 1;

/// What a switch makes of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// It has select groups. With `watches` it leaves out the buckets whose ports are down, at once and by itself.
    Select {
        /// See above.
        watches: bool,
    },
    /// It speaks OpenFlow 1.0, which has no groups.
    OldVersion,
    /// It says that it has no select groups, or doesn't say what it has.
    NoSelect,
}

impl Ability {
    /// What an OpenFlow 1.3 switch says that it can.
    #[must_use]
    pub const fn of(features: &GroupFeatures) -> Self {
        if features.types & SELECT == 0 {
            return Self::NoSelect;
        }
        Self::Select {
            watches: features.capabilities & SELECT_LIVENESS != 0,
        }
    }

    /// Whether it can choose.
    #[must_use]
    pub const fn is_select(self) -> bool {
        matches!(self, Self::Select { .. })
    }

    const fn why(self) -> &'static str {
        match self {
            Self::Select { .. } => "it can choose",
            Self::OldVersion => "it speaks OpenFlow 1.0, which has no groups",
            Self::NoSelect => "it has no select groups",
        }
    }
}

/// What the switches that have a choice make of it.
pub type Abilities = BTreeMap<DatapathId, Ability>;

/// The part of a route that is spread.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spreading {
    /// How many paths were asked for at the most.
    pub most: usize,
    /// The paths that were found when it was made, or when its ends moved. It comes back to them as they come back.
    pub made: Spread,
    /// The paths that it has.
    pub now: Spread,
    abilities: Abilities,
}

/// A switch that has a choice and can't make it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "SwitchWithoutChoice")]
pub struct Alone {
    dpid: DatapathId,
    why: &'static str,
}

/// What a route has on one switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The switch.
    pub dpid: DatapathId,
    /// Its rule.
    pub rule: FlowRule,
    /// What the rule uses.
    pub group: Option<GroupDescription>,
}

impl Spreading {
    /// A route that begins to be spread.
    #[must_use]
    pub fn new(most: usize, spread: Spread, abilities: Abilities) -> Self {
        Self {
            most,
            made: spread.clone(),
            now: spread,
            abilities,
        }
    }

    /// The switches from which all goes one way since they can't choose.
    #[must_use]
    pub fn alone(&self) -> Vec<Alone> {
        let switches = self.now.switches().into_iter();
        let unable = switches.filter_map(|dpid| {
            let ability = *self.abilities.get(&dpid)?;
            let why = ability.why();
            (!ability.is_select()).then_some(Alone { dpid, why })
        });
        unable.collect()
    }

    /// The same with other paths.
    #[must_use]
    pub fn with(&self, now: Spread, abilities: Abilities) -> Self {
        let mut with = self.clone();
        with.now = now;
        with.abilities.extend(abilities);
        with
    }

    /// The same on paths that were found when none of its own were left.
    #[must_use]
    pub fn to(&self, found: Self) -> Self {
        self.with(found.now, found.abilities)
    }

    /// The message that deletes a route's group, whether there is one or not.
    #[must_use]
    pub fn no_group(id: FlowId) -> GroupMod {
        let group = GroupDescription {
            group_type: GroupType::Select,
            group: group_of(id),
            buckets: Vec::new(),
        };
        group.message(GroupCommand::Delete)
    }

    /// What the switches hold, level by level: the last hop first, and each switch behind all that it sends packets to.
    #[must_use]
    pub fn places(&self, template: &Template) -> Vec<Vec<Place>> {
        let place = |dpid| self.place_on(template, dpid);
        let levels = self.now.levels().into_iter();
        levels
            .map(|level| level.into_iter().filter_map(place).collect())
            .collect()
    }

    /// What one switch holds; `None` where no path leads.
    #[must_use]
    pub fn place_on(&self, template: &Template, dpid: DatapathId) -> Option<Place> {
        let first = self.now.first().source().dpid == dpid;
        let outputs = self.now.outputs(dpid);
        let [only] = outputs[..] else {
            let group = self.group(template.id, dpid, &outputs)?;
            let rule = template.rule_to(Action::Group(group.group), first);
            let group = Some(group);
            return Some(Place { dpid, rule, group });
        };
        let rule = template.rule_to(Action::output(only), first);
        let group = None;
        Some(Place { dpid, rule, group })
    }

    fn group(&self, id: FlowId, dpid: DatapathId, outputs: &[PortNo]) -> Option<GroupDescription> {
        if outputs.is_empty() {
            return None;
        }
        let watches = self.abilities.get(&dpid) == Some(&Ability::Select { watches: true });
        let bucket = |port: &PortNo| Bucket {
            weight: 1,
            watch_port: watches.then_some(*port),
            watch_group: None,
            actions: vec![Action::output(*port)],
        };
        Some(GroupDescription {
            group_type: GroupType::Select,
            group: group_of(id),
            buckets: outputs.iter().map(bucket).collect(),
        })
    }

    /// What becomes of it where only these paths are there, if it can be told without looking for others: the paths
    /// that it was made with, as far as they are there; else those that it has.
    #[must_use]
    pub fn left(&self, is_there: impl Fn(&Path) -> bool) -> Option<Spread> {
        self.made
            .retain(&is_there)
            .or_else(|| self.now.retain(&is_there))
    }
}

#[cfg(test)]
mod tests;
