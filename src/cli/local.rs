//! The commands that need no controller: `config`, `doctor`, `completions`, `man`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Subcommand};
use clap_complete::Shell;

use super::{Cli, Outcome, RunArgs, manual};
use crate::config::{INSTALLED_FILE, Loaded};
use crate::doctor::{self as examination, Status};

/// What can be done with a configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check a configuration file
    ///
    /// The exit status is 1 when it is wrong; what and in which line is said.
    Check(CheckArgs),
    /// Show the values that `godwit run` with the same arguments would use, and where each comes from
    Show(ShowArgs),
}

/// Arguments of `godwit config check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The file
    #[arg(env = "GODWIT_CONFIG", value_name = "FILE", default_value = INSTALLED_FILE)]
    pub file: PathBuf,
}

/// Arguments of `godwit config show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Those of `godwit run`.
    #[command(flatten)]
    pub run: RunArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `godwit doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Those of `godwit run`, whose ports and data directory are examined.
    #[command(flatten)]
    pub run: RunArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `godwit completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Arguments of `godwit man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write the pages of all commands into this directory
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
}

/// Checks a configuration file, or shows the values in force.
///
/// The exit status is 0 when all is right, and 1 when not; the reason is on stderr.
#[must_use]
pub fn config(command: &ConfigCommand) -> ExitCode {
    let (args, file, json) = match command {
        ConfigCommand::Check(CheckArgs { file }) => {
            let config = Some(file.clone());
            let args = RunArgs {
                config,
                ..RunArgs::default()
            };
            (args, Some(file), false)
        }
        ConfigCommand::Show(ShowArgs { run, json }) => (run.clone(), None, *json),
    };
    let loaded = match Loaded::load(&args) {
        Ok(loaded) => loaded,
        Err(error) => return fail(&error),
    };
    let text = match (file, json) {
        (Some(file), _) => format!("{} is right\n", file.display()),
        (None, true) => format!("{}\n", loaded.to_json()),
        (None, false) => loaded.to_toml(),
    };
    print(text.as_bytes(), Outcome::Done)
}

/// Examines this machine.
///
/// The exit status is 1 when something does not work.
#[must_use]
pub fn doctor(args: &DoctorArgs) -> ExitCode {
    let findings = examination::examine(&args.run);
    let text = if args.json {
        match serde_json::to_string(&findings) {
            Ok(text) => text + "\n",
            Err(error) => return fail(&error),
        }
    } else {
        examination::render(&findings)
    };
    let fails = |finding: &examination::Finding| finding.status == Status::Fail;
    let outcome = if findings.iter().any(fails) {
        Outcome::Failed
    } else {
        Outcome::Done
    };
    print(text.as_bytes(), outcome)
}

/// Prints the completions for a shell.
#[must_use]
pub fn completions(args: &CompletionsArgs) -> ExitCode {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "godwit", &mut text);
    print(&text, Outcome::Done)
}

/// Prints the manual page of the program, or writes those of all commands.
#[must_use]
pub fn man(args: &ManArgs) -> ExitCode {
    let Some(directory) = &args.to else {
        return match manual::page() {
            Ok(page) => print(&page, Outcome::Done),
            Err(error) => fail(&error),
        };
    };
    match write_manual(directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{}: {error}", directory.display())),
    }
}

fn write_manual(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    manual::write_all(directory)
}

/// Prints data and ends so. A reader that went away has seen what it wanted.
fn print(data: &[u8], outcome: Outcome) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(data).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(&format!("cannot write the output: {error}"))
        }
        _ => ExitCode::from(outcome.status()),
    }
}

fn fail(reason: &impl ToString) -> ExitCode {
    eprintln!("error: {}", reason.to_string());
    ExitCode::from(Outcome::Failed.status())
}
