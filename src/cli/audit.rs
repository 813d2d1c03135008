//! `godwit audit`: whether switches hold what they should.

use clap::Args;
use serde_json::{Map, Value};

use super::client::{Client, Failure};
use super::console::Console;
use super::table::{self, Column, at};
use super::{ReadArgs, flows, parse};

/// Arguments of `godwit audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Only this switch: its datapath id, or the name of its LOCAL port
    #[arg(value_parser = parse::name)]
    pub switch: Option<String>,
    /// Show what the last audit has found, without auditing now
    #[arg(long)]
    pub last: bool,
    /// What every command takes that only reads.
    #[command(flatten)]
    pub read: ReadArgs,
}

const SWITCHES: &[Column] = &[
    Column::text("switch", |report| at(report, "/name")),
    Column::text("dpid", |report| at(report, "/dpid")),
    Column::text("audited at", |report| table::time(report.get("audited_at"))),
    Column::text("result", |report| match report.get("why") {
        Some(why) => format!("{}: {}", at(report, "/result"), table::plain(why)),
        None => at(report, "/result"),
    }),
    Column::number("rules", |report| at(report, "/rules")),
    Column::number("restored", |report| at(report, "/restored")),
    Column::number("mended", |report| at(report, "/mended")),
    Column::number("wrong", |report| at(report, "/unmended_rules")),
    Column::number("alien", |report| at(report, "/alien_rules")),
];

const RULES: &[Column] = &[
    Column::text("switch", |rule| at(rule, "/switch")),
    Column::text("what", |rule| at(rule, "/what")),
    Column::text("owner", |rule| at(rule, "/owner")),
    Column::number("table", |rule| at(rule, "/table")),
    Column::number("priority", |rule| at(rule, "/priority")),
    Column::text("cookie", |rule| at(rule, "/cookie")),
    Column::text("match", |rule| flows::matches(rule.get("match"))),
    Column::text("remark", |rule| at(rule, "/remark")),
];

/// Audits, or reads what the last audits have found, and shows it.
pub(super) async fn audit(
    client: &Client,
    args: &AuditArgs,
    console: &mut Console,
) -> Result<(), Failure> {
    let path = match &args.switch {
        Some(switch) => vec!["switches", switch.as_str(), "audit"],
        None => vec!["audit"],
    };
    let answer = if args.last {
        client.get(&path, &[]).await?
    } else {
        client.post(&path, None).await?
    };
    if args.read.common.json {
        return console.data(&answer.body);
    }
    let value = answer.json()?;
    let reports: Vec<&Value> = match value.get("switches") {
        Some(list) => list
            .as_array()
            .ok_or_else(|| answer.strange("expected a list of switches"))?
            .iter()
            .collect(),
        None => vec![&value],
    };
    if reports.is_empty() {
        console.say("no switch was audited");
        return Ok(());
    }
    console.table(SWITCHES, reports.iter().copied())?;
    let rules: Vec<Value> = reports.iter().flat_map(|report| named(report)).collect();
    if !rules.is_empty() {
        console.data(b"")?;
        console.table(RULES, &rules)?;
    }
    Ok(())
}

/// The rules of a report: those just put right, those that are still wrong, those of nobody.
fn named(report: &Value) -> Vec<Value> {
    let list = |name: &str| report.get(name).and_then(Value::as_array);
    let count = |name: &str| report.get(name).and_then(Value::as_u64).unwrap_or(0);
    let just = usize::try_from(count("restored") + count("mended")).unwrap_or(usize::MAX);
    let mut all = Vec::new();
    let mut add = |what: &str, rule: &Value, remark: String| {
        let mut row = rule.as_object().cloned().unwrap_or_else(Map::new);
        row.insert("switch".to_owned(), at(report, "/name").into());
        row.insert("what".to_owned(), what.into());
        row.insert("remark".to_owned(), remark.into());
        all.push(Value::Object(row));
    };
    for rule in list("repairs").into_iter().flatten().take(just) {
        add(&at(rule, "/repair"), rule, differs(rule));
    }
    for rule in list("unmended").into_iter().flatten() {
        let what = match list_of(rule, "changed") {
            [] => "missing",
            _ => "changed",
        };
        add(what, rule, at(rule, "/why"));
    }
    for rule in list("alien").into_iter().flatten() {
        add("alien", rule, flows::instructions(rule.get("instructions")));
    }
    all
}

fn list_of<'a>(rule: &'a Value, name: &str) -> &'a [Value] {
    let list = rule.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// What was changed of a rule that was put right.
fn differs(rule: &Value) -> String {
    match rule.get("changed") {
        Some(changed) if !list_of(rule, "changed").is_empty() => {
            format!("{} had been changed", table::plain(changed))
        }
        _ => String::new(),
    }
}
