//! Groups and meters that were put are read back before anything relies on them.
//!
//! Whoever deletes one takes along the entries that use it (OF 1.3.5 §6.5), and whoever changes one changes what they do.
//! Only switches that got some are asked, and only for what they got.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

pub(super) use godwit_controller::carried::Shared;
use godwit_controller::switch::{ApplyError, SwitchHandle};
use godwit_openflow::model::{GroupCommand, GroupDescription, MeterCommand, MeterConfig, ToSwitch};
use godwit_openflow::types::{DatapathId, GroupId, MeterId};
use tokio::task::JoinSet;

use super::readback::{Gone, first_few};
use super::{Halt, Job};
use crate::migration::transplant::read;
use crate::plan::Round;
use crate::plan::entry::Entry;

/// What a message puts where there was none.
fn put_by(message: &ToSwitch) -> Option<Shared> {
    match message {
        ToSwitch::GroupMod(change) => {
            (change.command == GroupCommand::Add).then_some(Shared::Group(change.group))
        }
        ToSwitch::MeterMod(change) => {
            (change.command == MeterCommand::Add).then_some(Shared::Meter(change.meter))
        }
        _ => None,
    }
}

/// Groups and meters that are not there as they were put.
#[derive(Debug)]
pub(super) struct Amiss {
    /// All of them, as text.
    named: String,
    /// The entries that are gone with them, or besides.
    pub(super) gone: Option<Gone>,
}

impl fmt::Display for Amiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.named)?;
        match &self.gone {
            Some(gone) => write!(f, "; entries are gone as well: {gone}"),
            None => Ok(()),
        }
    }
}

/// What one switch was given and is to have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Given {
    groups: HashMap<GroupId, GroupDescription>,
    meters: HashMap<MeterId, MeterConfig>,
}

impl Given {
    /// Of these rounds, by switch.
    fn by(rounds: &[Round]) -> BTreeMap<DatapathId, Self> {
        let mut given: BTreeMap<DatapathId, Self> = BTreeMap::new();
        for step in rounds.iter().flat_map(|round| &round.entries) {
            let Some(shared) = step.after.as_ref().or(step.before.as_ref()) else {
                continue;
            };
            let Some(shared) = shared.shared() else {
                continue;
            };
            let here = given.entry(step.dpid).or_default();
            match (&step.after, shared) {
                (Some(Entry::Group(group)), _) => {
                    here.groups.insert(group.group, group.clone());
                }
                (Some(Entry::Meter(meter)), _) => {
                    here.meters.insert(meter.meter, meter.clone());
                }
                (_, Shared::Group(group)) => _ = here.groups.remove(&group),
                (_, Shared::Meter(meter)) => _ = here.meters.remove(&meter),
            }
        }
        given.retain(|_, given| *given != Self::default());
        given
    }

    /// What is not there as it was put, each with what became of it; `None` when the switch did not say.
    async fn amiss(&self, switch: &SwitchHandle) -> Option<Vec<(Shared, &'static str)>> {
        let groups = async {
            match self.groups.is_empty() {
                true => Some(Vec::new()),
                false => read::groups(switch).await.ok(),
            }
        };
        let meters = async {
            match self.meters.is_empty() {
                true => Some(Vec::new()),
                false => read::meters(switch).await.ok(),
            }
        };
        let (groups, meters) = tokio::join!(groups, meters);
        Some(self.compare(&groups?, &meters?))
    }

    fn compare(
        &self,
        groups: &[GroupDescription],
        meters: &[MeterConfig],
    ) -> Vec<(Shared, &'static str)> {
        let there: HashMap<GroupId, &GroupDescription> =
            groups.iter().map(|group| (group.group, group)).collect();
        let groups = self.groups.iter().map(|(number, put)| {
            let same = there.get(number).map(|there| there.does_the_same(put));
            (Shared::Group(*number), same)
        });
        let there: HashMap<MeterId, &MeterConfig> =
            meters.iter().map(|meter| (meter.meter, meter)).collect();
        let meters = self.meters.iter().map(|(number, put)| {
            let same = there.get(number).map(|there| there.does_the_same(put));
            (Shared::Meter(*number), same)
        });
        let amiss = groups
            .chain(meters)
            .filter_map(|(shared, same)| match same {
                None => Some((shared, "is gone")),
                Some(false) => Some((shared, "is not what was put there")),
                Some(true) => None,
            });
        let mut amiss: Vec<_> = amiss.collect();
        amiss.sort_unstable();
        amiss
    }
}

impl Job {
    /// Are the groups and meters that these rounds have put there, as they were put?
    pub(super) async fn check_shared(&self, rounds: &[Round]) -> Result<(), Halt> {
        let mut reading = JoinSet::new();
        for (dpid, given) in Given::by(rounds) {
            let switch = self.network().switches().get(dpid);
            reading.spawn(async move {
                let amiss = match switch {
                    Some(switch) => given.amiss(&switch).await,
                    None => None,
                };
                (dpid, amiss)
            });
        }
        let mut all = BTreeSet::new();
        while let Some(answer) = reading.join_next().await {
            let (dpid, amiss) = answer.map_err(|error| {
                Halt::Changed(format!("groups and meters can't be compared: {error}"))
            })?;
            let amiss = amiss.ok_or_else(|| {
                Halt::Changed(format!(
                    "switch {dpid} does not say what groups and meters it has"
                ))
            })?;
            all.extend(amiss.into_iter().map(|(shared, what)| (dpid, shared, what)));
        }
        if all.is_empty() {
            return Ok(());
        }
        let named = all.iter();
        let named = named.map(|(dpid, shared, what)| format!("switch {dpid}: {shared} {what}"));
        Err(Halt::Amiss(Amiss {
            named: first_few(named),
            gone: None,
        }))
    }

    /// Groups and meters that switches would not take: where one has such a number, it is somebody else's.
    pub(super) fn never_put(&self, why: &Halt) -> BTreeSet<(DatapathId, Shared)> {
        let Halt::Refused { index, source, .. } = why else {
            return BTreeSet::new();
        };
        let Some(round) = self.planned.rounds.get(*index) else {
            return BTreeSet::new();
        };
        let messages = round.messages();
        let batches: BTreeMap<DatapathId, &[ToSwitch]> = messages.batches().collect();
        let mut never = BTreeSet::new();
        for failure in &source.failures {
            let batch = batches.get(&failure.dpid).copied().unwrap_or_default();
            let refused: Vec<&ToSwitch> = match &failure.error {
                error if error.nothing_in_force() => batch.iter().collect(),
                ApplyError::Rejected(refusal) => {
                    let messages = refusal.messages.iter();
                    messages.filter_map(|(at, _)| batch.get(*at)).collect()
                }
                _ => continue,
            };
            let refused = refused.into_iter().filter_map(put_by);
            never.extend(refused.map(|shared| (failure.dpid, shared)));
        }
        never
    }
}

/// What both readings have found; the groups and meters are named first, since entries go with them.
pub(super) fn both(rules: Result<(), Halt>, shared: Result<(), Halt>) -> Result<(), Halt> {
    match (rules, shared) {
        (Err(Halt::Gone(gone)), Err(Halt::Amiss(amiss))) => Err(Halt::Amiss(Amiss {
            gone: Some(gone),
            ..amiss
        })),
        (rules, shared) => rules.and(shared),
    }
}

#[cfg(test)]
mod tests;
