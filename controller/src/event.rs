//! What happens in the network, as the control apps hear of it.

use std::sync::Arc;

use godwit_openflow::model::FlowRemoved;
use godwit_openflow::types::DatapathId;
use godwit_topology::TopologyChange;

/// Something that has happened. Events of one switch come in their order.
#[derive(Debug, Clone)]
pub enum Event {
    /// The network's shape has changed; the snapshot that apps see already has it.
    Topology(TopologyChange),
    /// A flow entry has ended.
    FlowRemoved {
        /// Where.
        dpid: DatapathId,
        /// What the switch said of it.
        removed: Arc<FlowRemoved>,
    },
    /// A switch has connected and carries its base rules.
    SwitchReady(DatapathId),
}
