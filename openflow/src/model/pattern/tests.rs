mod laws;
mod prerequisites;

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
fn errors_name_the_value_at_fault() {
    for (json, expected) in [
        (
            r#"{"eth_src":true}"#,
            "`true` is not a value of `eth_src`: a MAC address",
        ),
        (
            r#"{"ip_proto":-6}"#,
            "`-6` is not a value of `ip_proto`: a number that fits its width, decimal or after 0x",
        ),
        (
            r#"{"ip_proto":"tcp"}"#,
            "`tcp` is not a value of `ip_proto`: a number that fits its width, decimal or after 0x",
        ),
        (
            r#"{"vlan_vid":"0x2001/0x2fff"}"#,
            "`0x2001/0x2fff` is not a value of `vlan_vid`: a VLAN id from 0 to 4095, or `none` for packets without a tag",
        ),
        (
            r#"{"oxm_0x8000_41":"0z"}"#,
            "`0z` is not a value of `oxm_0x8000_41`: pairs of hex digits, with a mask of as many after `/` if wanted",
        ),
        (
            r#"{"oxm_1_128":"00"}"#,
            "`oxm_1_128` is not a match field of OpenFlow 1.3",
        ),
        (
            r#"{"eth_type":1,"eth_type":2}"#,
            "`eth_type` is given twice",
        ),
        (
            r#"{"eth_dst":"00:00:00:00:00:02/00:00:00:00:00:00","eth_dst":"00:00:00:00:00:02"}"#,
            "`eth_dst` is given twice",
        ),
        (
            r#"{"ipv4_dst":["10.0.0.1"]}"#,
            "invalid type: sequence, expected a number or a text for `ipv4_dst`",
        ),
    ] {
        let error = read(json).unwrap_err();
        let error = error.split(" at line ").next();
        assert_eq!(error, Some(expected));
    }
}

#[test]
fn people_may_write_numbers_and_names_as_they_like() {
    for (written, meant) in [
        (r#"{"in_port":"local"}"#, r#"{"in_port":"0xfffffffe"}"#),
        (r#"{"in_port":"3"}"#, r#"{"in_port":3}"#),
        (r#"{"vlan_vid":"0x7"}"#, r#"{"vlan_vid":7}"#),
        (r#"{"vlan_vid":4103}"#, r#"{"vlan_vid":7}"#),
        (r#"{"metadata":"0xff/255"}"#, r#"{"metadata":"255/0xff"}"#),
        (
            r#"{"ipv4_dst":"10.1.2.3/255.0.0.0"}"#,
            r#"{"ipv4_dst":"10.0.0.0/8"}"#,
        ),
        (r#"{"ipv4_dst":"10.1.2.3/0"}"#, "{}"),
    ] {
        assert!(read(written).is_ok());
        assert_eq!(read(written), read(meant));
    }
}

#[test]
fn fields_that_are_not_known_read_back_in_their_order() {
    let text = r#"{"eth_type":2048,"oxm_0xffff_0x00002320_5":"abcd","oxm_0xffff_0x4f4e4600_5":"ab/cd","oxm_0x8000_41":"01","oxm_0x8000_13":"0050/fff0","oxm_0x0001_7":"","oxm_0xffff_5":"012345","oxm_0x8000_41#2":"/"}"#;
    let pattern = read(text).unwrap();
    let first = &pattern.unknown()[0];
    assert_eq!(
        (first.class, first.field, first.has_mask),
        (0xffff, 5, false)
    );
    assert_eq!(
        first.payload,
        Bytes::from_static(b"\x00\x00\x23\x20\xab\xcd")
    );
    assert!(pattern.unknown()[1].has_mask);
    assert_eq!(pattern.unknown()[6].class, 0x8000);
    assert_eq!(serde_json::to_string(&pattern).unwrap(), text);
}

#[test]
fn a_vlan_id_without_the_bit_of_a_tag_reads_back() {
    let pattern = Pattern::new().with(Field::VlanVid, 5);
    let text = serde_json::to_string(&pattern).unwrap();
    assert_eq!(text, r#"{"vlan_vid":"0x5/0x1fff"}"#);
    assert_eq!(read(&text), Ok(pattern));
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
