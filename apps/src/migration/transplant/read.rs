//! What switches hold, read from all of them at once.

use std::collections::BTreeMap;

use godwit_controller::limits::APPLY_DEADLINE;
use godwit_controller::rules::base;
use godwit_controller::switch::{RequestError, SwitchHandle};
use godwit_controller::{Network, Owner};
use godwit_openflow::model::{
    FlowFilter, GroupDescription, GroupStats, MeterConfig, MeterStats, StatsReply, StatsRequest,
};
use godwit_openflow::types::{Cookie, DatapathId, GroupId, MeterId, Version};

use tokio::task::JoinHandle;

use super::{Holdings, Site};
use crate::others::Unread;

/// What is read of a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Its flow entries, if one of them is neither the controller's own nor a route's; otherwise nothing.
    RulesAmongOthers,
    /// Everything, if it holds more than the controller's own entries and this many of routes; otherwise nothing.
    Beyond {
        /// Entries of routes.
        routes: usize,
    },
    /// Its flow entries, groups and meters.
    Everything,
}

/// Reads several switches, all at once.
///
/// # Errors
/// When one does not answer a request within five seconds.
pub async fn sites(
    network: &Network,
    wanted: impl IntoIterator<Item = (DatapathId, Depth)>,
) -> Result<BTreeMap<DatapathId, Site>, Unread> {
    Readings::begin(network, wanted).sites().await
}

/// Switches that are being read, all at once.
#[derive(Debug)]
pub struct Readings {
    under_way: BTreeMap<DatapathId, JoinHandle<Result<Site, RequestError>>>,
}

impl Readings {
    /// Asks several switches.
    pub fn begin(network: &Network, wanted: impl IntoIterator<Item = (DatapathId, Depth)>) -> Self {
        let under_way = wanted.into_iter().map(|(dpid, depth)| {
            let switch = network.switches().get(dpid);
            let reading = tokio::spawn(async move {
                let switch = switch.ok_or(RequestError::Disconnected)?;
                site(&switch, depth).await
            });
            (dpid, reading)
        });
        Self {
            under_way: under_way.collect(),
        }
    }

    /// Waits for the answers.
    ///
    /// # Errors
    /// When one does not answer a request within five seconds.
    pub async fn sites(self) -> Result<BTreeMap<DatapathId, Site>, Unread> {
        let mut sites = BTreeMap::new();
        for (dpid, reading) in self.under_way {
            // One that ended abnormally has found out nothing.
            let read = reading.await.unwrap_or(Err(RequestError::Disconnected));
            sites.insert(dpid, read.map_err(|why| Unread { dpid, why })?);
        }
        Ok(sites)
    }
}

/// Reads one switch.
///
/// # Errors
/// When it does not answer.
pub async fn site(switch: &SwitchHandle, depth: Depth) -> Result<Site, RequestError> {
    Ok(Site {
        dpid: switch.dpid(),
        version: switch.version(),
        tables: switch.features().tables,
        ports: switch.ports().to_vec(),
        holdings: holdings(switch, depth).await?,
    })
}

/// Reads what one switch holds. Its requests are under way together. A switch without groups or meters, as all of
/// OpenFlow 1.0 are, or one that refuses to speak of them, has none.
///
/// # Errors
/// When it does not answer.
pub async fn holdings(switch: &SwitchHandle, depth: Depth) -> Result<Holdings, RequestError> {
    let has_more = match depth {
        Depth::RulesAmongOthers => own_entries(switch).await?.is_none(),
        Depth::Beyond { routes } => has_more(switch, routes).await?,
        Depth::Everything => true,
    };
    if !has_more {
        return Ok(Holdings::default());
    }
    let rules = async {
        match ask(switch, StatsRequest::Flows(FlowFilter::all())).await? {
            StatsReply::Flows(rules) => Ok(rules),
            _ => Err(RequestError::Unexpected),
        }
    };
    if depth == Depth::RulesAmongOthers || switch.version() == Version::V10 {
        return Ok(Holdings {
            rules: rules.await?,
            ..Holdings::default()
        });
    }
    let (rules, groups, group_stats, meters, meter_stats) = tokio::join!(
        rules,
        groups(switch),
        ask(switch, StatsRequest::Groups(GroupId::ALL)),
        meters(switch),
        ask(switch, StatsRequest::Meters(MeterId::ALL)),
    );
    Ok(Holdings {
        rules: rules?,
        groups: with_counters(told(groups)?, told(group_stats)?),
        meters: meters_with_counters(told(meters)?, told(meter_stats)?),
    })
}

/// Reads the groups of a switch.
///
/// # Errors
/// When it does not answer within five seconds, or refuses, as one does that speaks OpenFlow 1.0.
pub async fn groups(switch: &SwitchHandle) -> Result<Vec<GroupDescription>, RequestError> {
    match ask(switch, StatsRequest::GroupDescription).await? {
        StatsReply::GroupDescription(groups) => Ok(groups),
        _ => Err(RequestError::Unexpected),
    }
}

/// Reads the meters of a switch.
///
/// # Errors
/// When it does not answer within five seconds, or refuses, as one does that speaks OpenFlow 1.0.
pub async fn meters(switch: &SwitchHandle) -> Result<Vec<MeterConfig>, RequestError> {
    match ask(switch, StatsRequest::MeterConfig(MeterId::ALL)).await? {
        StatsReply::MeterConfig(meters) => Ok(meters),
        _ => Err(RequestError::Unexpected),
    }
}

async fn ask(switch: &SwitchHandle, request: StatsRequest) -> Result<StatsReply, RequestError> {
    switch.request_within(request, APPLY_DEADLINE).await
}

/// Whether the switch may hold more than the controller's own entries and as many as `routes` of routes.
///
/// An entry that a route, or the controller, has lost and one that a route has left behind would make up for each other.
/// Either is theirs to repair, and neither carries what belongs to no route.
async fn has_more(switch: &SwitchHandle, routes: usize) -> Result<bool, RequestError> {
    if switch.version() == Version::V10 {
        return Ok(true);
    }
    let (entries, groups, meters) =
        tokio::join!(own_entries(switch), groups(switch), meters(switch));
    let has_groups = told(groups)?.is_some_and(|all| !all.is_empty());
    let has_meters = told(meters)?.is_some_and(|all| !all.is_empty());
    let expected = base().len() + routes;
    let as_expected = entries?.is_some_and(|entries| usize::try_from(entries) == Ok(expected));
    Ok(has_groups || has_meters || !as_expected)
}

/// How many entries of the controller and of routes the switch holds, if the access list's are all others: two sums
/// (OF 1.3.5 §7.3.5.3) say it, three where there is an access list, where the entries themselves may be thousands. `None`
/// when there may be more; OpenFlow 1.0 can't be asked by cookie.
async fn own_entries(switch: &SwitchHandle) -> Result<Option<u32>, RequestError> {
    if switch.version() == Version::V10 {
        return Ok(None);
    }
    let (all, own) = tokio::join!(
        ask(switch, StatsRequest::Aggregate(FlowFilter::all())),
        ask(switch, StatsRequest::Aggregate(with_cookies(OWN))),
    );
    match (told(all)?, told(own)?) {
        (Some(StatsReply::Aggregate(all)), Some(StatsReply::Aggregate(own))) => {
            let are_known = match all.flows.checked_sub(own.flows) {
                Some(0) => true,
                others => others.is_some() && others == entries_with(switch, ACCESS_LIST).await?,
            };
            Ok(are_known.then_some(own.flows))
        }
        _ => Ok(None),
    }
}

/// How many entries of routes a switch holds; `None` when it can't be asked, as in OpenFlow 1.0.
///
/// # Errors
/// When it does not answer within five seconds.
pub async fn entries_of_routes(switch: &SwitchHandle) -> Result<Option<u32>, RequestError> {
    if switch.version() == Version::V10 {
        return Ok(None);
    }
    entries_with(switch, ROUTES).await
}

async fn entries_with(
    switch: &SwitchHandle,
    cookies: Cookies,
) -> Result<Option<u32>, RequestError> {
    let request = StatsRequest::Aggregate(with_cookies(cookies));
    match told(ask(switch, request).await)? {
        Some(StatsReply::Aggregate(sum)) => Ok(Some(sum.flows)),
        _ => Ok(None),
    }
}

/// Cookies, and the bits of them that count.
type Cookies = (Cookie, u64);

/// An owner's own part of a cookie is the lower half.
const WHOSE: u64 = u64::MAX << 32;

/// Routes.
const ROUTES: Cookies = (Owner::Routing.cookie(0), WHOSE);

/// The access list, which every switch holds.
const ACCESS_LIST: Cookies = (Owner::Acl.cookie(0), WHOSE);

/// The controller and routes, which one mask picks out since their cookies differ in one bit.
const OWN: Cookies = {
    let (core, routes) = (Owner::Core.cookie(0).0, Owner::Routing.cookie(0).0);
    assert!((core ^ routes).is_power_of_two());
    (Owner::Core.cookie(0), WHOSE & !(core ^ routes))
};

fn with_cookies((cookie, cookie_mask): Cookies) -> FlowFilter {
    FlowFilter {
        cookie,
        cookie_mask,
        ..FlowFilter::all()
    }
}

/// What the switch said; `None` when it refused to say anything.
fn told<T>(reply: Result<T, RequestError>) -> Result<Option<T>, RequestError> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(RequestError::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn with_counters(
    groups: Option<Vec<GroupDescription>>,
    counters: Option<StatsReply>,
) -> Vec<(GroupDescription, GroupStats)> {
    let mut by_number: BTreeMap<GroupId, GroupStats> = match counters {
        Some(StatsReply::Groups(all)) => all.into_iter().map(|one| (one.group, one)).collect(),
        _ => BTreeMap::new(),
    };
    let counted = |group: GroupDescription| {
        let counters = by_number.remove(&group.group);
        let counters = counters.unwrap_or_else(|| GroupStats::silent(group.group));
        (group, counters)
    };
    groups.into_iter().flatten().map(counted).collect()
}

fn meters_with_counters(
    meters: Option<Vec<MeterConfig>>,
    counters: Option<StatsReply>,
) -> Vec<(MeterConfig, MeterStats)> {
    let mut by_number: BTreeMap<MeterId, MeterStats> = match counters {
        Some(StatsReply::Meters(all)) => all.into_iter().map(|one| (one.meter, one)).collect(),
        _ => BTreeMap::new(),
    };
    let counted = |meter: MeterConfig| {
        let counters = by_number.remove(&meter.meter);
        let counters = counters.unwrap_or_else(|| MeterStats::silent(meter.meter));
        (meter, counters)
    };
    meters.into_iter().flatten().map(counted).collect()
}
