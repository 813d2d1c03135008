//! `send`: numbered packets at a constant rate, or from sources that are on and off by turns.

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
    intervals::Intervals,
    on_off::{Durations, Source},
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
    /// Packets per second, over all flows; with --on, while all of them are on
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
    /// Make each flow a source of its own that is on and off by turns, and stays on so long: constant:S,
    /// exponential:MEAN, pareto:SHAPE,MINIMUM or lognormal:MU,SIGMA, in seconds
    #[arg(long, value_name = "DIST", requires = "off")]
    on: Option<Durations>,
    /// How long it stays off
    #[arg(long, value_name = "DIST", requires = "on")]
    off: Option<Durations>,
    /// The same number makes the same times
    #[arg(long, default_value_t = 0, requires = "on")]
    seed: u64,
    /// Tell what was sent in every so many milliseconds, too
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(10..=10_000))]
    sample_ms: Option<u64>,
}

/// The sender's summary. Times are nanoseconds on the monotonic clock of the machine.
#[derive(Serialize)]
pub(crate) struct Summary {
    /// Packets that the rate called for, over all flows: those that were sent, those that were refused, and those that
    /// could not be sent in time.
    asked: u64,
    /// Packets handed to the kernel.
    sent: u64,
    /// Packets handed to the kernel for each flow, in the order of the ports.
    flows: Vec<u64>,
    /// Packets that the kernel refused; they aren't in `sent` and their numbers are used again.
    refused: u64,
    /// The first packet.
    first_at_ns: u64,
    /// The last packet.
    last_at_ns: u64,
    /// When each on-off source went on: flow, time, and the sequence number of the packet that was next. The first 1,024
    /// times of each.
    starts: Vec<(usize, u64, u64)>,
    /// What was sent interval by interval, if that was asked for.
    samples: Vec<Sample>,
    /// Packets that aren't in `samples`, because there are too many of those.
    samples_left_out: u64,
}

/// What was sent in one interval.
#[derive(Serialize)]
struct Sample {
    /// When it begins.
    at_ns: u64,
    /// Packets handed to the kernel.
    packets: u64,
    /// Their bytes of UDP payload.
    bytes: u64,
}

/// What says when packets are due.
enum Pacing {
    /// One rate, which the flows have in turn.
    Steady(Pace),
    /// Each flow for itself.
    OnOff(Vec<Source>),
}

/// Sends until told otherwise.
pub(crate) async fn run(options: Options) -> Result<Summary> {
    let deadline = deadline(&options)?;
    let mut sender = Sender::new(&options).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut pacing = Pacing::new(&options, now_ns());
    loop {
        tokio::select! {
            biased;
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = sleep_until(deadline) => break,
            _ = ticks.tick() => sender.tick(&mut pacing).await?,
        }
    }
    // What has become due since the last tick: otherwise less would be sent than was asked for.
    sender.tick(&mut pacing).await?;
    Ok(sender.summary(&pacing))
}

impl Pacing {
    fn new(options: &Options, now_ns: u64) -> Self {
        let (Some(on), Some(off)) = (options.on, options.off) else {
            return Self::Steady(Pace::new(options.rate, now_ns));
        };
        let source = |flow| {
            let pace = Pace::shared(options.rate, options.flows.into(), 0);
            Source::new(on, off, options.seed, flow, pace, now_ns)
        };
        Self::OnOff((0..options.flows.into()).map(source).collect())
    }

    fn asked(&self) -> u64 {
        match self {
            Self::Steady(pace) => pace.asked(),
            Self::OnOff(sources) => sources.iter().map(Source::asked).sum(),
        }
    }

    fn starts(&self) -> Vec<(usize, u64, u64)> {
        let Self::OnOff(sources) = self else {
            return Vec::new();
        };
        let flows = sources.iter().enumerate();
        let starts = flows.flat_map(|(flow, source)| {
            let starts = source.starts().iter();
            starts.map(move |(at_ns, sequence)| (flow, *at_ns, *sequence))
        });
        starts.collect()
    }
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
    sent: Vec<u64>,
    refused: u64,
    first_at_ns: u64,
    last_at_ns: u64,
    /// Packets of each interval.
    samples: Option<Intervals<u64>>,
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
            sent: vec![0; destinations.len()],
            refused: 0,
            first_at_ns: 0,
            last_at_ns: 0,
            samples: options.sample_ms.map(Intervals::of_ms),
            destinations,
            payload: vec![0; options.size],
            run: options.run,
            next_flow: 0,
        })
    }

    /// Sends what is due now.
    async fn tick(&mut self, pacing: &mut Pacing) -> Result<()> {
        let tick_ns = u64::try_from(TICK.as_nanos())?;
        match pacing {
            Pacing::Steady(pace) => {
                for _ in 0..pace.due(now_ns(), tick_ns) {
                    if self.send(self.next_flow).await? {
                        self.next_flow = (self.next_flow + 1) % self.destinations.len();
                    }
                }
            }
            Pacing::OnOff(sources) => {
                for (flow, source) in sources.iter_mut().enumerate() {
                    for _ in 0..source.due(now_ns(), tick_ns) {
                        self.send(flow).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends the next packet of a flow; `false` if the kernel refuses it.
    async fn send(&mut self, flow: usize) -> Result<bool> {
        let now = now_ns();
        Header {
            run: self.run,
            flow: u32::try_from(flow)?,
            sequence: self.sent[flow],
            sent_at_ns: now,
        }
        .write(&mut self.payload);
        let socket = &self.sockets[flow % self.sockets.len()];
        let sent = socket.send_to(&self.payload, self.destinations[flow]).await;
        if sent.is_err() {
            // A full queue, or a neighbour that doesn't answer yet: nothing has left.
            self.refused += 1;
            return Ok(false);
        }
        self.sent[flow] += 1;
        self.last_at_ns = now;
        if self.first_at_ns == 0 {
            self.first_at_ns = now;
        }
        if let Some(packets) = self.samples.as_mut().and_then(|samples| samples.at(now)) {
            *packets += 1;
        }
        Ok(true)
    }

    fn summary(self, pacing: &Pacing) -> Summary {
        let bytes = u64::try_from(self.payload.len()).unwrap_or(u64::MAX);
        let sample = |(at_ns, packets): (u64, &u64)| Sample {
            at_ns,
            packets: *packets,
            bytes: packets * bytes,
        };
        let samples = self.samples.as_ref();
        Summary {
            asked: pacing.asked(),
            sent: self.sent.iter().sum(),
            refused: self.refused,
            first_at_ns: self.first_at_ns,
            last_at_ns: self.last_at_ns,
            starts: pacing.starts(),
            samples: samples.map_or_else(Vec::new, |kept| kept.iter().map(sample).collect()),
            samples_left_out: samples.map_or(0, Intervals::left_out),
            flows: self.sent,
        }
    }
}
