//! A drain: what was asked for, how far it is, and who may change that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use godwit_openflow::types::DatapathId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::order::{Cost, Order};
use crate::migration::record::MigrationId;
use crate::migration::request::Algorithm;

/// A drain's number.
pub type DrainId = u64;

/// Where a drain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DrainState")]
pub enum State {
    /// One switch after another is emptied.
    Running,
    /// What was under way is finished, nothing more is begun.
    Paused,
    /// All switches are drained.
    Done,
    /// Given up. What is drained stays drained.
    Cancelled,
    /// It can't go on; the error says why. It may be resumed.
    Failed,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Running,
        Self::Paused,
        Self::Done,
        Self::Cancelled,
        Self::Failed,
    ];

    /// Its name in JSON and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing comes after it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

/// Where a switch of a drain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "DrainProgress")]
pub enum Progress {
    /// Its turn has not come.
    Waiting,
    /// It can't be emptied as things are; it is tried again when others have gone.
    PutOff,
    /// It is being emptied.
    Migrating,
    /// It is empty.
    Drained,
    /// Its migration did not succeed.
    Failed,
}

/// A switch of a drain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DrainMember")]
pub struct Member {
    /// The switch.
    pub dpid: DatapathId,
    /// Where it is.
    pub state: Progress,
    /// The last migration that emptied it or tried to.
    pub migration: Option<MigrationId>,
    /// What emptying it cost, or would have cost when the drain last looked.
    pub cost: Option<Cost>,
    /// Why it is put off or failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<String>,
}

impl Member {
    /// Whether it may still be begun.
    #[must_use]
    pub const fn is_waiting(&self) -> bool {
        matches!(self.state, Progress::Waiting | Progress::PutOff)
    }
}

/// What is asked for. Its switches are different and not drained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The switches to be emptied.
    pub switches: Vec<DatapathId>,
    /// In which order.
    pub order: Order,
    /// How many at once at most.
    pub parallel: usize,
    /// How each is emptied.
    pub algorithm: Algorithm,
}

/// A drain as it is served and kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Drain")]
pub struct Record {
    /// Its number.
    pub id: DrainId,
    /// Where it is.
    pub state: State,
    /// In which order its switches go.
    pub order: Order,
    /// How many at once at most.
    pub parallel: usize,
    /// How each is emptied.
    pub algorithm: Algorithm,
    /// Its switches, as they were given.
    pub switches: Vec<Member>,
    /// The switches whose migrations have begun, in that order; one that was tried twice comes twice.
    pub sequence: Vec<DatapathId>,
    /// When it was asked for (RFC 3339).
    pub started_at: String,
    /// When it came to its end, all that was under way included (RFC 3339).
    pub finished_at: Option<String>,
    /// Why it can't go on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
}

impl Record {
    fn new(id: DrainId, request: &Request) -> Self {
        let member = |&dpid| Member {
            dpid,
            state: Progress::Waiting,
            migration: None,
            cost: None,
            why: None,
        };
        Self {
            id,
            state: State::Running,
            order: request.order,
            parallel: request.parallel,
            algorithm: request.algorithm,
            switches: request.switches.iter().map(member).collect(),
            sequence: Vec::new(),
            started_at: now(),
            finished_at: None,
            error: None,
        }
    }

    /// What was asked for.
    #[must_use]
    pub fn request(&self) -> Request {
        Request {
            switches: self.switches.iter().map(|member| member.dpid).collect(),
            order: self.order,
            parallel: self.parallel,
            algorithm: self.algorithm,
        }
    }

    /// The switches that may still be begun, as they were given.
    #[must_use]
    pub fn waiting(&self) -> Vec<DatapathId> {
        let waiting = self.switches.iter().filter(|member| member.is_waiting());
        waiting.map(|member| member.dpid).collect()
    }

    /// It can't go on. What is under way is finished.
    pub(super) fn fail(&mut self, why: String) {
        // The first reason is the one that matters, and a drain that was given up has not failed.
        if matches!(self.state, State::Running | State::Paused) {
            self.state = State::Failed;
            self.error = Some(why);
        }
    }

    pub(super) fn member(&mut self, dpid: DatapathId) -> Option<&mut Member> {
        self.switches.iter_mut().find(|member| member.dpid == dpid)
    }

    pub(super) fn set(&mut self, dpid: DatapathId, state: Progress, why: Option<String>) {
        if let Some(member) = self.member(dpid) {
            member.state = state;
            member.why = why;
        }
    }
}

/// A drain as it lies in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) key: Option<String>,
    pub(super) record: Record,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// So many more may begin.
    Begin(usize),
    /// Until something ends or somebody wants something else.
    Wait,
    /// Nothing is under way and nothing is to begin.
    Leave,
}

/// A drain.
#[derive(Debug)]
pub struct Drain {
    id: DrainId,
    key: Option<String>,
    status: Mutex<Status>,
    pub(super) changed: Notify,
    /// One writes it to the store at a time, so that what lies there last is the latest.
    pub(super) storing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Status {
    record: Record,
    /// As it lies in the store.
    stored: Option<Record>,
    /// Whether a task is at it.
    is_worked_on: bool,
}

impl Drain {
    /// One that was just asked for.
    pub(super) fn new(id: DrainId, request: &Request, key: Option<String>) -> Arc<Self> {
        Self::stored(Stored {
            key,
            record: Record::new(id, request),
        })
    }

    /// One from the store.
    pub(super) fn stored(stored: Stored) -> Arc<Self> {
        let status = Status {
            record: stored.record,
            stored: None,
            is_worked_on: false,
        };
        Arc::new(Self {
            id: status.record.id,
            key: stored.key,
            status: Mutex::new(status),
            changed: Notify::new(),
            storing: tokio::sync::Mutex::default(),
        })
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> DrainId {
        self.id
    }

    /// The idempotency key that it was asked for with.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn status(&self) -> MutexGuard<'_, Status> {
        // Every operation leaves it whole, so a panic elsewhere can't have torn it.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far it is.
    #[must_use]
    pub fn record(&self) -> Record {
        self.status().record.clone()
    }

    /// Where it is.
    #[must_use]
    pub fn state(&self) -> State {
        self.status().record.state
    }

    /// What is to be stored, unless that lies there already.
    pub(super) fn to_store(&self) -> Option<Stored> {
        let status = self.status();
        let is_new = status.stored.as_ref() != Some(&status.record);
        is_new.then(|| Stored {
            key: self.key.clone(),
            record: status.record.clone(),
        })
    }

    pub(super) fn is_stored(&self, stored: Stored) {
        self.status().stored = Some(stored.record);
    }

    /// Changes the record.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Record) -> T) -> T {
        change(&mut self.status().record)
    }

    /// Whether the caller is to start a task for it, because none is there.
    pub(super) fn take_up(&self) -> bool {
        !std::mem::replace(&mut self.status().is_worked_on, true)
    }

    /// The task has ended without an end of the drain.
    pub(super) fn abandoned(&self) {
        let mut status = self.status();
        status.is_worked_on = false;
        let record = &mut status.record;
        record.fail("internal error: nobody is at it any more, but it may be resumed".to_owned());
        record.finished_at.get_or_insert_with(now);
    }

    /// What the task is to do while so many migrations are under way.
    pub(super) fn turn(&self, under_way: usize) -> Turn {
        let mut status = self.status();
        let record = &mut status.record;
        let all_drained = || {
            let mut members = record.switches.iter();
            members.all(|member| member.state == Progress::Drained)
        };
        if record.state == State::Running && under_way == 0 && all_drained() {
            record.state = State::Done;
        }
        match record.state {
            State::Running if under_way < record.parallel => {
                Turn::Begin(record.parallel - under_way)
            }
            _ if under_way > 0 || record.state == State::Running => Turn::Wait,
            _ => {
                if record.state != State::Paused && record.finished_at.is_none() {
                    record.finished_at = Some(now());
                }
                status.is_worked_on = false;
                Turn::Leave
            }
        }
    }
}

fn now() -> String {
    humantime::format_rfc3339_micros(SystemTime::now()).to_string()
}
