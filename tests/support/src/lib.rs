//! A bare OpenFlow client: the least that can be done to change the flow tables of switches.
//!
//! It knows no topology and proves nothing. It writes all of a switch's changes and a barrier in one go and waits
//! for the reply; that time is the floor a migration is measured against.

use anyhow::{Context as _, bail};
use bytes::BytesMut;
use godwit_openflow::codec::{FrameCodec, encode_to_switch};
use godwit_openflow::model::{FlowMod, FromSwitch, ToSwitch};
use godwit_openflow::types::{Version, Xid};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_util::codec::Decoder as _;

/// A connection to a switch, as its controller.
#[derive(Debug)]
pub struct BareClient<S> {
    stream: S,
    version: Version,
    received: BytesMut,
}

impl<S: AsyncRead + AsyncWrite + Unpin> BareClient<S> {
    /// Says hello in `version` and waits for the switch's.
    ///
    /// # Errors
    /// When the stream ends or carries something else.
    pub async fn connect(stream: S, version: Version) -> anyhow::Result<Self> {
        let mut client = Self {
            stream,
            version,
            received: BytesMut::new(),
        };
        let bitmap = Some(vec![version.wire()]);
        client.write(&[ToSwitch::Hello { bitmap }]).await?;
        loop {
            match client.read().await? {
                (_, FromSwitch::Hello { .. }) => return Ok(client),
                (_, FromSwitch::Error(error)) => {
                    bail!("the switch does not speak {version}: {error}")
                }
                _ => {}
            }
        }
    }

    /// Sends all changes and a barrier in one write, and waits for the barrier's reply.
    ///
    /// # Errors
    /// When a change can't be said or is refused, or the stream ends.
    pub async fn apply(&mut self, changes: Vec<FlowMod>) -> anyhow::Result<()> {
        let mut messages: Vec<ToSwitch> = changes.into_iter().map(ToSwitch::FlowMod).collect();
        messages.push(ToSwitch::BarrierRequest);
        self.write(&messages).await?;
        loop {
            match self.read().await? {
                (_, FromSwitch::BarrierReply) => return Ok(()),
                (_, FromSwitch::Error(error)) => bail!("the switch refused: {error}"),
                (xid, FromSwitch::EchoRequest(body)) => {
                    let mut buffer = BytesMut::new();
                    encode_to_switch(self.version, xid, &ToSwitch::EchoReply(body), &mut buffer)?;
                    self.stream.write_all(&buffer).await?;
                }
                _ => {}
            }
        }
    }

    async fn write(&mut self, messages: &[ToSwitch]) -> anyhow::Result<()> {
        let mut buffer = BytesMut::new();
        for (index, message) in messages.iter().enumerate() {
            let xid = Xid(u32::try_from(index)? + 1);
            encode_to_switch(self.version, xid, message, &mut buffer)?;
        }
        self.stream
            .write_all(&buffer)
            .await
            .context("writing to the switch")
    }

    async fn read(&mut self) -> anyhow::Result<(Xid, FromSwitch)> {
        use tokio::io::AsyncReadExt as _;
        loop {
            if let Some(frame) = FrameCodec.decode(&mut self.received)? {
                return Ok((frame.xid(), frame.from_switch()?));
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                bail!("the switch closed the connection");
            }
        }
    }
}
