//! The commands that change one thing: routes, and a switch's return into service.

use clap::ValueEnum;
use serde_json::{Map, Value, json};

use super::client::{Client, Failure};
use super::console::Console;
use super::table::{self, at};
use super::{RouteAddArgs, RouteRmArgs, SwitchArgs, flows};

/// What makes a path short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Metric {
    /// How many links it has
    Hops,
    /// What packets take to cross it
    Latency,
    /// How full its links are
    Utilisation,
}

/// How a route uses several paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Spread {
    /// Over paths of equal cost, by select groups of OpenFlow 1.3
    Ecmp,
}

impl Metric {
    /// As REST has it.
    pub(super) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// `godwit route add`.
pub(super) async fn add(
    client: &Client,
    args: &RouteAddArgs,
    console: &mut Console,
) -> Result<(), Failure> {
    let answer = client.post(&["routes"], Some(&request(args)?)).await?;
    if args.common.json {
        return console.data(&answer.body);
    }
    let route = answer.json()?;
    let mut pairs = vec![
        ("id", at(&route, "/id")),
        ("from", table::endpoint(route.get("from"))),
        ("to", table::endpoint(route.get("to"))),
        ("match", flows::matches(route.get("match"))),
    ];
    match route.get("paths").and_then(Value::as_array) {
        None => pairs.push(("path", table::path_with_ports(route.get("path")))),
        Some(paths) => {
            let path = |path| ("path", table::path_with_ports(Some(path)));
            pairs.extend(paths.iter().map(path));
        }
    }
    let alone = route.get("single_path_at").and_then(Value::as_array);
    for one in alone.into_iter().flatten() {
        let (switch, why) = (table::short_dpid(&at(one, "/dpid")), at(one, "/why"));
        pairs.push(("single path", format!("from {switch} on: {why}")));
    }
    console.data(table::render_pairs(&pairs).as_bytes())?;
    let warnings = route.get("warnings").and_then(Value::as_array);
    for warning in warnings.into_iter().flatten() {
        console.say(&format!("warning: {}", table::plain(warning)));
    }
    Ok(())
}

fn request(args: &RouteAddArgs) -> Result<Value, Failure> {
    let mut fields = Map::new();
    for condition in &args.fields {
        if fields
            .insert(condition.field.clone(), condition.value.clone())
            .is_some()
        {
            return Err(Failure::Usage(format!(
                "--match {} is given twice",
                condition.field
            )));
        }
    }
    let mut request = json!({ "from": args.from.to_json(), "to": args.to.to_json() });
    if !fields.is_empty() {
        request["match"] = Value::Object(fields);
    }
    if !args.via.is_empty() {
        request["via"] = json!(args.via);
    }
    if let Some(metric) = args.metric {
        request["metric"] = json!(metric.name());
    }
    if let Some(Spread::Ecmp) = args.spread {
        request["spread"] = json!("ecmp");
    }
    let numbers = [
        ("max_paths", args.max_paths),
        ("priority", args.priority),
        ("idle_timeout", args.idle_timeout),
        ("hard_timeout", args.hard_timeout),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            request[name] = json!(number);
        }
    }
    Ok(request)
}

/// `godwit route rm`.
pub(super) async fn remove(
    client: &Client,
    args: &RouteRmArgs,
    console: &mut Console,
) -> Result<(), Failure> {
    let answer = client.delete(&["routes", &args.id]).await?;
    done(
        &answer.body,
        args.common.json,
        &format!("route {} removed", args.id),
        console,
    )
}

/// `godwit restore`.
pub(super) async fn restore(
    client: &Client,
    args: &SwitchArgs,
    console: &mut Console,
) -> Result<(), Failure> {
    let answer = client
        .post(&["switches", &args.switch, "restore"], None)
        .await?;
    let message = format!("switch {} may carry traffic again", args.switch);
    done(&answer.body, args.common.json, &message, console)
}

fn done(body: &[u8], json: bool, message: &str, console: &mut Console) -> Result<(), Failure> {
    if json && !body.is_empty() {
        return console.data(body);
    }
    console.say(message);
    Ok(())
}
