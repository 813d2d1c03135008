//! Whether anything would have to turn back where a label comes in, or goes out.

use godwit_openflow::model::{Field, FlowRule};
use godwit_openflow::types::PortNo;
use godwit_topology::PortRef;

use super::{Judge, Unsound};
use crate::migration::transplant::conflict::{outputs, rewrites};
use crate::migration::transplant::{Site, is_others};
use crate::others::described;

impl Judge<'_> {
    /// A packet does not go out of the port that it came in at. What comes by a label, and what goes by one, shares
    /// its port with what goes to and comes from the next hop itself.
    pub(super) fn turn_back(&self) -> Result<(), Unsound> {
        for (neighbour, end) in &self.arrivals {
            let Some(site) = self.scene.neighbours.get(neighbour) else {
                continue;
            };
            let here = |port: &PortNo| self.towards.contains(&PortRef::new(*neighbour, *port));
            let at_source = |port: &PortNo| {
                let far = self
                    .scene
                    .graph
                    .link_from(PortRef::new(self.scene.source.dpid, *port));
                far.is_some_and(|link| link.dst.dpid == *neighbour)
            };
            let others = |rule: &FlowRule| is_others(rule.cookie, self.scene.moving);
            let from_source = Senders::new(self.scene.source, others, at_source);
            let onward = Senders::new(site, |_| true, |port| *port == end.port);
            let hop = self.scene.graph.link_to(*end).map(|link| link.src);
            let hop =
                hop.and_then(|from| Some((self.scene.neighbours.get(&from.dpid)?, from.port)));
            let Some((hop, port)) = hop else {
                return Self::unsound(site, "it is not known what leads a label here".to_owned());
            };
            let from_hop = Senders::new(hop, |_| true, |out| *out == port);
            let back = Senders::new(site, others, here);
            self.nothing_returns(self.scene.source, at_source)?;
            self.nothing_returns(site, here)?;
            if let Some(rule) = from_source.met_by(&onward, here) {
                let what = format!("{} would send back what comes by a label", described(rule));
                return Self::unsound(site, what);
            }
            if let Some(rule) = from_hop.met_by(&back, |port| *port == end.port) {
                let what = format!(
                    "{} would send back under a label what comes in there",
                    described(rule)
                );
                return Self::unsound(site, what);
            }
        }
        Ok(())
    }

    /// What goes out of the port that it came in at would leave without its label, or for the next hop.
    fn nothing_returns(&self, site: &Site, comes: impl Fn(&PortNo) -> bool) -> Result<(), Unsound> {
        let others = |rule: &FlowRule| is_others(rule.cookie, self.scene.moving);
        let returned = Senders::exactly(site, others, |port| *port == PortNo::IN_PORT).0;
        let mut met = returned
            .into_iter()
            .filter(|rule| rule.pattern.ingress_port().is_none_or(|port| comes(&port)));
        met.next().map_or(Ok(()), |rule| {
            let what = format!(
                "{} would send back what came under a label",
                described(rule)
            );
            Self::unsound(site, what)
        })
    }
}

/// Entries of a switch that may send out of certain ports.
struct Senders<'a>(Vec<&'a FlowRule>);

impl<'a> Senders<'a> {
    fn new(
        site: &'a Site,
        choose: impl Fn(&FlowRule) -> bool,
        is_meant: impl Fn(&PortNo) -> bool,
    ) -> Self {
        let spreads = |port: &PortNo| matches!(*port, PortNo::FLOOD | PortNo::ALL | PortNo::NORMAL);
        Self::exactly(site, choose, |port| is_meant(port) || spreads(port))
    }

    /// Those that name such a port.
    fn exactly(
        site: &'a Site,
        choose: impl Fn(&FlowRule) -> bool,
        is_meant: impl Fn(&PortNo) -> bool,
    ) -> Self {
        let groups = site.groups();
        let rules = site.holdings.rules.iter().map(|stats| &stats.rule);
        let sending = rules
            .filter(|rule| choose(rule))
            .filter(|rule| outputs(rule, &groups).iter().any(&is_meant));
        Self(sending.collect())
    }

    /// The entry at the other end that may take what these send, if it comes in at such a port.
    fn met_by<'b>(
        &self,
        other: &Senders<'b>,
        is_port: impl Fn(&PortNo) -> bool,
    ) -> Option<&'b FlowRule> {
        let bare = |rule: &FlowRule| {
            let mut pattern = rule.pattern.clone();
            pattern.remove(Field::InPort);
            pattern.remove(Field::Metadata);
            pattern
        };
        let meets = |from: &FlowRule, at: &FlowRule| {
            at.pattern.ingress_port().is_none_or(|port| is_port(&port))
                && (rewrites(from) || at.table.0 > 0 || bare(from).overlaps(&bare(at)))
        };
        let mut taking = other.0.iter();
        taking
            .find(|at| self.0.iter().any(|from| meets(from, at)))
            .copied()
    }
}
