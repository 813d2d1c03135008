//! What is among many samples of a strategy.

use std::collections::BTreeSet;
use std::fmt::Debug;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// The name of a value's variant, after `what` kind of value it is.
pub(crate) fn variant(what: &str, value: &impl Debug) -> String {
    let name: String = format!("{value:?}")
        .chars()
        .take_while(|character| character.is_alphanumeric())
        .collect();
    format!("{what} {name}")
}

/// What is said of many samples.
pub(crate) fn among<T: Debug>(
    samples: impl Strategy<Value = T>,
    names: impl Fn(&T) -> Vec<String>,
) -> BTreeSet<String> {
    let mut runner = TestRunner::deterministic();
    (0..4000)
        .flat_map(|_| names(&samples.new_tree(&mut runner).expect("a sample").current()))
        .collect()
}

/// All of these variants, and none other, were found of this kind of value.
pub(crate) fn check_variants(found: &BTreeSet<String>, what: &str, expected: &str) {
    let of_this_kind = format!("{what} ");
    let found: BTreeSet<&str> = found
        .iter()
        .filter_map(|name| name.strip_prefix(&of_this_kind))
        .collect();
    assert_eq!(found, expected.split_whitespace().collect(), "{what}");
}
