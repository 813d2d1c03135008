//! Bundles of which the switch shall seem to refuse a message.
//!
//! A switch says so when the bundle is committed: first the error of the message, then that the bundle has failed, and
//! nothing of it is in force (ONF EXT-230). The message itself was not forwarded, so the bundle at the switch is one
//! that must never be committed: it is discarded there.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Bytes, BytesMut};
use godwit_openflow::{
    Frame, Unsupported,
    codec::{encode_from_switch, encode_to_switch},
    message::Direction,
    model::{BundleControl, BundleFlags, BundleStep, ErrorReport, FromSwitch, ToSwitch},
    types::{BundleId, Version, Xid},
};

use super::subject::{Kind, Subject};

/// What an error says of the message that it is about (OF 1.3.5 §7.5.4): at least so many bytes.
const QUOTED: usize = 64;

/// Where the message stands within the one that adds it: behind the header, the experimenter's number and type, the
/// bundle's number, padding and flags (ONF EXT-230, `onf_bundle_add_msg`).
const ADDED_AT: usize = 24;

/// OF 1.3.5 §7.5.4, `OFPET_EXPERIMENTER`; ONF EXT-230, `ONFERR_ET_MSG_FAILED` and the experimenter's number.
const EXPERIMENTER: u16 = 0xffff;
const MESSAGE_FAILED: u16 = 2313;
const ONF: u32 = 0x4f4e_4600;

/// An error in the switch's place for a whole message.
pub(crate) fn error_about(
    refused: &Bytes,
    version: Version,
    xid: Xid,
    (error_type, code): (u16, u16),
) -> Result<Bytes, Unsupported> {
    let quoted = refused.slice(..refused.len().min(QUOTED));
    encoded_error(version, xid, error_type, code, quoted)
}

fn encoded_error(
    version: Version,
    xid: Xid,
    error_type: u16,
    code: u16,
    data: Bytes,
) -> Result<Bytes, Unsupported> {
    let report = ErrorReport {
        version,
        error_type,
        code,
        data,
    };
    let mut bytes = BytesMut::new();
    encode_from_switch(version, xid, &FromSwitch::Error(report), &mut bytes)?;
    Ok(bytes.freeze())
}

/// The bundles that must fail, by connection.
#[derive(Debug, Default)]
pub(crate) struct Doomed {
    errors: BTreeMap<(u64, BundleId), Bytes>,
    /// Transaction ids of discards that the controller did not ask for.
    discarded: BTreeSet<(u64, Xid)>,
}

/// What becomes of a message that ends a doomed bundle.
#[derive(Debug, PartialEq)]
pub(crate) enum Ending {
    /// To the controller and to the switch in the message's place.
    Failed {
        to_controller: Vec<Bytes>,
        to_switch: Bytes,
    },
    /// Nobody asked for it.
    Swallowed,
}

impl Doomed {
    /// The message that `frame` adds has been refused; the first such error of a bundle counts.
    pub(crate) fn doom(
        &mut self,
        line: u64,
        bundle: BundleId,
        frame: &Frame,
        error: (u16, u16),
    ) -> Result<(), Unsupported> {
        let added = frame.bytes().slice(frame.bytes().len().min(ADDED_AT)..);
        let about = error_about(&added, Version::V13, frame.xid(), error)?;
        self.errors.entry((line, bundle)).or_insert(about);
        Ok(())
    }

    /// What becomes of this message instead of being forwarded, if it ends a doomed bundle.
    pub(crate) fn ending(
        &mut self,
        line: u64,
        direction: Direction,
        frame: &Frame,
        subject: &Subject,
    ) -> Result<Option<Ending>, Unsupported> {
        let (Kind::BundleControl, Some(bundle)) = (subject.kind, subject.bundle) else {
            return Ok(None);
        };
        match (direction, subject.which.as_deref()) {
            (Direction::ToSwitch, Some("commit_request")) => self.fail(line, bundle, frame),
            (Direction::ToSwitch, Some("discard_request")) => {
                self.errors.remove(&(line, bundle));
                Ok(None)
            }
            (Direction::FromSwitch, Some("discard_reply")) => {
                let ours = self.discarded.remove(&(line, subject.xid));
                Ok(ours.then_some(Ending::Swallowed))
            }
            _ => Ok(None),
        }
    }

    fn fail(
        &mut self,
        line: u64,
        bundle: BundleId,
        commit: &Frame,
    ) -> Result<Option<Ending>, Unsupported> {
        let Some(about) = self.errors.remove(&(line, bundle)) else {
            return Ok(None);
        };
        let quoted = commit.bytes().iter().take(QUOTED).copied();
        let data = ONF.to_be_bytes().into_iter().chain(quoted).collect();
        let failed = encoded_error(
            Version::V13,
            commit.xid(),
            EXPERIMENTER,
            MESSAGE_FAILED,
            data,
        )?;
        let discard = ToSwitch::BundleControl(BundleControl {
            bundle,
            step: BundleStep::DiscardRequest,
            flags: BundleFlags::default(),
            properties: Bytes::new(),
        });
        let mut to_switch = BytesMut::new();
        encode_to_switch(Version::V13, commit.xid(), &discard, &mut to_switch)?;
        self.discarded.insert((line, commit.xid()));
        Ok(Some(Ending::Failed {
            to_controller: vec![about, failed],
            to_switch: to_switch.freeze(),
        }))
    }

    /// The connection has ended, and its bundles with it.
    pub(crate) fn forget(&mut self, line: u64) {
        self.errors.retain(|(of, _), _| *of != line);
        self.discarded.retain(|(of, _)| *of != line);
    }
}

#[cfg(test)]
mod tests;
