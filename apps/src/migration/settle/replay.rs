//! The writes that were held for a source, made where its work is now.

use std::collections::BTreeSet;

use godwit_controller::Network;
use godwit_controller::switch::{ApplyError, SwitchHandle};
use godwit_openflow::model::{FlowMod, ToSwitch};
use godwit_openflow::types::DatapathId;

use crate::entries::{Entries, EntryId};

/// Writes that go to a switch at once: a barrier each is not worth its time, and what comes after waits so long.
const BATCH: usize = 1_000;

/// Makes the writes that were held for `source`, in their order, on `place`, each as `translate` says it there; and goes
/// on with those that come meanwhile, until there is none. From then on the source takes writes again.
/// The static entries among them are told what became of them; gives those, which have to be kept.
#[must_use]
pub async fn replay(
    network: &Network,
    entries: &Entries,
    source: DatapathId,
    place: DatapathId,
    translate: impl Fn(FlowMod) -> Result<FlowMod, String>,
) -> BTreeSet<EntryId> {
    let mut settled = BTreeSet::new();
    loop {
        let held = network.held().take(source);
        if held.is_empty() {
            return settled;
        }
        for batch in held.chunks(BATCH) {
            let translated = batch.iter().map(|held| translate(held.write.clone()));
            let outcomes = write(network, place, translated.collect()).await;
            for (held, outcome) in batch.iter().zip(outcomes) {
                if let Err(why) = &outcome {
                    tracing::warn!(switch = %held.dpid, writer = held.writer, number = held.number, why,
                        "a write that was held could not be made");
                }
                settled.extend(entries.settled(held, outcome.map(|write| (place, write.rule))));
            }
        }
    }
}

/// Writes what could be translated; the others keep their reason. One outcome for each.
async fn write(
    network: &Network,
    place: DatapathId,
    writes: Vec<Result<FlowMod, String>>,
) -> Vec<Result<FlowMod, String>> {
    let translated = writes.iter().flatten().cloned();
    let sent: Vec<ToSwitch> = translated.map(ToSwitch::from).collect();
    let mut refused = match network.switches().get(place) {
        Some(switch) => each(&switch, &sent).await.into_iter(),
        None => vec![Some(ApplyError::Disconnected.to_string()); sent.len()].into_iter(),
    };
    let outcome = |write: Result<FlowMod, String>| {
        let write = write?;
        refused.next().flatten().map_or(Ok(write), Err)
    };
    writes.into_iter().map(outcome).collect()
}

/// Sends writes that have nothing to do with each other: one that is refused is no reason not to make the others.
/// Why each was not made.
async fn each(switch: &SwitchHandle, sent: &[ToSwitch]) -> Vec<Option<String>> {
    match switch.apply(sent).await {
        Ok(()) => vec![None; sent.len()],
        // They went together, and none is in force.
        Err(ApplyError::Rejected(refusal)) if refusal.nothing_in_force && sent.len() > 1 => {
            let mut outcomes = Vec::with_capacity(sent.len());
            for one in sent {
                let outcome = switch.apply(std::slice::from_ref(one)).await;
                outcomes.push(outcome.err().map(|error| error.to_string()));
            }
            outcomes
        }
        Err(ApplyError::Rejected(refusal)) => {
            let of = |index: usize| {
                let mut listed = refusal.messages.iter();
                let own = listed.find(|(at, _)| *at == index || *at == sent.len());
                own.map(|(_, error)| error.to_string())
            };
            (0..sent.len()).map(of).collect()
        }
        Err(error) => vec![Some(error.to_string()); sent.len()],
    }
}
