//! The small values that every message speaks of: identifiers, port numbers, addresses.

use std::fmt;
use std::str::FromStr;

use serde::de::DeserializeSeed;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::{ScalarOf, number};

/// A value that could not be read from text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct ParseError {
    /// What was given.
    pub text: String,
    /// What would have been accepted.
    pub expected: &'static str,
}

impl ParseError {
    pub(crate) fn new(text: &str, expected: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            expected,
        }
    }
}

/// Serialises through `Display`, reads back through `FromStr`.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// The protocol version of a connection, by its wire number (OF 1.3.5 §7.1, `ofp_header`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Version {
    /// OpenFlow 1.0, wire version 0x01.
    V10 = 0x01,
    /// OpenFlow 1.3, wire version 0x04.
    V13 = 0x04,
}

impl Version {
    /// Every version that godwit speaks, lowest first.
    pub const ALL: [Self; 2] = [Self::V10, Self::V13];

    /// The byte at offset 0 of every message of this version.
    #[must_use]
    pub const fn wire(self) -> u8 {
        self as u8
    }

    /// The version with this wire number, if godwit speaks it.
    #[must_use]
    pub const fn from_wire(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::V10),
            0x04 => Some(Self::V13),
            _ => None,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V10 => "1.0",
            Self::V13 => "1.3",
        })
    }
}

impl FromStr for Version {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text {
            "1.0" => Ok(Self::V10),
            "1.3" => Ok(Self::V13),
            _ => Err(ParseError::new(text, "an OpenFlow version (1.0 or 1.3)")),
        }
    }
}

serde_as_text!(Version);

/// A transaction id: replies and errors carry the one of their request (OF 1.3.5 §7.1, `ofp_header`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Xid(pub u32);

/// The identity of a switch: 16 bits of the implementer's, then its 48-bit MAC (OF 1.3.5 §7.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DatapathId(pub u64);

impl fmt::Display for DatapathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for DatapathId {
    type Err = ParseError;

    /// Reads 16 hex digits, eight pairs joined by colons, or a number after `0x`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        const EXPECTED: &str =
            "a datapath id (16 hex digits, 8 pairs of them joined by colons, or 0x and a number)";
        let fail = || ParseError::new(text, EXPECTED);
        let digits = if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))
        {
            hex.to_owned()
        } else if text.len() == 23 {
            let pairs: Vec<&str> = text.split(':').collect();
            if pairs.len() != 8 || pairs.iter().any(|pair| pair.len() != 2) {
                return Err(fail());
            }
            pairs.concat()
        } else if text.len() == 16 {
            text.to_owned()
        } else {
            return Err(fail());
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(fail());
        }
        u64::from_str_radix(&digits, 16)
            .map(Self)
            .map_err(|_| fail())
    }
}

serde_as_text!(DatapathId);

/// A port number in OpenFlow 1.3's numbering, 32 bits (OF 1.3.5 §7.2.1, `ofp_port_no`).
///
/// OpenFlow 1.0 has 16 bits; its reserved numbers are raised to those of 1.3 and lowered back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PortNo(pub u32);

impl PortNo {
    /// The highest number that a physical or logical port may have.
    pub const MAX: Self = Self(0xffff_ff00);
    /// Back out of the port the packet came in on.
    pub const IN_PORT: Self = Self(0xffff_fff8);
    /// Through the flow tables; PACKET_OUT only.
    pub const TABLE: Self = Self(0xffff_fff9);
    /// The switch's non-OpenFlow processing.
    pub const NORMAL: Self = Self(0xffff_fffa);
    /// All ports but the ingress port and those that are blocked.
    pub const FLOOD: Self = Self(0xffff_fffb);
    /// All ports but the ingress port.
    pub const ALL: Self = Self(0xffff_fffc);
    /// To the controller.
    pub const CONTROLLER: Self = Self(0xffff_fffd);
    /// The switch's own network stack.
    pub const LOCAL: Self = Self(0xffff_fffe);
    /// A wildcard in requests, called NONE by OpenFlow 1.0.
    pub const ANY: Self = Self(0xffff_ffff);

    pub(crate) const NAMES: [(Self, &'static str); 8] = [
        (Self::IN_PORT, "in_port"),
        (Self::TABLE, "table"),
        (Self::NORMAL, "normal"),
        (Self::FLOOD, "flood"),
        (Self::ALL, "all"),
        (Self::CONTROLLER, "controller"),
        (Self::LOCAL, "local"),
        (Self::ANY, "any"),
    ];

    /// Whether this is a port with a link that could be plugged, rather than a reserved number.
    #[must_use]
    pub const fn is_physical(self) -> bool {
        self.0 > 0 && self.0 <= Self::MAX.0
    }
}

impl fmt::Display for PortNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::NAMES.iter().find(|(port, _)| port == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl FromStr for PortNo {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if let Some((port, _)) = Self::NAMES.iter().find(|(_, name)| *name == text) {
            return Ok(*port);
        }
        number(text)
            .and_then(|number| u32::try_from(number).ok())
            .map(Self)
            .ok_or_else(|| ParseError::new(text, "a port number or a port's reserved name"))
    }
}

impl Serialize for PortNo {
    /// A number, or the name of a reserved port.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if Self::NAMES.iter().any(|(port, _)| port == self) {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u32(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for PortNo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = ScalarOf("port").deserialize(deserializer)?;
        let number = value.number().and_then(|number| u32::try_from(number).ok());
        match number {
            Some(number) => Ok(Self(number)),
            None => value.into_text().parse().map_err(serde::de::Error::custom),
        }
    }
}

/// A flow table's number; 0 is where every packet starts (OF 1.3.5 §7.2.4 `ofp_table`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct TableId(pub u8);

impl TableId {
    /// Every table: a wildcard of delete commands and statistics requests.
    pub const ALL: Self = Self(0xff);
}

/// An opaque number that the controller stores with a flow entry (OF 1.3.5 §7.3.4.1); here it names the entry's owner.
///
/// As text and in JSON: `0x` and 16 hex digits, since JSON numbers above 2^53 are not safe everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cookie(pub u64);

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:016x}", self.0)
    }
}

impl FromStr for Cookie {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        number(text)
            .and_then(|number| u64::try_from(number).ok())
            .map(Self)
            .ok_or_else(|| ParseError::new(text, "a cookie (a number, or 0x and hex digits)"))
    }
}

impl Serialize for Cookie {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cookie {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = ScalarOf("cookie").deserialize(deserializer)?;
        value.into_text().parse().map_err(serde::de::Error::custom)
    }
}

/// The number of a packet that the switch keeps for the controller (OF 1.3.5 §7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BufferId(pub u32);

impl BufferId {
    /// On the wire: no packet is kept.
    pub const NO_BUFFER: u32 = 0xffff_ffff;
}

/// The number of a group (OF 1.3.5 §7.3.4.2, `ofp_group`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct GroupId(pub u32);

impl GroupId {
    /// The highest number that a group may have (OF 1.3.5 §7.3.4.2, `OFPG_MAX`).
    pub const MAX: Self = Self(0xffff_ff00);
    /// Every group, to delete them (OF 1.3.5 §7.3.4.2, `OFPG_ALL`).
    pub const ALL: Self = Self(0xffff_fffc);
    /// A wildcard in requests (OF 1.3.5 §7.3.4.2, `OFPG_ANY`).
    pub const ANY: Self = Self(0xffff_ffff);
}

/// The number of a meter (OF 1.3.5 §7.3.4.4, `ofp_meter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct MeterId(pub u32);

impl MeterId {
    /// The highest number that a meter may have (OF 1.3.5 §7.3.4.4, `OFPM_MAX`).
    pub const MAX: Self = Self(0xffff_0000);
    /// For packets that go through the slow path (OF 1.3.5 §7.3.4.4, `OFPM_SLOWPATH`).
    pub const SLOW_PATH: Self = Self(0xffff_fffd);
    /// For packets to the controller (OF 1.3.5 §7.3.4.4, `OFPM_CONTROLLER`).
    pub const CONTROLLER: Self = Self(0xffff_fffe);
    /// Every meter, in requests and to delete them (OF 1.3.5 §7.3.4.4, `OFPM_ALL`).
    pub const ALL: Self = Self(0xffff_ffff);
}

/// The number of a queue within its port (OF 1.3.5 §7.2.2, `ofp_packet_queue`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct QueueId(pub u32);

impl QueueId {
    /// Every queue, in requests (OF 1.3.5 §7.3.5.8, `OFPQ_ALL`).
    pub const ALL: Self = Self(0xffff_ffff);
}

/// The number of a bundle (ONF EXT-230).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BundleId(pub u32);

/// An Ethernet address (`OFP_ETH_ALEN` bytes, OF 1.3.5 §7.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// All ones: every station.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// Whether this address names a group of stations (broadcast among them).
    #[must_use]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// The address as the low 48 bits of a number, first octet highest.
    #[must_use]
    pub fn to_u64(self) -> u64 {
        self.0
            .iter()
            .fold(0, |number, &octet| number << 8 | u64::from(octet))
    }

    /// The address in the low 48 bits of `number`; higher bits are ignored.
    #[must_use]
    pub const fn from_u64(number: u64) -> Self {
        let [_, _, a, b, c, d, e, f] = number.to_be_bytes();
        Self([a, b, c, d, e, f])
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

impl FromStr for MacAddr {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fail = || ParseError::new(text, "a MAC address (six hex pairs joined by colons)");
        let mut octets = [0; 6];
        let mut pairs = text.split(':');
        for octet in &mut octets {
            let pair = pairs
                .next()
                .filter(|pair| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit()))
                .ok_or_else(fail)?;
            *octet = u8::from_str_radix(pair, 16).map_err(|_| fail())?;
        }
        if pairs.next().is_some() {
            Err(fail())
        } else {
            Ok(Self(octets))
        }
    }
}

serde_as_text!(MacAddr);
