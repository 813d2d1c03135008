//! `godwit`: the controller, the client of its REST interface, and tools that need neither.

use std::process::ExitCode;

use godwit::cli::{self, Cli, Command};
use godwit::service;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::from_arguments().command {
        Command::Run(args) => match service::run(&args).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("godwit: {error}");
                ExitCode::FAILURE
            }
        },
        Command::Decode(args) => cli::decode(&args),
        Command::Config { command } => cli::config(&command),
        Command::Doctor(args) => cli::doctor(&args),
        Command::Completions(args) => cli::completions(&args),
        Command::Man(args) => cli::man(&args),
        Command::Client(command) => cli::execute(command).await,
    }
}
