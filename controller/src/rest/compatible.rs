//! The addresses of other controllers, for scripts that were written for them.
//!
//! | whose | addresses | file |
//! |---|---|---|
//! | Ryu's and os-ken's `ofctl_rest` | `/stats/…` | `ryu` |
//! | Ryu's `rest_topology` | `/v1.0/topology/…` | `ryu_topology` |
//! | Floodlight | `/wm/core/…`, `/wm/topology/…` | `floodlight` |
//!
//! They ask the switches as `/v1` does and only say it differently: the translations are pure functions. What can't be
//! answered is a problem (RFC 9457) as everywhere, with the status that the other controller gives where it gives one.

pub mod floodlight;
pub mod ryu;
mod ryu_topology;

use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{AggregateStats, FlowStats, StatsReply, StatsRequest};
use godwit_openflow::types::DatapathId;

use super::error::ApiError;
use super::routes::Routes;
use super::switches::{read_failed, request_failed};
use crate::network::Network;
use crate::switch::{RequestError, SwitchHandle};

pub(super) fn routes(network: &Network) -> Routes {
    Routes::new("Ryu and Floodlight")
        .merge(ryu::routes(network))
        .merge(ryu_topology::routes(network))
        .merge(floodlight::routes(network))
}

/// `OFPMF_…` (OF 1.3.5 §7.3.4.4).
const METER_FLAGS: [(u64, &str); 4] = [
    (1, "KBPS"),
    (1 << 1, "PKTPS"),
    (1 << 2, "BURST"),
    (1 << 3, "STATS"),
];

/// `OFPGFC_…` (OF 1.3.5 §7.3.5.11).
const GROUP_CAPABILITIES: [(u64, &str); 4] = [
    (1, "SELECT_WEIGHT"),
    (1 << 1, "SELECT_LIVENESS"),
    (1 << 2, "CHAINING"),
    (1 << 3, "CHAINING_CHECKS"),
];

/// The names of the bits that are set, of sets of bits those with any.
fn set(names: &[(u64, &'static str)], bits: u64) -> Vec<&'static str> {
    let set = names.iter().filter(|(bit, _)| bits & bit != 0);
    set.map(|(_, name)| *name).collect()
}

fn switch(network: &Network, dpid: DatapathId) -> Result<SwitchHandle, ApiError> {
    let connected = network.switches().get(dpid);
    connected.ok_or_else(|| ApiError::not_found(format!("no switch {dpid} is connected")))
}

/// What a switch says; `None` when it refuses to: there is no such port, group, meter or queue.
async fn ask(
    switch: &SwitchHandle,
    question: StatsRequest,
) -> Result<Option<StatsReply>, ApiError> {
    answer(switch, switch.request(question).await)
}

fn answer<T>(
    switch: &SwitchHandle,
    answer: Result<T, RequestError>,
) -> Result<Option<T>, ApiError> {
    match answer {
        Ok(reply) => Ok(Some(reply)),
        Err(RequestError::Refused(report)) => {
            tracing::debug!(%switch, %report, "the switch has nothing to say");
            Ok(None)
        }
        Err(RequestError::Unsupported(what)) => Err(ApiError::not_implemented(what.to_string())),
        Err(error) => Err(request_failed(switch, &error)),
    }
}

fn unexpected(switch: &SwitchHandle) -> ApiError {
    request_failed(switch, &RequestError::Unexpected)
}

/// Flow entries with counters that are up to date.
async fn flows(
    network: &Network,
    switch: &SwitchHandle,
    filter: FlowFilter,
) -> Result<Vec<FlowStats>, ApiError> {
    nudge(network, switch).await?;
    match ask(switch, StatsRequest::Flows(filter)).await? {
        Some(StatsReply::Flows(flows)) => Ok(flows),
        None => Ok(Vec::new()),
        Some(_) => Err(unexpected(switch)),
    }
}

/// Their sums.
async fn aggregate(
    network: &Network,
    switch: &SwitchHandle,
    filter: FlowFilter,
) -> Result<Option<AggregateStats>, ApiError> {
    nudge(network, switch).await?;
    match ask(switch, StatsRequest::Aggregate(filter)).await? {
        Some(StatsReply::Aggregate(sum)) => Ok(Some(sum)),
        None => Ok(None),
        Some(_) => Err(unexpected(switch)),
    }
}

async fn nudge(network: &Network, switch: &SwitchHandle) -> Result<(), ApiError> {
    let nudged = network.nudge(switch).await;
    nudged.map_err(|error| read_failed(switch, &error.into()))
}
