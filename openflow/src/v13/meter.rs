//! Meters: METER_MOD and what is reported of them (OF 1.3.5 §7.3.4.4, §7.3.5.12 to §7.3.5.14).

use bytes::BytesMut;

use super::consts::*;
use super::record::{Extent, put_length};
use super::{flow, unsupported};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{
    MeterBand, MeterBandStats, MeterCommand, MeterConfig, MeterFeatures, MeterFlags, MeterMod,
    MeterStats,
};
use crate::types::MeterId;
use crate::wire::records;
use crate::wire::{Put, Reader, pad};

/// Type, length, rate and size of bursts; experimenters may add any number of bytes.
const BAND: Extent = Extent {
    field: "bands.len",
    before: 2,
    least: 12,
    step: 1,
};

const CONFIG: Extent = Extent {
    field: "length",
    before: 0,
    least: 8,
    step: 1,
};

/// An `ofp_meter_band_stats` has 16 bytes.
const STATS: Extent = Extent {
    field: "len",
    before: 4,
    least: 40,
    step: 16,
};

/// OF 1.3.5 §7.3.4.4, ofp_meter_mod.
pub(super) fn decode_mod(body: &mut Reader) -> Result<MeterMod, DecodeError> {
    Ok(MeterMod {
        command: decode_command(body)?,
        flags: MeterFlags(body.u16("flags")?),
        meter: MeterId(body.u32("meter_id")?),
        bands: body.list(decode_band)?,
    })
}

/// OF 1.3.5 §7.3.4.4, ofp_meter_mod_command.
fn decode_command(body: &mut Reader) -> Result<MeterCommand, DecodeError> {
    let at = body.offset();
    match body.u16("command")? {
        OFPMC_ADD => Ok(MeterCommand::Add),
        OFPMC_MODIFY => Ok(MeterCommand::Modify),
        OFPMC_DELETE => Ok(MeterCommand::Delete),
        other => Err(body.error_at(at, "command", Problem::Value(other.into()))),
    }
}

/// OF 1.3.5 §7.3.4.4, ofp_meter_band_header and what each type makes of it.
fn decode_band(reader: &mut Reader) -> Result<MeterBand, DecodeError> {
    let band_type = reader.u16("bands.type")?;
    let mut body = BAND.decode(reader)?;
    if !matches!(
        band_type,
        OFPMBT_DROP | OFPMBT_DSCP_REMARK | OFPMBT_EXPERIMENTER
    ) {
        let body = body.rest();
        return Ok(MeterBand::Unknown { band_type, body });
    }
    let rate = body.u32("bands.rate")?;
    let burst = body.u32("bands.burst_size")?;
    let band = match band_type {
        OFPMBT_DROP => {
            body.skip("bands.pad", 4)?;
            MeterBand::Drop { rate, burst }
        }
        OFPMBT_DSCP_REMARK => {
            let precedence_level = body.u8("bands.prec_level")?;
            body.skip("bands.pad", 3)?;
            MeterBand::DscpRemark {
                rate,
                burst,
                precedence_level,
            }
        }
        _ => MeterBand::Experimenter {
            rate,
            burst,
            experimenter: body.u32("bands.experimenter")?,
            body: body.rest(),
        },
    };
    body.finish("bands.len")?;
    Ok(band)
}

/// OF 1.3.5 §7.3.5.12, ofp_meter_multipart_request, which is also that of §7.3.5.13.
pub(super) fn decode_request(body: &mut Reader) -> Result<MeterId, DecodeError> {
    let meter = MeterId(body.u32("meter_id")?);
    body.skip("pad", 4)?;
    Ok(meter)
}

/// OF 1.3.5 §7.3.5.12, ofp_meter_stats.
pub(super) fn decode_stats(reader: &mut Reader) -> Result<MeterStats, DecodeError> {
    let meter = MeterId(reader.u32("meter_id")?);
    let mut body = STATS.decode(reader)?;
    body.skip("pad", 6)?;
    Ok(MeterStats {
        meter,
        flows: body.u32("flow_count")?,
        packets: body.u64("packet_in_count")?,
        bytes: body.u64("byte_in_count")?,
        duration_ns: records::decode_duration(&mut body)?,
        bands: body.list(decode_band_stats)?,
    })
}

/// OF 1.3.5 §7.3.5.12, ofp_meter_band_stats.
fn decode_band_stats(body: &mut Reader) -> Result<MeterBandStats, DecodeError> {
    Ok(MeterBandStats {
        packets: body.u64("band_stats.packet_band_count")?,
        bytes: body.u64("band_stats.byte_band_count")?,
    })
}

/// OF 1.3.5 §7.3.5.13, ofp_meter_config.
pub(super) fn decode_config(reader: &mut Reader) -> Result<MeterConfig, DecodeError> {
    let mut body = CONFIG.decode(reader)?;
    Ok(MeterConfig {
        flags: MeterFlags(body.u16("flags")?),
        meter: MeterId(body.u32("meter_id")?),
        bands: body.list(decode_band)?,
    })
}

/// OF 1.3.5 §7.3.5.14, ofp_meter_features.
pub(super) fn decode_features(body: &mut Reader) -> Result<MeterFeatures, DecodeError> {
    let features = MeterFeatures {
        max_meters: body.u32("max_meter")?,
        band_types: body.u32("band_types")?,
        capabilities: body.u32("capabilities")?,
        max_bands: body.u8("max_bands")?,
        max_color: body.u8("max_color")?,
    };
    body.skip("pad", 2)?;
    Ok(features)
}

/// OF 1.3.5 §7.3.4.4, ofp_meter_mod.
pub(super) fn encode_mod(change: &MeterMod, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    buffer.put_u16(match change.command {
        MeterCommand::Add => OFPMC_ADD,
        MeterCommand::Modify => OFPMC_MODIFY,
        MeterCommand::Delete => OFPMC_DELETE,
    });
    buffer.put_u16(change.flags.0);
    buffer.put_u32(change.meter.0);
    encode_bands(&change.bands, buffer)
}

fn encode_bands(bands: &[MeterBand], buffer: &mut BytesMut) -> Result<(), Unsupported> {
    bands.iter().try_for_each(|band| encode_band(band, buffer))
}

/// OF 1.3.5 §7.3.4.4, ofp_meter_band_header and what each type makes of it.
fn encode_band(band: &MeterBand, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let start = buffer.len();
    match band {
        MeterBand::Drop { rate, burst } => {
            put_band(buffer, OFPMBT_DROP, *rate, *burst);
            pad(buffer, 4);
        }
        MeterBand::DscpRemark {
            rate,
            burst,
            precedence_level,
        } => {
            put_band(buffer, OFPMBT_DSCP_REMARK, *rate, *burst);
            buffer.put_u8(*precedence_level);
            pad(buffer, 3);
        }
        MeterBand::Experimenter {
            rate,
            burst,
            experimenter,
            body,
        } => {
            put_band(buffer, OFPMBT_EXPERIMENTER, *rate, *burst);
            buffer.put_u32(*experimenter);
            buffer.put_slice(body);
        }
        MeterBand::Unknown { band_type, body } => {
            let length = 4 + body.len();
            if length < BAND.least {
                return Err(unsupported(format!("a meter band of {length} bytes")));
            }
            buffer.put_u16(*band_type);
            buffer.put_u16(0);
            buffer.put_slice(body);
        }
    }
    put_length(buffer, start, 2, "a meter band")
}

/// An `ofp_meter_band_header` whose length is still to be filled in.
fn put_band(buffer: &mut BytesMut, band_type: u16, rate: u32, burst: u32) {
    buffer.put_u16(band_type);
    buffer.put_u16(0);
    buffer.put_u32(rate);
    buffer.put_u32(burst);
}

/// OF 1.3.5 §7.3.5.12, ofp_meter_multipart_request.
pub(super) fn encode_request(meter: MeterId, buffer: &mut BytesMut) {
    buffer.put_u32(meter.0);
    pad(buffer, 4);
}

/// OF 1.3.5 §7.3.5.12, ofp_meter_stats.
pub(super) fn encode_stats(stats: &MeterStats, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let start = buffer.len();
    buffer.put_u32(stats.meter.0);
    pad(buffer, 8);
    buffer.put_u32(stats.flows);
    buffer.put_u64(stats.packets);
    buffer.put_u64(stats.bytes);
    flow::encode_duration(stats.duration_ns, buffer)?;
    for band in &stats.bands {
        buffer.put_u64(band.packets);
        buffer.put_u64(band.bytes);
    }
    put_length(buffer, start, STATS.before, "the counters of a meter")
}

/// OF 1.3.5 §7.3.5.13, ofp_meter_config.
pub(super) fn encode_config(
    config: &MeterConfig,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let start = buffer.len();
    buffer.put_u16(0);
    buffer.put_u16(config.flags.0);
    buffer.put_u32(config.meter.0);
    encode_bands(&config.bands, buffer)?;
    put_length(buffer, start, 0, "the configuration of a meter")
}

/// OF 1.3.5 §7.3.5.14, ofp_meter_features.
pub(super) fn encode_features(features: &MeterFeatures, buffer: &mut BytesMut) {
    buffer.put_u32(features.max_meters);
    buffer.put_u32(features.band_types);
    buffer.put_u32(features.capabilities);
    buffer.put_u8(features.max_bands);
    buffer.put_u8(features.max_color);
    pad(buffer, 2);
}
