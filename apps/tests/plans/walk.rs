//! A plan, carried out on emulated switches change by change, there and back.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use godwit_apps::migration::planning::Planned;
use godwit_apps::plan::verify::Guarantee;
use godwit_apps::plan::{FlowId, Kind, Round};
use godwit_controller::Round as Messages;
use godwit_openflow::model::{FlowMod, FlowRule, Pattern, ToSwitch};
use godwit_openflow::types::DatapathId;
use godwit_topology::PortRef;

use crate::case::{Carried, Case};
use crate::emulated::{Emulated, Fate};
use crate::random::Random;

/// What every rule has counted before the plan begins.
pub(crate) const COUNTED: u64 = 10;

/// A packet that is sent all the time, and where it shall leave the network.
struct Probe {
    flow: FlowId,
    packet: Pattern,
    from: PortRef,
    to: PortRef,
    /// The rounds during which it may be lost.
    may_be_lost: Option<RangeInclusive<usize>>,
}

/// What switches hold.
pub(crate) type Held = BTreeMap<DatapathId, Vec<FlowRule>>;

pub(crate) struct Walk<'a> {
    rounds: &'a [Round],
    /// What the switches that the plan is about hold besides the rules of the routes that are moved.
    pub(crate) unmoved: Held,
    pub(crate) tables: Emulated<'a>,
    probes: Vec<Probe>,
    /// What becomes of each probe as the tables are now.
    fates: Vec<Fate>,
    /// How many states of the tables have been looked at.
    pub(crate) states: usize,
}

impl<'a> Walk<'a> {
    /// The tables as they are before the rounds.
    pub(crate) fn new(
        case: &Case<'a>,
        planned: &Planned,
        rounds: &'a [Round],
        guarantee: Guarantee,
    ) -> Self {
        let mut tables = case.tables_without_moving();
        let switches = planned.switches().into_iter();
        let unmoved = switches.map(|dpid| (dpid, tables.rules(dpid))).collect();
        for Carried { route, .. } in &case.moving {
            for (dpid, rule) in route.template.rules(&route.path) {
                tables.change(dpid, &FlowMod::add(rule.clone()).into());
                tables.count(dpid, &rule, COUNTED);
            }
        }
        let moved = |flow| planned.flows.iter().any(|moved| moved.template.id == flow);
        let probe = |carried: &Carried| {
            let flow = carried.route.template.id;
            let path = &carried.route.path;
            let cut = guarantee == Guarantee::NoLoops && moved(flow);
            Probe {
                flow,
                packet: carried.packet.clone(),
                from: path.source(),
                to: path.destination(),
                may_be_lost: cut.then(|| live_rounds(rounds, flow)).flatten(),
            }
        };
        let probes: Vec<Probe> = case.moving.iter().chain(&case.staying).map(probe).collect();
        let follow = |probe: &Probe| tables.follow(&probe.packet, probe.from);
        let fates = probes.iter().map(follow).collect();
        Self {
            rounds,
            unmoved,
            tables,
            probes,
            fates,
            states: 0,
        }
    }

    /// Round by round, each in several orders, some of them broken off, and back before the next; in the end all
    /// rounds have taken effect.
    pub(crate) fn forth(&mut self, orders: usize, random: &mut Random) -> Result<(), String> {
        for (probe, fate) in self.probes.iter().zip(&self.fates) {
            judge(probe, fate, false).map_err(|harm| format!("before the plan: {harm}"))?;
        }
        let rounds = self.rounds;
        for (index, round) in rounds.iter().enumerate() {
            let (forth, back) = (round.messages(), round.undo());
            let before = self.touched(&forth);
            for _ in 0..orders {
                let all = interleaved(&forth, random);
                let part = random.below(all.len() + 1);
                let done = if random.chance(50) { part } else { all.len() };
                self.perform(index, &all[..done])?;
                self.perform(index, &interleaved(&back, random))?;
                if self.touched(&forth) != before {
                    return Err(format!(
                        "{} is not undone after {done} changes",
                        name(round, index)
                    ));
                }
            }
            self.perform(index, &interleaved(&forth, random))?;
            for (probe, fate) in self.probes.iter().zip(&self.fates) {
                let over = |rounds: &RangeInclusive<usize>| {
                    *rounds.end() > index && rounds.contains(&index)
                };
                let may_be_lost = probe.may_be_lost.as_ref().is_some_and(over);
                judge(probe, fate, may_be_lost)
                    .map_err(|harm| format!("after {}: {harm}", name(round, index)))?;
            }
        }
        self.look_again()
    }

    /// All rounds back again, the last first.
    pub(crate) fn back(&mut self, random: &mut Random) -> Result<(), String> {
        for (index, round) in self.rounds.iter().enumerate().rev() {
            self.perform(index, &interleaved(&round.undo(), random))?;
        }
        self.look_again()
    }

    /// What the switches that the plan is about hold now. The others are sent nothing.
    pub(crate) fn held(&self) -> Held {
        let switches = self.unmoved.keys();
        switches
            .map(|&dpid| (dpid, self.tables.rules(dpid)))
            .collect()
    }

    /// The way that a flow's packets take now.
    pub(crate) fn way(&self, flow: FlowId) -> &[DatapathId] {
        let index = self.probes.iter().position(|probe| probe.flow == flow);
        &self.fates[index.unwrap()].way
    }

    fn touched(&self, messages: &Messages) -> Vec<Vec<FlowRule>> {
        let switches = messages.batches().map(|(dpid, _)| dpid);
        switches.map(|dpid| self.tables.rules(dpid)).collect()
    }

    /// Change by change; after each every packet that its switch had a hand in is followed anew. What becomes of the
    /// others can't have changed.
    fn perform(&mut self, index: usize, changes: &[(DatapathId, &ToSwitch)]) -> Result<(), String> {
        for (done, (dpid, change)) in changes.iter().enumerate() {
            self.tables.change(*dpid, change);
            self.states += 1;
            for (probe, fate) in self.probes.iter().zip(&mut self.fates) {
                if !fate.way.contains(dpid) {
                    continue;
                }
                *fate = self.tables.follow(&probe.packet, probe.from);
                let may_be_lost = probe.may_be_lost.as_ref();
                let may_be_lost = may_be_lost.is_some_and(|rounds| rounds.contains(&index));
                judge(probe, fate, may_be_lost).map_err(|harm| {
                    let order: Vec<String> = changes[..=done]
                        .iter()
                        .map(|(dpid, change)| format!("{change:?} on {dpid}"))
                        .collect();
                    format!(
                        "{}, after {}: {harm}",
                        name(&self.rounds[index], index),
                        order.join(", ")
                    )
                })?;
            }
        }
        Ok(())
    }

    /// Follows every packet anew: nothing may have been missed.
    fn look_again(&self) -> Result<(), String> {
        for (probe, fate) in self.probes.iter().zip(&self.fates) {
            let now = self.tables.follow(&probe.packet, probe.from);
            if now != *fate {
                return Err(format!("the test missed {fate:?}, which became {now:?}"));
            }
        }
        Ok(())
    }
}

/// From the first round to the last that changes where a flow goes.
fn live_rounds(rounds: &[Round], flow: FlowId) -> Option<RangeInclusive<usize>> {
    let live = |round: &Round| {
        round.kind != Kind::Remove && round.steps.iter().any(|step| step.flow == flow)
    };
    Some(rounds.iter().position(live)?..=rounds.iter().rposition(live)?)
}

/// Once at the right port; or nowhere, if it may be lost.
fn judge(probe: &Probe, fate: &Fate, may_be_lost: bool) -> Result<(), String> {
    let harm = match (fate.again_at, fate.left_at.as_slice()) {
        (Some(dpid), _) => format!("circles through {dpid}"),
        (None, []) if may_be_lost => return Ok(()),
        (None, []) => "is lost".to_owned(),
        (None, [port]) if *port == probe.to => return Ok(()),
        (None, ports) => format!("leaves at {ports:?} and not at {}", probe.to),
    };
    let way: Vec<String> = fate.way.iter().map(ToString::to_string).collect();
    Err(format!(
        "flow {} {harm}, by way of {}",
        probe.flow,
        way.join(" → ")
    ))
}

/// The changes in an order in which they may take effect: those of one switch one after the other, those of different
/// switches anyhow, sometimes switch by switch.
pub(crate) fn interleaved<'m>(
    messages: &'m Messages,
    random: &mut Random,
) -> Vec<(DatapathId, &'m ToSwitch)> {
    let batches: Vec<(DatapathId, &[ToSwitch])> = messages.batches().collect();
    let mut turns: Vec<usize> = (0..batches.len()).collect();
    if random.chance(25) {
        random.shuffle(&mut turns);
        let all = |turn: &usize| {
            let (dpid, batch) = batches[*turn];
            batch.iter().map(move |change| (dpid, change))
        };
        return turns.iter().flat_map(all).collect();
    }
    turns = batches
        .iter()
        .enumerate()
        .flat_map(|(turn, (_, batch))| std::iter::repeat_n(turn, batch.len()))
        .collect();
    random.shuffle(&mut turns);
    let mut left: Vec<_> = batches.iter().map(|(_, batch)| batch.iter()).collect();
    turns
        .into_iter()
        .filter_map(|turn| Some((batches[turn].0, left[turn].next()?)))
        .collect()
}

fn name(round: &Round, index: usize) -> String {
    format!("round {} ({:?})", index + 1, round.kind)
}
