//! Every field: matched in all of its bits, matched under a mask, and set.

use std::fmt::Write as _;

use godwit_openflow::model::pattern::field::Condition;
use godwit_openflow::model::{Action, Field, FlowMod, FlowRule, Pattern, ToSwitch};
use godwit_openflow::types::{PortNo, Version};

use super::{Said, outcome};

pub(crate) fn section(table: &mut String) {
    table.push_str("\n### Fields\n\n");
    table.push_str("A mask is one that leaves out the lowest bit. Setting stands beside a match of what the field needs.\n\n");
    table.push_str(
        "| | 1.0 match | mask | set | 1.3 match | mask | set |\n|---|---|---|---|---|---|---|\n",
    );
    for field in Field::all() {
        let _ = write!(table, "| `{}` |", field.name());
        for version in Version::ALL {
            for rule in [matched(field), masked(field), set(field)] {
                let mark = match rule {
                    Some(rule) => {
                        let said = Said::To(ToSwitch::FlowMod(FlowMod::add(rule)));
                        outcome(version, &said).mark()
                    }
                    None => "",
                };
                let _ = write!(table, " {mark} |");
            }
        }
        table.push('\n');
    }
}

/// A value that every field has room for, and that means something.
const fn value(field: Field) -> u128 {
    match field {
        Field::VlanVid => 0x1002,
        Field::MplsBos => 1,
        _ => 2,
    }
}

/// A match of what the field needs.
fn needed(field: Field) -> Pattern {
    field
        .prerequisites()
        .iter()
        .fold(Pattern::new(), |pattern, needs| {
            let needed = match needs.condition {
                Condition::OneOf(values) => values[0],
                Condition::Set(_) | Condition::Any => value(needs.field),
            };
            pattern.with(needs.field, needed)
        })
}

fn matched(field: Field) -> Option<FlowRule> {
    let pattern = needed(field).with(field, value(field));
    Some(FlowRule::new(5, pattern, vec![Action::output(PortNo(1))]))
}

/// Nothing for a field of one bit.
fn masked(field: Field) -> Option<FlowRule> {
    let mask = field.full_mask() & !1;
    let pattern = needed(field).with_masked(field, value(field), mask);
    let rule = FlowRule::new(5, pattern, vec![Action::output(PortNo(1))]);
    (mask != 0).then_some(rule)
}

fn set(field: Field) -> Option<FlowRule> {
    let action = Action::SetField {
        field,
        value: value(field),
    };
    Some(FlowRule::new(5, needed(field), vec![action]))
}
