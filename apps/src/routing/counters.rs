//! What a route has carried, switch by switch, whatever happened to its rules.

use std::collections::BTreeMap;

use godwit_openflow::types::DatapathId;
use serde::Serialize;

/// How much later than another an answer may be taken in that the switch gave before it: the deadline of a
/// request.
const OVERTAKEN_NS: u64 = 5_000_000_000;

/// Packets and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// Packets.
    pub packets: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Tally {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            packets: self.packets.saturating_add(other.packets),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

impl Tally {
    const fn minus(self, other: Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(other.packets),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

/// What a switch took over from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CarriedOver {
    /// The switch whose place was taken.
    pub from: DatapathId,
    /// What it had counted.
    #[serde(flatten)]
    pub tally: Tally,
}

/// What one switch has counted for a route.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OnSwitch {
    /// By rules that are gone: an earlier time on this path, or before the switch lost its rules.
    earlier: Tally,
    /// By the rule that is there, as last read.
    current: Tally,
    /// How old that rule was then, in nanoseconds.
    age_ns: u64,
    /// Whether the rule is there.
    live: bool,
    /// What was taken over from a switch that was emptied.
    carried_over: Option<CarriedOver>,
}

impl OnSwitch {
    /// Everything that this switch itself has counted.
    #[must_use]
    pub const fn total(&self) -> Tally {
        self.earlier.plus(self.current)
    }

    /// Whether it carries the route.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.live
    }

    /// What it took over from a switch that was emptied.
    #[must_use]
    pub const fn carried_over(&self) -> Option<CarriedOver> {
        self.carried_over
    }
}

/// Where a route ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LastHop {
    dpid: DatapathId,
    /// What the switch had counted for the route before it became the last.
    before: Tally,
}

/// What a route has carried.
///
/// A counter never decreases: a rule that reports less than before has been made anew by somebody,
/// and what the old one had counted is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    switches: BTreeMap<DatapathId, OnSwitch>,
    /// What was delivered where the route ended before a host moved.
    delivered_before: Tally,
    last_hop: Option<LastHop>,
}

impl Counters {
    /// The rules of these switches, first hop first, are the live ones from now on.
    pub fn set_path(&mut self, path: impl IntoIterator<Item = DatapathId>) {
        let path: Vec<DatapathId> = path.into_iter().collect();
        for (dpid, on_switch) in &mut self.switches {
            on_switch.live &= path.contains(dpid);
        }
        for &dpid in &path {
            let on_switch = self.switches.entry(dpid).or_default();
            if !on_switch.live {
                // A new rule, which counts from zero.
                on_switch.earlier = on_switch.total();
                on_switch.current = Tally::default();
                on_switch.live = true;
            }
        }
        if let Some(&dpid) = path.last()
            && self.last_hop.is_none_or(|last| last.dpid != dpid)
        {
            self.delivered_before = self.delivered();
            let before = self
                .switches
                .get(&dpid)
                .map(OnSwitch::total)
                .unwrap_or_default();
            self.last_hop = Some(LastHop { dpid, before });
        }
    }

    /// Takes in what a live rule reports, and how old it is in nanoseconds.
    ///
    /// Less than before means that somebody has made the rule anew, if it is younger too; else the answer is one
    /// that was overtaken by a later one.
    pub fn read(&mut self, dpid: DatapathId, reported: Tally, age_ns: u64) {
        let on_switch = self.switches.entry(dpid).or_default();
        if reported.packets < on_switch.current.packets {
            if age_ns.saturating_add(OVERTAKEN_NS) >= on_switch.age_ns {
                return;
            }
            on_switch.earlier = on_switch.total();
        }
        on_switch.current = reported;
        on_switch.age_ns = age_ns;
    }

    /// The live rule of a switch was deleted and put there anew: it counts from zero, and what the old one had
    /// counted stands.
    pub fn restarted(&mut self, dpid: DatapathId) {
        if let Some(on_switch) = self.switches.get_mut(&dpid) {
            on_switch.earlier = on_switch.total();
            on_switch.current = Tally::default();
        }
    }

    /// Takes in what a rule had counted at its end. It may report less than was read before, since a
    /// switch credits late; what was read stands.
    pub fn ended(&mut self, dpid: DatapathId, reported: Tally) {
        if let Some(on_switch) = self.switches.get_mut(&dpid)
            && reported.packets > on_switch.current.packets
        {
            on_switch.current = reported;
        }
    }

    /// `target` took the place of `source` on this route.
    pub fn carry_over(&mut self, source: DatapathId, target: DatapathId) {
        let Some(tally) = self.switches.get(&source).map(OnSwitch::total) else {
            return;
        };
        self.switches.entry(target).or_default().carried_over = Some(CarriedOver {
            from: source,
            tally,
        });
    }

    /// What the route has delivered: the count of its last hop, and of those before it.
    #[must_use]
    pub fn delivered(&self) -> Tally {
        let Some(LastHop { dpid, before }) = self.last_hop else {
            return self.delivered_before;
        };
        let total = self
            .switches
            .get(&dpid)
            .map(OnSwitch::total)
            .unwrap_or_default();
        self.delivered_before.plus(total.minus(before))
    }

    /// What one switch has counted.
    #[must_use]
    pub fn on_switch(&self, dpid: DatapathId) -> Option<&OnSwitch> {
        self.switches.get(&dpid)
    }

    /// Every switch that carries the route or ever did.
    pub fn switches(&self) -> impl Iterator<Item = (DatapathId, &OnSwitch)> {
        self.switches
            .iter()
            .map(|(&dpid, on_switch)| (dpid, on_switch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: DatapathId = DatapathId(1);
    const B: DatapathId = DatapathId(2);
    const C: DatapathId = DatapathId(3);

    fn tally(packets: u64) -> Tally {
        Tally {
            packets,
            bytes: packets * 100,
        }
    }

    #[test]
    fn a_route_counts_what_its_last_hop_delivered() {
        let mut counters = Counters::default();
        counters.set_path([A, B]);
        counters.read(A, tally(12), 60_000_000_000);
        counters.read(B, tally(10), 60_000_000_000);
        assert_eq!(counters.delivered(), tally(10));
    }

    #[test]
    fn a_counter_does_not_decrease_when_a_switch_loses_its_rules() {
        let mut counters = Counters::default();
        counters.set_path([A, B]);
        counters.read(B, tally(10), 60_000_000_000);
        counters.read(B, tally(3), 1_000_000_000);
        assert_eq!(counters.delivered(), tally(13));
    }

    #[test]
    fn a_rule_put_there_anew_adds_to_what_the_old_one_had_counted() {
        let mut counters = Counters::default();
        counters.set_path([A, B]);
        counters.read(B, tally(10), 60_000_000_000);
        counters.restarted(B);
        counters.read(B, tally(500), 60_000_000_000);
        assert_eq!(counters.delivered(), tally(510));
    }

    #[test]
    fn an_answer_that_was_overtaken_changes_nothing() {
        let mut counters = Counters::default();
        counters.set_path([A, B]);
        counters.read(B, tally(200), 60_000_000_000);
        counters.read(B, tally(100), 59_000_000_000);
        assert_eq!(counters.delivered(), tally(200));
    }

    #[test]
    fn a_switch_that_left_the_path_keeps_its_final_numbers() {
        let mut counters = Counters::default();
        counters.set_path([A, B, C]);
        counters.read(B, tally(10), 60_000_000_000);
        counters.set_path([A, C]);
        let on_b = counters.on_switch(B).unwrap();
        assert!(!on_b.is_live());
        assert_eq!(on_b.total(), tally(10));
        counters.set_path([A, B, C]);
        counters.read(B, tally(4), 60_000_000_000);
        assert_eq!(counters.on_switch(B).unwrap().total(), tally(14));
    }

    #[test]
    fn the_target_carries_what_the_source_had_counted() {
        let mut counters = Counters::default();
        counters.set_path([A, B, C]);
        counters.read(B, tally(10), 60_000_000_000);
        counters.carry_over(B, A);
        let carried = counters.on_switch(A).unwrap().carried_over().unwrap();
        assert_eq!((carried.from, carried.tally), (B, tally(10)));
    }

    #[test]
    fn deliveries_to_where_a_host_was_before_still_count() {
        let mut counters = Counters::default();
        counters.set_path([A, B]);
        counters.read(B, tally(10), 60_000_000_000);
        counters.set_path([A, C]);
        counters.read(C, tally(5), 60_000_000_000);
        assert_eq!(counters.delivered(), tally(15));
    }

    #[test]
    fn a_switch_counts_deliveries_only_while_it_is_the_last() {
        let mut counters = Counters::default();
        counters.set_path([A, C]);
        counters.read(C, tally(10), 60_000_000_000);
        counters.set_path([A, C, B]);
        counters.read(C, tally(17), 60_000_000_000);
        counters.read(B, tally(7), 60_000_000_000);
        assert_eq!(counters.delivered(), tally(17));
        counters.set_path([A, C]);
        counters.read(C, tally(20), 60_000_000_000);
        assert_eq!(counters.delivered(), tally(20));
    }

    #[test]
    fn a_final_report_below_what_was_read_is_not_believed() {
        let mut counters = Counters::default();
        counters.set_path([A]);
        counters.read(A, tally(10), 60_000_000_000);
        counters.ended(A, tally(8));
        assert_eq!(counters.delivered(), tally(10));
        counters.ended(A, tally(11));
        assert_eq!(counters.delivered(), tally(11));
    }
}
