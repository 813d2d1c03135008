//! An app that notes what it is told and does what a test says.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use godwit_controller::rest::{Routes, operation};
use godwit_controller::{App, Commands, Declaration, Desired, Event, Packet, Verdict, View};
use godwit_openflow::types::DatapathId;

type OnPacket = dyn Fn(&Packet<'_>) -> Verdict + Send + Sync;

pub(crate) struct Probe {
    name: &'static str,
    pub(crate) declared: Declaration,
    pub(crate) wanted: Desired,
    on_packet: Box<OnPacket>,
    pub(crate) packets: AtomicU64,
    pub(crate) events: Mutex<Vec<Event>>,
}

impl Probe {
    pub(crate) fn new(
        name: &'static str,
        declared: Declaration,
        on_packet: impl Fn(&Packet<'_>) -> Verdict + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self::wanting(name, declared, Desired::default(), on_packet))
    }

    pub(crate) fn wanting(
        name: &'static str,
        declared: Declaration,
        wanted: Desired,
        on_packet: impl Fn(&Packet<'_>) -> Verdict + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            declared,
            wanted,
            on_packet: Box::new(on_packet),
            packets: AtomicU64::default(),
            events: Mutex::default(),
        }
    }

    pub(crate) fn packets(&self) -> u64 {
        self.packets.load(Ordering::Relaxed)
    }

    /// How many events it has heard of that are such.
    pub(crate) fn heard(&self, such: impl Fn(&Event) -> bool) -> usize {
        let events = self.events.lock().unwrap();
        events.iter().filter(|event| such(event)).count()
    }
}

impl App for Probe {
    fn name(&self) -> &'static str {
        self.name
    }

    fn declares(&self) -> Declaration {
        self.declared.clone()
    }

    fn packet_in(&self, packet: &Packet<'_>, _: &View<'_>) -> Verdict {
        self.packets.fetch_add(1, Ordering::Relaxed);
        (self.on_packet)(packet)
    }

    fn event(&self, event: &Event, _: &View<'_>) -> Commands {
        self.events.lock().unwrap().push(event.clone());
        Commands::default()
    }

    fn desired(&self, _: DatapathId) -> Desired {
        Desired {
            rules: self.wanted.rules.clone(),
            ..Desired::default()
        }
    }

    fn routes(&self) -> Option<Routes> {
        let path = format!("/probe/{}", self.name);
        let said = operation("Whether the app is there").gives("text/plain");
        Some(Routes::new("probe").get(&path, async || "here\n", said))
    }
}
