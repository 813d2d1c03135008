//! Switches that do what their flow tables say.

use std::collections::BTreeMap;

use godwit_openflow::model::{Action, Field, FlowFilter, FlowRule, Instruction, Pattern, ToSwitch};
use godwit_openflow::types::{DatapathId, PortNo};
use godwit_topology::PortRef;

use crate::flow_table::FlowTable;
use crate::wiring::Wiring;

/// What became of a packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    /// Where it left the network, once for every copy.
    pub(crate) left_at: Vec<PortRef>,
    /// The first switch that it came to a second time.
    pub(crate) again_at: Option<DatapathId>,
    /// The switches that it crossed, in order.
    pub(crate) way: Vec<DatapathId>,
}

/// The tables of all switches.
pub(crate) struct Emulated<'a> {
    links: &'a BTreeMap<PortRef, PortRef>,
    tables: Vec<FlowTable>,
}

impl<'a> Emulated<'a> {
    pub(crate) fn new(wiring: &'a Wiring) -> Self {
        Self {
            links: &wiring.links,
            tables: wiring.dpids().map(|_| FlowTable::default()).collect(),
        }
    }

    fn table(&self, dpid: DatapathId) -> &FlowTable {
        &self.tables[index(dpid)]
    }

    pub(crate) fn change(&mut self, dpid: DatapathId, change: &ToSwitch) {
        let ToSwitch::FlowMod(change) = change else {
            panic!("{change:?} is not emulated")
        };
        self.tables[index(dpid)].change(change);
    }

    pub(crate) fn count(&mut self, dpid: DatapathId, rule: &FlowRule, packets: u64) {
        self.tables[index(dpid)].count(rule, packets);
    }

    /// What a switch holds, without counters, in a fixed order.
    pub(crate) fn rules(&self, dpid: DatapathId) -> Vec<FlowRule> {
        let mut rules: Vec<FlowRule> = self.table(dpid).rules().cloned().collect();
        sort(&mut rules);
        rules
    }

    /// The packets that a rule has counted.
    pub(crate) fn packets(&self, dpid: DatapathId, rule: &FlowRule) -> Option<u64> {
        let filter = FlowFilter {
            pattern: rule.pattern.clone(),
            ..FlowFilter::all()
        };
        let report = self.table(dpid).report(&filter);
        let same = |stats: &&godwit_openflow::model::FlowStats| stats.rule.same_identity(rule);
        report.iter().find(same).map(|stats| stats.packets)
    }

    /// Follows a packet, and every copy of it, from the port where it enters.
    pub(crate) fn follow(&self, packet: &Pattern, from: PortRef) -> Fate {
        let mut fate = Fate::default();
        let mut arriving = vec![from];
        let mut seen = packet.clone();
        while let Some(here) = arriving.pop() {
            if fate.way.contains(&here.dpid) {
                fate.again_at.get_or_insert(here.dpid);
                continue;
            }
            fate.way.push(here.dpid);
            let port = here.port.0.into();
            seen.set(Field::InPort, port, Field::InPort.full_mask());
            let rule = self.table(here.dpid).lookup(&seen);
            for port in rule.into_iter().flat_map(outputs) {
                // Back out of the port it came in by a packet goes only for OFPP_IN_PORT (OF 1.3.5 §7.2.1).
                if port == here.port || !port.is_physical() {
                    continue;
                }
                let out = PortRef::new(here.dpid, port);
                match self.links.get(&out) {
                    Some(&next) => arriving.push(next),
                    None => fate.left_at.push(out),
                }
            }
        }
        fate
    }
}

/// Puts rules into the order of [`Emulated::rules`].
pub(crate) fn sort(rules: &mut [FlowRule]) {
    rules.sort_by(|one, other| (one.priority, &one.pattern).cmp(&(other.priority, &other.pattern)));
}

fn index(dpid: DatapathId) -> usize {
    usize::try_from(dpid.0).unwrap() - 1
}

fn outputs(rule: &FlowRule) -> impl Iterator<Item = PortNo> + '_ {
    let actions = rule.instructions.iter().flat_map(|instruction| {
        let Instruction::ApplyActions(actions) = instruction else {
            panic!("{instruction:?} is not emulated")
        };
        actions
    });
    actions.map(|action| match action {
        Action::Output { port, .. } => *port,
        other => panic!("{other:?} is not emulated"),
    })
}
