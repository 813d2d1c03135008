use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::link::Link;
use crate::routing::{Constraints, NoPath};
use crate::snapshot::RouteError;

const H1: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const H2: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);

fn port(dpid: u64, port: u32) -> PortRef {
    PortRef::new(DatapathId(dpid), PortNo(port))
}

fn ip(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}

/// A topology, a clock, and cables.
struct Net {
    topology: Topology,
    cables: BTreeMap<PortRef, PortRef>,
    bridge: BTreeSet<PortRef>,
    /// Hosts that answer.
    alive: BTreeMap<MacAddr, PortRef>,
    start: Instant,
    elapsed: Duration,
    changes: Vec<TopologyChange>,
}

impl Net {
    /// A triangle of switches 1, 2, 3; port `n` leads to switch `n`, and the ports 8 and 9 to hosts.
    fn triangle() -> Self {
        let mut net = Self {
            topology: Topology::new(RunKey::from_bytes([7; 64]), Timing::default()),
            cables: BTreeMap::new(),
            bridge: BTreeSet::new(),
            alive: BTreeMap::new(),
            start: Instant::now(),
            elapsed: Duration::ZERO,
            changes: Vec::new(),
        };
        for (a, b) in [(1, 2), (2, 3), (3, 1)] {
            net.cables.insert(port(a, b as u32), port(b, a as u32));
            net.cables.insert(port(b, a as u32), port(a, b as u32));
        }
        for dpid in 1..=3 {
            let ports = (1..=3)
                .filter(|n| u64::from(*n) != dpid)
                .chain([8, 9])
                .map(PortNo);
            let changes = net.topology.switch_up(DatapathId(dpid), ports, net.now());
            net.changes.extend(changes);
        }
        net
    }

    /// The same when every port is known for what it is.
    fn settled() -> Self {
        let mut net = Self::triangle();
        net.run(1_000);
        net.changes.clear();
        net
    }

    fn now(&self) -> Instant {
        self.start + self.elapsed
    }

    fn run(&mut self, millis: u64) {
        let end = self.elapsed + Duration::from_millis(millis);
        while let Some(at) = self.topology.next_deadline() {
            let at = at.saturating_duration_since(self.start);
            if at > end {
                break;
            }
            self.elapsed = self.elapsed.max(at);
            let poll = self.topology.poll(self.now());
            self.changes.extend(poll.changes);
            for probe in poll.probes {
                let bridged =
                    self.bridge.contains(&probe.port) && probe.frame.starts_with(&[0xff; 6]);
                let bridged = self
                    .bridge
                    .iter()
                    .filter(|to| bridged && **to != probe.port);
                let ends = self.cables.get(&probe.port).into_iter().chain(bridged);
                for to in ends.copied().collect::<Vec<_>>() {
                    let (_, changes) =
                        self.topology
                            .on_lldp(to.dpid, to.port, &probe.frame, self.now());
                    self.changes.extend(changes);
                }
            }
            for question in poll.questions {
                if self.alive.get(&question.mac) == Some(&question.at) {
                    let changes = self.answer(question);
                    self.changes.extend(changes);
                }
            }
        }
        self.elapsed = end;
    }

    fn see(&mut self, mac: MacAddr, last: u8, at: PortRef) -> Vec<TopologyChange> {
        let wall = SystemTime::UNIX_EPOCH + self.elapsed;
        let now = self.now();
        let sender = Sender {
            mac,
            addresses: vec![ip(last)],
            vlan: None,
        };
        self.topology.observe_host(sender, at, now, wall)
    }

    fn answer(&mut self, question: Question) -> Vec<TopologyChange> {
        let sender = Sender {
            mac: question.mac,
            addresses: vec![question.address],
            vlan: question.vlan,
        };
        let wall = SystemTime::UNIX_EPOCH + self.elapsed;
        let now = self.now();
        self.topology.observe_host(sender, question.at, now, wall)
    }
}

fn through(switches: &[u64]) -> Constraints {
    Constraints {
        via: switches.iter().map(|dpid| DatapathId(*dpid)).collect(),
        ..Constraints::default()
    }
}

#[test]
fn the_network_becomes_known_and_is_listed_in_one_snapshot() {
    let mut net = Net::triangle();
    net.run(1_000);
    let snapshot = net.topology.snapshot();
    assert_eq!(
        snapshot.switches().collect::<Vec<_>>(),
        [1, 2, 3].map(DatapathId)
    );
    assert_eq!(snapshot.links().count(), 6);
    assert_eq!(snapshot.edge_ports().count(), 6);
    assert_eq!(
        snapshot.edge_ports_of(DatapathId(2)).collect::<Vec<_>>(),
        [port(2, 8), port(2, 9)]
    );
    assert_eq!(snapshot.kind(port(1, 2)), PortKind::Link);
    assert_eq!(
        snapshot.revision(),
        net.changes.len() as u64,
        "one for each change"
    );
    assert!(
        Arc::ptr_eq(&snapshot, &net.topology.snapshot()),
        "nothing changed since"
    );
}

#[test]
fn a_snapshot_does_not_change_and_its_revision_grows_with_the_next() {
    let mut net = Net::settled();
    let before = net.topology.snapshot();
    let now = net.now();
    let changes = net.topology.port_down(port(1, 2), now);
    let gone = Link {
        src: port(1, 2),
        dst: port(2, 1),
    };
    assert_eq!(
        changes,
        [
            TopologyChange::LinkDown { link: gone },
            TopologyChange::LinkDown {
                link: gone.reversed()
            }
        ]
    );
    let after = net.topology.snapshot();
    assert_eq!((before.links().count(), after.links().count()), (6, 4));
    assert_eq!(after.revision(), before.revision() + 2);
}

#[test]
fn hosts_are_found_by_mac_and_by_address() {
    let mut net = Net::settled();
    assert_eq!(
        net.see(H1, 1, port(1, 8)),
        [TopologyChange::HostAdded {
            mac: H1,
            at: port(1, 8)
        }]
    );
    assert_eq!(
        net.see(H1, 1, port(1, 2)),
        [],
        "what comes in on a link says nothing"
    );
    let snapshot = net.topology.snapshot();
    assert_eq!(snapshot.host_by_mac(H1).unwrap().attachment, port(1, 8));
    assert_eq!(snapshot.host_by_ip(ip(1)).unwrap().mac, H1);
    assert_eq!(snapshot.host_by_ip(ip(2)), None);
    assert_eq!(snapshot.hosts_on(DatapathId(1)).count(), 1);
    assert_eq!(snapshot.hosts_on(DatapathId(2)).count(), 0);
}

#[test]
fn hosts_seen_early_are_known_as_soon_as_their_port_is() {
    let mut net = Net::triangle();
    assert_eq!(net.see(H1, 1, port(1, 8)), []);
    assert_eq!(
        net.see(H2, 2, port(1, 2)),
        [],
        "flooded over what will turn out to be a link"
    );
    net.run(1_000);
    let snapshot = net.topology.snapshot();
    assert_eq!(
        snapshot.hosts().map(|host| host.mac).collect::<Vec<_>>(),
        [H1]
    );
    assert_eq!(
        snapshot.host_by_ip(ip(1)).unwrap().last_seen,
        SystemTime::UNIX_EPOCH
    );
}

#[test]
fn a_host_that_moves_is_followed_when_its_port_is_removed() {
    let mut net = Net::settled();
    net.see(H1, 1, port(1, 8));
    let now = net.now();
    assert_eq!(
        net.topology.port_removed(port(1, 8), now),
        [TopologyChange::EdgeDown { port: port(1, 8) }]
    );
    let moved = TopologyChange::HostMoved {
        mac: H1,
        from: port(1, 8),
        to: port(2, 9),
    };
    assert_eq!(net.see(H1, 1, port(2, 9)), [moved]);
}

#[test]
fn a_stolen_address_is_reported_and_the_host_stays() {
    let mut net = Net::settled();
    net.see(H1, 1, port(1, 8));
    let before = net.topology.revision();
    let conflict = TopologyChange::HostConflict {
        mac: H1,
        attached: port(1, 8),
        claimed: port(2, 8),
    };
    assert_eq!(net.see(H1, 1, port(2, 8)), [conflict]);
    assert_eq!(net.topology.revision(), before, "an incident is no change");
    assert_eq!(
        net.topology.snapshot().host_by_mac(H1).unwrap().attachment,
        port(1, 8)
    );
}

#[test]
fn hosts_survive_the_reconnection_of_their_switch() {
    let mut net = Net::settled();
    net.see(H1, 1, port(1, 8));
    net.alive.insert(H1, port(1, 8));
    let now = net.now();
    let down = net.topology.switch_down(DatapathId(1), now);
    assert_eq!(
        down.last(),
        Some(&TopologyChange::SwitchDown {
            dpid: DatapathId(1)
        })
    );
    assert!(!net.topology.snapshot().host_by_mac(H1).unwrap().attached);
    net.run(5_000);
    let now = net.now();
    let up = net
        .topology
        .switch_up(DatapathId(1), [2, 3, 8, 9].map(PortNo), now);
    assert_eq!(
        up,
        [TopologyChange::SwitchUp {
            dpid: DatapathId(1)
        }]
    );
    net.run(1_000);
    let snapshot = net.topology.snapshot();
    assert_eq!(snapshot.links().count(), 6);
    assert!(snapshot.host_by_mac(H1).unwrap().is_present());
    net.run(600_000);
    assert!(net.topology.snapshot().host_by_mac(H1).is_some());
}

#[test]
fn hosts_of_a_port_that_turns_out_to_be_a_link_are_dropped() {
    let mut net = Net::settled();
    net.see(H1, 1, port(1, 8));
    net.cables.insert(port(1, 8), port(4, 1));
    net.cables.insert(port(4, 1), port(1, 8));
    let now = net.now();
    net.topology.switch_up(DatapathId(4), [PortNo(1)], now);
    net.run(100);
    assert!(
        net.changes
            .contains(&TopologyChange::EdgeDown { port: port(1, 8) })
    );
    assert!(net.changes.contains(&TopologyChange::HostGone {
        mac: H1,
        at: port(1, 8)
    }));
    let snapshot = net.topology.snapshot();
    assert_eq!((snapshot.links().count(), snapshot.hosts().count()), (8, 0));
}

#[test]
fn an_excluded_switch_is_listed_but_not_routed_over() {
    let mut net = Net::settled();
    let (one, two, three) = (DatapathId(1), DatapathId(2), DatapathId(3));
    let before = net.topology.revision();
    assert_eq!(
        net.topology.exclude(two),
        [TopologyChange::SwitchExcluded { dpid: two }]
    );
    assert_eq!(net.topology.exclude(two), []);
    assert_eq!(net.topology.revision(), before + 1);
    let snapshot = net.topology.snapshot();
    assert_eq!(snapshot.links().count(), 6);
    assert!(snapshot.excluded().contains(&two));
    let default = Constraints::default();
    assert_eq!(
        snapshot.shortest_path(one, two, &default),
        Err(NoPath::Avoided(two))
    );
    assert_eq!(
        snapshot.shortest_path(one, three, &through(&[2])),
        Err(NoPath::Avoided(two))
    );
    assert_eq!(
        snapshot
            .by(Metric::Hops)
            .k_shortest_paths(one, three, 5, &default)
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        snapshot
            .tree_to(three, &BTreeSet::new())
            .unwrap()
            .path_from(two),
        None
    );
    assert_eq!(
        net.topology.include(two),
        [TopologyChange::SwitchIncluded { dpid: two }]
    );
    assert_eq!(
        net.topology
            .snapshot()
            .shortest_path(one, two, &default)
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn paths_lead_from_port_to_port() {
    let mut net = Net::settled();
    let snapshot = net.topology.snapshot();
    let (from, to) = (port(1, 8), port(3, 9));
    let direct = snapshot.path(from, to, &Constraints::default()).unwrap();
    assert_eq!(
        (direct.source(), direct.destination(), direct.link_count()),
        (from, to, 1)
    );
    let detour = snapshot.path(from, to, &through(&[2])).unwrap();
    assert_eq!(
        detour.switches().collect::<Vec<_>>(),
        [1, 2, 3].map(DatapathId)
    );
    assert_eq!(
        snapshot
            .paths(from, to, 9, &Constraints::default())
            .unwrap(),
        [direct, detour]
    );
    let same = snapshot.path(from, from, &Constraints::default());
    assert!(matches!(same, Err(RouteError::Path(_))));
}

#[test]
fn alarms_are_reported_once_a_second_for_each_port() {
    let mut net = Net::settled();
    let forged = crate::discovery::lldp::encode(
        &RunKey::from_bytes([8; 64]),
        port(2, 8),
        1,
        crate::discovery::lldp::Reach::Cable,
        20,
    );
    let mut reported = 0;
    for _ in 0..30 {
        net.run(100);
        let now = net.now();
        let (verdict, changes) = net.topology.on_lldp(DatapathId(1), PortNo(8), &forged, now);
        assert!(matches!(verdict, LldpVerdict::Alarm(_)));
        reported += changes.len();
    }
    assert_eq!(reported, 3);
    assert_eq!(net.topology.lldp_counters().alarms, 30);
}

#[test]
fn changes_read_well_as_json() {
    let link = Link {
        src: port(1, 2),
        dst: port(2, 1),
    };
    let json = serde_json::to_value(TopologyChange::LinkUp { link }).unwrap();
    let expected = serde_json::json!({"type": "link_up", "link": {
        "src": {"dpid": "0000000000000001", "port": 2},
        "dst": {"dpid": "0000000000000002", "port": 1},
    }});
    assert_eq!(json, expected);
}

mod metric;
mod segment;
