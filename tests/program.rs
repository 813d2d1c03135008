//! The whole program as a person starts it, without a switch.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy knows that only of functions marked as tests"
)]

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(10);

fn godwit(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_godwit"));
    command.args(arguments).env_remove("GODWIT_URL");
    command
}

/// The arguments of a controller with this data directory that switches would find at this port.
fn run_at(openflow: &str, data_dir: &Path) -> [String; 7] {
    let data_dir = data_dir.to_str().unwrap();
    let any = "127.0.0.1:0";
    [
        "run",
        "--openflow",
        openflow,
        "--http",
        any,
        "--data-dir",
        data_dir,
    ]
    .map(str::to_owned)
}

fn godwit_at(openflow: &str, data_dir: &Path) -> Command {
    godwit(&run_at(openflow, data_dir).each_ref().map(String::as_str))
}

/// A controller on ports of the system's choice, ended when this is dropped.
struct Running {
    child: Child,
    http: SocketAddr,
    openflow: SocketAddr,
}

impl Running {
    fn start(data_dir: &Path) -> Self {
        let mut child = godwit_at("127.0.0.1:0", data_dir)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut address = |after: &str| -> SocketAddr {
            let line = lines
                .by_ref()
                .map(Result::unwrap)
                .find(|line| line.contains(after))
                .unwrap();
            line.split("address=")
                .nth(1)
                .unwrap()
                .trim()
                .parse()
                .unwrap()
        };
        let (openflow, http) = (address("OpenFlow"), address("HTTP"));
        // Whoever writes to a pipe that nobody reads stops one day.
        std::thread::spawn(move || lines.count());
        Self {
            child,
            http,
            openflow,
        }
    }

    fn get(&self, path: &str) -> (u16, String, String) {
        let url = format!("http://{}{path}", self.http);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder()
                .timeout(DEADLINE)
                .no_proxy()
                .build()
                .unwrap();
            let response = client.get(url).send().await.unwrap();
            let kind = response.headers()["content-type"]
                .to_str()
                .unwrap()
                .to_owned();
            (
                response.status().as_u16(),
                kind,
                response.text().await.unwrap(),
            )
        })
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([&format!("-{name}"), &id])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_controller_says_where_it_listens_and_is_ready() {
    let directory = tempfile::tempdir().unwrap();
    let running = Running::start(&directory.path().join("data"));
    assert_eq!(running.get("/healthz").0, 200);
    assert_eq!(running.get("/readyz").0, 200);
    assert_eq!(running.get("/v1/switches").2, "[]");
    let (status, _, metrics) = running.get("/metrics");
    assert_eq!(status, 200);
    assert!(
        metrics.lines().any(|line| line == "godwit_switches 0"),
        "{metrics}"
    );
}

#[test]
fn what_is_not_served_is_a_problem_document() {
    let directory = tempfile::tempdir().unwrap();
    let running = Running::start(directory.path());
    for path in [
        "/v1/drains/1",
        "/v1/event",
        "/v1/switches/s1",
        "/v1/routes/1",
        "/v1/migrations/x",
        "/nowhere",
    ] {
        let (status, kind, body) = running.get(path);
        assert_eq!(
            (status, kind.as_str()),
            (404, "application/problem+json"),
            "{path}: {body}"
        );
        let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["status"], 404);
    }
}

#[test]
fn both_signals_end_it_with_success() {
    for signal in ["TERM", "INT"] {
        let directory = tempfile::tempdir().unwrap();
        let mut running = Running::start(directory.path());
        running.signal(signal);
        assert_eq!(running.child.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_second_controller_is_refused_with_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let running = Running::start(directory.path());
    let output = godwit_at("127.0.0.1:0", directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("used by another controller"),
        "{}",
        stderr(&output)
    );

    let other = tempfile::tempdir().unwrap();
    let taken = running.openflow.to_string();
    let output = godwit_at(&taken, other.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&taken), "{}", stderr(&output));
}

#[test]
fn a_damaged_store_is_refused_by_name_at_every_start_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let running = Running::start(directory.path());
    let openflow = running.openflow.to_string();
    running.signal("KILL");
    drop(running);
    let path = directory.path().join("godwit.redb");
    let whole = std::fs::read(&path).unwrap();
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    // Nothing at all, a header that is cut, one whose magic number or page size is another, a page that is gone, no store.
    let damaged = [
        Vec::new(),
        whole[..100].to_vec(),
        flipped(3),
        flipped(12),
        whole[..whole.len() - 4096].to_vec(),
        b"a letter ".repeat(9000),
    ];
    for (case, bytes) in damaged.iter().enumerate() {
        std::fs::write(&path, bytes).unwrap();
        let mut said = Vec::new();
        for _ in 0..3 {
            let output = godwit(&[])
                .args(run_at(&openflow, directory.path()))
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(1), "case {case}");
            said.push(stderr(&output));
        }
        for part in [
            path.to_str().unwrap(),
            "is damaged",
            "put a copy in its place",
        ] {
            assert!(said[0].contains(part), "case {case}: {}", said[0]);
        }
        // Nobody was listening, and nothing was tried that changes what the next start finds.
        assert!(
            said.iter()
                .all(|text| !text.contains("panicked") && !text.contains("address="))
        );
        assert!(
            said.iter().all(|text| *text == said[0]),
            "case {case}: {said:?}"
        );
        assert!(std::fs::read(&path).unwrap() == *bytes, "case {case}");
    }
    std::fs::write(&path, &whole).unwrap();
    let running = Running::start(directory.path());
    assert_eq!(running.get("/readyz").0, 200);
}

#[test]
fn the_client_shows_what_the_controller_serves() {
    let directory = tempfile::tempdir().unwrap();
    let running = Running::start(directory.path());
    let url = format!("http://{}", running.http);
    let output = godwit(&["switches", "--json", "--url", &url])
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(0), &b"[]\n"[..])
    );
    let output = godwit(&["migrate", "s7", "s6", "--url", &url])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("s7"), "{}", stderr(&output));
}

#[test]
fn a_client_without_a_controller_says_what_to_do() {
    let output = godwit(&["links", "--url", "http://127.0.0.1:9"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("127.0.0.1:9"),
        "{}",
        stderr(&output)
    );
}
