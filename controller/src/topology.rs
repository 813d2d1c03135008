//! The keeper of the topology: the one task that feeds the state machines of `godwit-topology`,
//! sends their probes, and publishes their snapshots.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use godwit_openflow::model::{PacketOut, ToSwitch};
use godwit_openflow::types::{DatapathId, MacAddr, PortNo};
use godwit_topology::packet::arp_request;
use godwit_topology::{LldpVerdict, Poll, PortRef, Probe, Topology, TopologyChange};
use tokio::sync::{mpsc, oneshot};

use crate::event::Event;
use crate::network::{Network, SwitchState};

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
    Lldp { port: PortRef, frame: Bytes },
    /// A host sent something.
    Host {
        port: PortRef,
        mac: MacAddr,
        address: Option<IpAddr>,
        at: SystemTime,
        done: Option<oneshot::Sender<()>>,
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

/// The task that owns the topology.
pub(crate) struct TopologyKeeper {
    topology: Topology,
    network: Network,
    observations: mpsc::Receiver<Observation>,
    changes: mpsc::Sender<Event>,
    markers: HashMap<u64, oneshot::Sender<MacAddr>>,
    done: Vec<oneshot::Sender<()>>,
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
                changes: aged,
            } = self.topology.poll(now);
            changes.extend(aged);
            self.send(probes);
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
            Observation::Lldp { port, frame } => self.lldp(port, &frame, now),
            Observation::Host {
                port,
                mac,
                address,
                at,
                done,
            } => {
                self.done.extend(done);
                self.topology
                    .observe_host(mac, address.as_slice(), port, now, at)
            }
            Observation::Excluded { dpid, done } => {
                self.done.push(done);
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
                    self.send(vec![probe]);
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

    /// All probes that leave one switch leave it in one write.
    fn send(&self, probes: Vec<Probe>) {
        self.network.metrics().count_probes(probes.len());
        let mut by_switch: HashMap<DatapathId, Vec<ToSwitch>> = HashMap::new();
        for Probe { port, frame, .. } in probes {
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
                tracing::debug!(%dpid, %error, "probes were not sent; they are repeated");
            }
        }
    }

    /// Asks a host whether it still is where it was. Its answer is a sighting like any other.
    fn ask(&self, mac: MacAddr, attached: PortRef) {
        let snapshot = self.network.topology();
        let Some(host) = snapshot.host_by_mac(mac) else {
            return;
        };
        for &address in host.ipv4.iter().take(1) {
            let question = arp_request(mac, address, CONTROLLER_MAC);
            self.network
                .packet_out(attached.dpid, PacketOut::to_port(attached.port, question));
        }
    }

    async fn publish(&mut self, changes: Vec<TopologyChange>) {
        self.network.set_topology(self.topology.snapshot());
        for done in self.done.drain(..) {
            // Whoever waited may have given up.
            let _ = done.send(());
        }
        for change in changes {
            match change {
                TopologyChange::HostConflict { mac, attached, .. } => {
                    self.network.metrics().count_alarm();
                    tracing::warn!(
                        ?change,
                        "alarm: a host in two places; it is asked where it was"
                    );
                    self.ask(mac, attached);
                }
                _ => tracing::debug!(?change, "topology"),
            }
            if self.changes.send(Event::Topology(change)).await.is_err() {
                return;
            }
        }
    }
}

/// Who a frame says that it is from.
fn source(frame: &[u8]) -> MacAddr {
    let octets = frame.get(6..12).and_then(|octets| octets.try_into().ok());
    MacAddr(octets.unwrap_or_default())
}
