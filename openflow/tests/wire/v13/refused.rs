//! What 1.3 can't say of groups, meters, queues, tables and ports, and of what only 1.0 has, is refused by its name.

use bytes::Bytes;
use godwit_openflow::model::{
    Action, Bucket, Entries, Features, FieldId, FlowFilter, FlowMod, FlowRule, FromSwitch,
    GroupCommand, GroupDescription, GroupMod, GroupType, Instruction, KindId, MeterBand,
    MeterCommand, MeterConfig, MeterFlags, MeterMod, Pattern, Port, PortMod, PortStatus,
    PortStatusReason, QueueConfig, QueueConfigReply, QueueProperty, RawOxm, Role, RoleMessage,
    StatsReply, StatsRequest, TableFeatures, TableProperty, ToSwitch,
};
use godwit_openflow::types::{
    DatapathId, GroupId, MacAddr, MeterId, PortNo, QueueId, TableId, Version,
};

use super::V13;
use crate::common::Message;

/// Too many bytes for any structure.
const TOO_MANY: usize = 70_000;

fn refused<M: Message>(message: M) -> String {
    let error = V13.encode(&message).unwrap_err();
    assert_eq!(error.version, Version::V13);
    error.what
}

fn reply(body: StatsReply) -> FromSwitch {
    FromSwitch::Stats { more: false, body }
}

fn many() -> Bytes {
    vec![0; TOO_MANY].into()
}

fn bucket(actions: usize) -> Bucket {
    Bucket {
        weight: 0,
        watch_port: None,
        watch_group: None,
        actions: vec![Action::PopVlan; actions],
    }
}

fn table(properties: Vec<TableProperty>) -> ToSwitch {
    let features = TableFeatures {
        table: TableId(0),
        name: String::new(),
        metadata_match: 0,
        metadata_write: 0,
        config: 0,
        max_entries: 0,
        properties,
    };
    ToSwitch::stats(StatsRequest::TableFeatures(vec![features]))
}

fn fields(field: FieldId) -> ToSwitch {
    table(vec![TableProperty::Match {
        fields: vec![field],
    }])
}

fn meter_mod(band: MeterBand) -> ToSwitch {
    ToSwitch::MeterMod(MeterMod {
        command: MeterCommand::Add,
        flags: MeterFlags::KBPS,
        meter: MeterId(1),
        bands: vec![band],
    })
}

fn rule(pattern: Pattern, instructions: Vec<Instruction>) -> ToSwitch {
    ToSwitch::FlowMod(FlowMod::add(FlowRule {
        instructions,
        ..FlowRule::new(1, pattern, vec![])
    }))
}

#[test]
fn a_bucket_beyond_its_length_field_is_refused() {
    let change = |actions| {
        ToSwitch::GroupMod(GroupMod {
            command: GroupCommand::Add,
            group_type: GroupType::All,
            group: GroupId(1),
            buckets: vec![bucket(actions)],
        })
    };
    assert_eq!(refused(change(8190)), "a bucket of 65536 bytes");
    assert_eq!(refused(change(8189)), "a message of more than 65,535 bytes");
    assert!(V13.encode(&change(8187)).is_ok());
    let description = GroupDescription {
        group_type: GroupType::All,
        group: GroupId(1),
        buckets: vec![bucket(8000), bucket(8000)],
    };
    assert_eq!(
        refused(reply(StatsReply::GroupDescription(vec![description]))),
        "the description of a group of 128040 bytes"
    );
}

#[test]
fn a_meter_band_of_a_wrong_length_is_refused() {
    let experimenter = MeterBand::Experimenter {
        rate: 1,
        burst: 1,
        experimenter: 1,
        body: many(),
    };
    let unknown = |size: usize| MeterBand::Unknown {
        band_type: 7,
        body: vec![0; size].into(),
    };
    assert_eq!(
        refused(meter_mod(experimenter)),
        "a meter band of 70016 bytes"
    );
    assert_eq!(refused(meter_mod(unknown(7))), "a meter band of 11 bytes");
    assert_eq!(
        refused(meter_mod(unknown(65_532))),
        "a meter band of 65536 bytes"
    );
    let config = MeterConfig {
        flags: MeterFlags::KBPS,
        meter: MeterId(1),
        bands: vec![unknown(8); 6000],
    };
    assert_eq!(
        refused(reply(StatsReply::MeterConfig(vec![config]))),
        "the configuration of a meter of 72008 bytes"
    );
}

#[test]
fn a_queue_beyond_its_length_field_is_refused() {
    let config = |properties| {
        FromSwitch::QueueConfig(QueueConfigReply {
            port: PortNo(1),
            queues: vec![QueueConfig {
                queue: QueueId(1),
                port: PortNo(1),
                properties,
            }],
        })
    };
    let long = QueueProperty::Unknown {
        property: 7,
        body: many(),
    };
    assert_eq!(
        refused(config(vec![long])),
        "a property of a queue of 70008 bytes"
    );
    let rates = vec![QueueProperty::MinRate { rate: 1 }; 4100];
    assert_eq!(refused(config(rates)), "a queue of 65616 bytes");
}

#[test]
fn a_table_beyond_its_length_field_is_refused() {
    let tables = TableProperty::NextTables {
        of: Entries::Matching,
        tables: vec![TableId(1); TOO_MANY],
    };
    assert_eq!(
        refused(table(vec![tables])),
        "a property of a table of 70004 bytes"
    );
    let kind = TableProperty::Instructions {
        of: Entries::Matching,
        kinds: vec![KindId {
            number: 0xffff,
            body: many(),
        }],
    };
    assert_eq!(
        refused(table(vec![kind])),
        "the type of an instruction or action of 70004 bytes"
    );
    let half = TableProperty::Unknown {
        property: 9,
        body: vec![0; 40_004].into(),
    };
    assert_eq!(
        refused(table(vec![half.clone(), half])),
        "the features of a table of 80080 bytes"
    );
}

#[test]
fn the_header_of_a_field_that_can_not_be_is_refused() {
    let field = FieldId {
        class: 0x8000,
        field: 128,
        has_mask: false,
        length: 4,
        experimenter: None,
    };
    assert_eq!(refused(fields(field.clone())), "match field number 128");
    for (class, experimenter) in [(0x8000, Some(1)), (0xffff, None)] {
        let what = refused(fields(FieldId {
            class,
            field: 1,
            experimenter,
            ..field.clone()
        }));
        assert!(what.contains(&format!("{class:#06x}")), "{what}");
    }
}

#[test]
fn what_is_within_a_flow_entry_is_refused_beyond_its_length_field() {
    let mut pattern = Pattern::new();
    for field in 0..300_u16 {
        pattern.push_unknown(RawOxm {
            class: field,
            field: 1,
            has_mask: false,
            payload: vec![0; 255].into(),
        });
    }
    assert_eq!(refused(rule(pattern, vec![])), "a match of 77704 bytes");
    let actions = vec![Action::PopVlan; 8192];
    assert_eq!(
        refused(rule(
            Pattern::new(),
            vec![Instruction::WriteActions(actions)]
        )),
        "an instruction of 65544 bytes"
    );
    let experimenter = |size: usize| Instruction::Experimenter {
        experimenter: 1,
        body: vec![0; size].into(),
    };
    for (size, what) in [
        (4, "an instruction of 12 bytes"),
        (65_528, "an instruction of 65536 bytes"),
    ] {
        assert_eq!(
            refused(rule(Pattern::new(), vec![experimenter(size)])),
            what
        );
    }
    let action = Action::Experimenter {
        experimenter: 1,
        body: Bytes::from("abc"),
    };
    let apply = Instruction::ApplyActions(vec![action]);
    assert_eq!(
        refused(rule(Pattern::new(), vec![apply])),
        "an action of 11 bytes"
    );
}

#[test]
fn bits_of_ports_that_only_1_0_has_are_refused() {
    const HIGH: u64 = 1 << 33;
    let port = Port {
        number: PortNo(1),
        mac: MacAddr::default(),
        name: "s1-eth1".to_owned(),
        admin_down: false,
        link_down: false,
        config: 0,
        state: 0,
        features: [0; 4],
        current_speed: 0,
        max_speed: 0,
    };
    let status = |port: Port| {
        refused(FromSwitch::PortStatus(PortStatus {
            reason: PortStatusReason::Add,
            port,
        }))
    };
    let with = |change: fn(&mut Port)| {
        let mut port = port.clone();
        change(&mut port);
        let what = status(port.clone());
        assert_eq!(
            refused(reply(StatsReply::PortDescription(vec![port]))),
            what
        );
        what
    };
    let config = with(|port| port.config = HIGH);
    assert!(
        config.starts_with("the port configuration 0x200000000"),
        "{config}"
    );
    let state = with(|port| port.state = HIGH);
    assert!(state.starts_with("the port state 0x200000000"), "{state}");
    let features = with(|port| port.features[3] = HIGH);
    assert!(
        features.starts_with("the port features 0x200000000"),
        "{features}"
    );

    let change = PortMod {
        port: PortNo(1),
        mac: MacAddr::default(),
        config: 0,
        mask: 0,
        advertise: 0,
    };
    for change in [
        PortMod {
            config: HIGH,
            ..change.clone()
        },
        PortMod {
            mask: HIGH,
            ..change.clone()
        },
        PortMod {
            advertise: HIGH,
            ..change
        },
    ] {
        let what = refused(ToSwitch::PortMod(change));
        assert!(what.contains("0x200000000"), "{what}");
    }
}

#[test]
fn features_that_only_1_0_has_are_refused() {
    let features = Features {
        datapath_id: DatapathId(1),
        buffers: 0,
        tables: 1,
        auxiliary_id: 0,
        capabilities: 0,
        actions: None,
        ports: None,
    };
    let actions = Features {
        actions: Some(0xfff),
        ..features.clone()
    };
    let what = refused(FromSwitch::Features(actions));
    assert!(what.contains("action types"), "{what}");
    let capabilities = Features {
        capabilities: 1 << 35,
        ..features
    };
    let what = refused(FromSwitch::Features(capabilities));
    assert!(what.starts_with("the capabilities 0x800000000"), "{what}");
}

#[test]
fn what_only_1_0_has_is_refused_by_its_name() {
    let request = ToSwitch::stats(StatsRequest::AgedFlows(FlowFilter::all()));
    let aged = "`aged_flows`: the ages of flow entries are only in 1.0";
    assert_eq!(refused(request), aged);
    assert_eq!(refused(reply(StatsReply::AgedFlows(vec![]))), aged);
    assert!(refused(ToSwitch::SetFlowAge).contains("`set_flow_age`"));
    let role = RoleMessage {
        role: Role::Master,
        generation: None,
    };
    assert_eq!(
        refused(ToSwitch::RoleRequest(role)),
        "a role without a generation"
    );
    assert_eq!(
        refused(FromSwitch::Role(role)),
        "a role without a generation"
    );
}
