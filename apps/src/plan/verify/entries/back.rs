//! Whether the way back of a transplant is one: a judge as for the way there, which also knows what the way there did.
//!
//! What there will be is taken for the beginning. Seen from there, the steps the other way round have to be a transplant
//! to what there is now: then both switches do the same to every packet here too, and every mixture of neighbours is the
//! network as it is. Ports stand for each other as they did, whatever has become of the target's links: it may well be
//! for these that one goes back. The source's own links have to be there.
//!
//! Some things are not seen from that end, since they were never asked on the way there: that nothing of the way there is
//! left, and that what others have added since is not lost with what goes: whoever sends to the target what only an entry
//! takes that leaves, or waits for packets at the port where the target's come in, or has given the target an entry of
//! its own for packets that are turned over to the source.

mod end;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use godwit_openflow::model::{Field, FlowRule, FlowStats, Pattern};
use godwit_openflow::types::{DatapathId, PortNo, TableId};
use godwit_topology::{Graph, PortRef};

use super::after::{After, Named, is_as_put, key};
use super::alike::Exit;
use super::labels::Labels;
use super::{Direction, Guarantee, Judge, Unsound, done, in_order, nothing_meets};
use crate::migration::revert::entries::Displaced;
use crate::migration::transplant::conflict::{Groups, outputs};
use crate::migration::transplant::graft::Scene;
use crate::migration::transplant::neighbours::check_mixture;
use crate::migration::transplant::pipeline;
use crate::migration::transplant::{Site, Stand, is_others};
use crate::others::described;
use crate::plan::entry::{Entry, EntryStep};
use crate::plan::overlap::{Map, pairs};
use crate::plan::{FlowId, Round};

/// What is known when a way back is judged.
#[derive(Debug, Clone, Copy)]
pub struct WayBack<'a> {
    /// Switches and links, as they are now.
    pub graph: &'a Graph,
    /// The switch that was emptied, and takes everything again.
    pub source: DatapathId,
    /// The switch that took its place, and is left.
    pub target: DatapathId,
    /// What both and the neighbours of both hold now.
    pub sites: &'a BTreeMap<DatapathId, Site>,
    /// Routes that move as routes.
    pub moving: &'a BTreeSet<FlowId>,
    /// What the way there did.
    pub displaced: &'a Displaced,
    /// What was put on the target later in the source's stead.
    pub added: &'a [FlowRule],
}

/// Checks the entries of a way back.
///
/// # Errors
/// With the first thing found that must not be.
pub fn verify_back(
    back: &WayBack<'_>,
    rounds: &[Round],
    guarantee: Guarantee,
) -> Result<(), Unsound> {
    in_order(back.source, rounds, guarantee)?;
    let now: BTreeMap<DatapathId, &Site> = back.sites.iter().map(|(k, site)| (*k, site)).collect();
    let steps = || rounds.iter().flat_map(|round| &round.entries);
    let end = done(&now, steps(), Named::AsItWasPut)?;
    back.ends_change_alone(&end)?;
    back.nothing_is_left(&end)?;
    let ends: BTreeMap<DatapathId, Site> = now
        .iter()
        .filter_map(|(dpid, site)| Some((*dpid, back.held(site, end.get(dpid)?))))
        .collect();
    let reversed: Vec<EntryStep> = steps()
        .rev()
        .cloned()
        .map(EntryStep::inverse)
        .chain(back.lost_hops())
        .collect();
    let graph = back.as_it_was();
    let (Some(source), Some(target)) = (ends.get(&back.source), ends.get(&back.target)) else {
        return Err(back.unknown());
    };
    let scene = Scene {
        graph: &graph,
        source,
        target,
        neighbours: &ends,
        moving: back.moving,
        mixes: true,
        detours: true,
    };
    let sites = ends.iter().map(|(dpid, site)| (*dpid, site)).collect();
    let after = done(&sites, &reversed, Named::AsItWasPut)?;
    let judge = Judge::back(&scene, &after, back);
    judge.all(&sites, &after)?;
    judge.nothing_waits(&ends)?;
    if guarantee == Guarantee::Delivery {
        back.nothing_goes_round(&end)?;
        judge.nothing_goes_round_by_labels(&ends)?;
    }
    back.nothing_is_stranded(&ends, &end)?;
    back.nothing_new_is_left_alone(&ends, &end)
}

impl WayBack<'_> {
    fn unknown(&self) -> Unsound {
        Unsound {
            dpid: self.target,
            what: "it is not known what it or the other switch holds".to_owned(),
        }
    }

    /// The source gets what comes back and nothing that meets what it has by now; the target gives and gets nothing.
    fn ends_change_alone(&self, end: &BTreeMap<DatapathId, After<'_>>) -> Result<(), Unsound> {
        let (Some(source), Some(target)) = (end.get(&self.source), end.get(&self.target)) else {
            return Err(self.unknown());
        };
        let unsound = |dpid, what: &str| {
            let what = what.to_owned();
            Err(Unsound { dpid, what })
        };
        if source.modified > 0 || !source.removed.is_empty() {
            return unsound(self.source, "what it has itself would be changed");
        }
        let gets = !target.added.is_empty()
            || !target.added_groups.is_empty()
            || !target.added_meters.is_empty();
        if target.modified > 0 || gets {
            return unsound(self.target, "it would get new work");
        }
        let core = target.removed.iter();
        let mut core = core.filter(|rule| !is_others(rule.cookie, self.moving));
        if let Some(core) = core.next() {
            return unsound(
                self.target,
                &format!("{} would be removed", described(core)),
            );
        }
        match self.sites.get(&self.source) {
            Some(site) => nothing_meets(site, &source.added, self.moving),
            None => Err(self.unknown()),
        }
    }

    /// What the way there put or changed is gone, or as it was before.
    fn nothing_is_left(&self, end: &BTreeMap<DatapathId, After<'_>>) -> Result<(), Unsound> {
        let left = |dpid: DatapathId, rule: &FlowRule| {
            let there = end
                .get(&dpid)
                .and_then(|after| after.rules.get(&key(rule)).copied());
            match there.filter(|there| is_as_put(there, rule)) {
                Some(there) => Err(Unsound {
                    dpid,
                    what: format!("{} would be left of the way there", described(there)),
                }),
                None => Ok(()),
            }
        };
        for rule in self.displaced.put_on_target().chain(self.added) {
            left(self.target, rule)?;
        }
        for (dpid, entry) in self.displaced.made() {
            let after = end.get(&dpid);
            let name = match entry {
                Entry::Rule(rule) => {
                    left(dpid, rule)?;
                    continue;
                }
                Entry::Group(group) => after
                    .filter(|after| after.groups.get(&group.group) == Some(&group))
                    .map(|_| format!("group {}", group.group.0)),
                Entry::Meter(meter) => after
                    .filter(|after| after.meters.get(&meter.meter) == Some(&meter))
                    .map(|_| format!("meter {}", meter.meter.0)),
            };
            if let Some(name) = name {
                let what = format!("{name} would be left of the way there");
                return Err(Unsound { dpid, what });
            }
        }
        Ok(())
    }

    /// Nothing comes twice or goes round in a mixture: the way there may have cut the source off first, and others may have
    /// added what sends back to the target.
    fn nothing_goes_round(&self, end: &BTreeMap<DatapathId, After<'_>>) -> Result<(), Unsound> {
        let sites = self.sites;
        let (Some(source), Some(target)) = (sites.get(&self.source), sites.get(&self.target))
        else {
            return Err(self.unknown());
        };
        let after = end.get(&self.target);
        let goes = |rule: &FlowRule| after.is_some_and(|all| !all.rules.contains_key(&key(rule)));
        let mut left = target.clone();
        left.holdings.rules.retain(|stats| goes(&stats.rule));
        let scene = Scene {
            graph: self.graph,
            source: &left,
            target: source,
            neighbours: sites,
            moving: self.moving,
            mixes: true,
            detours: true,
        };
        for (dpid, site) in sites.iter().filter(|(dpid, _)| **dpid != self.source) {
            let mut why = Vec::new();
            check_mixture(&scene, site, &mut why);
            if let Some(what) = why.pop() {
                let dpid = *dpid;
                return Err(Unsound { dpid, what });
            }
        }
        Ok(())
    }

    /// Nobody goes on sending to the target what only entries take there that leave.
    fn nothing_is_stranded(
        &self,
        ends: &BTreeMap<DatapathId, Site>,
        end: &BTreeMap<DatapathId, After<'_>>,
    ) -> Result<(), Unsound> {
        let leaving = end
            .get(&self.target)
            .map_or(&[][..], |after| &after.removed);
        let found = self.first_met(ends, self.target, leaving);
        found.map_or(Ok(()), |(dpid, sender, taken)| {
            let what = format!(
                "{} would go on sending to switch {} what only {} takes there, which goes back",
                described(sender),
                self.target,
                described(taken)
            );
            Err(Unsound { dpid, what })
        })
    }

    /// What the target was given by others while it stood in the source's place takes nothing that goes to the source
    /// again. What it had itself before got none of it then either, or what nothing took on the source.
    fn nothing_new_is_left_alone(
        &self,
        ends: &BTreeMap<DatapathId, Site>,
        end: &BTreeMap<DatapathId, After<'_>>,
    ) -> Result<(), Unsound> {
        let (Some(site), Some(after)) = (self.sites.get(&self.target), end.get(&self.target))
        else {
            return Err(self.unknown());
        };
        let goes = |rule: &FlowRule| !after.rules.contains_key(&key(rule));
        let came = site
            .others(self.moving)
            .filter(|stats| goes(&stats.rule))
            .map(|stats| stats.duration_ns)
            .max();
        let new = site.others(self.moving).filter(|stats| {
            !goes(&stats.rule) && came.is_some_and(|came| stats.duration_ns < came)
        });
        let new: Vec<&FlowRule> = new.map(|stats| &stats.rule).collect();
        let found = self.first_met(ends, self.source, &new);
        found.map_or(Ok(()), |(_, sender, taken)| {
            let what = format!(
                "{} is younger than the way there, and may be meant for what {} sends to switch {} again",
                described(taken),
                described(sender),
                self.source
            );
            let dpid = self.target;
            Err(Unsound { dpid, what })
        })
    }

    /// The first entry that sends to a switch, of which one of these first entries there may take packets.
    fn first_met<'b>(
        &'b self,
        ends: &'b BTreeMap<DatapathId, Site>,
        to: DatapathId,
        taking: &[&'b FlowRule],
    ) -> Option<(DatapathId, &'b FlowRule, &'b FlowRule)> {
        let taking = taking.iter().filter(|rule| rule.table == TableId(0));
        let taking: Vec<&FlowRule> = taking.copied().collect();
        let arriving: Vec<FlowRule> = taking
            .iter()
            .map(|rule| bare(rule.pattern.clone()))
            .collect();
        for (dpid, site) in ends.iter().filter(|(dpid, _)| **dpid != self.target) {
            let links = self.graph.usable_from(*dpid);
            let links = links.filter(|link| link.dst.dpid == to);
            let arrivals: BTreeMap<PortNo, PortNo> =
                links.map(|link| (link.src.port, link.dst.port)).collect();
            if arrivals.is_empty() {
                continue;
            }
            // What the source has by itself may send there as well.
            let own = self.sites.get(dpid).filter(|_| *dpid == self.source);
            let (sent, senders) = senders(own.unwrap_or(site), &arrivals, self.moving);
            let mut found = None;
            pairs(&sent, &arriving, |sender, taken| {
                let (sender, ports) = &senders[sender];
                let comes = taking[taken].pattern.ingress_port();
                // Those that go to the source came to another port of the target.
                let is_met = to == self.source || comes.is_none_or(|port| ports.contains(&port));
                if is_met {
                    found = Some((*dpid, *sender, taking[taken]));
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// What a switch sends over some links, and the entries that do, each with the ports where that comes in.
fn senders<'a>(
    site: &'a Site,
    arrivals: &BTreeMap<PortNo, PortNo>,
    moving: &'a BTreeSet<FlowId>,
) -> (Vec<FlowRule>, Vec<(&'a FlowRule, BTreeSet<PortNo>)>) {
    let groups = site.holdings.groups.iter();
    let groups: Groups<'_> = groups.map(|(group, _)| (group.group, group)).collect();
    let mut sent = Vec::new();
    let mut met = Vec::new();
    for FlowStats { rule, .. } in site.others(moving) {
        let mut ports = BTreeSet::new();
        for port in outputs(rule, &groups) {
            match arrivals.get(&port) {
                Some(far) => _ = ports.insert(*far),
                None if matches!(port, PortNo::FLOOD | PortNo::ALL | PortNo::NORMAL) => {
                    ports.extend(arrivals.values());
                }
                None => {}
            }
        }
        if !ports.is_empty() {
            sent.push(bare(pipeline::after(rule, rule.pattern.clone())));
            met.push((rule, ports));
        }
    }
    (sent, met)
}

/// Packets as they are between switches.
fn bare(mut pattern: Pattern) -> FlowRule {
    pattern.remove(Field::InPort);
    pattern.remove(Field::Metadata);
    FlowRule::new(0, pattern, Vec::new())
}

impl<'a> Judge<'a> {
    /// As [`Judge::new`], with the ports that stood for each other on the way there.
    fn back(
        scene: &'a Scene<'a>,
        all: &BTreeMap<DatapathId, After<'_>>,
        back: &WayBack<'_>,
    ) -> Self {
        let mut labels = Labels::new(scene.graph, all, scene.moving);
        let mut judge = Self::bare(scene, Direction::Back);
        let (source, target) = (scene.source.dpid, scene.target.dpid);
        for link in scene.graph.usable_from(source) {
            judge.towards.insert(link.dst);
            let neighbour = link.dst.dpid;
            let turned = judge.turned.entry(neighbour).or_default();
            let plain = |port| Exit { port, label: None };
            match back.displaced.stand(link.src.port) {
                Some(Stand::Port(port)) => {
                    let theirs = scene.graph.link_from(PortRef::new(target, port));
                    if let Some(theirs) = theirs.filter(|theirs| theirs.dst.dpid == neighbour) {
                        judge.stands.insert(link.src.port, plain(port));
                        turned.insert(link.dst.port, plain(theirs.dst.port));
                    }
                }
                Some(Stand::Detour { .. }) => {
                    let ways = labels
                        .way(target, neighbour)
                        .zip(labels.way(neighbour, target));
                    if let Some((there, here)) = ways {
                        judge.stands.insert(link.src.port, there.exit);
                        turned.insert(link.dst.port, here.exit);
                        judge.arrivals.insert(neighbour, there.end);
                    }
                }
                None => {}
            }
        }
        judge.hops = labels.hops;
        judge
    }

    /// As [`WayBack::nothing_goes_round`], where no link leads to the target.
    fn nothing_goes_round_by_labels(
        &self,
        ends: &BTreeMap<DatapathId, Site>,
    ) -> Result<(), Unsound> {
        for site in self.arrivals.keys().filter_map(|dpid| ends.get(dpid)) {
            let mut why = Vec::new();
            check_mixture(self.scene, site, &mut why);
            if let Some(what) = why.pop() {
                return Self::unsound(site, what);
            }
        }
        Ok(())
    }

    /// Nobody waits at the port where the target's packets come in for what comes from the source again.
    fn nothing_waits(&self, ends: &BTreeMap<DatapathId, Site>) -> Result<(), Unsound> {
        let source = self.scene.source;
        let groups = source.holdings.groups.iter();
        let groups: Groups<'_> = groups.map(|(group, _)| (group.group, group)).collect();
        let rules = source.holdings.rules.iter().map(|stats| &stats.rule);
        let sent: BTreeSet<PortNo> = rules.flat_map(|rule| outputs(rule, &groups)).collect();
        let spreads = sent.iter().any(|port| !port.is_physical());
        for (neighbour, turned) in &self.turned {
            let is_reached = |own: &PortNo| {
                let link = self.scene.graph.link_to(PortRef::new(*neighbour, *own));
                spreads || link.is_some_and(|link| sent.contains(&link.src.port))
            };
            let Some(site) = ends.get(neighbour) else {
                continue;
            };
            if !turned.keys().any(is_reached) {
                continue;
            }
            let by_label = self.arrivals.get(neighbour).map(|end| end.port);
            let rules = || site.others(self.scene.moving).map(|stats| &stats.rule);
            let held: Map<_, ()> = rules().map(|rule| (key(rule), ())).collect();
            for rule in rules() {
                let Some(port) = rule.pattern.ingress_port() else {
                    continue;
                };
                let mut own = turned
                    .iter()
                    .filter(|(_, stands)| by_label.unwrap_or(stands.port) == port);
                let waits = own.any(|(own, _)| {
                    let like = rule.pattern.clone().in_port(*own);
                    !held.contains_key(&(rule.table, rule.priority, &like))
                });
                if waits {
                    let what = format!(
                        "{} waits for what the target sends, which will come from the source again",
                        described(rule)
                    );
                    return Self::unsound(site, what);
                }
            }
        }
        Ok(())
    }
}
