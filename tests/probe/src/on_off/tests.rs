use super::{Durations, Source};
use crate::pace::Pace;

const TICK: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

fn durations(text: &str) -> Durations {
    text.parse().unwrap()
}

/// A source of 1,000 packets a second.
fn source(on: &str, off: &str, seed: u64, flow: u64) -> Source {
    Source::new(
        durations(on),
        durations(off),
        seed,
        flow,
        Pace::new(1_000, 0),
        0,
    )
}

/// Packets of each of so many seconds.
fn by_second(source: &mut Source, seconds: u64) -> Vec<u64> {
    let mut packets = |second| {
        let ticks = second * 1_000 + 1..=(second + 1) * 1_000;
        ticks.map(|tick| source.due(tick * TICK, TICK)).sum()
    };
    (0..seconds).map(&mut packets).collect()
}

#[test]
fn a_source_is_on_and_then_off() {
    let mut source = source("constant:2", "constant:3", 1, 0);
    assert_eq!(
        by_second(&mut source, 7),
        [1_000, 1_000, 0, 0, 0, 1_000, 1_000]
    );
    assert_eq!(source.asked(), 4_000);
    assert_eq!(source.starts(), [(0, 0), (5 * SECOND, 2_000)]);
}

#[test]
fn what_could_not_leave_in_time_leaves_when_the_source_is_off() {
    let mut source = source("constant:1", "constant:9", 1, 0);
    // The first tick comes 990 ms late.
    let mut sent = source.due(990 * TICK, TICK);
    assert_eq!(sent, 8, "twice the share of four ticks");
    sent += (991..9_000)
        .map(|tick| source.due(tick * TICK, TICK))
        .sum::<u64>();
    assert_eq!((sent, source.asked()), (1_000, 1_000));
}

#[test]
fn the_same_seed_makes_the_same_times_and_each_flow_has_its_own() {
    let times = |seed, flow| {
        let mut source = source("exponential:0.3", "pareto:1.5,0.1", seed, flow);
        by_second(&mut source, 60);
        source.starts().to_vec()
    };
    assert!(times(7, 0).len() > 20);
    assert_eq!(times(7, 0), times(7, 0));
    assert_ne!(times(7, 0), times(7, 1));
    assert_ne!(times(7, 0), times(8, 0));
}

/// How long 2,000 draws are on average.
fn mean_s(text: &str) -> f64 {
    let mut source = source(text, "constant:0.001", 3, 0);
    for _ in 0..2 * 2_000 {
        source.turn();
    }
    let on_for = u32::try_from(source.on_for_ns / 1_000_000).unwrap();
    f64::from(on_for) / 1_000.0 / 2_000.0
}

#[test]
fn distributions_have_their_means() {
    let median_by: f64 = (0.5_f64 * 0.5 / 2.0).exp();
    for (text, expected) in [
        ("constant:0.25", 0.25),
        ("exponential:0.35", 0.35),
        // Shape times minimum over shape less one.
        ("pareto:3,0.2", 0.3),
        ("lognormal:-1,0.5", (-1.0_f64).exp() * median_by),
    ] {
        let mean = mean_s(text);
        assert!((mean / expected - 1.0).abs() < 0.05, "{text}: {mean}");
    }
}

#[test]
fn what_is_drawn_is_an_hour_at_most() {
    // A median of an hour, and half of the draws unthinkably more.
    let mean = mean_s("lognormal:8.1,100");
    assert!((1_500.0..2_000.0).contains(&mean), "{mean}");
}

#[test]
fn what_is_no_distribution_is_refused_with_what_is_wrong() {
    for (text, why) in [
        ("", "not constant:S"),
        ("constant", "not constant:S"),
        ("constant:1,2", "not constant:S"),
        ("pareto:1.5", "not constant:S"),
        ("weibull:1,2", "not constant:S"),
        ("exponential:x", "not constant:S"),
        ("constant:0", "S is 0"),
        ("constant:-1", "S is -1"),
        ("constant:inf", "S is inf"),
        ("exponential:NaN", "MEAN is NaN"),
        ("exponential:3601", "MEAN is 3601"),
        ("pareto:0,1", "SHAPE is 0"),
        ("pareto:inf,1", "SHAPE is inf"),
        ("pareto:1,0.0001", "MINIMUM is 0.0001"),
        ("lognormal:100,1", "the median"),
        ("lognormal:0,-1", "SIGMA is -1"),
    ] {
        let error = text.parse::<Durations>().unwrap_err();
        assert!(error.starts_with(why), "{text}: {error}");
    }
}
