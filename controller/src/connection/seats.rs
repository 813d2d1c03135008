//! Who may be connected: a bound on connections, and a tighter one on those whose handshake is not complete.
//!
//! Where there is no seat for a newcomer the oldest incomplete connection makes room, one that has said nothing
//! before one that has. So a flood of half-open connections ends itself, and never keeps a switch out.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::close::CloseReason;
use super::link::Link;
use super::sync::lock;
use crate::limits::Limits;

/// The seats of all listeners together.
#[derive(Debug)]
pub(crate) struct Seats {
    connections: usize,
    unready: usize,
    unready_per_address: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    /// By connection number, hence by age.
    unready: BTreeMap<u64, Unready>,
    per_address: HashMap<IpAddr, usize>,
    made_room: u64,
    warned_at: Option<Instant>,
}

#[derive(Debug)]
struct Unready {
    silent: bool,
    link: Arc<Link>,
}

/// A seat, given up when this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    link: Arc<Link>,
    ready: bool,
}

/// How many connections make room when the operating system has no more file descriptors.
const ROOM: usize = 32;

/// Between two warnings that connections had to make room.
const WARN_INTERVAL: Duration = Duration::from_secs(5);

impl Seats {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            connections: limits.connections,
            unready: limits.unready.max(1),
            unready_per_address: limits.unready_per_address.max(1),
            state: Mutex::default(),
        }
    }

    /// A seat for a new connection. `None` when all are taken by complete switches.
    pub(crate) fn take(self: &Arc<Self>, link: &Arc<Link>) -> Option<Seat> {
        let address = link.peer.ip();
        let mut state = lock(&self.state);
        if state
            .per_address
            .get(&address)
            .is_some_and(|count| *count >= self.unready_per_address)
        {
            state.make_room(Some(address));
        } else if state.unready.len() >= self.unready {
            state.make_room(None);
        }
        if state.taken >= self.connections && !state.make_room(None) {
            return None;
        }
        state.taken += 1;
        *state.per_address.entry(address).or_default() += 1;
        state.unready.insert(
            link.id,
            Unready {
                silent: true,
                link: Arc::clone(link),
            },
        );
        Some(Seat {
            seats: Arc::clone(self),
            link: Arc::clone(link),
            ready: false,
        })
    }

    /// Ends some incomplete connections. Whether there were any.
    pub(crate) fn make_room(&self) -> bool {
        let mut state = lock(&self.state);
        (0..ROOM).filter(|_| state.make_room(None)).count() > 0
    }
}

impl State {
    fn make_room(&mut self, address: Option<IpAddr>) -> bool {
        let candidates = || {
            self.unready.iter().filter(|(_, unready)| {
                address.is_none_or(|address| unready.link.peer.ip() == address)
            })
        };
        let victim = candidates()
            .find(|(_, unready)| unready.silent)
            .or_else(|| candidates().next());
        let Some(id) = victim.map(|(id, _)| *id) else {
            return false;
        };
        if let Some(unready) = self.leave(id) {
            self.taken -= 1;
            unready.link.closer.close(CloseReason::MadeRoom);
        }
        self.made_room += 1;
        self.warn();
        true
    }

    fn leave(&mut self, id: u64) -> Option<Unready> {
        let unready = self.unready.remove(&id)?;
        let address = unready.link.peer.ip();
        if let Some(count) = self.per_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.per_address.remove(&address);
            }
        }
        Some(unready)
    }

    fn warn(&mut self) {
        let now = Instant::now();
        if self
            .warned_at
            .is_none_or(|at| now.duration_since(at) >= WARN_INTERVAL)
        {
            warn!(
                connections = self.made_room,
                "connections that don't complete the handshake are dropped to make room"
            );
            self.warned_at = Some(now);
            self.made_room = 0;
        }
    }
}

impl Seat {
    /// The peer has sent a message.
    pub(crate) fn heard(&self) {
        if let Some(unready) = lock(&self.seats.state).unready.get_mut(&self.link.id) {
            unready.silent = false;
        }
    }

    /// The handshake is complete: from now on nobody takes this seat away. A connection that has just been told
    /// to make room goes nevertheless.
    pub(crate) fn ready(&mut self) {
        self.ready = lock(&self.seats.state).leave(self.link.id).is_some();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = lock(&self.seats.state);
        // Neither: it has made room, and was taken off the count then.
        if state.leave(self.link.id).is_some() || self.ready {
            state.taken -= 1;
        }
    }
}

#[cfg(test)]
mod tests;
