//! What experimenters added to 1.3 and Open vSwitch speaks: bundles (ONF EXT-230) and flow monitors (ONF EXT-187).
//!
//! Both documents belong to the ONF, whose experimenter number begins every body here, followed by the type
//! (OF 1.3.5 §7.5.5). Where they leave a choice, this is what Open vSwitch 3.1 sends and takes.

mod bundle;
mod monitor;

use bytes::BytesMut;

use super::unsupported;
use crate::error::{DecodeError, Unsupported};
use crate::model::{BundleFlags, FromSwitch, StatsReply, StatsRequest, ToSwitch};
use crate::types::{BundleId, Xid};
use crate::wire::records::experimenter_body;
use crate::wire::{Put, Reader};

/// The experimenter number of the ONF.
const ONF: u32 = 0x4f4e_4600;

/// Its experimenter types, in messages and in multipart messages.
mod exp_type {
    /// EXT-187, `ONFMP_FLOW_MONITOR` in multipart messages.
    pub(super) const FLOW_MONITOR: u32 = 1870;
    /// EXT-187, `ONFT_FLOW_MONITOR_CANCEL` in messages.
    pub(super) const FLOW_MONITOR_CANCEL: u32 = 1870;
    /// EXT-187, `ONFT_FLOW_MONITOR_PAUSED`.
    pub(super) const FLOW_MONITOR_PAUSED: u32 = 1871;
    /// EXT-187, `ONFT_FLOW_MONITOR_RESUMED`.
    pub(super) const FLOW_MONITOR_RESUMED: u32 = 1872;
    /// EXT-230, `ONF_ET_BUNDLE_CONTROL`.
    pub(super) const BUNDLE_CONTROL: u32 = 2300;
    /// EXT-230, `ONF_ET_BUNDLE_ADD_MESSAGE`.
    pub(super) const BUNDLE_ADD_MESSAGE: u32 = 2301;
}

/// Reads an experimenter's message to a switch, after the header. `None` where it is not one that is known here; then
/// nothing was read.
pub(super) fn decode_to_switch(reader: &mut Reader) -> Result<Option<ToSwitch>, DecodeError> {
    let Some((exp_type, mut body)) = experimenter_body(ONF, reader) else {
        return Ok(None);
    };
    let message = match exp_type {
        exp_type::FLOW_MONITOR_CANCEL => ToSwitch::FlowMonitorCancel(body.u32("id")?),
        exp_type::BUNDLE_CONTROL => ToSwitch::BundleControl(bundle::decode_control(&mut body)?),
        exp_type::BUNDLE_ADD_MESSAGE => ToSwitch::BundleAdd(bundle::decode_add(&mut body)?),
        _ => return Ok(None),
    };
    *reader = body;
    Ok(Some(message))
}

/// Reads an experimenter's message from a switch, after the header. `None` where it is not one that is known here; then
/// nothing was read.
pub(super) fn decode_from_switch(reader: &mut Reader) -> Result<Option<FromSwitch>, DecodeError> {
    let Some((exp_type, mut body)) = experimenter_body(ONF, reader) else {
        return Ok(None);
    };
    let message = match exp_type {
        exp_type::FLOW_MONITOR_PAUSED => FromSwitch::FlowMonitorPaused,
        exp_type::FLOW_MONITOR_RESUMED => FromSwitch::FlowMonitorResumed,
        exp_type::BUNDLE_CONTROL => FromSwitch::BundleControl(bundle::decode_control(&mut body)?),
        _ => return Ok(None),
    };
    *reader = body;
    Ok(Some(message))
}

/// Reads an experimenter's statistics request, after the header of the multipart message. `None` where it is not one that is known
/// here; then nothing was read.
pub(super) fn decode_request(reader: &mut Reader) -> Result<Option<StatsRequest>, DecodeError> {
    let Some((exp_type::FLOW_MONITOR, mut body)) = experimenter_body(ONF, reader) else {
        return Ok(None);
    };
    let monitors = body.list(monitor::decode_request)?;
    *reader = body;
    Ok(Some(StatsRequest::FlowMonitor(monitors)))
}

/// Reads an experimenter's statistics reply, after the header of the multipart message. `None` where it is not one that is known
/// here; then nothing was read.
pub(super) fn decode_reply(reader: &mut Reader) -> Result<Option<StatsReply>, DecodeError> {
    let Some((exp_type::FLOW_MONITOR, mut body)) = experimenter_body(ONF, reader) else {
        return Ok(None);
    };
    let updates = body.list(monitor::decode_update)?;
    *reader = body;
    Ok(Some(StatsReply::FlowMonitor(updates)))
}

/// Appends the body of [`ToSwitch::BundleControl`], [`ToSwitch::BundleAdd`] or [`ToSwitch::FlowMonitorCancel`], after the
/// header of an EXPERIMENTER message.
pub(super) fn encode_to_switch(
    message: &ToSwitch,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    match message {
        ToSwitch::BundleControl(control) => {
            put_onf(exp_type::BUNDLE_CONTROL, buffer);
            bundle::encode_control(control, buffer);
            Ok(())
        }
        ToSwitch::BundleAdd(add) => {
            put_onf(exp_type::BUNDLE_ADD_MESSAGE, buffer);
            bundle::encode_add(add, buffer)
        }
        ToSwitch::FlowMonitorCancel(monitor) => {
            put_onf(exp_type::FLOW_MONITOR_CANCEL, buffer);
            buffer.put_u32(*monitor);
            Ok(())
        }
        _ => Err(not_here()),
    }
}

/// Appends the body of a [`ToSwitch::BundleAdd`] of a message that is not given away, after the header of an EXPERIMENTER
/// message.
pub(super) fn encode_added(
    bundle: BundleId,
    flags: BundleFlags,
    xid: Xid,
    message: &ToSwitch,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    put_onf(exp_type::BUNDLE_ADD_MESSAGE, buffer);
    bundle::encode_added(bundle, flags, xid, message, buffer).map(drop)
}

/// Appends the body of [`FromSwitch::BundleControl`], [`FromSwitch::FlowMonitorPaused`] or
/// [`FromSwitch::FlowMonitorResumed`], after the header of an EXPERIMENTER message.
pub(super) fn encode_from_switch(
    message: &FromSwitch,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    match message {
        FromSwitch::BundleControl(control) => {
            put_onf(exp_type::BUNDLE_CONTROL, buffer);
            bundle::encode_control(control, buffer);
        }
        FromSwitch::FlowMonitorPaused => put_onf(exp_type::FLOW_MONITOR_PAUSED, buffer),
        FromSwitch::FlowMonitorResumed => put_onf(exp_type::FLOW_MONITOR_RESUMED, buffer),
        _ => return Err(not_here()),
    }
    Ok(())
}

/// Appends the body of [`StatsRequest::FlowMonitor`], after the header of a multipart message of type OFPMP_EXPERIMENTER.
pub(super) fn encode_request(
    request: &StatsRequest,
    buffer: &mut BytesMut,
) -> Result<(), Unsupported> {
    let StatsRequest::FlowMonitor(monitors) = request else {
        return Err(not_here());
    };
    put_onf(exp_type::FLOW_MONITOR, buffer);
    monitors
        .iter()
        .try_for_each(|monitor| monitor::encode_request(monitor, buffer))
}

/// Appends the body of [`StatsReply::FlowMonitor`], after the header of a multipart message of type OFPMP_EXPERIMENTER.
pub(super) fn encode_reply(reply: &StatsReply, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    let StatsReply::FlowMonitor(updates) = reply else {
        return Err(not_here());
    };
    put_onf(exp_type::FLOW_MONITOR, buffer);
    updates
        .iter()
        .try_for_each(|update| monitor::encode_update(update, buffer))
}

fn put_onf(exp_type: u32, buffer: &mut BytesMut) {
    buffer.put_u32(ONF);
    buffer.put_u32(exp_type);
}

fn not_here() -> Unsupported {
    unsupported("this message as an experimenter's")
}
