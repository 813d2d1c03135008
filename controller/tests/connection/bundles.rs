//! Batches in bundles (ONF EXT-230): all or nothing, and plain where a switch has none.

use std::time::Duration;

use bytes::Bytes;
use godwit_controller::switch::{ApplyError, Refusal, SwitchHandle};
use godwit_openflow::model::meter::{MeterCommand, MeterFlags, MeterMod};
use godwit_openflow::model::{BundleAdd, BundleStep, ErrorReport, FromSwitch, ToSwitch};
use godwit_openflow::types::{MeterId, Version};
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::bench::{Bench, flow_mod};
use crate::fake_switch::{Bundles, FakeSwitch, refusal};

type Applied = JoinHandle<Result<(), ApplyError>>;

const FLOW_MOD_FAILED: u16 = 5;
const BAD_REQUEST: u16 = 1;
const MSG_UNSUP: u16 = 2310;
const MSG_FAILED: u16 = 2313;

/// An error of the ONF about bundles.
fn bundle_error(code: u16) -> FromSwitch {
    FromSwitch::Error(ErrorReport {
        version: Version::V13,
        error_type: 0xffff,
        code,
        data: Bytes::from_static(b"ONF\0\x04\x04\0\x18"),
    })
}

fn apply(handle: &SwitchHandle, batch: Vec<ToSwitch>) -> Applied {
    let handle = handle.clone();
    tokio::spawn(async move { handle.apply(&batch).await })
}

fn rules(count: u16) -> Vec<ToSwitch> {
    (0..count).map(flow_mod).collect()
}

async fn refused(applied: Applied) -> (Vec<(usize, u16)>, bool) {
    let Err(ApplyError::Rejected(Refusal {
        messages,
        nothing_in_force,
    })) = applied.await.unwrap()
    else {
        panic!()
    };
    let codes = messages.iter().map(|(index, report)| (*index, report.code));
    (codes.collect(), nothing_in_force)
}

/// A bundle of `count` flow-mods is opened and filled; gives their ids. The barrier is not answered yet.
async fn expect_bundle(switch: &mut FakeSwitch<DuplexStream>, count: u16) -> (Vec<u32>, u32) {
    let (xid, open) = switch.expect_step(BundleStep::OpenRequest).await;
    let bundle = open.bundle;
    assert_eq!(open.flags.0, 3, "atomic and in order");
    switch.did(xid, open).await;
    let mut xids = Vec::new();
    for index in 0..count {
        let (xid, message) = switch.expect_work().await;
        let ToSwitch::BundleAdd(BundleAdd {
            bundle: to,
            flags,
            xid: inner,
            message,
            ..
        }) = message
        else {
            panic!("{message:?}")
        };
        assert_eq!((to, flags.0, inner.0), (bundle, 3, xid));
        assert_eq!(*message, flow_mod(index), "in order");
        xids.push(xid);
    }
    (xids, switch.expect_barrier().await)
}

#[tokio::test]
async fn a_batch_is_staged_then_committed_and_then_in_force() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect_with(Bundles::Taken, 1).await;
    assert!(handle.takes_bundles());
    let applied = apply(&handle, rules(3));
    let (_, barrier) = expect_bundle(&mut switch, 3).await;
    sleep(Duration::from_millis(20)).await;
    switch.send(barrier, &FromSwitch::BarrierReply).await;
    let (xid, commit) = switch.expect_step(BundleStep::CommitRequest).await;
    let barrier = switch.expect_barrier().await;
    switch.did(xid, commit).await;
    sleep(Duration::from_millis(20)).await;
    assert!(!applied.is_finished(), "before its barrier");
    switch.send(barrier, &FromSwitch::BarrierReply).await;
    assert_eq!(applied.await.unwrap(), Ok(()));
    assert!(bench.is_quiet());
    assert_eq!(bench.connections.metrics().snapshot().flow_mods_sent, 3);
}

#[tokio::test]
async fn a_message_refused_while_it_is_added_keeps_the_bundle_from_being_committed() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect_with(Bundles::Taken, 1).await;
    let applied = apply(&handle, rules(10));
    let (xids, barrier) = expect_bundle(&mut switch, 10).await;
    switch
        .send(xids[2], &refusal(Version::V13, FLOW_MOD_FAILED, 4))
        .await;
    switch.send(barrier, &FromSwitch::BarrierReply).await;
    switch.expect_step(BundleStep::DiscardRequest).await;
    assert_eq!(refused(applied).await, (vec![(2, 4)], true));
}

#[tokio::test]
async fn a_commit_that_fails_names_the_message_and_leaves_nothing() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect_with(Bundles::Taken, 1).await;
    // With the message that it failed at, and without: some switches do not say.
    for (named, expected) in [(true, vec![(6, 1)]), (false, vec![(10, MSG_FAILED)])] {
        let applied = apply(&handle, rules(10));
        let (xids, barrier) = expect_bundle(&mut switch, 10).await;
        switch.send(barrier, &FromSwitch::BarrierReply).await;
        let (commit, _) = switch.expect_step(BundleStep::CommitRequest).await;
        let barrier = switch.expect_barrier().await;
        if named {
            switch
                .send(xids[6], &refusal(Version::V13, FLOW_MOD_FAILED, 1))
                .await;
        }
        switch.send(commit, &bundle_error(MSG_FAILED)).await;
        switch.send(barrier, &FromSwitch::BarrierReply).await;
        assert_eq!(refused(applied).await, (expected, true));
    }
    assert!(bench.is_quiet());
}

#[tokio::test]
async fn a_switch_that_commits_in_spite_of_an_error_is_not_believed_to_hold_nothing() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect_with(Bundles::Taken, 1).await;
    let applied = apply(&handle, rules(2));
    let (xids, barrier) = expect_bundle(&mut switch, 2).await;
    switch.send(barrier, &FromSwitch::BarrierReply).await;
    let (xid, commit) = switch.expect_step(BundleStep::CommitRequest).await;
    let barrier = switch.expect_barrier().await;
    switch
        .send(xids[0], &refusal(Version::V13, FLOW_MOD_FAILED, 1))
        .await;
    switch.did(xid, commit).await;
    switch.send(barrier, &FromSwitch::BarrierReply).await;
    assert_eq!(refused(applied).await, (vec![(0, 1)], false));
}

#[tokio::test]
async fn a_commit_without_an_answer_is_not_believed() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect_with(Bundles::Taken, 1).await;
    let applied = apply(&handle, rules(2));
    let (_, barrier) = expect_bundle(&mut switch, 2).await;
    switch.send(barrier, &FromSwitch::BarrierReply).await;
    switch.expect_step(BundleStep::CommitRequest).await;
    let barrier = switch.expect_barrier().await;
    switch.send(barrier, &FromSwitch::BarrierReply).await;
    assert_eq!(applied.await.unwrap(), Err(ApplyError::Unknown));
}

async fn expect_plain(switch: &mut FakeSwitch<DuplexStream>, count: u16) {
    for index in 0..count {
        assert_eq!(switch.expect_work().await.1, flow_mod(index));
    }
    let barrier = switch.expect_barrier().await;
    switch.send(barrier, &FromSwitch::BarrierReply).await;
}

#[tokio::test]
async fn a_switch_without_bundles_gets_plain_messages() {
    for bundles in [Bundles::Refused, Bundles::Ignored] {
        let mut bench = Bench::new();
        let (mut switch, handle) = bench.connect_with(bundles, 1).await;
        assert!(!handle.takes_bundles());
        let applied = apply(&handle, rules(3));
        expect_plain(&mut switch, 3).await;
        assert_eq!(applied.await.unwrap(), Ok(()));
        assert!(bench.is_quiet(), "the observer is not bothered");
    }
}

#[tokio::test]
async fn a_switch_of_1_0_is_never_asked_for_bundles() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect(Version::V10, 1).await;
    let applied = apply(&handle, rules(3));
    expect_plain(&mut switch, 3).await;
    assert_eq!(applied.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_switch_that_has_lost_its_bundles_is_remembered() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect_with(Bundles::Taken, 1).await;
    let applied = apply(&handle, rules(2));
    let (open, _) = switch.expect_step(BundleStep::OpenRequest).await;
    let bad_experimenter = refusal(Version::V13, BAD_REQUEST, 3);
    switch.send(open, &bad_experimenter).await;
    for _ in 0..2 {
        let (xid, _) = switch.expect_work().await;
        switch.send(xid, &bad_experimenter).await;
    }
    let barrier = switch.expect_barrier().await;
    switch.send(barrier, &FromSwitch::BarrierReply).await;
    expect_plain(&mut switch, 2).await;
    assert_eq!(applied.await.unwrap(), Ok(()));
    let again = apply(&handle, rules(2));
    expect_plain(&mut switch, 2).await;
    assert_eq!(again.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn what_a_switch_does_not_take_in_a_bundle_it_gets_without() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect_with(Bundles::Taken, 1).await;
    let applied = apply(&handle, rules(2));
    let (xids, barrier) = expect_bundle(&mut switch, 2).await;
    switch.send(xids[1], &bundle_error(MSG_UNSUP)).await;
    switch.send(barrier, &FromSwitch::BarrierReply).await;
    switch.expect_step(BundleStep::DiscardRequest).await;
    expect_plain(&mut switch, 2).await;
    assert_eq!(applied.await.unwrap(), Ok(()));
    assert!(handle.takes_bundles(), "others may go");
}

#[tokio::test]
async fn a_connection_that_ends_leaves_the_outcome_open() {
    for committing in [false, true] {
        let mut bench = Bench::new();
        let (mut switch, handle) = bench.connect_with(Bundles::Taken, 1).await;
        let applied = apply(&handle, rules(5));
        let (_, barrier) = expect_bundle(&mut switch, 5).await;
        if committing {
            switch.send(barrier, &FromSwitch::BarrierReply).await;
            switch.expect_step(BundleStep::CommitRequest).await;
        }
        drop(switch);
        let error = applied.await.unwrap().unwrap_err();
        assert_eq!(error, ApplyError::Disconnected);
        assert!(!error.nothing_in_force());
    }
}

#[tokio::test(start_paused = true)]
async fn a_bundle_that_nobody_waits_for_any_more_is_discarded() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect_with(Bundles::Taken, 1).await;
    let given_up = apply(&handle, rules(2));
    expect_bundle(&mut switch, 2).await;
    given_up.abort();
    switch.expect_step(BundleStep::DiscardRequest).await;

    let late = apply(&handle, rules(2));
    expect_bundle(&mut switch, 2).await;
    assert_eq!(late.await.unwrap(), Err(ApplyError::TimedOut));
    switch.expect_step(BundleStep::DiscardRequest).await;
}

#[tokio::test]
async fn meters_are_there_before_the_bundle_that_uses_them() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect_with(Bundles::Taken, 1).await;
    let meter = ToSwitch::MeterMod(MeterMod {
        command: MeterCommand::Add,
        flags: MeterFlags::default(),
        meter: MeterId(1),
        bands: Vec::new(),
    });
    let batch = [vec![meter.clone()], rules(2)].concat();

    let applied = apply(&handle, batch.clone());
    let (xid, first) = switch.expect_work().await;
    assert_eq!(first, meter);
    let barrier = switch.expect_barrier().await;
    switch.send(xid, &refusal(Version::V13, 12, 1)).await;
    switch.send(barrier, &FromSwitch::BarrierReply).await;
    assert_eq!(refused(applied).await, (vec![(0, 1)], true));

    let applied = apply(&handle, batch);
    assert_eq!(switch.expect_work().await.1, meter);
    let barrier = switch.expect_barrier().await;
    switch.send(barrier, &FromSwitch::BarrierReply).await;
    let (xids, barrier) = expect_bundle(&mut switch, 2).await;
    switch
        .send(xids[1], &refusal(Version::V13, FLOW_MOD_FAILED, 1))
        .await;
    switch.send(barrier, &FromSwitch::BarrierReply).await;
    assert_eq!(
        refused(applied).await,
        (vec![(2, 1)], false),
        "the meter is there"
    );
}
