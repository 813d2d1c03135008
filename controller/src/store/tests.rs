use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

mod damage;

const FILE: &str = "godwit.redb";
/// Set for the process that [`what_was_confirmed_survives_a_kill`] kills.
const WRITES_HERE: &str = "GODWIT_TEST_WRITES_HERE";
/// A directory on a disk of about a megabyte.
const SMALL_DISK: &str = "GODWIT_TEST_SMALL_DISK";

fn put(slice: Slice, key: u64, value: &str) -> Batch {
    let mut batch = Batch::default();
    batch.put(slice, key, &value).unwrap();
    batch
}

fn loaded(store: &Store, slice: Slice) -> Vec<(u64, String)> {
    store.load(slice).unwrap()
}

#[tokio::test]
async fn what_was_written_is_there_when_the_file_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    let store = Store::open(&path).unwrap();
    store.write(put(Slice::ROUTES, 7, "seven")).await.unwrap();
    store.write(put(Slice::ROUTES, 8, "eight")).await.unwrap();
    store.write(put(Slice::ENTRIES, 7, "other")).await.unwrap();
    let mut batch = put(Slice::ROUTES, 9, "nine");
    batch.delete(Slice::ROUTES, 8);
    store.write(batch).await.unwrap();
    drop(store);
    let store = Store::open(&path).unwrap();
    let want = [(7, "seven".to_owned()), (9, "nine".to_owned())];
    assert_eq!(loaded(&store, Slice::ROUTES), want);
    assert_eq!(loaded(&store, Slice::ENTRIES), [(7, "other".to_owned())]);
    assert_eq!(loaded(&store, Slice::DRAINS), []);
}

#[tokio::test]
async fn of_what_is_written_later_the_last_counts_and_dropping_writes_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    let store = Store::open(&path).unwrap();
    for round in 0..10_000 {
        store.write_later(put(Slice::VALUES, round % 3, &round.to_string()));
    }
    drop(store);
    let store = Store::open(&path).unwrap();
    let last: Vec<String> = loaded(&store, Slice::VALUES)
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    assert_eq!(last, ["9999", "9997", "9998"]);
}

#[tokio::test]
async fn a_write_stands_behind_what_was_to_be_written_before_it() {
    let store = Store::in_memory();
    for round in 0..200 {
        store.write_later(put(Slice::VALUES, 1, "before"));
        store.write(put(Slice::VALUES, 1, "after")).await.unwrap();
        assert_eq!(loaded(&store, Slice::VALUES)[0].1, "after", "{round}");
        store.write_later(put(Slice::VALUES, 1, "last"));
        store.flush().await.unwrap();
        assert_eq!(loaded(&store, Slice::VALUES)[0].1, "last", "{round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_who_write_at_once_wait_for_the_disk_together() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&directory.path().join(FILE)).unwrap();
    let mut alone = Vec::new();
    for key in 0..20 {
        let start = Instant::now();
        store.write(put(Slice::VALUES, key, "x")).await.unwrap();
        alone.push(start.elapsed());
    }
    alone.sort();
    let median = alone[alone.len() / 2];
    let start = Instant::now();
    let mut writers = tokio::task::JoinSet::new();
    for key in 0..4000 {
        let store = store.clone();
        writers.spawn(async move { store.write(put(Slice::ROUTES, key, "x")).await });
    }
    while let Some(written) = writers.join_next().await {
        written.unwrap().unwrap();
    }
    let together = start.elapsed();
    println!("one write: {median:?}; 4,000 at once: {together:?}");
    assert_eq!(loaded(&store, Slice::ROUTES).len(), 4000);
    assert!(together < median * 1000, "{together:?} {median:?}");
}

#[test]
fn what_is_no_store_or_a_torn_one_is_an_error_that_names_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    std::fs::write(&path, "this is somebody's letter\n".repeat(400)).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Torn { .. }), "{error}");
    assert!(error.to_string().contains(FILE), "{error}");
    let error = Store::open(directory.path()).unwrap_err().to_string();
    assert!(
        error.contains(directory.path().to_str().unwrap()),
        "{error}"
    );
}

#[tokio::test]
async fn a_store_that_is_in_use_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    let _used = Store::open(&path).unwrap();
    let error = Store::open(&path).unwrap_err().to_string();
    assert!(error.contains(FILE), "{error}");
}

/// Not a test of its own: writes until it is killed, and says what was confirmed.
#[test]
fn writes_until_it_is_killed() {
    let Ok(path) = std::env::var(WRITES_HERE) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Store::open(Path::new(&path)).unwrap();
        let first = loaded(&store, Slice::ROUTES)
            .last()
            .map_or(0, |(key, _)| key + 1);
        for key in first.. {
            store.write_later(put(Slice::CARRIED, key % 5, &key.to_string()));
            let mut batch = put(Slice::ROUTES, key, "x");
            batch.put(Slice::ENTRIES, key, &key).unwrap();
            store.write(batch).await.unwrap();
            println!("\nconfirmed {key}");
            std::io::stdout().flush().unwrap();
        }
    });
}

#[test]
fn what_was_confirmed_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    let mut last = None;
    for round in 0..20u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "store::tests::writes_until_it_is_killed",
                "--exact",
                "--nocapture",
            ])
            .env(WRITES_HERE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let confirmed = |line: String| line.strip_prefix("confirmed ")?.parse::<u64>().ok();
        let first = lines.by_ref().find_map(|line| confirmed(line.unwrap()));
        assert!(first.is_some(), "round {round}: it could not write");
        std::thread::sleep(Duration::from_micros(round * round * 531 % 40_000));
        child.kill().unwrap();
        child.wait().unwrap();
        last = lines
            .map_while(Result::ok)
            .filter_map(confirmed)
            .last()
            .or(first);
        let store = Store::open(&path).unwrap();
        let keys = |slice| -> Vec<u64> {
            let records = store.load::<serde_json::Value>(slice).unwrap();
            records.into_iter().map(|(key, _)| key).collect()
        };
        let routes = keys(Slice::ROUTES);
        let all: Vec<u64> = (0..=*routes.last().unwrap()).collect();
        assert!(routes.last() >= last.as_ref(), "round {round}");
        assert_eq!(routes, all, "round {round}");
        assert_eq!(keys(Slice::ENTRIES), all, "round {round}");
    }
    println!("{last:?} confirmed in all");
}

#[tokio::test]
#[ignore = "needs a disk of about a megabyte, which GODWIT_TEST_SMALL_DISK names"]
async fn a_full_disk_is_said_and_what_waited_is_written_once_there_is_room() {
    let directory = std::env::var(SMALL_DISK).unwrap();
    let directory = Path::new(&directory);
    let store = Store::open(&directory.join(FILE)).unwrap();
    store.write(put(Slice::ROUTES, 1, "before")).await.unwrap();
    let ballast = directory.join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    while file.write_all(&[1; 512]).is_ok() {}
    drop(file);
    let mut refused = None;
    for key in 0..10_000 {
        if let Err(error) = store.write(put(Slice::VALUES, key, &"x".repeat(500))).await {
            refused = Some((key, error));
            break;
        }
    }
    let (written, error) = refused.expect("the disk is full");
    assert!(matches!(error, StoreError::Full), "{error}");
    assert_eq!(loaded(&store, Slice::VALUES).len() as u64, written);
    assert_eq!(loaded(&store, Slice::ROUTES), [(1, "before".to_owned())]);
    store.write_later(put(Slice::ROUTES, 2, &"y".repeat(9000)));
    assert!(matches!(store.flush().await, Err(StoreError::Full)));
    assert!(store.failed_writes() >= 2);
    drop(store);
    let store = Store::open(&directory.join(FILE)).unwrap();
    assert_eq!(loaded(&store, Slice::ROUTES), [(1, "before".to_owned())]);
    store.write_later(put(Slice::ROUTES, 2, &"y".repeat(9000)));
    assert!(matches!(store.flush().await, Err(StoreError::Full)));
    std::fs::remove_file(&ballast).unwrap();
    store.write(put(Slice::ROUTES, 3, "after")).await.unwrap();
    let keys: Vec<u64> = loaded(&store, Slice::ROUTES)
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    assert_eq!(keys, [1, 2, 3]);
}
