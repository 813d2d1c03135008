//! Files that were cut, or whose bytes have changed: what is intact is there, or the file is refused by name. Nothing
//! is guessed, and a file that is refused stays as it is for whoever mends it.

use super::*;

/// What of a file is not as it was written.
#[derive(Debug, Clone, Copy)]
enum Damage {
    /// The file ends here.
    Cut(usize),
    /// This bit of this byte is another.
    Flip(usize, u8),
    /// So many bytes from here on are zero, as where a disk has lost what it was given.
    Zero(usize, usize),
    /// So many bytes from here on are anything.
    Noise(usize, usize, u64),
    /// So many bytes stand behind the end.
    Longer(usize),
}

impl Damage {
    fn done_to(self, whole: &[u8]) -> Vec<u8> {
        let mut torn = whole.to_vec();
        match self {
            Self::Cut(length) => torn.truncate(length),
            Self::Flip(at, bit) => torn[at] ^= 1 << bit,
            Self::Zero(at, length) => torn[at..]
                .iter_mut()
                .take(length)
                .for_each(|byte| *byte = 0),
            Self::Noise(at, length, seed) => {
                let mut random = Random(seed);
                let bytes = torn[at..].iter_mut().take(length);
                bytes.for_each(|byte| *byte = random.below(256) as u8);
            }
            Self::Longer(by) => torn.resize(whole.len() + by, 0x55),
        }
        torn
    }
}

/// A repeatable series of numbers (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        (number % bound as u64) as usize
    }
}

/// A store's file, and what it may hold: its last transaction, or where its end may be torn also the one before.
struct Kept {
    whole: Vec<u8>,
    last: Vec<(u64, String)>,
    before: Vec<(u64, String)>,
}

const PAGE: usize = 4096;

/// Where redb has its header and its two commit slots.
const HEADER: usize = 320;

/// Writes so many records of this size, a transaction each; the file is as a process leaves it that ends in order, or
/// is killed.
async fn kept(path: &Path, records: u64, size: usize, is_closed: bool) -> Kept {
    let store = Store::open(path).unwrap();
    let mut before = Vec::new();
    for key in 0..records {
        if key + 1 == records {
            before = loaded(&store, Slice::ROUTES);
        }
        let value = format!("{key}{}", "x".repeat(size));
        store.write(put(Slice::ROUTES, key, &value)).await.unwrap();
    }
    let last = loaded(&store, Slice::ROUTES);
    if is_closed {
        drop(store);
        let whole = std::fs::read(path).unwrap();
        // Closing it is a transaction of its own.
        let before = last.clone();
        return Kept {
            whole,
            last,
            before,
        };
    }
    let whole = std::fs::read(path).unwrap();
    Kept {
        whole,
        last,
        before,
    }
}

/// Three bits of each byte of the header, and all of its parts.
fn header() -> Vec<Damage> {
    let bits = (0..HEADER).flat_map(|at| [0, 3, 7].map(|bit| Damage::Flip(at, bit)));
    let parts = (0..HEADER).step_by(16);
    let parts = parts.map(|at| Damage::Noise(at, 16, at as u64 + 1));
    bits.chain(parts).collect()
}

/// A sample of all that can happen, so many of each kind.
fn damages(whole: &[u8], count: usize, seed: u64) -> Vec<Damage> {
    let mut random = Random(seed);
    let mut all = Vec::new();
    let meaning: Vec<usize> = (HEADER..whole.len()).filter(|&at| whole[at] != 0).collect();
    for _ in 0..count {
        let at = meaning[random.below(meaning.len())];
        all.push(Damage::Flip(at, random.below(8) as u8));
        let at = random.below(whole.len());
        all.push(Damage::Flip(at, random.below(8) as u8));
        all.push(Damage::Cut(random.below(whole.len())));
        all.push(Damage::Cut(random.below(HEADER + 1)));
        let page = random.below(whole.len() / PAGE) * PAGE;
        all.extend([
            Damage::Cut(page),
            Damage::Cut(page + 1),
            Damage::Zero(page, PAGE),
        ]);
        all.push(Damage::Zero(random.below(whole.len()), whole.len()));
        let (at, length) = (random.below(whole.len()), 1 + random.below(1024));
        all.push(Damage::Noise(at, length, 1 + random.below(1 << 40) as u64));
    }
    all.extend([0, 1, whole.len() - PAGE, whole.len() - 1].map(Damage::Cut));
    all.extend([1, PAGE, 1 << 20].map(Damage::Longer));
    all
}

/// How a look at a file went.
#[derive(Debug, Default)]
struct Seen {
    whole: usize,
    without_the_last: usize,
    /// How often that was said.
    told: usize,
    refused: usize,
    reasons: std::collections::BTreeMap<String, usize>,
}

/// Another test may be about to run a program, which for a moment has all files that this one has, with their locks.
fn opened(path: &Path) -> Result<Store, StoreError> {
    loop {
        match Store::open(path) {
            Err(StoreError::Unusable(why)) if why.contains("already open") => {
                std::thread::sleep(Duration::from_millis(1));
            }
            opened => return opened,
        }
    }
}

/// What of a look at the file is not as it should be.
fn look(path: &Path, kept: &Kept, damage: Damage, seen: &mut Seen) -> Result<(), String> {
    let torn = damage.done_to(&kept.whole);
    std::fs::write(path, &torn).unwrap();
    let error = match opened(path) {
        Ok(store) => {
            let records = loaded(&store, Slice::ROUTES);
            let is_told = store.inner.disk.lacks_last.load(Ordering::Relaxed);
            match records {
                records if records == kept.last => seen.whole += 1,
                records if records == kept.before => {
                    seen.without_the_last += 1;
                    seen.told += usize::from(is_told);
                }
                records => return Err(format!("has {} records", records.len())),
            }
            return Ok(());
        }
        Err(error) => error,
    };
    seen.refused += 1;
    let text = error.to_string();
    let named = text.replace(|letter: char| letter.is_ascii_digit(), "");
    *seen.reasons.entry(named).or_default() += 1;
    if !matches!(error, StoreError::Torn { .. }) || !text.contains(path.to_str().unwrap()) {
        return Err(format!("says {text}"));
    }
    if std::fs::read(path).unwrap() != torn {
        return Err("was refused and changed".into());
    }
    match opened(path) {
        Err(again) if again.to_string() == text => Ok(()),
        Err(again) => Err(format!("says {text}, then {again}")),
        Ok(_) => Err(format!("says {text}, then opens")),
    }
}

async fn damage_is_seen(
    (records, size): (u64, usize),
    is_closed: bool,
    damages: impl FnOnce(&[u8]) -> Vec<Damage>,
) -> Seen {
    // Each look at it waits for the disk: in memory, where there is one for files, a thousand take a second.
    let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let directory = directory.unwrap();
    let path = directory.path().join(FILE);
    let kept = kept(&path, records, size, is_closed).await;
    let mut seen = Seen::default();
    let mut problems = Vec::new();
    for damage in damages(&kept.whole) {
        if let Err(problem) = look(&path, &kept, damage, &mut seen) {
            problems.push(format!("{damage:?}: it {problem}"));
        }
    }
    println!("{records} records in {} bytes: {seen:#?}", kept.whole.len());
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(seen.refused > 0 && seen.whole > 0);
    seen
}

const FEW: (u64, usize) = (20, 10);
const MANY: (u64, usize) = (150, 600);

#[tokio::test]
async fn a_damaged_header_is_not_believed() {
    for is_closed in [true, false] {
        damage_is_seen(FEW, is_closed, |_| header()).await;
    }
}

#[tokio::test]
async fn a_damaged_file_that_was_closed_is_whole_or_refused() {
    for (size, count) in [(FEW, 60), (MANY, 15)] {
        let seen = damage_is_seen(size, true, |whole| damages(whole, count, 21)).await;
        // It was said that all is written, so nothing may be left out.
        assert_eq!(seen.without_the_last, 0);
    }
}

#[tokio::test]
async fn a_damaged_file_of_a_process_that_was_killed_lacks_its_last_transaction_at_the_most_and_says_so()
 {
    for (size, count) in [(FEW, 60), (MANY, 15)] {
        let seen = damage_is_seen(size, false, |whole| damages(whole, count, 22)).await;
        assert_eq!(seen.told, seen.without_the_last);
        assert!(seen.told > 0);
    }
}

#[test]
fn an_empty_file_is_no_new_store_and_a_link_that_leads_nowhere_is_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    std::fs::write(&path, "").unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Torn { .. }), "{error}");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(directory.path().join("elsewhere"), &path).unwrap();
    let error = Store::open(&path).unwrap_err().to_string();
    assert!(error.contains(FILE), "{error}");
    assert!(std::fs::symlink_metadata(&path).unwrap().is_symlink());
}

#[tokio::test]
async fn what_was_left_of_a_start_that_did_not_make_its_file_is_no_hindrance() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    let begun = directory.path().join(format!("{FILE}.new"));
    std::fs::write(&begun, "half").unwrap();
    let store = Store::open(&path).unwrap();
    store.write(put(Slice::ROUTES, 1, "one")).await.unwrap();
    drop(store);
    assert!(!begun.exists());
    let store = Store::open(&path).unwrap();
    assert_eq!(loaded(&store, Slice::ROUTES), [(1, "one".to_owned())]);
}

#[tokio::test]
async fn a_record_that_is_not_what_it_should_be_is_named_with_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    let store = Store::open(&path).unwrap();
    store
        .write(put(Slice::ROUTES, 7, "no number"))
        .await
        .unwrap();
    let error = store.load::<u64>(Slice::ROUTES).unwrap_err().to_string();
    let named = [
        "record 7",
        "`routes`",
        path.to_str().unwrap(),
        "move it away",
    ];
    assert!(named.iter().all(|part| error.contains(part)), "{error}");
}
