//! What counters prove about flows. Pure: it is fed with readings and the instants between which they were taken.
//!
//! A reading of a counter that is asked for at `a` and answered at `b` is some value that the counter had between
//! `a − CREDIT` and `b`. Say that the counters of a flow's ends differ by `missing` once all that is in flight has
//! arrived. Then
//!
//! * what the first hop has counted, less what the last one says so much later that all of it must have arrived and been
//!   credited, is at most `missing`: what came after can only make it less;
//! * what the first hop says so much later that everything that the last one had counted must have been credited there
//!   as well, less what the last one had counted, is at least `missing`.
//!
//! `missing` grows only by packets lost; it never falls where the last hop counts nothing else, and falls by what else it
//! counts. So what is at least missing, less the smallest that was at most missing before, is a number of packets that
//! have been lost for certain.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use godwit_controller::sweep::REVALIDATION;

use super::{Crossed, Limits};
use crate::plan::FlowId;

/// How late a packet may be credited to its rule by a switch that was nudged. Without contention it is credited before
/// the nudge's answer is waited out; this is for a switch that isn't scheduled.
pub(super) const CREDIT: Duration = REVALIDATION;

/// How long new ways are watched for loss at least. What the flows carry in 0.4 s can't be told from loss, so a way that
/// loses every second packet shows within this time, and the first bursts that others' queues have no room for.
const LOSS_WATCH: Duration = Duration::from_secs(1);

/// How much younger than expected a rule may seem: switches give its age in milliseconds.
const AGE_TOLERANCE_NS: u128 = 20_000_000;

/// Readings of a hop that are kept, evenly over the time for which they are needed.
const KEPT: u32 = 8;

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Watch {
    /// A route.
    Route(FlowId),
    /// A pair of counters of entries that belong to no route, by its place among them.
    Entry(usize),
}

/// A reading of a counter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// When the switch was asked.
    pub(super) asked: Instant,
    /// When it had answered.
    pub(super) answered: Instant,
    /// What the rule had counted.
    pub(super) packets: u64,
    /// How old it was, in nanoseconds.
    pub(super) age_ns: u64,
}

impl Sample {
    /// Whether this is of another rule than `before`, or of one that was made anew: it has counted less, or is younger
    /// than it would be by now.
    pub(super) fn is_of_another(&self, before: &Self) -> bool {
        let between = self.asked.saturating_duration_since(before.answered);
        let due = u128::from(before.age_ns) + between.as_nanos();
        self.packets < before.packets || u128::from(self.age_ns) + AGE_TOLERANCE_NS < due
    }
}

/// Readings of one counter, oldest first.
#[derive(Debug, Default)]
struct Readings {
    kept: VecDeque<Sample>,
}

/// What a reading is to those before it.
enum News {
    /// It is the first.
    First,
    /// A later one was taken in before it.
    Overtaken,
    /// The counter went on from there.
    Since(Sample),
    /// The counter began again.
    Restarted,
}

impl Readings {
    /// Takes in a reading. Those are kept that are needed to answer for any moment up to `reach` ago.
    fn take(&mut self, sample: Sample, reach: Duration) -> News {
        let Some(&newest) = self.kept.back() else {
            self.kept.push_back(sample);
            return News::First;
        };
        if sample.asked < newest.answered {
            return News::Overtaken;
        }
        if sample.is_of_another(&newest) {
            self.kept.clear();
            self.kept.push_back(sample);
            return News::Restarted;
        }
        let second = self.kept.iter().rev().nth(1);
        if second.is_some_and(|second| newest.asked < second.asked + reach / KEPT) {
            self.kept.pop_back();
        }
        self.kept.push_back(sample);
        while self
            .kept
            .get(1)
            .is_some_and(|next| next.answered + reach <= sample.asked)
        {
            self.kept.pop_front();
        }
        News::Since(newest)
    }

    /// The newest that was answered by then.
    fn by(&self, then: Option<Instant>) -> Option<&Sample> {
        let then = then?;
        let mut newest_first = self.kept.iter().rev();
        newest_first.find(|sample| sample.answered <= then)
    }
}

/// A flow.
#[derive(Debug, Default)]
struct Watched {
    first: Readings,
    last: Readings,
    /// The least that was at most missing, by the counters as they run now.
    at_most: Option<i128>,
    /// Lost for certain by the counters as they run now.
    lost: u64,
    /// Lost for certain before a counter began again.
    settled: u64,
    /// The reading since which the last hop has counted nothing.
    quiet: Option<Sample>,
    /// When the first hop had counted something that was sent after that, and how often it has.
    sent: Option<(Instant, u32)>,
    /// How long it has delivered nothing while it was sent.
    silence: Duration,
}

impl Watched {
    /// Packets lost for certain.
    fn lost(&self) -> u64 {
        self.settled.saturating_add(self.lost)
    }

    /// A counter has begun again: what is missing is another number from now on.
    fn restart(&mut self) {
        self.settled = self.lost();
        self.lost = 0;
        self.at_most = None;
    }

    fn first(&mut self, sample: Sample, reach: Duration) {
        match self.first.take(sample, reach) {
            News::Overtaken => return,
            News::First => {}
            News::Restarted => {
                self.restart();
                self.sent = None;
            }
            News::Since(before) => {
                // What was credited late may have been delivered before the last hop fell silent.
                let is_later = |quiet: Sample| before.asked >= quiet.answered + CREDIT;
                if sample.packets > before.packets && self.quiet.is_some_and(is_later) {
                    let (_, times) = self.sent.get_or_insert((sample.answered, 0));
                    *times += 1;
                }
            }
        }
        if let Some(last) = self.last.by(sample.asked.checked_sub(CREDIT)) {
            let missing = i128::from(sample.packets) - i128::from(last.packets);
            self.at_most = Some(self.at_most.map_or(missing, |most| most.min(missing)));
        }
    }

    fn last(&mut self, sample: Sample, reach: Duration, delay: Duration) {
        let is_quiet = match self.last.take(sample, reach) {
            News::Overtaken => return,
            News::First => false,
            News::Restarted => {
                self.restart();
                false
            }
            News::Since(before) => before.packets == sample.packets,
        };
        match self.sent {
            // One packet that is lost is no silence: something has to follow it.
            Some((since, 2..)) if is_quiet => {
                let arrived = since + delay;
                self.silence = sample.asked.saturating_duration_since(arrived);
            }
            _ if is_quiet => {}
            _ => {
                self.quiet = Some(sample);
                self.sent = None;
                self.silence = Duration::ZERO;
            }
        }
        if let Some(first) = self.first.by(sample.asked.checked_sub(delay + CREDIT)) {
            let missing = i128::from(first.packets) - i128::from(sample.packets);
            let lost = self.at_most.map_or(0, |most| missing.saturating_sub(most));
            self.lost = self.lost.max(u64::try_from(lost).unwrap_or(0));
        }
    }
}

/// All flows, and the limits on them.
#[derive(Debug)]
pub(super) struct Judge {
    limits: Limits,
    /// How late a packet may come out that went in.
    delay: Duration,
    flows: BTreeMap<Watch, Watched>,
    /// What the pairs of counters are called.
    entries: Vec<String>,
}

impl Judge {
    /// For these flows, whose packets take so long at the most.
    pub(super) fn new(
        limits: Limits,
        delay: Duration,
        flows: impl IntoIterator<Item = FlowId>,
    ) -> Self {
        let flows = flows.into_iter();
        let flows = flows.map(|id| (Watch::Route(id), Watched::default()));
        Self {
            limits,
            delay,
            flows: flows.collect(),
            entries: Vec::new(),
        }
    }

    /// Watches pairs of counters with these names as well.
    pub(super) fn watch_entries(&mut self, names: Vec<String>) {
        let watched = (0..names.len()).map(|place| (Watch::Entry(place), Watched::default()));
        self.flows.extend(watched);
        self.entries = names;
    }

    /// What is watched, in words.
    pub(super) fn name(&self, watch: Watch) -> String {
        match watch {
            Watch::Route(id) => format!("route {id}"),
            Watch::Entry(place) => self.entries.get(place).cloned().unwrap_or_default(),
        }
    }

    /// How long readings are needed.
    fn reach(&self) -> Duration {
        self.delay + CREDIT
    }

    /// Takes in a reading of a flow's first hop.
    pub(super) fn first(&mut self, flow: Watch, sample: Sample) {
        let reach = self.reach();
        if let Some(watched) = self.flows.get_mut(&flow) {
            watched.first(sample, reach);
        }
    }

    /// Takes in a reading of a flow's last hop.
    pub(super) fn last(&mut self, flow: Watch, sample: Sample) {
        let (reach, delay) = (self.reach(), self.delay);
        if let Some(watched) = self.flows.get_mut(&flow) {
            watched.last(sample, reach, delay);
        }
    }

    /// Whether it is known of every flow how much was missing to begin with.
    pub(super) fn is_ready(&self) -> bool {
        self.unknown().is_none()
    }

    /// A flow of which that is not known.
    pub(super) fn unknown(&self) -> Option<Watch> {
        let mut flows = self.flows.iter();
        let unknown = flows.find(|(_, flow)| flow.at_most.is_none());
        unknown.map(|(&id, _)| id)
    }

    /// How long after a change what it does to flows that are sent without a pause is seen, with readings that are so
    /// far apart: what was in flight and what was credited late has to be over first.
    pub(super) fn window(&self, apart: Duration) -> Duration {
        let silence = self.silence().map(|silence| silence + self.delay);
        let window = 2 * CREDIT + 6 * apart + self.delay + silence.unwrap_or(Duration::ZERO);
        match self.limits.max_loss_packets {
            Some(_) => window.max(LOSS_WATCH),
            None => window,
        }
    }

    fn silence(&self) -> Option<Duration> {
        // A shorter one can't be told from packets that are credited late.
        let allowed = Duration::from_millis(self.limits.max_silence_ms?);
        Some(allowed.max(CREDIT))
    }

    /// A limit that is crossed for certain.
    pub(super) fn crossed(&self) -> Option<Crossed> {
        self.lost_too_many().or_else(|| self.silent_too_long())
    }

    fn lost_too_many(&self) -> Option<Crossed> {
        let allowed = self.limits.max_loss_packets?;
        let lost = self.flows.values().map(Watched::lost);
        let lost = lost.fold(0_u64, u64::saturating_add);
        (lost > allowed).then(|| {
            Crossed(format!(
                "max_loss_packets: at least {lost} packets have been lost, and {allowed} may be"
            ))
        })
    }

    fn silent_too_long(&self) -> Option<Crossed> {
        let allowed = self.silence()?;
        let longest = self.flows.iter().max_by_key(|(_, flow)| flow.silence);
        let (id, flow) = longest.filter(|(_, flow)| flow.silence > allowed)?;
        let silence = flow.silence.as_millis();
        let allowed = self.limits.max_silence_ms?;
        let name = self.name(*id);
        Some(Crossed(format!(
            "max_silence_ms: {name} has been sent and has delivered nothing for {silence} ms at least, and {allowed} ms \
             may pass"
        )))
    }
}

#[cfg(test)]
mod tests;
