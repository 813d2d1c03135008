//! The controller dies before and after every record of the journal, and after every single change of a rule, and once
//! more while it mends that. Whatever it is, the end is one of two: everything as it was, or the migration done.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use godwit_apps::migration::BeginError;
use godwit_apps::migration::journal::{Hook, Moment};
use godwit_apps::migration::record::State;
use godwit_apps::migration::request::Algorithm;
use godwit_apps::routing::table::State as RouteState;
use godwit_controller::{Slice, Store, StoreError, SwitchState};
use godwit_openflow::model::FlowRule;
use tokio::sync::watch;

use crate::bench::{Bench, HERE, LINKS, PATIENCE, SOURCE, THERE, packet, until, wish};
use crate::fabric::Fabric;
use crate::life::Life;

const ROUTES: u32 = 3;
const BEFORE: u64 = 10;
const AFTERWARDS: u64 = 5;
const MOMENTS: [Moment; 2] = [Moment::Before, Moment::After];

type Tables = BTreeMap<u64, Vec<FlowRule>>;

fn tables(fabric: &Fabric) -> Tables {
    let table = |dpid| {
        let mut rules = fabric.rules(dpid, |_| true);
        rules.sort_by_key(|rule| (rule.cookie.0, rule.priority, rule.pattern.to_string()));
        (dpid, rules)
    };
    (1..=5).map(table).collect()
}

/// Where a controller dies.
#[derive(Debug, Clone, Copy)]
enum Death {
    /// At this record of the journal, counted from 1 in its life.
    Record(u64, Moment),
    /// After so many changes of routes' rules in its life.
    Change(usize),
}

/// Counts records, and stops at one.
#[derive(Clone)]
struct Watch {
    records: Arc<Mutex<u64>>,
    reached: watch::Sender<bool>,
    /// The controller is dead: what is still running of it writes nothing any more.
    dead: Arc<AtomicBool>,
    death: Option<(u64, Moment)>,
}

impl Watch {
    fn new(death: Option<Death>) -> Self {
        let death = match death {
            Some(Death::Record(number, moment)) => Some((number, moment)),
            _ => None,
        };
        Self {
            records: Arc::default(),
            reached: watch::Sender::new(false),
            dead: Arc::default(),
            death,
        }
    }

    fn hook(&self) -> Hook {
        let this = self.clone();
        Hook::new(move |number, moment| {
            let this = this.clone();
            async move {
                if this.dead.load(Ordering::Acquire) {
                    std::future::pending::<()>().await;
                }
                *this.records.lock().unwrap() = number;
                if this.death == Some((number, moment)) {
                    this.reached.send_replace(true);
                    std::future::pending::<()>().await;
                }
                Ok(())
            }
        })
    }

    fn records(&self) -> u64 {
        *self.records.lock().unwrap()
    }
}

/// A network with a store, on which one controller follows another.
struct Scene {
    fabric: Fabric,
    store: Store,
    algorithm: Algorithm,
    ids: Vec<u32>,
    before: Tables,
}

/// What a life came to.
struct Lived {
    records: u64,
    changes: usize,
}

impl Scene {
    /// Routes that have carried packets, and the controller that made them.
    async fn set(algorithm: Algorithm, watch: &Watch) -> (Self, Life) {
        Self::set_with(algorithm, watch.hook()).await
    }

    async fn set_with(algorithm: Algorithm, hook: Hook) -> (Self, Life) {
        let fabric = Fabric::default();
        for (one, other) in LINKS {
            fabric.link(one, other);
        }
        let store = Store::in_memory();
        let life = Life::begin(store.clone(), hook).await;
        life.plug(&fabric).await;
        let ids = life.create((0..ROUTES).map(wish).collect()).await;
        for index in 0..ROUTES {
            fabric.watch(&packet(index), HERE, THERE);
        }
        fabric.carry(BEFORE);
        let before = tables(&fabric);
        let scene = Self {
            fabric,
            store,
            algorithm,
            ids,
            before,
        };
        (scene, life)
    }

    /// Until the death that is meant for this life, or the end of the migration.
    async fn live(
        &self,
        life: Life,
        watch: &Watch,
        death: Option<Death>,
        begun: usize,
    ) -> (Lived, Option<Life>) {
        let lived = |watch: &Watch| Lived {
            records: watch.records(),
            changes: self.fabric.changes() - begun,
        };
        match death {
            None => {
                life.end_of_the_migration().await;
                (lived(watch), Some(life))
            }
            Some(Death::Record(..)) => {
                let mut reached = watch.reached.subscribe();
                let reached = reached.wait_for(|reached| *reached);
                tokio::time::timeout(PATIENCE, reached)
                    .await
                    .expect("the record is written")
                    .unwrap();
                watch.dead.store(true, Ordering::Release);
                life.kill().await;
                (lived(watch), None)
            }
            Some(Death::Change(_)) => {
                // How many changes it takes to put things right may differ by what a busy switch answers in time. Then this
                // is a death after the end.
                let is_over = || self.fabric.is_deaf() || life.has_ended();
                until(&format!("{death:?}"), is_over).await;
                watch.dead.store(true, Ordering::Release);
                life.kill().await;
                self.fabric.deaf_after(None);
                (lived(watch), None)
            }
        }
    }

    /// The migration from its beginning.
    async fn first_life(algorithm: Algorithm, death: Option<Death>) -> (Self, Lived, Option<Life>) {
        let watch = Watch::new(death);
        let (scene, life) = Self::set(algorithm, &watch).await;
        let begun = scene.fabric.changes();
        if let Some(Death::Change(changes)) = death {
            scene.fabric.deaf_after(Some(begun + changes));
        }
        life.ask(Bench::request(algorithm));
        until("the migration", || !life.migrations.list().is_empty()).await;
        let (lived, life) = scene.live(life, &watch, death, begun).await;
        (scene, lived, life)
    }

    /// Another controller on what the first has left.
    async fn next_life(&self, death: Option<Death>) -> (Lived, Option<Life>) {
        let watch = Watch::new(death);
        let begun = self.fabric.changes();
        if let Some(Death::Change(changes)) = death {
            self.fabric.deaf_after(Some(begun + changes));
        }
        let life = Life::begin(self.store.clone(), watch.hook()).await;
        if death.is_none() {
            life.plug(&self.fabric).await;
        } else {
            life.plug_all(&self.fabric).await;
        }
        self.live(life, &watch, death, begun).await
    }

    /// One of the two ends, and nothing in between.
    async fn check(&self, life: &Life, done: &Tables, what: &str) -> State {
        let ended = life.end_of_the_migration().await;
        let (state, error) = ended.unwrap_or((State::RolledBack, "it was not begun".to_owned()));
        let (expected, is) = match state {
            State::Committed => (done, SwitchState::Drained),
            State::RolledBack => (&self.before, SwitchState::Active),
            other => panic!("{what}: {other:?}: {error}"),
        };
        assert_eq!(
            tables(&self.fabric),
            *expected,
            "{what}: {state:?}: {error}"
        );
        assert_eq!(life.network.state(SOURCE), is, "{what}");
        assert_eq!(life.migrations.touching(SOURCE), None, "{what}");
        if self.algorithm == Algorithm::Clone {
            assert_eq!(self.fabric.harm(), [""; 0], "{what}");
        }
        assert!(self.fabric.delivers(), "{what}");
        self.fabric.carry(AFTERWARDS);
        life.refresh(self.ids.clone()).await;
        for id in &self.ids {
            let route = life.routing.table().get(*id).expect("the route");
            assert_eq!(route.state, RouteState::Active, "{what}");
            assert!(!route.is_leased(), "{what}");
            let delivered = route.counters.delivered().packets;
            match (self.algorithm, state) {
                (Algorithm::FreezeCopy, State::Committed) => {
                    assert_eq!(delivered, AFTERWARDS, "{what}")
                }
                // What it has not read is lost with the rule.
                (Algorithm::FreezeCopy, _) => assert!(delivered >= AFTERWARDS, "{what}"),
                _ => assert_eq!(delivered, BEFORE + AFTERWARDS, "{what}: {state:?}"),
            }
        }
        if state == State::Committed && self.algorithm != Algorithm::FreezeCopy {
            let view = life.migrations.list().pop().unwrap().view();
            let view = serde_json::to_value(view).unwrap();
            for count in view["counters"].as_array().unwrap() {
                assert_eq!(count["packets"], BEFORE, "{what}: {view}");
            }
            assert_eq!(view["counters"].as_array().unwrap().len(), ROUTES as usize);
        }
        state
    }
}

/// What an undisturbed migration leaves, and how many records and changes it makes.
async fn undisturbed(algorithm: Algorithm) -> (Tables, Lived) {
    let (scene, lived, life) = Scene::first_life(algorithm, None).await;
    let life = life.unwrap();
    let done = tables(&scene.fabric);
    assert_ne!(done, scene.before);
    let state = scene.check(&life, &done, "undisturbed").await;
    assert_eq!(state, State::Committed);
    life.kill().await;
    (done, lived)
}

/// Dies there, and then at every record and change of the next life; each time a third life has to come to an end.
async fn dies(algorithm: Algorithm, death: Death, done: &Tables, twice: bool) -> State {
    let what = format!("{algorithm:?}, {death:?}");
    let (scene, ..) = Scene::first_life(algorithm, Some(death)).await;
    let (mended, life) = scene.next_life(None).await;
    let life = life.unwrap();
    let state = scene.check(&life, done, &what).await;
    life.kill().await;
    if !twice {
        return state;
    }
    let records =
        (1..=mended.records).flat_map(|number| MOMENTS.map(|moment| Death::Record(number, moment)));
    let changes = (1..=mended.changes).map(Death::Change);
    for second in records.chain(changes).collect::<Vec<_>>() {
        let what = format!("{what}, then {second:?}");
        let (scene, ..) = Scene::first_life(algorithm, Some(death)).await;
        scene.next_life(Some(second)).await;
        let (_, life) = scene.next_life(None).await;
        let life = life.unwrap();
        scene.check(&life, done, &what).await;
        life.kill().await;
    }
    state
}

async fn dies_at_every_record(algorithm: Algorithm) {
    let (done, lived) = undisturbed(algorithm).await;
    let mut ends = Vec::new();
    for number in 1..=lived.records {
        for moment in MOMENTS {
            ends.push(dies(algorithm, Death::Record(number, moment), &done, true).await);
        }
    }
    eprintln!(
        "{algorithm:?}: {} records, {} changes: {ends:?}",
        lived.records, lived.changes
    );
    assert!(ends.contains(&State::RolledBack) && ends.contains(&State::Committed));
    // What is past the last flip stays so.
    assert!(
        ends.is_sorted_by_key(|end| *end == State::Committed),
        "{ends:?}"
    );
}

async fn dies_after_every_change(algorithm: Algorithm) {
    let (done, lived) = undisturbed(algorithm).await;
    assert!(lived.changes > 0);
    for changes in 1..=lived.changes {
        dies(algorithm, Death::Change(changes), &done, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_dies_at_a_record_is_undone_or_finished() {
    dies_at_every_record(Algorithm::Clone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_dies_at_a_record_is_undone_or_finished() {
    dies_at_every_record(Algorithm::Move).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_copy_that_dies_at_a_record_is_undone_or_finished() {
    dies_at_every_record(Algorithm::FreezeCopy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_dies_after_a_change_is_undone_or_finished() {
    dies_after_every_change(Algorithm::Clone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_dies_after_a_change_is_undone_or_finished() {
    dies_after_every_change(Algorithm::Move).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_copy_that_dies_after_a_change_is_undone_or_finished() {
    dies_after_every_change(Algorithm::FreezeCopy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_remembered_by_the_next_controller() {
    let (scene, _, life) = Scene::first_life(Algorithm::Clone, None).await;
    let life = life.unwrap();
    let view = |life: &Life| {
        let migration = life.migrations.list().pop().unwrap();
        serde_json::to_value(migration.view()).unwrap()
    };
    let first = view(&life);
    life.kill().await;
    let life = Life::begin(scene.store.clone(), Hook::default()).await;
    life.plug(&scene.fabric).await;
    assert_eq!(view(&life), first);
    // The key is still that of the same migration, and of no other request.
    let (same, is_new) = life
        .migrate(Bench::request(Algorithm::Clone))
        .await
        .unwrap();
    assert_eq!((same.id(), is_new), (1, false));
    let other = life.migrate(Bench::request(Algorithm::Move)).await;
    assert!(matches!(other, Err(BeginError::KeyReused(1))));
    // The hold goes on, and the way back is known.
    let back = life.revert(1).await;
    until("the end of the way back", || back.state().is_final()).await;
    assert_eq!(back.state(), State::Committed);
    assert_eq!(
        (back.id(), tables(&scene.fabric)),
        (2, scene.before.clone())
    );
    life.kill().await;
    // Both records name each other, also the next time.
    let life = Life::begin(scene.store.clone(), Hook::default()).await;
    let first = life.migrations.get(1).unwrap();
    assert_eq!(
        serde_json::to_value(first.view()).unwrap()["reverted_by"],
        2
    );
    assert_eq!(life.network.state(SOURCE), SwitchState::Active);
    assert_eq!(scene.fabric.harm(), [""; 0]);
    life.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_that_dies_at_a_record_is_undone_or_finished() {
    for number in 1..=4 {
        for moment in MOMENTS {
            let what = format!("{number} {moment:?}");
            let (scene, _, life) = Scene::first_life(Algorithm::Clone, None).await;
            life.unwrap().kill().await;
            let moved = tables(&scene.fabric);
            let watch = Watch::new(Some(Death::Record(number, moment)));
            let life = Life::begin(scene.store.clone(), watch.hook()).await;
            life.plug(&scene.fabric).await;
            life.ask_back(1);
            let death = Some(Death::Record(number, moment));
            scene.live(life, &watch, death, 0).await;
            let (_, life) = scene.next_life(None).await;
            let life = life.unwrap();
            let back = life.migrations.get(2);
            let state = back.map_or(State::RolledBack, |back| back.state());
            let (expected, is) = match state {
                State::Committed => (&scene.before, SwitchState::Active),
                State::RolledBack => (&moved, SwitchState::Drained),
                other => panic!("{what}: {other:?}"),
            };
            assert_eq!(tables(&scene.fabric), *expected, "{what}: {state:?}");
            assert_eq!(life.network.state(SOURCE), is, "{what}");
            assert_eq!(scene.fabric.harm(), [""; 0], "{what}");
            let first = serde_json::to_value(life.migrations.get(1).unwrap().view()).unwrap();
            let by = (state == State::Committed).then_some(2);
            assert_eq!(first["reverted_by"].as_u64(), by, "{what}");
            life.kill().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_refuses_what_has_not_begun_and_harms_nothing_else() {
    for (algorithm, first, expected) in [
        (Algorithm::Clone, 1, None),
        (Algorithm::Clone, 2, Some(State::Committed)),
        (Algorithm::Clone, 3, Some(State::Committed)),
        (Algorithm::Clone, 4, Some(State::Committed)),
        (Algorithm::Move, 2, Some(State::RolledBack)),
        (Algorithm::Move, 3, Some(State::Committed)),
    ] {
        let what = format!("{algorithm:?}, from record {first}");
        let (done, _) = undisturbed(algorithm).await;
        let fails = Arc::new(AtomicBool::new(true));
        let is_full = Arc::clone(&fails);
        let hook = Hook::new(move |number, moment| {
            let fails = number >= first && is_full.load(Ordering::Acquire);
            std::future::ready(match moment {
                Moment::Before if fails => Err(StoreError::Full),
                _ => Ok(()),
            })
        });
        let (scene, life) = Scene::set_with(algorithm, hook).await;
        let begun = life.migrate(Bench::request(algorithm)).await;
        let Some(expected) = expected else {
            assert!(matches!(begun, Err(BeginError::Unwritten(_))), "{what}");
            assert_eq!(tables(&scene.fabric), scene.before, "{what}");
            assert_eq!(life.network.state(SOURCE), SwitchState::Active);
            fails.store(false, Ordering::Release);
            let (again, _) = life.migrate(Bench::request(algorithm)).await.unwrap();
            until("the end", || again.state().is_final()).await;
            assert_eq!(again.state(), State::Committed, "{what}");
            life.kill().await;
            continue;
        };
        assert_eq!(scene.check(&life, &done, &what).await, expected);
        // Once there is room it is written down.
        fails.store(false, Ordering::Release);
        let store = &scene.store;
        let is_written = || {
            store
                .load::<serde_json::Value>(Slice::MIGRATIONS)
                .unwrap()
                .len()
                == 1
        };
        until("the end on the disk", is_written).await;
        let journal = store.load::<serde_json::Value>(Slice::JOURNAL).unwrap();
        assert_eq!(journal.len(), 0, "{what}");
        life.kill().await;
    }
}
