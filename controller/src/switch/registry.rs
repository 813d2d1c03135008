//! Who is connected.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use godwit_openflow::types::DatapathId;

use super::SwitchHandle;

/// The connected switches by datapath id.
#[derive(Debug, Default)]
pub struct Registry {
    /// A switch stays until its observer has been told of its end, so that a reconnect can't overtake that; the
    /// reads leave out those whose connection has ended.
    switches: DashMap<DatapathId, SwitchHandle>,
    last_connection: AtomicU64,
}

impl Registry {
    /// One without a switch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The switch with this datapath id, if it is connected.
    #[must_use]
    pub fn get(&self, dpid: DatapathId) -> Option<SwitchHandle> {
        let handle = self.switches.get(&dpid)?.value().clone();
        handle.is_connected().then_some(handle)
    }

    /// All connected switches, by datapath id.
    #[must_use]
    pub fn list(&self) -> Vec<SwitchHandle> {
        let mut list: Vec<SwitchHandle> = self
            .switches
            .iter()
            .map(|entry| entry.value().clone())
            .filter(SwitchHandle::is_connected)
            .collect();
        list.sort_by_key(SwitchHandle::dpid);
        list
    }

    /// The switch that `text` means: its datapath id in any form, else its name. `None` also when several
    /// switches go by that name.
    #[must_use]
    pub fn resolve(&self, text: &str) -> Option<SwitchHandle> {
        if let Some(switch) = text.parse().ok().and_then(|dpid| self.get(dpid)) {
            return Some(switch);
        }
        let mut named = self
            .list()
            .into_iter()
            .filter(|switch| switch.name() == text);
        match (named.next(), named.next()) {
            (Some(switch), None) => Some(switch),
            _ => None,
        }
    }

    /// How many switches are connected.
    #[must_use]
    pub fn len(&self) -> usize {
        self.switches
            .iter()
            .filter(|entry| entry.value().is_connected())
            .count()
    }

    /// Whether no switch is connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn next_connection(&self) -> u64 {
        self.last_connection.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Takes the place of the switch's datapath id.
    ///
    /// # Errors
    /// Gives the one who has it.
    pub(crate) fn claim(self: &Arc<Self>, switch: &SwitchHandle) -> Result<Tenancy, SwitchHandle> {
        match self.switches.entry(switch.dpid()) {
            Entry::Occupied(entry) => Err(entry.get().clone()),
            Entry::Vacant(entry) => {
                entry.insert(switch.clone());
                Ok(Tenancy {
                    registry: Arc::clone(self),
                    switch: switch.clone(),
                })
            }
        }
    }
}

/// A switch's place in the registry, which it gives up when this is dropped.
#[derive(Debug)]
pub(crate) struct Tenancy {
    registry: Arc<Registry>,
    switch: SwitchHandle,
}

impl Drop for Tenancy {
    fn drop(&mut self) {
        let id = self.switch.connection_id();
        self.registry
            .switches
            .remove_if(&self.switch.dpid(), |_, tenant| {
                tenant.connection_id() == id
            });
        self.switch.retire();
    }
}

#[cfg(test)]
mod tests;
