//! The steps of a transplant in rounds, together with those of the routes.

use godwit_openflow::types::DatapathId;

use super::{Steps, Transplant};
use crate::plan::entry::EntryStep;
use crate::plan::{Change, Kind, Round, Step};

impl Steps {
    /// The rounds of a plan together with those of its routes.
    ///
    /// What carries nothing yet is put first, then all neighbours turn at once: the target does what the source does, so
    /// every mixture is the network as it was. With `cut` the source's entries go before anything else, and the routes'
    /// rules come to the target together with its new entries, below which they could be caught without them.
    pub fn into_rounds(
        self,
        routes: Vec<Round>,
        target: DatapathId,
        cut: bool,
    ) -> (Transplant, Vec<Round>) {
        let mut put = self.put;
        put.extend(self.twins);
        let mut remove = if cut { Vec::new() } else { self.taken.clone() };
        remove.extend(self.shells);
        remove.extend(self.old_twins);
        let mut rounds = routes;
        if cut {
            let install = Round {
                kind: Kind::Install,
                steps: hoisted(&mut rounds, target),
                entries: put,
            };
            let cut = with_entries(Kind::Cut, self.taken);
            let flip = with_entries(Kind::Flip, self.flips);
            let before = [cut, install, flip].into_iter();
            let before =
                before.filter(|round| !round.entries.is_empty() || !round.steps.is_empty());
            rounds.splice(0..0, before);
        } else {
            merge(&mut rounds, Kind::Install, put, 0);
            let installs = rounds
                .iter()
                .take_while(|round| round.kind == Kind::Install)
                .count();
            merge(&mut rounds, Kind::Flip, self.flips, installs);
        }
        let end = rounds.len();
        merge(&mut rounds, Kind::Remove, remove, end);
        (self.transplant, rounds)
    }
}

/// Takes out of the rounds what is put on the target where there was nothing.
fn hoisted(rounds: &mut Vec<Round>, target: DatapathId) -> Vec<Step> {
    let is_new = |step: &mut Step| step.dpid == target && step.change == Change::Install;
    let rounds_with_steps = rounds.iter_mut();
    let steps = rounds_with_steps
        .flat_map(|round| round.steps.extract_if(.., is_new).collect::<Vec<_>>())
        .collect();
    rounds.retain(|round| !round.steps.is_empty() || !round.entries.is_empty());
    steps
}

fn with_entries(kind: Kind, entries: Vec<EntryStep>) -> Round {
    Round {
        kind,
        steps: Vec::new(),
        entries,
    }
}

/// Adds entries to the first round of that kind, or as a round of their own at `place`.
fn merge(rounds: &mut Vec<Round>, kind: Kind, entries: Vec<EntryStep>, place: usize) {
    if entries.is_empty() {
        return;
    }
    match rounds.iter_mut().find(|round| round.kind == kind) {
        Some(round) => round.entries.extend(entries),
        None => rounds.insert(place.min(rounds.len()), with_entries(kind, entries)),
    }
}
