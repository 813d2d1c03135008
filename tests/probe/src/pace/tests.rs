use super::Pace;

const TICK: u64 = 1_000_000;

#[test]
fn a_punctual_timer_gives_exactly_the_rate() {
    let mut pace = Pace::new(5_000, 0);
    let sent: u64 = (1..=10_000).map(|tick| pace.due(tick * TICK, TICK)).sum();
    assert_eq!(sent, 50_000);
}

#[test]
fn a_rate_below_one_packet_a_tick_is_kept() {
    let mut pace = Pace::new(30, 0);
    let sent: u64 = (1..=10_000).map(|tick| pace.due(tick * TICK, TICK)).sum();
    assert_eq!(sent, 300);
}

#[test]
fn after_a_stall_the_backlog_leaves_in_bounded_bursts_and_completely() {
    let mut pace = Pace::new(5_000, 0);
    let mut sent = pace.due(TICK, TICK);
    // 200 ms without a tick owe 1,000 packets.
    let first = pace.due(201 * TICK, TICK);
    assert_eq!(first, 40, "twice the share of four ticks");
    sent += first;
    for tick in 202..=500 {
        let burst = pace.due(tick * TICK, TICK);
        assert!(burst <= 10, "twice the share of a tick, not {burst}");
        sent += burst;
    }
    assert_eq!(sent, 2_500, "the rate over the whole time");
}

#[test]
fn a_source_that_shares_a_rate_has_its_part_of_it() {
    let mut pace = Pace::shared(1_000, 3, 0);
    let sent: u64 = (1..=10_000).map(|tick| pace.due(tick * TICK, TICK)).sum();
    assert_eq!((sent, pace.asked()), (3_333, 3_333));
}

#[test]
fn what_was_asked_for_has_what_could_not_be_sent_in_time() {
    let mut pace = Pace::new(5_000, 0);
    let sent = pace.due(201 * TICK, TICK);
    assert_eq!((sent, pace.asked()), (40, 1_005));
}
