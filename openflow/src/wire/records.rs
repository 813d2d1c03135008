//! The structures that have the same bytes in OpenFlow 1.0 and 1.3, or a run of the same fields.

use bytes::BytesMut;

use super::{Put, Reader, pad, put_text};
use crate::error::DecodeError;
use crate::model::{AggregateStats, Description, PortStats, PortStatusReason, SwitchConfig};
use crate::types::{BufferId, PortNo};

/// How many nanoseconds are a second.
pub(crate) const NS_PER_SECOND: u64 = 1_000_000_000;

/// On the wire: a counter that the switch doesn't keep (OF 1.3.5 §7.3.5, OF 1.0.2 §5.3.5).
pub(crate) const NOT_COUNTED: u64 = u64::MAX;

/// `DESC_STR_LEN`.
const DESCRIPTION_LENGTH: usize = 256;

/// `SERIAL_NUM_LEN`.
const SERIAL_LENGTH: usize = 32;

/// OF 1.3.5 §7.4.3 and OF 1.0.2 §5.4.3, `ofp_port_reason`.
mod port_reason {
    pub(super) const ADD: u8 = 0;
    pub(super) const DELETE: u8 = 1;
    pub(super) const MODIFY: u8 = 2;
}

/// OF 1.3.5 §7.3.2 and OF 1.0.2 §5.3.2, `ofp_switch_config`.
pub(crate) fn decode_config(reader: &mut Reader) -> Result<SwitchConfig, DecodeError> {
    Ok(SwitchConfig {
        flags: reader.u16("flags")?,
        miss_send_len: reader.u16("miss_send_len")?,
    })
}

/// OF 1.3.5 §7.3.2 and OF 1.0.2 §5.3.2, `ofp_switch_config`.
pub(crate) fn encode_config(config: &SwitchConfig, buffer: &mut BytesMut) {
    buffer.put_u16(config.flags);
    buffer.put_u16(config.miss_send_len);
}

/// The type and what follows it of a body of `experimenter`, whose number begins it; `None` where it is another's, or too
/// short to be anyone's. Nothing is read.
pub(crate) fn experimenter_body<'a>(
    experimenter: u32,
    reader: &Reader<'a>,
) -> Option<(u32, Reader<'a>)> {
    let mut body = reader.clone();
    let whose = body.u32("experimenter").ok()?;
    let exp_type = body.u32("exp_type").ok()?;
    (whose == experimenter).then_some((exp_type, body))
}

/// A buffer's number, or `OFP_NO_BUFFER` (OF 1.3.5 §7.4.1; in OF 1.0.2 §5.3.3 it is -1).
#[inline]
pub(crate) fn decode_buffer_id(reader: &mut Reader) -> Result<Option<BufferId>, DecodeError> {
    let number = reader.u32("buffer_id")?;
    Ok((number != BufferId::NO_BUFFER).then_some(BufferId(number)))
}

/// A buffer's number, or `OFP_NO_BUFFER`.
pub(crate) fn encode_buffer_id(buffer_id: Option<BufferId>, buffer: &mut BytesMut) {
    buffer.put_u32(buffer_id.map_or(BufferId::NO_BUFFER, |id| id.0));
}

/// The longest duration that can be written: 2^32 seconds less a nanosecond.
const LONGEST: u64 = (1 << 32) * NS_PER_SECOND - 1;

/// `duration_sec` and `duration_nsec`, together in nanoseconds. Nanoseconds of a second and more count as what they are,
/// but no further than to the longest duration that can be written.
pub(crate) fn decode_duration(reader: &mut Reader) -> Result<u64, DecodeError> {
    let seconds = u64::from(reader.u32("duration_sec")?);
    let nanoseconds = u64::from(reader.u32("duration_nsec")?);
    Ok((seconds * NS_PER_SECOND + nanoseconds).min(LONGEST))
}

/// `duration_sec` and `duration_nsec`; `None` of a duration whose seconds don't fit into 32 bits.
pub(crate) fn split_duration(duration_ns: u64) -> Option<(u32, u32)> {
    let seconds = u32::try_from(duration_ns / NS_PER_SECOND).ok()?;
    // The remainder is below a billion and fits.
    Some((seconds, (duration_ns % NS_PER_SECOND) as u32))
}

/// OF 1.3.5 §7.4.3 and OF 1.0.2 §5.4.3, `ofp_port_status` up to the port, with the padding.
pub(crate) fn decode_port_reason(reader: &mut Reader) -> Result<PortStatusReason, DecodeError> {
    let reason = match reader.u8("reason")? {
        port_reason::ADD => PortStatusReason::Add,
        port_reason::DELETE => PortStatusReason::Delete,
        port_reason::MODIFY => PortStatusReason::Modify,
        other => PortStatusReason::Unknown(other),
    };
    reader.skip("pad", 7)?;
    Ok(reason)
}

/// OF 1.3.5 §7.4.3 and OF 1.0.2 §5.4.3, `ofp_port_status` up to the port, with the padding.
pub(crate) fn encode_port_reason(reason: PortStatusReason, buffer: &mut BytesMut) {
    buffer.put_u8(match reason {
        PortStatusReason::Add => port_reason::ADD,
        PortStatusReason::Delete => port_reason::DELETE,
        PortStatusReason::Modify => port_reason::MODIFY,
        PortStatusReason::Unknown(other) => other,
    });
    pad(buffer, 7);
}

/// `bits`, in which `bit` says `set`.
pub(crate) const fn with_bit(bits: u32, bit: u32, set: bool) -> u32 {
    if set { bits | bit } else { bits & !bit }
}

/// OF 1.3.5 §7.3.5.1, `ofp_desc`; OF 1.0.2 §5.3.5, `ofp_desc_stats`.
pub(crate) fn decode_description(reader: &mut Reader) -> Result<Description, DecodeError> {
    Ok(Description {
        manufacturer: reader.text("mfr_desc", DESCRIPTION_LENGTH)?,
        hardware: reader.text("hw_desc", DESCRIPTION_LENGTH)?,
        software: reader.text("sw_desc", DESCRIPTION_LENGTH)?,
        serial: reader.text("serial_num", SERIAL_LENGTH)?,
        datapath: reader.text("dp_desc", DESCRIPTION_LENGTH)?,
    })
}

/// OF 1.3.5 §7.3.5.1, `ofp_desc`; OF 1.0.2 §5.3.5, `ofp_desc_stats`.
pub(crate) fn encode_description(description: &Description, buffer: &mut BytesMut) {
    put_text(buffer, &description.manufacturer, DESCRIPTION_LENGTH);
    put_text(buffer, &description.hardware, DESCRIPTION_LENGTH);
    put_text(buffer, &description.software, DESCRIPTION_LENGTH);
    put_text(buffer, &description.serial, SERIAL_LENGTH);
    put_text(buffer, &description.datapath, DESCRIPTION_LENGTH);
}

/// OF 1.3.5 §7.3.5.3 and OF 1.0.2 §5.3.5, `ofp_aggregate_stats_reply`.
pub(crate) fn decode_aggregate(reader: &mut Reader) -> Result<AggregateStats, DecodeError> {
    let packets = reader.u64("packet_count")?;
    let bytes = reader.u64("byte_count")?;
    let flows = reader.u32("flow_count")?;
    reader.skip("pad", 4)?;
    Ok(AggregateStats {
        packets,
        bytes,
        flows,
    })
}

/// OF 1.3.5 §7.3.5.3 and OF 1.0.2 §5.3.5, `ofp_aggregate_stats_reply`.
pub(crate) fn encode_aggregate(sums: &AggregateStats, buffer: &mut BytesMut) {
    buffer.put_u64(sums.packets);
    buffer.put_u64(sums.bytes);
    buffer.put_u32(sums.flows);
    pad(buffer, 4);
}

/// The counters of `ofp_port_stats` (OF 1.3.5 §7.3.5.6, OF 1.0.2 §5.3.5), as those of `port`; without the
/// duration, which only 1.3 has.
pub(crate) fn decode_port_counters(
    reader: &mut Reader,
    port: PortNo,
) -> Result<PortStats, DecodeError> {
    let mut counter = |field| {
        let value = reader.u64(field)?;
        Ok((value != NOT_COUNTED).then_some(value))
    };
    Ok(PortStats {
        port,
        rx_packets: counter("rx_packets")?,
        tx_packets: counter("tx_packets")?,
        rx_bytes: counter("rx_bytes")?,
        tx_bytes: counter("tx_bytes")?,
        rx_dropped: counter("rx_dropped")?,
        tx_dropped: counter("tx_dropped")?,
        rx_errors: counter("rx_errors")?,
        tx_errors: counter("tx_errors")?,
        rx_frame_errors: counter("rx_frame_err")?,
        rx_overrun_errors: counter("rx_over_err")?,
        rx_crc_errors: counter("rx_crc_err")?,
        collisions: counter("collisions")?,
        duration_ns: None,
    })
}

/// The counters of `ofp_port_stats`, without the port and the duration.
pub(crate) fn encode_port_counters(stats: &PortStats, buffer: &mut BytesMut) {
    let counters = [
        stats.rx_packets,
        stats.tx_packets,
        stats.rx_bytes,
        stats.tx_bytes,
        stats.rx_dropped,
        stats.tx_dropped,
        stats.rx_errors,
        stats.tx_errors,
        stats.rx_frame_errors,
        stats.rx_overrun_errors,
        stats.rx_crc_errors,
        stats.collisions,
    ];
    for counter in counters {
        buffer.put_u64(counter.unwrap_or(NOT_COUNTED));
    }
}
