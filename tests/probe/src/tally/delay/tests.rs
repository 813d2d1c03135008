use super::Delay;

fn delays_of(us: impl IntoIterator<Item = u64>) -> Delay {
    let mut delay = Delay::new();
    for us in us {
        delay.record(us * 1_000);
    }
    delay
}

#[test]
fn without_packets_all_is_zero() {
    let delay = Delay::new();
    let summary = delay.summary();
    assert_eq!(
        (summary.min, summary.mean, summary.p50, summary.max),
        (0, 0, 0, 0)
    );
    assert_eq!(delay.histogram(), []);
}

#[test]
fn quantiles_are_those_of_the_packets_to_two_digits() {
    let summary = delays_of(1..=10_000).summary();
    assert_eq!((summary.min, summary.mean, summary.max), (1, 5_000, 10_000));
    for (found, exact) in [
        (summary.p50, 5_000),
        (summary.p90, 9_000),
        (summary.p99, 9_900),
        (summary.p999, 9_990),
    ] {
        assert!(
            (exact..=exact + exact / 100).contains(&found),
            "{found} for {exact}"
        );
    }
}

#[test]
fn the_histogram_has_every_packet_in_a_bucket_at_most_a_hundredth_above_it() {
    let histogram = delays_of([0, 1, 1, 100, 1_000, 1_000, 1_000_000]).histogram();
    let counts: Vec<u64> = histogram.iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, [1, 2, 1, 2, 1]);
    for ((bound, _), exact) in histogram.iter().zip([0, 1, 100, 1_000, 1_000_000]) {
        assert!(
            (exact..=exact + exact / 100).contains(bound),
            "{bound} for {exact}"
        );
    }
}

#[test]
fn a_delay_beyond_the_histogram_is_its_last_and_the_greatest_is_exact() {
    let delay = delays_of([1, 3_600_000_000]);
    assert_eq!(
        delay
            .histogram()
            .iter()
            .map(|(_, count)| count)
            .sum::<u64>(),
        2
    );
    assert!(delay.histogram()[1].0 < 61_000_000);
    assert_eq!(delay.summary().max, 3_600_000_000);
}
