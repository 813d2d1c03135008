//! Comparing what a switch reports with what it should hold.

use std::collections::{HashMap, HashSet};

use godwit_openflow::model::{FlowMod, FlowRule, FlowStats, Identity};

use super::is_ours;
use crate::app::Desired;

/// The least changes that make a switch hold what is desired: missing entries are added, those that
/// differ are changed, godwit's own that nobody wants any more are deleted. Entries of others, and those
/// that are being changed right now, are left alone.
#[must_use]
pub fn difference(desired: &Desired, reported: &[FlowStats]) -> Vec<FlowMod> {
    let wanted: HashMap<Identity<'_>, &FlowRule> = desired
        .rules
        .iter()
        .map(|rule| (rule.identity(), rule))
        .collect();
    let busy: HashSet<_> = desired.busy.iter().copied().collect();
    let mut present = HashSet::new();
    let mut changes = Vec::new();
    for FlowStats { rule, .. } in reported
        .iter()
        .filter(|stats| !busy.contains(&stats.rule.cookie))
    {
        match wanted.get(&rule.identity()) {
            // The same entry by another's hand or of an earlier run: its cookie can only be changed by adding anew.
            Some(want) if rule.cookie != want.cookie => {}
            Some(want) => {
                present.insert(rule.identity());
                if rule.instructions != want.instructions {
                    changes.push(FlowMod::modify_strict((*want).clone()));
                }
            }
            None if is_ours(rule.cookie) => changes.push(FlowMod::delete_strict(rule.clone())),
            None => {}
        }
    }
    // In the order in which they were desired, so that the same difference is sent the same way.
    let missing = desired
        .rules
        .iter()
        .filter(|rule| !present.contains(&rule.identity()));
    changes.extend(missing.cloned().map(FlowMod::add));
    changes
}
