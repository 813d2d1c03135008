use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use godwit_controller::connection::{CloseReason, Connections, SwitchMessage, SwitchObserver};
use godwit_controller::limits::Limits;
use godwit_controller::switch::{ApplyError, Registry, RequestError, SendError, SwitchHandle};
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{
    FlowMod, FlowRule, FlowStats, FromSwitch, Pattern, StatsReply, StatsRequest, ToSwitch,
};
use godwit_openflow::types::{TableId, Version};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::bench::{Bench, Seen, flow_mod};
use crate::fake_switch::{FakeSwitch, PATIENCE, packet_in, refusal};

fn apply(
    handle: &SwitchHandle,
    messages: Vec<ToSwitch>,
) -> tokio::task::JoinHandle<Result<(), ApplyError>> {
    let handle = handle.clone();
    tokio::spawn(async move { handle.apply(&messages).await })
}

#[tokio::test]
async fn a_batch_is_applied_when_its_barrier_is_answered() {
    for version in Version::ALL {
        let mut bench = Bench::new();
        let (mut switch, handle) = bench.connect(version, 1).await;
        let applied = apply(&handle, vec![flow_mod(1), flow_mod(2)]);
        assert!(matches!(switch.expect_work().await.1, ToSwitch::FlowMod(_)));
        assert!(matches!(switch.expect_work().await.1, ToSwitch::FlowMod(_)));
        let (xid, barrier) = switch.expect_work().await;
        assert_eq!(barrier, ToSwitch::BarrierRequest);
        sleep(Duration::from_millis(20)).await;
        assert!(
            !applied.is_finished(),
            "nothing is believed before the barrier"
        );
        switch.send(xid, &FromSwitch::BarrierReply).await;
        assert_eq!(applied.await.unwrap(), Ok(()));
        assert_eq!(bench.connections.metrics().snapshot().flow_mods_sent, 2);
    }
}

#[tokio::test]
async fn refusals_are_traced_to_their_messages() {
    for version in Version::ALL {
        let mut bench = Bench::new();
        let (mut switch, handle) = bench.connect(version, 1).await;
        let applied = apply(&handle, (0..10).map(flow_mod).collect());
        for index in 0..10 {
            let (xid, _) = switch.expect_work().await;
            if index == 3 || index == 8 {
                switch.send(xid, &refusal(version, 5, index)).await;
            }
        }
        let (xid, _) = switch.expect_work().await;
        switch.send(xid, &FromSwitch::BarrierReply).await;
        let Err(ApplyError::Rejected(refusal)) = applied.await.unwrap() else {
            panic!()
        };
        assert!(!refusal.nothing_in_force, "the others are");
        let refused: Vec<(usize, u16)> = refusal
            .messages
            .iter()
            .map(|(index, report)| (*index, report.code))
            .collect();
        assert_eq!(refused, [(3, 3), (8, 8)]);
        assert!(bench.is_quiet(), "the observer is not bothered");
        assert_eq!(bench.connections.metrics().snapshot().errors_received, 2);
    }
}

#[tokio::test]
async fn nothing_is_sent_of_a_batch_that_can_not_be_said() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect(Version::V10, 1).await;
    let mut elsewhere = FlowRule::new(1, Pattern::new(), Vec::new());
    elsewhere.table = TableId(3);
    let batch = [flow_mod(1), ToSwitch::FlowMod(FlowMod::add(elsewhere))];
    assert!(matches!(
        handle.apply(&batch).await,
        Err(ApplyError::Unsupported { index: 1, .. })
    ));
    assert!(matches!(
        handle.send(&batch),
        Err(SendError::Unsupported { index: 1, .. })
    ));
    let request = handle.request(StatsRequest::PortDescription).await;
    assert!(matches!(request, Err(RequestError::Unsupported(_))));
    handle.send(&[flow_mod(77)]).unwrap();
    let (_, message) = switch.expect_work().await;
    let ToSwitch::FlowMod(first) = message else {
        panic!("{message:?}")
    };
    assert_eq!(first.rule.priority, 77, "the first that comes");
}

#[tokio::test(start_paused = true)]
async fn a_late_barrier_does_not_complete_a_newer_batch() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect(Version::V13, 1).await;
    let late = apply(&handle, vec![flow_mod(1)]);
    switch.expect_work().await;
    let (late_xid, _) = switch.expect_work().await;
    assert_eq!(late.await.unwrap(), Err(ApplyError::TimedOut));

    let newer = apply(&handle, vec![flow_mod(2)]);
    switch.expect_work().await;
    let (newer_xid, _) = switch.expect_work().await;
    assert_ne!(late_xid, newer_xid);
    switch.send(late_xid, &FromSwitch::BarrierReply).await;
    sleep(Duration::from_millis(100)).await;
    assert!(!newer.is_finished());
    switch.send(newer_xid, &FromSwitch::BarrierReply).await;
    assert_eq!(newer.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn an_error_nobody_waits_for_reaches_the_observer() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect(Version::V13, 1).await;
    handle.send(&[flow_mod(1)]).unwrap();
    let (xid, _) = switch.expect_work().await;
    switch.send(xid, &refusal(Version::V13, 5, 1)).await;
    let Seen::Message(1, SwitchMessage::Error(report)) = bench.seen().await else {
        panic!()
    };
    assert_eq!((report.error_type, report.code), (5, 1));
}

#[tokio::test]
async fn the_parts_of_a_reply_are_joined() {
    for version in Version::ALL {
        let mut bench = Bench::new();
        let (mut switch, handle) = bench.connect(version, 1).await;
        let request = tokio::spawn({
            let handle = handle.clone();
            async move { handle.request(StatsRequest::Flows(FlowFilter::all())).await }
        });
        let (xid, _) = switch.expect_work().await;
        for part in 0..5_u64 {
            let flow = |packets| FlowStats {
                rule: FlowRule::new(1, Pattern::new(), Vec::new()),
                duration_ns: 0,
                packets,
                bytes: 0,
            };
            let body = StatsReply::Flows((part * 100..part * 100 + 100).map(flow).collect());
            switch
                .send(
                    xid,
                    &FromSwitch::Stats {
                        more: part < 4,
                        body,
                    },
                )
                .await;
            switch.send(xid + 1_000, &FromSwitch::BarrierReply).await;
        }
        let StatsReply::Flows(list) = request.await.unwrap().unwrap() else {
            panic!()
        };
        let packets: Vec<u64> = list.iter().map(|flow| flow.packets).collect();
        assert_eq!(packets, (0..500).collect::<Vec<u64>>());
    }
}

#[tokio::test]
async fn a_refused_request_says_what_the_switch_said() {
    let mut bench = Bench::new();
    let (mut switch, handle) = bench.connect(Version::V13, 1).await;
    let request = tokio::spawn(async move { handle.request(StatsRequest::Tables).await });
    let (xid, _) = switch.expect_work().await;
    switch.send(xid, &refusal(Version::V13, 1, 2)).await;
    let Err(RequestError::Refused(report)) = request.await.unwrap() else {
        panic!()
    };
    assert_eq!(report.code, 2);
}

/// Counts writes.
struct Counted {
    stream: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn all_that_is_due_leaves_in_one_write() {
    let mut bench = Bench::new();
    let writes = Arc::new(AtomicUsize::new(0));
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let stream = Counted {
        stream: ours,
        writes: Arc::clone(&writes),
    };
    let _task = bench
        .connections
        .adopt(stream, ([127, 0, 0, 1], 1).into())
        .unwrap();
    let switch = FakeSwitch::connected(theirs, Version::V13, 1).await;
    let Seen::Up(..) = bench.seen().await else {
        panic!()
    };
    let handle = bench.registry.resolve("s1").unwrap();
    tokio::spawn(switch.live());
    let before = writes.load(Ordering::Relaxed);
    let batch: Vec<ToSwitch> = (0..1_000).map(flow_mod).collect();
    assert_eq!(handle.apply(&batch).await, Ok(()));
    assert_eq!(
        writes.load(Ordering::Relaxed) - before,
        1,
        "1,000 rules and their barrier"
    );

    let before = writes.load(Ordering::Relaxed);
    for _ in 0..100 {
        handle.send(&[flow_mod(1)]).unwrap();
    }
    assert_eq!(handle.apply(&[]).await, Ok(()));
    assert_eq!(
        writes.load(Ordering::Relaxed) - before,
        1,
        "what many have queued"
    );
}

/// Installs a rule for each packet, and waits for it, within the call.
struct Installing(mpsc::UnboundedSender<Result<(), ApplyError>>);

impl SwitchObserver for Installing {
    async fn switch_up(&self, switch: &SwitchHandle) {
        self.0.send(switch.apply(&[flow_mod(0)]).await).unwrap();
    }

    async fn message(&self, switch: &SwitchHandle, _message: SwitchMessage) {
        self.0.send(switch.apply(&[flow_mod(1)]).await).unwrap();
    }

    async fn switch_down(&self, switch: &SwitchHandle, _reason: &CloseReason) {
        self.0.send(switch.apply(&[flow_mod(2)]).await).unwrap();
    }
}

#[tokio::test]
async fn an_observer_may_wait_for_the_switch_it_is_told_about() {
    let (sender, mut results) = mpsc::unbounded_channel();
    let registry = Arc::new(Registry::new());
    let connections = Connections::new(
        Arc::clone(&registry),
        Arc::new(Installing(sender)),
        Limits::default(),
    );
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let task = connections.adopt(ours, ([127, 0, 0, 1], 1).into()).unwrap();
    let mut switch = FakeSwitch::connected(theirs, Version::V13, 1).await;
    for _ in 0..3 {
        switch
            .send(0, &packet_in(b"a frame of 60 bytes or so"))
            .await;
    }
    let living = tokio::spawn(switch.live());
    for _ in 0..4 {
        assert_eq!(
            timeout(PATIENCE, results.recv()).await.unwrap(),
            Some(Ok(()))
        );
    }
    living.abort();
    assert_eq!(
        timeout(PATIENCE, results.recv()).await.unwrap(),
        Some(Err(ApplyError::Disconnected))
    );
    task.ended().await;
}
