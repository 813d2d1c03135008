//! A plan as it stands in the journal: small, since it is written before anything is sent.
//!
//! Paths and switches are listed once. A change of a route's rule is three numbers: which flow, which switch, what.
//! The rules before and after follow from the flow's template and paths.

use std::collections::HashMap;

use godwit_openflow::model::FlowRule;
use godwit_openflow::types::DatapathId;
use godwit_topology::Path;
use serde::{Deserialize, Serialize};

use super::super::planning::{Chosen, Planned};
use super::super::request::Request;
use super::super::transplant::Transplant;
use crate::plan::entry::EntryStep;
use crate::plan::{Change, Flow, FlowId, Kind, Round, Step, Template};

/// A plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::migration) struct PlanRecord {
    request: Request,
    switches: Vec<DatapathId>,
    paths: Vec<Path>,
    flows: Vec<FlowRecord>,
    rounds: Vec<RoundRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transplant: Option<Transplant>,
    shape: Chosen,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct FlowRecord {
    template: Template,
    old: Option<usize>,
    new: usize,
    /// The switches that the route had to cross before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    via: Vec<DatapathId>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct RoundRecord {
    kind: Kind,
    /// Flow, switch, change.
    steps: Vec<(usize, usize, u8)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    entries: Vec<EntryStep>,
}

const CHANGES: [Change; 4] = [
    Change::Install,
    Change::Modify,
    Change::Replace,
    Change::Remove,
];

/// Values listed once, each with its place.
pub(in crate::migration) struct Listed<T> {
    pub(in crate::migration) all: Vec<T>,
    places: HashMap<T, usize>,
}

impl<T: Clone + Eq + std::hash::Hash> Listed<T> {
    pub(in crate::migration) fn new() -> Self {
        Self {
            all: Vec::new(),
            places: HashMap::new(),
        }
    }

    pub(in crate::migration) fn place(&mut self, value: &T) -> usize {
        if let Some(&place) = self.places.get(value) {
            return place;
        }
        self.all.push(value.clone());
        self.places.insert(value.clone(), self.all.len() - 1);
        self.all.len() - 1
    }
}

impl PlanRecord {
    /// Of a plan, where `via` says which switches a route has to cross so far.
    pub(in crate::migration) fn of(
        planned: &Planned,
        via: &HashMap<FlowId, Vec<DatapathId>>,
    ) -> Self {
        let (mut paths, mut switches) = (Listed::new(), Listed::new());
        let mut places = HashMap::with_capacity(planned.flows.len());
        let mut flows = Vec::with_capacity(planned.flows.len());
        for (place, flow) in planned.flows.iter().enumerate() {
            places.insert(flow.template.id, place);
            flows.push(FlowRecord {
                template: flow.template.clone(),
                old: flow.old.as_ref().map(|path| paths.place(path)),
                new: paths.place(&flow.new),
                via: via.get(&flow.template.id).cloned().unwrap_or_default(),
            });
        }
        let mut rounds = Vec::with_capacity(planned.rounds.len());
        for round in &planned.rounds {
            let mut steps = Vec::with_capacity(round.steps.len());
            for step in &round.steps {
                // A step is always of a flow of the plan.
                let flow = places.get(&step.flow).copied().unwrap_or(usize::MAX);
                let change = CHANGES.iter().position(|change| *change == step.change);
                let change = change.and_then(|change| u8::try_from(change).ok());
                steps.push((flow, switches.place(&step.dpid), change.unwrap_or(u8::MAX)));
            }
            rounds.push(RoundRecord {
                kind: round.kind,
                steps,
                entries: round.entries.clone(),
            });
        }
        Self {
            request: planned.request.clone(),
            switches: switches.all,
            paths: paths.all,
            flows,
            rounds,
            transplant: planned.transplant.clone(),
            shape: planned.shape.clone(),
        }
    }

    /// The switches that each route had to cross before.
    pub(in crate::migration) fn via(&self) -> HashMap<FlowId, Vec<DatapathId>> {
        self.flows
            .iter()
            .map(|flow| (flow.template.id, flow.via.clone()))
            .collect()
    }

    /// The plan again; `None` when the record can't be one.
    pub(in crate::migration) fn planned(&self) -> Option<Planned> {
        let path = |place: usize| self.paths.get(place).cloned();
        let flow = |record: &FlowRecord| {
            Some(Flow {
                template: record.template.clone(),
                old: match record.old {
                    Some(place) => Some(path(place)?),
                    None => None,
                },
                new: path(record.new)?,
            })
        };
        let flows = self.flows.iter().map(flow).collect::<Option<Vec<Flow>>>()?;
        let step = |&(place, switch, change): &(usize, usize, u8)| {
            let flow = flows.get(place)?;
            let dpid = *self.switches.get(switch)?;
            let change = *CHANGES.get(usize::from(change))?;
            let before = match change {
                Change::Install => None,
                _ => Some(rule_at(flow, flow.old.as_ref()?, dpid)?),
            };
            let after = match change {
                Change::Remove => None,
                _ => Some(rule_at(flow, &flow.new, dpid)?),
            };
            Some(Step {
                flow: flow.template.id,
                dpid,
                change,
                before,
                after,
            })
        };
        let round = |record: &RoundRecord| {
            let steps = record.steps.iter().map(step).collect::<Option<_>>()?;
            Some(Round {
                kind: record.kind,
                steps,
                entries: record.entries.clone(),
            })
        };
        Some(Planned {
            request: self.request.clone(),
            rounds: self.rounds.iter().map(round).collect::<Option<_>>()?,
            transplant: self.transplant.clone(),
            shape: self.shape.clone(),
            perishable: Vec::new(),
            flows,
        })
    }
}

fn rule_at(flow: &Flow, path: &Path, dpid: DatapathId) -> Option<FlowRule> {
    let first = path.source().dpid == dpid;
    Some(flow.template.rule(&path.hop_at(dpid)?, first))
}
