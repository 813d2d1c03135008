//! `godwit apps`: the control apps, enabled and disabled at run time.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::CommonArgs;
use super::client::{Client, Failure};
use super::console::Console;
use super::parse;
use super::show::Listing;
use super::table::{Column, at};
use super::watch::ReadArgs;

/// `godwit apps`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct AppsArgs {
    /// What shall be done; without it they are listed.
    #[command(subcommand)]
    command: Option<AppsCommand>,
    /// What every command takes that only reads.
    #[command(flatten)]
    read: ReadArgs,
}

/// What can be done with an app.
#[derive(Debug, Subcommand)]
enum AppsCommand {
    /// Let an app take part again
    Enable(AppArgs),
    /// Let an app take no part, and take its rules away
    Disable(AppArgs),
}

/// Which app.
#[derive(Debug, Args)]
struct AppArgs {
    /// Its name
    #[arg(value_parser = parse::name)]
    app: String,
    /// What every client command takes.
    #[command(flatten)]
    common: CommonArgs,
}

impl AppsArgs {
    /// What every command takes, and how often to read again.
    pub(super) const fn arguments(&self) -> (&CommonArgs, Option<Duration>) {
        match &self.command {
            Some(AppsCommand::Enable(args) | AppsCommand::Disable(args)) => (&args.common, None),
            None => (&self.read.common, self.read.watch),
        }
    }
}

const APPS: Listing = Listing {
    resource: "apps",
    entries: "apps",
    columns: &[
        Column::text("name", |app| at(app, "/name")),
        Column::text("enabled", |app| at(app, "/enabled")),
        Column::number("packets", |app| at(app, "/packets")),
        Column::number("panics", |app| at(app, "/panics")),
        Column::text("what it does", |app| at(app, "/description")),
        Column::text("remark", remark),
    ],
};

/// Why it is disabled, or can't be.
fn remark(app: &Value) -> String {
    let why = |name: &str| app.get(name).and_then(Value::as_str);
    let remark = why("disabled_because").or_else(|| why("needed_because"));
    remark.unwrap_or_default().to_owned()
}

/// Lists the apps, or changes one.
pub(super) async fn apps(
    client: &Client,
    args: &AppsArgs,
    console: &mut Console,
) -> Result<(), Failure> {
    let json = args.arguments().0.json;
    let (app, enabled) = match &args.command {
        None => return APPS.show(client, json, console).await,
        Some(AppsCommand::Enable(args)) => (&args.app, true),
        Some(AppsCommand::Disable(args)) => (&args.app, false),
    };
    let answer = client
        .put(
            &["apps", app, "enabled"],
            &serde_json::json!({ "enabled": enabled }),
        )
        .await?;
    if json {
        return console.data(&answer.body);
    }
    let done = if enabled { "enabled" } else { "disabled" };
    console.data(format!("{app} is {done}").as_bytes())
}
