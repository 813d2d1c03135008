//! `godwit migrate` and `godwit revert`: trigger a migration, or the way back of one, wait for its end, and say what
//! happened.

use std::future::Future;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::client::{Answer, Client, Failure};
use super::console::Console;
use super::table::{self, Column, at};
use super::{CommonArgs, MigrateArgs, Outcome, RevertArgs, plan};

/// How many of the source's counters are shown.
const SHOWN_COUNTERS: usize = 20;

/// How long to wait, and for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Between two looks at the migration.
    pub(super) poll: Duration,
    /// For a controller that stopped answering: it finishes or undoes a migration when it is
    /// started again.
    pub(super) silence: Duration,
    /// For the end. A migration has its own upper bounds, far below this one.
    pub(super) end: Duration,
}

const PATIENCE: Patience = Patience {
    poll: Duration::from_millis(50),
    silence: Duration::from_secs(10),
    end: Duration::from_secs(1800),
};

/// Why waiting ended.
enum Waited {
    Finished(Answer, Value),
    Interrupted,
    TooLong,
}

/// `godwit migrate`.
pub(super) async fn migrate(
    client: &Client,
    args: &MigrateArgs,
    console: &mut Console,
) -> Result<Outcome, Failure> {
    migrate_until(client, args, console, PATIENCE, interrupt()).await
}

/// `godwit revert`.
pub(super) async fn revert(
    client: &Client,
    args: &RevertArgs,
    console: &mut Console,
) -> Result<Outcome, Failure> {
    let answer = client
        .post(&["migrations", &args.id, "revert"], None)
        .await?;
    if args.no_wait {
        return leave_at_once(&answer, &args.common, console);
    }
    follow(
        client,
        &answer,
        &args.common,
        console,
        PATIENCE,
        interrupt(),
    )
    .await
}

async fn interrupt() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::debug!(%error, "no handler for SIGINT: its default stays");
        std::future::pending::<()>().await;
    }
}

/// [`migrate`] with this `patience`, and leaving the migration alone when `interrupt` completes.
pub(super) async fn migrate_until(
    client: &Client,
    args: &MigrateArgs,
    console: &mut Console,
    patience: Patience,
    interrupt: impl Future<Output = ()>,
) -> Result<Outcome, Failure> {
    let answer = client.post(&["migrations"], Some(&request(args))).await?;
    if args.dry_run {
        plan::print(&answer, args.common.json, console)?;
        return Ok(Outcome::Done);
    }
    if args.no_wait {
        return leave_at_once(&answer, &args.common, console);
    }
    follow(client, &answer, &args.common, console, patience, interrupt).await
}

/// Prints which migration was begun.
fn leave_at_once(
    answer: &Answer,
    common: &CommonArgs,
    console: &mut Console,
) -> Result<Outcome, Failure> {
    let id = identify(answer)?;
    let accepted = if common.json {
        answer.body.as_slice()
    } else {
        id.as_bytes()
    };
    console.data(accepted)?;
    Ok(Outcome::Done)
}

/// Waits for the end of the migration that was begun, and says what happened.
async fn follow(
    client: &Client,
    begun: &Answer,
    common: &CommonArgs,
    console: &mut Console,
    patience: Patience,
    interrupt: impl Future<Output = ()>,
) -> Result<Outcome, Failure> {
    let id = identify(begun)?;
    let leave = how_to_go_on(client, &id);
    match wait(client, &id, console.interactive, patience, interrupt).await {
        Ok(Waited::Finished(answer, migration)) => {
            report(&answer, &migration, common.json, console)
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
            console.say(&format!("lost sight of the migration; {leave}"));
            Err(failure)
        }
    }
}

fn request(args: &MigrateArgs) -> Value {
    let mut request = json!({
        "source": args.source,
        "algorithm": args.algorithm.name(),
        "dry_run": args.dry_run,
    });
    if let Some(target) = &args.target {
        request["target"] = json!(target);
    }
    if let Some(hold) = args.hold {
        request["hold"] = json!(hold);
    }
    request
}

fn identify(answer: &Answer) -> Result<String, Failure> {
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
            .ok_or_else(|| answer.strange("the migration has no id")),
    }
}

fn how_to_go_on(client: &Client, id: &str) -> String {
    let url = client.shown();
    format!(
        "migration {id} goes on without this command.\n  \
         look at it: godwit migrations --url {url}\n  \
         cancel it:  curl -X DELETE {url}/v1/migrations/{id}"
    )
}

async fn wait(
    client: &Client,
    id: &str,
    interactive: bool,
    patience: Patience,
    interrupt: impl Future<Output = ()>,
) -> Result<Waited, Failure> {
    let progress = Progress::start(id, interactive);
    let poll = poll_until_finished(client, id, &progress, patience);
    let waited = tokio::select! {
        biased;
        () = interrupt => Ok(Waited::Interrupted),
        finished = poll => finished.map(|(answer, migration)| Waited::Finished(answer, migration)),
        () = sleep(patience.end) => Ok(Waited::TooLong),
    };
    progress.clear();
    waited
}

async fn poll_until_finished(
    client: &Client,
    id: &str,
    progress: &Progress,
    patience: Patience,
) -> Result<(Answer, Value), Failure> {
    let mut silent_since: Option<Instant> = None;
    loop {
        match client.get(&["migrations", id], &[]).await {
            Ok(answer) => {
                silent_since = None;
                let migration = answer.json()?;
                if is_finished(&migration) {
                    return Ok((answer, migration));
                }
                progress.show(&migration);
            }
            Err(failure) if failure.is_passing() => {
                let since = *silent_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= patience.silence {
                    return Err(failure);
                }
                progress.wait_for_controller();
            }
            Err(failure) => return Err(failure),
        }
        sleep(patience.poll).await;
    }
}

fn is_finished(migration: &Value) -> bool {
    let state = migration.get("state").and_then(Value::as_str);
    matches!(state, Some("committed" | "rolled_back" | "failed"))
        || migration.get("finished_at").is_some_and(|at| !at.is_null())
}

fn report(
    answer: &Answer,
    migration: &Value,
    json: bool,
    console: &mut Console,
) -> Result<Outcome, Failure> {
    if json {
        console.data(&answer.body)?;
    } else {
        console.data(summary(migration).as_bytes())?;
    }
    let state = at(migration, "/state");
    if state == "committed" {
        return Ok(Outcome::Done);
    }
    let reason = match migration.get("error") {
        None | Some(Value::Null) => String::new(),
        Some(error) => format!(": {}", table::plain(error)),
    };
    console.say(&format!(
        "error: migration {} ended {state}{reason}",
        at(migration, "/id")
    ));
    Ok(Outcome::Failed)
}

fn summary(migration: &Value) -> String {
    let rules = ["installed", "modified", "removed"]
        .map(|kind| format!("{} {kind}", at(migration, &format!("/rules/{kind}"))))
        .join(", ");
    let target = match migration.get("target") {
        None | Some(Value::Null) => "shortest paths".to_owned(),
        Some(target) => table::plain(target),
    };
    let mut pairs = vec![
        ("id", at(migration, "/id")),
        ("algorithm", at(migration, "/algorithm")),
        ("source", at(migration, "/source")),
        ("target", target),
        ("state", at(migration, "/state")),
        ("flows", at(migration, "/flows")),
        ("rules", rules),
        ("rounds", at(migration, "/rounds")),
        ("duration", table::duration_us(migration.get("duration_us"))),
    ];
    let told = |field| migration.get(field).is_some_and(|value| !value.is_null());
    if told("reverts") {
        pairs.push(("reverts", at(migration, "/reverts")));
    }
    if told("hold_until") {
        let until = table::time(migration.get("hold_until"));
        pairs.push(("reversible until", until));
    }
    let mut sections = vec![table::render_pairs(&pairs)];
    sections.extend(section(migration, "phases", PHASES, usize::MAX));
    sections.extend(section(migration, "counters", COUNTERS, SHOWN_COUNTERS));
    sections.join("\n\n")
}

const PHASES: &[Column] = &[
    Column::text("phase", |phase| at(phase, "/name")),
    Column::number("duration", |phase| {
        table::duration_us(phase.get("duration_us"))
    }),
];

const COUNTERS: &[Column] = &[
    Column::text("counted by the source", |counter| at(counter, "/id")),
    Column::number("packets", |counter| at(counter, "/packets")),
    Column::number("bytes", |counter| at(counter, "/bytes")),
];

fn section(migration: &Value, name: &str, columns: &[Column], limit: usize) -> Option<String> {
    let rows = migration
        .get(name)?
        .as_array()
        .filter(|rows| !rows.is_empty())?;
    let mut text = table::render(columns, rows.iter().take(limit));
    if rows.len() > limit {
        text.push_str(&format!("\n … and {} more", rows.len() - limit));
    }
    Some(text)
}

/// A line on the terminal that says how far the migration is.
struct Progress {
    bar: ProgressBar,
    id: String,
}

impl Progress {
    fn start(id: &str, interactive: bool) -> Self {
        let bar = if interactive {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            id: table::printable(id).into_owned(),
        }
    }

    fn show(&self, migration: &Value) {
        self.say(&progress_of(migration));
    }

    fn wait_for_controller(&self) {
        self.say("waiting for the controller to answer again");
    }

    fn say(&self, what: &str) {
        self.bar
            .set_message(format!("migration {}: {}", self.id, table::printable(what)));
        self.bar.tick();
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn progress_of(migration: &Value) -> String {
    let phases = migration
        .get("phases")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let passed = phases.iter().map(|phase| {
        format!(
            "{} {}",
            at(phase, "/name"),
            table::duration_us(phase.get("duration_us"))
        )
    });
    std::iter::once(at(migration, "/state"))
        .chain(passed)
        .collect::<Vec<_>>()
        .join(" · ")
}
