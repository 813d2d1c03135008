//! Asking a switch for all that it counts. Port counters are read first, since they are fresh; then the switch is nudged,
//! so that the counters of flow entries are.

use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use godwit_controller::Network;
use godwit_controller::rest::is_no_queue;
use godwit_controller::switch::{ApplyError, RequestError, SwitchHandle};
use godwit_openflow::model::{
    AggregateStats, FlowFilter, FlowStats, GroupStats, MeterStats, PortStats, QueueFilter,
    QueueStats, StatsReply, StatsRequest, TableStats,
};
use godwit_openflow::types::{DatapathId, GroupId, MeterId, PortNo, QueueId, Version};
use tokio::time::timeout;

/// How long one answer is waited for.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);

/// How long a whole collection takes at the most; a switch that takes longer is hung.
const COLLECTION_DEADLINE: Duration = Duration::from_secs(10);

/// How long the nudge is waited for. As long nobody else can see what the switch's cache is at, which a migration may
/// have to.
const NUDGE_PATIENCE: Duration = Duration::from_secs(1);

/// A part of what a switch counts.
#[derive(Debug)]
pub(super) struct Part<T> {
    /// When the answer came, since the service was started.
    pub(super) at: Duration,
    /// The answer. Nothing where the switch's version has no such thing, or the switch refuses to say.
    pub(super) said: Option<T>,
}

/// What a switch counted at one moment.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) dpid: DatapathId,
    pub(super) name: String,
    pub(super) version: Version,
    pub(super) connection: u64,
    /// When the last part came.
    pub(super) finished: SystemTime,
    pub(super) took: Duration,
    pub(super) ports: Part<Vec<PortStats>>,
    pub(super) flows: Part<Vec<FlowStats>>,
    pub(super) aggregate: Part<AggregateStats>,
    pub(super) tables: Part<Vec<TableStats>>,
    pub(super) queues: Part<Vec<QueueStats>>,
    pub(super) groups: Part<Vec<GroupStats>>,
    pub(super) meters: Part<Vec<MeterStats>>,
    /// What the switch refused, in words.
    pub(super) problems: Vec<String>,
}

/// A switch that did not say what it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectError(String);

impl fmt::Display for CollectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CollectError {}

impl CollectError {
    pub(super) fn new(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

/// Asks a switch for everything. `started` is what times count from.
pub(super) async fn collect(
    network: &Network,
    switch: &SwitchHandle,
    started: Instant,
) -> Result<Collected, CollectError> {
    let asking = Asking {
        switch,
        started,
        problems: Vec::new(),
    };
    timeout(COLLECTION_DEADLINE, asking.all(network))
        .await
        .unwrap_or(Err(RequestError::TimedOut))
        .map_err(CollectError::new)
}

struct Asking<'a> {
    switch: &'a SwitchHandle,
    started: Instant,
    problems: Vec<String>,
}

/// An answer, or why there is none; and when it came.
type Answer = (Duration, Result<StatsReply, RequestError>);

impl Asking<'_> {
    async fn ask(&self, request: StatsRequest) -> Answer {
        let answer = self.switch.request_within(request, ANSWER_DEADLINE).await;
        (self.started.elapsed(), answer)
    }

    /// What only OpenFlow 1.3 has.
    async fn ask_if_1_3(&self, request: StatsRequest) -> Option<Answer> {
        match self.switch.version() {
            Version::V10 => None,
            Version::V13 => Some(self.ask(request).await),
        }
    }

    async fn all(mut self, network: &Network) -> Result<Collected, RequestError> {
        let begun = Instant::now();
        let ports = self.ask(StatsRequest::Ports(PortNo::ANY)).await;
        let ports = self.part("ports", Some(ports), |reply| match reply {
            StatsReply::Ports(list) => Some(list),
            _ => None,
        })?;
        match timeout(NUDGE_PATIENCE, network.nudge(self.switch)).await {
            Ok(Err(ApplyError::Disconnected)) => return Err(RequestError::Disconnected),
            Ok(Err(ApplyError::QueueFull)) => return Err(RequestError::QueueFull),
            // Counters of a switch that refuses it, or takes its time, may lag, but can be read.
            Ok(_) | Err(_) => {}
        }
        let all_queues = QueueFilter {
            port: PortNo::ANY,
            queue: QueueId::ALL,
        };
        let (flows, aggregate, tables, queues, groups, meters) = tokio::join!(
            self.ask(StatsRequest::Flows(FlowFilter::all())),
            self.ask(StatsRequest::Aggregate(FlowFilter::all())),
            self.ask(StatsRequest::Tables),
            self.ask(StatsRequest::Queues(all_queues)),
            self.ask_if_1_3(StatsRequest::Groups(GroupId::ALL)),
            self.ask_if_1_3(StatsRequest::Meters(MeterId::ALL)),
        );
        let queues = match queues {
            (at, Err(RequestError::Refused(report))) if is_no_queue(self.switch, &report) => {
                (at, Ok(StatsReply::Queues(Vec::new())))
            }
            other => other,
        };
        let flows = self.part("flow entries", Some(flows), |reply| match reply {
            StatsReply::Flows(list) => Some(list),
            _ => None,
        })?;
        let aggregate = self.part("aggregate", Some(aggregate), |reply| match reply {
            StatsReply::Aggregate(sums) => Some(sums),
            _ => None,
        })?;
        let tables = self.part("tables", Some(tables), |reply| match reply {
            StatsReply::Tables(list) => Some(list),
            _ => None,
        })?;
        let queues = self.part("queues", Some(queues), |reply| match reply {
            StatsReply::Queues(list) => Some(list),
            _ => None,
        })?;
        let groups = self.part("groups", groups, |reply| match reply {
            StatsReply::Groups(list) => Some(list),
            _ => None,
        })?;
        let meters = self.part("meters", meters, |reply| match reply {
            StatsReply::Meters(list) => Some(list),
            _ => None,
        })?;
        Ok(Collected {
            dpid: self.switch.dpid(),
            name: self.switch.name().to_owned(),
            version: self.switch.version(),
            connection: self.switch.connection_id(),
            finished: SystemTime::now(),
            took: begun.elapsed(),
            ports,
            flows,
            aggregate,
            tables,
            queues,
            groups,
            meters,
            problems: self.problems,
        })
    }

    /// What an answer says. A switch may refuse to say something; else the collection has failed.
    fn part<T>(
        &mut self,
        what: &str,
        answer: Option<Answer>,
        open: impl FnOnce(StatsReply) -> Option<T>,
    ) -> Result<Part<T>, RequestError> {
        let (at, said) = match answer {
            None => (self.started.elapsed(), None),
            Some((at, Ok(reply))) => (at, Some(open(reply).ok_or(RequestError::Unexpected)?)),
            Some((at, Err(error @ RequestError::Refused(_)))) => {
                self.problems.push(format!("{what}: {error}"));
                (at, None)
            }
            Some((_, Err(error))) => return Err(error),
        };
        Ok(Part { at, said })
    }
}
