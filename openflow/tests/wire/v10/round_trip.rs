//! Reading what was written gives what was to be written.

use std::collections::BTreeSet;
use std::fmt::Debug;

use godwit_openflow::model::{Action, FromSwitch, Instruction, StatsReply, ToSwitch};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use godwit_samples::v10 as samples;

use super::V10;
use crate::common::check_read_back;

proptest! {
    #[test]
    fn what_is_written_for_a_switch_is_read_back(message in samples::to_switch()) {
        check_read_back(V10, message)?;
    }

    #[test]
    fn what_is_written_for_a_controller_is_read_back(message in samples::from_switch()) {
        check_read_back(V10, message)?;
    }
}

/// Every action that 1.0 has.
const ACTIONS: [&str; 18] = [
    "Output",
    "Enqueue",
    "PopVlan",
    "Experimenter",
    "Unknown",
    "SetField vlan_vid",
    "SetField vlan_pcp",
    "SetField eth_src",
    "SetField eth_dst",
    "SetField ipv4_src",
    "SetField ipv4_dst",
    "SetField ip_dscp",
    "SetField tcp_src",
    "SetField tcp_dst",
    "SetField udp_src",
    "SetField udp_dst",
    "SetField icmpv4_type",
    "SetField icmpv4_code",
];

/// The name of a value's variant.
fn variant(value: &impl Debug) -> String {
    format!("{value:?}")
        .chars()
        .take_while(|character| character.is_alphanumeric())
        .collect()
}

/// What is said of many samples.
fn among<T: Debug>(
    samples: impl Strategy<Value = T>,
    names: impl Fn(&T) -> Vec<String>,
) -> BTreeSet<String> {
    let mut runner = TestRunner::deterministic();
    (0..4000)
        .flat_map(|_| names(&samples.new_tree(&mut runner).expect("a sample").current()))
        .collect()
}

fn check(found: &BTreeSet<String>, expected: &[&str]) {
    let missing: Vec<_> = expected
        .iter()
        .filter(|name| !found.contains(**name))
        .collect();
    assert_eq!(missing, [&""; 0], "in {found:?}");
}

fn of_instructions(instructions: &[Instruction]) -> Vec<String> {
    instructions
        .iter()
        .filter_map(|instruction| match instruction {
            Instruction::ApplyActions(actions) => Some(actions.iter().map(of_action)),
            _ => None,
        })
        .flatten()
        .collect()
}

fn of_action(action: &Action) -> String {
    match action {
        Action::SetField { field, .. } => format!("SetField {}", field.name()),
        other => variant(other),
    }
}

#[test]
fn all_that_a_controller_says_is_among_the_samples() {
    let found = among(samples::to_switch(), |message| {
        let mut names = vec![variant(message)];
        match message {
            ToSwitch::StatsRequest { body, .. } => names.push(format!("for {}", variant(body))),
            ToSwitch::FlowMod(flow_mod) => {
                names.extend(of_instructions(&flow_mod.rule.instructions));
            }
            _ => {}
        }
        names
    });
    let messages = [
        "Hello",
        "Error",
        "EchoRequest",
        "EchoReply",
        "FeaturesRequest",
        "GetConfigRequest",
        "SetConfig",
        "PacketOut",
        "FlowMod",
        "PortMod",
        "BarrierRequest",
        "StatsRequest",
        "QueueConfigRequest",
        "Experimenter",
        "Unknown",
    ];
    let requests = [
        "for Description",
        "for Flows",
        "for Aggregate",
        "for Tables",
        "for Ports",
        "for Queues",
        "for Experimenter",
        "for Unknown",
    ];
    check(&found, &messages);
    check(&found, &requests);
    check(&found, &ACTIONS);
}

#[test]
fn all_that_a_switch_says_is_among_the_samples() {
    let found = among(samples::from_switch(), |message| {
        let mut names = vec![variant(message)];
        match message {
            FromSwitch::Stats { more, body } => {
                names.push(format!("of {} {more}", variant(body)));
                if let StatsReply::Flows(flows) = body {
                    names.extend(
                        flows
                            .iter()
                            .flat_map(|flow| of_instructions(&flow.rule.instructions)),
                    );
                }
            }
            FromSwitch::QueueConfig(reply) => {
                let properties = reply.queues.iter().flat_map(|queue| &queue.properties);
                names.extend(properties.map(|property| format!("with {}", variant(property))));
            }
            _ => {}
        }
        names
    });
    let messages = [
        "Hello",
        "Error",
        "EchoRequest",
        "EchoReply",
        "Features",
        "Config",
        "PacketIn",
        "FlowRemoved",
        "PortStatus",
        "BarrierReply",
        "Stats",
        "QueueConfig",
        "Experimenter",
        "Unknown",
        "with MinRate",
        "with Unknown",
    ];
    check(&found, &messages);
    check(&found, &ACTIONS);
    for body in [
        "Description",
        "Flows",
        "Aggregate",
        "Tables",
        "Ports",
        "Queues",
        "Experimenter",
        "Unknown",
    ] {
        for more in [false, true] {
            check(&found, &[&format!("of {body} {more}")]);
        }
    }
}
