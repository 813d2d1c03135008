use super::*;

const BRIDGES: &str = r#"{"data":[
  ["s10","secure",["set",["OpenFlow10","OpenFlow13"]],"netdev",["uuid","c0c0c0c0-0000-4000-8000-000000000001"]],
  ["s9",["set",[]],["set",[]],"",["set",[]]]
 ],"headings":["name","fail_mode","protocols","datapath_type","controller"]}"#;

const CONTROLLERS: &str = r#"{"data":[
  [["uuid","c0c0c0c0-0000-4000-8000-000000000001"],"tcp:127.0.0.1:6653",true]
 ],"headings":["_uuid","target","is_connected"]}"#;

fn good() -> Bridge {
    read_bridges(BRIDGES, CONTROLLERS).unwrap().remove(1)
}

fn remote(target: &str, connected: bool) -> Remote {
    let target = target.to_owned();
    Remote { target, connected }
}

#[test]
fn bridges_are_read_with_their_controllers_in_the_order_of_their_numbers() {
    let bridges = read_bridges(BRIDGES, CONTROLLERS).unwrap();
    let bare = Bridge {
        name: "s9".to_owned(),
        fail_mode: None,
        protocols: Vec::new(),
        datapath: String::new(),
        controllers: Vec::new(),
    };
    assert_eq!(bridges.first(), Some(&bare));
    let good = good();
    assert_eq!(good.fail_mode.as_deref(), Some("secure"));
    assert_eq!(good.protocols, ["OpenFlow10", "OpenFlow13"]);
    assert_eq!(good.controllers, [remote("tcp:127.0.0.1:6653", true)]);
    assert_eq!(read_bridges("", ""), Some(Vec::new()));
}

#[test]
fn a_table_of_another_shape_is_not_understood() {
    for text in ["ovs", "{}", r#"{"data":[["s1"]]}"#, r#"{"data":3}"#] {
        assert_eq!(read_bridges(text, CONTROLLERS), None, "{text}");
    }
}

#[test]
fn a_bridge_that_is_as_it_should_be_needs_nothing() {
    let found = judge(&good());
    assert_eq!((found.status, found.mend), (Status::Ok, None));
    assert_eq!(
        found.detail,
        "fail_mode secure, OpenFlow10+OpenFlow13, user space, tcp:127.0.0.1:6653 (connected)"
    );
}

#[test]
fn what_is_wrong_with_a_bridge_comes_with_the_command_that_mends_it() {
    let passive = vec![remote("ptcp:6654", false)];
    let cases: [(Bridge, Status, &str); 6] = [
        (
            Bridge {
                fail_mode: None,
                ..good()
            },
            Status::Warn,
            "ovs-vsctl set-fail-mode s10 secure",
        ),
        (
            Bridge {
                protocols: vec!["OpenFlow15".to_owned()],
                ..good()
            },
            Status::Fail,
            "ovs-vsctl set bridge s10 protocols=OpenFlow10,OpenFlow13",
        ),
        (
            Bridge {
                controllers: Vec::new(),
                ..good()
            },
            Status::Warn,
            "ovs-vsctl set-controller s10 tcp:127.0.0.1:6653",
        ),
        (
            Bridge {
                controllers: passive,
                ..good()
            },
            Status::Warn,
            "ovs-vsctl set-controller s10",
        ),
        (
            Bridge {
                controllers: vec![remote("tcp:127.0.0.1:6653", false)],
                ..good()
            },
            Status::Warn,
            "godwit run",
        ),
        (
            Bridge {
                controllers: vec![remote("ssl:127.0.0.1:6653", true)],
                ..good()
            },
            Status::Fail,
            "no TLS",
        ),
    ];
    for (bridge, status, mend) in cases {
        let found = judge(&bridge);
        assert_eq!(found.status, status, "{bridge:?}");
        assert!(found.mend.unwrap().contains(mend), "{bridge:?}");
    }
}

#[test]
fn a_database_that_does_not_answer_is_told_from_one_that_may_not_be_asked() {
    let stopped = unreachable("3.1.0", "connection failed (No such file or directory)");
    assert_eq!(stopped.status, Status::Fail);
    let denied = unreachable("3.1.0", "connection failed (Permission denied)");
    assert_eq!(denied.status, Status::Warn);
}

#[test]
fn the_version_is_the_last_word_of_the_first_line() {
    let text = "ovs-vsctl (Open vSwitch) 3.1.0\nDB Schema 8.3.1";
    assert_eq!(version(text), "3.1.0");
    assert_eq!(version(""), "of unknown version");
}

#[test]
fn a_bridge_is_waited_for_only_where_somebody_listens_at_its_controllers_address() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let here = format!("tcp:{}", listener.local_addr().unwrap());
    let with = |controllers: &[Remote]| Bridge {
        controllers: controllers.to_vec(),
        ..good()
    };
    assert!(with(&[remote(&here, false)]).may_be_connected());
    assert!(!with(&[remote(&here, true)]).may_be_connected());
    assert!(!with(&[remote(&here, false), remote("tcp:10.0.0.1:1", true)]).may_be_connected());
    assert!(!with(&[remote("tcp:127.0.0.1:1", false), remote("ptcp:1", false)]).may_be_connected());
    drop(listener);
    assert!(!with(&[remote(&here, false)]).may_be_connected());
}
