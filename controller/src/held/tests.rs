use std::time::Duration;

use godwit_openflow::model::{FlowMod, FlowRule, Pattern};
use godwit_openflow::types::DatapathId;
use tokio::time::timeout;

use super::{HeldWrites, HoldError, MOST_HELD};

const FROZEN: DatapathId = DatapathId(1);
const OTHER: DatapathId = DatapathId(2);

fn write(priority: u16) -> FlowMod {
    FlowMod::add(FlowRule::new(priority, Pattern::new(), Vec::new()))
}

fn priorities(writes: &[super::HeldWrite]) -> Vec<u16> {
    writes.iter().map(|held| held.write.rule.priority).collect()
}

#[tokio::test]
async fn writes_to_a_frozen_switch_are_held_in_order_and_others_go_out() {
    let writes = HeldWrites::default();
    writes.freeze(FROZEN);
    let both = vec![(FROZEN, write(1)), (OTHER, write(2)), (FROZEN, write(3))];
    let admission = writes.admit("test", both).await;
    assert_eq!(admission.now, [(OTHER, write(2))]);
    assert!(admission.held.contains(&FROZEN) && admission.refused.is_empty());
    writes.hold(FROZEN, "test", write(4)).unwrap();
    let listed = writes.list();
    assert_eq!(priorities(&listed), [1, 3, 4]);
    assert!(listed.is_sorted_by(|one, next| one.number < next.number));
    assert_eq!(priorities(&writes.take(FROZEN)), [1, 3, 4]);
    // Until nothing was left it is frozen.
    writes.hold(FROZEN, "test", write(5)).unwrap();
    assert_eq!(priorities(&writes.take(FROZEN)), [5]);
    assert!(writes.take(FROZEN).is_empty());
    let late = writes.hold(FROZEN, "test", write(6));
    assert_eq!(late, Err(HoldError::NotFrozen));
    let late = writes.admit("test", vec![(FROZEN, write(6))]).await;
    assert_eq!(late.now.len(), 1);
}

#[tokio::test]
async fn what_was_promised_is_held_again_before_all_else_and_however_much_it_is() {
    let writes = HeldWrites::default();
    writes.freeze_again(FROZEN, "test", vec![write(1); MOST_HELD + 1]);
    assert!(writes.is_frozen(FROZEN));
    let late = writes.hold(FROZEN, "test", write(2));
    assert_eq!(late, Err(HoldError::Full(FROZEN)));
    assert_eq!(writes.take(FROZEN).len(), MOST_HELD + 1);
    writes.hold(FROZEN, "test", write(3)).unwrap();
    assert_eq!(priorities(&writes.take(FROZEN)), [3]);
    assert!(writes.take(FROZEN).is_empty() && !writes.is_frozen(FROZEN));
    // Where nothing was held, the switch is frozen all the same.
    writes.freeze_again(OTHER, "test", Vec::new());
    assert!(writes.is_frozen(OTHER) && writes.list().is_empty());
}

#[tokio::test]
async fn no_more_than_the_limit_are_held_and_a_batch_is_held_whole_or_not() {
    let writes = HeldWrites::default();
    writes.freeze(FROZEN);
    writes.freeze(OTHER);
    let most = vec![write(1); MOST_HELD - 1];
    writes.hold_all(FROZEN, "test", most).unwrap();
    let two = writes
        .admit("test", vec![(FROZEN, write(2)), (FROZEN, write(3))])
        .await;
    assert!(two.refused.contains(&FROZEN) && two.held.is_empty() && two.now.is_empty());
    writes.hold(FROZEN, "test", write(4)).unwrap();
    let full = writes.hold(FROZEN, "test", write(5));
    assert_eq!(full, Err(HoldError::Full(FROZEN)));
    writes.hold(OTHER, "test", write(6)).unwrap();
    assert_eq!(writes.list().len(), MOST_HELD + 1);
    let mut text = String::new();
    writes.metrics(&mut text);
    assert!(text.contains("\ngodwit_held_writes 65537\n"), "{text}");
    assert!(
        text.contains("\ngodwit_held_writes_refused_total 3\n"),
        "{text}"
    );
}

#[tokio::test]
async fn a_freeze_waits_for_the_writes_that_are_being_sent_and_for_no_others() {
    let writes = HeldWrites::default();
    let first = writes.begin_write(FROZEN).await.unwrap();
    let second = writes
        .admit("test", vec![(FROZEN, write(1)), (OTHER, write(2))])
        .await;
    let elsewhere = writes.begin_write(OTHER).await.unwrap();
    writes.freeze(FROZEN);
    assert!(writes.begin_write(FROZEN).await.is_none());
    let waiting = writes.clone();
    let through = tokio::spawn(async move { waiting.written(FROZEN).await });
    drop(first);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!through.is_finished());
    drop(second);
    timeout(Duration::from_secs(5), through)
        .await
        .unwrap()
        .unwrap();
    drop(elsewhere);
    timeout(Duration::from_secs(5), writes.written(OTHER))
        .await
        .unwrap();
}

#[tokio::test]
async fn writers_wait_for_a_thaw_when_little_is_left_and_go_on_when_it_is_over() {
    let writes = HeldWrites::default();
    writes.freeze(FROZEN);
    let many = vec![write(1); 1_000];
    writes.hold_all(FROZEN, "test", many).unwrap();
    assert_eq!(writes.take(FROZEN).len(), 1_000);
    let held = writes.admit("test", vec![(FROZEN, write(2))]).await;
    assert!(held.held.contains(&FROZEN));
    assert_eq!(writes.take(FROZEN).len(), 1);
    let waiting = writes.clone();
    let late = tokio::spawn(async move {
        let late = waiting.admit("test", vec![(FROZEN, write(3))]).await;
        late.now.len()
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!late.is_finished());
    assert!(writes.take(FROZEN).is_empty());
    let late = timeout(Duration::from_secs(5), late).await.unwrap();
    assert_eq!(late.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_thaw_that_is_stuck_does_not_hold_writers_up_for_ever() {
    let writes = HeldWrites::default();
    writes.freeze(FROZEN);
    writes.hold(FROZEN, "test", write(1)).unwrap();
    assert_eq!(writes.take(FROZEN).len(), 1);
    let late = writes.admit("test", vec![(FROZEN, write(2))]).await;
    assert!(late.held.contains(&FROZEN));
    assert_eq!(priorities(&writes.take(FROZEN)), [2]);
}
