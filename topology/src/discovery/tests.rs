use std::collections::BTreeSet;

use super::*;

mod forgery;
mod segment;

const KEY: [u8; 64] = [7; 64];

fn port(dpid: u64, port: u32) -> PortRef {
    PortRef::new(DatapathId(dpid), PortNo(port))
}

fn link(src: PortRef, dst: PortRef) -> Link {
    Link { src, dst }
}

fn is_broadcast(probe: &Probe) -> bool {
    probe.frame.starts_with(&[0xff; 6])
}

/// A prober, a clock, and cables and bridges that carry what the prober sends.
struct Bench {
    prober: Discovery,
    cables: BTreeMap<PortRef, PortRef>,
    bridges: Vec<BTreeSet<PortRef>>,
    start: Instant,
    millis: u64,
    sent: Vec<(u64, Probe)>,
    changes: Vec<Change>,
}

impl Bench {
    fn new() -> Self {
        Self {
            prober: Discovery::new(RunKey::from_bytes(KEY), Timing::default()),
            cables: BTreeMap::new(),
            bridges: Vec::new(),
            start: Instant::now(),
            millis: 0,
            sent: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Two switches, ports 1 to `ports` up, joined at their ports 1.
    fn pair(ports: u32) -> Self {
        let mut bench = Self::new();
        bench.plug(port(1, 1), port(2, 1));
        bench.connect(1, ports);
        bench.connect(2, ports);
        bench
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.millis)
    }

    fn plug(&mut self, a: PortRef, b: PortRef) {
        self.cables.insert(a, b);
        self.cables.insert(b, a);
    }

    fn cut(&mut self, a: PortRef) {
        self.cables.retain(|from, to| *from != a && *to != a);
    }

    fn connect(&mut self, dpid: u64, ports: u32) {
        self.prober
            .switch_up(DatapathId(dpid), (1..=ports).map(PortNo), self.now());
    }

    /// Sends what is due, delivers it at once, and repeats while that makes more due.
    fn round(&mut self) {
        loop {
            let (probes, changes) = self.prober.poll(self.now());
            self.changes.extend(changes);
            if probes.is_empty() {
                return;
            }
            for probe in probes {
                for to in self.ends(&probe) {
                    self.deliver(to, &probe);
                }
                self.sent.push((self.millis, probe));
            }
        }
    }

    /// Where a frame comes out: what is broadcast comes through bridges, too.
    fn ends(&self, probe: &Probe) -> Vec<PortRef> {
        let bridged = self
            .bridges
            .iter()
            .filter(|ports| ports.contains(&probe.port));
        let bridged = bridged.filter(|_| is_broadcast(probe)).flatten();
        let cable = self.cables.get(&probe.port);
        let ends = cable.into_iter().chain(bridged).copied();
        ends.filter(|end| *end != probe.port || cable == Some(end))
            .collect()
    }

    fn deliver(&mut self, to: PortRef, probe: &Probe) -> LldpVerdict {
        let now = self.now();
        let verdict = self.prober.on_lldp(to.dpid, to.port, &probe.frame, now);
        self.changes.extend(self.prober.take_changes());
        verdict
    }

    /// Lets time pass, polling exactly when asked to.
    fn run(&mut self, millis: u64) {
        let end = self.now() + Duration::from_millis(millis);
        self.round();
        while let Some(at) = self.prober.next_deadline().filter(|at| *at <= end) {
            let since = at.saturating_duration_since(self.start);
            self.millis = self.millis.max(since.as_nanos().div_ceil(1_000_000) as u64);
            self.round();
        }
        self.millis = end.duration_since(self.start).as_millis() as u64;
    }

    fn sent_by(&self, from: PortRef) -> Vec<u64> {
        self.sent
            .iter()
            .filter(|(_, probe)| probe.port == from && !is_broadcast(probe))
            .map(|(at, _)| *at)
            .collect()
    }

    fn links(&self) -> BTreeSet<Link> {
        self.prober.graph().links().collect()
    }

    fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    fn alarm(&mut self, to: PortRef, probe: &Probe) -> Option<AlarmReason> {
        let before = self.links();
        let verdict = self.deliver(to, probe);
        assert_eq!(self.links(), before, "nothing but the verdict comes of it");
        match verdict {
            LldpVerdict::Alarm(alarm) => {
                assert_eq!((alarm.port, alarm.claimed), (to, probe.port));
                Some(alarm.reason)
            }
            _ => None,
        }
    }
}

#[test]
fn both_directions_are_known_after_the_first_round() {
    let mut bench = Bench::pair(1);
    bench.round();
    let there = link(port(1, 1), port(2, 1));
    assert_eq!(bench.links(), BTreeSet::from([there, there.reversed()]));
    assert_eq!(
        bench.take_changes(),
        [Change::LinkUp(there), Change::LinkUp(there.reversed())]
    );
    assert_eq!(bench.sent.len(), 2, "nothing is sent twice");
    assert_eq!(bench.prober.kind(port(1, 1)), PortKind::Link);
}

#[test]
fn a_hundred_switches_and_two_hundred_links_are_complete_after_the_first_round() {
    let mut bench = Bench::new();
    let mut expected = BTreeSet::new();
    for dpid in 0..100 {
        for (out, offset) in [(1, 1), (2, 7)] {
            let (a, b) = (
                port(dpid + 1, out),
                port((dpid + offset) % 100 + 1, out + 2),
            );
            bench.plug(a, b);
            expected.extend([link(a, b), link(b, a)]);
        }
    }
    (1..=100).for_each(|dpid| bench.connect(dpid, 4));
    bench.round();
    assert_eq!(bench.links(), expected);
    assert_eq!(bench.sent.len(), 400);
    // Steady state: no tick carries a burst, and every port has its turn.
    bench.run(10_000);
    bench.sent.clear();
    bench.run(10_000);
    assert_eq!(bench.links(), expected);
    let per_tick = (0..100).map(|tick| {
        let span = bench.millis - 10_000 + tick * 100..bench.millis - 10_000 + tick * 100 + 100;
        bench
            .sent
            .iter()
            .filter(|(at, _)| span.contains(at))
            .count()
    });
    assert!(per_tick.max().unwrap() < 40);
    assert!(
        (800..=1100).contains(&bench.sent.len()),
        "{} probes in 10 s",
        bench.sent.len()
    );
}

#[test]
fn a_switch_that_comes_later_is_joined_at_once() {
    let mut bench = Bench::new();
    bench.plug(port(1, 1), port(2, 1));
    bench.connect(1, 1);
    bench.run(3_300);
    bench.connect(2, 1);
    bench.round();
    assert_eq!(
        bench.links().len(),
        2,
        "without waiting for the first switch's next regular probe"
    );
}

#[test]
fn a_far_probe_that_is_on_its_way_is_not_repeated() {
    let mut bench = Bench::pair(1);
    let (probes, _) = bench.prober.poll(bench.now());
    bench.deliver(port(2, 1), &probes[0]);
    bench.millis += 5;
    assert_eq!(bench.prober.poll(bench.now()).0, []);
    bench.millis += 45;
    let (again, _) = bench.prober.poll(bench.now());
    assert_eq!(
        again.iter().map(|probe| probe.port).collect::<Vec<_>>(),
        [port(2, 1)]
    );
}

#[test]
fn a_lost_probe_is_repeated_within_a_second() {
    let mut bench = Bench::pair(1);
    let cables = std::mem::take(&mut bench.cables);
    bench.round();
    assert_eq!(bench.links().len(), 0);
    bench.cables = cables;
    bench.run(300);
    assert_eq!(bench.links().len(), 2);
}

#[test]
fn a_port_without_a_link_is_probed_with_back_off() {
    let mut bench = Bench::new();
    bench.connect(1, 1);
    bench.run(60_000);
    let times = bench.sent_by(port(1, 1));
    assert_eq!(times[..4], [0, 250, 750, 1750]);
    let gaps: Vec<u64> = times[4..]
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert!(
        gaps.len() >= 10 && gaps.iter().all(|gap| (4_000..=5_001).contains(gap)),
        "{gaps:?}"
    );
}

#[test]
fn a_port_settles_when_two_probes_and_the_settle_time_brought_no_link() {
    let mut bench = Bench::pair(2);
    let (linked, edge) = (port(1, 1), port(1, 2));
    bench.run(599);
    assert!(!bench.prober.is_settled(edge, bench.now()));
    assert_eq!(bench.prober.kind(edge), PortKind::Unknown);
    bench.take_changes();
    bench.run(1);
    assert!(bench.prober.is_settled(edge, bench.now()));
    assert_eq!(bench.prober.kind(edge), PortKind::Edge);
    assert_eq!(
        bench.take_changes(),
        [Change::EdgeUp(edge), Change::EdgeUp(port(2, 2))]
    );
    bench.run(60_000);
    assert!(!bench.prober.is_settled(linked, bench.now()));
    bench.prober.port_down(edge, bench.now());
    assert_eq!(bench.prober.take_changes(), [Change::EdgeDown(edge)]);
    assert_eq!(bench.prober.kind(edge), PortKind::Unknown);
}

#[test]
fn a_late_poll_still_leaves_the_second_probe_time_to_be_answered() {
    let mut bench = Bench::new();
    bench.connect(1, 1);
    bench.round();
    bench.millis = 5_000;
    bench.round();
    assert!(!bench.prober.is_settled(port(1, 1), bench.now()));
    bench.run(300);
    assert!(bench.prober.is_settled(port(1, 1), bench.now()));
}

#[test]
fn a_link_goes_at_once_with_its_port_or_its_switch() {
    let there = link(port(1, 1), port(2, 1));
    let both = BTreeSet::from([there, there.reversed()]);
    type Event = fn(&mut Discovery, Instant);
    let events: [Event; 4] = [
        |prober, now| prober.port_down(port(1, 1), now),
        |prober, now| prober.port_removed(port(2, 1), now),
        |prober, now| prober.switch_down(DatapathId(1), now),
        |prober, now| prober.switch_up(DatapathId(2), [], now),
    ];
    for event in events {
        let mut bench = Bench::pair(1);
        bench.round();
        let now = bench.now();
        event(&mut bench.prober, now);
        let down: BTreeSet<Link> = bench
            .prober
            .take_changes()
            .into_iter()
            .filter_map(|change| {
                if let Change::LinkDown(link) = change {
                    Some(link)
                } else {
                    None
                }
            })
            .collect();
        assert_eq!((down, bench.links().len()), (both.clone(), 0));
    }
}

#[test]
fn a_link_that_fell_silent_ages_out_after_three_missed_probes() {
    let mut bench = Bench::pair(1);
    bench.run(20_000);
    bench.cut(port(1, 1));
    bench.sent.clear();
    bench.run(10_000);
    assert_eq!(bench.links().len(), 2, "two missed probes are not enough");
    bench.run(7_000);
    assert_eq!(bench.links().len(), 0);
    // For a while it is taken for a link without an answer rather than for a place where hosts are.
    bench.run(30_000);
    assert_eq!(bench.prober.kind(port(1, 1)), PortKind::Unknown);
    bench.run(60_000);
    assert_eq!(bench.prober.kind(port(1, 1)), PortKind::Edge);
}

#[test]
fn a_controller_that_slept_loses_no_link() {
    let mut bench = Bench::pair(1);
    bench.run(20_000);
    bench.take_changes();
    bench.millis += 600_000;
    bench.run(30_000);
    assert_eq!(bench.links().len(), 2);
    assert_eq!(bench.take_changes(), []);
}

#[test]
fn a_recabled_port_loses_the_old_link_and_gains_the_new_one() {
    let mut bench = Bench::pair(1);
    bench.connect(3, 1);
    bench.run(2_000);
    bench.take_changes();
    bench.cut(port(1, 1));
    bench.plug(port(1, 1), port(3, 1));
    bench.run(6_000);
    let (old, new) = (link(port(1, 1), port(2, 1)), link(port(1, 1), port(3, 1)));
    assert_eq!(bench.links(), BTreeSet::from([new, new.reversed()]));
    let changes = bench.take_changes();
    let at = |change: Change| changes.iter().position(|known| *known == change).unwrap();
    assert!(at(Change::LinkDown(old)) < at(Change::LinkUp(new)));
    assert!(at(Change::LinkDown(old.reversed())) < at(Change::LinkUp(new)));
}

#[test]
fn a_cable_from_a_switch_to_itself_is_a_link() {
    let mut bench = Bench::new();
    bench.plug(port(1, 1), port(1, 2));
    bench.plug(port(1, 3), port(1, 3));
    bench.connect(1, 3);
    bench.run(5_000);
    assert_eq!(bench.links().len(), 3);
    assert!((1..=3).all(|number| bench.prober.kind(port(1, number)) == PortKind::Link));
    bench.prober.switch_down(DatapathId(1), bench.now());
    assert_eq!(bench.links().len(), 0);
}

#[test]
fn a_marker_is_reported_where_it_arrives() {
    let mut bench = Bench::pair(1);
    bench.round();
    let marker = bench.prober.marker(port(1, 1), bench.now()).unwrap();
    let expected = LldpVerdict::Marker {
        nonce: marker.nonce,
        from: port(1, 1),
        at: port(2, 1),
    };
    assert_eq!(bench.deliver(port(2, 1), &marker), expected);
    assert_eq!(
        bench.prober.marker(port(1, 9), bench.now()),
        None,
        "a port that is not up"
    );
}

#[test]
fn frames_of_others_and_late_ones_raise_no_alarm() {
    let mut bench = Bench::pair(1);
    bench.round();
    let (_, captured) = bench.sent[0].clone();
    bench.prober.port_down(captured.port, bench.now());
    assert_eq!(
        bench.deliver(port(2, 1), &captured),
        LldpVerdict::Late {
            from: captured.port
        }
    );
    let now = bench.now();
    let verdict = bench
        .prober
        .on_lldp(DatapathId(1), PortNo(1), &[0; 20], now);
    assert_eq!(verdict, LldpVerdict::Malformed(LldpError::NotLldp));
    let mut frame = captured.frame[..47].to_vec();
    assert_eq!(
        bench
            .prober
            .on_lldp(DatapathId(1), PortNo(1), &frame[..46], now),
        LldpVerdict::Foreign
    );
    frame.truncate(45);
    let verdict = bench.prober.on_lldp(DatapathId(1), PortNo(1), &frame, now);
    assert!(matches!(
        verdict,
        LldpVerdict::Malformed(LldpError::Truncated { .. })
    ));
    let counted = bench.prober.counters();
    assert_eq!(
        (
            counted.late,
            counted.foreign,
            counted.malformed,
            counted.alarms
        ),
        (1, 1, 2, 0)
    );
}

#[test]
fn what_is_not_a_port_of_a_connected_switch_is_not_probed() {
    let mut bench = Bench::new();
    bench.prober.port_up(port(9, 1), bench.now());
    bench.prober.switch_up(
        DatapathId(1),
        [PortNo::LOCAL, PortNo(0), PortNo(1)],
        bench.now(),
    );
    bench.round();
    assert_eq!(
        bench
            .sent
            .iter()
            .map(|(_, probe)| probe.port)
            .collect::<Vec<_>>(),
        [port(1, 1)]
    );
    bench.prober.switch_down(DatapathId(1), bench.now());
    assert_eq!(bench.prober.next_deadline(), None);
}

#[test]
fn ten_thousand_ports_are_polled_by_what_is_due() {
    let mut bench = Bench::new();
    (1..=200).for_each(|dpid| bench.connect(dpid, 50));
    bench.run(3_000);
    let started = Instant::now();
    for _ in 0..10_000 {
        let (probes, _) = bench.prober.poll(bench.now());
        assert_eq!(probes, []);
    }
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "an idle poll looks at one deadline"
    );
}
