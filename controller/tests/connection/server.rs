use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_controller::connection::{CloseReason, ConnectionMetrics, OpenFlowServer};
use godwit_controller::limits::Limits;
use godwit_controller::switch::Registry;
use godwit_openflow::types::{DatapathId, Version};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::bench::{Recorder, Seen};
use crate::fake_switch::{FakeSwitch, PATIENCE};

struct Running {
    addresses: Vec<SocketAddr>,
    registry: Arc<Registry>,
    metrics: Arc<ConnectionMetrics>,
    seen: UnboundedReceiver<Seen>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

async fn start(limits: Limits, listeners: usize) -> Running {
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    let server = OpenFlowServer::bind(&vec![any; listeners], limits)
        .await
        .unwrap();
    let (addresses, metrics) = (server.local_addresses(), server.metrics());
    let registry = Arc::new(Registry::new());
    let (recorder, seen) = Recorder::new();
    let (stop, stopped) = oneshot::channel();
    let shutdown = async {
        let _ = stopped.await;
    };
    let server = tokio::spawn(server.serve(Arc::clone(&registry), recorder, shutdown));
    Running {
        addresses,
        registry,
        metrics,
        seen,
        stop,
        server,
    }
}

impl Running {
    async fn seen(&mut self) -> Seen {
        timeout(PATIENCE, self.seen.recv()).await.unwrap().unwrap()
    }

    fn closed(&self, label: &str) -> u64 {
        let counts = self.metrics.snapshot();
        counts
            .closed
            .iter()
            .find(|(name, _)| *name == label)
            .unwrap()
            .1
    }
}

async fn eventually(mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "it does not come true");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn it_listens_on_all_addresses_and_says_goodbye() {
    let mut running = start(Limits::default(), 2).await;
    assert_ne!(running.addresses[0].port(), running.addresses[1].port());
    let mut switches = Vec::new();
    for (index, address) in running.addresses.clone().into_iter().enumerate() {
        let dpid = index as u64 + 1;
        let stream = TcpStream::connect(address).await.unwrap();
        let local = stream.local_addr().unwrap();
        switches.push(FakeSwitch::connected(stream, Version::V13, dpid).await);
        assert!(matches!(running.seen().await, Seen::Up(up, _) if up == dpid));
        assert_eq!(
            running.registry.get(DatapathId(dpid)).unwrap().address(),
            local
        );
    }
    running.stop.send(()).unwrap();
    for mut switch in switches {
        tokio::spawn(async move { switch.until_closed().await });
    }
    for _ in 0..2 {
        let down = timeout(PATIENCE, running.seen.recv())
            .await
            .unwrap()
            .unwrap();
        assert!(
            matches!(down, Seen::Down(_, _, CloseReason::Shutdown)),
            "{down:?}"
        );
    }
    timeout(PATIENCE, running.server).await.unwrap().unwrap();
    assert!(running.registry.is_empty());
    assert!(
        TcpStream::connect(running.addresses[0]).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn an_address_in_use_is_named_with_the_way_out() {
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    let first = OpenFlowServer::bind(&[any], Limits::default())
        .await
        .unwrap();
    let taken = first.local_addresses()[0];
    let error = OpenFlowServer::bind(&[any, taken], Limits::default())
        .await
        .unwrap_err();
    assert_eq!(error.address, taken);
    let text = error.to_string();
    assert!(
        text.contains(&taken.to_string()) && text.contains("another controller"),
        "{text}"
    );
}

#[tokio::test]
async fn who_only_looks_whether_the_port_is_open_is_no_failure() {
    let running = start(Limits::default(), 1).await;
    for _ in 0..20 {
        drop(TcpStream::connect(running.addresses[0]).await.unwrap());
    }
    eventually(|| running.closed("probe") == 20).await;
    assert_eq!(running.metrics.snapshot().handshakes_failed, 0);
}

#[tokio::test]
async fn half_open_connections_do_not_keep_a_switch_out() {
    let limits = Limits {
        unready: 64,
        unready_per_address: 48,
        ..Limits::default()
    };
    let running = start(limits, 1).await;
    let mut half_open = Vec::new();
    for _ in 0..400 {
        half_open.push(TcpStream::connect(running.addresses[0]).await.unwrap());
    }
    let begun = Instant::now();
    let stream = TcpStream::connect(running.addresses[0]).await.unwrap();
    let _switch = FakeSwitch::connected(stream, Version::V10, 1).await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    eventually(|| running.registry.len() == 1).await;
    eventually(|| running.closed("made_room") >= 400 - 64).await;
    let mut oldest = half_open.swap_remove(0);
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, oldest.read_to_end(&mut rest))
        .await
        .expect("the oldest was closed");
}

#[tokio::test]
async fn a_hundred_switches_at_once_from_one_address_all_come_up() {
    let running = start(Limits::default(), 1).await;
    let address = running.addresses[0];
    let begun = Instant::now();
    let switches: Vec<_> = (1..=150)
        .map(|dpid| {
            tokio::spawn(async move {
                drop(TcpStream::connect(address).await.unwrap());
                let version = if dpid % 3 == 0 {
                    Version::V10
                } else {
                    Version::V13
                };
                FakeSwitch::connected(TcpStream::connect(address).await.unwrap(), version, dpid)
                    .await
            })
        })
        .collect();
    let mut connected = Vec::new();
    for switch in switches {
        connected.push(switch.await.unwrap());
    }
    eventually(|| running.registry.len() == 150).await;
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    let list: Vec<u64> = running
        .registry
        .list()
        .iter()
        .map(|switch| switch.dpid().0)
        .collect();
    assert_eq!(list, (1..=150).collect::<Vec<u64>>(), "by datapath id");
}

#[tokio::test]
async fn over_sockets_the_owner_may_come_back_at_once() {
    let running = start(Limits::default(), 1).await;
    for _ in 0..1_000 {
        let stream = TcpStream::connect(running.addresses[0]).await.unwrap();
        stream.set_nodelay(true).unwrap();
        drop(FakeSwitch::connected(stream, Version::V13, 1).await);
    }
    let counts = running.metrics.snapshot();
    assert_eq!((counts.ready, counts.duplicates_refused), (1_000, 0));
}

#[tokio::test]
async fn a_server_that_is_dropped_ends_its_connections() {
    let running = start(Limits::default(), 1).await;
    let stream = TcpStream::connect(running.addresses[0]).await.unwrap();
    let mut switch = FakeSwitch::connected(stream, Version::V13, 1).await;
    eventually(|| running.registry.len() == 1).await;
    running.server.abort();
    switch.until_closed().await;
    eventually(|| running.registry.is_empty()).await;
}
