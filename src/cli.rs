//! The command line: what it accepts, the commands that talk to a running controller over REST, and those that need
//! none.
//!
//! Data goes to stdout, messages and progress to stderr. Exit status 0 is success, 1 failure,
//! 2 wrong usage, 130 interrupted while waiting.

mod apps;
mod audit;
mod client;
mod console;
mod decode;
mod drain;
mod events;
mod flows;
mod follow;
mod local;
mod manual;
mod migrate;
mod parse;
mod plan;
mod route;
mod show;
mod table;
mod top;
mod wait;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use reqwest::Url;

use crate::config::{AppName, Origins};
use crate::logging::LogFilter;
pub use apps::AppsArgs;
pub use audit::AuditArgs;
use client::{Client, Failure};
use console::Console;
pub use drain::{DrainArgs, DrainCommand, DrainIdArgs, DrainOrder};
pub use events::EventsArgs;
pub use local::{
    CheckArgs, CompletionsArgs, ConfigCommand, DoctorArgs, ManArgs, ShowArgs, completions, config,
    doctor, man,
};
pub use migrate::{Algorithm, MigrateArgs, RevertArgs, Shape};
pub(crate) use parse::socket_address;
pub use parse::{Endpoint, MatchField};
pub use route::{Metric, Spread};
pub use top::TopArgs;
pub use wait::WaitArgs;
pub use watch::{ReadArgs, SwitchReadArgs};

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

impl Cli {
    /// The arguments of this process. When they are wrong, or ask for help, it says so and ends the process.
    #[must_use]
    pub fn from_arguments() -> Self {
        Self::try_from(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// Reads arguments, the first being the program's name, and the environment.
    fn try_from(
        arguments: impl IntoIterator<Item = impl Into<std::ffi::OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(arguments)?;
        let mut cli = Self::from_arg_matches(&matches)?;
        let mut innermost = &matches;
        while let Some((_, inner)) = innermost.subcommand() {
            innermost = inner;
        }
        if let Some(args) = cli.command.run_args() {
            args.origins = Origins::of(innermost);
        }
        Ok(cli)
    }
}

/// The commands: one is the controller, some need none, the others talk to one.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the controller in the foreground, logging to stderr
    ///
    /// SIGHUP reads the configuration file again, SIGTERM and SIGINT end it; the switches keep their rules.
    Run(RunArgs),
    /// Show the OpenFlow messages in hex digits or in a capture
    Decode(DecodeArgs),
    /// Check a configuration file, or show the values in force
    Config {
        /// Which of the two.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Examine this machine: ports, Open vSwitch and its bridges, data directory, clock
    ///
    /// It changes nothing. The exit status is 1 when something does not work.
    Doctor(DoctorArgs),
    /// Print the completions for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands
    Man(ManArgs),
    /// A command for a running controller.
    #[command(flatten)]
    Client(ClientCommand),
}

impl Command {
    /// The arguments of `godwit run`, in commands that have them.
    const fn run_args(&mut self) -> Option<&mut RunArgs> {
        match self {
            Self::Run(args) => Some(args),
            Self::Config {
                command: ConfigCommand::Show(args),
            } => Some(&mut args.run),
            Self::Doctor(args) => Some(&mut args.run),
            _ => None,
        }
    }
}

/// Arguments of `godwit run`. What is not given is `None` or empty: the configuration file and
/// the defaults come after these.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// Configuration file (TOML)
    #[arg(long, env = "GODWIT_CONFIG", value_name = "FILE")]
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
    /// Control apps, joined by commas [default: routing,migration]
    #[arg(long, env = "GODWIT_APPS", value_name = "APPS", value_delimiter = ',')]
    pub apps: Option<Vec<AppName>>,
    /// What to log: a level, or levels of parts of the program (warn,godwit_apps=debug) [default: info]
    #[arg(long, env = "GODWIT_LOG", value_name = "FILTER")]
    pub log: Option<LogFilter>,
    /// Which of these the environment gave.
    #[arg(skip)]
    pub origins: Origins,
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
    Switches(ReadArgs),
    /// List the links between switches, one line per direction
    Links(ReadArgs),
    /// List the hosts
    Hosts(ReadArgs),
    /// List the routes with what they have delivered
    Routes(ReadArgs),
    /// List the migrations
    Migrations(ReadArgs),
    /// List the drains
    Drains(ReadArgs),
    /// List the writes that are held for switches whose work is being moved away
    Queued(ReadArgs),
    /// Show the shortest paths between two points
    Paths(PathsArgs),
    /// Show the flow entries that a switch reports now
    Flows(SwitchReadArgs),
    /// Collect what a switch counts now, and show its ports with their rates, and its tables
    Stats(SwitchReadArgs),
    /// Show the busiest links and routes, live
    Top(TopArgs),
    /// Show the port counters that a switch reports now
    Ports(SwitchReadArgs),
    /// Show the flow tables that a switch reports now
    Tables(SwitchReadArgs),
    /// Compare what the switches hold with what they should, put right what is missing or changed, and show that and rules
    /// of nobody
    ///
    /// The controller does so by itself every 10 s, unless `[rules]` in its configuration says otherwise. Rules of nobody
    /// are only shown.
    Audit(AuditArgs),
    /// Add or remove proactive routes
    Route {
        /// Which of the two.
        #[command(subcommand)]
        command: RouteCommand,
    },
    /// Put a drained switch back into service
    Restore(SwitchArgs),
    /// List the control apps, or enable or disable one
    Apps(AppsArgs),
    /// Print what happens, as it happens: switches, links, hosts, rules, migrations
    Events(EventsArgs),
    /// Wait until so many switches, links and hosts are known
    ///
    /// Waits for the controller too. The exit status is 1 when the time is over before.
    Wait(WaitArgs),
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
    /// What makes a path short: hops, latency or utilisation; as the controller is configured unless given
    #[arg(long, value_enum)]
    pub metric: Option<Metric>,
    /// What every command takes that only reads.
    #[command(flatten)]
    pub read: ReadArgs,
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
    /// What makes the path short: hops, latency or utilisation; as the controller is configured unless given
    #[arg(long, value_enum)]
    pub metric: Option<Metric>,
    /// Use all paths of least cost, each conversation one of them
    #[arg(long, value_enum, conflicts_with_all = ["via", "idle_timeout", "hard_timeout"])]
    pub spread: Option<Spread>,
    /// Over how many paths at the most; 16 unless given
    #[arg(long, value_name = "N", requires = "spread", value_parser = clap::value_parser!(u16).range(2..=16))]
    pub max_paths: Option<u16>,
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
    let ended = match command.watch() {
        Some(every) => watch::watch(command, every, console, follow::interrupt()).await,
        None => dispatch(command, console).await,
    };
    match ended {
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
        ClientCommand::Wait(args) => return wait::wait(&client, args, console).await,
        ClientCommand::Events(args) => return events::events(&client, args, console).await,
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
        ClientCommand::Top(args) => top::top(&client, args, console).await?,
        ClientCommand::Apps(args) => apps::apps(&client, args, console).await?,
        ClientCommand::Audit(args) => audit::audit(&client, args, console).await?,
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
        self.arguments().0
    }

    /// How often to read again.
    const fn watch(&self) -> Option<Duration> {
        self.arguments().1
    }

    /// What every command takes, and what only those do that read.
    const fn arguments(&self) -> (&CommonArgs, Option<Duration>) {
        let common = match self {
            Self::Switches(read)
            | Self::Links(read)
            | Self::Hosts(read)
            | Self::Routes(read)
            | Self::Migrations(read)
            | Self::Drains(read)
            | Self::Queued(read)
            | Self::Paths(PathsArgs { read, .. })
            | Self::Audit(AuditArgs { read, .. })
            | Self::Flows(SwitchReadArgs { read, .. })
            | Self::Stats(SwitchReadArgs { read, .. })
            | Self::Ports(SwitchReadArgs { read, .. })
            | Self::Tables(SwitchReadArgs { read, .. }) => return (&read.common, read.watch),
            Self::Top(args) => return (&args.common, args.every()),
            Self::Apps(args) => return args.arguments(),
            Self::Restore(args) => &args.common,
            Self::Migrate(args) => &args.common,
            Self::Revert(args) => &args.common,
            Self::Drain(args) => args.common(),
            Self::Wait(args) => &args.common,
            Self::Events(args) => &args.common,
            Self::Route {
                command: RouteCommand::Add(args),
            } => &args.common,
            Self::Route {
                command: RouteCommand::Rm(args),
            } => &args.common,
        };
        (common, None)
    }
}

#[cfg(test)]
mod tests;
