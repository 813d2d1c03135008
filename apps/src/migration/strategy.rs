//! The three algorithms: one engine, three plans.

pub mod clone;
pub mod freeze_copy;
pub mod r#move;

use godwit_openflow::types::DatapathId;

use super::request::Algorithm;
use crate::plan::verify::{Guarantee, verify};
use crate::plan::{Difference, Flow, Kind, Round, make_before_break};

impl Algorithm {
    /// The rounds that take `flows` off `source`.
    #[must_use]
    pub fn plan(self, flows: &[Flow], source: DatapathId) -> Vec<Round> {
        match self {
            Self::FreezeCopy => freeze_copy::plan(flows, source),
            Self::Move => r#move::plan(flows, source),
            Self::Clone => clone::plan(flows),
        }
    }

    /// What every moment of the plan has to keep.
    #[must_use]
    pub const fn guarantee(self) -> Guarantee {
        match self {
            Self::FreezeCopy | Self::Move => Guarantee::NoLoops,
            Self::Clone => Guarantee::Delivery,
        }
    }

    /// Whether a route's counters go on counting.
    #[must_use]
    pub const fn keeps_counters(self) -> bool {
        match self {
            Self::FreezeCopy => false,
            Self::Move | Self::Clone => true,
        }
    }
}

/// Break before make, flow by flow: the source's rule is removed, then the flow's new way is installed as
/// `install` has it. What is left on other switches of the old ways is removed at the end.
fn break_before_make(
    flows: &[Flow],
    source: DatapathId,
    install: impl Fn(&Flow) -> Vec<Round>,
) -> Vec<Round> {
    let mut rounds = Vec::new();
    let mut left = Vec::new();
    for flow in flows {
        let removals = Difference::of(flow).remove;
        let (cut, rest): (Vec<_>, Vec<_>) =
            removals.into_iter().partition(|step| step.dpid == source);
        left.extend(rest);
        if !cut.is_empty() {
            rounds.push(Round::of(Kind::Cut, cut));
        }
        rounds.extend(install(flow));
    }
    if !left.is_empty() {
        rounds.push(Round::of(Kind::Remove, left));
    }
    rounds
}

/// The rounds that bring one flow onto its new way, without those that take it off the old: a single one,
/// since the flow is cut and every moment of order costs packets, unless packets could circle then.
fn install_rounds(flow: &Flow) -> Vec<Round> {
    let mut rounds = make_before_break(std::slice::from_ref(flow));
    rounds.retain(|round| round.kind != Kind::Remove);
    if rounds.len() < 2 {
        return rounds;
    }
    let steps = rounds
        .iter()
        .flat_map(|round| round.steps.clone())
        .collect();
    let at_once = vec![Round::of(Kind::Install, steps)];
    match verify(std::slice::from_ref(flow), &at_once, Guarantee::NoLoops) {
        Ok(()) => at_once,
        Err(_) => rounds,
    }
}
