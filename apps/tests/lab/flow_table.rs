//! A flow table (OF 1.3.5 §6.4), with counters that stand still but for [`FlowTable::count`].

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::time::{Duration, Instant};

use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{
    FlowCommand, FlowFlags, FlowMod, FlowRemoved, FlowRemovedReason, FlowRule, FlowStats, Pattern,
};
use godwit_openflow::types::TableId;

/// The bytes of every packet.
const PACKET_BYTES: u64 = 100;

#[derive(Debug)]
struct Entry {
    rule: FlowRule,
    since: Instant,
    /// How much older it is than that.
    older: Duration,
    packets: u64,
}

impl Entry {
    /// Its end, if it is to be reported.
    fn ended(self, reason: FlowRemovedReason) -> Option<FlowRemoved> {
        let wished = self.rule.flags.contains(FlowFlags::SEND_FLOW_REMOVED);
        wished.then(|| FlowRemoved {
            cookie: self.rule.cookie,
            priority: self.rule.priority,
            reason,
            table: self.rule.table,
            duration_ns: self.age_ns(),
            idle_timeout: self.rule.idle_timeout,
            hard_timeout: self.rule.hard_timeout,
            packets: self.packets,
            bytes: self.packets * PACKET_BYTES,
            pattern: self.rule.pattern.clone(),
        })
    }

    fn age_ns(&self) -> u64 {
        u64::try_from((self.since.elapsed() + self.older).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// What makes two rules the same.
type Identity = (TableId, u16, Pattern);

fn identity(rule: &FlowRule) -> Identity {
    (rule.table, rule.priority, rule.pattern.clone())
}

#[derive(Debug, Default)]
pub(crate) struct FlowTable {
    entries: HashMap<Identity, Entry>,
    /// With more entries than this, those that end some day make room, as Open vSwitch has it.
    limit: Option<usize>,
}

impl FlowTable {
    /// Performs a change; gives the ends of entries that are to be reported.
    pub(crate) fn change(&mut self, change: &FlowMod) -> Vec<FlowRemoved> {
        let rule = &change.rule;
        match change.command {
            FlowCommand::Add => self.add(rule),
            FlowCommand::ModifyStrict => {
                if let Some(entry) = self.entries.get_mut(&identity(rule)) {
                    entry.rule.instructions.clone_from(&rule.instructions);
                }
            }
            FlowCommand::DeleteStrict => {
                let gone = self.entries.remove(&identity(rule));
                let reported = gone.map(|entry| entry.ended(FlowRemovedReason::Delete));
                return reported.into_iter().flatten().collect();
            }
            FlowCommand::Modify | FlowCommand::Delete => {
                panic!("the controller changes rules that it does not name")
            }
        }
        Vec::new()
    }

    fn add(&mut self, rule: &FlowRule) {
        let fresh = Entry {
            rule: rule.clone(),
            since: Instant::now(),
            older: Duration::ZERO,
            packets: 0,
        };
        match self.entries.entry(identity(rule)) {
            Occupied(mut there) if !rule.flags.contains(FlowFlags::RESET_COUNTS) => {
                there.get_mut().rule = fresh.rule;
            }
            Occupied(mut there) => _ = there.insert(fresh),
            Vacant(free) => _ = free.insert(fresh),
        }
        while self.limit.is_some_and(|limit| self.entries.len() > limit) {
            let timed = |rule: &FlowRule| rule.idle_timeout > 0 || rule.hard_timeout > 0;
            let others = self.entries.iter().filter(|(_, entry)| entry.rule != *rule);
            let mut evictable = others.filter(|(_, entry)| timed(&entry.rule));
            let Some(evicted) = evictable.next().map(|(identity, _)| identity.clone()) else {
                return;
            };
            self.entries.remove(&evicted);
        }
    }

    pub(crate) const fn limit(&mut self, limit: usize) {
        self.limit = Some(limit);
    }

    pub(crate) const fn limited(&self) -> Option<usize> {
        self.limit
    }

    /// Entries for which `which` holds have had no packet for too long.
    pub(crate) fn expire(&mut self, which: impl Fn(&FlowRule) -> bool) -> Vec<FlowRemoved> {
        let gone = self.entries.extract_if(|_, entry| which(&entry.rule));
        gone.filter_map(|(_, entry)| entry.ended(FlowRemovedReason::IdleTimeout))
            .collect()
    }

    pub(crate) fn age(&mut self, by: Duration) {
        self.entries
            .values_mut()
            .for_each(|entry| entry.older += by);
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn rules(&self) -> impl Iterator<Item = &FlowRule> {
        self.entries.values().map(|entry| &entry.rule)
    }

    /// The entry that takes a packet.
    pub(crate) fn lookup(&self, packet: &Pattern) -> Option<&FlowRule> {
        let mut best: Option<&FlowRule> = None;
        for Entry { rule, .. } in self.entries.values() {
            let higher = best.is_none_or(|best| best.priority < rule.priority);
            if higher && rule.pattern.covers(packet) {
                best = Some(rule);
            }
        }
        best
    }

    /// So many packets more have met this entry.
    pub(crate) fn count(&mut self, rule: &FlowRule, packets: u64) {
        if let Some(entry) = self.entries.get_mut(&identity(rule)) {
            entry.packets += packets;
        }
    }

    pub(crate) fn report(&self, filter: &FlowFilter) -> Vec<FlowStats> {
        let asked = |entry: &&Entry| {
            (entry.rule.cookie.0 ^ filter.cookie.0) & filter.cookie_mask == 0
                && filter.pattern.covers(&entry.rule.pattern)
        };
        self.entries
            .values()
            .filter(asked)
            .map(|entry| FlowStats {
                rule: entry.rule.clone(),
                duration_ns: entry.age_ns(),
                packets: entry.packets,
                bytes: entry.packets * PACKET_BYTES,
            })
            .collect()
    }
}
