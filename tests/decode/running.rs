//! `godwit decode`, started, and what it prints.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::captures::Sender;

pub(crate) const HELLO: &str = "0400000800000001";
pub(crate) const FEATURES_REQUEST: &str = "0405000800000002";
/// A table number that FEATURES_REPLY has no place for: it is too short.
pub(crate) const SHORT_FEATURES_REPLY: &str = "0406000c0000000200000000";
pub(crate) const ECHO_REQUEST: &str = "0402000c0000000361626364";

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex
        .chars()
        .map(|digit| digit.to_digit(16).unwrap() as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

pub(crate) fn decode(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_godwit"));
    command.arg("decode").args(arguments);
    command
}

/// What it printed and how it ended.
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) lines: Vec<String>,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Vec<Value> {
        self.lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The transaction ids of the messages.
    pub(crate) fn xids(&self) -> Vec<u64> {
        let all = self.json();
        all.iter().filter_map(|line| line["xid"].as_u64()).collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let out = String::from_utf8(output.stdout).unwrap();
        Self {
            status: output.status.code().unwrap(),
            lines: out.lines().map(str::to_owned).collect(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

pub(crate) fn ran(arguments: &[&str]) -> Ran {
    decode(arguments).output().unwrap().into()
}

pub(crate) fn ran_with_input(arguments: &[&str], input: &str) -> Ran {
    let mut child = decode(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let ran = child.wait_with_output().unwrap().into();
    writer.join().unwrap();
    ran
}

/// A file that is removed with the first of these.
pub(crate) fn file(content: &[u8]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("messages.pcap");
    std::fs::write(&path, content).unwrap();
    (directory, path)
}

pub(crate) fn ran_on(content: &[u8], arguments: &[&str]) -> Ran {
    let (_directory, path) = file(content);
    let all: Vec<_> = [path.to_str().unwrap()]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    ran(&all)
}

/// A handshake on this port: six packets, of which the last has two messages and the second has none whole.
pub(crate) fn handshake(port: u16) -> Vec<Vec<u8>> {
    let (mut switch, mut controller) = (Sender::switch(port), Sender::controller(port));
    let hello = bytes(HELLO);
    let two = [bytes(FEATURES_REQUEST), bytes(ECHO_REQUEST)].concat();
    vec![
        switch.syn(false),
        controller.syn(true),
        switch.data(&hello[..3]),
        switch.data(&hello[3..]),
        controller.data(&hello),
        controller.data(&two),
    ]
}
