//! What is known of all switches: the last collection of each, and a series for each record of counters.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use godwit_controller::carried::{Carried, Place};
use godwit_openflow::model::{FlowRemoved, PortStats};
use godwit_openflow::types::{DatapathId, GroupId, MeterId, PortNo, QueueId};

use super::collect::{Collected, Part};
use super::measured::rates_at;
use super::rows::{RECEIVED, SENT};
use super::series::{Reading, Sample, Series, Shape};
use crate::plan::FlowId;
use crate::routing::counters::Tally;

/// How many ended rules of a switch are kept.
const ENDED_KEPT: usize = 100;

/// How long and how many switches that are gone are kept.
const GONE_KEPT: Duration = Duration::from_secs(600);
const MOST_GONE: usize = 64;

/// How old a record has to be at the least that says no age: all ones.
const NO_AGE: Duration = Duration::from_secs(u32::MAX as u64);

/// Everything.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) switches: BTreeMap<DatapathId, SwitchBook>,
    pub(super) routes: HashMap<FlowId, Series<2>>,
}

/// What is known of a switch.
#[derive(Debug, Default)]
pub(super) struct SwitchBook {
    pub(super) collected: Option<Arc<Collected>>,
    /// When that was.
    at: Duration,
    /// Received, then sent.
    pub(super) ports: HashMap<PortNo, Series<4>>,
    pub(super) queues: HashMap<(PortNo, QueueId), Series<2>>,
    pub(super) groups: HashMap<GroupId, Series<2>>,
    pub(super) meters: HashMap<MeterId, Series<2>>,
    pub(super) rules: HashMap<Place, RuleSeries>,
    pub(super) removed: Removed,
    /// Rules that have ended, oldest first.
    pub(super) ended: VecDeque<Ended>,
}

/// A flow entry: its own counters, and what it brought from where it stood before.
#[derive(Debug, Default)]
pub(super) struct RuleSeries {
    pub(super) series: Series<2>,
    pub(super) brought: Tally,
}

impl RuleSeries {
    /// What the rule has counted wherever it stood.
    pub(super) fn total(&self) -> Tally {
        let [packets, bytes] = self.series.totals().map(Option::unwrap_or_default);
        self.brought.plus(Tally { packets, bytes })
    }
}

/// What the rules of a switch that have ended had counted, all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "RemovedRules")]
pub(super) struct Removed {
    rules: u64,
    packets: u64,
    bytes: u64,
}

/// A rule that has ended, with its final numbers.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) at: SystemTime,
    pub(super) removed: Arc<FlowRemoved>,
    /// From the last collection until its end, or of its whole life if it was never met.
    pub(super) last: Option<Sample<2>>,
}

/// The bounds of what is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) shape: Shape,
    /// Series of each kind.
    pub(super) series: usize,
}

impl Book {
    /// Takes in a collection.
    ///
    /// `speed_bps` says how fast a port is, where that is known.
    pub(super) fn take_in(
        &mut self,
        collected: Collected,
        speed_bps: impl Fn(PortNo) -> Option<u64>,
        carried: &Carried,
        bounds: Bounds,
    ) {
        let mut free = Free::of(self, bounds.series);
        let book = self.switches.entry(collected.dpid).or_default();
        let (shape, connection) = (bounds.shape, collected.connection);
        let reading = |at, age_ns, [packets, bytes]: [Option<u64>; 2]| Reading {
            at,
            counts: [packets, bytes],
            age: age(age_ns),
            connection,
        };
        each(&collected.ports, |at, list| {
            let readings = list.iter().map(|port| {
                let most = speed_bps(port.port).map(|bits| bits as f64 / 8.0);
                (port.port, port_reading(at, connection, port), most)
            });
            let take = |series: &mut Series<4>, (reading, most)| series.take(reading, most, shape);
            keep(
                &mut book.ports,
                readings.map(|(key, reading, most)| (key, (reading, most))),
                &mut free.ports,
                take,
            );
        });
        let take = |series: &mut Series<2>, reading| series.take(reading, None, shape);
        each(&collected.queues, |at, list| {
            let readings = list.iter().map(|queue| {
                let counts = [queue.tx_packets, queue.tx_bytes];
                (
                    (queue.port, queue.queue),
                    reading(at, queue.duration_ns, counts),
                )
            });
            keep(&mut book.queues, readings, &mut free.queues, take);
        });
        each(&collected.groups, |at, list| {
            let readings = list.iter().map(|group| {
                let counts = [Some(group.packets), Some(group.bytes)];
                (group.group, reading(at, Some(group.duration_ns), counts))
            });
            keep(&mut book.groups, readings, &mut free.groups, take);
        });
        each(&collected.meters, |at, list| {
            let readings = list.iter().map(|meter| {
                let counts = [Some(meter.packets), Some(meter.bytes)];
                (meter.meter, reading(at, Some(meter.duration_ns), counts))
            });
            keep(&mut book.meters, readings, &mut free.meters, take);
        });
        each(&collected.flows, |at, list| {
            let readings = list.iter().map(|flow| {
                let counts = [Some(flow.packets), Some(flow.bytes)];
                let place = Place::of(collected.dpid, &flow.rule);
                let brought = carried.at(&place).unwrap_or_default();
                let brought = Tally {
                    packets: brought.packets,
                    bytes: brought.bytes,
                };
                (
                    place,
                    (reading(at, Some(flow.duration_ns), counts), brought),
                )
            });
            keep(
                &mut book.rules,
                readings,
                &mut free.rules,
                |rule: &mut RuleSeries, (reading, brought)| {
                    rule.series.take(reading, None, shape);
                    rule.brought = brought;
                },
            );
        });
        book.at = collected.flows.at;
        book.collected = Some(Arc::new(collected));
    }

    /// What routes have delivered, read at this time; of those that are followed or for which there is room.
    pub(super) fn take_routes(
        &mut self,
        at: Duration,
        routes: impl IntoIterator<Item = (FlowId, Tally)>,
        bounds: Bounds,
    ) {
        for (id, Tally { packets, bytes }) in routes {
            if self.routes.len() >= bounds.series && !self.routes.contains_key(&id) {
                continue;
            }
            let reading = Reading {
                at,
                counts: [Some(packets), Some(bytes)],
                age: None,
                connection: 0,
            };
            let series = self.routes.entry(id).or_default();
            series.take(reading, None, bounds.shape);
        }
    }

    /// A rule has ended.
    pub(super) fn ended(
        &mut self,
        dpid: DatapathId,
        removed: &Arc<FlowRemoved>,
        at: Duration,
        shape: Shape,
    ) {
        // Of a switch that nobody has collected yet nothing is kept either.
        let Some(book) = self.switches.get_mut(&dpid) else {
            return;
        };
        book.removed.rules += 1;
        book.removed.packets = book.removed.packets.saturating_add(removed.packets);
        book.removed.bytes = book.removed.bytes.saturating_add(removed.bytes);
        let place = Place {
            dpid,
            table: removed.table,
            priority: removed.priority,
            pattern: removed.pattern.clone(),
        };
        let last = match book.rules.remove(&place) {
            Some(mut rule) => {
                let own = [
                    removed.packets.saturating_sub(rule.brought.packets),
                    removed.bytes.saturating_sub(rule.brought.bytes),
                ];
                rule.series.end(at, own.map(Some), shape);
                rule.series.raw().copied()
            }
            None => whole_life(removed, at),
        };
        if book.ended.len() >= ENDED_KEPT {
            book.ended.pop_front();
        }
        book.ended.push_back(Ended {
            at: SystemTime::now(),
            removed: Arc::clone(removed),
            last,
        });
    }

    /// What parts of their speeds the ports of a switch send or receive, smoothed, the greater of the two. Ports are
    /// left out whose speed or rate is not known.
    pub(super) fn loads(
        &self,
        dpid: DatapathId,
        speed_bps: impl Fn(PortNo) -> Option<u64>,
    ) -> Vec<(PortNo, f64)> {
        let ports = self.switches.get(&dpid).into_iter();
        let ports = ports.flat_map(|book| &book.ports);
        let load = |(port, series): (&PortNo, &Series<4>)| {
            let sample = series.smoothed()?;
            let bits = [RECEIVED, SENT].map(|first| rates_at(sample, first).1);
            let most = bits.into_iter().flatten().reduce(f64::max)?;
            Some((*port, most / speed_bps(*port)? as f64))
        };
        ports.filter_map(load).collect()
    }

    /// Forgets routes that are gone, and switches that have been for long.
    pub(super) fn prune(
        &mut self,
        now: Duration,
        is_there: impl Fn(DatapathId) -> bool,
        routes: impl Fn(FlowId) -> bool,
    ) {
        self.routes.retain(|id, _| routes(*id));
        let gone = |(dpid, book): (&DatapathId, &SwitchBook)| {
            (!is_there(*dpid)).then_some((book.at, *dpid))
        };
        let mut gone: Vec<_> = self.switches.iter().filter_map(gone).collect();
        gone.sort_unstable();
        let too_many = gone.len().saturating_sub(MOST_GONE);
        for (index, (at, dpid)) in gone.into_iter().enumerate() {
            if index < too_many || now.saturating_sub(at) > GONE_KEPT {
                self.switches.remove(&dpid);
            }
        }
    }

    /// How many series there are.
    pub(super) fn series(&self) -> usize {
        let of = |book: &SwitchBook| {
            book.ports.len()
                + book.queues.len()
                + book.groups.len()
                + book.meters.len()
                + book.rules.len()
        };
        self.routes.len() + self.switches.values().map(of).sum::<usize>()
    }
}

/// How many more series of each kind there may be.
struct Free {
    ports: usize,
    queues: usize,
    groups: usize,
    meters: usize,
    rules: usize,
}

impl Free {
    fn of(book: &Book, most: usize) -> Self {
        let left = |count: fn(&SwitchBook) -> usize| {
            most.saturating_sub(book.switches.values().map(count).sum())
        };
        Self {
            ports: left(|book| book.ports.len()),
            queues: left(|book| book.queues.len()),
            groups: left(|book| book.groups.len()),
            meters: left(|book| book.meters.len()),
            rules: left(|book| book.rules.len()),
        }
    }
}

/// What there is of a part, with its time. What a switch did not say changes nothing.
fn each<T>(part: &Part<Vec<T>>, take: impl FnOnce(Duration, &[T])) {
    if let Some(list) = &part.said {
        take(part.at, list);
    }
}

/// Takes in the readings of one kind: those records that are gone are forgotten, new ones are followed while there is
/// room.
fn keep<K: Eq + Hash, S: Default, R>(
    kept: &mut HashMap<K, S>,
    readings: impl Iterator<Item = (K, R)>,
    free: &mut usize,
    take: impl Fn(&mut S, R),
) {
    let mut next = HashMap::with_capacity(kept.len());
    for (key, reading) in readings {
        let mut series = match kept.remove(&key) {
            Some(series) => series,
            None if *free > 0 => {
                *free -= 1;
                S::default()
            }
            None => continue,
        };
        take(&mut series, reading);
        next.insert(key, series);
    }
    *kept = next;
}

fn port_reading(at: Duration, connection: u64, port: &PortStats) -> Reading<4> {
    Reading {
        at,
        counts: [
            port.rx_packets,
            port.rx_bytes,
            port.tx_packets,
            port.tx_bytes,
        ],
        age: age(port.duration_ns),
        connection,
    }
}

/// The age of a record, if the switch keeps it: some say 0 for all, or all ones.
fn age(ns: Option<u64>) -> Option<Duration> {
    let age = Duration::from_nanos(ns?);
    (!age.is_zero() && age < NO_AGE).then_some(age)
}

/// The rates of a rule that came and went between two collections.
fn whole_life(removed: &FlowRemoved, at: Duration) -> Option<Sample<2>> {
    let life = Duration::from_nanos(removed.duration_ns);
    let rate = |count: u64| Some(count as f64 / life.as_secs_f64());
    (life >= super::series::SHORTEST).then(|| Sample {
        at,
        rates: [rate(removed.packets), rate(removed.bytes)],
    })
}

#[cfg(test)]
mod tests;
