//! The laws that the fuzzers check (`fuzz/`), on bytes that are wrong in a fixed set of ways: what takes seconds.

use godwit_openflow::types::Version;
use godwit_samples::law;
use godwit_samples::seed::{self, Mutator};

/// How often each seed is made wrong.
const ROUNDS: u64 = 30;

fn measured(work: &mut dyn FnMut()) -> u64 {
    allocation_counter::measure(work).bytes_total
}

/// All seeds as they are, then made wrong.
fn check(seeds: &[Vec<u8>], law: impl Fn(&[u8])) {
    assert!(!seeds.is_empty());
    seeds.iter().for_each(|seed| law(seed));
    for round in 0..ROUNDS {
        let mut mutator = Mutator::new(round);
        for (index, seed) in seeds.iter().enumerate() {
            let other = &seeds[(index + round as usize + 1) % seeds.len()];
            law(&mutator.mutate(seed, other));
        }
    }
}

fn check_messages(version: Version) {
    let seeds = seed::messages(version, 150);
    seeds.iter().for_each(|seed| law::canonical(version, seed));
    check(&seeds, |data| law::message(version, data, measured));
}

#[test]
fn any_bytes_as_a_message_of_1_0() {
    check_messages(Version::V10);
}

#[test]
fn any_bytes_as_a_message_of_1_3() {
    check_messages(Version::V13);
}

#[test]
fn any_bytes_as_a_stream() {
    check(&seed::streams(50), |data| law::frames(data, measured));
}

#[test]
fn any_bytes_as_lldp() {
    (0..100).for_each(|_| check(&seed::lldp_frames(), |data| law::lldp(data, measured)));
}

#[test]
fn any_bytes_as_a_packet() {
    (0..100).for_each(|_| check(&seed::packets(), |data| law::packet(data, measured)));
}
