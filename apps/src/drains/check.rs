//! Whether switches can be emptied: all of them, as far as that can be known before the first has gone, and one of them
//! as things are.

use std::collections::BTreeSet;

use godwit_controller::SwitchState;
use godwit_openflow::types::DatapathId;
use godwit_topology::{Constraints, TopologySnapshot};

use super::order::{Candidate, Cost, Footprint};
use crate::migration::planning::{Planned, Refusal};
use crate::migration::request::{Algorithm, Request};
use crate::migration::{BeginError, Migrations};
use crate::routing::Routing;
use crate::routing::table::Route;

/// How many reasons are listed; there may be thousands of routes.
const MOST_REASONS: usize = 100;

/// What stands in the way of emptying a switch now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// It is empty already.
    Drained,
    /// A migration under way has to end first.
    Busy,
    /// It can't be reached; that may pass by itself.
    Away(String),
    /// It can't be done as the network is.
    Refused(String),
    /// It can't be done in whatever order the others go.
    Impossible(Vec<String>),
}

/// What a refused migration means to a drain.
pub(super) fn obstacle(error: &BeginError) -> Obstacle {
    match error {
        BeginError::Overlaps { .. } | BeginError::Refused(Refusal::Frozen(_)) => Obstacle::Busy,
        BeginError::Refused(Refusal::Drained(_)) => Obstacle::Drained,
        BeginError::Refused(Refusal::Unreadable(_) | Refusal::Unread(_))
        | BeginError::Abandoned => Obstacle::Away(error.to_string()),
        BeginError::Refused(refusal @ (Refusal::Hosts { .. } | Refusal::ForeignRules { .. })) => {
            let reasons = refusal.reasons();
            if reasons.is_empty() {
                Obstacle::Impossible(vec![refusal.to_string()])
            } else {
                Obstacle::Impossible(reasons)
            }
        }
        BeginError::Refused(refusal) => Obstacle::Refused(with_reasons(refusal)),
        other => Obstacle::Refused(other.to_string()),
    }
}

fn with_reasons(refusal: &Refusal) -> String {
    let reasons = refusal.reasons();
    match reasons.as_slice() {
        [] => refusal.to_string(),
        all => format!("{refusal}: {}", all.join("; ")),
    }
}

impl Obstacle {
    /// As text, for a switch that is put off.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Drained => "it is drained already".to_owned(),
            Self::Busy => "another migration is in the way".to_owned(),
            Self::Away(why) | Self::Refused(why) => why.clone(),
            Self::Impossible(reasons) => reasons.join("; "),
        }
    }
}

/// What emptying this switch would do now.
pub(super) async fn look(
    routing: &Routing,
    migrations: &Migrations,
    dpid: DatapathId,
    algorithm: Algorithm,
) -> Result<Candidate, Obstacle> {
    let network = routing.network();
    if network.state(dpid) == SwitchState::Drained {
        return Err(Obstacle::Drained);
    }
    if network.switches().get(dpid).is_none() {
        return Err(Obstacle::Away(format!("switch {dpid} is not connected")));
    }
    let planned = migrations
        .rehearse(&Request::new(dpid, None, algorithm))
        .await;
    let planned = planned.map_err(|error| obstacle(&error))?;
    let footprint = footprint(&network.topology(), &planned);
    // A migration that is refused for switches of another's has frozen its source for a moment. There is no need.
    let mut switches = footprint.switches.iter();
    if switches.any(|dpid| migrations.touching(*dpid).is_some()) {
        return Err(Obstacle::Busy);
    }
    Ok(Candidate {
        dpid,
        cost: cost(routing, &planned),
        footprint,
    })
}

/// Where a plan is felt.
#[must_use]
pub fn footprint(topology: &TopologySnapshot, planned: &Planned) -> Footprint {
    let source = planned.request.source;
    let links = topology.links().filter(|link| link.src.dpid == source);
    Footprint {
        switches: planned.switches(),
        neighbours: links.map(|link| link.dst.dpid).collect(),
        flows: planned.flows.iter().map(|flow| flow.template.id).collect(),
    }
}

fn cost(routing: &Routing, planned: &Planned) -> Cost {
    let counts = planned.rule_counts();
    let moving: BTreeSet<_> = planned.flows.iter().map(|flow| flow.template.id).collect();
    let rate = |route: &Route| {
        let seconds = route.made.elapsed().as_secs().max(1);
        route.counters.delivered().packets / seconds
    };
    let mut packets_per_s = 0_u64;
    routing.table().for_each(|id, route| {
        if moving.contains(&id) {
            packets_per_s = packets_per_s.saturating_add(rate(route));
        }
    });
    Cost {
        rules: (counts.installed + counts.modified + counts.removed) as u64,
        packets_per_s,
    }
}

/// Which routes would have no way once all these switches are empty, and why. Pure.
#[must_use]
pub fn without_all(
    topology: &TopologySnapshot,
    routes: &[Route],
    switches: &BTreeSet<DatapathId>,
) -> Vec<String> {
    let crosses = |route: &&Route| switches.iter().any(|dpid| route.crosses(*dpid));
    let crossing = routes.iter().filter(crosses);
    let stranded = crossing.filter_map(|route| {
        let others = route.via.iter().filter(|dpid| !switches.contains(dpid));
        let constraints = Constraints {
            avoid: switches.clone(),
            via: others.copied().collect(),
        };
        let (from, to) = (route.path.source(), route.path.destination());
        let why = topology.path(from, to, &constraints).err()?;
        Some(format!(
            "route {} has no way without all of them: {why}",
            route.template.id
        ))
    });
    stranded.collect()
}

/// What is known to stand in the way of emptying all these switches, in whatever order; that concerning the switches
/// themselves first.
///
/// # Errors
/// When a switch can't be asked.
pub(super) async fn all(
    routing: &Routing,
    migrations: &Migrations,
    switches: &[DatapathId],
    algorithm: Algorithm,
) -> Result<Vec<String>, String> {
    let mut routes = Vec::new();
    routing
        .table()
        .for_each(|_, route| routes.push(route.clone()));
    let (mut lasting, mut for_now, mut has_way) = (Vec::new(), Vec::new(), false);
    for &dpid in switches {
        match look(routing, migrations, dpid, algorithm).await {
            Err(Obstacle::Impossible(why)) => {
                lasting.extend(why.into_iter().map(|why| format!("switch {dpid}: {why}")));
            }
            Err(Obstacle::Away(why)) => return Err(why),
            // As long as another one can go, that may make way for it.
            Err(Obstacle::Refused(why)) => for_now.push(format!("switch {dpid}: {why}")),
            Ok(_) | Err(Obstacle::Drained | Obstacle::Busy) => has_way = true,
        }
    }
    let set = switches.iter().copied().collect();
    lasting.extend(without_all(&routing.network().topology(), &routes, &set));
    if lasting.is_empty() && !has_way {
        lasting = for_now;
    }
    lasting.truncate(MOST_REASONS);
    Ok(lasting)
}
