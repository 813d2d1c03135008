//! Switches that do what all of their tables, groups and meters say (OF 1.3.5 §5).

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use godwit_openflow::model::{
    Action, Bucket, Field, FlowCommand, FlowMod, FlowRule, GroupCommand, GroupDescription,
    GroupMod, GroupType, Instruction, MeterCommand, MeterConfig, Pattern, ToSwitch,
};
use godwit_openflow::types::{DatapathId, GroupId, MeterId, PortNo, TableId};
use godwit_topology::PortRef;

use crate::wiring::Wiring;

/// Packets that are followed on behalf of one; then it circles.
const MOST_HOPS: usize = 200;

/// A packet: its fields, and the VLAN tags below the outermost.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Packet {
    pub(crate) fields: Pattern,
    inner: Vec<u128>,
}

impl Packet {
    pub(crate) fn new(fields: Pattern) -> Self {
        let tag = fields.exact(Field::VlanVid).unwrap_or(0);
        Self {
            fields: fields.with(Field::VlanVid, tag),
            inner: Vec::new(),
        }
    }

    fn set(&mut self, field: Field, value: u128) {
        self.fields.set(field, value, field.full_mask());
    }

    fn tag(&self) -> u128 {
        self.fields.exact(Field::VlanVid).unwrap()
    }
}

/// What became of a packet in the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Left(PortRef, Packet),
    /// It came to the controller; from which switch does not matter.
    Told(Packet),
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// In order.
    pub(crate) ends: Vec<End>,
    pub(crate) circles: bool,
    /// Where it came in, and where it left, switch by switch.
    pub(crate) hops: Vec<(PortRef, Vec<PortNo>)>,
    pub(crate) way: BTreeSet<DatapathId>,
    /// Switches on which it met no entry but the controller's own.
    pub(crate) missed: BTreeSet<DatapathId>,
}

type Identity = (TableId, u16, Pattern);

/// What one switch holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Switch {
    pub(crate) rules: BTreeMap<Identity, FlowRule>,
    pub(crate) groups: BTreeMap<GroupId, GroupDescription>,
    pub(crate) meters: BTreeMap<MeterId, MeterConfig>,
}

impl Switch {
    pub(crate) fn change(&mut self, change: &ToSwitch) -> Result<(), String> {
        match change {
            ToSwitch::FlowMod(change) => self.change_rule(change),
            ToSwitch::GroupMod(change) => self.change_group(change),
            ToSwitch::MeterMod(change) => {
                let config = MeterConfig {
                    flags: change.flags,
                    meter: change.meter,
                    bands: change.bands.clone(),
                };
                match change.command {
                    MeterCommand::Add if self.meters.contains_key(&change.meter) => {
                        return Err(format!("{:?} is there", change.meter));
                    }
                    MeterCommand::Add | MeterCommand::Modify => {
                        self.meters.insert(change.meter, config);
                    }
                    MeterCommand::Delete => _ = self.meters.remove(&change.meter),
                }
                Ok(())
            }
            other => Err(format!("{other:?} is not emulated")),
        }
    }

    fn change_rule(&mut self, change: &FlowMod) -> Result<(), String> {
        let rule = &change.rule;
        let identity = (rule.table, rule.priority, rule.pattern.clone());
        match change.command {
            FlowCommand::Add => {
                self.check(rule)?;
                self.rules.insert(identity, rule.clone());
            }
            FlowCommand::ModifyStrict => {
                self.check(rule)?;
                if let Some(there) = self.rules.get_mut(&identity) {
                    there.instructions.clone_from(&rule.instructions);
                }
            }
            FlowCommand::DeleteStrict => _ = self.rules.remove(&identity),
            other => return Err(format!("{other:?} names no entry")),
        }
        Ok(())
    }

    /// An entry that uses a group or a meter that is not there is refused.
    fn check(&self, rule: &FlowRule) -> Result<(), String> {
        for instruction in &rule.instructions {
            match instruction {
                Instruction::Meter(meter) if !self.meters.contains_key(meter) => {
                    return Err(format!("{meter:?} is not there"));
                }
                Instruction::ApplyActions(actions) | Instruction::WriteActions(actions) => {
                    self.check_actions(actions)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn check_actions(&self, actions: &[Action]) -> Result<(), String> {
        for action in actions {
            if let Action::Group(group) = action
                && !self.groups.contains_key(group)
            {
                return Err(format!("{group:?} is not there"));
            }
        }
        Ok(())
    }

    fn change_group(&mut self, change: &GroupMod) -> Result<(), String> {
        let group = GroupDescription {
            group_type: change.group_type,
            group: change.group,
            buckets: change.buckets.clone(),
        };
        for bucket in &group.buckets {
            self.check_actions(&bucket.actions)?;
        }
        let is_there = self.groups.contains_key(&group.group);
        match change.command {
            GroupCommand::Add if is_there => return Err(format!("{:?} is there", group.group)),
            GroupCommand::Modify if !is_there => {
                return Err(format!("{:?} is not there", group.group));
            }
            GroupCommand::Add | GroupCommand::Modify => {
                self.groups.insert(group.group, group);
            }
            GroupCommand::Delete => {
                let uses = |actions: &[Action]| actions.contains(&Action::Group(group.group));
                let used = self.rules.values().flat_map(|rule| &rule.instructions).any(|instruction| {
                    matches!(instruction, Instruction::ApplyActions(actions) | Instruction::WriteActions(actions) if uses(actions))
                });
                let nested = self.groups.values().flat_map(|group| &group.buckets);
                let nested = nested.clone().any(|bucket| uses(&bucket.actions));
                if used || nested {
                    return Err(format!("{:?} is in use", group.group));
                }
                self.groups.remove(&group.group);
            }
        }
        Ok(())
    }

    fn lookup(&self, table: TableId, packet: &Packet) -> Option<&FlowRule> {
        let first = (table, 0, Pattern::new());
        let mut best: Option<&FlowRule> = None;
        for ((at, ..), rule) in self.rules.range(first..) {
            if *at != table {
                break;
            }
            if best.is_none_or(|best| best.priority < rule.priority)
                && rule.pattern.covers(&packet.fields)
            {
                best = Some(rule);
            }
        }
        best
    }
}

/// The action set of a packet (OF 1.3.5 §5.10).
#[derive(Default)]
struct Set {
    pop: bool,
    push: Option<u16>,
    fields: BTreeMap<Field, u128>,
    group: Option<GroupId>,
    output: Option<PortNo>,
}

impl Set {
    fn write(&mut self, actions: &[Action]) {
        for action in actions {
            match action {
                Action::PopVlan => self.pop = true,
                Action::PushVlan(kind) => self.push = Some(*kind),
                Action::SetField { field, value } => _ = self.fields.insert(*field, *value),
                Action::Group(group) => self.group = Some(*group),
                Action::Output { port, .. } => self.output = Some(*port),
                other => panic!("{other:?} is not emulated"),
            }
        }
    }

    fn in_order(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        actions.extend(self.pop.then_some(Action::PopVlan));
        actions.extend(self.push.map(Action::PushVlan));
        let fields = self.fields.iter();
        actions.extend(fields.map(|(field, value)| Action::SetField {
            field: *field,
            value: *value,
        }));
        match (self.group, self.output) {
            (Some(group), _) => actions.push(Action::Group(group)),
            (None, Some(port)) => actions.push(Action::output(port)),
            (None, None) => {}
        }
        actions
    }
}

/// All switches and cables.
#[derive(Clone)]
pub(crate) struct Fabric<'a> {
    wiring: &'a Wiring,
    pub(crate) switches: BTreeMap<DatapathId, Switch>,
}

/// A packet on its way through one switch.
struct Passage<'a> {
    fabric: &'a Fabric<'a>,
    dpid: DatapathId,
    in_port: PortNo,
    sent: Vec<(PortNo, Packet)>,
}

impl<'a> Fabric<'a> {
    pub(crate) fn new(wiring: &'a Wiring) -> Self {
        let switches = wiring
            .dpids()
            .map(|dpid| (dpid, Switch::default()))
            .collect();
        Self { wiring, switches }
    }

    pub(crate) fn change(&mut self, dpid: DatapathId, change: &ToSwitch) -> Result<(), String> {
        let switch = self.switches.get_mut(&dpid).unwrap();
        switch
            .change(change)
            .map_err(|why| format!("{dpid} refuses {change:?}: {why}"))
    }

    pub(crate) fn follow(&self, packet: &Packet, from: PortRef) -> Fate {
        let mut fate = Fate::default();
        let mut arriving = vec![(from, packet.clone())];
        let mut hops = 0;
        while let Some((here, packet)) = arriving.pop() {
            hops += 1;
            if hops > MOST_HOPS {
                fate.circles = true;
                break;
            }
            fate.way.insert(here.dpid);
            let (sent, missed) = self.pass(here, packet);
            fate.hops
                .push((here, sent.iter().map(|(port, _)| *port).collect()));
            if missed {
                fate.missed.insert(here.dpid);
            }
            for (port, packet) in sent {
                let out = PortRef::new(here.dpid, port);
                match self.wiring.links.get(&out) {
                    _ if port == PortNo::CONTROLLER => fate.ends.push(End::Told(packet)),
                    Some(&next) => arriving.push((next, packet)),
                    None => fate.ends.push(End::Left(out, packet)),
                }
            }
        }
        fate.ends.sort();
        fate
    }

    /// What leaves a switch for one packet, and whether no entry but the controller's own took it.
    fn pass(&self, here: PortRef, mut packet: Packet) -> (Vec<(PortNo, Packet)>, bool) {
        let switch = &self.switches[&here.dpid];
        let mut passage = Passage {
            fabric: self,
            dpid: here.dpid,
            in_port: here.port,
            sent: Vec::new(),
        };
        packet.set(Field::InPort, here.port.0.into());
        packet.set(Field::Metadata, 0);
        let mut set = Set::default();
        let mut table = TableId(0);
        let mut missed = false;
        loop {
            let Some(rule) = switch.lookup(table, &packet) else {
                missed = true;
                break;
            };
            missed |= godwit_controller::Owner::Core
                .own_part(rule.cookie)
                .is_some();
            let mut next = None;
            for instruction in &rule.instructions {
                match instruction {
                    Instruction::Meter(meter) => assert!(switch.meters.contains_key(meter)),
                    Instruction::ApplyActions(actions) => {
                        packet = passage.perform(actions, packet);
                    }
                    Instruction::ClearActions => set = Set::default(),
                    Instruction::WriteActions(actions) => set.write(actions),
                    Instruction::WriteMetadata { value, mask } => {
                        let old = packet.fields.exact(Field::Metadata).unwrap();
                        let (value, mask) = (u128::from(*value), u128::from(*mask));
                        packet.set(Field::Metadata, (old & !mask) | (value & mask));
                    }
                    Instruction::GotoTable(table) => next = Some(*table),
                    other => panic!("{other:?} is not emulated"),
                }
            }
            match next {
                Some(next) => table = next,
                None => {
                    passage.perform(&set.in_order(), packet);
                    break;
                }
            }
        }
        (passage.sent, missed)
    }
}

impl Passage<'_> {
    fn perform(&mut self, actions: &[Action], mut packet: Packet) -> Packet {
        for action in actions {
            match action {
                Action::Output { port, .. } => self.output(*port, &packet),
                Action::Group(group) => self.group(*group, &packet),
                Action::SetField { field, value } => packet.set(*field, *value),
                Action::PushVlan(_) => {
                    let tag = packet.tag();
                    if tag != 0 {
                        packet.inner.push(tag);
                    }
                    packet.set(Field::VlanVid, tag | 0x1000);
                }
                Action::PopVlan => {
                    let tag = packet.inner.pop().unwrap_or(0);
                    packet.set(Field::VlanVid, tag);
                }
                other => panic!("{other:?} is not emulated"),
            }
        }
        packet
    }

    fn output(&mut self, port: PortNo, packet: &Packet) {
        let ports: Vec<PortNo> = match port {
            PortNo::FLOOD | PortNo::ALL => self.fabric.wiring.ports(self.dpid).collect(),
            port => vec![port],
        };
        let mut packet = packet.clone();
        packet.fields.remove(Field::InPort);
        packet.fields.remove(Field::Metadata);
        for port in ports {
            match port {
                PortNo::IN_PORT => self.sent.push((self.in_port, packet.clone())),
                // Back out of the port it came in by a packet goes only for IN_PORT (OF 1.3.5 §7.2.1).
                port if port == self.in_port => {}
                port => self.sent.push((port, packet.clone())),
            }
        }
    }

    fn group(&mut self, number: GroupId, packet: &Packet) {
        let switch = &self.fabric.switches[&self.dpid];
        let group = switch.groups.get(&number).expect("a group that is there");
        let chosen: Vec<&Bucket> = match group.group_type {
            GroupType::All | GroupType::Indirect => group.buckets.iter().collect(),
            GroupType::Select => select(&group.buckets, packet).into_iter().collect(),
            GroupType::FastFailover => {
                let live = |bucket: &&Bucket| self.is_live(switch, bucket);
                group.buckets.iter().find(live).into_iter().collect()
            }
            GroupType::Unknown(_) => panic!("not emulated"),
        };
        for bucket in chosen {
            let mut set = Set::default();
            set.write(&bucket.actions);
            self.perform(&set.in_order(), packet.clone());
        }
    }

    fn is_live(&self, switch: &Switch, bucket: &Bucket) -> bool {
        let port = bucket.watch_port;
        let port = port.is_some_and(|port| {
            self.fabric
                .wiring
                .links
                .contains_key(&PortRef::new(self.dpid, port))
        });
        let group = bucket
            .watch_group
            .and_then(|group| switch.groups.get(&group));
        port || group.is_some_and(|group| {
            group
                .buckets
                .iter()
                .any(|bucket| self.is_live(switch, bucket))
        })
    }
}

/// By what the packet is, wherever it came from.
fn select<'b>(buckets: &'b [Bucket], packet: &Packet) -> Option<&'b Bucket> {
    let mut hasher = DefaultHasher::new();
    packet.fields.exact(Field::EthDst).hash(&mut hasher);
    packet.fields.exact(Field::Ipv4Dst).hash(&mut hasher);
    let sum: u64 = buckets.iter().map(|bucket| u64::from(bucket.weight)).sum();
    let mut point = hasher.finish() % sum.max(1);
    buckets.iter().find(|bucket| {
        let weight = u64::from(bucket.weight);
        let here = point < weight;
        point = point.saturating_sub(weight);
        here
    })
}
