//! The audit: what switches hold is compared with what all owners want, now and again, so that rules which somebody
//! removes or changes behind the controller's back are put right, and rules which somebody adds are reported.
//!
//! | file | what it does |
//! |---|---|
//! | `judge` | what is wrong and what is nobody's; pure |
//! | `patience` | how often a rule is put right that does not stay so; pure |
//! | `look` | one audit of one switch |
//! | `repair` | putting right, while nobody else writes |
//! | `shared` | the same of groups and meters |
//! | `report` | what is kept of it |
//! | `settings` | the section of the configuration |
//!
//! Rules of others are never touched. A switch whose work is being moved is left alone, and so is one that was not compared
//! yet since it connected.
//!
//! # No rule is put back that was just taken away
//!
//! A first look finds what is wrong, a second one confirms it a moment later. For the second, and until what is sent is
//! confirmed, nobody else changes what the switch should hold, or holds of it:
//!
//! - owners [hold still](crate::App::held_still) what is wrong: the routes concerned are leased;
//! - nobody [settles](crate::Network::settle) rules of those apps;
//! - REST and apps wait before they [write](crate::held::HeldWrites::put_right) to that switch;
//! - no migration [plans](crate::App::is_moving), or has the switch.

mod judge;
mod look;
mod patience;
mod repair;
mod report;
mod settings;
mod shared;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use godwit_openflow::model::OwnedIdentity;
use godwit_openflow::types::{Cookie, DatapathId};
use tokio::sync::OwnedMutexGuard;
use tokio::time::MissedTickBehavior;

use crate::hosting::Apps;
use crate::metrics::write_metric;
use crate::network::Network;
use crate::switch::SwitchHandle;

use patience::Patience;
pub(crate) use report::{Outcome, Repair, RepairKind, Report, SharedRepair, Unmended};
pub use settings::{CookieMask, RulesSettings};

/// The audits. Clones are the same.
#[derive(Clone)]
pub(crate) struct Audits {
    inner: Arc<Inner>,
}

struct Inner {
    network: Network,
    apps: Apps,
    settings: RulesSettings,
    turns: Mutex<HashMap<DatapathId, Arc<tokio::sync::Mutex<Memory>>>>,
    reports: Mutex<BTreeMap<DatapathId, Report>>,
    counts: Counts,
}

/// What is remembered of a switch from one audit to the next. Locked while there is one.
#[derive(Debug, Default)]
struct Memory {
    patience: Patience,
    /// Rules of others that were told of.
    told: HashSet<(OwnedIdentity, Cookie)>,
}

#[derive(Debug, Default)]
struct Counts {
    audits: AtomicU64,
    skipped: AtomicU64,
    failures: AtomicU64,
    restored: AtomicU64,
    mended: AtomicU64,
    refused: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every operation leaves what is locked whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn count(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}

impl Audits {
    pub(crate) fn new(network: Network, apps: Apps, settings: RulesSettings) -> Self {
        let inner = Inner {
            network,
            apps,
            settings,
            turns: Mutex::default(),
            reports: Mutex::default(),
            counts: Counts::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(crate) fn network(&self) -> &Network {
        &self.inner.network
    }

    pub(crate) fn settings(&self) -> &RulesSettings {
        &self.inner.settings
    }

    /// Audits at the interval of the settings, for ever.
    pub(crate) async fn run(self) {
        let Some(interval) = self.settings().interval() else {
            return std::future::pending().await;
        };
        let mut clock = tokio::time::interval(interval);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            clock.tick().await;
            self.round(interval / 2);
        }
    }

    /// Begins an audit of every switch that is under none, one after the other within this time.
    fn round(&self, within: Duration) {
        let switches = self.network().switches().list();
        self.forget_absent();
        let count_of_all = u32::try_from(switches.len()).unwrap_or(u32::MAX).max(1);
        for (index, switch) in (0..).zip(switches) {
            let this = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(within / count_of_all * index).await;
                if let Ok(turn) = this.turn(switch.dpid()).try_lock_owned() {
                    this.audit_in(turn, &switch, false).await;
                }
            });
        }
    }

    /// Audits a switch now, and gives what was found. Also what is put right only now and again otherwise is.
    pub(crate) async fn audit(&self, switch: &SwitchHandle) -> Option<Report> {
        let (this, switch) = (self.clone(), switch.clone());
        // On its own: who asked may go away.
        let audited = tokio::spawn(async move {
            let turn = this.turn(switch.dpid()).lock_owned().await;
            this.audit_in(turn, &switch, true).await;
            this.report(switch.dpid())
        });
        audited.await.ok().flatten()
    }

    /// Audits all connected switches now.
    pub(crate) async fn audit_all(&self) {
        let mut under_way = tokio::task::JoinSet::new();
        for switch in self.network().switches().list() {
            let this = self.clone();
            under_way.spawn(async move { this.audit(&switch).await });
        }
        while under_way.join_next().await.is_some() {}
    }

    /// What the last audit of a switch has found.
    pub(crate) fn report(&self, dpid: DatapathId) -> Option<Report> {
        lock(&self.inner.reports).get(&dpid).cloned()
    }

    /// The same of all connected switches.
    pub(crate) fn reports(&self) -> Vec<Report> {
        self.forget_absent();
        lock(&self.inner.reports).values().cloned().collect()
    }

    fn turn(&self, dpid: DatapathId) -> Arc<tokio::sync::Mutex<Memory>> {
        Arc::clone(lock(&self.inner.turns).entry(dpid).or_default())
    }

    fn forget_absent(&self) {
        let is_there = |dpid: &DatapathId| self.network().switches().get(*dpid).is_some();
        lock(&self.inner.reports).retain(|dpid, _| is_there(dpid));
        lock(&self.inner.turns).retain(|dpid, turn| is_there(dpid) || Arc::strong_count(turn) > 1);
    }

    async fn audit_in(
        &self,
        mut memory: OwnedMutexGuard<Memory>,
        switch: &SwitchHandle,
        is_asked: bool,
    ) {
        let looked = self.look(&mut memory, switch, is_asked).await;
        let counts = &self.inner.counts;
        count(
            match &looked.result {
                Outcome::Audited => &counts.audits,
                Outcome::Skipped(_) => &counts.skipped,
                Outcome::Failed(_) => &counts.failures,
            },
            1,
        );
        let made = |kind| looked.repairs.iter().filter(|one| one.kind == kind).count();
        count(&counts.restored, made(RepairKind::Restored));
        count(&counts.mended, made(RepairKind::Mended));
        count(&counts.refused, looked.refused);
        // Said once, not in each audit.
        let before = self.report(switch.dpid()).map(|report| report.result);
        if let Outcome::Failed(why) = &looked.result
            && before.as_ref() != Some(&looked.result)
        {
            tracing::warn!(%switch, why, "a switch's rules were not audited");
        }
        if switch.is_connected() {
            let mut reports = lock(&self.inner.reports);
            let report = reports.entry(switch.dpid());
            report
                .or_insert_with(|| Report::new(switch))
                .take_in(looked);
        }
    }

    /// Appends what is counted.
    pub(crate) fn metrics(&self, out: &mut String) {
        let counts = &self.inner.counts;
        let rows = [
            (
                "godwit_audits_total",
                "Switches whose rules were compared with what they should be.",
                &counts.audits,
            ),
            (
                "godwit_audits_skipped_total",
                "Audits of switches that were left alone: frozen, or part of a migration.",
                &counts.skipped,
            ),
            (
                "godwit_audits_failed_total",
                "Audits of switches that did not say what they hold.",
                &counts.failures,
            ),
            (
                "godwit_rules_restored_total",
                "Rules that were missing and put back by an audit.",
                &counts.restored,
            ),
            (
                "godwit_rules_mended_total",
                "Rules that were changed and put right by an audit.",
                &counts.mended,
            ),
            (
                "godwit_rules_not_mended_total",
                "Rules that a switch did not take when an audit was to put them right.",
                &counts.refused,
            ),
        ];
        for (name, help, counter) in rows {
            write_metric(out, name, "counter", help, counter.load(Ordering::Relaxed));
        }
        let reports = lock(&self.inner.reports);
        let sum = |of: fn(&Report) -> usize| reports.values().map(of).sum::<usize>() as u64;
        let rows = [
            (
                "godwit_alien_rules",
                "Rules of nobody here, as of the last audits.",
                sum(|report| report.alien_rules),
            ),
            (
                "godwit_rules_wrong",
                "Rules that are missing or changed and were not put right by the last audits.",
                sum(|report| report.unmended_rules),
            ),
        ];
        drop(reports);
        for (name, help, value) in rows {
            write_metric(out, name, "gauge", help, value);
        }
    }
}
