//! `openflow`: a controller that does only what it is told, message by message.
//!
//! ```text
//!   standard input  ─ {"xid": 7, "message": {"type": …}} ─▶ encode ─▶ switch
//!   standard output ◀─ {"xid": 7, "message": {"type": …}} ─ decode ◀─
//! ```
//! One JSON object a line. HELLO and the answers to ECHO are its own. What can't be decoded is told as
//! `{"xid": 7, "error": "…", "bytes": "…"}`.

use std::{
    io::{BufRead, Read, Write},
    os::unix::net::UnixStream,
    path::PathBuf,
    thread,
};

use anyhow::{Context, Result, bail, ensure};
use bytes::BytesMut;
use clap::Args;
use godwit_openflow::{
    codec::{Frame, FrameCodec, encode_to_switch},
    model::{FromSwitch, ToSwitch},
    types::{Version, Xid},
};
use serde::{Deserialize, Serialize};
use tokio_util::codec::Decoder;

/// How much is read at once: a message's largest size.
const CHUNK: usize = 1 << 16;

/// Where the switch is, and what it speaks.
#[derive(Args)]
pub(crate) struct Options {
    /// The socket that the switch listens on, such as Open vSwitch's BRIDGE.mgmt
    #[arg(long)]
    socket: PathBuf,
    /// The OpenFlow version to speak: 1.0 or 1.3
    #[arg(long)]
    openflow: Version,
}

/// What is to be sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    xid: Xid,
    message: ToSwitch,
}

/// What has come.
#[derive(Serialize)]
struct Received {
    xid: Xid,
    message: FromSwitch,
}

/// What has come and can't be decoded.
#[derive(Serialize)]
struct Unreadable {
    xid: Xid,
    error: String,
    bytes: String,
}

/// Ends with its standard input, or with the connection.
pub(crate) fn run(options: &Options) -> Result<()> {
    let socket = UnixStream::connect(&options.socket)
        .with_context(|| format!("connecting to {}", options.socket.display()))?;
    let mut incoming = Incoming::new(socket.try_clone()?);
    let mut outgoing = Outgoing {
        socket: socket.try_clone()?,
        version: options.openflow,
    };
    outgoing.send(Xid(0), &ToSwitch::hello(None))?;
    agree(&mut incoming, options.openflow)?;

    let answers = outgoing.another()?;
    let reader = thread::spawn(move || tell(incoming, answers));
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let request: Request =
            serde_json::from_str(&line).with_context(|| format!("the message {line}"))?;
        outgoing.send(request.xid, &request.message)?;
    }
    socket.shutdown(std::net::Shutdown::Both)?;
    match reader.join() {
        Ok(told) => told,
        Err(_) => bail!("the thread that reads ended in a panic"),
    }
}

/// The switch's HELLO comes first, and its version must be no lower than ours: lower ones win.
fn agree(incoming: &mut Incoming, version: Version) -> Result<()> {
    let Some(first) = incoming.next()? else {
        bail!("the switch ended the connection before its HELLO");
    };
    match first.from_switch()? {
        FromSwitch::Hello { header_version, .. } => {
            ensure!(
                header_version >= version.wire(),
                "the switch speaks {header_version:#04x}"
            );
            Ok(())
        }
        other => bail!("the switch began with {other:?}"),
    }
}

/// Prints messages until the connection ends.
fn tell(mut incoming: Incoming, mut answers: Outgoing) -> Result<()> {
    while let Some(frame) = incoming.next()? {
        let xid = frame.xid();
        match frame.from_switch() {
            Ok(FromSwitch::EchoRequest(data)) => answers.send(xid, &ToSwitch::EchoReply(data))?,
            Ok(message) => print(&Received { xid, message })?,
            Err(error) => print(&Unreadable {
                xid,
                error: error.to_string(),
                bytes: frame
                    .bytes()
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect(),
            })?,
        }
    }
    Ok(())
}

fn print(line: &impl Serialize) -> Result<()> {
    let mut output = std::io::stdout().lock();
    serde_json::to_writer(&mut output, line)?;
    writeln!(output)?;
    Ok(output.flush()?)
}

struct Outgoing {
    socket: UnixStream,
    version: Version,
}

impl Outgoing {
    /// To the same switch. Each message is one write, so that those of two threads don't mix.
    fn another(&self) -> Result<Self> {
        Ok(Self {
            socket: self.socket.try_clone()?,
            version: self.version,
        })
    }

    fn send(&mut self, xid: Xid, message: &ToSwitch) -> Result<()> {
        let mut bytes = BytesMut::new();
        encode_to_switch(self.version, xid, message, &mut bytes)?;
        Ok(self.socket.write_all(&bytes)?)
    }
}

struct Incoming {
    socket: UnixStream,
    unread: BytesMut,
}

impl Incoming {
    fn new(socket: UnixStream) -> Self {
        Self {
            socket,
            unread: BytesMut::new(),
        }
    }

    /// `None` when the connection has ended.
    fn next(&mut self) -> Result<Option<Frame>> {
        let mut chunk = vec![0; CHUNK];
        loop {
            if let Some(frame) = FrameCodec.decode(&mut self.unread)? {
                return Ok(Some(frame));
            }
            match self.socket.read(&mut chunk)? {
                0 => return Ok(None),
                read => self.unread.extend_from_slice(&chunk[..read]),
            }
        }
    }
}
