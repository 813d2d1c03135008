//! `godwit wait`: until the network is there, for scripts.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use clap::{ArgGroup, Args};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use super::client::{Answer, Client, Failure};
use super::console::Console;
use super::{CommonArgs, Outcome, parse, table};

/// Between two looks at the network.
const POLL: Duration = Duration::from_millis(200);

/// Arguments of `godwit wait`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("network").args(["switches", "links", "hosts"]).required(true).multiple(true)))]
pub struct WaitArgs {
    /// At least so many switches that are connected
    #[arg(long, value_name = "N")]
    pub switches: Option<usize>,
    /// At least so many links between switches, each seen in both directions and counted once
    #[arg(long, value_name = "N")]
    pub links: Option<usize>,
    /// At least so many hosts, which are seen when they send
    #[arg(long, value_name = "N")]
    pub hosts: Option<usize>,
    /// How long to wait at the most, also for the controller
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse::duration)]
    pub timeout: Duration,
    /// What every client command takes.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// How much there is of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    switches: usize,
    links: usize,
    hosts: usize,
}

/// What is there of what is wished for.
struct Standing<'a> {
    wished: &'a WaitArgs,
    count: Count,
}

/// Waits until there is as much as the arguments wish for.
pub(super) async fn wait(
    client: &Client,
    args: &WaitArgs,
    console: &mut Console,
) -> Result<Outcome, Failure> {
    let begun = Instant::now();
    let mut last = None;
    // What can't be added to a point in time is as good as for ever.
    let deadline = begun
        .checked_add(args.timeout)
        .unwrap_or_else(|| begun + Duration::from_secs(u64::from(u32::MAX)));
    let found = timeout_at(deadline, until_there(client, args, &mut last)).await;
    match (found, last) {
        (Ok(found), _) => {
            let (answer, standing) = found?;
            if args.common.json {
                console.data(&answer.body)?;
            } else {
                let after = table::duration(begun.elapsed());
                console.data(format!("{standing} after {after}").as_bytes())?;
            }
            Ok(Outcome::Done)
        }
        (Err(_), Some(Ok(standing))) => {
            let waited = table::duration(args.timeout);
            console.say(&format!("error: after {waited} there are {standing}"));
            Ok(Outcome::Failed)
        }
        (Err(_), Some(Err(failure))) => Err(failure),
        (Err(_), None) => Err(Failure::Unanswered {
            url: client.shown().to_owned(),
            reason: format!("no answer within {}", table::duration(args.timeout)),
        }),
    }
}

async fn until_there<'a>(
    client: &Client,
    wished: &'a WaitArgs,
    last: &mut Option<Result<Standing<'a>, Failure>>,
) -> Result<(Answer, Standing<'a>), Failure> {
    loop {
        match client.get(&["topology"], &[]).await {
            Ok(answer) => {
                let count = Count::of(&answer)?;
                let standing = Standing { wished, count };
                if standing.is_complete() {
                    return Ok((answer, standing));
                }
                *last = Some(Ok(standing));
            }
            Err(failure) if failure.is_passing() => *last = Some(Err(failure)),
            Err(failure) => return Err(failure),
        }
        sleep(POLL).await;
    }
}

impl Count {
    fn of(answer: &Answer) -> Result<Self, Failure> {
        let topology = answer.json()?;
        let list = |name: &str| {
            topology
                .get(name)
                .and_then(Value::as_array)
                .ok_or_else(|| answer.strange(&format!("expected a list of {name}")))
        };
        Ok(Self {
            switches: list("switches")?.len(),
            links: in_both_directions(list("links")?),
            hosts: list("hosts")?.len(),
        })
    }
}

/// How many of the links, given one for each direction, are there in both.
fn in_both_directions(links: &[Value]) -> usize {
    let end = |link: &Value, name| {
        let [dpid, port] = ["dpid", "port"].map(|part| {
            let part = link.get(name).and_then(|end| end.get(part));
            part.map(Value::to_string).unwrap_or_default()
        });
        (dpid, port)
    };
    let directions: BTreeSet<_> = links
        .iter()
        .map(|link| (end(link, "src"), end(link, "dst")))
        .collect();
    directions
        .iter()
        .filter(|(from, to)| from < to && directions.contains(&(to.clone(), from.clone())))
        .count()
}

impl Standing<'_> {
    fn kinds(&self) -> [(&'static str, usize, Option<usize>); 3] {
        let Count {
            switches,
            links,
            hosts,
        } = self.count;
        [
            ("switches", switches, self.wished.switches),
            ("links", links, self.wished.links),
            ("hosts", hosts, self.wished.hosts),
        ]
    }

    fn is_complete(&self) -> bool {
        self.kinds()
            .iter()
            .all(|(_, there, wished)| wished.is_none_or(|wished| *there >= wished))
    }
}

impl fmt::Display for Standing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = self.kinds();
        let shown: Vec<String> = kinds
            .iter()
            .filter_map(|(name, there, wished)| Some((name, there, (*wished)?)))
            .map(|(name, there, wished)| {
                if *there < wished {
                    format!("{there} of {wished} {name}")
                } else {
                    format!("{there} {name}")
                }
            })
            .collect();
        f.write_str(&shown.join(", "))
    }
}
