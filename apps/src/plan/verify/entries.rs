//! Whether a transplant is one: a judge that knows the switches, the links and the steps, and nothing of how the steps
//! were found.
//!
//! The target's tables have to be the source's, seen through the ports that lead to the same neighbours, and nothing
//! else there may take a packet that they take. Then a neighbour that sends to either sees the same, and every mixture of
//! neighbours that have turned and that have not is the network as it was: no interleaving has to be walked. What is
//! left is the order: put before turned, turned before taken away; and that labels lead where a link is missing.

mod after;
mod alike;
pub mod back;
mod labels;
mod turning;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use godwit_openflow::model::{Field, FlowRule, Pattern};
use godwit_openflow::types::{DatapathId, PortNo, TableId};
use godwit_topology::{Graph, Link, PortRef};

use super::Guarantee;
use crate::migration::transplant::conflict::outputs;
use crate::migration::transplant::graft::Scene;
use crate::migration::transplant::{Site, is_others};
use crate::others::described;
use crate::plan::entry::{EntryStep, Part};
use crate::plan::overlap::{Map, pairs};
use crate::plan::{Change, FlowId, Round};
use after::{After, Named, key};
use alike::{Alike, Exit, Stands, Whose};
use labels::{Hop, Labels};

/// Something that a plan would do to what belongs to no route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("switch {dpid}: {what}")]
pub struct Unsound {
    /// Where.
    pub dpid: DatapathId,
    /// What.
    pub what: String,
}

/// Checks the entries of a plan.
///
/// # Errors
/// With the first thing found that must not be.
pub fn verify_entries(
    scene: &Scene<'_>,
    rounds: &[Round],
    guarantee: Guarantee,
) -> Result<(), Unsound> {
    let switches = [scene.source, scene.target];
    let ends = [scene.source.dpid, scene.target.dpid];
    let around = links(scene.graph, ends[0]);
    let steps = rounds.iter().flat_map(|round| &round.entries);
    let crossed: BTreeSet<DatapathId> = steps
        .filter(|step| step.part == Part::Detour)
        .map(|step| step.dpid)
        .collect();
    let beside = scene.neighbours.values().filter(|site| {
        (around.contains_key(&site.dpid) || crossed.contains(&site.dpid))
            && !ends.contains(&site.dpid)
    });
    let sites: BTreeMap<DatapathId, &Site> = switches
        .into_iter()
        .chain(beside)
        .map(|site| (site.dpid, site))
        .collect();
    let steps = rounds.iter().flat_map(|round| &round.entries);
    let after = done(&sites, steps, Named::Exactly)?;
    in_order(ends[1], rounds, guarantee)?;
    Judge::new(scene, &after).all(&sites, &after)
}

/// What the switches hold once these steps have been done.
fn done<'a>(
    sites: &BTreeMap<DatapathId, &'a Site>,
    steps: impl IntoIterator<Item = &'a EntryStep>,
    named: Named,
) -> Result<BTreeMap<DatapathId, After<'a>>, Unsound> {
    let mut after: BTreeMap<DatapathId, After<'_>> = sites
        .iter()
        .map(|(&dpid, &site)| (dpid, After::of(site, named)))
        .collect();
    for step in steps {
        let unsound = |what| Unsound {
            dpid: step.dpid,
            what,
        };
        let Some(switch) = after.get_mut(&step.dpid) else {
            return Err(unsound(
                "it has no part in this, but would be changed".to_owned(),
            ));
        };
        let done = match (step.change, &step.before, &step.after) {
            (Change::Install, None, Some(entry)) => switch.install(entry),
            (Change::Modify, Some(before), Some(entry)) => switch.modify(before, entry),
            (Change::Remove, Some(entry), None) => switch.remove(entry),
            _ => Err("a change is not whole".to_owned()),
        };
        done.map_err(unsound)?;
    }
    Ok(after)
}

/// What carries nothing yet is there before anything turns, and all has turned before anything goes.
fn in_order(taking: DatapathId, rounds: &[Round], guarantee: Guarantee) -> Result<(), Unsound> {
    if guarantee != Guarantee::Delivery {
        return Ok(());
    }
    let (mut flipping, mut emptying) = (None, None);
    for (index, round) in rounds.iter().enumerate() {
        for step in &round.entries {
            let unsound = |what: &str| {
                let (dpid, what) = (step.dpid, what.to_owned());
                Err(Unsound { dpid, what })
            };
            match step.change {
                Change::Install if flipping.is_some_and(|first| first <= index) => {
                    return unsound("an entry would come after packets that need it");
                }
                Change::Install | Change::Replace => {}
                Change::Modify if emptying.is_some_and(|first| first <= index) => {
                    return unsound("packets would go on to a switch that is empty");
                }
                Change::Modify => _ = flipping.get_or_insert(index),
                Change::Remove => _ = emptying.get_or_insert(index),
            }
        }
        // Within a round anything may come first.
        let has = |change| round.entries.iter().any(|step| step.change == change);
        if has(Change::Modify) && (has(Change::Install) || has(Change::Remove)) {
            let what =
                "entries turn in one round with those that have to come before or after".to_owned();
            return Err(Unsound { dpid: taking, what });
        }
    }
    Ok(())
}

/// Which way is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    There,
    /// The other way round: from what there will be to what there is.
    Back,
}

struct Judge<'a> {
    scene: &'a Scene<'a>,
    direction: Direction,
    /// The source's ports, and the target's: the n-th link to a neighbour stands for the n-th.
    stands: Stands,
    /// The neighbours' ports to the source, and those to the target.
    turned: BTreeMap<DatapathId, Stands>,
    /// The neighbours' ports to the source.
    towards: BTreeSet<PortRef>,
    /// Where what goes to a neighbour under a label comes in there.
    arrivals: BTreeMap<DatapathId, PortRef>,
    /// The entries of labelled ways.
    hops: Map<Hop, ()>,
}

/// What a switch has itself does not meet what comes there in another's stead.
fn nothing_meets(
    site: &Site,
    images: &[&FlowRule],
    moving: &BTreeSet<FlowId>,
) -> Result<(), Unsound> {
    let own: Vec<&FlowRule> = site.others(moving).map(|stats| &stats.rule).collect();
    let mut met = None;
    let mut look = |one: &FlowRule, other: &FlowRule| {
        if one.instructions == other.instructions {
            return ControlFlow::Continue(());
        }
        met = Some(format!(
            "{} and {} match the same packets",
            described(one),
            described(other)
        ));
        ControlFlow::Break(())
    };
    pairs(images.iter().copied(), own.iter().copied(), |one, other| {
        look(images[one], own[other])
    });
    met.map_or(Ok(()), |what| Judge::unsound(site, what))
}

/// The links of a switch by neighbour, in the order of its ports.
fn links(graph: &Graph, dpid: DatapathId) -> BTreeMap<DatapathId, Vec<Link>> {
    let mut by_neighbour: BTreeMap<DatapathId, Vec<Link>> = BTreeMap::new();
    let mut all: Vec<Link> = graph.usable_from(dpid).collect();
    all.sort_by_key(|link| link.src.port);
    for link in all {
        by_neighbour.entry(link.dst.dpid).or_default().push(link);
    }
    by_neighbour
}

impl<'a> Judge<'a> {
    fn bare(scene: &'a Scene<'a>, direction: Direction) -> Self {
        Self {
            scene,
            direction,
            stands: Stands::new(),
            turned: BTreeMap::new(),
            towards: BTreeSet::new(),
            arrivals: BTreeMap::new(),
            hops: Map::default(),
        }
    }

    fn new(scene: &'a Scene<'a>, all: &BTreeMap<DatapathId, After<'_>>) -> Self {
        let mut labels = Labels::new(scene.graph, all, scene.moving);
        let mut judge = Self::bare(scene, Direction::There);
        let target = scene.target.dpid;
        let theirs = links(scene.graph, scene.target.dpid);
        for (neighbour, links) in links(scene.graph, scene.source.dpid) {
            judge.towards.extend(links.iter().map(|link| link.dst));
            let turned = judge.turned.entry(neighbour).or_default();
            let plain = |port| Exit { port, label: None };
            if let Some(theirs) = theirs.get(&neighbour) {
                for (link, stands) in links.iter().zip(theirs.iter().cycle()) {
                    judge.stands.insert(link.src.port, plain(stands.src.port));
                    turned.insert(link.dst.port, plain(stands.dst.port));
                }
                continue;
            }
            let ways = labels
                .way(target, neighbour)
                .zip(labels.way(neighbour, target));
            if let Some((there, back)) = ways.filter(|_| neighbour != target) {
                for link in links {
                    judge.stands.insert(link.src.port, there.exit);
                    turned.insert(link.dst.port, back.exit);
                }
                judge.arrivals.insert(neighbour, there.end);
            }
        }
        judge.hops = labels.hops;
        judge
    }

    fn all(
        &self,
        sites: &BTreeMap<DatapathId, &Site>,
        after: &BTreeMap<DatapathId, After<'_>>,
    ) -> Result<(), Unsound> {
        self.target(after)?;
        self.source(after)?;
        let ends = [self.scene.source.dpid, self.scene.target.dpid];
        for (dpid, site) in sites.iter().filter(|(dpid, _)| !ends.contains(dpid)) {
            if let Some(after) = after.get(dpid) {
                self.neighbour(site, after)?;
            }
        }
        self.turn_back()
    }

    fn unsound<T>(site: &Site, what: String) -> Result<T, Unsound> {
        Err(Unsound {
            dpid: site.dpid,
            what,
        })
    }

    /// Every rule of the source has its image, nothing else came, and nothing of the target's own meets an image.
    fn target(&self, all: &BTreeMap<DatapathId, After<'_>>) -> Result<(), Unsound> {
        let (scene, site) = (self.scene, self.scene.target);
        let Some(after) = all.get(&site.dpid) else {
            return Self::unsound(site, "it is not known".to_owned());
        };
        if after.modified > 0 || !after.removed.is_empty() {
            return Self::unsound(site, "what it has itself would be changed".to_owned());
        }
        let mut alike = Alike::new(
            scene.source,
            Whose::Ends,
            &self.stands,
            &after.groups,
            Some(&after.meters),
        );
        let mut images: Vec<&FlowRule> = Vec::with_capacity(after.added.len());
        let mut added = 0;
        let fresh: Map<*const FlowRule, ()> = after
            .added
            .iter()
            .map(|rule| (std::ptr::from_ref(*rule), ()))
            .collect();
        let mut seen: Map<*const FlowRule, ()> = Map::default();
        for stats in scene.source.others(scene.moving) {
            let Some(image) = self.image(&stats.rule, after, &mut alike) else {
                let rule = described(&stats.rule);
                let what = match self.direction {
                    Direction::There => format!("{rule} of the source would be missing"),
                    Direction::Back => format!("nothing does here what {rule} would do there"),
                };
                return Self::unsound(site, what);
            };
            if seen.insert(std::ptr::from_ref(image), ()).is_none() {
                added += usize::from(fresh.contains_key(&std::ptr::from_ref(image)));
                images.push(image);
            }
        }
        if added != after.added.len() {
            return Self::unsound(
                site,
                "it would get an entry that the source does not have".to_owned(),
            );
        }
        nothing_meets(site, &images, self.scene.moving)?;
        self.nothing_merges()?;
        alike
            .every_group(&after.added_groups)
            .map_err(|what| Unsound {
                dpid: site.dpid,
                what,
            })?;
        alike
            .every_meter(&after.added_meters)
            .map_err(|what| Unsound {
                dpid: site.dpid,
                what,
            })
    }

    /// The rule on the target that does for the source's packets what `rule` did.
    fn image<'t>(
        &self,
        rule: &FlowRule,
        after: &After<'t>,
        alike: &mut Alike<'_>,
    ) -> Option<&'t FlowRule> {
        let found = |pattern: &Pattern| {
            after
                .rules
                .get(&(rule.table, rule.priority, pattern))
                .copied()
        };
        let mut is_like = |image: &&FlowRule| {
            image.cookie == rule.cookie
                && image.idle_timeout == rule.idle_timeout
                && (image.hard_timeout == 0) == (rule.hard_timeout == 0)
                && match self.direction {
                    Direction::There => image.hard_timeout <= rule.hard_timeout,
                    Direction::Back => rule.hard_timeout <= image.hard_timeout,
                }
                && alike.instructions(&rule.instructions, &image.instructions)
        };
        let Some(port) = rule.pattern.ingress_port() else {
            return found(&rule.pattern).filter(is_like);
        };
        let stands = self.stands.get(&port)?;
        found(&rule.pattern.clone().in_port(stands.port)).filter(&mut is_like)
    }

    /// Where packets of several ports come in at one, nothing may tell them apart.
    fn nothing_merges(&self) -> Result<(), Unsound> {
        let mut together: BTreeMap<PortNo, BTreeSet<PortNo>> = BTreeMap::new();
        for (port, stands) in &self.stands {
            together.entry(stands.port).or_default().insert(*port);
        }
        together.retain(|_, ports| ports.len() > 1);
        if together.is_empty() {
            return Ok(());
        }
        let mut told: BTreeMap<(TableId, u16, Pattern), BTreeSet<PortNo>> = BTreeMap::new();
        for stats in self.scene.source.others(self.scene.moving) {
            let rule = &stats.rule;
            let port = rule.pattern.ingress_port();
            if let Some(port) = port.filter(|port| self.stands.contains_key(port)) {
                let mut pattern = rule.pattern.clone();
                pattern.remove(Field::InPort);
                let like = told
                    .entry((rule.table, rule.priority, pattern))
                    .or_default();
                like.insert(port);
            }
        }
        for ((_, priority, pattern), ports) in &told {
            let mut sets = together.values();
            if sets.any(|set| !set.is_disjoint(ports) && !set.is_subset(ports)) {
                let what = format!(
                    "packets come in at one port that entries of priority {priority} for {pattern} tell apart"
                );
                return Self::unsound(self.scene.target, what);
            }
        }
        Ok(())
    }

    /// Nothing is left on the source.
    fn source(&self, all: &BTreeMap<DatapathId, After<'_>>) -> Result<(), Unsound> {
        let site = self.scene.source;
        let Some(after) = all.get(&site.dpid) else {
            return Self::unsound(site, "it is not known".to_owned());
        };
        let moving = self.scene.moving;
        if let Some(left) = after
            .rules
            .values()
            .find(|rule| is_others(rule.cookie, moving))
        {
            return Self::unsound(site, format!("{} would be left", described(left)));
        }
        if let Some(core) = after
            .removed
            .iter()
            .find(|rule| !is_others(rule.cookie, moving))
        {
            return Self::unsound(site, format!("{} would be removed", described(core)));
        }
        if !after.groups.is_empty() || !after.meters.is_empty() {
            return Self::unsound(site, "groups or meters would be left".to_owned());
        }
        if after.modified > 0 || !after.added.is_empty() {
            return Self::unsound(site, "it would get new work".to_owned());
        }
        Ok(())
    }

    /// What it sent to the source it sends to the target, all else is as it was, and what comes from the target meets
    /// what came from the source.
    fn neighbour(&self, site: &Site, after: &After<'_>) -> Result<(), Unsound> {
        let here = |port| PortRef::new(site.dpid, port);
        let is_towards = |port: &PortNo| self.towards.contains(&here(*port));
        let unturned = Stands::new();
        let turned = self.turned.get(&site.dpid).unwrap_or(&unturned);
        let lost = |port: &PortNo| is_towards(port) && !turned.contains_key(port);
        let groups = site.groups();
        let mut alike = Alike::new(site, Whose::Neighbours, turned, &after.groups, None);
        let mut twins: Map<(TableId, u16, Pattern), ()> = Map::default();
        for stats in site.others(self.scene.moving) {
            let rule = &stats.rule;
            let from_source = rule.pattern.ingress_port().filter(is_towards);
            let now = after.rules.get(&key(rule));
            // Whoever stays as it is on the way back has nothing to do with what goes there, which is seen to apart.
            let stays = self.direction == Direction::Back
                && now.is_some_and(|now| std::ptr::eq(*now, rule));
            if !stays && outputs(rule, &groups).iter().any(lost) {
                let what = format!("{} would go on sending to the source", described(rule));
                return Self::unsound(site, what);
            }
            match now {
                Some(_) if stays => {}
                Some(now) if alike.instructions(&rule.instructions, &now.instructions) => {}
                Some(_) => {
                    return Self::unsound(
                        site,
                        format!(
                            "{} would still send to the source, or elsewhere",
                            described(rule)
                        ),
                    );
                }
                None if from_source.is_some() => {}
                None => {
                    return Self::unsound(site, format!("{} would be removed", described(rule)));
                }
            }
            let Some(stands) = from_source.and_then(|port| turned.get(&port)) else {
                continue;
            };
            if stands.label.is_some() {
                let what = format!(
                    "{} asks for the port of what comes by a label",
                    described(rule)
                );
                return Self::unsound(site, what);
            }
            let pattern = rule.pattern.clone().in_port(stands.port);
            let twin = after.rules.get(&(rule.table, rule.priority, &pattern));
            if twin.is_none_or(|twin| !alike.instructions(&rule.instructions, &twin.instructions)) {
                let what = format!(
                    "{} has nothing like it for what comes from the target",
                    described(rule)
                );
                return Self::unsound(site, what);
            }
            twins.insert((rule.table, rule.priority, pattern), ());
        }
        let is_hop = |rule: &FlowRule| {
            let hop = (site.dpid, rule.table, rule.priority, rule.pattern.clone());
            self.hops.contains_key(&hop)
        };
        let stray = after.added.iter().find(|rule| {
            !twins.contains_key(&(rule.table, rule.priority, rule.pattern.clone())) && !is_hop(rule)
        });
        if let Some(rule) = stray {
            return Self::unsound(
                site,
                format!("{} is not there for anything", described(rule)),
            );
        }
        alike.every_turned().map_err(|what| Unsound {
            dpid: site.dpid,
            what,
        })
    }
}
