//! Seeds for the fuzzers: random messages that are right, and what makes them wrong.

use bytes::BytesMut;
use godwit_openflow::codec;
use godwit_openflow::types::{DatapathId, MacAddr, PortNo, Version, Xid};
use godwit_topology::discovery::lldp::Reach;
use godwit_topology::discovery::{RunKey, lldp};
use godwit_topology::link::PortRef;
use godwit_topology::packet;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::{v10, v13, workload};

/// `count` messages of `version` in each direction, header included; the same each time. Without those that the
/// version can't say.
#[must_use]
pub fn messages(version: Version, count: usize) -> Vec<Vec<u8>> {
    let runner = &mut TestRunner::deterministic();
    let mut seeds = Vec::new();
    for _ in 0..count {
        let xid = Xid(7);
        let mut up = BytesMut::new();
        let mut down = BytesMut::new();
        let written = match version {
            Version::V10 => [
                sample(runner, &v10::from_switch())
                    .map(|message| codec::encode_from_switch(version, xid, &message, &mut up)),
                sample(runner, &v10::to_switch())
                    .map(|message| codec::encode_to_switch(version, xid, &message, &mut down)),
            ],
            Version::V13 => [
                sample(runner, &v13::from_switch())
                    .map(|message| codec::encode_from_switch(version, xid, &message, &mut up)),
                sample(runner, &v13::to_switch())
                    .map(|message| codec::encode_to_switch(version, xid, &message, &mut down)),
            ],
        };
        let written = written.map(|result| matches!(result, Some(Ok(()))));
        seeds.extend(written[0].then(|| up.to_vec()));
        seeds.extend(written[1].then(|| down.to_vec()));
    }
    seeds
}

fn sample<S: Strategy>(runner: &mut TestRunner, strategy: &S) -> Option<S::Value> {
    Some(strategy.new_tree(runner).ok()?.current())
}

/// Streams of a few messages of both versions.
#[must_use]
pub fn streams(count: usize) -> Vec<Vec<u8>> {
    let all: Vec<Vec<u8>> = Version::ALL
        .into_iter()
        .flat_map(|version| messages(version, count))
        .collect();
    all.chunks(3).map(<[Vec<u8>]>::concat).collect()
}

/// Frames of LLDP: a probe of another run.
#[must_use]
pub fn lldp_frames() -> Vec<Vec<u8>> {
    let key = RunKey::generate();
    let probe = |(port, reach)| {
        let from = PortRef::new(DatapathId(1), PortNo(port));
        Some(lldp::encode(key.as_ref().ok()?, from, 9, reach, 20).to_vec())
    };
    let all = [
        (1, Reach::Cable),
        (65_000, Reach::Cable),
        (1, Reach::Segment),
    ];
    all.into_iter().filter_map(probe).collect()
}

/// Packets of ARP and of UDP over IPv4, with a tag and without, and of IPv6.
#[must_use]
pub fn packets() -> Vec<Vec<u8>> {
    let request = packet::arp_request(MacAddr([2; 6]), [10, 0, 0, 2].into(), MacAddr([4; 6]));
    let untagged = workload::packet(64).to_vec();
    let mut tagged = untagged.clone();
    tagged.splice(12..12, [0x81, 0x00, 0x00, 0x07]);
    let mut ipv6 = vec![0; 14 + 40 + 8];
    ipv6[12..14].copy_from_slice(&[0x86, 0xdd]);
    ipv6[14] = 0x60;
    ipv6[20] = 17;
    vec![request.to_vec(), untagged, tagged, ipv6]
}

/// Makes bytes wrong, in the ways in which bytes go wrong, by a number that is different each time.
#[derive(Debug, Clone)]
pub struct Mutator {
    state: u64,
}

impl Mutator {
    /// The same `number` makes the same mutations.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self {
            state: number ^ 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// Below `limit`, which is at least 1 (Marsaglia's xorshift).
    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 16) as usize % limit.max(1)
    }

    /// `bytes` with one to four changes: a bit, a byte, a 16-bit number as of a length, a cut, a repeated part, or a part
    /// of `other`.
    #[must_use]
    pub fn mutate(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        let mut mutated = bytes.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut mutated, other);
        }
        mutated
    }

    fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        const EXTREMES: [u8; 6] = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
        let at = self.below(bytes.len());
        match self.below(6) {
            0 => {
                let bit = 1 << self.below(8);
                bytes
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|byte| *byte ^= bit);
            }
            1 => {
                let value = EXTREMES[self.below(EXTREMES.len())];
                bytes
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|byte| *byte = value);
            }
            2 => {
                let number = (self.below(80) as u16).to_be_bytes();
                let pair = bytes.iter_mut().skip(at & !1).take(2);
                pair.zip(number).for_each(|(byte, value)| *byte = value);
            }
            3 => bytes.truncate(at),
            4 => {
                let end = (at + self.below(64)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                let start = self.below(other.len());
                let end = (start + self.below(64)).min(other.len());
                bytes.splice(at..at, other[start..end].iter().copied());
            }
        }
    }
}
