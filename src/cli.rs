//! The command line: what it accepts, the commands that talk to a running controller over REST, and `decode`, which
//! needs none.
//!
//! Data goes to stdout, messages and progress to stderr. Exit status 0 is success, 1 failure,
//! 2 wrong usage, 130 interrupted while waiting.

mod client;
mod console;
mod decode;
mod drain;
mod flows;
mod follow;
mod migrate;
mod parse;
mod plan;
mod route;
mod show;
mod table;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use reqwest::Url;

use client::{Client, Failure};
use console::Console;
pub use drain::{DrainArgs, DrainCommand, DrainIdArgs, DrainOrder};
pub use parse::{Endpoint, MatchField};

/// The program's arguments.
#[derive(Debug, Parser)]
#[command(name = "godwit", version)]
#[command(
    about = "An OpenFlow controller that moves a running switch's work to another switch, live"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands: one is the controller, one reads messages, the others talk to the controller.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the controller in the foreground, logging to stderr
    Run(RunArgs),
    /// Show the OpenFlow messages in hex digits or in a capture
    Decode(DecodeArgs),
    /// A command for a running controller.
    #[command(flatten)]
    Client(ClientCommand),
}

/// Arguments of `godwit run`. What is not given is `None` or empty: the configuration file and
/// the defaults come after these.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address to listen on for switches, may be repeated [default: 0.0.0.0:6653 and 0.0.0.0:6633]
    #[arg(
        long,
        env = "GODWIT_OPENFLOW",
        value_name = "ADDR",
        value_delimiter = ','
    )]
    #[arg(value_parser = parse::socket_address)]
    pub openflow: Vec<SocketAddr>,
    /// Address of the REST interface [default: 127.0.0.1:8080]
    #[arg(long, env = "GODWIT_HTTP", value_name = "ADDR", value_parser = parse::socket_address)]
    pub http: Option<SocketAddr>,
    /// Where the controller keeps what must survive it [default: ./godwit-data]
    #[arg(long, env = "GODWIT_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Arguments of `godwit decode`.
#[derive(Debug, Args)]
pub struct DecodeArgs {
    /// Messages in hex, a capture (pcap or pcapng), or - for lines of hex on standard input
    ///
    /// Hex may have white space and colons between bytes, and 0x before them. In a capture the side that listens on
    /// an OpenFlow port is the controller. The exit status is 1 when something could not be decoded.
    #[arg(value_name = "HEX|FILE")]
    pub messages: String,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
    /// Which way messages in hex go, if their type does not tell
    #[arg(long, value_enum, value_name = "END")]
    pub to: Option<Towards>,
    /// TCP port of a controller in the capture, may be repeated [default: 6653 and 6633]
    #[arg(long = "port", value_name = "PORT")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    pub ports: Vec<u16>,
}

/// An end of an OpenFlow connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Towards {
    /// Messages that a controller sends
    Switch,
    /// Messages that a switch sends
    Controller,
}

/// The commands that talk to a running controller.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Move a switch's work to another switch, or drain it, while traffic flows
    Migrate(MigrateArgs),
    /// Go back to the source of a committed migration, within its hold, while traffic flows
    Revert(RevertArgs),
    /// Empty several switches, one after another or side by side, while traffic flows
    ///
    /// Switches that are drained stay so until `godwit restore`, also when the drain is cancelled.
    Drain(DrainArgs),
    /// List the switches
    Switches(CommonArgs),
    /// List the links between switches, one line per direction
    Links(CommonArgs),
    /// List the hosts
    Hosts(CommonArgs),
    /// List the routes with what they have delivered
    Routes(CommonArgs),
    /// List the migrations
    Migrations(CommonArgs),
    /// List the drains
    Drains(CommonArgs),
    /// List the writes that are held for switches whose work is being moved away
    Queued(CommonArgs),
    /// Show the shortest paths between two points
    Paths(PathsArgs),
    /// Show the flow entries that a switch reports now
    Flows(SwitchArgs),
    /// Show the port and table counters that a switch reports now
    Stats(SwitchArgs),
    /// Show the port counters that a switch reports now
    Ports(SwitchArgs),
    /// Show the flow tables that a switch reports now
    Tables(SwitchArgs),
    /// Add or remove proactive routes
    Route {
        /// Which of the two.
        #[command(subcommand)]
        command: RouteCommand,
    },
    /// Put a drained switch back into service
    Restore(SwitchArgs),
}

/// What can be done with a route.
#[derive(Debug, Subcommand)]
pub enum RouteCommand {
    /// Install a route on every hop between two points
    Add(RouteAddArgs),
    /// Remove a route from every switch
    Rm(RouteRmArgs),
}

/// What every client command takes.
#[derive(Debug, Clone, Args)]
pub struct CommonArgs {
    /// The controller's REST interface
    #[arg(
        long,
        env = "GODWIT_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8080"
    )]
    // A URL may hold a password, which --help would show.
    #[arg(hide_env_values = true, value_parser = parse::base_url)]
    pub url: Url,
    /// Print the answer's JSON unchanged
    #[arg(long)]
    pub json: bool,
}

/// A client command about one switch.
#[derive(Debug, Args)]
pub struct SwitchArgs {
    /// Datapath id, or name of the switch's LOCAL port (with Open vSwitch the bridge's name)
    #[arg(value_parser = parse::name)]
    pub switch: String,
    /// What every client command takes.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Arguments of `godwit migrate`.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// The switch to empty
    #[arg(value_parser = parse::name)]
    pub source: String,
    /// The switch to take its work; without one, traffic goes wherever the shortest paths lead
    #[arg(value_parser = parse::name)]
    pub target: Option<String>,
    /// How to move
    #[arg(long, value_enum, default_value_t = Algorithm::Clone)]
    pub algorithm: Algorithm,
    /// Seconds after the commit within which `godwit revert` may go back [default: 300]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(..=86_400))]
    pub hold: Option<u32>,
    /// How traffic shall go round the source [default: what the controller finds best]
    #[arg(long, value_enum)]
    pub shape: Option<Shape>,
    /// Wait for migrations that are in the way instead of being refused
    #[arg(long)]
    pub queue: bool,
    /// Roll back when more packets than this are lost
    #[arg(long, value_name = "N")]
    pub max_loss_packets: Option<u64>,
    /// Roll back when no packet comes through for longer than this, in milliseconds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_silence_ms: Option<u64>,
    /// Print the plan and change nothing
    #[arg(long, conflicts_with = "no_wait")]
    pub dry_run: bool,
    /// Print the migration's id and leave; do not wait for its end
    #[arg(long)]
    pub no_wait: bool,
    /// What every client command takes.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Arguments of `godwit revert`.
#[derive(Debug, Args)]
pub struct RevertArgs {
    /// The migration's id, as `godwit migrations` shows it
    #[arg(value_parser = parse::name)]
    pub id: String,
    /// Print the id of the migration that goes back and leave; do not wait for its end
    #[arg(long)]
    pub no_wait: bool,
    /// What every client command takes.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// How a migration moves flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// Install everything new first, then flip; keeps traffic and counters
    Clone,
    /// Remove, then install again; keeps counters
    Move,
    /// Remove, then install again; keeps neither traffic nor counters
    FreezeCopy,
}

impl Algorithm {
    /// Its name in the REST interface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clone => "clone",
            Self::Move => "move",
            Self::FreezeCopy => "freeze-copy",
        }
    }
}

/// How traffic goes round the source of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// The target takes the source's place, with a link to each neighbour in use
    Substitution,
    /// The target takes the source's place, neighbours without a link are reached by labelled detours
    Detour,
    /// Each route goes the shortest way without the source
    ReRoute,
}

impl Shape {
    /// Its name in the REST interface.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Substitution => "substitution",
            Self::Detour => "detour",
            Self::ReRoute => "re-route",
        }
    }
}

/// Arguments of `godwit paths`.
#[derive(Debug, Args)]
pub struct PathsArgs {
    /// A host (MAC, IPv4 or IPv6 address) or a switch
    #[arg(value_parser = parse::name)]
    pub from: String,
    /// A host (MAC, IPv4 or IPv6 address) or a switch
    #[arg(value_parser = parse::name)]
    pub to: String,
    /// How many paths to show, shortest first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub k: Option<u16>,
    /// A switch that no path may cross
    #[arg(long, value_name = "SWITCH", value_parser = parse::name)]
    pub avoid: Option<String>,
    /// A switch that every path must cross
    #[arg(long, value_name = "SWITCH", value_parser = parse::name)]
    pub via: Option<String>,
    /// What every client command takes.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Arguments of `godwit route add`.
#[derive(Debug, Args)]
pub struct RouteAddArgs {
    /// Where packets enter: MAC, IPv4 or IPv6 address of a host, or SWITCH/PORT
    pub from: Endpoint,
    /// Where they leave: the same
    pub to: Endpoint,
    /// A field that packets must have, for example udp_dst=5001; may be repeated
    #[arg(long = "match", value_name = "FIELD=VALUE")]
    pub fields: Vec<MatchField>,
    /// A switch that the path must cross; may be repeated
    #[arg(long, value_name = "SWITCH", value_parser = parse::name)]
    pub via: Vec<String>,
    /// Priority of the flow entries, higher wins
    #[arg(long, value_name = "N")]
    pub priority: Option<u16>,
    /// Seconds without a packet until the flow entries expire
    #[arg(long, value_name = "SECONDS")]
    pub idle_timeout: Option<u16>,
    /// Seconds until the flow entries expire
    #[arg(long, value_name = "SECONDS")]
    pub hard_timeout: Option<u16>,
    /// What every client command takes.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Arguments of `godwit route rm`.
#[derive(Debug, Args)]
pub struct RouteRmArgs {
    /// The route's id, as `godwit routes` shows it
    #[arg(value_parser = parse::name)]
    pub id: String,
    /// What every client command takes.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Carries out a client command, printing to stdout and stderr.
///
/// The exit status is 0 when it succeeded, 1 when it failed (the reason is on stderr), 2 when the
/// arguments contradict each other and 130 when it was interrupted while waiting for a migration or a drain.
pub async fn execute(command: ClientCommand) -> ExitCode {
    let mut console = Console::standard();
    ExitCode::from(run(&command, &mut console).await.status())
}

/// Prints the OpenFlow messages in hex digits or in a capture to stdout.
///
/// The exit status is 0 when all could be decoded, 1 when something could not, 2 when the arguments contradict each
/// other.
#[must_use]
pub fn decode(args: &DecodeArgs) -> ExitCode {
    ExitCode::from(decode::decode(args).status())
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Failed,
    Misused,
    Interrupted,
}

impl Outcome {
    const fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Misused => 2,
            // 128 and the number of SIGINT, as shells report it.
            Self::Interrupted => 130,
        }
    }
}

async fn run(command: &ClientCommand, console: &mut Console) -> Outcome {
    match dispatch(command, console).await {
        Ok(outcome) => outcome,
        Err(failure) => {
            console.say(&format!("error: {failure}"));
            failure.outcome()
        }
    }
}

async fn dispatch(command: &ClientCommand, console: &mut Console) -> Result<Outcome, Failure> {
    let common = command.common();
    let client = Client::new(&common.url)?;
    let json = common.json;
    match command {
        ClientCommand::Migrate(args) => return migrate::migrate(&client, args, console).await,
        ClientCommand::Revert(args) => return migrate::revert(&client, args, console).await,
        ClientCommand::Drain(args) => return drain::drain(&client, args, console).await,
        ClientCommand::Switches(_) => show::SWITCHES.show(&client, json, console).await?,
        ClientCommand::Links(_) => show::LINKS.show(&client, json, console).await?,
        ClientCommand::Hosts(_) => show::HOSTS.show(&client, json, console).await?,
        ClientCommand::Routes(_) => show::ROUTES.show(&client, json, console).await?,
        ClientCommand::Migrations(_) => show::MIGRATIONS.show(&client, json, console).await?,
        ClientCommand::Drains(_) => show::DRAINS.show(&client, json, console).await?,
        ClientCommand::Queued(_) => show::QUEUED.show(&client, json, console).await?,
        ClientCommand::Paths(args) => show::paths(&client, args, console).await?,
        ClientCommand::Flows(args) => {
            show::FLOWS
                .show_of_switch(&client, &args.switch, json, console)
                .await?;
        }
        ClientCommand::Ports(args) => {
            show::PORTS
                .show_of_switch(&client, &args.switch, json, console)
                .await?;
        }
        ClientCommand::Tables(args) => {
            show::TABLES
                .show_of_switch(&client, &args.switch, json, console)
                .await?;
        }
        ClientCommand::Stats(args) => show::stats(&client, args, console).await?,
        ClientCommand::Route {
            command: RouteCommand::Add(args),
        } => {
            route::add(&client, args, console).await?;
        }
        ClientCommand::Route {
            command: RouteCommand::Rm(args),
        } => {
            route::remove(&client, args, console).await?;
        }
        ClientCommand::Restore(args) => route::restore(&client, args, console).await?,
    }
    Ok(Outcome::Done)
}

impl ClientCommand {
    const fn common(&self) -> &CommonArgs {
        match self {
            Self::Switches(common)
            | Self::Links(common)
            | Self::Hosts(common)
            | Self::Routes(common)
            | Self::Migrations(common)
            | Self::Drains(common)
            | Self::Queued(common) => common,
            Self::Flows(args)
            | Self::Stats(args)
            | Self::Ports(args)
            | Self::Tables(args)
            | Self::Restore(args) => &args.common,
            Self::Migrate(args) => &args.common,
            Self::Revert(args) => &args.common,
            Self::Drain(args) => args.common(),
            Self::Paths(args) => &args.common,
            Self::Route {
                command: RouteCommand::Add(args),
            } => &args.common,
            Self::Route {
                command: RouteCommand::Rm(args),
            } => &args.common,
        }
    }
}

#[cfg(test)]
mod tests;
