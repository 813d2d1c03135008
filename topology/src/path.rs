//! A way through the network, switch by switch.

use std::collections::BTreeSet;

use godwit_openflow::types::{DatapathId, PortNo};
use serde::{Deserialize, Serialize};

use crate::link::{Link, PortRef};

/// One switch on a path: where packets enter it and where they leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Hop {
    /// The switch.
    pub dpid: DatapathId,
    /// Where packets enter.
    pub in_port: PortNo,
    /// Where packets leave.
    pub out_port: PortNo,
}

/// A path from one edge port to another: at least one hop, and no switch twice.
///
/// Serialises as the list of its hops; what is read back is checked like any other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Vec<Hop>", into = "Vec<Hop>")]
pub struct Path {
    hops: Vec<Hop>,
}

/// Why a list of links or hops is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No hop at all.
    #[error("a path needs at least one hop")]
    Empty,
    /// Two neighbours in the list do not touch.
    #[error("the path is broken: from switch {from} the list continues at switch {to}")]
    Broken {
        /// Where the part before the gap ends.
        from: DatapathId,
        /// Where the part after it starts.
        to: DatapathId,
    },
    /// A switch occurs twice.
    #[error("the path visits switch {dpid} twice")]
    Loop {
        /// That switch.
        dpid: DatapathId,
    },
    /// A switch would have to send packets back out of the port they came in on.
    #[error("the path leaves switch {dpid} by the port {port} it came in on")]
    TurnsBack {
        /// That switch.
        dpid: DatapathId,
        /// That port.
        port: PortNo,
    },
}

impl Path {
    /// The path that enters at `from`, follows `links`, and leaves at `to`. Without links both ends must be
    /// on one switch.
    ///
    /// # Errors
    /// See [`PathError`].
    pub fn new(from: PortRef, links: &[Link], to: PortRef) -> Result<Self, PathError> {
        let mut hops = Vec::with_capacity(links.len() + 1);
        let mut entry = from;
        for link in links {
            hops.push(hop(entry, link.src)?);
            entry = link.dst;
        }
        hops.push(hop(entry, to)?);
        Self::try_from(hops)
    }

    /// The hops, first to last; never empty.
    #[must_use]
    pub fn hops(&self) -> &[Hop] {
        &self.hops
    }

    /// How many links the path crosses.
    #[must_use]
    pub fn link_count(&self) -> usize {
        self.hops.len() - 1
    }

    /// The links between the hops, in order.
    pub fn links(&self) -> impl Iterator<Item = Link> + '_ {
        self.hops.windows(2).filter_map(|pair| match pair {
            [here, next] => Some(Link {
                src: PortRef::new(here.dpid, here.out_port),
                dst: PortRef::new(next.dpid, next.in_port),
            }),
            _ => None,
        })
    }

    /// The switches, in order.
    pub fn switches(&self) -> impl DoubleEndedIterator<Item = DatapathId> + '_ {
        self.hops.iter().map(|hop| hop.dpid)
    }

    /// The hop on this switch.
    #[must_use]
    pub fn hop_at(&self, dpid: DatapathId) -> Option<Hop> {
        self.hops.iter().find(|hop| hop.dpid == dpid).copied()
    }

    /// The port where packets enter the network.
    #[must_use]
    pub fn source(&self) -> PortRef {
        let first = self.hops[0];
        PortRef::new(first.dpid, first.in_port)
    }

    /// The port where packets leave the network.
    #[must_use]
    pub fn destination(&self) -> PortRef {
        let last = self.hops[self.hops.len() - 1];
        PortRef::new(last.dpid, last.out_port)
    }
}

impl TryFrom<Vec<Hop>> for Path {
    type Error = PathError;

    fn try_from(hops: Vec<Hop>) -> Result<Self, PathError> {
        if hops.is_empty() {
            return Err(PathError::Empty);
        }
        let mut seen = BTreeSet::new();
        for hop in &hops {
            if hop.in_port == hop.out_port {
                return Err(PathError::TurnsBack {
                    dpid: hop.dpid,
                    port: hop.in_port,
                });
            }
            if !seen.insert(hop.dpid) {
                return Err(PathError::Loop { dpid: hop.dpid });
            }
        }
        Ok(Self { hops })
    }
}

impl From<Path> for Vec<Hop> {
    fn from(path: Path) -> Self {
        path.hops
    }
}

fn hop(entry: PortRef, exit: PortRef) -> Result<Hop, PathError> {
    if entry.dpid != exit.dpid {
        return Err(PathError::Broken {
            from: entry.dpid,
            to: exit.dpid,
        });
    }
    Ok(Hop {
        dpid: entry.dpid,
        in_port: entry.port,
        out_port: exit.port,
    })
}

#[cfg(test)]
mod tests;
