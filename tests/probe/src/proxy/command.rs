//! What the proxy is told and what it tells, one JSON object a line.

use std::collections::BTreeMap;

use godwit_openflow::{
    message::Direction,
    types::{Cookie, TableId, Xid},
};
use serde::{Deserialize, Serialize};

use super::subject::{Kind, Subject};

/// A line on standard input.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Command {
    /// From now on do this to those messages. A rule of the same name is replaced.
    Arm(Order),
    /// Forget a rule. What it holds goes on.
    Disarm { rule: String },
    /// Let go what a rule holds, in the order in which it came. The rule stays.
    Release { rule: String },
    /// Close every connection, at both ends.
    Disconnect(Cut),
    /// Forward nothing more, either way, and read nothing; connections stay open.
    Hang,
    /// Go on after a hang.
    Resume,
    /// Refuse new connections, for so long or until told to accept them.
    Refuse {
        #[serde(default)]
        ms: Option<u64>,
    },
    /// Take new connections again.
    Accept,
    /// Tell what each rule has seen, and how many messages of each kind went each way.
    Count,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    /// Its name.
    pub(crate) rule: String,
    /// Which messages it sees.
    #[serde(rename = "match")]
    pub(crate) pattern: Pattern,
    /// Which of those it strikes; the first by default.
    #[serde(default)]
    pub(crate) strikes: Strikes,
    /// It sees messages only when the rule of this name has struck.
    #[serde(default)]
    pub(crate) after: Option<String>,
    /// What becomes of them.
    pub(crate) action: Action,
}

/// The messages that a rule sees: those that agree with all that it gives. A message within a bundle is seen like one
/// that comes by itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pattern {
    pub(crate) direction: Way,
    pub(crate) message: Kind,
    /// A command, statistics type or bundle step. `modify` and `delete` are their strict forms, too.
    #[serde(default)]
    pub(crate) which: Option<String>,
    #[serde(default)]
    pub(crate) table: Option<TableId>,
    #[serde(default)]
    pub(crate) cookie: Option<Cookie>,
    /// The bits of the cookie that must agree; all by default.
    #[serde(default)]
    pub(crate) cookie_mask: Option<u64>,
}

impl Pattern {
    /// Whether the message, or the one that it adds to a bundle, is meant.
    pub(crate) fn covers(&self, direction: Direction, subject: &Subject) -> bool {
        direction == self.direction.into()
            && (self.agrees(subject) || subject.inner.as_deref().is_some_and(|s| self.agrees(s)))
    }

    fn agrees(&self, subject: &Subject) -> bool {
        let mask = self.cookie_mask.unwrap_or(u64::MAX);
        let which = |wanted: &String| {
            subject.which.as_deref().is_some_and(|which| {
                which == wanted || which.strip_suffix("_strict") == Some(wanted)
            })
        };
        let cookie = |wanted: Cookie| {
            subject
                .cookie
                .is_some_and(|cookie| cookie.0 & mask == wanted.0 & mask)
        };
        subject.kind == self.message
            && self.which.as_ref().is_none_or(which)
            && self.table.is_none_or(|table| subject.table == Some(table))
            && self.cookie.is_none_or(cookie)
    }
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    ToSwitch,
    FromSwitch,
}

impl From<Way> for Direction {
    fn from(way: Way) -> Self {
        match way {
            Way::ToSwitch => Self::ToSwitch,
            Way::FromSwitch => Self::FromSwitch,
        }
    }
}

impl From<Direction> for Way {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::ToSwitch => Self::ToSwitch,
            Direction::FromSwitch => Self::FromSwitch,
        }
    }
}

/// Which of the messages that a rule sees it strikes. They are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Strikes {
    /// This one.
    Nth(u64),
    /// This one and all that follow.
    From(u64),
    /// Each whose number is a multiple of this.
    Every(u64),
}

impl Default for Strikes {
    fn default() -> Self {
        Self::Nth(1)
    }
}

impl Strikes {
    pub(crate) const fn includes(self, occurrence: u64) -> bool {
        match self {
            Self::Nth(nth) => occurrence == nth,
            Self::From(first) => occurrence >= first,
            Self::Every(step) => occurrence.is_multiple_of(step),
        }
    }
}

/// What becomes of a message that is struck. Those without members have empty braces: only so serde refuses others.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Action {
    /// It goes on; the strike is only told.
    Pass {},
    /// It doesn't go on.
    Drop {},
    /// It goes on later; those behind it overtake it.
    Delay { ms: u64 },
    /// It goes on twice.
    Duplicate {},
    /// It goes on when it is released; those behind it overtake it.
    Hold {},
    /// It doesn't go on, and the controller gets this error in its place. Within a bundle the controller gets it when
    /// it commits, as from a switch.
    Error { error_type: u16, code: u16 },
    /// It goes on as another message, or with another transaction id, or both.
    Rewrite {
        #[serde(default)]
        xid: Option<Xid>,
        #[serde(default)]
        message: Option<serde_json::Value>,
    },
    /// Every connection is closed, before it goes on, so that it doesn't, or after.
    Disconnect {
        #[serde(default)]
        moment: Moment,
        #[serde(default)]
        reset: bool,
        #[serde(default)]
        refuse_ms: Option<u64>,
    },
    /// Nothing goes on any more, either way: from this message on, or from the one behind it.
    Hang {
        #[serde(default)]
        moment: Moment,
    },
}

/// On which side of a message something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Moment {
    #[default]
    Before,
    After,
}

/// How connections are closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cut {
    /// By RST, and what is on the way is lost; otherwise in order.
    #[serde(default)]
    pub(crate) reset: bool,
    /// New connections are refused for so long; 0 until told to accept them.
    #[serde(default)]
    pub(crate) refuse_ms: Option<u64>,
}

/// A line on standard output. Times are nanoseconds on `CLOCK_MONOTONIC`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub(crate) enum Report {
    /// Switches may come.
    Listening { port: u16 },
    /// A switch has come, and the controller took it.
    Connected { at_ns: u64, line: u64 },
    /// A switch, or the controller, has gone, or was made to.
    Disconnected { at_ns: u64, line: u64 },
    /// A rule has struck.
    Struck {
        at_ns: u64,
        rule: String,
        occurrence: u64,
        message: Kind,
        #[serde(skip_serializing_if = "Option::is_none")]
        which: Option<String>,
        xid: Xid,
    },
    /// What a rule asks for could not be done to a message that it struck.
    Failed { reason: String },
    /// The command has been carried out.
    Done,
    /// The command could not be carried out.
    Refused { reason: String },
    /// What has been seen.
    Counts {
        rules: BTreeMap<String, RuleCount>,
        messages: BTreeMap<Way, BTreeMap<String, u64>>,
    },
}

/// What a rule has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct RuleCount {
    /// Messages that agreed with its pattern.
    pub(crate) seen: u64,
    /// Those that it struck.
    pub(crate) struck: u64,
    /// Those that it holds now.
    pub(crate) held: usize,
}
