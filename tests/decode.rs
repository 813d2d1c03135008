//! `godwit decode` as a person or a script starts it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking; clippy knows that only of functions marked as tests"
)]

#[path = "decode/captures.rs"]
mod captures;
#[path = "decode/running.rs"]
mod running;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use captures::{ETHERNET, FORMS, Form, Sender};
use running::{
    ECHO_REQUEST, FEATURES_REQUEST, HELLO, Ran, SHORT_FEATURES_REPLY, bytes, decode, file,
    handshake, ran, ran_on, ran_with_input,
};
use serde_json::Value;

#[test]
fn every_form_of_capture_gives_the_messages() {
    for form in FORMS {
        let packets = handshake(6653);
        for content in [
            form.pcap(ETHERNET, &packets),
            form.pcapng(ETHERNET, &packets),
        ] {
            let ran = ran_on(&content, &["--json"]);
            assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{form:?}");
            let lines = ran.json();
            let member = |name: &str| -> Vec<&str> {
                lines
                    .iter()
                    .map(|line| line[name].as_str().unwrap())
                    .collect()
            };
            assert_eq!(
                member("type"),
                ["hello", "hello", "features_request", "echo_request"]
            );
            assert_eq!(member("to"), ["controller", "switch", "switch", "switch"]);
            let (switch, controller) = ("10.0.0.9:40000", "10.0.0.1:6653");
            assert_eq!(
                member("from_address"),
                [switch, controller, controller, controller]
            );
            assert_eq!(member("to_address"), [controller, switch, switch, switch]);
            assert_eq!(
                member("time"),
                [form.time(3), form.time(4), form.time(5), form.time(5)]
            );
            assert_eq!(member("version"), ["1.3"; 4]);
            assert_eq!(ran.xids(), [1, 1, 2, 3]);
        }
    }
}

#[test]
fn in_words_a_line_has_time_ends_and_direction() {
    let ran = ran_on(&FORMS[0].pcap(ETHERNET, &handshake(6653)), &[]);
    assert_eq!((ran.status, ran.lines.len()), (0, 4));
    let start = "2023-11-14T22:13:20.000005Z 10.0.0.1:6653 > 10.0.0.9:40000 to switch: ";
    assert!(ran.lines[2].starts_with(start), "{}", ran.lines[2]);
    assert!(
        ran.lines[2].to_lowercase().contains("features_request"),
        "{}",
        ran.lines[2]
    );
}

#[test]
fn packets_without_a_time_are_read() {
    for form in FORMS {
        let ran = ran_on(&form.simple_pcapng(ETHERNET, &handshake(6653)), &["--json"]);
        assert_eq!(
            (ran.status, ran.xids()),
            (0, vec![1, 1, 2, 3]),
            "{}",
            ran.err
        );
        assert_eq!(ran.json()[0]["time"], Value::Null);
    }
}

#[test]
fn the_order_of_packets_and_their_repetition_change_nothing() {
    let mut switch = Sender::switch(6633);
    let mut packets = vec![switch.syn(false)];
    packets.extend((0..40_u32).map(|xid| {
        let [_, _, _, low] = xid.to_be_bytes();
        switch.data(&[bytes("0402000c000000"), vec![low], bytes("61626364")].concat())
    }));
    packets[1..].reverse();
    packets[5..30].rotate_left(9);
    packets.extend_from_within(7..20);
    let ran = ran_on(&FORMS[1].pcapng(ETHERNET, &packets), &["--json"]);
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert_eq!(ran.xids(), (0..40).collect::<Vec<_>>());
}

#[test]
fn a_message_that_can_not_be_decoded_is_reported_and_the_stream_goes_on() {
    let mut switch = Sender::switch(6653);
    let all = bytes(&format!("{HELLO}{SHORT_FEATURES_REPLY}{ECHO_REQUEST}"));
    let content = FORMS[0].pcap(ETHERNET, &[switch.syn(false), switch.data(&all)]);
    let ran = ran_on(&content, &["--json"]);
    assert_eq!((ran.status, ran.xids()), (1, vec![1, 3]));
    let error = &ran.json()[1]["error"];
    assert_eq!(
        (&error["type"], &error["xid"]),
        (&Value::from(6), &Value::from(2))
    );
    assert!(
        error["field"].is_string() && error["offset"].is_u64(),
        "{error}"
    );
    let ran = ran_on(&content, &[]);
    assert!(
        ran.lines[1].contains(": error: message type 6 (version 0x04): "),
        "{}",
        ran.lines[1]
    );
}

#[test]
fn a_gap_is_reported_and_what_follows_is_read() {
    let (mut switch, mut controller) = (Sender::switch(6653), Sender::controller(6653));
    let mut packets = vec![switch.syn(false), switch.data(&bytes(HELLO))];
    let lost = switch.data(&bytes(ECHO_REQUEST));
    packets.extend([switch.data(&bytes(ECHO_REQUEST)), controller.syn(true)]);
    let ran = ran_on(&FORMS[0].pcap(ETHERNET, &packets), &["--json"]);
    assert_eq!((ran.status, ran.xids()), (1, vec![1, 3]));
    let error = ran.json()[1]["error"]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        error.starts_with("12 bytes are missing from the capture at byte 8"),
        "{error}"
    );
    packets.push(lost);
    let ran = ran_on(&FORMS[0].pcap(ETHERNET, &packets), &["--json"]);
    assert_eq!((ran.status, ran.xids()), (0, vec![1, 3, 3]));
}

#[test]
fn a_capture_that_begins_within_a_connection_is_read_from_the_next_message_on() {
    let mut switch = Sender::switch(6653);
    let packets = [
        switch.data(&bytes("eeeeeeeeeeeeeeeeeeeeeeee")),
        switch.data(&bytes(ECHO_REQUEST)),
        switch.data(&bytes(ECHO_REQUEST)[..9]),
    ];
    let ran = ran_on(&FORMS[0].pcap(ETHERNET, &packets), &["--json"]);
    assert_eq!((ran.status, ran.xids()), (0, vec![3]));
    let lines = ran.json();
    let note = |line: &Value| line["note"].as_str().unwrap().to_owned();
    assert!(
        note(&lines[0]).starts_with("12 bytes skipped"),
        "{}",
        lines[0]
    );
    assert!(
        note(&lines[2]).contains("9 bytes of it are there of 12"),
        "{}",
        lines[2]
    );
}

#[test]
fn fragments_are_reported() {
    let mut switch = Sender::switch(6653);
    let mut fragment = switch.data(&bytes(HELLO));
    fragment[14 + 6] = 0x20;
    let ran = ran_on(&FORMS[0].pcap(ETHERNET, &[fragment]), &[]);
    assert_eq!((ran.status, ran.lines.len()), (1, 1));
    assert!(
        ran.lines[0].contains("error: a fragment of an IP packet"),
        "{}",
        ran.lines[0]
    );
}

#[test]
fn other_ports_have_to_be_named() {
    let content = FORMS[0].pcap(ETHERNET, &handshake(7000));
    let ran = ran_on(&content, &[]);
    assert_eq!((ran.status, ran.lines.len()), (0, 0));
    assert!(
        ran.err
            .contains("no OpenFlow message on port 6653 or 6633 (6 packets, 6 of them TCP)"),
        "{}",
        ran.err
    );
    let ran = ran_on(&content, &["--port", "7001", "--port", "7000", "--json"]);
    assert_eq!((ran.status, ran.xids()), (0, vec![1, 1, 2, 3]));
}

#[test]
fn what_can_not_be_read_is_said_with_the_reason() {
    let packets = handshake(6653);
    let capture = FORMS[0].pcap(ETHERNET, &packets);
    for (content, reason) in [
        (
            &b"not a capture, not at all: only some text"[..],
            "neither a pcap nor a pcapng capture",
        ),
        (b"", "it is empty"),
        (b"\xd4\xc3", "neither a pcap nor a pcapng capture"),
        (
            &capture[..capture.len() - 1],
            "it ends within a packet, at byte",
        ),
        (
            &FORMS[0].pcap(105, &packets),
            "link type 105 is not read here",
        ),
    ] {
        let ran = ran_on(content, &[]);
        assert_eq!(ran.status, 1, "{}", ran.err);
        assert!(
            ran.err.contains(reason) && ran.err.contains("messages.pcap"),
            "{}",
            ran.err
        );
    }
    let result = ran_on(&capture[..capture.len() - 1], &["--json"]);
    assert_eq!(
        result.xids(),
        [1, 1],
        "what is before the end is still read"
    );

    let directory = tempfile::tempdir().unwrap();
    let result = ran(&[directory.path().to_str().unwrap()]);
    assert_eq!(result.status, 1);
    assert!(result.err.contains("directory"), "{}", result.err);
}

#[test]
fn no_damage_to_a_capture_ends_it_abnormally() {
    let form = Form {
        big_endian: false,
        nanoseconds: true,
    };
    let packets = handshake(6653);
    for capture in [
        form.pcap(ETHERNET, &packets),
        form.pcapng(ETHERNET, &packets),
    ] {
        for index in 0..capture.len().min(240) {
            let mut damaged = capture.clone();
            damaged[index] ^= if index % 2 == 0 { 0xff } else { 0x01 };
            let ran = ran_on(&damaged, &["--json"]);
            assert!(
                ran.status <= 1 && !ran.err.contains("panicked"),
                "byte {index}: {}",
                ran.err
            );
        }
    }
}

#[test]
fn hex_is_decoded_message_by_message() {
    let both = format!("0x{HELLO} 04:05:00:08:00:00:00:02");
    let result = ran(&[&both, "--json"]);
    assert_eq!(
        (result.status, result.xids()),
        (0, vec![1, 2]),
        "{}",
        result.err
    );
    let result = ran(&[&both]);
    assert_eq!(result.lines.len(), 2);
    for (to, expected) in [("switch", "switch"), ("controller", "controller")] {
        let result = ran(&[ECHO_REQUEST, "--json", "--to", to]);
        assert_eq!(result.json()[0]["to"], expected);
    }
}

#[test]
fn hex_that_is_none_is_refused() {
    for (text, reason) in [
        ("040", "an odd number of hex digits"),
        ("nowhere.pcap", "'n' at position 1 is not a hex digit"),
        ("", "no hex digits"),
    ] {
        let result = ran(&[text]);
        assert_eq!((result.status, result.lines.len()), (1, 0));
        assert!(
            result
                .err
                .contains("is neither a file nor a message in hex"),
            "{}",
            result.err
        );
        assert!(result.err.contains(reason), "{}", result.err);
    }
}

#[test]
fn arguments_that_contradict_each_other_are_wrong_usage() {
    let (_directory, path) = file(&FORMS[0].pcap(ETHERNET, &[]));
    for arguments in [
        &[path.to_str().unwrap(), "--to", "switch"][..],
        &[HELLO, "--port", "6653"],
        &[HELLO, "--port", "0"],
        &[HELLO, "--to", "nowhere"],
        &[],
    ] {
        assert_eq!(ran(arguments).status, 2, "{arguments:?}");
    }
}

#[test]
fn lines_of_hex_give_a_line_for_each_message_in_order() {
    let input = [
        HELLO,
        "",
        SHORT_FEATURES_REPLY,
        "04 0",
        "xyz",
        &format!("{FEATURES_REQUEST} {ECHO_REQUEST}"),
        "0402000700000001",
        "04020009000000",
        HELLO,
    ];
    let ran = ran_with_input(&["-", "--json"], &input.join("\n"));
    assert_eq!((ran.status, ran.err.as_str()), (1, ""));
    assert_eq!(ran.xids(), [1, 2, 3, 1]);
    let lines = ran.json();
    assert_eq!(lines.len(), 9);
    let errors: Vec<_> = lines
        .iter()
        .map(|line| line.get("error").is_some())
        .collect();
    assert_eq!(
        errors,
        [false, true, true, true, false, false, true, true, false]
    );
    let error = &lines[6]["error"];
    assert_eq!(error["field"], "length");
    assert_eq!(
        (&error["offset"], &error["value"]),
        (&Value::from(0), &Value::from(7))
    );
}

#[test]
fn each_line_is_answered_before_the_next_one_comes() {
    let mut child = decode(&["-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..3 {
        writeln!(stdin, "{HELLO}").unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(line.contains("\"hello\""), "{line}");
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn many_lines_are_decoded_fast() {
    let lines = 50_000;
    let began = Instant::now();
    let ran = ran_with_input(&["-", "--json"], &format!("{ECHO_REQUEST}\n").repeat(lines));
    assert_eq!((ran.status, ran.lines.len()), (0, lines));
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut switch = Sender::switch(6653);
    let packets: Vec<_> = (0..5000)
        .map(|_| switch.data(&bytes(ECHO_REQUEST)))
        .collect();
    let (_directory, path) = file(&FORMS[0].pcap(ETHERNET, &packets));
    let mut child = decode(&[path.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(!line.is_empty());
}
