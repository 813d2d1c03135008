//! Where in a stream a message may begin.

/// Length of a message's header, in bytes.
pub(super) const HEADER_LENGTH: usize = 8;

/// The largest type of each version that was published, 1.0 to 1.5, by its wire number less one.
const LARGEST_TYPE: [u8; 6] = [21, 23, 25, 29, 34, 35];

/// How many headers in a row, each where the one before it says, are enough to be sure.
const SURE: usize = 3;

/// The first half of a message's header (OF 1.3.5 §7.1, `ofp_header`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) version: u8,
    message_type: u8,
    pub(super) length: usize,
}

impl Header {
    /// Reads it, if it is there.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let &[version, message_type, high, low] = bytes.first_chunk()?;
        Some(Self {
            version,
            message_type,
            length: usize::from(u16::from_be_bytes([high, low])),
        })
    }

    /// Whether a published version has such messages; of the stream's version, if that is known. HELLO may be of any.
    pub(super) fn is_plausible(self, version: Option<u8>) -> bool {
        let largest = usize::from(self.version)
            .checked_sub(1)
            .and_then(|index| LARGEST_TYPE.get(index));
        let expected = version.is_none_or(|version| version == self.version);
        self.length >= HEADER_LENGTH
            && largest.is_some_and(|&largest| self.message_type <= largest)
            && (expected || self.message_type == 0)
    }
}

/// Whether a version with this wire number was published.
pub(super) fn is_version(wire: u8) -> bool {
    (1..=LARGEST_TYPE.len()).contains(&usize::from(wire))
}

/// The first place where messages seem to begin. Senders mostly begin a segment with a message, so less is asked of
/// the place where the last segment begins.
pub(super) fn find(bytes: &[u8], segment: usize, version: Option<u8>) -> Option<usize> {
    // After a HELLO of another version only the version of what follows counts.
    let version = version.filter(|&version| is_version(version));
    (0..bytes.len()).find(|&start| match chain(&bytes[start..], version) {
        Chain::Broken => false,
        Chain::Whole => true,
        Chain::Open(headers) => headers >= 2 || (headers == 1 && start == segment),
    })
}

enum Chain {
    Broken,
    /// Ends where the bytes end, or is long enough.
    Whole,
    /// The bytes end within a message, after this many headers.
    Open(usize),
}

/// Follows headers from the start of `bytes`.
fn chain(bytes: &[u8], version: Option<u8>) -> Chain {
    let mut rest = bytes;
    for headers in 0..SURE {
        if rest.is_empty() && headers > 0 {
            return Chain::Whole;
        }
        if rest.len() < HEADER_LENGTH {
            return match rest.first() {
                Some(&first) if !is_version(first) => Chain::Broken,
                _ => Chain::Open(headers),
            };
        }
        match Header::read(rest) {
            Some(header) if header.is_plausible(version) => {
                let Some(after) = rest.get(header.length..) else {
                    return Chain::Open(headers + 1);
                };
                rest = after;
            }
            _ => return Chain::Broken,
        }
    }
    Chain::Whole
}
