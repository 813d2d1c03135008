//! A route: where it leads, what it is at, and what it has on its switches.

use std::time::Instant;

use godwit_controller::rest::endpoint::Endpoint;
use godwit_openflow::model::Pattern;
use godwit_openflow::types::DatapathId;
use godwit_topology::{Metric, Path};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::counters::Counters;
use super::spreading::{Place, Spreading};
use crate::plan::Template;

/// Who asked for a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "RouteOrigin")]
pub enum Origin {
    /// Two hosts began to talk.
    Forwarding,
    /// Somebody, by REST.
    Request,
}

/// What a route is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "RouteState")]
pub enum State {
    /// Its rules are being installed.
    Installing,
    /// Every switch of its path has confirmed its rule.
    Active,
    /// It is being moved to another path.
    Moving,
    /// There is no path, or a switch would not take its rule. It is tried again when the network changes.
    Broken,
}

impl State {
    /// As REST has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Installing => "installing",
            Self::Active => "active",
            Self::Moving => "moving",
            Self::Broken => "broken",
        }
    }
}

/// A route: traffic from one end to another that one rule a switch carries.
#[derive(Debug, Clone)]
pub struct Route {
    /// Where it begins.
    pub from: Endpoint,
    /// Where it ends.
    pub to: Endpoint,
    /// Its ends as they were named.
    pub names: [serde_json::Value; 2],
    /// The match as it was asked for, without the addresses of the ends.
    pub asked: Pattern,
    /// Its rules.
    pub template: Template,
    /// Switches that it must cross.
    pub via: Vec<DatapathId>,
    /// What makes its path short; as for all unless this says.
    pub metric: Option<Metric>,
    /// Who asked for it.
    pub origin: Origin,
    /// The way it goes; of several the first.
    pub path: Path,
    /// All ways, if it is spread.
    pub spread: Option<Spreading>,
    /// What it is at.
    pub state: State,
    /// What it has carried.
    pub counters: Counters,
    /// When it was asked for.
    pub made: Instant,
    /// Since when it is there again after a start of the controller, as long as its path has not been seen whole.
    pub(super) unseen_since: Option<Instant>,
    /// Whether somebody is changing it.
    pub(super) leased: bool,
}

impl Route {
    /// A route that is about to be installed. It is in no table yet, and none of its rules on any switch.
    #[must_use]
    pub fn new(
        from: Endpoint,
        to: Endpoint,
        template: Template,
        path: Path,
        origin: Origin,
    ) -> Self {
        let mut counters = Counters::default();
        counters.set_path(path.switches());
        Self {
            from,
            to,
            names: [serde_json::Value::Null, serde_json::Value::Null],
            asked: Pattern::new(),
            template,
            via: Vec::new(),
            metric: None,
            origin,
            path,
            spread: None,
            state: State::Installing,
            counters,
            made: Instant::now(),
            unseen_since: None,
            leased: false,
        }
    }

    /// What is left of its hard timeout: seconds, begun ones counted whole, at least 1; 0 is for ever.
    #[must_use]
    pub fn remaining(&self) -> u16 {
        if self.template.hard_timeout == 0 {
            return 0;
        }
        let age = u16::try_from(self.made.elapsed().as_secs()).unwrap_or(u16::MAX);
        self.template.hard_timeout.saturating_sub(age).max(1)
    }

    /// What it should have on this switch from now on, with what is left of its hard timeout; `None` where it does not
    /// lead.
    #[must_use]
    pub fn place_on(&self, dpid: DatapathId) -> Option<Place> {
        if let Some(spreading) = &self.spread {
            return spreading.place_on(&self.template, dpid);
        }
        let hop = self.path.hop_at(dpid)?;
        let is_first = self.path.source().dpid == dpid;
        let mut rule = self.template.rule(&hop, is_first);
        rule.hard_timeout = self.remaining();
        Some(Place {
            dpid,
            rule,
            group: None,
        })
    }

    /// The same, spread.
    #[must_use]
    pub fn over(mut self, spreading: Spreading) -> Self {
        self.path = spreading.now.first().clone();
        self.spread = Some(spreading);
        let switches = self.switches();
        self.counters.set_path(switches);
        self
    }

    /// What it has on switches, the last hop last.
    #[must_use]
    pub fn places(&self) -> Vec<Place> {
        let Some(spreading) = &self.spread else {
            let rules = self.template.rules(&self.path);
            let place = |(dpid, rule)| Place {
                dpid,
                rule,
                group: None,
            };
            return rules.map(place).collect();
        };
        let levels = spreading.places(&self.template).into_iter().rev();
        levels.flatten().collect()
    }

    /// The switches that it crosses, the last hop last.
    #[must_use]
    pub fn switches(&self) -> Vec<DatapathId> {
        match &self.spread {
            Some(spreading) => spreading.now.switches(),
            None => self.path.switches().collect(),
        }
    }

    /// The paths that it has, the first first.
    #[must_use]
    pub fn paths(&self) -> &[Path] {
        match &self.spread {
            Some(spreading) => spreading.now.paths(),
            None => std::slice::from_ref(&self.path),
        }
    }

    /// Whether one of its paths crosses a switch.
    #[must_use]
    pub fn crosses(&self, dpid: DatapathId) -> bool {
        let mut paths = self.paths().iter();
        paths.any(|path| path.hop_at(dpid).is_some())
    }

    /// Whether its rules are being changed.
    #[must_use]
    pub const fn is_leased(&self) -> bool {
        self.leased
    }
}
