use proptest::prelude::*;

use super::*;

const SHAPE: Shape = Shape {
    half_life: Duration::from_secs(30),
    samples: 8,
};

const RANGE: u64 = 1 << 32;

fn reading(at_ms: u64, counts: [u64; 2]) -> Reading<2> {
    Reading {
        at: Duration::from_millis(at_ms),
        counts: counts.map(Some),
        age: None,
        connection: 1,
    }
}

fn aged(at_ms: u64, age_ms: u64, counts: [u64; 2]) -> Reading<2> {
    Reading {
        age: Some(Duration::from_millis(age_ms)),
        ..reading(at_ms, counts)
    }
}

fn after(readings: impl IntoIterator<Item = Reading<2>>) -> Series<2> {
    let mut series = Series::default();
    for reading in readings {
        series.take(reading, None, SHAPE);
    }
    series
}

fn raw(series: &Series<2>) -> Option<[Option<f64>; 2]> {
    series.raw().map(|sample| sample.rates)
}

/// Moments in milliseconds, at least a second apart.
fn moments() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(1000u64..60_000, 2..30).prop_map(|gaps| {
        let mut at = 5;
        gaps.into_iter()
            .map(|gap| {
                at += gap;
                at
            })
            .collect()
    })
}

proptest! {
    /// `rate` packets a millisecond, 1000 bytes each, so that nothing is rounded.
    #[test]
    fn a_constant_rate_stays_constant_whatever_the_intervals(
        moments in moments(), rate in 0u64..10_000, begin in 0u64..1 << 40
    ) {
        let mut series = Series::default();
        for (index, at) in moments.iter().enumerate() {
            let packets = begin + rate * at;
            series.take(reading(*at, [packets, 1000 * packets]), None, SHAPE);
            let wanted = [rate as f64 * 1e3, rate as f64 * 1e6];
            for sample in [series.raw(), series.smoothed()] {
                prop_assert_eq!(sample.is_some(), index > 0);
                for (found, wanted) in sample.iter().flat_map(|sample| sample.rates).zip(wanted) {
                    let found = found.unwrap();
                    prop_assert!((found - wanted).abs() <= wanted * 1e-9, "{} for {}", found, wanted);
                }
            }
        }
    }

    /// What a 32-bit counter shows gives the rates of the one behind it, as long as no interval counts half its range.
    #[test]
    fn a_counter_of_32_bits_that_wraps_makes_no_difference(
        moments in moments(), bytes in 1u64..35_000, begin in 0u64..RANGE
    ) {
        let wide = |at: &u64| [1 + at, begin + bytes * at];
        let narrow = |at: &u64| wide(at).map(|count| count % RANGE);
        let (mut seen, mut real) = (Series::default(), Series::default());
        for at in &moments {
            seen.take(reading(*at, narrow(at)), None, SHAPE);
            real.take(reading(*at, wide(at)), None, SHAPE);
            prop_assert_eq!(raw(&seen), raw(&real));
            let since = real.totals()[1].unwrap() - wide(&moments[0])[1];
            prop_assert_eq!(seen.totals()[1].unwrap() - narrow(&moments[0])[1], since);
        }
    }

    /// Whatever a switch reports, no rate is negative, or more than what its counters can have counted.
    #[test]
    fn no_rate_is_absurd(
        steps in prop::collection::vec(
            (0u64..20_000, any::<[u32; 2]>(), prop::option::of(0u64..100_000), 0u64..3), 1..40)
    ) {
        let mut series = Series::default();
        let mut at = 0;
        for (gap, counts, age_ms, connection) in steps {
            at += gap;
            let mut reading = reading(at, counts.map(u64::from));
            reading.age = age_ms.map(Duration::from_millis);
            reading.connection = connection;
            series.take(reading, None, SHAPE);
            for sample in [series.raw(), series.smoothed()].into_iter().flatten() {
                for rate in sample.rates.into_iter().flatten() {
                    // Below a second there is no rate; but what was counted in several readings may add up to one.
                    prop_assert!((0.0..=RANGE as f64 * 40.0).contains(&rate), "{}", rate);
                }
            }
            prop_assert!(series.history(99).count() <= SHAPE.samples);
        }
    }

    /// A record that begins anew has no rate in between, and after it the right one.
    #[test]
    fn a_reset_is_no_rate(
        moments in moments(), rate in 1u64..1000, broken in any::<prop::sample::Index>(), has_age in any::<bool>()
    ) {
        let broken = 1 + broken.index(moments.len() - 1);
        // Sooner it could be an answer that was overtaken.
        let has_age = has_age && moments[broken] - moments[broken - 1] > 5000;
        let mut series = Series::default();
        for (index, at) in moments.iter().enumerate() {
            let born = if index < broken { 0 } else { moments[broken] - 900 };
            let packets = rate * (at - born);
            let counts = [packets, 100 * packets];
            let next = if has_age { aged(*at, at - born, counts) } else { reading(*at, counts) };
            series.take(next, None, SHAPE);
            // Without an age one that has counted more meanwhile can't be told from the one before.
            if index == broken {
                prop_assert_eq!(series.raw(), None);
            } else if index > 0 {
                for (found, unit) in raw(&series).unwrap().into_iter().zip([1e3, 1e5]) {
                    prop_assert!((found.unwrap() - rate as f64 * unit).abs() < 1e-3);
                }
            }
            prop_assert_eq!(series.totals()[0], Some(packets));
        }
    }

    /// Answers that were overtaken change nothing: those that say when they were made, and those that say how old the
    /// record was.
    #[test]
    fn answers_in_another_order_do_no_harm(
        moments in moments(), order in prop::collection::vec(any::<prop::sample::Index>(), 10), rate in 1u64..1000
    ) {
        let all: Vec<_> = moments.iter().map(|at| aged(*at, *at, [rate * at, 100 * rate * at])).collect();
        let mut series = Series::default();
        let mut latest = None;
        for index in order {
            let next = *index.get(&all);
            if latest.is_none_or(|at| next.at > at) {
                latest = Some(next.at);
            }
            series.take(next, None, SHAPE);
            prop_assert_eq!(series.last.map(|last| last.at), latest);
            for found in raw(&series).into_iter().flatten().zip([1e3, 1e5]) {
                prop_assert!((found.0.unwrap() - rate as f64 * found.1).abs() < 1e-3);
            }
        }
    }
}

#[test]
fn an_answer_that_comes_late_is_known_by_the_age_of_the_record() {
    let mut series = after([
        aged(10_000, 10_000, [100, 1000]),
        aged(20_000, 20_000, [200, 2000]),
    ]);
    let before = raw(&series);
    series.take(aged(21_500, 19_000, [190, 1900]), None, SHAPE);
    assert_eq!(raw(&series), before);
    series.take(aged(30_000, 30_000, [300, 3000]), None, SHAPE);
    assert_eq!(raw(&series), before);
}

#[test]
fn a_record_that_is_younger_than_it_should_be_is_another() {
    let series = after([
        aged(10_000, 2_000, [100, 1000]),
        aged(20_000, 5_000, [5000, 50_000]),
    ]);
    assert_eq!(series.raw(), None);
    assert_eq!(series.totals()[0], Some(5000));
}

#[test]
fn over_another_connection_a_record_without_age_begins_anew() {
    let again = Reading {
        connection: 2,
        ..reading(20_000, [5000, 50_000])
    };
    let series = after([reading(10_000, [100, 1000]), again]);
    assert_eq!(series.raw(), None);
    let again = Reading {
        connection: 2,
        ..aged(20_000, 20_000, [200, 2000])
    };
    let series = after([aged(10_000, 10_000, [100, 1000]), again]);
    assert_eq!(raw(&series), Some([Some(10.0), Some(100.0)]));
}

#[test]
fn a_counter_that_can_not_have_wrapped_begins_anew() {
    // All fell; below half of the range; wider than 32 bits.
    for (before, now) in [
        ([RANGE - 9, RANGE - 9], [1, 1]),
        ([100, 1 << 30], [101, 7]),
        ([100, RANGE + 5], [101, 3]),
    ] {
        let series = after([reading(1000, before), reading(9000, now)]);
        assert_eq!(series.raw(), None, "{before:?}");
        assert_eq!(*series.totals(), now.map(Some));
    }
}

#[test]
fn more_than_the_port_carries_is_no_wrap() {
    // 2^30 bytes in 8 s are 134 MB/s.
    let readings = [
        reading(1000, [5, 3 << 30]),
        reading(9000, [6, 0]),
        reading(17_000, [7, 0]),
    ];
    for (most, wanted) in [(12.5e6, Some(0.0)), (125e6, Some((1u64 << 27) as f64))] {
        let mut series = Series::default();
        series.take(readings[0], Some(most), SHAPE);
        series.take(readings[1], Some(most), SHAPE);
        if wanted == Some(0.0) {
            assert_eq!(series.raw(), None);
            series.take(readings[2], Some(most), SHAPE);
        }
        assert_eq!(raw(&series).unwrap()[1], wanted);
    }
}

#[test]
fn what_is_read_within_a_second_counts_to_the_next_rate() {
    let mut series = after([reading(0, [0, 0]), reading(10_000, [1000, 0])]);
    series.take(reading(10_050, [1100, 0]), None, SHAPE);
    assert_eq!(raw(&series).unwrap()[0], Some(100.0));
    assert_eq!(series.totals()[0], Some(1100));
    series.take(reading(20_000, [2000, 0]), None, SHAPE);
    assert_eq!(raw(&series).unwrap()[0], Some(100.0));
    assert_eq!(series.history(9).count(), 2);
}

#[test]
fn what_a_record_had_counted_at_its_end_belongs_to_its_rate() {
    let mut series = after([reading(0, [0, 0]), reading(10_000, [1000, 0])]);
    let end = Duration::from_secs(15);
    let mut less = series.clone();
    series.end(end, [Some(2000), Some(7)], SHAPE);
    assert_eq!(raw(&series), Some([Some(200.0), Some(1.4)]));
    less.end(end, [Some(900), Some(0)], SHAPE);
    assert_eq!(raw(&less), Some([Some(0.0), Some(0.0)]));
    assert_eq!(less.totals()[0], Some(1000));
}

#[test]
fn after_a_half_life_the_smoothed_rate_has_come_half_the_way() {
    let series = after([
        reading(0, [0, 0]),
        reading(30_000, [0, 0]),
        reading(60_000, [30_000, 0]),
    ]);
    assert_eq!(raw(&series).unwrap()[0], Some(1000.0));
    let smoothed = series.smoothed().unwrap().rates[0].unwrap();
    assert!((smoothed - 500.0).abs() < 1e-9, "{smoothed}");
    // The same in ten steps.
    let steps = (0..=10).map(|step| reading(30_000 + 3000 * step, [3000 * step, 0]));
    let series = after([reading(0, [0, 0])].into_iter().chain(steps));
    let smoothed = series.smoothed().unwrap().rates[0].unwrap();
    assert!((smoothed - 500.0).abs() < 1e-6, "{smoothed}");
}

#[test]
fn a_counter_that_is_not_kept_has_no_rate() {
    let mut without = [reading(0, [1, 0]), reading(5000, [11, 0])];
    without
        .iter_mut()
        .for_each(|reading| reading.counts[1] = None);
    assert_eq!(raw(&after(without)), Some([Some(2.0), None]));
}
