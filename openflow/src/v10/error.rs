//! Error messages (OF 1.0.2 §5.4.4, `ofp_error_msg`).

use bytes::BytesMut;

use super::unsupported;
use crate::error::{DecodeError, Unsupported};
use crate::model::ErrorReport;
use crate::types::Version;
use crate::wire::{Put, Reader};

pub(super) fn decode(reader: &mut Reader) -> Result<ErrorReport, DecodeError> {
    Ok(ErrorReport {
        version: Version::V10,
        error_type: reader.u16("type")?,
        code: reader.u16("code")?,
        data: reader.rest(),
    })
}

pub(super) fn encode(report: &ErrorReport, buffer: &mut BytesMut) -> Result<(), Unsupported> {
    if report.version != Version::V10 {
        return Err(unsupported(format!(
            "an error numbered by OpenFlow {}",
            report.version
        )));
    }
    buffer.put_u16(report.error_type);
    buffer.put_u16(report.code);
    buffer.put_slice(&report.data);
    Ok(())
}
