//! Flow tables.

use bytes::Bytes;
use godwit_openflow::model::{
    Entries, FieldId, KindId, StatsReply, StatsRequest, TableFeatures, TableMod, TableProperty,
    ToSwitch,
};
use godwit_openflow::types::TableId;

use crate::common::{Named, unhex};

pub(super) fn changes() -> Named<ToSwitch> {
    vec![(
        "table_mod",
        ToSwitch::TableMod(TableMod {
            table: TableId::ALL,
            config: 3,
        }),
    )]
}

pub(super) fn requests() -> Named<StatsRequest> {
    vec![
        (
            "request_table_features",
            StatsRequest::TableFeatures(vec![]),
        ),
        (
            "request_table_features_more",
            StatsRequest::TableFeatures(two_tables()),
        ),
    ]
}

pub(super) fn replies() -> Named<StatsReply> {
    vec![
        (
            "reply_table_features_more",
            StatsReply::TableFeatures(two_tables()),
        ),
        (
            "reply_table_features_experimenters",
            StatsReply::TableFeatures(vec![experimenters()]),
        ),
    ]
}

fn two_tables() -> Vec<TableFeatures> {
    let first = TableFeatures {
        table: TableId(1),
        name: "first".to_owned(),
        metadata_match: 0,
        metadata_write: 0,
        config: 0,
        max_entries: 100,
        properties: vec![],
    };
    let second = TableFeatures {
        table: TableId(2),
        name: "second".to_owned(),
        metadata_match: 0xffff_ffff_0000_0000,
        metadata_write: 0xffff_ffff,
        config: 3,
        max_entries: 1_000_000,
        properties: every_property(),
    };
    vec![first, second]
}

fn kinds(numbers: &[u16]) -> Vec<KindId> {
    let kind = |&number| KindId {
        number,
        body: Bytes::new(),
    };
    numbers.iter().map(kind).collect()
}

/// The first of a port, an address that may be masked, and a register of Open vSwitch's. os-ken leaves their lengths out.
fn fields(count: usize) -> Vec<FieldId> {
    [(0x8000, 0, false), (0x8000, 3, true), (0x0001, 0, false)][..count]
        .iter()
        .map(|&(class, field, has_mask)| FieldId {
            class,
            field,
            has_mask,
            length: 0,
            experimenter: None,
        })
        .collect()
}

fn every_property() -> Vec<TableProperty> {
    let experimenter = |of, exp_type, body| TableProperty::Experimenter {
        of,
        experimenter: 0x00ab_cdef,
        exp_type,
        body: unhex(body),
    };
    let mut all = vec![
        TableProperty::Instructions {
            of: Entries::Matching,
            kinds: kinds(&[1, 4, 6]),
        },
        TableProperty::Instructions {
            of: Entries::TableMiss,
            kinds: kinds(&[4]),
        },
        TableProperty::NextTables {
            of: Entries::Matching,
            tables: [2, 3, 4, 253, 254].map(TableId).to_vec(),
        },
        TableProperty::NextTables {
            of: Entries::TableMiss,
            tables: vec![],
        },
    ];
    let halves = [
        (Entries::Matching, &[0, 25][..]),
        (Entries::TableMiss, &[0]),
    ];
    all.extend(halves.map(|(of, numbers)| TableProperty::WriteActions {
        of,
        kinds: kinds(numbers),
    }));
    all.extend(halves.map(|(of, numbers)| TableProperty::ApplyActions {
        of,
        kinds: kinds(numbers),
    }));
    all.push(TableProperty::Match { fields: fields(3) });
    all.push(TableProperty::Wildcards { fields: fields(1) });
    let halves = [(Entries::Matching, 2), (Entries::TableMiss, 0)];
    all.extend(halves.map(|(of, count)| TableProperty::WriteSetField {
        of,
        fields: fields(count),
    }));
    all.extend(halves.map(|(of, count)| TableProperty::ApplySetField {
        of,
        fields: fields(count),
    }));
    all.push(experimenter(Entries::Matching, 7, "0000000100000002"));
    all.push(experimenter(Entries::TableMiss, 8, "00000003"));
    all
}

/// What experimenters added, and a property without a meaning.
fn experimenters() -> TableFeatures {
    let kind = KindId {
        number: 0xffff,
        body: unhex("00abcdef"),
    };
    let field = FieldId {
        class: 0xffff,
        field: 43,
        has_mask: false,
        length: 8,
        experimenter: Some(0x4f4e_4600),
    };
    let port = FieldId {
        length: 4,
        ..fields(1).remove(0)
    };
    TableFeatures {
        table: TableId(3),
        name: "third".to_owned(),
        metadata_match: 0,
        metadata_write: 0,
        config: 0,
        max_entries: 10,
        properties: vec![
            TableProperty::Instructions {
                of: Entries::Matching,
                kinds: vec![kind.clone()],
            },
            TableProperty::ApplyActions {
                of: Entries::Matching,
                kinds: [kinds(&[0]), vec![kind]].concat(),
            },
            TableProperty::Match {
                fields: vec![field, port],
            },
            TableProperty::Unknown {
                property: 9,
                body: Bytes::from("unknown"),
            },
        ],
    }
}
