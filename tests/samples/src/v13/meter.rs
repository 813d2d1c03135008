//! Any meter, and what is reported of it.

use bytes::Bytes;
use godwit_openflow::model::{
    MeterBand, MeterBandStats, MeterCommand, MeterConfig, MeterFeatures, MeterFlags, MeterMod,
    MeterStats,
};
use godwit_openflow::types::MeterId;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::common::{data, duration_ns};

fn meter_id() -> impl Strategy<Value = MeterId> {
    any::<u32>().prop_map(MeterId)
}

fn bands() -> impl Strategy<Value = Vec<MeterBand>> {
    let rates = any::<[u32; 2]>;
    let unknown_type = prop_oneof![Just(0), 3..=0xfffe_u16];
    let unknown_body = vec(any::<u8>(), 8..30).prop_map(Bytes::from);
    let band = prop_oneof![
        rates().prop_map(|[rate, burst]| MeterBand::Drop { rate, burst }),
        (rates(), any::<u8>()).prop_map(|([rate, burst], precedence_level)| {
            MeterBand::DscpRemark {
                rate,
                burst,
                precedence_level,
            }
        }),
        (rates(), any::<u32>(), data(20)).prop_map(|([rate, burst], experimenter, body)| {
            MeterBand::Experimenter {
                rate,
                burst,
                experimenter,
                body,
            }
        }),
        (unknown_type, unknown_body)
            .prop_map(|(band_type, body)| MeterBand::Unknown { band_type, body }),
    ];
    vec(band, 0..5)
}

pub(super) fn change() -> impl Strategy<Value = MeterMod> {
    let command = select(vec![
        MeterCommand::Add,
        MeterCommand::Modify,
        MeterCommand::Delete,
    ]);
    (command, any::<u16>(), meter_id(), bands()).prop_map(|(command, flags, meter, bands)| {
        MeterMod {
            command,
            flags: MeterFlags(flags),
            meter,
            bands,
        }
    })
}

pub(super) fn config() -> impl Strategy<Value = MeterConfig> {
    (any::<u16>(), meter_id(), bands()).prop_map(|(flags, meter, bands)| MeterConfig {
        flags: MeterFlags(flags),
        meter,
        bands,
    })
}

pub(super) fn stats() -> impl Strategy<Value = MeterStats> {
    let band = any::<[u64; 2]>().prop_map(|[packets, bytes]| MeterBandStats { packets, bytes });
    (
        meter_id(),
        any::<u32>(),
        any::<[u64; 2]>(),
        duration_ns(),
        vec(band, 0..4),
    )
        .prop_map(
            |(meter, flows, [packets, bytes], duration_ns, bands)| MeterStats {
                meter,
                flows,
                packets,
                bytes,
                duration_ns,
                bands,
            },
        )
}

pub(super) fn features() -> impl Strategy<Value = MeterFeatures> {
    (any::<[u32; 3]>(), any::<[u8; 2]>()).prop_map(
        |([max_meters, band_types, capabilities], [max_bands, max_color])| MeterFeatures {
            max_meters,
            band_types,
            capabilities,
            max_bands,
            max_color,
        },
    )
}
