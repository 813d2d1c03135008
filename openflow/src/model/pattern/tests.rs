mod laws;

use super::*;

fn read(json: &str) -> Result<Pattern, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn facts_stand_at_the_index_of_their_number() {
    for (number, field) in Field::all().enumerate() {
        assert_eq!(usize::from(field.number()), number);
        assert_eq!(Field::from_name(field.name()), Some(field));
        assert!(field.bits() <= field.wire_bytes() * 8);
    }
}

#[test]
fn json_reads_back_what_it_wrote() {
    let text = r#"{"in_port":3,"eth_dst":"00:00:00:00:00:02","eth_type":2048,"vlan_vid":7,"ip_proto":17,"ipv4_dst":"10.0.0.0/24","udp_dst":5001}"#;
    let pattern = read(text).unwrap();
    assert_eq!(serde_json::to_string(&pattern).unwrap(), text);
}

#[test]
fn hexadecimal_text_is_a_number_too() {
    assert_eq!(
        read(r#"{"eth_type":"0x0800"}"#),
        read(r#"{"eth_type":2048}"#)
    );
}

#[test]
fn an_untagged_packet_differs_from_vlan_zero() {
    let none = read(r#"{"vlan_vid":"none"}"#).unwrap();
    let zero = read(r#"{"vlan_vid":0}"#).unwrap();
    assert_eq!(none.exact(Field::VlanVid), Some(0));
    assert_eq!(zero.exact(Field::VlanVid), Some(0x1000));
}

#[test]
fn errors_name_the_field_at_fault() {
    assert!(
        read(r#"{"nw_src":"10.0.0.1"}"#)
            .unwrap_err()
            .contains("nw_src")
    );
    assert!(
        read(r#"{"udp_dst":70000}"#)
            .unwrap_err()
            .contains("udp_dst")
    );
    assert!(read(r#"{"udp_dst":"1/3"}"#).unwrap_err().contains("masked"));
    assert!(read(r#"{"eth_src":5}"#).unwrap_err().contains("eth_src"));
    assert!(
        read(r#"{"ipv4_src":"10.0.0.0/33"}"#)
            .unwrap_err()
            .contains("ipv4_src")
    );
}

#[test]
fn a_missing_prerequisite_says_its_mend() {
    let pattern = Pattern::new().with(Field::TcpDst, 80);
    let error = pattern.check_prerequisites().unwrap_err().to_string();
    assert!(
        error.contains("`tcp_dst` needs ip_proto=6 and eth_type=0x0800"),
        "{error}"
    );
    let mended = pattern.with(Field::IpProto, 6).eth_type(0x0800);
    assert_eq!(mended.check_prerequisites(), Ok(()));
}

#[test]
fn a_wider_pattern_covers_a_narrower_one() {
    let wide = read(r#"{"ipv4_dst":"10.0.0.0/8","eth_type":2048}"#).unwrap();
    let narrow = read(r#"{"ipv4_dst":"10.1.0.0/16","eth_type":2048,"ip_proto":6}"#).unwrap();
    assert!(wide.covers(&narrow) && !narrow.covers(&wide));
    assert!(wide.overlaps(&narrow) && narrow.overlaps(&wide));
    assert_eq!(wide.intersect(&narrow), Some(narrow));
}

#[test]
fn patterns_that_disagree_on_a_bit_do_not_overlap() {
    let one = read(r#"{"ipv4_dst":"10.0.0.0/8"}"#).unwrap();
    let other = read(r#"{"ipv4_dst":"11.0.0.0/8"}"#).unwrap();
    assert!(!one.overlaps(&other));
    assert_eq!(one.intersect(&other), None);
}

#[test]
fn a_mask_of_zero_requires_nothing() {
    assert!(Pattern::new().with_masked(Field::EthDst, 5, 0).is_empty());
}
