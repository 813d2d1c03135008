use godwit_openflow::model::{BucketStats, MeterBandStats};
use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const GROUP: Shared = Shared::Group(GroupId(4));
const METER: Shared = Shared::Meter(MeterId(4));

const fn place(dpid: u64, shared: Shared) -> SharedPlace {
    SharedPlace {
        dpid: DatapathId(dpid),
        shared,
    }
}

const A: SharedPlace = place(1, GROUP);
/// With another number there.
const B: SharedPlace = place(2, Shared::Group(GroupId(5)));

fn tally(packets: u64) -> Tally {
    Tally {
        packets,
        bytes: packets * 100,
    }
}

/// A third went through the first of two buckets.
fn counted(packets: u64) -> SharedCount {
    SharedCount {
        all: tally(packets),
        parts: vec![tally(packets / 3), tally(packets - packets / 3)],
        duration_ns: 7,
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap()
}

/// What a switch that was asked at a certain time says it has, and so old.
fn see(ledger: &mut SharedLedger, dpid: u64, asked: Instant, seen: &[(Shared, Duration)]) {
    let look = Look {
        dpid: DatapathId(dpid),
        kind: |shared| matches!(shared, Shared::Group(_)),
        asked,
        known: HashMap::new(),
    };
    let ages = seen
        .iter()
        .map(|(shared, age)| (*shared, nanoseconds(*age)));
    ledger.seen(&look, &ages.collect());
}

/// Something that has come to B, at the time that is given as well.
fn settled() -> (SharedLedger, Instant) {
    let (mut ledger, now) = (SharedLedger::default(), Instant::now());
    ledger.during(A, B);
    ledger.set(B, counted(30), now);
    ledger.settled(A, now);
    (ledger, now)
}

#[test]
fn what_goes_there_and_back_has_everything_that_was_counted_anywhere() {
    let (mut ledger, now) = settled();
    assert_eq!(ledger.at(A), None);
    assert_eq!(ledger.at(B), Some(&counted(30)));
    ledger.during(B, A);
    let total = ledger.would_bring(B, &counted(12));
    assert_eq!(total.all, tally(42));
    assert_eq!(total.parts, [tally(14), tally(28)]);
    assert_eq!(total.duration_ns, 14);
    ledger.set(A, total.clone(), now);
    // Said again it changes nothing.
    ledger.set(A, ledger.would_bring(B, &counted(12)), now);
    ledger.settled(B, now);
    assert_eq!((ledger.at(A), ledger.at(B)), (Some(&total), None));
}

#[test]
fn what_could_not_be_read_leaves_what_was_brought_before() {
    let (mut ledger, now) = settled();
    ledger.during(B, A);
    ledger.settled(B, now);
    assert_eq!(ledger.at(A), Some(&counted(30)));
}

#[test]
fn what_a_copy_has_counted_that_goes_again_is_added_to_what_stays() {
    let (mut ledger, now) = settled();
    ledger.during(B, A);
    ledger.undone(B, &counted(12), now);
    let brought = ledger.at(B).unwrap();
    assert_eq!((brought.all, brought.duration_ns), (tally(42), 7));
    assert_eq!(ledger.at(A), None);
    ledger.during(B, A);
    ledger.undone(B, &SharedCount::default(), now);
    assert_eq!(ledger.at(B).map(|brought| brought.all), Some(tally(42)));
}

#[test]
fn what_others_had_left_under_a_number_is_not_added_to_what_is_put_there() {
    let (mut ledger, now) = settled();
    ledger.during(place(3, GROUP), B);
    assert_eq!(ledger.at(B), None);
    // A controller that has begun anew says it again.
    ledger.set(B, counted(9), now);
    ledger.during(place(3, GROUP), B);
    assert_eq!(ledger.at(B), Some(&counted(9)));
}

#[test]
fn one_that_is_not_there_is_not_the_one_that_something_was_brought_to() {
    let (mut ledger, now) = settled();
    see(&mut ledger, 3, now + SECOND, &[]);
    assert!(ledger.at(B).is_some(), "another switch");
    let asked_before = now.checked_sub(SECOND).unwrap();
    see(&mut ledger, 2, asked_before, &[]);
    assert!(ledger.at(B).is_some(), "it came later");
    see(&mut ledger, 2, now + SECOND, &[(GROUP, SECOND)]);
    assert_eq!(ledger.at(B), None);

    let (mut ledger, now) = settled();
    ledger.during(B, A);
    ledger.set(A, counted(40), now);
    see(&mut ledger, 2, now + SECOND, &[]);
    see(&mut ledger, 1, now + SECOND, &[]);
    assert!(ledger.at(B).is_some() && ledger.at(A).is_some(), "moving");

    let (mut ledger, now) = settled();
    let meter = place(2, METER);
    ledger.set(meter, counted(1), now);
    see(&mut ledger, 2, now + SECOND, &[(B.shared, SECOND)]);
    assert!(ledger.at(meter).is_some(), "meters were not asked for");
}

#[test]
fn one_that_is_younger_is_another() {
    let day = 86_400 * SECOND;
    let cases = [
        (10 * SECOND, 10 * SECOND, true),
        (10 * SECOND, 9 * SECOND, true),
        (10 * SECOND, 8 * SECOND, false),
        (day, day, true),
        // By clocks that differ by 100 millionths.
        (day, day - 9 * SECOND, true),
        (day, day - 100 * SECOND, false),
        // It does not say.
        (day, Duration::ZERO, true),
    ];
    for (later, age, is_same) in cases {
        let (mut ledger, now) = settled();
        see(&mut ledger, 2, now + later, &[(B.shared, age)]);
        assert_eq!(ledger.at(B).is_some(), is_same, "{later:?} {age:?}");
    }
    // `move` brings before it puts.
    let (mut ledger, now) = (SharedLedger::default(), Instant::now());
    ledger.during(A, B);
    ledger.set(B, counted(1), now);
    see(&mut ledger, 2, now + 9 * SECOND, &[(B.shared, SECOND)]);
    assert!(ledger.at(B).is_some());
    // What stands in for it does not count on, and is moved on without.
    let (mut ledger, now) = settled();
    ledger.during(B, A);
    see(&mut ledger, 2, now + 9 * SECOND, &[(B.shared, SECOND)]);
    assert_eq!(ledger.would_bring(B, &counted(3)), counted(3));
}

#[test]
fn buckets_go_on_as_long_as_they_are_as_many() {
    let three = SharedCount {
        parts: vec![tally(1); 3],
        ..counted(5)
    };
    let both = counted(30).and(&three);
    assert_eq!((both.all, both.parts), (tally(35), vec![tally(1); 3]));
    let mut stats = GroupStats {
        group: GroupId(5),
        references: 1,
        packets: 2,
        bytes: 200,
        duration_ns: 5,
        buckets: vec![BucketStats::default(); 3],
    };
    counted(30).add_to_group(&mut stats);
    assert_eq!(
        (stats.packets, stats.bytes, stats.duration_ns),
        (32, 3_200, 12)
    );
    assert_eq!(stats.buckets, vec![BucketStats::default(); 3]);
    three.add_to_group(&mut stats);
    assert_eq!(stats.buckets[2].bytes, 100);
}

#[test]
fn a_counter_that_a_switch_does_not_have_is_not_carried() {
    let mut stats = MeterStats {
        meter: MeterId(4),
        flows: 1,
        packets: 10,
        bytes: 1_000,
        duration_ns: 5,
        bands: vec![MeterBandStats {
            packets: u64::MAX,
            bytes: u64::MAX,
        }],
    };
    let count = SharedCount::from(&stats);
    assert_eq!((count.all, &*count.parts), (tally(10), &[tally(0)][..]));
    count.add_to_meter(&mut stats);
    assert_eq!((stats.packets, stats.flows), (20, 1));
    assert_eq!(stats.bands[0].packets, u64::MAX);
}

#[test]
fn what_is_moved_away_between_the_question_and_the_answer_is_said_as_it_was() {
    let carried = Carried::default();
    carried.during_shared([(A, B)]);
    let look = carried.look_at_groups(B.dpid);
    carried.bring_shared(B, counted(30));
    let ages = || [(B.shared, 5)];
    assert_eq!(carried.seen(look, ages())[&B.shared], counted(30));
    carried.settled_shared([A]);
    let look = carried.look_at_groups(B.dpid);
    carried.during_shared([(B, A)]);
    carried.settled_shared([B]);
    assert_eq!(carried.seen(look, ages())[&B.shared], counted(30));
    let look = carried.look_at_groups(B.dpid);
    assert!(carried.seen(look, ages()).is_empty());
    let look = carried.look_at_groups(A.dpid);
    assert_eq!(carried.seen(look, [(A.shared, 5)]).len(), 1);
    let look = carried.look_at_groups(A.dpid);
    assert!(carried.seen(look, []).is_empty());
    let look = carried.look_at_groups(A.dpid);
    assert!(carried.seen(look, [(A.shared, 5)]).is_empty(), "another");
}

#[tokio::test]
async fn it_survives_the_process() {
    let store = Store::in_memory();
    let carried = Carried::load(&store).unwrap();
    let meters = [place(1, METER), place(2, METER)];
    carried.during_shared([(A, B), (meters[0], meters[1])]);
    carried.bring_shared(B, counted(30));
    carried.bring_shared(meters[1], counted(3));
    carried.settled_shared([A, meters[0]]);
    store.flush().await.unwrap();
    let again = Carried::load(&store).unwrap();
    let look = again.look_at_groups(B.dpid);
    assert_eq!(again.seen(look, [(B.shared, 5)])[&B.shared], counted(30));
    again.during_shared([(meters[1], meters[0])]);
    again.undone_shared([(meters[1], counted(4))]);
    again.during_shared([(B, A)]);
    again.bring_shared(A, again.would_bring_shared(B, &counted(1)));
    again.settled_shared([B]);
    store.flush().await.unwrap();
    let records: Vec<(u64, Record)> = store.load(Slice::CARRIED_SHARED).unwrap();
    let mut records: Vec<_> = records
        .into_iter()
        .map(|(_, record)| (record.place, record.count.all))
        .collect();
    records.sort_by_key(|(place, _)| *place);
    assert_eq!(records, [(A, tally(31)), (meters[1], tally(7))]);
}

#[tokio::test]
async fn its_age_survives_the_process_and_a_clock_that_is_put_back() {
    let store = Store::in_memory();
    let mut batch = Batch::default();
    let clock = SystemTime::now();
    for (number, since) in [(1, clock - 60 * SECOND), (2, clock + 60 * SECOND)] {
        let record = Record {
            place: place(number, GROUP),
            count: counted(1),
            since,
        };
        batch.put(Slice::CARRIED_SHARED, number, &record).unwrap();
    }
    store.write(batch).await.unwrap();
    let carried = Carried::load(&store).unwrap();
    let young = [(GROUP, nanoseconds(30 * SECOND))];
    let look = carried.look_at_groups(DatapathId(1));
    assert!(carried.seen(look, young).is_empty());
    let look = carried.look_at_groups(DatapathId(2));
    assert_eq!(carried.seen(look, young).len(), 1);
}

proptest! {
    /// Whatever is moved on or begun and undone, nothing that was counted anywhere is lost or counted twice.
    #[test]
    fn all_is_counted_once(journeys in proptest::collection::vec((any::<bool>(), 1..3_u64, 0..100_u64, 0..100_u64), 0..20)) {
        let (mut ledger, now) = (SharedLedger::default(), Instant::now());
        // What each switch's own counter says, and where the group stands.
        let (mut here, mut live, mut all) = (0_u64, 0, 0);
        for (commits, further, before, beyond) in journeys {
            let there = (here + further) % 3;
            let (source, target) = (place(here, GROUP), place(there, GROUP));
            ledger.during(source, target);
            live += before;
            all += before + beyond;
            if commits {
                let total = ledger.would_bring(source, &counted(live));
                ledger.set(target, total, now);
                ledger.settled(source, now);
                (here, live) = (there, beyond);
            } else {
                ledger.undone(source, &counted(beyond), now);
            }
            let at = place(here, GROUP);
            let total = ledger.would_bring(at, &counted(live)).all;
            prop_assert_eq!(total, tally(all));
            prop_assert!(ledger.moves.is_empty());
            prop_assert!(ledger.brought.keys().all(|place| *place == at));
        }
    }
}
