//! Transplants that were spoiled: whatever does harm on the emulated switches, the check has to find.

use godwit_apps::migration::request::Algorithm;
use godwit_apps::plan::entry::{Entry, EntryStep, Part};
use godwit_apps::plan::verify::Guarantee;
use godwit_apps::plan::verify::entries::verify_entries;
use godwit_apps::plan::{Change, Kind, Round};
use godwit_openflow::model::{Action, Bucket, FlowRule, GroupDescription, Instruction};
use godwit_openflow::types::{DatapathId, MeterId, PortNo};

use crate::grafts::prove;
use crate::random::Random;
use crate::scene::{Ground, SOURCE, TARGET, scene, wiring, wiring_with_detours, with_rounds};
use crate::sound::first_seed;
use crate::wiring::FIRST_HOST_PORT;

/// How many plans of each fault are to be found.
const WANTED: usize = 20;

/// Scenes that are tried for that.
const MOST_SCENES: u64 = 6_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An entry of the source is forgotten.
    Forgets,
    /// An entry sends packets elsewhere on the target.
    SendsElsewhere,
    /// An entry stands at another priority on the target.
    StandsElsewhere,
    /// An entry has no meter on the target.
    Unmetered,
    /// A group has a bucket less.
    GroupLacks,
    /// A neighbour goes on sending to the source.
    Overlooks,
    /// A neighbour has nothing for what comes from the target.
    LacksTwin,
    /// Neighbours turn before the target is ready.
    TurnsEarly,
    /// The source is emptied before its neighbours have turned.
    EmptiesEarly,
    /// Everything in one round.
    AtOnce,
    /// Something is left on the source.
    LeavesBehind,
    /// The target gets more than the source has.
    Invents,
    /// A detour has a hop less.
    LacksHop,
    /// A hop leaves the label as it is, or takes it away, where it must not.
    MissesLabel,
    /// A hop sends what carries the label elsewhere.
    GoesAstray,
}

pub(crate) const FAULTS: [Fault; 15] = [
    Fault::Forgets,
    Fault::SendsElsewhere,
    Fault::StandsElsewhere,
    Fault::Unmetered,
    Fault::GroupLacks,
    Fault::Overlooks,
    Fault::LacksTwin,
    Fault::TurnsEarly,
    Fault::EmptiesEarly,
    Fault::AtOnce,
    Fault::LeavesBehind,
    Fault::Invents,
    Fault::LacksHop,
    Fault::MissesLabel,
    Fault::GoesAstray,
];

fn rule_of(step: &mut EntryStep) -> Option<&mut FlowRule> {
    match &mut step.after {
        Some(Entry::Rule(rule)) => Some(rule),
        _ => None,
    }
}

fn group_of(step: &mut EntryStep) -> Option<&mut GroupDescription> {
    match &mut step.after {
        Some(Entry::Group(group)) => Some(group),
        _ => None,
    }
}

/// Takes one of those steps out of the plan.
fn take(
    rounds: &mut [Round],
    random: &mut Random,
    which: impl Fn(&EntryStep) -> bool,
) -> Option<EntryStep> {
    let places: Vec<(usize, usize)> = rounds
        .iter()
        .enumerate()
        .flat_map(|(round, steps)| (0..steps.entries.len()).map(move |place| (round, place)))
        .filter(|(round, place)| which(&rounds[*round].entries[*place]))
        .collect();
    if places.is_empty() {
        return None;
    }
    let (round, place) = *random.pick(&places);
    Some(rounds[round].entries.remove(place))
}

fn puts_rule(step: &EntryStep, taking: DatapathId) -> bool {
    step.dpid == taking
        && step.change == Change::Install
        && matches!(step.after, Some(Entry::Rule(_)))
}

fn is_hop(step: &EntryStep) -> bool {
    step.part == Part::Detour
}

/// What the one list of actions of an entry is.
fn actions_of(rule: &mut FlowRule) -> Option<&mut Vec<Action>> {
    match rule.instructions.as_mut_slice() {
        [Instruction::ApplyActions(actions)] => Some(actions),
        _ => None,
    }
}

fn neighbours(step: &EntryStep, change: Change) -> bool {
    step.part == Part::Neighbour && step.change == change
}

impl Fault {
    /// Hops are only taken away there.
    pub(crate) fn has_place_on_the_way_back(self) -> bool {
        !matches!(self, Self::MissesLabel | Self::GoesAstray)
    }

    /// The rounds with this fault, if they have a place for it: of a plan that leads from the first switch to the second.
    pub(crate) fn spoil(
        self,
        rounds: &[Round],
        [left, taking]: [DatapathId; 2],
        random: &mut Random,
    ) -> Option<Vec<Round>> {
        let puts_rule = |step: &EntryStep| puts_rule(step, taking);
        let mut rounds = rounds.to_vec();
        let install = rounds
            .iter()
            .position(|round| round.kind == Kind::Install)?;
        let changed = |rounds: &mut Vec<Round>,
                       mut step: EntryStep,
                       change: &dyn Fn(&mut EntryStep) -> Option<()>| {
            change(&mut step)?;
            rounds[install].entries.push(step);
            Some(())
        };
        match self {
            Self::Forgets => _ = take(&mut rounds, random, puts_rule)?,
            Self::SendsElsewhere => {
                let step = take(&mut rounds, random, puts_rule)?;
                changed(&mut rounds, step, &|step| {
                    let rule = rule_of(step)?;
                    let lists =
                        rule.instructions
                            .iter_mut()
                            .filter_map(|instruction| match instruction {
                                Instruction::ApplyActions(actions) => Some(actions),
                                _ => None,
                            });
                    let mut actions = lists.flatten();
                    let port = actions.find_map(|action| match action {
                        Action::Output { port, .. } if port.is_physical() => Some(port),
                        _ => None,
                    })?;
                    *port = PortNo(port.0 % 3 + 1 + u32::from(port.0 % 3 + 1 == port.0));
                    Some(())
                })?;
            }
            Self::StandsElsewhere => {
                let step = take(&mut rounds, random, puts_rule)?;
                changed(&mut rounds, step, &|step| {
                    rule_of(step)?.priority += 50;
                    Some(())
                })?;
            }
            Self::Unmetered => {
                let metered = |step: &EntryStep| match &step.after {
                    Some(Entry::Rule(rule)) => {
                        puts_rule(step)
                            && matches!(
                                rule.instructions.first(),
                                Some(Instruction::Meter(MeterId(_)))
                            )
                    }
                    _ => false,
                };
                let step = take(&mut rounds, random, metered)?;
                changed(&mut rounds, step, &|step| {
                    rule_of(step)?.instructions.remove(0);
                    Some(())
                })?;
            }
            Self::GroupLacks => {
                let steps = &mut rounds[install].entries;
                let on_target = steps.iter_mut().filter(|step| step.dpid == taking);
                let mut groups = on_target.filter_map(group_of);
                let group = groups.find(|group| !group.buckets.is_empty())?;
                let _: Option<Bucket> = group.buckets.pop();
            }
            Self::Overlooks => {
                _ = take(&mut rounds, random, |step| neighbours(step, Change::Modify))?
            }
            Self::LacksTwin => {
                _ = take(&mut rounds, random, |step| {
                    neighbours(step, Change::Install)
                })?
            }
            Self::TurnsEarly => {
                let flip = rounds.iter().position(|round| round.kind == Kind::Flip)?;
                if rounds[flip].entries.is_empty() {
                    return None;
                }
                let round = rounds.remove(flip);
                rounds.insert(0, round);
            }
            Self::EmptiesEarly => {
                let flip = rounds.iter().position(|round| round.kind == Kind::Flip)?;
                let last = rounds.pop()?;
                if rounds[flip].entries.is_empty() {
                    return None;
                }
                rounds.insert(flip, last);
            }
            Self::AtOnce => {
                let mut all: Vec<EntryStep> = Vec::new();
                for round in &mut rounds {
                    all.append(&mut round.entries);
                }
                let has_flip = all.iter().any(|step| neighbours(step, Change::Modify));
                rounds[install].entries = all;
                has_flip.then_some(())?;
            }
            Self::LeavesBehind => {
                _ = take(&mut rounds, random, |step| {
                    step.dpid == left && step.change == Change::Remove
                })?;
            }
            Self::Invents => {
                let step = take(&mut rounds, random, puts_rule)?;
                let mut more = step.clone();
                rounds[install].entries.push(step);
                let rule = rule_of(&mut more)?;
                rule.priority = 1_000;
                rounds[install].entries.push(more);
            }
            Self::LacksHop => _ = take(&mut rounds, random, is_hop)?,
            Self::MissesLabel => {
                let step = take(&mut rounds, random, is_hop)?;
                changed(&mut rounds, step, &|step| {
                    let actions = actions_of(rule_of(step)?)?;
                    match actions.first()? {
                        Action::PopVlan => _ = actions.remove(0),
                        _ => actions.insert(0, Action::PopVlan),
                    }
                    Some(())
                })?;
            }
            Self::GoesAstray => {
                let step = take(&mut rounds, random, is_hop)?;
                changed(&mut rounds, step, &|step| {
                    let actions = actions_of(rule_of(step)?)?;
                    *actions.last_mut()? = Action::output(PortNo(FIRST_HOST_PORT));
                    Some(())
                })?;
            }
        }
        Some(rounds)
    }
}

#[test]
fn every_spoiled_transplant_is_found() {
    let mut found = FAULTS.map(|fault| (fault, 0, 0));
    for seed in first_seed()..first_seed() + MOST_SCENES {
        if found.iter().all(|(_, refused, _)| *refused >= WANTED) {
            break;
        }
        let mut random = Random::new(seed);
        let wiring = match seed % 2 {
            0 => wiring(&mut random),
            _ => wiring_with_detours(&mut random),
        };
        let ground = Ground::random(&wiring, &mut random);
        let sites = ground.sites();
        let Ok(planned) = ground.plan(Algorithm::Clone, None, &sites) else {
            continue;
        };
        let moving = ground.moving();
        let scene = scene(&ground, &sites, &moving);
        assert_eq!(
            verify_entries(&scene, &planned.rounds, Guarantee::Delivery),
            Ok(())
        );
        for (fault, refused, harmful) in
            found.iter_mut().filter(|(_, refused, _)| *refused < WANTED)
        {
            let Some(rounds) = fault.spoil(&planned.rounds, [SOURCE, TARGET], &mut random) else {
                continue;
            };
            let verdict = verify_entries(&scene, &rounds, Guarantee::Delivery);
            let spoiled = with_rounds(&planned, rounds);
            let proved = prove(&ground, &spoiled, 2, &mut random);
            assert!(
                verdict.is_err(),
                "seed {seed}, {fault:?}: {proved:?}\n{:#?}",
                spoiled.rounds
            );
            *refused += 1;
            *harmful += usize::from(proved.is_err());
        }
    }
    for (fault, refused, harmful) in found {
        println!("{fault:?}: {refused} refused, {harmful} of them harmed a probe");
        assert_eq!(refused, WANTED, "too few plans have a place for {fault:?}");
        let no_probe_tells = matches!(
            fault,
            Fault::Unmetered | Fault::StandsElsewhere | Fault::Invents
        );
        assert!(harmful > 0 || no_probe_tells, "{fault:?} does no harm");
    }
}
