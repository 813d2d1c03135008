//! `godwit top`: the busiest links and routes, live.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::client::{Answer, Client, Failure};
use super::console::Console;
use super::table::{self, Column, at};
use super::{CommonArgs, parse};

/// How often it looks when nothing else is said: rates are of a second or more.
const EVERY: Duration = Duration::from_secs(2);

/// Switches at most that it asks itself. In a larger network it shows what the controller collects by itself, as often
/// as `[statistics] interval_s` says.
const ASKED: usize = 64;

/// What the busiest are chosen by.
const RATE: &str = "/bits_per_second";

/// `godwit top`.
#[derive(Debug, Args)]
pub struct TopArgs {
    /// Links and routes to show, of each
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    lines: u16,
    /// Look every so many seconds [default: 2]
    #[arg(long, value_name = "SECONDS", value_parser = parse::interval)]
    watch: Option<Duration>,
    /// Look once, and end: rates are those since the last collection
    #[arg(long, conflicts_with = "watch")]
    once: bool,
    /// What every client command takes.
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

impl TopArgs {
    /// How often to look again.
    pub(super) const fn every(&self) -> Option<Duration> {
        match (self.once, self.watch) {
            (true, _) => None,
            (false, None) => Some(EVERY),
            (false, every) => every,
        }
    }
}

const LINKS: &[Column] = &[
    Column::text("link", |link| {
        let end = |name: &str| table::endpoint(link.get(name));
        format!("{} → {}", end("src"), end("dst"))
    }),
    Column::number("rate", |link| table::bits(link.pointer(RATE))),
    Column::number("packets/s", |link| {
        table::rate(link.get("packets_per_second"))
    }),
    Column::number("used", |link| table::percent(link.get("utilisation"))),
];

const ROUTES: &[Column] = &[
    Column::number("route", |route| at(route, "/id")),
    Column::text("from", |route| table::endpoint(route.get("from"))),
    Column::text("to", |route| table::endpoint(route.get("to"))),
    Column::number("rate", |route| table::bits(route.pointer(RATE))),
    Column::number("packets/s", |route| {
        table::rate(route.get("packets_per_second"))
    }),
    Column::number("used", |route| table::percent(route.get("utilisation"))),
];

/// Shows the busiest links and routes once.
pub(super) async fn top(
    client: &Client,
    args: &TopArgs,
    console: &mut Console,
) -> Result<(), Failure> {
    collect(client).await?;
    let answer = client.get(&["statistics"], &[]).await?;
    let value = answer.json()?;
    let links = busiest(&answer, &value, "links", args.lines)?;
    let routes = busiest(&answer, &value, "routes", args.lines)?;
    if args.common.json {
        let both = json!({ "links": links, "routes": routes });
        return console.data(both.to_string().as_bytes());
    }
    if links.is_empty() && routes.is_empty() {
        console.say("no rates yet: they take two collections a second apart");
        return Ok(());
    }
    console.table(LINKS, links)?;
    console.data(b"")?;
    console.table(ROUTES, routes)
}

/// Makes the switches be asked now. One that does not answer has the rates that it had.
async fn collect(client: &Client) -> Result<(), Failure> {
    let answer = client.get(&["switches"], &[]).await?;
    let listed = answer.json()?;
    let switches = listed
        .as_array()
        .ok_or_else(|| answer.strange("expected a list of switches"))?;
    if switches.len() > ASKED {
        return Ok(());
    }
    for switch in switches {
        let Some(dpid) = switch.get("dpid").and_then(Value::as_str) else {
            continue;
        };
        match client.post(&["switches", dpid, "statistics"], None).await {
            Ok(_) | Err(Failure::Refused(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

/// Those of a list that have a rate, the busiest first.
fn busiest<'a>(
    answer: &Answer,
    value: &'a Value,
    name: &str,
    most: u16,
) -> Result<Vec<&'a Value>, Failure> {
    let list = value.get(name).and_then(Value::as_array);
    let list = list.ok_or_else(|| answer.strange(&format!("expected a list of {name}")))?;
    let rate = |entry: &Value| entry.pointer(RATE).and_then(Value::as_f64);
    let mut known: Vec<(f64, &Value)> = list
        .iter()
        .filter_map(|entry| Some((rate(entry)?, entry)))
        .collect();
    known.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let chosen = known.into_iter().take(usize::from(most));
    Ok(chosen.map(|(_, entry)| entry).collect())
}
