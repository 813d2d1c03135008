//! Mirrors as Open vSwitch's database has them: pure values.

use std::collections::{BTreeMap, BTreeSet};

use godwit_controller::rest::ApiError;
use godwit_openflow::types::DatapathId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ovsdb::values::{id, ids, map, pairs, rows, text};

/// What marks rows as godwit's.
const MARK: &str = "godwit";

/// The longest name of a mirror, in bytes.
const LONGEST_NAME: usize = 64;

/// The highest number of a VLAN.
const HIGHEST_VLAN: u16 = 4095;

/// Which packets are copied, of those that pass the ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Direction {
    /// Those that come in.
    In,
    /// Those that go out.
    Out,
    /// All.
    #[default]
    Both,
}

/// What shall be copied, and where to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MirrorRequest {
    /// The ports whose packets are copied; without them all.
    #[serde(default)]
    ports: Option<BTreeSet<u32>>,
    #[serde(default)]
    direction: Direction,
    /// Only packets of these VLANs.
    #[serde(default)]
    vlans: BTreeSet<u16>,
    /// The port that the copies go to. It carries nothing else from then on.
    pub(super) output: u32,
}

/// A mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Mirror {
    name: String,
    /// The ports whose incoming packets are copied.
    r#in: Vec<u32>,
    /// The ports whose outgoing packets are copied.
    out: Vec<u32>,
    /// Whether the packets of all ports are.
    all: bool,
    vlans: Vec<u16>,
    output: Option<u32>,
    /// What it has copied.
    packets: u64,
    bytes: u64,
    /// Whether godwit has made it: else it is left alone.
    pub(super) own: bool,
}

/// What has to be asked for the rest of this file.
pub(super) fn questions(dpid: DatapathId) -> Vec<Value> {
    let select = |table: &str, columns: Value| json!({ "op": "select", "table": table, "where": [], "columns": columns });
    vec![
        json!({
            "op": "select", "table": "Bridge", "columns": ["_uuid", "ports", "mirrors"],
            "where": [["datapath_id", "==", dpid.to_string()]],
        }),
        select("Port", json!(["_uuid", "interfaces"])),
        select("Interface", json!(["_uuid", "ofport"])),
        json!({ "op": "select", "table": "Mirror", "where": [] }),
    ]
}

/// A switch, its ports and its mirrors.
#[derive(Debug)]
pub(super) struct Bridge {
    id: String,
    /// The row of each port, by its number.
    ports: BTreeMap<u32, String>,
    /// The rows of mirrors, with their names.
    mirrors: Vec<(String, Value)>,
}

impl Bridge {
    /// Reads the answers to [`questions`]; `None` when the database doesn't have the switch.
    pub(super) fn read(answers: &[Value]) -> Option<Self> {
        let bridge = rows(answers, 0).first()?;
        let numbers: BTreeMap<String, u32> = rows(answers, 2)
            .iter()
            .filter_map(|row| {
                let number = row["ofport"].as_u64()?;
                Some((id(&row["_uuid"])?, u32::try_from(number).ok()?))
            })
            .collect();
        let of_bridge = ids(&bridge["ports"]);
        let ports = rows(answers, 1).iter().filter_map(|row| {
            let port = id(&row["_uuid"]).filter(|port| of_bridge.contains(port))?;
            let interfaces = ids(&row["interfaces"]);
            let mut known = interfaces.iter().filter_map(|one| numbers.get(one));
            Some((*known.next()?, port))
        });
        let of_bridge = ids(&bridge["mirrors"]);
        let mirrors = rows(answers, 3).iter().filter_map(|row| {
            id(&row["_uuid"]).filter(|mirror| of_bridge.contains(mirror))?;
            Some((row["name"].as_str()?.to_owned(), row.clone()))
        });
        Some(Self {
            id: id(&bridge["_uuid"])?,
            ports: ports.collect(),
            mirrors: mirrors.collect(),
        })
    }

    /// All mirrors, by name.
    pub(super) fn mirrors(&self) -> Vec<Mirror> {
        let mut all: Vec<Mirror> = self
            .mirrors
            .iter()
            .map(|(name, row)| self.describe(name, row))
            .collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// One of them.
    pub(super) fn mirror(&self, name: &str) -> Option<Mirror> {
        let (name, row) = self.mirrors.iter().find(|(known, _)| known == name)?;
        Some(self.describe(name, row))
    }

    fn describe(&self, name: &str, row: &Value) -> Mirror {
        let numbers = |column: &str| -> Vec<u32> {
            let chosen = ids(&row[column]);
            let chosen = self.ports.iter().filter(|(_, port)| chosen.contains(port));
            chosen.map(|(number, _)| *number).collect()
        };
        let counted = |key: &str| {
            let statistics = pairs(&row["statistics"]).into_iter();
            let mut found = statistics.filter(|(known, _)| *known == key);
            found.next().and_then(|(_, value)| value.as_u64())
        };
        Mirror {
            name: name.to_owned(),
            r#in: numbers("select_src_port"),
            out: numbers("select_dst_port"),
            all: row["select_all"] == true,
            vlans: vlans(&row["select_vlan"]),
            output: numbers("output_port").pop(),
            packets: counted("tx_packets").unwrap_or(0),
            bytes: counted("tx_bytes").unwrap_or(0),
            own: text(&row["external_ids"], MARK).is_some(),
        }
    }

    /// What makes there be such a mirror, or none of this name, in one transaction.
    ///
    /// # Errors
    /// 422 when it is not possible.
    pub(super) fn change(
        &self,
        name: &str,
        to: Option<&MirrorRequest>,
    ) -> Result<Vec<Value>, ApiError> {
        let this = json!([["_uuid", "==", ["uuid", self.id]]]);
        let known: Vec<Value> = self.mirrors.iter().filter_map(row_id).collect();
        let others = self.mirrors.iter().filter(|(other, _)| other != name);
        let mut after: Vec<Value> = others.filter_map(row_id).collect();
        let mut operations = vec![json!({
            // Nobody has made or ended one since they were read.
            "op": "wait", "timeout": 0, "table": "Bridge", "where": this, "columns": ["mirrors"],
            "until": "==", "rows": [{ "mirrors": ["set", known] }],
        })];
        if let Some(request) = to {
            operations.push(self.insert(name, request)?);
            after.push(json!(["named-uuid", "mirror"]));
        }
        // A row that no bridge refers to any more goes by itself.
        operations.push(json!({
            "op": "update", "table": "Bridge", "where": this, "row": { "mirrors": ["set", after] },
        }));
        Ok(operations)
    }

    fn insert(&self, name: &str, request: &MirrorRequest) -> Result<Value, ApiError> {
        if name.len() > LONGEST_NAME {
            let why = format!("the name of a mirror has {LONGEST_NAME} bytes at the most");
            return Err(ApiError::impossible(why));
        }
        let row = |number: u32, field: &str| {
            let port = self.ports.get(&number).map(|port| json!(["uuid", port]));
            port.ok_or_else(|| {
                ApiError::impossible(format!("the switch has no port {number}")).at(field)
            })
        };
        let ports = request.ports.iter().flatten();
        let ports: Vec<Value> = ports
            .map(|number| row(*number, "ports"))
            .collect::<Result<_, _>>()?;
        if request.ports.is_some() && ports.is_empty() {
            let why = "no port is named; without `ports` the packets of all are copied";
            return Err(ApiError::impossible(why).at("ports"));
        }
        if request
            .ports
            .iter()
            .flatten()
            .any(|port| *port == request.output)
        {
            let why = "the copies would be copied again: `output` is one of `ports`";
            return Err(ApiError::impossible(why).at("output"));
        }
        if let Some(vlan) = request.vlans.iter().find(|vlan| **vlan > HIGHEST_VLAN) {
            let why = format!("{vlan} is no VLAN: they go up to {HIGHEST_VLAN}");
            return Err(ApiError::impossible(why).at("vlans"));
        }
        let when = |wanted: bool| {
            if wanted {
                json!(["set", ports])
            } else {
                json!(["set", []])
            }
        };
        Ok(json!({
            "op": "insert", "table": "Mirror", "uuid-name": "mirror",
            "row": {
                "name": name,
                "select_all": request.ports.is_none(),
                "select_src_port": when(request.direction != Direction::Out),
                "select_dst_port": when(request.direction != Direction::In),
                "select_vlan": ["set", request.vlans],
                "output_port": row(request.output, "output")?,
                "external_ids": map([(MARK, "mirror".to_owned())]),
            },
        }))
    }
}

fn row_id((_, row): &(String, Value)) -> Option<Value> {
    id(&row["_uuid"]).map(|mirror| json!(["uuid", mirror]))
}

/// One number or a set of them.
fn vlans(value: &Value) -> Vec<u16> {
    let all = value[1].as_array().into_iter().flatten();
    let one = value.as_u64().into_iter();
    one.chain(all.filter_map(Value::as_u64))
        .filter_map(|vlan| u16::try_from(vlan).ok())
        .collect()
}

#[cfg(test)]
mod tests;
