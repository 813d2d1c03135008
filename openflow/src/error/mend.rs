//! What mends a request that a switch has refused.

/// What an error of this name says in plain words, with what to do about it, where that can be said without the request.
/// Both versions use the same name for the same fault.
pub(super) fn mend(code: &str) -> Option<&'static str> {
    Some(match code {
        "OFPBAC_BAD_OUT_GROUP" => "there is no such group: make it first",
        "OFPMMFC_INVALID_METER" | "OFPMMFC_UNKNOWN_METER" => {
            "there is no such meter: make it first"
        }
        "OFPMMFC_OUT_OF_METERS" => "the switch has no room for another meter: take one away",
        "OFPBAC_BAD_OUT_PORT" => {
            "there is no such port, or nothing can be sent to it: name one of the switch's ports"
        }
        "OFPBAC_BAD_QUEUE" => "there is no such queue at the port: make it first",
        "OFPBAC_BAD_SET_TYPE" | "OFPBAC_BAD_SET_LEN" => "this field can't be set: set another",
        "OFPBAC_BAD_SET_ARGUMENT" => "this field can't be set, or not to this value: set another",
        "OFPBAC_MATCH_INCONSISTENT" => {
            "an action needs packets of a kind that the match doesn't ask for: to set tcp_dst, match eth_type and ip_proto too"
        }
        "OFPBAC_BAD_ARGUMENT" => {
            "an action has a value that the switch doesn't take: choose another"
        }
        "OFPBAC_BAD_TYPE"
        | "OFPBAC_BAD_EXPERIMENTER"
        | "OFPBAC_BAD_VENDOR"
        | "OFPBAC_BAD_VENDOR_TYPE"
        | "OFPBAC_BAD_EXP_TYPE"
        | "OFPBAC_UNSUPPORTED_ORDER" => "the switch doesn't have such an action: leave it out",
        "OFPBAC_TOO_MANY" => "these are more actions than the switch takes: use fewer",
        "OFPBIC_UNKNOWN_INST" | "OFPBIC_UNSUP_INST" => {
            "the switch doesn't have such an instruction in this table: leave it out"
        }
        "OFPBIC_BAD_TABLE_ID" => "`goto_table` has to lead to a later table that the switch has",
        "OFPFMFC_BAD_TABLE_ID" => "the switch doesn't have such a table: choose another",
        "OFPFMFC_TABLE_FULL" | "OFPFMFC_ALL_TABLES_FULL" => {
            "the table is full: take entries away, or use another table"
        }
        "OFPFMFC_OVERLAP" => {
            "an entry of the same priority matches some of the same packets: choose another priority, or don't ask for \
             the check of overlaps (flag 2)"
        }
        "OFPFMFC_EPERM" | "OFPBRC_EPERM" => {
            "the switch doesn't let controllers do this: use another table"
        }
        "OFPFMFC_UNSUPPORTED" => {
            "the switch can't do these actions in this order: use fewer, or another order"
        }
        "OFPBMC_BAD_FIELD" | "OFPBMC_BAD_TYPE" => {
            "the switch can't match one of the fields: leave it out"
        }
        "OFPBMC_BAD_VALUE" => {
            "the switch doesn't take the value of one of the fields: choose another"
        }
        "OFPBMC_BAD_MASK"
        | "OFPBMC_BAD_NW_ADDR_MASK"
        | "OFPBMC_BAD_DL_ADDR_MASK"
        | "OFPBMC_BAD_WILDCARDS" => {
            "the switch doesn't take this mask: match the field exactly, or not"
        }
        "OFPBMC_BAD_PREREQ" => "one of the fields needs another that is missing",
        _ => return None,
    })
}
