//! When nothing goes wrong.

use godwit_apps::migration::record::State;
use godwit_apps::migration::request::Algorithm;

use crate::bench::Bench;

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
