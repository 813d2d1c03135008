//! Who listens on a TCP port of this machine, as `/proc` tells it.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use godwit_controller::StartError;

use crate::BuildError;

/// The state of a socket in `/proc/net/tcp` that listens (`TCP_LISTEN`).
const LISTENING: &str = "0A";

/// A program that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    /// Its process, where it may be seen: processes of other users only root sees.
    process: Option<Process>,
    /// The user that it runs as.
    user: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Process {
    id: u32,
    name: String,
    /// The service of systemd that it belongs to.
    service: Option<String>,
}

impl Holder {
    /// Whether it is a controller of this kind.
    pub(crate) fn is_godwit(&self) -> bool {
        self.process
            .as_ref()
            .is_some_and(|process| process.name == "godwit")
    }

    /// How to make it go.
    pub(crate) fn how_to_stop(&self) -> String {
        match &self.process {
            Some(Process {
                service: Some(service),
                ..
            }) => format!("stop it (systemctl stop {service})"),
            Some(process) => format!("stop it (kill {})", process.id),
            None => "see which (as root: ss -ltnp) and stop it".to_owned(),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            Some(process) => {
                // A program chooses its name itself.
                let name = process.name.escape_debug();
                write!(f, "`{name}` (process {})", process.id)
            }
            None => write!(f, "a program of user {}", self.user),
        }
    }
}

/// What is to be said of a controller that could not start because a program that can be named has its port.
pub(crate) fn taken(error: &BuildError) -> Option<String> {
    let BuildError::Start(error) = error else {
        return None;
    };
    let (purpose, address, source, flag) = match error {
        StartError::OpenFlow(error) => ("switches", error.address, &error.source, "--openflow"),
        StartError::Http { address, source } => ("HTTP", *address, source, "--http"),
        StartError::Key(_) | StartError::Store(_) => return None,
    };
    if source.kind() != ErrorKind::AddrInUse {
        return None;
    }
    let holder = holder(address)?;
    let stop = holder.how_to_stop();
    Some(format!(
        "can't listen for {purpose} on {address}: the port is held by {holder}: {stop}, or choose another with {flag}"
    ))
}

/// Who listens where a listener at `address` would be refused.
pub(crate) fn holder(address: SocketAddr) -> Option<Holder> {
    let sockets = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|table| sockets(&table))
        .filter(|socket| socket.excludes(address));
    // One that can be seen says more.
    let mut unseen = None;
    for socket in sockets {
        let process = process_with(socket.inode);
        let seen = process.is_some();
        let holder = Holder {
            process,
            user: socket.user,
        };
        if seen {
            return Some(holder);
        }
        unseen.get_or_insert(holder);
    }
    unseen
}

/// A socket that listens.
#[derive(Debug, PartialEq, Eq)]
struct Socket {
    address: SocketAddr,
    user: u32,
    inode: u64,
}

impl Socket {
    fn excludes(&self, address: SocketAddr) -> bool {
        let (here, there) = (self.address.ip(), address.ip());
        let unspecified = here.is_unspecified() || there.is_unspecified();
        self.address.port() == address.port()
            && (unspecified || here.to_canonical() == there.to_canonical())
    }
}

/// The sockets that listen in a table of `/proc/net/tcp` or `tcp6` (proc(5)). Lines that are not understood are left out.
fn sockets(table: &str) -> Vec<Socket> {
    let socket = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let address = address(fields.next()?)?;
        let state = fields.nth(1)?;
        // Queues, timer, retransmissions.
        let user = fields.nth(3)?.parse().ok()?;
        let inode = fields.nth(1)?.parse().ok()?;
        (state == LISTENING).then_some(Socket {
            address,
            user,
            inode,
        })
    };
    table.lines().filter_map(socket).collect()
}

/// An address as the kernel writes it: words of 32 bits in the machine's order, in hexadecimal digits, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |index: usize| {
        let digits = ip.get(index * 8..index * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    let ip = match ip.len() {
        8 => IpAddr::from(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            IpAddr::from(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// The process that has this socket open.
fn process_with(inode: u64) -> Option<Process> {
    let link = format!("socket:[{inode}]");
    let holds = |id: u32| {
        let files = fs::read_dir(format!("/proc/{id}/fd")).ok()?;
        files
            .flatten()
            .any(|file| fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == link.as_str()))
            .then_some(id)
    };
    let id = fs::read_dir("/proc")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .find_map(holds)?;
    let read = |file: &str| fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
    Some(Process {
        id,
        name: read("comm").trim_end().to_owned(),
        service: service(&read("cgroup")),
    })
}

/// The service of systemd in `/proc/PID/cgroup`.
fn service(cgroup: &str) -> Option<String> {
    cgroup
        .lines()
        .filter_map(|line| line.rsplit('/').next())
        .find(|last| last.ends_with(".service") && !last.starts_with("user@"))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests;
