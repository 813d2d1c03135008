//! The task of a guard: it measures the delays, pairs the counters, and reads them until a limit is crossed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_controller::{Network, Owner};
use godwit_openflow::model::FlowStats;
use godwit_openflow::types::DatapathId;
use godwit_topology::{Path, PortRef};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::entries::{self, Held, Pairs};
use super::judge::{Judge, Sample, Watch};
use super::sums::{Answer, Sums};
use super::{Crossed, DELAY_MARGIN, Limits, Seen, carried};
use crate::migration::planning::Planned;
use crate::migration::transplant::Stand;
use crate::plan::FlowId;

/// How long one reading of a switch may take. 100,000 rules take half a second.
const READING_BOUND: Duration = Duration::from_secs(2);

/// A guard that has seen nothing for so long can't keep what it promised: the migration goes back.
const BLIND_BOUND: Duration = Duration::from_secs(5);

/// How long a marker may take over one link; a link that doesn't answer is taken to be that slow.
const MARKER_BOUND: Duration = Duration::from_millis(500);

/// The longest delay of a path that is believed. What comes later counts as lost while it is under way.
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// Where the flows begin and end, and the links that they take.
#[derive(Debug, Default)]
pub(super) struct Ends {
    switches: BTreeMap<DatapathId, Roles>,
    /// Each flow's links on its old path, and on its new one.
    paths: BTreeSet<Vec<PortRef>>,
    pub(super) flows: usize,
}

/// Which flows begin and end at a switch.
#[derive(Debug, Default)]
struct Roles {
    first: BTreeSet<FlowId>,
    last: BTreeSet<FlowId>,
}

impl Ends {
    pub(super) fn of(planned: &Planned) -> Self {
        let mut ends = Self::default();
        for flow in &planned.flows {
            let (first, last) = (flow.new.source().dpid, flow.new.destination().dpid);
            let same = |old: &Path| old.source().dpid == first && old.destination().dpid == last;
            let Some(old) = flow.old.as_ref().filter(|old| same(old)) else {
                continue;
            };
            // On one switch there is one counter, and nothing can get lost between.
            if first == last {
                continue;
            }
            let id = flow.template.id;
            ends.switches.entry(first).or_default().first.insert(id);
            ends.switches.entry(last).or_default().last.insert(id);
            for path in [old, &flow.new] {
                ends.paths
                    .insert(path.links().map(|link| link.src).collect());
            }
            ends.flows += 1;
        }
        ends
    }

    fn ids(&self) -> BTreeSet<FlowId> {
        let firsts = self.switches.values().flat_map(|roles| &roles.first);
        firsts.copied().collect()
    }
}

/// Whether the guard sees anything.
struct Sight {
    /// When the last reading was asked for that was complete.
    asked: Option<Instant>,
    /// The longest time from one reading to the next.
    apart: Duration,
    /// Since when there is nothing to be seen of something, and of what.
    blind: Option<String>,
    since: Instant,
    is_ready: bool,
}

impl Sight {
    const fn new(now: Instant) -> Self {
        Self {
            asked: None,
            apart: Duration::ZERO,
            blind: None,
            since: now,
            is_ready: false,
        }
    }

    /// A reading was complete; `unknown` is a flow whose rules were never in one.
    fn seen(&mut self, asked: Instant, apart: Duration, unknown: Option<String>) {
        self.asked = Some(asked);
        self.apart = self.apart.max(apart);
        self.is_ready |= unknown.is_none();
        match unknown.filter(|_| !self.is_ready) {
            Some(name) => self.blind = Some(format!("the counters of {name}")),
            None => {
                self.blind = None;
                self.since = asked;
            }
        }
    }

    /// A reading was not complete.
    fn missed(&mut self, what: String) {
        self.blind = Some(what);
    }

    /// Who has seen nothing for too long can't vouch for anything.
    fn lost(&self) -> Option<Crossed> {
        let what = self.blind.as_ref()?;
        let too_long = self.since.elapsed() > BLIND_BOUND;
        too_long.then(|| Crossed(format!("the limits can't be watched: {what} can't be read")))
    }
}

/// What the task has.
pub(super) struct Watcher {
    pub(super) network: Network,
    pub(super) limits: Limits,
    pub(super) planned: Arc<Planned>,
    pub(super) ends: Ends,
    pub(super) tell: watch::Sender<Seen>,
}

impl Watcher {
    pub(super) async fn run(self) {
        let (delay, pairs) = tokio::join!(self.delay(), self.pairs());
        let mut judge = Judge::new(self.limits, delay, self.ends.ids());
        let mut sight = Sight::new(Instant::now());
        let pairs = match pairs {
            Ok(pairs) => pairs,
            Err(dpid) => {
                let what = format!("the counters of switch {dpid}");
                self.tell.send_modify(|seen| {
                    seen.crossed = Some(Crossed(format!(
                        "the limits can't be watched: {what} can't be read"
                    )));
                });
                return;
            }
        };
        if carried(&self.planned) > 0 {
            let (entries, pairs) = (carried(&self.planned), pairs.pairs.len());
            tracing::info!(
                entries,
                pairs,
                "entries that belong to no route are watched"
            );
        }
        if self.ends.flows == 0 && pairs.pairs.is_empty() {
            self.tell.send_modify(|seen| seen.is_blank = true);
            return;
        }
        judge.watch_entries(pairs.pairs.iter().map(|pair| pair.name.clone()).collect());
        let mut sums = Sums::new(pairs);
        loop {
            let asked = Instant::now();
            let unread = self.read(&mut judge, &mut sums).await;
            let took = asked.elapsed();
            let pause = self.limits.interval().max(took);
            match unread {
                None => {
                    let unknown = judge.unknown().map(|unknown| judge.name(unknown));
                    sight.seen(asked, took + pause, unknown);
                }
                Some(dpid) => sight.missed(format!("the counters of switch {dpid}")),
            }
            let crossed = judge.crossed().or_else(|| sight.lost());
            let is_over = crossed.is_some();
            self.tell.send_modify(|seen| {
                seen.is_ready |= judge.is_ready();
                seen.asked = sight.asked;
                seen.window = judge.window(sight.apart);
                seen.crossed = crossed;
            });
            if is_over {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// How late a packet may come out that went in, by any of the paths: the delays of the links, twice for what stands
    /// in their queues.
    async fn delay(&self) -> Duration {
        let hops = self.hops();
        let paths = || self.ends.paths.iter().chain(&hops);
        let links: BTreeSet<PortRef> = paths().flatten().copied().collect();
        let delays = measured(&self.network, links).await;
        let of_link = |port: &PortRef| match delays.get(port) {
            Some(&delay) => 2 * delay,
            None => MARKER_BOUND,
        };
        let longest = paths().map(|path| path.iter().map(of_link).sum()).max();
        (longest.unwrap_or(Duration::ZERO) + DELAY_MARGIN).min(LONGEST_DELAY)
    }

    /// The links that packets take from one counter of entries to the next; those of detours all together.
    fn hops(&self) -> Vec<Vec<PortRef>> {
        let Some(transplant) = &self.planned.transplant else {
            return Vec::new();
        };
        let topology = self.network.topology();
        let ends = self.planned.request.left_and_taking().into_iter().flatten();
        let links = ends.flat_map(|dpid| topology.graph().usable_from(dpid));
        let hops = links.flat_map(|link| [vec![link.src], vec![link.dst]]);
        let by_label = |stand: &Stand| matches!(stand, Stand::Detour { .. });
        let detours = transplant.ports.ports.values().any(by_label);
        let detours = detours.then(|| transplant.links.iter().map(|link| link.src).collect());
        hops.chain(detours).collect()
    }

    /// The counters that tell of entries that belong to no route, or a switch that could not be read.
    async fn pairs(&self) -> Result<Pairs, DatapathId> {
        let topology = self.network.topology();
        let switches = entries::switches(topology.graph(), &self.planned);
        let wanted = switches.into_iter().filter(|_| carried(&self.planned) > 0);
        let (answers, unread) = self.ask(wanted.map(|dpid| (dpid, None)).collect()).await;
        if let Some(dpid) = unread {
            return Err(dpid);
        }
        let held = answers.into_iter();
        let held: Held = held.map(|(dpid, answer)| (dpid, answer.rules)).collect();
        Ok(Pairs::of(topology.graph(), &self.planned, &held))
    }

    /// One reading of every switch. Gives one that could not be read.
    async fn read(&self, judge: &mut Judge, sums: &mut Sums) -> Option<DatapathId> {
        let routes = self.ends.switches.keys();
        let mut wanted: BTreeMap<DatapathId, Option<Owner>> =
            routes.map(|dpid| (*dpid, Some(Owner::Routing))).collect();
        wanted.extend(sums.switches().map(|dpid| (dpid, None)));
        let (answers, unread) = self.ask(wanted).await;
        for (dpid, answer) in &answers {
            self.take_in(*dpid, answer.when, &answer.rules, judge);
        }
        sums.take(&answers, judge);
        unread
    }

    /// Asks switches, all at once, for all of their entries or those of one owner.
    async fn ask(
        &self,
        wanted: BTreeMap<DatapathId, Option<Owner>>,
    ) -> (BTreeMap<DatapathId, Answer>, Option<DatapathId>) {
        let mut reading = JoinSet::new();
        let mut unread = None;
        let mut answers = BTreeMap::new();
        for (dpid, owner) in wanted {
            let Some(switch) = self.network.switches().get(dpid) else {
                unread = Some(dpid);
                continue;
            };
            let network = self.network.clone();
            reading.spawn(async move {
                let asked = Instant::now();
                let exact = network.read_exact(&switch, owner);
                let read = tokio::time::timeout(READING_BOUND, exact).await;
                (dpid, [asked, Instant::now()], read)
            });
        }
        while let Some(result) = reading.join_next().await {
            match result {
                Ok((dpid, when, Ok(Ok(rules)))) => _ = answers.insert(dpid, Answer { when, rules }),
                Ok((dpid, ..)) => unread = Some(dpid),
                Err(error) => tracing::error!(%error, "reading counters ended abnormally"),
            }
        }
        (answers, unread)
    }

    fn take_in(
        &self,
        dpid: DatapathId,
        [asked, answered]: [Instant; 2],
        rules: &[FlowStats],
        judge: &mut Judge,
    ) {
        let Some(roles) = self.ends.switches.get(&dpid) else {
            return;
        };
        for stats in rules {
            let Some(id) = Owner::Routing.own_part(stats.rule.cookie) else {
                continue;
            };
            let sample = Sample {
                asked,
                answered,
                packets: stats.packets,
                age_ns: stats.duration_ns,
            };
            if roles.first.contains(&id) {
                judge.first(Watch::Route(id), sample);
            }
            if roles.last.contains(&id) {
                judge.last(Watch::Route(id), sample);
            }
        }
    }
}

/// How long a marker takes over each of these links, from when it is asked for until the other end has reported it.
/// Links that don't answer within half a second are left out.
pub(in crate::migration) async fn measured(
    network: &Network,
    links: impl IntoIterator<Item = PortRef>,
) -> BTreeMap<PortRef, Duration> {
    let mut waiting = JoinSet::new();
    for port in links {
        let sent = Instant::now();
        let arrived = network.marker(port).await;
        waiting.spawn(async move {
            let arrived = tokio::time::timeout(MARKER_BOUND, arrived).await;
            arrived.ok()?.ok()?;
            Some((port, sent.elapsed()))
        });
    }
    let mut delays = BTreeMap::new();
    while let Some(measured) = waiting.join_next().await {
        delays.extend(measured.ok().flatten());
    }
    delays
}
