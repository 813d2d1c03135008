//! What happens in the network, as the control apps hear of it.

use std::sync::Arc;

use godwit_openflow::model::{FlowRemoved, FlowRule};
use godwit_openflow::types::DatapathId;
use godwit_topology::{PortRef, TopologyChange};

use crate::rules::Aspect;

/// Something that has happened. Events of one switch come in their order. An app hears of them, one after the other, on
/// a thread of its own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The network's shape has changed (switches gone, links, edge ports, hosts added, moved and gone); the snapshot
    /// that apps see already has it.
    Topology(TopologyChange),
    /// A flow entry has ended.
    FlowRemoved {
        /// Where.
        dpid: DatapathId,
        /// What the switch said of it.
        removed: Arc<FlowRemoved>,
    },
    /// A rule was missing, and is put back by an audit.
    RuleRestored {
        /// Where.
        dpid: DatapathId,
        /// Whose it is.
        owner: Arc<str>,
        /// As it is again.
        rule: Arc<FlowRule>,
    },
    /// A rule was changed by somebody, and is as it was by an audit.
    RuleMended {
        /// Where.
        dpid: DatapathId,
        /// Whose it is.
        owner: Arc<str>,
        /// As it is again.
        rule: Arc<FlowRule>,
        /// What of it was changed.
        aspects: Arc<[Aspect]>,
    },
    /// An audit has found a rule of nobody here. Told once as long as it stands.
    AlienRule {
        /// Where.
        dpid: DatapathId,
        /// The rule.
        rule: Arc<FlowRule>,
    },
    /// A switch has connected and carries its base rules. An app that is enabled hears this of every switch that is
    /// connected then.
    SwitchReady(DatapathId),
    /// A port came up, went down or was removed.
    Port {
        /// The port.
        port: PortRef,
        /// Whether it carries packets now.
        up: bool,
        /// Whether the switch no longer has it.
        removed: bool,
    },
    /// The period that the app has declared is over; see [`Declaration::timer`](crate::Declaration::timer).
    Timer,
    /// A migration whose plan was accepted is at something else now.
    Migration {
        /// Its number.
        id: u64,
        /// The switch that is emptied.
        source: DatapathId,
        /// The switch that takes its place; `None` when its work goes wherever the shortest paths lead.
        target: Option<DatapathId>,
        /// What it is at, by the name that REST has for it: `frozen`, `running`, `committed`, `rolled_back`
        /// or `failed`.
        state: &'static str,
    },
    /// A migration has begun with a phase of its work. The same may come several times, and one that was not known to
    /// the apps before may come before [`Self::Migration`].
    MigrationPhase {
        /// Its number.
        id: u64,
        /// The phase, by the name that REST has for it.
        phase: &'static str,
    },
    /// An app was disabled because it panicked too often.
    AppDisabled {
        /// Its name.
        app: &'static str,
        /// Why.
        why: Arc<str>,
    },
    /// This app was too slow and has missed so many events just before this one: what it has to know, the snapshot
    /// says.
    Missed(u64),
}

impl Event {
    /// The switch that this event comes from, as far as it comes from one.
    #[must_use]
    pub(crate) const fn origin(&self) -> Option<DatapathId> {
        match self {
            Self::FlowRemoved { dpid, .. } | Self::SwitchReady(dpid) => Some(*dpid),
            Self::Port { port, .. } => Some(port.dpid),
            _ => None,
        }
    }
}
