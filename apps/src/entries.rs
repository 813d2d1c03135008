//! Static entries: flow entries that somebody asked for by REST, kept on their switches, and on the switch that takes
//! over when theirs is emptied.
//!
//! | file | what it does |
//! |---|---|
//! | `table` | the entries: where each stands and what it is at |
//! | `install` | puts them on their switch, takes them away |
//! | `request` | what is asked for, checked |
//! | `rest` | `/v1/switches/{id}/rules`, `/v1/entries` |
//! | `pusher` | the same at Floodlight's addresses |
//! | `written` | the same where Ryu writes flow entries |
//! | `shared` | groups and meters, likewise |
//!
//! An entry is on the disk before it is sent or held, and in force before it is confirmed. So one that was confirmed is
//! there after any end of the controller, and one that was not is there or not.
//!
//! # For migrations
//!
//! A migration [leases](Entries::lease) every switch whose rules it changes. When it commits, the entries of the source
//! [have moved](Entries::moved), and those of neighbours that it changed [read otherwise](Entries::changed). Of each
//! held write that it makes in the end, it says what [became](Entries::settled) of it. All these entries are
//! [put](Entries::put) on the disk together with the end of the migration. Until then the disk has them as they were, and
//! the next run that takes the migration up [holds](Entries::hold_again) again what was held.

mod bulk;
mod install;
mod pusher;
mod request;
mod rest;
mod shared;
mod table;
mod written;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use godwit_controller::held::HeldWrite;
use godwit_controller::rest::Routes;
use godwit_controller::store::values;
use godwit_controller::{
    App, Batch, Commands, Declaration, Desired, Event, Network, Owner, Slice, StoreError,
    SwitchState, View, write_metric,
};
use godwit_openflow::model::{FlowCommand, FlowRemoved, FlowRemovedReason, FlowRule};
use godwit_openflow::types::DatapathId;

pub use install::{CreateError, Removal, RemoveError};
pub use table::{Duplicate, EntryId, MOST_ENTRIES, State, StaticEntry};

use table::Table;

/// The name of the app, under which its writes are held.
const NAME: &str = "entries";

/// Where the store keeps the number of the entry made last, so that none is ever given out twice.
const LAST_NUMBER: u64 = values::LAST_ENTRY;

/// The app. Clones are the same.
#[derive(Debug, Clone)]
pub struct Entries {
    network: Network,
    table: Arc<Mutex<Table>>,
    /// Held while a group or a meter is being made or taken away.
    sharing: Arc<tokio::sync::Mutex<()>>,
    /// Why the entries of an earlier run could not be read.
    problem: Option<Arc<str>>,
}

/// Switches whose entries are left as they are wherever they stand, until this is dropped.
#[derive(Debug)]
pub struct Lease {
    entries: Entries,
    switches: BTreeSet<DatapathId>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.entries.lock().release(&self.switches);
    }
}

impl Entries {
    /// The app, with the entries that the network's store has. When they can't be read, no switch loses its entries and
    /// none is made, until somebody has mended the store.
    #[must_use]
    pub fn new(network: Network) -> Self {
        let (table, problem) = match read(&network) {
            Ok(table) => (table, None),
            Err(error) => {
                tracing::error!(%error, "the static entries can't be read: they stay as the switches have them");
                (Table::default(), Some(error.to_string().into()))
            }
        };
        Self {
            network,
            table: Arc::new(Mutex::new(table)),
            sharing: Arc::default(),
            problem,
        }
    }

    /// The network whose switches hold the entries.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Every operation leaves the table whole, so a panic elsewhere can't have torn it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// An entry.
    #[must_use]
    pub fn get(&self, id: EntryId) -> Option<StaticEntry> {
        self.lock().get(id).cloned()
    }

    /// All entries, in the order of their numbers.
    #[must_use]
    pub fn list(&self) -> Vec<(EntryId, StaticEntry)> {
        let table = self.lock();
        table
            .iter()
            .map(|(id, entry)| (id, entry.clone()))
            .collect()
    }

    /// From now on, until the lease is dropped, entries on these switches are left as they are on any switch that
    /// connects: somebody is changing them.
    #[must_use]
    pub fn lease(&self, switches: BTreeSet<DatapathId>) -> Lease {
        self.lock().lease(&switches);
        Lease {
            entries: self.clone(),
            switches,
        }
    }

    /// Those entries of `from` for which `form` gives a form stand on `to` from now on, in that form; or can't, for a
    /// reason. Gives those that have to be [kept](Self::put).
    ///
    /// Not those that are held for it, of which [`Self::settled`] tells: one that is only about to be held may still be
    /// given up, and must not be written down as it would have been.
    #[must_use]
    pub fn moved(
        &self,
        from: DatapathId,
        to: DatapathId,
        form: impl Fn(&FlowRule) -> Option<Result<FlowRule, String>>,
    ) -> BTreeSet<EntryId> {
        let mut table = self.lock();
        let mut ids = BTreeSet::new();
        for id in table.at(from) {
            let entry = table.get(id);
            let entry =
                entry.filter(|entry| !matches!(entry.state, State::Refused | State::Queued));
            if let Some(rule) = entry.and_then(|entry| form(&entry.rule)) {
                table.moved(id, to, rule);
                ids.insert(id);
            }
        }
        ids
    }

    /// A rule of a switch reads like this from now on. If it is an entry, gives it, since it has to be
    /// [kept](Self::put).
    #[must_use]
    pub fn changed(&self, dpid: DatapathId, rule: &FlowRule) -> Option<EntryId> {
        let id = Owner::Entries.own_part(rule.cookie)?;
        let mut table = self.lock();
        table.get(id).filter(|entry| entry.place == dpid)?;
        table.update(id, |entry| entry.rule = rule.clone())?;
        Some(id)
    }

    /// What became of a held write: for an entry that was added, the switch where it stands now and its form there;
    /// for one that was deleted, anything; or why the switch refused. Gives the entry, which has to be
    /// [kept](Self::put). Writes of others are none of this app's business.
    #[must_use]
    pub fn settled(
        &self,
        held: &HeldWrite,
        outcome: Result<(DatapathId, FlowRule), String>,
    ) -> Option<EntryId> {
        let id = Owner::Entries.own_part(held.write.rule.cookie)?;
        let deleted = held.write.command == FlowCommand::DeleteStrict;
        let mut table = self.lock();
        if deleted && outcome.is_ok() {
            table.remove(id);
        } else {
            table.update(id, |entry| match outcome {
                Ok((place, rule)) => entry.put(place, rule),
                Err(why) => {
                    entry.problem = Some(why);
                    if deleted || entry.state == State::Queued {
                        entry.state = State::Refused;
                    }
                }
            });
        }
        Some(id)
    }

    /// The work of this switch was being moved away when an earlier run of the controller ended, and that is taken up
    /// again: writes to it are held from now on, first of all those that were held then, in their order.
    pub fn hold_again(&self, source: DatapathId) {
        let writes = self.lock().held_again(source);
        if !writes.is_empty() {
            tracing::info!(%source, writes = writes.len(), "writes that an earlier run held are held again");
        }
        self.network.held().freeze_again(source, NAME, writes);
    }

    /// Puts these entries into a batch as they are now, for whoever writes down what else goes with that; those that are
    /// gone are deleted. With them go the groups and meters that have moved or changed.
    ///
    /// # Errors
    /// When one can't be said as JSON.
    pub fn put<'a>(
        &self,
        ids: impl IntoIterator<Item = &'a EntryId>,
        batch: &mut Batch,
    ) -> Result<(), StoreError> {
        let mut table = self.lock();
        for &id in ids {
            match table.get(id) {
                Some(entry) => batch.put(Slice::ENTRIES, id.into(), entry)?,
                None => batch.delete(Slice::ENTRIES, id.into()),
            }
        }
        table.shared.put(batch)
    }

    /// Gives the store these entries as they are now; it writes them soon.
    pub fn keep_soon<'a>(&self, ids: impl IntoIterator<Item = &'a EntryId>) {
        let mut batch = Batch::default();
        if let Err(error) = self.put(ids, &mut batch) {
            tracing::error!(%error, "what became of static entries can't be kept");
        }
        self.network.store().write_later(batch);
    }

    /// Writes an entry down as it is now.
    async fn keep(&self, id: EntryId) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        if let Some(entry) = self.get(id) {
            batch.put(Slice::ENTRIES, id.into(), &entry)?;
        }
        self.network.store().write(batch).await
    }

    /// These entries are no more, now and after a restart.
    async fn forget(&self, ids: &[EntryId]) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        for &id in ids {
            batch.delete(Slice::ENTRIES, id.into());
        }
        let written = self.network.store().write(batch.clone()).await;
        let mut table = self.lock();
        ids.iter().for_each(|&id| _ = table.remove(id));
        drop(table);
        if written.is_err() {
            // Whoever was refused must not find them there once the disk takes something again.
            self.network.store().write_later(batch);
        }
        written
    }

    /// An entry is no more. After a restart it is taken for gone also if this is not on the disk by then.
    fn drop_record(&self, id: EntryId) {
        self.lock().remove(id);
        let mut batch = Batch::default();
        batch.delete(Slice::ENTRIES, id.into());
        self.network.store().write_later(batch);
    }

    fn removed(&self, dpid: DatapathId, removed: &FlowRemoved) {
        let Some(id) = Owner::Entries.own_part(removed.cookie) else {
            return;
        };
        let timeouts = [
            FlowRemovedReason::IdleTimeout,
            FlowRemovedReason::HardTimeout,
        ];
        if !timeouts.contains(&removed.reason) || !self.lock().timed_out(id, dpid) {
            return;
        }
        self.drop_record(id);
        tracing::info!(entry = id, %dpid, "a static entry has expired");
    }
}

/// The entries that the store has.
fn read(network: &Network) -> Result<Table, StoreError> {
    let store = network.store();
    let values: Vec<(u64, serde_json::Value)> = store.load(Slice::VALUES)?;
    let last = values
        .iter()
        .find(|(key, _)| *key == LAST_NUMBER)
        .and_then(|(_, value)| u32::try_from(value.as_u64()?).ok());
    let entries = store.load::<StaticEntry>(Slice::ENTRIES)?;
    let numbered = |(key, entry)| {
        let none = || store.damaged(Slice::ENTRIES, key, "no entry has such a number".to_owned());
        let id = EntryId::try_from(key).map_err(|_| none())?;
        Ok((id, entry))
    };
    let entries: Result<Vec<_>, StoreError> = entries.into_iter().map(numbered).collect();
    let is_drained = |dpid| network.state(dpid) == SwitchState::Drained;
    let mut table = Table::load(entries?, last.unwrap_or_default(), is_drained);
    table.shared = shared::read(network)?;
    Ok(table)
}

impl App for Entries {
    fn name(&self) -> &'static str {
        NAME
    }

    fn declares(&self) -> Declaration {
        Declaration {
            description: "static entries, groups and meters, by REST",
            owner: Some(Owner::Entries),
            tables: 0..=u8::MAX - 1,
            needed: Some(
                "its entries were asked for one by one, and migrations move them; delete those that you don't want",
            ),
            ..Declaration::default()
        }
    }

    fn event(&self, event: &Event, _: &View<'_>) -> Commands {
        if let Event::FlowRemoved { dpid, removed } = event {
            self.removed(*dpid, removed);
        }
        Commands::default()
    }

    fn desired(&self, dpid: DatapathId) -> Desired {
        let held = self.network.held();
        let mut table = self.lock();
        // A switch is here: what an earlier run had frozen is frozen again by now.
        let outdated = table.outdated();
        let (desired, over) = table.desired(dpid, |place| held.is_frozen(place));
        drop(table);
        self.keep_soon(&outdated);
        over.into_iter().for_each(|id| self.drop_record(id));
        desired
    }

    fn knows_its_rules(&self) -> bool {
        self.problem.is_none()
    }

    fn routes(&self) -> Option<Routes> {
        let entries = rest::router(self.clone()).merge(bulk::router(self.clone()));
        Some(entries.merge(shared::rest::router(self.clone())))
    }

    fn compatible_routes(&self) -> Option<Routes> {
        Some(pusher::router(self.clone()).merge(written::router(self.clone())))
    }

    fn metrics(&self, out: &mut String) {
        let table = self.lock();
        let shared = table.shared.len();
        let (mut all, mut refused) = (0, 0);
        for (_, entry) in table.iter() {
            all += 1;
            refused += u64::from(entry.state == State::Refused);
        }
        drop(table);
        write_metric(
            out,
            "godwit_static_groups_and_meters",
            "gauge",
            "Groups and meters that were asked for.",
            shared as u64,
        );
        write_metric(
            out,
            "godwit_static_entries",
            "gauge",
            "Static entries.",
            all,
        );
        write_metric(
            out,
            "godwit_static_entries_refused",
            "gauge",
            "Static entries that were held and then refused.",
            refused,
        );
    }
}
