//! The script of a migration, as far as it may still go back.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use godwit_controller::RoundError;
use godwit_openflow::model::FlowRule;
use godwit_openflow::types::DatapathId;
use godwit_topology::{Link, PortRef};

use super::{AGAIN, Halt, Halted, Job};
use crate::migration::drain::{Counts, OldWay};
use crate::migration::record::{Migration, Phase};
use crate::migration::request::Algorithm;
use crate::plan::{Kind, Round, Step};

/// How long a switch of the new ways that is gone is waited for before its rules are relied on: Open vSwitch tries to
/// connect again after 8 s at the latest.
const RETURN: Duration = Duration::from_secs(10);

/// How long its links may take to be found again: probes go out every 5 s.
const FOUND: Duration = Duration::from_secs(6);

impl Job {
    /// The script. The algorithms differ in their rounds (`strategy`) and in what is read when.
    ///
    /// | freeze-copy | move | clone | here |
    /// |---|---|---|---|
    /// | 1 freeze, 2 read flows, 3 out of the graph | the same | 1 freeze, 2 read flows | `Migrations::prepare` |
    /// | | 2b read counters | | `read_before_cut` |
    /// | 4 remove at the source, 5 route, 6 install | the same | 3 install everything, 4 flip | `live` |
    /// | | 7 restore counters | 5 wait for rest | `drain` |
    /// | | | 6 remove | `finish` |
    pub(super) async fn forward(&self, migration: &Migration) -> Result<(), Halted> {
        let last_live = self.planned.point_of_no_return();
        let (live, rest) = self.planned.rounds.split_at(last_live);
        self.begin_others();
        self.guard.ready().await;
        self.read_before_cut(migration).await?;
        let install = |round: &Round| round.kind == Kind::Install;
        let installed = live.iter().rposition(install).map_or(0, |last| last + 1);
        let mut previous: Option<&Round> = None;
        for (index, round) in live.iter().enumerate() {
            self.may_go_on(migration)
                .map_err(|why| Halted { done: index, why })?;
            tokio::try_join!(
                self.confirm(migration, index, previous, round),
                self.read_back(live, installed, index),
            )?;
            self.apply(migration, index, round).await?;
            previous = Some(round);
        }
        self.read_back(live, installed, last_live).await?;
        let flipped = Instant::now();
        let halted = |why| Halted {
            done: last_live,
            why,
        };
        // Until the new ways have proven themselves there is a way back.
        if let Some(crossed) = self.guard.proven(flipped).await {
            return Err(halted(Halt::Guard(crossed)));
        }
        self.may_go_on(migration).map_err(halted)?;
        if !migration.pass_point_of_no_return() {
            return Err(halted(Halt::Cancelled));
        }
        self.drain(migration).await.map_err(halted)?;
        self.remove(migration, rest).await;
        Ok(())
    }

    /// Before anything more is turned over to the new ways.
    fn may_go_on(&self, migration: &Migration) -> Result<(), Halt> {
        if migration.is_cancelled() {
            return Err(Halt::Cancelled);
        }
        if let Some(crossed) = self.guard.crossed() {
            return Err(Halt::Guard(crossed));
        }
        self.check_unchanged()
    }

    /// Is what was installed on the new ways still there? A switch that has come back may have come back empty.
    fn check_unchanged(&self) -> Result<(), Halt> {
        for &(dpid, before) in &self.connections {
            if self.connection(dpid) != before {
                return Err(Halt::Changed(format!("switch {dpid} was away")));
            }
        }
        self.dead_link().map_or(Ok(()), Err)
    }

    fn dead_link(&self) -> Option<Halt> {
        let topology = self.network().topology();
        let mut links = self.planned.flows.iter().flat_map(|flow| flow.new.links());
        let dead = |link: &Link| !topology.graph().is_usable(link);
        let Link { src, dst, .. } = links.find(dead)?;
        Some(Halt::Changed(format!(
            "the link from {src} to {dst} is gone"
        )))
    }

    /// `move`, step 2b: the source's counters, before its rules are removed with traffic still coming.
    async fn read_before_cut(&self, migration: &Migration) -> Result<(), Halted> {
        if self.planned.request.algorithm != Algorithm::Move {
            return Ok(());
        }
        let _timer = migration.phase(Phase::Read);
        let way = OldWay::of(&self.planned.flows).with(
            &self.others.rules,
            &self.old_ports(),
            &BTreeSet::new(),
        );
        let way = way.counting(&self.others.shared);
        let counts = way.read(self.network()).await;
        let written = self.write_counts(&counts).await;
        written.map_err(|error| Halted {
            done: 0,
            why: Halt::Journal(error),
        })?;
        self.take_in(&counts.routes);
        self.take_in_others(migration, &counts.others);
        self.take_in_shared(&counts);
        Ok(())
    }

    /// What a flip relies on has to be in force in the switches' caches too. It may rely on the flip before: until a
    /// cache has been gone through, packets may still leave by the old way and would meet this flip from the wrong side.
    /// And a switch that it leads to may have seen such packets before it had a rule for them, of another route or of
    /// this one, and still have in its cache that they go nowhere.
    async fn confirm(
        &self,
        migration: &Migration,
        index: usize,
        previous: Option<&Round>,
        next: &Round,
    ) -> Result<(), Halted> {
        let Some(previous) = previous.filter(|_| next.kind == Kind::Flip) else {
            return Ok(());
        };
        if self.planned.request.algorithm != Algorithm::Clone {
            return Ok(());
        }
        let _timer = migration.phase(Phase::Confirm);
        tokio::select! {
            () = self.network().sweep_all(previous.switches()) => Ok(()),
            crossed = self.guard.wait() => Err(Halted { done: index, why: Halt::Guard(crossed) }),
        }
    }

    async fn apply(
        &self,
        migration: &Migration,
        index: usize,
        round: &Round,
    ) -> Result<(), Halted> {
        let kind = round.kind;
        let _timer = migration.phase(phase(kind));
        if kind == Kind::Cut {
            self.expect_removals(&self.others.rules);
        }
        let (switches, deadline) = (
            self.network().switches(),
            self.planned.request.bounds.deadline,
        );
        let applied: Result<(), RoundError> = self
            .in_time(round)
            .messages()
            .apply_within(switches, deadline)
            .await;
        applied.map_err(|source| Halted {
            done: index + 1,
            why: Halt::Refused {
                index,
                kind,
                source,
            },
        })
    }

    /// The round as it is to be sent now: of routes that end at a certain time, rules get what is left of it.
    pub(super) fn in_time<'a>(&self, round: &'a Round) -> Cow<'a, Round> {
        let ends = |rule: &FlowRule| rule.hard_timeout > 0;
        let rules = |step: &Step| step.before.iter().chain(&step.after).any(ends);
        if !round.steps.iter().any(rules) {
            return Cow::Borrowed(round);
        }
        let mut round = round.clone();
        for step in &mut round.steps {
            let left = self.routing.table().remaining(step.flow);
            let rules = step.before.iter_mut().chain(&mut step.after);
            for rule in rules.filter(|rule| ends(rule)) {
                rule.hard_timeout = left.unwrap_or(1);
            }
        }
        Cow::Owned(round)
    }

    /// `clone`, step 5, and the last look before there is no way back. That the last flip is done is written down
    /// while the old way comes to rest.
    pub(super) async fn drain(&self, migration: &Migration) -> Result<(), Halt> {
        let timer = migration.phase(Phase::Drain);
        let (past, counts) = tokio::select! {
            both = async { tokio::join!(self.journal.past(), self.old_way_at_rest()) } => both,
            crossed = self.guard.wait() => return Err(Halt::Guard(crossed)),
        };
        if let Some(crossed) = self.guard.crossed() {
            return Err(Halt::Guard(crossed));
        }
        self.check_alive().await?;
        drop(timer);
        let written = match past {
            Ok(()) => self.write_counts(&counts).await,
            failed => failed,
        };
        if let Err(error) = written {
            // What is in memory carries it to its end, which is tried to be written down until it is.
            tracing::error!(id = migration.id(), %error, "the journal can't be written; the migration goes on without");
        }
        self.take_in(&counts.routes);
        self.take_in_others(migration, &counts.others);
        self.take_in_shared(&counts);
        self.adopt_late_writes(migration, &counts).await;
        Ok(())
    }

    /// The switches that turn flows from one way to the other.
    pub(super) fn turned(&self) -> BTreeSet<DatapathId> {
        let (live, _) = self
            .planned
            .rounds
            .split_at(self.planned.point_of_no_return());
        let turning = live.iter().filter(|round| round.kind != Kind::Install);
        turning.flat_map(Round::switches).collect()
    }

    /// Waits until the old way is empty, and gives its final counts.
    pub(super) async fn old_way_at_rest(&self) -> Counts {
        let [left, _] = self.planned.request.left_and_taking();
        let flows = &self.planned.flows;
        let way = left.map_or_else(
            || OldWay::of(flows),
            |left| {
                let busy = self.entered_by_others(left);
                OldWay::off(flows, left, &busy)
                    .with(&self.others.rules, &self.old_ports(), &busy)
                    .counting(&self.others.shared)
            },
        );
        if way.is_empty() || !self.planned.request.algorithm.keeps_counters() {
            return Counts::default();
        }
        let bound = self.planned.request.bounds.drain;
        let turned = self.turned();
        way.rest(self.network(), turned, bound).await.counts
    }

    /// A process that was stopped for a while, or was busy, may not have heard yet that a link has died. What a switch
    /// said before it answers a barrier has been heard when that answer is. Those that have gone away meanwhile, as they
    /// do when they hear nothing, are given time to return and their links to be found again.
    async fn check_alive(&self) -> Result<(), Halt> {
        let flows = self.planned.flows.iter();
        let switches: BTreeSet<DatapathId> = flows.flat_map(|flow| flow.new.switches()).collect();
        let mut barriers = tokio::task::JoinSet::new();
        for &dpid in &switches {
            let switch = self.network().switches().get(dpid);
            barriers.spawn(async move {
                match switch {
                    Some(switch) => switch.apply(&[]).await.is_ok(),
                    None => false,
                }
            });
        }
        let mut all_answered = true;
        while let Some(answered) = barriers.join_next().await {
            all_answered &= answered.unwrap_or(false);
        }
        let was_away = |(dpid, before): &(DatapathId, Option<u64>)| {
            switches.contains(dpid) && self.connection(*dpid) != *before
        };
        let was_away = !all_answered || self.connections.iter().any(was_away);
        if was_away && !self.found_again(&switches).await {
            tracing::warn!("switches of the new ways are away; the migration goes on without them");
            return Ok(());
        }
        self.dead_link().map_or(Ok(()), Err)
    }

    /// Whether all these switches come back. Their links are waited for then.
    async fn found_again(&self, switches: &BTreeSet<DatapathId>) -> bool {
        let here = async {
            loop {
                // One that has just gone may still be listed.
                tokio::time::sleep(AGAIN).await;
                if switches.iter().all(|dpid| self.connection(*dpid).is_some()) {
                    return;
                }
            }
        };
        if tokio::time::timeout(RETURN, here).await.is_err() {
            return false;
        }
        let found = async {
            while self.dead_link().is_some() {
                tokio::time::sleep(AGAIN).await;
            }
        };
        // One that is not found by then is gone.
        _ = tokio::time::timeout(FOUND, found).await;
        true
    }

    /// Ports of a switch by which routes come in that stay there, or will when this is done. At a source there are
    /// none; a target that is left again may have routes of its own.
    pub(super) fn entered_by_others(&self, dpid: DatapathId) -> BTreeSet<PortRef> {
        let flows = &self.planned.flows;
        let leaving: BTreeSet<_> = flows.iter().map(|flow| flow.template.id).collect();
        let mut ports = BTreeSet::new();
        let hops = flows.iter().filter_map(|flow| flow.new.hop_at(dpid));
        ports.extend(hops.map(|hop| PortRef::new(dpid, hop.in_port)));
        self.routing.table().for_each(|id, route| {
            if !leaving.contains(&id) {
                let paths = route.paths().iter();
                let hops = paths.filter_map(|path| path.hop_at(dpid));
                ports.extend(hops.map(|hop| PortRef::new(dpid, hop.in_port)));
            }
        });
        ports
    }
}

const fn phase(kind: Kind) -> Phase {
    match kind {
        Kind::Install => Phase::Install,
        Kind::Flip => Phase::Flip,
        Kind::Cut => Phase::Cut,
        Kind::Remove => Phase::Remove,
    }
}
