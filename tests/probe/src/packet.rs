//! What a probe packet carries.
//!
//! ```text
//!  0        8        12       16                24                32
//!  +--------+--------+--------+-----------------+-----------------+---------
//!  | magic  |  run   |  flow  | sequence number | sent at (ns)    | zeros …
//!  +--------+--------+--------+-----------------+-----------------+---------
//! ```
//! All numbers are big-endian. The sequence number counts from 0 within its flow.

/// Bytes of the header, and so the smallest payload.
pub(crate) const HEADER_LENGTH: usize = 32;

const MAGIC: &[u8; 8] = b"GDWTPRB1";

/// How deep in a frame a probe packet may begin: behind Ethernet with two VLAN tags, the longest IPv4 header, and UDP.
const DEEPEST: usize = 14 + 8 + 60 + 8;

/// The header of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Tells this run's packets from the stragglers of an earlier one.
    pub(crate) run: u32,
    /// Which flow, from 0.
    pub(crate) flow: u32,
    /// Which packet of the flow, from 0.
    pub(crate) sequence: u64,
    /// When it was handed to the kernel, in nanoseconds on the monotonic clock.
    pub(crate) sent_at_ns: u64,
}

impl Header {
    /// Writes the header to the front of `payload`, which must have at least [`HEADER_LENGTH`] bytes.
    pub(crate) fn write(&self, payload: &mut [u8]) {
        payload[..8].copy_from_slice(MAGIC);
        payload[8..12].copy_from_slice(&self.run.to_be_bytes());
        payload[12..16].copy_from_slice(&self.flow.to_be_bytes());
        payload[16..24].copy_from_slice(&self.sequence.to_be_bytes());
        payload[24..32].copy_from_slice(&self.sent_at_ns.to_be_bytes());
    }

    /// Reads the header of the probe packet that an Ethernet frame carries; `None` if it carries none.
    pub(crate) fn find(frame: &[u8]) -> Option<Self> {
        let begins = |start: &usize| frame[*start..].starts_with(MAGIC);
        let start = (0..frame.len().min(DEEPEST + 1)).find(begins)?;
        Self::read(&frame[start..])
    }

    /// How long the packet took that arrived at `now_ns`, in nanoseconds.
    pub(crate) fn delay_ns(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.sent_at_ns)
    }

    /// Reads the header of `payload`; `None` if it isn't a probe packet.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let (magic, rest) = payload.split_first_chunk::<8>()?;
        let (run, rest) = rest.split_first_chunk::<4>()?;
        let (flow, rest) = rest.split_first_chunk::<4>()?;
        let (sequence, rest) = rest.split_first_chunk::<8>()?;
        let (sent_at_ns, _) = rest.split_first_chunk::<8>()?;
        (magic == MAGIC).then(|| Self {
            run: u32::from_be_bytes(*run),
            flow: u32::from_be_bytes(*flow),
            sequence: u64::from_be_bytes(*sequence),
            sent_at_ns: u64::from_be_bytes(*sent_at_ns),
        })
    }
}

#[cfg(test)]
mod tests;
