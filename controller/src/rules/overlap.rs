//! Rules of different owners that are in each other's way. Pure.

use std::fmt;

use godwit_openflow::model::FlowRule;

use super::{Owner, described};

/// Pairs of rules that are looked at for one request at the most: a rule among a million, or 100 among 10,000. It takes
/// about as many times ten nanoseconds.
const MOST_PAIRS: usize = 1_000_000;

/// Overlaps that are named of one request at the most.
const MOST_NAMED: usize = 100;

/// How two rules are in each other's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Both have the same priority and match some packets together: which of them gets those is not defined (OF 1.3.5
    /// §5.3).
    Ambiguous,
    /// The other one stands above and takes all packets.
    Shadowed,
    /// It stands above the other one and takes all of its packets.
    Shadows,
}

/// Two rules of different owners that are in each other's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// Which of the new rules, counted from 0.
    pub index: usize,
    /// How.
    pub relation: Relation,
    /// Who has the other one.
    pub owner: Owner,
    /// The other one.
    pub other: FlowRule,
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (owner, other) = (self.owner, described(&self.other));
        match self.relation {
            Relation::Ambiguous => write!(
                f,
                "some packets also match a rule of {owner} with the same priority, and which of the two they meet is not defined: {other}"
            ),
            Relation::Shadowed => write!(
                f,
                "no packet meets it: a rule of {owner} above takes them all: {other}"
            ),
            Relation::Shadows => {
                write!(
                    f,
                    "it takes all packets of a rule of {owner} below: {other}"
                )
            }
        }
    }
}

/// What is said when not all could be compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overlaps {
    /// Those that were found.
    pub found: Vec<Overlap>,
    /// Whether there were too many to look at, or to name.
    pub is_cut: bool,
}

/// What new rules of a switch are in the way of, or what is in theirs, among the rules that other owners want there.
#[must_use]
pub fn overlaps(fresh: &[FlowRule], wanted: &[FlowRule]) -> Overlaps {
    let mut all = Overlaps::default();
    let mut pairs = 0;
    for (index, rule) in fresh.iter().enumerate() {
        if pairs + wanted.len() > MOST_PAIRS {
            all.is_cut = true;
            return all;
        }
        pairs += wanted.len();
        let mine = Owner::of(rule.cookie);
        for other in wanted {
            let owner = Owner::of(other.cookie);
            let Some(owner) = owner.filter(|_| owner != mine) else {
                continue;
            };
            let Some(relation) = relation(rule, other, owner) else {
                continue;
            };
            if all.found.len() == MOST_NAMED {
                all.is_cut = true;
                return all;
            }
            all.found.push(Overlap {
                index,
                relation,
                owner,
                other: other.clone(),
            });
        }
    }
    all
}

fn relation(rule: &FlowRule, other: &FlowRule, owner: Owner) -> Option<Relation> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    if rule.table != other.table {
        return None;
    }
    match rule.priority.cmp(&other.priority) {
        Equal if rule.pattern.overlaps(&other.pattern) => Some(Relation::Ambiguous),
        Less if other.pattern.covers(&rule.pattern) => Some(Relation::Shadowed),
        // The table-miss entry is for what nobody else takes.
        Greater if owner != Owner::Core && rule.pattern.covers(&other.pattern) => {
            Some(Relation::Shadows)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use godwit_openflow::model::Pattern;
    use godwit_openflow::types::TableId;

    use super::*;
    use crate::rules::base;

    fn rule(owner: Owner, priority: u16, pattern: Pattern) -> FlowRule {
        FlowRule::new(priority, pattern, Vec::new()).with_cookie(owner.cookie(1))
    }

    fn ip(last: u32) -> Pattern {
        Pattern::new()
            .eth_type(0x0800)
            .ipv4_dst((0x0a00_0000 + last).into())
    }

    #[test]
    fn what_is_in_the_way_is_named_by_how_it_is() {
        let all_ip = Pattern::new().eth_type(0x0800);
        let mut wanted = base().to_vec();
        wanted.push(rule(Owner::Routing, 100, ip(1)));
        wanted.push(rule(Owner::Acl, 200, ip(2)));
        let relations = |priority, pattern: &Pattern| -> Vec<(Relation, Owner)> {
            let fresh = [rule(Owner::Entries, priority, pattern.clone())];
            let found = overlaps(&fresh, &wanted).found;
            found.iter().map(|one| (one.relation, one.owner)).collect()
        };
        assert_eq!(relations(300, &ip(3)), []);
        assert_eq!(
            relations(100, &all_ip),
            [(Relation::Ambiguous, Owner::Routing)]
        );
        assert_eq!(
            relations(150, &all_ip),
            [(Relation::Shadows, Owner::Routing)]
        );
        assert_eq!(relations(150, &ip(2)), [(Relation::Shadowed, Owner::Acl)]);
        let lldp = Pattern::new().eth_type(0x88cc);
        assert_eq!(relations(7, &lldp), [(Relation::Shadowed, Owner::Core)]);
        assert_eq!(
            relations(300, &Pattern::new()).len(),
            2,
            "and not the table-miss"
        );
        // What is above without taking all is what priorities are for.
        assert_eq!(relations(50, &all_ip), []);
        let mut elsewhere = rule(Owner::Entries, 100, all_ip);
        elsewhere.table = TableId(1);
        assert_eq!(overlaps(&[elsewhere], &wanted), Overlaps::default());
        let own = rule(Owner::Routing, 100, Pattern::new().eth_type(0x0800));
        assert_eq!(overlaps(&[own], &wanted).found, []);
    }

    #[test]
    fn it_takes_no_longer_however_many_rules_there_are() {
        let wanted: Vec<FlowRule> = (0..10_000)
            .map(|last| rule(Owner::Routing, 100, ip(last)))
            .collect();
        let fresh: Vec<FlowRule> = (0..1_000)
            .map(|last| rule(Owner::Entries, 100, ip(20_000 + last)))
            .collect();
        let begun = Instant::now();
        let one = overlaps(&fresh[..1], &wanted);
        let took_one = begun.elapsed();
        let all = overlaps(&fresh, &wanted);
        println!(
            "one among 10,000: {took_one:?}; as many as are looked at: {:?}",
            begun.elapsed()
        );
        assert_eq!((one.is_cut, all.is_cut), (false, true));
        let everything = [rule(Owner::Entries, 200, Pattern::new())];
        let many = overlaps(&everything, &wanted);
        assert_eq!((many.found.len(), many.is_cut), (MOST_NAMED, true));
    }
}
