//! Arbitrary messages within what 1.0 can say.

mod actions;
mod patterns;
mod ports;
mod queues;
mod reports;
mod requests;
mod statistics;

use godwit_openflow::model::{Field, FlowRule};
use godwit_openflow::types::Cookie;
use proptest::collection::vec;
use proptest::prelude::*;

use actions::action;

pub use patterns::pattern;
pub use reports::from_switch;
pub use requests::to_switch;

fn rule() -> impl Strategy<Value = FlowRule> {
    pattern().prop_flat_map(|pattern| {
        let actions = vec(action(pattern.exact(Field::IpProto)), 0..6);
        (
            any::<u16>(),
            Just(pattern),
            actions,
            any::<[u16; 2]>(),
            any::<u64>(),
        )
            .prop_map(
                |(priority, pattern, actions, [idle_timeout, hard_timeout], cookie)| FlowRule {
                    idle_timeout,
                    hard_timeout,
                    ..FlowRule::new(priority, pattern, actions).with_cookie(Cookie(cookie))
                },
            )
    })
}
