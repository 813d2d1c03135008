//! `godwit`: the controller, the client of its REST interface, and a decoder of messages.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::Parser as _;
use godwit::cli::{self, Cli, Command, RunArgs};
use godwit::{Config, Godwit};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => match run(&args).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("godwit: {error}");
                ExitCode::FAILURE
            }
        },
        Command::Decode(args) => cli::decode(&args),
        Command::Client(command) => cli::execute(command).await,
    }
}

async fn run(args: &RunArgs) -> anyhow::Result<()> {
    let config = Config::load(args)?;
    let filter = EnvFilter::builder()
        .with_default_directive(tracing::level_filters::LevelFilter::INFO.into())
        .with_env_var("GODWIT_LOG")
        .try_from_env()
        .or_else(|_| EnvFilter::try_new("info"))
        .context("the log filter")?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let mut terminate = signal(SignalKind::terminate())
        .map_err(|error| anyhow!("SIGTERM can't be handled: {error}"))?;
    let mut interrupt = signal(SignalKind::interrupt())
        .map_err(|error| anyhow!("SIGINT can't be handled: {error}"))?;
    let godwit = Godwit::build(&config).await?;
    for address in godwit.controller().openflow_addresses() {
        tracing::info!(%address, "OpenFlow 1.0 and 1.3");
    }
    tracing::info!(address = %godwit.controller().http_address()?, "HTTP");
    let (stop, stopped) = watch::channel(false);
    let mut running = tokio::spawn(godwit.run(stopped));
    tokio::select! {
        _ = terminate.recv() => tracing::info!("SIGTERM: stopping; the switches keep their rules"),
        _ = interrupt.recv() => tracing::info!("SIGINT: stopping; the switches keep their rules"),
        result = &mut running => return result.context("the controller ended abnormally"),
    }
    stop.send_replace(true);
    running.await.context("the controller ended abnormally")
}
