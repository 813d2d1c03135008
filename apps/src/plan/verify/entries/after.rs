//! What a switch holds once the steps of a plan have been done.

use std::collections::BTreeMap;

use godwit_openflow::model::{FlowRule, GroupDescription, MeterConfig, Pattern};
use godwit_openflow::types::{GroupId, MeterId, TableId};

use crate::migration::transplant::Site;
use crate::others::described;
use crate::plan::entry::Entry;
use crate::plan::overlap::Map;

/// How exactly steps have to name what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Named {
    /// As the switch has reported it.
    #[default]
    Exactly,
    /// As it was put there: what switches make of timeouts and flags, or don't report, is left aside.
    AsItWasPut,
}

/// What a switch holds once all steps have been done, and which steps those were.
#[derive(Default)]
pub(super) struct After<'a> {
    named: Named,
    pub(super) rules: Map<(TableId, u16, &'a Pattern), &'a FlowRule>,
    pub(super) groups: BTreeMap<GroupId, &'a GroupDescription>,
    pub(super) meters: BTreeMap<MeterId, &'a MeterConfig>,
    /// Rules that were not there before.
    pub(super) added: Vec<&'a FlowRule>,
    /// Groups that were not there before.
    pub(super) added_groups: Vec<GroupId>,
    /// Meters that were not there before.
    pub(super) added_meters: Vec<MeterId>,
    /// Rules that are there no more.
    pub(super) removed: Vec<&'a FlowRule>,
    pub(super) modified: usize,
}

pub(super) const fn key(rule: &FlowRule) -> (TableId, u16, &Pattern) {
    (rule.table, rule.priority, &rule.pattern)
}

impl<'a> After<'a> {
    /// As the switch is before the plan.
    pub(super) fn of(site: &'a Site, named: Named) -> Self {
        let holdings = &site.holdings;
        let rules = holdings.rules.iter().map(|stats| &stats.rule);
        Self {
            rules: rules.map(|rule| (key(rule), rule)).collect(),
            groups: holdings
                .groups
                .iter()
                .map(|(group, _)| (group.group, group))
                .collect(),
            meters: holdings
                .meters
                .iter()
                .map(|(meter, _)| (meter.meter, meter))
                .collect(),
            named,
            ..Self::default()
        }
    }

    /// Whether the one rule is there, and the other one was meant.
    fn is_meant(&self, there: Option<&FlowRule>, meant: &FlowRule) -> bool {
        match self.named {
            Named::Exactly => there == Some(meant),
            Named::AsItWasPut => there.is_some_and(|there| is_as_put(there, meant)),
        }
    }

    pub(super) fn install(&mut self, entry: &'a Entry) -> Result<(), String> {
        let taken = match entry {
            Entry::Rule(rule) => {
                self.added.push(rule);
                self.rules.insert(key(rule), rule).is_some()
            }
            Entry::Group(group) => {
                self.added_groups.push(group.group);
                self.groups.insert(group.group, group).is_some()
            }
            Entry::Meter(meter) => {
                self.added_meters.push(meter.meter);
                self.meters.insert(meter.meter, meter).is_some()
            }
        };
        if taken {
            Err(format!("{} would be overwritten", name(entry)))
        } else {
            Ok(())
        }
    }

    pub(super) fn modify(&mut self, before: &Entry, entry: &'a Entry) -> Result<(), String> {
        self.modified += 1;
        let (was, is_named) = match entry {
            Entry::Rule(rule) => {
                let was = self.rules.insert(key(rule), rule);
                (
                    was.is_some(),
                    matches!(before, Entry::Rule(old) if self.is_meant(was, old)),
                )
            }
            Entry::Group(group) => {
                let was = self.groups.insert(group.group, group);
                (
                    was.is_some(),
                    matches!(before, Entry::Group(old) if was == Some(old)),
                )
            }
            Entry::Meter(meter) => {
                let was = self.meters.insert(meter.meter, meter);
                (
                    was.is_some(),
                    matches!(before, Entry::Meter(old) if was == Some(old)),
                )
            }
        };
        if was && is_named {
            Ok(())
        } else {
            Err(format!(
                "{} is not what was there, so that it could not be put back",
                name(entry)
            ))
        }
    }

    pub(super) fn remove(&mut self, entry: &'a Entry) -> Result<(), String> {
        let is_named = match entry {
            Entry::Rule(rule) => {
                self.removed.push(rule);
                let was = self.rules.remove(&key(rule));
                self.is_meant(was, rule)
            }
            Entry::Group(group) => self.groups.remove(&group.group) == Some(group),
            Entry::Meter(meter) => self.meters.remove(&meter.meter) == Some(meter),
        };
        if is_named {
            Ok(())
        } else {
            Err(format!(
                "{} is not what was there, so that it could not be put back",
                name(entry)
            ))
        }
    }
}

/// Whether a rule is that which was put, whatever timeouts and flags the switch reports of it.
pub(super) fn is_as_put(there: &FlowRule, put: &FlowRule) -> bool {
    there.same_identity(put) && there.instructions == put.instructions && there.cookie == put.cookie
}

fn name(entry: &Entry) -> String {
    match entry {
        Entry::Rule(rule) => described(rule),
        Entry::Group(group) => format!("group {}", group.group.0),
        Entry::Meter(meter) => format!("meter {}", meter.meter.0),
    }
}
