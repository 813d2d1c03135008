//! Any role, and any choice of asynchronous messages.

use godwit_openflow::model::{AsyncConfig, Role, RoleMessage};
use proptest::prelude::*;

pub(super) fn role() -> impl Strategy<Value = RoleMessage> {
    let role = prop_oneof![
        Just(Role::NoChange),
        Just(Role::Equal),
        Just(Role::Master),
        Just(Role::Slave),
        (4..=u32::MAX).prop_map(Role::Unknown),
    ];
    (role, any::<u64>()).prop_map(|(role, generation)| RoleMessage {
        role,
        generation: Some(generation),
    })
}

pub(super) fn async_config() -> impl Strategy<Value = AsyncConfig> {
    any::<[[u32; 2]; 3]>().prop_map(|[packet_in, port_status, flow_removed]| AsyncConfig {
        packet_in,
        port_status,
        flow_removed,
    })
}
