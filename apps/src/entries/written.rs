//! Static entries at the addresses where Ryu's `ofctl_rest` writes flow entries.
//!
//! | method and path | what it does |
//! |---|---|
//! | `POST /stats/flowentry/add` | makes one, instead of the static entry with the same table, priority and match |
//! | `POST /stats/flowentry/delete_strict` | takes the one with this table, priority and match away |
//! | `POST /stats/flowentry/delete` | takes all away whose match is this or narrower |
//!
//! Only static entries are changed: what others have written, and what godwit's routes need, is left alone.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use godwit_controller::rest::compatible::ryu::entry;
use godwit_controller::rest::{ApiError, Routes, operation, parse};
use godwit_controller::switch::SwitchHandle;
use godwit_openflow::model::FlowRule;
use godwit_openflow::types::DatapathId;
use serde_json::{Map, Value};

use super::Entries;
use super::install::CreateError;
use super::request::RuleRequest;
use super::rest::{refused, stopping, unremoved};
use super::table::{EntryId, State as EntryState, StaticEntry};

pub(super) fn router(entries: Entries) -> Routes {
    let writes = |summary| {
        let write = operation(summary).body::<Map<String, Value>>().empty(200);
        write.or(&[404, 409, 503, 507])
    };
    Routes::new("Ryu")
        .post(
            "/stats/flowentry/add",
            add,
            writes("Makes a static entry").empty(202),
        )
        .post(
            "/stats/flowentry/delete",
            delete,
            writes("Takes the static entries away that this covers"),
        )
        .post(
            "/stats/flowentry/delete_strict",
            delete_strict,
            writes("Takes a static entry away"),
        )
        .with_state(entries)
}

/// The rule that a body in godwit's own words asks for.
pub(super) fn rule(body: Value) -> Result<FlowRule, ApiError> {
    let request: RuleRequest =
        serde_json::from_value(body).map_err(|error| ApiError::impossible(error.to_string()))?;
    request.rule_here()
}

pub(super) fn switch(entries: &Entries, dpid: DatapathId) -> Result<SwitchHandle, ApiError> {
    let connected = entries.network().switches().get(dpid);
    connected.ok_or_else(|| ApiError::not_found(format!("no switch {dpid} is connected")))
}

impl Entries {
    /// Makes an entry instead of another one, which stays as it is when that can't be.
    pub(super) async fn replace(
        &self,
        switch: &SwitchHandle,
        rule: FlowRule,
        name: Option<&str>,
        before: Option<(EntryId, StaticEntry)>,
    ) -> Result<EntryState, CreateError> {
        let Some((id, old)) = before else {
            let made = self.create_named(switch, vec![rule], name).await?;
            return Ok(made
                .first()
                .map_or(EntryState::Active, |(_, entry)| entry.state));
        };
        let bare = |rule: &FlowRule| rule.clone().with_cookie(godwit_openflow::types::Cookie(0));
        if old.place == switch.dpid()
            && old.state == EntryState::Active
            && bare(&old.rule) == bare(&rule)
        {
            return Ok(old.state);
        }
        // Two that are one to the switch can't stand side by side.
        let same = old.place == switch.dpid() && old.rule.same_identity(&rule);
        if same {
            self.put_away(id).await?;
        }
        match self.create_named(switch, vec![rule], name).await {
            Ok(made) => {
                if !same {
                    self.put_away(id).await?;
                }
                Ok(made
                    .first()
                    .map_or(EntryState::Active, |(_, entry)| entry.state))
            }
            Err(error) => {
                if same
                    && let Err(lost) = self
                        .create_named(switch, vec![bare(&old.rule)], old.name.as_deref())
                        .await
                {
                    tracing::warn!(%switch, %lost, "a static entry that was to be replaced is gone");
                }
                Err(error)
            }
        }
    }

    async fn put_away(&self, id: EntryId) -> Result<(), CreateError> {
        match self.remove(id).await {
            Ok(_) | Err(super::RemoveError::Unknown) => Ok(()),
            Err(error) => Err(CreateError::InTheWay(error.to_string())),
        }
    }

    /// The entries at a switch that this is said of.
    fn those(
        &self,
        place: DatapathId,
        wanted: impl Fn(&FlowRule) -> bool,
    ) -> Vec<(EntryId, StaticEntry)> {
        let all = self.list().into_iter();
        all.filter(|(_, entry)| entry.place == place && wanted(&entry.rule))
            .collect()
    }
}

/// Whatever type the body is declared to have: `curl -d` declares none.
fn asked(entries: &Entries, body: &[u8]) -> Result<(SwitchHandle, FlowRule), ApiError> {
    let body: Map<String, Value> = parse(body)?;
    let switch = switch(entries, entry::dpid(&body)?)?;
    let written = entry::written(body, switch.version())?;
    Ok((switch, rule(written.rule)?))
}

async fn add(State(entries): State<Entries>, body: Bytes) -> Result<StatusCode, ApiError> {
    let (switch, rule) = asked(&entries, &body)?;
    // Once begun it is carried through, also when the client goes away.
    let done = tokio::spawn(async move {
        let before = entries
            .those(switch.dpid(), |known| known.same_identity(&rule))
            .pop();
        let made = entries.replace(&switch, rule, None, before).await;
        made.map_err(|error| refused(&switch, &error, true))
    });
    Ok(match done.await.map_err(|_| stopping())?? {
        EntryState::Queued => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    })
}

async fn delete_strict(
    State(entries): State<Entries>,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let (switch, rule) = asked(&entries, &body)?;
    let found = entries.those(switch.dpid(), |known| known.same_identity(&rule));
    remove_all(entries, found).await
}

async fn delete(State(entries): State<Entries>, body: Bytes) -> Result<StatusCode, ApiError> {
    let (switch, rule) = asked(&entries, &body)?;
    let covered =
        |known: &FlowRule| known.table == rule.table && rule.pattern.covers(&known.pattern);
    let found = entries.those(switch.dpid(), covered);
    remove_all(entries, found).await
}

/// That there is none is no error, as with Ryu.
async fn remove_all(
    entries: Entries,
    found: Vec<(EntryId, StaticEntry)>,
) -> Result<StatusCode, ApiError> {
    let done = tokio::spawn(async move {
        for (id, _) in found {
            entries
                .remove(id)
                .await
                .map_err(|error| unremoved(&error))?;
        }
        Ok(StatusCode::OK)
    });
    done.await.map_err(|_| stopping())?
}
