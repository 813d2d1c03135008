//! A client of Open vSwitch's database: one transaction a connection (RFC 7047 §4.1.3, `transact`).

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// How long a server may take for a transaction, its connection included.
const DEADLINE: Duration = Duration::from_secs(5);

/// The largest answer that is read: more than 10,000 ports have.
const LARGEST_ANSWER: usize = 32 << 20;

/// The name of the database.
const DATABASE: &str = "Open_vSwitch";

/// Where a server of the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket of this machine.
    Unix(PathBuf),
    /// A TCP port.
    Tcp(SocketAddr),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is not where a database is: `unix:` and a path, or `tcp:` and an address with its port"
            )
        };
        match text.split_once(':') {
            Some(("unix", path)) if !path.is_empty() => Ok(Self::Unix(path.into())),
            Some(("tcp", address)) => address.parse().map(Self::Tcp).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}

/// A transaction that was not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server can't be reached, or went away.
    #[error("the database at {address}: {source}")]
    Io {
        /// The server.
        address: Address,
        /// Why.
        source: std::io::Error,
    },
    /// The server was silent.
    #[error("the database at {0} did not answer in time")]
    TimedOut(Address),
    /// It says something that is no answer.
    #[error("the database at {0} gave no answer that can be read")]
    Unreadable(Address),
    /// It has refused an operation.
    #[error("the database refused: {0}")]
    Refused(String),
}

impl Address {
    /// Makes a transaction, all of it or nothing, and gives the result of each operation.
    ///
    /// # Errors
    /// As [`Error`] says. After anything but a refusal it may have been made.
    pub async fn transact(&self, operations: Vec<Value>) -> Result<Vec<Value>, Error> {
        let talking = async {
            match self {
                Self::Unix(path) => {
                    self.talk(UnixStream::connect(path).await, &operations)
                        .await
                }
                Self::Tcp(at) => self.talk(TcpStream::connect(at).await, &operations).await,
            }
        };
        let answer = tokio::time::timeout(DEADLINE, talking).await;
        results(self, answer.map_err(|_| Error::TimedOut(self.clone()))??)
    }

    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        connected: std::io::Result<S>,
        operations: &[Value],
    ) -> Result<Value, Error> {
        let failed = |source| Error::Io {
            address: self.clone(),
            source,
        };
        let mut stream = connected.map_err(failed)?;
        let mut parameters = vec![Value::from(DATABASE)];
        parameters.extend_from_slice(operations);
        let question = json!({ "method": "transact", "params": parameters, "id": 1 });
        stream
            .write_all(question.to_string().as_bytes())
            .await
            .map_err(failed)?;
        let mut buffer = Vec::new();
        loop {
            // Nothing stands between messages, so one is whole when it can be read.
            while let Some((message, length)) = first_message(&buffer) {
                buffer.drain(..length);
                if message["method"] == "echo" {
                    let reply =
                        json!({ "id": message["id"], "result": message["params"], "error": null });
                    let reply = reply.to_string();
                    stream.write_all(reply.as_bytes()).await.map_err(failed)?;
                } else if message["id"] == 1 {
                    return Ok(message);
                }
            }
            if buffer.len() > LARGEST_ANSWER
                || stream.read_buf(&mut buffer).await.map_err(failed)? == 0
            {
                return Err(Error::Unreadable(self.clone()));
            }
        }
    }
}

/// The first message of a stream, with the bytes that it takes, if it is whole.
fn first_message(buffer: &[u8]) -> Option<(Value, usize)> {
    let mut messages = serde_json::Deserializer::from_slice(buffer).into_iter::<Value>();
    let message = messages.next()?.ok()?;
    Some((message, messages.byte_offset()))
}

/// The results of a transaction. One that failed has an error among them, or behind them when it failed in the end.
fn results(address: &Address, mut answer: Value) -> Result<Vec<Value>, Error> {
    if !answer["error"].is_null() {
        return Err(Error::Refused(answer["error"].to_string()));
    }
    let Value::Array(results) = answer["result"].take() else {
        return Err(Error::Unreadable(address.clone()));
    };
    let fault = results.iter().find(|result| result["error"].is_string());
    match fault {
        Some(fault) => {
            let text = |key: &str| fault[key].as_str().unwrap_or_default().to_owned();
            Err(Error::Refused(format!(
                "{} ({})",
                text("error"),
                text("details")
            )))
        }
        None => Ok(results),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_it_is_written() {
        for text in [
            "unix:/var/run/openvswitch/db.sock",
            "tcp:127.0.0.1:6640",
            "tcp:[::1]:6640",
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        for wrong in [
            "",
            "unix:",
            "/run/db.sock",
            "tcp:localhost:6640",
            "ssl:127.0.0.1:6640",
        ] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_message_is_read_when_it_is_whole() {
        let bytes = br#"{"method":"echo","params":[],"id":"echo"}{"id":1,"result":[{}],"err"#;
        let (message, length) = first_message(bytes).unwrap();
        assert_eq!(message["method"], "echo");
        assert_eq!(first_message(&bytes[length..]), None);
    }

    #[test]
    fn a_fault_among_the_results_refuses_them_all() {
        let at = Address::Unix("/x".into());
        let answer = json!({ "id": 1, "error": null, "result": [
            {}, { "error": "timed out", "details": "\"wait\" timed out" }, null,
        ] });
        let error = results(&at, answer).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the database refused: timed out (\"wait\" timed out)"
        );
        let good = json!({ "id": 1, "error": null, "result": [{ "count": 1 }] });
        assert_eq!(results(&at, good).unwrap(), [json!({ "count": 1 })]);
    }

    #[tokio::test]
    async fn a_server_is_asked_and_its_echo_answered() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db.sock");
        let listener = tokio::net::UnixListener::bind(&path).unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream
                .write_all(br#"{"id":"echo","method":"echo","params":[]}"#)
                .await
                .unwrap();
            let mut heard = Vec::new();
            while first_message(&heard)
                .is_none_or(|(_, length)| first_message(&heard[length..]).is_none())
            {
                assert!(stream.read_buf(&mut heard).await.unwrap() > 0);
            }
            let (question, _) = first_message(&heard).unwrap();
            stream.write_all(br#"{"id":1,"error":null,"#).await.unwrap();
            stream
                .write_all(br#""result":[{"rows":[]}]}"#)
                .await
                .unwrap();
            question
        });
        let asked = vec![json!({ "op": "select", "table": "Bridge", "where": [] })];
        let said = Address::Unix(path).transact(asked.clone()).await.unwrap();
        assert_eq!(said, [json!({ "rows": [] })]);
        let question = server.await.unwrap();
        assert_eq!(question["params"], json!(["Open_vSwitch", asked[0]]));
        let nobody = Address::Unix(directory.path().join("none"));
        assert!(matches!(
            nobody.transact(asked).await,
            Err(Error::Io { .. })
        ));
    }
}
