//! When nothing goes wrong.

use godwit_apps::migration::record::State;
use godwit_apps::migration::request::Algorithm;
use godwit_controller::Event;

use crate::bench::{Bench, PATIENCE, SOURCE, TARGET};

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_harms_no_packet_and_keeps_the_counters() {
    let bench = Bench::new().await;
    let ids = bench.routes(3).await;
    bench.fabric.carry(10);
    let migration = bench.migrate(Algorithm::Clone).await;
    assert_eq!(bench.end_of(&migration).await.0, State::Committed);
    assert_eq!(bench.fabric.harm(), [""; 0]);
    assert_eq!(bench.fabric.routing_rules(2), []);
    bench.fabric.carry(5);
    assert!(bench.routing.refresh(&ids, false).await.is_empty());
    for id in ids {
        let delivered = bench.routing.table().get(id).unwrap().counters.delivered();
        assert_eq!(delivered.packets, 15);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_hear_what_a_migration_is_at_in_order() {
    let bench = Bench::new().await;
    bench.routes(1).await;
    let mut events = bench.network.subscribe();
    let migration = bench.migrate(Algorithm::Clone).await;
    assert_eq!(bench.end_of(&migration).await.0, State::Committed);
    let mut states = Vec::new();
    while states.last() != Some(&"committed") {
        let event = tokio::time::timeout(PATIENCE, events.recv()).await;
        if let Event::Migration {
            id,
            source,
            target,
            state,
        } = &*event.expect("the end is told").unwrap()
        {
            assert_eq!(
                (*id, *source, *target),
                (migration.id(), SOURCE, Some(TARGET))
            );
            states.push(*state);
        }
    }
    assert_eq!(states, ["frozen", "running", "committed"]);
}
