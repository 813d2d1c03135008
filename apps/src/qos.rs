//! Quality of service: queues at the ports of Open vSwitch, and meters.
//!
//! OpenFlow can choose a queue but not make one: Open vSwitch's are made in its database (OVSDB, RFC 7047).
//!
//! | file | what it does |
//! |---|---|
//! | `ovsdb` | the client of the database |
//! | `shape` | what a port shall be shaped to, as rows of the database; pure |
//! | `rest` | `/v1/switches/{id}/qos`, `…/ports/{port}/qos`, `…/meters/{meter}` |
//!
//! What shapes a port is only in that database, with godwit's mark; what others have made there is left alone. It stays
//! when the controller ends.

pub mod ovsdb;
mod rest;
mod shape;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use godwit_controller::rest::ApiError;
use godwit_controller::switch::SwitchHandle;
use godwit_controller::{App, Declaration, Network};
use serde_json::{Value, json};
use tokio::time::Instant;

use ovsdb::{Address, Error};
use shape::{Ports, ShapeRequest, Shaped};

/// Where the database of the machine itself is.
const LOCAL: &str = "/var/run/openvswitch/db.sock";

/// The registered port of databases.
const PORT: u16 = 6640;

/// How long Open vSwitch may take to do what its database says, and how often it is looked.
const CONFIGURED: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);

/// The app. Clones are the same.
#[derive(Debug, Clone)]
pub struct Qos {
    network: Network,
    /// Where databases are; none is where the switches are.
    databases: Arc<[Address]>,
}

impl Qos {
    /// The app, with the databases to be asked for a switch in this order. Without any it is that of the machine that
    /// the switch connects from.
    #[must_use]
    pub fn new(network: Network, databases: Vec<Address>) -> Self {
        Self {
            network,
            databases: databases.into(),
        }
    }

    /// The ports of a switch, and the database that has them.
    async fn ports(&self, switch: &SwitchHandle) -> Result<(Address, Ports), ApiError> {
        let near = near(switch.address().ip());
        let candidates = if self.databases.is_empty() {
            std::slice::from_ref(&near)
        } else {
            &self.databases
        };
        let mut problem = None;
        for address in candidates {
            match address.transact(shape::questions(switch.dpid())).await {
                Ok(answers) => {
                    if let Some(ports) = Ports::read(&answers) {
                        return Ok((address.clone(), ports));
                    }
                }
                Err(error) => problem = Some(error),
            }
        }
        Err(match problem {
            Some(error) => ApiError::unavailable(format!(
                "{error}; GODWIT_OVSDB says where the databases of Open vSwitch are"
            )),
            None => ApiError::impossible(format!(
                "no bridge of Open vSwitch has the datapath id {}",
                switch.dpid()
            )),
        })
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
        let changed = address.transact(ports.change(row, to.as_ref())).await;
        let results = changed.map_err(|error| match error {
            Error::Refused(_) => ApiError::conflict(error.to_string()),
            error => ApiError::unavailable(error.to_string()),
        })?;
        let wanted = results
            .last()
            .and_then(|last| configuration(last, "next_cfg"));
        configured(&address, wanted.unwrap_or(i64::MAX)).await?;
        let (_, now) = self.ports(switch).await?;
        Ok(now.port(port).and_then(|row| now.shape_of(row)))
    }
}

/// The database of the machine that a switch connects from.
fn near(machine: IpAddr) -> Address {
    if machine.is_loopback() {
        Address::Unix(LOCAL.into())
    } else {
        Address::Tcp(SocketAddr::new(machine, PORT))
    }
}

fn configuration(answer: &Value, column: &str) -> Option<i64> {
    answer["rows"][0][column].as_i64()
}

/// Waits until Open vSwitch has done what its database says, as of this number of its configuration.
async fn configured(address: &Address, wanted: i64) -> Result<(), ApiError> {
    let until = Instant::now() + CONFIGURED;
    let question =
        json!({ "op": "select", "table": "Open_vSwitch", "where": [], "columns": ["cur_cfg"] });
    loop {
        let answers = address.transact(vec![question.clone()]).await;
        let answers = answers.map_err(|error| ApiError::unavailable(error.to_string()))?;
        let reached = answers
            .first()
            .and_then(|answer| configuration(answer, "cur_cfg"));
        if reached.is_some_and(|reached| reached >= wanted) {
            return Ok(());
        }
        if Instant::now() > until {
            let why = "the database has it, but Open vSwitch has not said that it was done";
            return Err(ApiError::unavailable(why));
        }
        tokio::time::sleep(POLL).await;
    }
}

impl App for Qos {
    fn name(&self) -> &'static str {
        "qos"
    }

    fn declares(&self) -> Declaration {
        Declaration {
            description: "queues at ports of Open vSwitch, and meters",
            ..Declaration::default()
        }
    }

    fn routes(&self) -> Option<Router> {
        Some(rest::router(self.clone()))
    }
}
