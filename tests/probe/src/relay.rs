//! `relay`: a wire with a constant delay between two tap interfaces that it creates.
//!
//! ```text
//!   switch ─ tap A ─ read ─▶ queue ─▶ write when due ─ tap B ─ switch
//!                  ◀ write when due ◀─ queue ◀─ read ─
//! ```
//! Taps, not packet sockets on existing interfaces: a tap's reader gets only what its switch transmits, so nothing can
//! circle, and every frame is complete, with its VLAN tag. The interfaces go away with the process.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::Args;
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

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
}

struct Frame {
    due: Instant,
    bytes: Vec<u8>,
}

/// Forwards until the process is ended. Says `ready` on stderr when both interfaces exist.
pub(crate) fn run(options: &Options) -> Result<()> {
    let delay = Duration::try_from_secs_f64(options.delay_ms / 1_000.0)
        .with_context(|| format!("--delay-ms {}", options.delay_ms))?;
    let a = Arc::new(create_tap(&options.a)?);
    let b = Arc::new(create_tap(&options.b)?);
    let (ended, outcomes) = channel();
    start_direction(&a, &b, delay, &ended)?;
    start_direction(&b, &a, delay, &ended)?;
    eprintln!("ready");
    // Half a wire is worse than none: the first thread that ends, ends the process.
    outcomes.recv().context("a forwarding thread panicked")?
}

fn create_tap(name: &str) -> Result<SyncDevice> {
    DeviceBuilder::new()
        .name(name)
        .layer(Layer::L2)
        .tx_queue_len(TAP_QUEUE)
        .build_sync()
        .with_context(|| format!("create the tap interface {name}"))
}

fn start_direction(
    from: &Arc<SyncDevice>,
    to: &Arc<SyncDevice>,
    delay: Duration,
    ended: &Sender<Result<()>>,
) -> Result<()> {
    let (queue, frames) = sync_channel(FRAMES_IN_FLIGHT);
    let (from, to) = (Arc::clone(from), Arc::clone(to));
    start_thread(ended, move || read_frames(&from, &queue, delay))?;
    start_thread(ended, move || write_frames(&to, &frames))
}

fn start_thread(
    ended: &Sender<Result<()>>,
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

fn write_frames(to: &SyncDevice, frames: &Receiver<Frame>) -> Result<()> {
    for frame in frames {
        thread::sleep(frame.due.saturating_duration_since(Instant::now()));
        // While the far interface is down a frame goes where it would on a cut cable.
        if let Err(error) = to.send(&frame.bytes) {
            eprintln!("a frame was not delivered: {error}");
        }
    }
    Ok(())
}
