use std::time::Duration;

use godwit_openflow::model::FlowRemovedReason;
use godwit_openflow::types::Cookie;
use proptest::prelude::*;

use super::expected::{EXPECTED, Expected, PATIENCE};
use super::*;

const SECOND: u64 = 1_000_000_000;

fn place(dpid: u64) -> Place {
    Place {
        dpid: DatapathId(dpid),
        table: TableId(0),
        priority: 7,
        pattern: Pattern::new().eth_type(0x0800),
    }
}

fn removed(reason: FlowRemovedReason, packets: u64) -> FlowRemoved {
    let at = place(0);
    FlowRemoved {
        cookie: Cookie(1),
        priority: at.priority,
        reason,
        table: at.table,
        duration_ns: SECOND,
        idle_timeout: 5,
        hard_timeout: 3,
        packets,
        bytes: packets * 100,
        pattern: at.pattern,
    }
}

fn idle(packets: u64) -> FlowRemoved {
    removed(FlowRemovedReason::IdleTimeout, packets)
}

fn delete(packets: u64) -> FlowRemoved {
    removed(FlowRemovedReason::Delete, packets)
}

fn brought(packets: u64) -> Brought {
    Brought {
        packets,
        bytes: packets * 100,
        duration_ns: 4 * SECOND,
        hard_timeout: 10,
    }
}

const A: DatapathId = DatapathId(1);
const B: DatapathId = DatapathId(2);

/// A rule that stands at A and is installed at B.
fn moving() -> Carried {
    let carried = Carried::default();
    carried.during([(place(1), place(2))]);
    carried
}

#[test]
fn a_rule_that_brought_something_ends_with_all_of_it_once() {
    let carried = Carried::default();
    carried.bring(place(1), brought(40));
    carried.bring(place(1), brought(40));
    assert_eq!(carried.total(&place(1), 2, 200), (42, 4_200));
    let end = carried.merged(A, idle(2)).unwrap();
    assert_eq!((end.packets, end.bytes), (42, 4_200));
    assert_eq!((end.duration_ns, end.hard_timeout), (5 * SECOND, 10));
    assert_eq!(end.reason, FlowRemovedReason::IdleTimeout);
    assert_eq!(carried.merged(A, idle(3)), Some(idle(3)), "it is forgotten");
    assert_eq!(carried.merged(B, idle(3)), Some(idle(3)), "of any other");
}

#[test]
fn what_somebody_else_deletes_is_told_and_forgotten() {
    let carried = Carried::default();
    carried.bring(place(1), brought(40));
    assert_eq!(carried.merged(A, delete(2)).unwrap().packets, 42);
    assert_eq!(carried.at(&place(1)), None);
}

#[test]
fn what_a_migration_deletes_is_not_told_once() {
    let carried = Carried::default();
    carried.expect_removal([place(1)]);
    assert_eq!(carried.merged(B, delete(1)), Some(delete(1)), "elsewhere");
    assert_eq!(carried.merged(A, delete(1)), None);
    assert_eq!(carried.merged(A, delete(1)), Some(delete(1)));
}

#[test]
fn a_removal_that_can_not_come_any_more_is_not_expected() {
    let carried = Carried::default();
    carried.expect_removal([place(1), place(2)]);
    carried.connection_ended(A);
    assert_eq!(carried.merged(A, delete(1)), Some(delete(1)));
    assert_eq!(carried.merged(B, delete(1)), None);

    let start = Instant::now();
    let mut expected = Expected::default();
    expected.insert(place(1), start);
    let late = start + PATIENCE + Duration::from_millis(1);
    assert!(!expected.take(&place(1), late));
    // Said again, it is waited for from then on.
    expected.insert(place(1), start);
    expected.insert(place(1), start + PATIENCE);
    expected.insert(place(2), late);
    assert!(expected.take(&place(1), late));
}

#[test]
fn expected_removals_are_bounded() {
    let now = Instant::now();
    let mut expected = Expected::default();
    for dpid in 0..EXPECTED as u64 + 10 {
        expected.insert(place(dpid), now);
    }
    assert_eq!(expected.len(), EXPECTED);
    assert!(!expected.take(&place(3), now), "the oldest are forgotten");
    assert!(expected.take(&place(EXPECTED as u64), now));
}

#[test]
fn a_rule_that_is_moved_on_and_back_takes_everything_along() {
    let carried = moving();
    carried.bring(place(2), brought(10));
    assert_eq!(carried.settled([&place(1)]), []);
    for (from, to, counted) in [(2, 3, 20), (3, 1, 30)] {
        carried.during([(place(from), place(to))]);
        carried.bring(place(to), brought(counted));
        carried.bring(place(to), brought(counted));
        assert_eq!(carried.settled([&place(from)]), []);
        assert_eq!(carried.at(&place(from)), None);
    }
    let end = carried.merged(A, idle(1)).unwrap();
    assert_eq!((end.packets, end.duration_ns), (61, 13 * SECOND));
}

#[test]
fn a_copy_that_is_not_used_yet_may_end_unheard() {
    let carried = moving();
    assert_eq!(carried.merged(B, idle(0)), None, "the rule lives at A");
    let end = carried.merged(A, idle(5)).unwrap();
    assert_eq!((end.packets, end.duration_ns), (5, SECOND));
}

#[test]
fn a_rule_that_lives_on_at_its_target_is_not_told_of() {
    let carried = moving();
    assert_eq!(carried.merged(A, idle(5)), None);
    assert_eq!(carried.settled([&place(1)]), []);
    assert_eq!(carried.at(&place(2)).map(|it| it.packets), Some(5));
    assert_eq!(carried.merged(B, idle(7)).unwrap().packets, 12);
}

#[test]
fn a_hard_timeout_is_told_as_one_although_the_other_copy_was_idle() {
    let hard = |packets| removed(FlowRemovedReason::HardTimeout, packets);
    for ends in [[(A, hard(5)), (B, idle(2))], [(B, idle(2)), (A, hard(5))]] {
        let carried = moving();
        let told: Vec<FlowRemoved> = ends
            .into_iter()
            .filter_map(|(dpid, end)| carried.merged(dpid, end))
            .collect();
        let [end] = told.as_slice() else {
            panic!("{told:?}")
        };
        assert_eq!(
            (end.reason, end.packets),
            (FlowRemovedReason::HardTimeout, 7)
        );
    }
}

#[test]
fn the_time_between_the_two_ends_counts() {
    let mut ledger = Ledger::default();
    let start = Instant::now();
    ledger.during(place(1), place(2));
    assert_eq!(ledger.merged(A, idle(5), start), None);
    let later = start + Duration::from_secs(2);
    let end = ledger.merged(B, idle(0), later).unwrap();
    assert_eq!(end.duration_ns, 3 * SECOND);
}

#[test]
fn a_copy_that_is_installed_again_has_counted_before() {
    let carried = moving();
    assert_eq!(carried.merged(B, idle(3)), None);
    carried.during([(place(1), place(2))]);
    carried.bring(place(2), brought(10));
    assert_eq!(carried.settled([&place(1)]), []);
    assert_eq!(carried.merged(B, idle(4)).unwrap().packets, 17);
}

#[test]
fn what_is_not_on_a_switch_any_more_is_forgotten() {
    let carried = moving();
    carried.bring(place(1), brought(1));
    carried.bring(place(3), brought(1));
    carried.keep_only(DatapathId(3), |_| false);
    carried.keep_only(A, |_| false);
    assert_eq!(carried.at(&place(3)), None);
    assert!(carried.at(&place(1)).is_some(), "it is being moved");
}

#[tokio::test]
async fn it_survives_the_process() {
    let store = Store::in_memory();
    let carried = Carried::load(&store).unwrap();
    carried.bring(place(1), brought(1));
    carried.bring(place(2), brought(2));
    store.flush().await.unwrap();
    let again = Carried::load(&store).unwrap();
    assert_eq!(again.at(&place(1)), Some(brought(1)));
    again.bring(place(3), brought(3));
    assert!(again.merged(A, idle(0)).is_some());
    store.flush().await.unwrap();
    let last = Carried::load(&store).unwrap();
    let all = [1, 2, 3].map(|dpid| last.at(&place(dpid)).map(|it| it.packets));
    assert_eq!(all, [None, Some(2), Some(3)]);

    last.during([(place(2), place(4))]);
    let mut batch = Batch::default();
    last.records_for_batch(&mut batch, [(&place(2), &place(4), brought(5))])
        .unwrap();
    store.write(batch).await.unwrap();
    let stored = Carried::load(&store).unwrap();
    assert_eq!(stored.at(&place(2)), None);
    assert_eq!(stored.at(&place(4)).map(|it| it.packets), Some(7));
    last.bring(place(4), brought(5));
    assert_eq!(last.settled([&place(2)]), []);
    assert_eq!(last.at(&place(4)), stored.at(&place(4)));
    let records: Vec<(u64, Record)> = store.load(Slice::CARRIED).unwrap();
    assert_eq!(records.len(), 2, "a place has one number");
}

#[tokio::test]
async fn what_is_moved_on_by_two_processes_has_all_that_it_ever_brought() {
    let store = Store::in_memory();
    let first = Carried::load(&store).unwrap();
    first.bring(place(1), brought(10));
    first.during([(place(1), place(2))]);
    let before = first.at(&place(1)).unwrap();
    let mut batch = Batch::default();
    first
        .records_for_batch(&mut batch, [(&place(1), &place(2), brought(5))])
        .unwrap();
    store.write(batch).await.unwrap();
    // The other one may end as well, before or after it has settled that.
    for settles in [false, true, true] {
        let second = Carried::load(&store).unwrap();
        second.bring(place(1), before);
        second.during([(place(1), place(2))]);
        second.bring(place(2), brought(5));
        let total = second.at(&place(2)).map(|it| it.packets);
        assert_eq!(total, Some(15));
        if settles {
            assert_eq!(second.settled([&place(1)]), []);
            assert_eq!(second.at(&place(2)).map(|it| it.packets), Some(15));
        }
        store.flush().await.unwrap();
    }
}

/// Who ends a copy.
#[derive(Debug, Clone, Copy, PartialEq)]
enum By {
    Itself(FlowRemovedReason),
    Migration,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Source,
    Target,
    Finish,
}

fn by_itself() -> impl Strategy<Value = By> {
    prop_oneof![
        Just(By::Itself(FlowRemovedReason::IdleTimeout)),
        Just(By::Itself(FlowRemovedReason::HardTimeout)),
        Just(By::Itself(FlowRemovedReason::Delete)),
    ]
}

proptest! {
    /// Both copies end some time, in any order, by themselves or by the migration, which is committed or rolled back
    /// some time: exactly one end is told, with every packet once.
    #[test]
    fn exactly_one_end_is_told(
        commits: bool,
        doomed_by in prop_oneof![Just(By::Migration), by_itself()],
        survivor_by in by_itself(),
        steps in Just([Step::Source, Step::Target, Step::Finish]).prop_shuffle(),
        before in 0..100_u64,
        at_source in 0..100_u64,
        at_target in 0..100_u64,
        unread in 0..100_u64,
    ) {
        let mut ledger = Ledger::default();
        if before > 0 {
            ledger.bring(place(1), brought(before));
        }
        let mut now = Instant::now();
        ledger.during(place(1), place(2));
        let (source_by, target_by) = if commits {
            (doomed_by, survivor_by)
        } else {
            (survivor_by, doomed_by)
        };
        let doomed = if commits { Step::Source } else { Step::Target };
        let position = |step| steps.iter().position(|at| *at == step).unwrap();
        let finished = position(Step::Finish);
        // What ends by itself before the last reading is not read in full.
        let unread = |step, by| match by {
            By::Itself(_) if position(step) < finished => unread,
            _ => 0,
        };
        let mut expected = false;
        let mut told = Vec::new();
        for step in steps {
            now += Duration::from_millis(10);
            // The deletion is sent before it is confirmed and finished, and before its removal comes.
            if !expected && (step == Step::Finish || step == doomed && doomed_by == By::Migration) {
                ledger.expect_removal([place(if commits { 1 } else { 2 })], now);
                expected = true;
            }
            let end = |by, packets| match by {
                By::Itself(reason) => removed(reason, packets),
                By::Migration => delete(packets),
            };
            match step {
                Step::Source => told.extend(ledger.merged(A, end(source_by, at_source), now)),
                Step::Target => told.extend(ledger.merged(B, end(target_by, at_target), now)),
                Step::Finish if commits => {
                    let read = at_source.saturating_sub(unread(Step::Source, source_by));
                    ledger.bring(place(2), Brought { packets: read, bytes: read * 100, ..Brought::default() });
                    told.extend(ledger.settled(&place(1)).map(|ended| ended.removed));
                }
                Step::Finish => {
                    let read = at_target.saturating_sub(unread(Step::Target, target_by));
                    let counted = Brought { packets: read, bytes: read * 100, ..Brought::default() };
                    told.extend(ledger.undone(&place(1), counted).map(|ended| ended.removed));
                }
            }
        }
        prop_assert_eq!(told.len(), 1, "{:?}", told);
        let all = before + at_source + at_target;
        prop_assert_eq!((told[0].packets, told[0].bytes), (all, all * 100));
        prop_assert_eq!(ledger.at(&place(1)), None);
        prop_assert_eq!(ledger.at(&place(2)), None);
    }
}
