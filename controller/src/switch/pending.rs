//! What a switch still owes an answer: the only place where transaction ids are given out, and where answers
//! find who asked.
//!
//! A batch takes a block of ids, one per message and the last for its barrier, so that an error is traced to its
//! message; the block is one entry, however many messages it has. An id is forgotten with its waiter, hence a late
//! answer finds nobody, and never a newer request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use godwit_openflow::error::DecodeError;
use godwit_openflow::model::{BundleStep, ErrorReport, FromSwitch, StatsReply, StatsRequest};
use godwit_openflow::types::Xid;
use tokio::sync::oneshot;

use super::error::{RequestError, SendError};
use crate::connection::multipart::{Joined, Joiner};
use crate::connection::sync::lock;
use crate::limits::{ERROR_DATA_BYTES, MULTIPART_BYTES, PENDING_REQUESTS};

/// Gives out the transaction ids of one connection. 0 is left to the switch's own messages.
#[derive(Debug, Default)]
pub(crate) struct Xids {
    last: AtomicU32,
}

impl Xids {
    pub(crate) fn next(&self) -> Xid {
        self.block(1)
    }

    /// The first of `count` ids in a row. After 2^32 they begin again, when nobody waits for the old ones any more.
    pub(crate) fn block(&self, count: u32) -> Xid {
        let step = |last: u32| last.checked_add(count).or(Some(count));
        let before = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
        match before {
            Ok(last) | Err(last) if last.checked_add(count).is_some() => Xid(last + 1),
            _ => Xid(1),
        }
    }
}

/// An answer to something that was asked with a [`Pending`]'s id.
#[derive(Debug)]
pub(crate) enum Reply {
    Barrier,
    Echo,
    /// One part, of so many bytes on the wire.
    Stats {
        more: bool,
        body: StatsReply,
        bytes: usize,
    },
    Bundle(BundleStep),
    /// An answer in one message that is no statistics.
    Single(Box<FromSwitch>),
    Error(ErrorReport),
    Undecodable(DecodeError),
}

/// What a switch said of a batch until its barrier.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    /// The first error of each message, by its place in the block of ids.
    pub(crate) errors: BTreeMap<usize, ErrorReport>,
    /// A bundle was put in force.
    pub(crate) committed: bool,
}

/// The open questions of one connection.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    xids: Arc<Xids>,
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    closed: bool,
    /// By first id. Blocks never overlap.
    waiting: BTreeMap<u32, Entry>,
}

#[derive(Debug)]
struct Entry {
    last: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Batch {
        answers: Answers,
        done: Option<oneshot::Sender<Answers>>,
    },
    /// Nobody waits: the answer is kept where batches look for it.
    Bundles {
        taken: Arc<AtomicBool>,
    },
    Stats {
        answers: fn(&StatsReply) -> bool,
        joiner: Joiner,
        done: Option<oneshot::Sender<Result<StatsReply, RequestError>>>,
    },
    Single {
        answers: fn(&FromSwitch) -> bool,
        done: Option<oneshot::Sender<Result<FromSwitch, RequestError>>>,
    },
    Echo {
        done: Option<oneshot::Sender<()>>,
    },
}

impl Pending {
    pub(crate) fn xids(&self) -> &Arc<Xids> {
        &self.xids
    }

    pub(crate) fn expect_batch(
        &self,
        first: Xid,
        barrier: Xid,
    ) -> Result<Waiting<Answers>, SendError> {
        self.expect(first, barrier, |done| Kind::Batch {
            answers: Answers::default(),
            done,
        })
    }

    /// A bundle is opened as `open` and discarded as the id after it: whether that works shows in `taken`.
    pub(crate) fn expect_bundles(&self, open: Xid, taken: Arc<AtomicBool>) {
        let mut table = lock(&self.table);
        if !table.closed {
            let entry = Entry {
                last: open.0.saturating_add(1),
                kind: Kind::Bundles { taken },
            };
            table.waiting.insert(open.0, entry);
        }
    }

    pub(crate) fn expect_stats(
        &self,
        xid: Xid,
        request: &StatsRequest,
    ) -> Result<Waiting<Result<StatsReply, RequestError>>, SendError> {
        let answers = answers(request);
        self.expect(xid, xid, |done| Kind::Stats {
            answers,
            joiner: Joiner::new(MULTIPART_BYTES),
            done,
        })
    }

    /// An answer that comes in one message, which `answers` knows.
    pub(crate) fn expect_single(
        &self,
        xid: Xid,
        answers: fn(&FromSwitch) -> bool,
    ) -> Result<Waiting<Result<FromSwitch, RequestError>>, SendError> {
        self.expect(xid, xid, |done| Kind::Single { answers, done })
    }

    pub(crate) fn expect_echo(&self, xid: Xid) -> Result<Waiting<()>, SendError> {
        self.expect(xid, xid, |done| Kind::Echo { done })
    }

    /// Takes an answer. Gives an error back that answers nothing that is being waited for.
    pub(crate) fn complete(&self, xid: Xid, reply: Reply) -> Option<ErrorReport> {
        let mut table = lock(&self.table);
        let found = table
            .waiting
            .range_mut(..=xid.0)
            .next_back()
            .filter(|(_, entry)| entry.last >= xid.0);
        let Some((&first, entry)) = found else {
            return match reply {
                Reply::Error(report) => Some(report),
                _ => None,
            };
        };
        if entry.take(first, xid, reply) {
            table.waiting.remove(&first);
        }
        None
    }

    /// Ends every wait, now and from now on, with `Disconnected`.
    pub(crate) fn close(&self) {
        let waiting = {
            let mut table = lock(&self.table);
            table.closed = true;
            std::mem::take(&mut table.waiting)
        };
        drop(waiting);
    }

    fn expect<T>(
        &self,
        first: Xid,
        last: Xid,
        kind: impl FnOnce(Option<oneshot::Sender<T>>) -> Kind,
    ) -> Result<Waiting<T>, SendError> {
        let (done, outcome) = oneshot::channel();
        let mut table = lock(&self.table);
        if table.closed {
            return Err(SendError::Disconnected);
        }
        if table.waiting.len() >= PENDING_REQUESTS {
            return Err(SendError::QueueFull);
        }
        table.waiting.insert(
            first.0,
            Entry {
                last: last.0,
                kind: kind(Some(done)),
            },
        );
        Ok(Waiting {
            outcome,
            guard: Guard {
                first: first.0,
                table: Arc::clone(&self.table),
            },
        })
    }
}

impl Entry {
    /// Whether nothing more is waited for. A waiter that has just gone is no concern of the sender's.
    fn take(&mut self, first: u32, xid: Xid, reply: Reply) -> bool {
        let index = (xid.0 - first) as usize;
        let is_last = xid.0 == self.last;
        match (&mut self.kind, reply) {
            (Kind::Batch { answers, done }, Reply::Error(report)) => {
                let errors = &mut answers.errors;
                errors.entry(index).or_insert_with(|| trimmed(report));
                is_last && finish(done, std::mem::take(answers))
            }
            (Kind::Batch { answers, .. }, Reply::Bundle(BundleStep::CommitReply)) => {
                answers.committed = true;
                false
            }
            (Kind::Batch { answers, done }, Reply::Barrier) => {
                is_last && finish(done, std::mem::take(answers))
            }
            (Kind::Bundles { taken }, Reply::Bundle(BundleStep::OpenReply)) => {
                taken.store(true, Ordering::Release);
                is_last
            }
            (Kind::Bundles { .. }, Reply::Bundle(_) | Reply::Error(_)) => is_last,
            (Kind::Stats { answers, done, .. }, Reply::Stats { body, .. }) if !answers(&body) => {
                finish(done, Err(RequestError::Unexpected))
            }
            (Kind::Stats { joiner, done, .. }, Reply::Stats { more, body, bytes }) => {
                match joiner.push(body, more, bytes) {
                    Joined::Open => false,
                    Joined::Whole(body) => finish(done, Ok(body)),
                    Joined::TooLarge => finish(done, Err(RequestError::TooLarge)),
                    Joined::Mixed => finish(done, Err(RequestError::Unexpected)),
                }
            }
            (Kind::Stats { done, .. }, Reply::Error(report)) => {
                finish(done, Err(RequestError::Refused(trimmed(report))))
            }
            (Kind::Stats { done, .. }, Reply::Undecodable(error)) => {
                finish(done, Err(RequestError::Undecodable(error)))
            }
            (Kind::Single { answers, done }, Reply::Single(message)) => {
                let known = answers(&message);
                finish(
                    done,
                    known.then_some(*message).ok_or(RequestError::Unexpected),
                )
            }
            (Kind::Single { done, .. }, Reply::Error(report)) => {
                finish(done, Err(RequestError::Refused(trimmed(report))))
            }
            (Kind::Single { done, .. }, Reply::Undecodable(error)) => {
                finish(done, Err(RequestError::Undecodable(error)))
            }
            // An error shows life as well as a reply does.
            (Kind::Echo { done }, Reply::Echo | Reply::Error(_)) => finish(done, ()),
            _ => false,
        }
    }
}

fn finish<T>(done: &mut Option<oneshot::Sender<T>>, outcome: T) -> bool {
    if let Some(done) = done.take() {
        let _ = done.send(outcome);
    }
    true
}

/// Without sharing the memory of the message it came in.
fn trimmed(mut report: ErrorReport) -> ErrorReport {
    report.data = Bytes::copy_from_slice(&report.data[..report.data.len().min(ERROR_DATA_BYTES)]);
    report
}

fn answers(request: &StatsRequest) -> fn(&StatsReply) -> bool {
    match request {
        StatsRequest::Description => |reply| matches!(reply, StatsReply::Description(_)),
        StatsRequest::Flows(_) => |reply| matches!(reply, StatsReply::Flows(_)),
        StatsRequest::Aggregate(_) => |reply| matches!(reply, StatsReply::Aggregate(_)),
        StatsRequest::Tables => |reply| matches!(reply, StatsReply::Tables(_)),
        StatsRequest::Ports(_) => |reply| matches!(reply, StatsReply::Ports(_)),
        StatsRequest::PortDescription => |reply| matches!(reply, StatsReply::PortDescription(_)),
        StatsRequest::Queues(_) => |reply| matches!(reply, StatsReply::Queues(_)),
        StatsRequest::Groups(_) => |reply| matches!(reply, StatsReply::Groups(_)),
        StatsRequest::GroupDescription => |reply| matches!(reply, StatsReply::GroupDescription(_)),
        StatsRequest::GroupFeatures => |reply| matches!(reply, StatsReply::GroupFeatures(_)),
        StatsRequest::Meters(_) => |reply| matches!(reply, StatsReply::Meters(_)),
        StatsRequest::MeterConfig(_) => |reply| matches!(reply, StatsReply::MeterConfig(_)),
        StatsRequest::MeterFeatures => |reply| matches!(reply, StatsReply::MeterFeatures(_)),
        StatsRequest::TableFeatures(_) => |reply| matches!(reply, StatsReply::TableFeatures(_)),
        StatsRequest::FlowMonitor(_) => |reply| matches!(reply, StatsReply::FlowMonitor(_)),
        StatsRequest::AgedFlows(_) => |reply| matches!(reply, StatsReply::AgedFlows(_)),
        StatsRequest::Experimenter { .. } => {
            |reply| matches!(reply, StatsReply::Experimenter { .. })
        }
        StatsRequest::Unknown { .. } => |reply| matches!(reply, StatsReply::Unknown { .. }),
    }
}

/// Someone who waits for an answer. Dropped, the question is forgotten.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    outcome: oneshot::Receiver<T>,
    guard: Guard,
}

#[derive(Debug)]
struct Guard {
    first: u32,
    table: Arc<Mutex<Table>>,
}

impl<T> Waiting<T> {
    /// The answer; `None` when the connection ended first.
    pub(crate) async fn outcome(self) -> Option<T> {
        let Self {
            outcome,
            guard: _guard,
        } = self;
        outcome.await.ok()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        lock(&self.table).waiting.remove(&self.first);
    }
}

#[cfg(test)]
mod tests;
