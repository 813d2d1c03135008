//! How a pattern keeps its fields: sorted by their numbers; up to one without an allocation, more in one.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::{Field, Masked};

/// A field and what is required of it.
pub(super) type Term = (Field, Masked);

/// What stands in room that is not used yet.
const UNUSED: Term = (Field::InPort, Masked::new(0, 0));

/// How many fields there are.
const FIELDS: usize = Field::Ipv6Exthdr as usize + 1;

/// How much room is made at a time when more than one field is set one by one: enough for a flow of TCP, for all that
/// 1.0 can say, for every field there is.
const ROOMS: [usize; 3] = [8, 16, FIELDS];

/// Fields with what is required of them, each once.
#[derive(Clone, Default)]
pub(super) enum Terms {
    #[default]
    Empty,
    /// All that a PACKET_IN says most of the time.
    One(Term),
    /// The first `count` of `terms`. Shared by clones until one of them changes: a route has the same pattern on
    /// every switch, and a plan of thousands of rules copies each several times.
    Many { terms: Arc<[Term]>, count: usize },
}

impl Terms {
    /// With room for `count` fields, so that no more is allocated while they are set.
    pub(super) fn with_room(count: usize) -> Self {
        if count <= 1 {
            return Self::Empty;
        }
        Self::Many {
            terms: (0..count.min(FIELDS)).map(|_| UNUSED).collect(),
            count: 0,
        }
    }

    pub(super) fn as_slice(&self) -> &[Term] {
        match self {
            Self::Empty => &[],
            Self::One(term) => std::slice::from_ref(term),
            Self::Many { terms, count } => &terms[..*count],
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Term> + '_ {
        self.as_slice().iter().copied()
    }

    pub(super) fn get(&self, field: Field) -> Option<Masked> {
        let at = self.position(field).ok()?;
        Some(self.as_slice()[at].1)
    }

    /// Where the field is, or where it would be.
    fn position(&self, field: Field) -> Result<usize, usize> {
        let terms = self.as_slice();
        match terms.last() {
            // Fields mostly come in their order.
            Some((last, _)) if *last >= field => {
                terms.binary_search_by_key(&field, |(field, _)| *field)
            }
            _ => Err(terms.len()),
        }
    }

    #[inline]
    pub(super) fn insert(&mut self, field: Field, masked: Masked) {
        match self {
            Self::Empty => *self = Self::One((field, masked)),
            Self::One(_) | Self::Many { .. } => self.insert_among(field, masked),
        }
    }

    fn insert_among(&mut self, field: Field, masked: Masked) {
        match self.position(field) {
            Err(at) => self.insert_at(at, (field, masked)),
            Ok(at) if self.as_slice()[at].1 == masked => {}
            Ok(at) => match self {
                Self::Empty => {}
                Self::One(term) => term.1 = masked,
                Self::Many { terms, .. } => Arc::make_mut(terms)[at].1 = masked,
            },
        }
    }

    fn insert_at(&mut self, at: usize, term: Term) {
        match self {
            Self::Empty => *self = Self::One(term),
            Self::Many { terms, count } if *count < terms.len() => {
                let slots = Arc::make_mut(terms);
                if at < *count {
                    slots.copy_within(at..*count, at + 1);
                }
                slots[at] = term;
                *count += 1;
            }
            Self::One(_) | Self::Many { .. } => *self = self.grown(at, term),
        }
    }

    /// A copy with more room, and `term` at `at`.
    fn grown(&self, at: usize, term: Term) -> Self {
        let before = self.as_slice();
        let count = before.len() + 1;
        let room = ROOMS
            .into_iter()
            .find(|&room| room >= count)
            .unwrap_or(count);
        let slot = |index: usize| match index.cmp(&at) {
            Ordering::Less => before[index],
            Ordering::Equal => term,
            Ordering::Greater => before.get(index - 1).copied().unwrap_or(UNUSED),
        };
        Self::Many {
            terms: (0..room).map(slot).collect(),
            count,
        }
    }

    pub(super) fn remove(&mut self, field: Field) -> Option<Masked> {
        let at = self.position(field).ok()?;
        let removed = self.as_slice()[at].1;
        match self {
            Self::Empty | Self::One(_) => *self = Self::Empty,
            Self::Many { terms, count } => {
                Arc::make_mut(terms).copy_within(at + 1..*count, at);
                *count -= 1;
            }
        }
        Some(removed)
    }
}

impl PartialEq for Terms {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Terms {}

impl PartialOrd for Terms {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Terms {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl Hash for Terms {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::hash::{BuildHasher, RandomState};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_fields_are_counted() {
        assert_eq!(Field::all().count(), FIELDS);
    }

    #[test]
    fn a_pattern_takes_no_more_room_than_one_field_and_the_unknown_ones() {
        assert_eq!(size_of::<Terms>(), size_of::<Term>());
    }

    /// A field by its number, and what to do: set it to a value, or remove it.
    fn steps() -> impl Strategy<Value = Vec<(u8, Option<u128>)>> {
        let step = (0..FIELDS as u8, proptest::option::weighted(0.8, 1..4_u128));
        proptest::collection::vec(step, 0..60)
    }

    fn apply(terms: &mut Terms, steps: &[(u8, Option<u128>)]) -> BTreeMap<Field, Masked> {
        let mut map = BTreeMap::new();
        for &(number, value) in steps {
            let field = Field::from_number(number).unwrap();
            match value {
                Some(value) => {
                    let masked = Masked::new(value, 3);
                    terms.insert(field, masked);
                    map.insert(field, masked);
                }
                None => assert_eq!(terms.remove(field), map.remove(&field)),
            }
        }
        map
    }

    proptest! {
        #[test]
        fn terms_are_a_sorted_map(steps in steps(), room in 0..50_usize) {
            let mut terms = Terms::with_room(room);
            let map = apply(&mut terms, &steps);
            prop_assert!(terms.iter().eq(map.iter().map(|(field, masked)| (*field, *masked))));
            for number in 0..FIELDS as u8 {
                let field = Field::from_number(number).unwrap();
                prop_assert_eq!(terms.get(field), map.get(&field).copied());
            }
        }

        #[test]
        fn terms_are_compared_as_sets(a in steps(), b in steps(), room in 0..50_usize) {
            let (mut left, mut right) = (Terms::with_room(room), Terms::default());
            let (a, b) = (apply(&mut left, &a), apply(&mut right, &b));
            prop_assert_eq!(left.cmp(&right), a.cmp(&b));
            prop_assert_eq!(left == right, a == b);
            let mut same = Terms::default();
            a.iter().rev().for_each(|(field, masked)| same.insert(*field, *masked));
            prop_assert_eq!(&same, &left);
            let hasher = RandomState::new();
            prop_assert_eq!(hasher.hash_one(&same), hasher.hash_one(&left));
        }

        #[test]
        fn a_clone_does_not_change_with_its_original(steps in steps(), more in steps()) {
            let mut terms = Terms::default();
            let before = apply(&mut terms, &steps);
            let clone = terms.clone();
            apply(&mut terms, &more.into_iter().map(|(field, value)| (field, value.or(Some(2)))).collect::<Vec<_>>());
            prop_assert!(clone.iter().eq(before.into_iter()));
        }
    }
}
