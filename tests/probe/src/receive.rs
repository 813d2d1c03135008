//! `receive`: counts numbered packets on a range of ports.

use std::{
    cell::RefCell,
    fs,
    io::{BufRead, ErrorKind},
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use clap::Args;
use tokio::{
    net::UdpSocket,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    time::interval,
};

use crate::{
    clock::now_ns,
    tally::{Summary, Tally},
};

/// Holds more than a second of the fastest stream, so that a busy machine delays the count instead of falsifying it.
const RECEIVE_BUFFER: usize = 64 << 20;

/// The largest datagram.
const LARGEST_DATAGRAM: usize = 65_536;

/// How often `--idle`, and the silence at the end, are looked at.
const IDLE_CHECK: Duration = Duration::from_millis(10);

/// After a signal, packets that are still on the way are waited for until none has come for this long: a switch process
/// that isn't scheduled, or has rules to deal with, may hold them back that long.
const QUIET: Duration = Duration::from_millis(1_500);

/// … but no longer than this: what comes later than that is as good as lost.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// When all packets that were sent have come, duplicates of them are waited for until nothing has come for this long.
const QUIET_WHEN_COMPLETE: Duration = Duration::from_millis(100);

/// When the last packet of every flow has come, those before it are overdue: they are waited for until nothing has come
/// for this long.
const QUIET_BEHIND_THE_LAST: Duration = Duration::from_millis(300);

/// Where to listen, and for how long.
#[derive(Args)]
pub(crate) struct Options {
    /// The first flow's port; each further flow has the next one
    #[arg(long)]
    port: u16,
    /// Number of flows
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    flows: u16,
    /// Stop after this many seconds without a packet, once the first has come; without it, when none comes any more
    /// after SIGTERM or SIGINT
    #[arg(long)]
    idle: Option<f64>,
    /// End when standard input gives a line with the number of packets that were sent, and all have come; or else as
    /// after SIGTERM
    #[arg(long)]
    told: bool,
    /// Tell what was seen of every so many milliseconds, too
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(10..=10_000))]
    sample_ms: Option<u64>,
    /// Number of this run, which the sender must share
    #[arg(long, default_value_t = 0)]
    run: u32,
}

/// Receives until told otherwise. Says `ready` on stderr when all ports are bound.
pub(crate) async fn run(options: Options) -> Result<Summary> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let idle = options.idle.map(Duration::try_from_secs_f64).transpose()?;
    let sockets = bind_all(&options)?;
    let tally = Rc::new(RefCell::new(Tally::new(
        options.run,
        sockets.len(),
        options.sample_ms,
    )));
    for (flow, socket) in sockets.iter().enumerate() {
        tokio::task::spawn_local(listen(flow, Rc::clone(socket), Rc::clone(&tally)));
    }
    eprintln!("ready");
    tokio::select! {
        _ = terminate.recv() => settled(&tally, None).await,
        _ = interrupt.recv() => settled(&tally, None).await,
        sent = told(options.told) => settled(&tally, Some(sent?)).await,
        () = idle_for(idle, &tally) => (),
    }
    // What has arrived by now counts, even if its task hasn't been woken.
    let mut buffer = vec![0; LARGEST_DATAGRAM];
    for (flow, socket) in sockets.iter().enumerate() {
        drain(flow, socket, &tally, &mut buffer)?;
    }
    let drops = receiver_drops(&options)?;
    Ok(tally.borrow().summary(drops))
}

fn bind_all(options: &Options) -> Result<Vec<Rc<UdpSocket>>> {
    (0..options.flows)
        .map(|flow| {
            let port = options
                .port
                .checked_add(flow)
                .context("the flows' ports go beyond 65535")?;
            let address = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
            let socket =
                std::net::UdpSocket::bind(address).with_context(|| format!("bind to {address}"))?;
            socket.set_nonblocking(true)?;
            // Beyond `net.core.rmem_max` only root may go.
            if rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER)
                .is_err()
            {
                rustix::net::sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER)?;
            }
            Ok(Rc::new(UdpSocket::from_std(socket)?))
        })
        .collect()
}

async fn listen(flow: usize, socket: Rc<UdpSocket>, tally: Rc<RefCell<Tally>>) {
    let mut buffer = vec![0; LARGEST_DATAGRAM];
    while socket.readable().await.is_ok() {
        if let Err(error) = drain(flow, &socket, &tally, &mut buffer) {
            eprintln!("flow {flow}: {error:#}");
            return;
        }
    }
}

/// Records all that waits in the socket.
fn drain(flow: usize, socket: &UdpSocket, tally: &RefCell<Tally>, buffer: &mut [u8]) -> Result<()> {
    loop {
        match socket.try_recv(buffer) {
            Ok(length) => tally.borrow_mut().record(flow, &buffer[..length], now_ns()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).context("receive"),
        }
    }
}

/// Returns when packets have come and then none for `idle`; without an `idle`, never.
async fn idle_for(idle: Option<Duration>, tally: &RefCell<Tally>) {
    let Some(idle) = idle else {
        return std::future::pending().await;
    };
    let mut ticks = interval(IDLE_CHECK);
    loop {
        ticks.tick().await;
        let last = tally.borrow().last_at_ns();
        if last != 0 && now_ns() - last > nanoseconds(idle) {
            return;
        }
    }
}

/// Returns the number that a line of standard input gives. Never without a line, or when none is wanted.
async fn told(is_wanted: bool) -> Result<u64> {
    let (sender, line) = oneshot::channel();
    if is_wanted {
        thread::spawn(move || {
            let mut line = String::new();
            match std::io::stdin().lock().read_line(&mut line) {
                Ok(0) => (),
                // Nobody listens any more only when the process is ending.
                read => _ = sender.send(read.map(|_| line)),
            }
        });
    }
    match line.await {
        Ok(line) => {
            let line = line.context("read standard input")?;
            let number = line.trim();
            number.parse().with_context(|| {
                format!("standard input: {number:?} is not the number of packets that were sent")
            })
        }
        Err(_) => std::future::pending().await,
    }
}

/// Returns when no packet has come for [`QUIET`], or sooner if all that were `sent` have come, or the last of every flow.
/// Under load the switches' queues hold seconds of traffic.
async fn settled(tally: &RefCell<Tally>, sent: Option<u64>) {
    let began = now_ns();
    let mut ticks = interval(IDLE_CHECK);
    loop {
        ticks.tick().await;
        let (now, last) = (now_ns(), tally.borrow().last_at_ns());
        let is_quiet = match sent {
            Some(sent) if tally.borrow().received() >= sent => {
                now - last > nanoseconds(QUIET_WHEN_COMPLETE)
            }
            Some(sent) if tally.borrow().reached() >= sent => {
                now - last > nanoseconds(QUIET_BEHIND_THE_LAST)
            }
            _ => now - last.max(began) > nanoseconds(QUIET),
        };
        if is_quiet || now - began > nanoseconds(LONGEST_WAIT) {
            return;
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What the kernel dropped at our ports, from the last column of `/proc/net/udp`.
fn receiver_drops(options: &Options) -> Result<u64> {
    let table = fs::read_to_string("/proc/self/net/udp").context("read /proc/self/net/udp")?;
    let ports = options.port..=options.port.saturating_add(options.flows - 1);
    Ok(table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let local = fields.nth(1)?;
            let port = u16::from_str_radix(local.split_once(':')?.1, 16).ok()?;
            let drops = fields.last()?.parse::<u64>().ok()?;
            ports.contains(&port).then_some(drops)
        })
        .sum())
}
