//! Comparing what a switch reports with what it should hold.

use std::collections::{HashMap, HashSet};

use godwit_openflow::model::{FlowFlags, FlowMod, FlowRule, FlowStats, Identity};
use godwit_openflow::types::Version;
use schemars::JsonSchema;
use serde::Serialize;

use super::is_ours;
use crate::app::Desired;

/// By how many seconds the end of an entry may be off: a switch may count in whole seconds, and an answer takes its time.
const END_TOLERANCE_S: u64 = 5;

const NS_PER_S: u64 = 1_000_000_000;

/// The flags that a switch keeps of an entry (OF 1.3.5 §7.3.4.1); the others are about the moment when it was added.
const KEPT_FLAGS: FlowFlags = FlowFlags::SEND_FLOW_REMOVED
    .with(FlowFlags::NO_PACKET_COUNTS)
    .with(FlowFlags::NO_BYTE_COUNTS);

/// What of an entry is not as desired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// What it does.
    Instructions,
    /// Whose it is.
    Cookie,
    /// When it expires.
    Timeouts,
    /// Whether its end is told, and what it counts.
    Flags,
    /// What the group or the meter does that it uses.
    Shared,
}

impl Aspect {
    /// As REST and log lines have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Cookie => "cookie",
            Self::Timeouts => "timeouts",
            Self::Flags => "flags",
            Self::Shared => "shared",
        }
    }
}

/// Something that a switch holds, or does not, other than desired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding<'a> {
    /// A desired entry is not there.
    Missing(&'a FlowRule),
    /// A desired entry is there in another form.
    Changed {
        /// As it should be.
        wanted: &'a FlowRule,
        /// As it is.
        held: &'a FlowStats,
        /// In what they differ.
        aspects: Vec<Aspect>,
    },
    /// An entry has godwit's mark, and nobody wants it.
    Leftover(&'a FlowStats),
    /// An entry is somebody else's.
    Alien(&'a FlowStats),
}

impl Finding<'_> {
    /// The least changes of entries that make it as desired; none of what others own, nor of groups.
    #[must_use]
    pub fn mend(&self) -> Vec<FlowMod> {
        match self {
            Self::Missing(wanted) => vec![FlowMod::add((*wanted).clone())],
            Self::Changed {
                wanted, aspects, ..
            } if aspects[..] == [Aspect::Instructions] => {
                vec![FlowMod::modify_strict((*wanted).clone())]
            }
            Self::Changed { aspects, .. } if aspects[..] == [Aspect::Shared] => Vec::new(),
            // The rest can only be changed by adding anew (OF 1.3.5 §6.4).
            Self::Changed { wanted, .. } => put_anew(wanted).into(),
            Self::Leftover(held) => vec![FlowMod::delete_strict(held.rule.clone())],
            Self::Alien(_) => Vec::new(),
        }
    }
}

/// Puts an entry there that counts from zero, whatever stands in its place.
///
/// A switch keeps the flag that resets the counters with the entry. So it is added once more without it, which leaves the
/// counters alone.
#[must_use]
pub fn put_anew(rule: &FlowRule) -> [FlowMod; 2] {
    let flags = rule.flags.with(FlowFlags::RESET_COUNTS);
    [rule.clone().with_flags(flags), rule.clone()].map(FlowMod::add)
}

/// What a switch of this version that reports these entries holds other than desired: first what it does hold, in its
/// order, then what is missing, in the order in which it was desired. Entries that are being changed right now are left
/// out.
#[must_use]
pub fn compare<'a>(
    desired: &'a Desired,
    reported: &'a [FlowStats],
    version: Version,
) -> Vec<Finding<'a>> {
    let wanted: HashMap<Identity<'_>, &FlowRule> = desired
        .rules
        .iter()
        .map(|rule| (rule.identity(), rule))
        .collect();
    let busy: HashSet<_> = desired.busy.iter().copied().collect();
    let mut present = HashSet::new();
    let mut findings = Vec::new();
    for held in reported
        .iter()
        .filter(|stats| !busy.contains(&stats.rule.cookie))
    {
        match wanted.get(&held.rule.identity()) {
            Some(wanted) => {
                present.insert(held.rule.identity());
                let aspects = differing(wanted, held, version);
                if !aspects.is_empty() {
                    findings.push(Finding::Changed {
                        wanted,
                        held,
                        aspects,
                    });
                }
            }
            None if is_ours(held.rule.cookie) => findings.push(Finding::Leftover(held)),
            None => findings.push(Finding::Alien(held)),
        }
    }
    let missing = desired
        .rules
        .iter()
        .filter(|rule| !present.contains(&rule.identity()));
    findings.extend(missing.map(Finding::Missing));
    findings
}

/// The least changes that make a switch of this version hold what is desired: missing entries are added, those that
/// differ are changed, godwit's own that nobody wants any more are deleted. Entries of others, and those that are being
/// changed right now, are left alone.
#[must_use]
pub fn difference(desired: &Desired, reported: &[FlowStats], version: Version) -> Vec<FlowMod> {
    let findings = compare(desired, reported, version);
    findings.iter().flat_map(Finding::mend).collect()
}

/// In what an entry differs from the desired one that is the same to the switch.
fn differing(wanted: &FlowRule, held: &FlowStats, version: Version) -> Vec<Aspect> {
    let rule = &held.rule;
    let differs = [
        (
            Aspect::Instructions,
            rule.instructions != wanted.instructions,
        ),
        (Aspect::Cookie, rule.cookie != wanted.cookie),
        (
            Aspect::Timeouts,
            rule.idle_timeout != wanted.idle_timeout || !ends_alike(wanted, held),
        ),
        (
            Aspect::Flags,
            // OpenFlow 1.0 does not report them (OF 1.0.2 §5.3.5, `ofp_flow_stats`).
            version != Version::V10 && (rule.flags.0 ^ wanted.flags.0) & KEPT_FLAGS.0 != 0,
        ),
    ];
    let differing = differs.into_iter().filter(|(_, differs)| *differs);
    differing.map(|(aspect, _)| aspect).collect()
}

/// Whether what is left of an entry's hard timeout is what is desired from now on.
fn ends_alike(wanted: &FlowRule, held: &FlowStats) -> bool {
    if wanted.hard_timeout == 0 || held.rule.hard_timeout == 0 {
        return wanted.hard_timeout == held.rule.hard_timeout;
    }
    let left = u64::from(held.rule.hard_timeout).saturating_sub(held.duration_ns / NS_PER_S);
    left.abs_diff(wanted.hard_timeout.into()) <= END_TOLERANCE_S
}
