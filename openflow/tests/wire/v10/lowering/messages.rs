//! Messages and requests that 1.0 has not.

use bytes::Bytes;
use godwit_openflow::model::bits::{port_config, port_feature};
use godwit_openflow::model::outbound::FlowFilter;
use godwit_openflow::model::{
    AsyncConfig, BundleAdd, BundleControl, BundleFlags, BundleStep, GroupCommand, GroupMod,
    GroupType, MeterCommand, MeterFlags, MeterMod, PortMod, QueueFilter, StatsRequest, TableMod,
    ToSwitch,
};
use godwit_openflow::types::{
    BundleId, Cookie, GroupId, MacAddr, MeterId, PortNo, QueueId, TableId, Xid,
};

use super::super::V10;

fn refusal(message: &ToSwitch) -> String {
    V10.encode(message).expect_err("1.0 can't say this").what
}

fn bundle_control() -> BundleControl {
    BundleControl {
        bundle: BundleId(1),
        step: BundleStep::OpenRequest,
        flags: BundleFlags::ATOMIC,
        properties: Bytes::new(),
    }
}

#[test]
fn messages_that_1_0_has_not_are_named() {
    let group = GroupMod {
        command: GroupCommand::Add,
        group: GroupId(1),
        group_type: GroupType::All,
        buckets: vec![],
    };
    let meter = MeterMod {
        command: MeterCommand::Delete,
        meter: MeterId(1),
        flags: MeterFlags::default(),
        bands: vec![],
    };
    let table = TableMod {
        table: TableId(1),
        config: 0,
    };
    let added = BundleAdd {
        bundle: BundleId(1),
        flags: BundleFlags::ATOMIC,
        xid: Xid(1),
        message: Box::new(ToSwitch::BarrierRequest),
        properties: Bytes::new(),
    };
    for (message, what) in [
        (ToSwitch::GroupMod(group), "GROUP_MOD: it has no groups"),
        (ToSwitch::MeterMod(meter), "METER_MOD: it has no meters"),
        (ToSwitch::TableMod(table), "TABLE_MOD"),
        (
            ToSwitch::AsyncConfigRequest,
            "a choice of the messages that a switch sends by itself",
        ),
        (
            ToSwitch::SetAsyncConfig(AsyncConfig::default()),
            "a choice of the messages that a switch sends by itself",
        ),
        (ToSwitch::BundleControl(bundle_control()), "bundles"),
        (ToSwitch::BundleAdd(added), "bundles"),
        (ToSwitch::FlowMonitorCancel(1), "flow monitors"),
    ] {
        assert_eq!(refusal(&message), what);
    }
}

#[test]
fn the_type_of_an_experimenter_is_refused() {
    let what = "the type 7 of experimenter 0x00abcdef: it has a vendor's number alone";
    let message = ToSwitch::Experimenter {
        experimenter: 0x00ab_cdef,
        exp_type: 7,
        body: Bytes::new(),
    };
    assert_eq!(refusal(&message), what);
    let request = StatsRequest::Experimenter {
        experimenter: 0x00ab_cdef,
        exp_type: 7,
        body: Bytes::new(),
    };
    assert_eq!(refusal(&ToSwitch::stats(request)), what);
}

#[test]
fn an_unknown_message_has_no_number_that_means_something() {
    let unknown = |message_type, body: &'static [u8]| ToSwitch::Unknown {
        message_type,
        body: Bytes::from_static(body),
    };
    for message_type in [0, 1, 2, 3, 4, 5, 7, 9, 13, 14, 15, 16, 18, 20] {
        assert_eq!(
            refusal(&unknown(message_type, &[])),
            format!("an unknown message of type {message_type}")
        );
    }
    // An ordinary FLOW_MOD, which there is a word for.
    assert_eq!(
        refusal(&unknown(14, &[0; 64])),
        "an unknown message of type 14"
    );
    for message_type in [6, 8, 10, 11, 12, 17, 19, 21, 22, 255] {
        V10.encode(&unknown(message_type, &[0; 4]))
            .expect("nothing that a controller sends");
    }
}

#[test]
fn requests_that_1_0_has_not_are_named() {
    for (request, what) in [
        (
            StatsRequest::PortDescription,
            "a request for port descriptions: its features reply lists the ports",
        ),
        (StatsRequest::Groups(GroupId(1)), "a request about groups"),
        (StatsRequest::GroupDescription, "a request about groups"),
        (StatsRequest::GroupFeatures, "a request about groups"),
        (StatsRequest::Meters(MeterId(1)), "a request about meters"),
        (
            StatsRequest::MeterConfig(MeterId(1)),
            "a request about meters",
        ),
        (StatsRequest::MeterFeatures, "a request about meters"),
        (
            StatsRequest::TableFeatures(vec![]),
            "a request about the features of tables",
        ),
        (StatsRequest::FlowMonitor(vec![]), "flow monitors"),
    ] {
        assert_eq!(refusal(&ToSwitch::stats(request)), what);
    }
    let in_parts = ToSwitch::StatsRequest {
        more: true,
        body: StatsRequest::Tables,
    };
    assert_eq!(refusal(&in_parts), "a statistics request in several parts");
}

#[test]
fn conditions_that_a_request_of_1_0_has_not_are_refused() {
    let refusal = |request| refusal(&ToSwitch::stats(request));
    let by_cookie = |cookie, cookie_mask| FlowFilter {
        cookie: Cookie(cookie),
        cookie_mask,
        ..FlowFilter::all()
    };
    for (cookie, mask) in [(1, 1), (0, 1), (1, 0)] {
        let request = StatsRequest::Flows(by_cookie(cookie, mask));
        assert!(refusal(request).starts_with("cookie_mask:"));
    }
    let by_group = FlowFilter {
        out_group: Some(GroupId(1)),
        ..FlowFilter::all()
    };
    assert!(refusal(StatsRequest::Aggregate(by_group)).starts_with("out_group:"));
    let emergency = FlowFilter {
        table: TableId(0xfe),
        ..FlowFilter::all()
    };
    assert!(refusal(StatsRequest::Flows(emergency)).starts_with("table 254:"));
}

#[test]
fn unknown_statistics_have_no_number_that_means_something() {
    for stats_type in [0, 1, 2, 3, 4, 5, 0xffff] {
        let request = StatsRequest::Unknown {
            stats_type,
            body: Bytes::new(),
        };
        assert_eq!(
            refusal(&ToSwitch::stats(request)),
            format!("unknown statistics of type {stats_type}")
        );
    }
}

#[test]
fn a_bit_that_1_0_has_not_is_named_in_a_port_mod() {
    let port_mod = || PortMod {
        port: PortNo(1),
        mac: MacAddr::default(),
        config: 0,
        mask: 0,
        advertise: 0,
    };
    let fast = PortMod {
        advertise: port_feature::COPPER | port_feature::SPEED_40_GB,
        ..port_mod()
    };
    assert_eq!(
        refusal(&ToSwitch::PortMod(fast)),
        "the port feature `40 Gb/s`"
    );
    let unknown = PortMod {
        mask: port_config::PORT_DOWN | 1 << 3,
        ..port_mod()
    };
    assert_eq!(
        refusal(&ToSwitch::PortMod(unknown)),
        "the port configuration 0x8"
    );
    let unknown = PortMod {
        config: 1 << 31,
        ..port_mod()
    };
    assert_eq!(
        refusal(&ToSwitch::PortMod(unknown)),
        "the port configuration 0x80000000"
    );
}

#[test]
fn queues_of_every_port_are_asked_for_by_the_number_that_1_0_has_for_that() {
    let request = |port| {
        ToSwitch::stats(StatsRequest::Queues(QueueFilter {
            port,
            queue: QueueId::ALL,
        }))
    };
    let every = V10.encode(&request(PortNo::ANY)).expect("expressible");
    assert_eq!(every[12..14], [0xff, 0xfc]);
    let other = V10.encode(&request(PortNo::ALL)).expect("expressible");
    assert_eq!(other[12..14], [0xff, 0xff]);
}
