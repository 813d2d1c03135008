//! One of every message.

use bytes::Bytes;
use godwit_openflow::model::*;
use godwit_openflow::types::*;

use super::{Row, Said, rows};

/// The experimenter that nobody is.
pub(crate) const NOBODY: u32 = 0x1234_5678;

pub(crate) fn data() -> Bytes {
    Bytes::from_static(&[0xda; 8])
}

pub(crate) fn error(version: Version) -> ErrorReport {
    ErrorReport {
        version,
        error_type: 1,
        code: 1,
        data: data(),
    }
}

pub(crate) fn role(version: Version, role: Role) -> RoleMessage {
    RoleMessage {
        role,
        generation: (version == Version::V13).then_some(3),
    }
}

const ASYNC: AsyncConfig = AsyncConfig {
    packet_in: [3, 0],
    port_status: [7, 7],
    flow_removed: [15, 0],
};

const CONFIG: SwitchConfig = SwitchConfig {
    flags: 0,
    miss_send_len: 128,
};

pub(crate) fn rule() -> FlowRule {
    FlowRule::new(
        5,
        Pattern::new().in_port(PortNo(1)),
        vec![Action::output(PortNo(2))],
    )
}

fn bundle_control(step: BundleStep) -> BundleControl {
    BundleControl {
        bundle: BundleId(1),
        step,
        flags: BundleFlags::ORDERED,
        properties: Bytes::new(),
    }
}

pub(crate) fn port(number: u32) -> Port {
    Port {
        number: PortNo(number),
        mac: MacAddr([2, 0, 0, 0, 0, 1]),
        name: "eth1".to_owned(),
        admin_down: false,
        link_down: false,
        config: 0,
        state: 0,
        features: [1 << 5, 0, 0, 0],
        current_speed: 0,
        max_speed: 0,
    }
}

pub(crate) fn to_switch() -> Vec<Row> {
    rows(
        &[
            "hello",
            "error",
            "echo_request",
            "echo_reply",
            "features_request",
            "get_config_request",
            "set_config",
            "packet_out",
            "flow_mod",
            "group_mod",
            "port_mod",
            "table_mod",
            "meter_mod",
            "barrier_request",
            "stats_request",
            "queue_config_request",
            "role_request",
            "async_config_request",
            "set_async_config",
            "bundle_control",
            "bundle_add",
            "flow_monitor_cancel",
            "set_flow_age",
            "experimenter",
            "unknown",
        ],
        |version, name| Said::To(one_to_switch(version, name)),
    )
}

fn one_to_switch(version: Version, name: &str) -> ToSwitch {
    match name {
        "hello" => ToSwitch::hello(Some(vec![1, 4])),
        "error" => ToSwitch::Error(error(version)),
        "echo_request" => ToSwitch::EchoRequest(data()),
        "echo_reply" => ToSwitch::EchoReply(data()),
        "features_request" => ToSwitch::FeaturesRequest,
        "get_config_request" => ToSwitch::GetConfigRequest,
        "set_config" => ToSwitch::SetConfig(CONFIG),
        "packet_out" => ToSwitch::PacketOut(PacketOut::to_port(PortNo(1), data())),
        "flow_mod" => ToSwitch::FlowMod(FlowMod::add(rule())),
        "group_mod" => ToSwitch::GroupMod(GroupMod {
            command: GroupCommand::Delete,
            group_type: GroupType::All,
            group: GroupId(1),
            buckets: Vec::new(),
        }),
        "port_mod" => ToSwitch::PortMod(PortMod {
            port: PortNo(1),
            mac: MacAddr([2, 0, 0, 0, 0, 1]),
            config: 1,
            mask: 1,
            advertise: 0,
        }),
        "table_mod" => ToSwitch::TableMod(TableMod {
            table: TableId(1),
            config: 0,
        }),
        "meter_mod" => ToSwitch::MeterMod(MeterMod {
            command: MeterCommand::Delete,
            flags: MeterFlags::KBPS,
            meter: MeterId(1),
            bands: Vec::new(),
        }),
        "barrier_request" => ToSwitch::BarrierRequest,
        "stats_request" => ToSwitch::stats(StatsRequest::Description),
        "queue_config_request" => ToSwitch::QueueConfigRequest(PortNo(1)),
        "role_request" => ToSwitch::RoleRequest(role(version, Role::Master)),
        "async_config_request" => ToSwitch::AsyncConfigRequest,
        "set_async_config" => ToSwitch::SetAsyncConfig(ASYNC),
        "bundle_control" => ToSwitch::BundleControl(bundle_control(BundleStep::OpenRequest)),
        "bundle_add" => ToSwitch::BundleAdd(BundleAdd {
            bundle: BundleId(1),
            flags: BundleFlags::ORDERED,
            xid: Xid(7),
            message: Box::new(ToSwitch::FlowMod(FlowMod::add(rule()))),
            properties: Bytes::new(),
        }),
        "flow_monitor_cancel" => ToSwitch::FlowMonitorCancel(1),
        "set_flow_age" => ToSwitch::SetFlowAge,
        "experimenter" => ToSwitch::Experimenter {
            experimenter: NOBODY,
            exp_type: 0,
            body: data(),
        },
        "unknown" => ToSwitch::Unknown {
            message_type: 99,
            body: data(),
        },
        _ => panic!("{name}"),
    }
}

pub(crate) fn from_switch() -> Vec<Row> {
    rows(
        &[
            "hello",
            "error",
            "echo_request",
            "echo_reply",
            "features",
            "config",
            "packet_in",
            "flow_removed",
            "port_status",
            "barrier_reply",
            "stats",
            "queue_config",
            "role",
            "async_config",
            "bundle_control",
            "flow_monitor_paused",
            "flow_monitor_resumed",
            "experimenter",
            "unknown",
        ],
        |version, name| Said::From(one_from_switch(version, name)),
    )
}

fn one_from_switch(version: Version, name: &str) -> FromSwitch {
    match name {
        "hello" => FromSwitch::Hello {
            bitmap: Some(vec![1, 4]),
            elements: Vec::new(),
            header_version: version.wire(),
        },
        "error" => FromSwitch::Error(error(version)),
        "echo_request" => FromSwitch::EchoRequest(data()),
        "echo_reply" => FromSwitch::EchoReply(data()),
        "features" => FromSwitch::Features(features(version)),
        "config" => FromSwitch::Config(CONFIG),
        "packet_in" => FromSwitch::PacketIn(packet_in(version)),
        "flow_removed" => FromSwitch::FlowRemoved(flow_removed()),
        "port_status" => FromSwitch::PortStatus(PortStatus {
            reason: PortStatusReason::Add,
            port: port(1),
        }),
        "barrier_reply" => FromSwitch::BarrierReply,
        "stats" => FromSwitch::Stats {
            more: true,
            body: StatsReply::Flows(Vec::new()),
        },
        "queue_config" => FromSwitch::QueueConfig(QueueConfigReply {
            port: PortNo(1),
            queues: Vec::new(),
        }),
        "role" => FromSwitch::Role(role(version, Role::Slave)),
        "async_config" => FromSwitch::AsyncConfig(ASYNC),
        "bundle_control" => FromSwitch::BundleControl(bundle_control(BundleStep::OpenReply)),
        "flow_monitor_paused" => FromSwitch::FlowMonitorPaused,
        "flow_monitor_resumed" => FromSwitch::FlowMonitorResumed,
        "experimenter" => FromSwitch::Experimenter {
            experimenter: NOBODY,
            exp_type: 0,
            body: data(),
        },
        "unknown" => FromSwitch::Unknown {
            message_type: 99,
            body: data(),
        },
        _ => panic!("{name}"),
    }
}

fn features(version: Version) -> Features {
    let only_1_0 = version == Version::V10;
    Features {
        datapath_id: DatapathId(1),
        buffers: 0,
        tables: 1,
        auxiliary_id: 0,
        capabilities: 1,
        actions: only_1_0.then_some(1),
        ports: only_1_0.then(|| vec![port(1)]),
    }
}

fn packet_in(version: Version) -> PacketIn {
    PacketIn {
        buffer_id: None,
        total_len: 8,
        reason: PacketInReason::Action,
        table: TableId(0),
        cookie: (version == Version::V13).then_some(Cookie(1)),
        in_port: PortNo(1),
        pattern: Pattern::new().in_port(PortNo(1)),
        data: data(),
    }
}

fn flow_removed() -> FlowRemoved {
    FlowRemoved {
        cookie: Cookie(1),
        priority: 5,
        reason: FlowRemovedReason::IdleTimeout,
        table: TableId(0),
        duration_ns: 1_000_000_001,
        idle_timeout: 1,
        hard_timeout: 0,
        packets: 1,
        bytes: 60,
        pattern: Pattern::new().in_port(PortNo(1)),
    }
}
