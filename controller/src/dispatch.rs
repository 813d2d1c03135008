//! From a switch's message to the topology and to the [apps](crate::hosting). Runs on the task of the switch that the
//! message came from, so that switches proceed in parallel, and waits for no app.

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use godwit_openflow::model::{FlowCommand, FlowStats, PacketIn, PortStatusReason, ToSwitch};
use godwit_topology::{ParsedPacket, PortRef};
use tokio::sync::oneshot;

use crate::app::Desired;
use crate::carried::Shared;
use crate::connection::{CloseReason, SwitchMessage, SwitchObserver};
use crate::event::Event;
use crate::hosting::{Apps, Offer};
use crate::network::Network;
use crate::rules;
use crate::rules::shared::{SharedChanges, SharedHeld, is_of_route, used_by};
use crate::switch::SwitchHandle;
use crate::topology::{CONTROLLER_MAC, Observation};

const ETHERTYPE_LLDP: u16 = 0x88cc;

/// How soon a switch is looked at again whose rules were being changed when it connected.
const RECONCILE_AGAIN: Duration = Duration::from_millis(250);

/// Hands what switches say to the topology and to the apps.
#[derive(Clone)]
pub(crate) struct Dispatcher {
    network: Network,
    apps: Apps,
}

impl Dispatcher {
    pub(crate) const fn new(network: Network, apps: Apps) -> Self {
        Self { network, apps }
    }

    /// Compares what the switch holds with what it should, and mends the difference. Whether that has to be done again,
    /// since it or some rules are being changed.
    async fn reconcile(&self, switch: &SwitchHandle) -> bool {
        let dpid = switch.dpid();
        let mut compared = switch.compared().lock().await;
        let (reported, is_read) = match self.network.read(switch, None).await {
            Ok(reported) => (reported, true),
            Err(error) => {
                tracing::warn!(%dpid, %error, "the switch's flow entries can't be read: only what is missing is added");
                (Vec::new(), false)
            }
        };
        let generation = self.apps.generation();
        let (desired, all_known) = self.apps.wanted(dpid);
        let mut changes = rules::difference(&desired, &reported, switch.version());
        if !all_known {
            // Whose wishes are not known, his rules are not taken for unwanted.
            changes.retain(|change| change.command != FlowCommand::DeleteStrict);
        }
        let shared = self.shared(switch, &desired, &reported).await;
        tracing::info!(%dpid, name = switch.name(), version = %switch.version(), held = reported.len(),
            changes = changes.len(), shared = shared.before.len(), "rules compared");
        if is_read {
            self.apps.compared(dpid, &reported, &changes);
        }
        let before = shared.before.into_iter();
        let mut messages: Vec<ToSwitch> = before.map(|(_, _, message)| message).collect();
        messages.extend(changes.into_iter().map(ToSwitch::FlowMod));
        if all_known {
            messages.extend(shared.after);
        }
        if let Err(error) = switch.apply(&messages).await {
            tracing::warn!(%dpid, %error, "the switch did not take its rules");
        }
        *compared = true;
        // An app may want something else since it was asked.
        desired.again || !desired.busy.is_empty() || self.apps.generation() != generation
    }

    /// What has to become of groups and meters; nothing where none are wanted and none are used.
    async fn shared(
        &self,
        switch: &SwitchHandle,
        desired: &Desired,
        reported: &[FlowStats],
    ) -> SharedChanges {
        let is_own = |shared| matches!(shared, Shared::Group(group) if is_of_route(group));
        let mut rules = reported.iter().map(|stats| &stats.rule);
        let groups = !desired.groups.is_empty() || rules.any(|rule| used_by(rule).any(is_own));
        match SharedHeld::read(switch, groups, !desired.meters.is_empty()).await {
            Ok(held) => SharedChanges::between(desired, &held),
            Err(error) => {
                tracing::warn!(dpid = %switch.dpid(), %error, "the switch's groups and meters can't be read: they are left as they are");
                SharedChanges::default()
            }
        }
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
                    at: Instant::now(),
                })
                .await;
            return;
        }
        self.see_host(port, &headers).await;
        if headers.eth_dst == CONTROLLER_MAC {
            return;
        }
        self.apps.offer(Offer {
            port,
            message,
            headers,
        });
    }

    /// Learns the sender. What is already known is only a sign of life, and may be lost under load.
    async fn see_host(&self, port: PortRef, headers: &ParsedPacket) {
        let sender = headers.sender();
        let topology = self.network.topology();
        let known = topology.host_by_mac(sender.mac).is_some_and(|host| {
            let vlan = sender.vlan;
            let has = |address: &IpAddr| host.has(*address) && host.vlan_of(*address) == vlan;
            host.is_present()
                && topology.segments().same(host.attachment, port)
                && sender.addresses.iter().all(has)
                && vlan.is_none_or(|vlan| host.vlans.contains(&vlan))
        });
        let at = SystemTime::now();
        let seen = |done| Observation::Host {
            port,
            sender,
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

    /// Tells every app of an event, then whoever has subscribed.
    fn event(&self, event: Event) {
        self.apps.tell(&event);
        self.network.publish(event);
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
        self.event(Event::SwitchReady(switch.dpid()));
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
                self.event(Event::Port { port, up, removed });
            }
            SwitchMessage::FlowRemoved(removed) => {
                let Some(removed) = self.network.carried().merged(dpid, removed) else {
                    return;
                };
                self.event(Event::FlowRemoved {
                    dpid,
                    removed: Arc::new(removed),
                });
            }
            SwitchMessage::Error(error) => match rules::blamed(&error) {
                Some(rules::Blamed { cookie, rule }) => {
                    let owner = self.apps.owner_name(cookie);
                    tracing::warn!(%dpid, %error, owner, rule, "the switch reports an error about a rule, late");
                }
                None => tracing::warn!(%dpid, %error, "the switch reports an error"),
            },
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
        self.apps.taken_in(switch.dpid()).await;
    }
}
