//! The two small things that a connection's tasks share the use of.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;

use super::close::CloseReason;

/// Locks. A holder that panicked has left whole values: every critical section here stores, and calls nobody.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells a connection's task to end, from anywhere. The first reason counts.
#[derive(Debug, Default)]
pub(crate) struct Closer {
    reason: OnceLock<CloseReason>,
    token: CancellationToken,
}

impl Closer {
    pub(crate) fn close(&self, reason: CloseReason) {
        let _ = self.reason.set(reason);
        self.token.cancel();
    }

    /// Waits until someone wants the connection to end. Cancel-safe.
    pub(crate) async fn requested(&self) -> CloseReason {
        self.token.cancelled().await;
        self.reason.get().cloned().unwrap_or(CloseReason::Requested)
    }
}
