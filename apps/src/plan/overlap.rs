//! Which rules of two sets can match the same packet, without comparing each with each.
//!
//! Rules that compare the same bits form a class. Two rules overlap if they agree in the bits that both compare, and
//! which bits those are depends on their classes alone. So for each two classes one hash table finds all pairs.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::ControlFlow;

use godwit_openflow::model::{Field, FlowRule, Pattern};
use godwit_openflow::types::TableId;

/// A hasher for numbers that nobody chooses to collide: each is multiplied into the state.
#[derive(Debug, Default, Clone, Copy)]
pub struct Mix(u64);

impl Mix {
    /// An odd number without a pattern in its bits: 2^64 divided by the golden ratio.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

    const fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(Self::FACTOR);
    }
}

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        // A table of buckets looks at the low bits, where a product has least of its factors.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.add(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.add(number.into());
    }

    fn write_u16(&mut self, number: u16) {
        self.add(number.into());
    }

    fn write_u32(&mut self, number: u32) {
        self.add(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.add(number);
    }

    fn write_u128(&mut self, number: u128) {
        self.add(number as u64);
        self.add((number >> 64) as u64);
    }

    fn write_usize(&mut self, number: usize) {
        self.add(number as u64);
    }
}

/// A map for keys that are made here.
pub type Map<K, V> = HashMap<K, V, BuildHasherDefault<Mix>>;

/// Rules that compare the same bits in the same table.
struct Class {
    table: TableId,
    /// The bits, of the fields in their order.
    bits: Vec<(Field, u128)>,
    members: Vec<usize>,
}

/// Calls `found` with the indices of each rule of `some` and each of `others` that stand in the same table and can
/// match the same packet, until it breaks. Fields that are not known are taken to overlap.
pub fn pairs<'a>(
    some: impl IntoIterator<Item = &'a FlowRule>,
    others: impl IntoIterator<Item = &'a FlowRule>,
    mut found: impl FnMut(usize, usize) -> ControlFlow<()>,
) {
    let some: Vec<&FlowRule> = some.into_iter().collect();
    let others: Vec<&FlowRule> = others.into_iter().collect();
    if some.is_empty() || others.is_empty() {
        return;
    }
    let (classes, other_classes) = (classes(&some), classes(&others));
    for class in &classes {
        for other in other_classes
            .iter()
            .filter(|other| other.table == class.table)
        {
            let common = common(class, other);
            let mut by_value: Map<u64, Vec<usize>> = Map::default();
            for &index in &class.members {
                let value = projected(&some[index].pattern, &common);
                by_value.entry(value).or_default().push(index);
            }
            for &index in &other.members {
                let pattern = &others[index].pattern;
                for &one in by_value
                    .get(&projected(pattern, &common))
                    .into_iter()
                    .flatten()
                {
                    // Different values may have the same hash.
                    if some[one].pattern.overlaps(pattern) && found(one, index).is_break() {
                        return;
                    }
                }
            }
        }
    }
}

fn classes(rules: &[&FlowRule]) -> Vec<Class> {
    let mut classes: Vec<Class> = Vec::new();
    let mut by_bits: Map<u64, Vec<usize>> = Map::default();
    for (index, rule) in rules.iter().enumerate() {
        let mut mix = Mix::default();
        mix.write_u8(rule.table.0);
        for (field, masked) in rule.pattern.fields() {
            mix.write_u8(field as u8);
            mix.write_u128(masked.mask());
        }
        let candidates = by_bits.entry(mix.finish()).or_default();
        let same = |class: &Class| {
            let bits = class.bits.iter().copied();
            class.table == rule.table && bits.eq(bits_of(&rule.pattern))
        };
        match candidates.iter().find(|class| same(&classes[**class])) {
            Some(&class) => classes[class].members.push(index),
            None => {
                candidates.push(classes.len());
                classes.push(Class {
                    table: rule.table,
                    bits: bits_of(&rule.pattern).collect(),
                    members: vec![index],
                });
            }
        }
    }
    classes
}

fn bits_of(pattern: &Pattern) -> impl Iterator<Item = (Field, u128)> + '_ {
    pattern
        .fields()
        .map(|(field, masked)| (field, masked.mask()))
}

/// The bits that both compare.
fn common(one: &Class, other: &Class) -> Vec<(Field, u128)> {
    let mut common = Vec::new();
    for &(field, mask) in &one.bits {
        if let Some((_, theirs)) = other.bits.iter().find(|(theirs, _)| *theirs == field)
            && mask & theirs != 0
        {
            common.push((field, mask & theirs));
        }
    }
    common
}

fn projected(pattern: &Pattern, bits: &[(Field, u128)]) -> u64 {
    let mut mix = Mix::default();
    // Both are in the order of the fields.
    let mut fields = pattern.fields();
    for &(field, mask) in bits {
        if let Some((_, masked)) = fields.find(|(this, _)| *this == field) {
            mix.write_u128(masked.value() & mask);
        }
    }
    mix.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_pattern() -> impl Strategy<Value = Pattern> {
        let field = prop_oneof![
            Just(Field::InPort),
            Just(Field::EthType),
            Just(Field::VlanVid),
            Just(Field::Ipv4Dst)
        ];
        let term = (field, 0..4_u128, 0..4_u128);
        prop::collection::vec(term, 0..4).prop_map(|terms| {
            let mut pattern = Pattern::new();
            for (field, value, mask) in terms {
                pattern.set(field, value, mask);
            }
            pattern
        })
    }

    fn any_rules() -> impl Strategy<Value = Vec<FlowRule>> {
        let rule = (0..2_u8, any_pattern()).prop_map(|(table, pattern)| FlowRule {
            table: TableId(table),
            ..FlowRule::new(1, pattern, Vec::new())
        });
        prop::collection::vec(rule, 0..20)
    }

    proptest! {
        #[test]
        fn the_pairs_are_those_that_comparing_each_with_each_finds(some in any_rules(), others in any_rules()) {
            let mut slow = Vec::new();
            for (one, rule) in some.iter().enumerate() {
                for (other, theirs) in others.iter().enumerate() {
                    if rule.table == theirs.table && rule.pattern.overlaps(&theirs.pattern) {
                        slow.push((one, other));
                    }
                }
            }
            let mut fast = Vec::new();
            pairs(&some, &others, |one, other| {
                fast.push((one, other));
                ControlFlow::Continue(())
            });
            fast.sort_unstable();
            prop_assert_eq!(fast, slow);
        }
    }
}
