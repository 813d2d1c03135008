//! A batch of changes for one switch: cut into parts, each confirmed by a barrier before the next is sent.
//!
//! ```text
//!  plain    messages, BARRIER ──▶ answered: in force but for what was refused
//!
//!  bundle   OPEN, ADDs, BARRIER ─▶ answered without an error ─▶ COMMIT, BARRIER ─▶ answered: all in force, or nothing
//!                                └▶ errors ─▶ DISCARD: nothing in force
//! ```

use std::collections::BTreeMap;

use bytes::BytesMut;
use godwit_openflow::codec::{encode_into_bundle, encode_to_switch};
use godwit_openflow::error::Unsupported;
use godwit_openflow::model::meter::MeterCommand;
use godwit_openflow::model::{BundleStep, ErrorReport, ToSwitch};
use godwit_openflow::types::{BundleId, Version, Xid};
use tokio::time::{Instant, timeout_at};

use super::bundle::{self, Open};
use super::error::{ApplyError, Refusal};
use super::message_count;
use super::pending::Answers;
use crate::connection::link::Link;

/// Bytes to set aside per message: a flow-mod with a few fields, in a bundle.
pub(super) const TYPICAL_MESSAGE: usize = 160;

/// Below this many changes a bundle promises nothing that a single message does not.
const SMALLEST_BUNDLE: usize = 2;

/// Messages of a batch that are sent together, with their places in the batch.
#[derive(Debug)]
pub(super) struct Part<'a> {
    messages: Vec<(usize, &'a ToSwitch)>,
    bundled: bool,
    /// Messages in the whole batch.
    total: usize,
}

/// The parts of a batch for a switch that takes bundles, or does not.
pub(super) fn parts(batch: &[ToSwitch], bundles: bool) -> Vec<Part<'_>> {
    let total = batch.len();
    let part = |messages, bundled| Part {
        messages,
        bundled,
        total,
    };
    let is_meter = |message: &ToSwitch| matches!(message, ToSwitch::MeterMod(_));
    let bundleable = batch.iter().filter(|message| bundle::takes(message));
    let meters = batch.iter().filter(|message| is_meter(message)).count();
    let inside = bundleable.count();
    if !bundles || inside < SMALLEST_BUNDLE || inside + meters < total {
        return vec![part(batch.iter().enumerate().collect(), false)];
    }
    let mut before = Vec::new();
    let mut within = Vec::with_capacity(inside);
    let mut behind = Vec::new();
    for (index, message) in batch.iter().enumerate() {
        match message {
            // A meter takes the flow entries that use it along (OF 1.3.5 §6.5): none may use it any more.
            ToSwitch::MeterMod(change)
                if !behind.is_empty()
                    || !within.is_empty() && change.command == MeterCommand::Delete =>
            {
                behind.push((index, message));
            }
            ToSwitch::MeterMod(_) => before.push((index, message)),
            _ => within.push((index, message)),
        }
    }
    [(before, false), (within, true), (behind, false)]
        .into_iter()
        .filter(|(messages, _)| !messages.is_empty())
        .map(|(messages, bundled)| part(messages, bundled))
        .collect()
}

/// What a failure of a part is to the batch, some of whose parts may be in force.
pub(super) fn with_before(error: ApplyError, in_force: bool) -> ApplyError {
    match error {
        ApplyError::Rejected(refusal) if in_force => ApplyError::Rejected(Refusal {
            nothing_in_force: false,
            ..refusal
        }),
        error if in_force && error.nothing_in_force() => ApplyError::Unknown,
        error => error,
    }
}

/// The ids of a part: one for each message, and behind them these.
#[derive(Debug, Clone, Copy)]
struct Ids {
    first: Xid,
    count: u32,
}

impl Ids {
    /// OPEN, the barrier behind the additions, COMMIT and the last barrier.
    const AROUND: u32 = 4;

    /// Of a plain part, the barrier.
    const fn open(self) -> Xid {
        Xid(self.first.0 + self.count)
    }

    const fn staged(self) -> Xid {
        Xid(self.first.0 + self.count + 1)
    }

    const fn commit(self) -> Xid {
        Xid(self.first.0 + self.count + 2)
    }

    const fn barrier(self) -> Xid {
        Xid(self.first.0 + self.count + 3)
    }

    const fn bundle(self) -> BundleId {
        BundleId(self.first.0)
    }
}

/// A part in the switch's own words.
#[derive(Debug)]
pub(super) struct Prepared<'a> {
    link: &'a Link,
    version: Version,
    ids: Ids,
    bytes: BytesMut,
}

impl<'a> Prepared<'a> {
    /// Encodes a part.
    ///
    /// # Errors
    /// When a message can't be said in this version, or the batch has too many.
    pub(super) fn new(
        link: &'a Link,
        version: Version,
        part: &Part<'_>,
    ) -> Result<Self, ApplyError> {
        let count = message_count(part.messages.len())?;
        let first = link.pending.xids().block(count + Ids::AROUND);
        let ids = Ids { first, count };
        let unsupported = |index| move |source| ApplyError::Unsupported { index, source };
        let mut bytes = BytesMut::with_capacity(TYPICAL_MESSAGE * (part.messages.len() + 1));
        let buffer = &mut bytes;
        let barrier = if part.bundled {
            say(version, ids.open(), ids, BundleStep::OpenRequest, buffer)
                .map_err(unsupported(part.total))?;
            ids.staged()
        } else {
            ids.open()
        };
        for (xid, (index, message)) in (first.0..).map(Xid).zip(&part.messages) {
            if part.bundled {
                let (bundle, flags) = (ids.bundle(), bundle::FLAGS);
                encode_into_bundle(version, xid, bundle, flags, message, buffer)
            } else {
                encode_to_switch(version, xid, message, buffer)
            }
            .map_err(unsupported(*index))?;
        }
        encode_to_switch(version, barrier, &ToSwitch::BarrierRequest, buffer)
            .map_err(unsupported(part.total))?;
        Ok(Self {
            link,
            version,
            ids,
            bytes,
        })
    }

    /// Sends the part and waits until the switch has confirmed it.
    pub(super) async fn apply(self, part: &Part<'_>, until: Instant) -> Result<(), ApplyError> {
        if part.bundled {
            self.apply_bundle(part, until).await
        } else {
            self.apply_plain(part, until).await
        }
    }

    async fn apply_plain(self, part: &Part<'_>, until: Instant) -> Result<(), ApplyError> {
        let Self {
            link, ids, bytes, ..
        } = self;
        let answers = ask(link, (ids.first, ids.open()), bytes, part, until).await?;
        part.verdict(answers.errors, false)
    }

    async fn apply_bundle(self, part: &Part<'_>, until: Instant) -> Result<(), ApplyError> {
        let Self {
            link,
            version,
            ids,
            bytes,
        } = self;
        let open = Open::new(link, ids.bundle());
        let staged = ask(link, (ids.first, ids.staged()), bytes, part, until).await?;
        if let Some(refused) = staged.errors.get(&part.messages.len())
            && !bundle::is_about_bundles(refused)
        {
            open.settled();
            link.takes_no_bundles();
            return Box::pin(part.plain().send(link, version, until)).await;
        }
        if staged.errors.values().any(bundle::is_about_bundles) {
            // It has trouble with the bundle, not with the changes.
            drop(open);
            return Box::pin(part.plain().send(link, version, until)).await;
        }
        if !staged.errors.is_empty() {
            return part.verdict(staged.errors, true);
        }
        let mut bytes = BytesMut::new();
        let unsupported = |source| ApplyError::Unsupported {
            index: part.total,
            source,
        };
        let barrier = ToSwitch::BarrierRequest;
        say(
            version,
            ids.commit(),
            ids,
            BundleStep::CommitRequest,
            &mut bytes,
        )
        .and_then(|()| encode_to_switch(version, ids.barrier(), &barrier, &mut bytes))
        .map_err(unsupported)?;
        // The errors of a commit carry the ids of the messages that it failed at.
        let done = ask(link, (ids.first, ids.barrier()), bytes, &EMPTY, until).await;
        open.settled();
        let Answers { errors, committed } = done?;
        let refused = errors.contains_key(&((ids.commit().0 - ids.first.0) as usize));
        if errors.is_empty() && !committed {
            return Err(ApplyError::Unknown);
        }
        part.verdict(errors, refused && !committed)
    }
}

/// What goes with a message that is not of the batch.
const EMPTY: Part<'static> = Part {
    messages: Vec::new(),
    bundled: false,
    total: 0,
};

impl<'a> Part<'a> {
    /// The same without a bundle.
    fn plain(&self) -> Part<'a> {
        Part {
            messages: self.messages.clone(),
            bundled: false,
            total: self.total,
        }
    }

    async fn send(&self, link: &Link, version: Version, until: Instant) -> Result<(), ApplyError> {
        Prepared::new(link, version, self)?
            .apply_plain(self, until)
            .await
    }

    /// What the errors that came until the barrier mean, by place in the block of ids. Those about messages tell more
    /// than those about what was sent around them.
    fn verdict(
        &self,
        errors: BTreeMap<usize, ErrorReport>,
        nothing_in_force: bool,
    ) -> Result<(), ApplyError> {
        if errors.is_empty() {
            return Ok(());
        }
        let around = errors
            .iter()
            .find(|(place, _)| **place >= self.messages.len());
        let around = around.map(|(_, report)| (self.total, report.clone()));
        let mut messages: Vec<_> = errors
            .into_iter()
            .filter_map(|(place, report)| Some((self.messages.get(place)?.0, report)))
            .collect();
        let all = messages.len() == self.messages.len() && around.is_none();
        if let Some(around) = around
            && (messages.is_empty() || !nothing_in_force)
        {
            messages.push(around);
        }
        Err(ApplyError::Rejected(Refusal {
            messages,
            nothing_in_force: nothing_in_force || all,
        }))
    }
}

/// Sends what belongs to a block of ids, and waits for the barrier that is its last.
async fn ask(
    link: &Link,
    (first, barrier): (Xid, Xid),
    bytes: BytesMut,
    part: &Part<'_>,
    until: Instant,
) -> Result<Answers, ApplyError> {
    let waiting = link.pending.expect_batch(first, barrier)?;
    link.push(bytes, part.messages.len() + 2)?;
    link.count_sent(part.messages.iter().map(|(_, message)| *message));
    match timeout_at(until, waiting.outcome()).await {
        Ok(Some(answers)) => Ok(answers),
        Ok(None) => Err(ApplyError::Disconnected),
        Err(_) => Err(ApplyError::TimedOut),
    }
}

fn say(
    version: Version,
    xid: Xid,
    ids: Ids,
    step: BundleStep,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let control = ToSwitch::BundleControl(bundle::control(ids.bundle(), step));
    encode_to_switch(version, xid, &control, buffer)
}

#[cfg(test)]
mod tests;
