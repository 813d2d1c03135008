//! What a plan is expected to do, said before it is done.
//!
//! The model is simple, so that a wrong forecast can be understood:
//!
//! * A round takes one round-trip (a bare barrier, asked of all switches of the plan just now; the slowest counts) and
//!   what the switch with the most to do needs: its messages times its pace. A switch's pace is what earlier migrations
//!   have measured, half of it the latest, else `FLOOR`. Switches that share a processor are slower together than the
//!   model has it; what was measured has that in it.
//! * The switch-over is from the beginning of the first flip or cut to the confirmation of the last flip. Before a flip of
//!   a `clone` the caches of the switches that it relies on are waited for (`SWEEP`).
//! * All in all it takes the planning (as long as it has just taken), the rounds, the guard's watching if there are
//!   limits, and the drain: at least until the caches have been looked at and one reading has found the old way at rest.
//!   What is queued on the way, at most the bound on the drain, comes on top.
//! * A flow's packets may be overtaken if the new way is faster: as many as it sends (two readings of its first hop, 0.1 s
//!   apart) in the time that its old way takes longer (markers over each link, just now).
//!
//! What could not be measured is `null`, and `unknown` says why.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use godwit_controller::{Network, Owner};
use godwit_openflow::types::DatapathId;
use godwit_topology::{Path, PortRef};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::task::JoinSet;

use super::drain::{OldWay, SILENCE};
use super::guard;
use super::planning::{Planned, RuleCounts};
use super::record::{Migration, Phase};
use super::request::Algorithm;
use crate::plan::{FlowId, Kind, Round};

/// What a switch needs for a flow-mod until somebody has measured: Open vSwitch takes 250,000 a second.
const FLOOR: Duration = Duration::from_micros(4);

/// Fewer messages in a phase say more about the round-trips than about the switch.
const LEAST_MEASURED: usize = 50;

/// How long a switch may take over a measurement.
const MEASURE_BOUND: Duration = Duration::from_secs(1);

/// Between the two readings that give the rates.
const RATE_OVER: Duration = Duration::from_millis(100);

/// Seeing that a switch has gone through its cache.
const SWEEP: Duration = Duration::from_millis(10);

/// A reading of counters that are up to date.
const READING: Duration = Duration::from_millis(15);

/// What a plan is expected to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Forecast {
    /// Rules by what happens to them.
    pub rules: RuleCounts,
    /// How many rounds there are.
    pub rounds: usize,
    /// How many switches get a message.
    pub switches: usize,
    /// From the first flip, or cut, to the last flip.
    pub expected_switch_over_us: Option<u64>,
    /// From the request to the commit.
    pub expected_total_us: Option<u64>,
    /// The least and the most that the drain takes, the least being in the total.
    pub drain_us: [u64; 2],
    /// Packets that may be overtaken, of all flows together.
    pub expected_reordering: Option<u64>,
    /// What the routes don't take with them.
    pub not_carried: Vec<String>,
    /// Why something is not known.
    pub unknown: Vec<String>,
}

/// What was measured for a forecast.
#[derive(Debug, Clone, Default)]
struct Facts {
    /// How long planning took.
    planning: Duration,
    /// The slowest switch's answer to a barrier, or the switch that gave none.
    round_trip: Option<Duration>,
    /// The links' delays, of those that answered.
    delays: BTreeMap<PortRef, Duration>,
    /// Packets a second that the flows send, of those that could be read.
    rates: BTreeMap<FlowId, f64>,
    unknown: Vec<String>,
}

impl Forecast {
    /// For a plan that took so long to make. Measures what the model needs, which changes nothing in the network: bare
    /// barriers, markers, and readings. Takes about 0.2 s, and a second at the most if switches don't answer.
    pub async fn of(network: &Network, planned: &Planned, pace: &Pace, planning: Duration) -> Self {
        let mut facts = Facts {
            planning,
            ..Facts::default()
        };
        let links: BTreeSet<PortRef> = planned
            .flows
            .iter()
            .flat_map(|flow| flow.old.iter().chain([&flow.new]))
            .flat_map(|path| path.links().map(|link| link.src))
            .collect();
        match round_trip(network, planned).await {
            Ok(slowest) => facts.round_trip = Some(slowest),
            Err(why) => facts.unknown.push(why),
        }
        let rates = async {
            let before = sent(network, planned).await;
            tokio::time::sleep(RATE_OVER).await;
            rates(&before, &sent(network, planned).await)
        };
        (facts.delays, facts.rates) = tokio::join!(guard::measured(network, links), rates);
        Self::expected(planned, &facts, |dpid| pace.at(dpid))
    }

    /// The model. Pure.
    fn expected(planned: &Planned, facts: &Facts, pace: impl Fn(DatapathId) -> Duration) -> Self {
        let mut unknown = facts.unknown.clone();
        let took = |rounds: &[Round]| {
            let round_trip = facts.round_trip?;
            let took = |round: &Round| round_trip + work(round, &pace);
            Some(rounds.iter().map(took).sum::<Duration>() + waits(planned, rounds))
        };
        let live = |round: &Round| matches!(round.kind, Kind::Flip | Kind::Cut);
        let last = planned.point_of_no_return();
        let first = planned.rounds.iter().position(live).unwrap_or(last);
        let switching = planned.rounds.get(first..last).unwrap_or_default();
        let drain = drain(planned, facts);
        let reordering = reordering(planned, facts);
        if let Err(why) = &reordering {
            unknown.push(why.clone());
        }
        match guard::carried(planned) {
            0 => {}
            entries => unknown.push(format!(
                "how many of {entries} entries that belong to no route the limits are watched for: those for which \
                 neighbours count what goes in or comes out"
            )),
        }
        let around = facts.planning + guarding(planned) + drain[0];
        let switches: BTreeSet<_> = planned.rounds.iter().flat_map(Round::switches).collect();
        Self {
            rules: planned.rule_counts(),
            rounds: planned.rounds.len(),
            switches: switches.len(),
            expected_switch_over_us: took(switching).map(microseconds),
            expected_total_us: took(&planned.rounds).map(|took| microseconds(took + around)),
            drain_us: drain.map(microseconds),
            expected_reordering: reordering.ok(),
            not_carried: not_carried(planned),
            unknown,
        }
    }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// How many messages each switch gets in a round.
fn batches(round: &Round) -> BTreeMap<DatapathId, usize> {
    let messages = round.messages();
    let batches = messages.batches();
    batches.map(|(dpid, batch)| (dpid, batch.len())).collect()
}

/// What the switch with the most to do needs for a round.
fn work(round: &Round, pace: impl Fn(DatapathId) -> Duration) -> Duration {
    let all = batches(round).into_iter();
    let each = all.map(|(dpid, count)| pace(dpid) * u32::try_from(count).unwrap_or(u32::MAX));
    each.max().unwrap_or(Duration::ZERO)
}

/// What is waited between these rounds.
fn waits(planned: &Planned, rounds: &[Round]) -> Duration {
    if planned.request.algorithm != Algorithm::Clone {
        return Duration::ZERO;
    }
    let pairs = rounds.iter().zip(rounds.iter().skip(1));
    let waiting = pairs.filter(|(_, next)| next.kind == Kind::Flip);
    SWEEP * u32::try_from(waiting.count()).unwrap_or(u32::MAX)
}

/// What watching takes, with limits: what is missing to begin with, and the new ways for a while.
fn guarding(planned: &Planned) -> Duration {
    let limits = planned.request.limits;
    if limits.is_none() || (planned.flows.is_empty() && guard::carried(planned) == 0) {
        return Duration::ZERO;
    }
    limits.watching()
}

/// The least and the most that the drain takes.
fn drain(planned: &Planned, facts: &Facts) -> [Duration; 2] {
    let algorithm = planned.request.algorithm;
    if !algorithm.keeps_counters() || OldWay::of(&planned.flows).is_empty() {
        return [Duration::ZERO; 2];
    }
    let old = planned.flows.iter().filter_map(|flow| flow.old.as_ref());
    let longest = old.filter_map(|path| delay(path, facts)).max();
    let before = match algorithm {
        Algorithm::Move => READING,
        Algorithm::Clone | Algorithm::FreezeCopy => Duration::ZERO,
    };
    let least = before + SWEEP + SILENCE + 2 * READING + longest.unwrap_or(Duration::ZERO);
    [least, planned.request.bounds.drain.max(least)]
}

/// How long a packet takes along a path, if all its links have answered.
fn delay(path: &Path, facts: &Facts) -> Option<Duration> {
    let mut links = path.links();
    links.try_fold(Duration::ZERO, |sum, link| {
        Some(sum + *facts.delays.get(&link.src)?)
    })
}

/// How many packets may be overtaken, or why that isn't known.
fn reordering(planned: &Planned, facts: &Facts) -> Result<u64, String> {
    let mut overtaken = 0.0;
    for flow in &planned.flows {
        let Some(old) = &flow.old else { continue };
        let id = flow.template.id;
        let rate = facts.rates.get(&id).copied();
        let rate = rate.ok_or_else(|| format!("the rate of route {id} could not be read"))?;
        let times = delay(old, facts).zip(delay(&flow.new, facts));
        let (old, new) = times.ok_or_else(|| {
            format!("a link of route {id} has not answered, so its delay is not known")
        })?;
        overtaken += rate * old.saturating_sub(new).as_secs_f64();
    }
    // Rates are counts over a tenth of a second: far within what fits.
    Ok(overtaken.round() as u64)
}

fn not_carried(planned: &Planned) -> Vec<String> {
    let mut all = Vec::new();
    let flows = planned.flows.len();
    if !planned.request.algorithm.keeps_counters() && flows > 0 {
        all.push(format!("the counters of {flows} routes start again"));
    }
    let timed = planned
        .flows
        .iter()
        .filter(|flow| flow.template.hard_timeout > 0);
    match timed.count() {
        0 => {}
        timed => all.push(format!(
            "the hard timeouts of {timed} routes begin anew on switches that are new to them"
        )),
    }
    all
}

/// The slowest answer to a bare barrier, or the switch that gave none.
async fn round_trip(network: &Network, planned: &Planned) -> Result<Duration, String> {
    let mut asked = JoinSet::new();
    for dpid in planned.switches() {
        let silent = format!("switch {dpid} has not answered, so no time is known");
        let Some(switch) = network.switches().get(dpid) else {
            return Err(silent);
        };
        asked.spawn(async move {
            let begun = Instant::now();
            match switch.apply_within(&[], MEASURE_BOUND).await {
                Ok(()) => Ok(begun.elapsed()),
                Err(_) => Err(silent),
            }
        });
    }
    let mut slowest = Duration::ZERO;
    while let Some(answer) = asked.join_next().await {
        let answer = answer.unwrap_or_else(|error| Err(format!("internal error: {error}")));
        slowest = slowest.max(answer?);
    }
    Ok(slowest)
}

/// What the flows' first hops have counted, and when.
type Sent = BTreeMap<FlowId, (Instant, u64)>;

async fn sent(network: &Network, planned: &Planned) -> Sent {
    let old = planned.flows.iter().filter_map(|flow| flow.old.as_ref());
    let firsts: BTreeSet<DatapathId> = old.map(|path| path.source().dpid).collect();
    let mut reading = JoinSet::new();
    for dpid in firsts {
        let Some(switch) = network.switches().get(dpid) else {
            continue;
        };
        let network = network.clone();
        reading.spawn(async move {
            let exact = network.read_exact(&switch, Some(Owner::Routing));
            let rules = tokio::time::timeout(MEASURE_BOUND, exact)
                .await
                .ok()?
                .ok()?;
            Some((dpid, Instant::now(), rules))
        });
    }
    let starts: BTreeMap<FlowId, DatapathId> = planned
        .flows
        .iter()
        .filter_map(|flow| Some((flow.template.id, flow.old.as_ref()?.source().dpid)))
        .collect();
    let mut sent = Sent::new();
    while let Some(read) = reading.join_next().await {
        let Ok(Some((dpid, when, rules))) = read else {
            continue;
        };
        let counts = rules.iter().filter_map(|stats| {
            let id = Owner::Routing.own_part(stats.rule.cookie)?;
            (starts.get(&id) == Some(&dpid)).then_some((id, (when, stats.packets)))
        });
        sent.extend(counts);
    }
    sent
}

fn rates(before: &Sent, after: &Sent) -> BTreeMap<FlowId, f64> {
    let rate = |(id, (then, count)): (&FlowId, &(Instant, u64))| {
        let (at, now) = after.get(id)?;
        let seconds = at.saturating_duration_since(*then).as_secs_f64();
        let packets = now.saturating_sub(*count);
        (seconds > 0.0).then(|| (*id, packets as f64 / seconds))
    };
    before.iter().filter_map(rate).collect()
}

/// How long switches have needed for a message. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    measured: Arc<Mutex<BTreeMap<DatapathId, Duration>>>,
}

impl Pace {
    /// What a switch needs for a message.
    #[must_use]
    pub fn at(&self, dpid: DatapathId) -> Duration {
        let measured = self.measured.lock();
        let measured = measured.unwrap_or_else(PoisonError::into_inner);
        measured.get(&dpid).copied().unwrap_or(FLOOR)
    }

    /// Takes in how long a migration's installs, flips and removals took.
    pub(super) fn learn(&self, migration: &Migration) {
        let Some(planned) = migration
            .plan()
            .filter(|_| migration.took(Phase::Commit).is_some())
        else {
            // What went back has not done all of its rounds.
            return;
        };
        let parts = [
            (Phase::Install, Kind::Install),
            (Phase::Remove, Kind::Remove),
        ];
        for (phase, kind) in parts {
            let rounds = planned.rounds.iter().filter(|round| round.kind == kind);
            if let Some(took) = migration.took(phase) {
                self.take_in(rounds, took);
            }
        }
    }

    /// These rounds together took so long: the switches that had the most to do set their pace.
    fn take_in<'a>(&self, rounds: impl Iterator<Item = &'a Round>, took: Duration) {
        let sizes: Vec<BTreeMap<DatapathId, usize>> = rounds.map(batches).collect();
        let longest = sizes.iter().filter_map(|round| round.values().max());
        let all: usize = longest.sum();
        if all < LEAST_MEASURED || sizes.len() * LEAST_MEASURED > all {
            return;
        }
        let each = took / u32::try_from(all).unwrap_or(u32::MAX);
        let measured = self.measured.lock();
        let mut measured = measured.unwrap_or_else(PoisonError::into_inner);
        for round in &sizes {
            let most = round.values().max();
            for (&dpid, _) in round.iter().filter(|(_, count)| Some(*count) == most) {
                let pace = measured.entry(dpid).or_insert(each);
                *pace = (*pace + each) / 2;
            }
        }
    }
}

#[cfg(test)]
mod tests;
