//! What has happened lately, numbered, for whoever asks later or wants to hear more.
//!
//! The log keeps the last events, and nothing for those who read it: one who reads more slowly than things happen finds
//! that some are gone, and is told how many. So no reader can make the controller keep more, or wait.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use crate::event::Event;

/// How many events are kept: a few seconds of the busiest network, hours of a quiet one. Each takes some hundred bytes.
const KEPT: usize = 8192;

/// Names an event among all of all runs of the controller. As text, `RUN-NUMBER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventId {
    /// When the run began, in milliseconds since 1970.
    run: u64,
    /// The event's number in its run, from 1; 0 is before all of them.
    number: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.run, self.number)
    }
}

impl FromStr for EventId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (run, number) = text.split_once('-').ok_or(())?;
        let parse = |digits: &str| {
            let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            is_plain.then(|| digits.parse().ok()).flatten().ok_or(())
        };
        Ok(Self {
            run: parse(run)?,
            number: parse(number)?,
        })
    }
}

/// An event that was kept.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// Its name.
    pub(crate) id: EventId,
    /// When it was heard of.
    pub(crate) at: SystemTime,
    /// What happened.
    pub(crate) event: Event,
}

/// What follows after some event.
#[derive(Debug, Clone)]
pub(crate) enum Next {
    /// This happened next.
    Event(Recorded),
    /// Events are gone that were not read.
    Missed {
        /// The last of them.
        until: EventId,
        /// How many; `None` when they were another run's.
        count: Option<u64>,
    },
}

/// The last events.
#[derive(Debug)]
pub(crate) struct EventLog {
    run: u64,
    recent: Mutex<VecDeque<Recorded>>,
    /// The number of the newest.
    newest: watch::Sender<u64>,
}

impl Default for EventLog {
    fn default() -> Self {
        let run = SystemTime::now().duration_since(UNIX_EPOCH);
        let run = run.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0));
        Self {
            run,
            recent: Mutex::default(),
            newest: watch::channel(0).0,
        }
    }
}

impl EventLog {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Recorded>> {
        // Nothing in here panics half-way.
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    const fn id(&self, number: u64) -> EventId {
        EventId {
            run: self.run,
            number,
        }
    }

    /// Keeps an event.
    pub(crate) fn record(&self, event: Event) {
        let mut recent = self.lock();
        let number = *self.newest.borrow() + 1;
        if recent.len() == KEPT {
            recent.pop_front();
        }
        recent.push_back(Recorded {
            id: self.id(number),
            at: SystemTime::now(),
            event,
        });
        // While the log is locked, so that numbers grow.
        self.newest.send_replace(number);
    }

    /// The newest event, or what stands before the first.
    pub(crate) fn newest(&self) -> EventId {
        self.id(*self.newest.borrow())
    }

    /// What comes next after an event, if it is there already.
    pub(crate) fn after(&self, last: EventId) -> Option<Next> {
        let recent = self.lock();
        let newest = *self.newest.borrow();
        let oldest = recent.front().map_or(newest + 1, |first| first.id.number);
        if last.run != self.run || last.number > newest {
            // What was read was another run's; what this one has had so far follows.
            return Some(Next::Missed {
                until: self.id(oldest - 1),
                count: None,
            });
        }
        if last.number + 1 < oldest {
            return Some(Next::Missed {
                until: self.id(oldest - 1),
                count: Some(oldest - 1 - last.number),
            });
        }
        let place = usize::try_from(last.number + 1 - oldest).ok()?;
        recent.get(place).cloned().map(Next::Event)
    }

    /// Waits for what comes next after an event.
    pub(crate) async fn next(&self, last: EventId) -> Next {
        let mut newest = self.newest.subscribe();
        loop {
            newest.mark_unchanged();
            if let Some(next) = self.after(last) {
                return next;
            }
            // The sender is in here and lives as long.
            let _ = newest.changed().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use godwit_openflow::types::DatapathId;

    use super::*;

    fn event(dpid: u64) -> Event {
        Event::SwitchReady(DatapathId(dpid))
    }

    fn number(next: Option<Next>) -> Option<u64> {
        match next? {
            Next::Event(recorded) => Some(recorded.id.number),
            missed @ Next::Missed { .. } => panic!("{missed:?}"),
        }
    }

    #[test]
    fn events_are_read_in_their_order_from_anywhere() {
        let log = EventLog::default();
        let start = log.newest();
        assert!(log.after(start).is_none());
        (1..=5).for_each(|dpid| log.record(event(dpid)));
        let mut last = start;
        for expected in 1..=5 {
            assert_eq!(number(log.after(last)), Some(expected));
            last = log.id(expected);
        }
        assert!(log.after(last).is_none());
        assert_eq!(number(log.after(log.id(3))), Some(4));
    }

    #[test]
    fn who_reads_too_slowly_is_told_how_many_are_gone() {
        let log = EventLog::default();
        let start = log.newest();
        let more = 10;
        (0..KEPT as u64 + more).for_each(|dpid| log.record(event(dpid)));
        let Some(Next::Missed { until, count }) = log.after(start) else {
            panic!("nothing was missed");
        };
        assert_eq!((until.number, count), (more, Some(more)));
        assert_eq!(number(log.after(until)), Some(more + 1));
        assert_eq!(log.lock().len(), KEPT);
    }

    #[test]
    fn an_event_of_another_run_is_known_as_such() {
        let log = EventLog::default();
        (1..=3).for_each(|dpid| log.record(event(dpid)));
        let other = EventId { run: 7, number: 2 };
        let ahead = log.id(9);
        for last in [other, ahead] {
            let Some(Next::Missed { until, count }) = log.after(last) else {
                panic!("nothing was missed");
            };
            assert_eq!((until, count), (log.id(0), None));
        }
    }

    #[tokio::test]
    async fn who_waits_is_woken_by_the_next_event() {
        let log = std::sync::Arc::new(EventLog::default());
        let waiting = std::sync::Arc::clone(&log);
        let start = log.newest();
        let next = tokio::spawn(async move { waiting.next(start).await });
        tokio::task::yield_now().await;
        log.record(event(1));
        assert_eq!(number(Some(next.await.unwrap())), Some(1));
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        let id = EventLog::default().id(42);
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "1-2-3",
            "+1-2",
            "1- 2",
            "a-1",
            "1-99999999999999999999",
        ] {
            assert_eq!(wrong.parse::<EventId>(), Err(()), "{wrong}");
        }
    }
}
