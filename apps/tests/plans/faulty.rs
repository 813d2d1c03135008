//! Plans that were spoiled: the proof is worth something only if it finds them.

use godwit_apps::migration::planning::Planned;
use godwit_apps::migration::request::Algorithm;
use godwit_apps::plan::verify::{Guarantee, verify};
use godwit_apps::plan::{Change, Kind, Round, Step};
use godwit_openflow::model::{Action, Instruction};
use godwit_openflow::types::DatapathId;
use godwit_topology::PortRef;

use crate::case::Case;
use crate::random::Random;
use crate::sound::{first_seed, prove};
use crate::wiring::Wiring;

/// How many plans of each fault are to be found.
const WANTED: usize = 20;

/// Networks that are tried for that.
const MOST_NETWORKS: u64 = 2_000;

/// So many orders that one that does harm is among them.
const ORDERS: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// A live rule sends packets to a switch that has no rule for them yet.
    FlipBeforeInstall,
    /// The source's rule goes while packets still come.
    RemoveBeforeFlip,
    /// From the source towards the destination instead of the other way round.
    FlipsBackwards,
    /// Flips that rely on each other share a round.
    FlipsAtOnce,
    /// A live rule sends packets both ways.
    SendsTwice,
    /// The rules of the old ways are left.
    LeavesBehind,
    /// A change forgets what was there before.
    CannotGoBack,
}

const FAULTS: [Fault; 7] = [
    Fault::FlipBeforeInstall,
    Fault::RemoveBeforeFlip,
    Fault::FlipsBackwards,
    Fault::FlipsAtOnce,
    Fault::SendsTwice,
    Fault::LeavesBehind,
    Fault::CannotGoBack,
];

/// Whether a plan of this fault has to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Every one, and `verify` refuses every one.
    Always,
    /// Every one; `verify` does not look for it.
    AlwaysHere,
    /// Those that `verify` refuses, and no other: some orders are no worse than the right one.
    AsVerified,
}

impl Fault {
    const fn expected(self) -> Expected {
        match self {
            Self::FlipBeforeInstall | Self::RemoveBeforeFlip => Expected::Always,
            Self::FlipsBackwards | Self::FlipsAtOnce => Expected::AsVerified,
            Self::SendsTwice | Self::LeavesBehind | Self::CannotGoBack => Expected::AlwaysHere,
        }
    }

    /// The plan with this fault, if it has a place for it.
    fn spoil(self, case: &Case<'_>, planned: &Planned) -> Option<Planned> {
        let mut rounds = planned.rounds.clone();
        match self {
            Self::FlipBeforeInstall => {
                let early = |step: &Step| leads_to_an_install(case, planned, step);
                pull_forward(&mut rounds, early)?;
            }
            Self::RemoveBeforeFlip => {
                let early = |step: &Step| step.change == Change::Remove && step.dpid == case.source;
                pull_forward(&mut rounds, early)?;
            }
            Self::FlipsBackwards => flips(&mut rounds)?.reverse(),
            Self::FlipsAtOnce => {
                let together = flips(&mut rounds)?;
                let mut steps = Vec::new();
                together
                    .iter_mut()
                    .for_each(|round| steps.append(&mut round.steps));
                together[0].steps = steps;
            }
            Self::SendsTwice => {
                let step = first_modified(&mut rounds)?;
                let before = step.before.as_ref()?.output_ports();
                let both = before.chain(step.after.as_ref()?.output_ports());
                let actions = both.map(Action::output).collect();
                step.after.as_mut()?.instructions = vec![Instruction::ApplyActions(actions)];
            }
            Self::LeavesBehind => _ = rounds.pop_if(|round| round.kind == Kind::Remove)?,
            Self::CannotGoBack => {
                let step = first_modified(&mut rounds)?;
                step.before.clone_from(&step.after);
            }
        }
        Some(Planned {
            request: planned.request.clone(),
            flows: planned.flows.clone(),
            rounds,
            transplant: None,
            shape: planned.shape.clone(),
            perishable: Vec::new(),
        })
    }
}

/// Whether the step sends packets to a switch that gets its rule for them by the same plan.
fn leads_to_an_install(case: &Case<'_>, planned: &Planned, step: &Step) -> bool {
    let next = |step: &Step| -> Option<DatapathId> {
        let port = step.after.as_ref()?.output_ports().next()?;
        Some(case.wiring.links.get(&PortRef::new(step.dpid, port))?.dpid)
    };
    let installs = |other: &Step| {
        other.change == Change::Install && other.flow == step.flow && Some(other.dpid) == next(step)
    };
    let mut all = planned.rounds.iter().flat_map(|round| &round.steps);
    step.change == Change::Modify && all.any(installs)
}

/// Takes one such step out of its round and puts it into one of its own before all others.
fn pull_forward(rounds: &mut Vec<Round>, which: impl Fn(&Step) -> bool) -> Option<()> {
    for round in rounds.iter_mut() {
        if let Some(place) = round.steps.iter().position(&which) {
            let (kind, steps) = (round.kind, vec![round.steps.remove(place)]);
            rounds.insert(0, Round::of(kind, steps));
            return Some(());
        }
    }
    None
}

/// The rounds that flip, if there are several.
fn flips(rounds: &mut [Round]) -> Option<&mut [Round]> {
    let is_flip = |round: &Round| round.kind == Kind::Flip;
    let (first, last) = (
        rounds.iter().position(is_flip)?,
        rounds.iter().rposition(is_flip)?,
    );
    (first < last).then(|| &mut rounds[first..=last])
}

fn first_modified(rounds: &mut [Round]) -> Option<&mut Step> {
    let mut steps = rounds.iter_mut().flat_map(|round| &mut round.steps);
    steps.find(|step| step.change == Change::Modify)
}

#[test]
fn every_fault_is_found() {
    let mut found = FAULTS.map(|fault| (fault, 0, 0));
    for seed in first_seed()..first_seed() + MOST_NETWORKS {
        if found.iter().all(|(_, harmful, _)| *harmful >= WANTED) {
            break;
        }
        let mut random = Random::new(seed);
        let wiring = Wiring::random(&mut random);
        let Some(case) = Case::random(&wiring, &mut random) else {
            continue;
        };
        let case = case.bare(&mut random);
        let planned = case.plan(Algorithm::Clone).unwrap();
        let wanted = found.iter_mut().filter(|(_, harmful, _)| *harmful < WANTED);
        for (fault, harmful, harmless) in wanted {
            match try_fault(*fault, &case, &planned, seed, &mut random) {
                Some(true) => *harmful += 1,
                Some(false) => *harmless += 1,
                None => {}
            }
        }
    }
    for (fault, harmful, harmless) in found {
        println!("{fault:?}: {harmful} found, {harmless} harmless");
        assert_eq!(harmful, WANTED, "too few plans have a place for {fault:?}");
    }
}

/// Whether the fault, if the plan has a place for it, is found; when it has to be.
fn try_fault(
    fault: Fault,
    case: &Case<'_>,
    planned: &Planned,
    seed: u64,
    random: &mut Random,
) -> Option<bool> {
    let spoiled = fault.spoil(case, planned)?;
    let verified = verify(&spoiled.flows, &spoiled.rounds, Guarantee::Delivery);
    let proved = prove(case, &spoiled, ORDERS, random);
    let as_expected = match fault.expected() {
        Expected::Always => verified.is_err() && proved.is_err(),
        Expected::AlwaysHere => proved.is_err(),
        Expected::AsVerified => verified.is_ok() == proved.is_ok(),
    };
    assert!(
        as_expected,
        "seed {seed}, {fault:?}: {verified:?}, {proved:?}\n{spoiled:#?}"
    );
    Some(proved.is_err())
}
