//! `--watch`: a read that is made again and again, on a terminal in its place.

use std::future::Future;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use tokio::time::sleep;

use super::client::Failure;
use super::console::{Console, Screen};
use super::{ClientCommand, CommonArgs, Outcome, dispatch, parse};

/// What every command takes that only reads.
#[derive(Debug, Clone, Args)]
pub struct ReadArgs {
    /// Read again and again, every so many seconds [default: 2], until interrupted
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "2", value_parser = parse::interval)]
    pub watch: Option<Duration>,
    /// What every client command takes.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// A command that reads something of one switch.
#[derive(Debug, Args)]
pub struct SwitchReadArgs {
    /// Datapath id, or name of the switch's LOCAL port (with Open vSwitch the bridge's name)
    #[arg(value_parser = parse::name)]
    pub switch: String,
    /// What every command takes that only reads.
    #[command(flatten)]
    pub read: ReadArgs,
}

/// Reads every so often until `interrupt` completes, or nobody looks any more.
///
/// The first read must succeed, so that a slip is told at once. Later ones may fail: controllers and switches go
/// and come back.
pub(super) async fn watch(
    command: &ClientCommand,
    every: Duration,
    console: &mut Console,
    interrupt: impl Future<Output = ()>,
) -> Result<Outcome, Failure> {
    let mut interrupt = std::pin::pin!(interrupt);
    let mut is_first = true;
    loop {
        let read = async {
            match console.screen() {
                Some(screen) => draw(command, screen, is_first, console).await,
                None => append(command, is_first, console).await,
            }
        };
        tokio::select! {
            biased;
            () = &mut interrupt => break,
            read = read => read?,
        }
        if console.is_deserted() {
            break;
        }
        is_first = false;
        tokio::select! {
            () = &mut interrupt => break,
            () = sleep(every) => {}
        }
    }
    Ok(Outcome::Done)
}

/// What is no terminal gets one answer after the other, with an empty line between tables.
async fn append(
    command: &ClientCommand,
    is_first: bool,
    console: &mut Console,
) -> Result<(), Failure> {
    if !is_first && !command.common().json {
        console.data(b"")?;
    }
    if let Err(failure) = dispatch(command, console).await {
        if is_first || matches!(failure, Failure::Output(_)) {
            return Err(failure);
        }
        console.say(&format!("error: {failure}"));
    }
    Ok(())
}

/// A terminal gets each answer in the place of the one before.
async fn draw(
    command: &ClientCommand,
    screen: Screen,
    is_first: bool,
    console: &mut Console,
) -> Result<(), Failure> {
    let page = Page::default();
    let mut drawing = console.page(page.clone());
    if let Err(failure) = dispatch(command, &mut drawing).await {
        if is_first {
            return Err(failure);
        }
        drawing.say(&format!("error: {failure}"));
    }
    console.write(picture(&page.text(), screen, is_first).as_bytes())
}

/// Text from the terminal's upper left corner on, over what is there; what has no room is left out and counted.
fn picture(text: &str, screen: Screen, is_first: bool) -> String {
    const HOME: &str = "\x1b[H";
    const CLEAR_LINE: &str = "\x1b[K";
    const CLEAR_BELOW: &str = "\x1b[J";
    const CLEAR_ALL: &str = "\x1b[2J";
    let lines: Vec<&str> = text.lines().collect();
    // The last line is the cursor's.
    let room = usize::from(screen.lines).saturating_sub(1).max(1);
    let shown = if lines.len() > room {
        room - 1
    } else {
        lines.len()
    };
    let mut picture = if is_first { CLEAR_ALL } else { "" }.to_owned() + HOME;
    for line in lines.iter().take(shown) {
        picture += line;
        picture += CLEAR_LINE;
        picture += "\n";
    }
    if lines.len() > shown {
        picture += &format!("… {} more lines{CLEAR_LINE}\n", lines.len() - shown);
    }
    picture + CLEAR_BELOW
}

/// What is written, until it is shown.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Page {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Screen = Screen {
        columns: 80,
        lines: 4,
    };

    #[test]
    fn a_picture_is_drawn_over_the_one_before() {
        assert_eq!(
            picture("one\ntwo\n", SCREEN, false),
            "\x1b[Hone\x1b[K\ntwo\x1b[K\n\x1b[J"
        );
        assert!(picture("one", SCREEN, true).starts_with("\x1b[2J\x1b[H"));
    }

    #[test]
    fn a_picture_never_scrolls() {
        let text = picture("1\n2\n3\n4\n5", SCREEN, false);
        assert_eq!(text.matches('\n').count(), 3);
        assert!(text.contains("… 3 more lines"), "{text:?}");
        let all = picture("1\n2\n3", SCREEN, false);
        assert!(all.contains('3') && !all.contains("more"), "{all:?}");
    }
}
