//! The names that the specifications give to error types and codes.

#[cfg(test)]
mod tests;

use crate::types::Version;

/// The names of an error's type and code, in `version`'s numbering; `None` for what it doesn't define.
///
/// The second field of 1.3's `OFPET_EXPERIMENTER` is not a code but the experimenter's own type. Those of the ONF's
/// extensions have the names that these errors got in the versions that took them over; whose the error is stands in
/// its data, at which this doesn't look.
#[must_use]
pub fn names(
    version: Version,
    error_type: u16,
    code: u16,
) -> (Option<&'static str>, Option<&'static str>) {
    let table: &[ErrorType] = match version {
        Version::V10 => V10,
        Version::V13 => V13,
    };
    match table.get(usize::from(error_type)) {
        Some((name, codes)) => (Some(name), codes.get(usize::from(code)).copied()),
        None if version == Version::V13 && error_type == EXPERIMENTER => {
            (Some("OFPET_EXPERIMENTER"), experimenter_name(code))
        }
        None => (None, None),
    }
}

/// What mends what an error is about, where that can be said.
pub(crate) fn mend(version: Version, error_type: u16, code: u16) -> Option<&'static str> {
    let (_, code) = names(version, error_type, code);
    code.and_then(super::mend::mend)
}

fn experimenter_name(exp_type: u16) -> Option<&'static str> {
    ONF.iter().find_map(|(first, names)| {
        let index = exp_type.checked_sub(*first)?;
        names.get(usize::from(index)).copied()
    })
}

/// An error type and its codes, each at the index of its number.
type ErrorType = (&'static str, &'static [&'static str]);

/// `OFPET_EXPERIMENTER` (OF 1.3.5 §7.5.4).
const EXPERIMENTER: u16 = 0xffff;

/// Types that the ONF's extensions of 1.3 use in experimenter errors: the first of a row, and the names from there on.
const ONF: &[(u16, &[&str])] = &[
    // Bundles (EXT-230).
    (
        2300,
        &[
            "OFPBFC_UNKNOWN",
            "OFPBFC_EPERM",
            "OFPBFC_BAD_ID",
            "OFPBFC_BUNDLE_EXIST",
            "OFPBFC_BUNDLE_CLOSED",
            "OFPBFC_OUT_OF_BUNDLES",
            "OFPBFC_BAD_TYPE",
            "OFPBFC_BAD_FLAGS",
            "OFPBFC_MSG_BAD_LEN",
            "OFPBFC_MSG_BAD_XID",
            "OFPBFC_MSG_UNSUP",
            "OFPBFC_MSG_CONFLICT",
            "OFPBFC_MSG_TOO_MANY",
            "OFPBFC_MSG_FAILED",
            "OFPBFC_TIMEOUT",
            "OFPBFC_BUNDLE_IN_PROGRESS",
        ],
    ),
    // Properties: those that OFPET_TABLE_FEATURES_FAILED has no code for.
    (
        4443,
        &[
            "OFPBPC_TOO_MANY",
            "OFPBPC_DUP_TYPE",
            "OFPBPC_BAD_EXPERIMENTER",
            "OFPBPC_BAD_EXP_TYPE",
            "OFPBPC_BAD_EXP_VALUE",
            "OFPBPC_EPERM",
        ],
    ),
];

/// OF 1.0.2 §5.4.4, ofp_error_type.
const V10: &[ErrorType] = &[
    (
        "OFPET_HELLO_FAILED",
        &["OFPHFC_INCOMPATIBLE", "OFPHFC_EPERM"],
    ),
    (
        "OFPET_BAD_REQUEST",
        &[
            "OFPBRC_BAD_VERSION",
            "OFPBRC_BAD_TYPE",
            "OFPBRC_BAD_STAT",
            "OFPBRC_BAD_VENDOR",
            "OFPBRC_BAD_SUBTYPE",
            "OFPBRC_EPERM",
            "OFPBRC_BAD_LEN",
            "OFPBRC_BUFFER_EMPTY",
            "OFPBRC_BUFFER_UNKNOWN",
        ],
    ),
    (
        "OFPET_BAD_ACTION",
        &[
            "OFPBAC_BAD_TYPE",
            "OFPBAC_BAD_LEN",
            "OFPBAC_BAD_VENDOR",
            "OFPBAC_BAD_VENDOR_TYPE",
            "OFPBAC_BAD_OUT_PORT",
            "OFPBAC_BAD_ARGUMENT",
            "OFPBAC_EPERM",
            "OFPBAC_TOO_MANY",
            "OFPBAC_BAD_QUEUE",
        ],
    ),
    (
        "OFPET_FLOW_MOD_FAILED",
        &[
            "OFPFMFC_ALL_TABLES_FULL",
            "OFPFMFC_OVERLAP",
            "OFPFMFC_EPERM",
            "OFPFMFC_BAD_EMERG_TIMEOUT",
            "OFPFMFC_BAD_COMMAND",
            "OFPFMFC_UNSUPPORTED",
        ],
    ),
    (
        "OFPET_PORT_MOD_FAILED",
        &["OFPPMFC_BAD_PORT", "OFPPMFC_BAD_HW_ADDR"],
    ),
    (
        "OFPET_QUEUE_OP_FAILED",
        &["OFPQOFC_BAD_PORT", "OFPQOFC_BAD_QUEUE", "OFPQOFC_EPERM"],
    ),
];

/// OF 1.3.5 §7.5.4, ofp_error_type.
const V13: &[ErrorType] = &[
    (
        "OFPET_HELLO_FAILED",
        &["OFPHFC_INCOMPATIBLE", "OFPHFC_EPERM"],
    ),
    (
        "OFPET_BAD_REQUEST",
        &[
            "OFPBRC_BAD_VERSION",
            "OFPBRC_BAD_TYPE",
            "OFPBRC_BAD_MULTIPART",
            "OFPBRC_BAD_EXPERIMENTER",
            "OFPBRC_BAD_EXP_TYPE",
            "OFPBRC_EPERM",
            "OFPBRC_BAD_LEN",
            "OFPBRC_BUFFER_EMPTY",
            "OFPBRC_BUFFER_UNKNOWN",
            "OFPBRC_BAD_TABLE_ID",
            "OFPBRC_IS_SLAVE",
            "OFPBRC_BAD_PORT",
            "OFPBRC_BAD_PACKET",
            "OFPBRC_MULTIPART_BUFFER_OVERFLOW",
        ],
    ),
    (
        "OFPET_BAD_ACTION",
        &[
            "OFPBAC_BAD_TYPE",
            "OFPBAC_BAD_LEN",
            "OFPBAC_BAD_EXPERIMENTER",
            "OFPBAC_BAD_EXP_TYPE",
            "OFPBAC_BAD_OUT_PORT",
            "OFPBAC_BAD_ARGUMENT",
            "OFPBAC_EPERM",
            "OFPBAC_TOO_MANY",
            "OFPBAC_BAD_QUEUE",
            "OFPBAC_BAD_OUT_GROUP",
            "OFPBAC_MATCH_INCONSISTENT",
            "OFPBAC_UNSUPPORTED_ORDER",
            "OFPBAC_BAD_TAG",
            "OFPBAC_BAD_SET_TYPE",
            "OFPBAC_BAD_SET_LEN",
            "OFPBAC_BAD_SET_ARGUMENT",
        ],
    ),
    (
        "OFPET_BAD_INSTRUCTION",
        &[
            "OFPBIC_UNKNOWN_INST",
            "OFPBIC_UNSUP_INST",
            "OFPBIC_BAD_TABLE_ID",
            "OFPBIC_UNSUP_METADATA",
            "OFPBIC_UNSUP_METADATA_MASK",
            "OFPBIC_BAD_EXPERIMENTER",
            "OFPBIC_BAD_EXP_TYPE",
            "OFPBIC_BAD_LEN",
            "OFPBIC_EPERM",
        ],
    ),
    (
        "OFPET_BAD_MATCH",
        &[
            "OFPBMC_BAD_TYPE",
            "OFPBMC_BAD_LEN",
            "OFPBMC_BAD_TAG",
            "OFPBMC_BAD_DL_ADDR_MASK",
            "OFPBMC_BAD_NW_ADDR_MASK",
            "OFPBMC_BAD_WILDCARDS",
            "OFPBMC_BAD_FIELD",
            "OFPBMC_BAD_VALUE",
            "OFPBMC_BAD_MASK",
            "OFPBMC_BAD_PREREQ",
            "OFPBMC_DUP_FIELD",
            "OFPBMC_EPERM",
        ],
    ),
    (
        "OFPET_FLOW_MOD_FAILED",
        &[
            "OFPFMFC_UNKNOWN",
            "OFPFMFC_TABLE_FULL",
            "OFPFMFC_BAD_TABLE_ID",
            "OFPFMFC_OVERLAP",
            "OFPFMFC_EPERM",
            "OFPFMFC_BAD_TIMEOUT",
            "OFPFMFC_BAD_COMMAND",
            "OFPFMFC_BAD_FLAGS",
        ],
    ),
    (
        "OFPET_GROUP_MOD_FAILED",
        &[
            "OFPGMFC_GROUP_EXISTS",
            "OFPGMFC_INVALID_GROUP",
            "OFPGMFC_WEIGHT_UNSUPPORTED",
            "OFPGMFC_OUT_OF_GROUPS",
            "OFPGMFC_OUT_OF_BUCKETS",
            "OFPGMFC_CHAINING_UNSUPPORTED",
            "OFPGMFC_WATCH_UNSUPPORTED",
            "OFPGMFC_LOOP",
            "OFPGMFC_UNKNOWN_GROUP",
            "OFPGMFC_CHAINED_GROUP",
            "OFPGMFC_BAD_TYPE",
            "OFPGMFC_BAD_COMMAND",
            "OFPGMFC_BAD_BUCKET",
            "OFPGMFC_BAD_WATCH",
            "OFPGMFC_EPERM",
        ],
    ),
    (
        "OFPET_PORT_MOD_FAILED",
        &[
            "OFPPMFC_BAD_PORT",
            "OFPPMFC_BAD_HW_ADDR",
            "OFPPMFC_BAD_CONFIG",
            "OFPPMFC_BAD_ADVERTISE",
            "OFPPMFC_EPERM",
        ],
    ),
    (
        "OFPET_TABLE_MOD_FAILED",
        &["OFPTMFC_BAD_TABLE", "OFPTMFC_BAD_CONFIG", "OFPTMFC_EPERM"],
    ),
    (
        "OFPET_QUEUE_OP_FAILED",
        &["OFPQOFC_BAD_PORT", "OFPQOFC_BAD_QUEUE", "OFPQOFC_EPERM"],
    ),
    (
        "OFPET_SWITCH_CONFIG_FAILED",
        &["OFPSCFC_BAD_FLAGS", "OFPSCFC_BAD_LEN", "OFPSCFC_EPERM"],
    ),
    (
        "OFPET_ROLE_REQUEST_FAILED",
        &["OFPRRFC_STALE", "OFPRRFC_UNSUP", "OFPRRFC_BAD_ROLE"],
    ),
    (
        "OFPET_METER_MOD_FAILED",
        &[
            "OFPMMFC_UNKNOWN",
            "OFPMMFC_METER_EXISTS",
            "OFPMMFC_INVALID_METER",
            "OFPMMFC_UNKNOWN_METER",
            "OFPMMFC_BAD_COMMAND",
            "OFPMMFC_BAD_FLAGS",
            "OFPMMFC_BAD_RATE",
            "OFPMMFC_BAD_BURST",
            "OFPMMFC_BAD_BAND",
            "OFPMMFC_BAD_BAND_VALUE",
            "OFPMMFC_OUT_OF_METERS",
            "OFPMMFC_OUT_OF_BANDS",
        ],
    ),
    (
        "OFPET_TABLE_FEATURES_FAILED",
        &[
            "OFPTFFC_BAD_TABLE",
            "OFPTFFC_BAD_METADATA",
            "OFPTFFC_BAD_TYPE",
            "OFPTFFC_BAD_LEN",
            "OFPTFFC_BAD_ARGUMENT",
            "OFPTFFC_EPERM",
        ],
    ),
];
