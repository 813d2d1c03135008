//! What a controller does at a signal, and what it tells a service manager.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{DEADLINE, Running, godwit, has, until};

/// The socket of a service manager.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    fn new(directory: &Path) -> Self {
        let path = directory.join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { socket, path }
    }

    /// The next message that is not a sign of life.
    fn hears(&self) -> String {
        loop {
            let message = self.hears_anything();
            if message.trim() != "WATCHDOG=1" {
                return message;
            }
        }
    }

    fn hears_anything(&self) -> String {
        let mut message = [0; 4096];
        let length = self.socket.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    }
}

/// Puts a text in the place of a file at once: a signal that is still to be served never meets half of it.
fn replace(file: &Path, text: &str) {
    let whole = file.with_extension("new");
    std::fs::write(&whole, text).unwrap();
    std::fs::rename(&whole, file).unwrap();
}

#[test]
fn a_good_file_is_taken_at_sighup_and_a_bad_one_leaves_all_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("godwit.toml");
    replace(&file, "log = \"info\"\napps = [\"learning\"]\n");
    let arguments = ["--config", file.to_str().unwrap()];
    let mut running = Running::start(directory.path(), &arguments, &[]);

    replace(&file, "log = \"warn\"\nlgo = \"debug\"\n");
    running.signal("HUP");
    running.says("the configuration stays as it was");
    running.says(&format!("{}:2: unknown key `lgo`", file.display()));

    running.signal("HUP");
    replace(&file, "log = \"info,h2=off\"\napps = [\"routing\"]\n");
    running.signal("HUP");
    running.says("was read again: log = \"info,h2=off\" (was \"info\")");
    let restart = "apps = [\"routing\"] (was [\"learning\"]) takes effect at the next start";
    running.says(restart);

    // It is still so at the next reading, and said again.
    running.signal("HUP");
    until("said twice", || {
        running.log.lock().unwrap().matches(restart).count() >= 2
    });
    // What a flag gives is no change, whatever the file says.
    let text = "log = \"info,h2=off\"\napps = [\"learning\"]\nhttp = \"127.0.0.1:1\"\n";
    replace(&file, text);
    running.signal("HUP");
    running.says("nothing has changed");

    running.signal("TERM");
    assert_eq!(running.ends(), Some(0));
}

#[test]
fn a_filter_that_is_read_again_is_in_force() {
    let directory = tempfile::tempdir().unwrap();
    let manager = Manager::new(directory.path());
    let file = directory.path().join("godwit.toml");
    replace(&file, "log = \"info\"\n");
    let running = Running::start(
        directory.path(),
        &["--config", file.to_str().unwrap()],
        &[("NOTIFY_SOCKET", manager.path.to_str().unwrap())],
    );
    let reload = |text: &str| {
        replace(&file, text);
        running.signal("HUP");
        until("reloaded", || manager.hears().starts_with("READY=1"));
    };
    assert!(manager.hears().starts_with("READY=1"));
    reload("log = \"off\"\n");
    let silent = running.log.lock().unwrap().len();
    reload("log = \"off\"\nwrong\n");
    assert_eq!(running.log.lock().unwrap().len(), silent);
    reload("log = \"info\"\n");
    running.says("log = \"info\" (was \"off\")");
}

#[test]
fn without_a_file_sighup_is_survived() {
    let directory = tempfile::tempdir().unwrap();
    let mut running = Running::start(directory.path(), &[], &[]);
    running.signal("HUP");
    running.says("there is no configuration file to read again");
    running.signal("INT");
    assert_eq!(running.ends(), Some(0));
}

#[test]
fn a_service_manager_is_told_what_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let manager = Manager::new(directory.path());
    let environment = [
        ("NOTIFY_SOCKET", manager.path.to_str().unwrap()),
        ("WATCHDOG_USEC", "100000"),
    ];
    let mut running = Running::start(directory.path(), &[], &environment);
    assert_eq!(manager.hears().trim(), "READY=1");
    for _ in 0..3 {
        assert_eq!(manager.hears_anything().trim(), "WATCHDOG=1");
    }
    running.signal("HUP");
    let reloading = manager.hears();
    assert!(
        reloading.contains("RELOADING=1") && reloading.contains("MONOTONIC_USEC="),
        "{reloading}"
    );
    assert_eq!(manager.hears().trim(), "READY=1");
    running.signal("TERM");
    assert_eq!(manager.hears().trim(), "STOPPING=1");
    assert_eq!(running.ends(), Some(0));
}

#[test]
fn a_controller_ends_with_its_terminal() {
    if !has("script") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let run = godwit(&[
        "run",
        "--openflow=127.0.0.1:0",
        "--http=127.0.0.1:0",
        "--data-dir",
    ]);
    let words = std::iter::once(run.get_program()).chain(run.get_args());
    let mut command: Vec<String> = words
        .map(|word| word.to_str().unwrap().to_owned())
        .collect();
    command.push(data.to_str().unwrap().to_owned());
    // It makes a terminal, which is gone when it is gone.
    let mut terminal = Command::new("script")
        .args(["--quiet", "--flush", "--command"])
        .arg(format!("exec {}", command.join(" ")))
        .arg(directory.path().join("typescript"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let shown = || std::fs::read_to_string(directory.path().join("typescript"));
    until("it runs", || {
        shown().is_ok_and(|text| text.contains(" HTTP "))
    });
    let id = std::fs::read_to_string(data.join("godwit.lock")).unwrap();
    let process = Path::new("/proc").join(id.trim());
    let is_alive =
        || std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(is_alive());
    terminal.kill().unwrap();
    terminal.wait().unwrap();
    until("it has ended", || !is_alive());
}
