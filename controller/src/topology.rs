//! The keeper of the topology: the one task that feeds the state machines of `godwit-topology`,
//! sends their probes, and publishes their snapshots.

mod settings;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use godwit_openflow::model::{PacketOut, ToSwitch};
use godwit_openflow::types::{DatapathId, MacAddr, PortNo};
use godwit_topology::cost::TooMany;
use godwit_topology::packet::{arp_request, neighbour_solicitation, tagged};
use godwit_topology::{
    Link, LldpVerdict, Metric, Poll, PortRef, Probe, Question, Sender, Topology, TopologyChange,
};
use tokio::sync::{mpsc, oneshot};

use crate::event::Event;
use crate::network::{Network, SwitchState};
use crate::store::{Batch, Slice};

pub use settings::TopologySettings;

/// Observations that may wait. LLDP frames of 10,000 ports arriving at once fit; what comes on top
/// waits in the queues of the switches that it comes from.
pub(crate) const OBSERVATION_DEPTH: usize = 16_384;

/// How many observations are taken in before one snapshot is published for all of them.
const BATCH: usize = 512;

/// How long the keeper sleeps at most when nothing is due.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// The sender of the controller's own questions to hosts: locally administered, no station's.
pub(crate) const CONTROLLER_MAC: MacAddr = MacAddr([0x02, 0x67, 0x6f, 0x64, 0x77, 0x74]);

/// Something seen in the network, or to be done to the picture of it.
#[derive(Debug)]
pub(crate) enum Observation {
    /// A switch is connected, and these of its ports are up.
    SwitchUp { dpid: DatapathId, up: Vec<PortNo> },
    /// A switch is gone.
    SwitchDown { dpid: DatapathId },
    /// A port came up, went down or was removed.
    Port {
        port: PortRef,
        up: bool,
        removed: bool,
    },
    /// A discovery frame came in.
    Lldp {
        port: PortRef,
        frame: Bytes,
        at: Instant,
    },
    /// A switch has answered an echo.
    Echoed { dpid: DatapathId, after: Duration },
    /// What parts of their speeds the ports of a switch send or receive.
    Loads {
        dpid: DatapathId,
        ports: Vec<(PortNo, f64)>,
    },
    /// A host sent something.
    Host {
        port: PortRef,
        sender: Sender,
        at: SystemTime,
        done: Option<oneshot::Sender<()>>,
    },
    /// A host is to be forgotten; say whether it was known.
    Forget {
        mac: MacAddr,
        known: oneshot::Sender<bool>,
    },
    /// What something costs is set, or taken back.
    Cost {
        of: Costing,
        cost: Option<u32>,
        done: oneshot::Sender<Result<(), TooMany>>,
    },
    /// What a switch is to forwarding has changed: whether it is in the graph for routing follows.
    Excluded {
        dpid: DatapathId,
        done: oneshot::Sender<()>,
    },
    /// A marker shall be sent out of a port; say when it has arrived at the other end, and with which source address.
    Marker {
        port: PortRef,
        arrived: oneshot::Sender<MacAddr>,
    },
}

/// What can have a cost.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Costing {
    /// Every link at a port.
    Port(PortRef),
    /// One link, both ways.
    Link(Link),
}

/// What waits for a snapshot to be published.
type Done = Box<dyn FnOnce() + Send>;

/// The task that owns the topology.
pub(crate) struct TopologyKeeper {
    topology: Topology,
    network: Network,
    observations: mpsc::Receiver<Observation>,
    changes: mpsc::Sender<Event>,
    markers: HashMap<u64, oneshot::Sender<MacAddr>>,
    done: Vec<Done>,
}

impl TopologyKeeper {
    /// `changes` gets every change, in order, after the snapshot that has it is published.
    pub(crate) fn new(
        topology: Topology,
        network: Network,
        observations: mpsc::Receiver<Observation>,
        changes: mpsc::Sender<Event>,
    ) -> Self {
        Self {
            topology,
            network,
            observations,
            changes,
            markers: HashMap::new(),
            done: Vec::new(),
        }
    }

    /// What links are weighed by from now on for all who ask for nothing else.
    pub(crate) fn weigh_by(&mut self, metric: Metric) {
        // Nobody is there yet to be told of the change.
        let _ = self.topology.set_metric(metric);
        self.network.set_topology(self.topology.snapshot());
    }

    /// Runs until nobody observes any more.
    pub(crate) async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let sleep = self
                .topology
                .next_deadline()
                .map_or(LONGEST_SLEEP, |deadline| {
                    deadline
                        .saturating_duration_since(Instant::now())
                        .min(LONGEST_SLEEP)
                });
            tokio::select! {
                received = self.observations.recv_many(&mut batch, BATCH) => if received == 0 { return },
                () = tokio::time::sleep(sleep) => {}
            }
            let now = Instant::now();
            let mut changes = Vec::new();
            for observation in batch.drain(..) {
                changes.extend(self.take_in(observation, now));
            }
            let Poll {
                probes,
                questions,
                changes: aged,
            } = self.topology.poll(now);
            changes.extend(aged);
            let probes = probes
                .into_iter()
                .map(|Probe { port, frame, .. }| (port, frame));
            let probes: Vec<_> = probes.collect();
            self.network.metrics().count_probes(probes.len());
            let questions = questions.iter().map(|one| (one.at, frame_of(one)));
            self.send(probes.into_iter().chain(questions));
            self.publish(changes).await;
        }
    }

    fn take_in(&mut self, observation: Observation, now: Instant) -> Vec<TopologyChange> {
        match observation {
            Observation::SwitchUp { dpid, up } => self.topology.switch_up(dpid, up, now),
            Observation::SwitchDown { dpid } => self.topology.switch_down(dpid, now),
            Observation::Port {
                port,
                removed: true,
                ..
            } => self.topology.port_removed(port, now),
            Observation::Port { port, up: true, .. } => self.topology.port_up(port, now),
            Observation::Port { port, .. } => self.topology.port_down(port, now),
            Observation::Lldp { port, frame, at } => self.lldp(port, &frame, at),
            Observation::Echoed { dpid, after } => {
                self.topology.echo_answered(dpid, after);
                Vec::new()
            }
            Observation::Loads { dpid, ports } => self.topology.observe_loads(dpid, ports),
            Observation::Host {
                port,
                sender,
                at,
                done,
            } => {
                self.done.extend(done.map(|done| answer(done, ())));
                self.topology.observe_host(sender, port, now, at)
            }
            Observation::Forget { mac, known } => {
                let changes = self.topology.forget_host(mac);
                self.done.push(answer(known, !changes.is_empty()));
                changes
            }
            Observation::Cost { of, cost, done } => {
                let mut costs = self.topology.costs().clone();
                let set = match of {
                    Costing::Port(port) => costs.set_port(port, cost),
                    Costing::Link(link) => costs.set_link(link, cost),
                };
                self.done.push(answer(done, set));
                let changes = self.topology.set_costs(costs);
                if !changes.is_empty() {
                    self.keep_costs();
                }
                changes
            }
            Observation::Excluded { dpid, done } => {
                self.done.push(answer(done, ()));
                // What it is now, not what it was when this was sent: two who change it at once may be told of in
                // the other order.
                match self.network.state(dpid) {
                    SwitchState::Active => self.topology.include(dpid),
                    SwitchState::Frozen | SwitchState::Drained => self.topology.exclude(dpid),
                }
            }
            Observation::Marker { port, arrived } => {
                self.markers.retain(|_, waiting| !waiting.is_closed());
                // Without a marker `arrived` is dropped, and whoever waits knows.
                if let Some(probe) = self.topology.marker(port, now) {
                    self.markers.insert(probe.nonce, arrived);
                    self.network.metrics().count_probes(1);
                    self.send([(probe.port, probe.frame)]);
                }
                Vec::new()
            }
        }
    }

    fn lldp(&mut self, port: PortRef, frame: &Bytes, now: Instant) -> Vec<TopologyChange> {
        let (verdict, changes) = self.topology.on_lldp(port.dpid, port.port, frame, now);
        match verdict {
            LldpVerdict::Marker { nonce, .. } => {
                if let Some(arrived) = self.markers.remove(&nonce) {
                    // Whoever waited may have given up.
                    let _ = arrived.send(source(frame));
                }
            }
            LldpVerdict::Alarm(alarm) => {
                self.network.metrics().count_alarm();
                tracing::warn!(%port, %alarm, "alarm: a discovery frame that is not to be believed; no link is made of it");
            }
            _ => {}
        }
        changes
    }

    fn keep_costs(&self) {
        let mut batch = Batch::default();
        match batch.put(Slice::COSTS, 0, self.topology.costs()) {
            Ok(()) => self.network.store().write_later(batch),
            Err(error) => {
                tracing::error!(%error, "what links cost is not kept over a restart");
            }
        }
    }

    /// All frames that leave one switch leave it in one write.
    fn send(&self, frames: impl IntoIterator<Item = (PortRef, Bytes)>) {
        let mut by_switch: HashMap<DatapathId, Vec<ToSwitch>> = HashMap::new();
        for (port, frame) in frames {
            let packet = PacketOut::to_port(port.port, frame);
            by_switch
                .entry(port.dpid)
                .or_default()
                .push(ToSwitch::PacketOut(packet));
        }
        for (dpid, messages) in by_switch {
            if let Some(Err(error)) = self
                .network
                .switches()
                .get(dpid)
                .map(|switch| switch.send(&messages))
            {
                tracing::debug!(%dpid, %error, "frames were not sent; they are repeated");
            }
        }
    }

    async fn publish(&mut self, changes: Vec<TopologyChange>) {
        self.network.set_topology(self.topology.snapshot());
        self.done.drain(..).for_each(|done| done());
        for change in changes {
            match change {
                TopologyChange::HostConflict { .. } => {
                    self.network.metrics().count_alarm();
                    tracing::warn!(
                        ?change,
                        "alarm: a host in two places; it is asked where it was"
                    );
                }
                _ => tracing::debug!(?change, "topology"),
            }
            if self.changes.send(Event::Topology(change)).await.is_err() {
                return;
            }
        }
    }
}

/// The frame that asks a host whether it still is where it was. Its answer is a sighting like any other.
fn frame_of(question: &Question) -> Bytes {
    let mac = question.mac;
    let frame = match question.address {
        IpAddr::V4(address) => arp_request(mac, address, CONTROLLER_MAC),
        IpAddr::V6(address) => neighbour_solicitation(mac, address, CONTROLLER_MAC),
    };
    match question.vlan {
        Some(vlan) => tagged(&frame, vlan),
        None => frame,
    }
}

/// Says something when the snapshot that has it is published.
fn answer<T: Send + 'static>(done: oneshot::Sender<T>, what: T) -> Done {
    Box::new(move || {
        // Whoever waited may have given up.
        let _ = done.send(what);
    })
}

/// Who a frame says that it is from.
fn source(frame: &[u8]) -> MacAddr {
    let octets = frame.get(6..12).and_then(|octets| octets.try_into().ok());
    MacAddr(octets.unwrap_or_default())
}
