//! A migration's plan as a table: one line for each rule that would be written.

use serde_json::{Map, Value};

use super::client::{Answer, Failure};
use super::console::Console;
use super::flows;
use super::table::{self, Column, at, plain};

/// Members of a rule, a path or an undo: lists in these are not further steps of the plan.
const NOT_STEPS: [&str; 6] = ["actions", "hops", "instructions", "match", "rule", "undo"];

const COLUMNS: &[Column] = &[
    Column::text("round", |step| at(step, "/round")),
    Column::text("switch", |step| table::short_dpid(&at(step, "/switch"))),
    Column::text("change", |step| at(step, "/change")),
    Column::text("rule", |step| at(step, "/rule")),
    Column::text("why", |step| at(step, "/why")),
    Column::text("undo", |step| at(step, "/undo")),
];

/// Prints the plan that `answer` holds.
pub(super) fn print(answer: &Answer, json: bool, console: &mut Console) -> Result<(), Failure> {
    if json {
        return console.data(&answer.body);
    }
    let plan = answer.json()?;
    let rounds = plan
        .get("rounds")
        .unwrap_or(&plan)
        .as_array()
        .ok_or_else(|| answer.strange("the plan has no rounds"))?;
    let mut steps = Vec::new();
    for (index, round) in rounds.iter().enumerate() {
        let round_name = first(round, &["round", "number", "index"])
            .map_or_else(|| (index + 1).to_string(), plain);
        let label = first(round, &["name", "phase", "kind"])
            .map_or_else(String::new, |name| format!(" {}", plain(name)));
        let step = Step {
            round: format!("{round_name}{label}"),
            ..Step::default()
        };
        step.walk(round, &mut steps);
    }
    if steps.is_empty() {
        console.say("nothing would be changed");
        return Ok(());
    }
    console.data(table::render(COLUMNS, &steps).as_bytes())
}

/// What is known of a step on the way down from its round.
#[derive(Clone, Default)]
struct Step {
    round: String,
    switch: Option<String>,
    change: Option<String>,
    why: Option<String>,
}

impl Step {
    /// Appends the steps under `value`: itself, when it lists none.
    fn walk(mut self, value: &Value, steps: &mut Vec<Value>) {
        let Some(members) = value.as_object() else {
            return;
        };
        self.switch = first(value, &["dpid", "switch"]).map(plain).or(self.switch);
        self.why = first(value, &["why", "reason"]).map(plain).or(self.why);
        self.change = first(value, &["command", "operation", "op", "change"])
            .map(plain)
            .or(self.change);
        let nested: Vec<_> = members
            .iter()
            .filter(|(name, value)| holds_steps(name, value))
            .collect();
        for (name, list) in &nested {
            for inner in list.as_array().into_iter().flatten() {
                let change = self.change.clone().or_else(|| Some((*name).clone()));
                Self {
                    change,
                    ..self.clone()
                }
                .walk(inner, steps);
            }
        }
        if nested.is_empty() && self.switch.is_some() {
            steps.push(self.row(value));
        }
    }

    fn row(self, value: &Value) -> Value {
        let mut row = Map::new();
        row.insert("round".to_owned(), self.round.into());
        row.insert("switch".to_owned(), self.switch.into());
        row.insert("change".to_owned(), self.change.into());
        row.insert(
            "rule".to_owned(),
            entry(value).unwrap_or_else(|| rule(value)).into(),
        );
        row.insert("why".to_owned(), self.why.into());
        row.insert("undo".to_owned(), value.get("undo").map(undo).into());
        Value::Object(row)
    }
}

fn holds_steps(name: &str, value: &Value) -> bool {
    !NOT_STEPS.contains(&name)
        && value
            .as_array()
            .is_some_and(|list| list.is_empty() || list.iter().all(Value::is_object))
}

/// What a step is about: a rule, a group or a meter.
fn entry(value: &Value) -> Option<String> {
    if let Some(value) = value.get("rule") {
        return Some(rule(value));
    }
    if let Some(group) = value.get("group") {
        let part = |name| group.get(name).map(plain).unwrap_or_default();
        let buckets = group.get("buckets").and_then(Value::as_array);
        let buckets = buckets.map_or(0, Vec::len);
        let (number, kind) = (part("group"), part("group_type"));
        return Some(format!("group {number} {kind}, {buckets} buckets"));
    }
    let meter = value.get("meter")?;
    let number = meter.get("meter").map(plain).unwrap_or_default();
    Some(format!("meter {number}"))
}

fn rule(rule: &Value) -> String {
    let Value::Object(_) = rule else {
        return plain(rule);
    };
    let priority = rule
        .get("priority")
        .map_or_else(String::new, |priority| format!("{} ", plain(priority)));
    let does = rule
        .get("instructions")
        .map(|instructions| format!(" -> {}", flows::instructions(Some(instructions))))
        .unwrap_or_default();
    format!("{priority}{}{does}", flows::matches(rule.get("match")))
}

fn undo(undo: &Value) -> String {
    let Value::Object(_) = undo else {
        return plain(undo);
    };
    let command = first(undo, &["command", "operation", "op", "change"])
        .map_or_else(|| "-".to_owned(), plain);
    match entry(undo) {
        Some(entry) => format!("{command} {entry}"),
        None => command,
    }
}

fn first<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names
        .iter()
        .filter_map(|name| value.get(name))
        .find(|value| !value.is_null() && !value.is_array())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_groups_and_meters_are_told_apart() {
        let group = json!({"change": "install", "group": {"group": 7, "group_type": "select", "buckets": [{}, {}]}});
        assert_eq!(entry(&group).as_deref(), Some("group 7 select, 2 buckets"));
        assert_eq!(undo(&group), "install group 7 select, 2 buckets");
        let meter = json!({"meter": {"meter": 3, "flags": 1, "bands": []}});
        assert_eq!(entry(&meter).as_deref(), Some("meter 3"));
        let bare = json!({"priority": 5, "match": {}});
        assert_eq!(entry(&bare), None);
    }
}
