//! Stopping at a record of the journal: tests end the controller there.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use godwit_controller::StoreError;

/// On which side of a write to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The record is not on the disk.
    Before,
    /// It is.
    After,
}

type Reached = dyn Fn(u64, Moment) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>
    + Send
    + Sync;

/// What happens before and after each record of the journal: nothing, unless a test wants to see what a controller
/// that ends there leaves, or whose disk fails. The migration goes on when the future is ready; an error is taken as that
/// of the write.
#[derive(Clone, Default)]
pub struct Hook {
    reached: Option<Arc<Reached>>,
    records: Arc<AtomicU64>,
}

impl Hook {
    /// Calls this with the number of the record, from 1 in this run.
    pub fn new<F, R>(reached: F) -> Self
    where
        F: Fn(u64, Moment) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), StoreError>> + Send + 'static,
    {
        Self {
            reached: Some(Arc::new(move |number, moment| {
                Box::pin(reached(number, moment))
            })),
            records: Arc::default(),
        }
    }

    /// What the environment variable `GODWIT_FAILPOINT` says: with `before:N` or `after:N` the process aborts there,
    /// as if it had been killed; for tests of the whole program. Without it nothing happens.
    #[must_use]
    pub fn from_environment() -> Self {
        let said = std::env::var("GODWIT_FAILPOINT").ok();
        let Some((moment, number)) = said.as_deref().and_then(parse) else {
            return Self::default();
        };
        tracing::warn!(
            number,
            ?moment,
            "the controller will abort at this record of the journal"
        );
        Self::new(move |at, when| {
            if (at, when) == (number, moment) {
                std::process::abort();
            }
            std::future::ready(Ok(()))
        })
    }

    pub(super) async fn reach(&self, moment: Moment) -> Result<(), StoreError> {
        let Some(reached) = &self.reached else {
            return Ok(());
        };
        let number = match moment {
            Moment::Before => self.records.fetch_add(1, Ordering::AcqRel) + 1,
            Moment::After => self.records.load(Ordering::Acquire),
        };
        reached(number, moment).await
    }
}

fn parse(said: &str) -> Option<(Moment, u64)> {
    let (moment, number) = said.split_once(':')?;
    let moment = match moment {
        "before" => Moment::Before,
        "after" => Moment::After,
        _ => return None,
    };
    Some((moment, number.parse().ok()?))
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook")
            .field("set", &self.reached.is_some())
            .finish_non_exhaustive()
    }
}
