//! ERROR (OF 1.3.5 §7.5.4).

use bytes::BytesMut;

use super::unsupported;
use crate::error::{DecodeError, Unsupported};
use crate::model::ErrorReport;
use crate::types::Version;
use crate::wire::{Put, Reader};

/// OF 1.3.5 §7.5.4, ofp_error_msg. Of an experimenter's error (`ofp_error_experimenter_msg`) the
/// `exp_type` is in the place of the code, and the experimenter's number begins the data.
pub(super) fn decode(body: &mut Reader) -> Result<ErrorReport, DecodeError> {
    Ok(ErrorReport {
        version: Version::V13,
        error_type: body.u16("type")?,
        code: body.u16("code")?,
        data: body.rest(),
    })
}

/// OF 1.3.5 §7.5.4, ofp_error_msg.
pub(super) fn encode(report: &ErrorReport, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    if report.version != Version::V13 {
        return Err(unsupported(format!(
            "an error in the numbering of OpenFlow {}",
            report.version
        )));
    }
    buffer.put_u16(report.error_type);
    buffer.put_u16(report.code);
    buffer.put_slice(&report.data);
    Ok(())
}
