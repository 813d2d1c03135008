//! Quality of service: queues at the ports of Open vSwitch. (Meters are kept by [`entries`](crate::entries).)
//!
//! OpenFlow can choose a queue but not make one: Open vSwitch's are made in its database (OVSDB, RFC 7047).
//!
//! | file | what it does |
//! |---|---|
//! | `shape` | what a port shall be shaped to, as rows of the database; pure |
//! | `rest` | `/v1/switches/{id}/qos`, `…/ports/{port}/qos` |
//!
//! What shapes a port is only in that database, with godwit's mark; what others have made there is left alone. It stays
//! when the controller ends.

mod rest;
mod shape;

use godwit_controller::rest::{ApiError, Routes};
use godwit_controller::switch::SwitchHandle;
use godwit_controller::{App, Declaration, Network};

use crate::ovsdb::{Address, Databases};
use shape::{Ports, ShapeRequest, Shaped};

/// The app. Clones are the same.
#[derive(Debug, Clone)]
pub struct Qos {
    network: Network,
    databases: Databases,
}

impl Qos {
    /// The app.
    #[must_use]
    pub const fn new(network: Network, databases: Databases) -> Self {
        Self { network, databases }
    }

    /// The ports of a switch, and the database that has them.
    async fn ports(&self, switch: &SwitchHandle) -> Result<(Address, Ports), ApiError> {
        let questions = shape::questions(switch.dpid());
        self.databases.ask(switch, &questions, Ports::read).await
    }

    /// Shapes a port, or not at all. When this returns, Open vSwitch has done it.
    async fn shape(
        &self,
        switch: &SwitchHandle,
        port: u32,
        to: Option<ShapeRequest>,
    ) -> Result<Option<Shaped>, ApiError> {
        let (address, ports) = self.ports(switch).await?;
        let Some(row) = ports.port(port) else {
            let why = format!(
                "switch {} has no port {port} that can be shaped",
                switch.name()
            );
            return Err(ApiError::not_found(why));
        };
        if ports.is_foreign(row) {
            return Err(ApiError::conflict(
                "somebody else shapes this port; `ovs-vsctl clear port NAME qos` ends that",
            ));
        }
        if to.is_none() && ports.shape_of(row).is_none() {
            return Err(ApiError::not_found("this port is not shaped"));
        }
        address.change(ports.change(row, to.as_ref())).await?;
        let (_, now) = self.ports(switch).await?;
        Ok(now.port(port).and_then(|row| now.shape_of(row)))
    }
}

impl App for Qos {
    fn name(&self) -> &'static str {
        "qos"
    }

    fn declares(&self) -> Declaration {
        Declaration {
            description: "queues at ports of Open vSwitch",
            ..Declaration::default()
        }
    }

    fn routes(&self) -> Option<Routes> {
        Some(rest::router(self.clone()))
    }
}
