//! Waiting for the end of something that goes on in the controller: a migration, a drain.

use std::future::Future;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::client::{Answer, Client, Failure};
use super::console::Console;
use super::table::at;
use super::{CommonArgs, Outcome, table};

/// How long to wait, and for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Between two looks at it.
    pub(super) poll: Duration,
    /// For a controller that stopped answering: it goes on with what it was at when it is
    /// started again.
    pub(super) silence: Duration,
    /// For the end.
    pub(super) end: Duration,
}

/// What is waited for.
pub(super) struct Work {
    /// What it is called.
    pub(super) noun: &'static str,
    /// The first segment of its path.
    pub(super) collection: &'static str,
    /// How to look at it and how to cancel it, where `{url}` and `{id}` stand for its place.
    pub(super) how_to_go_on: [&'static str; 2],
    /// Whether nothing happens to it any more.
    pub(super) is_finished: fn(&Value) -> bool,
    /// How far it is.
    pub(super) progress: fn(&Value) -> String,
    /// Says what happened.
    pub(super) report: fn(&Answer, &Value, bool, &mut Console) -> Result<Outcome, Failure>,
}

/// What is said of an end.
pub(super) struct Told {
    /// What it is called.
    pub(super) noun: &'static str,
    /// The state that was wished for.
    pub(super) wished_for: &'static str,
    /// What happened.
    pub(super) summary: String,
}

impl Told {
    /// Prints it, and why it is not the end that was wished for.
    pub(super) fn report(
        self,
        answer: &Answer,
        what: &Value,
        json: bool,
        console: &mut Console,
    ) -> Result<Outcome, Failure> {
        if json {
            console.data(&answer.body)?;
        } else {
            console.data(self.summary.as_bytes())?;
        }
        let state = at(what, "/state");
        if state == self.wished_for {
            return Ok(Outcome::Done);
        }
        let reason = match what.get("error") {
            None | Some(Value::Null) => String::new(),
            Some(error) => format!(": {}", table::plain(error)),
        };
        let (noun, id) = (self.noun, at(what, "/id"));
        console.say(&format!("error: {noun} {id} ended {state}{reason}"));
        Ok(Outcome::Failed)
    }
}

/// Why waiting ended.
enum Waited {
    Finished(Answer, Value),
    Interrupted,
    TooLong,
}

/// Until somebody presses Ctrl-C.
pub(super) async fn interrupt() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::debug!(%error, "no handler for SIGINT: its default stays");
        std::future::pending::<()>().await;
    }
}

impl Work {
    /// Prints which one was begun.
    pub(super) fn leave_at_once(
        &self,
        answer: &Answer,
        common: &CommonArgs,
        console: &mut Console,
    ) -> Result<Outcome, Failure> {
        let id = self.identify(answer)?;
        let accepted = if common.json {
            answer.body.as_slice()
        } else {
            id.as_bytes()
        };
        console.data(accepted)?;
        Ok(Outcome::Done)
    }

    /// Waits for the end of the one that was begun, and says what happened. It is left alone when `interrupt` completes.
    pub(super) async fn follow(
        &self,
        client: &Client,
        begun: &Answer,
        common: &CommonArgs,
        console: &mut Console,
        patience: Patience,
        interrupt: impl Future<Output = ()>,
    ) -> Result<Outcome, Failure> {
        let id = self.identify(begun)?;
        let leave = self.how_to_go_on(client, &id);
        match self
            .wait(client, &id, console.interactive, patience, interrupt)
            .await
        {
            Ok(Waited::Finished(answer, last)) => {
                (self.report)(&answer, &last, common.json, console)
            }
            Ok(Waited::Interrupted) => {
                console.say(&format!("\ninterrupted; {leave}"));
                Ok(Outcome::Interrupted)
            }
            Ok(Waited::TooLong) => {
                console.say(&format!(
                    "not finished after {}; {leave}",
                    table::duration(patience.end)
                ));
                Ok(Outcome::Failed)
            }
            Err(failure) => {
                console.say(&format!("lost sight of the {}; {leave}", self.noun));
                Err(failure)
            }
        }
    }

    fn identify(&self, answer: &Answer) -> Result<String, Failure> {
        let body = answer.json()?;
        match body.get("id") {
            Some(Value::String(id)) => Ok(id.clone()),
            Some(Value::Number(id)) => Ok(id.to_string()),
            _ => answer
                .location
                .as_deref()
                .and_then(|location| location.rsplit('/').next())
                .filter(|id| !id.is_empty())
                .map(str::to_owned)
                .ok_or_else(|| answer.strange(&format!("the {} has no id", self.noun))),
        }
    }

    fn how_to_go_on(&self, client: &Client, id: &str) -> String {
        let [look, cancel] = self
            .how_to_go_on
            .map(|how| how.replace("{url}", client.shown()).replace("{id}", id));
        format!(
            "{} {id} goes on without this command.\n  look at it: {look}\n  cancel it:  {cancel}",
            self.noun
        )
    }

    async fn wait(
        &self,
        client: &Client,
        id: &str,
        interactive: bool,
        patience: Patience,
        interrupt: impl Future<Output = ()>,
    ) -> Result<Waited, Failure> {
        let progress = Progress::start(self.noun, id, interactive);
        let poll = self.poll_until_finished(client, id, &progress, patience);
        let waited = tokio::select! {
            biased;
            () = interrupt => Ok(Waited::Interrupted),
            finished = poll => finished.map(|(answer, last)| Waited::Finished(answer, last)),
            () = sleep(patience.end) => Ok(Waited::TooLong),
        };
        progress.clear();
        waited
    }

    async fn poll_until_finished(
        &self,
        client: &Client,
        id: &str,
        progress: &Progress,
        patience: Patience,
    ) -> Result<(Answer, Value), Failure> {
        let mut silent_since: Option<Instant> = None;
        loop {
            match client.get(&[self.collection, id], &[]).await {
                Ok(answer) => {
                    silent_since = None;
                    let now = answer.json()?;
                    if (self.is_finished)(&now) {
                        return Ok((answer, now));
                    }
                    progress.say(&(self.progress)(&now));
                }
                Err(failure) if failure.is_passing() => {
                    let since = *silent_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= patience.silence {
                        return Err(failure);
                    }
                    progress.say("waiting for the controller to answer again");
                }
                Err(failure) => return Err(failure),
            }
            sleep(patience.poll).await;
        }
    }
}

/// A line on the terminal that says how far it is.
struct Progress {
    bar: ProgressBar,
    what: String,
}

impl Progress {
    fn start(noun: &str, id: &str, interactive: bool) -> Self {
        let bar = if interactive {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        let what = format!("{noun} {}", table::printable(id));
        Self { bar, what }
    }

    fn say(&self, what: &str) {
        self.bar
            .set_message(format!("{}: {}", self.what, table::printable(what)));
        self.bar.tick();
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
