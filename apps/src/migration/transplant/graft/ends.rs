//! What the links of source and target say against a transplant.

use std::collections::BTreeSet;

use godwit_openflow::model::{FlowRule, FlowStats};
use godwit_openflow::types::PortNo;
use godwit_topology::PortRef;

use super::Scene;
use crate::migration::transplant::Numbers;
use crate::migration::transplant::conflict::{Groups, outputs, outputs_of, rewrites, told_apart};
use crate::migration::transplant::neighbours::may_be_same;
use crate::migration::transplant::ports::{PortMap, links_by_neighbour};
use crate::migration::transplant::translate::Translator;
use crate::others::described;

/// The source's ports that its entries and groups send to.
pub(super) fn used_ports(scene: &Scene<'_>) -> BTreeSet<PortNo> {
    let groups = scene.source.groups();
    let rules = scene
        .source
        .others(scene.moving)
        .flat_map(|stats| outputs(&stats.rule, &groups));
    let all: BTreeSet<PortNo> = rules
        .chain(groups.values().flat_map(|group| outputs_of(group, &groups)))
        .collect();
    let reserved = all.iter().any(|port| !port.is_physical());
    // IN_PORT, FLOOD and ALL may mean any.
    if reserved {
        scene
            .source
            .ports
            .iter()
            .map(|port| port.number)
            .chain(all)
            .collect()
    } else {
        all
    }
}

/// Where the target has fewer links to a neighbour, packets that came in at different ports come in at one.
pub(super) fn check_shared(scene: &Scene<'_>, map: &PortMap, why: &mut Vec<String>) {
    let shared = map.sharing();
    if shared.is_empty() {
        return;
    }
    let numbers = Numbers::default();
    let translator = Translator::to_target(map, &numbers);
    let rewritten = |rule: &FlowRule| translator.instructions(&rule.instructions, &mut Vec::new());
    let rules = || scene.source.others(scene.moving).map(|stats| &stats.rule);
    told_apart(rules(), &shared, rewritten, why);
    let groups = scene.source.groups();
    for rule in rules() {
        let comes = rule.pattern.ingress_port();
        for out in outputs_meant(rule, &groups, map) {
            let Some(together) = shared.iter().find(|ports| ports.contains(&out)) else {
                continue;
            };
            let turns = together
                .iter()
                .filter(|port| **port != out)
                .any(|port| match comes {
                    Some(comes) => comes == *port,
                    None => is_sent_to(scene, *port, rule),
                });
            if turns {
                why.push(format!(
                    "{} sends packets back to the switch that they came from by another link, and the target has one link",
                    described(rule)
                ));
                break;
            }
        }
    }
}

fn outputs_meant(rule: &FlowRule, groups: &Groups<'_>, map: &PortMap) -> BTreeSet<PortNo> {
    let mut meant = BTreeSet::new();
    for port in outputs(rule, groups) {
        match port {
            PortNo::FLOOD => meant.extend(&map.flood),
            PortNo::ALL => meant.extend(&map.all),
            _ => _ = meant.insert(port),
        }
    }
    meant
}

/// Whether the neighbour behind this port of the source sends packets there that the rule may match.
fn is_sent_to(scene: &Scene<'_>, port: PortNo, rule: &FlowRule) -> bool {
    let Some(link) = scene.graph.link_from(PortRef::new(scene.source.dpid, port)) else {
        return false;
    };
    let Some(site) = scene.neighbours.get(&link.dst.dpid) else {
        return true;
    };
    let groups = site.groups();
    site.others(scene.moving).any(|stats| {
        let sends = outputs(&stats.rule, &groups).contains(&link.dst.port);
        sends && (rewrites(&stats.rule) || may_be_same(&stats.rule.pattern, &rule.pattern))
    })
}

/// What the target itself sends to the source can't be turned over to the target.
pub(super) fn check_towards_source(scene: &Scene<'_>, why: &mut Vec<String>) {
    let links = links_by_neighbour(scene.graph, scene.target.dpid);
    let towards = links.get(&scene.source.dpid).into_iter().flatten();
    let ports: BTreeSet<PortNo> = towards.map(|link| link.src.port).collect();
    if ports.is_empty() {
        return;
    }
    let dpid = scene.target.dpid;
    let groups = scene.target.groups();
    let leads = |out: &[PortNo]| {
        let floods = |port: &PortNo| matches!(*port, PortNo::FLOOD | PortNo::ALL | PortNo::NORMAL);
        out.iter().any(|port| ports.contains(port) || floods(port))
    };
    for FlowStats { rule, .. } in scene.target.others(scene.moving) {
        if leads(&outputs(rule, &groups)) {
            why.push(format!(
                "switch {dpid}: {} sends to the source, whose place the target takes",
                described(rule)
            ));
        }
    }
}
