//! How long the control channels take: without that, what discovery's probes take says nothing of the links.

use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use crate::network::Network;
use crate::topology::Observation;

/// How often each switch is asked for an echo: more often than links are probed, so that a link that was just found is
/// measured by its second probe.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long an echo is waited for. One that takes longer measures no channel but a switch that is busy.
const DEADLINE: Duration = Duration::from_millis(900);

/// Asks all switches at the interval, for ever.
pub(crate) async fn measure(network: Network) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for switch in network.switches().list() {
            let network = network.clone();
            tokio::spawn(async move {
                let asked = Instant::now();
                if switch.echo(DEADLINE).await {
                    network.observe_if_room(Observation::Echoed {
                        dpid: switch.dpid(),
                        after: asked.elapsed(),
                    });
                }
            });
        }
    }
}
