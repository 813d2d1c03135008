//! One connection: the task that reads it, and performs what its session decides.
//!
//! ```text
//!  socket ─▶ FrameReader ─▶ Session ─┬─ Send ─────▶ Outbox (urgent) ─┐
//!                                    ├─ Answer ───▶ Pending ─▶ whoever awaits apply(), request(), echo()
//!                                    └─ Deliver ──▶ Deliveries ─▶ Narrator ─▶ SwitchObserver
//!  socket ◀─ Writer ◀─────────────────────────────── Outbox ◀──── SwitchHandle::send(), apply(), …
//! ```
//!
//! Three tasks a switch: this reader, its writer, its narrator. The reader never waits for the other two, so an
//! observer that awaits a barrier gets it, and a switch that does not read does not keep its own messages back.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;

use godwit_openflow::Frame;
use tokio::io::AsyncRead;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, error, info, warn};

use super::Context;
use super::close::CloseReason;
use super::deliveries::{Deliveries, Narrator};
use super::io::{FrameReader, Task};
use super::link::Link;
use super::observer::{SwitchMessage, SwitchObserver};
use super::seats::Seat;
use super::session::{Output, Session};
use crate::limits::{CLOSE_FLUSH, CLOSE_LINGER, DUPLICATE_PROBE};
use crate::switch::pending::Reply;
use crate::switch::{Registry, SwitchHandle, Tenancy};

/// One connection, from its first byte to its last.
pub(crate) struct Driver<R, O> {
    pub(super) context: Arc<Context<O>>,
    pub(super) frames: FrameReader<R>,
    pub(super) session: Session,
    pub(super) link: Arc<Link>,
    pub(super) writer: Task,
    pub(super) seat: Seat,
    pub(super) known: Option<Known>,
    pub(super) admission: Option<Admission>,
    pub(super) tenure: Option<Tenure>,
    pub(super) guard: EndOnDrop,
}

/// A switch that has said who it is.
pub(super) struct Known {
    switch: SwitchHandle,
    deliveries: Arc<Deliveries>,
}

/// The decision whether it may be who it says.
type Admission = Pin<Box<dyn Future<Output = Result<Tenancy, CloseReason>> + Send>>;

/// A switch that is.
pub(super) struct Tenure {
    narrator: Task,
    narrator_ended: bool,
    tenancy: Tenancy,
}

/// Ends the link also when the task is stopped from outside.
pub(super) struct EndOnDrop(pub(super) Arc<Link>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What a connection waits for.
enum Wake {
    Close(CloseReason),
    Verdict(Result<Tenancy, CloseReason>),
    Frame(Frame),
    Tick,
}

impl<R: AsyncRead + Unpin + Send, O: SwitchObserver> Driver<R, O> {
    pub(crate) async fn run(mut self) {
        let reason = self.converse().await;
        self.finish(reason).await;
    }

    async fn converse(&mut self) -> CloseReason {
        if let Err(reason) = self.perform(self.session.start()) {
            return reason;
        }
        loop {
            let done = match self.wake().await {
                Wake::Close(reason) => Err(reason),
                Wake::Verdict(verdict) => verdict.and_then(|tenancy| self.admit(tenancy)),
                Wake::Frame(frame) => {
                    if self.known.is_none() {
                        self.seat.heard();
                    }
                    let outputs = self.session.on_frame(&frame, Instant::now().into_std());
                    self.perform(outputs)
                }
                Wake::Tick => {
                    let outputs = self.session.on_tick(Instant::now().into_std());
                    self.perform(outputs)
                }
            };
            if let Err(reason) = done {
                return reason;
            }
        }
    }

    async fn wake(&mut self) -> Wake {
        let deadline = self.session.next_deadline();
        tokio::select! {
            biased;
            reason = self.link.closer.requested() => Wake::Close(reason),
            () = self.context.shutdown.cancelled() => Wake::Close(CloseReason::Shutdown),
            () = narrator_failed(&mut self.tenure) => Wake::Close(CloseReason::ObserverFailed),
            verdict = verdict(&mut self.admission) => {
                self.admission = None;
                Wake::Verdict(verdict)
            }
            frame = self.frames.next() => match frame {
                Ok(Some(frame)) => Wake::Frame(frame),
                Ok(None) if self.frames.has_heard() => Wake::Close(CloseReason::ClosedByPeer),
                Ok(None) => Wake::Close(CloseReason::Probe),
                Err(error) => Wake::Close(error.into()),
            },
            () = until(deadline) => Wake::Tick,
        }
    }

    fn perform(&mut self, outputs: Vec<Output>) -> Result<(), CloseReason> {
        for output in outputs {
            match output {
                Output::Send {
                    version,
                    xid,
                    message,
                } => {
                    self.link.send_urgent(version, xid, &message).map_err(|error| {
                        debug!(peer = %self.link.peer, "an answer to the switch can't be sent: {error}");
                        CloseReason::QueueFull
                    })?;
                }
                Output::Identified { identity, ports } => {
                    let switch = SwitchHandle::new(*identity, ports, Arc::clone(&self.link));
                    let deliveries = Arc::new(Deliveries::new(Arc::clone(&self.link.metrics)));
                    let registry = Arc::clone(&self.context.registry);
                    self.admission = Some(Box::pin(claim(registry, switch.clone())));
                    self.known = Some(Known { switch, deliveries });
                }
                Output::Answer { xid, reply } => {
                    match &reply {
                        Reply::Error(_) => self.link.metrics.errors_received.add(1),
                        Reply::Undecodable(_) => self.link.metrics.decode_errors.add(1),
                        _ => {}
                    }
                    if let Some(report) = self.link.pending.complete(xid, reply) {
                        self.deliver(SwitchMessage::Error(report))?;
                    }
                }
                Output::Deliver(message) => self.deliver(message)?,
                Output::PacketInDropped => {
                    self.link.metrics.packet_ins.add(1);
                    self.link.metrics.packet_ins_dropped.add(1);
                }
                Output::Close(reason) => return Err(reason),
            }
        }
        Ok(())
    }

    fn deliver(&self, message: SwitchMessage) -> Result<(), CloseReason> {
        let Some(Known { switch, deliveries }) = &self.known else {
            return Ok(());
        };
        match &message {
            SwitchMessage::PortStatus(status) => {
                switch
                    .apply_port_status(status)
                    .map_err(|_| CloseReason::TooManyPorts)?;
            }
            SwitchMessage::PacketIn(_) => self.link.metrics.packet_ins.add(1),
            _ => {}
        }
        deliveries
            .push(message)
            .map_err(|_| CloseReason::TooManyChanges)
    }

    fn admit(&mut self, tenancy: Tenancy) -> Result<(), CloseReason> {
        let outputs = self.session.admit(Instant::now().into_std());
        self.perform(outputs)?;
        let Some(Known { switch, deliveries }) = &self.known else {
            return Ok(());
        };
        if let Err(error) = self.link.probe_bundles(switch.version()) {
            debug!(peer = %self.link.peer, "the switch can't be asked for bundles: {error}");
        }
        self.seat.ready();
        self.link.metrics.ready.add(1);
        info!(
            switch = %switch,
            peer = %self.link.peer,
            openflow = %switch.version(),
            ports = switch.ports().len(),
            "switch connected"
        );
        let narrator = Narrator {
            switch: switch.clone(),
            observer: Arc::clone(&self.context.observer),
            deliveries: Arc::clone(deliveries),
        };
        self.tenure = Some(Tenure {
            narrator: Task::spawn(narrator.run()),
            narrator_ended: false,
            tenancy,
        });
        Ok(())
    }

    async fn finish(self, reason: CloseReason) {
        let Self {
            link,
            known,
            tenure,
            mut writer,
            mut frames,
            seat,
            admission,
            guard,
            ..
        } = self;
        let heard = frames.has_heard();
        let reason = match reason {
            CloseReason::Io(_) if !heard => CloseReason::Probe,
            reason => reason,
        };
        link.end();
        drop(admission);
        if let Some(known) = &known {
            known.deliveries.close(reason.clone());
        }
        link.metrics.closed(&reason, tenure.is_some());
        log(&link, known.as_ref(), &reason, heard);
        if reason.leaves_stream_whole() {
            let part = async {
                if timeout(CLOSE_FLUSH, writer.ended()).await.is_ok() {
                    frames.linger(CLOSE_LINGER).await;
                }
            };
            // Whoever is asked to make room now does not finish its sentence.
            tokio::select! {
                biased;
                _ = link.closer.requested() => {}
                () = part => {}
            }
        }
        drop((writer, frames, seat));
        if let Some(mut tenure) = tenure {
            if !tenure.narrator_ended
                && let Err(failure) = tenure.narrator.ended().await
            {
                error!(peer = %link.peer, "handling the switch's messages failed: {failure}");
            }
            drop(tenure.tenancy);
        }
        drop(guard);
    }
}

/// Takes the datapath id's place, from a connection that does not answer any more if need be.
///
/// While the incumbent lives the contender is refused: the one that came first is the one that rules have been
/// sent to.
async fn claim(registry: Arc<Registry>, switch: SwitchHandle) -> Result<Tenancy, CloseReason> {
    loop {
        let incumbent = match registry.claim(&switch) {
            Ok(tenancy) => return Ok(tenancy),
            Err(incumbent) => incumbent,
        };
        if incumbent.is_connected() {
            if incumbent.echo(DUPLICATE_PROBE).await {
                return Err(CloseReason::Duplicate {
                    dpid: switch.dpid(),
                    incumbent: incumbent.address(),
                });
            }
            incumbent.close(CloseReason::Replaced {
                by: switch.address(),
            });
        }
        incumbent.retired().await;
    }
}

async fn verdict(admission: &mut Option<Admission>) -> Result<Tenancy, CloseReason> {
    match admission {
        Some(admission) => admission.await,
        None => pending().await,
    }
}

async fn narrator_failed(tenure: &mut Option<Tenure>) {
    match tenure {
        Some(tenure) if !tenure.narrator_ended => {
            if let Err(failure) = tenure.narrator.ended().await {
                error!("handling a switch's messages failed: {failure}");
            }
            tenure.narrator_ended = true;
        }
        _ => pending().await,
    }
}

async fn until(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => pending().await,
    }
}

/// One line for each connection's end. Peers that never said anything are nobody's concern: whoever looks
/// whether the port is open does that.
fn log(link: &Link, known: Option<&Known>, reason: &CloseReason, heard: bool) {
    let peer = link.peer;
    let switch = known.map_or_else(
        || "unidentified".to_owned(),
        |known| known.switch.to_string(),
    );
    match reason {
        _ if !heard => debug!(%peer, "connection closed: {reason}"),
        CloseReason::ClosedByPeer
        | CloseReason::Requested
        | CloseReason::Shutdown
        | CloseReason::Replaced { .. } => info!(%switch, %peer, "connection closed: {reason}"),
        _ => warn!(%switch, %peer, "connection closed: {reason}"),
    }
}
