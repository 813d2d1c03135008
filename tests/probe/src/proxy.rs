//! `proxy`: stands between one switch and its controller, and does to their messages what rules say.
//!
//! ```text
//!   switch ─▶ frame ─▶ rules ─▶ controller        standard input:  {"do": "arm", "rule": …}, one command a line
//!          ◀─ rules ◀─ frame ◀─                   standard output: {"report": "struck", …}, one report a line
//! ```
//! Each command is answered by `done`, `counts` or `refused`, in order. All runs on one thread: a command is in force
//! when its answer has been told, and no message is judged by half of it. Ends with its standard input.

mod bundles;
mod command;
mod line;
mod rules;
mod subject;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io::{BufRead, Write},
    net::SocketAddr,
    rc::Rc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use clap::Args;
use tokio::{
    net::{TcpListener, TcpSocket, lookup_host},
    sync::{mpsc, watch},
    task::spawn_local,
};

use crate::clock::now_ns;
use command::{Command, Cut, Report};
use rules::{Held, Rules};

/// Commands that wait to be carried out: a test sends one at a time.
const COMMANDS: usize = 64;

/// Connections that wait to be taken.
const BACKLOG: u32 = 16;

/// Where it stands.
#[derive(Args)]
pub(crate) struct Options {
    /// The port to listen on for the switch, on 127.0.0.1; 0 takes a free one, which is told
    #[arg(long, default_value_t = 0)]
    listen: u16,
    /// Where the controller is, such as 127.0.0.1:6653
    #[arg(long)]
    to: String,
}

/// Whether new connections are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    Closed,
}

/// What the tasks share.
#[derive(Debug)]
struct Proxy {
    controller: SocketAddr,
    rules: RefCell<Rules>,
    hung: watch::Sender<bool>,
    /// How connections are to be closed, with a number that grows with each such wish.
    cut: watch::Sender<(u64, Cut)>,
    door: watch::Sender<Door>,
    /// Which wish to open the door again is the last.
    opening: Cell<u64>,
    lines: RefCell<BTreeMap<u64, line::Ends>>,
}

/// Ends with its standard input.
pub(crate) async fn run(options: Options) -> Result<()> {
    let controller = lookup_host(&options.to)
        .await
        .with_context(|| format!("--to {}", options.to))?
        .next()
        .with_context(|| format!("--to {}: no such address", options.to))?;
    let proxy = Rc::new(Proxy {
        controller,
        rules: RefCell::default(),
        hung: watch::Sender::new(false),
        cut: watch::Sender::new((0, Cut::default())),
        door: watch::Sender::new(Door::Open),
        opening: Cell::new(0),
        lines: RefCell::default(),
    });
    let socket = bind(options.listen)?;
    let port = socket.local_addr()?.port();
    tell(&Report::Listening { port })?;
    let (sender, commands) = mpsc::channel(COMMANDS);
    thread::spawn(move || read_commands(&sender));
    tokio::select! {
        ended = accept(&proxy, socket, port) => ended,
        ended = obey(&proxy, commands) => ended,
    }
}

fn bind(port: u16) -> Result<TcpSocket> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket
        .bind(address)
        .with_context(|| format!("bind to {address}"))?;
    Ok(socket)
}

fn read_commands(commands: &mpsc::Sender<std::io::Result<String>>) {
    for line in std::io::stdin().lock().lines() {
        if commands.blocking_send(line).is_err() {
            return;
        }
    }
}

/// Prints a report.
fn tell(report: &Report) -> Result<()> {
    let mut output = std::io::stdout().lock();
    serde_json::to_writer(&mut output, report)?;
    writeln!(output)?;
    Ok(output.flush()?)
}

/// Takes connections. While the door is closed the port stays bound but nothing listens, so that a switch is refused.
async fn accept(proxy: &Rc<Proxy>, mut socket: TcpSocket, port: u16) -> Result<()> {
    let mut door = proxy.door.subscribe();
    let mut number = 0;
    loop {
        let listener = socket.listen(BACKLOG)?;
        tokio::select! {
            failed = take(proxy, &listener, &mut number) => return failed,
            closed = until(&mut door, Door::Closed) => closed?,
        }
        drop(listener);
        socket = bind(port)?;
        until(&mut door, Door::Open).await?;
    }
}

async fn until(door: &mut watch::Receiver<Door>, wanted: Door) -> Result<()> {
    door.wait_for(|door| *door == wanted).await?;
    Ok(())
}

async fn take(proxy: &Rc<Proxy>, listener: &TcpListener, number: &mut u64) -> Result<()> {
    loop {
        proxy.resumed().await?;
        let (switch, _) = listener.accept().await?;
        *number += 1;
        spawn_local(line::carry(Rc::clone(proxy), *number, switch));
    }
}

async fn obey(
    proxy: &Rc<Proxy>,
    mut commands: mpsc::Receiver<std::io::Result<String>>,
) -> Result<()> {
    while let Some(line) = commands.recv().await {
        let line = line?;
        let answer = match serde_json::from_str(&line) {
            Ok(command) => proxy.obey(command),
            Err(error) => Report::Refused {
                reason: format!("{line}: {error}"),
            },
        };
        tell(&answer)?;
    }
    Ok(())
}

impl Proxy {
    fn obey(self: &Rc<Self>, command: Command) -> Report {
        match command {
            Command::Arm(order) => {
                let armed = self.rules.borrow_mut().arm(order);
                match armed {
                    Ok(released) => self.let_go(released),
                    Err(reason) => return Report::Refused { reason },
                }
            }
            Command::Disarm { rule } => {
                let released = self.rules.borrow_mut().disarm(&rule);
                self.let_go(released);
            }
            Command::Release { rule } => {
                let released = self.rules.borrow_mut().release(&rule);
                self.let_go(released);
            }
            Command::Disconnect(cut) => self.disconnect(cut),
            Command::Hang => _ = self.hung.send_replace(true),
            Command::Resume => _ = self.hung.send_replace(false),
            Command::Refuse { ms } => self.refuse(ms),
            Command::Accept => self.open(),
            Command::Count => return self.rules.borrow().counts(),
        }
        Report::Done
    }

    fn disconnect(self: &Rc<Self>, cut: Cut) {
        if let Some(ms) = cut.refuse_ms {
            self.refuse((ms > 0).then_some(ms));
        }
        self.cut.send_modify(|(number, how)| {
            *number += 1;
            *how = cut;
        });
    }

    fn refuse(self: &Rc<Self>, ms: Option<u64>) {
        self.door.send_replace(Door::Closed);
        self.opening.set(self.opening.get() + 1);
        if let Some(ms) = ms {
            let (proxy, opening) = (Rc::clone(self), self.opening.get());
            spawn_local(async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                if proxy.opening.get() == opening {
                    proxy.open();
                }
            });
        }
    }

    fn open(&self) {
        self.opening.set(self.opening.get() + 1);
        self.door.send_replace(Door::Open);
    }

    /// Sends what a rule held, in its order, without waiting for it.
    fn let_go(self: &Rc<Self>, released: Vec<Held>) {
        if released.is_empty() {
            return;
        }
        let lines = Rc::clone(self);
        spawn_local(async move {
            for held in released {
                let ends = lines.lines.borrow().get(&held.line).cloned();
                if let Some(ends) = ends {
                    ends.deliver(held.way, held.bytes).await;
                }
            }
        });
    }

    /// Returns when nothing hangs.
    async fn resumed(&self) -> Result<()> {
        self.hung.subscribe().wait_for(|hung| !hung).await?;
        Ok(())
    }
}
