//! An entry for one switch, or one way, as an entry for another.

use std::collections::BTreeMap;

use godwit_openflow::model::{
    Action, Bucket, Field, FlowFlags, FlowRule, GroupDescription, GroupType, Instruction, Pattern,
};
use godwit_openflow::types::{GroupId, PortNo};

use super::Numbers;
use super::ports::{PortMap, Stand};

/// The ethertype of a VLAN tag (IEEE 802.1Q).
pub const ETHERTYPE_VLAN: u16 = 0x8100;

/// The bit of a VLAN id that says that there is a tag (OF 1.3.5 §7.2.3.7, `OFPVID_PRESENT`).
pub const VLAN_PRESENT: u16 = 0x1000;

/// Whose entries are rewritten.
#[derive(Debug, Clone, Copy)]
enum Whose<'a> {
    /// The source's, for the target.
    Source {
        ports: &'a PortMap,
        numbers: &'a Numbers,
    },
    /// A neighbour's, which stay where they are: these of its ports lead to the source, and those lead to the target.
    Neighbour(&'a BTreeMap<PortNo, Stand>),
}

/// Where a list of actions stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// It is performed in its order.
    Apply,
    /// It is written into the action set, with one output at most (OF 1.3.5 §5.10), of which other tables may write
    /// the rest.
    Set,
    /// It is the action set of a bucket.
    Bucket,
}

/// Rewrites entries; what can't be rewritten is said in the `why` of each function, and then the result means nothing.
#[derive(Debug, Clone, Copy)]
pub struct Translator<'a> {
    whose: Whose<'a>,
}

impl<'a> Translator<'a> {
    /// From the source to the target.
    #[must_use]
    pub const fn to_target(ports: &'a PortMap, numbers: &'a Numbers) -> Self {
        Self {
            whose: Whose::Source { ports, numbers },
        }
    }

    /// On a neighbour, from the source to the target.
    #[must_use]
    pub const fn turning(ports: &'a BTreeMap<PortNo, Stand>) -> Self {
        Self {
            whose: Whose::Neighbour(ports),
        }
    }

    /// The whole entry, but for its timeouts.
    pub fn rule(&self, rule: &FlowRule, why: &mut Vec<String>) -> FlowRule {
        FlowRule {
            pattern: self.pattern(&rule.pattern, why),
            instructions: self.instructions(&rule.instructions, why),
            // Both were wishes of the moment when it was added. Asked for again, the first could be refused, since what
            // came later may overlap.
            flags: without(
                rule.flags,
                FlowFlags::CHECK_OVERLAP.with(FlowFlags::RESET_COUNTS),
            ),
            ..rule.clone()
        }
    }

    /// A group, with its new number.
    pub fn group(&self, group: &GroupDescription, why: &mut Vec<String>) -> GroupDescription {
        let mut buckets = Vec::with_capacity(group.buckets.len());
        for bucket in &group.buckets {
            buckets.extend(self.bucket(group.group_type, bucket, why));
        }
        GroupDescription {
            group_type: group.group_type,
            group: self.number(group.group),
            buckets,
        }
    }

    /// The number of a group.
    #[must_use]
    pub fn number(&self, group: GroupId) -> GroupId {
        match self.whose {
            Whose::Source { numbers, .. } => numbers.groups.get(&group).copied().unwrap_or(group),
            Whose::Neighbour(_) => group,
        }
    }

    /// A pattern: what comes in at a port.
    pub fn pattern(&self, pattern: &Pattern, why: &mut Vec<String>) -> Pattern {
        let Whose::Source { ports, .. } = self.whose else {
            return pattern.clone();
        };
        if !pattern.unknown().is_empty() {
            why.push("it matches a field that is not known".to_owned());
        }
        if pattern.get(Field::InPhyPort).is_some() {
            why.push("it matches a physical port below a logical one".to_owned());
        }
        let Some(port) = pattern.ingress_port() else {
            return pattern.clone();
        };
        match ports.stand(port) {
            Ok(stand) => pattern.clone().in_port(stand.port()),
            Err(reason) => {
                why.push(format!("it matches what comes in at a port, and {reason}"));
                pattern.clone()
            }
        }
    }

    /// What an entry does.
    pub fn instructions(&self, all: &[Instruction], why: &mut Vec<String>) -> Vec<Instruction> {
        all.iter()
            .map(|instruction| match instruction {
                Instruction::ApplyActions(actions) => {
                    Instruction::ApplyActions(self.actions(actions, At::Apply, why))
                }
                Instruction::WriteActions(actions) => {
                    Instruction::WriteActions(self.actions(actions, At::Set, why))
                }
                Instruction::Meter(meter) => match self.whose {
                    Whose::Source { numbers, .. } => {
                        Instruction::Meter(*numbers.meters.get(meter).unwrap_or(meter))
                    }
                    Whose::Neighbour(_) => instruction.clone(),
                },
                Instruction::Experimenter { .. } | Instruction::Unknown { .. } => {
                    if self.is_source() {
                        why.push("it has an instruction that is not known".to_owned());
                    }
                    instruction.clone()
                }
                Instruction::GotoTable(_)
                | Instruction::WriteMetadata { .. }
                | Instruction::ClearActions => instruction.clone(),
            })
            .collect()
    }

    const fn is_source(&self) -> bool {
        matches!(self.whose, Whose::Source { .. })
    }

    fn actions(&self, all: &[Action], at: At, why: &mut Vec<String>) -> Vec<Action> {
        let mut rewritten = Vec::with_capacity(all.len());
        let mut queue = false;
        for action in all {
            match action {
                Action::Output { port, max_len } => match self.exits(*port) {
                    Ok(exits) => {
                        let tags = all.iter().any(is_vlan);
                        put_outputs(&exits, *max_len, (at, tags), &mut rewritten, why);
                    }
                    Err(reason) => why.push(reason),
                },
                Action::Group(group) => rewritten.push(Action::Group(self.number(*group))),
                Action::Enqueue { port, .. } => {
                    let is_kept =
                        !self.is_source() && self.exits(*port) == Ok(vec![Stand::Port(*port)]);
                    queue |= !is_kept;
                    rewritten.push(action.clone());
                }
                Action::SetQueue(_) => {
                    queue |= self.is_source();
                    rewritten.push(action.clone());
                }
                Action::Experimenter { .. } | Action::Unknown { .. } => {
                    if self.is_source() {
                        why.push("it has an action that is not known".to_owned());
                    }
                    rewritten.push(action.clone());
                }
                _ => rewritten.push(action.clone()),
            }
        }
        let sets_queue = all
            .iter()
            .any(|action| matches!(action, Action::SetQueue(_)));
        if queue || (sets_queue && rewritten != all) {
            why.push("it uses a queue, which the other port may not have".to_owned());
        }
        rewritten
    }

    /// Where packets have to go that went out of this port.
    fn exits(&self, port: PortNo) -> Result<Vec<Stand>, String> {
        let kept = || Ok(vec![Stand::Port(port)]);
        match self.whose {
            Whose::Source { ports, .. } => match port {
                PortNo::CONTROLLER | PortNo::IN_PORT => kept(),
                PortNo::FLOOD => spread(ports, &ports.flood),
                PortNo::ALL => spread(ports, &ports.all),
                PortNo::NORMAL => Err("it hands packets to the switch's own forwarding".to_owned()),
                PortNo::LOCAL => Err("it sends to the switch's own network stack".to_owned()),
                PortNo::TABLE | PortNo::ANY => Err(format!("it sends to port `{port}`")),
                _ => {
                    let stand = ports.stand(port);
                    stand
                        .map(|stand| vec![stand])
                        .map_err(|reason| format!("it sends out of a port, and {reason}"))
                }
            },
            Whose::Neighbour(turned) => match port {
                PortNo::FLOOD | PortNo::ALL | PortNo::NORMAL => Err(format!(
                    "it sends to `{port}`, which reaches the source and the target while both carry traffic"
                )),
                _ => turned
                    .get(&port)
                    .map_or_else(kept, |stand| Ok(vec![*stand])),
            },
        }
    }

    /// One bucket; several where it floods, since a bucket has one output.
    fn bucket(&self, group_type: GroupType, bucket: &Bucket, why: &mut Vec<String>) -> Vec<Bucket> {
        let is_flood = |action: &Action| {
            matches!(
                action,
                Action::Output {
                    port: PortNo::FLOOD | PortNo::ALL,
                    ..
                }
            )
        };
        let flooding = bucket.actions.iter().find(|action| is_flood(action));
        let copies = match (flooding, self.whose, group_type) {
            (Some(Action::Output { port, .. }), Whose::Source { ports, .. }, GroupType::All) => {
                let meant = if *port == PortNo::FLOOD {
                    &ports.flood
                } else {
                    &ports.all
                };
                let one = |port: &PortNo| {
                    let mut copy = bucket.clone();
                    copy.actions.retain(|action| !is_flood(action));
                    copy.actions.push(Action::output(*port));
                    copy
                };
                meant.iter().map(one).collect()
            }
            (Some(_), Whose::Source { .. }, _) => {
                why.push("one of its buckets floods".to_owned());
                Vec::new()
            }
            _ => vec![bucket.clone()],
        };
        let rewrite = |mut bucket: Bucket| {
            bucket.actions = self.actions(&bucket.actions, At::Bucket, why);
            bucket.watch_group = bucket.watch_group.map(|group| self.number(group));
            if let Some(port) = bucket.watch_port {
                match self.exits(port) {
                    Ok(exits) => bucket.watch_port = exits.first().map(|stand| stand.port()),
                    Err(reason) => why.push(format!("it watches a port: {reason}")),
                }
            }
            bucket
        };
        copies.into_iter().map(rewrite).collect()
    }
}

/// The pattern, whatever the port.
#[must_use]
pub fn anywhere(pattern: &Pattern) -> Pattern {
    let mut pattern = pattern.clone();
    pattern.remove(Field::InPort);
    pattern
}

const fn without(flags: FlowFlags, these: FlowFlags) -> FlowFlags {
    FlowFlags(flags.0 & !these.0)
}

fn spread(map: &PortMap, ports: &[PortNo]) -> Result<Vec<Stand>, String> {
    let stand = |port: &PortNo| {
        map.stand(*port)
            .map_err(|reason| format!("it floods, and {reason}"))
    };
    ports.iter().map(stand).collect()
}

fn put_outputs(
    exits: &[Stand],
    max_len: u16,
    (at, tags): (At, bool),
    into: &mut Vec<Action>,
    why: &mut Vec<String>,
) {
    if at != At::Apply && exits.len() != 1 {
        why.push("it floods, and an action set has one output".to_owned());
    }
    for exit in exits {
        match *exit {
            Stand::Port(port) => into.push(Action::Output { port, max_len }),
            Stand::Detour { .. } if at == At::Set => why.push(
                "it writes where packets go instead of sending them, so they can't be labelled for a detour"
                    .to_owned(),
            ),
            Stand::Detour { .. } if at == At::Bucket && tags => why.push(
                "it changes VLAN tags, and would have to go by a labelled detour".to_owned(),
            ),
            Stand::Detour { port, vlan } => {
                into.push(Action::PushVlan(ETHERTYPE_VLAN));
                into.push(Action::SetField {
                    field: Field::VlanVid,
                    value: (vlan | VLAN_PRESENT).into(),
                });
                into.push(Action::Output { port, max_len });
                if at == At::Apply {
                    into.push(Action::PopVlan);
                }
            }
        }
    }
}

/// Whether it puts on, takes off or changes a VLAN tag.
#[must_use]
pub const fn is_vlan(action: &Action) -> bool {
    matches!(
        action,
        Action::PushVlan(_)
            | Action::PopVlan
            | Action::SetField {
                field: Field::VlanVid | Field::VlanPcp,
                ..
            }
    )
}
