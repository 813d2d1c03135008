//! What there will be, and what there is, as the two ends of a way that is judged from its end.

use std::borrow::Cow;
use std::collections::BTreeSet;

use godwit_openflow::model::{FlowRule, FlowStats, GroupStats, MeterStats};
use godwit_topology::Graph;

use super::{After, WayBack};
use crate::migration::transplant::{Holdings, Site};
use crate::plan::entry::{Entry, EntryStep};

impl WayBack<'_> {
    /// What a switch will hold; of the source only what comes back, since the rest has not been there.
    pub(super) fn held(&self, site: &Site, after: &After<'_>) -> Site {
        let comes = |is_added: bool| is_added || site.dpid != self.source;
        let added: BTreeSet<*const FlowRule> = after
            .added
            .iter()
            .map(|rule| std::ptr::from_ref(*rule))
            .collect();
        let rules = after.rules.values();
        let rules = rules.filter(|rule| comes(added.contains(&std::ptr::from_ref(**rule))));
        let rules = rules.map(|rule| FlowStats {
            rule: (*rule).clone(),
            duration_ns: 0,
            packets: 0,
            bytes: 0,
        });
        let groups = after.groups.values();
        let groups = groups.filter(|group| comes(after.added_groups.contains(&group.group)));
        let groups = groups.map(|group| ((*group).clone(), GroupStats::silent(group.group)));
        let meters = after.meters.values();
        let meters = meters.filter(|meter| comes(after.added_meters.contains(&meter.meter)));
        let meters = meters.map(|meter| ((*meter).clone(), MeterStats::silent(meter.meter)));
        Site {
            dpid: site.dpid,
            version: site.version,
            tables: site.tables,
            ports: site.ports.clone(),
            holdings: Holdings {
                rules: rules.collect(),
                groups: groups.collect(),
                meters: meters.collect(),
            },
        }
    }

    /// Hops that somebody has deleted since. What they carried is lost already, and going back makes it no worse.
    pub(super) fn lost_hops(&self) -> impl Iterator<Item = EntryStep> {
        let hops = self.displaced.hops();
        let is_lost = |step: &&EntryStep| {
            let Some(Entry::Rule(rule)) = &step.after else {
                return false;
            };
            let site = self.sites.get(&step.dpid);
            let mut held = site.into_iter().flat_map(|site| &site.holdings.rules);
            site.is_some() && !held.any(|held| held.rule.same_identity(rule))
        };
        hops.filter(is_lost).cloned()
    }

    /// The links as they are, and those of the target and of detours that have gone since.
    pub(super) fn as_it_was(&self) -> Cow<'_, Graph> {
        let mut graph = Cow::Borrowed(self.graph);
        for link in self.displaced.links() {
            let is_free =
                self.graph.link_from(link.src).is_none() && self.graph.link_to(link.dst).is_none();
            let is_sources = [link.src.dpid, link.dst.dpid].contains(&self.source);
            if is_free && !is_sources {
                graph.to_mut().add_link(*link);
            }
        }
        graph
    }
}
