use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{
    BundleStep, ErrorReport, FlowRule, FlowStats, FromSwitch, Pattern, Role, RoleMessage,
    StatsReply, StatsRequest,
};
use godwit_openflow::types::{Version, Xid};

use super::{Answers, Pending, Reply, Xids};
use crate::limits::{MULTIPART_BYTES, PENDING_REQUESTS};
use crate::switch::{RequestError, SendError};

fn report(code: u16) -> ErrorReport {
    ErrorReport {
        version: Version::V13,
        error_type: 5,
        code,
        data: Bytes::from_static(&[7; 200]),
    }
}

fn flows(count: u64) -> StatsReply {
    let rule = FlowRule::new(1, Pattern::new(), Vec::new());
    let stats = |packets| FlowStats {
        rule: rule.clone(),
        duration_ns: 0,
        packets,
        bytes: 0,
    };
    StatsReply::Flows((0..count).map(stats).collect())
}

fn part(count: u64, more: bool) -> Reply {
    Reply::Stats {
        more,
        body: flows(count),
        bytes: 100,
    }
}

#[test]
fn ids_are_never_zero_and_blocks_never_overlap() {
    let xids = Xids::default();
    assert_eq!(xids.next(), Xid(1));
    assert_eq!(xids.block(10), Xid(2));
    assert_eq!(xids.next(), Xid(12));
    let nearly_all = xids.block(u32::MAX - 20);
    assert_eq!(nearly_all, Xid(13));
    let wrapped = xids.block(100);
    assert_eq!(
        wrapped,
        Xid(1),
        "a block is never torn at the end of the numbers"
    );
    assert_eq!(xids.next(), Xid(101));
}

#[tokio::test]
async fn a_barrier_completes_its_batch_and_no_other() {
    let pending = Pending::default();
    let first = pending.expect_batch(Xid(1), Xid(4)).unwrap();
    let second = pending.expect_batch(Xid(5), Xid(6)).unwrap();
    assert!(
        pending.complete(Xid(2), Reply::Barrier).is_none(),
        "of a barrier inside the batch"
    );
    assert!(pending.complete(Xid(6), Reply::Barrier).is_none());
    assert_eq!(second.outcome().await, Some(Answers::default()));
    assert!(pending.complete(Xid(4), Reply::Barrier).is_none());
    assert_eq!(first.outcome().await, Some(Answers::default()));
}

#[tokio::test]
async fn errors_are_traced_to_their_messages() {
    let pending = Pending::default();
    let waiting = pending.expect_batch(Xid(10), Xid(13)).unwrap();
    assert!(pending.complete(Xid(12), Reply::Error(report(6))).is_none());
    assert!(pending.complete(Xid(10), Reply::Error(report(1))).is_none());
    assert!(
        pending.complete(Xid(10), Reply::Error(report(2))).is_none(),
        "the first counts"
    );
    pending.complete(Xid(13), Reply::Barrier);
    let list = waiting.outcome().await.unwrap().errors;
    let codes: Vec<(usize, u16)> = list
        .iter()
        .map(|(index, report)| (*index, report.code))
        .collect();
    assert_eq!(codes, [(0, 1), (2, 6)]);
    assert!(
        list.values().all(|report| report.data.len() == 64),
        "no more is kept than is promised"
    );
}

#[tokio::test]
async fn a_refused_barrier_ends_the_wait() {
    let pending = Pending::default();
    let waiting = pending.expect_batch(Xid(1), Xid(2)).unwrap();
    pending.complete(Xid(2), Reply::Error(report(1)));
    let list = waiting.outcome().await.unwrap().errors;
    let places: Vec<usize> = list.into_keys().collect();
    assert_eq!(places, [1], "behind the messages stands the barrier");
}

#[tokio::test]
async fn an_error_nobody_waits_for_comes_back() {
    let pending = Pending::default();
    assert_eq!(
        pending
            .complete(Xid(3), Reply::Error(report(1)))
            .map(|report| report.code),
        Some(1)
    );
    let waiting = pending.expect_batch(Xid(1), Xid(3)).unwrap();
    drop(waiting);
    assert!(
        pending.complete(Xid(2), Reply::Error(report(2))).is_some(),
        "its waiter has gone"
    );
    assert!(
        pending.complete(Xid(3), Reply::Barrier).is_none(),
        "a late barrier finds nobody"
    );
}

#[tokio::test]
async fn a_single_answer_is_what_was_asked_for_or_nothing() {
    let role = |role| {
        FromSwitch::Role(RoleMessage {
            role,
            generation: Some(1),
        })
    };
    let pending = Pending::default();
    let asked = |xid| {
        let known = |message: &FromSwitch| matches!(message, FromSwitch::Role(_));
        pending.expect_single(Xid(xid), known).unwrap()
    };
    let (answered, refused, misled) = (asked(1), asked(2), asked(3));
    pending.complete(Xid(1), Reply::Single(Box::new(role(Role::Equal))));
    pending.complete(Xid(2), Reply::Error(report(2)));
    pending.complete(Xid(3), Reply::Single(Box::new(FromSwitch::BarrierReply)));
    assert_eq!(answered.outcome().await.unwrap(), Ok(role(Role::Equal)));
    let outcome = refused.outcome().await.unwrap();
    assert!(matches!(outcome, Err(RequestError::Refused(_))));
    assert_eq!(
        misled.outcome().await.unwrap(),
        Err(RequestError::Unexpected)
    );
    let late = asked(4);
    pending.close();
    assert_eq!(late.outcome().await, None);
}

#[tokio::test]
async fn parts_are_joined_in_order() {
    let pending = Pending::default();
    let waiting = pending
        .expect_stats(Xid(1), &StatsRequest::Flows(FlowFilter::all()))
        .unwrap();
    pending.complete(Xid(1), part(3, true));
    pending.complete(Xid(1), part(0, true));
    pending.complete(Xid(1), part(2, false));
    let Some(Ok(StatsReply::Flows(list))) = waiting.outcome().await else {
        panic!()
    };
    let packets: Vec<u64> = list.iter().map(|flow| flow.packets).collect();
    assert_eq!(packets, [0, 1, 2, 0, 1]);
}

#[tokio::test]
async fn a_reply_without_end_is_given_up() {
    let pending = Pending::default();
    let waiting = pending
        .expect_stats(Xid(1), &StatsRequest::Flows(FlowFilter::all()))
        .unwrap();
    let mut bytes = 0;
    while bytes <= MULTIPART_BYTES {
        pending.complete(
            Xid(1),
            Reply::Stats {
                more: true,
                body: flows(1),
                bytes: 60_000,
            },
        );
        bytes += 60_000;
    }
    assert_eq!(waiting.outcome().await, Some(Err(RequestError::TooLarge)));
}

#[tokio::test]
async fn an_answer_of_another_kind_is_not_taken_for_one() {
    let pending = Pending::default();
    let waiting = pending.expect_stats(Xid(1), &StatsRequest::Tables).unwrap();
    pending.complete(Xid(1), part(1, false));
    assert_eq!(waiting.outcome().await, Some(Err(RequestError::Unexpected)));

    let waiting = pending
        .expect_stats(Xid(2), &StatsRequest::Flows(FlowFilter::all()))
        .unwrap();
    pending.complete(Xid(2), part(1, true));
    pending.complete(
        Xid(2),
        Reply::Stats {
            more: false,
            body: StatsReply::Tables(Vec::new()),
            bytes: 8,
        },
    );
    assert_eq!(waiting.outcome().await, Some(Err(RequestError::Unexpected)));
}

#[tokio::test]
async fn a_refused_request_says_why() {
    let pending = Pending::default();
    let waiting = pending.expect_stats(Xid(1), &StatsRequest::Tables).unwrap();
    assert!(pending.complete(Xid(1), Reply::Error(report(2))).is_none());
    let Some(Err(RequestError::Refused(refusal))) = waiting.outcome().await else {
        panic!()
    };
    assert_eq!(refusal.code, 2);
}

#[tokio::test]
async fn the_end_of_the_connection_ends_every_wait() {
    let pending = Pending::default();
    let batch = pending.expect_batch(Xid(1), Xid(2)).unwrap();
    let echo = pending.expect_echo(Xid(3)).unwrap();
    pending.close();
    assert_eq!(batch.outcome().await, None);
    assert_eq!(echo.outcome().await, None);
    assert_eq!(
        pending.expect_echo(Xid(4)).err(),
        Some(SendError::Disconnected)
    );
}

#[test]
fn questions_are_bounded_and_forgotten_with_who_asked() {
    let pending = Pending::default();
    let count = u32::try_from(PENDING_REQUESTS).unwrap();
    let waiting: Vec<_> = (1..=count)
        .map(|xid| pending.expect_echo(Xid(xid)).unwrap())
        .collect();
    assert_eq!(
        pending.expect_echo(Xid(count + 1)).err(),
        Some(SendError::QueueFull)
    );
    drop(waiting);
    assert!(pending.expect_echo(Xid(count + 1)).is_ok());
}

#[tokio::test]
async fn a_commit_shows_in_the_answers() {
    let pending = Pending::default();
    let waiting = pending.expect_batch(Xid(1), Xid(4)).unwrap();
    pending.complete(Xid(2), Reply::Bundle(BundleStep::OpenReply));
    pending.complete(Xid(3), Reply::Bundle(BundleStep::CommitReply));
    pending.complete(Xid(4), Reply::Barrier);
    let expected = Answers {
        committed: true,
        ..Default::default()
    };
    assert_eq!(waiting.outcome().await, Some(expected));
}

#[test]
fn whether_bundles_are_taken_shows_when_one_was_opened() {
    for opened in [true, false] {
        let pending = Pending::default();
        let taken = Arc::new(AtomicBool::new(false));
        pending.expect_bundles(Xid(1), Arc::clone(&taken));
        let answer = |step| {
            if opened {
                Reply::Bundle(step)
            } else {
                Reply::Error(report(3))
            }
        };
        assert!(
            pending
                .complete(Xid(1), answer(BundleStep::OpenReply))
                .is_none()
        );
        assert_eq!(taken.load(Ordering::Acquire), opened);
        assert!(
            pending
                .complete(Xid(2), answer(BundleStep::DiscardReply))
                .is_none()
        );
        let late = pending.complete(Xid(2), Reply::Error(report(3)));
        assert!(late.is_some(), "the question is forgotten");
    }
}
