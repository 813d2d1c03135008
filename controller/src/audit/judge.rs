//! What is to be put right of what a switch holds, and what is to be reported. Pure.

use std::collections::HashSet;

use godwit_openflow::model::{FlowRule, FlowStats, OwnedIdentity};
use godwit_openflow::types::Version;

use crate::app::Desired;
use crate::rules::{Finding, Owner, compare};

use super::RulesSettings;

/// What is found on a switch.
#[derive(Debug, Default)]
pub(super) struct Judged<'a> {
    /// Rules that are missing or changed.
    pub(super) wrong: Vec<Finding<'a>>,
    /// Rules that nobody here wants: others', and those with godwit's mark whose owners don't know them.
    pub(super) unowned: Vec<&'a FlowRule>,
    /// How many of those are as expected.
    pub(super) excepted: usize,
}

impl Judged<'_> {
    /// Which rules are wrong.
    pub(super) fn identities(&self) -> HashSet<OwnedIdentity> {
        self.wrong
            .iter()
            .filter_map(|finding| Some(wanted(finding)?.owned_identity()))
            .collect()
    }
}

/// The rule as it should be.
pub(super) const fn wanted<'a>(finding: &Finding<'a>) -> Option<&'a FlowRule> {
    match finding {
        Finding::Missing(wanted) | Finding::Changed { wanted, .. } => Some(wanted),
        Finding::Leftover(_) | Finding::Alien(_) => None,
    }
}

/// Whose wishes are known.
#[derive(Clone, Copy)]
pub(super) struct Wishes<'a> {
    /// What the owners want.
    pub(super) desired: &'a Desired,
    /// Whether all of them know that.
    pub(super) all_known: bool,
    /// Whether an owner is at work.
    pub(super) is_at_work: &'a dyn Fn(Owner) -> bool,
}

/// Judges what a switch of this version holds.
pub(super) fn judge<'a>(
    wishes: Wishes<'a>,
    held: &'a [FlowStats],
    version: Version,
    settings: &RulesSettings,
) -> Judged<'a> {
    let mut judged = Judged::default();
    for finding in compare(wishes.desired, held, version) {
        let unowned = match finding {
            Finding::Missing(_) | Finding::Changed { .. } => {
                judged.wrong.push(finding);
                continue;
            }
            Finding::Leftover(held) if is_somebodys(&held.rule, wishes) => continue,
            Finding::Leftover(held) | Finding::Alien(held) => &held.rule,
        };
        if settings.excepts(unowned) {
            judged.excepted += 1;
        } else {
            judged.unowned.push(unowned);
        }
    }
    judged
}

/// Whether a rule with godwit's mark that nobody says he wants may be somebody's all the same: apps that make rules as
/// packets come don't say of each that they want it.
fn is_somebodys(rule: &FlowRule, wishes: Wishes<'_>) -> bool {
    match Owner::of(rule.cookie) {
        Some(Owner::Core | Owner::Routing | Owner::Entries | Owner::Acl) => !wishes.all_known,
        Some(owner @ (Owner::Learning | Owner::App(_))) => (wishes.is_at_work)(owner),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use godwit_openflow::model::{Action, FlowFlags, Pattern};
    use godwit_openflow::types::{Cookie, PortNo};

    use super::*;
    use crate::rules::Aspect;

    fn rule(number: u16, cookie: Cookie) -> FlowRule {
        let pattern = Pattern::new().eth_type(number);
        let mut rule = FlowRule::new(100, pattern, vec![Action::output(PortNo(2))])
            .with_cookie(cookie)
            .with_flags(FlowFlags::SEND_FLOW_REMOVED);
        rule.idle_timeout = 7;
        rule
    }

    fn held(rule: FlowRule, seconds: u64) -> FlowStats {
        FlowStats {
            rule,
            duration_ns: seconds * 1_000_000_000,
            packets: 7,
            bytes: 700,
        }
    }

    fn wanting(rules: Vec<FlowRule>) -> Desired {
        Desired {
            rules,
            ..Desired::default()
        }
    }

    fn all<'a>(desired: &'a Desired, is_at_work: &'a dyn Fn(Owner) -> bool) -> Wishes<'a> {
        Wishes {
            desired,
            all_known: true,
            is_at_work,
        }
    }

    /// In what a rule differs from the one that is wanted.
    fn aspects(version: Version, change: impl Fn(&mut FlowRule)) -> Vec<Aspect> {
        let mine = rule(1, Owner::Routing.cookie(1));
        let mut other = mine.clone();
        change(&mut other);
        let (desired, reported) = (wanting(vec![mine]), [held(other, 1)]);
        let settings = RulesSettings::default();
        let judged = judge(all(&desired, &|_| true), &reported, version, &settings);
        assert!(judged.unowned.is_empty());
        match &judged.wrong[..] {
            [] => Vec::new(),
            [Finding::Changed { aspects, .. }] => aspects.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn whatever_of_a_rule_is_changed_is_found() {
        use Aspect::{Cookie as Owned, Flags, Instructions, Timeouts};
        for version in [Version::V10, Version::V13] {
            assert_eq!(aspects(version, |_| {}), []);
            assert_eq!(
                aspects(version, |rule| rule.instructions.clear()),
                [Instructions]
            );
            assert_eq!(aspects(version, |rule| rule.cookie = Cookie(5)), [Owned]);
            assert_eq!(aspects(version, |rule| rule.idle_timeout = 8), [Timeouts]);
            assert_eq!(aspects(version, |rule| rule.hard_timeout = 60), [Timeouts]);
            let both = aspects(version, |rule| {
                rule.cookie = Cookie(5);
                rule.instructions.clear();
            });
            assert_eq!(both, [Instructions, Owned]);
        }
        let no_flags = |rule: &mut FlowRule| rule.flags = FlowFlags::NONE;
        assert_eq!(aspects(Version::V13, no_flags), [Flags]);
        assert_eq!(
            aspects(Version::V10, no_flags),
            [],
            "1.0 does not report them"
        );
        // How it was added says nothing of what it is.
        let resetting = |rule: &mut FlowRule| rule.flags = rule.flags.with(FlowFlags::RESET_COUNTS);
        assert_eq!(aspects(Version::V13, resetting), []);
    }

    #[test]
    fn of_a_hard_timeout_only_what_is_left_counts() {
        let left = |wanted: u16, timeout: u16, age: u64| {
            let [mut mine, mut theirs] = [1, 1].map(|_| rule(1, Owner::Entries.cookie(1)));
            (mine.hard_timeout, theirs.hard_timeout) = (wanted, timeout);
            let (desired, reported) = (wanting(vec![mine]), [held(theirs, age)]);
            let settings = RulesSettings::default();
            let judged = judge(all(&desired, &|_| true), &reported, Version::V13, &settings);
            judged.wrong.is_empty()
        };
        assert!(left(60, 60, 0) && left(20, 60, 40) && left(20, 21, 0) && left(1, 60, 63));
        assert!(!left(60, 60, 40) && !left(20, 300, 40) && !left(0, 60, 1) && !left(60, 0, 1));
    }

    #[test]
    fn what_is_changed_keeps_its_counters_if_that_can_be() {
        let mine = rule(1, Owner::Routing.cookie(1));
        let mut other = mine.clone();
        other.instructions.clear();
        let reported = [held(other.clone(), 1)];
        let changed = |aspects: &[Aspect]| Finding::Changed {
            wanted: &mine,
            held: &reported[0],
            aspects: aspects.to_vec(),
        };
        use godwit_openflow::model::FlowMod;
        assert_eq!(
            changed(&[Aspect::Instructions]).mend(),
            [FlowMod::modify_strict(mine.clone())]
        );
        let anew = changed(&[Aspect::Instructions, Aspect::Cookie]).mend();
        assert!(anew[0].rule.flags.contains(FlowFlags::RESET_COUNTS));
        assert_eq!(anew[1], FlowMod::add(mine.clone()));
        assert_eq!(Finding::Alien(&reported[0]).mend(), []);
    }

    #[test]
    fn what_nobody_wants_is_reported_unless_it_is_expected_or_may_be_somebodys() {
        let mine = rule(1, Owner::Routing.cookie(1));
        let reported = [
            (2, Cookie(5)),
            (3, Owner::Routing.cookie(99)),
            (4, Owner::Learning.cookie(0)),
            (5, Owner::App(3).cookie(0)),
            (6, Owner::App(4).cookie(0)),
            (7, Cookie(0x60d1_7777_0000_0000)),
            (8, Cookie(0xab01)),
        ]
        .map(|(number, cookie)| held(rule(number, cookie), 1));
        let mut desired = wanting(vec![mine.clone()]);
        let settings = RulesSettings {
            except_cookies: vec!["0xab00/0xff00".parse().unwrap()],
            ..RulesSettings::default()
        };
        let is_at_work = |owner| owner != Owner::App(4);
        let found = |wishes: Wishes<'_>| {
            let judged = judge(wishes, &reported, Version::V13, &settings);
            assert_eq!(judged.excepted, 1);
            let missing = judged.identities();
            assert_eq!(missing, HashSet::from([mine.owned_identity()]));
            let cookies = judged.unowned.iter().map(|rule| rule.cookie);
            cookies.collect::<Vec<_>>()
        };
        let [alien, stray, _, _, off, unknown, _] =
            reported.each_ref().map(|held| held.rule.cookie);
        assert_eq!(
            found(all(&desired, &is_at_work)),
            [alien, stray, off, unknown]
        );
        let unsure = Wishes {
            all_known: false,
            ..all(&desired, &is_at_work)
        };
        assert_eq!(found(unsure), [alien, off, unknown]);
        desired.busy.push(stray);
        assert_eq!(found(all(&desired, &is_at_work)), [alien, off, unknown]);
    }
}
