//! Which counters tell what becomes of entries that belong to no route. Pure.
//!
//! Where such an entry's packets come from and go to is written nowhere. But a neighbour's entry that is turned over sends
//! all that it takes: if one entry of the source takes whatever that may be, everything is counted there, or on the
//! target by what stands for it. And an entry of the source that sends to a neighbour, one of whose entries takes whatever
//! that may be, sends to where everything is counted. Both are pairs of counters as the ends of a route are: what the
//! first counts is lost if none of the last counts it. That the last ones count others' packets as well only makes them
//! say less.
//!
//! Left out is what can't be paired so: entries of which a part goes to a group, a meter or a later table before it is
//! sent, entries whose packets another switch tells apart in more than one entry and with none for all, what nobody sends
//! and what nothing takes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use godwit_controller::rules::stands_everywhere;
use godwit_openflow::model::{
    Action, Field, FlowRule, FlowStats, Instruction, OwnedIdentity, Pattern,
};
use godwit_openflow::types::{DatapathId, PortNo, TableId};
use godwit_topology::{Graph, PortRef};

use crate::migration::planning::Planned;
use crate::migration::transplant::{Carried, Transplant, pipeline};
use crate::others::described;
use crate::plan::Change;
use crate::plan::entry::{Entry, Part};
use crate::plan::overlap::pairs;

/// Counters that are added up, of all pairs together. Entries that match much meet all others; beyond this nothing is
/// watched, which is said.
const MOST: usize = 200_000;

/// Flow entries of switches, as they were read.
pub(super) type Held = BTreeMap<DatapathId, Vec<FlowStats>>;

/// Counters of which the last ones count, sooner or later, whatever the first ones do.
#[derive(Debug)]
pub(super) struct Pair {
    /// The entry whose packets are meant.
    pub(super) name: String,
    pub(super) first: BTreeSet<usize>,
    pub(super) last: BTreeSet<usize>,
}

/// All pairs, and the counters that they are made of, by their places.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    pub(super) pairs: Vec<Pair>,
    pub(super) places: BTreeMap<DatapathId, HashMap<OwnedIdentity, usize>>,
    /// The switch of each counter.
    pub(super) switches: Vec<DatapathId>,
}

/// A sender and what of its packets another switch has to take.
struct Sender<'a> {
    name: String,
    first: Vec<(DatapathId, &'a FlowRule)>,
    bare: FlowRule,
}

/// An entry that may take them, at any of its counters.
struct Taker<'a> {
    counters: Vec<(DatapathId, &'a FlowRule)>,
    bare: FlowRule,
    /// Whether it may stand for all that it takes: it does not wait for other ports.
    is_whole: bool,
}

/// What is known.
struct Scene<'a> {
    graph: &'a Graph,
    left: DatapathId,
    taking: DatapathId,
    transplant: &'a Transplant,
    held: &'a Held,
    /// Entries that are carried, and come to the target by this plan.
    carried: Vec<&'a Carried>,
}

/// The switches whose counters may be needed: source, target and the neighbours of the source.
pub(super) fn switches(graph: &Graph, planned: &Planned) -> BTreeSet<DatapathId> {
    let [Some(left), Some(taking)] = planned.request.left_and_taking() else {
        return BTreeSet::new();
    };
    match &planned.transplant {
        Some(transplant) if !transplant.rules.is_empty() => {
            let neighbours = graph.usable_from(left).map(|link| link.dst.dpid);
            neighbours.chain([left, taking]).collect()
        }
        _ => BTreeSet::new(),
    }
}

impl Pairs {
    /// The pairs of a plan, by what the switches held before it began.
    pub(super) fn of(graph: &Graph, planned: &Planned, held: &Held) -> Self {
        let mut pairs = Self::default();
        let (Some(transplant), [Some(left), Some(taking)]) =
            (&planned.transplant, planned.request.left_and_taking())
        else {
            return pairs;
        };
        let steps = || planned.rounds.iter().flat_map(|round| &round.entries);
        let put: BTreeSet<OwnedIdentity> = steps()
            .filter(|step| step.dpid == taking && step.change == Change::Install)
            .filter_map(|step| step.after.as_ref()?.rule().map(FlowRule::owned_identity))
            .collect();
        let carried = transplant.rules.iter();
        let carried = carried.filter(|one| put.contains(&one.target.owned_identity()));
        let scene = Scene {
            graph,
            left,
            taking,
            transplant,
            held,
            carried: carried.collect(),
        };
        let turned =
            steps().filter(|step| step.part == Part::Neighbour && step.change == Change::Modify);
        let mut turned_of: BTreeMap<DatapathId, Vec<&FlowRule>> = BTreeMap::new();
        for step in turned {
            let before = step.before.as_ref().and_then(Entry::rule);
            turned_of.entry(step.dpid).or_default().extend(before);
        }
        let neighbours: BTreeSet<DatapathId> =
            graph.usable_from(left).map(|link| link.dst.dpid).collect();
        for neighbour in neighbours.into_iter().filter(|dpid| *dpid != taking) {
            let turned = turned_of.get(&neighbour).map_or(&[][..], Vec::as_slice);
            let sent = scene.sent_to_source(neighbour, turned);
            pairs.add(&sent, &scene.takers_for(neighbour));
            let out = scene.out_of_source(neighbour, turned);
            pairs.add(&out, &scene.takers_at(neighbour));
        }
        if pairs
            .pairs
            .iter()
            .map(|pair| pair.last.len())
            .sum::<usize>()
            > MOST
        {
            tracing::warn!(most = MOST, "too many counters: no entry is watched");
            return Self::default();
        }
        pairs
    }

    fn place(&mut self, (dpid, rule): (DatapathId, &FlowRule)) -> usize {
        let next = self.switches.len();
        let places = self.places.entry(dpid).or_default();
        let place = *places.entry(rule.owned_identity()).or_insert(next);
        if place == next {
            self.switches.push(dpid);
        }
        place
    }

    /// Those senders all of whose packets one of the takers may take.
    fn add(&mut self, senders: &[Sender<'_>], takers: &[Taker<'_>]) {
        let mut met: Vec<Vec<usize>> = vec![Vec::new(); senders.len()];
        let mut all = 0;
        let bare_senders = senders.iter().map(|sender| &sender.bare);
        let bare_takers = takers.iter().map(|taker| &taker.bare);
        pairs(bare_senders, bare_takers, |sender, taker| {
            all += 1;
            if let Some(met) = met.get_mut(sender) {
                met.push(taker);
            }
            if all > MOST {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        if all > MOST {
            tracing::warn!(most = MOST, "too many counters: entries are not watched");
            return;
        }
        for (sender, met) in senders.iter().zip(met) {
            let met = || met.iter().filter_map(|place| takers.get(*place));
            let takes_all = |taker: &Taker<'_>| {
                taker.is_whole && taker.bare.pattern.covers(&sender.bare.pattern)
            };
            if !met().any(takes_all) {
                continue;
            }
            let first = sender.first.iter().map(|one| self.place(*one)).collect();
            let last = met().flat_map(|taker| &taker.counters);
            let last = last.map(|one| self.place(*one)).collect();
            let name = sender.name.clone();
            self.pairs.push(Pair { name, first, last });
        }
    }
}

impl<'a> Scene<'a> {
    /// A neighbour's entries that are turned over, which send all that they take.
    fn sent_to_source(&self, neighbour: DatapathId, turned: &[&'a FlowRule]) -> Vec<Sender<'a>> {
        let leads = |port: PortNo| self.leads(PortRef::new(neighbour, port), self.left);
        let senders = turned.iter().filter(|rule| sends_all(rule, leads));
        let senders = senders.map(|rule| Sender {
            name: format!("{} of switch {neighbour}", described(rule)),
            first: vec![(neighbour, *rule)],
            bare: bare(pipeline::after(rule, rule.pattern.clone())),
        });
        senders.collect()
    }

    /// What takes packets of a neighbour on the source, and on the target in its stead.
    fn takers_for(&self, neighbour: DatapathId) -> Vec<Taker<'a>> {
        let comes = |rule: &FlowRule| {
            let port = rule
                .pattern
                .ingress_port()
                .map(|port| PortRef::new(self.left, port));
            port.is_none_or(|port| self.leads(port, neighbour))
        };
        let first = |rule: &FlowRule| rule.table == TableId(0);
        let carried = self.carried.iter();
        let carried = carried.filter(|one| first(&one.source) && comes(&one.source));
        let carried = carried.map(|one| Taker {
            counters: vec![(self.left, &one.source), (self.taking, &one.target)],
            bare: bare(one.source.pattern.clone()),
            is_whole: true,
        });
        // Others count too, whatever they are.
        let others = [self.left, self.taking].into_iter().flat_map(|dpid| {
            self.first_table(dpid).map(move |rule| Taker {
                counters: vec![(dpid, rule)],
                bare: bare(rule.pattern.clone()),
                is_whole: false,
            })
        });
        carried.chain(others).collect()
    }

    /// Entries of the source that send all that they take to a neighbour, and get nothing from there that would have to
    /// go back by the same port.
    fn out_of_source(&self, neighbour: DatapathId, turned: &[&'a FlowRule]) -> Vec<Sender<'a>> {
        let leads = |port: PortNo| self.leads(PortRef::new(self.left, port), neighbour);
        let sending = self.carried.iter().filter(|one| {
            sends_all(&one.source, leads)
                && one
                    .source
                    .pattern
                    .ingress_port()
                    .is_none_or(|port| !leads(port))
        });
        let sending: Vec<&&Carried> = sending.collect();
        let bare_of = |rule: &FlowRule| bare(pipeline::after(rule, rule.pattern.clone()));
        let taken: Vec<FlowRule> = sending
            .iter()
            .map(|one| bare(one.source.pattern.clone()))
            .collect();
        let coming: Vec<FlowRule> = turned.iter().map(|rule| bare_of(rule)).collect();
        let mut returns: BTreeSet<usize> = BTreeSet::new();
        pairs(&taken, &coming, |place, _| {
            returns.insert(place);
            ControlFlow::Continue(())
        });
        let kept = sending.iter().enumerate().filter(|(place, one)| {
            one.source.pattern.ingress_port().is_some() || !returns.contains(place)
        });
        // Those that differ in nothing but the port may have one on the target, which counts for all.
        let mut senders: BTreeMap<OwnedIdentity, Sender<'a>> = BTreeMap::new();
        for (_, one) in kept {
            let sender = senders.entry(one.target.owned_identity());
            let sender = sender.or_insert_with(|| Sender {
                name: format!("{} of switch {}", described(&one.source), self.left),
                first: vec![(self.taking, &one.target)],
                bare: bare_of(&one.source),
            });
            sender.first.push((self.left, &one.source));
        }
        senders.into_values().collect()
    }

    /// What takes packets of the source at a neighbour, with what takes the target's in its stead.
    fn takers_at(&self, neighbour: DatapathId) -> Vec<Taker<'a>> {
        let twins = self.transplant.twins.iter();
        let twins: Vec<_> = twins.filter(|twin| twin.dpid == neighbour).collect();
        let takers = self.first_table(neighbour).map(|rule| {
            let like = |one: &FlowRule| one.same_identity(rule);
            let of = twins
                .iter()
                .filter(|twin| like(&twin.before) || like(&twin.after));
            let both = of.flat_map(|twin| [(neighbour, &twin.before), (neighbour, &twin.after)]);
            let port = rule
                .pattern
                .ingress_port()
                .map(|port| PortRef::new(neighbour, port));
            Taker {
                counters: both.chain([(neighbour, rule)]).collect(),
                bare: bare(rule.pattern.clone()),
                is_whole: port.is_none_or(|port| self.leads(port, self.left)),
            }
        });
        takers.collect()
    }

    fn first_table(&self, dpid: DatapathId) -> impl Iterator<Item = &'a FlowRule> + use<'a> {
        let held = self.held.get(&dpid).map_or(&[][..], Vec::as_slice);
        let rules = held.iter().map(|stats| &stats.rule);
        rules.filter(|rule| rule.table == TableId(0) && !stands_everywhere(rule.cookie))
    }

    fn leads(&self, from: PortRef, to: DatapathId) -> bool {
        let link = self.graph.link_from(from);
        link.is_some_and(|link| link.dst.dpid == to)
    }
}

/// Whether every packet that the entry takes goes out of such a port.
fn sends_all(rule: &FlowRule, leads: impl Fn(PortNo) -> bool) -> bool {
    let sends = |action: &Action| matches!(action, Action::Output { port, .. } if leads(*port));
    let mut instructions = rule.instructions.iter();
    let applies = |one: &Instruction| matches!(one, Instruction::ApplyActions(actions) if actions.iter().any(sends));
    instructions.clone().any(applies)
        && !instructions.any(|one| matches!(one, Instruction::Meter(_)))
}

/// Packets as they are between switches.
fn bare(mut pattern: Pattern) -> FlowRule {
    pattern.remove(Field::InPort);
    pattern.remove(Field::Metadata);
    FlowRule::new(0, pattern, Vec::new())
}

#[cfg(test)]
mod tests;
