//! The rules of an access list, and the flow entries that say the same.
//!
//! Each denied pattern loses what rules above it allow. What is left of one pattern without another is a set of
//! patterns, one for each bit that the second asks for and the first does not: equal to the second in the bits before,
//! different in that one. Patterns that drop may overlap in any way, so all entries have one priority.

use std::collections::{BTreeMap, HashSet};

use bytes::BytesMut;
use godwit_controller::Owner;
use godwit_openflow::codec::encode_to_switch;
use godwit_openflow::model::{FlowMod, FlowRule, Pattern, ToSwitch};
use godwit_openflow::types::{Version, Xid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PRIORITY;

/// A rule's number, given out once and for all.
pub type RuleId = u32;

/// Flow entries that one rule may become: an IPv6 address cut out of all has 128.
const MOST_ENTRIES: usize = 256;

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "AccessVerb")]
pub enum Verb {
    /// It is dropped by the first switch.
    Deny,
    /// It goes on, whatever rules below say.
    Allow,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "AccessRuleSaid")]
pub struct Rule {
    /// What it is for, for people.
    pub name: Option<String>,
    /// The higher decides.
    pub priority: u16,
    /// The packets that it is about.
    pub r#match: Pattern,
    /// What becomes of them.
    pub action: Verb,
}

/// A rule that can't be said as flow entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsayable {
    /// The rule.
    pub id: RuleId,
    /// Why.
    pub why: String,
}

/// An access list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    rules: BTreeMap<RuleId, Rule>,
}

impl List {
    /// Adds a rule.
    pub fn insert(&mut self, id: RuleId, rule: Rule) {
        self.rules.insert(id, rule);
    }

    /// Takes a rule away.
    pub fn remove(&mut self, id: RuleId) -> Option<Rule> {
        self.rules.remove(&id)
    }

    /// A rule.
    #[must_use]
    pub fn get(&self, id: RuleId) -> Option<&Rule> {
        self.rules.get(&id)
    }

    /// How many rules it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules in the order in which they decide.
    #[must_use]
    pub fn in_order(&self) -> Vec<(RuleId, &Rule)> {
        let mut all: Vec<_> = self.rules.iter().map(|(id, rule)| (*id, rule)).collect();
        // Stable: of equals the one that was made first.
        all.sort_by_key(|(_, rule)| std::cmp::Reverse(rule.priority));
        all
    }

    /// The flow entries that say the same in this version, and the rules that it has no words for; those are left out.
    #[must_use]
    pub fn entries(&self, version: Version) -> (Vec<FlowRule>, Vec<Unsayable>) {
        let (mut entries, mut unsayable) = (Vec::new(), Vec::new());
        let (mut allowed, mut seen) = (Vec::new(), HashSet::new());
        for (id, rule) in self.in_order() {
            match rule.action {
                Verb::Allow => allowed.push((id, &rule.r#match)),
                Verb::Deny => match denied(version, &rule.r#match, &allowed) {
                    Ok(patterns) => {
                        let fresh = patterns.into_iter().filter(|one| seen.insert(one.clone()));
                        entries.extend(fresh.map(|pattern| entry(id, pattern)));
                    }
                    Err(why) => unsayable.push(Unsayable { id, why }),
                },
            }
        }
        (entries, unsayable)
    }
}

/// An entry that drops.
fn entry(id: RuleId, pattern: Pattern) -> FlowRule {
    let mut rule = FlowRule::new(PRIORITY, pattern, Vec::new()).with_cookie(Owner::Acl.cookie(id));
    rule.instructions.clear();
    rule
}

/// What is left of a pattern without those that are allowed, each in words of this version.
fn denied(
    version: Version,
    pattern: &Pattern,
    allowed: &[(RuleId, &Pattern)],
) -> Result<Vec<Pattern>, String> {
    let mut left = vec![pattern.clone()];
    for (id, allowed) in allowed {
        let mut rest = Vec::new();
        for one in &left {
            rest.extend(without(one, allowed).map_err(|field| {
                format!(
                    "what rule {id} allows of it can't be cut out: `{field}` can only be matched whole, so that \"all \
                     but one\" has no words; deny what is meant one by one"
                )
            })?);
        }
        if rest.len() > MOST_ENTRIES {
            return Err(format!(
                "with what rules above allow cut out it would be more than {MOST_ENTRIES} flow entries"
            ));
        }
        left = rest;
    }
    for one in &left {
        sayable(version, one)?;
    }
    Ok(left)
}

fn sayable(version: Version, pattern: &Pattern) -> Result<(), String> {
    let add = ToSwitch::FlowMod(FlowMod::add(entry(0, pattern.clone())));
    encode_to_switch(version, Xid(0), &add, &mut BytesMut::new())
        .map_err(|error| format!("{error}, at {pattern}"))
}

/// The packets that match one pattern and not the other, as patterns of which no two overlap.
///
/// # Errors
/// With the name of a field that would have to be matched in part and can't be.
pub fn without(one: &Pattern, other: &Pattern) -> Result<Vec<Pattern>, &'static str> {
    if !one.overlaps(other) {
        return Ok(vec![one.clone()]);
    }
    let (mut parts, mut like) = (Vec::new(), one.clone());
    for (field, wanted) in other.fields() {
        let (value, mask) = like
            .get(field)
            .map_or((0, 0), |has| (has.value(), has.mask()));
        let free = wanted.mask() & !mask;
        if free == 0 {
            continue;
        }
        // A single bit has a single other value.
        if !field.maskable() && field.full_mask() != 1 {
            return Err(field.name());
        }
        let (mut value, mut mask) = (value, mask);
        for bit in (0..128).rev().map(|shift| 1_u128 << shift) {
            if free & bit != 0 {
                let differs = (wanted.value() ^ bit) & bit;
                parts.push(like.clone().with_masked(field, value | differs, mask | bit));
                value |= wanted.value() & bit;
                mask |= bit;
            }
        }
        like.set(field, value, mask);
    }
    Ok(parts)
}

#[cfg(test)]
mod tests;
