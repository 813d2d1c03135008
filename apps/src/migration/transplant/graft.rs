//! The whole of a transplant: every entry that is put, changed and taken away, in its place in the order; or everything
//! that speaks against it.
//!
//! What no entry takes is nobody's: packets that only the target's table-miss took may be taken by entries that come from
//! the source, and packets that only the source's table-miss took by those that the target has itself.

mod ends;
mod rounds;

use std::collections::{BTreeMap, BTreeSet};

use bytes::BytesMut;
use godwit_controller::Owner;
use godwit_openflow::codec::encode_to_switch;
use godwit_openflow::model::group::in_order;
use godwit_openflow::model::{
    Field, FlowMod, FlowRule, FlowStats, Identity, Instruction, MeterConfig, Pattern, ToSwitch,
};
use godwit_openflow::types::{DatapathId, GroupId, MeterId, Version, Xid};
use godwit_topology::{Graph, Link};

use super::conflict;
use super::detours::{self, Detour};
use super::neighbours::Neighbour;
use super::ports::{PortMap, links_by_neighbour};
use super::translate::{Translator, VLAN_PRESENT, is_vlan};
use super::{Carried, Numbers, Site, Transplant, is_others};
use crate::others::described;
use crate::plan::entry::{Entry, EntryStep, Part};
use crate::plan::overlap::Map;
use crate::plan::{Change, FlowId};
use ends::{check_shared, check_towards_source, used_ports};

/// Reasons that are gathered before the search ends; more help nobody.
const MOST_REASONS: usize = 1_000;

/// What is known when a transplant is planned.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// Switches and links.
    pub graph: &'a Graph,
    /// The switch that is emptied.
    pub source: &'a Site,
    /// The switch that takes its role.
    pub target: &'a Site,
    /// The neighbours of the source; others are not looked at.
    pub neighbours: &'a BTreeMap<DatapathId, Site>,
    /// Routes that move as routes: their rules are not touched here.
    pub moving: &'a BTreeSet<FlowId>,
    /// Whether source and target carry traffic at the same time.
    pub mixes: bool,
    /// Whether neighbours without a link to the target may be reached by labelled detours.
    pub detours: bool,
}

/// The steps of a transplant by their place in the order.
#[derive(Debug, Default)]
pub struct Steps {
    /// What is moved.
    pub transplant: Transplant,
    /// The detours that are laid for it.
    pub detours: Vec<Detour>,
    /// Meters, groups and entries on the target.
    pub put: Vec<EntryStep>,
    /// Entries of neighbours for what will come from the target.
    pub twins: Vec<EntryStep>,
    /// Neighbours send to the target.
    pub flips: Vec<EntryStep>,
    /// The source's entries are deleted.
    pub taken: Vec<EntryStep>,
    /// The source's groups and meters are deleted.
    pub shells: Vec<EntryStep>,
    /// Entries of neighbours for what came from the source are deleted.
    pub old_twins: Vec<EntryStep>,
}

/// Plans a transplant.
///
/// # Errors
/// With every single thing that speaks against it, each with the entry's name.
pub fn graft(scene: &Scene<'_>) -> Result<Steps, Vec<String>> {
    let mut why = Vec::new();
    let mut steps = Steps::default();
    let ends = [scene.source.dpid, scene.target.dpid];
    let used = used_ports(scene);
    steps.transplant.ports = PortMap::between(scene.graph, ends[0], ends[1], &scene.source.ports);
    steps.detours = detours::plan(scene, &used);
    for detour in &steps.detours {
        detour.enter(scene, &mut steps.transplant.ports);
        steps.twins.extend(detour.steps());
        detours::check(scene, detour, &mut why);
    }
    steps.transplant.links = links(scene, &steps.detours);
    steps.transplant.numbers = numbers(scene, &mut why);
    let own = scene.target.holdings.rules.iter();
    steps.transplant.own = own
        .filter(|stats| {
            Owner::Routing
                .own_part(stats.rule.cookie)
                .is_none_or(|id| !scene.moving.contains(&id))
        })
        .map(|stats| stats.rule.clone())
        .collect();
    put_meters(scene, &mut steps);
    put_groups(scene, &mut steps, &mut why);
    put_rules(scene, &mut steps, &mut why);
    check_shared(scene, &steps.transplant.ports, &mut why);
    check_towards_source(scene, &mut why);
    for dpid in links_by_neighbour(scene.graph, ends[0]).into_keys() {
        if dpid == ends[1] || why.len() >= MOST_REASONS {
            continue;
        }
        match scene.neighbours.get(&dpid) {
            Some(site) => {
                let map = &steps.transplant.ports;
                let detour = steps.detours.iter().find(|detour| detour.neighbour == dpid);
                let neighbour = Neighbour::new(scene.graph, ends, map, detour, site, &used);
                neighbour.turn(scene, &mut steps, &mut why);
            }
            None => why.push(format!("it is not known what switch {dpid} holds")),
        }
    }
    if why.is_empty() { Ok(steps) } else { Err(why) }
}

/// The links by which the target takes the source's place.
fn links(scene: &Scene<'_>, detours: &[Detour]) -> Vec<Link> {
    let around = links_by_neighbour(scene.graph, scene.source.dpid);
    let beside = scene.graph.usable_from(scene.target.dpid);
    let beside = beside.filter(|link| around.contains_key(&link.dst.dpid));
    let one_way = beside.chain(detours.iter().flat_map(|detour| detour.links.clone()));
    let both: BTreeSet<Link> = one_way.flat_map(|link| [link, link.reversed()]).collect();
    both.into_iter().collect()
}

/// What remains of a hard timeout, in seconds; 0 is for ever.
#[must_use]
pub fn remaining(hard_timeout: u16, age_ns: u64) -> u16 {
    if hard_timeout == 0 {
        return 0;
    }
    let age = u16::try_from(age_ns / 1_000_000_000).unwrap_or(u16::MAX);
    hard_timeout.saturating_sub(age).max(1)
}

/// New numbers for what has one that the target has given to something else.
fn numbers(scene: &Scene<'_>, why: &mut Vec<String>) -> Numbers {
    let (from, to) = (&scene.source.holdings, &scene.target.holdings);
    let mut numbers = Numbers::default();
    let theirs: BTreeSet<u32> = to.groups.iter().map(|(group, _)| group.group.0).collect();
    let ours: BTreeSet<u32> = from.groups.iter().map(|(group, _)| group.group.0).collect();
    let mut free =
        (1..GroupId::MAX.0).filter(|number| !theirs.contains(number) && !ours.contains(number));
    for taken in ours.intersection(&theirs) {
        match free.next() {
            Some(number) => _ = numbers.groups.insert(GroupId(*taken), GroupId(number)),
            None => why.push(format!("group {taken}: the target has no number for it")),
        }
    }
    let theirs: BTreeSet<u32> = to.meters.iter().map(|(meter, _)| meter.meter.0).collect();
    let ours: BTreeSet<u32> = from.meters.iter().map(|(meter, _)| meter.meter.0).collect();
    let mut free =
        (1..MeterId::MAX.0).filter(|number| !theirs.contains(number) && !ours.contains(number));
    for taken in ours.intersection(&theirs) {
        match free.next().filter(|_| *taken <= MeterId::MAX.0) {
            Some(number) => _ = numbers.meters.insert(MeterId(*taken), MeterId(number)),
            None => why.push(format!(
                "meter {taken}: the target has one of that meaning already"
            )),
        }
    }
    numbers
}

fn put(steps: &mut Steps, dpid: DatapathId, index: usize, after: Entry) {
    steps.put.push(EntryStep {
        part: Part::Carried(index),
        dpid,
        change: Change::Install,
        before: None,
        after: Some(after),
    });
}

fn removal(dpid: DatapathId, index: usize, before: Entry) -> EntryStep {
    EntryStep {
        part: Part::Carried(index),
        dpid,
        change: Change::Remove,
        before: Some(before),
        after: None,
    }
}

fn put_meters(scene: &Scene<'_>, steps: &mut Steps) {
    let meters = &scene.source.holdings.meters;
    for (index, (meter, _)) in meters.iter().enumerate() {
        let numbers = &steps.transplant.numbers.meters;
        let number = *numbers.get(&meter.meter).unwrap_or(&meter.meter);
        let after = MeterConfig {
            meter: number,
            ..meter.clone()
        };
        put(steps, scene.target.dpid, index, Entry::Meter(after));
        steps.shells.push(removal(
            scene.source.dpid,
            index,
            Entry::Meter(meter.clone()),
        ));
    }
    steps.transplant.meters = meters.len();
}

fn put_groups(scene: &Scene<'_>, steps: &mut Steps, why: &mut Vec<String>) {
    let groups = &scene.source.holdings.groups;
    let (order, circle) = in_order(groups.iter().map(|(group, _)| group));
    let number = |index: &usize| Some(groups.get(*index)?.0.group.0.to_string());
    let circle: Vec<String> = circle.iter().filter_map(number).collect();
    if !circle.is_empty() {
        let circle = circle.join(", ");
        why.push(format!("groups {circle} point at each other in a circle"));
    }
    let mut removals = Vec::new();
    let ordered = order.into_iter();
    for (index, (group, _)) in ordered.filter_map(|index| Some((index, groups.get(index)?))) {
        let mut reasons = Vec::new();
        let transplant = &steps.transplant;
        let translator = Translator::to_target(&transplant.ports, &transplant.numbers);
        let after = translator.group(group, &mut reasons);
        let number = group.group.0;
        why.extend(
            reasons
                .iter()
                .map(|reason| format!("group {number}: {reason}")),
        );
        put(steps, scene.target.dpid, index, Entry::Group(after));
        removals.push(removal(
            scene.source.dpid,
            index,
            Entry::Group(group.clone()),
        ));
    }
    // Those that point at others go first, and meters last.
    removals.reverse();
    steps.shells.splice(0..0, removals);
    steps.transplant.groups = groups.len();
    if scene.target.version == Version::V10 && !groups.is_empty() {
        why.push("there are groups, and the target speaks OpenFlow 1.0, which has none".to_owned());
    }
    if scene.target.version == Version::V10 && !scene.source.holdings.meters.is_empty() {
        why.push("there are meters, and the target speaks OpenFlow 1.0, which has none".to_owned());
    }
}

fn put_rules(scene: &Scene<'_>, steps: &mut Steps, why: &mut Vec<String>) {
    let mut carried = Vec::new();
    for FlowStats {
        rule, duration_ns, ..
    } in scene.source.others(scene.moving)
    {
        let mut reasons = Vec::new();
        let transplant = &steps.transplant;
        let translator = Translator::to_target(&transplant.ports, &transplant.numbers);
        let target = FlowRule {
            hard_timeout: remaining(rule.hard_timeout, *duration_ns),
            ..translator.rule(rule, &mut reasons)
        };
        if reasons.is_empty() {
            check_sayable(scene, rule, &target, &mut reasons);
        }
        let name = || described(rule);
        why.extend(reasons.iter().map(|reason| format!("{}: {reason}", name())));
        carried.push(Carried {
            source: rule.clone(),
            target,
            age_ns: *duration_ns,
        });
        if why.len() >= MOST_REASONS {
            return;
        }
    }
    let arriving: Vec<&FlowRule> = carried.iter().map(|one| &one.target).collect();
    let held: Vec<&FlowRule> = scene
        .target
        .others(scene.moving)
        .map(|stats| &stats.rule)
        .collect();
    let mut conflicts = Vec::new();
    conflict::between(&arriving, &held, &mut conflicts);
    let dpid = scene.target.dpid;
    why.extend(
        conflicts
            .iter()
            .map(|reason| format!("switch {dpid}: {reason}")),
    );
    put_carried(scene, steps, &carried, why);
    // The lowest priority first: a packet whose entry is gone must not be taken by one below it.
    steps.taken.sort_by_key(|step| match &step.before {
        Some(Entry::Rule(rule)) => rule.priority,
        _ => 0,
    });
    steps.transplant.rules = carried;
}

/// The steps of entries: those of later tables first, so that none leads into a table that lacks what it leads to.
fn put_carried(scene: &Scene<'_>, steps: &mut Steps, carried: &[Carried], why: &mut Vec<String>) {
    let held = scene.target.holdings.rules.iter().map(|stats| &stats.rule);
    let held: Map<Identity<'_>, &FlowRule> = held.map(|rule| (rule.identity(), rule)).collect();
    let mut there: Map<Identity<'_>, &FlowRule> = Map::default();
    let mut order: Vec<usize> = (0..carried.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(carried[index].target.table));
    for index in order {
        let Carried { source, target, .. } = &carried[index];
        steps.taken.push(removal(
            scene.source.dpid,
            index,
            Entry::Rule(source.clone()),
        ));
        if let Some(own) = held.get(&target.identity()) {
            if !is_others(own.cookie, scene.moving) && !conflict::is_same(own, target) {
                why.push(format!(
                    "{} would overwrite an entry of the controller's own",
                    described(source)
                ));
            }
            continue;
        }
        match there.insert(target.identity(), target) {
            None => put(steps, scene.target.dpid, index, Entry::Rule(target.clone())),
            Some(same) if same.instructions == target.instructions => {}
            Some(_) => why.push(format!(
                "{} differs only in its port from another, and the target has one port for both",
                described(source)
            )),
        }
    }
}

/// Whether the target can hold it.
fn check_sayable(scene: &Scene<'_>, source: &FlowRule, target: &FlowRule, why: &mut Vec<String>) {
    let tables = scene.target.tables;
    let beyond = target
        .instructions
        .iter()
        .find_map(|instruction| match instruction {
            Instruction::GotoTable(table) => Some(*table).filter(|table| table.0 >= tables),
            _ => None,
        });
    let own = Some(target.table).filter(|table| table.0 >= tables);
    if let Some(table) = own.or(beyond) {
        why.push(format!(
            "it needs table {}, and the target has {tables}",
            table.0
        ));
    }
    let (from, to) = (scene.source.version, scene.target.version);
    if from == to {
        return;
    }
    let message = ToSwitch::from(FlowMod::add(target.clone()));
    if let Err(unsupported) = encode_to_switch(to, Xid(0), &message, &mut BytesMut::new()) {
        why.push(unsupported.to_string());
    }
    // 1.0 adds a tag where there is none.
    if from == Version::V10 && source.actions().any(is_vlan) && !is_tagged(&source.pattern) {
        why.push(
            "it sets a VLAN tag, which OpenFlow 1.0 adds where there is none and 1.3 does not"
                .to_owned(),
        );
    }
}

fn is_tagged(pattern: &Pattern) -> bool {
    let present = u128::from(VLAN_PRESENT);
    pattern
        .get(Field::VlanVid)
        .is_some_and(|vlan| vlan.value() & present != 0)
}
