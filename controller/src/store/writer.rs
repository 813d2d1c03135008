//! The thread that writes. All that waits goes into one transaction with one wait for the disk, so that many writers at
//! once cost no more than one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::StoreError;
use super::disk::Disk;
use super::queue::Queue;

/// How soon what could not be written is tried again when nothing else is to be written: a full disk is given room by
/// hand, so there is no hurry.
const RETRY: Duration = Duration::from_secs(5);

/// The thread. When this is dropped it writes what waits, and ends.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(disk: Arc<Disk>, queue: Arc<Queue>) -> Self {
        let own = Arc::clone(&queue);
        let thread = std::thread::Builder::new()
            .name("store".into())
            .spawn(move || run(&disk, &own));
        let thread = match thread {
            Ok(thread) => Some(thread),
            Err(error) => {
                tracing::error!(%error, "the store's writer can't run: nothing is written");
                queue.close();
                None
            }
        };
        Self { queue, thread }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // It contains its panics.
            let _ = thread.join();
        }
    }
}

fn run(disk: &Disk, queue: &Queue) {
    let mut failing = false;
    loop {
        let taken = queue.take(RETRY);
        let last = taken.last;
        let result = if taken.changes.is_empty() {
            Ok(())
        } else {
            let written = catch_unwind(AssertUnwindSafe(|| disk.write(&taken.changes)));
            written.unwrap_or_else(|_| Err(disk.given_up()))
        };
        if failing && result.is_ok() && !taken.changes.is_empty() {
            tracing::info!("the store can be written again");
            failing = false;
        }
        let later = taken.answer(&result);
        if let Err(error) = &result {
            if !failing || last {
                log(error, last);
            }
            failing = true;
            queue.put_back(later);
        }
        if last {
            return;
        }
    }
}

fn log(error: &StoreError, last: bool) {
    if last {
        tracing::error!(%error, "the last changes could not be written and are lost");
    } else {
        tracing::error!(%error, "the store can't be written: what changes is not kept over a restart until it can be");
    }
}
