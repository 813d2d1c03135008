//! What of the routing can be set.

use godwit_topology::Metric;
use serde::{Deserialize, Serialize};

/// The section `[routing]` of the configuration file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoutingSettings {
    /// What makes a path short where a request does not say.
    pub metric: Metric,
}
