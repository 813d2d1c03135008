//! Several controllers on one switch.

use godwit_openflow::model::{AsyncConfig, FromSwitch, Role, RoleMessage, ToSwitch};

use crate::common::Named;

pub(super) fn to_switch() -> Named<ToSwitch> {
    vec![
        (
            "role_request",
            ToSwitch::RoleRequest(RoleMessage {
                role: Role::Master,
                generation: Some(3),
            }),
        ),
        ("get_async_request", ToSwitch::AsyncConfigRequest),
        (
            "set_async",
            ToSwitch::SetAsyncConfig(AsyncConfig {
                packet_in: [7, 4],
                port_status: [3, 7],
                flow_removed: [15, 0],
            }),
        ),
    ]
}

pub(super) fn from_switch() -> Named<FromSwitch> {
    vec![
        (
            "role_reply",
            FromSwitch::Role(RoleMessage {
                role: Role::Slave,
                generation: Some(3),
            }),
        ),
        (
            "get_async_reply",
            FromSwitch::AsyncConfig(AsyncConfig {
                packet_in: [7, 0],
                port_status: [7, 7],
                flow_removed: [15, 0],
            }),
        ),
    ]
}
