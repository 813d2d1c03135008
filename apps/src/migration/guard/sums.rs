//! Readings of several counters that count together, as one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use godwit_openflow::model::FlowStats;
use godwit_openflow::types::DatapathId;

use super::entries::Pairs;
use super::judge::{Judge, Sample, Watch};

/// How old a sum is taken to be when it is first read: it is only known to have gone on from there.
const FIRST_AGE: Duration = Duration::from_secs(3600);

/// What a switch said, and between which instants.
pub(super) struct Answer {
    pub(super) when: [Instant; 2],
    pub(super) rules: Vec<FlowStats>,
}

/// The counters of pairs, as they were last.
#[derive(Debug)]
pub(super) struct Sums {
    pairs: Pairs,
    counters: Vec<Option<Sample>>,
    /// How old each pair's sums are taken to be, and when that was.
    ages: Vec<[(Duration, Option<Instant>); 2]>,
}

impl Sums {
    pub(super) fn new(pairs: Pairs) -> Self {
        Self {
            counters: vec![None; pairs.switches.len()],
            ages: vec![[(FIRST_AGE, None); 2]; pairs.pairs.len()],
            pairs,
        }
    }

    /// The switches that have to be read.
    pub(super) fn switches(&self) -> impl Iterator<Item = DatapathId> {
        self.pairs.places.keys().copied()
    }

    /// Takes in a reading of all switches.
    pub(super) fn take(&mut self, answers: &BTreeMap<DatapathId, Answer>, judge: &mut Judge) {
        let is_read = |dpid: &DatapathId| answers.contains_key(dpid);
        let kept = self.counters.iter().zip(&self.pairs.switches);
        let kept = kept.map(|(counter, dpid)| counter.filter(|_| !is_read(dpid)));
        let mut now: Vec<Option<Sample>> = kept.collect();
        for (dpid, answer) in answers {
            let Some(places) = self.pairs.places.get(dpid) else {
                continue;
            };
            for stats in &answer.rules {
                let place = places.get(&stats.rule.owned_identity());
                if let Some(counter) = place.and_then(|place| now.get_mut(*place)) {
                    *counter = Some(Sample {
                        asked: answer.when[0],
                        answered: answer.when[1],
                        packets: stats.packets,
                        age_ns: stats.duration_ns,
                    });
                }
            }
        }
        // One that is gone, or another by now, has counted what nobody knows.
        let begins = |place: usize| match (self.counters.get(place), now.get(place)) {
            (Some(Some(before)), Some(Some(now))) => now.is_of_another(before),
            (Some(Some(_)), Some(None)) => true,
            _ => false,
        };
        for (index, (pair, ages)) in self.pairs.pairs.iter().zip(&mut self.ages).enumerate() {
            for (end, (places, age)) in [&pair.first, &pair.last].into_iter().zip(ages).enumerate()
            {
                let switches = places
                    .iter()
                    .filter_map(|place| self.pairs.switches.get(*place));
                let when: Option<Vec<[Instant; 2]>> = switches
                    .map(|dpid| answers.get(dpid).map(|answer| answer.when))
                    .collect();
                let Some(when) = when else { continue };
                let asked = when.iter().map(|[asked, _]| *asked).min();
                let answered = when.iter().map(|[_, answered]| *answered).max();
                let (Some(asked), Some(answered)) = (asked, answered) else {
                    continue;
                };
                *age = match *age {
                    _ if places.iter().any(|place| begins(*place)) => (Duration::ZERO, Some(asked)),
                    (age, Some(then)) => (age + asked.saturating_duration_since(then), Some(asked)),
                    (age, None) => (age, Some(asked)),
                };
                let counted = places.iter().filter_map(|place| now.get(*place)?.as_ref());
                let counted = counted.map(|sample| sample.packets);
                let sample = Sample {
                    asked,
                    answered,
                    packets: counted.fold(0, u64::saturating_add),
                    age_ns: u64::try_from(age.0.as_nanos()).unwrap_or(u64::MAX),
                };
                match end {
                    0 => judge.first(Watch::Entry(index), sample),
                    _ => judge.last(Watch::Entry(index), sample),
                }
            }
        }
        self.counters = now;
    }
}
