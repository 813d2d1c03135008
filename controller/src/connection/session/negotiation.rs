//! Which version a connection speaks (OF 1.3.5 §6.3.1).

use godwit_openflow::types::Version;

/// The highest version that both sides speak: by the peer's bitmap where it sent one, else the lower of the two
/// header versions.
///
/// # Errors
/// A text for both operators when there is none.
pub(crate) fn negotiate(header_version: u8, bitmap: Option<&[u8]>) -> Result<Version, String> {
    let common = match bitmap {
        Some(offered) => Version::ALL
            .into_iter()
            .rev()
            .find(|version| offered.contains(&version.wire())),
        None => Version::from_wire(header_version.min(Version::V13.wire())),
    };
    common.ok_or_else(|| {
        let offered = match bitmap {
            Some([]) => "no version at all".to_owned(),
            Some(offered) => offered.iter().take(NAMED).map(|&wire| name(wire)).collect::<Vec<_>>().join(", "),
            None => name(header_version),
        };
        format!(
            "godwit speaks OpenFlow 1.0 and 1.3, the switch offers {offered}: allow one of them on the switch \
             (ovs-vsctl set bridge NAME protocols=OpenFlow10,OpenFlow13)"
        )
    })
}

/// How many versions a text names. There are six in the world.
const NAMED: usize = 8;

/// The version of a `HELLO_FAILED` to a peer with this header version: one that it may be able to read.
pub(crate) const fn version_of_refusal(header_version: u8) -> Version {
    if header_version >= Version::V13.wire() {
        Version::V13
    } else {
        Version::V10
    }
}

fn name(wire: u8) -> String {
    match wire {
        1..=6 => format!("1.{}", wire - 1),
        _ => format!("version {wire:#04x}"),
    }
}
