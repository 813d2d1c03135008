//! Both versions on the wire: against messages that another implementation made, against themselves, against
//! hostile bytes, and against what Open vSwitch reads.

#[cfg(test)]
mod common;
#[cfg(test)]
mod extension;
#[cfg(test)]
mod parts;
#[cfg(test)]
mod v10;
#[cfg(test)]
mod v13;
