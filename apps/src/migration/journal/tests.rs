use godwit_controller::carried;

use super::*;

fn progress(records: impl IntoIterator<Item = Record>) -> Progress {
    let mut progress = Progress::default();
    for record in records {
        progress.take(record);
    }
    progress
}

#[test]
fn counts_that_an_earlier_release_wrote_down_are_read() {
    let text =
        r#"{"counted":{"routes":[],"others":[{"index":3,"packets":1,"bytes":2,"age_ns":4}]}}"#;
    let progress = progress([Record::Past, serde_json::from_str(text).unwrap()]);
    assert!(progress.is_final);
    assert_eq!(progress.others.len(), 1);
    assert!(progress.before.is_empty() && progress.shared.is_empty());
}

#[test]
fn counts_are_read_as_they_were_written_down() {
    let reading = Reading {
        tally: Tally {
            packets: 1,
            bytes: 2,
        },
        age_ns: 4,
    };
    let before = Brought {
        packets: 5,
        ..Brought::default()
    };
    let total = SharedCount {
        all: carried::Tally {
            packets: 7,
            bytes: 8,
        },
        parts: vec![carried::Tally::default(); 2],
        duration_ns: 9,
    };
    let record = Record::Counted {
        routes: Vec::new(),
        others: vec![CountedOther::new(3, &reading, Some(before))],
        shared: vec![CountedShared {
            index: 6,
            total: total.clone(),
        }],
    };
    let text = serde_json::to_string(&record).unwrap();
    let progress = progress([serde_json::from_str(&text).unwrap()]);
    assert!(!progress.is_final, "before the cut");
    assert_eq!(progress.others[&3].tally.bytes, 2);
    assert_eq!(progress.before[&3], before);
    let [shared] = progress.shared.as_slice() else {
        panic!("{:?}", progress.shared)
    };
    assert_eq!((shared.index, &shared.total), (6, &total));
}
