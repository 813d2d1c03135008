//! Where a command's output goes.

use std::io::{self, IsTerminal, Write};

use rustix::termios::tcgetwinsize;
use serde_json::Value;

use super::client::Failure;
use super::table::{self, Column};

/// The two streams of a command: data, and messages for a person.
pub(super) struct Console {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    /// Whether messages reach a terminal, so that progress may be drawn there.
    pub(super) interactive: bool,
    /// How large the terminal is that data reaches, if it is one. It may change at any time.
    screen: fn() -> Option<Screen>,
    /// Whether nobody reads the data any more.
    deserted: bool,
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Screen {
    pub(super) columns: u16,
    pub(super) lines: u16,
}

impl Screen {
    /// That of the terminal behind stdout.
    fn of_stdout() -> Option<Self> {
        let size = tcgetwinsize(io::stdout()).ok()?;
        let screen = Self {
            columns: size.ws_col,
            lines: size.ws_row,
        };
        // A serial line doesn't know its size.
        (screen.columns > 0 && screen.lines > 0).then_some(screen)
    }
}

impl Console {
    /// Stdout and stderr.
    pub(super) fn standard() -> Self {
        let interactive = io::stderr().is_terminal();
        let mut console = Self::new(Box::new(io::stdout()), Box::new(io::stderr()), interactive);
        console.screen = Screen::of_stdout;
        console
    }

    /// Streams that are no terminal, whatever `interactive` says of messages.
    pub(super) fn new(
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        interactive: bool,
    ) -> Self {
        Self {
            out,
            err,
            interactive,
            screen: || None,
            deserted: false,
        }
    }

    /// A console whose data reaches a terminal of this size.
    pub(super) fn on(mut self, screen: fn() -> Option<Screen>) -> Self {
        self.screen = screen;
        self
    }

    /// How large the terminal is that data reaches, if it is one.
    pub(super) fn screen(&self) -> Option<Screen> {
        (self.screen)()
    }

    /// A console of the same size that writes to `page` instead, data and messages alike.
    pub(super) fn page(&self, page: impl Write + Send + Clone + 'static) -> Self {
        Self::new(Box::new(page.clone()), Box::new(page), false).on(self.screen)
    }

    /// Whether nobody reads the data any more (`| head`).
    pub(super) const fn is_deserted(&self) -> bool {
        self.deserted
    }

    /// Writes data and a newline.
    ///
    /// A reader that went away (`| head`) is no failure: it has seen what it wanted.
    pub(super) fn data(&mut self, data: &[u8]) -> Result<(), Failure> {
        self.write(&[data, b"\n"].concat())
    }

    /// Writes data as it is.
    pub(super) fn write(&mut self, data: &[u8]) -> Result<(), Failure> {
        let written = self.out.write_all(data).and_then(|()| self.out.flush());
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.deserted = true;
                Ok(())
            }
            Err(error) => Err(Failure::Output(error)),
            Ok(()) => Ok(()),
        }
    }

    /// Writes a table, as wide as the terminal at the most if there is one.
    pub(super) fn table<'a>(
        &mut self,
        columns: &[Column],
        rows: impl IntoIterator<Item = &'a Value>,
    ) -> Result<(), Failure> {
        let width = self.screen().map(|screen| screen.columns);
        self.data(table::render_within(columns, rows, width).as_bytes())
    }

    /// Writes a message, made safe for a terminal.
    pub(super) fn say(&mut self, message: &str) {
        for line in message.lines() {
            // Without stderr there is nobody left to tell.
            let _ = writeln!(self.err, "{}", table::printable(line));
        }
    }
}
