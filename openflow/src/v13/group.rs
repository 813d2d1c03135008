//! Groups: GROUP_MOD and what is reported of them (OF 1.3.5 §7.3.4.2, §7.3.5.9 to §7.3.5.11).

use bytes::BytesMut;

use super::consts::*;
use super::record::{Extent, put_length};
use super::{action, flow};
use crate::error::{DecodeError, Problem, Unsupported};
use crate::model::{
    Bucket, BucketStats, GroupCommand, GroupDescription, GroupFeatures, GroupMod, GroupStats,
    GroupType,
};
use crate::types::{GroupId, PortNo};
use crate::wire::records;
use crate::wire::{Put, Reader, pad};

const BUCKET: Extent = Extent {
    field: "buckets.len",
    before: 0,
    least: 16,
    step: 8,
};

const DESCRIPTION: Extent = Extent {
    field: "length",
    before: 0,
    least: 8,
    step: 8,
};

/// An `ofp_bucket_counter` has 16 bytes.
const STATS: Extent = Extent {
    field: "length",
    before: 0,
    least: 40,
    step: 16,
};

/// OF 1.3.5 §7.3.4.2, ofp_group_mod.
pub(super) fn decode_mod(body: &mut Reader) -> Result<GroupMod, DecodeError> {
    let command = decode_command(body)?;
    let group_type = decode_type(body)?;
    body.skip("pad", 1)?;
    Ok(GroupMod {
        command,
        group_type,
        group: GroupId(body.u32("group_id")?),
        buckets: body.list(decode_bucket)?,
    })
}

/// OF 1.3.5 §7.3.4.2, ofp_group_mod_command.
fn decode_command(body: &mut Reader) -> Result<GroupCommand, DecodeError> {
    let at = body.offset();
    match body.u16("command")? {
        OFPGC_ADD => Ok(GroupCommand::Add),
        OFPGC_MODIFY => Ok(GroupCommand::Modify),
        OFPGC_DELETE => Ok(GroupCommand::Delete),
        other => Err(body.error_at(at, "command", Problem::Value(other.into()))),
    }
}

/// OF 1.3.5 §7.3.4.2, ofp_group_type.
fn decode_type(body: &mut Reader) -> Result<GroupType, DecodeError> {
    Ok(match body.u8("type")? {
        OFPGT_ALL => GroupType::All,
        OFPGT_SELECT => GroupType::Select,
        OFPGT_INDIRECT => GroupType::Indirect,
        OFPGT_FF => GroupType::FastFailover,
        other => GroupType::Unknown(other),
    })
}

/// OF 1.3.5 §7.3.4.2, ofp_bucket. `OFPP_ANY` and `OFPG_ANY` watch nothing.
fn decode_bucket(reader: &mut Reader) -> Result<Bucket, DecodeError> {
    let mut body = BUCKET.decode(reader)?;
    let weight = body.u16("buckets.weight")?;
    let port = PortNo(body.u32("buckets.watch_port")?);
    let group = GroupId(body.u32("buckets.watch_group")?);
    body.skip("buckets.pad", 4)?;
    Ok(Bucket {
        weight,
        watch_port: (port != PortNo::ANY).then_some(port),
        watch_group: (group != GroupId::ANY).then_some(group),
        actions: action::decode_all(&mut body)?,
    })
}

/// OF 1.3.5 §7.3.5.10, ofp_group_desc.
pub(super) fn decode_description(reader: &mut Reader) -> Result<GroupDescription, DecodeError> {
    let mut body = DESCRIPTION.decode(reader)?;
    let group_type = decode_type(&mut body)?;
    body.skip("pad", 1)?;
    Ok(GroupDescription {
        group_type,
        group: GroupId(body.u32("group_id")?),
        buckets: body.list(decode_bucket)?,
    })
}

/// OF 1.3.5 §7.3.5.9, ofp_group_stats.
pub(super) fn decode_stats(reader: &mut Reader) -> Result<GroupStats, DecodeError> {
    let mut body = STATS.decode(reader)?;
    body.skip("pad", 2)?;
    let group = GroupId(body.u32("group_id")?);
    let references = body.u32("ref_count")?;
    body.skip("pad2", 4)?;
    Ok(GroupStats {
        group,
        references,
        packets: body.u64("packet_count")?,
        bytes: body.u64("byte_count")?,
        duration_ns: records::decode_duration(&mut body)?,
        buckets: body.list(decode_bucket_stats)?,
    })
}

/// OF 1.3.5 §7.3.5.9, ofp_bucket_counter.
fn decode_bucket_stats(body: &mut Reader) -> Result<BucketStats, DecodeError> {
    Ok(BucketStats {
        packets: body.u64("bucket_stats.packet_count")?,
        bytes: body.u64("bucket_stats.byte_count")?,
    })
}

/// OF 1.3.5 §7.3.5.11, ofp_group_features.
pub(super) fn decode_features(body: &mut Reader) -> Result<GroupFeatures, DecodeError> {
    Ok(GroupFeatures {
        types: body.u32("types")?,
        capabilities: body.u32("capabilities")?,
        max_groups: decode_four(body, "max_groups")?,
        actions: decode_four(body, "actions")?,
    })
}

/// One number for each group type.
fn decode_four(body: &mut Reader, field: &'static str) -> Result<[u32; 4], DecodeError> {
    let mut numbers = [0; 4];
    for number in &mut numbers {
        *number = body.u32(field)?;
    }
    Ok(numbers)
}

/// OF 1.3.5 §7.3.4.2, ofp_group_mod.
pub(super) fn encode_mod(change: &GroupMod, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    buffer.put_u16(match change.command {
        GroupCommand::Add => OFPGC_ADD,
        GroupCommand::Modify => OFPGC_MODIFY,
        GroupCommand::Delete => OFPGC_DELETE,
    });
    encode_type(change.group_type, buffer);
    pad(buffer, 1);
    buffer.put_u32(change.group.0);
    encode_buckets(&change.buckets, buffer)
}

fn encode_type(group_type: GroupType, buffer: &mut BytesMut) {
    buffer.put_u8(match group_type {
        GroupType::All => OFPGT_ALL,
        GroupType::Select => OFPGT_SELECT,
        GroupType::Indirect => OFPGT_INDIRECT,
        GroupType::FastFailover => OFPGT_FF,
        GroupType::Unknown(other) => other,
    });
}

/// OF 1.3.5 §7.3.4.2, ofp_bucket.
fn encode_buckets(buckets: &[Bucket], buffer: &mut BytesMut) -> Result<(), Unsupported> {
    for bucket in buckets {
        let start = buffer.len();
        buffer.put_u16(0);
        buffer.put_u16(bucket.weight);
        flow::encode_out(bucket.watch_port, bucket.watch_group, buffer);
        pad(buffer, 4);
        action::encode_all(&bucket.actions, buffer)?;
        put_length(buffer, start, 0, "a bucket")?;
    }
    Ok(())
}

/// OF 1.3.5 §7.3.5.10, ofp_group_desc.
pub(super) fn encode_description(
    description: &GroupDescription,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let start = buffer.len();
    buffer.put_u16(0);
    encode_type(description.group_type, buffer);
    pad(buffer, 1);
    buffer.put_u32(description.group.0);
    encode_buckets(&description.buckets, buffer)?;
    put_length(buffer, start, 0, "the description of a group")
}

/// OF 1.3.5 §7.3.5.9, ofp_group_stats.
pub(super) fn encode_stats(stats: &GroupStats, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let start = buffer.len();
    pad(buffer, 4);
    buffer.put_u32(stats.group.0);
    buffer.put_u32(stats.references);
    pad(buffer, 4);
    buffer.put_u64(stats.packets);
    buffer.put_u64(stats.bytes);
    flow::encode_duration(stats.duration_ns, buffer)?;
    for bucket in &stats.buckets {
        buffer.put_u64(bucket.packets);
        buffer.put_u64(bucket.bytes);
    }
    put_length(buffer, start, 0, "the counters of a group")
}

/// OF 1.3.5 §7.3.5.11, ofp_group_features.
pub(super) fn encode_features(features: &GroupFeatures, buffer: &mut BytesMut) {
    buffer.put_u32(features.types);
    buffer.put_u32(features.capabilities);
    for number in features.max_groups.into_iter().chain(features.actions) {
        buffer.put_u32(number);
    }
}
