//! Connections of switches: listening, the handshake, liveness, and the limits that keep one peer's trouble from
//! being another's.
//!
//! | file | what lives there |
//! |---|---|
//! | `accept` | the accept loop of one listening socket |
//! | `seats` | who may be connected, and who makes room |
//! | `driver` | one connection's task (with the picture of all its tasks and queues) |
//! | `session` | what a message means in which state; no I/O, no clock |
//! | `io`, `outbox`, `deliveries` | frames in, bytes out, messages to the observer |
//! | `observer` | [`SwitchObserver`], the way out of this module |

mod accept;
mod close;
mod deliveries;
mod driver;
mod io;
pub(crate) mod link;
mod metrics;
pub(crate) mod multipart;
mod observer;
mod outbox;
mod rate;
mod seats;
mod session;
pub(crate) mod sync;

use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use self::accept::Acceptor;
use self::driver::{Driver, EndOnDrop};
use self::io::{FrameReader, Task, Writer};
use self::link::Link;
use self::seats::Seats;
use self::session::Session;
use crate::limits::{LISTEN_BACKLOG, Limits};
use crate::switch::Registry;

pub use close::CloseReason;
pub use metrics::{ConnectionCounts, ConnectionMetrics};
pub use observer::{SwitchMessage, SwitchObserver};

/// The listening side: bound, not yet accepting.
#[derive(Debug)]
pub struct OpenFlowServer {
    listeners: Vec<(TcpListener, SocketAddr)>,
    limits: Limits,
    metrics: Arc<ConnectionMetrics>,
}

/// An address that can't be listened on.
#[derive(Debug, thiserror::Error)]
#[error("can't listen for switches on {address}: {source}{hint}", hint = hint(.source))]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// What the operating system says.
    pub source: std::io::Error,
}

fn hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::AddrInUse => {
            " (another controller is listening there: stop it, or choose another address)"
        }
        ErrorKind::PermissionDenied => " (ports below 1024 need root: choose a higher one)",
        ErrorKind::AddrNotAvailable => " (no interface of this machine has that address)",
        _ => "",
    }
}

impl OpenFlowServer {
    /// Listens on all of `addresses`; port 0 lets the system choose.
    ///
    /// # Errors
    /// At the first address that can't be listened on. None is then.
    #[expect(
        clippy::unused_async,
        reason = "a listener needs a runtime; being async is how that shows"
    )]
    pub async fn bind(addresses: &[SocketAddr], limits: Limits) -> Result<Self, BindError> {
        let listeners = addresses
            .iter()
            .map(|&address| listen(address).map_err(|source| BindError { address, source }))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            listeners,
            limits,
            metrics: Arc::default(),
        })
    }

    /// The addresses that it listens on, with the ports that the system has chosen.
    #[must_use]
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(|(_, address)| *address).collect()
    }

    /// What is counted about the connections.
    #[must_use]
    pub fn metrics(&self) -> Arc<ConnectionMetrics> {
        Arc::clone(&self.metrics)
    }

    /// Accepts switches until `shutdown` is done, then ends their connections: the observer is told of each.
    /// Dropped before, it ends them at once.
    pub async fn serve<O: SwitchObserver>(
        self,
        registry: Arc<Registry>,
        observer: Arc<O>,
        shutdown: impl Future<Output = ()> + Send,
    ) {
        let connections = Connections::with_metrics(registry, observer, self.limits, self.metrics);
        let mut acceptors = JoinSet::new();
        for (listener, _) in self.listeners {
            acceptors.spawn(Acceptor::new(listener, connections.clone()).run());
        }
        shutdown.await;
        connections.shutdown().cancel();
        while acceptors.join_next().await.is_some() {}
    }
}

fn listen(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(LISTEN_BACKLOG)?;
    let local = listener.local_addr()?;
    Ok((listener, local))
}

/// Runs the OpenFlow session on byte streams of any kind: what the server does with its sockets, and tests do with
/// [`tokio::io::duplex`].
#[derive(Debug)]
pub struct Connections<O> {
    context: Arc<Context<O>>,
}

/// What all connections share.
#[derive(Debug)]
struct Context<O> {
    registry: Arc<Registry>,
    observer: Arc<O>,
    limits: Limits,
    metrics: Arc<ConnectionMetrics>,
    seats: Arc<Seats>,
    shutdown: CancellationToken,
}

/// A connection's task, which ends when this is dropped; the observer is not told then.
#[derive(Debug)]
pub struct ConnectionTask(Task);

impl ConnectionTask {
    /// Waits until the connection has ended and the observer has been told.
    pub async fn ended(mut self) {
        // A task that failed has ended too.
        let _ = self.0.ended().await;
    }
}

impl<O> Clone for Connections<O> {
    fn clone(&self) -> Self {
        Self {
            context: Arc::clone(&self.context),
        }
    }
}

impl<O: SwitchObserver> Connections<O> {
    /// Connections that enter their switches in `registry` and tell `observer`.
    #[must_use]
    pub fn new(registry: Arc<Registry>, observer: Arc<O>, limits: Limits) -> Self {
        Self::with_metrics(registry, observer, limits, Arc::default())
    }

    fn with_metrics(
        registry: Arc<Registry>,
        observer: Arc<O>,
        limits: Limits,
        metrics: Arc<ConnectionMetrics>,
    ) -> Self {
        let seats = Arc::new(Seats::new(&limits));
        let shutdown = CancellationToken::new();
        Self {
            context: Arc::new(Context {
                registry,
                observer,
                limits,
                metrics,
                seats,
                shutdown,
            }),
        }
    }

    /// What is counted about the connections.
    #[must_use]
    pub fn metrics(&self) -> Arc<ConnectionMetrics> {
        Arc::clone(&self.context.metrics)
    }

    /// Takes a stream to a switch over and starts the handshake. `None` when all connections are taken.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as everything that spawns a task.
    pub fn adopt<S>(&self, stream: S, peer: SocketAddr) -> Option<ConnectionTask>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (reader, writer) = tokio::io::split(stream);
        let driver = self.open(reader, writer, peer)?;
        Some(ConnectionTask(Task::spawn(driver.run())))
    }

    fn open<R, W>(&self, reader: R, writer: W, peer: SocketAddr) -> Option<Driver<R, O>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let Context {
            registry,
            limits,
            metrics,
            seats,
            ..
        } = &*self.context;
        metrics.accepted.add(1);
        let link = Arc::new(Link::new(
            registry.next_connection(),
            peer,
            limits,
            Arc::clone(metrics),
        ));
        let Some(seat) = seats.take(&link) else {
            metrics.closed(&CloseReason::NoRoom, false);
            warn!(%peer, "connection closed: {}", CloseReason::NoRoom);
            return None;
        };
        let writer = Writer {
            sink: writer,
            link: Arc::clone(&link),
            stall: limits.write_stall,
        };
        Some(Driver {
            context: Arc::clone(&self.context),
            frames: FrameReader::new(reader),
            session: Session::new(
                limits,
                Arc::clone(link.pending.xids()),
                Instant::now().into_std(),
            ),
            writer: Task::spawn(writer.run()),
            seat,
            known: None,
            admission: None,
            tenure: None,
            guard: EndOnDrop(Arc::clone(&link)),
            link,
        })
    }

    fn make_room(&self) -> bool {
        self.context.seats.make_room()
    }

    fn shutdown(&self) -> CancellationToken {
        self.context.shutdown.clone()
    }
}
