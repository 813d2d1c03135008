//! Statistics: what the switches count, collected now and again, as counters and as rates, per port, link, rule and
//! route.
//!
//! | file | what it does |
//! |---|---|
//! | [`series`] | rates of readings; pure |
//! | `collect` | asks a switch for everything |
//! | `book` | the last collection of each switch, and a series for each record of counters |
//! | `measured`, `rows` | what is shown of them |
//! | `rest` | `/v1/switches/{id}/statistics`, `/v1/statistics`, `/v1/statistics.csv` |
//! | `csv`, `prometheus` | the same as text |
//! | [`settings`] | the section of the configuration |
//!
//! Each switch is collected on a task of its own, and only one collection of it is under way at any time: so one that
//! hangs delays nobody, and answers come in their order. Switches are spread over the first half of the interval.
//!
//! # What counts for what
//!
//! A port is its own counters, which are fresh. A link is what its port sends. A rule is its own counters and what it
//! brought from where it stood before ([`carried`](godwit_controller::carried)); its rate is made of its own alone, so
//! what it brings is no burst. A route is what its last hop has delivered, whatever migrations it went through
//! ([`counters`](crate::routing::counters)). A rule that ends says what it had counted, which is taken in when it is
//! heard.

mod book;
mod collect;
mod csv;
mod measured;
mod prometheus;
mod rest;
mod rows;
pub mod series;
pub mod settings;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use godwit_controller::rest::Routes;
use godwit_controller::switch::SwitchHandle;
use godwit_controller::{App, Commands, Declaration, Event, Network, Owner, View};
use godwit_openflow::model::FlowRemoved;
use godwit_openflow::types::DatapathId;
use tokio::sync::OwnedMutexGuard;
use tokio::time::MissedTickBehavior;

use crate::plan::FlowId;
use crate::routing::Routing;
use crate::routing::counters::Tally;
use book::{Book, Bounds};
use csv::{Kind, Table};
use measured::{Clock, Wanted};
use rows::{LinkRow, RouteRow};

pub use collect::CollectError;
pub use settings::Settings;

/// The app. Clones are the same.
#[derive(Debug, Clone)]
pub struct Statistics {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    network: Network,
    /// Whose routes are counted, if there are any.
    routing: Option<Routing>,
    settings: Settings,
    started: Instant,
    clock: Clock,
    book: Mutex<Book>,
    turns: Mutex<HashMap<DatapathId, Arc<tokio::sync::Mutex<Turn>>>>,
    counts: Counts,
}

/// The last collection of a switch. Locked while there is one.
#[derive(Debug, Default)]
struct Turn {
    begun: Option<Instant>,
    failed: Option<CollectError>,
}

#[derive(Debug, Default)]
struct Counts {
    collections: AtomicU64,
    failures: AtomicU64,
    skipped: AtomicU64,
    export_failures: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Statistics {
    /// The app. Nothing is collected by itself without [`Self::run`].
    #[must_use]
    pub fn new(network: Network, routing: Option<Routing>, settings: Settings) -> Self {
        let inner = Inner {
            network,
            routing,
            settings,
            started: Instant::now(),
            clock: Clock(SystemTime::now()),
            book: Mutex::default(),
            turns: Mutex::default(),
            counts: Counts::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    fn network(&self) -> &Network {
        &self.inner.network
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        // A collection that was torn by a panic leaves series that begin anew.
        self.inner
            .book
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            shape: self.inner.settings.shape(),
            series: self.inner.settings.series,
        }
    }

    fn wanted(&self, history: Option<usize>) -> Wanted {
        Wanted {
            clock: self.inner.clock,
            history,
        }
    }

    /// Whether a switch has been collected.
    fn has(&self, dpid: DatapathId) -> bool {
        self.lock().switches.contains_key(&dpid)
    }

    /// Collects at the intervals of the settings, and exports, for ever.
    pub async fn run(self) {
        let settings = &self.inner.settings;
        let collecting = async {
            if settings.interval_s > 0 {
                let interval = Duration::from_secs(settings.interval_s.into());
                let mut ticks = ticks(interval);
                loop {
                    ticks.tick().await;
                    self.round(interval / 2);
                }
            }
        };
        let exporting = async {
            if let Some(directory) = &settings.export_dir {
                let mut ticks = ticks(Duration::from_secs(settings.export_interval_s.into()));
                let mut failed = None;
                loop {
                    ticks.tick().await;
                    failed = self.export(directory.clone(), failed).await;
                }
            }
        };
        tokio::join!(collecting, exporting);
    }

    /// Begins a collection of every switch that is under none, one after the other within this time.
    fn round(&self, within: Duration) {
        self.prune();
        let switches = self.network().switches().list();
        let count_of_all = u32::try_from(switches.len()).unwrap_or(u32::MAX).max(1);
        for (index, switch) in (0..).zip(switches) {
            let this = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(within / count_of_all * index).await;
                let Ok(turn) = this.turn(switch.dpid()).try_lock_owned() else {
                    count(&this.inner.counts.skipped);
                    return;
                };
                if let Err(error) = this.collect_in(turn, &switch).await {
                    tracing::debug!(%switch, %error, "statistics were not collected");
                }
            });
        }
    }

    /// Collects a switch now. When a collection is under way that began before, it is waited for; several who wait get
    /// the same.
    ///
    /// # Errors
    /// When the switch does not answer within 10 s or is gone.
    pub async fn collect(&self, switch: &SwitchHandle) -> Result<(), CollectError> {
        let asked = Instant::now();
        let turn = self.turn(switch.dpid()).lock_owned().await;
        if turn.begun.is_some_and(|begun| begun >= asked) {
            return turn.failed.clone().map_or(Ok(()), Err);
        }
        // On its own: who asked may go away.
        let (this, switch) = (self.clone(), switch.clone());
        tokio::spawn(async move { this.collect_in(turn, &switch).await })
            .await
            .unwrap_or_else(|_| Err(CollectError::new("the controller is stopping")))
    }

    fn turn(&self, dpid: DatapathId) -> Arc<tokio::sync::Mutex<Turn>> {
        let mut turns = self
            .inner
            .turns
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(dpid).or_default())
    }

    async fn collect_in(
        &self,
        mut turn: OwnedMutexGuard<Turn>,
        switch: &SwitchHandle,
    ) -> Result<(), CollectError> {
        turn.begun = Some(Instant::now());
        let collected = collect::collect(self.network(), switch, self.inner.started).await;
        turn.failed = collected.as_ref().err().cloned();
        match collected {
            Ok(collected) => {
                count(&self.inner.counts.collections);
                self.take_in(switch, collected);
                Ok(())
            }
            Err(error) => {
                count(&self.inner.counts.failures);
                Err(error)
            }
        }
    }

    fn take_in(&self, switch: &SwitchHandle, collected: collect::Collected) {
        let at = collected.flows.at;
        let routes = self.routes_ending_at(&collected);
        let speed = |port| measured::speed_bps(&switch.port(port)?);
        let carried = self.network().carried();
        let mut book = self.lock();
        book.take_in(collected, speed, carried, self.bounds());
        book.take_routes(at, routes, self.bounds());
        let loads = book.loads(switch.dpid(), speed);
        drop(book);
        self.network().observe_loads(switch.dpid(), loads);
    }

    /// Gives the routes what their rules on this switch have counted, and what those have delivered that end there.
    fn routes_ending_at(&self, collected: &collect::Collected) -> Vec<(FlowId, Tally)> {
        let (Some(routing), Some(flows)) = (&self.inner.routing, &collected.flows.said) else {
            return Vec::new();
        };
        for flow in flows {
            let tally = Tally {
                packets: flow.packets,
                bytes: flow.bytes,
            };
            routing.take_in(collected.dpid, &flow.rule, tally, flow.duration_ns);
        }
        let mut delivered = Vec::new();
        routing.table().for_each(|id, route| {
            if route.path.destination().dpid == collected.dpid {
                delivered.push((id, route.counters.delivered()));
            }
        });
        delivered
    }

    fn prune(&self) {
        let mut known = Vec::new();
        if let Some(routing) = &self.inner.routing {
            routing.table().for_each(|id, _| known.push(id));
        }
        known.sort_unstable();
        let is_there = |dpid| self.network().switches().get(dpid).is_some();
        let now = self.inner.started.elapsed();
        self.lock()
            .prune(now, is_there, |id| known.binary_search(&id).is_ok());
        let mut turns = self
            .inner
            .turns
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        turns.retain(|dpid, turn| is_there(*dpid) || Arc::strong_count(turn) > 1);
    }

    fn links(&self, wanted: Wanted) -> Vec<LinkRow> {
        rows::links(self.network(), &self.lock(), wanted)
    }

    fn routes(&self, wanted: Wanted) -> Vec<RouteRow> {
        let Some(routing) = &self.inner.routing else {
            return Vec::new();
        };
        rows::routes(self.network(), routing, &self.lock(), wanted)
    }

    /// What routes have carried is on the disk before it is shown.
    async fn save_routes(&self) {
        if let Some(routing) = &self.inner.routing {
            routing.save_few_changed().await;
        }
    }

    /// A table as comma-separated values.
    fn table(&self, kind: Kind) -> String {
        let wanted = self.wanted(None);
        let mut table = Table::new(kind);
        let now = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        match kind {
            Kind::Links => self
                .links(wanted)
                .iter()
                .for_each(|row| table.link(&now, row)),
            Kind::Routes => self
                .routes(wanted)
                .iter()
                .for_each(|row| table.route(&now, row)),
            Kind::Ports | Kind::Rules => {
                let all: Vec<DatapathId> = self.lock().switches.keys().copied().collect();
                for dpid in all {
                    self.put_switch(kind, dpid, &mut table);
                }
            }
        }
        table.into_text()
    }

    /// Puts the ports or the rules of a switch into a table. Others wait for the book no longer than for one switch.
    fn put_switch(&self, kind: Kind, dpid: DatapathId, table: &mut Table) {
        let wanted = self.wanted(None);
        let switch = self.network().switches().get(dpid);
        let book = self.lock();
        let Some(of_switch) = book.switches.get(&dpid) else {
            return;
        };
        let Some(collected) = of_switch.collected.clone() else {
            return;
        };
        let (mut ports, mut rules) = (Vec::new(), Vec::new());
        if kind == Kind::Ports {
            ports = rows::ports(switch.as_ref(), of_switch, &collected, wanted);
        } else {
            rules = rows::rules(of_switch, &collected, wanted);
        }
        drop(book);
        let time = humantime::format_rfc3339_millis(collected.finished).to_string();
        let name = &collected.name;
        ports
            .iter()
            .for_each(|row| table.port(&time, dpid, name, row));
        rules
            .iter()
            .for_each(|row| table.rule(&time, dpid, name, row));
    }

    /// Writes all tables. Gives why that failed, which is said when it is another reason than the last time.
    async fn export(&self, directory: PathBuf, failed_before: Option<String>) -> Option<String> {
        let this = self.clone();
        let place = directory.display().to_string();
        let written = tokio::task::spawn_blocking(move || {
            let tables = Kind::ALL.map(|kind| (kind, this.table(kind)));
            csv::export(&directory, &tables).map_err(|error| error.to_string())
        });
        let failed = match written.await {
            Ok(written) => written.err(),
            Err(error) => Some(error.to_string()),
        };
        if failed.is_some() {
            count(&self.inner.counts.export_failures);
        }
        if failed != failed_before {
            match &failed {
                Some(error) => {
                    tracing::warn!(directory = place, %error, "statistics can't be exported; it is tried again")
                }
                None => tracing::info!(directory = place, "statistics are exported again"),
            }
        }
        failed
    }

    fn removed(&self, dpid: DatapathId, removed: &Arc<FlowRemoved>) {
        let at = self.inner.started.elapsed();
        let bounds = self.bounds();
        let route = Owner::Routing.own_part(removed.cookie);
        let routing = self.inner.routing.as_ref();
        let route = route.and_then(|id| {
            let route = routing?.table().get(id)?;
            let ends_here = route.path.destination().dpid == dpid;
            ends_here.then(|| (id, route.counters.delivered()))
        });
        let mut book = self.lock();
        book.ended(dpid, removed, at, bounds.shape);
        book.take_routes(at, route, bounds);
    }
}

fn ticks(interval: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

impl App for Statistics {
    fn name(&self) -> &'static str {
        "statistics"
    }

    fn declares(&self) -> Declaration {
        Declaration {
            description: "what the switches count, as counters and as rates",
            needed: Some("with `interval_s = 0` in `[statistics]` it asks no switch by itself"),
            ..Declaration::default()
        }
    }

    fn event(&self, event: &Event, _: &View<'_>) -> Commands {
        if let Event::FlowRemoved { dpid, removed } = event {
            self.removed(*dpid, removed);
        }
        Commands::default()
    }

    fn routes(&self) -> Option<Routes> {
        Some(rest::router(self.clone()))
    }

    fn metrics(&self, out: &mut String) {
        self.write_metrics(out);
    }
}
