//! Labelled detours: ways from the target to neighbours of the source that it has no link to.
//!
//! ```text
//!            source                      target pushes a tag, out of its first port
//!           /      \                       │
//!   neighbour      others       target ──▶ hop ──▶ … ──▶ last hop, which pops it ──▶ neighbour
//! ```
//!
//! All traffic of a detour carries one VLAN id, the same in both directions, so each hop needs one entry for each
//! direction however many entries are moved. The last hop takes the tag away: the neighbour, or the target, sees the
//! packet as it was. That it then comes in at another port than a link to the source is what speaks against some detours
//! (`check`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::BytesMut;
use godwit_openflow::codec::encode_to_switch;
use godwit_openflow::model::{Action, Field, FlowMod, FlowRule, Pattern, ToSwitch};
use godwit_openflow::types::{Cookie, DatapathId, PortNo, Version, Xid};
use godwit_topology::{Graph, Link};

use super::conflict::{outputs, rewrites};
use super::graft::Scene;
use super::neighbours::may_be_same;
use super::ports::{PortMap, Stand, links_between, links_by_neighbour};
use super::translate::VLAN_PRESENT;
use super::{Site, is_others};
use crate::others::described;
use crate::plan::Change;
use crate::plan::entry::{Entry, EntryStep, Part};

/// Only discovery stands above: what carries the label is for nobody else.
pub const PRIORITY: u16 = u16::MAX - 1;

/// The highest VLAN id (IEEE 802.1Q §9.6); labels are given from here downwards, where people seldom have theirs.
const HIGHEST_VLAN: u16 = 4094;

/// The cookie of hops, with the label in its lower half. It is not one of the controller's own: like all that is
/// transplanted a detour belongs to the network from then on, and moves on with its hops.
const COOKIE: u64 = 0x6465_746f_7572_0000;

/// A way between the target and a neighbour, both ways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detour {
    /// The neighbour.
    pub neighbour: DatapathId,
    /// From the target to the neighbour; two links at least.
    pub links: Vec<Link>,
    /// The label: 1 to 4094.
    pub vlan: u16,
}

impl Detour {
    /// What stands on the target for its link to the neighbour.
    #[must_use]
    pub fn at_target(&self) -> Option<Stand> {
        let vlan = self.vlan;
        let first = self.links.first()?;
        Some(Stand::Detour {
            port: first.src.port,
            vlan,
        })
    }

    /// What stands on the neighbour for its link to the target.
    #[must_use]
    pub fn at_neighbour(&self) -> Option<Stand> {
        let vlan = self.vlan;
        let last = self.links.last()?;
        Some(Stand::Detour {
            port: last.dst.port,
            vlan,
        })
    }

    /// The entries of its hops, in both directions.
    #[must_use]
    pub fn hops(&self) -> Vec<(DatapathId, FlowRule)> {
        let back: Vec<Link> = self
            .links
            .iter()
            .rev()
            .map(|link| link.reversed())
            .collect();
        let mut hops = Vec::new();
        for links in [&self.links, &back] {
            for (place, pair) in links.windows(2).enumerate() {
                let [arriving, leaving] = pair else { continue };
                let is_last = place + 2 == links.len();
                let pattern = Pattern::new()
                    .in_port(arriving.dst.port)
                    .with(Field::VlanVid, (self.vlan | VLAN_PRESENT).into());
                let mut actions = Vec::new();
                actions.extend(is_last.then_some(Action::PopVlan));
                actions.push(Action::output(leaving.src.port));
                let rule = FlowRule::new(PRIORITY, pattern, actions)
                    .with_cookie(Cookie(COOKIE | u64::from(self.vlan)));
                hops.push((arriving.dst.dpid, rule));
            }
        }
        hops
    }

    /// Puts it where the target has no link.
    pub(super) fn enter(&self, scene: &Scene<'_>, map: &mut PortMap) {
        let Some(stand) = self.at_target() else {
            return;
        };
        for link in links_between(scene.graph, scene.source.dpid, self.neighbour) {
            map.missing.remove(&link.src.port);
            map.ports.insert(link.src.port, stand);
        }
    }

    /// The steps that lay it.
    pub(super) fn steps(&self) -> impl Iterator<Item = EntryStep> {
        self.hops().into_iter().map(|(dpid, rule)| EntryStep {
            part: Part::Detour,
            dpid,
            change: Change::Install,
            before: None,
            after: Some(Entry::Rule(rule)),
        })
    }
}

/// The shortest ways round the source to those of its neighbours that the target has no link to.
#[must_use]
pub fn ways(
    graph: &Graph,
    source: DatapathId,
    target: DatapathId,
) -> BTreeMap<DatapathId, Vec<Link>> {
    let beside = links_by_neighbour(graph, target);
    let far = links_by_neighbour(graph, source).into_keys();
    let far: BTreeSet<DatapathId> = far
        .filter(|dpid| *dpid != target && !beside.contains_key(dpid))
        .collect();
    if far.is_empty() {
        return BTreeMap::new();
    }
    let mut reached: BTreeMap<DatapathId, Option<Link>> = BTreeMap::from([(target, None)]);
    let mut queue = VecDeque::from([target]);
    while let Some(here) = queue.pop_front() {
        let mut links: Vec<Link> = graph.usable_from(here).collect();
        links.sort();
        for link in links {
            let next = link.dst.dpid;
            if next != source && !reached.contains_key(&next) {
                reached.insert(next, Some(link));
                queue.push_back(next);
            }
        }
    }
    let way = |neighbour: DatapathId| {
        let mut links = Vec::new();
        let mut here = neighbour;
        while let Some(link) = reached.get(&here)? {
            links.push(*link);
            here = link.src.dpid;
        }
        links.reverse();
        Some((neighbour, links))
    };
    far.into_iter().filter_map(way).collect()
}

/// The switches that [`ways`] cross between their ends.
#[must_use]
pub fn crossed(graph: &Graph, source: DatapathId, target: DatapathId) -> BTreeSet<DatapathId> {
    let ways = ways(graph, source, target);
    let inner = ways.values().flat_map(|links| links.iter().skip(1));
    inner.map(|link| link.src.dpid).collect()
}

/// The detours that are needed, where the ends can push tags. Of others the links are missing, as they were.
pub(super) fn plan(scene: &Scene<'_>, used: &BTreeSet<PortNo>) -> Vec<Detour> {
    if !scene.detours || scene.target.version == Version::V10 {
        return Vec::new();
    }
    let mut labels = free_labels(scene);
    let ways = ways(scene.graph, scene.source.dpid, scene.target.dpid);
    let mut detours = Vec::new();
    for (neighbour, links) in ways {
        let Some(site) = scene.neighbours.get(&neighbour) else {
            continue;
        };
        if site.version == Version::V10 || !is_needed(scene, site, used) {
            continue;
        }
        let Some(vlan) = labels.next() else { break };
        detours.push(Detour {
            neighbour,
            links,
            vlan,
        });
    }
    detours
}

/// Whether anything of nobody's routes goes between the source and this neighbour.
fn is_needed(scene: &Scene<'_>, site: &Site, used: &BTreeSet<PortNo>) -> bool {
    let links = links_between(scene.graph, scene.source.dpid, site.dpid);
    let groups = site.groups();
    let is_matched = |port| {
        let mut rules = scene.source.others(scene.moving);
        rules.any(|stats| stats.rule.pattern.ingress_port() == Some(port))
    };
    let is_sent_to = |port| {
        let mut rules = site.others(scene.moving);
        rules.any(|stats| outputs(&stats.rule, &groups).contains(&port))
    };
    links.iter().any(|link| {
        used.contains(&link.src.port) || is_matched(link.src.port) || is_sent_to(link.dst.port)
    })
}

/// VLAN ids that no entry of any switch that was read names.
fn free_labels(scene: &Scene<'_>) -> impl Iterator<Item = u16> + use<> {
    let ends = [scene.source, scene.target].into_iter();
    let mut named: BTreeSet<u16> = BTreeSet::new();
    let name = |value: u128| u16::try_from(value).ok().map(|vlan| vlan & !VLAN_PRESENT);
    for site in ends.chain(scene.neighbours.values()) {
        let rules = site.holdings.rules.iter().map(|stats| &stats.rule);
        for rule in rules {
            let matched = rule.pattern.get(Field::VlanVid);
            named.extend(matched.and_then(|vlan| name(vlan.value())));
            named.extend(rule.actions().filter_map(written).filter_map(name));
        }
        let groups = site.holdings.groups.iter();
        let buckets = groups.flat_map(|(group, _)| &group.buckets);
        let actions = buckets.flat_map(|bucket| &bucket.actions);
        named.extend(actions.filter_map(written).filter_map(name));
    }
    (1..=HIGHEST_VLAN)
        .rev()
        .filter(move |vlan| !named.contains(vlan))
}

const fn written(action: &Action) -> Option<u128> {
    match action {
        Action::SetField {
            field: Field::VlanVid,
            value,
        } => Some(*value),
        _ => None,
    }
}

/// What speaks against a detour.
pub(super) fn check(scene: &Scene<'_>, detour: &Detour, why: &mut Vec<String>) {
    check_hops(scene, detour, why);
    let (Some(site), Some(last)) = (scene.neighbours.get(&detour.neighbour), detour.links.last())
    else {
        return;
    };
    let mut reasons = Vec::new();
    let links = links_between(scene.graph, scene.source.dpid, site.dpid);
    check_returned(scene, site, &links, why);
    let exits: BTreeSet<PortNo> = links.iter().map(|link| link.src.port).collect();
    let ends: BTreeSet<PortNo> = links.iter().map(|link| link.dst.port).collect();
    let by_detour = last.dst.port;
    // A packet does not go back out of the port that it came in at (OF 1.3.5 §7.2.1), which is no longer the link to
    // the source but that to the last hop.
    let sent = senders(scene.source, &exits, |rule| {
        is_others(rule.cookie, scene.moving)
    });
    let met_by_detour = (!sent.is_empty()).then_some(by_detour);
    check_told_apart(scene, site, &ends, met_by_detour, &mut reasons);
    let onward = senders(site, &BTreeSet::from([by_detour]), |_| true);
    if let Some((_, rule)) = met(&sent, &onward, &ends) {
        reasons.push(format!(
            "{} sends on to switch {} what has come from the source, and would come from there by a detour",
            described(rule),
            last.src.dpid
        ));
    }
    let turning = senders(site, &ends, |rule| is_others(rule.cookie, scene.moving));
    let come = scene
        .neighbours
        .get(&last.src.dpid)
        .map(|hop| senders(hop, &BTreeSet::from([last.src.port]), |_| true));
    let come = come.unwrap_or_default();
    if let Some((_, rule)) = met(&come, &turning, &BTreeSet::from([by_detour])) {
        reasons.push(format!(
            "{} sends to the source what comes from switch {}, and would have to send it back there for a detour",
            described(rule),
            last.src.dpid
        ));
    }
    let dpid = site.dpid;
    why.extend(
        reasons
            .iter()
            .map(|reason| format!("switch {dpid}: {reason}")),
    );
}

/// Whether each hop can say its entry, and nothing stands above it.
fn check_hops(scene: &Scene<'_>, detour: &Detour, why: &mut Vec<String>) {
    for (dpid, rule) in detour.hops() {
        let Some(site) = scene.neighbours.get(&dpid) else {
            why.push(format!(
                "it is not known what switch {dpid} holds, which a detour would cross"
            ));
            continue;
        };
        let message = ToSwitch::from(FlowMod::add(rule.clone()));
        if let Err(unsupported) =
            encode_to_switch(site.version, Xid(0), &message, &mut BytesMut::new())
        {
            why.push(format!(
                "switch {dpid}, which a detour would cross: {unsupported}"
            ));
        }
        let mut rules = site.holdings.rules.iter().map(|stats| &stats.rule);
        let above = rules.find(|held| {
            held.table == rule.table
                && held.priority >= rule.priority
                && held.pattern.overlaps(&rule.pattern)
                && is_others(held.cookie, scene.moving)
        });
        if let Some(above) = above {
            why.push(format!(
                "switch {dpid}: {} would take what goes by a detour",
                described(above)
            ));
        }
    }
}

/// What comes by the detour comes in at another port: nothing may ask for the port.
fn check_told_apart(
    scene: &Scene<'_>,
    site: &Site,
    ends: &BTreeSet<PortNo>,
    by_detour: Option<PortNo>,
    why: &mut Vec<String>,
) {
    for stats in site.others(scene.moving) {
        let port = stats.rule.pattern.ingress_port();
        if port.is_some_and(|port| ends.contains(&port)) {
            why.push(format!(
                "{} tells by the port what comes from the source, and the target has no link to here",
                described(&stats.rule)
            ));
        } else if port.is_some() && port == by_detour {
            why.push(format!(
                "{} would take what comes from the target by a detour",
                described(&stats.rule)
            ));
        }
    }
}

/// What is sent back to where it came from would go there without the label, or to the last hop.
fn check_returned(scene: &Scene<'_>, site: &Site, links: &[Link], why: &mut Vec<String>) {
    for (at, ends) in [
        (
            scene.source,
            links.iter().map(|link| link.src.port).collect(),
        ),
        (
            site,
            links
                .iter()
                .map(|link| link.dst.port)
                .collect::<BTreeSet<_>>(),
        ),
    ] {
        let groups = at.groups();
        for stats in at.others(scene.moving) {
            let rule = &stats.rule;
            let comes = rule
                .pattern
                .ingress_port()
                .is_none_or(|port| ends.contains(&port));
            if comes && outputs(rule, &groups).contains(&PortNo::IN_PORT) {
                why.push(format!(
                    "switch {}: {} sends packets back by the port that they came in at, which a detour can't",
                    at.dpid,
                    described(rule)
                ));
            }
        }
    }
}

/// The entries of a switch that may send out of one of these ports.
fn senders<'a>(
    site: &'a Site,
    ports: &BTreeSet<PortNo>,
    choose: impl Fn(&FlowRule) -> bool,
) -> Vec<&'a FlowRule> {
    let groups = site.groups();
    let spreads = |port: &PortNo| matches!(*port, PortNo::FLOOD | PortNo::ALL | PortNo::NORMAL);
    let rules = site.holdings.rules.iter().map(|stats| &stats.rule);
    rules
        .filter(|rule| choose(rule))
        .filter(|rule| {
            let out = outputs(rule, &groups);
            out.iter().any(|port| ports.contains(port) || spreads(port))
        })
        .collect()
}

/// An entry that sends a packet, and one that may take it at the other end, if it comes in at one of these ports.
fn met<'a>(
    sent: &[&'a FlowRule],
    taken: &[&'a FlowRule],
    ports: &BTreeSet<PortNo>,
) -> Option<(&'a FlowRule, &'a FlowRule)> {
    let meets = |from: &FlowRule, at: &FlowRule| {
        let comes = at
            .pattern
            .ingress_port()
            .is_none_or(|port| ports.contains(&port));
        // What another table has made of a packet is not known.
        comes && (at.table.0 > 0 || rewrites(from) || may_be_same(&from.pattern, &at.pattern))
    };
    sent.iter().find_map(|from| {
        let at = taken.iter().find(|at| meets(from, at))?;
        Some((*from, *at))
    })
}
