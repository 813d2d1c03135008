use std::collections::BTreeSet;

use super::*;

#[test]
fn each_version_has_its_own_numbers() {
    let flow_mod = (Some("OFPET_FLOW_MOD_FAILED"), Some("OFPFMFC_OVERLAP"));
    assert_eq!(names(Version::V10, 3, 1), flow_mod);
    assert_eq!(names(Version::V13, 5, 3), flow_mod);
    assert_eq!(
        names(Version::V13, 13, 5),
        (Some("OFPET_TABLE_FEATURES_FAILED"), Some("OFPTFFC_EPERM"))
    );
}

#[test]
fn what_a_version_does_not_define_has_no_name() {
    assert_eq!(names(Version::V10, 6, 0), (None, None));
    assert_eq!(names(Version::V13, 14, 0), (None, None));
    assert_eq!(
        names(Version::V10, 0, 2),
        (Some("OFPET_HELLO_FAILED"), None)
    );
    assert_eq!(
        names(Version::V13, 0xffff, 0),
        (Some("OFPET_EXPERIMENTER"), None)
    );
    assert_eq!(names(Version::V10, 0xffff, 0), (None, None));
    assert_eq!(names(Version::V10, 0xffff, 2300), (None, None));
}

#[test]
fn the_errors_of_the_onf_have_the_names_that_later_versions_gave_them() {
    for (exp_type, name) in [
        (2299, None),
        (2300, Some("OFPBFC_UNKNOWN")),
        (2302, Some("OFPBFC_BAD_ID")),
        (2313, Some("OFPBFC_MSG_FAILED")),
        (2315, Some("OFPBFC_BUNDLE_IN_PROGRESS")),
        (2316, None),
        (4442, None),
        (4443, Some("OFPBPC_TOO_MANY")),
        (4448, Some("OFPBPC_EPERM")),
        (4449, None),
        (u16::MAX, None),
    ] {
        assert_eq!(
            names(Version::V13, 0xffff, exp_type),
            (Some("OFPET_EXPERIMENTER"), name)
        );
    }
}

#[test]
fn no_code_is_named_twice_and_the_codes_of_a_type_share_their_prefix() {
    for table in [V10, V13] {
        let mut seen = BTreeSet::new();
        for (name, codes) in table {
            let prefix = codes[0].split('_').next();
            for code in *codes {
                assert!(seen.insert(code), "{name} {code}");
                assert_eq!(code.split('_').next(), prefix, "{name}");
            }
        }
    }
}

/// A row of `tests/vectors/error_names.txt`: version, type, code, and their names; `-` where there is none.
fn row(line: &str) -> (Version, u16, Option<u16>, &str, Option<&str>) {
    let [version, error_type, code, type_name, name] =
        *line.split(' ').collect::<Vec<_>>().as_slice()
    else {
        panic!("{line}");
    };
    (
        version.parse().unwrap(),
        error_type.parse().unwrap(),
        code.parse().ok(),
        type_name,
        Some(name).filter(|&name| name != "-"),
    )
}

#[test]
fn the_names_are_those_of_another_implementation_all_and_no_others() {
    let rows: Vec<_> = include_str!("../../../tests/vectors/error_names.txt")
        .lines()
        .map(row)
        .collect();
    for &(version, error_type, code, type_name, name) in &rows {
        let named = names(version, error_type, code.unwrap_or_default());
        assert_eq!(named, (Some(type_name), name), "{version} {error_type}");
    }
    for (version, table) in [(Version::V10, V10), (Version::V13, V13)] {
        let ours: usize = table.iter().map(|(_, codes)| codes.len()).sum();
        let theirs = rows
            .iter()
            .filter(|(other, _, code, ..)| *other == version && code.is_some())
            .count();
        assert_eq!(ours, theirs, "{version}");
    }
}
