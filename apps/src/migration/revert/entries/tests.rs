use godwit_openflow::model::{Action, Bucket, GroupStats, GroupType, Instruction, Port};
use godwit_openflow::types::{Cookie, MacAddr, PortNo, Version};

use super::*;
use crate::migration::planning::Chosen;
use crate::migration::request::{Algorithm, Request};
use crate::migration::transplant::Holdings;
use crate::migration::transplant::graft::{Scene, graft};
use crate::migration::transplant::tests::world::graph;
use crate::plan::Kind;

const SOURCE: DatapathId = DatapathId(1);
const TARGET: DatapathId = DatapathId(2);

type Sites = BTreeMap<DatapathId, Site>;

fn port(number: u32) -> Port {
    Port {
        number: PortNo(number),
        mac: MacAddr([2, 0, 0, 0, 0, 1]),
        name: String::new(),
        admin_down: false,
        link_down: false,
        config: 0,
        state: 0,
        features: [0; 4],
        current_speed: 0,
        max_speed: 0,
    }
}

fn rule(priority: u16, pattern: Pattern, out: u32) -> FlowRule {
    FlowRule::new(priority, pattern, vec![Action::output(PortNo(out))]).with_cookie(Cookie(7))
}

fn stats(rule: FlowRule, seconds: u64) -> FlowStats {
    FlowStats {
        rule,
        duration_ns: seconds * 1_000_000_000,
        packets: 0,
        bytes: 0,
    }
}

fn group(number: u32, actions: Vec<Action>) -> (GroupDescription, GroupStats) {
    let bucket = Bucket {
        weight: 0,
        watch_port: None,
        watch_group: None,
        actions,
    };
    let description = GroupDescription {
        group_type: GroupType::Indirect,
        group: GroupId(number),
        buckets: vec![bucket],
    };
    (description, GroupStats::silent(GroupId(number)))
}

/// Port 3 to port 4 by an entry with a timeout, and by two groups, one within the other; the switch behind tells by the
/// port what comes from the source.
fn sites() -> Sites {
    let ports = [
        (1, vec![3, 4]),
        (2, vec![13, 14]),
        (3, vec![1, 2, 100]),
        (4, vec![1, 2, 100]),
    ];
    let sites = ports.into_iter().map(|(dpid, ports)| Site {
        dpid: DatapathId(dpid),
        version: Version::V13,
        tables: 4,
        ports: ports.into_iter().map(port).collect(),
        holdings: Holdings::default(),
    });
    let mut sites: Sites = sites.map(|site| (site.dpid, site)).collect();
    let mut timed = rule(9, Pattern::new().eth_type(0x800), 4);
    timed.hard_timeout = 100;
    let mut grouped = rule(8, Pattern::new().eth_type(0x86dd).in_port(PortNo(3)), 4);
    grouped.instructions = vec![Instruction::ApplyActions(vec![Action::Group(GroupId(1))])];
    hold(&mut sites, 1).rules = vec![stats(timed, 10), stats(grouped, 10)];
    hold(&mut sites, 1).groups = vec![
        group(1, vec![Action::Group(GroupId(2))]),
        group(2, vec![Action::output(PortNo(4))]),
    ];
    hold(&mut sites, 2).groups = vec![group(2, vec![Action::output(PortNo(13))])];
    hold(&mut sites, 3).rules = vec![stats(rule(5, Pattern::new().in_port(PortNo(100)), 1), 0)];
    hold(&mut sites, 4).rules = vec![stats(rule(5, Pattern::new().in_port(PortNo(1)), 100), 0)];
    sites
}

fn hold(sites: &mut Sites, dpid: u64) -> &mut Holdings {
    &mut sites.get_mut(&DatapathId(dpid)).unwrap().holdings
}

fn planned(sites: &Sites, mixes: bool) -> Planned {
    let (graph, moving) = (graph(), BTreeSet::new());
    let scene = Scene {
        graph: &graph,
        source: &sites[&SOURCE],
        target: &sites[&TARGET],
        neighbours: sites,
        moving: &moving,
        mixes,
        detours: true,
    };
    let (transplant, rounds) = graft(&scene)
        .unwrap()
        .into_rounds(Vec::new(), TARGET, !mixes);
    Planned {
        request: Request::new(SOURCE, Some(TARGET), Algorithm::Clone),
        flows: Vec::new(),
        rounds,
        transplant: Some(transplant),
        shape: Chosen::default(),
        perishable: Vec::new(),
    }
}

/// Does the steps on what the sites hold.
fn perform<'a>(sites: &mut Sites, steps: impl IntoIterator<Item = &'a EntryStep>) {
    for step in steps {
        let site = sites.get_mut(&step.dpid).unwrap();
        let Holdings { rules, groups, .. } = &mut site.holdings;
        match (&step.before, &step.after) {
            (before, Some(Entry::Rule(rule))) => {
                let there = rules.iter().position(|held| held.rule.same_identity(rule));
                assert_eq!(there.is_some(), before.is_some(), "{step:?}");
                match there {
                    Some(there) => rules[there].rule.instructions = rule.instructions.clone(),
                    None => rules.push(stats(rule.clone(), 0)),
                }
            }
            (None, Some(Entry::Group(new))) => {
                for action in &new.buckets[0].actions {
                    if let Action::Group(other) = action {
                        assert!(groups.iter().any(|(held, _)| held.group == *other));
                    }
                }
                groups.push(group(new.group.0, new.buckets[0].actions.clone()));
            }
            (Some(Entry::Rule(rule)), None) => {
                let before = rules.len();
                rules.retain(|held| !held.rule.same_identity(rule));
                assert_eq!(rules.len(), before - 1, "{step:?}");
            }
            (Some(Entry::Group(old)), None) => groups.retain(|(held, _)| held.group != old.group),
            _ => panic!("{step:?}"),
        }
    }
}

fn there(sites: &mut Sites, mixes: bool) -> Displaced {
    let plan = planned(sites, mixes);
    perform(sites, plan.rounds.iter().flat_map(|round| &round.entries));
    Displaced::of(&plan).unwrap()
}

/// What the sites hold, without ages, in an order that does not depend on how it came about.
fn shown(sites: &Sites) -> Vec<String> {
    let mut shown = Vec::new();
    for (dpid, site) in sites {
        let rules = site.holdings.rules.iter();
        shown.extend(rules.map(|held| {
            let rule = FlowRule {
                hard_timeout: 0,
                ..held.rule.clone()
            };
            format!("{dpid} {rule:?}")
        }));
        let groups = site.holdings.groups.iter();
        shown.extend(groups.map(|(group, _)| format!("{dpid} {group:?}")));
    }
    shown.sort();
    shown
}

#[test]
fn there_and_back_is_as_if_nothing_had_been_whatever_the_algorithm() {
    for mixes in [true, false] {
        let mut sites = sites();
        let before = shown(&sites);
        let displaced = there(&mut sites, mixes);
        assert_ne!(shown(&sites), before);
        let text = serde_json::to_string(&displaced).unwrap();
        let displaced: Displaced = serde_json::from_str(&text).unwrap();
        let steps = displaced.back(SOURCE, TARGET, &sites, &[]).unwrap();
        let (transplant, rounds) = steps.into_rounds(Vec::new(), SOURCE, false);
        let kinds: Vec<Kind> = rounds.iter().map(|round| round.kind).collect();
        assert_eq!(kinds, [Kind::Install, Kind::Flip, Kind::Remove]);
        perform(&mut sites, rounds.iter().flat_map(|round| &round.entries));
        assert_eq!(shown(&sites), before);
        assert_eq!((transplant.rules.len(), transplant.twins.len()), (2, 1));
        assert_eq!((transplant.groups, transplant.meters), (2, 0));
        // 1 and 2 had been 1 and 3 there.
        let numbers = BTreeMap::from([(GroupId(3), GroupId(2))]);
        assert_eq!(transplant.numbers.groups, numbers);
    }
}

#[test]
fn a_hard_timeout_keeps_what_remains_of_it() {
    let mut sites = sites();
    let displaced = there(&mut sites, true);
    for held in &mut hold(&mut sites, 2).rules {
        held.duration_ns = 30_000_000_000;
    }
    let steps = displaced.back(SOURCE, TARGET, &sites, &[]).unwrap();
    let timeouts = steps.put.iter().filter_map(|step| match &step.after {
        Some(Entry::Rule(rule)) => Some(rule.hard_timeout),
        _ => None,
    });
    // 10 s on the source, 30 s on the target.
    assert_eq!(timeouts.collect::<Vec<_>>(), [60, 0]);
}

#[test]
fn what_has_ended_on_the_target_stays_ended() {
    let mut sites = sites();
    let displaced = there(&mut sites, true);
    hold(&mut sites, 2)
        .rules
        .retain(|held| held.rule.hard_timeout == 0);
    hold(&mut sites, 4).rules.clear();
    hold(&mut sites, 2)
        .groups
        .retain(|(group, _)| group.group != GroupId(3));
    let steps = displaced.back(SOURCE, TARGET, &sites, &[]).unwrap();
    assert_eq!(steps.transplant.rules.len(), 1);
    assert_eq!(steps.put.len(), 2, "{:?}", steps.put);
    assert_eq!((steps.taken.len(), steps.shells.len()), (1, 1));
    assert!(steps.twins.is_empty() && steps.old_twins.is_empty());
    assert!(steps.transplant.twins.is_empty());
    assert_eq!(steps.flips.len(), 1);
}

#[test]
fn everything_that_somebody_has_changed_since_is_named() {
    let mut sites = sites();
    let displaced = there(&mut sites, true);
    let drops = vec![Instruction::ApplyActions(Vec::new())];
    hold(&mut sites, 2).rules[0].rule.instructions = drops.clone();
    hold(&mut sites, 3).rules[0].rule.instructions = drops;
    let grouped = Pattern::new().eth_type(0x86dd).in_port(PortNo(3));
    hold(&mut sites, 1)
        .rules
        .push(stats(rule(8, grouped, 9), 0));
    hold(&mut sites, 1).groups.push(group(2, Vec::new()));
    let reasons = displaced.back(SOURCE, TARGET, &sites, &[]).unwrap_err();
    assert_eq!(reasons.len(), 4, "{reasons:?}");
    for (number, needed) in [
        (2, "somebody has changed"),
        (3, "somebody has changed"),
        (1, "another stands in the place of group 2"),
    ] {
        let like = |reason: &String| {
            reason.starts_with(&format!("switch {}", DatapathId(number))) && reason.contains(needed)
        };
        assert!(reasons.iter().any(like), "{number} {needed}: {reasons:?}");
    }
}

#[test]
fn what_was_added_in_the_sources_stead_goes_to_the_source() {
    let mut sites = sites();
    let displaced = there(&mut sites, true);
    let added = rule(6, Pattern::new().in_port(PortNo(13)), 14);
    hold(&mut sites, 2).rules.push(stats(added.clone(), 0));
    let gone = rule(6, Pattern::new().in_port(PortNo(14)), 13);
    let back = displaced.back(SOURCE, TARGET, &sites, &[added.clone(), gone]);
    let carried = back.unwrap().transplant.rules;
    let own = rule(6, Pattern::new().in_port(PortNo(3)), 4);
    let found = carried.iter().find(|carried| carried.source == added);
    assert_eq!(found.map(|carried| &carried.target), Some(&own));
    // Nothing on the source leads where the target's port 9 does.
    let lost = rule(6, Pattern::new().eth_type(0x8847), 9);
    hold(&mut sites, 2).rules.push(stats(lost.clone(), 0));
    let reasons = displaced.back(SOURCE, TARGET, &sites, &[lost]).unwrap_err();
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(reasons[0].contains("port 9"), "{reasons:?}");
}

#[test]
fn a_plan_that_moved_routes_only_has_nothing_to_take_back() {
    let mut plan = planned(&sites(), true);
    plan.transplant = Some(Transplant::default());
    assert!(Displaced::of(&plan).is_none());
    plan.transplant = None;
    assert!(Displaced::of(&plan).is_none());
}
