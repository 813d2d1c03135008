//! A controller that can be killed: it has a runtime of its own, and of it nothing is left but the store.

use std::net::SocketAddr;
use std::sync::Arc;

use godwit_apps::entries::{Entries, StaticEntry};
use godwit_apps::migration::journal::Hook;
use godwit_apps::migration::record::{Migration, State};
use godwit_apps::migration::request::Request;
use godwit_apps::migration::{BeginError, Migrations};
use godwit_apps::routing::Routing;
use godwit_apps::routing::install::Wish;
use godwit_controller::{App, Controller, ControllerConfig, Network, Store};
use godwit_openflow::model::FlowRule;
use godwit_openflow::types::DatapathId;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::bench::{LINKS, PATIENCE, until};
use crate::fabric::Fabric;

pub(crate) struct Life {
    runtime: Runtime,
    pub(crate) network: Network,
    pub(crate) routing: Routing,
    pub(crate) entries: Entries,
    pub(crate) migrations: Migrations,
    openflow: SocketAddr,
    _stop: watch::Sender<bool>,
}

impl Life {
    /// A controller on this store that no switch has found yet.
    pub(crate) async fn begin(store: Store, hook: Hook) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let made = runtime.spawn(async move {
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            let listen = ControllerConfig {
                openflow: vec![any],
                http: any,
                topology: Default::default(),
                rules: godwit_controller::RulesSettings::unaudited(),
            };
            let controller = Controller::bind(&listen, store).await.unwrap();
            let network = controller.network().clone();
            let (routing, keeper) = Routing::new(network.clone());
            routing.load().unwrap();
            let entries = Entries::new(network.clone());
            let migrations = Migrations::watched(routing.clone(), entries.clone(), hook);
            tokio::spawn(keeper.run());
            let apps: Vec<Arc<dyn App>> = vec![
                Arc::new(entries.clone()),
                Arc::new(routing.clone()),
                Arc::new(migrations.clone()),
            ];
            let openflow = controller.openflow_addresses()[0];
            let (stop, stopped) = watch::channel(false);
            tokio::spawn(controller.run(apps, stopped));
            (network, routing, entries, migrations, openflow, stop)
        });
        let (network, routing, entries, migrations, openflow, stop) = made.await.unwrap();
        Self {
            runtime,
            network,
            routing,
            entries,
            migrations,
            openflow,
            _stop: stop,
        }
    }

    /// All switches find it, with what they hold.
    pub(crate) async fn plug_all(&self, fabric: &Fabric) {
        for dpid in 1..=5 {
            fabric.plug(dpid, self.openflow, false).await;
        }
    }

    /// The same, and it finds all links.
    pub(crate) async fn plug(&self, fabric: &Fabric) {
        self.plug_all(fabric).await;
        until("every link", || {
            self.network.topology().links().count() == 2 * LINKS.len()
        })
        .await;
    }

    /// Does something as the controller does it.
    async fn doing<T: Send + 'static>(&self, what: impl Future<Output = T> + Send + 'static) -> T {
        let done = tokio::time::timeout(PATIENCE, self.runtime.spawn(what)).await;
        done.expect("it takes too long").unwrap()
    }

    pub(crate) async fn create(&self, wishes: Vec<Wish>) -> Vec<u32> {
        let routing = self.routing.clone();
        self.doing(async move { routing.create(wishes).await })
            .await
            .unwrap()
    }

    /// Asks for static entries of a switch.
    pub(crate) async fn add(&self, dpid: DatapathId, rules: Vec<FlowRule>) -> Vec<StaticEntry> {
        let entries = self.entries.clone();
        let switch = self.network.switches().get(dpid).unwrap();
        let made = self.doing(async move { entries.create(&switch, rules).await });
        let made = made.await.unwrap().into_iter();
        made.map(|(_, entry)| entry).collect()
    }

    /// Asks for a migration, which may die in its preparation: then there is no answer.
    pub(crate) fn ask(&self, request: Request) {
        let migrations = self.migrations.clone();
        self.runtime
            .spawn(async move { migrations.begin(request, Some("a key".to_owned())).await });
    }

    pub(crate) async fn migrate(
        &self,
        request: Request,
    ) -> Result<(Arc<Migration>, bool), BeginError> {
        let migrations = self.migrations.clone();
        self.doing(async move { migrations.begin(request, Some("a key".to_owned())).await })
            .await
    }

    /// Asks for the way back of a migration.
    pub(crate) fn ask_back(&self, id: u64) {
        let migrations = self.migrations.clone();
        self.runtime
            .spawn(async move { migrations.revert(id, None).await });
    }

    pub(crate) async fn revert(&self, id: u64) -> Arc<Migration> {
        let migrations = self.migrations.clone();
        let begun = self.doing(async move { migrations.revert(id, None).await });
        begun.await.unwrap().0
    }

    pub(crate) async fn refresh(&self, ids: Vec<u32>) {
        let routing = self.routing.clone();
        let unread = self.doing(async move { routing.refresh(&ids, true).await });
        assert!(unread.await.is_empty());
    }

    /// Whether the only migration is over.
    pub(crate) fn has_ended(&self) -> bool {
        let migration = self.migrations.list().pop();
        migration.is_some_and(|migration| migration.state().is_final())
    }

    /// How the only migration ended; `None` where none was begun.
    pub(crate) async fn end_of_the_migration(&self) -> Option<(State, String)> {
        let migration = self.migrations.list().pop()?;
        until("an end of the migration", || migration.state().is_final()).await;
        let view = serde_json::to_value(migration.view()).unwrap();
        let error = view["error"].as_str().unwrap_or_default().to_owned();
        Some((migration.state(), error))
    }

    /// Nothing of it runs any more when this returns.
    pub(crate) async fn kill(self) {
        let Self { runtime, .. } = self;
        let killed = tokio::task::spawn_blocking(|| runtime.shutdown_timeout(PATIENCE));
        killed.await.unwrap();
    }
}
