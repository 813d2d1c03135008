//! Requests that wait until others have given their switches back.
//!
//! A request with `queue` whose switches are taken gets its number at once and waits, in state `planned`. It is begun as
//! soon as all that it waits for is free, in the order of arrival: whoever came later takes no switch that somebody
//! waits for, whether it would wait itself or not. So nobody is overtaken for ever.
//!
//! Which switches it needs is known only when it is planned, at its turn. If another migration has one of those, it
//! gives back everything and waits again, in its old place, for that switch too. Nobody holds anything while waiting,
//! and waits only for what is at work or has come before, so that no two can wait for each other. Each such turn adds a
//! switch to what is waited for, so there are at most as many as there are switches.
//!
//! What waits is in memory only: a controller that starts anew has forgotten it, and nothing had been touched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use godwit_openflow::types::DatapathId;

use super::record::{Migration, MigrationId, State};
use super::{BeginError, Migrations};

/// Requests that may wait. Each is a maintenance job that somebody looks after; a hundred are more than a night's work,
/// and a client that asks in a loop must not fill the memory.
pub(super) const MOST_WAITING: usize = 100;

/// Who waits, and for which switches.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// In the order of arrival, which is that of the numbers.
    wanted: BTreeMap<MigrationId, BTreeSet<DatapathId>>,
}

impl Waiting {
    /// Whether no more may wait.
    pub(super) fn is_full(&self) -> bool {
        self.wanted.len() >= MOST_WAITING
    }

    /// It waits for these switches from now on, in the place that its number gives it.
    pub(super) fn add(&mut self, id: MigrationId, switches: BTreeSet<DatapathId>) {
        self.wanted.insert(id, switches);
    }

    /// It waits no longer; `false` if it did not.
    pub(super) fn remove(&mut self, id: MigrationId) -> bool {
        self.wanted.remove(&id).is_some()
    }

    /// The first that waits for this switch, of those that came before `id`.
    pub(super) fn before(&self, id: MigrationId, dpid: DatapathId) -> Option<MigrationId> {
        let mut earlier = self.wanted.range(..id);
        let found = earlier.find(|(_, switches)| switches.contains(&dpid));
        found.map(|(&id, _)| id)
    }

    /// Takes out those whose turn it is: everything that they wait for is free, and nobody who came before waits for
    /// any of it.
    pub(super) fn turns(
        &mut self,
        is_free: impl Fn(DatapathId) -> bool,
    ) -> BTreeMap<MigrationId, BTreeSet<DatapathId>> {
        let mut claimed = BTreeSet::new();
        let mut turns = BTreeMap::new();
        self.wanted.retain(|&id, switches| {
            let goes = switches
                .iter()
                .all(|dpid| is_free(*dpid) && !claimed.contains(dpid));
            claimed.extend(switches.iter().copied());
            if goes {
                turns.insert(id, std::mem::take(switches));
            }
            !goes
        });
        turns
    }
}

impl Migrations {
    /// Cancels: one that waits ends at once, another goes back. `false` when it is too late.
    #[must_use]
    pub fn cancel(&self, migration: &Migration) -> bool {
        let asked = migration.cancel();
        if asked && self.lock().waiting.remove(migration.id()) {
            self.end_unbegun(migration, "cancelled".to_owned());
            // Others may have waited only behind it.
            self.begin_waiting();
        }
        asked
    }

    /// Begins those whose turn it is. Called whenever switches are given back.
    pub(super) fn begin_waiting(&self) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let (touched, owing) = (&inner.touched, &inner.owing);
        let turns = inner
            .waiting
            .turns(|dpid| !touched.contains_key(&dpid) && !owing.contains_key(&dpid));
        for (id, switches) in turns {
            let Some(migration) = inner.all.get(&id).cloned() else {
                continue;
            };
            inner
                .touched
                .extend(switches.iter().map(|dpid| (*dpid, id)));
            let this = self.clone();
            tokio::spawn(async move { this.take_turn(&migration, switches).await });
        }
    }

    /// The turn of one that waited: begins it, or sends it back to wait for more, or ends it.
    async fn take_turn(&self, migration: &Arc<Migration>, mut wanted: BTreeSet<DatapathId>) {
        let may = self.lock().check(self.network(), migration.request());
        let begun = match may {
            Ok(()) if migration.is_cancelled() => Err(None),
            Ok(()) => self.start(migration).await.map_err(Some),
            Err(error) => Err(Some(error)),
        };
        match begun {
            Ok(()) => {}
            Err(Some(BeginError::Overlaps { dpid, .. })) => {
                wanted.insert(dpid);
                self.wait_again(migration, wanted);
            }
            Err(why) => {
                self.release(migration.id());
                let why = why.map_or_else(|| "cancelled".to_owned(), |error| error.to_string());
                self.end_unbegun(migration, why);
            }
        }
        self.routing.look_again();
    }

    /// Gives back what it has and waits, now for these switches. One that was cancelled meanwhile ends.
    pub(super) fn wait_again(&self, migration: &Migration, wanted: BTreeSet<DatapathId>) {
        let id = migration.id();
        migration.set_state(State::Planned);
        self.lock().waiting.add(id, wanted);
        self.release(id);
        if migration.is_cancelled() && self.lock().waiting.remove(id) {
            self.end_unbegun(migration, "cancelled".to_owned());
            self.begin_waiting();
        }
    }
}

#[cfg(test)]
mod tests;
