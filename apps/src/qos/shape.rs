//! What a port shall be shaped to, and what Open vSwitch's database says of it: pure values.

use std::collections::BTreeMap;

use godwit_controller::rest::ApiError;
use godwit_openflow::types::DatapathId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ovsdb::values::{empty, id, ids, map, number_in, pairs, rows, text};

/// The kind of shaping that has queues with minimum rates everywhere on Linux.
const KIND: &str = "linux-htb";

/// What marks rows as godwit's, and what holds a queue's name.
const MARK: &str = "godwit";
const NAME: &str = "godwit-name";

/// Queues at most, and the highest number that one may have: what Open vSwitch's `linux-htb` takes.
const MOST_QUEUES: usize = 64;
const HIGHEST_QUEUE: u32 = 0xefff;

/// What traffic without a queue gets at least, in bit/s, when the queues leave nothing.
const LEAST_RATE: u64 = 12_000;

/// What a port shall be shaped to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShapeRequest {
    /// All that leaves by the port together, in bit/s.
    max_rate_bps: u64,
    #[serde(default)]
    queues: Vec<Queue>,
}

/// A class of traffic on a port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ShapedQueue")]
pub(super) struct Queue {
    /// Its number, by which routes and rules choose it.
    queue: u32,
    /// What it is for.
    #[serde(default)]
    name: Option<String>,
    /// What it gets whenever it has that much to send.
    #[serde(default)]
    min_rate_bps: Option<u64>,
    /// What it never exceeds; without it, the port's.
    #[serde(default)]
    max_rate_bps: Option<u64>,
    /// Who gets what is left over first: the lowest.
    #[serde(default)]
    priority: Option<u32>,
}

impl ShapeRequest {
    /// The same, complete: with the queue of what chooses none, number 0.
    ///
    /// # Errors
    /// 422 when it is not possible.
    pub(super) fn checked(mut self) -> Result<Self, ApiError> {
        let wrong = |index: usize, field: &str, why: String| {
            ApiError::impossible(why).at(format!("queues[{index}].{field}"))
        };
        if self.max_rate_bps < LEAST_RATE {
            let why = format!("a port is shaped to {LEAST_RATE} bit/s or more");
            return Err(ApiError::impossible(why).at("max_rate_bps"));
        }
        if self.queues.len() > MOST_QUEUES {
            let why = format!("a port has {MOST_QUEUES} queues at the most");
            return Err(ApiError::impossible(why).at("queues"));
        }
        let mut promised: u64 = 0;
        for (index, queue) in self.queues.iter().enumerate() {
            if queue.queue > HIGHEST_QUEUE {
                let why = format!("a queue has a number up to {HIGHEST_QUEUE}");
                return Err(wrong(index, "queue", why));
            }
            let before = self.queues.get(..index).unwrap_or_default();
            if before.iter().any(|other| other.queue == queue.queue) {
                return Err(wrong(
                    index,
                    "queue",
                    format!("queue {} is there twice", queue.queue),
                ));
            }
            let most = queue.max_rate_bps.unwrap_or(self.max_rate_bps);
            if most > self.max_rate_bps {
                let why = "a queue can't have more than its port".to_owned();
                return Err(wrong(index, "max_rate_bps", why));
            }
            let least = queue.min_rate_bps.unwrap_or(0);
            if least > most {
                let why = "the minimum rate is above the maximum rate".to_owned();
                return Err(wrong(index, "min_rate_bps", why));
            }
            promised = promised.saturating_add(least);
        }
        if promised > self.max_rate_bps {
            let why = format!(
                "the minimum rates are {promised} bit/s together, more than the port's {}",
                self.max_rate_bps
            );
            return Err(ApiError::impossible(why).at("queues"));
        }
        if self.queues.iter().all(|queue| queue.queue != 0) {
            self.queues.push(Queue {
                queue: 0,
                name: None,
                min_rate_bps: Some((self.max_rate_bps - promised).max(LEAST_RATE)),
                max_rate_bps: None,
                priority: None,
            });
        }
        self.queues.sort_by_key(|queue| queue.queue);
        Ok(self)
    }
}

/// A port and how it is shaped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ShapedPort")]
pub(super) struct Shaped {
    port: u32,
    name: String,
    /// As Open vSwitch calls it.
    r#type: String,
    max_rate_bps: Option<u64>,
    queues: Vec<Queue>,
    /// Whether godwit has made it: else it is left alone.
    own: bool,
}

/// What has to be asked for the rest of this file.
pub(super) fn questions(dpid: DatapathId) -> Vec<Value> {
    let select = |table: &str, columns: Value| json!({ "op": "select", "table": table, "where": [], "columns": columns });
    vec![
        json!({
            "op": "select", "table": "Bridge", "columns": ["ports"],
            "where": [["datapath_id", "==", dpid.to_string()]],
        }),
        select("Port", json!(["_uuid", "name", "interfaces", "qos"])),
        select("Interface", json!(["_uuid", "ofport"])),
        select(
            "QoS",
            json!(["_uuid", "type", "other_config", "queues", "external_ids"]),
        ),
        select("Queue", json!(["_uuid", "other_config", "external_ids"])),
    ]
}

/// The ports of a switch, as the database has them.
#[derive(Debug)]
pub(super) struct Ports {
    ports: Vec<Row>,
    shapes: BTreeMap<String, Value>,
    queues: BTreeMap<String, Value>,
}

/// A port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    id: String,
    name: String,
    number: u32,
    /// What shapes it.
    shape: Option<String>,
}

impl Ports {
    /// Reads the answers to [`questions`]; `None` when the database doesn't have the switch.
    pub(super) fn read(answers: &[Value]) -> Option<Self> {
        let bridge = rows(answers, 0).first()?;
        let of_bridge = ids(&bridge["ports"]);
        let by_id = |index: usize| -> BTreeMap<String, Value> {
            let identified = rows(answers, index)
                .iter()
                .filter_map(|row| Some((id(&row["_uuid"])?, row.clone())));
            identified.collect()
        };
        let numbers = by_id(2);
        let ports = rows(answers, 1).iter().filter_map(|row| {
            let own = id(&row["_uuid"]).filter(|own| of_bridge.contains(own))?;
            let interfaces = ids(&row["interfaces"]);
            let mut number = interfaces
                .iter()
                .filter_map(|interface| numbers.get(interface)?["ofport"].as_u64());
            Some(Row {
                id: own,
                name: row["name"].as_str()?.to_owned(),
                number: u32::try_from(number.next()?).ok()?,
                shape: ids(&row["qos"]).pop(),
            })
        });
        Some(Self {
            ports: ports.collect(),
            shapes: by_id(3),
            queues: by_id(4),
        })
    }

    /// A port by its number.
    pub(super) fn port(&self, number: u32) -> Option<&Row> {
        self.ports.iter().find(|port| port.number == number)
    }

    /// The ports that are shaped, by number.
    pub(super) fn shaped(&self) -> Vec<Shaped> {
        let mut all: Vec<Shaped> = self
            .ports
            .iter()
            .filter_map(|port| self.shape_of(port))
            .collect();
        all.sort_by_key(|shaped| shaped.port);
        all
    }

    /// How a port is shaped.
    pub(super) fn shape_of(&self, port: &Row) -> Option<Shaped> {
        let shape = self.shapes.get(port.shape.as_ref()?)?;
        let queues = pairs(&shape["queues"])
            .into_iter()
            .filter_map(|(number, row)| {
                let row = self.queues.get(&id(row)?)?;
                Some(Queue {
                    queue: u32::try_from(number.as_u64()?).ok()?,
                    name: text(&row["external_ids"], NAME).map(str::to_owned),
                    min_rate_bps: number_in(&row["other_config"], "min-rate"),
                    max_rate_bps: number_in(&row["other_config"], "max-rate"),
                    priority: number_in(&row["other_config"], "priority")
                        .and_then(|n| u32::try_from(n).ok()),
                })
            });
        let mut queues: Vec<Queue> = queues.collect();
        queues.sort_by_key(|queue| queue.queue);
        Some(Shaped {
            port: port.number,
            name: port.name.clone(),
            r#type: shape["type"].as_str().unwrap_or_default().to_owned(),
            max_rate_bps: number_in(&shape["other_config"], "max-rate"),
            queues,
            own: text(&shape["external_ids"], MARK).is_some(),
        })
    }

    /// Whether somebody else shapes it.
    pub(super) fn is_foreign(&self, port: &Row) -> bool {
        self.shape_of(port).is_some_and(|shaped| !shaped.own)
    }

    /// What makes a port be shaped so, or not at all, in one transaction.
    pub(super) fn change(&self, port: &Row, to: Option<&ShapeRequest>) -> Vec<Value> {
        let this = json!([["_uuid", "==", ["uuid", port.id]]]);
        let before = port
            .shape
            .as_ref()
            .map_or_else(empty, |shape| json!(["uuid", shape]));
        let mut operations = vec![json!({
            // Nobody has shaped it since it was read.
            "op": "wait", "timeout": 0, "table": "Port", "where": this, "columns": ["qos"],
            "until": "==", "rows": [{ "qos": before }],
        })];
        let after = match to {
            None => empty(),
            Some(shape) => {
                operations.extend(shape.queues.iter().map(insert_queue));
                operations.push(insert_shape(shape));
                json!(["named-uuid", "shape"])
            }
        };
        operations.push(
            json!({ "op": "update", "table": "Port", "where": this, "row": { "qos": after } }),
        );
        operations.extend(self.removal(port));
        operations
    }

    /// Deletes what shaped the port: nothing else does.
    fn removal(&self, port: &Row) -> Vec<Value> {
        let delete = |table: &str, id: &str| json!({ "op": "delete", "table": table, "where": [["_uuid", "==", ["uuid", id]]] });
        let Some(shape) = &port.shape else {
            return Vec::new();
        };
        let mut operations = vec![delete("QoS", shape)];
        let queues = self.shapes.get(shape).map(|shape| pairs(&shape["queues"]));
        let queues = queues
            .into_iter()
            .flatten()
            .filter_map(|(_, queue)| id(queue));
        operations.extend(queues.map(|queue| delete("Queue", &queue)));
        operations
    }
}

fn insert_queue(queue: &Queue) -> Value {
    let rates = [
        ("min-rate", queue.min_rate_bps),
        ("max-rate", queue.max_rate_bps),
        ("priority", queue.priority.map(u64::from)),
    ];
    let rates = rates
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?.to_string())));
    let mut marks = vec![(MARK, "queue".to_owned())];
    marks.extend(queue.name.clone().map(|name| (NAME, name)));
    json!({
        "op": "insert", "table": "Queue", "uuid-name": format!("queue{}", queue.queue),
        "row": { "other_config": map(rates), "external_ids": map(marks) },
    })
}

fn insert_shape(shape: &ShapeRequest) -> Value {
    let queues = shape
        .queues
        .iter()
        .map(|queue| json!([queue.queue, ["named-uuid", format!("queue{}", queue.queue)]]));
    json!({
        "op": "insert", "table": "QoS", "uuid-name": "shape",
        "row": {
            "type": KIND,
            "other_config": map([("max-rate", shape.max_rate_bps.to_string())]),
            "external_ids": map([(MARK, "port".to_owned())]),
            "queues": ["map", queues.collect::<Vec<_>>()],
        },
    })
}

#[cfg(test)]
mod tests;
