//! Switches and the cables between them, and what the controller's own discovery makes of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use godwit_openflow::types::{DatapathId, PortNo};
use godwit_topology::{PortRef, RunKey, Timing, Topology, TopologySnapshot};

use crate::random::Random;

/// Ports from this one on have no cable to another switch.
pub(crate) const FIRST_HOST_PORT: u32 = 100;

/// The switches 1, 2, …, `switches`, and where each cable leads, from both of its ends.
pub(crate) struct Wiring {
    pub(crate) switches: usize,
    pub(crate) links: BTreeMap<PortRef, PortRef>,
    pub(crate) topology: Arc<TopologySnapshot>,
    /// How many ports for hosts each switch has.
    pub(crate) hosts: u32,
    /// How many of the switches, the last ones, have no station and are no neighbours of the first.
    pub(crate) relays: usize,
}

impl Wiring {
    /// A connected network of 10 to 40 switches with three cables a switch on average, some of them side by side.
    pub(crate) fn random(random: &mut Random) -> Self {
        let switches = random.within(10..=40);
        let mut pairs: Vec<(usize, usize)> = (2..=switches)
            .map(|new| (new, 1 + random.below(new - 1)))
            .collect();
        while pairs.len() < switches * 3 / 2 {
            let beside = *random.pick(&pairs);
            let fresh = (1 + random.below(switches), 1 + random.below(switches));
            let pair = if random.chance(15) { beside } else { fresh };
            if pair.0 != pair.1 {
                pairs.push(pair);
            }
        }
        random.shuffle(&mut pairs);
        Self::of(switches, &pairs)
    }

    /// With a cable between each of these pairs, on the next free port of each.
    pub(crate) fn of(switches: usize, pairs: &[(usize, usize)]) -> Self {
        let mut used = vec![0; switches + 1];
        let mut end = |dpid: usize| {
            used[dpid] += 1;
            PortRef::new(DatapathId(dpid as u64), PortNo(used[dpid]))
        };
        let mut links = BTreeMap::new();
        for &(one, other) in pairs {
            let (one, other) = (end(one), end(other));
            links.insert(one, other);
            links.insert(other, one);
        }
        let topology = discovered(switches, &links);
        Self {
            switches,
            links,
            topology,
            hosts: 0,
            relays: 0,
        }
    }

    /// The ports of a switch that are up: those with a cable, and but for the first two switches two for hosts.
    pub(crate) fn ports(&self, dpid: DatapathId) -> impl Iterator<Item = PortNo> + '_ {
        let hosts = if dpid.0 > 2 { self.hosts } else { 0 };
        let hosts = (0..hosts).map(|number| PortNo(FIRST_HOST_PORT + number));
        self.cabled(dpid).chain(hosts)
    }

    pub(crate) fn dpids(&self) -> impl Iterator<Item = DatapathId> + use<> {
        (1..=self.switches as u64).map(DatapathId)
    }

    /// Those that are neither of the first two, nor relays.
    pub(crate) fn around(&self) -> impl Iterator<Item = DatapathId> + use<> {
        (3..=(self.switches - self.relays) as u64).map(DatapathId)
    }

    pub(crate) fn any(&self, random: &mut Random) -> DatapathId {
        DatapathId(1 + random.below(self.switches) as u64)
    }

    /// The ports of a switch that have a cable.
    pub(crate) fn cabled(&self, dpid: DatapathId) -> impl Iterator<Item = PortNo> + '_ {
        let all = PortRef::new(dpid, PortNo(0))..=PortRef::new(dpid, PortNo(u32::MAX));
        self.links.range(all).map(|(end, _)| end.port)
    }
}

/// Every port is probed, and every probe arrives.
fn discovered(switches: usize, links: &BTreeMap<PortRef, PortRef>) -> Arc<TopologySnapshot> {
    let now = Instant::now();
    let mut topology = Topology::new(RunKey::from_bytes([7; 64]), Timing::default());
    for dpid in (1..=switches as u64).map(DatapathId) {
        let ports = links.keys().filter(|end| end.dpid == dpid);
        topology.switch_up(dpid, ports.map(|end| end.port), now);
    }
    for probe in topology.poll(now).probes {
        let far = links[&probe.port];
        topology.on_lldp(far.dpid, far.port, &probe.frame, now);
    }
    let snapshot = topology.snapshot();
    assert_eq!(snapshot.links().count(), links.len(), "every link is known");
    snapshot
}
