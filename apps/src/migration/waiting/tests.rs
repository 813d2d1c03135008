use std::collections::{BTreeMap, BTreeSet};

use godwit_openflow::types::DatapathId;
use proptest::prelude::*;

use super::Waiting;

fn switches(numbers: impl IntoIterator<Item = u64>) -> BTreeSet<DatapathId> {
    numbers.into_iter().map(DatapathId).collect()
}

fn turns(waiting: &mut Waiting, taken: &BTreeSet<DatapathId>) -> Vec<u64> {
    waiting
        .turns(|dpid| !taken.contains(&dpid))
        .into_keys()
        .collect()
}

#[test]
fn those_that_share_nothing_go_together_and_the_others_one_after_another() {
    let mut waiting = Waiting::default();
    waiting.add(1, switches([1, 2]));
    waiting.add(2, switches([2, 3]));
    waiting.add(3, switches([4, 5]));
    assert_eq!(turns(&mut waiting, &switches([])), [1, 3]);
    assert_eq!(turns(&mut waiting, &switches([1, 2, 4, 5])), [0; 0]);
    assert_eq!(turns(&mut waiting, &switches([4, 5])), [2]);
}

#[test]
fn a_later_one_does_not_take_what_an_earlier_one_waits_for() {
    let mut waiting = Waiting::default();
    waiting.add(1, switches([1, 2]));
    waiting.add(2, switches([2, 3]));
    // 2 and 3 are free, but the first waits for 2.
    assert_eq!(turns(&mut waiting, &switches([1])), [0; 0]);
    assert_eq!(waiting.before(2, DatapathId(2)), Some(1));
    assert_eq!(waiting.before(1, DatapathId(2)), None);
    assert!(waiting.remove(1));
    assert!(!waiting.remove(1));
    assert_eq!(turns(&mut waiting, &switches([1])), [2]);
}

proptest! {
    /// Whatever comes and goes: nobody is overtaken at a switch, no switch is taken twice, and all get their turn.
    #[test]
    fn everyone_has_a_turn_and_nobody_is_overtaken(
        wishes in prop::collection::vec(prop::collection::btree_set(0_u64..8, 1..4), 1..50),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 200),
    ) {
        let mut waiting = Waiting::default();
        let mut running: BTreeMap<u64, BTreeSet<DatapathId>> = BTreeMap::new();
        let mut begun: Vec<u64> = Vec::new();
        for (id, wish) in (1..).zip(&wishes) {
            waiting.add(id, switches(wish.iter().copied()));
        }
        let mut choices = choices.iter();
        while begun.len() < wishes.len() || !running.is_empty() {
            let taken: BTreeSet<_> = running.values().flatten().copied().collect();
            for (id, mine) in waiting.turns(|dpid| !taken.contains(&dpid)) {
                for other in running.values() {
                    prop_assert!(mine.is_disjoint(other));
                }
                for earlier in 1..id {
                    let theirs = switches(wishes[earlier as usize - 1].iter().copied());
                    prop_assert!(begun.contains(&earlier) || mine.is_disjoint(&theirs));
                }
                begun.push(id);
                running.insert(id, mine);
            }
            prop_assert!(!running.is_empty(), "nobody runs and {} wait", wishes.len() - begun.len());
            let choice = choices.next().expect("each ends once");
            let id = *running.keys().nth(choice.index(running.len())).unwrap();
            running.remove(&id);
        }
    }
}
