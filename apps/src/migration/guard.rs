//! Limits on what a migration may cost, watched while it runs.
//!
//! The guard reads the counters of the first and the last hop of every flow that moves, over and over, and lays what
//! went in beside what came out (`judge`). It sends no probe to a host and says only what is certain: so many packets
//! *at least* have been lost; for so long *at least* has a flow that is sent delivered nothing. Crossing a limit takes
//! the migration back, as long as there is a way back: so after the last flip the new ways are watched for a while
//! ([`Guard::proven`]) before the way back is given up.
//!
//! **What it can tell.** A reading takes some 25 ms (a nudge, 20 ms, the answer). The next begins 20 ms later, or a
//! quarter of the silence that is allowed. A switch that is short of processor time credits its rules up to 100 ms late
//! even when nudged (`CREDIT`). What the flows carry in that time can't be told from what is lost: a loss is seen when
//! it exceeds the limit, 0 or another, by what they carry in 0.2 s, four readings and twice the delay of the slowest path:
//! in about 0.4 s. A way that loses less than every second packet may thus be found too late to go back. If nothing comes
//! through any more, that is seen in half a second. A silence is seen when it has lasted
//! 0.2 s, twice that delay and six readings longer than is allowed. The delay is measured by markers before the first
//! round.
//!
//! **What it costs.** Nothing without limits. With them 0.2 s before the first round and [the window](Guard::proven)
//! after the last flip, a second or more; and one nudged reading of each first and last hop at a time, all of them at
//! once: about 5 ms of a switch's processor for 1,000 rules. It never reads for more than half of the time.
//!
//! **What belongs to no route** has no first and last hop that is known; its counters are paired hop by hop instead, as far
//! as that is certain (`entries`). What can't be paired is not watched. On the switches concerned all entries are read.

mod entries;
mod judge;
mod sums;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_controller::{Network, Owner};
use godwit_openflow::model::FlowStats;
use godwit_openflow::types::DatapathId;
use godwit_topology::{Path, PortRef};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use entries::{Held, Pairs};
use judge::{CREDIT, Judge, Sample, Watch};
use sums::{Answer, Sums};

use super::planning::Planned;
use super::transplant::Stand;
use crate::plan::FlowId;
use crate::routing::Routing;

/// The shortest silence that can be told from a switch that credits its counters late.
pub const LEAST_SILENCE: Duration = CREDIT;

/// The longest silence that is watched for: a minute. Whoever can bear more needs no guard.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// The shortest time between two readings: a reading takes as long.
const LEAST_INTERVAL: Duration = Duration::from_millis(20);

/// How long one reading of a switch may take. 100,000 rules take half a second.
const READING_BOUND: Duration = Duration::from_secs(2);

/// A guard that has seen nothing for so long can't keep what it promised: the migration goes back.
const BLIND_BOUND: Duration = Duration::from_secs(5);

/// How long a marker may take over one link; a link that doesn't answer is taken to be that slow.
const MARKER_BOUND: Duration = Duration::from_millis(500);

/// What is added to the measured delays: a switch that isn't scheduled.
const DELAY_MARGIN: Duration = Duration::from_millis(20);

/// The longest delay of a path that is believed. What comes later counts as lost while it is under way.
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// What the traffic that moves may suffer at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Packets lost, of all flows together.
    pub max_loss_packets: Option<u64>,
    /// Milliseconds in which a flow that is sent delivers nothing.
    pub max_silence_ms: Option<u64>,
}

impl Limits {
    /// Whether there is nothing to watch for.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.max_loss_packets.is_none() && self.max_silence_ms.is_none()
    }

    /// About how long watching keeps a migration up: until it is known what is missing to begin with, and the window
    /// after the last flip, on links without delay.
    pub(super) fn watching(self) -> Duration {
        let apart = self.interval() + LEAST_INTERVAL;
        2 * CREDIT + Judge::new(self, DELAY_MARGIN, []).window(apart)
    }

    /// The time between two readings.
    fn interval(&self) -> Duration {
        let silence = self.max_silence_ms.map(Duration::from_millis);
        silence.map_or(LEAST_INTERVAL, |silence| (silence / 4).max(LEAST_INTERVAL))
    }
}

/// A limit that was crossed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Crossed(pub String);

/// Watches the flows of a migration from when it is made until it is dropped.
#[derive(Debug, Default)]
pub struct Guard {
    /// `None` where there is nothing to watch.
    watching: Option<Watching>,
}

#[derive(Debug)]
struct Watching {
    seen: watch::Receiver<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What has been seen by now.
#[derive(Debug, Clone, Default)]
struct Seen {
    /// Whether it is known what was missing before anything was changed.
    is_ready: bool,
    /// Whether there is nothing that can be watched.
    is_blank: bool,
    /// When the last complete reading was asked for.
    asked: Option<Instant>,
    /// How long after a change what it does to the flows is seen for certain.
    window: Duration,
    crossed: Option<Crossed>,
}

impl Guard {
    /// Begins to watch what a plan moves, if there are limits: its routes, and of what belongs to no route what the
    /// counters can tell of.
    #[must_use]
    pub fn start(routing: &Routing, planned: &Arc<Planned>) -> Self {
        let limits = planned.request.limits;
        let ends = Ends::of(planned);
        if limits.is_none() || (ends.flows == 0 && carried(planned) == 0) {
            return Self::default();
        }
        let (tell, seen) = watch::channel(Seen::default());
        let watcher = Watcher {
            network: routing.network().clone(),
            limits,
            planned: Arc::clone(planned),
            ends,
            tell,
        };
        let task = tokio::spawn(watcher.run());
        Self {
            watching: Some(Watching { seen, task }),
        }
    }

    /// Resolves when it is known what was missing before anything is changed, or a limit is crossed. Without waiting for
    /// it, what is lost until then goes unseen.
    pub async fn ready(&self) {
        self.until(|seen| seen.is_ready).await;
    }

    /// A limit that has been crossed by now.
    #[must_use]
    pub fn crossed(&self) -> Option<Crossed> {
        let seen = self.watching.as_ref()?.seen.borrow();
        seen.crossed.clone()
    }

    /// Resolves when a limit is crossed.
    pub async fn wait(&self) -> Crossed {
        match self.until(|_| false).await {
            Some(crossed) => crossed,
            None => std::future::pending().await,
        }
    }

    /// Resolves when everything that the changes until `since` do to the flows has been seen: with nothing if they may
    /// stay, else with the limit that is crossed. To be waited for before the way back is given up.
    pub async fn proven(&self, since: Instant) -> Option<Crossed> {
        self.until(|seen| seen.asked.is_some_and(|asked| asked >= since + seen.window))
            .await
    }

    /// Waits until `enough` has been seen, or a limit is crossed. Nothing without a limit.
    async fn until(&self, enough: impl Fn(&Seen) -> bool) -> Option<Crossed> {
        let mut seen = self.watching.as_ref()?.seen.clone();
        let waited = seen.wait_for(|seen| seen.crossed.is_some() || seen.is_blank || enough(seen));
        match waited.await {
            Ok(seen) => seen.crossed.clone(),
            Err(_) => Some(Crossed("internal error: the guard has ended".to_owned())),
        }
    }
}

/// How many entries move that belong to no route under limits. Which of them can be watched is known when it begins.
pub(super) fn carried(planned: &Planned) -> usize {
    let transplant = planned.transplant.as_ref();
    let transplant = transplant.filter(|_| !planned.request.limits.is_none());
    transplant.map_or(0, |transplant| transplant.rules.len())
}

/// Where the flows begin and end, and the links that they take.
#[derive(Debug, Default)]
struct Ends {
    switches: BTreeMap<DatapathId, Roles>,
    /// Each flow's links on its old path, and on its new one.
    paths: BTreeSet<Vec<PortRef>>,
    flows: usize,
}

/// Which flows begin and end at a switch.
#[derive(Debug, Default)]
struct Roles {
    first: BTreeSet<FlowId>,
    last: BTreeSet<FlowId>,
}

impl Ends {
    fn of(planned: &Planned) -> Self {
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
struct Watcher {
    network: Network,
    limits: Limits,
    planned: Arc<Planned>,
    ends: Ends,
    tell: watch::Sender<Seen>,
}

impl Watcher {
    async fn run(self) {
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
pub(super) async fn measured(
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
