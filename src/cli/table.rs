//! Tables, and how values look in them.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Row, Table,
    TableStyle,
};
use serde_json::Value;

/// A line under the header and nothing else: narrow, and easy on `grep` and `awk`.
const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none())
    .header_separator(LineStyle::none().fill('─').junction('─'));

/// What stands where there is no value.
const NOTHING: &str = "-";

/// A column of a table whose rows are JSON values.
#[derive(Clone, Copy)]
pub(super) struct Column {
    title: &'static str,
    alignment: CellAlignment,
    cell: fn(&Value) -> String,
}

impl Column {
    /// A column of text.
    pub(super) const fn text(title: &'static str, cell: fn(&Value) -> String) -> Self {
        Self {
            title,
            alignment: CellAlignment::Left,
            cell,
        }
    }

    /// A column of numbers.
    pub(super) const fn number(title: &'static str, cell: fn(&Value) -> String) -> Self {
        Self {
            title,
            alignment: CellAlignment::Right,
            cell,
        }
    }
}

/// A table of `rows`, a header on top.
pub(super) fn render<'a>(columns: &[Column], rows: impl IntoIterator<Item = &'a Value>) -> String {
    render_within(columns, rows, None)
}

/// The same in at most so many characters a line, if that can be: long text goes on in the next line of its cell,
/// numbers stay whole.
pub(super) fn render_within<'a>(
    columns: &[Column],
    rows: impl IntoIterator<Item = &'a Value>,
    width: Option<u16>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(STYLE)
        .set_header(columns.iter().map(|column| column.title));
    for row in rows {
        let cells = columns.iter().map(|column| {
            let text = printable(&(column.cell)(row)).into_owned();
            match width {
                Some(_) => breakable(&text),
                None => text,
            }
        });
        table.add_row(Row::from(cells.collect::<Vec<_>>()));
    }
    for (column, shown) in columns.iter().zip(table.column_iter_mut()) {
        shown.set_cell_alignment(column.alignment);
    }
    match width {
        Some(width) => {
            narrow(&mut table, columns, width);
            table.trim_fmt().replace(BREAK, "")
        }
        None => table.trim_fmt(),
    }
}

/// Where a line may end: it is not seen, and taken out again in the end.
const BREAK: char = '\u{200b}';

/// Text that may go on in another line after spaces and commas.
fn breakable(text: &str) -> String {
    let mut breakable = String::with_capacity(text.len() * 2);
    for character in text.chars().filter(|&character| character != BREAK) {
        breakable.push(character);
        if matches!(character, ' ' | ',') {
            breakable.push(BREAK);
        }
    }
    breakable
}

/// Lets long text go on in further lines, so that the table is no wider than this. What is short, as addresses and
/// names are, stays in one piece if that leaves some room for the rest.
fn narrow(table: &mut Table, columns: &[Column], width: u16) {
    /// A MAC address, or a datapath id, in characters.
    const SHORT: u16 = 17;
    /// What a column of long text needs to be readable.
    const READABLE: u16 = 12;
    /// The space around a cell.
    const AROUND: u16 = 3;
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_delimiter(BREAK);
    let widths = table.column_max_content_widths();
    let least = widths
        .iter()
        .map(|&width| if width <= SHORT { width } else { READABLE });
    let least: usize = least.map(|width| usize::from(width + AROUND)).sum();
    let short_stays = least <= usize::from(width);
    for ((column, shown), content) in columns.iter().zip(table.column_iter_mut()).zip(widths) {
        let is_number = matches!(column.alignment, CellAlignment::Right);
        if is_number || (short_stays && content <= SHORT) {
            shown.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
}

/// A table of names and values, without a header.
pub(super) fn render_pairs(pairs: &[(&str, String)]) -> String {
    let mut table = Table::new();
    table.load_style(STYLE);
    for (name, value) in pairs {
        table.add_row([Cow::Borrowed(*name), printable(value)]);
    }
    table.trim_fmt()
}

/// `text` with control characters escaped. Names of ports and hosts come from the network: they
/// must not steer the terminal.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// The value at a JSON pointer (RFC 6901), as a cell shows it.
pub(super) fn at(value: &Value, pointer: &str) -> String {
    value
        .pointer(pointer)
        .map_or_else(|| NOTHING.to_owned(), plain)
}

/// A value as a cell shows it: text without quotes, lists with commas.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => NOTHING.to_owned(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(_) => value.to_string(),
    }
}

/// A datapath id as short as it can still be typed: `0x7`. Anything else stays as it is.
pub(super) fn short_dpid(dpid: &str) -> String {
    match u64::from_str_radix(dpid, 16) {
        Ok(number) if dpid.len() == 16 => format!("{number:#x}"),
        _ => dpid.to_owned(),
    }
}

/// Where a route begins or ends: an address, or a port of a switch.
pub(super) fn endpoint(value: Option<&Value>) -> String {
    match value {
        Some(port @ Value::Object(_)) => {
            format!("{}/{}", short_dpid(&at(port, "/dpid")), at(port, "/port"))
        }
        Some(other) => plain(other),
        None => NOTHING.to_owned(),
    }
}

/// The switches of a path, in order.
pub(super) fn path(value: Option<&Value>) -> String {
    hops(value, |hop| short_dpid(&at(hop, "/dpid")))
}

/// The switches of a path, each between the ports that packets enter and leave by.
pub(super) fn path_with_ports(value: Option<&Value>) -> String {
    hops(value, |hop| {
        let switch = short_dpid(&at(hop, "/dpid"));
        format!("{}:{switch}:{}", at(hop, "/in_port"), at(hop, "/out_port"))
    })
}

fn hops(path: Option<&Value>, show: fn(&Value) -> String) -> String {
    let hops = path
        .map(|path| path.get("hops").unwrap_or(path))
        .and_then(Value::as_array);
    match hops {
        Some(hops) => hops.iter().map(show).collect::<Vec<_>>().join(" > "),
        None => NOTHING.to_owned(),
    }
}

/// A duration given in microseconds.
pub(super) fn duration_us(value: Option<&Value>) -> String {
    value.and_then(Value::as_u64).map_or_else(
        || NOTHING.to_owned(),
        |us| duration(Duration::from_micros(us)),
    )
}

/// A duration given in nanoseconds.
pub(super) fn duration_ns(value: Option<&Value>) -> String {
    value.and_then(Value::as_u64).map_or_else(
        || NOTHING.to_owned(),
        |ns| duration(Duration::from_nanos(ns)),
    )
}

/// A duration with three digits or so of precision.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.as_micros() < 1000 => format!("{} µs", duration.as_micros()),
        0 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        1..60 => format!("{:.2} s", duration.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// Bits a second with three digits or so of precision.
pub(super) fn bits(value: Option<&Value>) -> String {
    let Some(bits) = value.and_then(Value::as_f64) else {
        return NOTHING.to_owned();
    };
    let units = [(1e9, "Gb/s"), (1e6, "Mb/s"), (1e3, "kb/s")];
    match units.into_iter().find(|(unit, _)| bits >= *unit) {
        Some((unit, name)) => format!("{:.2} {name}", bits / unit),
        None => format!("{bits:.0} b/s"),
    }
}

/// A rate, to a tenth.
pub(super) fn rate(value: Option<&Value>) -> String {
    value
        .and_then(Value::as_f64)
        .map_or_else(|| NOTHING.to_owned(), |rate| format!("{rate:.1}"))
}

/// A part of 1 in percent.
pub(super) fn percent(value: Option<&Value>) -> String {
    value.and_then(Value::as_f64).map_or_else(
        || NOTHING.to_owned(),
        |part| format!("{:.1} %", part * 100.0),
    )
}

/// Counters at several places together; those that are not kept count nothing.
pub(super) fn sum(value: &Value, pointers: &[&str]) -> String {
    let counts = pointers
        .iter()
        .filter_map(|pointer| value.pointer(pointer)?.as_u64());
    counts
        .reduce(u64::saturating_add)
        .map_or_else(|| NOTHING.to_owned(), |sum| sum.to_string())
}

/// A point in time (RFC 3339), to the second.
pub(super) fn time(value: Option<&Value>) -> String {
    let Some(text) = value.and_then(Value::as_str) else {
        return NOTHING.to_owned();
    };
    let Some((whole, fraction)) = text.split_once('.') else {
        return text.to_owned();
    };
    let zone = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let mut shown = whole.to_owned();
    let _ = write!(shown, "{zone}");
    shown
}
