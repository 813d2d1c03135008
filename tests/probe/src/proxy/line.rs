//! One connection of the switch, and the one to the controller that goes with it.

use std::{rc::Rc, time::Duration};

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use godwit_openflow::{FrameCodec, message::Direction};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::codec::Decoder;

use super::{
    Proxy,
    command::{Cut, Report},
    now_ns,
    rules::Effect,
    tell,
};

/// Messages between a reader and a writer. Few: a writer that waits shall make its reader wait, as without a proxy.
const BETWEEN: usize = 16;

/// Messages that are delayed at a time in one direction.
const DELAYED: usize = 1 << 16;

/// The ways out of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Ends {
    to_switch: mpsc::Sender<Letter>,
    to_controller: mpsc::Sender<Letter>,
}

/// What a writer is to do.
#[derive(Debug)]
enum Letter {
    Write(Bytes),
    /// Say when all before it has been written.
    Mark(tokio::sync::oneshot::Sender<()>),
}

impl Ends {
    const fn towards(&self, way: Direction) -> &mpsc::Sender<Letter> {
        match way {
            Direction::ToSwitch => &self.to_switch,
            Direction::FromSwitch => &self.to_controller,
        }
    }

    /// A connection that has ended takes nothing more.
    pub(crate) async fn deliver(&self, way: Direction, bytes: Bytes) {
        _ = self.towards(way).send(Letter::Write(bytes)).await;
    }

    /// Returns when what was delivered that way has been written.
    async fn written(&self, way: Direction) {
        let (mark, written) = tokio::sync::oneshot::channel();
        if self.towards(way).send(Letter::Mark(mark)).await.is_ok() {
            _ = written.await;
        }
    }
}

/// Carries messages both ways until one side closes, or a cut is wished for.
pub(crate) async fn carry(proxy: Rc<Proxy>, number: u64, switch: TcpStream) {
    let mut cuts = proxy.cut.subscribe();
    // The controller may be away: then the switch is, too.
    let Ok(controller) = TcpStream::connect(proxy.controller).await else {
        return;
    };
    let outcome = join(&proxy, number, switch, controller, &mut cuts).await;
    proxy.lines.borrow_mut().remove(&number);
    proxy.rules.borrow_mut().forget(number);
    if let Err(error) = outcome {
        eprintln!("connection {number}: {error:#}");
    }
    let gone = Report::Disconnected {
        at_ns: now_ns(),
        line: number,
    };
    // Nobody reads any more only when the process is ending.
    _ = tell(&gone);
}

async fn join(
    proxy: &Rc<Proxy>,
    number: u64,
    mut switch: TcpStream,
    mut controller: TcpStream,
    cuts: &mut tokio::sync::watch::Receiver<(u64, Cut)>,
) -> Result<()> {
    switch.set_nodelay(true)?;
    controller.set_nodelay(true)?;
    let (to_switch, for_switch) = mpsc::channel(BETWEEN);
    let (to_controller, for_controller) = mpsc::channel(BETWEEN);
    let ends = Ends {
        to_switch,
        to_controller,
    };
    proxy.lines.borrow_mut().insert(number, ends.clone());
    tell(&Report::Connected {
        at_ns: now_ns(),
        line: number,
    })?;
    let (from_switch, into_switch) = switch.split();
    let (from_controller, into_controller) = controller.split();
    let reader = |way| Reader {
        proxy: Rc::clone(proxy),
        line: number,
        way,
        ends: ends.clone(),
    };
    let cut = tokio::select! {
        ended = reader(Direction::FromSwitch).run(from_switch) => { ended?; None }
        ended = reader(Direction::ToSwitch).run(from_controller) => { ended?; None }
        ended = write(proxy, into_switch, for_switch) => { ended?; None }
        ended = write(proxy, into_controller, for_controller) => { ended?; None }
        _ = cuts.changed() => Some(cuts.borrow().1),
    };
    if cut.is_some_and(|cut| cut.reset) {
        switch.set_zero_linger()?;
        controller.set_zero_linger()?;
    }
    Ok(())
}

/// Writes what it is given, while nothing hangs.
async fn write(
    proxy: &Proxy,
    mut socket: WriteHalf<'_>,
    mut letters: mpsc::Receiver<Letter>,
) -> Result<()> {
    while let Some(letter) = letters.recv().await {
        match letter {
            Letter::Write(bytes) => {
                proxy.resumed().await?;
                socket.write_all(&bytes).await.context("write")?;
            }
            // Whoever asked may have gone.
            Letter::Mark(mark) => _ = mark.send(()),
        }
    }
    Ok(())
}

struct Reader {
    proxy: Rc<Proxy>,
    line: u64,
    /// The way that its messages go.
    way: Direction,
    ends: Ends,
}

impl Reader {
    /// Ends with the connection's end.
    async fn run(self, mut socket: ReadHalf<'_>) -> Result<()> {
        let (late, messages) = mpsc::channel(DELAYED);
        tokio::select! {
            ended = self.forward(&mut socket, &late) => ended,
            () = delayed(&self.ends, self.way, messages) => Ok(()),
        }
    }

    async fn forward(&self, socket: &mut ReadHalf<'_>, late: &mpsc::Sender<Late>) -> Result<()> {
        let mut unread = BytesMut::new();
        loop {
            self.proxy.resumed().await?;
            while let Some(frame) = FrameCodec.decode(&mut unread)? {
                let judged =
                    self.proxy
                        .rules
                        .borrow_mut()
                        .judge(self.line, self.way, &frame, now_ns());
                let cuts = judged.iter().any(|effect| matches!(effect, Effect::Cut(_)));
                for effect in judged {
                    self.perform(effect, late).await?;
                }
                if cuts {
                    // Nothing behind this message goes on: whoever runs this sees the cut and drops it.
                    std::future::pending::<()>().await;
                }
                self.proxy.resumed().await?;
            }
            if socket.read_buf(&mut unread).await.context("read")? == 0 {
                return Ok(());
            }
        }
    }

    async fn perform(&self, effect: Effect, late: &mpsc::Sender<Late>) -> Result<()> {
        match effect {
            Effect::Send { way, bytes, delay } if delay == Duration::ZERO => {
                self.ends.deliver(way, bytes).await;
            }
            Effect::Send { bytes, delay, .. } => {
                late.send((Instant::now() + delay, bytes)).await?;
            }
            Effect::Cut(cut) => {
                self.ends.written(self.way).await;
                self.proxy.disconnect(cut);
            }
            Effect::Hang => {
                self.ends.written(self.way).await;
                self.proxy.hung.send_replace(true);
            }
            Effect::Tell(report) => tell(&report)?,
        }
        Ok(())
    }
}

type Late = (Instant, Bytes);

/// Delivers messages when they are due. Those that are delayed keep their order.
async fn delayed(ends: &Ends, way: Direction, mut messages: mpsc::Receiver<Late>) {
    while let Some((due, bytes)) = messages.recv().await {
        sleep_until(due).await;
        ends.deliver(way, bytes).await;
    }
}
