//! Statistics that come in parts (OF 1.3.5 §7.3.5, `OFPMPF_REQ_MORE` and `OFPMPF_REPLY_MORE`).

use std::mem::discriminant;

use godwit_openflow::model::{FromSwitch, StatsReply, StatsRequest, TableFeatures};
use godwit_openflow::types::TableId;
use godwit_samples::{extension, v10, v13};
use proptest::prelude::*;
use serde_json::Value;

fn reply() -> impl Strategy<Value = StatsReply> {
    prop_oneof![
        4 => v13::from_switch(),
        1 => v10::from_switch(),
        1 => extension::from_switch_v13(),
    ]
    .prop_filter_map("no statistics", |message| match message {
        FromSwitch::Stats { body, .. } => Some(body),
        _ => None,
    })
}

/// The records of a list; `None` of what comes in one part.
fn records(reply: &StatsReply) -> Option<Vec<Value>> {
    let json = serde_json::to_value(reply).unwrap();
    json["body"].as_array().cloned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn parts_of_one_list_are_joined_in_order_and_others_are_given_back(
        replies in prop::collection::vec(reply(), 12),
    ) {
        for first in &replies {
            for second in &replies {
                let mut joined = first.clone();
                let result = joined.append(second.clone());
                match (records(first), records(second)) {
                    (Some(mut all), Some(rest)) if discriminant(first) == discriminant(second) => {
                        all.extend(rest);
                        prop_assert_eq!(result, Ok(()));
                        prop_assert_eq!(joined.len(), all.len());
                        prop_assert_eq!(records(&joined), Some(all));
                    }
                    _ => {
                        prop_assert_eq!(result.as_ref(), Err(second));
                        prop_assert_eq!(&joined, first);
                    }
                }
            }
        }
    }
}

#[test]
fn parts_of_one_request_are_joined_in_order_and_others_are_given_back() {
    let tables = |numbers: &[u8]| {
        let table = |&number: &u8| TableFeatures {
            table: TableId(number),
            name: String::new(),
            metadata_match: 0,
            metadata_write: 0,
            config: 0,
            max_entries: 0,
            properties: Vec::new(),
        };
        StatsRequest::TableFeatures(numbers.iter().map(table).collect())
    };
    let mut joined = tables(&[3]);
    assert_eq!(joined.append(tables(&[1, 2])), Ok(()));
    assert_eq!(joined, tables(&[3, 1, 2]));
    assert_eq!(
        joined.append(StatsRequest::Tables),
        Err(StatsRequest::Tables)
    );
    let mut whole = StatsRequest::Tables;
    assert_eq!(
        whole.append(StatsRequest::Tables),
        Err(StatsRequest::Tables)
    );
}
