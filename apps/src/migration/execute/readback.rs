//! What was installed is read back before anything relies on it.
//!
//! A barrier says that an entry was taken, not that it is still there: a switch may make room for one entry by giving up
//! another that would end some day, without a word (Open vSwitch with `overflow_policy=evict`).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::time::{Duration, Instant};

use godwit_controller::Owner;
use godwit_controller::limits::APPLY_DEADLINE;
use godwit_controller::rules::is_ours;
use godwit_openflow::model::{FlowMod, FlowRule, Identity, StatsReply, StatsRequest};
use godwit_openflow::types::{DatapathId, TableId, Version};

use super::shared::both;
use super::standing::{Depth, Standing};
use super::{Halt, Halted, Job};
use crate::migration::planning::joined;
use crate::migration::transplant::{Site, is_others, read};
use crate::others::{described, gaining};
use crate::plan::entry::Entry;
use crate::plan::{FlowId, Round};
use crate::routing::spreading::Place;

/// How many entries are named of all that are gone.
const MOST_NAMED: usize = 5;

/// Entries of its own that a switch may have and not count: Open vSwitch has some to reach its controller in band.
const HIDDEN: u64 = 16;

/// An entry that ends some day and stood, before the migration, on a switch that gets new ones.
#[derive(Debug, Clone)]
pub struct Perishable {
    dpid: DatapathId,
    rule: FlowRule,
    age: Duration,
    seen: Instant,
}

impl Perishable {
    /// The entry with what is left of its time; `None` when there is nothing left.
    fn left(&self, now: Instant) -> Option<FlowRule> {
        let mut rule = self.rule.clone();
        if rule.hard_timeout > 0 {
            let age = self.age + now.saturating_duration_since(self.seen);
            let age = u16::try_from(age.as_secs()).unwrap_or(u16::MAX);
            rule.hard_timeout = rule.hard_timeout.saturating_sub(age);
            return (rule.hard_timeout > 0).then_some(rule);
        }
        Some(rule)
    }
}

/// Entries that are not there any more.
#[derive(Debug)]
pub(super) struct Gone {
    /// All of them, as text.
    named: String,
    /// Those that no part of the migration had put there.
    others: Vec<Perishable>,
}

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.named)
    }
}

/// What of the switches that get new entries may have to make room for them, as they were read just now.
pub(in crate::migration) fn perishable(
    rounds: &[Round],
    sites: &BTreeMap<DatapathId, Site>,
    moving: &BTreeSet<FlowId>,
) -> Vec<Perishable> {
    let seen = Instant::now();
    let mut gaining = gaining(rounds);
    let entries = rounds.iter().flat_map(|round| &round.entries);
    gaining.extend(
        entries
            .filter(|step| step.before.is_none())
            .map(|step| step.dpid),
    );
    let sites = sites.values().filter(|site| gaining.contains(&site.dpid));
    let rules = sites.flat_map(|site| site.holdings.rules.iter().map(|stats| (site.dpid, stats)));
    let ends = rules.filter(|(_, stats)| {
        let timed = stats.rule.idle_timeout > 0 || stats.rule.hard_timeout > 0;
        timed && is_others(stats.rule.cookie, moving)
    });
    let perishable = ends.map(|(dpid, stats)| Perishable {
        dpid,
        rule: stats.rule.clone(),
        age: Duration::from_nanos(stats.duration_ns),
        seen,
    });
    perishable.collect()
}

/// Whether an entry of this age may have come to its own end.
fn may_have_ended(rule: &FlowRule, age: Duration) -> bool {
    let over = |timeout: u16| timeout > 0 && age >= Duration::from_secs(timeout.into());
    over(rule.idle_timeout) || over(rule.hard_timeout)
}

/// The entries that these rounds leave behind, each with its switch.
fn left_behind(rounds: &[Round]) -> Vec<(DatapathId, &FlowRule)> {
    let mut left: HashMap<(DatapathId, Identity<'_>), Option<&FlowRule>> = HashMap::new();
    fn rule(entry: &Option<Entry>) -> Option<&FlowRule> {
        entry.as_ref().and_then(Entry::rule)
    }
    for round in rounds {
        let entries = round.entries.iter();
        let entries = entries.map(|step| (step.dpid, rule(&step.before), rule(&step.after)));
        let steps = round.steps.iter();
        let steps = steps.map(|step| (step.dpid, step.before.as_ref(), step.after.as_ref()));
        for (dpid, before, after) in entries.chain(steps) {
            if let Some(rule) = after.or(before) {
                left.insert((dpid, rule.identity()), after);
            }
        }
    }
    let left = left.into_iter();
    left.filter_map(|((dpid, _), rule)| Some((dpid, rule?)))
        .collect()
}

impl Job {
    /// Are the entries, groups and meters of the first `installed` rounds there, and the entries for which they may have had
    /// to make room? Asked once, when so many are done.
    pub(super) async fn read_back(
        &self,
        live: &[Round],
        installed: usize,
        done: usize,
    ) -> Result<(), Halted> {
        if done != installed {
            return Ok(());
        }
        let rounds = live.get(..installed).unwrap_or_default();
        let (rules, shared) = tokio::join!(self.check_held(rounds), self.check_shared(rounds));
        both(rules, shared).map_err(|why| Halted { done, why })
    }

    async fn check_held(&self, rounds: &[Round]) -> Result<(), Halt> {
        let mut wanted = left_behind(rounds);
        let perishable = &self.planned.perishable;
        let counted = self.counted_right(&wanted).await;
        wanted.retain(|(dpid, _)| !counted.contains(dpid));
        let mut depths: BTreeMap<DatapathId, Depth> = BTreeMap::new();
        for (dpid, rule) in &wanted {
            let of_route = Owner::Routing.own_part(rule.cookie).is_some();
            let depth = if of_route {
                Depth::Routes
            } else {
                Depth::Rules
            };
            let asked = depths.entry(*dpid).or_default();
            *asked = depth.max(*asked);
        }
        depths.extend(perishable.iter().map(|one| (one.dpid, Depth::Rules)));
        let standing = Standing::ask(self.network(), depths).await;
        let mut gone: Vec<(DatapathId, &FlowRule)> = Vec::new();
        for (dpid, rule) in wanted {
            let is_there = standing.has_rule(dpid, rule).ok_or_else(|| unread(dpid))?;
            // One that has come to its own end meanwhile is put back where its end is heard of.
            if !is_there && !may_have_ended(rule, self.begun.elapsed()) {
                gone.push((dpid, rule));
            }
        }
        let mut missing: BTreeMap<(DatapathId, TableId), Vec<&Perishable>> = BTreeMap::new();
        for one in perishable {
            let is_there = standing.has_rule(one.dpid, &one.rule);
            if !is_there.ok_or_else(|| unread(one.dpid))? && self.is_wanted(one) {
                let place = (one.dpid, one.rule.table);
                missing.entry(place).or_default().push(one);
            }
        }
        let mut lost: Vec<&Perishable> = Vec::new();
        for ((dpid, table), missing) in missing {
            // Where there is room they have come to their end, or whoever made them has deleted them.
            if self.is_full(dpid, table, missing.len()).await {
                lost.extend(missing);
            }
        }
        gone.extend(lost.iter().map(|one| (one.dpid, &one.rule)));
        if gone.is_empty() {
            return Ok(());
        }
        let named = gone.iter();
        let named = named.map(|(dpid, rule)| format!("switch {dpid}: {}", described(rule)));
        Err(Halt::Gone(Gone {
            named: first_few(named),
            others: lost.into_iter().cloned().collect(),
        }))
    }

    /// The switches that hold as many entries of routes as they should, where nothing else was put. Entries that never
    /// end don't make room for others, so that one number says of thousands that they are there; where it is another, or
    /// some do end, they are looked at one by one.
    async fn counted_right(&self, wanted: &[(DatapathId, &FlowRule)]) -> BTreeSet<DatapathId> {
        let mut switches: BTreeMap<DatapathId, bool> = BTreeMap::new();
        for (dpid, rule) in wanted {
            let of_route = Owner::Routing.own_part(rule.cookie).is_some();
            let ends = rule.idle_timeout > 0 || rule.hard_timeout > 0;
            *switches.entry(*dpid).or_insert(true) &= of_route && !ends;
        }
        for one in &self.planned.perishable {
            switches.remove(&one.dpid);
        }
        let asked = switches.into_iter().filter(|(_, is_simple)| *is_simple);
        let asked = asked.filter_map(|(dpid, _)| self.network().switches().get(dpid));
        let asked: Vec<_> = asked
            .map(|switch| {
                let dpid = switch.dpid();
                let count = async move { read::entries_of_routes(&switch).await };
                (dpid, tokio::spawn(count))
            })
            .collect();
        let expected = self.entries_expected(asked.iter().map(|(dpid, _)| *dpid));
        let mut right = BTreeSet::new();
        for (dpid, count) in asked {
            let count = count.await.ok().and_then(Result::ok).flatten();
            if count.is_some() && count == expected.get(&dpid).copied() {
                right.insert(dpid);
            }
        }
        right
    }

    /// How many entries of routes these switches should hold with the new ways installed.
    fn entries_expected(
        &self,
        switches: impl Iterator<Item = DatapathId>,
    ) -> BTreeMap<DatapathId, u32> {
        let mut expected: BTreeMap<DatapathId, u32> = switches.map(|dpid| (dpid, 0)).collect();
        let mut add = |dpid| {
            if let Some(count) = expected.get_mut(&dpid) {
                *count += 1;
            }
        };
        let table = self.routing.table();
        table.for_each(|_, route| route.switches().into_iter().for_each(&mut add));
        for flow in &self.planned.flows {
            joined(flow).for_each(&mut add);
        }
        expected
    }

    /// What was not godwit's and had to make room is put back when there is room again, with what is left of its time.
    /// It counts from zero.
    pub(super) async fn put_back(&self, gone: &Gone) {
        let depths = gone.others.iter().map(|one| (one.dpid, Depth::Rules));
        let standing = Standing::ask(self.network(), depths.collect()).await;
        let now = Instant::now();
        let mut round = godwit_controller::Round::default();
        for one in gone.others.iter().filter(|one| self.is_wanted(one)) {
            let is_free = standing.is_free(one.dpid, &one.rule);
            if let (Some(rule), Some(true)) = (one.left(now), is_free) {
                round.push(one.dpid, FlowMod::add(rule));
            }
        }
        if let Err(error) = round.apply(self.network().switches()).await {
            tracing::warn!(%error, "rules of others that had to make room are not put back");
        }
    }

    /// Whether whoever made it still wants it there, as far as that is known here.
    fn is_wanted(&self, one: &Perishable) -> bool {
        let cookie = one.rule.cookie;
        if let Some(id) = Owner::Routing.own_part(cookie) {
            let route = self.routing.table().get(id);
            return route.is_some_and(|route| {
                let is_it =
                    |place: &Place| place.dpid == one.dpid && place.rule.same_identity(&one.rule);
                !route.is_leased() && route.places().iter().any(is_it)
            });
        }
        if let Some(id) = Owner::Entries.own_part(cookie) {
            let entry = self.others.entries.get(id);
            return entry.is_some_and(|entry| {
                entry.place == one.dpid && entry.rule.same_identity(&one.rule)
            });
        }
        // What the other apps have made they make again when it is needed.
        !is_ours(cookie)
    }

    /// Whether a table was full before so many of its entries ended. One that does not say is taken for full.
    async fn is_full(&self, dpid: DatapathId, table: TableId, ended: usize) -> bool {
        let Some(switch) = self.network().switches().get(dpid) else {
            return true;
        };
        let ask = |request| switch.request_within(request, APPLY_DEADLINE);
        let Ok(StatsReply::Tables(tables)) = ask(StatsRequest::Tables).await else {
            return true;
        };
        let Some(stats) = tables.into_iter().find(|stats| stats.table == table.0) else {
            return true;
        };
        let most = match switch.version() {
            Version::V10 => stats.max_entries,
            Version::V13 => match ask(StatsRequest::TableFeatures(Vec::new())).await {
                Ok(StatsReply::TableFeatures(all)) => all
                    .into_iter()
                    .find(|features| features.table == table)
                    .map(|features| features.max_entries),
                _ => None,
            },
        };
        let before = u64::from(stats.active) + ended as u64 + HIDDEN;
        most.is_none_or(|most| before >= u64::from(most))
    }
}

fn unread(dpid: DatapathId) -> Halt {
    Halt::Changed(format!("switch {dpid} does not say what it holds"))
}

/// The first few of them as text, and how many more there are.
pub(super) fn first_few(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(MOST_NAMED);
    let mut names: Vec<String> = all.take(MOST_NAMED).collect();
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join("; ")
}
