//! What Ryu's and os-ken's `ofctl_rest` answers: `/stats/…`.
//!
//! | method and path | what |
//! |---|---|
//! | `GET /stats/switches` | the datapath ids, as numbers |
//! | `GET /stats/{kind}/{dpid}` | what the switch reports, behind its datapath id |
//! | `GET /stats/{kind}/{dpid}/{port, group or meter}` | of one alone; `ALL` is all |
//! | `GET /stats/queue/{dpid}/{port}/{queue}` | of one queue |
//! | `POST /stats/flow/{dpid}`, `POST /stats/aggregateflow/{dpid}` | of the entries that the body describes |
//!
//! Kinds: `desc`, `flow`, `aggregateflow`, `table`, `tablefeatures`, `port`, `portdesc`, `queue`, `queueconfig`, `group`,
//! `groupdesc`, `groupfeatures`, `meter`, `meterconfig`, `meterfeatures`, `role`. A datapath id is a decimal number, or
//! hexadecimal after `0x`. What a switch of OpenFlow 1.0 has not is a 501, as it is there.

mod action;
pub mod entry;
mod features;
mod names;
mod pattern;
pub mod read;
mod stats;
#[cfg(test)]
mod tests;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{QueueFilter, StatsReply, StatsRequest};
use godwit_openflow::types::{DatapathId, GroupId, MeterId, PortNo, QueueId, Version};
use serde_json::{Map, Value};

use super::{aggregate, answer, ask, flows, unexpected};
use crate::network::Network;
use crate::rest::error::ApiError;
use crate::rest::id::Id;
use crate::rest::routes::{Routes, operation};
use crate::rest::shared;
use crate::switch::SwitchHandle;

use read::EntryFilter;

pub(super) use names::port_name;
pub(super) use pattern::plain;

pub(super) fn routes(network: &Network) -> Routes {
    let reads = |summary| operation(summary).answers::<Value>(200);
    let of_switch = |summary| reads(summary).or(&[405, 501, 503]);
    Routes::new("Ryu")
        .get("/stats/switches", switches, reads("The switches"))
        .get(
            "/stats/{kind}/{dpid}",
            all,
            of_switch("What a switch reports"),
        )
        .post(
            "/stats/{kind}/{dpid}",
            filtered,
            of_switch("What a switch reports of some flow entries").body::<Map<String, Value>>(),
        )
        .get(
            "/stats/{kind}/{dpid}/{first}",
            one,
            of_switch("What a switch reports of one port, group or meter"),
        )
        .get(
            "/stats/{kind}/{dpid}/{first}/{second}",
            one_of_one,
            of_switch("What a switch reports of one queue"),
        )
        .with_state(network.clone())
}

async fn switches(State(network): State<Network>) -> Json<Vec<u64>> {
    let all = network.switches().list();
    Json(all.iter().map(|switch| switch.dpid().0).collect())
}

async fn all(
    State(network): State<Network>,
    Id((kind, dpid)): Id<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    Question::new(&network, &kind, &dpid)?
        .answer([None, None])
        .await
}

async fn one(
    State(network): State<Network>,
    Id((kind, dpid, first)): Id<(String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let question = Question::new(&network, &kind, &dpid)?;
    question.answer([Some(&first), None]).await
}

async fn one_of_one(
    State(network): State<Network>,
    Id((kind, dpid, first, second)): Id<(String, String, String, String)>,
) -> Result<Json<Value>, ApiError> {
    let question = Question::new(&network, &kind, &dpid)?;
    question.answer([Some(&first), Some(&second)]).await
}

/// Of an entry that is asked for with a body, whatever type the body is declared to have: `curl -d` declares none.
async fn filtered(
    State(network): State<Network>,
    Id((kind, dpid)): Id<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let question = Question::new(&network, &kind, &dpid)?;
    let filter = if body.is_empty() {
        EntryFilter::default()
    } else {
        crate::rest::body::parse(&body)?
    };
    match question.kind {
        Kind::Flow | Kind::AggregateFlow => question.entries(filter).await,
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Desc,
    Flow,
    AggregateFlow,
    Table,
    TableFeatures,
    Port,
    PortDesc,
    Queue,
    QueueConfig,
    Group,
    GroupDesc,
    GroupFeatures,
    Meter,
    MeterConfig,
    MeterFeatures,
    Role,
}

const KINDS: [(&str, Kind); 16] = [
    ("desc", Kind::Desc),
    ("flow", Kind::Flow),
    ("aggregateflow", Kind::AggregateFlow),
    ("table", Kind::Table),
    ("tablefeatures", Kind::TableFeatures),
    ("port", Kind::Port),
    ("portdesc", Kind::PortDesc),
    ("queue", Kind::Queue),
    ("queueconfig", Kind::QueueConfig),
    ("group", Kind::Group),
    ("groupdesc", Kind::GroupDesc),
    ("groupfeatures", Kind::GroupFeatures),
    ("meter", Kind::Meter),
    ("meterconfig", Kind::MeterConfig),
    ("meterfeatures", Kind::MeterFeatures),
    ("role", Kind::Role),
];

impl Kind {
    /// How many numbers may stand behind the datapath id.
    const fn most_numbers(self) -> usize {
        match self {
            Self::Queue => 2,
            Self::Port
            | Self::PortDesc
            | Self::QueueConfig
            | Self::Group
            | Self::GroupDesc
            | Self::Meter
            | Self::MeterConfig => 1,
            _ => 0,
        }
    }
}

/// Something asked of a switch.
struct Question<'a> {
    network: &'a Network,
    switch: SwitchHandle,
    kind: Kind,
}

impl<'a> Question<'a> {
    fn new(network: &'a Network, kind: &str, dpid: &str) -> Result<Self, ApiError> {
        let known = KINDS.iter().find(|(name, _)| *name == kind);
        let (_, kind) = known
            .ok_or_else(|| ApiError::not_found(format!("there are no statistics `{kind}`")))?;
        let number = read::number_of(dpid).ok_or_else(|| {
            ApiError::malformed(format!("`{dpid}` is not a datapath id: a decimal number"))
        })?;
        Ok(Self {
            network,
            switch: super::switch(network, DatapathId(number))?,
            kind: *kind,
        })
    }

    fn version(&self) -> Version {
        self.switch.version()
    }

    /// Behind the switch's datapath id.
    fn whole(&self, value: impl Into<Value>) -> Json<Value> {
        let dpid = self.switch.dpid().0.to_string();
        Json(Map::from_iter([(dpid, value.into())]).into())
    }

    async fn answer(&self, numbers: [Option<&str>; 2]) -> Result<Json<Value>, ApiError> {
        let given = numbers.iter().flatten().count();
        if given > self.kind.most_numbers() {
            return Err(ApiError::not_found("nothing is served at this path"));
        }
        let [first, second] = numbers.map(|text| text.filter(|text| *text != "ALL"));
        let [first, second] = [numbered(first)?, numbered(second)?];
        if matches!(self.kind, Kind::Flow | Kind::AggregateFlow) {
            return self.entries(EntryFilter::default()).await;
        }
        let value = match self.kind {
            Kind::Group | Kind::GroupDesc | Kind::GroupFeatures => self.groups(first).await?,
            Kind::Meter | Kind::MeterConfig | Kind::MeterFeatures => self.meters(first).await?,
            Kind::Queue => self.queues(first, second).await?,
            Kind::QueueConfig => self.queue_config(first).await?,
            Kind::Role => self.role().await?,
            _ => self.switch_itself(first).await?,
        };
        Ok(self.whole(value))
    }

    async fn entries(&self, filter: EntryFilter) -> Result<Json<Value>, ApiError> {
        let priority = filter.priority;
        let filter = filter.flow_filter(self.version())?;
        if self.kind == Kind::AggregateFlow {
            let sum = aggregate(self.network, &self.switch, filter).await?;
            let sum: Vec<Value> = sum.iter().map(stats::aggregate).collect();
            return Ok(self.whole(sum));
        }
        let mut entries = self.matching(filter).await?;
        entries.retain(|stats| priority.is_none_or(|wanted| stats.rule.priority == wanted));
        let all: Vec<Value> = entries
            .iter()
            .map(|entry| stats::flow(self.version(), entry))
            .collect();
        Ok(self.whole(all))
    }

    async fn matching(
        &self,
        filter: FlowFilter,
    ) -> Result<Vec<godwit_openflow::model::FlowStats>, ApiError> {
        flows(self.network, &self.switch, filter).await
    }

    /// What a switch of either version has.
    async fn switch_itself(&self, number: Option<u32>) -> Result<Value, ApiError> {
        let version = self.version();
        let port = number.map(PortNo);
        if self.kind == Kind::PortDesc {
            let ports = self.switch.ports();
            let wanted = ports
                .iter()
                .filter(|known| port.is_none_or(|port| known.number == port));
            return Ok(wanted
                .map(|port| stats::port_description(version, port))
                .collect());
        }
        let question = match self.kind {
            Kind::Desc => StatsRequest::Description,
            Kind::Table => StatsRequest::Tables,
            Kind::TableFeatures => StatsRequest::TableFeatures(Vec::new()),
            _ => StatsRequest::Ports(port.unwrap_or(PortNo::ANY)),
        };
        Ok(match ask(&self.switch, question).await? {
            None => Value::Array(Vec::new()),
            Some(StatsReply::Description(description)) => stats::description(&description),
            Some(StatsReply::Tables(tables)) => tables
                .iter()
                .map(|table| stats::table(version, table))
                .collect(),
            Some(StatsReply::TableFeatures(tables)) => tables.iter().map(features::table).collect(),
            Some(StatsReply::Ports(ports)) => ports
                .iter()
                .map(|port| stats::port(version, port))
                .collect(),
            Some(_) => return Err(unexpected(&self.switch)),
        })
    }

    async fn queues(&self, port: Option<u32>, queue: Option<u32>) -> Result<Value, ApiError> {
        let filter = QueueFilter {
            port: port.map_or(PortNo::ANY, PortNo),
            queue: queue.map_or(QueueId::ALL, QueueId),
        };
        match ask(&self.switch, StatsRequest::Queues(filter)).await? {
            None => Ok(Value::Array(Vec::new())),
            Some(StatsReply::Queues(queues)) => {
                let all = queues
                    .iter()
                    .map(|queue| stats::queue(self.version(), queue));
                Ok(all.collect())
            }
            Some(_) => Err(unexpected(&self.switch)),
        }
    }

    async fn queue_config(&self, port: Option<u32>) -> Result<Value, ApiError> {
        self.only_13("descriptions of queues")?;
        let port = port.map_or(PortNo::ANY, PortNo);
        let queues = answer(&self.switch, self.switch.queue_config(port).await)?;
        Ok(queues.iter().map(stats::queue_config).collect())
    }

    async fn role(&self) -> Result<Value, ApiError> {
        self.only_13("roles")?;
        let role = answer(&self.switch, self.switch.role().await)?;
        Ok(role.into_iter().map(stats::role).collect())
    }

    async fn groups(&self, group: Option<u32>) -> Result<Value, ApiError> {
        self.only_13("groups")?;
        let wanted = |known: GroupId| group.is_none_or(|group| known.0 == group);
        if self.kind == Kind::Group {
            let mut counted = shared::group_stats(self.network, &self.switch).await?;
            counted.retain(|stats| wanted(stats.group));
            return Ok(counted.iter().map(stats::group).collect());
        }
        let question = match self.kind {
            Kind::GroupDesc => StatsRequest::GroupDescription,
            _ => StatsRequest::GroupFeatures,
        };
        Ok(match ask(&self.switch, question).await? {
            None => Value::Array(Vec::new()),
            Some(StatsReply::GroupDescription(groups)) => {
                let groups = groups.iter().filter(|known| wanted(known.group));
                groups.map(stats::group_description).collect()
            }
            Some(StatsReply::GroupFeatures(of)) => Value::Array(vec![features::group(&of)]),
            Some(_) => return Err(unexpected(&self.switch)),
        })
    }

    async fn meters(&self, meter: Option<u32>) -> Result<Value, ApiError> {
        self.only_13("meters")?;
        let wanted = |known: MeterId| meter.is_none_or(|meter| known.0 == meter);
        if self.kind == Kind::Meter {
            let mut counted = shared::meter_stats(self.network, &self.switch).await?;
            counted.retain(|stats| wanted(stats.meter));
            return Ok(counted.iter().map(stats::meter).collect());
        }
        let question = match self.kind {
            Kind::MeterConfig => StatsRequest::MeterConfig(MeterId::ALL),
            _ => StatsRequest::MeterFeatures,
        };
        Ok(match ask(&self.switch, question).await? {
            None => Value::Array(Vec::new()),
            Some(StatsReply::MeterConfig(meters)) => {
                let meters = meters.iter().filter(|known| wanted(known.meter));
                meters.map(stats::meter_config).collect()
            }
            Some(StatsReply::MeterFeatures(of)) => Value::Array(vec![features::meter(&of)]),
            Some(_) => return Err(unexpected(&self.switch)),
        })
    }

    fn only_13(&self, what: &str) -> Result<(), ApiError> {
        match self.version() {
            Version::V10 => Err(ApiError::not_implemented(format!(
                "OpenFlow 1.0 has no {what}"
            ))),
            Version::V13 => Ok(()),
        }
    }
}

fn numbered(text: Option<&str>) -> Result<Option<u32>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let number = read::number_of(text).and_then(|number| u32::try_from(number).ok());
    number
        .map(Some)
        .ok_or_else(|| ApiError::malformed(format!("`{text}` is not a number")))
}
