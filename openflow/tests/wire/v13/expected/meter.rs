//! Meters.

use bytes::Bytes;
use godwit_openflow::model::{
    MeterBand, MeterBandStats, MeterCommand, MeterConfig, MeterFeatures, MeterFlags, MeterMod,
    MeterStats, StatsReply, StatsRequest, ToSwitch,
};
use godwit_openflow::types::MeterId;

use crate::common::Named;

fn bands() -> Vec<MeterBand> {
    vec![
        MeterBand::DscpRemark {
            rate: 100_000,
            burst: 5000,
            precedence_level: 1,
        },
        MeterBand::Drop {
            rate: 200_000,
            burst: 10_000,
        },
        MeterBand::Experimenter {
            rate: 300_000,
            burst: 20_000,
            experimenter: 0x00ab_cdef,
            body: Bytes::new(),
        },
    ]
}

fn change(command: MeterCommand, flags: u16, meter: MeterId, bands: Vec<MeterBand>) -> ToSwitch {
    ToSwitch::MeterMod(MeterMod {
        command,
        flags: MeterFlags(flags),
        meter,
        bands,
    })
}

pub(super) fn changes() -> Named<ToSwitch> {
    let drop = vec![MeterBand::Drop {
        rate: 1000,
        burst: 0,
    }];
    vec![
        (
            "meter_mod_add",
            change(MeterCommand::Add, 0b1101, MeterId(5), bands()),
        ),
        (
            "meter_mod_modify",
            change(MeterCommand::Modify, 0b10, MeterId::CONTROLLER, drop),
        ),
        (
            "meter_mod_delete_all",
            change(MeterCommand::Delete, 0, MeterId::ALL, vec![]),
        ),
    ]
}

pub(super) fn requests() -> Named<StatsRequest> {
    vec![
        ("request_meter", StatsRequest::Meters(MeterId(5))),
        (
            "request_meter_config",
            StatsRequest::MeterConfig(MeterId::ALL),
        ),
        ("request_meter_features", StatsRequest::MeterFeatures),
    ]
}

pub(super) fn replies() -> Named<StatsReply> {
    let counted = MeterStats {
        meter: MeterId(5),
        flows: 4,
        packets: 1000,
        bytes: 100_000,
        duration_ns: 20_000_000_005,
        bands: vec![
            MeterBandStats {
                packets: 1,
                bytes: 100,
            },
            MeterBandStats {
                packets: 2,
                bytes: 200,
            },
        ],
    };
    let unused = MeterStats {
        meter: MeterId::CONTROLLER,
        flows: 0,
        packets: 0,
        bytes: 0,
        duration_ns: 0,
        bands: vec![],
    };
    let configured = vec![
        MeterConfig {
            flags: MeterFlags(0b1001),
            meter: MeterId(5),
            bands: bands()[..2].to_vec(),
        },
        MeterConfig {
            flags: MeterFlags::PKTPS,
            meter: MeterId::SLOW_PATH,
            bands: vec![],
        },
    ];
    let features = MeterFeatures {
        max_meters: 1000,
        band_types: 6,
        capabilities: 15,
        max_bands: 8,
        max_color: 2,
    };
    vec![
        ("reply_meter", StatsReply::Meters(vec![counted, unused])),
        ("reply_meter_config", StatsReply::MeterConfig(configured)),
        ("reply_meter_features", StatsReply::MeterFeatures(features)),
    ]
}
