//! Drains over a start of the controller, on a network whose switches never come.

use std::net::SocketAddr;

use godwit_controller::{Controller, ControllerConfig, Store};
use tokio::time::{Instant, sleep};

use super::order::Order;
use super::record::Member;
use super::*;
use crate::entries::Entries;
use crate::migration::request::Algorithm;

const SWITCHES: [DatapathId; 2] = [DatapathId(1), DatapathId(2)];

fn request() -> Request {
    Request {
        switches: SWITCHES.to_vec(),
        order: Order::Lmcf,
        parallel: 1,
        algorithm: Algorithm::Clone,
    }
}

/// The app after a start with this store.
async fn started(store: Store) -> Drains {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listen = ControllerConfig {
        openflow: vec![any],
        http: any,
        topology: Default::default(),
        rules: godwit_controller::RulesSettings::unaudited(),
    };
    let controller = Controller::bind(&listen, store).await.unwrap();
    let (routing, _) = Routing::new(controller.network().clone());
    let entries = Entries::new(routing.network().clone());
    Drains::new(routing.clone(), Migrations::new(routing, entries))
}

async fn store_with(change: impl FnOnce(&mut record::Record)) -> Store {
    let drain = Drain::new(7, &request(), Some("night".to_owned()));
    drain.change(change);
    let mut batch = Batch::default();
    let stored = drain.to_store().unwrap();
    batch.put(Slice::DRAINS, 7, &stored).unwrap();
    let store = Store::in_memory();
    store.write(batch).await.unwrap();
    store
}

fn states(drain: &Drain) -> Vec<Progress> {
    let members = drain.record().switches.into_iter();
    members.map(|member: Member| member.state).collect()
}

#[tokio::test]
async fn a_drain_that_was_paused_is_paused_after_a_start_and_its_key_is_still_its_own() {
    let store = store_with(|record| {
        record.state = State::Paused;
        record.set(SWITCHES[0], Progress::Drained, None);
    })
    .await;
    let drains = started(store).await;
    let drain = drains.get(7).unwrap();
    assert_eq!(drain.state(), State::Paused);
    assert_eq!(states(&drain), [Progress::Drained, Progress::Waiting]);
    let key = || Some("night".to_owned());
    let (again, is_new) = drains.begin(request(), key()).await.unwrap();
    assert_eq!((again.id(), is_new), (7, false));
    let other = Request {
        parallel: 2,
        ..request()
    };
    let refused = drains.begin(other, key()).await;
    assert_eq!(refused.unwrap_err(), DrainError::KeyReused(7));
    let overlapping = drains.begin(request(), None).await.unwrap_err();
    let (dpid, other) = (SWITCHES[1], 7);
    assert_eq!(overlapping, DrainError::Overlaps { dpid, other });
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_was_running_waits_a_minute_for_its_switches_and_then_says_what_is_missing() {
    let store = store_with(|record| record.set(SWITCHES[0], Progress::Migrating, None)).await;
    let begun = Instant::now();
    let drains = started(store.clone()).await;
    let drain = drains.get(7).unwrap();
    while drain.state() == State::Running {
        sleep(Duration::from_millis(100)).await;
    }
    assert!(begun.elapsed() > BACK_WITHIN, "{:?}", begun.elapsed());
    assert_eq!(drain.state(), State::Failed);
    assert_eq!(states(&drain), [Progress::PutOff; 2]);
    let error = drain.record().error.unwrap();
    assert!(
        error.contains("0000000000000002 is not connected"),
        "{error}"
    );
    // What has become of it is in the store by now.
    while drain.record().finished_at.is_none() {
        sleep(Duration::from_millis(100)).await;
    }
    store.flush().await.unwrap();
    let after = started(store).await;
    assert_eq!(after.get(7).unwrap().record(), drain.record());
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_ends_leaves_a_running_drain_for_the_next() {
    let store = store_with(|_| {}).await;
    let drains = started(store.clone()).await;
    sleep(Duration::from_secs(1)).await;
    drains.stop();
    sleep(2 * BACK_WITHIN).await;
    assert_eq!(drains.get(7).unwrap().state(), State::Running);
    let next = started(store).await;
    assert_eq!(next.get(7).unwrap().state(), State::Running);
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_steered_only_where_that_has_a_meaning() {
    let drains = started(store_with(|record| record.state = State::Paused).await).await;
    assert_eq!(drains.pause(7).await.unwrap().state(), State::Paused);
    assert_eq!(drains.resume(7).await.unwrap().state(), State::Running);
    assert_eq!(drains.pause(7).await.unwrap().state(), State::Paused);
    assert_eq!(drains.cancel(7).await.unwrap().state(), State::Cancelled);
    let over = |verb| DrainError::State {
        id: 7,
        state: State::Cancelled,
        verb,
    };
    assert_eq!(drains.pause(7).await.unwrap_err(), over("paused"));
    assert_eq!(drains.resume(7).await.unwrap_err(), over("resumed"));
    assert_eq!(drains.cancel(7).await.unwrap_err(), over("cancelled"));
    assert_eq!(drains.get(8).unwrap_err(), DrainError::Unknown(8));
    // Its switches are free again; but they are not there.
    let refused = drains.begin(request(), None).await.unwrap_err();
    assert!(matches!(refused, DrainError::Unchecked(_)), "{refused}");
}

#[tokio::test]
async fn lists_and_numbers_that_make_no_sense_are_refused() {
    let drains = started(Store::in_memory()).await;
    let refused = async |change: fn(&mut Request)| {
        let mut request = request();
        change(&mut request);
        drains.begin(request, None).await.unwrap_err()
    };
    let none = refused(|request| request.switches.clear()).await;
    assert_eq!(none, DrainError::Number(0));
    let many = refused(|request| request.switches = (0..101).map(DatapathId).collect()).await;
    assert_eq!(many, DrainError::Number(101));
    let nothing = refused(|request| request.parallel = 0).await;
    assert_eq!(nothing, DrainError::Parallel(0));
    let all = refused(|request| request.parallel = MOST_PARALLEL + 1).await;
    assert_eq!(all, DrainError::Parallel(MOST_PARALLEL + 1));
    let twice = refused(|request| request.switches.push(DatapathId(1))).await;
    let reason = "switch 0000000000000001 comes twice".to_owned();
    assert_eq!(twice, DrainError::Switches(vec![reason]));
}

#[tokio::test]
async fn drains_that_can_not_be_read_stay_and_none_takes_their_place() {
    let store = Store::in_memory();
    let mut batch = Batch::default();
    batch.put(Slice::DRAINS, 1, &"no drain").unwrap();
    store.write(batch).await.unwrap();
    let drains = started(store.clone()).await;
    let error = drains.begin(request(), None).await.unwrap_err().to_string();
    assert!(error.contains("record 1 of `drains`"), "{error}");
    assert!(drains.list().is_empty());
    let there: Vec<(u64, String)> = store.load(Slice::DRAINS).unwrap();
    assert_eq!(there, [(1, "no drain".to_owned())]);
}
