//! A flow table (OF 1.3.5 §6.4), with counters that stand still but for [`FlowTable::count`].

use std::time::{Duration, Instant};

use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{
    FlowCommand, FlowFlags, FlowMod, FlowRemoved, FlowRemovedReason, FlowRule, FlowStats, Pattern,
};

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
    fn age_ns(&self) -> u64 {
        u64::try_from((self.since.elapsed() + self.older).as_nanos()).unwrap_or(u64::MAX)
    }
}

#[derive(Debug, Default)]
pub(crate) struct FlowTable {
    entries: Vec<Entry>,
}

impl FlowTable {
    /// Performs a change; gives the ends of entries that are to be reported.
    pub(crate) fn change(&mut self, change: &FlowMod) -> Vec<FlowRemoved> {
        let rule = &change.rule;
        let strict = matches!(
            change.command,
            FlowCommand::Add | FlowCommand::ModifyStrict | FlowCommand::DeleteStrict
        );
        let concerns = |entry: &Entry| {
            let covered = rule.table == entry.rule.table || rule.table.0 == u8::MAX;
            let same = if strict {
                rule.same_identity(&entry.rule)
            } else {
                covered && rule.pattern.covers(&entry.rule.pattern)
            };
            same && (change.command == FlowCommand::Add
                || (entry.rule.cookie.0 ^ rule.cookie.0) & change.cookie_mask == 0)
        };
        match change.command {
            FlowCommand::Add => match self.entries.iter_mut().find(|entry| concerns(entry)) {
                Some(entry) => {
                    if rule.flags.contains(FlowFlags::RESET_COUNTS) {
                        (entry.packets, entry.since) = (0, Instant::now());
                        entry.older = Duration::ZERO;
                    }
                    entry.rule = rule.clone();
                }
                None => self.entries.push(Entry {
                    rule: rule.clone(),
                    since: Instant::now(),
                    older: Duration::ZERO,
                    packets: 0,
                }),
            },
            FlowCommand::Modify | FlowCommand::ModifyStrict => {
                for entry in self.entries.iter_mut().filter(|entry| concerns(entry)) {
                    entry.rule.instructions.clone_from(&rule.instructions);
                }
            }
            FlowCommand::Delete | FlowCommand::DeleteStrict => {
                return self.end(FlowRemovedReason::Delete, concerns);
            }
        }
        Vec::new()
    }

    fn end(
        &mut self,
        reason: FlowRemovedReason,
        which: impl Fn(&Entry) -> bool,
    ) -> Vec<FlowRemoved> {
        let gone = self.entries.extract_if(.., |entry| which(entry));
        gone.filter(|entry| entry.rule.flags.contains(FlowFlags::SEND_FLOW_REMOVED))
            .map(|entry| FlowRemoved {
                cookie: entry.rule.cookie,
                priority: entry.rule.priority,
                reason,
                table: entry.rule.table,
                duration_ns: entry.age_ns(),
                idle_timeout: entry.rule.idle_timeout,
                hard_timeout: entry.rule.hard_timeout,
                packets: entry.packets,
                bytes: entry.packets * PACKET_BYTES,
                pattern: entry.rule.pattern,
            })
            .collect()
    }

    /// Entries for which `which` holds have had no packet for too long.
    pub(crate) fn expire(&mut self, which: impl Fn(&FlowRule) -> bool) -> Vec<FlowRemoved> {
        self.end(FlowRemovedReason::IdleTimeout, |entry| which(&entry.rule))
    }

    pub(crate) fn age(&mut self, by: Duration) {
        self.entries.iter_mut().for_each(|entry| entry.older += by);
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(crate) fn rules(&self) -> impl Iterator<Item = &FlowRule> {
        self.entries.iter().map(|entry| &entry.rule)
    }

    /// The entry that takes a packet.
    pub(crate) fn lookup(&self, packet: &Pattern) -> Option<&FlowRule> {
        let takes = |entry: &&Entry| entry.rule.pattern.covers(packet);
        self.entries
            .iter()
            .filter(takes)
            .max_by_key(|entry| entry.rule.priority)
            .map(|entry| &entry.rule)
    }

    /// So many packets more have met this entry.
    pub(crate) fn count(&mut self, rule: &FlowRule, packets: u64) {
        for entry in &mut self.entries {
            if entry.rule.same_identity(rule) {
                entry.packets += packets;
            }
        }
    }

    pub(crate) fn report(&self, filter: &FlowFilter) -> Vec<FlowStats> {
        let asked = |entry: &&Entry| {
            (entry.rule.cookie.0 ^ filter.cookie.0) & filter.cookie_mask == 0
                && filter.pattern.covers(&entry.rule.pattern)
        };
        self.entries
            .iter()
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
