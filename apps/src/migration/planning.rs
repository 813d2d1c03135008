//! Planning: which flows go which way instead, in which rounds; and what stands in the way.

use std::collections::{BTreeSet, HashMap};

use godwit_controller::{Network, Owner, SwitchState};
use godwit_openflow::types::DatapathId;
use godwit_topology::{Constraints, Path, PortRef, RouteError, TopologySnapshot};

use super::request::Request;
use crate::others::{self, Question, Unread};
use crate::plan::verify::{Unsafe, verify};
use crate::plan::{Change, Flow, FlowId, Kind, Round};
use crate::routing::table::Route;

/// A plan that has been verified.
#[derive(Debug)]
pub struct Planned {
    /// What is asked for.
    pub request: Request,
    /// The flows, with their old ways and new.
    pub flows: Vec<Flow>,
    /// The rounds.
    pub rounds: Vec<Round>,
}

/// Rules by what happens to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct RuleCounts {
    /// Put where there was none, or put anew.
    pub installed: usize,
    /// Changed in place.
    pub modified: usize,
    /// Deleted.
    pub removed: usize,
}

impl Planned {
    /// Every switch that is named or whose rules change.
    #[must_use]
    pub fn switches(&self) -> BTreeSet<DatapathId> {
        let changed = self
            .rounds
            .iter()
            .flat_map(|round| round.steps.iter().map(|step| step.dpid));
        self.request.switches().chain(changed).collect()
    }

    /// How many rules change, and how.
    #[must_use]
    pub fn rule_counts(&self) -> RuleCounts {
        let mut counts = RuleCounts::default();
        for step in self.rounds.iter().flat_map(|round| &round.steps) {
            match step.change {
                Change::Install | Change::Replace => counts.installed += 1,
                Change::Modify => counts.modified += 1,
                Change::Remove => counts.removed += 1,
            }
        }
        counts
    }

    /// The index of the round after which there is no way back: the last that changes where live
    /// traffic goes. Everything before can be undone.
    #[must_use]
    pub fn point_of_no_return(&self) -> usize {
        let live = |round: &Round| round.kind != Kind::Remove;
        self.rounds
            .iter()
            .rposition(live)
            .map_or(0, |index| index + 1)
    }
}

/// Why a migration can't be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Source and target are the same switch.
    #[error("source and target are the same switch")]
    SameSwitch,
    /// A switch carries no traffic as it is.
    #[error("switch {0} is drained already")]
    Drained(DatapathId),
    /// A switch is being emptied.
    #[error("switch {0} is being emptied by another migration")]
    Frozen(DatapathId),
    /// Hosts hang on the source; without it they are cut off.
    #[error("{} on the source and would be cut off", if hosts.len() == 1 { "a host hangs" } else { "hosts hang" })]
    Hosts {
        /// The hosts.
        hosts: Vec<String>,
    },
    /// The source holds rules that are not those of routes.
    #[error("the source holds {} that no route put there, and only routes can be moved", if rules.len() == 1 { "a rule" } else { "rules" })]
    ForeignRules {
        /// The rules.
        rules: Vec<String>,
    },
    /// The source's rules can't be read.
    #[error("the source's rules can't be read: {0}")]
    Unreadable(String),
    /// A switch of the new ways does not say what it holds.
    #[error(transparent)]
    Unread(#[from] Unread),
    /// Rules of others stand on the new ways.
    #[error("{} in the way on the new paths", if rules.len() == 1 { "a rule stands" } else { "rules stand" })]
    RulesAhead {
        /// The rules, and what would become of them or of the routes.
        rules: Vec<String>,
    },
    /// For some routes there is no other way.
    #[error("{} no other way", if routes.len() == 1 { "a route has" } else { "some routes have" })]
    NoPath {
        /// The routes, and why.
        routes: Vec<(FlowId, RouteError)>,
    },
    /// The ways that the routes had can't be gone again.
    #[error("there is no way back")]
    NoWayBack {
        /// What is in the way.
        reasons: Vec<String>,
    },
    /// The plan could harm traffic.
    #[error("the plan did not pass its check: {0}")]
    Unsafe(#[from] Unsafe),
}

impl Refusal {
    /// How many reasons are listed; a switch may hold thousands of rules.
    const MOST_REASONS: usize = 100;

    /// Every single thing that stands in the way.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = match self {
            Self::Hosts { hosts } => hosts.clone(),
            Self::ForeignRules { rules } | Self::RulesAhead { rules } => rules.clone(),
            Self::NoWayBack { reasons } => reasons.clone(),
            Self::NoPath { routes } => routes
                .iter()
                .map(|(id, why)| format!("route {id}: {why}"))
                .collect(),
            _ => Vec::new(),
        };
        reasons.truncate(Self::MOST_REASONS);
        reasons
    }
}

/// Checks what can be seen without asking a switch.
///
/// # Errors
/// With what stands in the way.
pub fn check(network: &Network, request: &Request) -> Result<(), Refusal> {
    if request.target == Some(request.source) {
        return Err(Refusal::SameSwitch);
    }
    for dpid in request.switches() {
        match network.state(dpid) {
            SwitchState::Active => {}
            SwitchState::Frozen => return Err(Refusal::Frozen(dpid)),
            SwitchState::Drained => return Err(Refusal::Drained(dpid)),
        }
    }
    let topology = network.topology();
    let hosts: Vec<String> = topology
        .hosts_on(request.source)
        .map(|host| format!("host {} on port {}", host.mac, host.attachment.port))
        .collect();
    if hosts.is_empty() {
        Ok(())
    } else {
        Err(Refusal::Hosts { hosts })
    }
}

/// Asks the source what it holds; everything must be a base rule or one of these routes'.
///
/// # Errors
/// With what stands in the way.
pub async fn check_foreign(
    network: &Network,
    request: &Request,
    routes: &[Route],
) -> Result<(), Refusal> {
    let Some(switch) = network.switches().get(request.source) else {
        return Err(Refusal::Unreadable("it is not connected".to_owned()));
    };
    let held = network
        .read(&switch, None)
        .await
        .map_err(|error| Refusal::Unreadable(error.to_string()))?;
    let moving: BTreeSet<FlowId> = routes.iter().map(|route| route.template.id).collect();
    let is_known = |cookie| {
        Owner::Core.own_part(cookie).is_some()
            || Owner::Routing
                .own_part(cookie)
                .is_some_and(|id| moving.contains(&id))
    };
    let foreign = held.iter().filter(|stats| !is_known(stats.rule.cookie));
    let rules: Vec<String> = foreign
        .map(|stats| others::described(&stats.rule))
        .collect();
    if rules.is_empty() {
        Ok(())
    } else {
        Err(Refusal::ForeignRules { rules })
    }
}

/// Asks the switches that get new rules whether anything of others stands there.
///
/// # Errors
/// With what stands in the way.
pub async fn check_ahead(network: &Network, planned: &Planned) -> Result<(), Refusal> {
    let rules = others::in_the_way(
        network,
        &planned.flows,
        &planned.rounds,
        Question::OverwrittenOrAbove,
    )
    .await?;
    if rules.is_empty() {
        Ok(())
    } else {
        Err(Refusal::RulesAhead { rules })
    }
}

/// Makes the plan and proves it. Pure.
///
/// # Errors
/// With what stands in the way.
pub fn plan(
    topology: &TopologySnapshot,
    request: &Request,
    routes: &[Route],
) -> Result<Planned, Refusal> {
    let mut finder = Detours {
        topology,
        request,
        found: HashMap::new(),
    };
    let mut flows = Vec::with_capacity(routes.len());
    let mut without = Vec::new();
    for route in routes {
        match finder.find(route) {
            Ok(new) => flows.push(Flow {
                template: route.template.clone(),
                old: Some(route.path.clone()),
                new,
            }),
            Err(why) => without.push((route.template.id, why)),
        }
    }
    if !without.is_empty() {
        return Err(Refusal::NoPath { routes: without });
    }
    prove(request, flows)
}

/// The rounds for these flows, proven. Pure.
///
/// # Errors
/// When they could harm traffic.
pub fn prove(request: &Request, flows: Vec<Flow>) -> Result<Planned, Refusal> {
    let rounds = request.algorithm.plan(&flows, request.source);
    verify(&flows, &rounds, request.algorithm.guarantee())?;
    Ok(Planned {
        request: request.clone(),
        flows,
        rounds,
    })
}

/// Finds ways without the source and through the target, once for each pair of ends.
struct Detours<'a> {
    topology: &'a TopologySnapshot,
    request: &'a Request,
    found: HashMap<(PortRef, PortRef, Vec<DatapathId>), Result<Path, RouteError>>,
}

impl Detours<'_> {
    fn find(&mut self, route: &Route) -> Result<Path, RouteError> {
        let via = waypoints(route, self.request);
        let ends = (route.path.source(), route.path.destination(), via);
        let (topology, source) = (self.topology, self.request.source);
        let found = self
            .found
            .entry(ends)
            .or_insert_with_key(|(from, to, via)| {
                let constraints = Constraints {
                    avoid: BTreeSet::from([source]),
                    via: via.clone(),
                };
                topology.path(*from, *to, &constraints)
            });
        found.clone()
    }
}

/// The switches that a route has to cross once the source is empty: those that it was asked to cross, with
/// the target in the source's place.
#[must_use]
pub fn waypoints(route: &Route, request: &Request) -> Vec<DatapathId> {
    let asked = route
        .via
        .iter()
        .filter(|dpid| **dpid != request.source)
        .copied();
    let mut via: Vec<DatapathId> = match request.target {
        Some(target) if route.via.contains(&request.source) => {
            let swap = |dpid: &DatapathId| {
                if *dpid == request.source {
                    target
                } else {
                    *dpid
                }
            };
            route.via.iter().map(swap).collect()
        }
        _ => asked.collect(),
    };
    let ends = [route.path.source().dpid, route.path.destination().dpid];
    if let Some(target) = request
        .target
        .filter(|target| !via.contains(target) && !ends.contains(target))
    {
        via.push(target);
    }
    via
}
