//! Messages as hex digits.

use bytes::Bytes;
use godwit_openflow::Frame;

/// Length of a message's header, in bytes (OF 1.3.5 §7.1, `ofp_header`).
const HEADER_LENGTH: usize = 8;

/// Text that is not bytes in hex. Positions count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum HexError {
    #[error("{character:?} at position {position} is not a hex digit")]
    NotHex { character: char, position: usize },
    #[error("an odd number of hex digits up to position {position}")]
    Odd { position: usize },
    #[error("no hex digits")]
    Empty,
}

/// Bytes that can't be cut into whole messages from here on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CutError {
    #[error("{left} bytes at byte {offset} are less than a message's header")]
    Header { offset: usize, left: usize },
    #[error("the message at byte {offset} claims {length} bytes, less than its own header")]
    TooShort { offset: usize, length: usize },
    #[error("the message at byte {offset} claims {length} bytes, {left} are there")]
    Truncated {
        offset: usize,
        length: usize,
        left: usize,
    },
}

impl CutError {
    /// Where it stands, in bytes from the start of the first message.
    pub(super) const fn offset(&self) -> usize {
        match self {
            Self::Header { offset, .. }
            | Self::TooShort { offset, .. }
            | Self::Truncated { offset, .. } => *offset,
        }
    }

    /// The length that the header claims.
    pub(super) const fn length(&self) -> Option<usize> {
        match self {
            Self::Header { .. } => None,
            Self::TooShort { length, .. } | Self::Truncated { length, .. } => Some(*length),
        }
    }
}

/// Reads hex digits; white space and colons may stand between bytes, and `0x` before them.
///
/// # Errors
/// When there is something else, nothing, or half a byte.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>, HexError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut high = None;
    let mut starts = true;
    let mut characters = text.chars().enumerate().peekable();
    while let Some((index, character)) = characters.next() {
        let position = index + 1;
        if character.is_whitespace() || character == ':' {
            // Half a byte before a separator would shift all that follows.
            if high.is_some() {
                return Err(HexError::Odd { position: index });
            }
            starts = true;
            continue;
        }
        let prefix = starts && character == '0';
        starts = false;
        if prefix
            && characters
                .next_if(|(_, x)| matches!(x, 'x' | 'X'))
                .is_some()
        {
            continue;
        }
        let Some(digit) = character.to_digit(16) else {
            return Err(HexError::NotHex {
                character,
                position,
            });
        };
        #[expect(clippy::cast_possible_truncation, reason = "a hex digit is below 16")]
        let digit = digit as u8;
        match high.take() {
            None => high = Some(digit),
            Some(high) => bytes.push(high << 4 | digit),
        }
    }
    match high {
        Some(_) => Err(HexError::Odd {
            position: text.chars().count(),
        }),
        None if bytes.is_empty() => Err(HexError::Empty),
        None => Ok(bytes),
    }
}

/// Cuts messages that follow one another. After an error there are no more.
pub(super) fn frames(bytes: Vec<u8>) -> impl Iterator<Item = Result<Frame, CutError>> {
    let mut rest = Bytes::from(bytes);
    let mut offset = 0;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let cut = cut(&mut rest, offset);
        match &cut {
            Ok(frame) => offset += frame.bytes().len(),
            Err(_) => rest.clear(),
        }
        Some(cut)
    })
}

fn cut(rest: &mut Bytes, offset: usize) -> Result<Frame, CutError> {
    let left = rest.len();
    let length = match rest.get(2..4) {
        Some(&[high, low]) if left >= HEADER_LENGTH => usize::from(u16::from_be_bytes([high, low])),
        _ => return Err(CutError::Header { offset, left }),
    };
    if length < HEADER_LENGTH {
        return Err(CutError::TooShort { offset, length });
    }
    let truncated = CutError::Truncated {
        offset,
        length,
        left,
    };
    if length > left {
        return Err(truncated);
    }
    Frame::new(rest.split_to(length)).map_err(|_| truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_with_any_separators() {
        let expected = vec![0x04, 0x00, 0xab, 0xCD];
        for text in [
            "0400abCD",
            "04 00 ab cd",
            "04:00:AB:CD",
            " 0x0400abcd\n",
            "0x04 0x00\t0xab:0Xcd",
            "0400 0xabcd",
        ] {
            assert_eq!(bytes(text), Ok(expected.clone()), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_bytes_is_refused_with_its_place() {
        assert_eq!(bytes(" : "), Err(HexError::Empty));
        assert_eq!(bytes("0x"), Err(HexError::Empty));
        assert_eq!(bytes("040"), Err(HexError::Odd { position: 3 }));
        assert_eq!(bytes("0x4 0x0"), Err(HexError::Odd { position: 3 }));
        let at = |character, position| {
            Err(HexError::NotHex {
                character,
                position,
            })
        };
        assert_eq!(bytes("04g0"), at('g', 3));
        assert_eq!(bytes("04x0"), at('x', 3));
        assert_eq!(bytes("040x00"), at('x', 4));
        assert_eq!(bytes("04é"), at('é', 3));
    }

    #[test]
    fn messages_are_cut_by_their_lengths() {
        let two = bytes("0400000800000001 0402000a00000002ffff").unwrap();
        let lengths: Vec<_> = frames(two)
            .map(|frame| frame.unwrap().bytes().len())
            .collect();
        assert_eq!(lengths, [8, 10]);
    }

    #[test]
    fn after_a_message_that_is_not_whole_nothing_is_cut() {
        let cut = |text: &str| frames(bytes(text).unwrap()).collect::<Vec<_>>();
        let good = "0400000800000001";
        let all = cut(&format!("{good}0402000700000002{good}"));
        assert_eq!(all.len(), 2);
        let too_short = CutError::TooShort {
            offset: 8,
            length: 7,
        };
        assert_eq!(all[1], Err(too_short));
        let truncated = CutError::Truncated {
            offset: 0,
            length: 9,
            left: 8,
        };
        assert_eq!(cut("0402000900000002"), [Err(truncated)]);
        let header = CutError::Header { offset: 8, left: 3 };
        assert_eq!(cut(&format!("{good}040200"))[1], Err(header));
    }
}
