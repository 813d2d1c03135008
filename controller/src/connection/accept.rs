//! The accept loop of one listening socket.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, error, warn};

use super::Connections;
use super::observer::SwitchObserver;
use crate::limits::SHUTDOWN_DEADLINE;

/// After an error that has nothing to do with one peer (no file descriptors, no memory): doubled up to
/// [`LONGEST_BACK_OFF`] while it lasts, so that the loop neither spins nor gives up.
const FIRST_BACK_OFF: Duration = Duration::from_millis(5);

/// See [`FIRST_BACK_OFF`].
const LONGEST_BACK_OFF: Duration = Duration::from_secs(1);

/// Between two warnings that connections can't be accepted.
const WARN_INTERVAL: Duration = Duration::from_secs(5);

/// Accepts connections and owns their tasks.
pub(crate) struct Acceptor<O> {
    listener: TcpListener,
    connections: Connections<O>,
    tasks: JoinSet<()>,
    back_off: Option<Duration>,
    warned_at: Option<Instant>,
}

impl<O: SwitchObserver> Acceptor<O> {
    pub(crate) fn new(listener: TcpListener, connections: Connections<O>) -> Self {
        Self {
            listener,
            connections,
            tasks: JoinSet::new(),
            back_off: None,
            warned_at: None,
        }
    }

    /// Until the server is told to stop and its connections have ended, or had the time to.
    pub(crate) async fn run(mut self) {
        let shutdown = self.connections.shutdown();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(ended) = self.tasks.join_next() => report(ended),
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.open(stream, peer),
                    Err(error) => tokio::select! {
                        () = shutdown.cancelled() => break,
                        () = self.recover(error) => {}
                    },
                },
            }
        }
        drop(self.listener);
        let all_ended = async {
            while let Some(ended) = self.tasks.join_next().await {
                report(ended);
            }
        };
        if timeout(SHUTDOWN_DEADLINE, all_ended).await.is_err() {
            warn!("some connections had no time to end");
        }
    }

    fn open(&mut self, stream: TcpStream, peer: SocketAddr) {
        self.back_off = None;
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%peer, "connection closed: {error}");
            return;
        }
        let (reader, writer) = stream.into_split();
        if let Some(driver) = self.connections.open(reader, writer, peer) {
            self.tasks.spawn(driver.run());
        }
    }

    async fn recover(&mut self, error: Error) {
        if concerns_one_peer(&error) {
            debug!("a connection failed before it was accepted: {error}");
            return;
        }
        if self
            .warned_at
            .is_none_or(|at| at.elapsed() >= WARN_INTERVAL)
        {
            warn!("can't accept connections for now: {error}");
            self.warned_at = Some(Instant::now());
        }
        let made_room = self.connections.make_room();
        let wait = match self.back_off {
            Some(last) if !made_room => (last * 2).min(LONGEST_BACK_OFF),
            _ => FIRST_BACK_OFF,
        };
        self.back_off = Some(wait);
        sleep(wait).await;
    }
}

fn concerns_one_peer(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionRefused
            | ErrorKind::Interrupted
            | ErrorKind::WouldBlock
    )
}

fn report(ended: Result<(), JoinError>) {
    if let Err(failure) = ended {
        error!("a connection's task failed: {failure}");
    }
}
