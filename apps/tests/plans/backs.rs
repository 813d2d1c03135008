//! Ways back: whole switches that have moved go back, after what others have done in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use godwit_apps::migration::planning::{Planned, Refusal, prove};
use godwit_apps::migration::request::{Algorithm, Request};
use godwit_apps::migration::revert::entries::Displaced;
use godwit_apps::migration::transplant::Site;
use godwit_apps::plan::verify::Guarantee;
use godwit_apps::plan::verify::entries::back::{WayBack, verify_back};
use godwit_apps::plan::{Flow, FlowId, Round};
use godwit_controller::Owner;
use godwit_controller::rules::base;
use godwit_openflow::model::{Action, FlowMod, FlowRule, GroupDescription, Pattern};
use godwit_openflow::types::{Cookie, DatapathId, MacAddr, PortNo};

use crate::forged::FAULTS;
use crate::grafts::Walk;
use crate::pipeline::{Fabric, Packet};
use crate::random::Random;
use crate::scene::{Ground, SOURCE, TARGET, wiring, wiring_with_detours, with_rounds};
use crate::sound::first_seed;
use crate::walk::interleaved;
use crate::wiring::Wiring;

/// Ways back that are planned, with and without detours together.
const CASES: usize = 250;

/// How many plans of each fault are to be found, and the scenes that are tried for that.
const WANTED: usize = 20;
const MOST_SCENES: u64 = 6_000;

/// What others have added between the way there and the way back.
const OTHERS: Cookie = Cookie(77);

/// What a detour's hops are known by.
const HOP: u64 = 0x6465_746f_7572;

#[derive(Debug, Default)]
struct Backs {
    walked: usize,
    disturbed: usize,
    states: usize,
    refused: BTreeMap<String, usize>,
    /// Of those that came by `clone`.
    refused_undisturbed: usize,
}

/// A scene, a plan of it that has been carried out, and what the switches hold by now.
struct Moved<'a> {
    ground: &'a Ground<'a>,
    displaced: Displaced,
    flows: Vec<Flow>,
    request: Request,
    fabric: Fabric<'a>,
    is_disturbed: bool,
}

impl<'a> Moved<'a> {
    fn new(ground: &'a Ground<'a>, planned: &Planned) -> Option<Self> {
        let mut fabric = ground.fabric.clone();
        for round in &planned.rounds {
            perform(&mut fabric, round).unwrap();
        }
        let turned = |flow: &Flow| Flow {
            template: flow.template.clone(),
            old: Some(flow.new.clone()),
            new: flow.old.clone().unwrap(),
        };
        Some(Self {
            ground,
            displaced: Displaced::of(planned)?,
            flows: planned.flows.iter().map(turned).collect(),
            request: Request {
                algorithm: Algorithm::Clone,
                reverts: Some(1),
                ..planned.request.clone()
            },
            fabric,
            is_disturbed: false,
        })
    }

    fn moving(&self) -> BTreeSet<FlowId> {
        self.flows.iter().map(|flow| flow.template.id).collect()
    }

    fn plan(&self, sites: &BTreeMap<DatapathId, Site>) -> Result<Planned, Refusal> {
        let routes = prove(&self.request, self.flows.clone()).unwrap();
        let graph = self.ground.wiring.topology.graph();
        self.displaced.planned(routes, graph, sites, &[])
    }

    /// What the switches hold; what others have added is younger than all else.
    fn sites(&self) -> BTreeMap<DatapathId, Site> {
        let mut sites = self.ground.sites_of(&self.fabric);
        for site in sites.values_mut() {
            for stats in &mut site.holdings.rules {
                if stats.rule.cookie == OTHERS {
                    stats.duration_ns = 0;
                }
            }
        }
        sites
    }

    /// Carries the way back out; gives the number of states that were looked at.
    fn walk(&self, planned: &Planned, orders: usize, random: &mut Random) -> Result<usize, String> {
        let (fabric, ends) = (self.fabric.clone(), [TARGET, SOURCE]);
        let mut walk = Walk::new(self.ground, fabric, Algorithm::Clone, ends);
        let mut end = self.fabric.clone();
        for round in &planned.rounds {
            perform(&mut end, round)?;
        }
        // A route that somebody stood in the way of goes as it should again.
        let moving = |packet: &Packet| {
            let mut patterns = self.flows.iter().map(|flow| &flow.template.pattern);
            patterns.any(|pattern| pattern.covers(&packet.fields))
        };
        walk.leave_out(|packet, from| {
            let ends = |fabric: &Fabric<'_>| fabric.follow(packet, from).ends;
            moving(packet) && ends(&self.fabric) != ends(&self.ground.fabric)
        });
        // What nothing takes on the source may have been taken by what the target had itself before.
        if self.ground.fabric.switches[&TARGET].rules.len() > base().len() {
            walk.leave_out(|packet, from| end.follow(packet, from).missed.contains(&SOURCE));
        }
        for (index, round) in planned.rounds.iter().enumerate() {
            let named = |harm| format!("round {} ({:?}): {harm}", index + 1, round.kind);
            walk.round(round, orders, random).map_err(named)?;
        }
        walk.judge(false)?;
        if !self.is_disturbed && shown(&walk.fabric) != shown(&self.ground.fabric) {
            return Err("not everything is as it was before the way there".to_owned());
        }
        for round in planned.rounds.iter().rev() {
            walk.perform(&interleaved(&round.undo(), random), true)?;
        }
        if walk.fabric.switches != self.fabric.switches {
            return Err("the way back is not undone".to_owned());
        }
        Ok(walk.states)
    }
}

/// Does a round, one switch after the other.
fn perform(fabric: &mut Fabric<'_>, round: &Round) -> Result<(), String> {
    let messages = round.messages();
    for (dpid, batch) in messages.batches() {
        for change in batch {
            fabric.change(dpid, change)?;
        }
    }
    Ok(())
}

/// What switches hold, but for timeouts, which run, and flags, some of which are wishes of the moment.
fn shown(
    fabric: &Fabric<'_>,
) -> BTreeMap<DatapathId, (Vec<FlowRule>, Vec<GroupDescription>, usize)> {
    let switches = fabric.switches.iter();
    let shown = switches.map(|(dpid, switch)| {
        let rules = switch.rules.values().map(|rule| FlowRule {
            cookie: rule.cookie,
            idle_timeout: rule.idle_timeout,
            instructions: rule.instructions.clone(),
            table: rule.table,
            ..FlowRule::new(rule.priority, rule.pattern.clone(), Vec::new())
        });
        let groups = switch.groups.values().cloned();
        (
            *dpid,
            (rules.collect(), groups.collect(), switch.meters.len()),
        )
    });
    shown.collect()
}

impl Moved<'_> {
    /// Others change something between the way there and the way back.
    fn disturb(&mut self, random: &mut Random) {
        self.is_disturbed = true;
        for _ in 0..random.within(1..=3) {
            let neighbours: Vec<DatapathId> = self.ground.wiring.around().collect();
            let ends = [SOURCE, TARGET, TARGET];
            let dpid = match random.chance(50) {
                true => *random.pick(&ends),
                false => *random.pick(&neighbours),
            };
            match random.chance(30) {
                true => self.delete_any(dpid, random),
                false => self.add_any(dpid, random),
            }
        }
    }

    fn delete_any(&mut self, dpid: DatapathId, random: &mut Random) {
        let rules = self.fabric.switches[&dpid].rules.values();
        // What a lost hop does to packets the way back mends; and routes are seen to elsewhere.
        let is_anyones = |rule: &&FlowRule| {
            Owner::Core.own_part(rule.cookie).is_none()
                && Owner::Routing.own_part(rule.cookie).is_none()
                && rule.cookie.0 >> 16 != HOP
        };
        let rules: Vec<FlowRule> = rules.filter(is_anyones).cloned().collect();
        if !rules.is_empty() {
            let delete = FlowMod::delete_strict(random.pick(&rules).clone());
            self.fabric.change(dpid, &delete.into()).unwrap();
        }
    }

    fn add_any(&mut self, dpid: DatapathId, random: &mut Random) {
        let wiring = self.ground.wiring;
        let (packet, _) = random.pick(&self.ground.probes);
        let mut pattern = match random.below(5) {
            0 => Pattern::new(),
            1 => packet.fields.clone(),
            2 => Pattern::new().eth_dst(MacAddr([2, 9, 9, 9, 9, 9])),
            _ => {
                let field = godwit_openflow::model::Field::EthDst;
                Pattern::new().with(field, packet.fields.exact(field).unwrap())
            }
        };
        let cabled: Vec<PortNo> = wiring.cabled(dpid).collect();
        if random.chance(30) {
            pattern = pattern.in_port(*random.pick(&cabled));
        }
        let actions = match random.below(6) {
            0 => Vec::new(),
            1 => vec![Action::output(PortNo::CONTROLLER)],
            _ => vec![Action::output(*random.pick(&cabled))],
        };
        let priority = 2 * random.within(0..=120) as u16;
        let rule = FlowRule::new(priority, pattern, actions).with_cookie(OTHERS);
        let identity = (rule.table, rule.priority, rule.pattern.clone());
        if !self.fabric.switches[&dpid].rules.contains_key(&identity) {
            self.fabric
                .change(dpid, &FlowMod::add(rule).into())
                .unwrap();
        }
    }
}

#[test]
fn a_moved_switch_goes_back_without_harm_whatever_others_have_done_in_between() {
    let backs = Mutex::new(Backs::default());
    let next = AtomicU64::new(first_seed());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while backs.lock().is_ok_and(|backs| backs.walked < CASES) {
                    go_back(next.fetch_add(1, Ordering::Relaxed), &backs);
                }
            });
        }
    });
    let backs = backs.into_inner().unwrap();
    println!("{backs:#?}");
    assert!(
        backs.disturbed > CASES / 20,
        "few go back after a disturbance"
    );
    // Those in which somebody sent to the target before the way there what only the source's entries take.
    assert!(backs.refused_undisturbed < CASES / 20, "many are refused");
}

fn wired(seed: u64, random: &mut Random) -> Wiring {
    match seed % 3 {
        0 => wiring_with_detours(random),
        _ => wiring(random),
    }
}

fn go_back(seed: u64, backs: &Mutex<Backs>) {
    let mut random = Random::new(seed);
    let wiring = wired(seed, &mut random);
    let ground = Ground::random(&wiring, &mut random);
    let algorithm = *random.pick(&[Algorithm::Clone, Algorithm::Move, Algorithm::FreezeCopy]);
    let Ok(there) = ground.plan(algorithm, None, &ground.sites()) else {
        return;
    };
    let Some(mut moved) = Moved::new(&ground, &there) else {
        return;
    };
    if random.chance(60) && !ground.probes.is_empty() {
        moved.disturb(&mut random);
    }
    let sites = moved.sites();
    let planned = match moved.plan(&sites) {
        Ok(planned) => planned,
        Err(refused) => {
            let mut backs = backs.lock().unwrap();
            // One that cut the source off first may have moved what would go round in a mixture.
            let is_clone = algorithm == Algorithm::Clone;
            backs.refused_undisturbed += usize::from(!moved.is_disturbed && is_clone);
            for reason in refused.reasons() {
                let words = reason.split(' ').filter(|word| !word.contains(['=', ':']));
                let words: Vec<&str> = words
                    .filter(|word| !word.contains(char::is_numeric))
                    .collect();
                *backs.refused.entry(words.join(" ")).or_default() += 1;
            }
            return;
        }
    };
    let states = moved
        .walk(&planned, 1, &mut random)
        .unwrap_or_else(|harm| panic!("seed {seed}, {algorithm:?}: {harm}"));
    let mut backs = backs.lock().unwrap();
    backs.walked += 1;
    backs.disturbed += usize::from(moved.is_disturbed);
    backs.states += states;
}

#[test]
fn every_spoiled_way_back_is_found() {
    let mut found = FAULTS.map(|fault| (fault, 0, 0));
    for seed in first_seed()..first_seed() + MOST_SCENES {
        let mut random = Random::new(seed);
        let wiring = wired(seed, &mut random);
        let ground = Ground::random(&wiring, &mut random);
        let Ok(there) = ground.plan(Algorithm::Clone, None, &ground.sites()) else {
            continue;
        };
        let Some(moved) = Moved::new(&ground, &there) else {
            continue;
        };
        let sites = moved.sites();
        let Ok(planned) = moved.plan(&sites) else {
            continue;
        };
        let moving = moved.moving();
        let back = WayBack {
            graph: wiring.topology.graph(),
            source: SOURCE,
            target: TARGET,
            sites: &sites,
            moving: &moving,
            displaced: &moved.displaced,
            added: &[],
        };
        for (fault, refused, harmful) in
            found.iter_mut().filter(|(_, refused, _)| *refused < WANTED)
        {
            let ends = [TARGET, SOURCE];
            let Some(rounds) = fault.spoil(&planned.rounds, ends, &mut random) else {
                continue;
            };
            let verdict = verify_back(&back, &rounds, Guarantee::Delivery);
            let spoiled = with_rounds(&planned, rounds);
            let walked = moved.walk(&spoiled, 2, &mut random);
            assert!(
                verdict.is_err(),
                "seed {seed}, {fault:?}: {walked:?}\n{:#?}",
                spoiled.rounds
            );
            *refused += 1;
            *harmful += usize::from(walked.is_err());
        }
        let is_found = |fault| {
            found
                .iter()
                .any(|(one, refused, _)| *one == fault && *refused >= WANTED)
        };
        if FAULTS
            .into_iter()
            .filter(|fault| fault.has_place_on_the_way_back())
            .all(is_found)
        {
            break;
        }
    }
    for (fault, refused, harmful) in found {
        println!("{fault:?}: {refused} refused, {harmful} of them harmed a probe");
        let wanted = if fault.has_place_on_the_way_back() {
            WANTED
        } else {
            0
        };
        assert_eq!(refused, wanted, "plans with a place for {fault:?}");
    }
}
