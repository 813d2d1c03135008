//! The access list by REST.
//!
//! | method and path | what it does |
//! |---|---|
//! | `GET /acl`, `GET /acl/{id}` | the rules, in the order in which they decide; one |
//! | `POST /acl` | adds one, or an array of them all or none: `{"name"?, "priority"?, "match", "action": "deny"\|"allow"}` |
//! | `DELETE /acl/{id}` | takes one away |
//!
//! A change is answered when every switch has confirmed it by a barrier; with 202 and the switches that are `pending`
//! when one is frozen or does not answer: it is tried until it does. One that refuses undoes the change (422).

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use godwit_controller::rest::{ApiError, Body, Id, OneOrMany, Routes, operation};
use godwit_controller::rules::settle::SettleError;
use godwit_controller::store::values;
use godwit_controller::{Batch, Slice, StoreError};
use godwit_openflow::model::{Field, Pattern};
use godwit_openflow::types::{DatapathId, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list::{List, Rule, RuleId, Verb};
use super::{AccessList, MOST_RULES, NAME};

/// The priority of a rule that was asked for without one.
const DEFAULT_PRIORITY: u16 = 100;

/// What only one switch can say of a packet; the list is the same on all.
const OF_ONE_SWITCH: [Field; 4] = [
    Field::InPort,
    Field::InPhyPort,
    Field::Metadata,
    Field::TunnelId,
];

pub(super) fn router(acl: AccessList) -> Routes {
    let add = operation("Adds a rule to the access list, or an array of them all or none")
        .body::<OneOrMany<RuleRequest>>()
        .guarded_by("/acl")
        .answers::<OneOrMany<Made>>(201)
        .answers::<OneOrMany<Made>>(202)
        .or(&[503, 507]);
    let all = operation("The access list, in the order in which its rules decide");
    let one = operation("One rule of the access list");
    let take_away = operation("Takes a rule of the access list away")
        .guarded_by("/acl/{id}")
        .done()
        .answers::<Unmade>(202)
        .or(&[503, 507]);
    Routes::new("access list")
        .get(
            "/acl",
            list,
            all.paged(&["id"]).tagged().answers::<Vec<RuleDto>>(200),
        )
        .post("/acl", create, add)
        .get("/acl/{id}", show, one.tagged().answers::<RuleDto>(200))
        .delete("/acl/{id}", remove, take_away)
        .with_state(acl)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AccessRuleRequest")]
struct RuleRequest {
    name: Option<String>,
    priority: Option<u16>,
    r#match: Pattern,
    action: Verb,
}

impl RuleRequest {
    fn rule(self) -> Result<Rule, ApiError> {
        self.r#match.check_prerequisites().map_err(|error| {
            let field = format!("match.{}", error.field.name());
            ApiError::impossible(error.to_string()).at(field)
        })?;
        let of_one = |field: &Field| self.r#match.get(*field).is_some();
        if let Some(field) = OF_ONE_SWITCH.into_iter().find(of_one) {
            let why = "the access list is the same on every switch; for one switch make a static entry: `POST \
                       /v1/switches/{id}/rules`";
            return Err(ApiError::impossible(why).at(format!("match.{}", field.name())));
        }
        if !self.r#match.unknown().is_empty() {
            let why = "the access list takes the match fields of OpenFlow 1.3";
            return Err(ApiError::impossible(why).at("match"));
        }
        if self.r#match.is_empty() && self.action == Verb::Deny {
            let why = "this denies everything; say at least `eth_type`";
            return Err(ApiError::impossible(why).at("match"));
        }
        Ok(Rule {
            name: self.name,
            priority: self.priority.unwrap_or(DEFAULT_PRIORITY),
            r#match: self.r#match,
            action: self.action,
        })
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AccessRule")]
struct RuleDto {
    id: RuleId,
    #[serde(flatten)]
    rule: Rule,
}

/// Switches that do not hold the list yet, and why.
pub type Pending = BTreeMap<DatapathId, String>;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MadeAccessRule")]
struct Made {
    #[serde(flatten)]
    rule: RuleDto,
    #[serde(skip_serializing_if = "Option::is_none")]
    queued: Option<bool>,
    #[serde(skip_serializing_if = "Pending::is_empty")]
    pending: Pending,
}

/// A rule that is gone from the list, but not from every switch.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UnmadeAccessRule")]
struct Unmade {
    id: RuleId,
    queued: bool,
    pending: Pending,
}

async fn list(State(acl): State<AccessList>) -> Json<Vec<RuleDto>> {
    let list = acl.list();
    let all = list.in_order().into_iter().map(|(id, rule)| RuleDto {
        id,
        rule: rule.clone(),
    });
    Json(all.collect())
}

async fn show(
    State(acl): State<AccessList>,
    Id(id): Id<RuleId>,
) -> Result<Json<RuleDto>, ApiError> {
    let rule = acl.list().get(id).cloned().ok_or_else(unknown)?;
    Ok(Json(RuleDto { id, rule }))
}

fn unknown() -> ApiError {
    ApiError::not_found("no rule of the access list has this number")
}

async fn create(
    State(acl): State<AccessList>,
    Body(body): Body<OneOrMany<RuleRequest>>,
) -> Result<Response, ApiError> {
    let (requests, single) = body.into_parts();
    let mut rules = Vec::with_capacity(requests.len());
    for (index, request) in requests.into_iter().enumerate() {
        rules.push(
            request
                .rule()
                .map_err(|error| match &error.problem().field {
                    Some(field) if !single => {
                        let field = format!("[{index}].{field}");
                        error.at(field)
                    }
                    _ => error,
                })?,
        );
    }
    // Once begun it is carried through, also when the client goes away.
    let (made, pending) = tokio::spawn(async move { acl.add(rules).await })
        .await
        .map_err(|_| ApiError::unavailable("the controller is stopping"))??;
    let status = if pending.is_empty() {
        StatusCode::CREATED
    } else {
        StatusCode::ACCEPTED
    };
    let mut made: Vec<Made> = made
        .into_iter()
        .map(|(id, rule)| Made {
            rule: RuleDto { id, rule },
            queued: (!pending.is_empty()).then_some(true),
            pending: pending.clone(),
        })
        .collect();
    match made.pop() {
        Some(one) if single => {
            let location = format!("/v1/acl/{}", one.rule.id);
            Ok((status, [(header::LOCATION, location)], Json(one)).into_response())
        }
        last => {
            made.extend(last);
            Ok((status, Json(made)).into_response())
        }
    }
}

async fn remove(State(acl): State<AccessList>, Id(id): Id<RuleId>) -> Result<Response, ApiError> {
    let pending = tokio::spawn(async move { acl.take_away(id).await })
        .await
        .map_err(|_| ApiError::unavailable("the controller is stopping"))??;
    if pending.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let body = Unmade {
        id,
        queued: true,
        pending,
    };
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

impl AccessList {
    /// Adds rules, all or none. Gives them with their numbers, and the switches that do not hold them yet, and why.
    ///
    /// # Errors
    /// When there would be too many, a version has no words for them, the disk does not take them, or a switch refuses.
    pub async fn add(&self, rules: Vec<Rule>) -> Result<(Vec<(RuleId, Rule)>, Pending), ApiError> {
        let _turn = self.changing.lock().await;
        let (before, mut last) = {
            let inner = self.lock();
            (inner.list.clone(), inner.last)
        };
        if before.len() + rules.len() > MOST_RULES {
            let why = format!("the access list may have {MOST_RULES} rules");
            return Err(ApiError::insufficient_storage(why));
        }
        let (mut list, mut made) = (before.clone(), Vec::with_capacity(rules.len()));
        for rule in rules {
            last = last
                .checked_add(1)
                .ok_or_else(|| ApiError::insufficient_storage("all numbers are used up"))?;
            list.insert(last, rule.clone());
            made.push((last, rule));
        }
        self.check(&before, &list)?;
        let mut batch = Batch::default();
        let mut put = || {
            batch.put(Slice::VALUES, values::LAST_ACL, &last)?;
            made.iter()
                .try_for_each(|(id, rule)| batch.put(Slice::ACL, (*id).into(), rule))
        };
        put().map_err(|error| not_kept(&error))?;
        self.keep(list, last, batch)
            .await
            .map_err(|error| not_kept(&error))?;
        let failures = self.network.settle(NAME).await;
        let refused = failures.iter().filter(|(_, error)| error.is_refusal());
        let refused: Vec<String> = refused
            .map(|(dpid, error)| format!("switch {dpid}: {error}"))
            .collect();
        if refused.is_empty() {
            return Ok((made, pending(failures)));
        }
        let mut batch = Batch::default();
        for (id, _) in &made {
            batch.delete(Slice::ACL, (*id).into());
        }
        self.keep(before, last, batch)
            .await
            .map_err(|error| not_kept(&error))?;
        self.network.settle(NAME).await;
        let why = "a switch refused the rule; it is on none of them";
        Err(ApiError::impossible(why).because(refused))
    }

    /// Whether every connected switch has words for the list; without any, whether OpenFlow 1.3 has. What it had no
    /// words for before, which a switch that came later may bring about, is no reason.
    fn check(&self, before: &List, list: &List) -> Result<(), ApiError> {
        let known = |version| before.entries(version).1;
        let fresh = |version: Version| {
            let known = known(version);
            let unsayable = list.entries(version).1.into_iter();
            unsayable.filter(move |one| !known.contains(one))
        };
        let mut reasons = Vec::new();
        for version in [Version::V10, Version::V13] {
            let switches = self.network.switches().list();
            let speaks = switches.iter().find(|switch| switch.version() == version);
            let who = match speaks {
                Some(switch) => format!("switch {} speaks OpenFlow {version}: ", switch.name()),
                None if switches.is_empty() && version == Version::V13 => String::new(),
                None => continue,
            };
            reasons.extend(fresh(version).map(|one| format!("{who}rule {}: {}", one.id, one.why)));
        }
        match reasons.first() {
            None => Ok(()),
            Some(first) => Err(ApiError::impossible(first.clone())
                .at("match")
                .because(reasons)),
        }
    }

    /// Takes a rule away. Gives the switches that may still hold it.
    async fn take_away(&self, id: RuleId) -> Result<Pending, ApiError> {
        let _turn = self.changing.lock().await;
        let (mut list, last) = {
            let inner = self.lock();
            (inner.list.clone(), inner.last)
        };
        list.remove(id).ok_or_else(unknown)?;
        let mut batch = Batch::default();
        batch.delete(Slice::ACL, id.into());
        self.keep(list, last, batch)
            .await
            .map_err(|error| not_kept(&error))?;
        Ok(pending(self.network.settle(NAME).await))
    }
}

fn pending(failures: BTreeMap<DatapathId, SettleError>) -> Pending {
    let said = |(dpid, error): (DatapathId, SettleError)| (dpid, error.to_string());
    failures.into_iter().map(said).collect()
}

fn not_kept(error: &StoreError) -> ApiError {
    match error {
        StoreError::Full => ApiError::insufficient_storage(error.to_string()),
        _ => ApiError::unavailable(error.to_string()),
    }
}
