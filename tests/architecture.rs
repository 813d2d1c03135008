//! The layout of the workspace, as ARCHITECTURE.md has it: dependencies point one way, and what a crate is for
//! stays in it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking; clippy knows that only of functions marked as tests"
)]

use std::collections::BTreeSet;
use std::process::Command;

/// Crate, and those of the workspace that it may use.
const MAY_USE: [(&str, &[&str]); 8] = [
    ("godwit-openflow", &[]),
    ("godwit-probe", &["godwit-openflow"]),
    ("godwit-samples", &["godwit-openflow", "godwit-topology"]),
    ("godwit-topology", &["godwit-openflow"]),
    ("godwit-controller", &["godwit-openflow", "godwit-topology"]),
    (
        "godwit-apps",
        &["godwit-openflow", "godwit-topology", "godwit-controller"],
    ),
    (
        "godwit",
        &[
            "godwit-openflow",
            "godwit-topology",
            "godwit-controller",
            "godwit-apps",
        ],
    ),
    // A program of somebody who adds an app.
    (
        "godwit-panicking",
        &["godwit", "godwit-controller", "godwit-openflow"],
    ),
];

/// Library, and the only crates that may depend on it.
const ONLY_IN: [(&str, &[&str]); 4] = [
    ("nom", &["godwit-openflow"]),
    ("petgraph", &["godwit-topology"]),
    ("axum", &["godwit-controller", "godwit-apps"]),
    ("dashmap", &["godwit-controller"]),
];

/// Every crate of the workspace with the names that it depends on, for the program itself.
fn dependencies() -> Vec<(String, BTreeSet<String>)> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |value: &serde_json::Value| value["name"].as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let all = package["dependencies"].as_array().unwrap().iter();
            (
                name(package),
                all.filter(|dependency| dependency["kind"].is_null())
                    .map(name)
                    .collect(),
            )
        })
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    let crates = dependencies();
    assert_eq!(crates.len(), MAY_USE.len());
    for (name, uses) in crates {
        let (_, allowed) = MAY_USE
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("{name} is new"));
        let inside = uses.iter().filter(|used| used.starts_with("godwit"));
        let wrong: Vec<_> = inside
            .filter(|used| !allowed.contains(&used.as_str()))
            .collect();
        assert!(wrong.is_empty(), "{name} uses {wrong:?}");
    }
}

#[test]
fn what_a_library_is_for_stays_in_its_crate() {
    for (name, uses) in dependencies() {
        for (library, allowed) in ONLY_IN {
            let fine = !uses.contains(library) || allowed.contains(&name.as_str());
            assert!(fine, "{name} depends on {library}");
        }
    }
}

/// What is served outside of `Routes` would be missing in `GET /openapi.json`.
#[test]
fn routes_are_registered_in_one_place_which_also_describes_them() {
    let output = Command::new("git")
        .args([
            "grep",
            "--no-index",
            "-lE",
            r"Router::new\(|\.route\(.*(get|post|put|delete)\(|\.nest\(",
        ])
        .args(["--", "controller/src", "apps/src", "src"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    assert_eq!(found.trim(), "controller/src/rest/routes.rs");
}
