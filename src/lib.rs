//! The program put together: configuration, the controller, and the only list of apps.

pub mod cli;
pub mod config;
mod data_dir;

use std::sync::Arc;

use godwit_apps::learning::Learning;
use godwit_apps::migration::Migrations;
use godwit_apps::routing::Routing;
use godwit_controller::{App, Controller, ControllerConfig, StartError};
use tokio::sync::watch;

pub use config::{AppName, Config, ConfigError};
pub use data_dir::DataDirError;

use data_dir::DataDir;

/// A controller with its apps, whose listeners are bound.
pub struct Godwit {
    controller: Controller,
    apps: Vec<Arc<dyn App>>,
    // Held while the controller runs: no other may use the same directory.
    _data_dir: DataDir,
}

/// A controller that could not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The data directory can't be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// A listener can't be bound, or there is no randomness.
    #[error(transparent)]
    Start(#[from] StartError),
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
        };
        let controller = Controller::bind(&listen).await?;
        let mut apps: Vec<Arc<dyn App>> = Vec::new();
        let mut routing = None;
        for name in &config.apps {
            match (name, &routing) {
                (AppName::Learning, _) => apps.push(Arc::new(Learning::default())),
                (AppName::Routing, _) => {
                    let (app, keeper) = Routing::new(controller.network().clone());
                    tokio::spawn(keeper.run());
                    apps.push(Arc::new(app.clone()));
                    routing = Some(app);
                }
                (AppName::Migration, Some(routing)) => {
                    apps.push(Arc::new(Migrations::new(routing.clone())))
                }
                // The configuration was checked: migration stands behind routing or is not there.
                (AppName::Migration, None) => {}
            }
        }
        Ok(Self {
            controller,
            apps,
            _data_dir: data_dir,
        })
    }

    /// The controller.
    #[must_use]
    pub const fn controller(&self) -> &Controller {
        &self.controller
    }

    /// Runs until `stop` turns true.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        self.controller.run(self.apps, stop).await;
    }
}
