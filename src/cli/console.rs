//! Where a command's output goes.

use std::io::{self, IsTerminal, Write};

use super::client::Failure;
use super::table;

/// The two streams of a command: data, and messages for a person.
pub(super) struct Console {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    /// Whether messages reach a terminal, so that progress may be drawn there.
    pub(super) interactive: bool,
}

impl Console {
    /// Stdout and stderr.
    pub(super) fn standard() -> Self {
        let interactive = io::stderr().is_terminal();
        Self::new(Box::new(io::stdout()), Box::new(io::stderr()), interactive)
    }

    pub(super) fn new(
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        interactive: bool,
    ) -> Self {
        Self {
            out,
            err,
            interactive,
        }
    }

    /// Writes data and a newline.
    ///
    /// A reader that went away (`| head`) is no failure: it has seen what it wanted.
    pub(super) fn data(&mut self, data: &[u8]) -> Result<(), Failure> {
        let written = self
            .out
            .write_all(data)
            .and_then(|()| self.out.write_all(b"\n"))
            .and_then(|()| self.out.flush());
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Output(error)),
            _ => Ok(()),
        }
    }

    /// Writes a message, made safe for a terminal.
    pub(super) fn say(&mut self, message: &str) {
        for line in message.lines() {
            // Without stderr there is nobody left to tell.
            let _ = writeln!(self.err, "{}", table::printable(line));
        }
    }
}
