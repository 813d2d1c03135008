//! The floor of a migration: takes the plan that the controller serves (`/v1/migrations/{id}/plan`) on standard
//! input, and sends the same changes to the same switches, all at once, without thinking.
//!
//! `godwit-floor DPID=VERSION@SOCKET…` names each switch's management socket, for instance
//! `0000000000000007=1.3@/var/run/openvswitch/s7.mgmt`. Prints one JSON object with the microseconds from the first
//! write to the last barrier reply.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Instant;

use anyhow::{Context as _, bail};
use godwit_openflow::model::{Action, FlowFlags, FlowMod, FlowRule, Pattern};
use godwit_openflow::types::{Cookie, DatapathId, PortNo, Version};
use godwit_testkit::BareClient;
use serde::Deserialize;
use tokio::net::UnixStream;
use tokio::task::JoinSet;

#[derive(Deserialize)]
struct Plan {
    rounds: Vec<Round>,
}

#[derive(Deserialize)]
struct Round {
    switches: Vec<Switch>,
}

#[derive(Deserialize)]
struct Switch {
    dpid: DatapathId,
    rules: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    change: String,
    rule: Rule,
}

#[derive(Deserialize)]
struct Rule {
    priority: u16,
    cookie: Cookie,
    r#match: Pattern,
    instructions: Vec<Instruction>,
}

#[derive(Deserialize)]
struct Instruction {
    actions: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    port: PortNo,
}

impl Step {
    fn flow_mod(self) -> anyhow::Result<FlowMod> {
        let actions = self
            .rule
            .instructions
            .into_iter()
            .flat_map(|instruction| instruction.actions);
        let actions = actions.map(|output| Action::output(output.port)).collect();
        let rule = FlowRule::new(self.rule.priority, self.rule.r#match, actions)
            .with_cookie(self.rule.cookie)
            .with_flags(FlowFlags::SEND_FLOW_REMOVED);
        Ok(match self.change.as_str() {
            "install" | "replace" => FlowMod::add(rule),
            "modify" => FlowMod::modify_strict(rule),
            "remove" => FlowMod::delete_strict(rule),
            other => bail!("the plan has a change `{other}`"),
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("reading the plan")?;
    let plan: Plan = serde_json::from_str(&text).context("the plan")?;
    let mut changes: BTreeMap<DatapathId, Vec<FlowMod>> = BTreeMap::new();
    for switch in plan.rounds.into_iter().flat_map(|round| round.switches) {
        let steps: anyhow::Result<Vec<FlowMod>> =
            switch.rules.into_iter().map(Step::flow_mod).collect();
        changes.entry(switch.dpid).or_default().extend(steps?);
    }
    let total: usize = changes.values().map(Vec::len).sum();
    let mut clients = Vec::new();
    for argument in std::env::args().skip(1) {
        let (dpid, version, socket) = parse(&argument).with_context(|| format!("`{argument}`"))?;
        if let Some(batch) = changes.remove(&dpid) {
            let stream = UnixStream::connect(socket)
                .await
                .with_context(|| format!("connecting to {socket}"))?;
            clients.push((BareClient::connect(stream, version).await?, batch));
        }
    }
    if let Some(dpid) = changes.keys().next() {
        bail!("the plan changes switch {dpid}, which was not named");
    }
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for (mut client, batch) in clients {
        running.spawn(async move { client.apply(batch).await });
    }
    while let Some(result) = running.join_next().await {
        result??;
    }
    println!(
        "{}",
        serde_json::json!({ "changes": total, "floor_us": begun.elapsed().as_micros() })
    );
    Ok(())
}

fn parse(argument: &str) -> anyhow::Result<(DatapathId, Version, &str)> {
    let (dpid, rest) = argument
        .split_once('=')
        .context("expected DPID=VERSION@SOCKET")?;
    let (version, socket) = rest
        .split_once('@')
        .context("expected DPID=VERSION@SOCKET")?;
    Ok((dpid.parse()?, version.parse()?, socket))
}
