//! `godwit events`: what happens in the network, as it happens.

use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::client::{Client, Failure};
use super::console::Console;
use super::{CommonArgs, Outcome, follow, parse, table};

/// A stream that is silent for so long is dead: something comes every ten seconds at the least.
const SILENCE: Duration = Duration::from_secs(30);

/// Before a stream that ended is asked for again.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest line that a controller sends takes some kilobytes.
const LONGEST_LINE: usize = 1 << 20;

/// Arguments of `godwit events`.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Only of these families: switch, port, link, host, rule, migration, app
    #[arg(long, value_name = "FAMILY,…", value_parser = parse::name)]
    pub types: Option<String>,
    /// What came after this event, by its id in the stream
    #[arg(long, value_name = "ID", value_parser = parse::name)]
    pub since: Option<String>,
    /// What every client command takes.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Prints events until it is interrupted, or nobody reads them any more. A connection that ends is made again, and goes
/// on where it ended.
pub(super) async fn events(
    client: &Client,
    args: &EventsArgs,
    console: &mut Console,
) -> Result<Outcome, Failure> {
    let mut interrupt = std::pin::pin!(follow::interrupt());
    let mut reader = Reader {
        last: args.since.clone(),
        ..Reader::default()
    };
    loop {
        let ended = tokio::select! {
            biased;
            () = &mut interrupt => return Ok(Outcome::Done),
            ended = reader.read(client, args, console) => ended,
        };
        match ended {
            Ok(()) => return Ok(Outcome::Done),
            // The first must succeed, so that a slip is told at once.
            Err(failure) if reader.has_read && failure.is_passing() => {
                console.say(&format!("{failure}; trying again"));
            }
            Err(failure) => return Err(failure),
        }
        tokio::select! {
            () = &mut interrupt => return Ok(Outcome::Done),
            () = sleep(PAUSE) => {}
        }
    }
}

/// A client of a stream of events.
#[derive(Debug, Default)]
struct Reader {
    /// The last event that was read.
    last: Option<String>,
    /// Whether a stream was opened.
    has_read: bool,
    lines: Lines,
}

impl Reader {
    /// Until nobody reads what is printed.
    async fn read(
        &mut self,
        client: &Client,
        args: &EventsArgs,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let mut query = Vec::new();
        query.extend(args.types.as_deref().map(|types| ("types", types)));
        let mut stream = client
            .stream(&["events"], &query, self.last.as_deref())
            .await?;
        self.has_read = true;
        self.lines = Lines::default();
        let mut event = Told::default();
        loop {
            let silent = |_| client.unanswered("the stream of events has fallen silent");
            let chunk = timeout(SILENCE, stream.chunk()).await.map_err(silent)?;
            let chunk = chunk.map_err(|error| client.failure(&error))?;
            let chunk = chunk.ok_or_else(|| client.unanswered("the stream of events has ended"))?;
            for line in self.lines.take(&chunk) {
                if !line.is_empty() {
                    event.take(&line);
                    continue;
                }
                let told = std::mem::take(&mut event);
                if let Some(data) = &told.data {
                    console.data(shown(data, told.name.as_deref(), args.common.json).as_bytes())?;
                }
                self.last = told.id.or(self.last.take());
                if console.is_deserted() {
                    return Ok(());
                }
            }
            if self.lines.is_too_long() {
                return Err(client.unanswered("a line of the stream has no end"));
            }
        }
    }
}

/// The fields of an event that have come.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    id: Option<String>,
    name: Option<String>,
    data: Option<String>,
}

impl Told {
    fn take(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match field {
            "id" => self.id = Some(value),
            "event" => self.name = Some(value),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(&value);
                }
                None => self.data = Some(value),
            },
            // Comments keep the connection alive.
            _ => {}
        }
    }
}

/// Bytes on their way to lines.
#[derive(Debug, Default)]
struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// The lines that are whole now.
    fn take(&mut self, chunk: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(chunk);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else {
            return Vec::new();
        };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        let text = String::from_utf8_lossy(&whole);
        text.lines().map(str::to_owned).collect()
    }

    fn is_too_long(&self) -> bool {
        self.rest.len() > LONGEST_LINE
    }
}

/// An event as it is printed: the JSON as it came, or its time, its type and what else it says.
fn shown(data: &str, name: Option<&str>, json: bool) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(data) else {
        return table::printable(data).into_owned();
    };
    if json {
        return data.to_owned();
    }
    let text = |field: &str| fields.get(field).and_then(Value::as_str);
    let kind = text("type").or(name).unwrap_or_default();
    let mut line = text("time").map_or_else(|| kind.to_owned(), |time| format!("{time}  {kind}"));
    for (field, value) in &fields {
        if !matches!(field.as_str(), "time" | "type") {
            line.push_str(&format!("  {field}={}", brief(value)));
        }
    }
    table::printable(&line).into_owned()
}

/// A value in short: a link as two ports.
fn brief(value: &Value) -> String {
    match (value.get("src"), value.get("dst")) {
        (Some(from), Some(to)) => format!("{}>{}", brief(from), brief(to)),
        _ if value.get("port").is_some() => table::endpoint(Some(value)),
        _ => table::plain(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_lines_however_they_are_cut() {
        let text = b"id: 1-2\r\nevent: link\n\n: \n\ndata: \xc3\xa4\n";
        for cut in 0..text.len() {
            let mut lines = Lines::default();
            let mut all = lines.take(&text[..cut]);
            all.extend(lines.take(&text[cut..]));
            assert_eq!(
                all,
                ["id: 1-2", "event: link", "", ": ", "", "data: ä"],
                "{cut}"
            );
        }
    }

    #[test]
    fn fields_become_an_event() {
        let mut told = Told::default();
        for line in [
            "id: 1-2",
            ": comment",
            "event:link",
            "data: {",
            "data: }",
            "retry: 5",
            "odd",
        ] {
            told.take(line);
        }
        let expected = Told {
            id: Some("1-2".to_owned()),
            name: Some("link".to_owned()),
            data: Some("{\n}".to_owned()),
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn an_event_is_shown_in_a_line() {
        let link = r#"{"time":"T","type":"link_up","link":{"src":{"dpid":"01","port":3},"dst":{"dpid":"02","port":1}}}"#;
        assert_eq!(
            shown(link, Some("link"), false),
            "T  link_up  link=01/3>02/1"
        );
        assert_eq!(shown(link, Some("link"), true), link);
        let missed = r#"{"missed":null}"#;
        assert_eq!(shown(missed, Some("missed"), false), "missed  missed=-");
        assert_eq!(
            shown("no \u{1b}JSON", None, true),
            table::printable("no \u{1b}JSON")
        );
    }
}
