//! Rules of others where flows are about to go: such a rule would be overwritten, or would take the flow's packets.

use std::collections::{BTreeMap, HashMap};

use godwit_controller::Network;
use godwit_controller::limits::APPLY_DEADLINE;
use godwit_controller::rules::Owner;
use godwit_controller::switch::RequestError;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{FlowRule, FlowStats, Pattern, StatsReply, StatsRequest};
use godwit_openflow::types::{Cookie, DatapathId, PortNo, TableId};

use crate::plan::{Change, Flow, FlowId, Round};

/// How many rules are named of each switch; one may hold thousands.
const MOST_NAMED: usize = 100;

/// A rule that is about to be added, and where its flow's packets come in.
#[derive(Debug, Clone)]
struct Arrival {
    flow: FlowId,
    rule: FlowRule,
    in_port: PortNo,
}

/// What a rule of somebody else is to a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// Would it be overwritten?
    Overwritten,
    /// Would it be overwritten, or take packets before the flow's own rule does?
    OverwrittenOrAbove,
}

/// A switch did not say what it holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rules of switch {dpid} can't be read: {why}")]
pub struct Unread {
    /// The switch.
    pub dpid: DatapathId,
    /// Why.
    pub why: RequestError,
}

/// The rules of others that stand in the way of a plan, as text. All switches that get new rules are asked at once.
///
/// # Errors
/// When a switch does not answer, within five seconds.
pub(crate) async fn in_the_way(
    network: &Network,
    flows: &[Flow],
    rounds: &[Round],
    question: Question,
) -> Result<Vec<String>, Unread> {
    let mut readings = Vec::new();
    for (dpid, arrivals) in arrivals(flows, rounds) {
        let switch = network.switches().get(dpid);
        let reading = tokio::spawn(async move {
            let switch = switch.ok_or(RequestError::Disconnected)?;
            let request = StatsRequest::Flows(filter(&arrivals, question));
            match switch.request_within(request, APPLY_DEADLINE).await? {
                StatsReply::Flows(held) => Ok(found(&arrivals, &held, question)),
                _ => Err(RequestError::Unexpected),
            }
        });
        readings.push((dpid, reading));
    }
    let mut all = Vec::new();
    for (dpid, reading) in readings {
        // One that ended abnormally has found out nothing.
        let read = reading.await.unwrap_or(Err(RequestError::Disconnected));
        let found = read.map_err(|why| Unread { dpid, why })?;
        all.extend(found.iter().map(|what| format!("switch {dpid}: {what}")));
    }
    Ok(all)
}

/// What each switch is about to get.
fn arrivals(flows: &[Flow], rounds: &[Round]) -> BTreeMap<DatapathId, Vec<Arrival>> {
    let flows: HashMap<FlowId, &Flow> = flows.iter().map(|flow| (flow.template.id, flow)).collect();
    let mut arrivals: BTreeMap<DatapathId, Vec<Arrival>> = BTreeMap::new();
    for step in rounds.iter().flat_map(|round| &round.steps) {
        let (Change::Install | Change::Replace, Some(rule)) = (step.change, &step.after) else {
            continue;
        };
        let hop = flows
            .get(&step.flow)
            .and_then(|flow| flow.new.hop_at(step.dpid));
        if let Some(hop) = hop {
            arrivals.entry(step.dpid).or_default().push(Arrival {
                flow: step.flow,
                rule: rule.clone(),
                in_port: hop.in_port,
            });
        }
    }
    arrivals
}

/// What the switch is asked for. A rule that would be overwritten has all that the arrivals have in common; one that
/// stands above may match anything.
fn filter(arrivals: &[Arrival], question: Question) -> FlowFilter {
    let mut filter = FlowFilter::all();
    filter.table = TableId(0);
    if question == Question::Overwritten
        && let Some((first, others)) = arrivals.split_first()
    {
        let shared = |(field, mine): &_| {
            others
                .iter()
                .all(|other| other.rule.pattern.get(*field) == Some(*mine))
        };
        filter.pattern =
            first.rule.pattern.fields().filter(shared).fold(
                Pattern::new(),
                |pattern, (field, masked)| {
                    pattern.with_masked(field, masked.value(), masked.mask())
                },
            );
    }
    filter
}

/// The rules of one switch that stand in the way, as text.
fn found(arrivals: &[Arrival], held: &[FlowStats], question: Question) -> Vec<String> {
    type Identity<'a> = (TableId, u16, &'a Pattern);
    fn identity(rule: &FlowRule) -> Identity<'_> {
        (rule.table, rule.priority, &rule.pattern)
    }
    let by_identity: HashMap<Identity<'_>, &Arrival> = arrivals
        .iter()
        .map(|arrival| (identity(&arrival.rule), arrival))
        .collect();
    let lowest = arrivals.iter().map(|arrival| arrival.rule.priority).min();
    let mut found = Vec::new();
    for FlowStats { rule, .. } in held {
        if let Some(arrival) = by_identity.get(&identity(rule)) {
            if rule.cookie != arrival.rule.cookie {
                found.push(format!(
                    "{} would be overwritten by route {}",
                    described(rule),
                    arrival.flow
                ));
            }
        } else if question == Question::OverwrittenOrAbove
            && is_foreign(rule.cookie)
            && lowest.is_some_and(|lowest| rule.priority > lowest)
            && let Some(arrival) = arrivals.iter().find(|arrival| stands_above(rule, arrival))
        {
            found.push(format!(
                "{} would take packets of route {}",
                described(rule),
                arrival.flow
            ));
        }
        if found.len() >= MOST_NAMED {
            break;
        }
    }
    found
}

/// Whether packets of the flow would meet this rule first.
fn stands_above(rule: &FlowRule, arrival: &Arrival) -> bool {
    rule.table == arrival.rule.table
        && rule.priority > arrival.rule.priority
        && rule.pattern.overlaps(&arrival.rule.pattern)
        && rule
            .pattern
            .overlaps(&Pattern::new().in_port(arrival.in_port))
}

/// Discovery has to stand above all, and a route above another is wished for: where both match, the other route
/// has its own way on.
fn is_foreign(cookie: Cookie) -> bool {
    Owner::Core.own_part(cookie).is_none() && Owner::Routing.own_part(cookie).is_none()
}

/// A rule as people know it.
pub(crate) fn described(rule: &FlowRule) -> String {
    format!(
        "table {}, priority {}, cookie {}, {}",
        rule.table.0, rule.priority, rule.cookie, rule.pattern
    )
}
