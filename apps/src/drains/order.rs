//! In which order switches are emptied. Pure: nothing here knows how.
//!
//! The orders are those of Lo, Ammar and Zegura, "Design and Analysis of Schedules for Virtual Network Migration" (2013),
//! read for switches that are emptied where the paper moves virtual nodes:
//!
//! | order | which switch is next |
//! |---|---|
//! | `given` | the first of the list, always |
//! | `lmcf` | local minimum cost first: the one whose migration changes least as the network is now |
//! | `mis-ss` | maximal independent sets by their size: the largest at once, then the largest of what is left |
//! | `mis-lmcf` | such sets by their cost for each switch; within one the cheapest first |
//!
//! Two switches *conflict* when they may not be emptied at the same time: they are neighbours, the migration of either
//! changes a rule on a switch that the other's changes too, or a flow crosses both. A set is *independent* when no two of
//! it conflict, and *maximal* when every other switch that could go conflicts with one of it.
//!
//! The *cost* of emptying a switch is what its plan does in the network as it is now: see [`Cost`]. Every step moves
//! routes, so the costs and conflicts that one step is chosen by are of no use for the next: they are made anew.
//! A switch that can't be emptied as things are is no candidate; it is put off until others have gone.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use godwit_openflow::types::DatapathId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::FlowId;

/// Maximal independent sets that are looked at before the search is broken off: a graph of 100 switches may have more
/// than 10^15. Then a set is grown from each switch as well, so that each has its chance.
const MOST_SETS: usize = 1_000;

/// Which switch is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "DrainOrder")]
pub enum Order {
    /// The first of the list that can go. None is overtaken, except one that can't go as things are.
    Given,
    /// The cheapest now.
    Lmcf,
    /// The largest set of switches that can go at the same time, then the next.
    MisSs,
    /// The set that costs least for each of its switches, the cheapest of it first.
    MisLmcf,
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 4] = [Self::Given, Self::Lmcf, Self::MisSs, Self::MisLmcf];

    /// Whether it looks at what a migration costs.
    #[must_use]
    pub const fn is_by_cost(self) -> bool {
        matches!(self, Self::Lmcf | Self::MisLmcf)
    }

    /// Whether it goes by sets.
    #[must_use]
    pub const fn is_by_sets(self) -> bool {
        matches!(self, Self::MisSs | Self::MisLmcf)
    }
}

/// What emptying a switch does to the network as it is now. Rules come first: they are what a migration takes its time
/// for, what loads the switches, and what may be refused. Traffic decides between equals: by `clone` it moves without
/// loss whatever its volume, but what moves may be overtaken.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[schemars(rename = "DrainCost")]
pub struct Cost {
    /// Rules that are installed, modified and removed.
    pub rules: u64,
    /// What the routes that have to move have delivered a second, on average since they were made.
    pub packets_per_s: u64,
}

/// Where a migration is felt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Footprint {
    /// The switch that is emptied, and every switch whose rules change.
    pub switches: BTreeSet<DatapathId>,
    /// The neighbours of the switch that is emptied.
    pub neighbours: BTreeSet<DatapathId>,
    /// The flows that move.
    pub flows: BTreeSet<FlowId>,
}

/// A switch that can be emptied now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The switch.
    pub dpid: DatapathId,
    /// What that costs.
    pub cost: Cost,
    /// Where it is felt.
    pub footprint: Footprint,
}

/// Whether these two may not be emptied at the same time.
#[must_use]
pub fn conflict(one: (DatapathId, &Footprint), other: (DatapathId, &Footprint)) -> bool {
    let ((one, here), (other, there)) = (one, other);
    here.neighbours.contains(&other)
        || there.neighbours.contains(&one)
        || !here.switches.is_disjoint(&there.switches)
        || !here.flows.is_disjoint(&there.flows)
}

/// Chooses step after step.
#[derive(Debug, Clone)]
pub struct Sequence {
    order: Order,
    /// What is left of the set that is being emptied.
    set: BTreeSet<DatapathId>,
}

impl Sequence {
    /// The beginning of an order.
    #[must_use]
    pub const fn new(order: Order) -> Self {
        Self {
            order,
            set: BTreeSet::new(),
        }
    }

    /// Which of the `candidates`, that stand in the order of the request, are to begin now beside those `under_way`; no
    /// more than `room`. None when one under way has to end first.
    pub fn next(
        &mut self,
        candidates: &[Candidate],
        under_way: &[(DatapathId, &Footprint)],
        room: usize,
    ) -> Vec<DatapathId> {
        let all: Vec<&Candidate> = candidates.iter().collect();
        match self.order {
            Order::Given => fitting(&all, under_way, room, Overtaking::No),
            Order::Lmcf => fitting(&cheapest_first(all), under_way, room, Overtaking::Yes),
            Order::MisSs | Order::MisLmcf => {
                self.set
                    .retain(|dpid| candidates.iter().any(|one| one.dpid == *dpid));
                if self.set.is_empty() {
                    if !under_way.is_empty() {
                        return Vec::new();
                    }
                    self.set = self.choose_set(candidates);
                }
                let of_set = all.into_iter().filter(|one| self.set.contains(&one.dpid));
                let mut members: Vec<&Candidate> = of_set.collect();
                if self.order.is_by_cost() {
                    members = cheapest_first(members);
                }
                fitting(&members, under_way, room, Overtaking::Yes)
            }
        }
    }

    fn choose_set(&self, candidates: &[Candidate]) -> BTreeSet<DatapathId> {
        let sets = maximal_independent_sets(candidates);
        let best = match self.order {
            Order::MisLmcf => sets
                .iter()
                .min_by(|one, other| by_cost(candidates, one, other)),
            _ => sets.iter().min_by(|one, other| by_size(one, other)),
        };
        let members = best.into_iter().flatten();
        members
            .filter_map(|index| Some(candidates.get(*index)?.dpid))
            .collect()
    }
}

/// Whether one that may not begin yet holds up those behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overtaking {
    No,
    Yes,
}

/// As many of the first as go together with each other and with those under way.
fn fitting(
    candidates: &[&Candidate],
    under_way: &[(DatapathId, &Footprint)],
    room: usize,
    overtaking: Overtaking,
) -> Vec<DatapathId> {
    let mut taken: Vec<(DatapathId, &Footprint)> = under_way.to_vec();
    let mut chosen = Vec::new();
    for candidate in candidates {
        if chosen.len() == room {
            break;
        }
        let this = (candidate.dpid, &candidate.footprint);
        if !taken.iter().any(|other| conflict(this, *other)) {
            taken.push(this);
            chosen.push(candidate.dpid);
        } else if overtaking == Overtaking::No {
            break;
        }
    }
    chosen
}

/// Equals stay in the order of the request.
fn cheapest_first(mut candidates: Vec<&Candidate>) -> Vec<&Candidate> {
    candidates.sort_by_key(|candidate| candidate.cost);
    candidates
}

/// A set of candidates, by their places in the list.
type Set = BTreeSet<usize>;

/// The larger first; of equals the one whose members stand first in the request.
fn by_size(one: &Set, other: &Set) -> Ordering {
    other.len().cmp(&one.len()).then_with(|| one.cmp(other))
}

/// The cheaper for each of its switches first. The cost of a whole set would always speak for a small one.
fn by_cost(candidates: &[Candidate], one: &Set, other: &Set) -> Ordering {
    let sum = |set: &Set, part: fn(&Cost) -> u64| -> u128 {
        let members = set.iter().filter_map(|index| candidates.get(*index));
        members.map(|member| u128::from(part(&member.cost))).sum()
    };
    // a / |A| < b / |B| without fractions.
    let mean = |part: fn(&Cost) -> u64| {
        let (here, there) = (sum(one, part), sum(other, part));
        (here * other.len() as u128).cmp(&(there * one.len() as u128))
    };
    mean(|cost| cost.rules)
        .then_with(|| mean(|cost| cost.packets_per_s))
        .then_with(|| by_size(one, other))
}

/// The maximal independent sets of the candidates' conflict graph, by their places in the list; none twice.
/// All of them where there are fewer than 1,000.
#[must_use]
pub fn maximal_independent_sets(candidates: &[Candidate]) -> BTreeSet<BTreeSet<usize>> {
    let this = |candidate: &'_ Candidate| (candidate.dpid, candidate.footprint.clone());
    let all: Vec<(DatapathId, Footprint)> = candidates.iter().map(this).collect();
    let near = |index: usize, (dpid, footprint): &(DatapathId, Footprint)| -> Set {
        let others = all.iter().enumerate();
        others
            .filter(|(other, (to, felt))| {
                *other != index && conflict((*dpid, footprint), (*to, felt))
            })
            .map(|(other, _)| other)
            .collect()
    };
    let conflicts: Vec<Set> = all
        .iter()
        .enumerate()
        .map(|(index, one)| near(index, one))
        .collect();
    let mut search = Search {
        conflicts: &conflicts,
        found: BTreeSet::new(),
    };
    search.extend(&mut Set::new(), (0..candidates.len()).collect(), Set::new());
    if search.found.len() >= MOST_SETS {
        let grown = (0..candidates.len()).map(|seed| search.grown_from(seed));
        let grown: Vec<Set> = grown.collect();
        search.found.extend(grown);
    }
    search.found
}

/// The search for maximal independent sets: that of Bron and Kerbosch for cliques, in the graph of what goes together.
struct Search<'a> {
    /// What each conflicts with.
    conflicts: &'a [Set],
    found: BTreeSet<Set>,
}

impl Search<'_> {
    fn conflicts_of(&self, index: usize) -> impl Iterator<Item = &usize> {
        self.conflicts.get(index).into_iter().flatten()
    }

    /// What goes together with `index`.
    fn beside(&self, index: usize, set: &Set) -> Set {
        let mut beside = set.clone();
        beside.remove(&index);
        for other in self.conflicts_of(index) {
            beside.remove(other);
        }
        beside
    }

    /// All maximal sets with those `chosen`, some of the `open`, and none of the `closed`, whose sets are found already.
    fn extend(&mut self, chosen: &mut Set, mut open: Set, mut closed: Set) {
        if self.found.len() >= MOST_SETS {
            return;
        }
        // A maximal set has the pivot or something that conflicts with it; the fewer of those the better.
        let choices = |pivot: usize| -> Vec<usize> {
            let near = self.conflicts_of(pivot).chain([&pivot]).copied();
            near.filter(|index| open.contains(index)).collect()
        };
        let pivots = open.iter().chain(&closed).copied();
        let Some(branches) = pivots.map(choices).min_by_key(Vec::len) else {
            if !chosen.is_empty() {
                self.found.insert(chosen.clone());
            }
            return;
        };
        for index in branches {
            chosen.insert(index);
            self.extend(
                chosen,
                self.beside(index, &open),
                self.beside(index, &closed),
            );
            chosen.remove(&index);
            open.remove(&index);
            closed.insert(index);
        }
    }

    /// A maximal set with this one, always taking what closes out the fewest.
    fn grown_from(&self, seed: usize) -> Set {
        let mut set = Set::from([seed]);
        let mut open = self.beside(seed, &(0..self.conflicts.len()).collect());
        while let Some(next) = open.iter().copied().min_by_key(|index| {
            self.conflicts_of(*index)
                .filter(|o| open.contains(o))
                .count()
        }) {
            set.insert(next);
            open = self.beside(next, &open);
        }
        set
    }
}

#[cfg(test)]
mod tests;
