//! The network as control apps hold it: its switches, its topology, and what can be done to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{FlowRule, FlowStats, PacketOut, StatsReply, StatsRequest, ToSwitch};
use godwit_openflow::types::{DatapathId, MacAddr, PortNo, Version};
use godwit_topology::cost::TooMany;
use godwit_topology::{PortRef, TopologySnapshot};
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::carried::Carried;
use crate::connection::ConnectionMetrics;
use crate::event::Event;
use crate::event_log::EventLog;
use crate::held::HeldWrites;
use crate::hosting::WeakApps;
use crate::metrics::Metrics;
use crate::rules;
use crate::rules::overlap::{Overlaps, overlaps};
use crate::rules::settle::SettleError;
use crate::store::{Batch, Slice, Store, StoreError};
use crate::switch::{ApplyError, Registry, RequestError, SwitchHandle};
use crate::topology::{Costing, Observation};

/// Events that a slow app may fall behind by before it misses some and has to look at the snapshot
/// instead. A fat-tree of 100 switches starting up makes about 500.
const EVENT_DEPTH: usize = 4096;

/// How long after a change of its rules a switch's counters may still lag, where it can't be seen that they don't:
/// measured on Open vSwitch 3.1, where they are exact after 5 to 20 ms at 4,000 cached flows.
const CREDIT: Duration = Duration::from_millis(20);

/// What a switch is to forwarding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SwitchState {
    /// It carries traffic.
    Active,
    /// Its work is being moved away.
    Frozen,
    /// Its work has been moved away; it carries nothing until it is restored.
    Drained,
}

/// A cheap handle on the network; clones are the same network.
#[derive(Debug, Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    switches: Arc<Registry>,
    topology: ArcSwap<TopologySnapshot>,
    observations: mpsc::Sender<Observation>,
    events: broadcast::Sender<Arc<Event>>,
    event_log: Arc<EventLog>,
    /// Only switches that are not active.
    states: Mutex<BTreeMap<DatapathId, SwitchState>>,
    connections: Arc<ConnectionMetrics>,
    metrics: Metrics,
    store: Store,
    held: HeldWrites,
    carried: Carried,
    /// Events that come from no switch, for whoever tells the apps.
    announcements: mpsc::Sender<Event>,
    /// Set when the controller runs.
    apps: OnceLock<WeakApps>,
}

impl Network {
    /// A network without a switch, whose topology is kept by whoever receives `observations`. What its switches
    /// were to forwarding when the store was left is what they are.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(crate) fn new(
        observations: mpsc::Sender<Observation>,
        announcements: mpsc::Sender<Event>,
        connections: Arc<ConnectionMetrics>,
        store: Store,
    ) -> Result<Self, StoreError> {
        let states: Vec<(u64, SwitchState)> = store.load(Slice::SWITCHES)?;
        let states = states
            .into_iter()
            .filter(|(_, state)| *state != SwitchState::Active)
            .map(|(dpid, state)| (DatapathId(dpid), state));
        let carried = Carried::load(&store)?;
        let (events, _) = broadcast::channel(EVENT_DEPTH);
        let inner = Inner {
            switches: Arc::new(Registry::new()),
            topology: ArcSwap::from_pointee(TopologySnapshot::default()),
            observations,
            events,
            event_log: Arc::default(),
            states: Mutex::new(states.collect()),
            connections,
            metrics: Metrics::new(store.clone()),
            store,
            held: HeldWrites::default(),
            carried,
            announcements,
            apps: OnceLock::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The switches that are connected.
    #[must_use]
    pub fn switches(&self) -> &Arc<Registry> {
        &self.inner.switches
    }

    /// Switches, links and hosts at this moment.
    #[must_use]
    pub fn topology(&self) -> Arc<TopologySnapshot> {
        self.inner.topology.load_full()
    }

    /// What the connections have counted.
    #[must_use]
    pub fn connections(&self) -> &ConnectionMetrics {
        &self.inner.connections
    }

    /// What the controller itself has counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// What survives the process.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Writes that are held for switches whose work is being moved away.
    #[must_use]
    pub fn held(&self) -> &HeldWrites {
        &self.inner.held
    }

    /// What moved rules had counted before they were moved.
    #[must_use]
    pub fn carried(&self) -> &Carried {
        &self.inner.carried
    }

    /// Events from now on. A receiver that lags more than 4,096 behind misses some and is told so.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.inner.events.subscribe()
    }

    /// Has the apps told of something that no switch has said: the end of a rule that was being moved.
    pub async fn announce(&self, event: Event) {
        if self.inner.announcements.send(event).await.is_err() {
            tracing::debug!("nobody hears of events any more: the controller is stopping");
        }
    }

    /// As [`Self::announce`], for what may be lost when so much happens that thousands of events wait.
    pub fn announce_if_room(&self, event: Event) {
        if self.inner.announcements.try_send(event).is_err() {
            tracing::debug!("an event was not told: too many wait, or the controller is stopping");
        }
    }

    /// The last events.
    pub(crate) fn event_log(&self) -> &Arc<EventLog> {
        &self.inner.event_log
    }

    pub(crate) fn set_apps(&self, apps: WeakApps) {
        // A network has one controller, which runs once.
        let _ = self.inner.apps.set(apps);
    }

    /// Makes all connected switches hold what an app wants now, as it says in [`desired`](crate::App::desired), and
    /// waits for their barriers. Gives those that do not, and why. They are tried again until they do, every half
    /// second, or the app wants something else: one that is frozen when its migration is over.
    pub async fn settle(&self, app: &str) -> BTreeMap<DatapathId, SettleError> {
        match self.inner.apps.get().and_then(WeakApps::upgrade) {
            Some(apps) => apps.settle(app).await,
            None => BTreeMap::new(),
        }
    }

    /// What new rules of a switch are in the way of, or what is in theirs, among what other owners want there: for each
    /// that was found the rule's index and a sentence. It is a hint: one may come or go in the same moment.
    #[must_use]
    pub fn overlaps(&self, dpid: DatapathId, fresh: &[FlowRule]) -> Vec<(usize, String)> {
        let Some(apps) = self.inner.apps.get().and_then(WeakApps::upgrade) else {
            return Vec::new();
        };
        let (wanted, _) = apps.wanted(dpid);
        let Overlaps { found, is_cut } = overlaps(fresh, &wanted.rules);
        let mut said: Vec<_> = found
            .iter()
            .map(|overlap| (overlap.index, overlap.to_string()))
            .collect();
        if is_cut {
            said.push((
                0,
                "there are too many rules to name or compare them all".to_owned(),
            ));
        }
        said
    }

    pub(crate) fn publish(&self, event: Event) {
        self.inner.event_log.record(event.clone());
        // Without a receiver there is nobody to tell.
        let _ = self.inner.events.send(Arc::new(event));
    }

    pub(crate) fn set_topology(&self, snapshot: Arc<TopologySnapshot>) {
        self.inner.topology.store(snapshot);
    }

    pub(crate) async fn observe(&self, observation: Observation) {
        if self.inner.observations.send(observation).await.is_err() {
            tracing::debug!("the topology is no longer kept: the controller is stopping");
        }
    }

    /// As [`Self::observe`], for what may be lost when there is too much of it.
    pub(crate) fn observe_if_room(&self, observation: Observation) {
        if self.inner.observations.try_send(observation).is_err() {
            self.inner.metrics.count_observation_dropped();
        }
    }

    /// What a switch is to forwarding, whether it is connected or not.
    #[must_use]
    pub fn state(&self, dpid: DatapathId) -> SwitchState {
        self.states()
            .get(&dpid)
            .copied()
            .unwrap_or(SwitchState::Active)
    }

    /// The switches that are not to carry traffic, connected or not.
    #[must_use]
    pub fn set_aside(&self) -> Vec<DatapathId> {
        self.states().keys().copied().collect()
    }

    /// Changes what a switch is to forwarding. When this returns, [`Self::topology`] has it: a switch
    /// that is not active is out of the graph that routes are computed on. It is kept over a restart as well, if the
    /// disk takes it.
    pub async fn set_state(&self, dpid: DatapathId, state: SwitchState) {
        self.note(dpid, state);
        // What fails is logged and tried again there.
        if state != SwitchState::Frozen {
            let _ = self.inner.store.flush().await;
        }
        let (done, wait) = oneshot::channel();
        self.observe(Observation::Excluded { dpid, done }).await;
        // An error means that the controller is stopping; then nobody routes any more.
        let _ = wait.await;
    }

    /// Forgets a host; false if it is not known. It is known again when it is next seen.
    pub async fn forget_host(&self, mac: MacAddr) -> bool {
        let (known, wait) = oneshot::channel();
        self.observe(Observation::Forget { mac, known }).await;
        // An error means that the controller is stopping.
        wait.await.unwrap_or(false)
    }

    /// Sets what something costs, or takes that back. When this returns, [`Self::topology`] has it, and it is kept over
    /// a restart, if the disk takes it.
    ///
    /// # Errors
    /// When too many costs are set.
    pub(crate) async fn set_cost(&self, of: Costing, cost: Option<u32>) -> Result<(), TooMany> {
        let (done, wait) = oneshot::channel();
        self.observe(Observation::Cost { of, cost, done }).await;
        // An error means that the controller is stopping.
        wait.await.unwrap_or(Ok(()))?;
        // What fails is logged and tried again there.
        let _ = self.inner.store.flush().await;
        Ok(())
    }

    /// Tells what parts of their speeds the ports of a switch send or receive, the greater of the two: all that are known.
    /// Paths that are made short by utilisation go by it. It may be lost when very much happens.
    pub fn observe_loads(&self, dpid: DatapathId, ports: Vec<(PortNo, f64)>) {
        self.observe_if_room(Observation::Loads { dpid, ports });
    }

    fn note(&self, dpid: DatapathId, state: SwitchState) {
        let mut batch = Batch::default();
        // Held until the store has it, so that of two changes at once the same is the last here and there.
        let mut states = self.states();
        match state {
            SwitchState::Active => {
                states.remove(&dpid);
                batch.delete(Slice::SWITCHES, dpid.0);
            }
            // The journal of whoever froze it says so, and what it was before is what it is without that.
            SwitchState::Frozen => _ = states.insert(dpid, state),
            SwitchState::Drained => {
                states.insert(dpid, state);
                if let Err(error) = batch.put(Slice::SWITCHES, dpid.0, &state) {
                    tracing::error!(%dpid, %error, "a switch's state is not kept over a restart");
                }
            }
        }
        if !batch.is_empty() {
            self.inner.store.write_later(batch);
        }
    }

    fn states(&self) -> std::sync::MutexGuard<'_, BTreeMap<DatapathId, SwitchState>> {
        // The map is whole after every single operation, so a panic elsewhere can't have left it torn.
        self.inner
            .states
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a packet; nothing confirms it.
    pub fn packet_out(&self, dpid: DatapathId, packet: PacketOut) {
        let Some(switch) = self.inner.switches.get(dpid) else {
            return;
        };
        if let Err(error) = switch.send(&[ToSwitch::PacketOut(packet)]) {
            tracing::debug!(%dpid, %error, "a packet was not sent");
        }
    }

    /// Sends a marker out of a port behind everything that the switch has sent there before. The
    /// receiver resolves when it comes out at the other end of the link, and with it everything before it:
    /// links keep the order. It resolves to the source address that the marker arrived with.
    pub async fn marker(&self, port: PortRef) -> oneshot::Receiver<MacAddr> {
        let (arrived, wait) = oneshot::channel();
        self.observe(Observation::Marker { port, arrived }).await;
        wait
    }

    /// Makes a switch bring its counters up to date, without effect on forwarding: Open vSwitch credits packets that its
    /// cache forwards up to half a second late; a change of a flow table makes it go through the cache at once. The
    /// change is to add the discovery rule that is there already. That it has happened is not seen, as it is by
    /// [`Self::sweep`], but believed after 20 ms.
    ///
    /// # Errors
    /// When the switch does not confirm.
    pub async fn nudge(&self, switch: &SwitchHandle) -> Result<(), ApplyError> {
        self.touch(switch).await?;
        tokio::time::sleep(CREDIT).await;
        Ok(())
    }

    /// Reads flow entries with counters that are up to date, as far as a [nudge](Self::nudge) makes them be.
    ///
    /// # Errors
    /// When the switch does not confirm the nudge or does not answer.
    pub async fn read_exact(
        &self,
        switch: &SwitchHandle,
        owner: Option<rules::Owner>,
    ) -> Result<Vec<FlowStats>, ReadError> {
        self.nudge(switch).await?;
        Ok(self.read(switch, owner).await?)
    }

    /// Reads flow entries with counters that have all that the switch had forwarded before: for what is final. For a
    /// moment its discovery rule reads otherwise.
    ///
    /// # Errors
    /// When the switch does not confirm or does not answer.
    pub async fn read_final(
        &self,
        switch: &SwitchHandle,
        owner: Option<rules::Owner>,
    ) -> Result<Vec<FlowStats>, ReadError> {
        self.sweep(switch, CREDIT).await?;
        Ok(self.read(switch, owner).await?)
    }

    /// Reads flow entries as the switch reports them now: all, or those of one owner.
    ///
    /// # Errors
    /// When the switch does not answer.
    pub async fn read(
        &self,
        switch: &SwitchHandle,
        owner: Option<rules::Owner>,
    ) -> Result<Vec<FlowStats>, RequestError> {
        let mut filter = FlowFilter::all();
        if let (Some(owner), Version::V13) = (owner, switch.version()) {
            filter.cookie = owner.cookie(0);
            filter.cookie_mask = 0xffff_ffff_0000_0000;
        }
        match switch.request(StatsRequest::Flows(filter)).await? {
            StatsReply::Flows(mut flows) => {
                if let Some(owner) = owner {
                    flows.retain(|stats| owner.own_part(stats.rule.cookie).is_some());
                }
                Ok(flows)
            }
            _ => Err(RequestError::Unexpected),
        }
    }
}

/// Counters that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The switch did not confirm the nudge.
    #[error(transparent)]
    Nudge(#[from] ApplyError),
    /// The switch did not answer.
    #[error(transparent)]
    Request(#[from] RequestError),
}
