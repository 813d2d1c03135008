//! `godwit doctor`, and what a controller says that can't have its port.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Running, ended, godwit};

/// Examines with a data directory below `directory`, ports of the system's choice unless said otherwise, and programs
/// in `path` only.
fn examine(directory: &Path, path: &Path, arguments: &[&str]) -> Command {
    let mut command = godwit(&["doctor"]);
    command
        .env("PATH", path)
        .env("GODWIT_OPENFLOW", "127.0.0.1:0")
        .env("GODWIT_HTTP", "127.0.0.1:0")
        .env("GODWIT_DATA_DIR", directory.join("data"))
        .args(arguments);
    command
}

fn findings(command: &mut Command) -> (Option<i32>, Vec<Value>) {
    let (status, out, err) = ended(&command.arg("--json").output().unwrap());
    assert_eq!(err, "");
    (status, serde_json::from_str(&out).unwrap())
}

fn about<'a>(findings: &'a [Value], check: &str) -> &'a Value {
    let found = findings.iter().find(|finding| finding["check"] == check);
    found.unwrap_or_else(|| panic!("nothing about {check}: {findings:?}"))
}

#[test]
fn a_machine_without_open_vswitch_is_fit_and_says_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let (status, all) = findings(&mut examine(directory.path(), &empty, &[]));
    assert_eq!(status, Some(0), "{all:?}");
    let switch = about(&all, "Open vSwitch");
    assert_eq!(switch["status"], "warn");
    let mend = switch["mend"].as_str().unwrap();
    assert!(mend.contains("apt install openvswitch-switch"), "{mend}");
    assert_eq!(about(&all, "configuration")["status"], "ok");
    let data = about(&all, "data directory");
    assert_eq!(data["status"], "ok");
    assert!(
        !directory.path().join("data").exists(),
        "it changes nothing"
    );
    for check in ["versions", "clock"] {
        assert!(about(&all, check)["detail"].is_string());
    }
}

#[test]
fn a_port_that_is_taken_fails_and_names_who_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let holder = format!("(process {})", std::process::id());

    let arguments = ["--openflow", address.as_str()];
    let (status, all) = findings(&mut examine(directory.path(), directory.path(), &arguments));
    assert_eq!(status, Some(1));
    let port = about(&all, &format!("OpenFlow {address}"));
    assert_eq!(port["status"], "fail");
    assert!(port["detail"].as_str().unwrap().contains(&holder), "{port}");
    assert!(port["mend"].as_str().unwrap().contains("kill"), "{port}");

    let output = examine(directory.path(), directory.path(), &arguments).output();
    let (status, out, _) = ended(&output.unwrap());
    assert_eq!(status, Some(1));
    let line = out.lines().find(|line| line.starts_with("fail")).unwrap();
    assert!(line.contains(&address) && line.contains(&holder), "{out}");

    // A controller that is started all the same says the same.
    for (flag, other) in [("--openflow", "--http"), ("--http", "--openflow")] {
        let run = godwit(&["run", flag, &address, other, "127.0.0.1:0", "--data-dir"])
            .arg(directory.path().join("data"))
            .output();
        let (status, _, err) = ended(&run.unwrap());
        assert_eq!(status, Some(1));
        for part in [&address, &holder, flag, "kill"] {
            assert!(err.contains(part), "{part}: {err}");
        }
    }
}

#[test]
fn the_ports_and_the_directory_of_a_controller_that_runs_are_as_they_should_be() {
    let directory = tempfile::tempdir().unwrap();
    let running = Running::start(directory.path(), &[], &[]);
    let openflow = running.address("OpenFlow");
    let arguments = ["--openflow", openflow.as_str()];
    let (status, all) = findings(&mut examine(directory.path(), directory.path(), &arguments));
    assert_eq!(status, Some(0), "{all:?}");
    let detail = &about(&all, &format!("OpenFlow {openflow}"))["detail"];
    let holder = format!("`godwit` (process {})", running.child.id());
    assert!(detail.as_str().unwrap().contains(&holder), "{detail}");
    let detail = &about(&all, "data directory")["detail"];
    assert!(detail.as_str().unwrap().contains("in use by a controller"));
}

#[test]
fn a_wrong_file_fails_and_the_rest_is_examined_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("godwit.toml");
    std::fs::write(&file, "nonsense = 1\n").unwrap();
    let arguments = ["--config", file.to_str().unwrap()];
    let (status, all) = findings(&mut examine(directory.path(), directory.path(), &arguments));
    assert_eq!(status, Some(1));
    let found = about(&all, "configuration");
    assert!(found["detail"].as_str().unwrap().contains("godwit.toml:1:"));
    about(&all, "data directory");
}

/// A program that answers as `ovs-vsctl` does.
fn imitation(directory: &Path, script: &str) {
    let path = directory.join("ovs-vsctl");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn the_bridges_of_this_machine_are_examined() {
    let directory = tempfile::tempdir().unwrap();
    imitation(
        directory.path(),
        r#"case "$*" in
  --version) echo "ovs-vsctl (Open vSwitch) 3.1.0" ;;
  *Bridge) echo '{"data":[["s1","standalone",["set",[]],"",["uuid","a"]],["s2","secure","OpenFlow14","",["set",[]]]],"headings":[]}' ;;
  *Controller) echo '{"data":[[["uuid","a"],"tcp:127.0.0.1:6653",false]],"headings":[]}' ;;
esac"#,
    );
    let (status, all) = findings(&mut examine(directory.path(), directory.path(), &[]));
    assert_eq!(status, Some(1));
    assert_eq!(about(&all, "Open vSwitch")["detail"], "3.1.0, runs");
    about(&all, "datapath");
    let (one, two) = (about(&all, "bridge s1"), about(&all, "bridge s2"));
    assert_eq!(
        (&one["status"], &two["status"]),
        (&"warn".into(), &"fail".into())
    );
    assert!(
        one["mend"]
            .as_str()
            .unwrap()
            .contains("set-fail-mode s1 secure")
    );
    assert!(
        two["mend"]
            .as_str()
            .unwrap()
            .contains("protocols=OpenFlow10,OpenFlow13")
    );
}

#[test]
fn an_open_vswitch_that_does_not_run_fails() {
    let directory = tempfile::tempdir().unwrap();
    imitation(
        directory.path(),
        r#"if [ "$*" = --version ]; then echo "ovs-vsctl (Open vSwitch) 3.1.0"; exit; fi
echo "ovs-vsctl: unix:/var/run/openvswitch/db.sock: database connection failed (No such file or directory)" >&2
exit 1"#,
    );
    let (status, all) = findings(&mut examine(directory.path(), directory.path(), &[]));
    assert_eq!(status, Some(1));
    let found = about(&all, "Open vSwitch");
    assert!(
        found["detail"]
            .as_str()
            .unwrap()
            .contains("database connection failed")
    );
    assert!(found["mend"].as_str().unwrap().contains("start it"));
}
