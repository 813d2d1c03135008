//! The routes, and who may change them: a route under change is leased, and others wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use godwit_openflow::model::Pattern;
use tokio::sync::Notify;

use crate::plan::{FlowId, Template};

pub use super::route::{Origin, Route, State};

/// What makes two routes the same to a switch.
type Identity = (u16, Pattern);

#[derive(Debug, Default)]
struct Inner {
    routes: BTreeMap<FlowId, Route>,
    by_identity: HashMap<Identity, FlowId>,
    last_id: FlowId,
    /// Routes that the store may not have as they are, and is not about to get.
    changed: BTreeSet<FlowId>,
}

/// All routes. Clones are the same table.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    inner: Arc<Mutex<Inner>>,
    released: Arc<Notify>,
    /// Set when the store should have a change soon.
    changed: Arc<Notify>,
}

impl RouteTable {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every operation leaves the table whole, so a panic elsewhere can't have torn it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in routes of an earlier run. Numbers up to `last_id` are not given out again.
    pub(super) fn restore(&self, routes: Vec<Route>, last_id: FlowId) {
        let mut inner = self.lock();
        inner.last_id = inner.last_id.max(last_id);
        for route in routes {
            let Template {
                id,
                priority,
                ref pattern,
                ..
            } = route.template;
            inner.last_id = inner.last_id.max(id);
            inner.by_identity.insert((priority, pattern.clone()), id);
            inner.routes.insert(id, route);
        }
    }

    /// The highest number given out so far.
    pub(super) fn last_id(&self) -> FlowId {
        self.lock().last_id
    }

    /// Which routes have changed, or gone, since this was last asked.
    pub(super) fn take_changed(&self) -> BTreeSet<FlowId> {
        std::mem::take(&mut self.lock().changed)
    }

    /// Copies of these routes, for the store, which will have them as they are; `None` for those that are gone.
    pub(super) fn take_to_save(
        &self,
        ids: impl IntoIterator<Item = FlowId>,
    ) -> Vec<(FlowId, Option<Route>)> {
        let mut inner = self.lock();
        let take = |id| {
            inner.changed.remove(&id);
            (id, inner.routes.get(&id).cloned())
        };
        ids.into_iter().map(take).collect()
    }

    /// How many there are of those.
    pub(super) fn changes(&self) -> usize {
        self.lock().changed.len()
    }

    /// Waits for a change that the store should have soon.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The store should have what has changed soon.
    pub(super) fn save_soon(&self) {
        self.changed.notify_one();
    }

    /// Those whose paths have been seen whole since the start are routes like any other.
    pub(super) fn mark_seen(&self, is_whole: impl Fn(&Route) -> bool) {
        for route in self.lock().routes.values_mut() {
            if route.unseen_since.is_some() && is_whole(route) {
                route.unseen_since = None;
            }
        }
    }

    /// Adds routes, all or none, leased to the caller. Their numbers are given out here; `admit` sees each
    /// before any is added.
    ///
    /// # Errors
    /// With the index of the first that is the same to a switch as another route, and that route's number.
    pub(super) fn insert(&self, mut routes: Vec<Route>) -> Result<Lease, Duplicate> {
        let mut inner = self.lock();
        let mut fresh: HashMap<Identity, FlowId> = HashMap::with_capacity(routes.len());
        let mut id = inner.last_id;
        for (index, route) in routes.iter_mut().enumerate() {
            let identity = (route.template.priority, route.template.pattern.clone());
            if let Some(&other) = inner
                .by_identity
                .get(&identity)
                .or_else(|| fresh.get(&identity))
            {
                return Err(Duplicate { index, other });
            }
            id += 1;
            route.template.id = id;
            route.leased = true;
            fresh.insert(identity, id);
        }
        inner.last_id = id;
        inner.by_identity.extend(fresh);
        let ids = routes.iter().map(|route| route.template.id).collect();
        inner
            .routes
            .extend(routes.into_iter().map(|route| (route.template.id, route)));
        drop(inner);
        Ok(Lease {
            table: self.clone(),
            ids,
        })
    }

    /// Leases those of `wanted` that exist, when none of them is leased to another.
    pub async fn lease(&self, wanted: &[FlowId]) -> Lease {
        let wanted: BTreeSet<FlowId> = wanted.iter().copied().collect();
        let existing = |inner: &Inner| {
            let there = |id: &FlowId| inner.routes.contains_key(id);
            wanted.iter().copied().filter(there).collect()
        };
        loop {
            let released = self.released.notified();
            tokio::pin!(released);
            // From here on a release wakes this task, also when it happens before the await.
            released.as_mut().enable();
            if let Some(lease) = self.try_lease(existing) {
                return lease;
            }
            released.await;
        }
    }

    /// Leases every route that `which` says, when none of them is leased to another; `which` is asked
    /// again after each wait.
    pub async fn lease_where(&self, which: impl Fn(FlowId, &Route) -> bool) -> Lease {
        loop {
            let released = self.released.notified();
            tokio::pin!(released);
            released.as_mut().enable();
            let all = |inner: &Inner| {
                inner
                    .routes
                    .iter()
                    .filter(|(id, route)| which(**id, route))
                    .map(|(&id, _)| id)
                    .collect()
            };
            if let Some(lease) = self.try_lease(all) {
                return lease;
            }
            released.await;
        }
    }

    /// Leases every route that `which` says and that nobody else has leased, at once.
    pub(crate) fn lease_free(&self, which: impl Fn(FlowId, &Route) -> bool) -> Lease {
        let mut inner = self.lock();
        let mut ids = Vec::new();
        for (&id, route) in &mut inner.routes {
            if !route.leased && which(id, route) {
                route.leased = true;
                ids.push(id);
            }
        }
        drop(inner);
        Lease {
            table: self.clone(),
            ids,
        }
    }

    fn try_lease(&self, which: impl Fn(&Inner) -> Vec<FlowId>) -> Option<Lease> {
        let mut inner = self.lock();
        let ids = which(&inner);
        if ids
            .iter()
            .any(|id| inner.routes.get(id).is_some_and(|route| route.leased))
        {
            return None;
        }
        for id in &ids {
            if let Some(route) = inner.routes.get_mut(id) {
                route.leased = true;
            }
        }
        drop(inner);
        Some(Lease {
            table: self.clone(),
            ids,
        })
    }

    /// The number of the route that is this to a switch.
    #[must_use]
    pub fn find(&self, priority: u16, pattern: &Pattern) -> Option<FlowId> {
        self.lock()
            .by_identity
            .get(&(priority, pattern.clone()))
            .copied()
    }

    /// A copy of a route.
    #[must_use]
    pub fn get(&self, id: FlowId) -> Option<Route> {
        self.lock().routes.get(&id).cloned()
    }

    /// What is left of a route's hard timeout: seconds, begun ones counted whole, at least 1; 0 is for ever. `None` when
    /// it is gone.
    #[must_use]
    pub fn remaining(&self, id: FlowId) -> Option<u16> {
        self.lock().routes.get(&id).map(Route::remaining)
    }

    /// How many routes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().routes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Looks at every route, in the order of their numbers.
    pub fn for_each(&self, mut look: impl FnMut(FlowId, &Route)) {
        self.lock()
            .routes
            .iter()
            .for_each(|(&id, route)| look(id, route));
    }

    /// Takes in what is read of a route, and gives whether that is anything new.
    pub(super) fn count(&self, id: FlowId, take_in: impl FnOnce(&mut Route) -> bool) -> bool {
        let mut inner = self.lock();
        let is_news = inner.routes.get_mut(&id).is_some_and(take_in);
        if is_news {
            inner.changed.insert(id);
        }
        is_news
    }

    /// Looks at a route and may change what is not its rules: its counters. Whoever has leased it says when it is to be
    /// saved; the others' changes are saved soon.
    pub fn with<T>(&self, id: FlowId, change: impl FnOnce(&mut Route) -> T) -> Option<T> {
        let mut inner = self.lock();
        let route = inner.routes.get_mut(&id)?;
        let before = (route.state, route.path.clone());
        let result = change(route);
        if !route.leased && before != (route.state, route.path.clone()) {
            self.save_soon();
        }
        inner.changed.insert(id);
        Some(result)
    }
}

/// A route that would be the same to a switch as another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate {
    /// Which of those that were to be added.
    pub index: usize,
    /// The other one.
    pub other: FlowId,
}

/// The right to change some routes. It ends when this is dropped.
#[derive(Debug)]
pub struct Lease {
    table: RouteTable,
    ids: Vec<FlowId>,
}

impl Lease {
    /// The routes leased.
    #[must_use]
    pub fn ids(&self) -> &[FlowId] {
        &self.ids
    }

    /// Copies of the routes leased.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        let inner = self.table.lock();
        self.ids
            .iter()
            .filter_map(|id| inner.routes.get(id).cloned())
            .collect()
    }

    /// Changes every route leased.
    pub fn update(&self, change: impl FnMut(&mut Route)) {
        self.each(change);
        self.table.lock().changed.extend(&self.ids);
    }

    fn each(&self, mut change: impl FnMut(&mut Route)) {
        let mut inner = self.table.lock();
        for id in &self.ids {
            if let Some(route) = inner.routes.get_mut(id) {
                change(route);
            }
        }
    }

    /// Forgets the routes leased.
    pub fn remove_all(self) {
        let mut inner = self.table.lock();
        for id in &self.ids {
            if let Some(route) = inner.routes.remove(id) {
                inner
                    .by_identity
                    .remove(&(route.template.priority, route.template.pattern));
            }
        }
        inner.changed.extend(&self.ids);
        drop(inner);
        self.table.save_soon();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.each(|route| route.leased = false);
        self.table.released.notify_waiters();
        let inner = self.table.lock();
        if self.ids.iter().any(|id| inner.changed.contains(id)) {
            self.table.save_soon();
        }
    }
}
