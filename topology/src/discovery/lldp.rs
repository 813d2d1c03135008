//! LLDP frames (IEEE 802.1AB): those that godwit sends, and what it makes of those that arrive.
//!
//! | TLV | type | content |
//! |---|---|---|
//! | Chassis ID | 1 | subtype 7 (locally assigned), `dpid:` and the datapath id |
//! | Port ID | 2 | subtype 7 (locally assigned), the port number in decimal |
//! | Time To Live | 3 | seconds that the sender says it holds |
//! | organisation-specific | 127 | [`ORGANISATION`], subtype 1 or 2, then datapath id (8 octets), port (4), nonce (8), tag (16) |
//! | End | 0 | |
//!
//! The first three are there for other people's tools; godwit reads the fourth alone. Its tag is HMAC-SHA256
//! over the fields before it, cut to 16 octets, with a key that is drawn at random for each run. It proves that
//! this run made the frame. It does not prove that the frame came straight from that port: a signed frame
//! that someone carries elsewhere is still signed, and only port classes and nonces stand against that.
//!
//! There are two sorts, told apart by the subtype, which the tag is over as well. One is for the other end of the cable
//! ([`Reach::Cable`]); bridges don't pass it on. The other is sent to everybody ([`Reach::Segment`]), so that it comes
//! through bridges that speak no OpenFlow. It has the same Ethernet type, so that the one rule that hands
//! discovery frames to the controller takes both.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use godwit_openflow::types::{DatapathId, MacAddr, PortNo};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::link::PortRef;

/// The Ethernet type of LLDP.
pub const ETHERTYPE: u16 = 0x88cc;
/// The address LLDP is sent to: bridges do not pass it on (IEEE 802.1AB §7.1, nearest bridge).
pub const DESTINATION: MacAddr = MacAddr([0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e]);
/// The organisation in godwit's TLV: a locally administered prefix, since godwit owns no registered one.
pub const ORGANISATION: [u8; 3] = [0x02, b'g', b'w'];

const SUBTYPE_CABLE: u8 = 1;
const SUBTYPE_SEGMENT: u8 = 2;
const SUBTYPE_LOCALLY_ASSIGNED: u8 = 7;
const HEADER_LEN: usize = 14;
const SIGNED_LEN: usize = 8 + 4 + 8;
const TAG_LEN: usize = 16;
const KEY_LEN: usize = 64;
/// Keeps the tag from meaning anything outside of this use.
const PURPOSE: &[u8] = b"godwit link probe 2";

mod tlv {
    pub(super) const END: u8 = 0;
    pub(super) const CHASSIS_ID: u8 = 1;
    pub(super) const PORT_ID: u8 = 2;
    pub(super) const TTL: u8 = 3;
    pub(super) const ORGANISATION_SPECIFIC: u8 = 127;
}

/// How far a probe goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// To the other end of the cable: it is sent to [`DESTINATION`].
    Cable,
    /// To every port of the segment that bridges make: it is broadcast.
    Segment,
}

impl Reach {
    const fn subtype(self) -> u8 {
        match self {
            Self::Cable => SUBTYPE_CABLE,
            Self::Segment => SUBTYPE_SEGMENT,
        }
    }

    const fn destination(self) -> MacAddr {
        match self {
            Self::Cable => DESTINATION,
            Self::Segment => MacAddr::BROADCAST,
        }
    }
}

/// The key that this run signs its probes with.
#[derive(Clone)]
pub struct RunKey([u8; KEY_LEN]);

/// The system gave no random bytes, so no key could be drawn.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot draw a key for link discovery: {0}")]
pub struct KeyError(#[from] getrandom::Error);

impl RunKey {
    /// Draws a key at random.
    ///
    /// # Errors
    /// [`KeyError`] if the system's source of random bytes fails.
    pub fn generate() -> Result<Self, KeyError> {
        let mut key = [0; KEY_LEN];
        getrandom::fill(&mut key)?;
        Ok(Self(key))
    }

    /// A key of given bytes, so that a recorded run can be replayed.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    fn signer(&self, reach: Reach, signed: &[u8]) -> Hmac<Sha256> {
        <Hmac<Sha256> as KeyInit>::new(&self.0.into())
            .chain_update(PURPOSE)
            .chain_update([reach.subtype()])
            .chain_update(signed)
    }
}

impl fmt::Debug for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunKey(secret)")
    }
}

/// What a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded {
    /// It carries godwit's TLV.
    Probe {
        /// The port it says it was sent out of.
        from: PortRef,
        /// The number that makes it unique.
        nonce: u64,
        /// How far it was meant to go.
        reach: Reach,
        /// Whether this run's key signed it, and it has the destination that its sort has: one for the cable that
        /// somebody broadcasts would come through bridges. If not, nothing in it can be believed.
        authentic: bool,
    },
    /// Well-formed LLDP of some other system.
    Foreign,
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LldpError {
    /// Not an LLDP frame at all.
    #[error("not an LLDP frame")]
    NotLldp,
    /// It ends in the middle of a TLV.
    #[error("the frame ends inside the TLV at octet {offset}")]
    Truncated {
        /// Where the TLV starts, counted from the frame's first octet.
        offset: usize,
    },
    /// It does not begin with Chassis ID, Port ID and Time To Live (IEEE 802.1AB §8.2).
    #[error("a TLV of type {found} stands where type {expected} must")]
    Order {
        /// The type that the standard wants here.
        expected: u8,
        /// The type found.
        found: u8,
    },
    /// One of the mandatory TLVs is absent.
    #[error("the TLV of type {expected} is missing")]
    Missing {
        /// The type that is absent.
        expected: u8,
    },
    /// godwit's TLV has a length it never has.
    #[error("the probe's TLV has {found} octets")]
    ProbeLength {
        /// Octets found.
        found: usize,
    },
}

/// Whether a frame is LLDP by its Ethernet type.
#[must_use]
pub fn is_lldp(frame: &[u8]) -> bool {
    frame.get(12..HEADER_LEN) == Some(&ETHERTYPE.to_be_bytes())
}

/// The probe to be sent out of a port. A neighbour's own LLDP agent may believe it for `ttl_s` seconds.
#[must_use]
pub fn encode(key: &RunKey, from: PortRef, nonce: u64, reach: Reach, ttl_s: u16) -> Bytes {
    let mut frame = BytesMut::with_capacity(128);
    frame.put_slice(&reach.destination().0);
    frame.put_slice(&source_address(from.dpid).0);
    frame.put_u16(ETHERTYPE);
    put_id(&mut frame, tlv::CHASSIS_ID, &format!("dpid:{}", from.dpid));
    put_id(&mut frame, tlv::PORT_ID, &from.port.0.to_string());
    put_header(&mut frame, tlv::TTL, 2);
    frame.put_u16(ttl_s);
    let signed = signed_part(from, nonce);
    put_header(
        &mut frame,
        tlv::ORGANISATION_SPECIFIC,
        ORGANISATION.len() + 1 + SIGNED_LEN + TAG_LEN,
    );
    frame.put_slice(&ORGANISATION);
    frame.put_u8(reach.subtype());
    frame.put_slice(&signed);
    let tag = key.signer(reach, &signed).finalize().into_bytes();
    frame.put_slice(&tag[..TAG_LEN]);
    put_header(&mut frame, tlv::END, 0);
    frame.freeze()
}

/// Reads a frame that a switch passed up.
///
/// # Errors
/// See [`LldpError`].
pub fn decode(key: &RunKey, frame: &[u8]) -> Result<Decoded, LldpError> {
    if !is_lldp(frame) {
        return Err(LldpError::NotLldp);
    }
    let mut offset = HEADER_LEN;
    let mut mandatory = [tlv::CHASSIS_ID, tlv::PORT_ID, tlv::TTL].into_iter();
    let mut decoded = Decoded::Foreign;
    // What follows the End TLV is padding; a frame may also simply stop.
    while offset < frame.len() {
        let (kind, value) = read_tlv(frame, offset)?;
        if let Some(expected) = mandatory.next()
            && kind != expected
        {
            return Err(LldpError::Order {
                expected,
                found: kind,
            });
        }
        if kind == tlv::END {
            break;
        }
        if kind == tlv::ORGANISATION_SPECIFIC && decoded == Decoded::Foreign {
            decoded = read_probe(key, frame.get(..6).unwrap_or_default(), value)?;
        }
        offset += 2 + value.len();
    }
    match mandatory.next() {
        Some(expected) => Err(LldpError::Missing { expected }),
        None => Ok(decoded),
    }
}

fn read_tlv(frame: &[u8], offset: usize) -> Result<(u8, &[u8]), LldpError> {
    let truncated = LldpError::Truncated { offset };
    let (&[high, low], rest) = frame
        .get(offset..)
        .and_then(|rest| rest.split_first_chunk())
        .ok_or(truncated)?;
    let length = usize::from(u16::from_be_bytes([high & 1, low]));
    rest.get(..length)
        .map(|value| (high >> 1, value))
        .ok_or(truncated)
}

fn read_probe(key: &RunKey, destination: &[u8], value: &[u8]) -> Result<Decoded, LldpError> {
    let (reach, data) = match value.strip_prefix(&ORGANISATION) {
        Some([SUBTYPE_CABLE, data @ ..]) => (Reach::Cable, data),
        Some([SUBTYPE_SEGMENT, data @ ..]) => (Reach::Segment, data),
        _ => return Ok(Decoded::Foreign),
    };
    let wrong_length = LldpError::ProbeLength { found: value.len() };
    let (signed, tag) = data.split_first_chunk::<SIGNED_LEN>().ok_or(wrong_length)?;
    if tag.len() != TAG_LEN {
        return Err(wrong_length);
    }
    let (dpid, rest) = signed.split_first_chunk().ok_or(wrong_length)?;
    let (port, rest) = rest.split_first_chunk().ok_or(wrong_length)?;
    let (nonce, _) = rest.split_first_chunk().ok_or(wrong_length)?;
    Ok(Decoded::Probe {
        from: PortRef::new(
            DatapathId(u64::from_be_bytes(*dpid)),
            PortNo(u32::from_be_bytes(*port)),
        ),
        nonce: u64::from_be_bytes(*nonce),
        reach,
        authentic: destination == reach.destination().0
            && key.signer(reach, signed).verify_truncated_left(tag).is_ok(),
    })
}

fn signed_part(from: PortRef, nonce: u64) -> [u8; SIGNED_LEN] {
    let mut signed = [0; SIGNED_LEN];
    signed[..8].copy_from_slice(&from.dpid.0.to_be_bytes());
    signed[8..12].copy_from_slice(&from.port.0.to_be_bytes());
    signed[12..].copy_from_slice(&nonce.to_be_bytes());
    signed
}

/// The switch's own address as its datapath id has it, marked as locally administered so that it cannot be
/// taken for a host's.
fn source_address(dpid: DatapathId) -> MacAddr {
    let mut address = MacAddr::from_u64(dpid.0);
    address.0[0] = (address.0[0] | 0x02) & !0x01;
    address
}

fn put_id(frame: &mut BytesMut, kind: u8, text: &str) {
    put_header(frame, kind, 1 + text.len());
    frame.put_u8(SUBTYPE_LOCALLY_ASSIGNED);
    frame.put_slice(text.as_bytes());
}

/// Seven bits of type, nine of length (IEEE 802.1AB §8.4).
fn put_header(frame: &mut BytesMut, kind: u8, length: usize) {
    frame.put_u16(u16::from(kind) << 9 | (length as u16 & 0x1ff));
}

#[cfg(test)]
mod tests;
