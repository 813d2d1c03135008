//! Running: what signals do, and what a service manager (systemd, `Type=notify`) is told.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use godwit_controller::App;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::cli::RunArgs;
use crate::config::{Config, Loaded};
use crate::listeners;
use crate::logging::Log;
use crate::{BuildError, Godwit};

/// Runs the controller until SIGTERM or SIGINT; SIGHUP reads the configuration file again.
///
/// # Errors
/// When the configuration is wrong, the controller can't start, or it ends by itself.
pub async fn run(args: &RunArgs) -> anyhow::Result<()> {
    run_with(args, Vec::new()).await
}

/// The same, with apps of your own beside those that the configuration names.
///
/// # Errors
/// As [`run`].
pub async fn run_with(args: &RunArgs, apps: Vec<Arc<dyn App>>) -> anyhow::Result<()> {
    let mut configuration = Configuration::load(args)?;
    let signals = Signals::install()?;
    let godwit = Godwit::build(&configuration.running)
        .await
        .map_err(|error| explained(&error))?
        .with(apps);
    for address in godwit.controller().openflow_addresses() {
        tracing::info!(%address, "OpenFlow 1.0 and 1.3");
    }
    tracing::info!(address = %godwit.controller().http_address()?, "HTTP");
    let (stop, stopped) = watch::channel(false);
    let mut running = tokio::spawn(godwit.run(stopped));
    tell(&[NotifyState::Ready]);
    tokio::select! {
        signal = signals.serve(&mut configuration) => {
            tracing::info!("{signal}: stopping; the switches keep their rules");
        }
        () = keep_alive() => {}
        result = &mut running => return result.context("the controller ended abnormally"),
    }
    tell(&[NotifyState::Stopping]);
    stop.send_replace(true);
    running.await.context("the controller ended abnormally")
}

/// What went wrong; if a port is taken, by which program.
fn explained(error: &BuildError) -> anyhow::Error {
    match listeners::taken(error) {
        Some(advice) => anyhow!(advice),
        None => anyhow!("{error}"),
    }
}

/// The configuration in force, and how it is read again.
struct Configuration<'a> {
    args: &'a RunArgs,
    running: Config,
    log: Log,
}

impl<'a> Configuration<'a> {
    fn load(args: &'a RunArgs) -> anyhow::Result<Self> {
        let running = Loaded::load(args)?.config;
        let log = Log::start(&running.log)?;
        Ok(Self { args, running, log })
    }

    /// Reads the file again. What is wrong changes nothing; what can't change while the controller runs is said.
    fn reload(&mut self) {
        let Some(path) = &self.args.config else {
            tracing::warn!("SIGHUP: there is no configuration file to read again");
            return;
        };
        let path = path.display();
        let new = match Loaded::load(self.args) {
            Ok(loaded) => loaded.config,
            Err(error) => {
                tracing::error!("SIGHUP: the configuration stays as it was: {error}");
                return;
            }
        };
        let changes = self.running.changes(&new);
        if changes.is_empty() {
            tracing::info!("SIGHUP: {path} was read again: nothing has changed");
        }
        for change in changes {
            if change.key.is_live() {
                self.take(&new);
                tracing::info!("SIGHUP: {path} was read again: {change}");
            } else {
                tracing::warn!("SIGHUP: {change} takes effect at the next start, not before");
            }
        }
    }

    /// Puts the values of live keys in force. The others stay, so that the next reading reports them again.
    fn take(&mut self, new: &Config) {
        match self.log.set(&new.log) {
            Ok(()) => self.running.log = new.log.clone(),
            Err(error) => tracing::error!("SIGHUP: {error}"),
        }
    }
}

/// The signals that mean something.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    terminal: bool,
}

impl Signals {
    fn install() -> anyhow::Result<Self> {
        let handle =
            |kind, name| signal(kind).map_err(|error| anyhow!("{name} can't be handled: {error}"));
        Ok(Self {
            terminate: handle(SignalKind::terminate(), "SIGTERM")?,
            interrupt: handle(SignalKind::interrupt(), "SIGINT")?,
            hang_up: handle(SignalKind::hangup(), "SIGHUP")?,
            terminal: has_terminal(),
        })
    }

    /// Until a signal says that it is time to stop; which one.
    async fn serve(mut self, configuration: &mut Configuration<'_>) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hang_up.recv() => {
                    // SIGHUP comes also when the terminal is closed: a controller that nobody sees any more would
                    // keep its ports for ever.
                    if self.terminal && !has_terminal() {
                        return "SIGHUP, the terminal is gone";
                    }
                    reloading();
                    configuration.reload();
                    tell(&[NotifyState::Ready]);
                }
            }
        }
    }
}

/// Whether this process has a controlling terminal.
fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}

fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => not_told(&error),
    }
}

/// Tells the service manager, if there is one.
fn tell(state: &[NotifyState<'_>]) {
    // Set to nothing is not set.
    if std::env::var_os("NOTIFY_SOCKET").is_some_and(|socket| socket.is_empty()) {
        return;
    }
    if let Err(error) = sd_notify::notify(state) {
        not_told(&error);
    }
}

fn not_told(error: &io::Error) {
    tracing::warn!(%error, "the service manager can't be told");
}

/// Tells the service manager's watchdog, if it wants to hear, that tasks and timers go on. Never ends.
async fn keep_alive() {
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| *limit > Duration::ZERO) else {
        return std::future::pending().await;
    };
    // Twice within the limit, as sd_watchdog_enabled(3) has it.
    let mut ticks = interval((limit / 2).max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}
