use godwit_openflow::model::Pattern;

use super::*;
use crate::migration::planning::prove;
use crate::migration::request::Request;
use crate::plan::tests::path;
use crate::plan::{Flow, Template, Treatment};

/// So many routes from 1-2-5-4 to 1-3-4.
fn planned(algorithm: Algorithm, count: u32) -> Planned {
    let flow = |id: u32| Flow {
        template: Template {
            id,
            priority: 7,
            pattern: Pattern::new().eth_type(0x0800).ipv4_dst(id.into()),
            ingress: None,
            idle_timeout: 0,
            hard_timeout: 0,
            treatment: Treatment::default(),
        },
        old: Some(path(&[1, 2, 5, 4])),
        new: path(&[1, 3, 4]),
    };
    let request = Request::new(DatapathId(2), Some(DatapathId(3)), algorithm);
    prove(&request, (1..=count).map(flow).collect()).unwrap()
}

/// Every link takes 10 ms, every route sends 200 packets a second, a barrier takes 1 ms.
fn facts(count: u32) -> Facts {
    let links = path(&[1, 2, 5, 4])
        .links()
        .chain(path(&[1, 3, 4]).links())
        .map(|link| (link.src, Duration::from_millis(10)))
        .collect();
    Facts {
        planning: Duration::from_millis(2),
        round_trip: Some(Duration::from_millis(1)),
        delays: links,
        rates: (1..=count).map(|id| (id, 200.0)).collect(),
        unknown: Vec::new(),
    }
}

fn forecast(planned: &Planned, facts: &Facts) -> Forecast {
    Forecast::expected(planned, facts, |_| FLOOR)
}

#[test]
fn a_clone_takes_its_rounds_and_its_drain() {
    let planned = planned(Algorithm::Clone, 1_000);
    let expected = forecast(&planned, &facts(1_000));
    // Install at 3, flip at 1, remove at 2 and 5: each round 1 ms and 1,000 rules of 4 µs. Before the flip, a cache.
    assert_eq!(expected.rounds, 3);
    assert_eq!(expected.switches, 4);
    assert_eq!(expected.expected_switch_over_us, Some(5_000));
    let drain = 10_000 + 20_000 + 30_000 + 30_000;
    assert_eq!(expected.drain_us, [drain, 5_000_000]);
    assert_eq!(
        expected.expected_total_us,
        Some(15_000 + 2_000 + 10_000 + drain)
    );
    // The new way is 10 ms faster.
    assert_eq!(expected.expected_reordering, Some(2_000));
    assert_eq!(expected.not_carried, [""; 0]);
    assert_eq!(expected.unknown, [""; 0]);
}

#[test]
fn a_slow_switch_makes_its_rounds_slow() {
    let planned = planned(Algorithm::Clone, 1_000);
    let slow = |dpid| {
        if dpid == DatapathId(1) {
            10 * FLOOR
        } else {
            FLOOR
        }
    };
    let expected = Forecast::expected(&planned, &facts(1_000), slow);
    assert_eq!(expected.expected_switch_over_us, Some(41_000));
}

#[test]
fn freeze_copy_waits_for_nothing_and_carries_no_counters() {
    let expected = forecast(&planned(Algorithm::FreezeCopy, 10), &facts(10));
    assert_eq!(expected.drain_us, [0, 0]);
    assert_eq!(
        expected.not_carried,
        ["the counters of 10 routes start again"]
    );
    // Flow by flow: a cut and an install each, of a message and of a few.
    let took = expected.expected_switch_over_us.unwrap();
    assert!((20_000..21_000).contains(&took), "{took}");
}

#[test]
fn limits_take_the_time_that_they_are_watched() {
    let mut planned = planned(Algorithm::Clone, 1);
    let without = forecast(&planned, &facts(1)).expected_total_us.unwrap();
    planned.request.limits.max_loss_packets = Some(0);
    let with = forecast(&planned, &facts(1)).expected_total_us.unwrap();
    assert!(with >= without + 1_000_000);
}

#[test]
fn what_could_not_be_measured_is_said_to_be_unknown() {
    let planned = planned(Algorithm::Clone, 2);
    let mut facts = facts(1);
    facts.round_trip = None;
    facts.unknown.push("switch 3 has not answered".to_owned());
    let expected = forecast(&planned, &facts);
    assert_eq!(expected.expected_switch_over_us, None);
    assert_eq!(expected.expected_total_us, None);
    assert_eq!(expected.expected_reordering, None);
    assert_eq!(expected.unknown.len(), 2);
    assert_eq!(expected.rules.installed, 2);
}

#[test]
fn a_pace_is_that_of_the_switch_with_the_most_to_do() {
    let pace = Pace::default();
    let planned = planned(Algorithm::Clone, 1_000);
    let installs = || {
        planned
            .rounds
            .iter()
            .filter(|round| round.kind == Kind::Install)
    };
    pace.take_in(installs(), Duration::from_millis(40));
    assert_eq!(pace.at(DatapathId(3)), Duration::from_micros(40));
    assert_eq!(pace.at(DatapathId(1)), FLOOR);
    pace.take_in(installs(), Duration::from_millis(20));
    assert_eq!(pace.at(DatapathId(3)), Duration::from_micros(30));
}

#[test]
fn a_few_messages_say_nothing_about_the_pace() {
    let pace = Pace::default();
    let planned = planned(Algorithm::Clone, 10);
    pace.take_in(planned.rounds.iter(), Duration::from_millis(40));
    assert_eq!(pace.at(DatapathId(3)), FLOOR);
}
