//! A source, a target and two neighbours, and what is asked of their transplant.

use std::collections::BTreeMap;

use godwit_controller::rules::base;
use godwit_openflow::model::{Action, Bucket, GroupType, MeterBand, MeterFlags, Pattern};
use godwit_openflow::types::{GroupId, MacAddr};
use godwit_topology::{Graph, Link, PortRef};

use super::super::graft::{Scene, Steps, graft};
use super::super::*;
use crate::plan::entry::Entry;

pub(super) const SOURCE: DatapathId = DatapathId(1);
pub(super) const TARGET: DatapathId = DatapathId(2);

/// Switches 3 and 4 hang on ports 3 and 4 of the source and on ports 13 and 14 of the target, by their ports 1 and 2.
pub(crate) fn graph() -> Graph {
    let mut graph = Graph::new();
    for (one, other) in [
        ((1, 3), (3, 1)),
        ((1, 4), (4, 1)),
        ((2, 13), (3, 2)),
        ((2, 14), (4, 2)),
    ] {
        join(&mut graph, one, other);
    }
    graph
}

fn join(graph: &mut Graph, one: (u64, u32), other: (u64, u32)) {
    let end = |(dpid, port)| PortRef::new(DatapathId(dpid), PortNo(port));
    let link = Link {
        src: end(one),
        dst: end(other),
    };
    graph.add_link(link);
    graph.add_link(link.reversed());
}

pub(super) struct World {
    pub(super) graph: Graph,
    pub(super) sites: BTreeMap<DatapathId, Site>,
}

pub(super) fn port(number: u32) -> Port {
    Port {
        number: PortNo(number),
        mac: MacAddr([2, 0, 0, 0, 0, number as u8]),
        name: String::new(),
        admin_down: false,
        link_down: number == 9,
        config: 0,
        state: 0,
        features: [0; 4],
        current_speed: 0,
        max_speed: 0,
    }
}

impl World {
    pub(super) fn new() -> Self {
        let mut world = Self {
            graph: graph(),
            sites: BTreeMap::new(),
        };
        for (dpid, ports) in [
            (1, vec![3, 4]),
            (2, vec![13, 14]),
            (3, vec![1, 2, 100]),
            (4, vec![1, 2, 100]),
        ] {
            let site = Site {
                dpid: DatapathId(dpid),
                version: Version::V13,
                tables: 4,
                ports: ports.into_iter().map(port).collect(),
                holdings: Holdings::default(),
            };
            world.sites.insert(site.dpid, site);
            base().into_iter().for_each(|rule| world.add(dpid, rule));
        }
        world
    }

    pub(super) fn join(&mut self, one: (u64, u32), other: (u64, u32)) {
        join(&mut self.graph, one, other);
    }

    pub(super) fn site(&mut self, dpid: u64) -> &mut Site {
        self.sites.get_mut(&DatapathId(dpid)).unwrap()
    }

    pub(super) fn add(&mut self, dpid: u64, rule: FlowRule) {
        self.site(dpid).holdings.rules.push(FlowStats {
            rule,
            duration_ns: 4_500_000_000,
            packets: 0,
            bytes: 0,
        });
    }

    pub(super) fn group(
        &mut self,
        dpid: u64,
        number: u32,
        group_type: GroupType,
        buckets: Vec<Bucket>,
    ) {
        let group = GroupId(number);
        let description = GroupDescription {
            group_type,
            group,
            buckets,
        };
        let stats = GroupStats::silent(group);
        self.site(dpid).holdings.groups.push((description, stats));
    }

    pub(super) fn meter(&mut self, dpid: u64, number: u32) {
        let meter = MeterId(number);
        let config = MeterConfig {
            flags: MeterFlags::KBPS,
            meter,
            bands: vec![MeterBand::Drop { rate: 8, burst: 0 }],
        };
        let stats = MeterStats::silent(meter);
        self.site(dpid).holdings.meters.push((config, stats));
    }

    pub(super) fn graft(&self) -> Result<Steps, Vec<String>> {
        graft(&Scene {
            graph: &self.graph,
            source: &self.sites[&SOURCE],
            target: &self.sites[&TARGET],
            neighbours: &self.sites,
            moving: &BTreeSet::new(),
            mixes: true,
            detours: true,
        })
    }

    /// The only reason, which has to say this.
    pub(super) fn refused(&self, what: &str) {
        let reasons = self.graft().map(|_| "a plan").unwrap_err();
        assert!(reasons[0].contains(what), "{reasons:?} do not say {what}");
        assert_eq!(reasons.len(), 1, "{reasons:?}");
    }
}

pub(super) fn to(station: u8) -> Pattern {
    Pattern::new().eth_dst(MacAddr([2, 0, 0, 0, 0, station]))
}

pub(super) fn rule(actions: Vec<Action>) -> FlowRule {
    FlowRule::new(10, to(1), actions).with_cookie(Cookie(7))
}

pub(super) fn out(port: u32) -> Action {
    Action::output(PortNo(port))
}

pub(super) fn bucket(actions: Vec<Action>) -> Bucket {
    Bucket {
        weight: 0,
        watch_port: None,
        watch_group: None,
        actions,
    }
}

pub(super) fn put(steps: &Steps) -> Vec<&Entry> {
    steps
        .put
        .iter()
        .filter_map(|step| step.after.as_ref())
        .collect()
}

pub(super) fn put_rule(steps: &Steps) -> &FlowRule {
    let rules: Vec<&FlowRule> = put(steps).into_iter().filter_map(Entry::rule).collect();
    let [rule] = rules[..] else {
        panic!("{rules:?}")
    };
    rule
}
