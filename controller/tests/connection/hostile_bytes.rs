use godwit_openflow::model::{FromSwitch, PortStatusReason, StatsReply};
use godwit_openflow::types::Version;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use crate::bench::Bench;
use crate::fake_switch::{
    FakeSwitch, encoded, features, flow_removed, packet_in, port, port_status, ports, refusal,
};

fn honest_messages(version: Version) -> Vec<Vec<u8>> {
    let mut all = vec![
        packet_in(&[0; 60]),
        flow_removed(1),
        port_status(PortStatusReason::Modify, port(1, "s1-eth1")),
        refusal(version, 1, 1),
        features(version, 1),
        FromSwitch::BarrierReply,
        FromSwitch::Stats {
            more: true,
            body: StatsReply::Tables(Vec::new()),
        },
        FromSwitch::Stats {
            more: false,
            body: StatsReply::Flows(Vec::new()),
        },
    ];
    if version == Version::V13 {
        all.push(FromSwitch::Stats {
            more: false,
            body: StatsReply::PortDescription(ports(1)),
        });
    }
    all.iter()
        .map(|message| encoded(version, 3, message).to_vec())
        .collect()
}

/// A switch in order, next to which others do what they like.
struct Witness {
    bench: Bench,
    handle: godwit_controller::switch::SwitchHandle,
}

impl Witness {
    async fn new() -> Self {
        let mut bench = Bench::new();
        let (_living, handle) = bench.connect_living(0xff).await;
        Self { bench, handle }
    }

    /// Sends `bytes` as the switch 1, before or after its handshake; then the witness must be as it was, and the
    /// connection's task must not have failed.
    async fn endures(&mut self, version: Version, after_handshake: bool, bytes: &[u8]) {
        let stream = self.bench.plug();
        let mut switch = FakeSwitch::new(stream, version);
        if after_handshake {
            switch.shake_hands(1).await;
        }
        // The controller may close before it has read all.
        let _ = switch.send_bytes(bytes).await;
        drop(switch);
        self.bench.ended(0).await;
        assert!(
            self.handle.apply(&[]).await.is_ok(),
            "the other switch has noticed"
        );
    }
}

#[test]
fn random_bytes_are_endured() {
    let runtime = Runtime::new().unwrap();
    let mut witness = runtime.block_on(Witness::new());
    // The witness's own task stands first and is not waited for.
    runtime.block_on(async { witness.bench.set_aside(0) });
    let mut runner = TestRunner::new(Config::with_cases(300));
    let bytes = proptest::collection::vec(any::<u8>(), 0..400);
    let witness = std::cell::RefCell::new(witness);
    runner
        .run(
            &(any::<bool>(), any::<bool>(), bytes),
            |(new, after, bytes)| {
                let version = if new { Version::V13 } else { Version::V10 };
                runtime.block_on(witness.borrow_mut().endures(version, after, &bytes));
                Ok(())
            },
        )
        .unwrap();
}

#[test]
fn mutated_messages_are_endured() {
    let runtime = Runtime::new().unwrap();
    let mut witness = runtime.block_on(Witness::new());
    runtime.block_on(async { witness.bench.set_aside(0) });
    let witness = std::cell::RefCell::new(witness);
    let mut runner = TestRunner::new(Config::with_cases(500));
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6);
    runner
        .run(
            &(any::<bool>(), any::<prop::sample::Index>(), changes),
            |(new, which, changes)| {
                let version = if new { Version::V13 } else { Version::V10 };
                let messages = honest_messages(version);
                let mut bytes = messages[which.index(messages.len())].clone();
                for (at, value) in changes {
                    // The header stays, or hardly any message would be looked into.
                    let at = 8 + at.index(bytes.len().max(9) - 8);
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = value;
                    }
                }
                runtime.block_on(witness.borrow_mut().endures(version, true, &bytes));
                Ok(())
            },
        )
        .unwrap();
}

#[tokio::test]
async fn messages_cut_anywhere_are_endured() {
    let mut witness = Witness::new().await;
    witness.bench.set_aside(0);
    for version in Version::ALL {
        for message in honest_messages(version) {
            for end in 8..message.len() {
                let mut cut = message[..end].to_vec();
                let length = u16::try_from(end).unwrap().to_be_bytes();
                cut[2..4].copy_from_slice(&length);
                witness.endures(version, true, &cut).await;
            }
        }
    }
}

#[tokio::test]
async fn lengths_that_lie_are_endured() {
    let mut witness = Witness::new().await;
    witness.bench.set_aside(0);
    for version in Version::ALL {
        for message in honest_messages(version) {
            for at in (8..message.len().saturating_sub(1)).step_by(2) {
                for value in [0_u16, 1, 7, 0xffff] {
                    let mut lying = message.clone();
                    lying[at..at + 2].copy_from_slice(&value.to_be_bytes());
                    witness.endures(version, true, &lying).await;
                }
            }
        }
    }
}
