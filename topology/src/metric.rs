//! What makes a path short.

use serde::{Deserialize, Serialize};

/// What links are weighed by where nobody has set what they cost.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Every cable costs one.
    #[default]
    Hops,
    /// What packets take to cross it; see [`latency`](crate::latency).
    Latency,
    /// How full it is; see [`load`](crate::load).
    Utilisation,
}

impl Metric {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hops => "hops",
            Self::Latency => "latency",
            Self::Utilisation => "utilisation",
        }
    }
}
