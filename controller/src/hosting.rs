//! The apps that a controller hosts: each on a thread of its own, enabled or not, with what it may do and what it has
//! done.
//!
//! ```text
//!  dispatcher of a switch ─┬─ packet ─► inbox of the first app that wants it ─► thread ─ pass ─► inbox of the next
//!  keeper of the topology ─┼─ event ──► inbox of every app ───────────────────► thread
//!  clock ──────────────────┘                                                      │ Commands
//!                                              one task per app and switch ◄──────┘ in their order
//! ```
//!
//! | file | what it does |
//! |---|---|
//! | `hosted` | one app: what it has declared, counted, and waits for |
//! | `origin` | what waits of one switch for one app, bounded, and the commands that came of it |
//! | `filter` | a packet as a pattern |
//! | `audited` | what an audit asks |
//! | `standing` | enabling, disabling, and making switches hold what an app wants |
//! | `rest` | `/v1/apps` |

mod audited;
mod filter;
mod hosted;
mod origin;
mod rest;
mod standing;

use std::fmt::Write as _;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Weak};
use std::time::Duration;

use godwit_openflow::model::{FlowCommand, FlowMod, FlowStats, PacketIn};
use godwit_openflow::types::DatapathId;
use godwit_topology::{ParsedPacket, PortRef};
use tokio::runtime::Handle;

pub(crate) use rest::{gated, routes};
pub(crate) use standing::switched_off;

use crate::app::{App, Commands, Desired, Packet, Verdict, View};
use crate::event::Event;
use crate::network::Network;
use crate::rules::{Owner, Round};
use hosted::{Hosted, Item};
use origin::{Origin, Ticket};

/// The least period of a timer.
const LEAST_PERIOD: Duration = Duration::from_millis(10);

/// How long is waited at most until an app has taken in what a switch said before it went.
const SWITCH_END: Duration = Duration::from_secs(1);

/// How often that is looked at.
const SWITCH_END_POLL: Duration = Duration::from_millis(2);

/// A packet on its way to the apps.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) port: PortRef,
    pub(crate) message: PacketIn,
    pub(crate) headers: ParsedPacket,
}

/// The hosted apps. Clones are the same.
#[derive(Clone)]
pub(crate) struct Apps {
    inner: Arc<Inner>,
}

struct Inner {
    network: Network,
    /// In the order in which they are asked about packets.
    hosted: Vec<Hosted>,
    runtime: Handle,
    /// Held by whoever writes down which apps are disabled.
    keeping: tokio::sync::Mutex<()>,
}

/// Does not keep the apps.
#[derive(Clone)]
pub(crate) struct WeakApps(Weak<Inner>);

impl std::fmt::Debug for WeakApps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WeakApps")
    }
}

impl WeakApps {
    pub(crate) fn upgrade(&self) -> Option<Apps> {
        self.0.upgrade().map(|inner| Apps { inner })
    }
}

impl Apps {
    /// Hosts these apps; those named by `off` are disabled. Each gets a thread, which ends when the last handle is gone.
    /// Within a tokio runtime only.
    pub(crate) fn host(network: &Network, apps: Vec<Arc<dyn App>>, off: &[String]) -> Self {
        let mut hosted = Vec::with_capacity(apps.len());
        let mut inboxes: Vec<(&'static str, Receiver<Item>)> = Vec::new();
        for app in apps {
            let (one, inbox) = Hosted::new(app);
            hosted.push((one, inbox));
        }
        // Stable: of equals the one that is listed first is asked first.
        hosted.sort_by_key(|(one, _)| std::cmp::Reverse(one.declared.priority));
        let mut taken: Vec<(&str, Option<Owner>)> = Vec::new();
        let hosted = hosted.into_iter().map(|(one, inbox)| {
            let (name, owner) = (one.app.name(), one.declared.owner);
            one.set_enabled(one.declared.needed.is_some() || !off.iter().any(|off| off == name));
            let is_same = |(other, theirs): &(&str, Option<Owner>)| {
                *other == name || (owner.is_some() && *theirs == owner)
            };
            if let Some((other, _)) = taken.iter().find(|other| is_same(other)) {
                tracing::error!(app = name, other, "two apps with one name or one owner would remove each other's rules: the second is disabled");
                one.set_enabled(false);
                one.set_reason(Some(format!("`{other}` has the same name or owner").into()));
            }
            taken.push((name, owner));
            inboxes.push((name, inbox));
            one
        });
        let inner = Inner {
            network: network.clone(),
            hosted: hosted.collect(),
            runtime: Handle::current(),
            keeping: tokio::sync::Mutex::default(),
        };
        let this = Self {
            inner: Arc::new(inner),
        };
        for (index, (name, inbox)) in inboxes.into_iter().enumerate() {
            this.start(index, name, inbox);
        }
        network.set_apps(this.downgrade());
        this
    }

    fn start(&self, index: usize, name: &'static str, inbox: Receiver<Item>) {
        let apps = self.downgrade();
        let runtime = self.inner.runtime.clone();
        let run = move || {
            // Apps may spawn tasks.
            let _entered = runtime.enter();
            while let Ok(item) = inbox.recv() {
                let Some(apps) = apps.upgrade() else { return };
                apps.handle(index, item);
            }
        };
        let started = std::thread::Builder::new()
            .name(format!("app-{name}"))
            .spawn(run);
        if let (Err(error), Some(hosted)) = (started, self.inner.hosted.get(index)) {
            tracing::error!(app = name, %error, "the app gets no thread and is disabled");
            hosted.set_enabled(false);
            hosted.set_reason(Some("it got no thread".into()));
        }
    }

    pub(crate) fn downgrade(&self) -> WeakApps {
        WeakApps(Arc::downgrade(&self.inner))
    }

    fn hosted(&self) -> &[Hosted] {
        &self.inner.hosted
    }

    /// The apps themselves, enabled or not.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &dyn App> {
        self.hosted().iter().map(|hosted| hosted.app.as_ref())
    }

    /// Hands a packet to the first app, from the one with this index on, that wants such packets and has room.
    fn offer_from(&self, first: usize, offer: Arc<Offer>) {
        let (mut known, mut has_no_room) = (None, false);
        for hosted in self.hosted().iter().skip(first) {
            if !hosted.is_enabled() || hosted.declared.filter.is_empty() {
                continue;
            }
            let fields = || filter::fields(offer.port, &offer.headers);
            if !hosted.wants_all && !hosted.wants(known.get_or_insert_with(fields)) {
                continue;
            }
            let origin = hosted.origin(Some(offer.port.dpid));
            match Ticket::of_packet(&origin, offer.message.data.len()) {
                Some(ticket) => {
                    hosted.put(Item::Packet { offer, ticket });
                    return;
                }
                None => {
                    hosted.count_dropped();
                    has_no_room = true;
                }
            }
        }
        if has_no_room {
            self.inner.network.connections().packet_ins_dropped.add(1);
        }
    }

    /// Hands a packet to the apps.
    pub(crate) fn offer(&self, offer: Offer) {
        self.offer_from(0, Arc::new(offer));
    }

    /// Tells every enabled app of an event.
    pub(crate) fn tell(&self, event: &Event) {
        for hosted in self.hosted().iter().filter(|hosted| hosted.is_enabled()) {
            hosted.tell(event);
        }
    }

    /// What one app is told or asked, on its thread.
    fn handle(&self, index: usize, item: Item) {
        let Some(hosted) = self.hosted().get(index) else {
            return;
        };
        let topology = self.inner.network.topology();
        let view = View {
            topology: &topology,
        };
        match item {
            Item::Event { event, ticket } => {
                if matches!(event, Event::Timer) {
                    hosted.ticked();
                }
                if hosted.is_enabled() {
                    hosted.count_event();
                    let commands = self.contained(hosted, || hosted.app.event(&event, &view));
                    self.perform(index, commands, ticket);
                }
            }
            Item::Packet { offer, ticket } => {
                let packet = Packet {
                    port: offer.port,
                    message: &offer.message,
                    headers: &offer.headers,
                };
                let verdict = if hosted.is_enabled() {
                    hosted.count_packet();
                    self.contained(hosted, || hosted.app.packet_in(&packet, &view))
                } else {
                    Verdict::Pass
                };
                match verdict {
                    Verdict::Claim(commands) => self.perform(index, commands, ticket),
                    Verdict::Pass => self.offer_from(index + 1, offer),
                }
            }
        }
    }

    /// Has commands performed behind those that came of the same switch before.
    fn perform(&self, index: usize, commands: Commands, ticket: Ticket) {
        if commands.is_empty() {
            return;
        }
        let origin = Arc::clone(ticket.origin());
        // The most frequent by far: packets alone, and nothing is under way that they would have to follow.
        if commands.flow_mods.is_empty() && origin.is_idle() {
            self.send(commands);
            return;
        }
        if origin.push(commands, ticket) {
            let apps = self.downgrade();
            self.inner.runtime.spawn(work(apps, index, origin));
        }
    }

    fn send(&self, commands: Commands) {
        for (dpid, packet) in commands.packet_outs {
            self.inner.network.packet_out(dpid, packet);
        }
    }

    /// Rules first, confirmed; then the packets that rely on them. Rules for a switch whose work is being moved away are
    /// held, and packets go on.
    async fn carry_out(&self, index: usize, mut commands: Commands) {
        let Some(hosted) = self.hosted().get(index) else {
            return;
        };
        let writer = hosted.app.name();
        if !hosted.is_enabled() {
            return;
        }
        let flow_mods = std::mem::take(&mut commands.flow_mods);
        if !flow_mods.is_empty() {
            let flow_mods = match self.permitted(hosted, flow_mods) {
                Ok(flow_mods) => flow_mods,
                Err(why) => {
                    hosted.count_refused();
                    tracing::warn!(app = writer, %why, "an app's rules are not what it has declared, and were not made");
                    return;
                }
            };
            let network = &self.inner.network;
            let admission = network.held().admit(writer, flow_mods).await;
            for dpid in &admission.refused {
                tracing::warn!(app = writer, %dpid, "rules were not held for a switch that is being emptied: too many are");
            }
            let made = admission.now.clone();
            let round: Round = admission.now.into_iter().collect();
            let applied = round.apply(network.switches()).await;
            drop(admission.guard);
            if let Err(error) = applied {
                tracing::warn!(app = writer, %error, "an app's rules were not installed");
                return;
            }
            self.note_overlaps(hosted, &made);
            if !admission.refused.is_empty() {
                return;
            }
        }
        self.send(commands);
    }

    /// The same changes under cookies of the app's owner, if the app may make them all.
    fn permitted(
        &self,
        hosted: &Hosted,
        flow_mods: Vec<(DatapathId, FlowMod)>,
    ) -> Result<Vec<(DatapathId, FlowMod)>, String> {
        let declared = &hosted.declared;
        let owner = declared.owner.ok_or("it has declared no owner")?;
        let check = |(dpid, mut change): (DatapathId, FlowMod)| {
            let rule = &mut change.rule;
            if !declared.tables.contains(&rule.table.0) {
                return Err(format!("table {} is not its own", rule.table.0));
            }
            if !declared.rule_priorities.contains(&rule.priority) {
                return Err(format!("priority {} is not its own", rule.priority));
            }
            if matches!(change.command, FlowCommand::Modify | FlowCommand::Delete) {
                let why = "a change that is not strict could meet rules of others; name each rule";
                return Err(why.to_owned());
            }
            rule.cookie = owner.stamped(rule.cookie);
            Ok((dpid, change))
        };
        flow_mods.into_iter().map(check).collect()
    }

    /// Waits until the apps have taken in what a switch has said, so that it can't meet what it says on its next
    /// connection; not long for one that is slow.
    pub(crate) async fn taken_in(&self, dpid: DatapathId) {
        let idle = async {
            while self.hosted().iter().any(|hosted| hosted.waits_for(dpid)) {
                tokio::time::sleep(SWITCH_END_POLL).await;
            }
        };
        if tokio::time::timeout(SWITCH_END, idle).await.is_err() {
            tracing::warn!(%dpid, "an app is so slow that it has not heard all that a switch said before it went");
        }
        self.hosted().iter().for_each(|hosted| hosted.forget(dpid));
    }

    /// What all enabled apps want a switch to hold, and whether all of them know that.
    pub(crate) fn desired(&self, dpid: DatapathId) -> (Desired, bool) {
        let (mut desired, mut all_known) = (Desired::default(), true);
        for hosted in self.hosted().iter().filter(|hosted| hosted.is_enabled()) {
            match self.contained(hosted, || Some(hosted.desired(dpid))) {
                Some(wanted) => {
                    desired.rules.extend(wanted.rules);
                    desired.groups.extend(wanted.groups);
                    desired.meters.extend(wanted.meters);
                    desired.busy.extend(wanted.busy);
                    desired.again |= wanted.again;
                    all_known &= hosted.app.knows_its_rules();
                }
                None => all_known = false,
            }
        }
        (desired, all_known)
    }

    /// Tells all enabled apps what a switch held when it was compared.
    pub(crate) fn compared(&self, dpid: DatapathId, held: &[FlowStats], changes: &[FlowMod]) {
        for hosted in self.hosted().iter().filter(|hosted| hosted.is_enabled()) {
            self.contained(hosted, || hosted.app.compared(dpid, held, changes));
        }
    }

    /// How often any app has changed what it wants.
    pub(crate) fn generation(&self) -> u64 {
        self.hosted().iter().map(Hosted::generation).sum()
    }

    /// Has the clock tell the apps that have asked for it, for ever.
    pub(crate) async fn tick(self) {
        let mut clocks = tokio::task::JoinSet::new();
        for (index, hosted) in self.hosted().iter().enumerate() {
            let Some(period) = hosted.declared.timer else {
                continue;
            };
            let apps = self.clone();
            clocks.spawn(async move {
                let mut clock = tokio::time::interval(period.max(LEAST_PERIOD));
                clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                loop {
                    clock.tick().await;
                    let hosted = apps.hosted().get(index);
                    if let Some(hosted) = hosted.filter(|hosted| hosted.is_enabled()) {
                        hosted.tick();
                    }
                }
            });
        }
        while clocks.join_next().await.is_some() {}
    }

    /// Appends what is counted about the apps, and what they count themselves.
    pub(crate) fn metrics(&self, out: &mut String) {
        type Count = fn(&Hosted) -> u64;
        let rows: [(&str, &str, &str, Count); 6] = [
            (
                "godwit_app_enabled",
                "gauge",
                "Whether the app is enabled.",
                |app| u64::from(app.is_enabled()),
            ),
            (
                "godwit_app_events_total",
                "counter",
                "Events that the app has heard of.",
                Hosted::events,
            ),
            (
                "godwit_app_packets_total",
                "counter",
                "Packets that the app was asked about.",
                Hosted::packets,
            ),
            (
                "godwit_app_packets_dropped_total",
                "counter",
                "Packets that it was too slow for.",
                Hosted::dropped,
            ),
            (
                "godwit_app_events_missed_total",
                "counter",
                "Events that it was too slow for.",
                Hosted::missed,
            ),
            (
                "godwit_app_rules_refused_total",
                "counter",
                "Commands that went beyond what the app has declared.",
                Hosted::refused,
            ),
        ];
        for (name, kind, help, count) in rows {
            // Writing to a string can't fail.
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for hosted in self.hosted() {
                let _ = writeln!(
                    out,
                    "{name}{{app=\"{}\"}} {}",
                    hosted.app.name(),
                    count(hosted)
                );
            }
        }
        for hosted in self.hosted() {
            self.contained(hosted, || hosted.app.metrics(out));
        }
    }
}

/// Carries out what waits of one app and one switch, in its order.
async fn work(apps: WeakApps, index: usize, origin: Arc<Origin>) {
    while let Some((commands, _ticket)) = origin.pop() {
        let Some(apps) = apps.upgrade() else { return };
        apps.carry_out(index, commands).await;
    }
}
