//! A controller with the app and two switches.

use std::net::SocketAddr;
use std::sync::Arc;

use godwit_apps::entries::Entries;
use godwit_controller::{Controller, Network, Slice, Store};
use godwit_openflow::types::DatapathId;
use serde_json::{Value, json};
use tokio::sync::watch;

pub(crate) use crate::asking::until;
use crate::asking::{anywhere, ask};
use crate::switch::Switch;

pub(crate) const SOURCE: DatapathId = DatapathId(1);
pub(crate) const TARGET: DatapathId = DatapathId(2);

pub(crate) struct Bench {
    pub(crate) network: Network,
    pub(crate) entries: Entries,
    pub(crate) source: Switch,
    pub(crate) target: Switch,
    openflow: SocketAddr,
    http: SocketAddr,
    stop: watch::Sender<bool>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// What is asked for: an entry of this priority, and nobody else's.
pub(crate) fn body(priority: u16) -> Value {
    json!({ "priority": priority, "match": {"in_port": 1}, "actions": [{"type": "output", "port": 2}] })
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let switches = [SOURCE, TARGET].map(Switch::new);
        Self::with(Store::in_memory(), switches).await
    }

    /// A controller that takes up what an earlier one has kept.
    pub(crate) async fn with(store: Store, switches: [Switch; 2]) -> Self {
        Self::taking_up(store, switches, |_| {}).await
    }

    /// The same, after something that is taken up before any switch connects.
    async fn taking_up(
        store: Store,
        [source, target]: [Switch; 2],
        first: impl FnOnce(&Entries),
    ) -> Self {
        let controller = Controller::bind(&anywhere(), store).await.unwrap();
        let network = controller.network().clone();
        let entries = Entries::new(network.clone());
        first(&entries);
        let openflow = controller.openflow_addresses()[0];
        let http = controller.http_address().unwrap();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(controller.run(vec![Arc::new(entries.clone())], stopped));
        let bench = Self {
            network,
            entries,
            source,
            target,
            openflow,
            http,
            stop,
        };
        for switch in [&bench.source, &bench.target] {
            switch.plug(bench.openflow, false).await;
        }
        bench.ready(SOURCE).await;
        bench.ready(TARGET).await;
        bench
    }

    /// Waits until a switch has what it should.
    async fn ready(&self, dpid: DatapathId) {
        until("the switch", || {
            self.network.topology().graph().contains_switch(dpid)
        })
        .await;
    }

    /// The switch goes away and comes back, with an empty table if it `forgets`.
    pub(crate) async fn reconnect(&self, dpid: DatapathId, forgets: bool) {
        let switch = if dpid == SOURCE {
            &self.source
        } else {
            &self.target
        };
        switch.unplug();
        until("the switch to be gone", || {
            !self.network.topology().graph().contains_switch(dpid)
        })
        .await;
        switch.plug(self.openflow, forgets).await;
        self.ready(dpid).await;
    }

    /// The next run of the controller, with the same switches.
    pub(crate) async fn restarted(self) -> Self {
        self.restarted_taking_up(|_| {}).await
    }

    /// The next run, in which the source is still being emptied.
    pub(crate) async fn restarted_frozen(self) -> Self {
        self.restarted_taking_up(|entries| entries.hold_again(SOURCE))
            .await
    }

    async fn restarted_taking_up(self, first: impl FnOnce(&Entries)) -> Self {
        let switches = [self.source.clone(), self.target.clone()];
        let store = self.network.store().clone();
        switches.iter().for_each(Switch::unplug);
        drop(self);
        Self::taking_up(store, switches, first).await
    }

    /// The records of the entries that are on the disk: number, state, place.
    pub(crate) async fn records(&self) -> Vec<(u64, String, DatapathId)> {
        let store = self.network.store();
        store.flush().await.unwrap();
        let records = store.load::<Value>(Slice::ENTRIES).unwrap().into_iter();
        let record = |(id, record): (u64, Value)| {
            let place = serde_json::from_value(record["place"].clone()).unwrap();
            (id, record["state"].as_str().unwrap().to_owned(), place)
        };
        records.map(record).collect()
    }

    /// Status and body of the answer to a request.
    pub(crate) async fn http(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let (status, body) = ask(self.http, method, path, body).await;
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    /// Asks for something on the source; gives its status and number.
    pub(crate) async fn post(&self, body: Value) -> (u16, u32) {
        let (status, made) = self.http("POST", "/v1/switches/s1/rules", Some(body)).await;
        let id = made["id"].as_u64().unwrap_or_default();
        (status, u32::try_from(id).unwrap())
    }

    /// Takes an entry of the source away; gives the status.
    pub(crate) async fn delete(&self, id: u32) -> u16 {
        let path = format!("/v1/switches/s1/rules/{id}");
        self.http("DELETE", &path, None).await.0
    }

    /// An entry of the source.
    pub(crate) async fn get(&self, id: u32) -> (u16, Value) {
        let path = format!("/v1/switches/s1/rules/{id}");
        self.http("GET", &path, None).await
    }
}
