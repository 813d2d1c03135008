//! An app to begin your own with: copy this file, and change it. `docs/apps.md` explains it line by line.
//!
//! A host that asks for an address that nobody has is looking for victims. It is cut off at its switch for a minute.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use godwit_controller::rest::{Routes, operation};
use godwit_controller::{
    App, Commands, Controller, ControllerConfig, Declaration, Event, Owner, Packet, Store, Verdict,
    View,
};
use godwit_openflow::model::{Field, FlowFlags, FlowMod, FlowRule, Pattern};
use godwit_openflow::types::{DatapathId, MacAddr};

/// The address.
const WIRE: Ipv4Addr = Ipv4Addr::new(10, 255, 255, 254);
/// Above the routes.
const PRIORITY: u16 = 0xfe00;
/// For so many seconds a host is cut off.
const CUT_OFF: u16 = 60;

/// The app, and who is cut off where at present.
#[derive(Clone, Default)]
pub struct Tripwire {
    caught: Arc<Mutex<BTreeMap<MacAddr, DatapathId>>>,
}

impl Tripwire {
    fn caught(&self) -> MutexGuard<'_, BTreeMap<MacAddr, DatapathId>> {
        self.caught.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App for Tripwire {
    fn name(&self) -> &'static str {
        "tripwire"
    }

    fn declares(&self) -> Declaration {
        // An ARP request for that address. ARP requests are broadcast, so they come to the controller.
        let wire = Pattern::new()
            .eth_type(0x0806)
            .with(Field::ArpOp, 1)
            .with(Field::ArpTpa, WIRE.to_bits().into());
        Declaration {
            description: "cuts off hosts that ask for an address that nobody has",
            priority: 400,
            filter: vec![wire],
            owner: Some(Owner::App(1)),
            rule_priorities: PRIORITY..=PRIORITY,
            ..Declaration::default()
        }
    }

    fn packet_in(&self, packet: &Packet<'_>, _: &View<'_>) -> Verdict {
        let (host, dpid) = (packet.headers.eth_src, packet.port.dpid);
        self.caught().insert(host, dpid);
        // Without actions it drops.
        let mut rule = FlowRule::new(PRIORITY, Pattern::new().eth_src(host), Vec::new())
            .with_flags(FlowFlags::SEND_FLOW_REMOVED);
        rule.hard_timeout = CUT_OFF;
        Verdict::Claim(Commands::default().flow_mod(dpid, FlowMod::add(rule)))
    }

    fn event(&self, event: &Event, _: &View<'_>) -> Commands {
        if let Event::FlowRemoved { removed, .. } = event
            && Owner::App(1).own_part(removed.cookie).is_some()
            && let Some(host) = removed.pattern.exact(Field::EthSrc)
        {
            self.caught().retain(|m, _| u128::from(m.to_u64()) != host);
        }
        Commands::default()
    }

    fn routes(&self) -> Option<Routes> {
        let this = self.clone();
        let list = async move || Json(this.caught().clone());
        let said = operation("Who was caught").answers::<BTreeMap<String, String>>(200);
        Some(Routes::new("tripwire").get("/tripwire", list, said))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = ControllerConfig {
        openflow: vec!["127.0.0.1:6653".parse()?],
        http: "127.0.0.1:8080".parse()?,
        topology: Default::default(),
        rules: Default::default(),
    };
    let controller = Controller::bind(&config, Store::in_memory()).await?;
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    controller
        .run(vec![Arc::new(Tripwire::default())], stopped)
        .await;
    Ok(())
}
