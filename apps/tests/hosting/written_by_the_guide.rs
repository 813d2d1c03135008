//! The apps of `docs/apps.md`: the template, and the one outside the process.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use godwit_apps::acl::AccessList;
use godwit_controller::Owner;
use godwit_openflow::model::{FlowRule, FromSwitch, Pattern};
use godwit_openflow::types::{MacAddr, PortNo};
use godwit_topology::packet::arp_request;
use godwit_topology::{PortKind, PortRef};
use serde_json::json;

use crate::bench::{Bench, ONE, packet_in, until};
use crate::tripwire::Tripwire;

const HOST: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const OWNER: Owner = Owner::App(1);

/// The host asks who has this address.
fn asks_for(address: [u8; 4]) -> FromSwitch {
    packet_in(1, arp_request(MacAddr::BROADCAST, address.into(), HOST))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_template_cuts_off_who_touches_the_wire_and_nobody_else() {
    let bench = Bench::new(|_| vec![Arc::new(Tripwire::default())]).await;
    bench.one.say(asks_for([10, 255, 255, 253]));
    bench.one.say(asks_for([10, 255, 255, 254]));
    until("the rule", || bench.one.rules_of(OWNER).len() == 1).await;
    let rule = &bench.one.rules_of(OWNER)[0];
    assert_eq!(rule.pattern, Pattern::new().eth_src(HOST));
    assert!(rule.instructions.iter().all(|one| one.actions().is_empty()));
    assert_eq!(bench.other.rules_of(OWNER), [] as [FlowRule; 0]);
    let caught = json!({"02:00:00:00:00:01": "0000000000000001"});
    assert_eq!(bench.http("GET", "/v1/tripwire", None).await, (200, caught));
    assert_eq!(bench.app("tripwire").await["packets"], 1);
    bench.one.expire(rule.priority);
    until("the end of the minute", || {
        bench.one.rules_of(OWNER).is_empty()
    })
    .await;
    for _ in 0..1000 {
        if bench.http("GET", "/v1/tripwire", None).await == (200, json!({})) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the host is still taken to be cut off");
}

/// What the program says when it looks once.
async fn known_hosts(bench: &Bench, known: &[&str]) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/known_hosts.py");
    let mut program = Command::new("python3");
    program.arg(script).args(known).arg("--once");
    program.arg("--url").arg(format!("http://{}", bench.http));
    let ran = tokio::task::spawn_blocking(move || program.output());
    let output = ran.await.unwrap().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_outside_the_process_denies_whom_it_does_not_know() {
    let acl = |network: &_| AccessList::new(Clone::clone(network)).unwrap();
    let bench = Bench::new(|network| vec![Arc::new(acl(network))]).await;
    let port = PortRef::new(ONE, PortNo(1));
    until("an edge port", || {
        bench.network.topology().kind(port) == PortKind::Edge
    })
    .await;
    bench.one.say(asks_for([10, 0, 0, 2]));
    until("the host", || {
        bench.network.topology().host_by_mac(HOST).is_some()
    })
    .await;
    let said = known_hosts(&bench, &["02:00:00:00:00:77"]).await;
    assert_eq!(said, "02:00:00:00:00:01 is denied by rule 1\n");
    let denied = bench.other.rules_of(Owner::Acl);
    assert_eq!(denied[0].pattern, Pattern::new().eth_src(HOST));
    assert_eq!(known_hosts(&bench, &[]).await, "");
    let said = known_hosts(&bench, &["02:00:00:00:00:01"]).await;
    assert_eq!(said, "02:00:00:00:00:01 is allowed again\n");
    assert_eq!(bench.one.rules_of(Owner::Acl), [] as [FlowRule; 0]);
}
