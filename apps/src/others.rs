//! Rules of others where flows are about to go: such a rule would be overwritten, or would take the flow's packets.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use godwit_controller::Network;
use godwit_controller::limits::APPLY_DEADLINE;
use godwit_controller::rules::{Owner, stands_everywhere};
use godwit_controller::switch::RequestError;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{FlowRule, FlowStats, Identity, Pattern, StatsReply, StatsRequest};
use godwit_openflow::types::{Cookie, DatapathId, PortNo, TableId};

use crate::migration::transplant::Site;
use crate::migration::transplant::graft::{Scene, Steps};
use crate::plan::entry::{Entry, Part};
use crate::plan::{Change, Flow, FlowId, Round};

pub(crate) use godwit_controller::rules::described;

/// How many rules are named of each switch; one may hold thousands.
const MOST_NAMED: usize = 100;

/// A rule that is about to be added, and where its flow's packets come in.
#[derive(Debug, Clone, Copy)]
struct Arrival<'a> {
    flow: FlowId,
    rule: &'a FlowRule,
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
        let request = StatsRequest::Flows(filter(&arrivals, question));
        let reading = tokio::spawn(async move {
            let switch = switch.ok_or(RequestError::Disconnected)?;
            match switch.request_within(request, APPLY_DEADLINE).await? {
                StatsReply::Flows(held) => Ok(held),
                _ => Err(RequestError::Unexpected),
            }
        });
        readings.push((dpid, arrivals, reading));
    }
    let mut all = Vec::new();
    for (dpid, arrivals, reading) in readings {
        // One that ended abnormally has found out nothing.
        let read = reading.await.unwrap_or(Err(RequestError::Disconnected));
        let held = read.map_err(|why| Unread { dpid, why })?;
        let found = found(&arrivals, &held, question);
        all.extend(found.iter().map(|what| format!("switch {dpid}: {what}")));
    }
    Ok(all)
}

/// The switches that get new rules.
pub(crate) fn gaining(rounds: &[Round]) -> BTreeSet<DatapathId> {
    let steps = rounds.iter().flat_map(|round| &round.steps);
    let adding = steps.filter(|step| matches!(step.change, Change::Install | Change::Replace));
    adding.map(|step| step.dpid).collect()
}

/// As [`in_the_way`], of switches that have been asked already.
pub(crate) fn found_in(
    flows: &[Flow],
    rounds: &[Round],
    sites: &BTreeMap<DatapathId, Site>,
) -> Vec<String> {
    let mut all = Vec::new();
    for (dpid, arrivals) in arrivals(flows, rounds) {
        let held = sites
            .get(&dpid)
            .map_or(&[][..], |site| &site.holdings.rules);
        let found = found(&arrivals, held, Question::OverwrittenOrAbove);
        all.extend(found.iter().map(|what| format!("switch {dpid}: {what}")));
    }
    all
}

/// Entries that a transplant puts where the new ways of routes lead, if they would take packets there of which they got
/// none before.
pub(crate) fn shadowed(scene: &Scene<'_>, flows: &[Flow], steps: &Steps) -> Vec<String> {
    let mut put: BTreeMap<DatapathId, Vec<&FlowRule>> = BTreeMap::new();
    for step in steps.put.iter().chain(&steps.twins) {
        // What a hop of a detour takes carries its label, which nothing else does.
        if let (Part::Neighbour | Part::Carried(_), Some(Entry::Rule(rule))) =
            (step.part, &step.after)
        {
            put.entry(step.dpid).or_default().push(rule);
        }
    }
    let mut shadowed = Vec::new();
    for flow in flows {
        for (hop, (dpid, rule)) in flow.new.hops().iter().zip(flow.template.rules(&flow.new)) {
            let arrival = Arrival {
                flow: flow.template.id,
                rule: &rule,
                in_port: hop.in_port,
            };
            let above = put.get(&dpid).into_iter().flatten();
            let mut above = above.filter(|put| stands_above(put, &arrival));
            if shadowed.len() < MOST_NAMED
                && !was_shadowed(scene, flow)
                && let Some(put) = above.next()
            {
                shadowed.push(format!(
                    "switch {dpid}: {} would take packets of route {}",
                    described(put),
                    arrival.flow
                ));
            }
        }
    }
    shadowed
}

/// Whether the source has an entry of others that may take packets of the flow already.
fn was_shadowed(scene: &Scene<'_>, flow: &Flow) -> bool {
    let Some(old) = &flow.old else {
        return false;
    };
    let hops = old.hops().iter().zip(flow.template.rules(old));
    hops.filter(|(hop, _)| hop.dpid == scene.source.dpid)
        .any(|(hop, (_, rule))| {
            let arrival = Arrival {
                flow: flow.template.id,
                rule: &rule,
                in_port: hop.in_port,
            };
            let mut others = scene.source.others(scene.moving);
            others.any(|stats| stands_above(&stats.rule, &arrival))
        })
}

/// What each switch is about to get.
fn arrivals<'a>(flows: &[Flow], rounds: &'a [Round]) -> BTreeMap<DatapathId, Vec<Arrival<'a>>> {
    let flows: HashMap<FlowId, &Flow> = flows.iter().map(|flow| (flow.template.id, flow)).collect();
    let mut arrivals: BTreeMap<DatapathId, Vec<Arrival<'a>>> = BTreeMap::new();
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
                rule,
                in_port: hop.in_port,
            });
        }
    }
    arrivals
}

/// What the switch is asked for. A rule that would be overwritten has all that the arrivals have in common; one that
/// stands above may match anything.
fn filter(arrivals: &[Arrival<'_>], question: Question) -> FlowFilter {
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
fn found(arrivals: &[Arrival<'_>], held: &[FlowStats], question: Question) -> Vec<String> {
    if held.is_empty() {
        return Vec::new();
    }
    let by_identity: HashMap<Identity<'_>, &Arrival<'_>> = arrivals
        .iter()
        .map(|arrival| (arrival.rule.identity(), arrival))
        .collect();
    let lowest = arrivals.iter().map(|arrival| arrival.rule.priority).min();
    let mut found = Vec::new();
    for FlowStats { rule, .. } in held {
        if let Some(arrival) = by_identity.get(&rule.identity()) {
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
fn stands_above(rule: &FlowRule, arrival: &Arrival<'_>) -> bool {
    rule.table == arrival.rule.table
        && rule.priority > arrival.rule.priority
        && rule.pattern.overlaps(&arrival.rule.pattern)
        && rule
            .pattern
            .overlaps(&Pattern::new().in_port(arrival.in_port))
}

/// Discovery has to stand above all, the access list takes the same packets everywhere, and a route above another is
/// wished for: where both match, the other route has its own way on.
fn is_foreign(cookie: Cookie) -> bool {
    !stands_everywhere(cookie) && Owner::Routing.own_part(cookie).is_none()
}
