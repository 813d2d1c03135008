//! `send`: numbered packets at a constant rate.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;
use tokio::{
    net::UdpSocket,
    signal::unix::{SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use crate::{
    clock::now_ns,
    pace::Pace,
    packet::{HEADER_LENGTH, Header},
};

/// How often packets leave.
const TICK: Duration = Duration::from_millis(1);

/// The largest payload that fits an unfragmented IPv4 packet on Ethernet.
const LARGEST_PAYLOAD: usize = 1_472;

/// A send buffer that holds some ticks' packets while the path below is busy.
const SEND_BUFFER: usize = 4 << 20;

/// What to send, and where to.
#[derive(Args)]
pub(crate) struct Options {
    /// Address of the receiver
    #[arg(long)]
    to: IpAddr,
    /// The first flow's destination port; each further flow has the next one
    #[arg(long)]
    port: u16,
    /// Packets per second, over all flows
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    rate: u64,
    /// Seconds to send for; without it, until SIGTERM or SIGINT
    #[arg(long)]
    duration: Option<f64>,
    /// Bytes of UDP payload
    #[arg(long, default_value_t = 128)]
    size: usize,
    /// Number of flows, served in turn
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    flows: u16,
    /// Source port of all packets; without it the kernel chooses one
    #[arg(long, default_value_t = 0)]
    source_port: u16,
    /// Source address; when it is given several times, the flows have them in turn; without it the kernel chooses one
    #[arg(long)]
    source: Vec<IpAddr>,
    /// Number of this run, which the receiver must share
    #[arg(long, default_value_t = 0)]
    run: u32,
}

/// The sender's summary.
#[derive(Serialize)]
pub(crate) struct Summary {
    /// Packets handed to the kernel.
    sent: u64,
    /// Packets handed to the kernel for each flow, in the order of the ports.
    flows: Vec<u64>,
    /// Packets that the kernel refused; they aren't in `sent` and their numbers are used again.
    refused: u64,
    /// The first packet, in nanoseconds on the monotonic clock.
    first_at_ns: u64,
    /// The last packet, in nanoseconds on the monotonic clock.
    last_at_ns: u64,
}

/// Sends until told otherwise.
pub(crate) async fn run(options: Options) -> Result<Summary> {
    let deadline = deadline(&options)?;
    let mut sender = Sender::new(&options).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut pace = Pace::new(options.rate, now_ns());
    let tick_ns = u64::try_from(TICK.as_nanos())?;
    loop {
        tokio::select! {
            biased;
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = sleep_until(deadline) => break,
            _ = ticks.tick() => {
                for _ in 0..pace.due(now_ns(), tick_ns) {
                    sender.send_next().await?;
                }
            }
        }
    }
    Ok(sender.summary)
}

/// When to stop; a day ahead stands for "when told".
fn deadline(options: &Options) -> Result<Instant> {
    const A_DAY: f64 = 86_400.0;
    let seconds = options.duration.unwrap_or(A_DAY);
    let duration = Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|duration| !duration.is_zero() && duration.as_secs_f64() <= A_DAY)
        .with_context(|| format!("--duration {seconds}: not between 0 and {A_DAY} seconds"))?;
    Ok(Instant::now() + duration)
}

struct Sender {
    /// One for each source address.
    sockets: Vec<UdpSocket>,
    destinations: Vec<SocketAddr>,
    payload: Vec<u8>,
    run: u32,
    next_flow: usize,
    summary: Summary,
}

impl Sender {
    async fn new(options: &Options) -> Result<Self> {
        if !(HEADER_LENGTH..=LARGEST_PAYLOAD).contains(&options.size) {
            bail!(
                "--size {}: not between {HEADER_LENGTH} and {LARGEST_PAYLOAD} bytes",
                options.size
            );
        }
        let destinations = (0..options.flows)
            .map(|flow| options.port.checked_add(flow))
            .map(|port| port.map(|port| SocketAddr::new(options.to, port)))
            .collect::<Option<Vec<_>>>()
            .context("the flows' ports go beyond 65535")?;
        let any = [Ipv4Addr::UNSPECIFIED.into()];
        let sources = match &options.source[..] {
            [] => &any[..],
            sources => sources,
        };
        let mut sockets = Vec::new();
        for source in sources {
            let local = SocketAddr::new(*source, options.source_port);
            let socket = UdpSocket::bind(local)
                .await
                .with_context(|| format!("bind to {local}"))?;
            rustix::net::sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER)?;
            sockets.push(socket);
        }
        Ok(Self {
            sockets,
            summary: Summary {
                sent: 0,
                flows: vec![0; destinations.len()],
                refused: 0,
                first_at_ns: 0,
                last_at_ns: 0,
            },
            destinations,
            payload: vec![0; options.size],
            run: options.run,
            next_flow: 0,
        })
    }

    async fn send_next(&mut self) -> Result<()> {
        let flow = self.next_flow;
        let now = now_ns();
        Header {
            run: self.run,
            flow: u32::try_from(flow)?,
            sequence: self.summary.flows[flow],
            sent_at_ns: now,
        }
        .write(&mut self.payload);
        match self.sockets[flow % self.sockets.len()]
            .send_to(&self.payload, self.destinations[flow])
            .await
        {
            Ok(_) => {
                self.summary.flows[flow] += 1;
                self.summary.sent += 1;
                self.summary.last_at_ns = now;
                if self.summary.first_at_ns == 0 {
                    self.summary.first_at_ns = now;
                }
                self.next_flow = (flow + 1) % self.destinations.len();
            }
            // A full queue, or a neighbour that doesn't answer yet: nothing has left.
            Err(_) => self.summary.refused += 1,
        }
        Ok(())
    }
}
