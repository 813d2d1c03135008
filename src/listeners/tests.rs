use std::net::TcpListener;

use super::*;

/// As `/proc/net/tcp` has it on a little-endian machine.
const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 48213 1 0000000000000000 100 0 0 10 0
   1: 00000000:19FD 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0000000000000000 100 0 0 10 0
   2: 0100007F:19FD 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 78 1 0000000000000000 20 4 30 10 -1
   3: nonsense
";

#[cfg(target_endian = "little")]
#[test]
fn sockets_that_listen_are_read_from_the_kernels_table() {
    let socket = |address: &str, user, inode| Socket {
        address: address.parse().unwrap(),
        user,
        inode,
    };
    assert_eq!(
        sockets(TABLE),
        [
            socket("127.0.0.1:8080", 1000, 48213),
            socket("0.0.0.0:6653", 0, 77)
        ]
    );
    let loopback = "0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A \
                    00000000:00000000 00:00000000 00000000 7 0 9 1";
    assert_eq!(sockets(loopback), [socket("[::1]:8080", 7, 9)]);
}

#[test]
fn an_address_excludes_the_same_and_those_that_it_is_part_of() {
    let excludes = |listening: &str, wished: &str| {
        let address = listening.parse().unwrap();
        let socket = Socket {
            address,
            user: 0,
            inode: 1,
        };
        socket.excludes(wished.parse().unwrap())
    };
    assert!(excludes("127.0.0.1:1", "127.0.0.1:1"));
    assert!(excludes("0.0.0.0:1", "127.0.0.1:1"));
    assert!(excludes("127.0.0.1:1", "0.0.0.0:1"));
    assert!(excludes("[::ffff:127.0.0.1]:1", "127.0.0.1:1"));
    assert!(!excludes("127.0.0.1:1", "127.0.0.2:1"));
    assert!(!excludes("127.0.0.1:1", "127.0.0.1:2"));
}

#[test]
fn the_holder_of_a_port_is_named_with_what_ends_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let holder = holder(address).unwrap();
    let id = std::process::id();
    assert!(holder.to_string().contains(&format!("(process {id})")));
    assert!(!holder.is_godwit() || holder.to_string().starts_with("`godwit`"));
}

#[test]
fn a_service_is_stopped_as_one_and_a_stranger_is_looked_for_first() {
    let cgroup = "0::/system.slice/openvswitch-testcontroller.service\n";
    let mut holder = Holder {
        process: Some(Process {
            id: 7,
            name: "test\u{1b}".to_owned(),
            service: service(cgroup),
        }),
        user: 0,
    };
    assert_eq!(
        holder.how_to_stop(),
        "stop it (systemctl stop openvswitch-testcontroller.service)"
    );
    assert!(!holder.to_string().contains('\u{1b}'));
    assert_eq!(
        service("0::/user.slice/user-0.slice/session-1.scope\n"),
        None
    );
    holder.process = None;
    assert_eq!(holder.to_string(), "a program of user 0");
    assert!(holder.how_to_stop().contains("ss -ltnp"));
}
