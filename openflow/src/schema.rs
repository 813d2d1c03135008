//! What the JSON forms look like, as JSON Schema: of the types whose form is not derived.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::model::pattern::field::Format;
use crate::model::{Action, Field, Instruction, Pattern};
use crate::types::{Cookie, DatapathId, MacAddr, PortNo, Version};

/// What `json_schema!` gives is the schema of the type.
macro_rules! schema_of {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn schema_id() -> Cow<'static, str> {
                concat!(module_path!(), "::", $name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

schema_of!(Version, "Version", {
    "type": "string",
    "enum": ["1.0", "1.3"],
    "description": "A version of OpenFlow.",
});
schema_of!(DatapathId, "DatapathId", {
    "type": "string",
    "pattern": "^([0-9a-fA-F]{16}|0[xX][0-9a-fA-F]{1,16}|[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){7})$",
    "description": "A switch's datapath id; in answers always 16 lower-case hex digits.",
    "examples": ["0000000000000007"],
});
schema_of!(MacAddr, "MacAddr", {
    "type": "string",
    "pattern": "^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$",
    "examples": ["00:00:00:00:00:01"],
});
schema_of!(Cookie, "Cookie", {
    "type": ["string", "integer"],
    "pattern": "^(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20})$",
    "minimum": 0,
    "description": "64 bits; in answers always `0x` and 16 hex digits.",
    "examples": ["0x0000000000000000"],
});
schema_of!(PortNo, "PortNo", {
    "anyOf": [
        { "type": "integer", "minimum": 0, "maximum": u32::MAX },
        { "enum": PortNo::NAMES.map(|(_, name)| name) },
        { "type": "string", "pattern": "^(0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10})$" },
    ],
    "description": "A port's number, or the name of a reserved port.",
    "examples": [1],
});

/// The value of a field: a number, or text that may say a mask.
fn value_of(field: Field) -> Value {
    let what = match field.format() {
        Format::Mac => "a MAC address",
        Format::Ipv4 => "an IPv4 address",
        Format::Ipv6 => "an IPv6 address",
        Format::Port => "a port number",
        Format::Vlan => "a VLAN id, or `none` for packets without a tag",
        Format::Decimal => "a number, decimal or after 0x",
    };
    let mask = if field.maskable() {
        "; with a mask after `/` if wanted"
    } else {
        ""
    };
    let description = format!("{what} of {} bits{mask}", field.bits());
    match field.format() {
        Format::Mac | Format::Ipv4 | Format::Ipv6 => {
            json!({ "type": "string", "description": description })
        }
        Format::Port | Format::Vlan | Format::Decimal => {
            json!({ "type": ["integer", "string"], "minimum": 0, "description": description })
        }
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "Match".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let fields: Map<String, Value> = Field::all()
            .map(|field| (field.name().to_owned(), value_of(field)))
            .collect();
        json_schema!({
            "type": "object",
            "description": "Match fields by their names in OpenFlow 1.3. A field that needs others is refused without them.",
            "properties": fields,
            "patternProperties": { "^oxm_": { "type": "string" } },
            "additionalProperties": false,
            "examples": [{ "eth_type": 2048, "ipv4_dst": "10.0.0.0/24" }],
        })
    }
}

/// One kind of action or instruction: its name, and its members, of which those that end in `?` may be left out.
fn kind(name: &str, members: &[(&str, Value)]) -> Value {
    let mut properties = Map::from_iter([("type".to_owned(), json!({ "const": name }))]);
    let mut required = vec!["type"];
    for (member, schema) in members {
        match member.strip_suffix('?') {
            Some(member) => properties.insert(member.to_owned(), schema.clone()),
            None => {
                required.push(member);
                properties.insert((*member).to_owned(), schema.clone())
            }
        };
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// A number of so many bits, also as text.
fn bits(bits: u32) -> Value {
    let most = u64::MAX >> (64 - bits);
    json!({ "type": ["integer", "string"], "minimum": 0, "maximum": most })
}

fn bytes() -> Value {
    json!({ "type": "string", "pattern": "^([0-9a-fA-F]{2})*$", "description": "bytes, as hex digits" })
}

impl JsonSchema for Action {
    fn schema_name() -> Cow<'static, str> {
        "Action".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let port = generator.subschema_for::<PortNo>().to_value();
        let field: Vec<&str> = Field::all().map(Field::name).collect();
        json_schema!({
            "oneOf": [
                kind("output", &[("port", port.clone()), ("max_len?", bits(16))]),
                kind("group", &[("group", bits(32))]),
                kind("set_queue", &[("queue", bits(32))]),
                kind("enqueue", &[("port", port), ("queue", bits(32))]),
                kind("push_vlan", &[("ethertype", bits(16))]),
                kind("pop_vlan", &[]),
                kind("push_mpls", &[("ethertype", bits(16))]),
                kind("pop_mpls", &[("ethertype", bits(16))]),
                kind("set_field", &[
                    ("field", json!({ "enum": field })),
                    ("value", json!({ "type": ["integer", "string"], "minimum": 0 })),
                ]),
                kind("dec_nw_ttl", &[]),
                kind("set_nw_ttl", &[("ttl", bits(8))]),
                kind("copy_ttl_out", &[]),
                kind("copy_ttl_in", &[]),
                kind("set_mpls_ttl", &[("ttl", bits(8))]),
                kind("dec_mpls_ttl", &[]),
                kind("push_pbb", &[("ethertype", bits(16))]),
                kind("pop_pbb", &[]),
                kind("experimenter", &[("experimenter", bits(32)), ("body", bytes())]),
                kind("unknown", &[("action_type", bits(16)), ("body", bytes())]),
            ],
            "examples": [{ "type": "output", "port": 1 }],
        })
    }
}

impl JsonSchema for Instruction {
    fn schema_name() -> Cow<'static, str> {
        "Instruction".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let actions = generator.subschema_for::<Vec<Action>>().to_value();
        json_schema!({
            "oneOf": [
                kind("goto_table", &[("table", bits(8))]),
                kind("write_metadata", &[("value", bits(64)), ("mask?", bits(64))]),
                kind("write_actions", &[("actions", actions.clone())]),
                kind("apply_actions", &[("actions", actions)]),
                kind("clear_actions", &[]),
                kind("meter", &[("meter", bits(32))]),
                kind("experimenter", &[("experimenter", bits(32)), ("body", bytes())]),
                kind("unknown", &[("instruction_type", bits(16)), ("body", bytes())]),
            ],
            "examples": [{ "type": "apply_actions", "actions": [{ "type": "output", "port": 1 }] }],
        })
    }
}
