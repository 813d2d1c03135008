//! The two sides of a byte stream: reading frames, and writing what is due.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use godwit_openflow::{Frame, FrameCodec, FrameError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::coop::consume_budget;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::codec::Decoder;

use super::close::CloseReason;
use super::link::Link;
use crate::limits::READ_CHUNK;

/// Cuts frames from a byte stream.
///
/// Its own rather than `FramedRead`, since it must tell a peer that has sent a few bytes from one that has sent none.
#[derive(Debug)]
pub(crate) struct FrameReader<R> {
    source: R,
    buffer: BytesMut,
    codec: FrameCodec,
    heard: bool,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self {
            source,
            buffer: BytesMut::new(),
            codec: FrameCodec,
            heard: false,
        }
    }

    /// Whether any byte has come.
    pub(crate) const fn has_heard(&self) -> bool {
        self.heard
    }

    /// The next frame; `None` at the end of the stream. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        // A chunk holds many small messages: without this a flood of them keeps other switches waiting.
        consume_budget().await;
        loop {
            if let Some(frame) = self.codec.decode(&mut self.buffer)? {
                return Ok(Some(frame));
            }
            self.buffer.reserve(READ_CHUNK);
            if self.source.read_buf(&mut self.buffer).await? == 0 {
                return self.codec.decode_eof(&mut self.buffer);
            }
            self.heard = true;
        }
    }

    /// Reads and forgets until the peer closes, at most for `duration`.
    pub(crate) async fn linger(&mut self, duration: Duration) {
        let deadline = Instant::now() + duration;
        loop {
            self.buffer.clear();
            self.buffer.reserve(READ_CHUNK);
            match timeout_at(deadline, self.source.read_buf(&mut self.buffer)).await {
                Ok(Ok(count)) if count > 0 => {}
                _ => return,
            }
        }
    }
}

/// Writes what the outbox holds, all of it at a time, until the outbox is closed and empty.
#[derive(Debug)]
pub(crate) struct Writer<W> {
    pub(crate) sink: W,
    pub(crate) link: Arc<Link>,
    /// How long the peer may take no byte.
    pub(crate) stall: Duration,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    pub(crate) async fn run(mut self) {
        while let Some(batch) = self.link.outbox.take().await {
            if let Err(reason) = self.write(batch).await {
                self.link.closer.close(reason);
                return;
            }
            self.link.outbox.written();
        }
        // The peer may have gone first; then there is nobody to be told of the end.
        let _ = timeout(self.stall, self.sink.shutdown()).await;
    }

    async fn write(&mut self, mut batch: BytesMut) -> Result<(), CloseReason> {
        while batch.has_remaining() {
            match timeout(self.stall, self.sink.write_buf(&mut batch)).await {
                Err(_) => return Err(CloseReason::NotReading),
                Ok(Ok(0)) => return Err(CloseReason::Io(std::io::ErrorKind::WriteZero)),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(CloseReason::Io(error.kind())),
            }
        }
        match timeout(self.stall, self.sink.flush()).await {
            Err(_) => Err(CloseReason::NotReading),
            Ok(result) => result.map_err(|error| CloseReason::Io(error.kind())),
        }
    }
}

/// A running task, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(task))
    }

    /// Waits for its end. Cancel-safe; not to be called again once it has returned.
    pub(crate) async fn ended(&mut self) -> Result<(), JoinError> {
        (&mut self.0).await
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
