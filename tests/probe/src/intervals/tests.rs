use super::{Intervals, MOST};

const MILLISECOND: u64 = 1_000_000;

#[test]
fn intervals_begin_at_multiples_of_their_length() {
    let mut counts = Intervals::<u64>::of_ms(100);
    for at_ms in [1_250, 1_299, 1_300, 1_199] {
        *counts.at(at_ms * MILLISECOND).unwrap() += 1;
    }
    let counted: Vec<_> = counts.iter().map(|(at, count)| (at, *count)).collect();
    let expected = [(1_100, 1), (1_200, 2), (1_300, 1)];
    assert_eq!(
        counted,
        expected.map(|(at, count)| (at * MILLISECOND, count))
    );
}

#[test]
fn one_too_many_is_counted_and_those_that_are_there_go_on() {
    let mut counts = Intervals::<u64>::of_ms(10);
    let most = u64::try_from(MOST).unwrap();
    for interval in 0..most {
        assert!(counts.at(interval * 10 * MILLISECOND).is_some());
    }
    assert!(counts.at(most * 10 * MILLISECOND).is_none());
    assert!(counts.at(0).is_some());
    assert_eq!((counts.iter().count(), counts.left_out()), (MOST, 1));
}
