//! `relay`: a wire with a constant delay between two tap interfaces that it creates.
//!
//! ```text
//!   switch ─ tap A ─ read ─▶ queue ─▶ write when due ─ tap B ─ switch
//!                  ◀ write when due ◀─ queue ◀─ read ─
//! ```
//! Taps, not packet sockets on existing interfaces: a tap's reader gets only what its switch transmits, so nothing can
//! circle, and every frame is complete, with its VLAN tag. The interfaces go away with the process.
//!
//! It can lose, duplicate and swap probe packets, and then says what it did.

mod faults;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::{UnboundedSender, unbounded_channel},
};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

use faults::{Counts, Faults, Wanted};

/// Frames on the wire in one direction. 65,536 full frames are 100 MB; at 10 ms of delay they'd need 6.5 million
/// frames/s. When they don't suffice the tap's own queue holds the rest.
const FRAMES_IN_FLIGHT: usize = 1 << 16;

/// Frames that the kernel holds for the relay while it isn't scheduled.
const TAP_QUEUE: u32 = 1 << 16;

/// Room for a full frame with two VLAN tags.
const LARGEST_FRAME: usize = 1_522;

/// The two ends and the time between them.
#[derive(Args)]
pub(crate) struct Options {
    /// Name of the tap interface to create at one end
    #[arg(long)]
    a: String,
    /// Name of the tap interface to create at the other end
    #[arg(long)]
    b: String,
    /// Delay of every frame, in milliseconds
    #[arg(long)]
    delay_ms: f64,
    #[command(flatten)]
    wanted: Wanted,
}

/// What was done to probe packets, by direction.
#[derive(Serialize)]
pub(crate) struct Summary {
    a_to_b: Counts,
    b_to_a: Counts,
}

struct Frame {
    due: Instant,
    bytes: Vec<u8>,
}

/// Forwards until SIGTERM or SIGINT. Says `ready` on stderr when both interfaces exist. There is a summary if anything
/// was to be done to probe packets.
pub(crate) async fn run(options: Options) -> Result<Option<Summary>> {
    let delay = Duration::try_from_secs_f64(options.delay_ms / 1_000.0)
        .with_context(|| format!("--delay-ms {}", options.delay_ms))?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let a = Arc::new(create_tap(&options.a)?);
    let b = Arc::new(create_tap(&options.b)?);
    let (ended, mut outcomes) = unbounded_channel();
    let a_to_b = start_direction(&a, &b, delay, options.wanted, &ended)?;
    let b_to_a = start_direction(&b, &a, delay, options.wanted, &ended)?;
    eprintln!("ready");
    tokio::select! {
        _ = terminate.recv() => (),
        _ = interrupt.recv() => (),
        // Half a wire is worse than none: the first thread that ends, ends the process.
        outcome = outcomes.recv() => outcome.context("a forwarding thread panicked")??,
    }
    Ok(options.wanted.any().then(|| Summary {
        a_to_b: lock(&a_to_b).counts(),
        b_to_a: lock(&b_to_a).counts(),
    }))
}

fn create_tap(name: &str) -> Result<SyncDevice> {
    DeviceBuilder::new()
        .name(name)
        .layer(Layer::L2)
        .tx_queue_len(TAP_QUEUE)
        .build_sync()
        .with_context(|| format!("create the tap interface {name}"))
}

/// Starts the two threads of a direction, and returns what they do to its frames.
fn start_direction(
    from: &Arc<SyncDevice>,
    to: &Arc<SyncDevice>,
    delay: Duration,
    wanted: Wanted,
    ended: &UnboundedSender<Result<()>>,
) -> Result<Arc<Mutex<Faults>>> {
    let (queue, frames) = sync_channel(FRAMES_IN_FLIGHT);
    let (from, to) = (Arc::clone(from), Arc::clone(to));
    let faults = Arc::new(Mutex::new(Faults::new(wanted)));
    let writer = Writer {
        to,
        faults: Arc::clone(&faults),
    };
    start_thread(ended, move || read_frames(&from, &queue, delay))?;
    start_thread(ended, move || writer.write_frames(&frames))?;
    Ok(faults)
}

fn start_thread(
    ended: &UnboundedSender<Result<()>>,
    work: impl FnOnce() -> Result<()> + Send + 'static,
) -> Result<()> {
    let ended = ended.clone();
    thread::Builder::new().spawn(move || {
        // Nobody listens any more only when the process is ending.
        let _ = ended.send(work());
    })?;
    Ok(())
}

fn read_frames(from: &SyncDevice, queue: &SyncSender<Frame>, delay: Duration) -> Result<()> {
    let mut buffer = [0; LARGEST_FRAME];
    loop {
        let length = from.recv(&mut buffer).context("read a frame")?;
        let frame = Frame {
            due: Instant::now() + delay,
            bytes: buffer[..length].to_vec(),
        };
        queue.send(frame).context("the writer has ended")?;
    }
}

/// The far end of a direction.
struct Writer {
    to: Arc<SyncDevice>,
    faults: Arc<Mutex<Faults>>,
}

impl Writer {
    fn write_frames(&self, frames: &Receiver<Frame>) -> Result<()> {
        loop {
            let deadline = lock(&self.faults).deadline();
            let frame = match deadline {
                None => frames.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => frames.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            match frame {
                Ok(frame) => {
                    self.let_go(frame.due);
                    sleep_until(frame.due);
                    let leaving = lock(&self.faults).pass(frame.bytes, Instant::now());
                    self.write(&leaving);
                }
                Err(RecvTimeoutError::Timeout) => self.let_go(Instant::now()),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// Writes the frames that are held, each when it has waited long enough, until `by`.
    fn let_go(&self, by: Instant) {
        loop {
            let deadline = lock(&self.faults).deadline();
            let Some(at) = deadline.filter(|at| *at <= by) else {
                return;
            };
            sleep_until(at);
            let leaving = lock(&self.faults).expired(at);
            self.write(&leaving);
        }
    }

    fn write(&self, frames: &[Vec<u8>]) {
        for bytes in frames {
            // While the far interface is down a frame goes where it would on a cut cable.
            if let Err(error) = self.to.send(bytes) {
                eprintln!("a frame was not delivered: {error}");
            }
        }
    }
}

fn sleep_until(at: Instant) {
    thread::sleep(at.saturating_duration_since(Instant::now()));
}

/// A panic in between leaves nothing half done that matters: a thread that panics ends the process.
fn lock(faults: &Mutex<Faults>) -> MutexGuard<'_, Faults> {
    faults.lock().unwrap_or_else(PoisonError::into_inner)
}
