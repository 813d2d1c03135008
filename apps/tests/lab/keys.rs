//! The same idempotency key while the first request with it is still being prepared.

use std::sync::Arc;
use std::time::Duration;

use godwit_apps::migration::BeginError;
use godwit_apps::migration::planning::Refusal;
use godwit_apps::migration::record::{Migration, State};
use godwit_apps::migration::request::Algorithm;
use godwit_openflow::model::{Action, FlowMod, FlowRule, Pattern};
use godwit_openflow::types::PortNo;

use crate::bench::{Bench, until};
use crate::fabric::Mood;

/// What two requests with the same key and a third that asks something else with it are answered, where the source
/// answers nothing until all three are under way.
async fn twice(bench: &Bench) -> [Result<(Arc<Migration>, bool), BeginError>; 2] {
    bench.fabric.mood(2, Mood::Hangs);
    let begin = |algorithm| {
        let migrations = bench.migrations.clone();
        async move {
            let key = Some("a key".to_owned());
            migrations.begin(Bench::request(algorithm), key).await
        }
    };
    let first = tokio::spawn(begin(Algorithm::Clone));
    until("the first request", || !bench.migrations.list().is_empty()).await;
    let second = tokio::spawn(begin(Algorithm::Clone));
    let other = begin(Algorithm::Move).await;
    assert!(matches!(other, Err(BeginError::KeyReused(_))));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!second.is_finished(), "the second knows before the first");
    bench.fabric.mood(2, Mood::Well);
    [first.await.unwrap(), second.await.unwrap()]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_request_gets_the_answer_of_the_first() {
    let bench = Bench::new().await;
    bench.routes(1).await;
    let unmovable = vec![Action::output(PortNo::NORMAL)];
    let theirs = FlowRule::new(7, Pattern::new(), unmovable);
    bench.fabric.change(2, &FlowMod::add(theirs.clone()));
    let [first, second] = twice(&bench).await.map(Result::unwrap_err);
    assert!(matches!(
        first,
        BeginError::Refused(Refusal::Transplant { .. })
    ));
    assert_eq!(first, second);
    assert!(bench.migrations.list().is_empty());
    // A refused request leaves its key free.
    bench.fabric.change(2, &FlowMod::delete_strict(theirs));
    let [(first, fresh), (second, again)] = twice(&bench).await.map(Result::unwrap);
    assert_eq!((first.id(), fresh, again), (second.id(), true, false));
    assert_eq!(bench.end_of(&first).await.0, State::Committed);
}
