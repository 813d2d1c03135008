//! The controller put together: listeners, keeper of the topology, dispatcher, REST.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use godwit_topology::discovery::KeyError;
use godwit_topology::{Metric, RunKey, Topology, TopologyChange};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::app::App;
use crate::audit::{Audits, RulesSettings};
use crate::connection::{BindError, OpenFlowServer};
use crate::dispatch::Dispatcher;
use crate::event::Event;
use crate::hosting::{self, Apps};
use crate::limits::Limits;
use crate::network::Network;
use crate::rest;
use crate::rest::server::HttpServer;
use crate::round_trips;
use crate::store::{Slice, Store, StoreError};
use crate::topology::{OBSERVATION_DEPTH, TopologyKeeper, TopologySettings};

/// Changes of the topology that wait for the apps to hear of them.
const CHANGE_DEPTH: usize = 4096;

/// How long apps get to finish what they are in the middle of when the controller stops: a migration takes at
/// most 5 s to drain, and one that goes back as long again.
const FINISH_DEADLINE: Duration = Duration::from_secs(10);

/// How often they are asked.
const IDLE_POLL: Duration = Duration::from_millis(20);

/// Where a controller listens.
#[derive(Debug, Clone)]
pub struct ControllerConfig {
    /// For switches.
    pub openflow: Vec<SocketAddr>,
    /// For REST.
    pub http: SocketAddr,
    /// How soon what is silent in the network is given up.
    pub topology: TopologySettings,
    /// How rules are audited.
    pub rules: RulesSettings,
}

/// A controller that could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address for switches is not to be had.
    #[error(transparent)]
    OpenFlow(#[from] BindError),
    /// The address for REST is not to be had.
    #[error("HTTP can't listen on {address}: {source}")]
    Http {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// There is no randomness for the key that signs discovery frames.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// What was kept of the run before can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A controller whose listeners are bound.
pub struct Controller {
    network: Network,
    keeper: TopologyKeeper,
    rules: RulesSettings,
    changes: mpsc::Receiver<Event>,
    openflow: OpenFlowServer,
    http: HttpServer,
    /// The apps that were disabled in an earlier run.
    off: Vec<String>,
}

impl Controller {
    /// Binds the listeners. Connections wait in their backlog until [`Self::run`], so that all that the store knows
    /// can be taken in before any switch is heard.
    ///
    /// # Errors
    /// When an address is not to be had, there is no randomness, or the store can't be read.
    pub async fn bind(config: &ControllerConfig, store: Store) -> Result<Self, StartError> {
        let openflow = OpenFlowServer::bind(&config.openflow, Limits::default()).await?;
        let http = HttpServer::bind(config.http)
            .await
            .map_err(|source| StartError::Http {
                address: config.http,
                source,
            })?;
        let (observe, observations) = mpsc::channel(OBSERVATION_DEPTH);
        let (tell, changes) = mpsc::channel(CHANGE_DEPTH);
        let off = hosting::switched_off(&store)?;
        let network = Network::new(observe, tell.clone(), openflow.metrics(), store)?;
        let mut topology = Topology::new(RunKey::generate()?, config.topology.timing());
        // Nobody is there yet to be told of the change.
        if let Some((_, costs)) = network.store().load(Slice::COSTS)?.pop() {
            let _ = topology.set_costs(costs);
        }
        for dpid in network.set_aside() {
            topology.exclude(dpid);
        }
        network.set_topology(topology.snapshot());
        let keeper = TopologyKeeper::new(topology, network.clone(), observations, tell);
        Ok(Self {
            network,
            keeper,
            rules: config.rules.clone(),
            changes,
            openflow,
            http,
            off,
        })
    }

    /// What paths are made short by for all who ask for nothing else; hops, unless this is called.
    pub fn weigh_by(&mut self, metric: Metric) {
        self.keeper.weigh_by(metric);
    }

    /// The network that this controller holds.
    #[must_use]
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// Where switches may connect.
    #[must_use]
    pub fn openflow_addresses(&self) -> Vec<SocketAddr> {
        self.openflow.local_addresses()
    }

    /// Where REST is served.
    ///
    /// # Errors
    /// When the operating system doesn't say.
    pub fn http_address(&self) -> std::io::Result<SocketAddr> {
        self.http.local_address()
    }

    /// Runs with these apps until `stop` turns true. The switches keep their rules.
    pub async fn run(self, apps: Vec<Arc<dyn App>>, stop: watch::Receiver<bool>) {
        let Self {
            network,
            keeper,
            rules,
            mut changes,
            openflow,
            http,
            off,
        } = self;
        let apps = Apps::host(&network, apps, &off);
        let audits = Audits::new(network.clone(), apps.clone(), rules);
        let ready = Arc::new(AtomicBool::new(true));
        let router = rest::router(
            network.clone(),
            apps.clone(),
            audits.clone(),
            Arc::clone(&ready),
            stop.clone(),
        );
        let dispatcher = Arc::new(Dispatcher::new(network.clone(), apps.clone()));
        let mut tasks = JoinSet::new();
        tasks.spawn(keeper.run());
        tasks.spawn(round_trips::measure(network.clone()));
        tasks.spawn(apps.clone().tick());
        tasks.spawn(apps.clone().keep_settled());
        tasks.spawn(audits.run());
        let (hearing, publishing) = (apps.clone(), network.clone());
        tasks.spawn(async move {
            while let Some(event) = changes.recv().await {
                if let Event::Topology(TopologyChange::SwitchIncluded { dpid }) = event {
                    hearing.included(dpid);
                }
                hearing.tell(&event);
                publishing.publish(event);
            }
        });
        let serving = tokio::spawn(http.serve(router, stop.clone()));
        let mut stopping = stop;
        let stopped = async move {
            // An error means that whoever could have said so is gone: then it is time as well.
            let _ = stopping.wait_for(|stop| *stop).await;
            apps.iter().for_each(App::stopping);
            let idle = async {
                while apps.iter().any(|app| app.is_busy()) {
                    tokio::time::sleep(IDLE_POLL).await;
                }
            };
            if tokio::time::timeout(FINISH_DEADLINE, idle).await.is_err() {
                tracing::warn!("an app did not finish in time and is cut off");
            }
        };
        openflow
            .serve(Arc::clone(network.switches()), dispatcher, stopped)
            .await;
        ready.store(false, Ordering::Release);
        if let Err(error) = serving.await {
            tracing::error!(%error, "serving HTTP ended abnormally");
        }
    }
}

#[cfg(test)]
mod tests {
    use godwit_openflow::types::{DatapathId, PortNo};
    use godwit_topology::{Link, PortRef};

    use super::*;
    use crate::network::SwitchState;
    use crate::store::Batch;
    use crate::topology::Costing;

    async fn bind(store: Store) -> Controller {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = ControllerConfig {
            openflow: vec![any],
            http: any,
            topology: TopologySettings::default(),
            rules: RulesSettings::default(),
        };
        Controller::bind(&config, store).await.unwrap()
    }

    #[tokio::test]
    async fn switches_are_what_they_were_before_any_of_them_is_heard() {
        let store = Store::in_memory();
        let [drained, frozen, restored, back] = [7, u64::MAX, 9, 11].map(DatapathId);
        let first = bind(store.clone()).await;
        let network = first.network().clone();
        let keeper = tokio::spawn(first.keeper.run());
        for (dpid, state) in [
            (drained, SwitchState::Drained),
            (restored, SwitchState::Drained),
            (restored, SwitchState::Active),
            (frozen, SwitchState::Frozen),
            (back, SwitchState::Drained),
            (back, SwitchState::Frozen),
        ] {
            network.set_state(dpid, state).await;
            assert_eq!(network.state(dpid), state);
        }
        keeper.abort();
        store.flush().await.unwrap();
        let again = bind(store).await;
        let network = again.network();
        assert_eq!(network.state(drained), SwitchState::Drained);
        // Whoever froze a switch has that in a journal, if it came so far that it matters.
        assert_eq!(network.state(frozen), SwitchState::Active);
        assert_eq!(network.state(back), SwitchState::Drained);
        assert_eq!(network.state(restored), SwitchState::Active);
        let excluded = network.topology().excluded().clone();
        assert_eq!(excluded, [drained, back].into_iter().collect());
    }

    #[tokio::test]
    async fn what_links_cost_is_what_it_was() {
        let store = Store::in_memory();
        let port = |dpid| PortRef::new(DatapathId(dpid), PortNo(1));
        let link = Link {
            src: port(1),
            dst: port(2),
        };
        let first = bind(store.clone()).await;
        let network = first.network().clone();
        let keeper = tokio::spawn(first.keeper.run());
        for (of, cost) in [
            (Costing::Port(port(3)), Some(9)),
            (Costing::Link(link), Some(7)),
            (Costing::Port(port(3)), None),
        ] {
            network.set_cost(of, cost).await.unwrap();
        }
        let revision = network.topology().revision();
        assert_eq!((revision, network.topology().cost(&link)), (3, 7));
        keeper.abort();
        let again = bind(store).await.network().topology();
        assert_eq!(again.cost(&link.reversed()), 7);
        let other = Link {
            src: port(3),
            dst: port(1),
        };
        assert_eq!(again.cost(&other), 1);
    }

    #[tokio::test]
    async fn a_state_that_can_not_be_read_is_an_error_that_names_it() {
        let store = Store::in_memory();
        let mut batch = Batch::default();
        batch.put(Slice::SWITCHES, 3, &"molten").unwrap();
        store.write(batch).await.unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = ControllerConfig {
            openflow: vec![any],
            http: any,
            topology: TopologySettings::default(),
            rules: RulesSettings::default(),
        };
        let error = Controller::bind(&config, store).await.err().unwrap();
        assert!(
            error.to_string().contains("record 3 of `switches`"),
            "{error}"
        );
    }
}
