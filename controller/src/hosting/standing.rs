//! Which apps are enabled, and that switches hold what those want and nothing of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_openflow::types::DatapathId;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::Apps;
use super::hosted::{Hosted, MOST_PANICS};
use crate::event::Event;
use crate::network::SwitchState;
use crate::rules::settle::{SettleError, settle};
use crate::store::{Batch, Slice, Store, StoreError};

/// How often switches that do not hold yet what is wanted are tried again.
const RETRY: Duration = Duration::from_millis(500);

/// The record of the apps that are disabled.
const OFF: u64 = 0;

/// How long is waited at most until an app that is disabled has ended what it was at.
const LAST_WORK: Duration = Duration::from_secs(1);

/// Why an app was not enabled or disabled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SwitchError {
    /// There is none of this name.
    #[error(
        "no app `{name}` is hosted here, but {there}; `apps` in the configuration says which are"
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names of those that are there.
        there: String,
    },
    /// It can't be disabled.
    #[error("`{app}` can't be disabled: {why}")]
    Needed {
        /// Its name.
        app: &'static str,
        /// Why.
        why: &'static str,
    },
    /// That could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The names of the apps that were disabled in an earlier run.
///
/// # Errors
/// When the store can't be read.
pub(crate) fn switched_off(store: &Store) -> Result<Vec<String>, StoreError> {
    let records: Vec<(u64, Vec<String>)> = store.load(Slice::APPS)?;
    Ok(records.into_iter().flat_map(|(_, names)| names).collect())
}

impl Apps {
    /// The app of this name.
    pub(super) fn named(&self, name: &str) -> Option<(usize, &Hosted)> {
        let mut hosted = self.hosted().iter().enumerate();
        hosted.find(|(_, hosted)| hosted.app.name() == name)
    }

    /// That no app has this name.
    pub(crate) fn unknown(&self, name: &str) -> SwitchError {
        let there: Vec<&str> = self
            .hosted()
            .iter()
            .map(|hosted| hosted.app.name())
            .collect();
        SwitchError::Unknown {
            name: name.to_owned(),
            there: there.join(", "),
        }
    }

    /// Enables or disables an app, now and after a restart. No switch is dropped. What an app had on the switches is
    /// taken away when it is disabled, and what it wants is put there when it is enabled: from those that are not
    /// connected, or whose work is being moved away, when they are back.
    ///
    /// # Errors
    /// When there is no such app, others need it, or the disk does not take it; then nothing is changed.
    pub(crate) async fn set_enabled(&self, name: &str, enabled: bool) -> Result<(), SwitchError> {
        let (_, hosted) = self.named(name).ok_or_else(|| self.unknown(name))?;
        let app = hosted.app.name();
        if let (false, Some(why)) = (enabled, hosted.declared.needed) {
            return Err(SwitchError::Needed { app, why });
        }
        // Of two at once the same is the last here and on the disk.
        let turn = self.inner.keeping.lock().await;
        self.keep(app, enabled).await?;
        hosted.set_reason(None);
        let is_news = hosted.set_enabled(enabled);
        drop(turn);
        if is_news {
            tracing::info!(app, enabled, "an app is switched");
            self.switched(hosted).await;
        }
        Ok(())
    }

    /// Writes down which apps are disabled when this one is or is not. One that godwit disabled itself is not among
    /// them: a restart gives it another chance.
    async fn keep(&self, app: &str, enabled: bool) -> Result<(), StoreError> {
        let store = self.inner.network.store();
        let mut off: BTreeSet<String> = switched_off(store)?.into_iter().collect();
        let is_news = if enabled {
            off.remove(app)
        } else {
            off.insert(app.to_owned())
        };
        if !is_news {
            return Ok(());
        }
        let mut batch = Batch::default();
        batch.put(Slice::APPS, OFF, &off)?;
        store.write(batch).await
    }

    /// An app is enabled or disabled since just now.
    async fn switched(&self, hosted: &Hosted) {
        let switches = self.inner.network.switches().list();
        if !hosted.is_enabled() {
            let idle = async {
                while hosted.is_busy() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            // What it is at has no effect on switches any more; rules that are on their way are waited for.
            _ = tokio::time::timeout(LAST_WORK, idle).await;
        }
        self.settle_app(hosted, switches.iter().map(|switch| switch.dpid()))
            .await;
        if hosted.is_enabled() {
            for switch in switches {
                hosted.tell(&Event::SwitchReady(switch.dpid()));
            }
        }
    }

    /// Makes all connected switches hold what an app wants now. Gives those that do not, and why; they are tried again
    /// until they do.
    pub(crate) async fn settle(&self, name: &str) -> BTreeMap<DatapathId, SettleError> {
        let Some((_, hosted)) = self.named(name) else {
            return BTreeMap::new();
        };
        let switches = self.inner.network.switches().list();
        self.settle_app(hosted, switches.iter().map(|switch| switch.dpid()))
            .await
    }

    async fn settle_app(
        &self,
        hosted: &Hosted,
        switches: impl IntoIterator<Item = DatapathId>,
    ) -> BTreeMap<DatapathId, SettleError> {
        hosted.wants_else(switches);
        self.settle_on(hosted, |hosted| hosted.unsettled()).await
    }

    /// Settles an app's rules on some of the switches that may hold something else.
    async fn settle_on(
        &self,
        hosted: &Hosted,
        which: impl Fn(&Hosted) -> BTreeSet<DatapathId>,
    ) -> BTreeMap<DatapathId, SettleError> {
        let mut failures = BTreeMap::new();
        let Some(owner) = hosted.declared.owner else {
            hosted
                .unsettled()
                .into_iter()
                .for_each(|dpid| hosted.settled(dpid));
            return failures;
        };
        let _turn = hosted.settling.lock().await;
        let network = &self.inner.network;
        // Rules that are held for a frozen switch may be made on another one in the end.
        let is_frozen = |dpid: &DatapathId| network.state(*dpid) == SwitchState::Frozen;
        let look_again = !hosted.is_enabled() && network.set_aside().iter().any(is_frozen);
        let mut under_way = JoinSet::new();
        for dpid in which(hosted) {
            let Some(switch) = network.switches().get(dpid) else {
                // When it is back, it is compared with what is wanted then.
                hosted.settled(dpid);
                continue;
            };
            let wanted = if hosted.is_enabled() {
                match self.contained(hosted, || Some(hosted.desired(dpid))) {
                    Some(desired) => desired.rules,
                    None => continue,
                }
            } else {
                Vec::new()
            };
            let network = network.clone();
            under_way.spawn(async move { (dpid, settle(&network, &switch, owner, wanted).await) });
        }
        while let Some(ended) = under_way.join_next().await {
            match ended {
                Ok((dpid, Ok(()))) if !look_again => hosted.settled(dpid),
                Ok((_, Ok(()))) | Err(_) => {}
                Ok((dpid, Err(error))) => {
                    let app = hosted.app.name();
                    if error.is_refusal() && hosted.refused_by(dpid) {
                        tracing::warn!(app, %dpid, %error, "a switch refuses what an app wants it to hold");
                    } else {
                        tracing::debug!(app, %dpid, %error, "not settled");
                    }
                    failures.insert(dpid, error);
                }
            }
        }
        failures
    }

    /// Tries again, for ever, where switches do not hold what an app wants.
    pub(crate) async fn keep_settled(self) {
        let mut clock = tokio::time::interval(RETRY);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for round in 1_u64.. {
            clock.tick().await;
            for hosted in self.hosted() {
                if !hosted.due(round).is_empty() {
                    self.settle_on(hosted, |hosted| hosted.due(round)).await;
                }
            }
        }
    }

    /// A switch carries traffic again. While it did not, its migration may have taken away what apps want there.
    pub(crate) fn included(&self, dpid: DatapathId) {
        for hosted in self.hosted() {
            // Those that others need see to their rules themselves; whoever desires nothing makes what he needs anew.
            if hosted.is_enabled()
                && hosted.declared.needed.is_none()
                && !self
                    .contained(hosted, || hosted.desired(dpid))
                    .rules
                    .is_empty()
            {
                hosted.wants_else([dpid]);
            }
        }
    }

    /// Runs a piece of an app so that its panic ends that piece only. Too many of them disable the app.
    pub(super) fn contained<T: Default>(&self, hosted: &Hosted, piece: impl FnOnce() -> T) -> T {
        catch_unwind(AssertUnwindSafe(piece)).unwrap_or_else(|_| {
            self.panicked(hosted, Instant::now());
            T::default()
        })
    }

    fn panicked(&self, hosted: &Hosted, now: Instant) {
        let app = hosted.app.name();
        let network = &self.inner.network;
        network.metrics().count_app_panic();
        tracing::error!(
            app,
            "the app panicked; what it was asked is taken as not answered"
        );
        if !hosted.panicked(now) || hosted.declared.needed.is_some() || !hosted.set_enabled(false) {
            return;
        }
        let why: Arc<str> = format!("it panicked {MOST_PANICS} times within a minute").into();
        tracing::error!(app, %why, "the app is disabled");
        hosted.set_reason(Some(Arc::clone(&why)));
        let switches = network.switches().list();
        hosted.wants_else(switches.iter().map(|switch| switch.dpid()));
        let event = Event::AppDisabled { app, why };
        self.tell(&event);
        network.publish(event);
    }
}
