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
