//! The lists: what is read from which place, and the table that it makes.

use serde_json::Value;

use super::client::{Answer, Client, Failure};
use super::console::Console;
use super::table::{self, Column, at};
use super::{Metric, PathsArgs, SwitchReadArgs, drain, flows};

/// A list that the controller has, and how it is shown.
pub(super) struct Listing {
    /// The last segment of its path.
    pub(super) resource: &'static str,
    /// What its entries are called.
    pub(super) entries: &'static str,
    pub(super) columns: &'static [Column],
}

impl Listing {
    /// Reads `/v1/{resource}` and shows it.
    pub(super) async fn show(
        &self,
        client: &Client,
        json: bool,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let answer = client.get(&[self.resource], &[]).await?;
        self.print(&answer, json, console)
    }

    /// Reads `/v1/switches/{switch}/{resource}` and shows it.
    pub(super) async fn show_of_switch(
        &self,
        client: &Client,
        switch: &str,
        json: bool,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let answer = client
            .get(&["switches", switch, self.resource], &[])
            .await?;
        self.print(&answer, json, console)
    }

    fn print(&self, answer: &Answer, json: bool, console: &mut Console) -> Result<(), Failure> {
        if json {
            return console.data(&answer.body);
        }
        let value = answer.json()?;
        let rows = value
            .as_array()
            .ok_or_else(|| answer.strange(&format!("expected a list of {}", self.entries)))?;
        if rows.is_empty() {
            console.say(&format!("no {}", self.entries));
            return Ok(());
        }
        console.table(self.columns, rows)
    }
}

pub(super) const SWITCHES: Listing = Listing {
    resource: "switches",
    entries: "switches",
    columns: &[
        Column::text("dpid", |switch| at(switch, "/dpid")),
        Column::text("name", |switch| at(switch, "/name")),
        Column::text("openflow", |switch| at(switch, "/openflow")),
        Column::text("state", |switch| at(switch, "/state")),
        Column::number("ports", |switch| {
            switch
                .get("ports")
                .and_then(Value::as_array)
                .map_or(0, Vec::len)
                .to_string()
        }),
        Column::text("address", |switch| at(switch, "/address")),
        Column::text("connected at", |switch| {
            table::time(switch.get("connected_at"))
        }),
    ],
};

pub(super) const LINKS: Listing = Listing {
    resource: "links",
    entries: "links",
    columns: &[
        Column::text("from", |link| at(link, "/src/dpid")),
        Column::number("port", |link| at(link, "/src/port")),
        Column::text("to", |link| at(link, "/dst/dpid")),
        Column::number("port", |link| at(link, "/dst/port")),
        Column::number("cost", |link| at(link, "/cost")),
        Column::number("latency", |link| table::duration_us(link.get("latency_us"))),
        Column::text("remark", remark),
    ],
};

/// What is out of the ordinary about a link.
fn remark(link: &Value) -> String {
    let is = |name: &str| link.get(name).and_then(Value::as_bool).unwrap_or(false);
    let remarks = [("one_way", "one way"), ("indirect", "indirect")];
    let all: Vec<&str> = remarks
        .into_iter()
        .filter_map(|(name, text)| is(name).then_some(text))
        .collect();
    all.join(", ")
}

pub(super) const HOSTS: Listing = Listing {
    resource: "hosts",
    entries: "hosts",
    columns: &[
        Column::text("mac", |host| at(host, "/mac")),
        Column::text("ipv4", |host| at(host, "/ipv4")),
        Column::text("ipv6", |host| at(host, "/ipv6")),
        Column::text("vlans", |host| at(host, "/vlans")),
        Column::text("switch", |host| at(host, "/attachment/dpid")),
        Column::number("port", |host| at(host, "/attachment/port")),
        Column::text("last seen", |host| table::time(host.get("last_seen"))),
    ],
};

pub(super) const ROUTES: Listing = Listing {
    resource: "routes",
    entries: "routes",
    columns: &[
        Column::text("id", |route| at(route, "/id")),
        Column::text("from", |route| table::endpoint(route.get("from"))),
        Column::text("to", |route| table::endpoint(route.get("to"))),
        Column::text("match", |route| flows::matches(route.get("match"))),
        Column::text("path", |route| table::path(route.get("path"))),
        Column::text("state", |route| at(route, "/state")),
        Column::number("packets", |route| at(route, "/packets")),
        Column::number("bytes", |route| at(route, "/bytes")),
    ],
};

pub(super) const MIGRATIONS: Listing = Listing {
    resource: "migrations",
    entries: "migrations",
    columns: &[
        Column::text("id", |migration| at(migration, "/id")),
        Column::text("algorithm", |migration| at(migration, "/algorithm")),
        Column::text("source", |migration| at(migration, "/source")),
        Column::text("target", |migration| at(migration, "/target")),
        Column::text("state", |migration| at(migration, "/state")),
        Column::number("flows", |migration| at(migration, "/flows")),
        Column::number("duration", |migration| {
            table::duration_us(migration.get("duration_us"))
        }),
        Column::text("started at", |migration| {
            table::time(migration.get("started_at"))
        }),
    ],
};

pub(super) const DRAINS: Listing = Listing {
    resource: "drains",
    entries: "drains",
    columns: &[
        Column::text("id", |drain| at(drain, "/id")),
        Column::text("order", |drain| at(drain, "/order")),
        Column::text("algorithm", |drain| at(drain, "/algorithm")),
        Column::number("at once", |drain| at(drain, "/parallel")),
        Column::text("state", |drain| at(drain, "/state")),
        Column::number("drained", drain::drained_of_all),
        Column::text("started at", |drain| table::time(drain.get("started_at"))),
        Column::text("finished at", |drain| table::time(drain.get("finished_at"))),
    ],
};

pub(super) const QUEUED: Listing = Listing {
    resource: "queued",
    entries: "queued writes",
    columns: &[
        Column::number("number", |write| at(write, "/number")),
        Column::text("switch", |write| at(write, "/dpid")),
        Column::text("writer", |write| at(write, "/writer")),
        Column::text("command", |write| at(write, "/command")),
        Column::number("table", |write| at(rule_of(write), "/table")),
        Column::number("priority", |write| at(rule_of(write), "/priority")),
        Column::text("match", |write| flows::matches(rule_of(write).get("match"))),
        Column::text("actions", |write| {
            flows::instructions(rule_of(write).get("instructions"))
        }),
        Column::text("since", |write| table::time(write.get("since"))),
    ],
};

/// The rule of a write that is held; a write of a group or a meter has none.
fn rule_of(write: &Value) -> &Value {
    write.get("rule").unwrap_or(write)
}

const PATHS: Listing = Listing {
    resource: "paths",
    entries: "paths",
    columns: &[
        Column::number("cost", |path| at(path, "/cost")),
        Column::text("hops (in:switch:out)", |path| {
            table::path_with_ports(Some(path))
        }),
    ],
};

pub(super) const FLOWS: Listing = Listing {
    resource: "rules",
    entries: "flow entries",
    columns: &[
        Column::number("table", |rule| at(rule, "/table")),
        Column::number("priority", |rule| at(rule, "/priority")),
        Column::text("match", |rule| flows::matches(rule.get("match"))),
        Column::text("actions", |rule| {
            flows::instructions(rule.get("instructions"))
        }),
        Column::number("packets", |rule| at(rule, "/packets")),
        Column::number("bytes", |rule| at(rule, "/bytes")),
        Column::number("age", |rule| table::duration_ns(rule.get("duration_ns"))),
    ],
};

pub(super) const PORTS: Listing = Listing {
    resource: "ports",
    entries: "ports",
    columns: &[
        Column::number("port", |port| at(port, "/number")),
        Column::number("rx packets", |port| at(port, "/rx_packets")),
        Column::number("rx bytes", |port| at(port, "/rx_bytes")),
        Column::number("dropped", |port| at(port, "/rx_dropped")),
        Column::number("errors", |port| at(port, "/rx_errors")),
        Column::number("tx packets", |port| at(port, "/tx_packets")),
        Column::number("tx bytes", |port| at(port, "/tx_bytes")),
        Column::number("dropped", |port| at(port, "/tx_dropped")),
        Column::number("errors", |port| at(port, "/tx_errors")),
    ],
};

pub(super) const TABLES: Listing = Listing {
    resource: "tables",
    entries: "tables",
    columns: &[
        Column::number("table", |table| at(table, "/table")),
        Column::text("name", |table| at(table, "/name")),
        Column::number("entries", |table| at(table, "/active")),
        Column::number("looked up", |table| at(table, "/lookups")),
        Column::number("matched", |table| at(table, "/matched")),
    ],
};

/// `godwit paths`.
pub(super) async fn paths(
    client: &Client,
    args: &PathsArgs,
    console: &mut Console,
) -> Result<(), Failure> {
    let k = args.k.map(|k| k.to_string());
    let mut query = vec![("from", args.from.as_str()), ("to", args.to.as_str())];
    let metric = args.metric.map(Metric::name);
    let options = [
        ("k", &k),
        ("avoid", &args.avoid),
        ("via", &args.via),
        ("metric", &metric),
    ];
    query.extend(
        options
            .iter()
            .filter_map(|(name, value)| Some((*name, value.as_deref()?))),
    );
    let answer = client.get(&[PATHS.resource], &query).await?;
    PATHS.print(&answer, args.read.common.json, console)
}

const RATES: Listing = Listing {
    resource: "statistics",
    entries: "ports",
    columns: &[
        Column::number("port", |port| at(port, "/number")),
        Column::text("name", |port| at(port, "/name")),
        Column::number("rx", |port| {
            table::bits(port.pointer("/rx/bits_per_second"))
        }),
        Column::number("packets/s", |port| {
            table::rate(port.pointer("/rx/packets_per_second"))
        }),
        Column::number("used", |port| {
            table::percent(port.pointer("/rx/utilisation"))
        }),
        Column::number("tx", |port| {
            table::bits(port.pointer("/tx/bits_per_second"))
        }),
        Column::number("packets/s", |port| {
            table::rate(port.pointer("/tx/packets_per_second"))
        }),
        Column::number("used", |port| {
            table::percent(port.pointer("/tx/utilisation"))
        }),
        Column::number("rx packets", |port| at(port, "/rx_packets")),
        Column::number("rx bytes", |port| at(port, "/rx_bytes")),
        Column::number("tx packets", |port| at(port, "/tx_packets")),
        Column::number("tx bytes", |port| at(port, "/tx_bytes")),
        Column::number("dropped", |port| {
            table::sum(port, &["/rx_dropped", "/tx_dropped"])
        }),
        Column::number("errors", |port| {
            table::sum(port, &["/rx_errors", "/tx_errors"])
        }),
    ],
};

/// `godwit stats`: what a switch counts now, ports with their rates and tables together.
pub(super) async fn stats(
    client: &Client,
    args: &SwitchReadArgs,
    console: &mut Console,
) -> Result<(), Failure> {
    let path = ["switches", &args.switch, RATES.resource];
    let answer = client.post(&path, None).await?;
    if args.read.common.json {
        return console.data(&answer.body);
    }
    let value = answer.json()?;
    let rows = |name: &str| {
        let list = value.get(name).and_then(Value::as_array);
        list.ok_or_else(|| answer.strange(&format!("expected a list of {name}")))
    };
    let (ports, tables) = (rows("ports")?, rows("tables")?);
    console.table(RATES.columns, ports)?;
    if ports.iter().all(|port| {
        let rate = port.pointer("/rx/bits_per_second");
        rate.is_none_or(Value::is_null)
    }) {
        console.say("no rates yet: they take two collections a second apart");
    }
    console.data(b"")?;
    // An OpenFlow 1.3 switch reports all of its tables, 254 of them under Open vSwitch.
    let used: Vec<&Value> = tables.iter().filter(|table| is_used(table)).collect();
    if used.is_empty() {
        console.say("no table holds an entry");
        return Ok(());
    }
    console.table(TABLES.columns, used.iter().copied())?;
    match tables.len() - used.len() {
        0 => {}
        unused => console.say(&format!("{unused} unused tables not shown")),
    }
    Ok(())
}

fn is_used(table: &Value) -> bool {
    ["active", "lookups", "matched"].iter().any(|counter| {
        table
            .get(counter)
            .and_then(Value::as_u64)
            .is_some_and(|count| count > 0)
    })
}
