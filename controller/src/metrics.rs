//! What the controller counts about itself, in Prometheus' text format.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::Store;

/// Counters since the start.
#[derive(Debug)]
pub struct Metrics {
    store: Store,
    alarms: AtomicU64,
    probes: AtomicU64,
    observations_dropped: AtomicU64,
    app_panics: AtomicU64,
}

impl Metrics {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            alarms: AtomicU64::default(),
            probes: AtomicU64::default(),
            observations_dropped: AtomicU64::default(),
            app_panics: AtomicU64::default(),
        }
    }

    pub(crate) fn count_alarm(&self) {
        self.alarms.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_probes(&self, probes: usize) {
        self.probes.fetch_add(probes as u64, Ordering::Relaxed);
    }

    pub(crate) fn count_observation_dropped(&self) {
        self.observations_dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_app_panic(&self) {
        self.app_panics.fetch_add(1, Ordering::Relaxed);
    }

    /// Appends all counters.
    pub(crate) fn write(&self, out: &mut String) {
        let rows = [
            (
                "godwit_alarms_total",
                "Forged or misplaced discovery frames, and hosts in two places.",
                &self.alarms,
            ),
            (
                "godwit_lldp_probes_total",
                "LLDP frames sent.",
                &self.probes,
            ),
            (
                "godwit_observations_dropped_total",
                "Sightings of hosts dropped under load.",
                &self.observations_dropped,
            ),
            (
                "godwit_app_panics_total",
                "Panics of apps that were contained.",
                &self.app_panics,
            ),
        ];
        for (name, help, counter) in rows {
            write_metric(out, name, "counter", help, counter.load(Ordering::Relaxed));
        }
        write_metric(
            out,
            "godwit_store_failures_total",
            "counter",
            "Writes to the data directory that failed.",
            self.store.failed_writes(),
        );
    }
}

/// Appends one metric without labels.
pub fn write_metric(out: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    // Writing to a string can't fail.
    let _ = writeln!(
        out,
        "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
    );
}
