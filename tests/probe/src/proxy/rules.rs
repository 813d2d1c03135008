//! What becomes of each message: rules that are armed and disarmed while messages pass. Nothing here does I/O.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use godwit_openflow::{
    Frame,
    codec::{encode_from_switch, encode_to_switch},
    message::Direction,
    model::{FromSwitch, ToSwitch},
    types::{Version, Xid},
};

use super::bundles::{Doomed, Ending, error_about};
use super::command::{Action, Cut, Moment, Order, Report, RuleCount, Way};
use super::subject::Subject;

/// Messages that a rule holds; beyond that they pass. More than any batch of a test, and 64 MB of small messages.
const HELD_AT_MOST: usize = 1 << 17;

/// What is to be done about a message, in this order.
#[derive(Debug, PartialEq)]
pub(crate) enum Effect {
    /// Send these bytes that way.
    Send {
        way: Direction,
        bytes: Bytes,
        delay: Duration,
    },
    /// Close every connection.
    Cut(Cut),
    /// Forward nothing more until told to.
    Hang,
    /// Tell whoever reads.
    Tell(Report),
}

/// A message that waits for its release.
#[derive(Debug, PartialEq)]
pub(crate) struct Held {
    /// The connection that it came by.
    pub(crate) line: u64,
    pub(crate) way: Direction,
    pub(crate) bytes: Bytes,
}

#[derive(Debug)]
struct Armed {
    order: Order,
    seen: u64,
    struck: u64,
    held: VecDeque<Held>,
}

/// The rules in the order in which they were armed. The first that strikes a message decides.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    armed: Vec<Armed>,
    doomed: Doomed,
    passed: BTreeMap<Way, BTreeMap<String, u64>>,
}

impl Rules {
    /// A new rule. Gives back what an older one of the same name holds.
    ///
    /// # Errors
    /// When its action can't be done to the messages that it sees.
    pub(crate) fn arm(&mut self, order: Order) -> Result<Vec<Held>, String> {
        if let (Action::Error { .. }, Way::FromSwitch) = (&order.action, order.pattern.direction) {
            return Err("a switch is not answered with an error in a switch's place".to_owned());
        }
        let released = self.disarm(&order.rule);
        self.armed.push(Armed {
            order,
            seen: 0,
            struck: 0,
            held: VecDeque::new(),
        });
        Ok(released)
    }

    /// Forgets a rule, and gives back what it holds.
    pub(crate) fn disarm(&mut self, name: &str) -> Vec<Held> {
        let released = self.release(name);
        self.armed.retain(|armed| armed.order.rule != name);
        released
    }

    /// What a rule holds, which it then no longer does.
    pub(crate) fn release(&mut self, name: &str) -> Vec<Held> {
        self.armed
            .iter_mut()
            .filter(|armed| armed.order.rule == name)
            .flat_map(|armed| std::mem::take(&mut armed.held))
            .collect()
    }

    /// A connection has ended: what was held of it has nowhere to go.
    pub(crate) fn forget(&mut self, line: u64) {
        self.doomed.forget(line);
        for armed in &mut self.armed {
            armed.held.retain(|held| held.line != line);
        }
    }

    /// What has been seen.
    pub(crate) fn counts(&self) -> Report {
        let count = |armed: &Armed| {
            let count = RuleCount {
                seen: armed.seen,
                struck: armed.struck,
                held: armed.held.len(),
            };
            (armed.order.rule.clone(), count)
        };
        Report::Counts {
            rules: self.armed.iter().map(count).collect(),
            messages: self.passed.clone(),
        }
    }

    /// What becomes of a message that has come in on this connection.
    pub(crate) fn judge(
        &mut self,
        line: u64,
        way: Direction,
        frame: &Frame,
        now_ns: u64,
    ) -> Vec<Effect> {
        let subject = Subject::of(frame, way);
        self.note(way, &subject);
        match self.doomed.ending(line, way, frame, &subject) {
            Ok(None) => {}
            Ok(Some(Ending::Swallowed)) => return Vec::new(),
            Ok(Some(Ending::Failed {
                to_controller,
                to_switch,
            })) => {
                let errors = to_controller
                    .into_iter()
                    .map(|bytes| sent(Direction::FromSwitch, bytes));
                return errors
                    .chain([sent(Direction::ToSwitch, to_switch)])
                    .collect();
            }
            Err(error) => return vec![failed(&error), sent(way, frame.bytes().clone())],
        }
        let Some(index) = self.struck(way, &subject) else {
            return vec![sent(way, frame.bytes().clone())];
        };
        self.strike(index, line, way, frame, &subject, now_ns)
    }

    /// Counts the message, and what it adds to a bundle, by kind.
    fn note(&mut self, way: Direction, subject: &Subject) {
        let passed = self.passed.entry(way.into()).or_default();
        for part in [Some(subject), subject.inner.as_deref()]
            .into_iter()
            .flatten()
        {
            let kind = serde_json::to_value(part.kind).ok();
            let kind = kind.as_ref().and_then(serde_json::Value::as_str);
            if let Some(kind) = kind {
                *passed.entry(kind.to_owned()).or_default() += 1;
                if let Some(which) = &part.which {
                    *passed.entry(format!("{kind} {which}")).or_default() += 1;
                }
            }
        }
    }

    /// Lets every rule see the message. Gives the first that strikes it.
    fn struck(&mut self, way: Direction, subject: &Subject) -> Option<usize> {
        let has_struck: Vec<String> = self
            .armed
            .iter()
            .filter(|armed| armed.struck > 0)
            .map(|armed| armed.order.rule.clone())
            .collect();
        let mut first = None;
        for (index, armed) in self.armed.iter_mut().enumerate() {
            let waits = armed.order.after.as_ref();
            if waits.is_some_and(|after| !has_struck.contains(after))
                || !armed.order.pattern.covers(way, subject)
            {
                continue;
            }
            armed.seen += 1;
            if first.is_none() && armed.order.strikes.includes(armed.seen) {
                first = Some(index);
            }
        }
        first
    }

    fn strike(
        &mut self,
        index: usize,
        line: u64,
        way: Direction,
        frame: &Frame,
        subject: &Subject,
        now_ns: u64,
    ) -> Vec<Effect> {
        let Some(armed) = self.armed.get_mut(index) else {
            return vec![sent(way, frame.bytes().clone())];
        };
        armed.struck += 1;
        let innermost = subject.innermost();
        let told = Effect::Tell(Report::Struck {
            at_ns: now_ns,
            rule: armed.order.rule.clone(),
            occurrence: armed.seen,
            message: innermost.kind,
            which: innermost.which.clone(),
            xid: subject.xid,
        });
        if let Action::Error { error_type, code } = armed.order.action {
            let answered = self.answer(line, frame, subject, (error_type, code));
            return [told].into_iter().chain(answered).collect();
        }
        let mut effects = armed.carry_out(line, way, frame);
        // Told first, but for what happens to the line: a test that is told of that relies on it.
        let at = effects
            .iter()
            .position(|effect| matches!(effect, Effect::Hang | Effect::Cut(_)))
            .map_or(0, |at| at + 1);
        effects.insert(at, told);
        effects
    }

    /// An error in the place of the message: at once, or where it stands in a bundle when that is committed.
    fn answer(
        &mut self,
        line: u64,
        frame: &Frame,
        subject: &Subject,
        error: (u16, u16),
    ) -> Vec<Effect> {
        let effects = match (subject.bundle, &subject.inner, subject.version) {
            (Some(bundle), Some(_), _) => self
                .doomed
                .doom(line, bundle, frame, error)
                .map(|()| Vec::new()),
            (_, _, Some(version)) => error_about(frame.bytes(), version, subject.xid, error)
                .map(|bytes| vec![sent(Direction::FromSwitch, bytes)]),
            (_, _, None) => Ok(vec![sent(Direction::ToSwitch, frame.bytes().clone())]),
        };
        effects.unwrap_or_else(|error| vec![failed(&error)])
    }
}

impl Armed {
    /// What is to be done about a message that this rule strikes.
    fn carry_out(&mut self, line: u64, way: Direction, frame: &Frame) -> Vec<Effect> {
        let on = || sent(way, frame.bytes().clone());
        match &self.order.action {
            Action::Pass {} => vec![on()],
            Action::Drop {} => Vec::new(),
            Action::Delay { ms } => vec![Effect::Send {
                way,
                bytes: frame.bytes().clone(),
                delay: Duration::from_millis(*ms),
            }],
            Action::Duplicate {} => vec![on(), on()],
            Action::Hold {} if self.held.len() >= HELD_AT_MOST => {
                vec![failed(&"too many messages are held: it passes"), on()]
            }
            Action::Hold {} => {
                let bytes = frame.bytes().clone();
                self.held.push_back(Held { line, way, bytes });
                Vec::new()
            }
            // Answered by whoever knows of bundles.
            Action::Error { .. } => Vec::new(),
            Action::Rewrite { xid, message } => match rewritten(frame, way, *xid, message.as_ref())
            {
                Ok(bytes) => vec![sent(way, bytes)],
                Err(reason) => vec![failed(&reason), on()],
            },
            &Action::Disconnect {
                moment,
                reset,
                refuse_ms,
            } => {
                let cut = Effect::Cut(Cut { reset, refuse_ms });
                match moment {
                    Moment::Before => vec![cut],
                    Moment::After => vec![on(), cut],
                }
            }
            Action::Hang { moment } => match moment {
                Moment::Before => vec![Effect::Hang, on()],
                Moment::After => vec![on(), Effect::Hang],
            },
        }
    }
}

const fn sent(way: Direction, bytes: Bytes) -> Effect {
    Effect::Send {
        way,
        bytes,
        delay: Duration::ZERO,
    }
}

fn failed(reason: &impl ToString) -> Effect {
    Effect::Tell(Report::Failed {
        reason: reason.to_string(),
    })
}

fn rewritten(
    frame: &Frame,
    way: Direction,
    xid: Option<Xid>,
    message: Option<&serde_json::Value>,
) -> Result<Bytes, String> {
    let xid = xid.unwrap_or_else(|| frame.xid());
    let Some(message) = message else {
        let mut bytes = BytesMut::from(frame.bytes().as_ref());
        if let Some(place) = bytes.get_mut(4..8) {
            place.copy_from_slice(&xid.0.to_be_bytes());
        }
        return Ok(bytes.freeze());
    };
    let version = Version::from_wire(frame.version())
        .ok_or("the message is of a version that isn't spoken here")?;
    let mut bytes = BytesMut::new();
    match way {
        Direction::ToSwitch => {
            let message: ToSwitch =
                serde_json::from_value(message.clone()).map_err(|error| error.to_string())?;
            encode_to_switch(version, xid, &message, &mut bytes)
        }
        Direction::FromSwitch => {
            let message: FromSwitch =
                serde_json::from_value(message.clone()).map_err(|error| error.to_string())?;
            encode_from_switch(version, xid, &message, &mut bytes)
        }
    }
    .map_err(|error| error.to_string())?;
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests;
