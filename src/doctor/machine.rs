//! What a controller needs of the machine: ports, a data directory, a clock.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{Access, access, statvfs};

use super::{Finding, ask};
use crate::config::Config;
use crate::data_dir::{LOCK_FILE, STORE_FILE};
use crate::listeners;

/// A clock that shows an earlier time is wrong (2026-01-01, in seconds since 1970): the program is younger.
const OLDEST: Duration = Duration::from_secs(1_767_225_600);

/// How far a file may lie in the future. Clocks of machines that share a disk differ a little.
const TOLERANCE: Duration = Duration::from_secs(300);

/// Less room than this is worth a look: a store of 10,000 routes takes some 20 MiB, and twice that while it is tidied.
const LITTLE_ROOM: u64 = 100 << 20;

/// The program itself, the kernel, and what is often used beside them.
pub(super) fn versions() -> Finding {
    let mut detail = format!("godwit {}", env!("CARGO_PKG_VERSION"));
    if let Some(release) = kernel_release() {
        detail += &format!(", Linux {release}");
    }
    if let Ok(version) = ask("mn", &["--version"]) {
        detail += &format!(", Mininet {}", version.lines().next().unwrap_or_default());
    }
    Finding::ok("versions", detail)
}

pub(super) fn kernel_release() -> Option<String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    Some(release.trim().to_owned())
}

/// Whether the ports can be listened on.
pub(super) fn ports(config: &Config) -> Vec<Finding> {
    let openflow = config.openflow.iter().map(|&address| ("OpenFlow", address));
    openflow
        .chain([("HTTP", config.http)])
        .filter(|(_, address)| address.port() != 0)
        .map(|(what, address)| port(what, address))
        .collect()
}

fn port(what: &str, address: SocketAddr) -> Finding {
    let check = format!("{what} {address}");
    let flag = if what == "HTTP" {
        "--http"
    } else {
        "--openflow"
    };
    let Err(error) = TcpListener::bind(address) else {
        return Finding::ok(check, "free");
    };
    match error.kind() {
        ErrorKind::AddrInUse => match listeners::holder(address) {
            Some(holder) if holder.is_godwit() => {
                Finding::ok(check, format!("held by {holder}: a controller runs"))
            }
            Some(holder) => Finding::fail(
                check,
                format!("held by {holder}"),
                format!(
                    "{}, or choose another port with {flag}",
                    holder.how_to_stop()
                ),
            ),
            None => Finding::fail(
                check,
                "in use, nothing here shows by whom",
                format!("look as root (ss -ltnp), or choose another port with {flag}"),
            ),
        },
        ErrorKind::PermissionDenied => Finding::fail(
            check,
            error.to_string(),
            format!("ports below 1024 need root: choose a higher one with {flag}"),
        ),
        ErrorKind::AddrNotAvailable => Finding::fail(
            check,
            "no interface of this machine has that address",
            format!("see `ip address`, and choose one with {flag}"),
        ),
        _ => Finding::fail(
            check,
            error.to_string(),
            format!("choose another with {flag}"),
        ),
    }
}

/// Whether the data directory can be written to and has room.
pub(super) fn data_dir(path: &Path) -> Vec<Finding> {
    const CHECK: &str = "data directory";
    let shown = path.display();
    let Some(existing) = nearest(path) else {
        let mend = "choose another with --data-dir";
        return vec![Finding::fail(CHECK, format!("{shown} can't be made"), mend)];
    };
    let mend = format!(
        "make it writable for the user that runs the controller, or choose another with --data-dir ({})",
        existing.display()
    );
    if !existing.is_dir() {
        let detail = format!("{} is no directory", existing.display());
        return vec![Finding::fail(
            CHECK,
            detail,
            "choose another with --data-dir",
        )];
    }
    if let Err(error) = access(&existing, Access::WRITE_OK | Access::EXEC_OK) {
        let detail = format!("{shown} can't be written to: {error}");
        return vec![Finding::fail(CHECK, detail, mend)];
    }
    let state = match (existing == path, is_taken(path)) {
        (false, _) => "will be made, writable",
        (true, true) => "in use by a controller",
        (true, false) => "writable",
    };
    let mut findings = vec![room(CHECK, &existing, &format!("{shown}: {state}"))];
    findings.extend(from_the_future(&path.join(STORE_FILE)));
    findings
}

/// The path itself if it is there, or the nearest above it that is.
fn nearest(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let found = path.ancestors().find(|above| above.exists());
    // Unchanged where it exists, so that it can be compared.
    found.map(Path::to_owned)
}

/// Whether a controller holds the directory's lock.
fn is_taken(path: &Path) -> bool {
    File::open(path.join(LOCK_FILE))
        .is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn room(check: &str, path: &Path, state: &str) -> Finding {
    match statvfs(path) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let detail = format!("{state}, {} MiB free", free >> 20);
            if free < LITTLE_ROOM {
                Finding::warn(check, detail, "make room: a full disk refuses migrations")
            } else {
                Finding::ok(check, detail)
            }
        }
        Err(error) => Finding::warn(
            check,
            format!("{state}, free space unknown: {error}"),
            "see `df`",
        ),
    }
}

/// A store that was written later than now: the clock was set back.
fn from_the_future(store: &Path) -> Option<Finding> {
    let written = fs::metadata(store)
        .and_then(|store| store.modified())
        .ok()?;
    let ahead = written.duration_since(SystemTime::now()).ok()?;
    (ahead > TOLERANCE).then(|| {
        let written = humantime::format_rfc3339_seconds(written);
        let detail = format!("the store was written at {written}, later than the clock shows");
        Finding::warn("clock", detail, "set the clock (timedatectl set-ntp true)")
    })
}

/// Whether the clock can be right, and is kept right.
pub(super) fn clock() -> Finding {
    let answer = ask(
        "timedatectl",
        &["show", "--property=NTPSynchronized", "--value"],
    );
    let synchronised = match answer.as_deref() {
        Ok("yes") => Some(true),
        Ok("no") => Some(false),
        _ => None,
    };
    judge_clock(SystemTime::now(), synchronised)
}

fn judge_clock(now: SystemTime, synchronised: Option<bool>) -> Finding {
    const CHECK: &str = "clock";
    const MEND: &str = "set the clock (timedatectl set-ntp true)";
    let shown = humantime::format_rfc3339_seconds(now);
    if now < SystemTime::UNIX_EPOCH + OLDEST {
        let detail = format!("{shown}: wrong, times in records and logs will be");
        return Finding::warn(CHECK, detail, MEND);
    }
    match synchronised {
        Some(true) => Finding::ok(CHECK, format!("{shown}, synchronised")),
        Some(false) => Finding::warn(CHECK, format!("{shown}, not synchronised"), MEND),
        None => Finding::ok(
            CHECK,
            format!("{shown}, whether it is synchronised isn't known"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn a_port_is_free_or_says_who_has_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let found = port("HTTP", address);
        let mend = found.mend.unwrap();
        let id = std::process::id();
        assert_eq!(found.status, Status::Fail);
        assert!(found.detail.contains(&format!("(process {id})")));
        assert!(
            mend.contains("stop it") && mend.contains("--http"),
            "{mend}"
        );
        // An address of documentation, which no machine has (RFC 5737).
        let found = port("OpenFlow", "192.0.2.1:6653".parse().unwrap());
        assert_eq!(found.status, Status::Fail);
        assert!(found.detail.contains("no interface"), "{}", found.detail);
    }

    #[test]
    fn a_directory_is_there_or_can_be_made_or_neither() {
        let directory = tempfile::tempdir().unwrap();
        let of = |path: &Path| data_dir(path).remove(0);
        let found = of(directory.path());
        assert!(found.detail.contains(": writable"), "{}", found.detail);
        let found = of(&directory.path().join("a/b"));
        assert!(found.detail.contains("will be made"), "{}", found.detail);
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let found = of(&file.join("data"));
        assert_eq!(found.status, Status::Fail);
        assert!(found.detail.contains("is no directory"), "{}", found.detail);
        assert!(found.mend.is_some());
    }

    #[test]
    fn a_directory_that_a_controller_uses_is_fine() {
        let directory = tempfile::tempdir().unwrap();
        let held = crate::data_dir::DataDir::take(directory.path()).unwrap();
        let found = data_dir(directory.path()).remove(0);
        assert!(found.detail.contains("in use by a controller"));
        drop(held);
    }

    #[test]
    fn a_store_from_the_future_shows_a_clock_that_was_set_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(STORE_FILE);
        let store = File::create(&path).unwrap();
        assert_eq!(from_the_future(&path), None);
        let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
        store.set_modified(tomorrow).unwrap();
        assert_eq!(data_dir(directory.path()).len(), 2);
        assert_eq!(from_the_future(&path).unwrap().status, Status::Warn);
    }

    #[test]
    fn a_clock_that_is_old_or_runs_free_is_worth_a_look() {
        let now = SystemTime::UNIX_EPOCH + OLDEST + Duration::from_secs(1);
        assert_eq!(judge_clock(now, Some(true)).status, Status::Ok);
        assert_eq!(judge_clock(now, None).status, Status::Ok);
        assert_eq!(judge_clock(now, Some(false)).status, Status::Warn);
        let early = SystemTime::UNIX_EPOCH;
        assert_eq!(judge_clock(early, Some(true)).status, Status::Warn);
    }
}
