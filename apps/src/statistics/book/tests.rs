use godwit_controller::carried::Brought;
use godwit_openflow::model::{FlowRemovedReason, FlowRule, FlowStats, Pattern};
use godwit_openflow::types::{Cookie, TableId, Version};

use super::*;

const SWITCH: DatapathId = DatapathId(3);

const BOUNDS: Bounds = Bounds {
    shape: Shape {
        half_life: Duration::from_secs(30),
        samples: 4,
    },
    series: 3,
};

fn part<T>(at_s: u64, said: Option<T>) -> Part<T> {
    Part {
        at: Duration::from_secs(at_s),
        said,
    }
}

fn rule(priority: u16) -> FlowRule {
    FlowRule::new(priority, Pattern::new().eth_type(0x0800), Vec::new())
}

fn flow(priority: u16, at_s: u64, packets: u64) -> FlowStats {
    FlowStats {
        rule: rule(priority),
        duration_ns: at_s * 1_000_000_000,
        packets,
        bytes: 100 * packets,
    }
}

fn collected(at_s: u64, flows: Option<Vec<FlowStats>>) -> Collected {
    Collected {
        dpid: SWITCH,
        name: "s3".to_owned(),
        version: Version::V13,
        connection: 1,
        finished: SystemTime::UNIX_EPOCH,
        took: Duration::ZERO,
        ports: part(at_s, None),
        flows: part(at_s, flows),
        aggregate: part(at_s, None),
        tables: part(at_s, None),
        queues: part(at_s, None),
        groups: part(at_s, None),
        meters: part(at_s, None),
        problems: Vec::new(),
    }
}

fn take(book: &mut Book, carried: &Carried, at_s: u64, flows: Vec<FlowStats>) {
    let collected = collected(at_s, Some(flows));
    book.take_in(collected, |_| None, carried, BOUNDS);
}

fn followed(book: &Book, priority: u16) -> Option<&RuleSeries> {
    let place = Place::of(SWITCH, &rule(priority));
    book.switches.get(&SWITCH)?.rules.get(&place)
}

fn packet_rate(rule: &RuleSeries) -> Option<f64> {
    rule.series.raw()?.rates[0]
}

fn removed(priority: u16, packets: u64) -> Arc<FlowRemoved> {
    Arc::new(FlowRemoved {
        cookie: Cookie(7),
        priority,
        reason: FlowRemovedReason::IdleTimeout,
        table: TableId(0),
        duration_ns: 4_000_000_000,
        idle_timeout: 1,
        hard_timeout: 0,
        packets,
        bytes: 100 * packets,
        pattern: rule(priority).pattern,
    })
}

#[test]
fn what_a_rule_brings_counts_and_is_no_burst() {
    let (mut book, carried) = (Book::default(), Carried::default());
    // While it is moved it stands here too, and counts what comes this way.
    take(&mut book, &carried, 10, vec![flow(5, 1, 10)]);
    take(&mut book, &carried, 20, vec![flow(5, 11, 110)]);
    let brought = Brought {
        packets: 1_000_000,
        bytes: 100_000_000,
        ..Brought::default()
    };
    carried.bring(Place::of(SWITCH, &rule(5)), brought);
    take(&mut book, &carried, 30, vec![flow(5, 21, 210)]);
    let moved = followed(&book, 5).unwrap();
    assert_eq!(packet_rate(moved), Some(10.0));
    assert_eq!(moved.total().packets, 1_000_210);
    // Its end is told with all of it.
    let end = Duration::from_secs(40);
    book.ended(SWITCH, &removed(5, 1_000_310), end, BOUNDS.shape);
    let last = book.switches[&SWITCH].ended.back().unwrap().last.unwrap();
    assert_eq!(last.rates, [Some(10.0), Some(1000.0)]);
    assert!(followed(&book, 5).is_none());
}

#[test]
fn a_rule_that_was_never_met_has_the_rate_of_its_life() {
    let (mut book, carried) = (Book::default(), Carried::default());
    let end = Duration::from_secs(9);
    book.ended(SWITCH, &removed(1, 8), end, BOUNDS.shape);
    assert!(book.switches.is_empty());
    take(&mut book, &carried, 10, Vec::new());
    for packets in 1..=150 {
        book.ended(SWITCH, &removed(1, packets), end, BOUNDS.shape);
    }
    let switch = &book.switches[&SWITCH];
    assert_eq!(switch.ended.len(), ENDED_KEPT);
    let rates = switch.ended.back().unwrap().last.unwrap().rates;
    assert_eq!(rates, [Some(37.5), Some(3750.0)]);
    assert_eq!(
        (switch.removed.rules, switch.removed.packets),
        (150, 11_325)
    );
}

#[test]
fn there_are_no_more_series_than_allowed_and_those_there_are_stay() {
    let (mut book, carried) = (Book::default(), Carried::default());
    take(
        &mut book,
        &carried,
        10,
        (1..=5).map(|priority| flow(priority, 10, 0)).collect(),
    );
    let count = |book: &Book| book.switches[&SWITCH].rules.len();
    assert_eq!(count(&book), 3);
    take(
        &mut book,
        &carried,
        20,
        (2..=6)
            .rev()
            .map(|priority| flow(priority, 20, 50))
            .collect(),
    );
    // The first is gone and has left room for one.
    assert_eq!(count(&book), 2);
    assert_eq!(followed(&book, 3).and_then(packet_rate), Some(5.0));
    take(
        &mut book,
        &carried,
        30,
        (2..=6)
            .rev()
            .map(|priority| flow(priority, 30, 50))
            .collect(),
    );
    assert_eq!(count(&book), 3);
    // What a switch did not say changes nothing.
    book.take_in(collected(40, None), |_| None, &carried, BOUNDS);
    assert_eq!(count(&book), 3);
    let routes = (1..=9).map(|id| (id, Tally::default()));
    book.take_routes(Duration::from_secs(1), routes, BOUNDS);
    assert_eq!(book.series(), 6);
}

#[test]
fn switches_that_are_gone_are_forgotten_after_a_while() {
    let (mut book, carried) = (Book::default(), Carried::default());
    take(&mut book, &carried, 10, Vec::new());
    book.take_routes(
        Duration::ZERO,
        [(1, Tally::default()), (2, Tally::default())],
        BOUNDS,
    );
    let at = |seconds: u64| Duration::from_secs(10 + seconds);
    book.prune(at(600), |_| false, |id| id == 2);
    assert_eq!((book.switches.len(), book.routes.len()), (1, 1));
    book.prune(at(601), |_| true, |_| true);
    assert_eq!(book.switches.len(), 1);
    book.prune(at(601), |_| false, |_| true);
    assert_eq!(book.switches.len(), 0);
}

#[test]
fn an_age_that_says_nothing_is_none() {
    let seconds = |seconds: u64| age(Some(seconds * 1_000_000_000));
    assert_eq!(seconds(0), None);
    assert_eq!(seconds(u32::MAX.into()), None);
    assert_eq!(seconds(7), Some(Duration::from_secs(7)));
    assert_eq!(age(None), None);
}
