//! The controller's side of a test: connections whose observer writes down what it is told.

use std::net::SocketAddr;
use std::sync::Arc;

use godwit_controller::connection::{
    CloseReason, ConnectionTask, Connections, SwitchMessage, SwitchObserver,
};
use godwit_controller::limits::Limits;
use godwit_controller::switch::{Registry, SwitchHandle};
use godwit_openflow::model::{Action, FlowMod, FlowRule, FromSwitch, Pattern, ToSwitch};
use godwit_openflow::types::{DatapathId, PortNo, Version};
use tokio::io::DuplexStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::fake_switch::{Bundles, FakeSwitch, PATIENCE};

/// What an observer was told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Seen {
    Up(u64, u64),
    Message(u64, SwitchMessage),
    Down(u64, u64, CloseReason),
}

#[derive(Debug)]
pub(crate) struct Recorder(UnboundedSender<Seen>);

impl Recorder {
    pub(crate) fn new() -> (Arc<Self>, UnboundedReceiver<Seen>) {
        let (sender, receiver) = unbounded_channel();
        (Arc::new(Self(sender)), receiver)
    }

    fn note(&self, seen: Seen) {
        // A test that has seen enough does not listen any more.
        let _ = self.0.send(seen);
    }
}

impl SwitchObserver for Recorder {
    async fn switch_up(&self, switch: &SwitchHandle) {
        self.note(Seen::Up(switch.dpid().0, switch.connection_id()));
    }

    async fn message(&self, switch: &SwitchHandle, message: SwitchMessage) {
        self.note(Seen::Message(switch.dpid().0, message));
    }

    async fn switch_down(&self, switch: &SwitchHandle, reason: &CloseReason) {
        self.note(Seen::Down(
            switch.dpid().0,
            switch.connection_id(),
            reason.clone(),
        ));
    }
}

pub(crate) struct Bench {
    pub(crate) registry: Arc<Registry>,
    pub(crate) connections: Connections<Recorder>,
    seen: UnboundedReceiver<Seen>,
    tasks: Vec<ConnectionTask>,
    aside: Vec<ConnectionTask>,
    plugged: u64,
}

/// What the in-memory stream holds in each direction, much as a socket does.
const STREAM_BUFFER: usize = 64 << 10;

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let registry = Arc::new(Registry::new());
        let (recorder, seen) = Recorder::new();
        let connections = Connections::new(Arc::clone(&registry), recorder, limits);
        Self {
            registry,
            connections,
            seen,
            tasks: Vec::new(),
            aside: Vec::new(),
            plugged: 0,
        }
    }

    /// The switch's end of a new connection.
    pub(crate) fn plug(&mut self) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(STREAM_BUFFER);
        self.plugged += 1;
        let peer = SocketAddr::from((
            [127, 0, 0, 1],
            u16::try_from(self.plugged % 60_000).unwrap(),
        ));
        self.tasks
            .push(self.connections.adopt(ours, peer).expect("there is room"));
        theirs
    }

    /// A switch in order, and the controller's handle of it.
    pub(crate) async fn connect(
        &mut self,
        version: Version,
        dpid: u64,
    ) -> (FakeSwitch<DuplexStream>, SwitchHandle) {
        let stream = self.plug();
        let switch = FakeSwitch::connected(stream, version, dpid).await;
        assert!(matches!(self.seen().await, Seen::Up(up, _) if up == dpid));
        (
            switch,
            self.registry.get(DatapathId(dpid)).expect("it is up"),
        )
    }

    /// A 1.3 switch in order that makes this of bundles.
    pub(crate) async fn connect_with(
        &mut self,
        bundles: Bundles,
        dpid: u64,
    ) -> (FakeSwitch<DuplexStream>, SwitchHandle) {
        let mut switch = FakeSwitch::new(self.plug(), Version::V13).with(bundles);
        switch.shake_hands(dpid).await;
        assert!(matches!(self.seen().await, Seen::Up(up, _) if up == dpid));
        let handle = self.registry.get(DatapathId(dpid)).expect("it is up");
        // The answer to an echo comes behind those to the questions about bundles.
        let echo = tokio::spawn({
            let handle = handle.clone();
            async move { handle.echo(PATIENCE).await }
        });
        let (xid, message) = switch.expect().await;
        let ToSwitch::EchoRequest(payload) = message else {
            panic!("{message:?}")
        };
        switch.send(xid, &FromSwitch::EchoReply(payload)).await;
        assert!(echo.await.expect("it ends"));
        (switch, handle)
    }

    /// A switch in order that answers by itself.
    pub(crate) async fn connect_living(&mut self, dpid: u64) -> (JoinHandle<()>, SwitchHandle) {
        let (switch, handle) = self.connect(Version::V13, dpid).await;
        (tokio::spawn(switch.live()), handle)
    }

    pub(crate) async fn seen(&mut self) -> Seen {
        timeout(PATIENCE, self.seen.recv())
            .await
            .expect("the observer is told nothing")
            .unwrap()
    }

    /// Whether the observer has been told nothing more.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.seen.is_empty()
    }

    pub(crate) async fn ended(&mut self, index: usize) {
        timeout(PATIENCE, self.tasks.remove(index).ended())
            .await
            .expect("the connection goes on");
    }

    /// Keeps a connection out of what [`Self::ended`] counts.
    pub(crate) fn set_aside(&mut self, index: usize) {
        let task = self.tasks.remove(index);
        self.aside.push(task);
    }

    pub(crate) fn closed(&self, label: &str) -> u64 {
        let counts = self.connections.metrics().snapshot();
        counts
            .closed
            .iter()
            .find(|(name, _)| *name == label)
            .expect("a label")
            .1
    }
}

pub(crate) fn flow_mod(priority: u16) -> ToSwitch {
    let pattern = Pattern::new().in_port(PortNo(1));
    ToSwitch::FlowMod(FlowMod::add(FlowRule::new(
        priority,
        pattern,
        vec![Action::output(PortNo(2))],
    )))
}
