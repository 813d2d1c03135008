//! A controller with some apps and two switches, of which one speaks OpenFlow 1.0.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use godwit_controller::{App, Controller, Network, Store};
use godwit_openflow::model::{FromSwitch, PacketIn, PacketInReason, Pattern};
use godwit_openflow::types::{DatapathId, PortNo, TableId, Version};
use serde_json::Value;
use tokio::sync::watch;

pub(crate) use crate::asking::until;
use crate::asking::{anywhere, ask};
use crate::switch::Switch;

pub(crate) const ONE: DatapathId = DatapathId(1);
pub(crate) const OTHER: DatapathId = DatapathId(2);

pub(crate) struct Bench {
    pub(crate) network: Network,
    /// Speaks 1.3 unless a test says otherwise.
    pub(crate) one: Switch,
    pub(crate) other: Switch,
    openflow: SocketAddr,
    pub(crate) http: SocketAddr,
    stop: watch::Sender<bool>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// A frame of this Ethernet type, from one station to another.
pub(crate) fn frame(ethertype: u16, payload: &[u8]) -> Bytes {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame.resize(frame.len().max(60), 0);
    frame.into()
}

/// A switch hands this to the controller.
pub(crate) fn packet_in(port: u32, data: Bytes) -> FromSwitch {
    FromSwitch::PacketIn(PacketIn {
        buffer_id: None,
        total_len: u16::try_from(data.len()).unwrap(),
        reason: PacketInReason::NoMatch,
        table: TableId(0),
        cookie: None,
        in_port: PortNo(port),
        pattern: Pattern::new().in_port(PortNo(port)),
        data,
    })
}

impl Bench {
    pub(crate) async fn new(apps: impl FnOnce(&Network) -> Vec<Arc<dyn App>>) -> Self {
        Self::of([Version::V13; 2], Store::in_memory(), apps).await
    }

    /// Switches of these versions, and a controller that takes up what an earlier one has kept.
    pub(crate) async fn of(
        versions: [Version; 2],
        store: Store,
        apps: impl FnOnce(&Network) -> Vec<Arc<dyn App>>,
    ) -> Self {
        let [first, second] = versions;
        let switches = [
            Switch::speaking(first, ONE),
            Switch::speaking(second, OTHER),
        ];
        Self::with(switches, store, apps).await
    }

    async fn with(
        [one, other]: [Switch; 2],
        store: Store,
        apps: impl FnOnce(&Network) -> Vec<Arc<dyn App>>,
    ) -> Self {
        let controller = Controller::bind(&anywhere(), store).await.unwrap();
        let network = controller.network().clone();
        let openflow = controller.openflow_addresses()[0];
        let http = controller.http_address().unwrap();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(controller.run(apps(&network), stopped));
        let bench = Self {
            network,
            one,
            other,
            openflow,
            http,
            stop,
        };
        for switch in [&bench.one, &bench.other] {
            switch.plug(bench.openflow, false).await;
        }
        bench.is_there(ONE).await;
        bench.is_there(OTHER).await;
        bench
    }

    async fn is_there(&self, dpid: DatapathId) {
        until("the switch", || {
            self.network.topology().graph().contains_switch(dpid)
        })
        .await;
    }

    /// The first switch goes away and comes back, with an empty table if it `forgets`.
    pub(crate) async fn reconnect(&self, forgets: bool) {
        self.one.unplug();
        until("the switch to be gone", || {
            !self.network.topology().graph().contains_switch(ONE)
        })
        .await;
        self.one.plug(self.openflow, forgets).await;
        self.is_there(ONE).await;
    }

    /// The next run of the controller, with the same switches.
    pub(crate) async fn restarted(self, apps: impl FnOnce(&Network) -> Vec<Arc<dyn App>>) -> Self {
        let switches = [self.one.clone(), self.other.clone()];
        let store = self.network.store().clone();
        switches.iter().for_each(Switch::unplug);
        drop(self);
        Self::with(switches, store, apps).await
    }

    /// Status and body of the answer to a request.
    pub(crate) async fn http(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let (status, body) = self.text(method, path, body).await;
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    pub(crate) async fn text(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> (u16, String) {
        ask(self.http, method, path, body).await
    }

    /// An app as REST has it.
    pub(crate) async fn app(&self, name: &str) -> Value {
        let (status, app) = self.http("GET", &format!("/v1/apps/{name}"), None).await;
        assert_eq!(status, 200);
        app
    }

    /// Enables or disables an app.
    pub(crate) async fn switch_app(&self, name: &str, enabled: bool) -> (u16, Value) {
        let path = format!("/v1/apps/{name}/enabled");
        self.http("PUT", &path, Some(enabled.into())).await
    }
}
