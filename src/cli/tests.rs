mod commands;
mod drains;
mod migrations;
mod reads;
mod server;
mod top;

use std::ffi::OsString;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use serde_json::json;

use super::{
    Cli, ClientCommand, Command, Console, Endpoint, MatchField, Outcome, RouteCommand, Shape, run,
};

/// What a command did.
struct Ran {
    outcome: Outcome,
    out: String,
    err: String,
}

/// Runs `godwit {args} --url {url}` up to its exit.
async fn godwit(args: &[&str], url: &str) -> Ran {
    let command = client_command(args, url);
    let (mut console, out, err) = captured();
    let outcome = run(&command, &mut console).await;
    Ran {
        outcome,
        out: out.text(),
        err: err.text(),
    }
}

fn client_command(args: &[&str], url: &str) -> ClientCommand {
    match parsed(args.iter().copied().chain(["--url", url])).command {
        Command::Client(command) => command,
        _ => panic!("not a client command"),
    }
}

fn parsed<'a>(args: impl IntoIterator<Item = &'a str>) -> Cli {
    Cli::try_parse_from(["godwit"].into_iter().chain(args)).unwrap()
}

fn refused(args: &[&str]) -> clap::Error {
    let all = ["godwit"].iter().chain(args).map(OsString::from);
    let error = Cli::try_parse_from(all).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    error
}

fn captured() -> (Console, Capture, Capture) {
    let (out, err) = (Capture::default(), Capture::default());
    (
        Console::new(Box::new(out.clone()), Box::new(err.clone()), false),
        out,
        err,
    )
}

/// A stream that keeps what is written.
#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<u8>>>);

impl Capture {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Capture {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stream whose writes all fail.
struct Failing(io::ErrorKind);

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

#[test]
fn the_definition_of_the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn run_takes_several_openflow_addresses_and_leaves_the_rest_to_the_configuration() {
    let cli = parsed([
        "run",
        "--openflow",
        "127.0.0.1:6653",
        "--openflow",
        "[::1]:6633",
    ]);
    let Command::Run(args) = cli.command else {
        panic!("not run")
    };
    let expected = [
        "127.0.0.1:6653".parse().unwrap(),
        "[::1]:6633".parse().unwrap(),
    ];
    assert_eq!(args.openflow, expected);
    assert_eq!((args.config, args.http, args.data_dir), (None, None, None));
}

#[test]
fn a_bad_listening_address_is_a_usage_error_that_shows_a_good_one() {
    let error = refused(&["run", "--http", "8080"]);
    assert_eq!(error.kind(), ErrorKind::ValueValidation);
    assert!(
        error.to_string().contains("127.0.0.1:8080") || error.to_string().contains("0.0.0.0:6653")
    );
}

#[test]
fn a_dry_run_always_waits_so_no_wait_contradicts_it() {
    let error = refused(&["migrate", "s1", "--dry-run", "--no-wait"]);
    assert_eq!(error.kind(), ErrorKind::ArgumentConflict);
}

#[test]
fn a_hold_is_a_day_at_most() {
    refused(&["migrate", "s1", "--hold", "86401"]);
    refused(&["migrate", "s1", "--hold", "-1"]);
}

#[test]
fn every_shape_and_every_order_is_known_by_its_name_in_the_rest_interface() {
    for name in ["substitution", "detour", "re-route"] {
        let command = client_command(&["migrate", "s1", "--shape", name], "http://h");
        let ClientCommand::Migrate(args) = command else {
            panic!("not migrate")
        };
        assert_eq!(args.shape.map(Shape::name), Some(name));
    }
    for name in ["given", "lmcf", "mis-ss", "mis-lmcf"] {
        let command = client_command(&["drain", "s1", "--order", name], "http://h");
        let ClientCommand::Drain(args) = command else {
            panic!("not drain")
        };
        assert_eq!(args.order.name(), name);
    }
}

#[test]
fn every_algorithm_is_known_on_the_command_line_by_its_name_in_the_rest_interface() {
    for name in ["clone", "move", "freeze-copy"] {
        let command = client_command(&["migrate", "s1", "--algorithm", name], "http://h");
        let ClientCommand::Migrate(args) = command else {
            panic!("not migrate")
        };
        assert_eq!(args.algorithm.name(), name);
    }
}

#[test]
fn names_that_a_url_path_cannot_carry_are_refused() {
    for name in ["", ".", ".."] {
        refused(&["flows", name]);
        refused(&["route", "rm", name]);
    }
}

#[test]
fn a_url_needs_no_scheme_and_must_not_be_https() {
    let command = client_command(&["links"], "localhost:8080");
    assert_eq!(command.common().url.as_str(), "http://localhost:8080/");
    refused(&["links", "--url", "https://localhost"]);
    refused(&["links", "--url", ""]);
    refused(&["links", "--url", "http://"]);
}

#[test]
fn addresses_of_hosts_are_passed_on_as_typed() {
    for text in [
        "00:00:00:00:00:01",
        "0a-0B-0c-0d-0e-0f",
        "10.0.0.1",
        "fe80::1",
        "::1",
    ] {
        assert_eq!(text.parse(), Ok(Endpoint::Host(text.to_owned())));
        assert_eq!(text.parse::<Endpoint>().unwrap().to_json(), json!(text));
    }
}

#[test]
fn a_switch_and_a_port_become_an_attachment_point() {
    let dpid = "00:00:00:00:00:00:00:07";
    for (text, switch, port) in [("s7/3", "s7", 3), ("00:00:00:00:00:00:00:07/1", dpid, 1)] {
        let endpoint: Endpoint = text.parse().unwrap();
        assert_eq!(endpoint.to_json(), json!({ "dpid": switch, "port": port }));
    }
}

#[test]
fn what_is_neither_host_nor_port_is_refused_with_the_reason() {
    for (text, reason) in [
        ("10.0.0.0/24", "a network goes into --match"),
        ("s7/eth1", "'eth1' is not a port number"),
        ("s7/-1", "'-1' is not a port number"),
        ("/1", "must not be empty"),
        ("00:00:00:00:00:00:00:07", "expected a MAC"),
        ("s7", "expected a MAC, IPv4 or IPv6 address, or SWITCH/PORT"),
        ("10.0.0.256", "expected a MAC"),
        ("00:00:00:00:00:0g", "expected a MAC"),
        ("", "expected a MAC"),
    ] {
        let error = text.parse::<Endpoint>().unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn integers_of_a_match_become_numbers_and_everything_else_text() {
    for (text, field, value) in [
        ("udp_dst=5001", "udp_dst", json!(5001)),
        ("eth_type=0x0800", "eth_type", json!(2048)),
        ("metadata=18446744073709551615", "metadata", json!(u64::MAX)),
        ("ipv4_dst=10.0.0.0/24", "ipv4_dst", json!("10.0.0.0/24")),
        (
            "eth_src=00:00:00:00:00:01",
            "eth_src",
            json!("00:00:00:00:00:01"),
        ),
        ("vlan_vid=0x1000/0x1000", "vlan_vid", json!("0x1000/0x1000")),
        ("in_port=-1", "in_port", json!("-1")),
        ("in_port=+1", "in_port", json!("+1")),
        ("note=a=b", "note", json!("a=b")),
    ] {
        let expected = MatchField {
            field: field.to_owned(),
            value,
        };
        assert_eq!(text.parse(), Ok(expected), "{text}");
    }
}

#[test]
fn a_match_without_field_or_value_is_refused() {
    for text in ["udp_dst", "=5", "udp_dst=", ""] {
        assert!(
            text.parse::<MatchField>()
                .unwrap_err()
                .contains("FIELD=VALUE"),
            "{text}"
        );
        refused(&["route", "add", "10.0.0.1", "10.0.0.2", "--match", text]);
    }
}

#[test]
fn matches_and_waypoints_may_be_repeated() {
    let args = "route add 10.0.0.1 s2/1 --match a=1 --match b=x --via s3 --via s4 --priority 7";
    let ClientCommand::Route {
        command: RouteCommand::Add(args),
    } = client_command(&args.split(' ').collect::<Vec<_>>(), "http://h")
    else {
        panic!("not route add")
    };
    assert_eq!(args.fields.len(), 2);
    assert_eq!(args.via, ["s3", "s4"]);
    assert_eq!(args.priority, Some(7));
}
