//! `godwit config`, and the order in which flags, environment, file and defaults go.

use std::path::PathBuf;

use super::{ended, godwit};

/// A file in a directory that lasts as long as the first value.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("godwit.toml");
    std::fs::write(&path, text).unwrap();
    (directory, path)
}

#[test]
fn a_wrong_file_is_refused_with_its_line_by_check_and_by_run() {
    for (text, line, why) in [
        ("\nhtpp = \"127.0.0.1:1\"\n", 2, "unknown key `htpp`"),
        ("# x\n\nhttp = 8080\n", 3, "expected a string"),
        (
            "openflow = [\n  \"0.0.0.0\",\n]\n",
            2,
            "expected ADDRESS:PORT",
        ),
        (
            "log = \"info\"\napps = [\"migration\"]\n",
            2,
            "needs `routing`",
        ),
        ("log = \"info\n", 1, "string"),
        ("log = \"chatty\"\n", 1, "`chatty` is no level"),
    ] {
        let (_directory, path) = file(text);
        let path = path.to_str().unwrap();
        let place = format!("{path}:{line}: ");
        for arguments in [["config", "check", path], ["run", "--config", path]] {
            let (status, out, err) = ended(&godwit(&arguments).output().unwrap());
            assert_eq!(
                (status, out.as_str()),
                (Some(1), ""),
                "{arguments:?}: {err}"
            );
            assert!(err.contains(&place) && err.contains(why), "{text}: {err}");
        }
    }
}

#[test]
fn a_file_that_is_right_is_said_to_be_so_and_one_that_is_missing_is_not() {
    let (directory, path) = file("log = \"warn\"\n");
    let path = path.to_str().unwrap();
    let (status, out, _) = ended(&godwit(&["config", "check", path]).output().unwrap());
    assert_eq!((status, out), (Some(0), format!("{path} is right\n")));
    let mut check = godwit(&["config", "check"]);
    let (status, out, _) = ended(&check.env("GODWIT_CONFIG", path).output().unwrap());
    assert_eq!((status, out), (Some(0), format!("{path} is right\n")));

    let missing = directory.path().join("other.toml");
    let missing = missing.to_str().unwrap();
    let (status, _, err) = ended(&godwit(&["config", "check", missing]).output().unwrap());
    assert_eq!(status, Some(1));
    assert!(
        err.contains(missing) && err.contains("can't be read"),
        "{err}"
    );
}

#[test]
fn flags_go_over_the_environment_the_environment_over_the_file_the_file_over_defaults() {
    let (_directory, path) =
        file("http = \"127.0.0.1:1\"\nlog = \"warn\"\ndata_dir = \"/from/file\"\n");
    let path = path.to_str().unwrap();
    let mut show = godwit(&["config", "show", "--config", path, "--json"]);
    show.args(["--http", "127.0.0.1:3"])
        .env("GODWIT_HTTP", "127.0.0.1:2")
        .env("GODWIT_LOG", "debug");
    let (status, out, err) = ended(&show.output().unwrap());
    assert_eq!((status, err.as_str()), (Some(0), ""));
    let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
    let entry = |key: &str| {
        let [value, from] = ["value", "from"].map(|part| shown[key][part].as_str());
        (
            value.unwrap_or_default().to_owned(),
            from.unwrap().to_owned(),
        )
    };
    let expected = |value: &str, from: &str| (value.to_owned(), from.to_owned());
    assert_eq!(entry("http"), expected("127.0.0.1:3", "--http"));
    assert_eq!(entry("log"), expected("debug", "GODWIT_LOG"));
    assert_eq!(
        entry("data_dir"),
        expected("/from/file", &format!("{path}:3"))
    );
    assert_eq!(shown["openflow"]["from"], "default");
    assert_eq!(shown["openflow"]["value"][0], "0.0.0.0:6653");
}

#[test]
fn what_is_shown_can_be_used_as_a_file() {
    let (_directory, path) = file("openflow = [\"127.0.0.1:7\"]\n");
    let show = |path: &str| {
        let output = godwit(&["config", "show", "--config", path]).output();
        let (status, out, err) = ended(&output.unwrap());
        assert_eq!(status, Some(0), "{err}");
        out
    };
    let first = show(path.to_str().unwrap());
    let (_other, copy) = file(&first);
    let values = |text: &str| -> Vec<String> {
        let lines = text.lines().map(|line| line.split('#').next().unwrap());
        lines.map(|line| line.trim().to_owned()).collect()
    };
    assert_eq!(values(&show(copy.to_str().unwrap())), values(&first));
}

#[test]
fn a_wrong_flag_or_variable_is_wrong_usage() {
    let (status, _, err) = ended(&godwit(&["run", "--http", "8080"]).output().unwrap());
    assert_eq!(status, Some(2));
    assert!(
        err.contains("--http") && err.contains("ADDRESS:PORT"),
        "{err}"
    );
    let mut show = godwit(&["config", "show"]);
    let (status, _, err) = ended(&show.env("GODWIT_LOG", "loud").output().unwrap());
    assert_eq!(status, Some(2));
    assert!(err.contains("`loud` is no level"), "{err}");
}
