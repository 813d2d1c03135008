//! Messages and their parts as lines of text, laid out as `ovs-ofctl` does and with the names that JSON has here.
//!
//! A list stands in the line of its message, its records parted by `; `; in the alternate form (`{:#}`) each record has
//! a line of its own, as in the dumps of `ovs-ofctl`.

mod control;
mod flow;
mod group;
mod messages;
mod packet;
mod port;
mod stats;
mod table;
#[cfg(test)]
mod tests;

use std::fmt::{self, Display, Formatter};

use bytes::Bytes;

pub(crate) use messages::{Fields, behind_colon};

use super::hex;
use crate::types::PortNo;

/// A number of bits with their names. Bits without a name follow as one number; none at all is `0`.
struct Bits<'a>(u64, &'a [(u64, &'a str)]);

impl Display for Bits<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(mut left, names) = *self;
        let mut first = true;
        for (bit, name) in names {
            if left & bit == *bit {
                left &= !bit;
                write!(f, "{}{name}", gap(&mut first, " "))?;
            }
        }
        match (left, first) {
            (0, true) => f.write_str("0"),
            (0, false) => Ok(()),
            _ => write!(f, "{}{left:#x}", gap(&mut first, " ")),
        }
    }
}

/// What parts this piece from the one before: nothing at first, `between` from then on.
fn gap(first: &mut bool, between: &'static str) -> &'static str {
    if std::mem::take(first) { "" } else { between }
}

/// The pieces with `between` between them.
fn joined<T: Display>(
    f: &mut Formatter<'_>,
    pieces: impl IntoIterator<Item = T>,
    between: &'static str,
) -> fmt::Result {
    let mut first = true;
    for piece in pieces {
        write!(f, "{}{piece}", gap(&mut first, between))?;
    }
    Ok(())
}

/// The records of a list: in one line, or in the alternate form in a line each.
fn records<T: Display>(f: &mut Formatter<'_>, list: &[T]) -> fmt::Result {
    if f.alternate() {
        list.iter().try_for_each(|record| write!(f, "\n {record}"))
    } else if list.is_empty() {
        f.write_str(" none")
    } else {
        f.write_str(" ")?;
        joined(f, list, "; ")
    }
}

/// Nanoseconds as seconds, without the zeros at the end.
struct Seconds(u64);

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const PER_SECOND: u64 = 1_000_000_000;
        write!(f, "{}", self.0 / PER_SECOND)?;
        match self.0 % PER_SECOND {
            0 => {}
            rest => write!(f, ".{}", format!("{rest:09}").trim_end_matches('0'))?,
        }
        f.write_str("s")
    }
}

/// A port: reserved ones by their names in capital letters.
struct Name(PortNo);

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_string().to_uppercase())
    }
}

/// A value that may not be known, in which case it is `?`.
struct Known<T>(Option<T>);

impl<T: Display> Display for Known<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("?"),
        }
    }
}

/// A switch's own words, which must not end the line or drive a terminal.
struct Words<'a>(&'a str);

impl Display for Words<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| {
            if character.is_control() {
                write!(f, "{}", character.escape_default())
            } else {
                write!(f, "{character}")
            }
        })
    }
}

/// Bytes in hex.
struct Hex<'a>(&'a Bytes);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::to_text(self.0))
    }
}

/// Something of an experimenter's, kept as bytes.
fn experimenter(f: &mut Formatter<'_>, experimenter: u32, body: &Bytes) -> fmt::Result {
    write!(f, "experimenter={experimenter:#010x} body={}", Hex(body))
}
