//! Which groups and meters somebody asked for, and where they stand.

use std::collections::{BTreeMap, BTreeSet};

use godwit_controller::carried::SharedPlace;
use godwit_openflow::types::DatapathId;
use serde::{Deserialize, Serialize};

use crate::plan::entry::Entry;

/// A group or a meter, as the store has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::entries) struct Kept {
    place: SharedPlace,
    form: Entry,
}

/// All of them.
#[derive(Debug, Default)]
pub(in crate::entries) struct SharedTable {
    /// With the numbers of their records.
    kept: BTreeMap<SharedPlace, (u64, Entry)>,
    last: u64,
    /// The numbers of records that are not what the store has.
    changed: BTreeSet<u64>,
}

impl SharedTable {
    pub(in crate::entries) fn load(records: Vec<(u64, Kept)>) -> Self {
        let mut table = Self::default();
        for (number, Kept { place, form }) in records {
            table.last = table.last.max(number);
            table.kept.insert(place, (number, form));
        }
        table
    }

    pub(super) fn get(&self, place: SharedPlace) -> Option<&Entry> {
        self.kept.get(&place).map(|(_, form)| form)
    }

    pub(super) fn at(&self, dpid: DatapathId) -> impl Iterator<Item = &Entry> {
        let there = self.kept.iter();
        let there = there.filter(move |(place, _)| place.dpid == dpid);
        there.map(|(_, (_, form))| form)
    }

    pub(in crate::entries) fn len(&self) -> usize {
        self.kept.len()
    }

    /// What stands at a place from now on, if anything. Gives what stood there.
    pub(super) fn set(&mut self, place: SharedPlace, form: Option<Entry>) -> Option<Entry> {
        let before = self.kept.remove(&place);
        self.changed
            .extend(before.as_ref().map(|(number, _)| *number));
        if let Some(form) = form {
            let number = before.as_ref().map_or_else(
                || {
                    self.last += 1;
                    self.last
                },
                |(number, _)| *number,
            );
            self.changed.insert(number);
            self.kept.insert(place, (number, form));
        }
        before.map(|(_, form)| form)
    }

    pub(super) fn moved(&mut self, from: SharedPlace, to: SharedPlace, form: Entry) {
        if self.set(from, None).is_some() {
            self.set(to, Some(form));
        }
    }

    pub(super) fn changed(&mut self, place: SharedPlace, form: &Entry) {
        if self.get(place).is_some() {
            self.set(place, Some(form.clone()));
        }
    }

    /// The records that are not what the store has, for whoever writes them now.
    pub(super) fn take_changed(&mut self) -> Vec<(u64, Option<Kept>)> {
        let changed = std::mem::take(&mut self.changed);
        let now = |number: u64| {
            let mut kept = self.kept.iter();
            let (place, (_, form)) = kept.find(|(_, (of, _))| *of == number)?;
            Some(Kept {
                place: *place,
                form: form.clone(),
            })
        };
        changed
            .into_iter()
            .map(|number| (number, now(number)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use godwit_controller::carried::Shared;
    use godwit_openflow::model::{GroupDescription, GroupType};
    use godwit_openflow::types::GroupId;

    use super::*;

    fn place(dpid: u64, group: u32) -> SharedPlace {
        SharedPlace {
            dpid: DatapathId(dpid),
            shared: Shared::Group(GroupId(group)),
        }
    }

    fn group(number: u32) -> Entry {
        Entry::Group(GroupDescription {
            group_type: GroupType::All,
            group: GroupId(number),
            buckets: Vec::new(),
        })
    }

    #[test]
    fn what_is_moved_is_kept_at_its_new_place_and_what_is_gone_is_not_kept() {
        let mut table = SharedTable::default();
        for number in [1, 2] {
            assert_eq!(table.set(place(7, number), Some(group(number))), None);
        }
        let mut records: BTreeMap<u64, Kept> = BTreeMap::new();
        let mut write = |table: &mut SharedTable| {
            for (number, kept) in table.take_changed() {
                match kept {
                    Some(kept) => _ = records.insert(number, kept),
                    None => _ = records.remove(&number),
                }
            }
            SharedTable::load(records.clone().into_iter().collect())
        };
        assert_eq!(write(&mut table).len(), 2);
        table.moved(place(7, 1), place(8, 5), group(5));
        table.moved(place(7, 9), place(8, 9), group(9));
        table.changed(place(7, 3), &group(3));
        table.set(place(7, 2), None);
        let mut read = write(&mut table);
        assert_eq!(read.at(DatapathId(8)).collect::<Vec<_>>(), [&group(5)]);
        assert_eq!(read.len(), 1);
        assert!(table.take_changed().is_empty());
        // A number that was given back in the same moment is no record's that stays.
        read.set(place(7, 1), Some(group(1)));
        assert_eq!(read.take_changed().len(), 1);
    }
}
