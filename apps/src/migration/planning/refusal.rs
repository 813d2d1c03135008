//! Why a migration can't be done.

use godwit_openflow::types::DatapathId;
use godwit_topology::RouteError;

use crate::others::Unread;
use crate::plan::FlowId;
use crate::plan::verify::Unsafe;
use crate::plan::verify::entries::Unsound;

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
    /// What the source holds besides routes can't be moved to the target.
    #[error("the target can't take the source's place")]
    Transplant {
        /// Every rule that can't, and why.
        reasons: Vec<String>,
    },
    /// The plan for what belongs to no route did not pass its check.
    #[error("the plan did not pass its check: {0}")]
    Unsound(#[from] Unsound),
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
            Self::NoWayBack { reasons } | Self::Transplant { reasons } => reasons.clone(),
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
