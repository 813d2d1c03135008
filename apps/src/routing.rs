//! Proactive routes: one rule a switch along the shortest path, last hop first, between hosts that
//! begin to talk and wherever somebody asks for one.
//!
//! | file | what it does |
//! |---|---|
//! | [`route`], [`table`] | a route; all of them, and who may change which |
//! | [`install`] | puts routes in place, takes them away, reads their counters |
//! | [`keeper`] | the task that keeps routes on living paths |
//! | `pair`, `parted` | two hosts that begin to talk, and those that had routes a short while ago |
//! | `expiry` | rules that have timed out, and what becomes of their routes |
//! | [`forwarding`] | what is done with a packet that no rule took: ARP, broadcast, the first of a conversation |
//! | [`spreading`], `lay` | routes over several paths of equal cost: what their switches hold, and how it gets there |
//! | `rest` | `/v1/routes` |
//! | [`counters`] | what a route has carried |
//! | [`kept`] | routes as the store keeps them |
//! | `waiting` | how many packets may wait for a route |
//! | [`settings`] | the section of the configuration |

mod clock;
pub mod counters;
mod expiry;
pub mod forwarding;
pub mod install;
pub mod keeper;
pub mod kept;
mod lay;
mod pair;
mod parted;
mod remove;
mod rest;
pub mod route;
pub mod settings;
pub mod spreading;
pub mod table;
mod waiting;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use godwit_controller::rest::Routes;
use godwit_controller::{
    App, Commands, Declaration, Desired, Event, HeldStill, Network, Owner, Packet, Verdict, View,
    write_metric,
};
use godwit_openflow::model::{
    FlowCommand, FlowMod, FlowRemoved, FlowRemovedReason, FlowStats, Pattern,
};
use godwit_openflow::types::{Cookie, DatapathId, MacAddr};
use godwit_topology::{PortRef, TopologyChange};
use tokio::sync::{Notify, mpsc};

use counters::Tally;
use expiry::Expiries;
use keeper::{Keeper, Task};
use parted::Parted;
use table::{RouteTable, State};
use waiting::Waiting;

use crate::plan::FlowId;

pub use settings::RoutingSettings;

/// The priority of a route that was asked for without one: OpenFlow's customary middle.
pub const REQUESTED_PRIORITY: u16 = 0x8000;

/// The priority of a route between two hosts that began to talk: below all that was asked for.
pub const FORWARDING_PRIORITY: u16 = 100;

/// The app. Clones are the same.
#[derive(Debug, Clone)]
pub struct Routing {
    network: Network,
    table: RouteTable,
    tasks: mpsc::Sender<Task>,
    waiting: Waiting,
    /// Set when routes may have lost their paths. It has its own way to the keeper, so that no flood of
    /// conversations can hold it up.
    look: Arc<Notify>,
    /// Hosts that have gone, whose routes the keeper is to look at: no more than the tracker holds.
    gone: Arc<Mutex<BTreeSet<MacAddr>>>,
    parted: Arc<Parted>,
    expiries: Expiries,
    /// Up to which number none is given out again after a restart.
    reserved: Arc<Mutex<FlowId>>,
    /// Whoever gives routes to the store holds this.
    noting: Arc<Mutex<()>>,
    /// Set when the controller is about to end.
    stopping: Arc<AtomicBool>,
}

impl Routing {
    /// The app, and the task that it needs to run. Without [`Self::load`] it knows no routes.
    #[must_use]
    pub fn new(network: Network) -> (Self, Keeper) {
        let (tasks, receiver) = mpsc::channel(waiting::ALL);
        let routing = Self {
            network,
            table: RouteTable::default(),
            tasks,
            waiting: Waiting::default(),
            look: Arc::default(),
            gone: Arc::default(),
            parted: Arc::default(),
            expiries: Expiries::default(),
            reserved: Arc::default(),
            noting: Arc::default(),
            stopping: Arc::default(),
        };
        let keeper = Keeper::new(routing.clone(), receiver);
        (routing, keeper)
    }

    /// The network that is routed.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// The routes.
    #[must_use]
    pub const fn table(&self) -> &RouteTable {
        &self.table
    }

    /// Asks the keeper to look at all routes again.
    pub fn look_again(&self) {
        self.look.notify_one();
    }

    /// Asks the keeper for a route both ways between two hosts, and to send a packet once it is there. When too many
    /// wait it is dropped, and hosts send again.
    fn connect(&self, ends: [(MacAddr, PortRef); 2], then: forwarding::Then) {
        let Some(place) = self.waiting.enter(ends[0].0) else {
            return;
        };
        // There is room: each that waits has a place. What is left is a keeper that has ended.
        let task = Task::Connect { ends, then, place };
        if self.tasks.try_send(task).is_err() {
            tracing::debug!("a conversation begins while the controller ends");
        }
    }

    /// Hosts that have gone since this was last asked.
    fn take_gone(&self) -> BTreeSet<MacAddr> {
        std::mem::take(&mut self.gone.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A rule of a route has ended.
    fn removed(&self, dpid: DatapathId, removed: &FlowRemoved) {
        let Some(id) = Owner::Routing.own_part(removed.cookie) else {
            return;
        };
        let final_count = Tally {
            packets: removed.packets,
            bytes: removed.bytes,
        };
        let expired = matches!(
            removed.reason,
            FlowRemovedReason::IdleTimeout | FlowRemovedReason::HardTimeout
        );
        let mut concerns = None;
        let is_news = self.table.count(id, |route| {
            let ahead = !route.crosses(dpid);
            // A route that moves may have rules where its path does not go yet.
            concerns = (expired && (!ahead || route.is_leased())).then_some(ahead);
            let counters = &mut route.counters;
            let on_switch = counters.on_switch(dpid);
            on_switch.is_some_and(counters::OnSwitch::is_live) && counters.ended(dpid, final_count)
        });
        if is_news {
            // What a rule had counted at its end is said once.
            self.table.save_soon();
        }
        if let Some(ahead) = concerns {
            self.expiries.note(id, dpid, ahead);
        }
    }
}

impl App for Routing {
    fn name(&self) -> &'static str {
        "routing"
    }

    fn declares(&self) -> Declaration {
        Declaration {
            description: "routes along shortest paths, between hosts that begin to talk and by request",
            filter: vec![Pattern::new()],
            owner: Some(Owner::Routing),
            needed: Some(
                "migrations move its routes, and nothing would be forwarded; `apps` in the configuration leaves both out",
            ),
            ..Declaration::default()
        }
    }

    fn packet_in(&self, packet: &Packet<'_>, view: &View<'_>) -> Verdict {
        match forwarding::decide(packet, view.topology) {
            forwarding::Decision::Commands(commands) => Verdict::Claim(commands),
            forwarding::Decision::Connect { ends, then } => {
                self.connect(ends, then);
                Verdict::Claim(Commands::default())
            }
        }
    }

    fn event(&self, event: &Event, _view: &View<'_>) -> Commands {
        match event {
            Event::Topology(TopologyChange::HostGone { mac, .. }) => {
                let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
                gone.insert(*mac);
                drop(gone);
                self.look_again();
            }
            Event::Topology(_) | Event::SwitchReady(_) => self.look_again(),
            Event::FlowRemoved { dpid, removed } => self.removed(*dpid, removed),
            _ => {}
        }
        Commands::default()
    }

    fn desired(&self, dpid: DatapathId) -> Desired {
        let mut desired = Desired::default();
        self.table.for_each(|id, route| {
            if route.is_leased() {
                desired.busy.push(Owner::Routing.cookie(id));
            } else if let Some(place) = route.place_on(dpid) {
                desired.rules.push(place.rule);
                desired.groups.extend(place.group);
            }
        });
        desired
    }

    fn held_still(&self, dpid: DatapathId, cookies: &BTreeSet<Cookie>) -> HeldStill {
        let meant = |id| cookies.contains(&Owner::Routing.cookie(id));
        let lease = self.table.lease_free(|id, route| {
            route.state == State::Active && meant(id) && route.crosses(dpid)
        });
        let mut still = HeldStill::default();
        for place in lease
            .routes()
            .iter()
            .filter_map(|route| route.place_on(dpid))
        {
            still.rules.push(place.rule);
            still.groups.extend(place.group);
        }
        still.until = Some(Box::new(lease));
        still
    }

    fn compared(&self, dpid: DatapathId, held: &[FlowStats], changes: &[FlowMod]) {
        for stats in held {
            let tally = Tally {
                packets: stats.packets,
                bytes: stats.bytes,
            };
            self.take_in(dpid, &stats.rule, tally, stats.duration_ns);
        }
        let added = changes
            .iter()
            .filter(|change| change.command == FlowCommand::Add)
            .filter_map(|change| Owner::Routing.own_part(change.rule.cookie));
        for id in added {
            self.table.with(id, |route| route.counters.restarted(dpid));
            self.table.save_soon();
        }
    }

    fn routes(&self) -> Option<Routes> {
        Some(rest::router(Arc::new(self.clone())))
    }

    fn metrics(&self, out: &mut String) {
        let (mut all, mut broken) = (0, 0);
        self.table.for_each(|_, route| {
            all += 1;
            broken += u64::from(route.state == State::Broken);
        });
        write_metric(out, "godwit_routes", "gauge", "Routes.", all);
        write_metric(
            out,
            "godwit_routes_broken",
            "gauge",
            "Routes without a path at present.",
            broken,
        );
        write_metric(
            out,
            "godwit_routing_waiting_packets",
            "gauge",
            "Packets that wait for a route between two hosts that begin to talk.",
            self.waiting.len(),
        );
        write_metric(
            out,
            "godwit_routing_dropped_packets_total",
            "counter",
            "Packets that were dropped because too many waited for a route.",
            self.waiting.turned_away(),
        );
    }
}
