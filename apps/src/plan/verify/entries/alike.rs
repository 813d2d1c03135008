//! Whether two lists of instructions do the same to a packet, where ports stand for each other that lead to the same
//! neighbour.

use std::collections::BTreeMap;

use godwit_openflow::model::bits::{port_config, port_state};
use godwit_openflow::model::{
    Action, Bucket, Field, GroupDescription, GroupType, Instruction, MeterConfig,
};
use godwit_openflow::types::{GroupId, MeterId, PortNo};

use crate::migration::transplant::Site;
use crate::migration::transplant::translate::is_vlan;

/// Ports, and those that stand for them.
pub(super) type Stands = BTreeMap<PortNo, Exit>;

/// What stands for a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exit {
    /// The port.
    pub(super) port: PortNo,
    /// The VLAN id that packets have to carry there, to lose it before they arrive.
    pub(super) label: Option<u16>,
}

/// Where actions stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// They are performed in their order.
    Apply,
    /// They are written into an action set.
    Write,
    /// They are a bucket's own.
    Bucket,
}

/// Whose ports they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The source's, and the target's: no other port has one that stands for it.
    Ends,
    /// A neighbour's to the source, and its own to the target: all others stand for themselves.
    Neighbours,
}

pub(super) struct Alike<'a> {
    whose: Whose,
    stands: &'a Stands,
    /// The switch as it was.
    site: &'a Site,
    before: BTreeMap<GroupId, &'a GroupDescription>,
    meters_before: BTreeMap<MeterId, &'a MeterConfig>,
    after: &'a BTreeMap<GroupId, &'a GroupDescription>,
    meters_after: Option<&'a BTreeMap<MeterId, &'a MeterConfig>>,
    /// Groups that were found to be alike.
    known: BTreeMap<GroupId, GroupId>,
}

impl<'a> Alike<'a> {
    /// What stands on `site` before, and what is there, or on the target, in the end.
    pub(super) fn new(
        site: &'a Site,
        whose: Whose,
        stands: &'a Stands,
        after: &'a BTreeMap<GroupId, &'a GroupDescription>,
        meters_after: Option<&'a BTreeMap<MeterId, &'a MeterConfig>>,
    ) -> Self {
        let holdings = &site.holdings;
        Self {
            whose,
            stands,
            site,
            before: holdings
                .groups
                .iter()
                .map(|(group, _)| (group.group, group))
                .collect(),
            meters_before: holdings
                .meters
                .iter()
                .map(|(meter, _)| (meter.meter, meter))
                .collect(),
            after,
            meters_after,
            known: BTreeMap::new(),
        }
    }

    pub(super) fn instructions(&mut self, before: &[Instruction], after: &[Instruction]) -> bool {
        before.len() == after.len()
            && before
                .iter()
                .zip(after)
                .all(|(before, after)| match (before, after) {
                    (Instruction::ApplyActions(before), Instruction::ApplyActions(after)) => {
                        self.actions(before, after, At::Apply)
                    }
                    (Instruction::WriteActions(before), Instruction::WriteActions(after)) => {
                        self.actions(before, after, At::Write)
                    }
                    (Instruction::Meter(before), Instruction::Meter(after)) => {
                        self.meters(*before, *after)
                    }
                    (before, after) => before == after,
                })
    }

    fn actions(&mut self, before: &[Action], after: &[Action], at: At) -> bool {
        let mut rest = after;
        for action in before {
            let Some(left) = self.action(action, rest, at) else {
                return false;
            };
            rest = left;
        }
        rest.is_empty()
    }

    /// Whether `after` begins with what stands for `before`; gives the rest.
    fn action<'b>(&mut self, before: &Action, after: &'b [Action], at: At) -> Option<&'b [Action]> {
        let Action::Output { port, max_len } = before else {
            let (first, rest) = after.split_first()?;
            let same = match (before, first) {
                (Action::Group(before), Action::Group(after)) => self.groups(*before, *after, 0),
                _ => before == first,
            };
            return same.then_some(rest);
        };
        let meant = match self.whose {
            Whose::Ends => meant(self.site, *port),
            Whose::Neighbours => vec![*port],
        };
        let mut rest = after;
        for port in meant {
            let label = self.stands.get(&port).and_then(|exit| exit.label);
            if let Some(label) = label {
                rest = pushed(label, rest)?;
            }
            let (first, left) = rest.split_first()?;
            let Action::Output {
                port: stands,
                max_len: theirs,
            } = first
            else {
                return None;
            };
            if !self.port(port, *stands) || theirs != max_len {
                return None;
            }
            rest = match (label, at) {
                (None, _) | (Some(_), At::Bucket) => left,
                // The packet goes on as it was.
                (Some(_), At::Apply) => left.strip_prefix(&[Action::PopVlan])?,
                (Some(_), At::Write) => return None,
            };
        }
        Some(rest)
    }

    /// Whether the one port stands for the other.
    fn port(&self, before: PortNo, after: PortNo) -> bool {
        let is_kept = matches!(before, PortNo::CONTROLLER | PortNo::IN_PORT);
        let spreads = matches!(before, PortNo::FLOOD | PortNo::ALL | PortNo::NORMAL);
        match (self.stands.get(&before), self.whose) {
            (Some(stands), _) => stands.port == after,
            (None, Whose::Ends) => is_kept && before == after,
            (None, Whose::Neighbours) => before == after && !spreads,
        }
    }

    fn meters(&self, before: MeterId, after: MeterId) -> bool {
        let Some(meters) = self.meters_after else {
            return before == after;
        };
        let pair = self.meters_before.get(&before).zip(meters.get(&after));
        pair.is_some_and(|(before, after)| {
            before.flags == after.flags && before.bands == after.bands
        })
    }

    fn groups(&mut self, before: GroupId, after: GroupId, depth: usize) -> bool {
        if let Some(known) = self.known.get(&before) {
            return *known == after;
        }
        // Groups may be used that are not there; and they can't be nested without an end.
        let pair = self
            .before
            .get(&before)
            .copied()
            .zip(self.after.get(&after).copied());
        let Some((one, other)) = pair.filter(|_| depth < 32) else {
            return false;
        };
        let expanded = self.expanded(one);
        let same = one.group_type == other.group_type
            && expanded.len() == other.buckets.len()
            && expanded
                .iter()
                .zip(&other.buckets)
                .all(|(one, other)| self.buckets(one, other, depth));
        if same {
            self.known.insert(before, after);
        }
        same
    }

    /// Buckets with one output each, where one that floods had several.
    fn expanded(&self, group: &GroupDescription) -> Vec<Bucket> {
        let floods = |action: &Action| {
            matches!(
                action,
                Action::Output {
                    port: PortNo::FLOOD | PortNo::ALL,
                    ..
                }
            )
        };
        if self.whose == Whose::Neighbours || group.group_type != GroupType::All {
            return group.buckets.clone();
        }
        let mut buckets = Vec::new();
        for bucket in &group.buckets {
            let Some(Action::Output { port, .. }) =
                bucket.actions.iter().find(|action| floods(action))
            else {
                buckets.push(bucket.clone());
                continue;
            };
            for port in meant(self.site, *port) {
                let mut one = bucket.clone();
                one.actions.retain(|action| !floods(action));
                one.actions.push(Action::output(port));
                buckets.push(one);
            }
        }
        buckets
    }

    fn buckets(&mut self, one: &Bucket, other: &Bucket, depth: usize) -> bool {
        let watch_port = match (one.watch_port, other.watch_port) {
            (Some(one), Some(other)) => self.port(one, other),
            (one, other) => one == other,
        };
        let watch_group = match (one.watch_group, other.watch_group) {
            (Some(one), Some(other)) => self.groups(one, other, depth + 1),
            (one, other) => one == other,
        };
        // A set has one tag to push, which a label must not take.
        let is_labelled = other.actions.len() > one.actions.len();
        let clash = is_labelled && one.actions.iter().any(is_vlan);
        one.weight == other.weight && watch_port && watch_group && !clash && {
            let mut rest = other.actions.as_slice();
            one.actions.iter().all(|action| {
                let left = match (action, rest.split_first()) {
                    (Action::Group(one), Some((Action::Group(other), left))) => {
                        self.groups(*one, *other, depth + 1).then_some(left)
                    }
                    _ => self.action(action, rest, At::Bucket),
                };
                left.map(|left| rest = left).is_some()
            }) && rest.is_empty()
        }
    }

    /// Every group of the source has its image, and no other came.
    pub(super) fn every_group(&mut self, added: &[GroupId]) -> Result<(), String> {
        let numbers: Vec<GroupId> = self.before.keys().copied().collect();
        for number in &numbers {
            let known = self.known.contains_key(number);
            if !known && !added.iter().any(|other| self.groups(*number, *other, 0)) {
                return Err(format!("group {} of the source would be missing", number.0));
            }
        }
        let images: std::collections::BTreeSet<_> = self.known.values().collect();
        if added.len() == numbers.len() && added.iter().all(|group| images.contains(group)) {
            Ok(())
        } else {
            Err("it would get a group that the source does not have".to_owned())
        }
    }

    /// Every meter of the source has its image, and no other came.
    pub(super) fn every_meter(&self, added: &[MeterId]) -> Result<(), String> {
        let missing = self
            .meters_before
            .keys()
            .find(|number| !added.iter().any(|other| self.meters(**number, *other)));
        match missing {
            Some(number) => Err(format!("meter {} of the source would be missing", number.0)),
            None if added.len() == self.meters_before.len() => Ok(()),
            None => Err("it would get a meter that the source does not have".to_owned()),
        }
    }

    /// Every group that was there is there, and sends to the target what it sent to the source.
    pub(super) fn every_turned(&mut self) -> Result<(), String> {
        let numbers: Vec<GroupId> = self.before.keys().copied().collect();
        match numbers
            .iter()
            .find(|number| !self.groups(**number, **number, 0))
        {
            Some(number) => Err(format!(
                "group {} would still send to the source, or elsewhere",
                number.0
            )),
            None if self.after.len() == numbers.len() => Ok(()),
            None => Err("it would get a group".to_owned()),
        }
    }
}

/// The ports that an output to this one means.
fn meant(site: &Site, port: PortNo) -> Vec<PortNo> {
    let floods = port == PortNo::FLOOD;
    if !floods && port != PortNo::ALL {
        return vec![port];
    }
    let mut ports: Vec<PortNo> = Vec::new();
    for port in &site.ports {
        let blocked = port.config & port_config::NO_FLOOD != 0
            || port.state & port_state::BLOCKED != 0
            || port.state & port_state::SPANNING_TREE == port_state::SPANNING_TREE_BLOCK;
        let forwards = port.is_up() && port.config & port_config::NO_FORWARD == 0;
        if port.number.is_physical() && forwards && !(floods && blocked) {
            ports.push(port.number);
        }
    }
    ports.sort_unstable();
    ports
}

/// What comes behind the actions that put on a label.
fn pushed(label: u16, actions: &[Action]) -> Option<&[Action]> {
    let tag = [
        Action::PushVlan(0x8100),
        Action::SetField {
            field: Field::VlanVid,
            value: u128::from(label) | 0x1000,
        },
    ];
    actions.strip_prefix(&tag)
}
