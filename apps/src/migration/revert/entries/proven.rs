//! The plan of a way back with what belongs to no route, proven.

use std::collections::{BTreeMap, BTreeSet};

use godwit_openflow::model::FlowRule;
use godwit_openflow::types::DatapathId;
use godwit_topology::Graph;

use super::Displaced;
use crate::migration::planning::{Chosen, Planned, Refusal, check_found};
use crate::migration::request::Shape;
use crate::migration::transplant::Site;
use crate::plan::FlowId;
use crate::plan::verify::entries::back::{WayBack, verify_back};

impl Displaced {
    /// Adds to the plan of the routes' way back what belongs to no route, and proves it. `sites` has what source, target
    /// and the neighbours of both hold; `added` is what was put on the target later in the source's stead. Pure.
    ///
    /// # Errors
    /// With everything that somebody has changed since, or the first thing that could harm traffic.
    pub fn planned(
        &self,
        routes: Planned,
        graph: &Graph,
        sites: &BTreeMap<DatapathId, Site>,
        added: &[FlowRule],
    ) -> Result<Planned, Refusal> {
        let [Some(target), Some(source)] = routes.request.left_and_taking() else {
            return Ok(routes);
        };
        check_found(&routes, sites)?;
        let no_way = |reasons| Refusal::NoWayBack { reasons };
        let steps = self.back(source, target, sites, added).map_err(no_way)?;
        let (transplant, rounds) = steps.into_rounds(routes.rounds, source, false);
        let moving: BTreeSet<FlowId> = routes.flows.iter().map(|flow| flow.template.id).collect();
        let back = WayBack {
            graph,
            source,
            target,
            sites,
            moving: &moving,
            displaced: self,
            added,
        };
        verify_back(&back, &rounds, routes.request.algorithm.guarantee())
            .map_err(|unsound| no_way(vec![unsound.to_string()]))?;
        Ok(Planned {
            transplant: Some(transplant),
            rounds,
            shape: Chosen {
                shape: Shape::Substitution,
                reason: "everything goes back to where it stood".to_owned(),
            },
            ..routes
        })
    }
}
