//! What the program offers whoever runs it, as a person or a service manager starts it: configuration, signals, the
//! examination of the machine, manual and completions, installation.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking; clippy knows that only of functions marked as tests"
)]

#[path = "tools/configuration.rs"]
mod configuration;
#[path = "tools/doctor.rs"]
mod doctor;
#[path = "tools/installation.rs"]
mod installation;
#[path = "tools/signals.rs"]
mod signals;

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(30);

/// The program, with nothing in its environment that means something to it.
fn godwit(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_godwit"));
    command.args(arguments);
    for name in [
        "GODWIT_URL",
        "GODWIT_CONFIG",
        "GODWIT_OPENFLOW",
        "GODWIT_HTTP",
        "GODWIT_DATA_DIR",
        "GODWIT_APPS",
        "GODWIT_LOG",
        "NOTIFY_SOCKET",
        "WATCHDOG_USEC",
    ] {
        command.env_remove(name);
    }
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Exit status, stdout, stderr.
fn ended(output: &Output) -> (Option<i32>, String, String) {
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Waits until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < DEADLINE,
            "not within {DEADLINE:?}: {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A controller on ports of the system's choice, ended when this is dropped.
struct Running {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Running {
    /// Starts `godwit run`, with the data directory `data` in `directory`, these arguments and this environment.
    fn start(directory: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = godwit(&["run", "--openflow", "127.0.0.1:0", "--http", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(directory.join("data"))
            .args(arguments)
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let lines = std::io::BufReader::new(child.stderr.take().unwrap());
        let writing = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in std::io::BufRead::lines(lines) {
                *writing.lock().unwrap() += &(line.unwrap() + "\n");
            }
        });
        let running = Self { child, log };
        running.says(" HTTP address=");
        running
    }

    /// Waits for something in the log.
    fn says(&self, what: &str) {
        until(what, || {
            let log = self.log.lock().unwrap();
            log.contains(what)
        });
    }

    /// The address behind these words in the log.
    fn address(&self, after: &str) -> String {
        let log = self.log.lock().unwrap();
        let line = log.lines().find(|line| line.contains(after)).unwrap();
        line.split("address=").nth(1).unwrap().trim().to_owned()
    }

    fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Waits for its end.
    fn ends(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(process: u32, name: &str) {
    let killed = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status();
    assert!(killed.unwrap().success());
}

/// Whether a program is on this machine.
fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}
