//! Groups and meters that somebody asked for by REST: kept, put back where they are missing, and on the switch that takes
//! over when theirs is emptied.
//!
//! | file | what it does |
//! |---|---|
//! | `table` | which there are, and where; pure |
//! | `make` | makes them on their switch, and takes them away |
//! | `rest` | `PUT` and `DELETE /v1/switches/{id}/groups/{group}`, `…/meters/{meter}` |
//!
//! While a switch's work is being moved its groups and meters can't be changed; rules can.

mod make;
pub(super) mod rest;
mod table;

use godwit_controller::carried::SharedPlace;
use godwit_controller::{Batch, Desired, Network, Slice, StoreError};
use godwit_openflow::types::DatapathId;

use super::Entries;
use crate::plan::entry::Entry;

pub(super) use table::Kept;
pub(super) use table::SharedTable;

/// Those that the store has.
pub(super) fn read(network: &Network) -> Result<SharedTable, StoreError> {
    let kept = network.store().load::<Kept>(Slice::SHARED)?;
    Ok(SharedTable::load(kept))
}

impl Entries {
    /// A group or a meter stands elsewhere from now on, like this. What was not asked for here is none of this app's
    /// business. That it is so is written with what is [put](Self::put) next.
    pub fn shared_moved(&self, from: SharedPlace, to: SharedPlace, form: Entry) {
        self.lock().shared.moved(from, to, form);
    }

    /// A group of a switch reads like this from now on; the same.
    pub fn shared_changed(&self, dpid: DatapathId, form: &Entry) {
        if let Some(shared) = form.shared() {
            let place = SharedPlace { dpid, shared };
            self.lock().shared.changed(place, form);
        }
    }
}

impl SharedTable {
    /// Adds those that a switch should hold.
    pub(super) fn desire(&self, dpid: DatapathId, desired: &mut Desired) {
        for entry in self.at(dpid) {
            match entry {
                Entry::Group(group) => desired.groups.push(group.clone()),
                Entry::Meter(meter) => desired.meters.push(meter.clone()),
                Entry::Rule(_) => {}
            }
        }
    }

    /// Puts what has changed into a batch.
    pub(super) fn put(&mut self, batch: &mut Batch) -> Result<(), StoreError> {
        for (number, kept) in self.take_changed() {
            match kept {
                Some(kept) => batch.put(Slice::SHARED, number, &kept)?,
                None => batch.delete(Slice::SHARED, number),
            }
        }
        Ok(())
    }
}
