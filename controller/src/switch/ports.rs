//! A switch's ports, by number.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use godwit_openflow::model::{Port, PortStatus, PortStatusReason};
use godwit_openflow::types::PortNo;

use crate::connection::sync::lock;
use crate::limits::PORTS;

/// The ports, and the last snapshot of them until one changes: a burst of PORT_STATUS costs no copy each.
#[derive(Debug, Default)]
pub(crate) struct PortTable {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    ports: BTreeMap<PortNo, Port>,
    snapshot: Option<Arc<[Port]>>,
}

/// The switch claims more than [`PORTS`].
#[derive(Debug)]
pub(crate) struct TooManyPorts;

impl PortTable {
    pub(crate) fn new(list: impl IntoIterator<Item = Port>) -> Result<Self, TooManyPorts> {
        let ports: BTreeMap<PortNo, Port> =
            list.into_iter().map(|port| (port.number, port)).collect();
        if ports.len() > PORTS {
            return Err(TooManyPorts);
        }
        Ok(Self {
            state: Mutex::new(State {
                ports,
                snapshot: None,
            }),
        })
    }

    pub(crate) fn apply(&self, status: &PortStatus) -> Result<(), TooManyPorts> {
        let mut state = lock(&self.state);
        let number = status.port.number;
        if status.reason == PortStatusReason::Delete {
            state.ports.remove(&number);
        } else if state.ports.len() >= PORTS && !state.ports.contains_key(&number) {
            return Err(TooManyPorts);
        } else {
            state.ports.insert(number, status.port.clone());
        }
        state.snapshot = None;
        Ok(())
    }

    pub(crate) fn snapshot(&self) -> Arc<[Port]> {
        let State { ports, snapshot } = &mut *lock(&self.state);
        Arc::clone(snapshot.get_or_insert_with(|| ports.values().cloned().collect()))
    }

    pub(crate) fn get(&self, number: PortNo) -> Option<Port> {
        lock(&self.state).ports.get(&number).cloned()
    }

    /// The LOCAL port's name, unless it is empty or not fit to be shown.
    pub(crate) fn local_name(&self) -> Option<String> {
        let state = lock(&self.state);
        let name = &state.ports.get(&PortNo::LOCAL)?.name;
        let fit = !name.is_empty() && name.chars().all(|c| !c.is_control() && !c.is_whitespace());
        fit.then(|| name.clone())
    }
}
