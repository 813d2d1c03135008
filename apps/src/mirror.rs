//! Mirrors: copies of what passes ports of a switch, sent to a port where somebody watches.
//!
//! Open vSwitch makes them, told by its database (OVSDB, RFC 7047; ovs-vswitchd.conf.db(5), table Mirror). As flow entries
//! they would have to be part of every other app's rules; so no rule knows of them, they cost the controller nothing, and
//! switches of both versions have them.
//!
//! | file | what it does |
//! |---|---|
//! | `rows` | mirrors as rows of the database; pure |
//! | `rest` | `/v1/switches/{id}/mirrors` |
//!
//! A mirror is only in that database, with godwit's mark; what others have made there is left alone. It stays when the
//! controller ends, and with its switch when the work of that is moved.

mod rest;
mod rows;

use godwit_controller::rest::{ApiError, Routes};
use godwit_controller::switch::SwitchHandle;
use godwit_controller::{App, Declaration, Network};
use godwit_openflow::types::PortNo;
use godwit_topology::PortRef;

use crate::ovsdb::{Address, Databases};
use rows::{Bridge, Mirror, MirrorRequest};

/// The app. Clones are the same.
#[derive(Debug, Clone)]
pub struct Mirroring {
    network: Network,
    databases: Databases,
}

impl Mirroring {
    /// The app.
    #[must_use]
    pub const fn new(network: Network, databases: Databases) -> Self {
        Self { network, databases }
    }

    /// A switch as its database has it.
    async fn bridge(&self, switch: &SwitchHandle) -> Result<(Address, Bridge), ApiError> {
        let questions = rows::questions(switch.dpid());
        self.databases.ask(switch, &questions, Bridge::read).await
    }

    /// Makes a mirror, or takes it away. When this returns, Open vSwitch has done it.
    async fn set(
        &self,
        switch: &SwitchHandle,
        name: &str,
        to: Option<MirrorRequest>,
    ) -> Result<Option<Mirror>, ApiError> {
        let (address, bridge) = self.bridge(switch).await?;
        match bridge.mirror(name) {
            Some(mirror) if !mirror.own => {
                let why = "somebody else has made a mirror of this name; `ovs-vsctl clear bridge NAME mirrors` ends all of a bridge";
                return Err(ApiError::conflict(why));
            }
            None if to.is_none() => {
                let why = format!("switch {} has no mirror `{name}`", switch.name());
                return Err(ApiError::not_found(why));
            }
            _ => {}
        }
        if let Some(request) = &to {
            self.check_output(switch, request.output)?;
        }
        address.change(bridge.change(name, to.as_ref())?).await?;
        // Open vSwitch (3.1) leaves the flows that it has in its cache as they are when a mirror changes; a flow table that
        // changes makes it go through them.
        self.network
            .nudge(switch)
            .await
            .map_err(|error| ApiError::switch_failed(error.to_string()))?;
        let (_, now) = self.bridge(switch).await?;
        Ok(now.mirror(name))
    }

    /// The port of a mirror carries nothing but copies, so it can't be one that leads to another switch.
    fn check_output(&self, switch: &SwitchHandle, port: u32) -> Result<(), ApiError> {
        let port = PortRef {
            dpid: switch.dpid(),
            port: PortNo(port),
        };
        let topology = self.network.topology();
        let graph = topology.graph();
        if graph.link_from(port).is_none() && graph.link_to(port).is_none() {
            return Ok(());
        }
        let why =
            "this port leads to another switch: the port of a mirror carries nothing but copies";
        Err(ApiError::impossible(why).at("output"))
    }
}

impl App for Mirroring {
    fn name(&self) -> &'static str {
        "mirror"
    }

    fn declares(&self) -> Declaration {
        Declaration {
            description: "copies of what passes ports of Open vSwitch, for a monitor",
            ..Declaration::default()
        }
    }

    fn routes(&self) -> Option<Routes> {
        Some(rest::router(self.clone()))
    }
}
