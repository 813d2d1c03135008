//! Completions, manual pages, `make install`, the unit of systemd and the package.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{ended, godwit, has, text};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn printed(arguments: &[&str]) -> Vec<u8> {
    let output = godwit(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    output.stdout
}

#[test]
fn completions_are_for_each_shell_and_parse_where_the_shell_is_there() {
    let directory = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = printed(&["completions", shell]);
        for word in ["migrate", "doctor", "freeze-copy"] {
            assert!(text(&script).contains(word), "{shell}: no {word}");
        }
        if has(shell) {
            let path = directory.path().join(shell);
            fs::write(&path, script).unwrap();
            let parsed = Command::new(shell).arg("-n").arg(path).output().unwrap();
            let (status, _, err) = ended(&parsed);
            assert_eq!((status, err.as_str()), (Some(0), ""), "{shell}");
        }
    }
    let output = godwit(&["completions", "tcsh"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// A manual page as a person reads it.
fn rendered(page: &Path) -> Option<String> {
    if !has("man") || !has("groff") {
        return None;
    }
    let output = Command::new("man")
        .args(["--warnings", "--local-file"])
        .arg(page)
        .env("MANWIDTH", "100")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (status, out, err) = ended(&output);
    assert_eq!((status, err.as_str()), (Some(0), ""), "{}", page.display());
    Some(out)
}

#[test]
fn the_manual_renders_and_has_a_page_for_every_command() {
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man");
    assert_eq!(printed(&["man", "--to", pages.to_str().unwrap()]), b"");
    let names: BTreeSet<String> = fs::read_dir(&pages)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in [
        "run",
        "migrate",
        "config-check",
        "route-add",
        "doctor",
        "wait",
    ] {
        assert!(names.contains(&format!("godwit-{name}.1")), "{names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("help")), "{names:?}");
    assert_eq!(fs::read(pages.join("godwit.1")).unwrap(), printed(&["man"]));

    if let Some(page) = rendered(&pages.join("godwit.1")) {
        for part in [
            "EXIT STATUS",
            "SIGHUP",
            "GODWIT_DATA_DIR",
            "/etc/godwit/godwit.toml",
            "godwit-migrate(1)",
        ] {
            assert!(page.contains(part), "no {part}: {page}");
        }
        let run = rendered(&pages.join("godwit-run.1")).unwrap();
        assert!(run.contains("--data-dir"), "{run}");
    }
}

/// All files below a directory.
fn files(below: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![below.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let relative = path.strip_prefix(below).unwrap();
                found.insert(relative.to_str().unwrap().to_owned());
            }
        }
    }
    found
}

fn make(target: &str, directory: &Path) {
    let made = Command::new("make")
        .args(["--silent", target, "PREFIX=/opt/x", "SYSCONFDIR=/opt/etc"])
        .arg(format!("DESTDIR={}", directory.display()))
        .arg(format!("PROGRAM={}", env!("CARGO_BIN_EXE_godwit")))
        .arg(format!(
            "GENERATED={}",
            directory.join("generated").display()
        ))
        .current_dir(ROOT)
        // What another make around this test says is not for this one.
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .output()
        .unwrap();
    let (status, _, err) = ended(&made);
    assert_eq!((status, err.as_str()), (Some(0), ""));
}

#[test]
fn what_make_install_puts_there_make_uninstall_takes_away_but_for_the_configuration() {
    if !has("make") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("opt");
    make("install", directory.path());
    let installed = files(&root);
    for file in [
        "x/bin/godwit",
        "x/share/man/man1/godwit.1",
        "x/share/man/man1/godwit-run.1",
        "x/share/bash-completion/completions/godwit",
        "x/share/zsh/site-functions/_godwit",
        "x/share/fish/vendor_completions.d/godwit.fish",
        "x/lib/systemd/system/godwit.service",
        "etc/godwit/godwit.toml",
    ] {
        assert!(installed.contains(file), "no {file}: {installed:?}");
    }
    let unit = fs::read_to_string(root.join("x/lib/systemd/system/godwit.service")).unwrap();
    let start = "\nExecStart=/opt/x/bin/godwit run --config /opt/etc/godwit/godwit.toml\n";
    assert!(unit.contains(start), "{unit}");
    assert!(!unit.contains("/usr/bin/godwit"), "{unit}");

    let configuration = root.join("etc/godwit/godwit.toml");
    fs::write(&configuration, "log = \"warn\"\n").unwrap();
    make("install", directory.path());
    assert_eq!(fs::read(&configuration).unwrap(), b"log = \"warn\"\n");

    make("uninstall", directory.path());
    let left: Vec<_> = files(&root).into_iter().collect();
    assert_eq!(left, ["etc/godwit/godwit.toml"]);
}

#[test]
fn the_unit_is_one_that_systemd_understands() {
    if !has("systemd-analyze") {
        return;
    }
    // Its program stands elsewhere here, and the manual is not installed.
    let unit = fs::read_to_string(format!("{ROOT}/packaging/godwit.service")).unwrap();
    let unit: Vec<_> = unit
        .lines()
        .filter(|line| !line.starts_with("Documentation="))
        .map(|line| line.replace("/usr/bin/godwit", env!("CARGO_BIN_EXE_godwit")))
        .collect();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("godwit.service");
    fs::write(&path, unit.join("\n")).unwrap();
    let output = Command::new("systemd-analyze")
        .arg("verify")
        .arg(path)
        .output();
    // Other units of the machine may have faults of their own.
    let (_, _, err) = ended(&output.unwrap());
    let faults: Vec<_> = err.lines().filter(|line| line.contains("godwit")).collect();
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn the_package_has_what_is_installed() {
    let manifest = fs::read_to_string(format!("{ROOT}/Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let package = &manifest["package"]["metadata"]["deb"];
    let assets: Vec<[&str; 3]> = package["assets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|asset| [0, 1, 2].map(|part| asset[part].as_str().unwrap()))
        .collect();
    for [source, _, mode] in &assets {
        let made = source.starts_with("target/release/") || source.starts_with("target/generated/");
        assert!(
            made || PathBuf::from(ROOT).join(source).is_file(),
            "{source}"
        );
        assert!(["644", "755"].contains(mode), "{source}");
    }
    let goes_to = |directory: &str| {
        let mut targets = assets.iter().map(|[_, to, _]| to);
        assert!(targets.any(|to| to.starts_with(directory)), "{directory}");
    };
    for directory in [
        "usr/bin/",
        "usr/share/man/man1/",
        "usr/share/bash-completion/completions/godwit",
        "usr/share/zsh/vendor-completions/_godwit",
        "usr/share/fish/vendor_completions.d/",
        "etc/godwit/",
    ] {
        goes_to(directory);
    }
    assert_eq!(
        package["conf-files"][0].as_str(),
        Some("/etc/godwit/godwit.toml")
    );
    let units = package["systemd-units"]["unit-scripts"].as_str().unwrap();
    assert!(
        PathBuf::from(ROOT)
            .join(units)
            .join("godwit.service")
            .is_file()
    );
}
