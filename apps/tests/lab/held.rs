//! The controller dies while a static entry is only held. No switch takes the place of the one that is emptied, so it is
//! in force there if the migration goes back, and else refused, whichever controller ends it.

use std::sync::Arc;

use godwit_apps::entries::State as EntryState;
use godwit_apps::migration::journal::{Hook, Moment};
use godwit_apps::migration::record::State;
use godwit_apps::migration::request::{Algorithm, Request};
use godwit_controller::{Owner, Store};
use godwit_openflow::model::{Action, FlowRule, Pattern};
use godwit_openflow::types::PortNo;
use tokio::sync::watch;

use crate::bench::{Bench, HERE, LINKS, PATIENCE, SOURCE, THERE, packet, until, wish};
use crate::fabric::Fabric;
use crate::life::Life;

/// The first record of the journal: the source is frozen, and nothing has been sent.
const FIRST: (u64, Moment) = (1, Moment::After);

fn entry() -> FlowRule {
    let pattern = Pattern::new().eth_type(0x88f7);
    FlowRule::new(900, pattern, vec![Action::output(PortNo(1))])
}

/// The static entries on a switch.
fn on_switch(fabric: &Fabric, dpid: u64) -> usize {
    let ours = |rule: &FlowRule| Owner::Entries.own_part(rule.cookie).is_some();
    fabric.rules(dpid, ours).len()
}

/// Stops at the first record until `go` is true, and for ever at `death`, which it tells.
fn hook(
    death: Option<(u64, Moment)>,
    at: watch::Sender<(u64, bool)>,
    go: watch::Receiver<bool>,
) -> Hook {
    let at = Arc::new(at);
    Hook::new(move |number, moment| {
        let (at, mut go) = (Arc::clone(&at), go.clone());
        async move {
            if (number, moment) == FIRST {
                at.send_replace((number, false));
                _ = go.wait_for(|go| *go).await;
            }
            if Some((number, moment)) == death {
                at.send_replace((number, true));
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    })
}

async fn reached(at: &mut watch::Receiver<(u64, bool)>, dead: bool) {
    let reached = at.wait_for(|(number, is_dead)| *number > 0 && *is_dead == dead);
    let reached = tokio::time::timeout(PATIENCE, reached).await;
    reached.expect("the record is written").unwrap();
}

/// One migration without a target that dies there; what became of it, and of an entry asked for meanwhile.
async fn dies(death: Option<(u64, Moment)>) -> State {
    let what = format!("{death:?}");
    let fabric = Fabric::default();
    for (one, other) in LINKS {
        fabric.link(one, other);
    }
    let store = Store::in_memory();
    let (at, mut is_at) = watch::channel((0, false));
    let (go, goes) = watch::channel(false);
    let life = Life::begin(store.clone(), hook(death, at, goes)).await;
    life.plug(&fabric).await;
    life.create(vec![wish(0)]).await;
    fabric.watch(&packet(0), HERE, THERE);
    life.ask(Request {
        target: None,
        ..Bench::request(Algorithm::Clone)
    });
    reached(&mut is_at, false).await;
    let made = life.add(SOURCE, vec![entry()]).await;
    assert_eq!(made[0].state, EntryState::Queued, "{what}");
    assert_eq!(on_switch(&fabric, SOURCE.0), 0, "{what}");
    go.send_replace(true);
    let life = if death.is_some() {
        reached(&mut is_at, true).await;
        life.kill().await;
        let life = Life::begin(store, Hook::default()).await;
        life.plug(&fabric).await;
        life
    } else {
        life
    };
    let (state, error) = life.end_of_the_migration().await.unwrap();
    let wanted = match state {
        State::Committed => (EntryState::Refused, 0),
        State::RolledBack => (EntryState::Active, 1),
        other => panic!("{what}: {other:?}: {error}"),
    };
    until("what becomes of the entry", || {
        let entries = life.entries.list();
        (entries[0].1.state, on_switch(&fabric, SOURCE.0)) == wanted
    })
    .await;
    assert!(
        (1..=5)
            .filter(|dpid| *dpid != SOURCE.0)
            .all(|dpid| on_switch(&fabric, dpid) == 0)
    );
    assert!(life.network.held().list().is_empty(), "{what}");
    assert_eq!(fabric.harm(), [""; 0], "{what}");
    life.kill().await;
    state
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_held_has_the_same_end_whichever_controller_brings_it_about() {
    assert_eq!(dies(None).await, State::Committed);
    let mut ends = Vec::new();
    for number in 1..=4 {
        for moment in [Moment::Before, Moment::After] {
            // Before the first nothing is held yet.
            if (number, moment) != (1, Moment::Before) {
                ends.push(dies(Some((number, moment))).await);
            }
        }
    }
    assert!(ends.contains(&State::RolledBack) && ends.contains(&State::Committed));
    assert!(
        ends.is_sorted_by_key(|end| *end == State::Committed),
        "{ends:?}"
    );
}
