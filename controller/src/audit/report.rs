//! What is kept of audits, for whoever asks.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use godwit_openflow::model::FlowRule;
use godwit_openflow::types::DatapathId;
use schemars::JsonSchema;
use serde::Serialize;

use crate::rules::Aspect;
use crate::switch::SwitchHandle;

/// Rules of others, and rules that were not put right, that are listed of each switch at the most.
pub(super) const MOST_LISTED: usize = 100;

/// Repairs that are remembered of each switch.
const MOST_REMEMBERED: usize = 100;

/// What an audit has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RepairKind {
    /// It was missing and is there again.
    Restored,
    /// It was changed and is as it was.
    Mended,
}

/// A rule that was put right.
#[derive(Debug, Clone)]
pub(crate) struct Repair {
    pub(crate) at: SystemTime,
    pub(crate) kind: RepairKind,
    pub(crate) rule: FlowRule,
    pub(crate) owner: String,
    /// What of it was changed.
    pub(crate) aspects: Vec<Aspect>,
    /// How many times it was put right without having stayed so.
    pub(crate) times: u32,
}

/// A group or a meter that was put right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct SharedRepair {
    /// `group 7`, `meter 1`.
    pub(crate) what: String,
    pub(crate) repair: RepairKind,
}

/// A rule that is wrong and was not put right.
#[derive(Debug, Clone)]
pub(crate) struct Unmended {
    pub(crate) rule: FlowRule,
    pub(crate) owner: String,
    /// What of it is changed; nothing when it is missing.
    pub(crate) aspects: Vec<Aspect>,
    pub(crate) times: u32,
    pub(crate) why: String,
}

/// How an audit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The switch's rules were compared.
    Audited,
    /// The switch was left alone.
    Skipped(&'static str),
    /// The switch did not say what it holds.
    Failed(String),
}

/// One audit of one switch.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) at: SystemTime,
    pub(super) took: Duration,
    pub(super) result: Outcome,
    pub(super) found: Found,
    pub(super) repairs: Vec<Repair>,
    pub(super) shared: Vec<SharedRepair>,
    /// How many rules the switch did not take.
    pub(super) refused: usize,
}

/// What an audit has found, beside what it has put right.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What the switch holds.
    pub(super) rules: usize,
    pub(super) unmended: Vec<Unmended>,
    pub(super) alien: Vec<FlowRule>,
    pub(super) alien_rules: usize,
    pub(super) excepted: usize,
}

/// What audits of a switch have found so far.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) dpid: DatapathId,
    pub(crate) name: String,
    /// When the last one began.
    pub(crate) at: SystemTime,
    pub(crate) took: Duration,
    pub(crate) result: Outcome,
    /// When the last one began that compared the switch's rules. What follows is what that one has found.
    pub(crate) audited_at: Option<SystemTime>,
    pub(crate) rules: usize,
    pub(crate) restored: usize,
    pub(crate) mended: usize,
    /// Groups and meters that are no route's.
    pub(crate) shared: Vec<SharedRepair>,
    /// The first of those that are wrong and were not put right, and how many there are.
    pub(crate) unmended: Vec<Unmended>,
    pub(crate) unmended_rules: usize,
    /// The first of those that are nobody's here, and how many there are.
    pub(crate) alien: Vec<FlowRule>,
    pub(crate) alien_rules: usize,
    /// How many more there are that are expected.
    pub(crate) excepted: usize,
    /// The last repairs, of all audits, the newest first.
    pub(crate) repairs: VecDeque<Repair>,
    /// How many audits there were, and what they have put right.
    pub(crate) audits: u64,
    pub(crate) restored_total: u64,
    pub(crate) mended_total: u64,
}

impl Report {
    pub(super) fn new(switch: &SwitchHandle) -> Self {
        Self {
            dpid: switch.dpid(),
            name: switch.name().to_owned(),
            at: SystemTime::now(),
            took: Duration::ZERO,
            result: Outcome::Audited,
            audited_at: None,
            rules: 0,
            restored: 0,
            mended: 0,
            shared: Vec::new(),
            unmended: Vec::new(),
            unmended_rules: 0,
            alien: Vec::new(),
            alien_rules: 0,
            excepted: 0,
            repairs: VecDeque::new(),
            audits: 0,
            restored_total: 0,
            mended_total: 0,
        }
    }

    pub(super) fn take_in(&mut self, looked: Looked) {
        (self.at, self.took) = (looked.at, looked.took);
        self.result = looked.result;
        if self.result != Outcome::Audited {
            return;
        }
        let made = |kind| looked.repairs.iter().filter(|one| one.kind == kind).count();
        self.audited_at = Some(looked.at);
        self.audits += 1;
        self.restored = made(RepairKind::Restored);
        self.mended = made(RepairKind::Mended);
        self.restored_total += self.restored as u64;
        self.mended_total += self.mended as u64;
        self.shared = looked.shared;
        let mut found = looked.found;
        self.rules = found.rules;
        self.unmended_rules = found.unmended.len();
        found.unmended.truncate(MOST_LISTED);
        self.unmended = found.unmended;
        (self.alien, self.alien_rules) = (found.alien, found.alien_rules);
        self.excepted = found.excepted;
        for repair in looked.repairs {
            self.repairs.push_front(repair);
        }
        self.repairs.truncate(MOST_REMEMBERED);
    }
}
