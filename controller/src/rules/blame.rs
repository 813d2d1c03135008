//! Which rule an error is about that comes when nobody waits for it any more: the refused message stands in it.

use bytes::Bytes;
use godwit_openflow::Frame;
use godwit_openflow::model::{ErrorReport, ToSwitch};
use godwit_openflow::types::{Cookie, Version};

use super::described;

/// `OFPT_FLOW_MOD` in both versions (OF 1.3.5 §7.1, OF 1.0.2 §5.1).
const FLOW_MOD: u8 = 14;

/// A rule that a switch has refused, or did not do what it was asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blamed {
    /// Whose it is.
    pub(crate) cookie: Cookie,
    /// The rule, as far as the error has it.
    pub(crate) rule: String,
}

/// The rule that an error is about, if it is about one.
pub(crate) fn blamed(report: &ErrorReport) -> Option<Blamed> {
    whole(&report.data).or_else(|| beginning(report))
}

/// A switch may send the whole message back.
fn whole(data: &Bytes) -> Option<Blamed> {
    let frame = Frame::new(data.clone()).ok()?;
    match frame.to_switch().ok()? {
        ToSwitch::FlowMod(change) => Some(Blamed {
            cookie: change.rule.cookie,
            rule: described(&change.rule),
        }),
        _ => None,
    }
}

/// It has to send the first 64 bytes (OF 1.3.5 §7.5.4): all up to the match in OpenFlow 1.3 (§7.3.4.1, `ofp_flow_mod`), and
/// what stands behind it up to the priority in 1.0 (OF 1.0.2 §5.3.3).
fn beginning(report: &ErrorReport) -> Option<Blamed> {
    let data = &report.data;
    if *data.get(1)? != FLOW_MOD {
        return None;
    }
    let (cookie_at, priority_at, table) = match report.version {
        Version::V10 => (48, 62, 0),
        Version::V13 => (8, 30, *data.get(24)?),
    };
    let cookie: [u8; 8] = data.get(cookie_at..cookie_at + 8)?.try_into().ok()?;
    let priority: [u8; 2] = data.get(priority_at..priority_at + 2)?.try_into().ok()?;
    let cookie = Cookie(u64::from_be_bytes(cookie));
    let priority = u16::from_be_bytes(priority);
    let rule = format!("table {table}, priority {priority}, cookie {cookie}");
    Some(Blamed { cookie, rule })
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use godwit_openflow::codec::encode_to_switch;
    use godwit_openflow::model::{Action, FlowMod, FlowRule, Pattern};
    use godwit_openflow::types::{PortNo, Xid};

    use super::*;
    use crate::rules::Owner;

    fn report(version: Version, message: &ToSwitch, length: usize) -> ErrorReport {
        let mut buffer = BytesMut::new();
        encode_to_switch(version, Xid(7), message, &mut buffer).unwrap();
        buffer.truncate(length);
        ErrorReport {
            version,
            error_type: 5,
            code: 1,
            data: buffer.freeze(),
        }
    }

    #[test]
    fn the_rule_is_known_by_what_the_switch_sends_back() {
        let pattern = Pattern::new()
            .eth_type(0x0800)
            .ipv4_dst([10, 0, 0, 1].into());
        let cookie = Owner::Entries.cookie(41);
        let rule = FlowRule::new(77, pattern, vec![Action::output(PortNo(3))]).with_cookie(cookie);
        let message = ToSwitch::FlowMod(FlowMod::add(rule.clone()));
        for version in [Version::V10, Version::V13] {
            let all = blamed(&report(version, &message, usize::MAX)).unwrap();
            assert_eq!((all.cookie, all.rule), (cookie, described(&rule)));
            let part = blamed(&report(version, &message, 64)).unwrap();
            assert_eq!(part.cookie, cookie);
            assert_eq!(part.rule, format!("table 0, priority 77, cookie {cookie}"));
            for length in 0..32 {
                assert_eq!(blamed(&report(version, &message, length)), None);
            }
            assert_eq!(
                blamed(&report(version, &ToSwitch::BarrierRequest, 64)),
                None
            );
        }
    }
}
