//! How often a rule is put right that does not stay so: somebody else may change it each time, or the switch may report
//! it otherwise than it was written. Pure.

use std::collections::{HashMap, HashSet};

use godwit_openflow::model::OwnedIdentity;

/// So many times a rule is put right in each audit.
const AT_ONCE: u32 = 3;

/// Audits between two tries at the most: ten minutes at the default interval.
const LONGEST: u64 = 64;

/// What of one switch was put right, and when, in audits.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// The number of this audit.
    audit: u64,
    rules: HashMap<OwnedIdentity, Tries>,
}

#[derive(Debug)]
struct Tries {
    times: u32,
    last: u64,
}

impl Tries {
    /// After how many audits it is the rule's turn again.
    fn pause(&self) -> u64 {
        let doublings = self.times.saturating_sub(AT_ONCE);
        let pause = 1_u64.checked_shl(doublings).unwrap_or(LONGEST);
        pause.min(LONGEST)
    }
}

impl Patience {
    /// An audit begins that has found these rules wrong. What has stayed right for long enough is forgotten.
    pub(super) fn begin(&mut self, wrong: &HashSet<OwnedIdentity>) {
        self.audit += 1;
        let audit = self.audit;
        self.rules.retain(|rule, tries| {
            wrong.contains(rule) || audit - tries.last <= u64::from(AT_ONCE) + tries.pause()
        });
    }

    /// Whether it is the rule's turn in this audit.
    pub(super) fn is_due(&self, rule: &OwnedIdentity) -> bool {
        let tries = self.rules.get(rule);
        tries.is_none_or(|tries| self.audit - tries.last >= tries.pause())
    }

    /// In how many audits it is the rule's turn.
    pub(super) fn turn_in(&self, rule: &OwnedIdentity) -> u64 {
        let tries = self.rules.get(rule);
        tries.map_or(0, |tries| {
            (tries.last + tries.pause()).saturating_sub(self.audit)
        })
    }

    /// It is put right in this audit, or that was tried. Gives how many times it was.
    pub(super) fn tried(&mut self, rule: OwnedIdentity) -> u32 {
        let audit = self.audit;
        let tries = self
            .rules
            .entry(rule)
            .or_insert(Tries { times: 0, last: 0 });
        tries.times = tries.times.saturating_add(1);
        tries.last = audit;
        tries.times
    }

    /// How many times in a row it was put right, without having stayed so.
    pub(super) fn times(&self, rule: &OwnedIdentity) -> u32 {
        self.rules.get(rule).map_or(0, |tries| tries.times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use godwit_openflow::model::Pattern;
    use godwit_openflow::types::TableId;

    fn rule(priority: u16) -> OwnedIdentity {
        (TableId(0), priority, Pattern::new())
    }

    /// In which of so many audits a rule that never stays right is put right.
    fn tries(audits: u64) -> Vec<u64> {
        let (mut patience, wrong) = (Patience::default(), HashSet::from([rule(1)]));
        let mut tries = Vec::new();
        for audit in 1..=audits {
            patience.begin(&wrong);
            assert_eq!(patience.is_due(&rule(1)), patience.turn_in(&rule(1)) == 0);
            if patience.is_due(&rule(1)) {
                assert_eq!(patience.tried(rule(1)) as usize, tries.len() + 1);
                tries.push(audit);
            }
        }
        tries
    }

    #[test]
    fn a_rule_that_does_not_stay_right_is_put_right_more_and_more_rarely() {
        assert_eq!(tries(20), [1, 2, 3, 4, 6, 10, 18]);
        let many = tries(10_000);
        let pauses: Vec<u64> = many.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(pauses.iter().max(), Some(&LONGEST));
        assert_eq!(pauses.last(), Some(&LONGEST));
    }

    #[test]
    fn a_rule_that_stays_right_is_forgotten_and_then_put_right_at_once() {
        let (mut patience, wrong) = (Patience::default(), HashSet::from([rule(1)]));
        for _ in 0..12 {
            patience.begin(&wrong);
            if patience.is_due(&rule(1)) {
                patience.tried(rule(1));
            }
        }
        assert!(!patience.is_due(&rule(1)) && patience.is_due(&rule(2)));
        assert_eq!(patience.times(&rule(1)), 6);
        let mut audits = 0;
        while patience.times(&rule(1)) > 0 {
            patience.begin(&HashSet::new());
            audits += 1;
            assert!(audits < 20);
        }
        assert!(audits > 5, "{audits}");
        assert!(patience.rules.is_empty() && patience.is_due(&rule(1)));
    }

    #[test]
    fn the_number_of_tries_has_no_end() {
        let mut tries = Tries {
            times: u32::MAX,
            last: 0,
        };
        assert_eq!(tries.pause(), LONGEST);
        tries.times = 0;
        assert_eq!(tries.pause(), 1);
    }
}
