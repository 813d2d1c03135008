//! Settling: a switch is made to hold what one owner wants there, and nothing else of that owner.

use std::collections::HashSet;

use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{FlowCommand, FlowMod, FlowRule, FlowStats, Identity, ToSwitch};
use godwit_openflow::model::{StatsReply, StatsRequest};

use super::{Owner, described, difference};
use crate::app::Desired;
use crate::limits::APPLY_DEADLINE;
use crate::network::Network;
use crate::switch::{ApplyError, RequestError, SwitchHandle};

/// Rules that are named at most where others stand in their place.
const MOST_NAMED: usize = 20;

/// Why a switch does not hold what an owner wants.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettleError {
    /// Its work is being moved away: it takes the rules when that is over.
    #[error("its work is being moved away")]
    Frozen,
    /// Rules of others have the same table, priority and match, and would be overwritten.
    #[error("rules of others stand there: {}", .0.join("; "))]
    Occupied(Vec<String>),
    /// It does not say what it holds.
    #[error("its rules can't be read: {0}")]
    Unread(#[from] RequestError),
    /// It did not take the changes.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

impl SettleError {
    /// Whether the switch has refused for good: trying the same again brings nothing.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Occupied(_)
                | Self::Apply(ApplyError::Rejected(_) | ApplyError::Unsupported { .. })
        )
    }
}

/// Makes the switch hold these rules of `owner` and no other of that owner: what is missing is added, what differs is
/// changed, the rest deleted, confirmed by a barrier. Rules of others are left alone. Nothing is sent when there is
/// nothing to change.
///
/// # Errors
/// When the switch is frozen, a rule of somebody else would be overwritten, or the switch does not do its part.
pub async fn settle(
    network: &Network,
    switch: &SwitchHandle,
    owner: Owner,
    wanted: Vec<FlowRule>,
) -> Result<(), SettleError> {
    if network.held().is_frozen(switch.dpid()) {
        return Err(SettleError::Frozen);
    }
    let held = network.read(switch, Some(owner)).await?;
    let desired = Desired {
        rules: wanted,
        ..Desired::default()
    };
    let changes = difference(&desired, &held, switch.version());
    if changes.is_empty() {
        return Ok(());
    }
    check_free(switch, owner, &changes).await?;
    // Whoever freezes the switch waits until this is through, which is no longer than any batch takes.
    let Some(_under_way) = network.held().begin_write(switch.dpid()).await else {
        return Err(SettleError::Frozen);
    };
    let messages: Vec<ToSwitch> = changes.into_iter().map(ToSwitch::FlowMod).collect();
    Ok(switch.apply(&messages).await?)
}

/// Whether no rule of somebody else would be overwritten.
async fn check_free(
    switch: &SwitchHandle,
    owner: Owner,
    changes: &[FlowMod],
) -> Result<(), SettleError> {
    let added = changes
        .iter()
        .filter(|change| change.command == FlowCommand::Add)
        .map(|change| &change.rule);
    let added: Vec<&FlowRule> = added.collect();
    let mut filter = FlowFilter::all();
    match added[..] {
        [] => return Ok(()),
        [one] => {
            filter.table = one.table;
            filter.pattern = one.pattern.clone();
        }
        _ => {}
    }
    let request = StatsRequest::Flows(filter);
    let StatsReply::Flows(held) = switch.request_within(request, APPLY_DEADLINE).await? else {
        return Err(RequestError::Unexpected.into());
    };
    let wanted: HashSet<Identity<'_>> = added.iter().map(|rule| rule.identity()).collect();
    let in_the_way = |stats: &&FlowStats| {
        owner.own_part(stats.rule.cookie).is_none() && wanted.contains(&stats.rule.identity())
    };
    let described = held
        .iter()
        .filter(in_the_way)
        .map(|FlowStats { rule, .. }| described(rule));
    let occupied: Vec<String> = described.take(MOST_NAMED).collect();
    if occupied.is_empty() {
        Ok(())
    } else {
        Err(SettleError::Occupied(occupied))
    }
}
