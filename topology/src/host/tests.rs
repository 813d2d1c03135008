use godwit_openflow::types::{DatapathId, PortNo};

use super::*;

const H1: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);
const H2: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);
const MEMORY_MS: u64 = 120_000;

fn port(dpid: u64, port: u32) -> PortRef {
    PortRef::new(DatapathId(dpid), PortNo(port))
}

fn ip(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}

/// A tracker with a clock.
struct Fixture {
    tracker: HostTracker,
    start: Instant,
    elapsed: Duration,
}

impl Fixture {
    fn new() -> Self {
        Self {
            tracker: HostTracker::new(Timing::default()),
            start: Instant::now(),
            elapsed: Duration::ZERO,
        }
    }

    fn now(&self) -> Instant {
        self.start + self.elapsed
    }

    fn see(&mut self, mac: MacAddr, ips: &[IpAddr], at: PortRef) -> Option<HostChange> {
        let wall = SystemTime::UNIX_EPOCH + self.elapsed;
        let sender = Sender {
            mac,
            addresses: ips.to_vec(),
            vlan: None,
        };
        self.tracker.observe(&sender, at, self.now(), wall)
    }

    fn see_in(&mut self, vlan: u16, mac: MacAddr, ips: &[IpAddr]) -> Option<HostChange> {
        let sender = Sender {
            mac,
            addresses: ips.to_vec(),
            vlan: Some(vlan),
        };
        let wall = SystemTime::UNIX_EPOCH + self.elapsed;
        self.tracker.observe(&sender, port(1, 1), self.now(), wall)
    }

    /// For which addresses hosts are asked, at each time since this was last called.
    fn asked(&mut self) -> Vec<(MacAddr, IpAddr, Option<u16>)> {
        let questions = self.tracker.take_questions().into_iter();
        questions
            .map(|question| (question.mac, question.address, question.vlan))
            .collect()
    }

    fn after(&mut self, millis: u64) -> Vec<HostChange> {
        self.elapsed += Duration::from_millis(millis);
        self.tracker.poll(self.now())
    }

    fn place(&self, mac: MacAddr) -> PortRef {
        self.tracker.get(mac).unwrap().attachment
    }
}

#[test]
fn a_host_is_learnt_once_and_its_addresses_as_they_show() {
    let mut hosts = Fixture::new();
    let at = port(1, 1);
    assert_eq!(
        hosts.see(H1, &[ip(1)], at),
        Some(HostChange::Added { mac: H1, at })
    );
    assert_eq!(hosts.see(H1, &[ip(1)], at), None);
    hosts.after(1500);
    let v6: IpAddr = "fe80::1".parse().unwrap();
    assert_eq!(
        hosts.see(H1, &[v6], at),
        Some(HostChange::AddressAdded { mac: H1 })
    );
    let host = hosts.tracker.get(H1).unwrap();
    assert_eq!((host.ipv4.len(), host.ipv6.len()), (1, 1));
    assert_eq!(
        host.last_seen,
        SystemTime::UNIX_EPOCH + Duration::from_millis(1500)
    );
}

#[test]
fn addresses_that_name_no_single_host_are_ignored() {
    let mut hosts = Fixture::new();
    for mac in [
        MacAddr::default(),
        MacAddr::BROADCAST,
        MacAddr([1, 0, 0x5e, 0, 0, 1]),
    ] {
        assert_eq!(hosts.see(mac, &[ip(1)], port(1, 1)), None);
    }
    let no_host = [
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "127.0.0.1",
        "::",
        "ff02::1",
    ];
    let no_host: Vec<IpAddr> = no_host.iter().map(|ip| ip.parse().unwrap()).collect();
    hosts.see(H1, &no_host, port(1, 1));
    let host = hosts.tracker.get(H1).unwrap();
    assert!(host.ipv4.is_empty() && host.ipv6.is_empty());
    assert_eq!(hosts.tracker.hosts().count(), 1);
}

#[test]
fn a_host_whose_port_went_away_is_followed_at_once() {
    let mut hosts = Fixture::new();
    let (old, new) = (port(1, 1), port(2, 1));
    hosts.see(H1, &[ip(1)], old);
    assert_eq!(hosts.tracker.port_gone(old, hosts.now()), []);
    assert!(!hosts.tracker.get(H1).unwrap().attached);
    assert_eq!(
        hosts.see(H1, &[], new),
        Some(HostChange::Moved {
            mac: H1,
            from: old,
            to: new
        })
    );
    assert!(hosts.tracker.get(H1).unwrap().attached);
    assert_eq!(
        hosts.after(MEMORY_MS * 2),
        [],
        "it is not forgotten any more"
    );
}

#[test]
fn a_host_seen_elsewhere_before_its_port_went_away_moves_when_it_does() {
    let mut hosts = Fixture::new();
    let (old, new) = (port(1, 1), port(2, 1));
    hosts.see(H1, &[], old);
    let conflict = HostChange::Conflict {
        mac: H1,
        attached: old,
        claimed: new,
    };
    assert_eq!(hosts.see(H1, &[], new), Some(conflict));
    let moved = HostChange::Moved {
        mac: H1,
        from: old,
        to: new,
    };
    assert_eq!(hosts.tracker.port_gone(old, hosts.now()), [moved]);
}

#[test]
fn an_impostor_does_not_move_a_host_that_answers() {
    let mut hosts = Fixture::new();
    let (real, fake) = (port(1, 1), port(2, 1));
    hosts.see(H1, &[ip(1)], real);
    hosts.after(60_000);
    let conflict = HostChange::Conflict {
        mac: H1,
        attached: real,
        claimed: fake,
    };
    assert_eq!(hosts.see(H1, &[ip(66)], fake), Some(conflict));
    hosts.after(200);
    assert_eq!(
        hosts.see(H1, &[ip(66)], fake),
        None,
        "reported once a second"
    );
    assert_eq!(hosts.see(H1, &[ip(1)], real), None, "its answer");
    for _ in 0..100 {
        assert_eq!(hosts.after(100), []);
    }
    assert_eq!(hosts.place(H1), real);
    assert!(
        !hosts
            .tracker
            .get(H1)
            .unwrap()
            .ipv4
            .contains(&Ipv4Addr::new(10, 0, 0, 66))
    );
    assert_eq!(
        hosts.see(H1, &[], fake),
        Some(conflict),
        "a new claim is news again"
    );
}

#[test]
fn a_silent_host_that_does_not_answer_moves_after_a_second() {
    let mut hosts = Fixture::new();
    let (old, new) = (port(1, 1), port(2, 1));
    hosts.see(H1, &[], old);
    hosts.after(60_000);
    hosts.see(H1, &[], new);
    assert_eq!(
        hosts.tracker.next_deadline(),
        Some(hosts.now() + ANSWER_TIME)
    );
    assert_eq!(hosts.after(999), []);
    assert_eq!(
        hosts.after(1),
        [HostChange::Moved {
            mac: H1,
            from: old,
            to: new
        }]
    );
}

#[test]
fn a_host_heard_just_now_is_waited_for_longer() {
    let mut hosts = Fixture::new();
    hosts.see(H1, &[], port(1, 1));
    hosts.see(H1, &[], port(2, 1));
    assert_eq!(hosts.after(4_999), []);
    assert_eq!(hosts.after(1).len(), 1);
    assert_eq!(hosts.place(H1), port(2, 1));
}

#[test]
fn a_claim_dies_with_the_port_it_came_from() {
    let mut hosts = Fixture::new();
    hosts.see(H1, &[], port(1, 1));
    hosts.see(H1, &[], port(2, 1));
    assert_eq!(hosts.tracker.port_gone(port(2, 1), hosts.now()), []);
    assert_eq!(hosts.after(60_000), []);
    assert_eq!(hosts.place(H1), port(1, 1));
}

#[test]
fn hosts_of_a_lost_port_are_forgotten_unless_it_comes_back() {
    let mut hosts = Fixture::new();
    let at = port(1, 1);
    hosts.see(H1, &[ip(1)], at);
    hosts.tracker.port_gone(at, hosts.now());
    hosts.tracker.port_back(at, hosts.now());
    hosts.see(H1, &[ip(1)], at);
    assert_eq!(hosts.after(MEMORY_MS * 2), []);
    hosts.tracker.port_gone(at, hosts.now());
    assert_eq!(hosts.after(MEMORY_MS), [HostChange::Gone { mac: H1, at }]);
    assert_eq!(hosts.tracker.hosts().count(), 0);
    assert_eq!(hosts.tracker.addresses().count(), 0);
    assert_eq!(hosts.tracker.next_deadline(), None);
}

#[test]
fn an_address_belongs_to_the_host_that_used_it_last() {
    let mut hosts = Fixture::new();
    hosts.see(H1, &[ip(1)], port(1, 1));
    hosts.see(H2, &[ip(1)], port(1, 2));
    assert!(hosts.tracker.get(H1).unwrap().ipv4.is_empty());
    assert_eq!(hosts.tracker.addresses().collect::<Vec<_>>(), [(ip(1), H2)]);
}

#[test]
fn one_port_and_one_host_cannot_take_all_the_memory() {
    let mut hosts = Fixture::new();
    for n in 0..=MAX_HOSTS_PER_PORT as u64 {
        hosts.see(MacAddr::from_u64(0x0600_0000_0000 + n), &[], port(1, 1));
    }
    assert_eq!(hosts.tracker.hosts().count(), MAX_HOSTS_PER_PORT);
    assert_eq!(hosts.tracker.refused(), 1);
    assert!(
        hosts
            .see(MacAddr([4, 0, 0, 0, 0, 1]), &[], port(1, 2))
            .is_some(),
        "other ports have room"
    );
    let many: Vec<IpAddr> = (1..=200).map(ip).collect();
    hosts.see(H1, &many, port(1, 3));
    let host = hosts.tracker.get(H1).unwrap();
    assert_eq!(host.ipv4.len(), MAX_ADDRESSES);
}

#[test]
fn hosts_on_what_turns_out_to_be_a_link_were_never_there() {
    let mut hosts = Fixture::new();
    let at = port(1, 1);
    hosts.see(H1, &[ip(1)], at);
    assert_eq!(
        hosts.tracker.port_is_link(at),
        [HostChange::Gone { mac: H1, at }]
    );
    assert_eq!(hosts.tracker.addresses().count(), 0);
}

#[test]
fn a_host_is_in_the_vlans_it_sends_in_and_so_are_its_addresses() {
    let mut hosts = Fixture::new();
    hosts.see(H1, &[ip(1)], port(1, 1));
    let news = Some(HostChange::AddressAdded { mac: H1 });
    assert_eq!(hosts.see_in(20, H1, &[ip(2)]), news);
    assert_eq!(hosts.see_in(10, H1, &[]), news);
    assert_eq!(hosts.see_in(10, H1, &[]), None);
    assert_eq!(hosts.see_in(0, H1, &[ip(1)]), None, "only a priority");
    let host = hosts.tracker.get(H1).unwrap();
    assert_eq!(host.vlans, BTreeSet::from([10, 20]));
    let tags = [ip(1), ip(2)].map(|address| host.vlan_of(address));
    assert_eq!(tags, [None, Some(20)]);
    assert_eq!(
        hosts.see_in(30, H1, &[ip(2)]),
        news,
        "an address may change its VLAN"
    );
    assert_eq!(hosts.tracker.get(H1).unwrap().vlan_of(ip(2)), Some(30));
    (100..300).for_each(|vlan| _ = hosts.see_in(vlan, H1, &[]));
    assert_eq!(hosts.tracker.get(H1).unwrap().vlans.len(), MAX_VLANS);
}

#[test]
fn a_silent_host_is_asked_for_all_its_addresses_and_forgotten_when_none_answers() {
    let mut hosts = Fixture::new();
    let at = port(1, 1);
    hosts.see(H1, &[ip(1)], at);
    hosts.see_in(7, H1, &["fe80::1".parse().unwrap()]);
    let all = vec![(H1, ip(1), None), (H1, "fe80::1".parse().unwrap(), Some(7))];
    assert_eq!(hosts.after(299_999), []);
    assert_eq!(hosts.asked(), []);
    assert_eq!(hosts.after(1), []);
    assert_eq!(hosts.asked(), all);
    hosts.see(H1, &[], at);
    assert_eq!(hosts.after(299_000), [], "it has answered");
    assert_eq!(hosts.asked(), []);
    for wait in [1_000, 1_000, 1_000] {
        assert_eq!(hosts.after(wait), []);
        assert_eq!(hosts.asked(), all);
    }
    assert_eq!(hosts.after(1_000), [HostChange::Gone { mac: H1, at }]);
    assert_eq!(hosts.tracker.next_deadline(), None);
}

#[test]
fn a_host_that_speaks_now_and_then_is_never_asked() {
    let mut hosts = Fixture::new();
    for _ in 0..50 {
        hosts.see(H1, &[ip(1)], port(1, 1));
        assert_eq!(hosts.after(250_000), []);
        assert_eq!(hosts.asked(), []);
    }
}

#[test]
fn a_host_without_an_address_can_not_be_asked_and_stays() {
    let mut hosts = Fixture::new();
    hosts.see(H1, &[], port(1, 1));
    assert_eq!(hosts.after(10_000_000), []);
    assert_eq!(hosts.asked(), []);
}

#[test]
fn hosts_of_a_port_that_came_back_are_asked_at_once_and_gone_in_three_seconds() {
    let mut hosts = Fixture::new();
    let at = port(1, 1);
    hosts.see(H1, &[ip(1)], at);
    hosts.see(H2, &[], at);
    hosts.tracker.port_gone(at, hosts.now());
    hosts.after(10_000);
    hosts.tracker.port_back(at, hosts.now());
    assert_eq!(hosts.after(0), []);
    assert_eq!(hosts.asked(), [(H1, ip(1), None)]);
    let is_present = |hosts: &Fixture, mac| hosts.tracker.get(mac).map(Host::is_present);
    assert_eq!(is_present(&hosts, H1), Some(false));
    assert_eq!(
        hosts.see(H1, &[ip(1)], at),
        Some(HostChange::AddressAdded { mac: H1 })
    );
    assert_eq!(is_present(&hosts, H1), Some(true));
    assert_eq!(hosts.after(1_000), []);
    assert_eq!(hosts.after(1_000), []);
    assert_eq!(
        hosts.after(1_000),
        [HostChange::Gone { mac: H2, at }],
        "also one that can not be asked"
    );
    assert_eq!(hosts.after(200_000), []);
}

#[test]
fn until_it_has_had_time_to_answer_no_other_port_gets_a_host_whose_port_came_back() {
    let mut hosts = Fixture::new();
    let (at, other) = (port(1, 1), port(2, 1));
    hosts.see(H1, &[ip(1)], at);
    hosts.after(60_000);
    hosts.tracker.port_gone(at, hosts.now());
    hosts.tracker.port_back(at, hosts.now());
    let claim = hosts.see(H1, &[], other);
    assert!(matches!(claim, Some(HostChange::Conflict { .. })));
    assert_eq!(hosts.asked(), [(H1, ip(1), None)]);
    hosts.see(H1, &[], at);
    assert_eq!(hosts.after(60_000), []);
    assert_eq!(hosts.place(H1), at);
}

#[test]
fn a_host_is_forgotten_on_request() {
    let mut hosts = Fixture::new();
    let at = port(1, 1);
    hosts.see(H1, &[ip(1)], at);
    let gone = Some(HostChange::Gone { mac: H1, at });
    assert_eq!(hosts.tracker.forget(H1), gone);
    assert_eq!(hosts.tracker.forget(H1), None);
    assert_eq!(hosts.tracker.addresses().count(), 0);
    assert_eq!(hosts.tracker.next_deadline(), None);
    assert!(hosts.see(H1, &[ip(1)], at).is_some());
}
