use godwit_openflow::model::meter::{MeterFlags, MeterMod};
use godwit_openflow::model::{FlowMod, FlowRule, PacketOut, Pattern};
use godwit_openflow::types::{MeterId, PortNo};

use super::*;

fn flow() -> ToSwitch {
    FlowMod::add(FlowRule::new(1, Pattern::new(), Vec::new())).into()
}

fn meter(command: MeterCommand) -> ToSwitch {
    ToSwitch::MeterMod(MeterMod {
        command,
        flags: MeterFlags::default(),
        meter: MeterId(1),
        bands: Vec::new(),
    })
}

fn places(batch: &[ToSwitch], bundles: bool) -> Vec<(Vec<usize>, bool)> {
    parts(batch, bundles)
        .into_iter()
        .map(|part| {
            let places = part.messages.iter().map(|(index, _)| *index).collect();
            (places, part.bundled)
        })
        .collect()
}

#[test]
fn two_changes_and_more_are_a_bundle_where_there_are_bundles() {
    let batch = [flow(), flow()];
    assert_eq!(places(&batch, true), [(vec![0, 1], true)]);
    assert_eq!(places(&batch, false), [(vec![0, 1], false)]);
    assert_eq!(places(&batch[..1], true), [(vec![0], false)]);
    assert_eq!(places(&[], true), [(vec![], false)], "a bare barrier");
}

#[test]
fn what_can_not_be_in_a_bundle_keeps_all_of_a_batch_out_of_one() {
    let packet = ToSwitch::PacketOut(PacketOut {
        buffer_id: None,
        in_port: PortNo::CONTROLLER,
        actions: Vec::new(),
        data: bytes::Bytes::new(),
    });
    let batch = [flow(), flow(), packet];
    assert_eq!(places(&batch, true), [(vec![0, 1, 2], false)]);
    let ToSwitch::FlowMod(mut releasing) = flow() else {
        panic!()
    };
    releasing.buffer_id = Some(godwit_openflow::types::BufferId(7));
    let batch = [flow(), flow(), releasing.into()];
    assert_eq!(places(&batch, true), [(vec![0, 1, 2], false)]);
}

#[test]
fn meters_come_before_a_bundle_and_go_behind_it() {
    let (add, modify, delete) = (
        meter(MeterCommand::Add),
        meter(MeterCommand::Modify),
        meter(MeterCommand::Delete),
    );
    let batch = [delete.clone(), flow(), add.clone(), flow(), modify, delete];
    assert_eq!(
        places(&batch, true),
        [(vec![0, 2, 4], false), (vec![1, 3], true), (vec![5], false)]
    );
    let ToSwitch::MeterMod(_) = add else { panic!() };
    let again = [flow(), flow(), meter(MeterCommand::Delete), add];
    assert_eq!(
        places(&again, true),
        [(vec![0, 1], true), (vec![2, 3], false)],
        "a meter of the same number waits until the former is gone"
    );
}

#[test]
fn what_is_said_of_a_part_is_true_of_the_batch() {
    let refusal = Refusal {
        messages: Vec::new(),
        nothing_in_force: true,
    };
    let alone = with_before(ApplyError::Rejected(refusal.clone()), false);
    assert!(alone.nothing_in_force());
    let later = with_before(ApplyError::Rejected(refusal), true);
    assert!(!later.nothing_in_force());
    assert_eq!(
        with_before(ApplyError::QueueFull, true),
        ApplyError::Unknown
    );
    assert_eq!(
        with_before(ApplyError::TimedOut, true),
        ApplyError::TimedOut
    );
}
