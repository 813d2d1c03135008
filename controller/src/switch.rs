//! A connected switch, as everything above the connection sees it.

mod batch;
pub(crate) mod bundle;
mod error;
pub(crate) mod pending;
mod ports;
mod registry;

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use godwit_openflow::codec::encode_to_switch;
use godwit_openflow::model::{
    Description, Features, FromSwitch, Port, PortStatus, QueueConfigReply, Role, RoleMessage,
    StatsReply, StatsRequest, ToSwitch,
};
use godwit_openflow::types::{DatapathId, PortNo, Version, Xid};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use self::batch::{Prepared, TYPICAL_MESSAGE};
use crate::connection::CloseReason;
use crate::connection::link::Link;
use crate::limits::{APPLY_DEADLINE, REQUEST_DEADLINE};
use crate::sweep::Sweeps;

pub use error::{ApplyError, Refusal, RequestError, SendError};
pub(crate) use ports::{PortTable, TooManyPorts};
pub use registry::Registry;
pub(crate) use registry::Tenancy;

/// One connection of one switch. Clones are cheap and speak of the same connection; once it has ended every
/// operation answers `Disconnected`, also when the switch has come back on another one.
#[derive(Clone)]
pub struct SwitchHandle {
    inner: Arc<Inner>,
}

struct Inner {
    identity: Identity,
    name: String,
    ports: PortTable,
    connected_at: SystemTime,
    link: Arc<Link>,
    sweeps: Sweeps,
    compared: tokio::sync::Mutex<bool>,
    /// Cancelled once the observer has been told that the switch is gone.
    retired: CancellationToken,
}

/// What the handshake found out.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) version: Version,
    pub(crate) features: Features,
    pub(crate) description: Description,
}

impl SwitchHandle {
    pub(crate) fn new(identity: Identity, ports: PortTable, link: Arc<Link>) -> Self {
        let dpid = identity.features.datapath_id;
        let name = ports.local_name().unwrap_or_else(|| dpid.to_string());
        Self {
            inner: Arc::new(Inner {
                identity,
                name,
                ports,
                connected_at: SystemTime::now(),
                link,
                sweeps: Sweeps::default(),
                compared: tokio::sync::Mutex::default(),
                retired: CancellationToken::new(),
            }),
        }
    }

    /// The switch's datapath id.
    #[must_use]
    pub fn dpid(&self) -> DatapathId {
        self.inner.identity.features.datapath_id
    }

    /// The OpenFlow version of this connection.
    #[must_use]
    pub fn version(&self) -> Version {
        self.inner.identity.version
    }

    /// Where the switch connected from.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.inner.link.peer
    }

    /// What it said of itself. Its ports are not among it: see [`Self::ports`].
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.inner.identity.features
    }

    /// Its description; all empty when it would not give one.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.inner.identity.description
    }

    /// The name of its LOCAL port (under Open vSwitch the bridge's name), else its datapath id.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    pub(crate) fn sweeps(&self) -> &Sweeps {
        &self.inner.sweeps
    }

    /// Locked by whoever compares what it holds with what it should. Whether that was done since it connected.
    pub(crate) fn compared(&self) -> &tokio::sync::Mutex<bool> {
        &self.inner.compared
    }

    /// When its handshake was complete.
    #[must_use]
    pub fn connected_at(&self) -> SystemTime {
        self.inner.connected_at
    }

    /// Its ports by number, as of its last PORT_STATUS, which counts here before any observer is told.
    #[must_use]
    pub fn ports(&self) -> Arc<[Port]> {
        self.inner.ports.snapshot()
    }

    /// One of its ports.
    #[must_use]
    pub fn port(&self, number: PortNo) -> Option<Port> {
        self.inner.ports.get(number)
    }

    /// Whether the connection stands.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.inner.link.is_connected()
    }

    /// A number that no other connection of this process has: tells a switch from itself after a reconnect.
    #[must_use]
    pub fn connection_id(&self) -> u64 {
        self.inner.link.id
    }

    /// Queues `messages` to leave in one write, and does not wait for an answer: for PACKET_OUT. An error that
    /// the switch sends later reaches the observer.
    ///
    /// # Errors
    /// When a message can't be said in the switch's version, the connection has ended, or too much waits for
    /// the switch already. Nothing has been sent then.
    pub fn send(&self, messages: &[ToSwitch]) -> Result<(), SendError> {
        let first = self
            .inner
            .link
            .pending
            .xids()
            .block(message_count(messages.len())?);
        let buffer = self.encode(first, messages)?;
        self.inner.link.push(buffer, messages.len())?;
        self.inner.link.count_sent(messages);
        Ok(())
    }

    /// Sends `messages` and a barrier in one write and waits until the switch has answered the barrier:
    /// [`Self::apply_within`] with [`APPLY_DEADLINE`]. With no messages it is a bare barrier.
    ///
    /// # Errors
    /// As [`Self::apply_within`].
    pub async fn apply(&self, messages: &[ToSwitch]) -> Result<(), ApplyError> {
        self.apply_within(messages, APPLY_DEADLINE).await
    }

    /// Sends `messages` and waits until the switch has confirmed them with a barrier.
    ///
    /// A switch that [takes bundles](Self::takes_bundles) gets two and more changes of flow entries, groups and ports as
    /// a bundle, atomic and in order. It is staged in one write and committed in another: Open vSwitch 3.1 commits
    /// the rest of a bundle when it has refused a message of it while it was added, so only a barrier before the commit
    /// makes it all or nothing. METER_MODs can't be in a bundle: they go before it, but deletions of meters, which
    /// would take flow entries with them, behind it. Else all messages and the barrier leave in one write.
    ///
    /// # Errors
    /// `Unsupported` and `QueueFull` mean that nothing was sent. After `Rejected` the [`Refusal`] says whether anything
    /// is in force. After `TimedOut` and `Disconnected` any of the messages may be. See
    /// [`ApplyError::nothing_in_force`].
    pub async fn apply_within(
        &self,
        messages: &[ToSwitch],
        deadline: Duration,
    ) -> Result<(), ApplyError> {
        let until = Instant::now() + deadline;
        let parts = batch::parts(messages, self.takes_bundles());
        let encoded = parts
            .iter()
            .map(|part| Prepared::new(&self.inner.link, self.version(), part))
            .collect::<Result<Vec<_>, _>>()?;
        let mut in_force = false;
        for (part, prepared) in parts.iter().zip(encoded) {
            let done = prepared.apply(part, until).await;
            done.map_err(|error| batch::with_before(error, in_force))?;
            in_force = true;
        }
        Ok(())
    }

    /// Whether the switch is known to take bundles (ONF EXT-230): asked once, when it connected. Never in 1.0.
    #[must_use]
    pub fn takes_bundles(&self) -> bool {
        self.inner.link.takes_bundles()
    }

    /// Asks for statistics and waits for all parts of the reply: [`Self::request_within`] with
    /// [`REQUEST_DEADLINE`].
    ///
    /// # Errors
    /// As [`Self::request_within`].
    pub async fn request(&self, request: StatsRequest) -> Result<StatsReply, RequestError> {
        self.request_within(request, REQUEST_DEADLINE).await
    }

    /// Asks for statistics and waits for all parts of the reply, which are joined.
    ///
    /// # Errors
    /// When the switch refuses, does not answer in time, answers something else or too much, or is gone.
    pub async fn request_within(
        &self,
        request: StatsRequest,
        deadline: Duration,
    ) -> Result<StatsReply, RequestError> {
        let link = &self.inner.link;
        let xid = link.pending.xids().next();
        let waiting = link
            .pending
            .expect_stats(xid, &request)
            .map_err(RequestError::from)?;
        let mut buffer = BytesMut::new();
        encode_to_switch(self.version(), xid, &ToSwitch::stats(request), &mut buffer)?;
        link.push(buffer, 1)?;
        answered(waiting.outcome(), deadline).await
    }

    /// Asks which role this controller has (OF 1.3.5 §7.3.9); nothing changes.
    ///
    /// # Errors
    /// As [`Self::request_within`]; always on OpenFlow 1.0, where the answer is nobody's.
    pub async fn role(&self) -> Result<RoleMessage, RequestError> {
        let question = ToSwitch::RoleRequest(RoleMessage {
            role: Role::NoChange,
            generation: Some(0),
        });
        match self
            .ask(&question, |reply| matches!(reply, FromSwitch::Role(_)))
            .await?
        {
            FromSwitch::Role(role) => Ok(role),
            _ => Err(RequestError::Unexpected),
        }
    }

    /// Asks which queues a port has (OF 1.3.5 §7.3.6, OF 1.0.2 §5.3.4).
    ///
    /// # Errors
    /// As [`Self::request_within`].
    pub async fn queue_config(&self, port: PortNo) -> Result<QueueConfigReply, RequestError> {
        let question = ToSwitch::QueueConfigRequest(port);
        match self
            .ask(&question, |reply| {
                matches!(reply, FromSwitch::QueueConfig(_))
            })
            .await?
        {
            FromSwitch::QueueConfig(queues) => Ok(queues),
            _ => Err(RequestError::Unexpected),
        }
    }

    /// Asks what is answered in one message.
    async fn ask(
        &self,
        question: &ToSwitch,
        answers: fn(&FromSwitch) -> bool,
    ) -> Result<FromSwitch, RequestError> {
        let link = &self.inner.link;
        let xid = link.pending.xids().next();
        let waiting = link
            .pending
            .expect_single(xid, answers)
            .map_err(RequestError::from)?;
        let mut buffer = BytesMut::new();
        encode_to_switch(self.version(), xid, question, &mut buffer)?;
        link.push(buffer, 1)?;
        answered(waiting.outcome(), REQUEST_DEADLINE).await
    }

    /// Whether the switch answers an echo request within `deadline`. It overtakes what waits to be sent.
    pub async fn echo(&self, deadline: Duration) -> bool {
        let link = &self.inner.link;
        let xid = link.pending.xids().next();
        let Ok(waiting) = link.pending.expect_echo(xid) else {
            return false;
        };
        if link
            .send_urgent(self.version(), xid, &ToSwitch::EchoRequest(Bytes::new()))
            .is_err()
        {
            return false;
        }
        matches!(timeout(deadline, waiting.outcome()).await, Ok(Some(())))
    }

    /// Ends this connection. A switch that is well will connect again.
    pub fn disconnect(&self) {
        self.close(CloseReason::Requested);
    }

    pub(crate) fn close(&self, reason: CloseReason) {
        self.inner.link.closer.close(reason);
    }

    /// Waits until the observer has been told that this connection has ended.
    pub(crate) fn retired(&self) -> impl Future<Output = ()> + Send + use<> {
        self.inner.retired.clone().cancelled_owned()
    }

    pub(crate) fn retire(&self) {
        self.inner.retired.cancel();
    }

    pub(crate) fn apply_port_status(&self, status: &PortStatus) -> Result<(), TooManyPorts> {
        self.inner.ports.apply(status)
    }

    fn encode(&self, first: Xid, messages: &[ToSwitch]) -> Result<BytesMut, SendError> {
        let mut buffer = BytesMut::with_capacity(TYPICAL_MESSAGE * (messages.len() + 1));
        for (index, message) in messages.iter().enumerate() {
            let xid = Xid(first.0 + u32::try_from(index).unwrap_or(u32::MAX));
            encode_to_switch(self.version(), xid, message, &mut buffer)
                .map_err(|source| SendError::Unsupported { index, source })?;
        }
        Ok(buffer)
    }
}

/// What came in time.
async fn answered<T>(
    outcome: impl Future<Output = Option<Result<T, RequestError>>>,
    deadline: Duration,
) -> Result<T, RequestError> {
    match timeout(deadline, outcome).await {
        Ok(Some(outcome)) => outcome,
        Ok(None) => Err(RequestError::Disconnected),
        Err(_) => Err(RequestError::TimedOut),
    }
}

fn message_count(count: usize) -> Result<u32, SendError> {
    if count >= crate::limits::OUTBOX_MESSAGES {
        return Err(SendError::QueueFull);
    }
    u32::try_from(count).map_err(|_| SendError::QueueFull)
}

impl fmt::Debug for SwitchHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SwitchHandle")
            .field("dpid", &format_args!("{}", self.dpid()))
            .field("name", &self.name())
            .field("version", &self.version())
            .field("connection_id", &self.connection_id())
            .field("connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for SwitchHandle {
    /// The name and the datapath id, as log lines have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.dpid())
    }
}
