//! How long real switches take for rules in a bundle and for the same rules message by message.
//!
//! `cargo run --release -p godwit-controller --example rounds -- SWITCHES [PROCESS]` waits until so many switches have
//! connected to port 6653, whose flow tables it then fills and empties: 1 to 10,000 rules on the first, and 1,000 on
//! each of them at once. The figures are microseconds: the least of several runs, and the processor time of a run
//! in the mean when the switches' process is named by its id, which counts on a machine with other work.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use godwit_controller::connection::{CloseReason, OpenFlowServer, SwitchMessage, SwitchObserver};
use godwit_controller::limits::Limits;
use godwit_controller::rules::{Round, RoundError};
use godwit_controller::switch::{Registry, SwitchHandle};
use godwit_openflow::model::pattern::Field;
use godwit_openflow::model::{Action, FlowCommand, FlowMod, FlowRule, Pattern, ToSwitch};
use godwit_openflow::types::{MacAddr, PortNo};

const RUNS: usize = 7;

struct Deaf;

impl SwitchObserver for Deaf {
    async fn switch_up(&self, _switch: &SwitchHandle) {}
    async fn message(&self, _switch: &SwitchHandle, _message: SwitchMessage) {}
    async fn switch_down(&self, _switch: &SwitchHandle, _reason: &CloseReason) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let wanted: usize = arguments.next().ok_or("how many switches?")?.parse()?;
    let process = arguments.next();
    let address = SocketAddr::from(([127, 0, 0, 1], 6653));
    let registry = Arc::new(Registry::new());
    let server = OpenFlowServer::bind(&[address], Limits::default()).await?;
    let serving = server.serve(
        Arc::clone(&registry),
        Arc::new(Deaf),
        std::future::pending(),
    );
    let serving = tokio::spawn(serving);
    while registry.len() < wanted {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let switches = registry.list();
    for switch in &switches {
        println!("{switch}: bundles {}", switch.takes_bundles());
    }
    let stage = Stage { registry, process };
    for count in [1, 2, 10, 100, 1_000, 10_000] {
        let what = format!("{count} rules");
        stage.compare(&what, &switches[..1], count).await?;
    }
    let what = format!("1,000 rules on each of {}", switches.len());
    stage.compare(&what, &switches, 1_000).await?;
    serving.abort();
    Ok(())
}

struct Stage {
    registry: Arc<Registry>,
    process: Option<String>,
}

/// What plain messages cost, or bundles.
#[derive(Clone, Copy)]
struct Cost {
    least: Duration,
    processor: Duration,
}

impl Stage {
    async fn compare(
        &self,
        what: &str,
        switches: &[SwitchHandle],
        count: u32,
    ) -> Result<(), Box<dyn Error>> {
        let changes = [
            ("add", FlowCommand::Add, 2),
            ("modify", FlowCommand::ModifyStrict, 3),
            ("delete", FlowCommand::DeleteStrict, 3),
        ];
        let none = Cost {
            least: Duration::MAX,
            processor: Duration::ZERO,
        };
        let mut costs = [[none; 2]; 3];
        for run in 0..2 * RUNS {
            let bundled = run % 2 == 1;
            for (costs, (_, command, output)) in costs.iter_mut().zip(changes) {
                let batch = batch(command, count, output);
                let before = self.processor_time()?;
                let began = Instant::now();
                if bundled {
                    self.in_bundles(switches, &batch).await?;
                } else {
                    plain(switches, &batch).await?;
                }
                let cost = &mut costs[usize::from(bundled)];
                cost.least = cost.least.min(began.elapsed());
                cost.processor += self.processor_time()?.saturating_sub(before);
            }
        }
        for ((name, ..), [plain, bundle]) in changes.iter().zip(costs) {
            println!("{what}, {name}: plain {plain}, bundle {bundle}");
        }
        Ok(())
    }

    async fn in_bundles(
        &self,
        switches: &[SwitchHandle],
        batch: &[ToSwitch],
    ) -> Result<(), RoundError> {
        let mut round = Round::default();
        for switch in switches {
            for change in batch {
                round.push(switch.dpid(), change.clone());
            }
        }
        round.apply(&self.registry).await
    }

    /// How long all threads of the process have run.
    fn processor_time(&self) -> Result<Duration, Box<dyn Error>> {
        let Some(process) = &self.process else {
            return Ok(Duration::ZERO);
        };
        let mut nanoseconds = 0;
        for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
            let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            let ran = text.split_whitespace().next().ok_or("no schedstat")?;
            nanoseconds += ran.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }
}

async fn plain(switches: &[SwitchHandle], batch: &[ToSwitch]) -> Result<(), Box<dyn Error>> {
    for switch in switches {
        switch.send(batch)?;
    }
    for switch in switches {
        switch.apply(&[]).await?;
    }
    Ok(())
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = u128::try_from(RUNS).unwrap_or(1);
        write!(f, "{}", self.least.as_micros())?;
        if !self.processor.is_zero() {
            write!(f, " ({})", self.processor.as_micros() / runs)?;
        }
        Ok(())
    }
}

fn batch(command: FlowCommand, count: u32, output: u32) -> Vec<ToSwitch> {
    let change = |number: u32| {
        let [_, a, b, c] = number.to_be_bytes();
        let pattern = Pattern::new()
            .eth_dst(MacAddr([2, 0, 0, a, b, c]))
            .eth_type(0x0800)
            .with(Field::IpProto, 17)
            .with(Field::UdpDst, 5);
        let rule = FlowRule::new(100, pattern, vec![Action::output(PortNo(output))]);
        ToSwitch::FlowMod(FlowMod {
            command,
            ..FlowMod::add(rule)
        })
    };
    (0..count).map(change).collect()
}
