//! Transplanting: the target takes the source's role for everything that belongs to no route.
//!
//! What stands on the source (flow entries of anybody in all tables, groups, meters) is put on the target with its
//! ports translated: the source's port to a neighbour becomes the target's port to that neighbour, or the first hop of
//! a labelled detour to it. Then the neighbours are turned over to the target. Everything here is pure but [`read`].
//!
//! | file | what it does |
//! |---|---|
//! | [`read`] | what switches hold |
//! | [`ports`] | which port of the target stands for which of the source |
//! | [`translate`] | an entry for the source as one for the target |
//! | [`conflict`] | what others have on the target that would be in the way |
//! | [`detours`] | ways to neighbours that the target has no link to |
//! | [`neighbours`] | what has to change on the neighbours, and what can't |
//! | [`graft`] | the whole: entries, rounds, and everything that speaks against it |

pub mod conflict;
pub mod detours;
pub mod graft;
pub mod neighbours;
pub(crate) mod pipeline;
pub mod ports;
pub mod read;
pub mod translate;

use std::collections::{BTreeMap, BTreeSet};

use godwit_controller::Owner;
use godwit_controller::rules::stands_everywhere;
use godwit_openflow::model::group::{GroupDescription, GroupStats};
use godwit_openflow::model::meter::{MeterConfig, MeterStats};
use godwit_openflow::model::{FlowCommand, FlowMod, FlowRule, FlowStats, Port};
use godwit_openflow::types::{Cookie, DatapathId, GroupId, MeterId, PortNo, TableId, Version};
use godwit_topology::Link;
use serde::{Deserialize, Serialize};

use crate::others::described;
use crate::plan::FlowId;
use crate::plan::entry::Entry;
use conflict::Groups;
use translate::Translator;

pub use ports::{PortMap, Stand};

/// Everything that a switch holds, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    /// Its flow entries, in the order in which it reported them.
    pub rules: Vec<FlowStats>,
    /// Its groups.
    pub groups: Vec<(GroupDescription, GroupStats)>,
    /// Its meters.
    pub meters: Vec<(MeterConfig, MeterStats)>,
}

/// A switch and what it holds.
#[derive(Debug, Clone)]
pub struct Site {
    /// The switch.
    pub dpid: DatapathId,
    /// The version that it speaks.
    pub version: Version,
    /// How many flow tables it has.
    pub tables: u8,
    /// Its ports.
    pub ports: Vec<Port>,
    /// What it holds.
    pub holdings: Holdings,
}

impl Site {
    /// Its groups by their numbers.
    #[must_use]
    pub fn groups(&self) -> Groups<'_> {
        let groups = self.holdings.groups.iter();
        groups.map(|(group, _)| (group.group, group)).collect()
    }

    /// The flow entries that neither the controller itself nor one of these routes put there.
    pub fn others<'a>(
        &'a self,
        routes: &'a BTreeSet<FlowId>,
    ) -> impl Iterator<Item = &'a FlowStats> {
        let rules = self.holdings.rules.iter();
        rules.filter(|stats| is_others(stats.rule.cookie, routes))
    }

    /// Whether it holds anything that neither the controller itself nor one of these routes put there.
    #[must_use]
    pub fn holds_others(&self, routes: &BTreeSet<FlowId>) -> bool {
        let Holdings { groups, meters, .. } = &self.holdings;
        !groups.is_empty() || !meters.is_empty() || self.others(routes).next().is_some()
    }
}

/// Whether a rule with this cookie is neither one that every switch has nor one of these routes'.
#[must_use]
pub fn is_others(cookie: Cookie, routes: &BTreeSet<FlowId>) -> bool {
    let route = Owner::Routing.own_part(cookie);
    !stands_everywhere(cookie) && route.is_none_or(|id| !routes.contains(&id))
}

/// An entry of the source and the one that stands for it on the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// As it stood on the source.
    pub source: FlowRule,
    /// As it stands on the target. Several entries of the source may have one on the target: those that differ only in
    /// the port, where the target has fewer links to a neighbour.
    pub target: FlowRule,
    /// How long it had been on the source when that was read, in nanoseconds.
    pub age_ns: u64,
}

/// A neighbour's entry for what comes from the source, and the one for what comes from the target, which takes its
/// place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Twin {
    /// The neighbour.
    pub dpid: DatapathId,
    /// As it stood.
    pub before: FlowRule,
    /// As it stands.
    pub after: FlowRule,
    /// How long the first had been there when it was read, in nanoseconds.
    pub age_ns: u64,
}

/// Numbers that changed because the target had them already. Those that are not listed are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// Groups.
    pub groups: BTreeMap<GroupId, GroupId>,
    /// Meters.
    pub meters: BTreeMap<MeterId, MeterId>,
}

/// Where everything goes that belongs to no route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transplant {
    /// Where the source's ports are on the target.
    pub ports: PortMap,
    /// The numbers that groups and meters have there.
    pub numbers: Numbers,
    /// The links by which the target takes the source's place, both ways: to neighbours, and those of detours.
    #[serde(default)]
    pub links: Vec<Link>,
    /// The flow entries.
    pub rules: Vec<Carried>,
    /// Entries of neighbours that tell by the port what comes from the source.
    pub twins: Vec<Twin>,
    /// The target's own flow entries, which nobody means who writes to the source.
    pub own: Vec<FlowRule>,
    /// Groups and meters moved, for the report.
    pub groups: usize,
    /// See [`Self::groups`].
    pub meters: usize,
}

impl Transplant {
    /// Whether nothing is moved.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.groups == 0 && self.meters == 0
    }

    /// What a write to the source has to be on the target.
    ///
    /// # Errors
    /// Says why it can't be there.
    pub fn translated(&self, write: FlowMod) -> Result<FlowMod, String> {
        let mut why = Vec::new();
        let translator = Translator::to_target(&self.ports, &self.numbers);
        let deletes = matches!(
            write.command,
            FlowCommand::Delete | FlowCommand::DeleteStrict
        );
        let mut rule = write.rule.clone();
        rule.pattern = translator.pattern(&rule.pattern, &mut why);
        if !deletes {
            rule.instructions = translator.instructions(&rule.instructions, &mut why);
        }
        let out_port = write.out_port.map(|port| self.filtered(port, &mut why));
        let out_group = write.out_group.map(|group| translator.number(group));
        if let Some(reason) = why.into_iter().next() {
            return Err(reason);
        }
        let translated = FlowMod {
            rule,
            out_port,
            out_group,
            // What the source keeps of a packet the target does not have.
            buffer_id: None,
            ..write
        };
        match self.own.iter().find(|own| reaches(&translated, own)) {
            Some(own) => Err(format!(
                "it would reach {} as well, which is the target's own",
                described(own)
            )),
            None => Ok(translated),
        }
    }

    /// What a group or meter of the source has to be on the target.
    ///
    /// # Errors
    /// Says why it can't be there.
    pub fn translated_shared(&self, entry: &Entry) -> Result<Entry, String> {
        let mut why = Vec::new();
        let translated = match entry {
            Entry::Group(group) => {
                let translator = Translator::to_target(&self.ports, &self.numbers);
                Entry::Group(translator.group(group, &mut why))
            }
            Entry::Meter(meter) => {
                let number = self.numbers.meters.get(&meter.meter);
                Entry::Meter(MeterConfig {
                    meter: *number.unwrap_or(&meter.meter),
                    ..meter.clone()
                })
            }
            Entry::Rule(_) => return Err("it is no group and no meter".to_owned()),
        };
        match why.into_iter().next() {
            Some(reason) => Err(reason),
            None => Ok(translated),
        }
    }

    /// The port that a condition on outputs names.
    fn filtered(&self, port: PortNo, why: &mut Vec<String>) -> PortNo {
        match self.ports.stand(port) {
            Ok(Stand::Port(stand) | Stand::Detour { port: stand, .. }) => stand,
            Err(_) if !port.is_physical() => port,
            Err(reason) => {
                why.push(reason);
                port
            }
        }
    }
}

/// Whether a write adds, changes or deletes this entry.
fn reaches(write: &FlowMod, rule: &FlowRule) -> bool {
    let table = write.rule.table;
    let in_table =
        table == rule.table || (table == TableId::ALL && write.command == FlowCommand::Delete);
    let by_cookie = (write.rule.cookie.0 ^ rule.cookie.0) & write.cookie_mask == 0;
    let by_port = |port| rule.output_ports().any(|out| out == port);
    match write.command {
        FlowCommand::Add => write.rule.same_identity(rule),
        FlowCommand::ModifyStrict => write.rule.same_identity(rule) && by_cookie,
        FlowCommand::DeleteStrict => {
            write.rule.same_identity(rule) && by_cookie && write.out_port.is_none_or(by_port)
        }
        FlowCommand::Modify => in_table && by_cookie && write.rule.pattern.covers(&rule.pattern),
        FlowCommand::Delete => {
            in_table
                && by_cookie
                && write.out_port.is_none_or(by_port)
                && write.rule.pattern.covers(&rule.pattern)
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
