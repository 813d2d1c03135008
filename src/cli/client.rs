//! The REST client.

mod problem;

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use reqwest::{Method, Url, header, redirect};
use serde_json::Value;

use super::Outcome;
pub(super) use problem::Problem;

/// How long a connection may take to be established.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take. Reading 10,000 rules from a switch, or installing 1,000 routes,
/// takes seconds at worst.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A stream has no end; the library wants one.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A controller's REST interface.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    shown: String,
}

/// A successful answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// The body, as it came.
    pub(super) body: Vec<u8>,
    /// The `Location` header.
    pub(super) location: Option<String>,
    url: String,
}

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// No connection could be made.
    Unreachable {
        /// The controller.
        url: String,
        /// Why.
        reason: String,
    },
    /// The connection stood, but no answer came through.
    Unanswered {
        /// The controller.
        url: String,
        /// Why.
        reason: String,
    },
    /// The controller refused.
    Refused(Problem),
    /// The answer was not what this program understands.
    Strange {
        /// What was asked.
        url: String,
        /// What is wrong with the answer.
        reason: String,
    },
    /// The arguments contradict each other.
    Usage(String),
    /// The output could not be written.
    Output(io::Error),
}

impl Client {
    pub(super) fn new(base: &Url) -> Result<Self, Failure> {
        let mut shown = base.clone();
        // Credentials don't belong on a screen. Setting them fails only without a host.
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        let shown = shown.as_str().trim_end_matches('/').to_owned();
        let http = reqwest::Client::builder()
            .user_agent(concat!("godwit/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            // A controller is near; a proxy meant for the web would break the default URL.
            .no_proxy()
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| Failure::Strange {
                url: shown.clone(),
                reason: root_cause(&error),
            })?;
        Ok(Self {
            http,
            base: base.clone(),
            shown,
        })
    }

    /// The controller's URL, without credentials and trailing slash.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// `GET /v1/{path}?{query}`.
    pub(super) async fn get(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Answer, Failure> {
        self.send(Method::GET, self.url_with(path, query), None)
            .await
    }

    /// `GET /v1/{path}?{query}`, whose answer comes little by little without an end: a stream of Server-Sent Events.
    pub(super) async fn stream(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        last_event_id: Option<&str>,
    ) -> Result<reqwest::Response, Failure> {
        let url = self.url_with(path, query);
        let asked = self.asked(&Method::GET, &url);
        let mut request = self.http.get(url).timeout(FOR_EVER);
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        let answered = tokio::time::timeout(ANSWER_TIMEOUT, request.send()).await;
        let answered = answered.map_err(|_| self.unanswered("no answer"))?;
        let response = answered.map_err(|error| self.failure(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await;
        let body = body.map_err(|error| self.failure(&error))?;
        Err(Failure::Refused(Problem::read(status, &asked, &body)))
    }

    /// `POST /v1/{path}`.
    pub(super) async fn post(
        &self,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        self.send(Method::POST, self.url(path), body).await
    }

    /// `PUT /v1/{path}`.
    pub(super) async fn put(&self, path: &[&str], body: &Value) -> Result<Answer, Failure> {
        self.send(Method::PUT, self.url(path), Some(body)).await
    }

    /// `DELETE /v1/{path}`.
    pub(super) async fn delete(&self, path: &[&str]) -> Result<Answer, Failure> {
        self.send(Method::DELETE, self.url(path), None).await
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Every http URL has a path, so this never fails.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        url
    }

    fn url_with(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// A request as messages name it.
    fn asked(&self, method: &Method, url: &Url) -> String {
        let path = &url.path()[self.prefix_length()..];
        format!("{method} {}{path}", self.shown)
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let asked = self.asked(&method, &url);
        tracing::debug!(%asked, "request");
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| self.failure(&error))?;
        let status = response.status();
        let location = response
            .headers()
            .get(header::LOCATION)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let body = response
            .bytes()
            .await
            .map_err(|error| self.failure(&error))?
            .to_vec();
        if status.is_success() {
            Ok(Answer {
                body,
                location,
                url: asked,
            })
        } else {
            Err(Failure::Refused(Problem::read(status, &asked, &body)))
        }
    }

    /// Length of the path that is part of [`Client::shown`] already.
    fn prefix_length(&self) -> usize {
        self.base.path().trim_end_matches('/').len()
    }

    /// That the connection stood, and why nothing came of it.
    pub(super) fn unanswered(&self, reason: &str) -> Failure {
        Failure::Unanswered {
            url: self.shown.clone(),
            reason: reason.to_owned(),
        }
    }

    /// What an error of the connection means.
    pub(super) fn failure(&self, error: &reqwest::Error) -> Failure {
        let url = self.shown.clone();
        if error.is_connect() {
            Failure::Unreachable {
                url,
                reason: root_cause(error),
            }
        } else if error.is_timeout() {
            let reason = format!("no answer within {} s", ANSWER_TIMEOUT.as_secs());
            Failure::Unanswered { url, reason }
        } else {
            Failure::Unanswered {
                url,
                reason: root_cause(error),
            }
        }
    }
}

impl Answer {
    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Value, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| {
            self.strange(&format!("not JSON ({error}); is that a godwit controller?"))
        })
    }

    /// That the answer is not understood.
    pub(super) fn strange(&self, reason: &str) -> Failure {
        Failure::Strange {
            url: self.url.clone(),
            reason: reason.to_owned(),
        }
    }
}

impl Failure {
    /// Whether trying again soon may help.
    pub(super) const fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Unanswered { .. } => true,
            Self::Refused(problem) => problem.status == 503,
            Self::Strange { .. } | Self::Usage(_) | Self::Output(_) => false,
        }
    }

    /// How a command that fails so ends.
    pub(super) const fn outcome(&self) -> Outcome {
        match self {
            Self::Usage(_) => Outcome::Misused,
            _ => Outcome::Failed,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { url, reason } => write!(
                f,
                "no controller at {url} ({reason}): start one with `godwit run`, \
                 or say where it is with --url or GODWIT_URL"
            ),
            Self::Unanswered { url, reason } => {
                write!(f, "the controller at {url} did not answer: {reason}")
            }
            Self::Refused(problem) => problem.fmt(f),
            Self::Strange { url, reason } => write!(f, "cannot use the answer to {url}: {reason}"),
            Self::Usage(reason) => f.write_str(reason),
            Self::Output(error) => write!(f, "cannot write the output: {error}"),
        }
    }
}

/// What is at the bottom of an error: the operating system's reason, not the layers above it.
fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
