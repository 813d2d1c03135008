//! Switches that a way back has ended without, and that may still send flows the new way.
//!
//! The new way stays until they have been turned back. Meanwhile the routes are anybody's: what another has changed of
//! a route since is left as it is. After a restart of the controller the comparison of every switch that connects does
//! the same.

use std::collections::BTreeSet;
use std::time::Duration;

use godwit_openflow::types::DatapathId;

use super::standing::{Standing, Way, answers};
use crate::plan::{Kind, Round, Step};
use crate::routing::Routing;
use godwit_controller::sweep::REVALIDATION;

/// How soon a switch is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long packets on the new way may take to leave it.
const UNDER_WAY: Duration = Duration::from_secs(1);

/// What has become of a route since, at one switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    /// It wants what it wanted before the migration.
    Same,
    /// It wants something else.
    Other,
    /// It is being changed.
    Busy,
}

/// Turns the flows back as soon as the switches take it, then removes the new way.
pub(super) async fn undo(routing: Routing, rounds: Vec<Round>) {
    let (flips, installs): (Vec<_>, Vec<_>) = rounds
        .into_iter()
        .rev()
        .partition(|round| round.kind == Kind::Flip);
    for round in &flips {
        while !turned_back(&routing, round).await {
            tokio::time::sleep(AGAIN).await;
        }
    }
    tokio::time::sleep(REVALIDATION + UNDER_WAY).await;
    for round in &installs {
        let round = loop {
            if let Some(round) = unchanged(&routing, round) {
                break round;
            }
            tokio::time::sleep(AGAIN).await;
        };
        let mut standing = Standing::read(routing.network(), std::slice::from_ref(&round)).await;
        let missing = standing.missing(&round, Way::Undone);
        if let Err(error) = missing.messages.apply(routing.network().switches()).await {
            // A switch that is gone is compared when it returns.
            tracing::warn!(%error, "rules of a way that was given up may be left");
        }
    }
    tracing::info!("a way that was given up is no longer in use and has been removed");
}

/// Whether nothing of this round leads to the new way any more.
async fn turned_back(routing: &Routing, round: &Round) -> bool {
    let network = routing.network();
    let Some(round) = unchanged(routing, round) else {
        return false;
    };
    let switches: BTreeSet<DatapathId> = round.steps.iter().map(|step| step.dpid).collect();
    for dpid in switches {
        if !answers(network, dpid).await {
            return false;
        }
    }
    let mut standing = Standing::read(network, std::slice::from_ref(&round)).await;
    let missing = standing.missing(&round, Way::Undone);
    missing.away.is_empty() && missing.messages.apply(network.switches()).await.is_ok()
}

/// The steps of the round whose routes want what they wanted before; `None` while one is being changed.
fn unchanged(routing: &Routing, round: &Round) -> Option<Round> {
    let mut steps = Vec::new();
    for step in &round.steps {
        match since(routing, step) {
            Since::Same => steps.push(step.clone()),
            Since::Other => {}
            Since::Busy => return None,
        }
    }
    Some(Round::of(round.kind, steps))
}

fn since(routing: &Routing, step: &Step) -> Since {
    let route = routing.table().get(step.flow);
    if route.as_ref().is_some_and(|route| route.is_leased()) {
        return Since::Busy;
    }
    let wanted = route.and_then(|route| {
        let place = route.place_on(step.dpid)?;
        Some(place.rule.instructions)
    });
    let before = step.before.as_ref().map(|rule| &rule.instructions);
    if wanted.as_ref() == before {
        Since::Same
    } else {
        Since::Other
    }
}
