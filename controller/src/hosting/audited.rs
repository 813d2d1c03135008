//! What an audit asks the apps, and where their rules are in each other's way.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use godwit_openflow::model::{FlowCommand, FlowMod, FlowRule};
use godwit_openflow::types::{Cookie, DatapathId};
use tokio::sync::OwnedMutexGuard;

use super::Apps;
use super::hosted::Hosted;
use crate::app::{Desired, HeldStill};
use crate::rules::{self, Owner, described};

/// Least time between two looks for overlaps of an app's rules.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Overlaps that are said of an app's rules.
const MOST_SAID: usize = 100;

/// What was said of overlaps of an app's rules.
#[derive(Debug, Default)]
pub(super) struct SaidOverlaps(Mutex<(Option<Instant>, HashSet<String>)>);

impl SaidOverlaps {
    fn lock(&self) -> MutexGuard<'_, (Option<Instant>, HashSet<String>)> {
        // Every operation leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is time to look.
    fn may_look(&self, now: Instant) -> bool {
        let mut inner = self.lock();
        let is_late = |last| now.saturating_duration_since(last) >= LOOK_AGAIN;
        let may = inner.0.is_none_or(is_late) && inner.1.len() < MOST_SAID;
        if may {
            inner.0 = Some(now);
        }
        may
    }

    /// Whether this is to be said.
    fn is_news(&self, dpid: DatapathId, rule: &str, what: &str) -> bool {
        let mut inner = self.lock();
        inner.1.len() < MOST_SAID && inner.1.insert(format!("{dpid} {rule} {what}"))
    }
}

impl Apps {
    /// What a switch should hold: what every switch does, and what all enabled apps want. Also whether all of them know
    /// that.
    pub(crate) fn wanted(&self, dpid: DatapathId) -> (Desired, bool) {
        let mut all = Desired {
            rules: rules::base().to_vec(),
            ..Desired::default()
        };
        let (desired, all_known) = self.desired(dpid);
        all.rules.extend(desired.rules);
        all.groups = desired.groups;
        all.meters = desired.meters;
        all.busy = desired.busy;
        all.again = desired.again;
        (all, all_known)
    }

    /// The apps at work that own one of these rules.
    fn owning<'a>(&'a self, cookies: &'a BTreeSet<Cookie>) -> impl Iterator<Item = &'a Hosted> {
        let is_owner = |hosted: &&Hosted| {
            let owner = hosted.declared.owner;
            let owns = |owner: Owner| cookies.iter().any(|one| owner.own_part(*one).is_some());
            hosted.is_enabled() && owner.is_some_and(owns)
        };
        self.hosted().iter().filter(is_owner)
    }

    /// Waits until nobody makes switches hold what the owners of these rules want now, and keeps it so.
    pub(crate) async fn settled(&self, cookies: &BTreeSet<Cookie>) -> Vec<OwnedMutexGuard<()>> {
        let mut all = Vec::new();
        // Always in the same order, so that two don't wait for each other.
        for hosted in self.owning(cookies) {
            all.push(hosted.settling.clone().lock_owned().await);
        }
        all
    }

    /// Of these rules those that a switch should hold. Their owners leave them so until what this gives is dropped.
    pub(crate) fn held_still(
        &self,
        dpid: DatapathId,
        cookies: &BTreeSet<Cookie>,
    ) -> Vec<HeldStill> {
        let base = HeldStill {
            rules: rules::base().to_vec(),
            ..HeldStill::default()
        };
        let of_apps = self
            .owning(cookies)
            .map(|hosted| self.contained(hosted, || hosted.held_still(dpid, cookies)));
        [base].into_iter().chain(of_apps).collect()
    }

    /// Says in the log when rules that an app has made are in the way of other owners' rules, or those in theirs: once
    /// of each, and looking now and again, since apps may make thousands a second.
    pub(super) fn note_overlaps(&self, hosted: &Hosted, made: &[(DatapathId, FlowMod)]) {
        let added = |change: &&(DatapathId, FlowMod)| change.1.command == FlowCommand::Add;
        let Some((dpid, _)) = made.iter().find(added) else {
            return;
        };
        if !hosted.overlaps.may_look(Instant::now()) {
            return;
        }
        let there = made.iter().filter(added).filter(|(at, _)| at == dpid);
        let fresh: Vec<FlowRule> = there.map(|(_, change)| change.rule.clone()).collect();
        for (index, what) in self.inner.network.overlaps(*dpid, &fresh) {
            let rule = fresh.get(index).map(described).unwrap_or_default();
            if hosted.overlaps.is_news(*dpid, &rule, &what) {
                tracing::warn!(app = hosted.app.name(), %dpid, rule, what, "an app's rule is in another's way");
            }
        }
    }

    /// Whether an app moves work to or from this switch, or is about to.
    pub(crate) fn is_moving(&self, dpid: DatapathId) -> bool {
        self.iter().any(|app| app.is_moving(dpid))
    }

    /// Whether the app that has these rules is enabled.
    pub(crate) fn is_at_work(&self, owner: Owner) -> bool {
        let mut hosted = self.hosted().iter();
        hosted.any(|hosted| hosted.is_enabled() && hosted.declared.owner == Some(owner))
    }

    /// Who has a rule, by the name that people know.
    pub(crate) fn owner_name(&self, cookie: Cookie) -> String {
        let Some(owner) = Owner::of(cookie) else {
            return "nobody here".to_owned();
        };
        let mut hosted = self.hosted().iter();
        match hosted.find(|hosted| hosted.declared.owner == Some(owner)) {
            Some(hosted) => hosted.app.name().to_owned(),
            None => owner.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_said_once_and_looked_for_now_and_again() {
        let said = SaidOverlaps::default();
        let now = Instant::now();
        assert!(said.may_look(now) && !said.may_look(now + LOOK_AGAIN / 2));
        assert!(said.may_look(now + LOOK_AGAIN));
        assert!(said.is_news(DatapathId(1), "a", "b") && !said.is_news(DatapathId(1), "a", "b"));
        for number in 2..2 * MOST_SAID as u64 {
            said.is_news(DatapathId(number), "a", "b");
        }
        assert_eq!(said.lock().1.len(), MOST_SAID);
        assert!(
            !said.may_look(now + 5 * LOOK_AGAIN),
            "there is nothing more to say"
        );
    }
}
