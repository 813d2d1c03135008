//! What an audit asks the apps.

use std::collections::BTreeSet;

use godwit_openflow::types::{Cookie, DatapathId};
use tokio::sync::OwnedMutexGuard;

use super::Apps;
use super::hosted::Hosted;
use crate::app::{Desired, HeldStill};
use crate::rules::{self, Owner};

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
            until: None,
        };
        let of_apps = self
            .owning(cookies)
            .map(|hosted| self.contained(hosted, || hosted.held_still(dpid, cookies)));
        [base].into_iter().chain(of_apps).collect()
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
