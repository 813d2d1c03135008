//! Every variant that 1.3 can say is among the random messages, but for those of extensions.

use godwit_openflow::model::{
    Action, Bucket, FromSwitch, Instruction, StatsReply, StatsRequest, TableFeatures,
    TableProperty, ToSwitch,
};
use godwit_samples::v13 as samples;

use crate::common::samples::{among, check_variants, variant};

const REPORTS: &str = "Description Flows Aggregate Tables Ports PortDescription Queues Groups GroupDescription \
                       GroupFeatures Meters MeterConfig MeterFeatures TableFeatures Experimenter Unknown";
const ACTIONS: &str = "Output Group SetQueue PushVlan PopVlan PushMpls PopMpls SetField DecNwTtl SetNwTtl CopyTtlOut \
                       CopyTtlIn SetMplsTtl DecMplsTtl PushPbb PopPbb Experimenter Unknown";
const INSTRUCTIONS: &str =
    "GotoTable WriteMetadata WriteActions ApplyActions ClearActions Meter Experimenter Unknown";
const BANDS: &str = "Drop DscpRemark Experimenter Unknown";
const TABLE_PROPERTIES: &str = "Instructions NextTables WriteActions ApplyActions Match Wildcards WriteSetField \
                                ApplySetField Experimenter Unknown";
const ROLES: &str = "NoChange Equal Master Slave Unknown";
const GROUP_TYPES: &str = "All Select Indirect FastFailover Unknown";

fn of_actions(actions: &[Action]) -> Vec<String> {
    actions
        .iter()
        .map(|action| variant("action", action))
        .collect()
}

fn of_instructions(instructions: &[Instruction]) -> Vec<String> {
    let mut names = Vec::new();
    for instruction in instructions {
        names.push(variant("instruction", instruction));
        if let Instruction::ApplyActions(actions) | Instruction::WriteActions(actions) = instruction
        {
            names.extend(of_actions(actions));
        }
    }
    names
}

fn of_buckets(buckets: &[Bucket]) -> Vec<String> {
    let actions = buckets
        .iter()
        .flat_map(|bucket| of_actions(&bucket.actions));
    actions.collect()
}

fn of_tables(tables: &[TableFeatures]) -> Vec<String> {
    let properties = tables.iter().flat_map(|table| &table.properties);
    let mut names = Vec::new();
    for property in properties {
        names.push(variant("table property", property));
        if let TableProperty::Experimenter { of, .. } = property {
            names.push(variant("entries", of));
        }
    }
    names
}

#[test]
fn all_that_a_controller_says_is_among_the_samples() {
    let found = among(samples::to_switch(), |message| {
        let mut names = vec![variant("message", message)];
        match message {
            ToSwitch::StatsRequest { more, body } => {
                names.push(variant("request", body));
                names.push(format!("more {more}"));
                if let StatsRequest::TableFeatures(tables) = body {
                    names.extend(of_tables(tables));
                }
            }
            ToSwitch::FlowMod(change) => names.extend(of_instructions(&change.rule.instructions)),
            ToSwitch::GroupMod(change) => {
                names.push(variant("group command", &change.command));
                names.push(variant("group type", &change.group_type));
                names.extend(of_buckets(&change.buckets));
            }
            ToSwitch::MeterMod(change) => {
                names.push(variant("meter command", &change.command));
                names.extend(change.bands.iter().map(|band| variant("band", band)));
            }
            ToSwitch::RoleRequest(role) => names.push(variant("role", &role.role)),
            ToSwitch::Hello { elements, .. } => {
                names.extend(elements.iter().map(|element| variant("hello", element)));
            }
            _ => {}
        }
        names
    });
    let messages = "Hello Error EchoRequest EchoReply FeaturesRequest GetConfigRequest SetConfig PacketOut FlowMod \
                    GroupMod PortMod TableMod MeterMod BarrierRequest StatsRequest QueueConfigRequest RoleRequest \
                    AsyncConfigRequest SetAsyncConfig Experimenter Unknown";
    check_variants(&found, "message", messages);
    check_variants(&found, "request", REPORTS);
    check_variants(&found, "more", "false true");
    check_variants(&found, "action", ACTIONS);
    check_variants(&found, "instruction", INSTRUCTIONS);
    check_variants(&found, "group command", "Add Modify Delete");
    check_variants(&found, "group type", GROUP_TYPES);
    check_variants(&found, "meter command", "Add Modify Delete");
    check_variants(&found, "band", BANDS);
    check_variants(&found, "table property", TABLE_PROPERTIES);
    check_variants(&found, "entries", "Matching TableMiss");
    check_variants(&found, "role", ROLES);
    check_variants(&found, "hello", "HelloElement");
}

#[test]
fn all_that_a_switch_says_is_among_the_samples() {
    let found = among(samples::from_switch(), |message| {
        let mut names = vec![variant("message", message)];
        match message {
            FromSwitch::Stats { more, body } => {
                names.push(variant("reply", body));
                names.push(format!("more {more}"));
                names.extend(of_reply(body));
            }
            FromSwitch::QueueConfig(reply) => {
                let properties = reply.queues.iter().flat_map(|queue| &queue.properties);
                names.extend(properties.map(|property| variant("queue property", property)));
            }
            FromSwitch::Role(role) => names.push(variant("role", &role.role)),
            FromSwitch::Hello { elements, .. } => {
                names.extend(elements.iter().map(|element| variant("hello", element)));
            }
            _ => {}
        }
        names
    });
    let messages = "Hello Error EchoRequest EchoReply Features Config PacketIn FlowRemoved PortStatus BarrierReply \
                    Stats QueueConfig Role AsyncConfig Experimenter Unknown";
    check_variants(&found, "message", messages);
    check_variants(&found, "reply", REPORTS);
    check_variants(&found, "more", "false true");
    check_variants(&found, "action", ACTIONS);
    check_variants(&found, "instruction", INSTRUCTIONS);
    check_variants(&found, "group type", GROUP_TYPES);
    check_variants(&found, "band", BANDS);
    check_variants(
        &found,
        "queue property",
        "MinRate MaxRate Experimenter Unknown",
    );
    check_variants(&found, "table property", TABLE_PROPERTIES);
    check_variants(&found, "entries", "Matching TableMiss");
    check_variants(&found, "role", ROLES);
    check_variants(&found, "hello", "HelloElement");
}

fn of_reply(reply: &StatsReply) -> Vec<String> {
    let mut names = Vec::new();
    match reply {
        StatsReply::Flows(flows) => {
            for flow in flows {
                names.extend(of_instructions(&flow.rule.instructions));
            }
        }
        StatsReply::GroupDescription(groups) => {
            for group in groups {
                names.push(variant("group type", &group.group_type));
                names.extend(of_buckets(&group.buckets));
            }
        }
        StatsReply::MeterConfig(meters) => {
            let bands = meters.iter().flat_map(|meter| &meter.bands);
            names.extend(bands.map(|band| variant("band", band)));
        }
        StatsReply::TableFeatures(tables) => names.extend(of_tables(tables)),
        _ => {}
    }
    names
}
