//! `godwit drain`: empties several switches, waits for the end, and says what happened; and what can be done to a drain
//! that is under way.

use std::future::Future;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::client::{Answer, Client, Failure};
use super::console::Console;
use super::follow::{Patience, Told, Work, interrupt};
use super::table::{self, Column, at};
use super::{Algorithm, CommonArgs, Outcome, parse};

/// Arguments of `godwit drain`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct DrainArgs {
    /// What to do with a drain that is there; without one a drain is begun.
    #[command(subcommand)]
    pub command: Option<DrainCommand>,
    /// The switches to empty
    #[arg(required = true, value_name = "SWITCH", value_parser = parse::name)]
    pub switches: Vec<String>,
    /// Which switch is next
    #[arg(long, value_enum, default_value_t = DrainOrder::Given)]
    pub order: DrainOrder,
    /// How many switches may be emptied at once [default: 1, or 4 by sets]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub parallel: Option<u16>,
    /// How each is emptied
    #[arg(long, value_enum, default_value_t = Algorithm::Clone)]
    pub algorithm: Algorithm,
    /// Print the drain's id and leave; do not wait for its end
    #[arg(long)]
    pub no_wait: bool,
    /// What every client command takes.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What can be done with a drain.
#[derive(Debug, Subcommand)]
pub enum DrainCommand {
    /// Finish what is under way and begin nothing more
    Pause(DrainIdArgs),
    /// Go on with a drain that is paused, or try again with one that has failed
    Resume(DrainIdArgs),
    /// Give a drain up: undo what is under way; what is drained stays drained
    Cancel(DrainIdArgs),
}

/// A command about one drain.
#[derive(Debug, Args)]
pub struct DrainIdArgs {
    /// The drain's id, as `godwit drains` shows it
    #[arg(value_parser = parse::name)]
    pub id: String,
    /// What every client command takes.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// The order in which switches are emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DrainOrder {
    /// As they are given
    Given,
    /// Always the one whose migration changes least as the network is now
    Lmcf,
    /// The largest set of switches that can go at the same time, then the next
    MisSs,
    /// The set that costs least for each of its switches, the cheapest of it first
    MisLmcf,
}

impl DrainOrder {
    /// Its name in the REST interface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Lmcf => "lmcf",
            Self::MisSs => "mis-ss",
            Self::MisLmcf => "mis-lmcf",
        }
    }
}

impl DrainArgs {
    pub(super) const fn common(&self) -> &CommonArgs {
        match &self.command {
            None => &self.common,
            Some(
                DrainCommand::Pause(args) | DrainCommand::Resume(args) | DrainCommand::Cancel(args),
            ) => &args.common,
        }
    }
}

const PATIENCE: Patience = Patience {
    poll: Duration::from_millis(100),
    silence: Duration::from_secs(10),
    // A hundred switches, a quarter of an hour each.
    end: Duration::from_secs(90_000),
};

const DRAIN: Work = Work {
    noun: "drain",
    collection: "drains",
    how_to_go_on: [
        "godwit drains --url {url}",
        "godwit drain cancel {id} --url {url}",
    ],
    is_finished,
    progress: progress_of,
    report,
};

/// `godwit drain`.
pub(super) async fn drain(
    client: &Client,
    args: &DrainArgs,
    console: &mut Console,
) -> Result<Outcome, Failure> {
    let answer = match &args.command {
        None => return drain_until(client, args, console, PATIENCE, interrupt()).await,
        Some(DrainCommand::Pause(args)) => {
            client.post(&["drains", &args.id, "pause"], None).await?
        }
        Some(DrainCommand::Resume(args)) => {
            client.post(&["drains", &args.id, "resume"], None).await?
        }
        Some(DrainCommand::Cancel(args)) => client.delete(&["drains", &args.id]).await?,
    };
    if args.common().json {
        console.data(&answer.body)?;
    } else {
        let drain = answer.json()?;
        let (id, state) = (at(&drain, "/id"), at(&drain, "/state"));
        let drained = drained_of_all(&drain);
        console.say(&format!("drain {id} is {state}, drained: {drained}"));
    }
    Ok(Outcome::Done)
}

/// [`drain`] with this `patience`, and leaving the drain alone when `interrupt` completes.
pub(super) async fn drain_until(
    client: &Client,
    args: &DrainArgs,
    console: &mut Console,
    patience: Patience,
    interrupt: impl Future<Output = ()>,
) -> Result<Outcome, Failure> {
    let answer = client.post(&["drains"], Some(&request(args))).await?;
    if args.no_wait {
        return DRAIN.leave_at_once(&answer, &args.common, console);
    }
    DRAIN
        .follow(client, &answer, &args.common, console, patience, interrupt)
        .await
}

fn request(args: &DrainArgs) -> Value {
    let mut request = json!({
        "switches": args.switches,
        "order": args.order.name(),
        "algorithm": args.algorithm.name(),
    });
    if let Some(parallel) = args.parallel {
        request["parallel"] = json!(parallel);
    }
    request
}

/// A drain that is paused is waited for: it may be resumed.
fn is_finished(drain: &Value) -> bool {
    drain.get("finished_at").is_some_and(|at| !at.is_null())
}

fn members(drain: &Value) -> &[Value] {
    let members = drain.get("switches").and_then(Value::as_array);
    members.map_or(&[][..], Vec::as_slice)
}

fn in_state<'a>(drain: &'a Value, state: &'a str) -> impl Iterator<Item = &'a Value> {
    let members = members(drain).iter();
    members.filter(move |member| member.get("state").and_then(Value::as_str) == Some(state))
}

/// `2 of 5`.
pub(super) fn drained_of_all(drain: &Value) -> String {
    let drained = in_state(drain, "drained").count();
    format!("{drained} of {}", members(drain).len())
}

fn progress_of(drain: &Value) -> String {
    let mut parts = vec![
        at(drain, "/state"),
        format!("drained {}", drained_of_all(drain)),
    ];
    let migrating: Vec<String> = in_state(drain, "migrating")
        .map(|member| table::short_dpid(&at(member, "/dpid")))
        .collect();
    if !migrating.is_empty() {
        parts.push(format!("emptying {}", migrating.join(", ")));
    }
    parts.join(" · ")
}

fn report(
    answer: &Answer,
    drain: &Value,
    json: bool,
    console: &mut Console,
) -> Result<Outcome, Failure> {
    let told = Told {
        noun: "drain",
        wished_for: "done",
        summary: summary(drain),
    };
    told.report(answer, drain, json, console)
}

fn summary(drain: &Value) -> String {
    let sequence = drain.get("sequence").and_then(Value::as_array);
    let sequence = sequence.into_iter().flatten();
    let sequence: Vec<String> = sequence
        .map(|dpid| table::short_dpid(&table::plain(dpid)))
        .collect();
    let pairs = [
        ("id", at(drain, "/id")),
        ("order", at(drain, "/order")),
        ("algorithm", at(drain, "/algorithm")),
        ("at once", at(drain, "/parallel")),
        ("state", at(drain, "/state")),
        ("drained", drained_of_all(drain)),
        ("sequence", sequence.join(", ")),
        ("started at", table::time(drain.get("started_at"))),
        ("finished at", table::time(drain.get("finished_at"))),
    ];
    let pairs = table::render_pairs(&pairs);
    format!("{pairs}\n\n{}", table::render(SWITCHES, members(drain)))
}

const SWITCHES: &[Column] = &[
    Column::text("switch", |member| at(member, "/dpid")),
    Column::text("state", |member| at(member, "/state").replace('_', " ")),
    Column::text("migration", |member| at(member, "/migration")),
    Column::number("rules", |member| at(member, "/cost/rules")),
    Column::number("packets/s", |member| at(member, "/cost/packets_per_s")),
    Column::text("why", |member| at(member, "/why")),
];
