//! What a route has carried, switch by switch, whatever happened to its rules.

use std::collections::BTreeMap;

use godwit_openflow::types::DatapathId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clock;

/// How much later than another an answer may be taken in that the switch gave before it: the deadline of a
/// request.
const OVERTAKEN_NS: u64 = 5_000_000_000;

/// How late an answer may be taken in, so that the rule seems younger than it is by then: at most by the time that
/// the controller waits for it.
const CLOCKS_APART_NS: u64 = 2 * OVERTAKEN_NS;

/// By which part of the time between two readings the switch's clock may be ahead of or behind this machine's: far more
/// than two crystals differ.
const CLOCKS_APART: u64 = 1000;

/// Packets and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CarriedOver {
    /// The switch whose place was taken.
    pub from: DatapathId,
    /// What it had counted.
    #[serde(flatten)]
    pub tally: Tally,
}

/// What one switch has counted for a route.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OnSwitch {
    /// By rules that are gone: an earlier time on this path, or before the switch lost its rules.
    earlier: Tally,
    /// By the rule that is there, as last read.
    current: Tally,
    /// How old that rule was then, in nanoseconds.
    age_ns: u64,
    /// When that was, in nanoseconds of this machine's clock; 0 where it is not known.
    read_ns: u64,
    /// Whether the rule is there.
    live: bool,
    /// What was taken over from a switch that was emptied.
    carried_over: Option<CarriedOver>,
    /// Whether the numbers are those of an earlier run of the controller, and the rule has not been read since.
    #[serde(skip)]
    restored: bool,
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

    /// The rule is another from here on, which counts from zero.
    const fn restart(&mut self) {
        self.earlier = self.total();
        self.current = Tally {
            packets: 0,
            bytes: 0,
        };
        self.age_ns = 0;
        self.read_ns = 0;
        self.restored = false;
    }

    /// Whether the rule that reports this is another than the one that was read before the controller was started
    /// anew. No answer to an earlier question can come any more, so one that has counted less is another, and so is
    /// one that is younger than it should be by now.
    const fn is_another(&self, reported: Tally, age_ns: u64, now_ns: u64) -> bool {
        let mut least_ns = self.age_ns;
        if self.read_ns != 0 {
            let passed_ns = now_ns.saturating_sub(self.read_ns);
            least_ns = least_ns.saturating_add(passed_ns - passed_ns / CLOCKS_APART);
            least_ns = least_ns.saturating_sub(CLOCKS_APART_NS);
        }
        reported.packets < self.current.packets || age_ns < self.age_ns || age_ns < least_ns
    }

    /// What it took over from a switch that was emptied.
    #[must_use]
    pub const fn carried_over(&self) -> Option<CarriedOver> {
        self.carried_over
    }
}

/// Where a route ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct LastHop {
    dpid: DatapathId,
    /// What the switch had counted for the route before it became the last.
    before: Tally,
}

/// What a route has carried.
///
/// A counter never decreases: a rule that reports less than before has been made anew by somebody,
/// and what the old one had counted is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
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
                on_switch.restart();
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
        self.read_at(dpid, reported, age_ns, clock::now_ns());
    }

    fn read_at(&mut self, dpid: DatapathId, reported: Tally, age_ns: u64, now_ns: u64) {
        let on_switch = self.switches.entry(dpid).or_default();
        if std::mem::take(&mut on_switch.restored) {
            if on_switch.is_another(reported, age_ns, now_ns) {
                on_switch.earlier = on_switch.total();
            }
        } else if reported.packets < on_switch.current.packets {
            if age_ns.saturating_add(OVERTAKEN_NS) >= on_switch.age_ns {
                return;
            }
            on_switch.earlier = on_switch.total();
        }
        on_switch.current = reported;
        on_switch.age_ns = age_ns;
        on_switch.read_ns = now_ns;
    }

    /// These are the numbers of an earlier run of the controller. Rules may have been made anew since, so each is
    /// told by its age when it is first read.
    ///
    /// `same_clock`: whether this machine has been up since, so that its clock tells how long that is.
    pub(super) fn restored(&mut self, same_clock: bool) {
        for on_switch in self.switches.values_mut() {
            on_switch.restored = true;
            if !same_clock {
                on_switch.read_ns = 0;
            }
        }
    }

    /// The live rule of a switch was deleted and put there anew: it counts from zero, and what the old one had
    /// counted stands.
    pub fn restarted(&mut self, dpid: DatapathId) {
        if let Some(on_switch) = self.switches.get_mut(&dpid) {
            on_switch.restart();
        }
    }

    /// The same, where what was counted before is `total`: told twice it is the same.
    pub fn restarted_at(&mut self, dpid: DatapathId, total: Tally) {
        if let Some(on_switch) = self.switches.get_mut(&dpid) {
            on_switch.restart();
            on_switch.earlier = total;
        }
    }

    /// Takes in what a rule had counted at its end, and gives whether that is more than was read before. It may be less,
    /// since a switch credits late; what was read stands.
    pub fn ended(&mut self, dpid: DatapathId, reported: Tally) -> bool {
        let on_switch = self.switches.get_mut(&dpid);
        let counted_less = |on_switch: &&mut OnSwitch| on_switch.current.packets < reported.packets;
        let Some(on_switch) = on_switch.filter(counted_less) else {
            return false;
        };
        on_switch.current = reported;
        true
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

    const SECOND: u64 = 1_000_000_000;
    const HOUR: u64 = 3600 * SECOND;

    /// What is kept of counters that were read once, and taken in by the next run of the controller.
    fn kept(packets: u64, age_ns: u64, same_clock: bool) -> Counters {
        let mut counters = Counters::default();
        counters.set_path([A]);
        counters.read_at(A, tally(packets), age_ns, HOUR);
        let text = serde_json::to_string(&counters).unwrap();
        let mut counters: Counters = serde_json::from_str(&text).unwrap();
        counters.restored(same_clock);
        counters
    }

    #[test]
    fn a_rule_that_lived_on_while_the_controller_was_away_counts_on() {
        for same_clock in [false, true] {
            let mut counters = kept(100, 60 * SECOND, same_clock);
            assert_eq!(counters.delivered(), tally(100));
            counters.read_at(A, tally(150), 70 * SECOND, HOUR + 10 * SECOND);
            assert_eq!(counters.delivered(), tally(150));
            counters.read_at(A, tally(170), 75 * SECOND, HOUR + 15 * SECOND);
            assert_eq!(counters.delivered(), tally(170));
        }
        // A day later, by a clock that is a minute slow; and by one of whole seconds, taken in late.
        let mut counters = kept(100, 60 * SECOND, true);
        counters.read_at(A, tally(150), 24 * HOUR, 25 * HOUR);
        assert_eq!(counters.delivered(), tally(150));
        let mut counters = kept(100, 60 * SECOND, true);
        counters.read_at(A, tally(150), 60 * SECOND, HOUR + 9 * SECOND);
        assert_eq!(counters.delivered(), tally(150));
    }

    #[test]
    fn a_rule_made_anew_while_the_controller_was_away_adds_to_the_old() {
        for same_clock in [false, true] {
            // It has counted less, or more but is younger.
            for (packets, age_ns) in [(30, 2 * SECOND), (30, 61 * SECOND), (500, 59 * SECOND)] {
                let mut counters = kept(100, 60 * SECOND, same_clock);
                counters.read_at(A, tally(packets), age_ns, HOUR + 60 * SECOND);
                assert_eq!(counters.delivered(), tally(100 + packets));
            }
        }
        // It has counted more and is older than the other was, but not old enough.
        let mut counters = kept(100, 60 * SECOND, true);
        counters.read_at(A, tally(500), 90 * SECOND, HOUR + 120 * SECOND);
        assert_eq!(counters.delivered(), tally(600));
        // It was told at once that it is a new one.
        let mut counters = kept(100, 60 * SECOND, true);
        counters.restarted(A);
        counters.read_at(A, tally(500), 900 * SECOND, 2 * HOUR);
        assert_eq!(counters.delivered(), tally(600));
    }
}
