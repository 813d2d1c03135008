//! Actions and instructions from JSON.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::super::{Action, Instruction};
use crate::json::{Members, Scalar, ScalarOf};
use crate::model::pattern::{Field, PatternError};
use crate::types::{GroupId, MeterId, PortNo, QueueId, TableId};

/// An action or an instruction.
trait Kind: Sized {
    /// What it is called.
    const WHAT: &'static str;
    /// Whether it may hold a list of actions.
    const HOLDS_ACTIONS: bool;

    /// Makes it of its type, and takes what belongs to it from what stands beside the type.
    fn build(
        kind: &str,
        members: &mut Members,
        actions: &mut Option<Vec<Action>>,
    ) -> Result<Self, String>;
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KindVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Instruction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KindVisitor(PhantomData))
    }
}

struct KindVisitor<T>(PhantomData<T>);

impl<'de, T: Kind> Visitor<'de> for KindVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an {}: an object with a `type`", T::WHAT)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut members = Members::new(T::WHAT);
        let mut actions = None;
        while let Some(name) = map.next_key::<String>()? {
            if T::HOLDS_ACTIONS && name == "actions" {
                if actions.replace(map.next_value()?).is_some() {
                    return Err(A::Error::custom("`actions` is given twice"));
                }
            } else {
                let value = map.next_value_seed(ScalarOf(&name))?;
                members.push(name, value).map_err(A::Error::custom)?;
            }
        }
        whole(members, actions).map_err(A::Error::custom)
    }
}

/// What the members say, when they say no more and no less than they must.
fn whole<T: Kind>(mut members: Members, mut actions: Option<Vec<Action>>) -> Result<T, String> {
    let kind = match members.take("type") {
        Some(Scalar::Text(kind)) => kind,
        Some(other) => return Err(format!("`type` is {other}, not a text")),
        None => return Err(format!("an {} needs a `type`", T::WHAT)),
    };
    T::build(&kind, &mut members, &mut actions)
        .and_then(|built| match actions {
            None => members.finish().map(|()| built),
            Some(_) => Err("an instruction of this type has no `actions`".to_owned()),
        })
        .map_err(|problem| format!("{} `{kind}`: {problem}", T::WHAT))
}

impl Kind for Action {
    const WHAT: &'static str = "action";
    const HOLDS_ACTIONS: bool = false;

    fn build(
        kind: &str,
        members: &mut Members,
        _: &mut Option<Vec<Action>>,
    ) -> Result<Self, String> {
        Ok(match kind {
            "output" => output(members)?,
            "group" => Self::Group(GroupId(members.number("group")?)),
            "set_queue" => Self::SetQueue(QueueId(members.number("queue")?)),
            "enqueue" => Self::Enqueue {
                port: port(members)?,
                queue: QueueId(members.number("queue")?),
            },
            "push_vlan" => Self::PushVlan(members.number("ethertype")?),
            "pop_vlan" => Self::PopVlan,
            "push_mpls" => Self::PushMpls(members.number("ethertype")?),
            "pop_mpls" => Self::PopMpls(members.number("ethertype")?),
            "set_field" => set_field(members)?,
            "dec_nw_ttl" => Self::DecNwTtl,
            "set_nw_ttl" => Self::SetNwTtl(members.number("ttl")?),
            "copy_ttl_out" => Self::CopyTtlOut,
            "copy_ttl_in" => Self::CopyTtlIn,
            "set_mpls_ttl" => Self::SetMplsTtl(members.number("ttl")?),
            "dec_mpls_ttl" => Self::DecMplsTtl,
            "push_pbb" => Self::PushPbb(members.number("ethertype")?),
            "pop_pbb" => Self::PopPbb,
            "experimenter" => Self::Experimenter {
                experimenter: members.number("experimenter")?,
                body: members.bytes("body")?,
            },
            "unknown" => Self::Unknown {
                action_type: members.number("action_type")?,
                body: members.bytes("body")?,
            },
            _ => return Err("there is no action of this type".to_owned()),
        })
    }
}

fn port(members: &mut Members) -> Result<PortNo, String> {
    members
        .need("port")?
        .into_text()
        .parse()
        .map_err(|error| format!("`port`: {error}"))
}

fn output(members: &mut Members) -> Result<Action, String> {
    let port = port(members)?;
    Ok(match members.optional("max_len")? {
        Some(max_len) => Action::Output { port, max_len },
        None => Action::output(port),
    })
}

fn set_field(members: &mut Members) -> Result<Action, String> {
    let name = members.need("field")?.into_text();
    let field =
        Field::from_name(&name).ok_or_else(|| PatternError::UnknownField(name).to_string())?;
    let text = members.need("value")?.into_text();
    let value = field
        .parse_exact(&text)
        .map_err(|error| error.to_string())?;
    Ok(Action::SetField { field, value })
}

impl Kind for Instruction {
    const WHAT: &'static str = "instruction";
    const HOLDS_ACTIONS: bool = true;

    fn build(
        kind: &str,
        members: &mut Members,
        actions: &mut Option<Vec<Action>>,
    ) -> Result<Self, String> {
        let mut actions = || {
            let missing = || "an instruction of this type needs `actions`".to_owned();
            actions.take().ok_or_else(missing)
        };
        Ok(match kind {
            "goto_table" => Self::GotoTable(TableId(members.number("table")?)),
            "write_metadata" => Self::WriteMetadata {
                value: members.number("value")?,
                mask: members.optional("mask")?.unwrap_or(u64::MAX),
            },
            "write_actions" => Self::WriteActions(actions()?),
            "apply_actions" => Self::ApplyActions(actions()?),
            "clear_actions" => Self::ClearActions,
            "meter" => Self::Meter(MeterId(members.number("meter")?)),
            "experimenter" => Self::Experimenter {
                experimenter: members.number("experimenter")?,
                body: members.bytes("body")?,
            },
            "unknown" => Self::Unknown {
                instruction_type: members.number("instruction_type")?,
                body: members.bytes("body")?,
            },
            _ => return Err("there is no instruction of this type".to_owned()),
        })
    }
}
