//! `freeze-copy`: flow by flow, the source's rule is removed and the whole new way installed anew. Nothing of
//! the old rules is kept: their counters start again.

use godwit_openflow::types::DatapathId;

use super::{break_before_make, install_rounds};
use crate::plan::{Change, Difference, Flow, Kind, Round, Step};

/// The rounds.
#[must_use]
pub fn plan(flows: &[Flow], source: DatapathId) -> Vec<Round> {
    break_before_make(flows, source, |flow| {
        let mut rounds = install_rounds(flow);
        for step in rounds.iter_mut().flat_map(|round| &mut round.steps) {
            if step.change == Change::Modify {
                step.change = Change::Replace;
            }
        }
        let again: Vec<Step> = Difference::of(flow)
            .same
            .into_iter()
            .map(|(dpid, rule)| Step {
                flow: flow.template.id,
                dpid,
                change: Change::Replace,
                before: Some(rule.clone()),
                after: Some(rule),
            })
            .collect();
        match rounds.first_mut() {
            Some(first) => first.steps.extend(again),
            None if again.is_empty() => {}
            None => rounds.push(Round::of(Kind::Install, again)),
        }
        rounds
    })
}
