//! Routes as the store keeps them, so that the controller can be started anew without any of them noticing.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use godwit_controller::rest::endpoint::Endpoint;
use godwit_controller::store::values;
use godwit_controller::{Batch, Slice, StoreError};
use godwit_openflow::model::Pattern;
use godwit_openflow::types::{DatapathId, MacAddr};
use godwit_topology::{Metric, Path, PortRef};
use serde::{Deserialize, Serialize};

use super::counters::Counters;
use super::spreading::Spreading;
use super::table::{Origin, Route, State};
use super::{Routing, clock};
use crate::plan::{FlowId, Template};

/// How often counters are written that have changed. Little is lost if they are not: what the rules count, they go on
/// counting while the controller is away.
pub(super) const SAVE_EVERY: Duration = Duration::from_secs(2);

/// What part of the time at most goes into that: of many routes they are written less often.
pub(super) const SAVE_SHARE: u32 = 20;

/// Counters of up to so many routes are written whenever somebody asks for them; that takes no longer than to read them.
const SAVED_WHEN_SHOWN: usize = 1000;

/// How many numbers are reserved at once, so that not every route waits for the disk before its rules are sent. As many
/// are left out at most when the controller is killed.
const RESERVE: FlowId = 256;

/// One end of a route.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct KeptEnd {
    mac: Option<MacAddr>,
    port: PortRef,
}

/// A route.
#[derive(Debug, Serialize, Deserialize)]
struct KeptRoute {
    from: KeptEnd,
    to: KeptEnd,
    names: [serde_json::Value; 2],
    asked: Pattern,
    template: Template,
    via: Vec<DatapathId>,
    #[serde(default)]
    metric: Option<Metric>,
    origin: Origin,
    path: Path,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spread: Option<Spreading>,
    broken: bool,
    counters: Counters,
    made: SystemTime,
    /// Which start of the machine the times in the counters belong to.
    boot: String,
}

impl From<Endpoint> for KeptEnd {
    fn from(Endpoint { mac, port }: Endpoint) -> Self {
        Self { mac, port }
    }
}

impl From<KeptEnd> for Endpoint {
    fn from(KeptEnd { mac, port }: KeptEnd) -> Self {
        Self { mac, port }
    }
}

impl KeptRoute {
    /// `None` for a route whose rules are not all in force yet: nobody has been told of it.
    fn of(route: Route, boot: &str) -> Option<Self> {
        if route.state == State::Installing {
            return None;
        }
        Some(Self {
            from: route.from.into(),
            to: route.to.into(),
            names: route.names,
            asked: route.asked,
            template: route.template,
            via: route.via,
            metric: route.metric,
            origin: route.origin,
            path: route.path,
            spread: route.spread,
            broken: route.state == State::Broken,
            counters: route.counters,
            made: SystemTime::now()
                .checked_sub(route.made.elapsed())
                .unwrap_or(SystemTime::UNIX_EPOCH),
            boot: boot.to_owned(),
        })
    }

    /// The route, whose path has not been seen yet.
    fn restored(self, boot: &str) -> Route {
        let (from, to) = (self.from.into(), self.to.into());
        let mut route = Route::new(from, to, self.template, self.path, self.origin);
        let now = Instant::now();
        // A clock that was set back makes it new.
        let age = self.made.elapsed().unwrap_or_default();
        route.made = now.checked_sub(age).unwrap_or(now);
        route.names = self.names;
        route.asked = self.asked;
        route.via = self.via;
        route.metric = self.metric;
        route.spread = self.spread;
        route.counters = self.counters;
        route
            .counters
            .restored(!boot.is_empty() && self.boot == boot);
        route.state = if self.broken {
            State::Broken
        } else {
            State::Active
        };
        route.unseen_since = Some(now);
        route
    }
}

impl Routing {
    /// Takes in the routes of the run before. To be called before any switch is heard: a switch that connects keeps what
    /// routes want that are known by then, and loses what none wants.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn load(&self) -> Result<(), StoreError> {
        let store = self.network.store();
        let boot = clock::boot();
        let kept: Vec<(u64, KeptRoute)> = store.load(Slice::ROUTES)?;
        let routes: Vec<Route> = kept
            .into_iter()
            .map(|(_, kept)| kept.restored(&boot))
            .collect();
        let numbers: Vec<(u64, FlowId)> = store.load(Slice::VALUES)?;
        let last = numbers
            .into_iter()
            .find(|(which, _)| *which == values::LAST_ROUTE);
        let last = last.map_or(0, |(_, last)| last);
        if !routes.is_empty() {
            tracing::info!(
                routes = routes.len(),
                "routes of the run before are there again"
            );
        }
        self.table.restore(routes, last);
        *self.reserved() = self.table.last_id();
        Ok(())
    }

    /// Puts these routes into a batch as they are now, for whoever writes down what else goes with that; those that are
    /// gone are deleted.
    ///
    /// # Errors
    /// When one can't be said as JSON.
    pub fn put_routes(
        &self,
        ids: impl IntoIterator<Item = FlowId>,
        batch: &mut Batch,
    ) -> Result<(), StoreError> {
        let boot = clock::boot();
        for (id, route) in self.table.take_to_save(ids) {
            match route {
                Some(route) => {
                    if let Some(kept) = KeptRoute::of(route, &boot) {
                        batch.put(Slice::ROUTES, id.into(), &kept)?;
                    }
                }
                None => batch.delete(Slice::ROUTES, id.into()),
            }
        }
        Ok(())
    }

    /// Gives the store these routes as they are now; it writes them soon.
    pub fn note(&self, ids: impl IntoIterator<Item = FlowId>) {
        // Held until the store has them, so that what it gets last is what was last.
        let _order = self.noting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Batch::default();
        if let Err(error) = self.put_routes(ids, &mut batch) {
            tracing::error!(%error, "routes are not kept over a restart");
        }
        self.network.store().write_later(batch);
    }

    /// As [`Self::note`], and waits until they are on the disk. A disk that doesn't take them is logged and counted, and
    /// tried again; the routes go on.
    pub async fn save(&self, ids: impl IntoIterator<Item = FlowId>) {
        self.note(ids);
        self.flush().await;
    }

    /// Gives the store all that has changed.
    pub(super) fn note_changed(&self) {
        let changed = self.table.take_changed();
        if !changed.is_empty() {
            self.note(changed);
        }
    }

    /// Gives the store what has changed if that is not too much, and waits until it is on the disk.
    pub(crate) async fn save_few_changed(&self) {
        if (1..=SAVED_WHEN_SHOWN).contains(&self.table.changes()) {
            self.note_changed();
            self.flush().await;
        }
    }

    /// From now on routes are left as they are: the controller is about to end, and switches that go away with it are
    /// not gone.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// The controller is about to end: all that has changed is written, and no number is left out.
    pub async fn save_all(&self) {
        self.note_changed();
        self.reserve_up_to(self.table.last_id()).await;
    }

    async fn flush(&self) {
        if let Err(error) = self.network.store().flush().await {
            tracing::debug!(%error, "routes are not on the disk yet");
        }
    }

    /// Makes sure that no number up to `last` is ever given out again, before its first rule is sent: a switch may
    /// hold that rule for longer than this process lives.
    pub(super) async fn reserve(&self, last: FlowId) {
        if last > *self.reserved() {
            self.reserve_up_to(last.saturating_add(RESERVE)).await;
        }
    }

    async fn reserve_up_to(&self, last: FlowId) {
        let mut batch = Batch::default();
        if let Err(error) = batch.put(Slice::VALUES, values::LAST_ROUTE, &last) {
            tracing::error!(%error, "numbers of routes are not kept over a restart");
        }
        self.network.store().write_later(batch);
        self.flush().await;
        // Not before: others whose numbers are among these wait as well.
        *self.reserved() = last;
    }

    fn reserved(&self) -> std::sync::MutexGuard<'_, FlowId> {
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use godwit_openflow::types::{MeterId, PortNo, QueueId};
    use godwit_topology::Hop;

    use super::super::counters::Tally;
    use super::*;
    use crate::plan::Treatment;

    pub(in crate::routing) fn route() -> Route {
        let port = |dpid, port| PortRef::new(DatapathId(dpid), PortNo(port));
        let end = |mac, port| Endpoint { mac, port };
        let hop = |dpid, in_port, out_port| Hop {
            dpid: DatapathId(dpid),
            in_port: PortNo(in_port),
            out_port: PortNo(out_port),
        };
        let pattern: Pattern = serde_json::from_value(serde_json::json!({
            "eth_type": "0x0800", "ip_proto": 17, "ipv4_dst": "10.0.0.0/8", "udp_dst": 7
        }))
        .unwrap();
        let template = Template {
            id: 70_000,
            priority: 7,
            pattern: pattern.clone(),
            ingress: Some(PortNo(3)),
            idle_timeout: 60,
            hard_timeout: 3600,
            treatment: Treatment {
                queue: Some(QueueId(3)),
                meter: Some(MeterId(9)),
            },
        };
        let path = Path::try_from(vec![hop(1, 3, 2), hop(0xfedc_ba98_7654_3210, 1, 9)]).unwrap();
        let mut route = Route::new(
            end(None, port(1, 3)),
            end(
                Some(MacAddr([2, 0, 0, 0, 0, 9])),
                port(0xfedc_ba98_7654_3210, 9),
            ),
            template,
            path,
            Origin::Request,
        );
        route.names = ["h1".into(), serde_json::json!({"dpid": "s2", "port": 9})];
        route.asked = pattern;
        route.via = vec![DatapathId(1)];
        route.metric = Some(Metric::Latency);
        let counted = Tally {
            packets: u64::MAX - 1,
            bytes: u64::MAX,
        };
        route.counters.read(DatapathId(1), counted, 5_000_000_000);
        route
            .counters
            .carry_over(DatapathId(1), DatapathId(0xfedc_ba98_7654_3210));
        route.state = State::Active;
        route
    }

    fn again(route: Route) -> Route {
        let kept = serde_json::to_vec(&KeptRoute::of(route, "this boot").unwrap()).unwrap();
        let kept: KeptRoute = serde_json::from_slice(&kept).unwrap();
        kept.restored("this boot")
    }

    #[test]
    fn a_route_is_the_same_after_a_restart() {
        let before = route();
        let after = again(before.clone());
        assert_eq!((after.from, after.to), (before.from, before.to));
        assert_eq!(after.names, before.names);
        assert_eq!(after.asked, before.asked);
        assert_eq!(after.template, before.template);
        assert_eq!(after.via, before.via);
        assert_eq!(after.metric, before.metric);
        assert_eq!(after.origin, before.origin);
        assert_eq!(after.path, before.path);
        assert_eq!(after.state, before.state);
        let counted = |route: &Route| -> Vec<_> {
            let switches = route.counters.switches();
            switches
                .map(|(dpid, on)| (dpid, on.total(), on.is_live(), on.carried_over()))
                .collect()
        };
        assert_eq!(counted(&after), counted(&before));
        assert_eq!(after.counters.delivered(), before.counters.delivered());
        let [before, after] = [before, after].map(|route| route.made.elapsed());
        assert!(before.abs_diff(after) < Duration::from_secs(1));
        assert!(again(route()).unseen_since.is_some() && !again(route()).is_leased());
    }

    #[test]
    fn a_route_under_change_is_kept_where_it_is_and_one_that_is_not_made_yet_is_not_kept() {
        let mut moving = route();
        moving.state = State::Moving;
        assert_eq!(again(moving).state, State::Active);
        let mut broken = route();
        broken.state = State::Broken;
        assert_eq!(again(broken).state, State::Broken);
        let mut installing = route();
        installing.state = State::Installing;
        assert!(KeptRoute::of(installing, "").is_none());
    }
}
