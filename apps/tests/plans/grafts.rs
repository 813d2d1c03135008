//! Whole switches that are moved: after every change, in whatever order switches act, every packet ends as it did before.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use godwit_apps::migration::planning::{Planned, Refusal};
use godwit_apps::migration::request::{Algorithm, Shape};
use godwit_apps::plan::{Kind, Round};
use godwit_controller::Round as Messages;
use godwit_controller::rules::base;
use godwit_openflow::model::ToSwitch;
use godwit_openflow::types::{DatapathId, PortNo};
use godwit_topology::PortRef;

use crate::pipeline::{End, Fabric, Fate, Packet};
use crate::random::Random;
use crate::scene::{Ground, SOURCE, TARGET, wiring, wiring_with_detours};
use crate::sound::first_seed;
use crate::walk::interleaved;
use crate::wiring::Wiring;

/// Plans that are made and carried out.
const CASES: usize = 1_000;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::Clone, Algorithm::Move, Algorithm::FreezeCopy];

#[derive(Debug, Default)]
struct Proved {
    planned: usize,
    detours: usize,
    refused: usize,
    reasons: BTreeMap<String, usize>,
    probes: usize,
    states: usize,
}

#[test]
fn a_moved_switch_treats_every_packet_as_before_after_every_change() {
    let proved = prove_many(CASES, wiring);
    assert!(proved.refused < 6 * proved.planned, "most are refused");
}

#[test]
fn a_switch_that_moves_away_from_its_neighbours_reaches_them_by_detours() {
    let proved = prove_many(CASES / 4, wiring_with_detours);
    assert!(proved.detours > proved.planned / 2, "few with detours");
    assert!(proved.refused < 20 * proved.planned, "most are refused");
}

fn prove_many(cases: usize, wiring: fn(&mut Random) -> Wiring) -> Proved {
    let proved = Mutex::new(Proved::default());
    let next = AtomicU64::new(first_seed());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while proved.lock().is_ok_and(|proved| proved.planned < cases) {
                    prove_seed(next.fetch_add(1, Ordering::Relaxed), wiring, &proved);
                }
            });
        }
    });
    let proved = proved.into_inner().unwrap();
    println!("{proved:#?}");
    proved
}

fn prove_seed(seed: u64, wiring: fn(&mut Random) -> Wiring, proved: &Mutex<Proved>) {
    let mut random = Random::new(seed);
    let wiring = wiring(&mut random);
    let ground = Ground::random(&wiring, &mut random);
    let sites = ground.sites();
    let shape = random.chance(30).then_some(Shape::Substitution);
    for algorithm in ALGORITHMS {
        let planned = match ground.plan(algorithm, shape, &sites) {
            Ok(planned) => planned,
            Err(refused) => {
                let bad = matches!(refused, Refusal::Unsafe(_) | Refusal::Unsound(_));
                assert!(!bad, "seed {seed}, {algorithm:?}: {refused}");
                let mut proved = proved.lock().unwrap();
                proved.refused += 1;
                for reason in refused.reasons() {
                    // What is alike but for its numbers is counted together.
                    let words = reason
                        .split(' ')
                        .rev()
                        .take_while(|word| !word.contains(['=', ':', '*']));
                    let words: Vec<&str> = words
                        .filter(|word| !word.contains(char::is_numeric))
                        .collect();
                    let kind = words.into_iter().rev().collect::<Vec<_>>().join(" ");
                    *proved.reasons.entry(kind).or_default() += 1;
                }
                continue;
            }
        };
        let states = prove(&ground, &planned, 1, &mut random)
            .unwrap_or_else(|harm| panic!("seed {seed}, {algorithm:?}: {harm}"));
        let mut proved = proved.lock().unwrap();
        proved.planned += 1;
        proved.detours += usize::from(planned.shape.shape == Shape::Detour);
        proved.probes += ground.probes.len();
        proved.states += states;
    }
}

/// A packet that is sent all the time, and how it ends.
struct Probe {
    packet: Packet,
    from: PortRef,
    before: Vec<End>,
    went: Vec<(PortRef, Vec<PortNo>)>,
    now: Fate,
}

pub(crate) struct Walk<'a> {
    pub(crate) fabric: Fabric<'a>,
    probes: Vec<Probe>,
    /// Whether packets may be lost on the way, and only then.
    breaks: bool,
    pub(crate) states: usize,
}

/// Carries a plan out and back; gives the number of states that were looked at.
pub(crate) fn prove(
    ground: &Ground<'_>,
    planned: &Planned,
    orders: usize,
    random: &mut Random,
) -> Result<usize, String> {
    let fabric = ground.fabric.clone();
    let mut walk = Walk::new(ground, fabric, planned.request.algorithm, [SOURCE, TARGET]);
    let before = walk.fabric.switches.clone();
    for (index, round) in planned.rounds.iter().enumerate() {
        let named = |harm| format!("round {} ({:?}): {harm}", index + 1, round.kind);
        walk.round(round, orders, random).map_err(named)?;
    }
    let kept = &walk.fabric.switches[&SOURCE];
    let is_base = |cookie| godwit_controller::Owner::Core.own_part(cookie).is_some();
    if !kept.rules.values().all(|rule| is_base(rule.cookie))
        || !kept.groups.is_empty()
        || !kept.meters.is_empty()
    {
        return Err(format!("the source still holds {kept:?}"));
    }
    walk.judge(false)?;
    for round in planned.rounds.iter().rev() {
        let undo = round.undo();
        walk.perform(&interleaved(&undo, random), true)?;
    }
    if walk.fabric.switches != before {
        return Err("the whole plan is not undone".to_owned());
    }
    Ok(walk.states)
}

impl<'a> Walk<'a> {
    /// Of a plan that leads from the first switch to the second.
    pub(crate) fn new(
        ground: &Ground<'a>,
        fabric: Fabric<'a>,
        algorithm: Algorithm,
        [left, taking]: [DatapathId; 2],
    ) -> Self {
        let has_own = fabric.switches[&taking].rules.len() > base().len();
        let probes = ground.probes.iter().filter_map(|(packet, from)| {
            let now = fabric.follow(packet, *from);
            // What nothing has taken so far on the switch that takes the other's place may be taken there from now on, and
            // what nothing on the other has taken may be taken by its own entries.
            let is_missed = now.missed.contains(&taking) || (has_own && now.missed.contains(&left));
            (!now.circles && !is_missed).then(|| Probe {
                packet: packet.clone(),
                from: *from,
                before: now.ends.clone(),
                went: now.hops.clone(),
                now,
            })
        });
        Self {
            probes: probes.collect(),
            fabric,
            breaks: algorithm != Algorithm::Clone,
            states: 0,
        }
    }

    /// Follows such packets no more.
    pub(crate) fn leave_out(&mut self, which: impl Fn(&Packet, PortRef) -> bool) {
        self.probes
            .retain(|probe| !which(&probe.packet, probe.from));
    }

    /// In several orders, broken off somewhere and undone, and then as a whole.
    pub(crate) fn round(
        &mut self,
        round: &Round,
        orders: usize,
        random: &mut Random,
    ) -> Result<(), String> {
        let (forth, back): (Messages, Messages) = (round.messages(), round.undo());
        for _ in 0..orders {
            let before = self.fabric.switches.clone();
            let all = interleaved(&forth, random);
            // A group that was not deleted can't be added again; nothing is undone there once it has begun.
            let part = match round.kind {
                Kind::Remove => all.len(),
                _ if random.chance(50) => all.len(),
                _ => random.below(all.len() + 1),
            };
            self.perform(&all[..part], true)?;
            self.perform(&interleaved(&back, random), true)?;
            if self.fabric.switches != before {
                return Err(format!("it is not undone after {part} changes"));
            }
        }
        self.perform(&interleaved(&forth, random), true)
    }

    pub(crate) fn perform(
        &mut self,
        changes: &[(DatapathId, &ToSwitch)],
        under_way: bool,
    ) -> Result<(), String> {
        for (done, (dpid, change)) in changes.iter().enumerate() {
            self.fabric.change(*dpid, change)?;
            self.states += 1;
            for probe in &mut self.probes {
                if probe.now.way.contains(dpid) {
                    probe.now = self.fabric.follow(&probe.packet, probe.from);
                }
            }
            self.judge(under_way).map_err(|harm| {
                let order: Vec<String> = changes[..=done]
                    .iter()
                    .map(|(dpid, change)| format!("{dpid}: {change:?}"))
                    .collect();
                format!("{harm}, after\n{}", order.join("\n"))
            })?;
        }
        Ok(())
    }

    pub(crate) fn judge(&self, under_way: bool) -> Result<(), String> {
        let may_be_lost = self.breaks && under_way;
        for probe in &self.probes {
            let Fate { ends, circles, .. } = &probe.now;
            let fine = *ends == probe.before || (may_be_lost && is_part(ends, &probe.before));
            if *circles || !fine {
                let Fate { hops, .. } = &probe.now;
                let (packet, before) = (&probe.packet.fields, &probe.before);
                let text = |hops: &[(PortRef, Vec<PortNo>)]| -> String {
                    let hop = |(at, out): &(PortRef, Vec<PortNo>)| {
                        format!(" {}/{}→{out:?}", at.dpid.0, at.port)
                    };
                    hops.iter().map(hop).collect()
                };
                return Err(format!(
                    "{packet} went{}\nand goes{}\n{before:?}, and now {ends:?}",
                    text(&probe.went),
                    text(hops)
                ));
            }
        }
        Ok(())
    }
}

/// Whether no end is new; what is told to the controller does no harm.
fn is_part(now: &[End], before: &[End]) -> bool {
    let mut left = before.to_vec();
    now.iter().all(
        |end| match (left.iter().position(|other| other == end), end) {
            (Some(place), _) => {
                left.swap_remove(place);
                true
            }
            (None, End::Told(_)) => true,
            (None, End::Left(..)) => false,
        },
    )
}
