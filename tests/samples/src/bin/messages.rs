//! Messages as lines of JSON and of hex digits, for tests that compare this library with other implementations.
//!
//! - `random` makes up messages of every type, the same ones for the same seed.
//! - `encode` reads messages as JSON, one a line, and writes their bytes as hex digits.
//!
//! A message is `{"version": "1.3", "xid": 7, "to": "switch", "type": "flow_mod", "body": {…}}`; `to` is `switch` or
//! `controller`. A line that can't be treated is answered with `{"error": "…"}`, so that answers stay in step.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};

use anyhow::{Context, Result};
use bytes::BytesMut;
use clap::{Parser, Subcommand};
use godwit_openflow::message::{Body, Message};
use godwit_openflow::types::{Version, Xid};
use godwit_samples::{extension, v10, v13};
use proptest::prop_oneof;
use proptest::strategy::{BoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

/// Messages drawn for each one wanted: the strategies nest, so that some kinds come up more rarely than others.
const DRAWS: usize = 6;

/// The command line.
#[derive(Parser)]
#[command(name = "messages", about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make up messages, evenly over the kinds: lines of {"hex", "message"}
    Random {
        /// 1.0 or 1.3
        #[arg(long)]
        version: Version,
        /// What the random numbers begin with
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// How many
        #[arg(long, default_value_t = 1000)]
        count: usize,
    },
    /// Write the bytes of the messages on standard input
    Encode,
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Random {
            version,
            seed,
            count,
        } => random(version, seed, count),
        Command::Encode => encode(),
    }
}

fn hex(message: &Message) -> Result<String> {
    let mut buffer = BytesMut::new();
    message.encode(&mut buffer)?;
    Ok(buffer.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn any_body(version: Version) -> BoxedStrategy<Body> {
    let (to_switch, from_switch) = match version {
        Version::V10 => (
            prop_oneof![4 => v10::to_switch(), 1 => extension::to_switch_v10()].boxed(),
            prop_oneof![4 => v10::from_switch(), 1 => extension::from_switch_v10()].boxed(),
        ),
        Version::V13 => (
            prop_oneof![4 => v13::to_switch(), 1 => extension::to_switch_v13()].boxed(),
            prop_oneof![4 => v13::from_switch(), 1 => extension::from_switch_v13()].boxed(),
        ),
    };
    prop_oneof![
        to_switch.prop_map(Body::ToSwitch),
        from_switch.prop_map(Body::FromSwitch),
    ]
    .boxed()
}

fn random(version: Version, seed: u64, count: usize) -> Result<()> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::from_seed(RngAlgorithm::ChaCha, &bytes),
    );
    let strategy = any_body(version);
    let mut kinds: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for number in 0..count * DRAWS {
        let tree = strategy
            .new_tree(&mut runner)
            .map_err(|reason| anyhow::anyhow!("no message could be made: {reason}"))?;
        let message = Message {
            version,
            xid: Xid(u32::try_from(number)?),
            body: tree.current(),
        };
        let value = serde_json::to_value(&message)?;
        // A kind with enough messages needs no more, and encoding is the dear part.
        let of_kind = kinds.entry(kind(&value)).or_default();
        if of_kind.len() < count {
            let hex = hex(&message).with_context(|| value.to_string())?;
            of_kind.push(json!({"hex": hex, "message": value}));
        }
    }
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    for line in evenly(kinds).take(count) {
        writeln!(output, "{line}")?;
    }
    Ok(output.flush()?)
}

/// The names of message and statistics type, and the direction.
fn kind(message: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    [
        &message["to"],
        &message["type"],
        &message["body"]["body"]["type"],
    ]
    .map(text)
    .join("/")
}

/// One of each kind in turn, as long as there are any.
fn evenly(kinds: BTreeMap<String, Vec<Value>>) -> impl Iterator<Item = Value> {
    let mut queues: Vec<_> = kinds.into_values().map(Vec::into_iter).collect();
    std::iter::from_fn(move || {
        let round: Vec<Value> = queues.iter_mut().filter_map(Iterator::next).collect();
        (!round.is_empty()).then_some(round)
    })
    .flatten()
}

fn encode() -> Result<()> {
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let answer = encode_line(&line?);
        match answer {
            Ok(hex) => writeln!(output, "{hex}")?,
            Err(error) => writeln!(output, "{}", json!({"error": format!("{error:#}")}))?,
        }
    }
    Ok(output.flush()?)
}

fn encode_line(line: &str) -> Result<String> {
    hex(&serde_json::from_str(line)?)
}
