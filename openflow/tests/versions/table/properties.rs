//! What groups, meters, queues, tables and flow monitors consist of.

use std::collections::BTreeSet;

use godwit_openflow::model::*;
use godwit_openflow::types::*;

use super::messages::{NOBODY, data, role};
use super::{Row, Said, names_of, rows};

pub(crate) fn groups() -> Vec<Row> {
    let names = ["all", "select", "indirect", "fast_failover", "unknown"];
    rows(&names, |_, name| {
        let (group_type, weight, watch_port) = match name {
            "all" => (GroupType::All, 0, None),
            "select" => (GroupType::Select, 1, None),
            "indirect" => (GroupType::Indirect, 0, None),
            "fast_failover" => (GroupType::FastFailover, 0, Some(PortNo(1))),
            _ => (GroupType::Unknown(99), 0, None),
        };
        Said::To(ToSwitch::GroupMod(GroupMod {
            command: GroupCommand::Add,
            group_type,
            group: GroupId(1),
            buckets: vec![Bucket {
                weight,
                watch_port,
                watch_group: None,
                actions: vec![Action::output(PortNo(1))],
            }],
        }))
    })
}

pub(crate) fn bands() -> Vec<Row> {
    let names = ["drop", "dscp_remark", "experimenter", "unknown"];
    rows(&names, |_, name| {
        let (rate, burst) = (1000, 0);
        let band = match name {
            "drop" => MeterBand::Drop { rate, burst },
            "dscp_remark" => MeterBand::DscpRemark {
                rate,
                burst,
                precedence_level: 1,
            },
            "experimenter" => MeterBand::Experimenter {
                rate,
                burst,
                experimenter: NOBODY,
                body: data(),
            },
            _ => MeterBand::Unknown {
                band_type: 99,
                body: data().repeat(2).split_off(4).into(),
            },
        };
        Said::To(ToSwitch::MeterMod(MeterMod {
            command: MeterCommand::Add,
            flags: MeterFlags::KBPS,
            meter: MeterId(1),
            bands: vec![band],
        }))
    })
}

pub(crate) fn queues() -> Vec<Row> {
    let names = ["min_rate", "max_rate", "experimenter", "unknown"];
    rows(&names, |_, name| {
        let property = match name {
            "min_rate" => QueueProperty::MinRate { rate: 500 },
            "max_rate" => QueueProperty::MaxRate { rate: 500 },
            "experimenter" => QueueProperty::Experimenter {
                experimenter: NOBODY,
                body: data(),
            },
            _ => QueueProperty::Unknown {
                property: 99,
                body: data(),
            },
        };
        let queue = QueueConfig {
            queue: QueueId(1),
            port: PortNo(1),
            properties: vec![property],
        };
        Said::From(FromSwitch::QueueConfig(QueueConfigReply {
            port: PortNo(1),
            queues: vec![queue],
        }))
    })
}

pub(crate) fn table(properties: Vec<TableProperty>) -> TableFeatures {
    TableFeatures {
        table: TableId(1),
        name: "acl".to_owned(),
        metadata_match: 0,
        metadata_write: 0,
        config: 0,
        max_entries: 10,
        properties,
    }
}

pub(crate) fn tables() -> Vec<Row> {
    let names = [
        "instructions",
        "next_tables",
        "write_actions",
        "apply_actions",
        "match",
        "wildcards",
        "write_set_field",
        "apply_set_field",
        "experimenter",
        "unknown",
    ];
    rows(&names, |_, name| {
        let tables = vec![table(vec![table_property(name)])];
        Said::From(FromSwitch::Stats {
            more: false,
            body: StatsReply::TableFeatures(tables),
        })
    })
}

fn table_property(name: &str) -> TableProperty {
    let of = Entries::Matching;
    let kinds = vec![KindId {
        number: 0,
        body: bytes::Bytes::new(),
    }];
    let instructions = vec![KindId {
        number: 1,
        body: bytes::Bytes::new(),
    }];
    let fields = vec![FieldId {
        class: 0x8000,
        field: 3,
        has_mask: false,
        length: 6,
        experimenter: None,
    }];
    match name {
        "instructions" => TableProperty::Instructions {
            of,
            kinds: instructions,
        },
        "next_tables" => TableProperty::NextTables {
            of,
            tables: vec![TableId(2)],
        },
        "write_actions" => TableProperty::WriteActions { of, kinds },
        "apply_actions" => TableProperty::ApplyActions { of, kinds },
        "match" => TableProperty::Match { fields },
        "wildcards" => TableProperty::Wildcards { fields },
        "write_set_field" => TableProperty::WriteSetField { of, fields },
        "apply_set_field" => TableProperty::ApplySetField { of, fields },
        "experimenter" => TableProperty::Experimenter {
            of,
            experimenter: NOBODY,
            exp_type: 1,
            body: data(),
        },
        _ => TableProperty::Unknown {
            property: 99,
            body: data(),
        },
    }
}

pub(crate) fn assert_tables_complete() {
    let named: BTreeSet<String> = tables().into_iter().map(|(name, _)| name).collect();
    assert_eq!(named, names_of::<TableProperty>());
}

pub(crate) fn roles() -> Vec<Row> {
    let names = ["no_change", "equal", "master", "slave", "unknown"];
    rows(&names, |version, name| {
        let held = match name {
            "no_change" => Role::NoChange,
            "equal" => Role::Equal,
            "master" => Role::Master,
            "slave" => Role::Slave,
            _ => Role::Unknown(99),
        };
        Said::To(ToSwitch::RoleRequest(role(version, held)))
    })
}

pub(crate) fn updates() -> Vec<Row> {
    let names = ["full", "abbreviated", "unknown"];
    rows(&names, |_, name| {
        let update = match name {
            "full" => FlowUpdate::Full {
                event: FlowEvent::Added,
                reason: 0,
                table: TableId(0),
                priority: 5,
                idle_timeout: 0,
                hard_timeout: 0,
                cookie: Cookie(1),
                pattern: Pattern::new().in_port(PortNo(1)),
                instructions: Vec::new(),
            },
            "abbreviated" => FlowUpdate::Abbreviated { xid: Xid(1) },
            _ => FlowUpdate::Unknown {
                event: 99,
                body: data().slice(..4),
            },
        };
        Said::From(FromSwitch::Stats {
            more: false,
            body: StatsReply::FlowMonitor(vec![update]),
        })
    })
}
