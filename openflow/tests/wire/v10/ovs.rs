//! `ovs-ofctl ofp-print` reads what is written here, and prints what was meant.

use godwit_openflow::model::{Action, FlowMod, FlowRule, Instruction, ToSwitch};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::{V10, expected};
use crate::common::ovs::{accepted, check_all, check_meanings};

/// Messages with something that Open vSwitch doesn't know or, being no emergency, doesn't do.
const FOREIGN: [&str; 6] = [
    "vendor",
    "stats_request_vendor",
    "stats_reply_vendor",
    "flow_mod_add_emergency",
    "flow_mod_add_udp_every_action",
    "stats_reply_flow_more",
];

#[test]
fn open_vswitch_accepts_every_message_of_the_corpus() {
    check_all(V10, expected::to_switch(), &FOREIGN);
    check_all(V10, expected::from_switch(), &FOREIGN);
}

#[test]
fn open_vswitch_prints_what_was_meant() {
    let meanings = [
        (
            "flow_mod_add_tcp",
            "ADD priority=1000,tcp,in_port=3,dl_vlan=100,dl_vlan_pcp=5,dl_src=02:00:00:00:00:01,\
             dl_dst=02:00:00:00:00:02,nw_src=10.1.0.0/16,nw_dst=10.2.0.7,nw_tos=184,tp_src=1234,tp_dst=80 \
             cookie:0x1122334455667788 idle:60 hard:600 send_flow_rem check_overlap actions=output:2",
        ),
        (
            "flow_mod_add_arp",
            "ADD arp,arp_spa=10.0.0.1,arp_tpa=10.0.0.0/24,arp_op=1 actions=LOCAL",
        ),
        (
            "flow_mod_add_icmp_drop",
            "ADD icmp,icmp_type=8,icmp_code=0 actions=drop",
        ),
        (
            "flow_mod_add_untagged",
            "ADD vlan_tci=0x0000 actions=IN_PORT",
        ),
        (
            "flow_mod_add_any_tag_of_priority",
            "ADD dl_vlan_pcp=6 actions=strip_vlan",
        ),
        (
            "flow_mod_delete_strict",
            "DEL_STRICT dl_dst=02:00:00:00:00:02 out_port:7 actions=drop",
        ),
        ("packet_out_data", "in_port=ANY actions=FLOOD data_len=42"),
        (
            "port_mod",
            "port: 3: addr:02:00:00:00:00:03\n     config: PORT_DOWN\n     mask:   PORT_DOWN\n",
        ),
        (
            "port_mod_every_bit",
            "advertise: 10MB-HD 10MB-FD 100MB-HD 100MB-FD 1GB-HD 1GB-FD 10GB-FD COPPER FIBER AUTO_NEG AUTO_PAUSE \
             AUTO_PAUSE_ASYM",
        ),
        ("queue_get_config_request", "port=3"),
        ("stats_request_queue", "port=ANY queue=ALL"),
        ("stats_request_queue_one", "port=4 queue=9"),
        (
            "stats_request_flow_all",
            "OFPST_FLOW request (xid=0x1020304):",
        ),
    ];
    check_meanings(V10, &expected::to_switch(), &meanings);
    let meanings = [
        (
            "features_reply_every_bit",
            "capabilities: FLOW_STATS TABLE_STATS PORT_STATS STP IP_REASM QUEUE_STATS ARP_MATCH_IP\n",
        ),
        (
            "features_reply_every_bit",
            "config:     PORT_DOWN NO_STP NO_RECV NO_RECV_STP NO_FLOOD NO_FWD NO_PACKET_IN\n     \
             state:      STP_BLOCK",
        ),
        ("queue_get_config_reply", "queue 1: min_rate:50.0%"),
        (
            "stats_reply_queue",
            "port LOCAL queue 7: bytes=8, pkts=9, errors=?",
        ),
    ];
    check_meanings(V10, &expected::from_switch(), &meanings);
}

#[test]
fn open_vswitch_accepts_any_rule_that_is_written() {
    let mut runner = TestRunner::deterministic();
    for _ in 0..64 {
        let pattern = godwit_samples::v10::pattern()
            .new_tree(&mut runner)
            .expect("a pattern")
            .current();
        let flow_mod = FlowMod::add(FlowRule::new(1, pattern, vec![Action::PopVlan]));
        assert!(matches!(
            flow_mod.rule.instructions[..],
            [Instruction::ApplyActions(_)]
        ));
        let bytes = V10
            .encode(&ToSwitch::FlowMod(flow_mod))
            .expect("expressible");
        let Some(_) = accepted("any rule", &bytes) else {
            return;
        };
    }
}

#[test]
fn open_vswitch_reads_every_action_that_is_not_a_vendors() {
    let all = expected::to_switch();
    let Some(ToSwitch::FlowMod(mut flow_mod)) = all
        .into_iter()
        .find_map(|(name, message)| (name == "flow_mod_add_udp_every_action").then_some(message))
    else {
        panic!("no such vector");
    };
    for instruction in &mut flow_mod.rule.instructions {
        if let Instruction::ApplyActions(actions) = instruction {
            actions.retain(|action| !matches!(action, Action::Experimenter { .. }));
        }
    }
    let bytes = V10
        .encode(&ToSwitch::FlowMod(flow_mod))
        .expect("expressible");
    let Some(text) = accepted("every action", &bytes) else {
        return;
    };
    let meaning = "actions=mod_vlan_vid:7,mod_vlan_pcp:3,strip_vlan,mod_dl_src:02:00:00:00:00:0a,\
        mod_dl_dst:02:00:00:00:00:0b,mod_nw_src:192.0.2.1,mod_nw_dst:192.0.2.2,mod_nw_tos:184,\
        mod_tp_src:5353,mod_tp_dst:5354,enqueue:4:9,CONTROLLER:128,output:2";
    assert!(text.contains(meaning), "{text}");
}
