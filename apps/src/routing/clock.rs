//! The machine's clock, which goes on while the controller is away.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since the machine was started, without the time that it slept.
pub(super) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let rest = u64::try_from(now.tv_nsec).unwrap_or_default();
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

/// What this start of the machine is called; empty where the system doesn't say.
pub(super) fn boot() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    name.unwrap_or_default().trim().to_owned()
}
