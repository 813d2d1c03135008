//! The program put together: configuration, the controller, and the only list of apps.

pub mod cli;
pub mod config;
mod data_dir;
mod doctor;
mod listeners;
pub mod logging;
pub mod service;

use std::sync::Arc;

use godwit_apps::acl::AccessList;
use godwit_apps::arp::ArpProxy;
use godwit_apps::drains::Drains;
use godwit_apps::entries::Entries;
use godwit_apps::learning::Learning;
use godwit_apps::migration::Migrations;
use godwit_apps::mirror::Mirroring;
use godwit_apps::ovsdb::{Address, Databases};
use godwit_apps::qos::Qos;
use godwit_apps::routing::Routing;
use godwit_apps::statistics::Statistics;
use godwit_controller::{App, Controller, ControllerConfig, StartError, StoreError};
use tokio::sync::watch;

pub use config::{AppName, Config, ConfigError, Loaded};
pub use data_dir::DataDirError;

use data_dir::DataDir;

/// A controller with its apps, whose listeners are bound.
pub struct Godwit {
    controller: Controller,
    apps: Vec<Arc<dyn App>>,
    routing: Option<Routing>,
    // Held while the controller runs: no other may use the same directory.
    _data_dir: DataDir,
}

/// A controller that could not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The data directory can't be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// What `GODWIT_OVSDB` says is not where databases are.
    #[error("GODWIT_OVSDB: {0}")]
    Databases(String),
    /// What was kept of the run before can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A listener can't be bound, or there is no randomness.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Where the databases of Open vSwitch are, if they are not where the switches are: separated by commas.
fn databases() -> Result<Vec<Address>, BuildError> {
    let listed = std::env::var("GODWIT_OVSDB").unwrap_or_default();
    let listed = listed.split(',').map(str::trim);
    let named = listed.filter(|address| !address.is_empty());
    named
        .map(|address| address.parse().map_err(BuildError::Databases))
        .collect()
}

impl Godwit {
    /// Takes the data directory, binds the listeners and makes the apps.
    ///
    /// # Errors
    /// When the directory can't be used, or an address is not to be had.
    pub async fn build(config: &Config) -> Result<Self, BuildError> {
        let data_dir = DataDir::take(&config.data_dir)?;
        let listen = ControllerConfig {
            openflow: config.openflow.clone(),
            http: config.http,
            topology: config.topology,
            rules: config.rules.clone(),
        };
        let mut controller = Controller::bind(&listen, data_dir.open_store()?).await?;
        controller.weigh_by(config.routing.metric);
        let entries = Entries::new(controller.network().clone());
        let databases = Databases::new(databases()?);
        let qos = Qos::new(controller.network().clone(), databases.clone());
        let mirroring = Mirroring::new(controller.network().clone(), databases);
        let mut apps: Vec<Arc<dyn App>> = vec![
            Arc::new(entries.clone()),
            Arc::new(qos),
            Arc::new(mirroring),
        ];
        let mut keeping = None;
        let mut routing: Option<Routing> = None;
        for name in &config.apps {
            match (name, &routing) {
                (AppName::Acl, _) => {
                    apps.push(Arc::new(AccessList::new(controller.network().clone())?));
                }
                (AppName::Arp, _) => apps.push(Arc::new(ArpProxy)),
                (AppName::Learning, _) => apps.push(Arc::new(Learning::default())),
                (AppName::Routing, _) => {
                    let (app, keeper) = Routing::new(controller.network().clone());
                    app.load()?;
                    keeping = Some(keeper);
                    apps.push(Arc::new(app.clone()));
                    routing = Some(app);
                }
                (AppName::Migration, Some(routing)) => {
                    let migrations = Migrations::new(routing.clone(), entries.clone());
                    apps.push(Arc::new(Drains::new(routing.clone(), migrations.clone())));
                    apps.push(Arc::new(migrations));
                }
                // The configuration was checked: migration stands behind routing or is not there.
                (AppName::Migration, None) => {}
            }
        }
        // Made when all others are, so that it knows the routes, wherever `routing` stands in the list.
        let network = controller.network().clone();
        let statistics = Statistics::new(network, routing.clone(), config.statistics.clone());
        apps.push(Arc::new(statistics.clone()));
        tokio::spawn(statistics.run());
        // Routes of migrations that an earlier run left are held by now.
        keeping.map(|keeper| tokio::spawn(keeper.run()));
        Ok(Self {
            controller,
            apps,
            routing,
            _data_dir: data_dir,
        })
    }

    /// The same with apps of your own beside the others.
    #[must_use]
    pub fn with(mut self, apps: Vec<Arc<dyn App>>) -> Self {
        self.apps.extend(apps);
        self
    }

    /// The controller.
    #[must_use]
    pub const fn controller(&self) -> &Controller {
        &self.controller
    }

    /// Runs until `stop` turns true.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let store = self.controller.network().store().clone();
        let (stop_controller, controller_stops) = watch::channel(false);
        let routing = self.routing.clone();
        let mut stop = stop;
        let stopping = async {
            // An error means that whoever could have said so is gone: then it is time as well.
            let _ = stop.wait_for(|stop| *stop).await;
            // Before any connection is closed.
            routing.iter().for_each(Routing::stop);
            stop_controller.send_replace(true);
        };
        tokio::join!(self.controller.run(self.apps, controller_stops), stopping);
        if let Some(routing) = self.routing {
            routing.save_all().await;
        }
        if let Err(error) = store.flush().await {
            tracing::error!(%error, "what changed last is not kept over a restart");
        }
    }
}
