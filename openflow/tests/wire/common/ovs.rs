//! `ovs-ofctl ofp-print` reads what is written here, and prints what was meant.

use std::process::Command;

use bytes::Bytes;

use super::{Message, Named, Wire, hex};

/// What Open vSwitch prints of the message, which must be right; `None`, with the reason printed, where Open
/// vSwitch is not installed.
pub(crate) fn accepted(name: &str, bytes: &Bytes) -> Option<String> {
    let output = match Command::new("ovs-ofctl")
        .args(["ofp-print", &hex(bytes)])
        .output()
    {
        Ok(output) => output,
        Err(error) => {
            eprintln!("skipped: ovs-ofctl can't be run: {error}");
            return None;
        }
    };
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{name}: {text}");
    let whole = !text.contains("***") && !text.contains("OFPT_ERROR");
    // What an error says was refused is the beginning of a message, which is printed as cut.
    let right = (whole || name == "error") && !text.contains("decode error");
    assert!(right, "{name}: {text}{}", hex(bytes));
    Some(text)
}

/// All messages but those whose names are `foreign` are accepted.
pub(crate) fn check_all<M: Message>(wire: Wire, messages: Named<M>, foreign: &[&str]) {
    for (name, message) in messages {
        if foreign.contains(&name) {
            continue;
        }
        if accepted(name, &wire.encode(&message).expect("expressible")).is_none() {
            return;
        }
    }
}

/// Of the messages of these names is printed what is said of each.
pub(crate) fn check_meanings<M: Message>(
    wire: Wire,
    messages: &Named<M>,
    meanings: &[(&str, &str)],
) {
    for (name, meaning) in meanings {
        let (_, message) = messages
            .iter()
            .find(|(other, _)| other == name)
            .expect("a vector");
        let Some(text) = accepted(name, &wire.encode(message).expect("expressible")) else {
            return;
        };
        assert!(text.contains(meaning), "{name}: {text}");
    }
}
