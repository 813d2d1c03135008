//! `godwit decode`: OpenFlow messages from hex or from a capture, in words or as JSON.

mod capture;
mod connections;
mod cutter;
mod hex;
mod output;
mod packet;
mod stream;
mod time;

use std::io::{self, BufRead, BufWriter, IsTerminal as _, LineWriter, Read as _, Write};
use std::ops::ControlFlow;
use std::path::Path;

use godwit_openflow::message::Direction;

use self::capture::{Capture, CaptureError, Captured};
use self::connections::{Connections, Place};
use self::cutter::{Cut, Trouble};
use self::hex::HexError;
use self::output::Output;
use self::packet::{Packet, UnknownLink};
use super::{DecodeArgs, Outcome, Towards, table};

/// The ports that OpenFlow is spoken on: the registered one and the one before it (OF 1.3.5 §6.3.3).
const PORTS: [u16; 2] = [6653, 6633];

/// The longest line of hex that is read, in bytes.
const MAX_LINE: u64 = 1 << 24;

/// Why decoding ended early.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("{argument:?} is neither a file nor a message in hex: {error}")]
    Argument { argument: String, error: HexError },
    #[error("{path}: {error}")]
    Capture { path: String, error: CaptureError },
    #[error("{path}: {error}")]
    Link { path: String, error: UnknownLink },
    #[error("--{option} is for {what}, not for {instead}")]
    Option {
        option: &'static str,
        what: &'static str,
        instead: &'static str,
    },
    #[error("a line of more than {MAX_LINE} bytes can't be messages in hex")]
    Line,
    #[error("standard input can't be read: {0}")]
    Input(io::Error),
    #[error("the output can't be written: {0}")]
    Output(#[from] io::Error),
}

/// Decodes to stdout.
pub(super) fn decode(args: &DecodeArgs) -> Outcome {
    let stdout = io::stdout();
    let mut out: Box<dyn Write> = if stdout.is_terminal() {
        Box::new(LineWriter::new(stdout))
    } else {
        Box::new(BufWriter::new(stdout))
    };
    let (outcome, message) = run(args, &mut io::stdin().lock(), &mut out);
    for line in message.lines() {
        // Without stderr there is nobody left to tell.
        let _ = writeln!(io::stderr(), "{}", table::printable(line));
    }
    outcome
}

/// Decodes to `out`: how it ended, and what to tell the user.
fn run(args: &DecodeArgs, input: &mut dyn BufRead, out: &mut dyn Write) -> (Outcome, String) {
    let mut output = Output::new(out, args.json);
    let result = dispatch(args, input, &mut output);
    let failed = output.failed;
    let result = result.and_then(|notes| {
        output.flush()?;
        Ok(notes)
    });
    match result {
        Ok(notes) if failed => (Outcome::Failed, notes),
        Ok(notes) => (Outcome::Done, notes),
        // A reader that went away (`| head`) has seen what it wanted.
        Err(Stop::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            (Outcome::Done, String::new())
        }
        Err(stop) => {
            // What was decoded up to here is still wanted.
            let _ = output.flush();
            let outcome = match stop {
                Stop::Option { .. } => Outcome::Misused,
                _ => Outcome::Failed,
            };
            (outcome, format!("error: {stop}"))
        }
    }
}

fn dispatch(
    args: &DecodeArgs,
    input: &mut dyn BufRead,
    output: &mut Output<'_>,
) -> Result<String, Stop> {
    let path = Path::new(&args.messages);
    let is_capture = args.messages != "-" && path.exists();
    match (is_capture, args.to, args.ports.as_slice()) {
        (true, None, ports) => return capture(path, ports, output),
        (false, _, []) => {}
        (true, Some(_), _) => {
            return Err(Stop::Option {
                option: "to",
                what: "messages in hex",
                instead: "captures, where the ports tell",
            });
        }
        (false, ..) => {
            return Err(Stop::Option {
                option: "port",
                what: "captures",
                instead: "messages in hex",
            });
        }
    }
    let direction = args.to.map(|to| match to {
        Towards::Switch => Direction::ToSwitch,
        Towards::Controller => Direction::FromSwitch,
    });
    if args.messages == "-" {
        return lines(input, direction, output);
    }
    let bytes = hex::bytes(&args.messages).map_err(|error| Stop::Argument {
        argument: args.messages.clone(),
        error,
    })?;
    frames(bytes, direction, output)?;
    Ok(String::new())
}

fn frames(bytes: Vec<u8>, direction: Option<Direction>, output: &mut Output<'_>) -> io::Result<()> {
    for frame in hex::frames(bytes) {
        match frame {
            Ok(frame) => output.frame(None, &frame, direction)?,
            Err(error) => output.cut_error(&error)?,
        }
    }
    Ok(())
}

/// Decodes each line of the input as it comes. Empty lines are passed over.
fn lines(
    input: &mut dyn BufRead,
    direction: Option<Direction>,
    output: &mut Output<'_>,
) -> Result<String, Stop> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.take(MAX_LINE).read_until(b'\n', &mut line);
        match read {
            Err(error) => return Err(Stop::Input(error)),
            Ok(0) => return Ok(String::new()),
            Ok(_) if line.len() as u64 == MAX_LINE => return Err(Stop::Line),
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        if text.trim().is_empty() {
            continue;
        }
        match hex::bytes(&text) {
            Ok(bytes) => frames(bytes, direction, output)?,
            Err(error) => output.hex_error(&error)?,
        }
        output.flush()?;
    }
}

/// What a capture held beside messages.
#[derive(Debug, Default)]
struct Counts {
    packets: u64,
    segments: u64,
    fragments: u64,
}

fn capture(path: &Path, ports: &[u16], output: &mut Output<'_>) -> Result<String, Stop> {
    let name = path.display().to_string();
    let unreadable = |error| Stop::Capture {
        path: name.clone(),
        error,
    };
    let ports = if ports.is_empty() { &PORTS } else { ports };
    let mut capture = Capture::open(path).map_err(unreadable)?;
    let mut connections = Connections::new(ports.to_vec());
    let mut counts = Counts::default();
    let end =
        capture.packets(
            |captured| match packet(captured, &mut connections, &mut counts, output) {
                Ok(()) => ControlFlow::Continue(()),
                Err(PacketStop::Output(error)) => ControlFlow::Break(Stop::Output(error)),
                Err(PacketStop::Link(error)) => ControlFlow::Break(Stop::Link {
                    path: name.clone(),
                    error,
                }),
            },
        );
    let damage = match end {
        Ok(ControlFlow::Break(stop)) => return Err(stop),
        Ok(ControlFlow::Continue(())) => None,
        Err(error) => Some(error),
    };
    // What was captured before the file turned out to be damaged is worth as much as the rest.
    print(output, |sink| connections.finish(sink))?;
    if let Some(error) = damage {
        return Err(unreadable(error));
    }
    Ok(notes(&counts, capture.unread(), ports, output.messages))
}

/// Why no packet after this one is read.
#[derive(Debug, thiserror::Error)]
enum PacketStop {
    #[error(transparent)]
    Link(#[from] UnknownLink),
    #[error(transparent)]
    Output(#[from] io::Error),
}

fn packet(
    captured: &Captured<'_>,
    connections: &mut Connections,
    counts: &mut Counts,
    output: &mut Output<'_>,
) -> Result<(), PacketStop> {
    counts.packets += 1;
    match packet::read(captured.link, captured.data)? {
        Packet::Segment(segment) => {
            counts.segments += 1;
            print(output, |sink| {
                connections.segment(&segment, captured.time, sink);
            })?;
        }
        Packet::Fragment(fragment) => match connections.place(&fragment, captured.time) {
            Some(place) => output.trouble(Some(&place), &Trouble::Fragment)?,
            None => counts.fragments += 1,
        },
        Packet::Other => {}
    }
    Ok(())
}

/// Prints what `act` finds in streams.
fn print(output: &mut Output<'_>, act: impl FnOnce(&mut connections::Sink<'_>)) -> io::Result<()> {
    let mut result = Ok(());
    act(&mut |place: &Place, cut| {
        if result.is_ok() {
            result = match cut {
                Cut::Message(frame) => output.frame(Some(place), &frame, Some(place.direction)),
                Cut::Trouble(trouble) => output.trouble(Some(place), &trouble),
            };
        }
    });
    result
}

/// What a user should know of a capture beside its messages.
fn notes(counts: &Counts, unread: u64, ports: &[u16], messages: u64) -> String {
    let mut notes = Vec::new();
    if unread > 0 {
        notes.push(format!(
            "note: {unread} packets in obsolete blocks, or of interfaces without a description, are not read"
        ));
    }
    if counts.fragments > 0 {
        notes.push(format!(
            "note: {} fragments of IP packets with TCP are not read",
            counts.fragments
        ));
    }
    if messages == 0 {
        let ports: Vec<_> = ports.iter().map(ToString::to_string).collect();
        notes.push(format!(
            "note: no OpenFlow message on port {} ({} packets, {} of them TCP); --port names others",
            ports.join(" or "),
            counts.packets,
            counts.segments
        ));
    }
    notes.join("\n")
}
