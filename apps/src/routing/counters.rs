//! What a route has carried, switch by switch, whatever happened to its rules.

use std::collections::BTreeMap;

use godwit_openflow::types::DatapathId;
use serde::Serialize;

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

/// What a route has carried.
///
/// A counter never decreases: a rule that reports less than before has been made anew by somebody,
/// and what the old one had counted is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    switches: BTreeMap<DatapathId, OnSwitch>,
    /// Where the route ends, and where it ended before a host moved.
    last_hops: Vec<DatapathId>,
}

impl Counters {
    /// The rules of these switches, first hop first, are the live ones from now on.
    pub fn set_path(&mut self, path: impl IntoIterator<Item = DatapathId>) {
        let path: Vec<DatapathId> = path.into_iter().collect();
        for (dpid, on_switch) in &mut self.switches {
            if on_switch.live && !path.contains(dpid) {
                on_switch.live = false;
                on_switch.earlier = on_switch.total();
                on_switch.current = Tally::default();
            }
        }
        for &dpid in &path {
            self.switches.entry(dpid).or_default().live = true;
        }
        if let Some(&last) = path.last()
            && !self.last_hops.contains(&last)
        {
            self.last_hops.push(last);
        }
    }

    /// Takes in what a live rule reports.
    pub fn read(&mut self, dpid: DatapathId, reported: Tally) {
        let on_switch = self.switches.entry(dpid).or_default();
        if reported.packets < on_switch.current.packets {
            on_switch.earlier = on_switch.total();
        }
        on_switch.current = reported;
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
        let counted = self
            .last_hops
            .iter()
            .filter_map(|dpid| self.switches.get(dpid));
        counted.fold(Tally::default(), |sum, on_switch| {
            sum.plus(on_switch.total())
        })
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
        counters.read(A, tally(12));
        counters.read(B, tally(10));
        assert_eq!(counters.delivered(), tally(10));
    }

    #[test]
    fn a_counter_does_not_decrease_when_a_switch_loses_its_rules() {
        let mut counters = Counters::default();
        counters.set_path([A, B]);
        counters.read(B, tally(10));
        counters.read(B, tally(3));
        assert_eq!(counters.delivered(), tally(13));
    }

    #[test]
    fn a_rule_put_there_anew_adds_to_what_the_old_one_had_counted() {
        let mut counters = Counters::default();
        counters.set_path([A, B]);
        counters.read(B, tally(10));
        counters.restarted(B);
        counters.read(B, tally(500));
        assert_eq!(counters.delivered(), tally(510));
    }

    #[test]
    fn a_switch_that_left_the_path_keeps_its_final_numbers() {
        let mut counters = Counters::default();
        counters.set_path([A, B, C]);
        counters.read(B, tally(10));
        counters.set_path([A, C]);
        let on_b = counters.on_switch(B).unwrap();
        assert!(!on_b.is_live());
        assert_eq!(on_b.total(), tally(10));
        counters.set_path([A, B, C]);
        counters.read(B, tally(4));
        assert_eq!(counters.on_switch(B).unwrap().total(), tally(14));
    }

    #[test]
    fn the_target_carries_what_the_source_had_counted() {
        let mut counters = Counters::default();
        counters.set_path([A, B, C]);
        counters.read(B, tally(10));
        counters.carry_over(B, A);
        let carried = counters.on_switch(A).unwrap().carried_over().unwrap();
        assert_eq!((carried.from, carried.tally), (B, tally(10)));
    }

    #[test]
    fn deliveries_to_where_a_host_was_before_still_count() {
        let mut counters = Counters::default();
        counters.set_path([A, B]);
        counters.read(B, tally(10));
        counters.set_path([A, C]);
        counters.read(C, tally(5));
        assert_eq!(counters.delivered(), tally(15));
    }

    #[test]
    fn a_final_report_below_what_was_read_is_not_believed() {
        let mut counters = Counters::default();
        counters.set_path([A]);
        counters.read(A, tally(10));
        counters.ended(A, tally(8));
        assert_eq!(counters.delivered(), tally(10));
        counters.ended(A, tally(11));
        assert_eq!(counters.delivered(), tally(11));
    }
}
