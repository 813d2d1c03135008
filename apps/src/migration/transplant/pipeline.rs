//! Which packets an entry of a later table gets: those that entries of earlier tables send on to it, as they are by then
//! (OF 1.3.5 §5.1).

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use godwit_openflow::model::{Action, Field, FlowRule, Instruction, Pattern};
use godwit_openflow::types::TableId;

use crate::plan::overlap::pairs;

/// Ways through the tables that are followed. Beyond that an entry of a later table is taken to get whatever it matches,
/// which is safe, and refuses more.
const MOST_WAYS: usize = 100_000;

/// An entry of a switch, by its place in the list that was asked about, and what packets may look like once it has acted
/// on them. An entry comes once for each way that leads to it, and not at all when none does.
pub(super) type Stage = (usize, Pattern);

/// Follows the tables of a switch from the first on.
pub(super) fn stages(rules: &[&FlowRule]) -> Vec<Stage> {
    let mut tables: BTreeMap<TableId, Vec<usize>> = BTreeMap::new();
    for (index, rule) in rules.iter().enumerate() {
        tables.entry(rule.table).or_default().push(index);
    }
    let mut stages = Vec::with_capacity(rules.len());
    let mut arriving: BTreeMap<TableId, Vec<FlowRule>> = BTreeMap::new();
    // Metadata is zero in the first table.
    let anything = Pattern::new().with(Field::Metadata, 0);
    arriving.insert(TableId(0), vec![FlowRule::new(0, anything, Vec::new())]);
    while let Some((table, packets)) = arriving.pop_first() {
        let here = tables.get(&table).map_or(&[][..], Vec::as_slice);
        let entries: Vec<FlowRule> = here.iter().map(|index| at(table, rules[*index])).collect();
        pairs(&packets, &entries, |packet, entry| {
            let rule = rules[here[entry]];
            if let Some(met) = packets[packet].pattern.intersect(&rule.pattern) {
                let left = after(rule, met);
                if let Some(next) = goto(rule) {
                    let sent_on = FlowRule {
                        table: next,
                        ..FlowRule::new(0, left.clone(), Vec::new())
                    };
                    arriving.entry(next).or_default().push(sent_on);
                }
                stages.push((here[entry], left));
            }
            if stages.len() > MOST_WAYS {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        if stages.len() > MOST_WAYS {
            return rules
                .iter()
                .enumerate()
                .map(|(index, rule)| (index, after(rule, rule.pattern.clone())))
                .collect();
        }
    }
    stages
}

/// The entry as one that is compared with packets that come to its table.
fn at(table: TableId, rule: &FlowRule) -> FlowRule {
    FlowRule {
        table,
        ..FlowRule::new(0, rule.pattern.clone(), Vec::new())
    }
}

fn goto(rule: &FlowRule) -> Option<TableId> {
    rule.instructions
        .iter()
        .find_map(|instruction| match instruction {
            Instruction::GotoTable(table) if *table > rule.table => Some(*table),
            _ => None,
        })
}

/// What packets that looked like this may look like once the entry has acted on them. A field that it writes may have
/// any value; a tag that comes or goes changes what all others are read from.
pub(crate) fn after(rule: &FlowRule, mut pattern: Pattern) -> Pattern {
    for instruction in &rule.instructions {
        match instruction {
            Instruction::WriteMetadata { value, mask } => {
                let before = pattern.get(Field::Metadata);
                let (old, known) = before.map_or((0, 0), |old| (old.value(), old.mask()));
                let (value, mask) = (u128::from(*value), u128::from(*mask));
                pattern.set(Field::Metadata, old & !mask | value & mask, known | mask);
            }
            Instruction::ApplyActions(actions) | Instruction::WriteActions(actions) => {
                for action in actions {
                    match action {
                        Action::SetField { field, .. } => _ = pattern.remove(*field),
                        Action::Output { .. }
                        | Action::Enqueue { .. }
                        | Action::SetQueue(_)
                        | Action::Group(_)
                        | Action::DecNwTtl
                        | Action::SetNwTtl(_) => {}
                        _ => {
                            let metadata = pattern.get(Field::Metadata);
                            pattern = Pattern::new();
                            if let Some(metadata) = metadata {
                                pattern.set(Field::Metadata, metadata.value(), metadata.mask());
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use godwit_openflow::types::PortNo;

    use super::*;

    fn ipv4(last: u128) -> Pattern {
        Pattern::new()
            .eth_type(0x800)
            .with(Field::Ipv4Dst, 0x0a00_0000 + last)
    }

    fn rule(table: u8, pattern: Pattern, instructions: Vec<Instruction>) -> FlowRule {
        FlowRule {
            table: TableId(table),
            instructions,
            ..FlowRule::new(5, pattern, Vec::new())
        }
    }

    fn marked(value: u64, last: u128) -> FlowRule {
        let mask = 0xff;
        let write = Instruction::WriteMetadata { value, mask };
        rule(
            0,
            ipv4(last),
            vec![write, Instruction::GotoTable(TableId(1))],
        )
    }

    fn on_mark(value: u128) -> FlowRule {
        let out = Instruction::ApplyActions(vec![Action::output(PortNo(1))]);
        let pattern = Pattern::new().with_masked(Field::Metadata, value, 0xff);
        rule(1, pattern, vec![out])
    }

    #[test]
    fn a_later_entry_gets_what_earlier_ones_send_on_to_it() {
        let rules = [marked(1, 1), marked(2, 2), on_mark(2), on_mark(3)];
        let rules: Vec<&FlowRule> = rules.iter().collect();
        let stages = stages(&rules);
        let of = |index| stages.iter().filter(move |(at, _)| *at == index);
        let on_two: Vec<_> = of(2).collect();
        assert_eq!(on_two.len(), 1);
        assert_eq!(on_two[0].1.exact(Field::Ipv4Dst), Some(0x0a00_0002));
        // Nothing carries this mark.
        assert_eq!(of(3).count(), 0);
    }

    #[test]
    fn a_field_that_is_written_may_be_anything_and_a_tag_hides_all() {
        let set = Action::SetField {
            field: Field::Ipv4Dst,
            value: 7,
        };
        let written = rule(0, ipv4(1), vec![Instruction::ApplyActions(vec![set])]);
        let left = after(&written, written.pattern.clone());
        assert_eq!(left.get(Field::Ipv4Dst), None);
        assert_eq!(left.exact(Field::EthType), Some(0x800));
        let tagged = rule(
            0,
            ipv4(1),
            vec![Instruction::ApplyActions(vec![Action::PopVlan])],
        );
        assert_eq!(after(&tagged, tagged.pattern.clone()), Pattern::new());
    }
}
