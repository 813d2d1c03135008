//! A controller with its apps, and the network of most tests:
//!
//! ```text
//!      1 ┌────┐ 2      1 ┌────┐ 2       2 ┌────┐ 1
//!  host ─┤ s1 ├──────────┤ s2 ├───────────┤ s4 ├─ host
//!        └─┬──┘          └────┘           └─┬──┘
//!        3 │    1 ┌────┐ 2    1 ┌────┐ 2    │ 3
//!          └──────┤ s3 ├────────┤ s5 ├──────┘
//!                 └────┘        └────┘
//! ```

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_apps::acl::AccessList;
use godwit_apps::arp::ArpProxy;
use godwit_apps::drains::Drains;
use godwit_apps::entries::Entries;
use godwit_apps::migration::Migrations;
use godwit_apps::migration::record::{Migration, State};
use godwit_apps::migration::request::{Algorithm, Request};
use godwit_apps::mirror::Mirroring;
use godwit_apps::ovsdb::Databases;
use godwit_apps::plan::{FlowId, Treatment};
use godwit_apps::qos::Qos;
use godwit_apps::routing::install::{InstallError, Wish};
use godwit_apps::routing::table::Origin;
use godwit_apps::routing::{REQUESTED_PRIORITY, Routing};
use godwit_apps::statistics::{Settings, Statistics};
use godwit_controller::rest::endpoint::Endpoint;
use godwit_controller::{App, Controller, ControllerConfig, Network, Store};
use godwit_openflow::model::Pattern;
use godwit_openflow::types::DatapathId;
use godwit_topology::PortRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::fabric::{Fabric, at};

/// Longer than anything that is waited for in good order.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Where the hosts hang.
pub(crate) const HERE: PortRef = at(1, 1);
pub(crate) const THERE: PortRef = at(4, 1);

/// Links of the network, from each of their two ends.
pub(crate) const LINKS: [(PortRef, PortRef); 5] = [
    (at(1, 2), at(2, 1)),
    (at(2, 2), at(4, 2)),
    (at(1, 3), at(3, 1)),
    (at(3, 2), at(5, 1)),
    (at(5, 2), at(4, 3)),
];

pub(crate) const SOURCE: DatapathId = DatapathId(2);
pub(crate) const TARGET: DatapathId = DatapathId(3);

pub(crate) struct Bench {
    pub(crate) fabric: Fabric,
    pub(crate) network: Network,
    pub(crate) routing: Routing,
    pub(crate) migrations: Migrations,
    pub(crate) statistics: Statistics,
    pub(crate) acl: AccessList,
    openflow: SocketAddr,
    http: SocketAddr,
    stop: watch::Sender<bool>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "in vain waited for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What route number `index` matches, which is also the packet that it carries.
pub(crate) fn packet(index: u32) -> Pattern {
    let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 0, 0, 0)) + index);
    Pattern::new().eth_type(0x0800).ipv4_dst(address)
}

pub(crate) fn wish(index: u32) -> Wish {
    let end = |port| Endpoint { mac: None, port };
    let name = |port: PortRef| serde_json::json!({ "dpid": port.dpid, "port": port.port });
    Wish {
        from: end(HERE),
        to: end(THERE),
        names: [name(HERE), name(THERE)],
        asked: packet(index),
        via: Vec::new(),
        metric: None,
        spread: None,
        priority: REQUESTED_PRIORITY,
        idle_timeout: 0,
        hard_timeout: 0,
        treatment: Treatment::default(),
        origin: Origin::Request,
    }
}

impl Bench {
    /// Every switch is connected, every link known.
    pub(crate) async fn new() -> Self {
        Self::with(|routing| {
            let entries = Entries::new(routing.network().clone());
            Migrations::new(routing, entries)
        })
        .await
    }

    /// The same, with all apps that there are.
    pub(crate) async fn whole() -> Self {
        Self::of(|routing| {
            let network = routing.network().clone();
            let databases = Databases::new(Vec::new());
            let entries = Entries::new(network.clone());
            let migrations = Migrations::new(routing.clone(), entries.clone());
            let drains = Drains::new(routing, migrations.clone());
            let more: Vec<Arc<dyn App>> = vec![
                Arc::new(entries),
                Arc::new(drains),
                Arc::new(Qos::new(network.clone(), databases.clone())),
                Arc::new(Mirroring::new(network, databases)),
                Arc::new(ArpProxy),
            ];
            (migrations, more)
        })
        .await
    }

    /// The usual apps, with other limits for migrations.
    pub(crate) async fn with(migrations: impl FnOnce(Routing) -> Migrations) -> Self {
        Self::of(|routing| (migrations(routing), Vec::new())).await
    }

    async fn of(more: impl FnOnce(Routing) -> (Migrations, Vec<Arc<dyn App>>)) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listen = ControllerConfig {
            openflow: vec![any],
            http: any,
            topology: Default::default(),
            rules: godwit_controller::RulesSettings::unaudited(),
        };
        let controller = Controller::bind(&listen, Store::in_memory()).await.unwrap();
        let network = controller.network().clone();
        let (routing, keeper) = Routing::new(network.clone());
        tokio::spawn(keeper.run());
        let (migrations, more) = more(routing.clone());
        let settings = Settings {
            interval_s: 1,
            samples: 3,
            ..Settings::default()
        };
        let statistics = Statistics::new(network.clone(), Some(routing.clone()), settings);
        let acl = AccessList::new(network.clone()).unwrap();
        let mut apps: Vec<Arc<dyn App>> = vec![
            Arc::new(routing.clone()),
            Arc::new(migrations.clone()),
            Arc::new(statistics.clone()),
            Arc::new(acl.clone()),
        ];
        apps.extend(more);
        let openflow = controller.openflow_addresses()[0];
        let http = controller.http_address().unwrap();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(controller.run(apps, stopped));
        let fabric = Fabric::default();
        for (one, other) in LINKS {
            fabric.link(one, other);
        }
        for dpid in 1..=5 {
            fabric.plug(dpid, openflow, false).await;
        }
        let bench = Self {
            fabric,
            network,
            routing,
            migrations,
            statistics,
            acl,
            openflow,
            http,
            stop,
        };
        bench.discovered().await;
        bench
    }

    pub(crate) async fn discovered(&self) {
        until("every link", || {
            self.network.topology().links().count() == 2 * LINKS.len()
        })
        .await;
    }

    /// The switch goes away and comes back on another connection.
    pub(crate) async fn reconnect(&self, dpid: u64, forgets: bool) {
        let id = DatapathId(dpid);
        let connection = || Some(self.network.switches().get(id)?.connection_id());
        let before = connection();
        self.fabric.unplug(dpid);
        until("the switch to be gone", || connection() != before).await;
        self.fabric.plug(dpid, self.openflow, forgets).await;
        until("the switch to be back", || connection().is_some()).await;
    }

    /// Makes so many routes, and sends packets along each from now on.
    pub(crate) async fn routes(&self, count: u32) -> Vec<FlowId> {
        let ids = self.create((0..count).map(wish).collect()).await.unwrap();
        for index in 0..count {
            self.fabric.watch(&packet(index), HERE, THERE);
        }
        assert_eq!(self.fabric.harm(), [""; 0]);
        ids
    }

    pub(crate) async fn create(&self, wishes: Vec<Wish>) -> Result<Vec<FlowId>, InstallError> {
        self.routing.create(wishes).await
    }

    pub(crate) fn request(algorithm: Algorithm) -> Request {
        Request::new(SOURCE, Some(TARGET), algorithm)
    }

    pub(crate) async fn migrate(&self, algorithm: Algorithm) -> Arc<Migration> {
        let begun = self.migrations.begin(Self::request(algorithm), None).await;
        begun.unwrap().0
    }

    pub(crate) async fn end_of(&self, migration: &Migration) -> (State, String) {
        until("an end of the migration", || migration.state().is_final()).await;
        let view = serde_json::to_value(migration.view()).unwrap();
        let error = view["error"].as_str().unwrap_or_default().to_owned();
        (migration.state(), error)
    }

    /// Status, content type and body of the answer to a request without a body.
    pub(crate) async fn http(&self, method: &str, path: &str) -> (u16, String, serde_json::Value) {
        let (status, kind, body) = self.http_text(method, path).await;
        (
            status,
            kind,
            serde_json::from_str(&body).unwrap_or_default(),
        )
    }

    /// The same, where the body is not JSON.
    pub(crate) async fn http_text(&self, method: &str, path: &str) -> (u16, String, String) {
        let (status, head, body) = self.ask(method, path, "", "").await;
        let kind = header(&head, "content-type").unwrap_or_default();
        (status, kind.to_owned(), body)
    }

    /// Status, head and body of the answer to a request with these further headers, each line ended, and this body.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.http).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: godwit\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }
}

/// A header of an answer.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}
