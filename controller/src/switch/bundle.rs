//! Bundles (ONF EXT-230): which messages go into one, and what is said around them.

use bytes::{Bytes, BytesMut};
use godwit_openflow::codec::encode_to_switch;
use godwit_openflow::model::{
    BundleControl, BundleFlags, BundleStep, ErrorReport, FlowMod, ToSwitch,
};
use godwit_openflow::types::{BundleId, Version};

use crate::connection::link::Link;

/// All or nothing, and in the order given.
pub(super) const FLAGS: BundleFlags = BundleFlags(BundleFlags::ATOMIC.0 | BundleFlags::ORDERED.0);

/// A step in the life of a bundle.
pub(crate) const fn control(bundle: BundleId, step: BundleStep) -> BundleControl {
    BundleControl {
        bundle,
        step,
        flags: FLAGS,
        properties: Bytes::new(),
    }
}

/// Whether a bundle may hold this. METER_MOD is refused in one; a packet that a flow-mod releases from the switch's
/// buffer is no change.
pub(super) const fn takes(message: &ToSwitch) -> bool {
    match message {
        ToSwitch::FlowMod(FlowMod { buffer_id, .. }) => buffer_id.is_none(),
        ToSwitch::GroupMod(_) | ToSwitch::PortMod(_) => true,
        _ => false,
    }
}

/// Whether an error is about bundles themselves rather than about a message in one: `OFPET_EXPERIMENTER` of the ONF,
/// `OFPBFC_*`.
pub(super) fn is_about_bundles(report: &ErrorReport) -> bool {
    const EXPERIMENTER: u16 = 0xffff;
    const ONF: [u8; 4] = *b"ONF\0";
    report.error_type == EXPERIMENTER
        && matches!(report.code, 2300..=2315)
        && report.data.starts_with(&ONF)
}

/// A bundle that stands open on a switch. Dropped before it [was settled](Self::settled), it is discarded there.
#[derive(Debug)]
pub(super) struct Open<'a> {
    link: &'a Link,
    bundle: BundleId,
    settled: bool,
}

impl<'a> Open<'a> {
    pub(super) const fn new(link: &'a Link, bundle: BundleId) -> Self {
        Self {
            link,
            bundle,
            settled: false,
        }
    }

    /// It was committed, or never opened.
    pub(super) fn settled(mut self) {
        self.settled = true;
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let discard = ToSwitch::BundleControl(control(self.bundle, BundleStep::DiscardRequest));
        let mut bytes = BytesMut::new();
        let xid = self.link.pending.xids().next();
        let said = encode_to_switch(Version::V13, xid, &discard, &mut bytes);
        if said.is_ok() {
            // A connection that has ended has taken the bundle with it.
            let _ = self.link.push(bytes, 1);
        }
    }
}
