//! An access list: what the network drops, whoever forwards.
//!
//! A rule says of the packets that it matches whether they are denied or allowed. Of the rules that match a packet the
//! one with the highest priority decides, of equals the one that was made first; what no rule matches is allowed.
//!
//! Every switch holds the whole list, proactively, as flow entries that drop, above those of routes: see [`PRIORITY`].
//! An entry of OpenFlow can't say "go on with the other entries of this table", so `allow` has no entry of its own: what
//! is allowed is cut out of what is denied below it ([`list`]). Where a version has no words for the rest, the request is
//! refused.
//!
//! | file | what it does |
//! |---|---|
//! | [`list`] | rules, and the flow entries that say the same; pure |
//! | `rest` | `/v1/acl` |
//!
//! # For migrations
//!
//! Since every switch holds the same list, a migration finds it where the work goes: its entries are neither moved nor in
//! the way ([`stands_everywhere`](godwit_controller::rules::stands_everywhere)). A switch whose work is being moved away
//! takes a change of the list when that is over; the others have it at once.

pub mod list;
mod rest;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use godwit_controller::rest::Routes;
use godwit_controller::store::values;
use godwit_controller::{
    App, Batch, Declaration, Desired, Network, Owner, Slice, StoreError, write_metric,
};
use godwit_openflow::types::{DatapathId, Version};

pub use list::{List, Rule, RuleId, Verb};
pub use rest::Pending;

use list::Unsayable;

/// The priority of all its flow entries in table 0. Routes and static entries may stand above, if somebody asks for a
/// higher one.
pub const PRIORITY: u16 = 0xff00;

/// The app's name.
const NAME: &str = "acl";

/// Rules of the list at most.
pub const MOST_RULES: usize = 4096;

/// The app. Clones are the same.
#[derive(Debug, Clone)]
pub struct AccessList {
    network: Network,
    inner: Arc<Mutex<Inner>>,
    /// Held by whoever changes the list, until all switches have been asked.
    changing: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug, Default)]
struct Inner {
    list: List,
    /// The number given out last.
    last: RuleId,
    /// Rules that switches go without, as far as that was said.
    told: BTreeSet<(DatapathId, RuleId)>,
}

impl AccessList {
    /// The app, with the list that the network's store has.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn new(network: Network) -> Result<Self, StoreError> {
        let store = network.store();
        let rules: Vec<(u64, Rule)> = store.load(Slice::ACL)?;
        let numbers: Vec<(u64, u32)> = store.load(Slice::VALUES)?;
        let last = numbers.iter().find(|(which, _)| *which == values::LAST_ACL);
        let mut inner = Inner {
            last: last.map_or(0, |(_, last)| *last),
            ..Inner::default()
        };
        for (number, rule) in rules {
            let none = || store.damaged(Slice::ACL, number, "no rule has such a number".to_owned());
            let id = RuleId::try_from(number).map_err(|_| none())?;
            inner.last = inner.last.max(id);
            inner.list.insert(id, rule);
        }
        Ok(Self {
            network,
            inner: Arc::new(Mutex::new(inner)),
            changing: Arc::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every operation leaves it whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The list as it is now.
    #[must_use]
    pub fn list(&self) -> List {
        self.lock().list.clone()
    }

    fn version_of(&self, dpid: DatapathId) -> Option<Version> {
        Some(self.network.switches().get(dpid)?.version())
    }

    /// Writes a change of the list down. Then it is the list.
    async fn keep(&self, list: List, last: RuleId, batch: Batch) -> Result<(), StoreError> {
        self.network.store().write(batch).await?;
        let mut inner = self.lock();
        (inner.list, inner.last) = (list, last);
        inner.told.clear();
        Ok(())
    }
}

impl App for AccessList {
    fn name(&self) -> &'static str {
        NAME
    }

    fn declares(&self) -> Declaration {
        Declaration {
            description: "an access list: what every switch drops, above all routes",
            owner: Some(Owner::Acl),
            rule_priorities: PRIORITY..=PRIORITY,
            ..Declaration::default()
        }
    }

    fn desired(&self, dpid: DatapathId) -> Desired {
        let Some(version) = self.version_of(dpid) else {
            return Desired::default();
        };
        let (rules, unsayable) = self.list().entries(version);
        let mut inner = self.lock();
        for Unsayable { id, why } in unsayable {
            // Said once of each: it is asked again and again.
            if !inner.told.insert((dpid, id)) {
                continue;
            }
            tracing::warn!(%dpid, rule = id, %why, "OpenFlow {version} has no words for a rule of the access list: this switch goes without");
        }
        Desired {
            rules,
            ..Desired::default()
        }
    }

    fn routes(&self) -> Option<Routes> {
        Some(rest::router(self.clone()))
    }

    fn metrics(&self, out: &mut String) {
        write_metric(
            out,
            "godwit_acl_rules",
            "gauge",
            "Rules of the access list.",
            self.lock().list.len() as u64,
        );
    }
}
