use godwit_controller::rest::endpoint::Endpoint;
use godwit_openflow::model::Pattern;
use godwit_openflow::types::PortNo;
use godwit_topology::{Link, PortRef};

use super::*;
use crate::plan::tests::path;
use crate::plan::{Template, Treatment};
use crate::routing::table::Origin;

const SOURCE: DatapathId = DatapathId(2);

/// 1-2-4 and 1-3-4.
fn network() -> Graph {
    let mut graph = Graph::new();
    for dpid in 1..=4 {
        graph.add_switch(DatapathId(dpid));
    }
    for link in path(&[1, 2, 4]).links().chain(path(&[1, 3, 4]).links()) {
        graph.add_link(link);
        graph.add_link(link.reversed());
    }
    graph
}

fn route(id: FlowId, switches: &[u64]) -> Route {
    let path = path(switches);
    let end = |port| Endpoint { mac: None, port };
    let template = Template {
        id,
        priority: 7,
        pattern: Pattern::new(),
        ingress: None,
        idle_timeout: 0,
        hard_timeout: 0,
        treatment: Treatment::default(),
    };
    let (from, to) = (end(path.source()), end(path.destination()));
    let mut route = Route::new(from, to, template, path, Origin::Request);
    route.state = RouteState::Active;
    route
}

/// The migration has moved these from 1-2-4 to 1-3-4.
fn moves(ids: impl IntoIterator<Item = FlowId>) -> Moves {
    let moved = Moved {
        before: path(&[1, 2, 4]),
        after: path(&[1, 3, 4]),
        via: Vec::new(),
    };
    ids.into_iter().map(|id| (id, moved.clone())).collect()
}

fn ways(
    graph: &Graph,
    unused: &[DatapathId],
    routes: &[Route],
    moves: &Moves,
) -> Result<Vec<FlowId>, Vec<String>> {
    let unused = unused.iter().copied().collect();
    let flows =
        flows(graph, &unused, SOURCE, routes, moves).map_err(|refusal| refusal.reasons())?;
    for flow in &flows {
        assert_eq!(flow.old, Some(path(&[1, 3, 4])));
        assert_eq!(flow.new, path(&[1, 2, 4]));
    }
    Ok(flows.iter().map(|flow| flow.template.id).collect())
}

fn link(from: u64, to: u64) -> Link {
    let port = |at: u64, to: u64| PortRef::new(DatapathId(at), PortNo(u32::try_from(to).unwrap()));
    Link {
        src: port(from, to),
        dst: port(to, from),
    }
}

#[test]
fn only_routes_that_run_where_the_migration_put_them_go_back() {
    let mut broken = route(3, &[1, 3, 4]);
    broken.state = RouteState::Broken;
    let routes = [
        route(1, &[1, 3, 4]),
        route(2, &[1, 2, 4]),
        broken,
        route(9, &[1, 3, 4]),
    ];
    // 4 has been deleted, 9 was made since.
    let found = ways(&network(), &[SOURCE], &routes, &moves([1, 2, 3, 4]));
    assert_eq!(found, Ok(vec![1]));
}

#[test]
fn a_source_that_carried_nothing_is_gone_back_to_without_a_flow() {
    assert_eq!(ways(&network(), &[SOURCE], &[], &moves([])), Ok(vec![]));
}

#[test]
fn there_is_no_way_back_for_routes_that_are_all_gone() {
    let refused = ways(&network(), &[], &[route(2, &[1, 2, 4])], &moves([1, 2]));
    let reasons = refused.unwrap_err();
    assert_eq!(reasons.len(), 2);
    assert!(
        reasons[0].starts_with("route 1 has been deleted"),
        "{reasons:?}"
    );
}

#[test]
fn everything_that_is_in_the_way_is_named_once() {
    let routes = [route(1, &[1, 3, 4]), route(2, &[1, 3, 4])];
    let moves = moves([1, 2]);
    let mut graph = network();
    graph.remove_link(&link(4, 2));
    let reasons = ways(&graph, &[SOURCE], &routes, &moves).unwrap_err();
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    assert!(
        reasons[0].starts_with("the link from 0000000000000002"),
        "{reasons:?}"
    );
    graph.remove_switch(SOURCE);
    let reasons = ways(&graph, &[], &routes, &moves).unwrap_err();
    assert_eq!(reasons[0], "switch 0000000000000002 is not connected");
    assert_eq!(reasons.len(), 3, "{reasons:?}");
}

#[test]
fn a_path_through_another_switch_that_is_drained_is_no_way_back() {
    let routes = [route(1, &[1, 3, 4])];
    let refused = ways(&network(), &[SOURCE, DatapathId(4)], &routes, &moves([1]));
    let reasons = ["switch 0000000000000004 carries no traffic now"];
    assert_eq!(refused.unwrap_err(), reasons);
}

#[test]
fn a_source_that_is_away_is_no_way_back_even_without_a_flow() {
    let mut graph = network();
    graph.remove_switch(SOURCE);
    let reasons = ways(&graph, &[], &[], &moves([])).unwrap_err();
    assert_eq!(reasons, ["switch 0000000000000002 is not connected"]);
}
