//! Fields that need others, one by one.

use super::*;

fn complaint(json: &str) -> Option<String> {
    let checked = read(json).unwrap().check_prerequisites();
    checked.err().map(|error| error.to_string())
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    for (json, expected) in [
        (
            r#"{"eth_type":"0x0800","ip_proto":17,"tcp_dst":80}"#,
            "`tcp_dst` needs ip_proto=6 and eth_type=0x0800 or 0x86dd, but ip_proto is 17",
        ),
        (
            r#"{"ipv4_dst":"10.0.0.1"}"#,
            "`ipv4_dst` needs eth_type=0x0800, but eth_type is missing",
        ),
        (
            r#"{"ipv4_dst":"10.0.0.1","eth_type":"0x86dd"}"#,
            "`ipv4_dst` needs eth_type=0x0800, but eth_type is 0x86dd",
        ),
        (
            r#"{"eth_type":2054,"ip_proto":6}"#,
            "`ip_proto` needs eth_type=0x0800 or 0x86dd, but eth_type is 0x0806",
        ),
        (
            r#"{"tcp_dst":80}"#,
            "`tcp_dst` needs ip_proto=6 and eth_type=0x0800 or 0x86dd, but ip_proto is missing",
        ),
        (
            r#"{"eth_type":"0x86dd","ip_proto":58,"icmpv6_type":136,"ipv6_nd_sll":"00:00:00:00:00:01"}"#,
            "`ipv6_nd_sll` needs icmpv6_type=135 and ip_proto=58 and eth_type=0x86dd, but icmpv6_type is 136",
        ),
        (
            r#"{"vlan_pcp":3}"#,
            "`vlan_pcp` needs vlan_vid of a tag, but vlan_vid is missing",
        ),
        (
            r#"{"vlan_pcp":3,"vlan_vid":"none"}"#,
            "`vlan_pcp` needs vlan_vid of a tag, but vlan_vid is none",
        ),
        (
            r#"{"vlan_pcp":3,"vlan_vid":"0x1/0xfff"}"#,
            "`vlan_pcp` needs vlan_vid of a tag, but vlan_vid is 0x1 under the mask 0xfff",
        ),
        (
            r#"{"in_phy_port":3}"#,
            "`in_phy_port` needs in_port, but in_port is missing",
        ),
    ] {
        assert_eq!(complaint(json).as_deref(), Some(expected), "{json}");
    }
}

#[test]
fn what_has_all_that_it_needs_passes() {
    for json in [
        "{}",
        r#"{"eth_type":"0x0800","ip_proto":6,"tcp_dst":80}"#,
        r#"{"eth_type":"0x86dd","ip_proto":6,"tcp_dst":80}"#,
        r#"{"eth_type":"0x86dd","ip_proto":58,"icmpv6_type":136,"ipv6_nd_target":"fe80::1"}"#,
        r#"{"eth_type":"0x8848","mpls_label":7}"#,
        r#"{"vlan_pcp":3,"vlan_vid":7}"#,
        r#"{"vlan_pcp":3,"vlan_vid":"0x1000/0x1000"}"#,
        r#"{"in_phy_port":3,"in_port":4}"#,
    ] {
        assert_eq!(complaint(json), None, "{json}");
    }
}

/// What the field needs, needs nothing that the field does not need itself, so that one error at a time leads to the end.
#[test]
fn prerequisites_name_those_of_their_prerequisites() {
    for field in Field::all() {
        for needed in field.prerequisites() {
            for further in needed.field.prerequisites() {
                let named = field
                    .prerequisites()
                    .iter()
                    .any(|own| own.field == further.field);
                assert!(named, "{} and {}", field.name(), further.field.name());
            }
        }
    }
}
