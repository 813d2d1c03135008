//! Limits on what a migration may cost, watched while it runs.
//!
//! The guard reads the counters of the first and the last hop of every flow that moves, over and over, and lays what
//! went in beside what came out (`judge`). It sends no probe to a host and says only what is certain: so many packets
//! *at least* have been lost; for so long *at least* has a flow that is sent delivered nothing. Crossing a limit takes
//! the migration back, as long as there is a way back: so after the last flip the new ways are watched for a while
//! ([`Guard::proven`]) before the way back is given up.
//!
//! **What it can tell.** A reading takes some 25 ms (a nudge, 20 ms, the answer). The next begins 20 ms later, or a
//! quarter of the silence that is allowed. A switch that is short of processor time credits its rules up to 100 ms late
//! even when nudged (`CREDIT`). What the flows carry in that time can't be told from what is lost: a loss is seen when
//! it exceeds the limit, 0 or another, by what they carry in 0.2 s, four readings and twice the delay of the slowest path:
//! in about 0.4 s. A way that loses less than every second packet may thus be found too late to go back. If nothing comes
//! through any more, that is seen in half a second. A silence is seen when it has lasted
//! 0.2 s, twice that delay and six readings longer than is allowed. The delay is measured by markers before the first
//! round.
//!
//! **What it costs.** Nothing without limits. With them 0.2 s before the first round and [the window](Guard::proven)
//! after the last flip, a second or more; and one nudged reading of each first and last hop at a time, all of them at
//! once: about 5 ms of a switch's processor for 1,000 rules. It never reads for more than half of the time.
//!
//! **What belongs to no route** has no first and last hop that is known; its counters are paired hop by hop instead, as far
//! as that is certain (`entries`). What can't be paired is not watched. On the switches concerned all entries are read.

mod entries;
mod judge;
mod sums;
mod watcher;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use judge::{CREDIT, Judge};
pub(super) use watcher::measured;
use watcher::{Ends, Watcher};

use super::planning::Planned;
use crate::routing::Routing;

/// The shortest silence that can be told from a switch that credits its counters late.
pub const LEAST_SILENCE: Duration = CREDIT;

/// The longest silence that is watched for: a minute. Whoever can bear more needs no guard.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// The shortest time between two readings: a reading takes as long.
const LEAST_INTERVAL: Duration = Duration::from_millis(20);

/// What is added to the measured delays: a switch that isn't scheduled.
const DELAY_MARGIN: Duration = Duration::from_millis(20);

/// What the traffic that moves may suffer at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Packets lost, of all flows together.
    pub max_loss_packets: Option<u64>,
    /// Milliseconds in which a flow that is sent delivers nothing.
    pub max_silence_ms: Option<u64>,
}

impl Limits {
    /// Whether there is nothing to watch for.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.max_loss_packets.is_none() && self.max_silence_ms.is_none()
    }

    /// About how long watching keeps a migration up: until it is known what is missing to begin with, and the window
    /// after the last flip, on links without delay.
    pub(super) fn watching(self) -> Duration {
        let apart = self.interval() + LEAST_INTERVAL;
        2 * CREDIT + Judge::new(self, DELAY_MARGIN, []).window(apart)
    }

    /// The time between two readings.
    fn interval(&self) -> Duration {
        let silence = self.max_silence_ms.map(Duration::from_millis);
        silence.map_or(LEAST_INTERVAL, |silence| (silence / 4).max(LEAST_INTERVAL))
    }
}

/// A limit that was crossed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Crossed(pub String);

/// Watches the flows of a migration from when it is made until it is dropped.
#[derive(Debug, Default)]
pub struct Guard {
    /// `None` where there is nothing to watch.
    watching: Option<Watching>,
}

#[derive(Debug)]
struct Watching {
    seen: watch::Receiver<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What has been seen by now.
#[derive(Debug, Clone, Default)]
struct Seen {
    /// Whether it is known what was missing before anything was changed.
    is_ready: bool,
    /// Whether there is nothing that can be watched.
    is_blank: bool,
    /// When the last complete reading was asked for.
    asked: Option<Instant>,
    /// How long after a change what it does to the flows is seen for certain.
    window: Duration,
    crossed: Option<Crossed>,
}

impl Guard {
    /// Begins to watch what a plan moves, if there are limits: its routes, and of what belongs to no route what the
    /// counters can tell of.
    #[must_use]
    pub fn start(routing: &Routing, planned: &Arc<Planned>) -> Self {
        let limits = planned.request.limits;
        let ends = Ends::of(planned);
        if limits.is_none() || (ends.flows == 0 && carried(planned) == 0) {
            return Self::default();
        }
        let (tell, seen) = watch::channel(Seen::default());
        let watcher = Watcher {
            network: routing.network().clone(),
            limits,
            planned: Arc::clone(planned),
            ends,
            tell,
        };
        let task = tokio::spawn(watcher.run());
        Self {
            watching: Some(Watching { seen, task }),
        }
    }

    /// Resolves when it is known what was missing before anything is changed, or a limit is crossed. Without waiting for
    /// it, what is lost until then goes unseen.
    pub async fn ready(&self) {
        self.until(|seen| seen.is_ready).await;
    }

    /// A limit that has been crossed by now.
    #[must_use]
    pub fn crossed(&self) -> Option<Crossed> {
        let seen = self.watching.as_ref()?.seen.borrow();
        seen.crossed.clone()
    }

    /// Resolves when a limit is crossed.
    pub async fn wait(&self) -> Crossed {
        match self.until(|_| false).await {
            Some(crossed) => crossed,
            None => std::future::pending().await,
        }
    }

    /// Resolves when everything that the changes until `since` do to the flows has been seen: with nothing if they may
    /// stay, else with the limit that is crossed. To be waited for before the way back is given up.
    pub async fn proven(&self, since: Instant) -> Option<Crossed> {
        self.until(|seen| seen.asked.is_some_and(|asked| asked >= since + seen.window))
            .await
    }

    /// Waits until `enough` has been seen, or a limit is crossed. Nothing without a limit.
    async fn until(&self, enough: impl Fn(&Seen) -> bool) -> Option<Crossed> {
        let mut seen = self.watching.as_ref()?.seen.clone();
        let waited = seen.wait_for(|seen| seen.crossed.is_some() || seen.is_blank || enough(seen));
        match waited.await {
            Ok(seen) => seen.crossed.clone(),
            Err(_) => Some(Crossed("internal error: the guard has ended".to_owned())),
        }
    }
}

/// How many entries move that belong to no route under limits. Which of them can be watched is known when it begins.
pub(super) fn carried(planned: &Planned) -> usize {
    let transplant = planned.transplant.as_ref();
    let transplant = transplant.filter(|_| !planned.request.limits.is_none());
    transplant.map_or(0, |transplant| transplant.rules.len())
}
