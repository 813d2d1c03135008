//! The controller with an app beside all others that panics on every PACKET_IN, and takes the same arguments.

use std::process::ExitCode;
use std::sync::Arc;

use godwit::cli::{Cli, Command};
use godwit::service;
use godwit_controller::{App, Declaration, Packet, Verdict, View};
use godwit_openflow::model::Pattern;

/// Gets all packets, before everybody else.
struct Panicking;

impl App for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }

    fn declares(&self) -> Declaration {
        Declaration {
            description: "panics on every PACKET_IN",
            priority: u16::MAX,
            filter: vec![Pattern::new()],
            ..Declaration::default()
        }
    }

    #[expect(
        clippy::panic,
        reason = "this is what it is there for: others are to stay unharmed"
    )]
    fn packet_in(&self, packet: &Packet<'_>, _: &View<'_>) -> Verdict {
        panic!("a packet from {}", packet.headers.eth_src)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Run(args) = Cli::from_arguments().command else {
        eprintln!("godwit-panicking: there is only `run`");
        return ExitCode::from(2);
    };
    match service::run_with(&args, vec![Arc::new(Panicking)]).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("godwit-panicking: {error}");
            ExitCode::FAILURE
        }
    }
}
