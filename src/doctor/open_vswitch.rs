//! Open vSwitch on this machine: whether it is there, and whether its bridges are set up for a controller.

use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::machine::kernel_release;
use super::{Finding, NoAnswer, Status, ask};
use crate::listeners;

/// What everything here is about.
const CHECK: &str = "Open vSwitch";

/// How `ovs-vsctl` is asked for a table: it gives up after 5 s, and changes nothing.
const LIST: [&str; 3] = ["--timeout=5", "--no-wait", "--format=json"];

/// The versions that are spoken here, as Open vSwitch calls them.
const SPOKEN: [&str; 2] = ["OpenFlow10", "OpenFlow13"];

/// How late it may tell that a bridge is connected: it writes that down every 5 s.
const LATE: Duration = Duration::from_secs(6);

/// How often it is asked meanwhile.
const AGAIN: Duration = Duration::from_millis(250);

/// A bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bridge {
    name: String,
    /// `secure` or `standalone`; nothing means `standalone`.
    fail_mode: Option<String>,
    /// Nothing means all that are on by default, both of ours among them.
    protocols: Vec<String>,
    datapath: String,
    controllers: Vec<Remote>,
}

impl Bridge {
    /// Whether it may be connected and only not be said to be: a program of this machine listens where it goes.
    fn may_be_connected(&self) -> bool {
        let active = || self.controllers.iter().filter(|remote| remote.is_active());
        let listens = |remote: &Remote| remote.address().and_then(listeners::holder).is_some();
        !active().any(|remote| remote.connected) && active().any(listens)
    }
}

/// A controller that a bridge is told to have.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Remote {
    target: String,
    connected: bool,
}

impl Remote {
    /// Whether the bridge itself goes there. At the others it waits for somebody to come.
    fn is_active(&self) -> bool {
        ["tcp:", "ssl:", "unix:"]
            .iter()
            .any(|kind| self.target.starts_with(kind))
    }

    /// Where it listens, if that is said with a port.
    fn address(&self) -> Option<SocketAddr> {
        self.target.strip_prefix("tcp:")?.parse().ok()
    }
}

pub(super) fn findings() -> Vec<Finding> {
    let version = match ask("ovs-vsctl", &["--version"]) {
        Ok(text) => version(&text),
        Err(NoAnswer::Missing) => {
            return vec![Finding::warn(
                CHECK,
                "not installed here",
                "needed for Mininet and for switches on this machine: apt install openvswitch-switch",
            )];
        }
        Err(NoAnswer::Failed(why)) => {
            return vec![Finding::fail(
                CHECK,
                why,
                "install openvswitch-switch again",
            )];
        }
    };
    let bridges = match bridges_at_rest() {
        Ok(Some(bridges)) => bridges,
        Ok(None) => {
            let detail = format!("{version}; what it says of its bridges is not understood");
            return vec![Finding::warn(CHECK, detail, "see `ovs-vsctl show`")];
        }
        Err(trouble) => return vec![unreachable(&version, &trouble)],
    };
    let mut findings = vec![Finding::ok(CHECK, format!("{version}, runs")), datapath()];
    findings.extend(bridges.iter().map(judge));
    findings
}

/// The version in the first line of `ovs-vsctl --version`.
fn version(text: &str) -> String {
    text.lines()
        .next()
        .and_then(|line| line.split_whitespace().last())
        .unwrap_or("of unknown version")
        .to_owned()
}

/// The bridges, when what is told late has been waited for. Nothing, if the answer is not understood.
fn bridges_at_rest() -> Result<Option<Vec<Bridge>>, String> {
    let began = Instant::now();
    loop {
        let bridges = table(
            "Bridge",
            "name,fail_mode,protocols,datapath_type,controller",
        )?;
        let bridges = read_bridges(&bridges, &table("Controller", "_uuid,target,is_connected")?);
        let late = bridges.iter().flatten().any(Bridge::may_be_connected);
        if !late || began.elapsed() > LATE {
            return Ok(bridges);
        }
        thread::sleep(AGAIN);
    }
}

fn table(name: &str, columns: &str) -> Result<String, String> {
    let columns = format!("--columns={columns}");
    let arguments = [&LIST[..], &[&columns, "list", name]].concat();
    ask("ovs-vsctl", &arguments).map_err(|trouble| match trouble {
        NoAnswer::Missing => "ovs-vsctl is gone".to_owned(),
        NoAnswer::Failed(why) => why,
    })
}

fn unreachable(version: &str, why: &str) -> Finding {
    let detail = format!("{version}, does not answer: {why}");
    if why.contains("ermission denied") {
        Finding::warn(
            CHECK,
            detail,
            "run `godwit doctor` as root to see its bridges",
        )
    } else {
        let mend = "start it (systemctl start openvswitch-switch, or ovs-ctl start)";
        Finding::fail(CHECK, detail, mend)
    }
}

/// Whether bridges can forward in the kernel.
fn datapath() -> Finding {
    let release = kernel_release().unwrap_or_default();
    let modules = Path::new("/lib/modules").join(&release);
    let has = |list: &str| {
        std::fs::read_to_string(modules.join(list))
            .is_ok_and(|text| text.contains("/openvswitch.ko"))
    };
    let detail = if Path::new("/sys/module/openvswitch").exists() {
        "the kernel's, loaded"
    } else if has("modules.dep") || has("modules.builtin") {
        "the kernel's, loaded when it is used"
    } else {
        return Finding::warn(
            "datapath",
            format!("Linux {release} has no module openvswitch: bridges forward in user space"),
            "give Mininet `--switch ovs,datapath=user`, and switch checksum offload off on the hosts",
        );
    };
    Finding::ok("datapath", detail)
}

/// The bridges with their controllers, from two tables as `ovs-vsctl --format=json` prints them.
fn read_bridges(bridges: &str, controllers: &str) -> Option<Vec<Bridge>> {
    let remotes: Vec<(String, Remote)> = rows(controllers, 3)?
        .iter()
        .map(|row| {
            let [uuid, target, connected] = [0, 1, 2].map(|index| cell(row, index));
            let remote = Remote {
                target: target.concat(),
                connected: connected.concat() == "true",
            };
            (uuid.concat(), remote)
        })
        .collect();
    let bridge = |row: &Vec<Value>| Bridge {
        name: cell(row, 0).concat(),
        fail_mode: cell(row, 1).pop(),
        protocols: cell(row, 2),
        datapath: cell(row, 3).concat(),
        controllers: cell(row, 4)
            .iter()
            .filter_map(|uuid| remotes.iter().find(|(id, _)| id == uuid))
            .map(|(_, remote)| remote.clone())
            .collect(),
    };
    let mut bridges: Vec<Bridge> = rows(bridges, 5)?.iter().map(bridge).collect();
    bridges.sort_by(|one, other| natural(&one.name).cmp(&natural(&other.name)));
    Some(bridges)
}

/// So that s10 comes behind s9.
fn natural(name: &str) -> (&str, u64, &str) {
    let letters = name.trim_end_matches(|digit: char| digit.is_ascii_digit());
    let number = name[letters.len()..].parse().unwrap_or_default();
    (letters, number, name)
}

/// The rows of a table, each of so many columns. `ovs-vsctl` prints nothing for a table without rows in some versions.
fn rows(table: &str, columns: usize) -> Option<Vec<Vec<Value>>> {
    if table.is_empty() {
        return Some(Vec::new());
    }
    let mut table: Value = serde_json::from_str(table).ok()?;
    let rows: Vec<Vec<Value>> = serde_json::from_value(table.get_mut("data")?.take()).ok()?;
    rows.iter().all(|row| row.len() == columns).then_some(rows)
}

/// The atoms of a value (RFC 7047 §5.1): one, those of a set, or none.
fn cell(row: &[Value], index: usize) -> Vec<String> {
    fn atoms(value: &Value) -> Vec<String> {
        match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(pair) => match pair.as_slice() {
                [Value::String(kind), Value::Array(members)] if kind == "set" => {
                    members.iter().flat_map(atoms).collect()
                }
                [Value::String(kind), Value::String(id)] if kind == "uuid" => vec![id.clone()],
                _ => Vec::new(),
            },
            other => vec![other.to_string()],
        }
    }
    row.get(index).map(atoms).unwrap_or_default()
}

/// Says of a bridge how it stands; the worst first.
fn judge(bridge: &Bridge) -> Finding {
    let name = &bridge.name;
    let active: Vec<&Remote> = bridge
        .controllers
        .iter()
        .filter(|remote| remote.is_active())
        .collect();
    let mut faults = Vec::new();
    if !bridge.protocols.is_empty()
        && !bridge
            .protocols
            .iter()
            .any(|one| SPOKEN.contains(&one.as_str()))
    {
        let mend = format!("ovs-vsctl set bridge {name} protocols=OpenFlow10,OpenFlow13");
        faults.push((Status::Fail, mend));
    }
    if active.is_empty() {
        let mend = format!("ovs-vsctl set-controller {name} tcp:127.0.0.1:6653");
        faults.push((Status::Warn, mend));
    } else if active
        .iter()
        .all(|remote| remote.target.starts_with("ssl:"))
    {
        let mend = format!("no TLS is spoken here: ovs-vsctl set-controller {name} tcp:…");
        faults.push((Status::Fail, mend));
    } else if !active.iter().any(|remote| remote.connected) {
        let mend =
            "start the controller (godwit run), or mend the address (ovs-vsctl set-controller)";
        faults.push((Status::Warn, mend.to_owned()));
    }
    if bridge.fail_mode.as_deref() != Some("secure") {
        let mend = format!(
            "without a controller it forwards by itself, in loops where there are any: ovs-vsctl set-fail-mode {name} secure"
        );
        faults.push((Status::Warn, mend));
    }
    let detail = describe(bridge, &active);
    let check = format!("bridge {name}");
    let worst = faults.iter().map(|(status, _)| *status).max();
    let mends: Vec<String> = faults.into_iter().map(|(_, mend)| mend).collect();
    match worst {
        None | Some(Status::Ok) => Finding::ok(check, detail),
        Some(Status::Warn) => Finding::warn(check, detail, mends.join("; ")),
        Some(Status::Fail) => Finding::fail(check, detail, mends.join("; ")),
    }
}

fn describe(bridge: &Bridge, active: &[&Remote]) -> String {
    let fail_mode = bridge.fail_mode.as_deref().unwrap_or("standalone");
    let protocols = if bridge.protocols.is_empty() {
        "OpenFlow by default".to_owned()
    } else {
        bridge.protocols.join("+")
    };
    let datapath = match bridge.datapath.as_str() {
        "netdev" => "user space",
        "" | "system" => "kernel",
        other => other,
    };
    let controllers: Vec<String> = active
        .iter()
        .map(|remote| {
            let state = if remote.connected {
                "connected"
            } else {
                "not connected"
            };
            format!("{} ({state})", remote.target)
        })
        .collect();
    let controllers = if controllers.is_empty() {
        "no controller".to_owned()
    } else {
        controllers.join(", ")
    };
    format!("fail_mode {fail_mode}, {protocols}, {datapath}, {controllers}")
}

#[cfg(test)]
mod tests;
