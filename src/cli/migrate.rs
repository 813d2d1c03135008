//! `godwit migrate` and `godwit revert`: trigger a migration, or the way back of one, wait for its end, and say what
//! happened.

use std::future::Future;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Answer, Client, Failure};
use super::console::Console;
use super::follow::{Patience, Told, Work, interrupt};
use super::table::{self, Column, at};
use super::{MigrateArgs, Outcome, RevertArgs, plan};

/// How many of the source's counters are shown.
const SHOWN_COUNTERS: usize = 20;

const PATIENCE: Patience = Patience {
    poll: Duration::from_millis(50),
    silence: Duration::from_secs(10),
    // A migration has its own upper bounds, far below this one.
    end: Duration::from_secs(1800),
};

const MIGRATION: Work = Work {
    noun: "migration",
    collection: "migrations",
    how_to_go_on: [
        "godwit migrations --url {url}",
        "curl -X DELETE {url}/v1/migrations/{id}",
    ],
    is_finished,
    progress: progress_of,
    report,
};

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
        return MIGRATION.leave_at_once(&answer, &args.common, console);
    }
    let end = interrupt();
    MIGRATION
        .follow(client, &answer, &args.common, console, PATIENCE, end)
        .await
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
        return MIGRATION.leave_at_once(&answer, &args.common, console);
    }
    MIGRATION
        .follow(client, &answer, &args.common, console, patience, interrupt)
        .await
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
    if let Some(shape) = args.shape {
        request["shape"] = json!(shape.name());
    }
    if args.queue {
        request["queue"] = json!(true);
    }
    if let Some(packets) = args.max_loss_packets {
        request["max_loss_packets"] = json!(packets);
    }
    if let Some(silence) = args.max_silence_ms {
        request["max_silence_ms"] = json!(silence);
    }
    request
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
    let told = Told {
        noun: "migration",
        wished_for: "committed",
        summary: summary(migration),
    };
    told.report(answer, migration, json, console)
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
