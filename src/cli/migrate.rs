//! `godwit migrate` and `godwit revert`: trigger a migration, or the way back of one, wait for its end, and say what
//! happened.

use std::future::Future;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::client::{Answer, Client, Failure};
use super::console::Console;
use super::follow::{Patience, Told, Work, interrupt};
use super::table::{self, Column, at};
use super::{CommonArgs, Outcome, parse, plan};

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

/// Arguments of `godwit migrate`.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// The switch to empty
    #[arg(value_parser = parse::name)]
    pub source: String,
    /// The switch to take its work; without one, traffic goes wherever the shortest paths lead
    #[arg(value_parser = parse::name)]
    pub target: Option<String>,
    /// How to move
    #[arg(long, value_enum, default_value_t = Algorithm::Clone)]
    pub algorithm: Algorithm,
    /// Seconds after the commit within which `godwit revert` may go back [default: 300]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(..=86_400))]
    pub hold: Option<u32>,
    /// How traffic shall go round the source [default: what the controller finds best]
    #[arg(long, value_enum)]
    pub shape: Option<Shape>,
    /// Wait for migrations that are in the way instead of being refused
    #[arg(long)]
    pub queue: bool,
    /// Roll back when more packets than this are lost
    #[arg(long, value_name = "N")]
    pub max_loss_packets: Option<u64>,
    /// Roll back when no packet comes through for longer than this, in milliseconds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_silence_ms: Option<u64>,
    /// Print the plan and change nothing
    #[arg(long, conflicts_with = "no_wait")]
    pub dry_run: bool,
    /// Print the migration's id and leave; do not wait for its end
    #[arg(long)]
    pub no_wait: bool,
    /// What every client command takes.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Arguments of `godwit revert`.
#[derive(Debug, Args)]
pub struct RevertArgs {
    /// The migration's id, as `godwit migrations` shows it
    #[arg(value_parser = parse::name)]
    pub id: String,
    /// Print the id of the migration that goes back and leave; do not wait for its end
    #[arg(long)]
    pub no_wait: bool,
    /// What every client command takes.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// How a migration moves flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// Install everything new first, then flip; keeps traffic and counters
    Clone,
    /// Remove, then install again; keeps counters
    Move,
    /// Remove, then install again; keeps neither traffic nor counters
    FreezeCopy,
}

impl Algorithm {
    /// Its name in the REST interface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clone => "clone",
            Self::Move => "move",
            Self::FreezeCopy => "freeze-copy",
        }
    }
}

/// How traffic goes round the source of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// The target takes the source's place, with a link to each neighbour in use
    Substitution,
    /// The target takes the source's place, neighbours without a link are reached by labelled detours
    Detour,
    /// Each route goes the shortest way without the source
    ReRoute,
}

impl Shape {
    /// Its name in the REST interface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Substitution => "substitution",
            Self::Detour => "detour",
            Self::ReRoute => "re-route",
        }
    }
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
