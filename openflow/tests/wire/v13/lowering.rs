//! What 1.3 can't say is refused, and leaves nothing behind.

use bytes::{Bytes, BytesMut};
use godwit_openflow::codec;
use godwit_openflow::model::{
    Action, ErrorReport, Features, Field, FlowMod, FlowRule, FlowStats, FromSwitch, Instruction,
    PacketOut, Pattern, RawOxm, StatsReply, TableStats, ToSwitch,
};
use godwit_openflow::types::{DatapathId, PortNo, QueueId, Version, Xid};

use super::V13;

/// Says what a FLOW_MOD with this pattern and these actions can't say.
fn refused(pattern: Pattern, actions: Vec<Action>) -> String {
    let message = ToSwitch::FlowMod(FlowMod::add(FlowRule::new(1, pattern, actions)));
    let mut buffer = BytesMut::from("before");
    let error = codec::encode_to_switch(Version::V13, Xid(1), &message, &mut buffer).unwrap_err();
    assert_eq!(&buffer[..], b"before");
    assert_eq!(error.version, Version::V13);
    error.what
}

fn refused_action(action: Action) -> String {
    refused(Pattern::new(), vec![action])
}

#[test]
fn a_mask_where_1_3_has_none_is_refused_with_the_fields_name() {
    let what = refused(
        Pattern::new().with_masked(Field::TcpDst, 80, 0xfff0),
        vec![],
    );
    assert_eq!(what, "a mask on `tcp_dst`");
}

#[test]
fn an_unknown_field_that_fits_no_tlv_is_refused() {
    let raw = |field, size| {
        let mut pattern = Pattern::new();
        pattern.push_unknown(RawOxm {
            class: 1,
            field,
            has_mask: false,
            payload: vec![0; size].into(),
        });
        pattern
    };
    assert_eq!(refused(raw(0, 256), vec![]), "a match field of 256 bytes");
    assert_eq!(refused(raw(128, 4), vec![]), "match field number 128");
}

#[test]
fn actions_that_are_not_of_1_3_are_refused() {
    let enqueue = refused_action(Action::Enqueue {
        port: PortNo(1),
        queue: QueueId(2),
    });
    assert!(enqueue.contains("enqueue"), "{enqueue}");
    let wide = refused_action(Action::SetField {
        field: Field::VlanPcp,
        value: 8,
    });
    assert_eq!(wide, "a value wider than 3 bits for `vlan_pcp`");
    let odd = refused_action(Action::Unknown {
        action_type: 0xffff,
        body: Bytes::from("abc"),
    });
    assert_eq!(odd, "an action of 7 bytes");
    let long = refused_action(Action::Unknown {
        action_type: 0xffff,
        body: vec![0; 65_540].into(),
    });
    assert_eq!(long, "an action of 65544 bytes");
}

#[test]
fn an_instruction_of_odd_length_is_refused() {
    let instruction = Instruction::Unknown {
        instruction_type: 0xffff,
        body: Bytes::new(),
    };
    let rule = FlowRule {
        instructions: vec![instruction],
        ..FlowRule::new(1, Pattern::new(), vec![])
    };
    let error = V13
        .encode(&ToSwitch::FlowMod(FlowMod::add(rule)))
        .unwrap_err();
    assert_eq!(error.what, "an instruction of 4 bytes");
}

#[test]
fn a_message_beyond_its_length_field_is_refused() {
    let data = vec![0; 65_536].into();
    let error = V13
        .encode(&ToSwitch::PacketOut(PacketOut::to_port(PortNo(1), data)))
        .unwrap_err();
    assert_eq!(error.what, "a message of more than 65,535 bytes");
    let actions = vec![Action::PopVlan; 8185];
    assert_eq!(
        refused(Pattern::new(), actions),
        "a message of more than 65,535 bytes"
    );
}

#[test]
fn an_error_numbered_as_in_1_0_is_refused() {
    let report = ErrorReport {
        version: Version::V10,
        error_type: 3,
        code: 0,
        data: Bytes::new(),
    };
    let error = V13.encode(&ToSwitch::Error(report.clone())).unwrap_err();
    assert_eq!(error.what, "an error in the numbering of OpenFlow 1.0");
    assert_eq!(V13.encode(&FromSwitch::Error(report)), Err(error));
}

#[test]
fn what_only_1_0_reports_is_refused() {
    let features = Features {
        datapath_id: DatapathId(1),
        buffers: 0,
        tables: 1,
        auxiliary_id: 0,
        capabilities: 0,
        actions: None,
        ports: Some(vec![]),
    };
    assert!(V13.encode(&FromSwitch::Features(features)).is_err());
    let table = TableStats {
        table: 0,
        name: Some("classifier".to_owned()),
        max_entries: None,
        wildcards: None,
        active: 0,
        lookups: 0,
        matched: 0,
    };
    let reply = FromSwitch::Stats {
        more: false,
        body: StatsReply::Tables(vec![table]),
    };
    assert!(V13.encode(&reply).is_err());
}

#[test]
fn a_duration_beyond_its_seconds_field_is_refused() {
    let stats = |duration_ns| {
        let rule = FlowRule::new(1, Pattern::new(), vec![]);
        let body = StatsReply::Flows(vec![FlowStats {
            rule,
            duration_ns,
            packets: 0,
            bytes: 0,
        }]);
        V13.encode(&FromSwitch::Stats { more: false, body })
    };
    assert!(stats(u64::from(u32::MAX) * 1_000_000_000 + 999_999_999).is_ok());
    assert!(stats((u64::from(u32::MAX) + 1) * 1_000_000_000).is_err());
}
