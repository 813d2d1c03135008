//! Which database has a switch, and whether Open vSwitch has done what it says.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use godwit_controller::rest::ApiError;
use godwit_controller::switch::SwitchHandle;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Address, Error};

/// Where the database of the machine itself is.
const LOCAL: &str = "/var/run/openvswitch/db.sock";

/// The registered port of databases.
const PORT: u16 = 6640;

/// How long Open vSwitch may take to do what its database says, and how often it is looked.
const CONFIGURED: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);

/// The databases of all switches. Clones are the same.
#[derive(Debug, Clone)]
pub struct Databases {
    /// None is where the switches are.
    addresses: Arc<[Address]>,
}

impl Databases {
    /// Those to be asked for a switch, in this order. Without any it is that of the machine that the switch connects
    /// from.
    #[must_use]
    pub fn new(addresses: Vec<Address>) -> Self {
        Self {
            addresses: addresses.into(),
        }
    }

    /// What the database that has a switch answers to these questions, and where it is. `read` gives nothing when the
    /// switch isn't in it.
    ///
    /// # Errors
    /// 503 when no database can be asked, 422 when none has the switch.
    pub(crate) async fn ask<T>(
        &self,
        switch: &SwitchHandle,
        questions: &[Value],
        read: impl Fn(&[Value]) -> Option<T>,
    ) -> Result<(Address, T), ApiError> {
        let near = near(switch.address().ip());
        let candidates = if self.addresses.is_empty() {
            std::slice::from_ref(&near)
        } else {
            &self.addresses
        };
        let mut problem = None;
        for address in candidates {
            match address.transact(questions.to_vec()).await {
                Ok(answers) => {
                    if let Some(found) = read(&answers) {
                        return Ok((address.clone(), found));
                    }
                }
                Err(error) => problem = Some(error),
            }
        }
        Err(match problem {
            Some(error) => ApiError::unavailable(format!(
                "{error}; GODWIT_OVSDB says where the databases of Open vSwitch are"
            )),
            None => ApiError::impossible(format!(
                "no bridge of Open vSwitch has the datapath id {}",
                switch.dpid()
            )),
        })
    }
}

impl Address {
    /// Makes a change, all of it or nothing. When this returns, Open vSwitch has done it.
    ///
    /// # Errors
    /// 409 when the database refuses, 503 when it, or Open vSwitch, can't be reached.
    pub(crate) async fn change(&self, mut operations: Vec<Value>) -> Result<(), ApiError> {
        operations.push(json!({
            "op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": [["next_cfg", "+=", 1]],
        }));
        operations.push(json!({
            "op": "select", "table": "Open_vSwitch", "where": [], "columns": ["next_cfg"],
        }));
        let results = self
            .transact(operations)
            .await
            .map_err(|error| match error {
                Error::Refused(_) => ApiError::conflict(error.to_string()),
                error => ApiError::unavailable(error.to_string()),
            })?;
        let wanted = results
            .last()
            .and_then(|last| configuration(last, "next_cfg"));
        self.configured(wanted.unwrap_or(i64::MAX)).await
    }

    /// Waits until Open vSwitch has done what its database says, as of this number of its configuration.
    async fn configured(&self, wanted: i64) -> Result<(), ApiError> {
        let until = Instant::now() + CONFIGURED;
        let question =
            json!({ "op": "select", "table": "Open_vSwitch", "where": [], "columns": ["cur_cfg"] });
        loop {
            let answers = self.transact(vec![question.clone()]).await;
            let answers = answers.map_err(|error| ApiError::unavailable(error.to_string()))?;
            let reached = answers
                .first()
                .and_then(|answer| configuration(answer, "cur_cfg"));
            if reached.is_some_and(|reached| reached >= wanted) {
                return Ok(());
            }
            if Instant::now() > until {
                let why = "the database has it, but Open vSwitch has not said that it was done";
                return Err(ApiError::unavailable(why));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// The database of the machine that a switch connects from.
fn near(machine: IpAddr) -> Address {
    if machine.is_loopback() {
        Address::Unix(LOCAL.into())
    } else {
        Address::Tcp(SocketAddr::new(machine, PORT))
    }
}

fn configuration(answer: &Value, column: &str) -> Option<i64> {
    answer["rows"][0][column].as_i64()
}
