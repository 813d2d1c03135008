//! From a switch's message to the apps, and from their commands to the switches. Runs on the task of
//! the switch that the message came from, so that switches proceed in parallel.

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use godwit_openflow::model::{FlowCommand, PacketIn, PortStatusReason, ToSwitch};
use godwit_topology::{ParsedPacket, PortRef};
use tokio::sync::oneshot;

use crate::app::{App, Commands, Desired, Packet, Verdict, View};
use crate::connection::{CloseReason, SwitchMessage, SwitchObserver};
use crate::event::Event;
use crate::network::Network;
use crate::rules::{self, Round};
use crate::switch::SwitchHandle;
use crate::topology::{CONTROLLER_MAC, Observation};

const ETHERTYPE_LLDP: u16 = 0x88cc;

/// How soon a switch is looked at again whose rules were being changed when it connected.
const RECONCILE_AGAIN: Duration = Duration::from_millis(250);

/// Hands what switches say to the topology and to the apps, in the order in which the apps are listed.
#[derive(Clone)]
pub(crate) struct Dispatcher {
    network: Network,
    apps: Arc<[Arc<dyn App>]>,
}

impl Dispatcher {
    pub(crate) fn new(network: Network, apps: Arc<[Arc<dyn App>]>) -> Self {
        Self { network, apps }
    }

    /// Compares what the switch holds with what it should, and mends the difference. Whether that has to be done again,
    /// since it or some rules are being changed.
    async fn reconcile(&self, switch: &SwitchHandle) -> bool {
        let dpid = switch.dpid();
        let (reported, is_read) = match self.network.read(switch, None).await {
            Ok(reported) => (reported, true),
            Err(error) => {
                tracing::warn!(%dpid, %error, "the switch's flow entries can't be read: only what is missing is added");
                (Vec::new(), false)
            }
        };
        let mut desired = Desired {
            rules: rules::base().to_vec(),
            ..Desired::default()
        };
        let mut all_known = true;
        for app in self.apps.iter() {
            match self.contained(app.as_ref(), || Some(app.desired(dpid))) {
                Some(wanted) => {
                    desired.rules.extend(wanted.rules);
                    desired.busy.extend(wanted.busy);
                    desired.again |= wanted.again;
                    all_known &= app.knows_its_rules();
                }
                None => all_known = false,
            }
        }
        let mut changes = rules::difference(&desired, &reported);
        if !all_known {
            // Whose wishes are not known, his rules are not taken for unwanted.
            changes.retain(|change| change.command != FlowCommand::DeleteStrict);
        }
        tracing::info!(%dpid, name = switch.name(), version = %switch.version(), held = reported.len(),
            changes = changes.len(), "rules compared");
        if is_read {
            for app in self.apps.iter() {
                self.contained(app.as_ref(), || app.compared(dpid, &reported, &changes));
            }
        }
        let messages: Vec<ToSwitch> = changes.into_iter().map(ToSwitch::FlowMod).collect();
        if let Err(error) = switch.apply(&messages).await {
            tracing::warn!(%dpid, %error, "the switch did not take its rules");
        }
        desired.again || !desired.busy.is_empty()
    }

    /// Compares again until nothing is under change that concerns the switch.
    async fn reconcile_later(self, switch: SwitchHandle) {
        while switch.is_connected() {
            tokio::time::sleep(RECONCILE_AGAIN).await;
            if !self.reconcile(&switch).await {
                return;
            }
        }
    }

    async fn packet_in(&self, switch: &SwitchHandle, message: PacketIn) {
        let port = PortRef {
            dpid: switch.dpid(),
            port: message.in_port,
        };
        let Some(headers) = ParsedPacket::parse(&message.data) else {
            tracing::debug!(%port, "a packet without a whole Ethernet header");
            return;
        };
        if headers.eth_type == ETHERTYPE_LLDP {
            self.network
                .observe(Observation::Lldp {
                    port,
                    frame: message.data,
                })
                .await;
            return;
        }
        self.see_host(port, &headers).await;
        if headers.eth_dst == CONTROLLER_MAC {
            return;
        }
        let commands = {
            let topology = self.network.topology();
            let view = View {
                topology: &topology,
            };
            let packet = Packet {
                port,
                message: &message,
                headers: &headers,
            };
            self.apps.iter().find_map(|app| {
                match self.contained(app.as_ref(), || app.packet_in(&packet, &view)) {
                    Verdict::Pass => None,
                    Verdict::Claim(commands) => Some((app.name(), commands)),
                }
            })
        };
        if let Some((writer, commands)) = commands {
            self.perform(writer, commands).await;
        }
    }

    /// Learns the sender. What is already known is only a sign of life, and may be lost under load.
    async fn see_host(&self, port: PortRef, headers: &ParsedPacket) {
        let address = headers.sender_ip();
        let topology = self.network.topology();
        let known = topology.host_by_mac(headers.eth_src).is_some_and(|host| {
            let has = |address| match address {
                IpAddr::V4(address) => host.ipv4.contains(&address),
                IpAddr::V6(address) => host.ipv6.contains(&address),
            };
            host.attachment == port && address.is_none_or(has)
        });
        let (mac, at) = (headers.eth_src, SystemTime::now());
        let seen = |done| Observation::Host {
            port,
            mac,
            address,
            at,
            done,
        };
        if known {
            self.network.observe_if_room(seen(None));
        } else {
            // The apps shall see the host in the snapshot when they see its first packet.
            let (done, published) = oneshot::channel();
            self.network.observe(seen(Some(done))).await;
            // An error means that the controller is stopping.
            let _ = published.await;
        }
    }

    /// Rules first, confirmed; then the packets that rely on them. Rules for a switch whose work is being moved away
    /// are held, and packets go on.
    async fn perform(&self, writer: &'static str, commands: Commands) {
        let Commands {
            flow_mods,
            packet_outs,
        } = commands;
        if !flow_mods.is_empty() {
            let admission = self.network.held().admit(writer, flow_mods).await;
            for dpid in &admission.refused {
                tracing::warn!(app = writer, %dpid, "rules were not held for a switch that is being emptied: too many are");
            }
            let round: Round = admission.now.into_iter().collect();
            let applied = round.apply(self.network.switches()).await;
            drop(admission.guard);
            if let Err(error) = applied {
                tracing::warn!(app = writer, %error, "an app's rules were not installed");
                return;
            }
            if !admission.refused.is_empty() {
                return;
            }
        }
        for (dpid, packet) in packet_outs {
            self.network.packet_out(dpid, packet);
        }
    }

    /// Tells every app of an event, and does what they want done.
    pub(crate) async fn event(&self, event: &Event) {
        for app in self.apps.iter() {
            let commands = {
                let topology = self.network.topology();
                self.contained(app.as_ref(), || {
                    app.event(
                        event,
                        &View {
                            topology: &topology,
                        },
                    )
                })
            };
            if !commands.is_empty() {
                self.perform(app.name(), commands).await;
            }
        }
    }

    /// Runs a piece of an app so that its panic ends that piece only.
    fn contained<T: Default>(&self, app: &dyn App, piece: impl FnOnce() -> T) -> T {
        catch_unwind(AssertUnwindSafe(piece)).unwrap_or_else(|_| {
            self.network.metrics().count_app_panic();
            tracing::error!(
                app = app.name(),
                "the app panicked; what it was asked is taken as not answered"
            );
            T::default()
        })
    }
}

impl SwitchObserver for Dispatcher {
    async fn switch_up(&self, switch: &SwitchHandle) {
        if self.reconcile(switch).await {
            tokio::spawn(self.clone().reconcile_later(switch.clone()));
        }
        let ports = switch.ports();
        let up = ports
            .iter()
            .filter(|port| port.number.is_physical() && port.is_up());
        let up = up.map(|port| port.number).collect();
        self.network
            .observe(Observation::SwitchUp {
                dpid: switch.dpid(),
                up,
            })
            .await;
        let event = Event::SwitchReady(switch.dpid());
        self.event(&event).await;
        self.network.publish(event);
    }

    async fn message(&self, switch: &SwitchHandle, message: SwitchMessage) {
        let dpid = switch.dpid();
        match message {
            SwitchMessage::PacketIn(packet) => self.packet_in(switch, packet).await,
            SwitchMessage::PortStatus(status) if status.port.number.is_physical() => {
                let port = PortRef {
                    dpid,
                    port: status.port.number,
                };
                let removed = status.reason == PortStatusReason::Delete;
                let up = !removed && status.port.is_up();
                tracing::info!(%port, name = status.port.name, up, removed, "port changed");
                self.network
                    .observe(Observation::Port { port, up, removed })
                    .await;
            }
            SwitchMessage::FlowRemoved(removed) => {
                let Some(removed) = self.network.carried().merged(dpid, removed) else {
                    return;
                };
                let event = Event::FlowRemoved {
                    dpid,
                    removed: Arc::new(removed),
                };
                self.event(&event).await;
                self.network.publish(event);
            }
            SwitchMessage::Error(error) => {
                tracing::warn!(%dpid, %error, "the switch reports an error")
            }
            _ => {}
        }
    }

    async fn switch_down(&self, switch: &SwitchHandle, reason: &CloseReason) {
        tracing::debug!(dpid = %switch.dpid(), %reason, "switch gone");
        self.network.carried().connection_ended(switch.dpid());
        self.network
            .observe(Observation::SwitchDown {
                dpid: switch.dpid(),
            })
            .await;
    }
}
