use super::*;

/// What `godwit run --config FILE` with this file would use.
fn load(text: &str) -> Result<Loaded, ConfigError> {
    load_with(text, RunArgs::default())
}

fn load_with(text: &str, args: RunArgs) -> Result<Loaded, ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("godwit.toml");
    std::fs::write(&path, text).unwrap();
    Loaded::load(&RunArgs {
        config: Some(path),
        ..args
    })
}

#[test]
fn without_a_file_the_documented_defaults_hold() {
    let loaded = Loaded::load(&RunArgs::default()).unwrap();
    let config = &loaded.config;
    let ports: Vec<_> = config.openflow.iter().map(SocketAddr::port).collect();
    assert_eq!(ports, [6653, 6633]);
    assert_eq!(config.http.to_string(), "127.0.0.1:8080");
    assert_eq!(config.data_dir, PathBuf::from("godwit-data"));
    assert_eq!(config.log.to_string(), "info");
    assert!(
        Key::ALL
            .iter()
            .all(|&key| *loaded.origin(key) == Origin::Default)
    );
}

#[test]
fn a_flag_wins_over_the_file() {
    let args = RunArgs {
        http: "127.0.0.1:3".parse().ok(),
        ..RunArgs::default()
    };
    let text = "\nhttp = \"127.0.0.1:1\"\nopenflow = [\n\"127.0.0.1:2\"]";
    let loaded = load_with(text, args).unwrap();
    let config = &loaded.config;
    assert_eq!((config.http.port(), config.openflow[0].port()), (3, 2));
    assert_eq!(*loaded.origin(Key::Http), Origin::Flag("--http"));
    let Origin::File { line, .. } = loaded.origin(Key::Openflow) else {
        panic!("{:?}", loaded.origin(Key::Openflow));
    };
    assert_eq!(*line, Some(3));
}

#[test]
fn whatever_is_wrong_in_a_file_is_told_with_its_line() {
    for (text, line, part) in [
        ("\nhtpp = \"127.0.0.1:1\"", 2, "unknown key `htpp`"),
        ("[log]\nlevel = 3", 1, "map"),
        ("http = 8080", 1, "string"),
        ("\n\nhttp = \"localhost\"", 3, "expected ADDRESS:PORT"),
        (
            "openflow = [\n\"0.0.0.0:6653\",\n\"x\"]",
            3,
            "expected ADDRESS:PORT",
        ),
        (
            "apps = [\n\"routing\", \"teapot\"]",
            2,
            "`teapot` is no app",
        ),
        ("log = \"loud\"", 1, "`loud` is no level"),
        (
            "http = \"127.0.0.1:1\"\nhttp = \"127.0.0.1:2\"",
            2,
            "duplicate key",
        ),
        ("log = \"info\"\napps = [\"routing\"", 2, "array"),
        ("\nopenflow = []", 2, "at least one address"),
        ("\n\napps = [\"migration\"]", 3, "needs `routing`"),
        (
            "apps = [\"migration\", \"routing\"]",
            1,
            "needs `routing` before it",
        ),
        ("apps = [\"learning\", \"routing\"]", 1, "take one of them"),
        (
            "apps = [\"routing\", \"routing\"]",
            1,
            "`routing` is named twice",
        ),
        ("data_dir = \"\"", 1, "has a name"),
        ("\n[statistics]\ninterval = 3", 3, "unknown key `interval`"),
        ("\n[statistics]\nsamples = \"x\"", 3, "string"),
        (
            "\n[statistics]\nhalf_life_s = 0",
            2,
            "`half_life_s` is from",
        ),
        (
            "\n[topology]\nlink_probe = 3",
            3,
            "unknown key `link_probe`",
        ),
        ("\n[topology]\nlink_misses = 1", 2, "`link_misses` is from"),
        ("\n[rules]\naudit = 3", 3, "unknown key `audit`"),
        (
            "\n[rules]\naudit_interval_s = 86401",
            2,
            "`audit_interval_s` is from",
        ),
        (
            "\n[rules]\nexcept_cookies = [\"five\"]",
            3,
            "`five` is no cookie",
        ),
        ("\n[rules]\nexcept_tables = [256]", 3, "256"),
        ("\n[routing]\nmetric = \"delay\"", 3, "`hops`"),
        ("\n[routing]\ncost = 1", 3, "unknown key `cost`"),
        (
            "\nstatistics = { samples = 10001 }",
            2,
            "`samples` is at most",
        ),
        (
            "openflow = [\"0.0.0.0:1\", \"127.0.0.1:1\"]",
            1,
            "can't both be listened on",
        ),
        (
            "openflow = [\"0.0.0.0:8080\"]\nhttp = \"127.0.0.1:8080\"",
            2,
            "beside 0.0.0.0:8080",
        ),
    ] {
        let error = load(text).unwrap_err().to_string();
        let place = format!("godwit.toml:{line}: ");
        assert!(error.contains(&place), "{text}: {error}");
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn a_file_that_is_no_text_is_told_with_its_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("godwit.toml");
    std::fs::write(&path, b"# \nlog = \"\xff\"").unwrap();
    let config = Some(path);
    let args = RunArgs {
        config,
        ..RunArgs::default()
    };
    let error = Loaded::load(&args).unwrap_err().to_string();
    assert!(error.contains(":2: not UTF-8"), "{error}");
}

#[test]
fn a_wrong_flag_is_told_by_its_name() {
    let args = RunArgs {
        apps: Some(vec![AppName::Migration]),
        ..RunArgs::default()
    };
    let error = load_with("", args).unwrap_err().to_string();
    assert!(error.starts_with("--apps: `apps`: "), "{error}");
}

#[test]
fn what_is_shown_is_a_file_that_says_the_same() {
    let text = "openflow = [\"127.0.0.1:1\", \"[::1]:2\"]\ndata_dir = \"/a \\\"b\\\"\"\nlog = \"warn,godwit=debug\"
[statistics]\nexport_dir = \"/a # \\\"b\\\"\"";
    let loaded = load(text).unwrap();
    let shown = loaded.to_toml();
    assert_eq!(load(&shown).unwrap().config, loaded.config);
    assert!(
        shown.contains("# default; a change takes effect at restart"),
        "{shown}"
    );
    assert!(
        shown.contains("godwit.toml:3; a change takes effect at SIGHUP"),
        "{shown}"
    );
    let json = loaded.to_json();
    assert_eq!(json["openflow"]["value"][1], "[::1]:2");
    assert_eq!(json["http"]["from"], "default");
    assert_eq!(
        (&json["log"]["live"], &json["apps"]["live"]),
        (&true.into(), &false.into())
    );
}

#[test]
fn changes_are_told_key_by_key() {
    let old = load("log = \"info\"").unwrap().config;
    assert_eq!(old.changes(&old), []);
    let new = load("log = \"debug\"\nhttp = \"127.0.0.1:9\"")
        .unwrap()
        .config;
    let changes: Vec<_> = old.changes(&new).iter().map(ToString::to_string).collect();
    assert_eq!(
        changes,
        [
            "http = \"127.0.0.1:9\" (was \"127.0.0.1:8080\")",
            "log = \"debug\" (was \"info\")"
        ]
    );
}

#[test]
fn the_file_that_is_installed_says_the_defaults_and_names_every_key() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/godwit.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let service = load(&text).unwrap().config;
    let defaults = load("").unwrap().config;
    let changes = defaults.changes(&service);
    let keys: Vec<Key> = changes.iter().map(|change| change.key).collect();
    assert_eq!(
        keys,
        [Key::DataDir],
        "only what a service has to have otherwise"
    );
    // What is a remark there is right when it is none any more. Explanations have a space behind the sign.
    let all = text.replace("\n#", "\n").replace("\n ", "\n# ");
    for key in Key::ALL {
        let name = key.name();
        let set = match key.argument() {
            Some(_) => format!("\n{name} = "),
            None => format!("\n[{name}]\n"),
        };
        assert_eq!(all.matches(&set).count(), 1, "{name}");
    }
    for name in [
        "interval_s",
        "half_life_s",
        "samples",
        "series",
        "export_dir",
        "export_interval_s",
        "link_probe_s",
        "link_misses",
        "host_silence_s",
        "host_memory_s",
        "audit_interval_s",
        "except_cookies",
        "except_tables",
        "metric",
    ] {
        assert!(text.contains(&format!("{name} = ")), "{name}");
    }
    assert_eq!(load(&all).unwrap().config, service);
}

#[test]
fn statistics_are_set_in_their_own_section() {
    let text = "log = \"warn\"\n[statistics]\ninterval_s = 0\nexport_dir = \"/tmp/x\"";
    let loaded = load(text).unwrap();
    let expected = StatisticsSettings {
        interval_s: 0,
        export_dir: Some(PathBuf::from("/tmp/x")),
        ..StatisticsSettings::default()
    };
    assert_eq!(loaded.config.statistics, expected);
    assert_eq!(loaded.to_json()["statistics"]["value"]["half_life_s"], 30);
    let changes = load("log = \"warn\"")
        .unwrap()
        .config
        .changes(&loaded.config);
    let keys: Vec<Key> = changes.iter().map(|change| change.key).collect();
    assert_eq!(keys, [Key::Statistics]);
}

#[test]
fn paths_are_short_by_what_its_own_section_says_if_that_is_measured() {
    let metric = |text: &str| load(text).map(|loaded| loaded.config.routing.metric);
    assert_eq!(metric("").unwrap(), Metric::Hops);
    assert_eq!(
        metric("[routing]\nmetric = \"latency\"").unwrap(),
        Metric::Latency
    );
    let load = "[routing]\nmetric = \"utilisation\"\n";
    assert_eq!(metric(load).unwrap(), Metric::Utilisation);
    let blind = metric(&format!("{load}[statistics]\ninterval_s = 0"));
    assert!(
        blind
            .unwrap_err()
            .to_string()
            .contains("nothing is measured")
    );
}

#[test]
fn what_is_silent_is_given_up_as_its_own_section_says() {
    let loaded = load("[topology]\nlink_probe_s = 1\nhost_silence_s = 60").unwrap();
    let expected = TopologySettings {
        link_probe_s: 1,
        host_silence_s: 60,
        ..TopologySettings::default()
    };
    assert_eq!(loaded.config.topology, expected);
    assert_eq!(loaded.to_json()["topology"]["value"]["link_misses"], 3);
}

#[test]
fn what_is_expected_on_switches_is_set_in_its_own_section() {
    let text = "[rules]\naudit_interval_s = 0\nexcept_cookies = [\"5\", \"0xab00/0xff00\"]\nexcept_tables = [7]";
    let loaded = load(text).unwrap();
    let value = &loaded.to_json()["rules"]["value"];
    assert_eq!(value["audit_interval_s"], 0);
    assert_eq!(
        value["except_cookies"],
        serde_json::json!(["0x5", "0xab00/0xff00"])
    );
    assert_eq!(value["except_tables"], serde_json::json!([7]));
    let shown = load(&loaded.to_toml()).unwrap().config;
    assert_eq!(shown, loaded.config);
}
