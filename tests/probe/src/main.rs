//! Measures what a network does to traffic while its rules change.
//!
//! - `send` and `receive`: sequence-numbered UDP, with a JSON summary of what each end saw, in samples as well. What was
//!   lost is the difference of the two summaries.
//! - `relay`: a wire with a delay, for kernels without `netem`, which can lose, duplicate and swap what the two send.
//! - `openflow`: the messages of a controller, given and told as JSON.
//! - `proxy`: stands between a switch and its controller, and loses, delays, refuses or cuts what it is told to.

mod clock;
mod intervals;
mod on_off;
mod openflow;
mod pace;
mod packet;
mod proxy;
mod receive;
mod relay;
mod send;
mod tally;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The command line.
#[derive(Parser)]
#[command(name = "godwit-probe", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Send numbered packets at a constant rate, or from on-off sources; prints a JSON summary at the end
    Send(send::Options),
    /// Count numbered packets; prints a JSON summary at the end
    Receive(receive::Options),
    /// Join two new tap interfaces by a wire with a constant delay; prints a JSON summary if it was to disturb
    Relay(relay::Options),
    /// Send a switch the messages that stand on standard input, and print what it sends
    Openflow(openflow::Options),
    /// Forward the messages of one switch and its controller, but for those that rules on standard input strike
    Proxy(proxy::Options),
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Send(options) => print_summary(&on_one_thread(send::run(options))?),
        Command::Receive(options) => print_summary(&on_one_thread(receive::run(options))?),
        Command::Relay(options) => match on_one_thread(relay::run(options))? {
            Some(summary) => print_summary(&summary),
            None => Ok(()),
        },
        Command::Openflow(options) => openflow::run(&options),
        Command::Proxy(options) => on_one_thread(proxy::run(options)),
    }
}

/// One thread is enough for some 100,000 packets/s, and leaves the other processors to the switches.
fn on_one_thread<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

fn print_summary(summary: &impl serde::Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(summary)?);
    Ok(())
}
