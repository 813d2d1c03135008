//! One app: what it has declared, what it has counted, what waits for it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use godwit_openflow::model::{FlowRule, Pattern};
use godwit_openflow::types::{Cookie, DatapathId};

use super::Offer;
use super::audited::SaidOverlaps;
use super::origin::{Origin, Ticket};
use crate::app::{App, Declaration, Desired, HeldStill};
use crate::event::Event;

/// So many panics within [`PANIC_WINDOW`] disable an app.
pub(super) const MOST_PANICS: usize = 5;

/// See [`MOST_PANICS`].
const PANIC_WINDOW: Duration = Duration::from_secs(60);

/// A switch that refuses is tried again in every 64th round at the least, half a minute apart.
const MOST_PATIENCE: u32 = 6;

/// What an app is told or asked.
#[derive(Debug)]
pub(super) enum Item {
    Event { event: Event, ticket: Ticket },
    Packet { offer: Arc<Offer>, ticket: Ticket },
}

/// See the module.
pub(super) struct Hosted {
    pub(super) app: Arc<dyn App>,
    pub(super) declared: Declaration,
    /// It wants all packets, whatever is in them.
    pub(super) wants_all: bool,
    enabled: AtomicBool,
    /// Why godwit itself has disabled it.
    reason: Mutex<Option<Arc<str>>>,
    /// Unbounded: whatever is put there has a [`Ticket`].
    inbox: Sender<Item>,
    origins: Mutex<HashMap<Option<DatapathId>, Arc<Origin>>>,
    panics: Mutex<VecDeque<Instant>>,
    /// Set while a tick waits: a slow app gets one, not all that it was too slow for.
    ticks: AtomicBool,
    /// Events missed that it has not been told of.
    untold: AtomicU64,
    counts: Counts,
    pub(super) overlaps: SaidOverlaps,
    /// How often it has changed what it wants.
    generation: AtomicU64,
    /// Switches that may hold something else than it wants, and how often each has refused that.
    unsettled: Mutex<BTreeMap<DatapathId, u32>>,
    /// Held by whoever settles its rules.
    pub(super) settling: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Counts {
    events: AtomicU64,
    packets: AtomicU64,
    dropped: AtomicU64,
    missed: AtomicU64,
    refused: AtomicU64,
    panics: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every operation leaves what is locked whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hosted {
    pub(super) fn new(app: Arc<dyn App>) -> (Self, Receiver<Item>) {
        let (inbox, receiver) = mpsc::channel();
        let declared = app.declares();
        let hosted = Self {
            wants_all: declared.filter.iter().any(Pattern::is_empty),
            declared,
            app,
            enabled: AtomicBool::new(true),
            reason: Mutex::default(),
            inbox,
            origins: Mutex::default(),
            panics: Mutex::default(),
            ticks: AtomicBool::default(),
            untold: AtomicU64::default(),
            counts: Counts::default(),
            overlaps: SaidOverlaps::default(),
            generation: AtomicU64::default(),
            unsettled: Mutex::default(),
            settling: Arc::default(),
        };
        (hosted, receiver)
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Acquire)
    }

    /// Whether it was otherwise before.
    pub(super) fn set_enabled(&self, enabled: bool) -> bool {
        self.enabled.swap(enabled, Ordering::AcqRel) != enabled
    }

    pub(super) fn set_reason(&self, reason: Option<Arc<str>>) {
        *lock(&self.reason) = reason;
    }

    pub(super) fn reason(&self) -> Option<Arc<str>> {
        lock(&self.reason).clone()
    }

    /// Whether it is to be asked about a packet with these fields.
    pub(super) fn wants(&self, fields: &Pattern) -> bool {
        let mut filter = self.declared.filter.iter();
        filter.any(|wanted| wanted.covers(fields))
    }

    pub(super) fn origin(&self, dpid: Option<DatapathId>) -> Arc<Origin> {
        Arc::clone(lock(&self.origins).entry(dpid).or_default())
    }

    /// Whether something of this switch waits for the app, or for what the app has made of it.
    pub(super) fn waits_for(&self, dpid: DatapathId) -> bool {
        let origins = lock(&self.origins);
        origins
            .get(&Some(dpid))
            .is_some_and(|origin| !origin.is_empty())
    }

    /// A switch is gone: what is known of it is, too, unless something still waits.
    pub(super) fn forget(&self, dpid: DatapathId) {
        let mut origins = lock(&self.origins);
        if origins
            .get(&Some(dpid))
            .is_some_and(|origin| origin.is_empty())
        {
            origins.remove(&Some(dpid));
        }
    }

    /// Whether anything waits.
    pub(super) fn is_busy(&self) -> bool {
        lock(&self.origins)
            .values()
            .any(|origin| !origin.is_empty())
    }

    pub(super) fn put(&self, item: Item) {
        // An error means that its thread has ended, with the controller.
        let _ = self.inbox.send(item);
    }

    /// Tells the app of an event, or remembers that it missed one.
    pub(super) fn tell(&self, event: &Event) {
        let origin = self.origin(event.origin());
        let Some(ticket) = Ticket::of_event(&origin) else {
            self.counts.missed.fetch_add(1, Ordering::Relaxed);
            self.untold.fetch_add(1, Ordering::AcqRel);
            return;
        };
        let missed = self.untold.swap(0, Ordering::AcqRel);
        if missed > 0 {
            match Ticket::of_event(&origin) {
                Some(ticket) => self.put(Item::Event {
                    event: Event::Missed(missed),
                    ticket,
                }),
                None => _ = self.untold.fetch_add(missed, Ordering::AcqRel),
            }
        }
        self.put(Item::Event {
            event: event.clone(),
            ticket,
        });
    }

    /// Its period is over.
    pub(super) fn tick(&self) {
        if !self.ticks.swap(true, Ordering::AcqRel)
            && let Some(ticket) = Ticket::of_event(&self.origin(None))
        {
            self.put(Item::Event {
                event: Event::Timer,
                ticket,
            });
        }
    }

    /// The app is at a tick.
    pub(super) fn ticked(&self) {
        self.ticks.store(false, Ordering::Release);
    }

    /// What it wants a switch to hold, under its own cookies.
    pub(super) fn desired(&self, dpid: DatapathId) -> Desired {
        let mut desired = self.app.desired(dpid);
        self.stamp(&mut desired.rules);
        desired
    }

    /// The same of some rules that it does not change for now.
    pub(super) fn held_still(&self, dpid: DatapathId, cookies: &BTreeSet<Cookie>) -> HeldStill {
        let mut still = self.app.held_still(dpid, cookies);
        self.stamp(&mut still.rules);
        still
    }

    fn stamp(&self, rules: &mut [FlowRule]) {
        if let Some(owner) = self.declared.owner {
            for rule in rules {
                rule.cookie = owner.stamped(rule.cookie);
            }
        }
    }

    /// Counts a panic at this moment. Whether it was one too many.
    pub(super) fn panicked(&self, now: Instant) -> bool {
        self.counts.panics.fetch_add(1, Ordering::Relaxed);
        let mut panics = lock(&self.panics);
        panics.push_back(now);
        while panics
            .front()
            .is_some_and(|at| now.saturating_duration_since(*at) > PANIC_WINDOW)
        {
            panics.pop_front();
        }
        if panics.len() < MOST_PANICS {
            return false;
        }
        panics.clear();
        true
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// It wants something else from now on on these switches.
    pub(super) fn wants_else(&self, switches: impl IntoIterator<Item = DatapathId>) {
        lock(&self.unsettled).extend(switches.into_iter().map(|dpid| (dpid, 0)));
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn unsettled(&self) -> BTreeSet<DatapathId> {
        lock(&self.unsettled).keys().copied().collect()
    }

    /// Those of them whose turn it is in this round: the more often one has refused, the more rarely.
    pub(super) fn due(&self, round: u64) -> BTreeSet<DatapathId> {
        let unsettled = lock(&self.unsettled);
        let due = |(_, refusals): &(&DatapathId, &u32)| {
            round.is_multiple_of(1 << (**refusals).min(MOST_PATIENCE))
        };
        unsettled
            .iter()
            .filter(due)
            .map(|(dpid, _)| *dpid)
            .collect()
    }

    /// A switch has refused what it wants. Whether for the first time.
    pub(super) fn refused_by(&self, dpid: DatapathId) -> bool {
        let mut unsettled = lock(&self.unsettled);
        let refusals = unsettled.entry(dpid).or_default();
        *refusals = refusals.saturating_add(1);
        *refusals == 1
    }

    pub(super) fn settled(&self, dpid: DatapathId) {
        lock(&self.unsettled).remove(&dpid);
    }
}

/// What is counted.
impl Hosted {
    pub(super) fn count_event(&self) {
        self.counts.events.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_packet(&self) {
        self.counts.packets.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_dropped(&self) {
        self.counts.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_refused(&self) {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn events(&self) -> u64 {
        self.counts.events.load(Ordering::Relaxed)
    }

    pub(super) fn packets(&self) -> u64 {
        self.counts.packets.load(Ordering::Relaxed)
    }

    pub(super) fn dropped(&self) -> u64 {
        self.counts.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn missed(&self) -> u64 {
        self.counts.missed.load(Ordering::Relaxed)
    }

    pub(super) fn refused(&self) -> u64 {
        self.counts.refused.load(Ordering::Relaxed)
    }

    pub(super) fn panics(&self) -> u64 {
        self.counts.panics.load(Ordering::Relaxed)
    }
}
