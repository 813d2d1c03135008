//! Whether every field of a pattern stands beside the fields that it needs.

use std::fmt;

use super::field::{Condition, Field, Prerequisite};
use super::{Masked, Pattern};

/// A match field stands without another that it needs, or beside one with another value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissingPrerequisite {
    /// The field that needs it.
    pub field: Field,
    /// What it needs.
    pub needs: Prerequisite,
    /// What the pattern requires of that field instead; `None` where it requires nothing.
    pub found: Option<Masked>,
}

impl std::error::Error for MissingPrerequisite {}

impl Pattern {
    /// Checks that every field stands beside the fields that it needs (OF 1.3.5 §7.2.3.6).
    ///
    /// # Errors
    /// Names the first field that lacks something, what that is, and what stands there instead.
    pub fn check_prerequisites(&self) -> Result<(), MissingPrerequisite> {
        for (field, _) in self.fields() {
            for &needs in field.prerequisites() {
                let found = self.get(needs.field);
                if !found.is_some_and(|masked| needs.is_met(masked)) {
                    return Err(MissingPrerequisite {
                        field,
                        needs,
                        found,
                    });
                }
            }
        }
        Ok(())
    }
}

impl Prerequisite {
    fn is_met(&self, masked: Masked) -> bool {
        match self.condition {
            Condition::OneOf(values) => {
                masked.mask() == self.field.full_mask() && values.contains(&masked.value())
            }
            Condition::Set(bits) => masked.value() & bits == bits,
            Condition::Any => true,
        }
    }
}

impl fmt::Display for Prerequisite {
    /// Such as `eth_type=0x0800 or 0x86dd`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field.name())?;
        match self.condition {
            Condition::OneOf(values) => {
                for (at, &value) in values.iter().enumerate() {
                    f.write_str(if at == 0 { "=" } else { " or " })?;
                    f.write_str(&text(self.field, value))?;
                }
                Ok(())
            }
            // One field alone needs bits of another.
            Condition::Set(_) => f.write_str(" of a tag"),
            Condition::Any => Ok(()),
        }
    }
}

impl fmt::Display for MissingPrerequisite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` needs ", self.field.name())?;
        for (at, needs) in self.field.prerequisites().iter().enumerate() {
            f.write_str(if at == 0 { "" } else { " and " })?;
            write!(f, "{needs}")?;
        }
        let needed = self.needs.field;
        f.write_str(", ")?;
        match self.found {
            None => write!(f, "but {} is missing", needed.name()),
            Some(masked) if masked.mask() == needed.full_mask() => {
                write!(
                    f,
                    "but {} is {}",
                    needed.name(),
                    text(needed, masked.value())
                )
            }
            Some(masked) => write!(
                f,
                "but {} is {:#x} under the mask {:#x}",
                needed.name(),
                masked.value(),
                masked.mask()
            ),
        }
    }
}

/// A value of a field that others need.
fn text(field: Field, value: u128) -> String {
    match field {
        Field::EthType => format!("{value:#06x}"),
        Field::VlanVid if value == 0 => "none".to_owned(),
        _ => value.to_string(),
    }
}
