//! When an address is blocked, for how long, and who hears of it.

use std::sync::atomic::AtomicUsize;

use parking_lot::Mutex;

use super::*;

/// A store in memory, and how often its list was read.
#[derive(Default)]
struct InMemory {
    offenders: Mutex<HashMap<String, Offender>>,
    away: AtomicBool,
    listed: AtomicUsize,
}

#[async_trait]
impl BlockStore for InMemory {
    async fn offender(&self, address: &str) -> Result<Option<Offender>, StoreError> {
        Ok(self.offenders.lock().get(address).cloned())
    }

    async fn put_offender(&self, offender: &Offender, _: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut offenders = self.offenders.lock();
        let fits = offenders.get(&offender.address).map_or(0, |known| known.version) == offender.version - 1;
        if fits {
            offenders.insert(offender.address.clone(), offender.clone());
        }
        Ok(fits)
    }

    async fn blocked(&self, now: DateTime<Utc>) -> Result<Vec<Offender>, StoreError> {
        self.listed.fetch_add(1, Ordering::Relaxed);
        if self.away.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("away".into()));
        }
        Ok(self.offenders.lock().values().filter(|offender| offender.blocked_until(now).is_some()).cloned().collect())
    }

    async fn forget_offender(&self, address: &str) -> Result<bool, StoreError> {
        Ok(self.offenders.lock().remove(address).is_some())
    }
}

/// Flags that all processes see.
#[derive(Default)]
struct Flags(Mutex<HashMap<String, DateTime<Utc>>>);

#[async_trait]
impl SharedBlocks for Flags {
    async fn blocked_until(&self, address: &str) -> Result<Option<DateTime<Utc>>, QuotasAway> {
        Ok(self.0.lock().get(address).copied())
    }

    async fn block(&self, address: &str, until: Option<DateTime<Utc>>) -> Result<(), QuotasAway> {
        match until {
            Some(until) => self.0.lock().insert(address.to_owned(), until),
            None => self.0.lock().remove(address),
        };
        Ok(())
    }
}

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + 60 * minutes, 0).unwrap()
}

fn guesser() -> Address {
    "192.0.2.1".parse().unwrap()
}

fn process(store: &Arc<InMemory>) -> Blocks {
    Blocks::new(store.clone(), None, Some(DEFAULT_FAILURES))
}

async fn fail(blocks: &Blocks, times: usize, now: DateTime<Utc>) -> Failed {
    let mut last = Failed::Counted;
    for _ in 0..times {
        last = blocks.failed(guesser(), now).await.unwrap();
    }
    last
}

async fn known(blocks: &Blocks, address: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    blocks.known(|| address.parse().unwrap(), true, now).await
}

#[tokio::test]
async fn ten_failures_in_fifteen_minutes_block_an_address_and_no_other() {
    let blocks = process(&Arc::default());
    assert_eq!(fail(&blocks, 9, at(0)).await, Failed::Counted);
    assert_eq!(known(&blocks, "192.0.2.1", at(0)).await, None);
    assert_eq!(fail(&blocks, 1, at(14)).await, Failed::Blocked);
    assert_eq!(known(&blocks, "192.0.2.1", at(14)).await, Some(at(29)));
    assert_eq!(known(&blocks, "192.0.2.2", at(14)).await, None);
    assert_eq!(fail(&blocks, 1, at(20)).await, Failed::WasBlocked(at(29)), "which doesn't make it longer");
    assert_eq!(known(&blocks, "192.0.2.1", at(29)).await, None, "blocks expire");
}

#[tokio::test]
async fn failures_that_are_spread_out_block_nobody() {
    let blocks = process(&Arc::default());
    for minute in (0..600).step_by(2) {
        assert_eq!(fail(&blocks, 1, at(minute)).await, Failed::Counted);
    }
}

#[tokio::test]
async fn each_further_block_lasts_twice_as_long_up_to_a_day() {
    let (blocks, mut now) = (process(&Arc::default()), at(0));
    for minutes in [15, 30, 60, 120, 240, 480, 960, 1440, 1440] {
        assert_eq!(fail(&blocks, 10, now).await, Failed::Blocked);
        let until = known(&blocks, "192.0.2.1", now).await.unwrap();
        assert_eq!((until - now).num_minutes(), minutes);
        now = until;
    }
    // A day after the last block everything is forgotten.
    let later = now + BLOCKS_COUNT_FOR;
    assert_eq!(fail(&blocks, 10, later).await, Failed::Blocked);
    assert_eq!(known(&blocks, "192.0.2.1", later).await, Some(later + FIRST_BLOCK));
}

#[tokio::test]
async fn processes_count_together_and_hear_of_blocks_within_five_seconds() {
    let store = Arc::new(InMemory::default());
    let (one, other) = (process(&store), process(&store));
    assert_eq!(known(&other, "192.0.2.1", at(0)).await, None);
    assert_eq!(
        (fail(&one, 5, at(0)).await, fail(&other, 4, at(0)).await, fail(&one, 1, at(0)).await),
        (Failed::Counted, Failed::Counted, Failed::Blocked)
    );
    let seconds = |seconds| at(0) + TimeDelta::seconds(seconds);
    for time in [0, 1, 4].map(seconds) {
        assert_eq!(known(&other, "192.0.2.1", time).await, None, "what it read is believed");
    }
    assert_eq!(store.listed.load(Ordering::Relaxed), 1);
    assert_eq!(known(&other, "192.0.2.1", seconds(5)).await, Some(at(15)));
    assert!(one.lift(guesser(), seconds(6)).await.unwrap() && !one.lift(guesser(), seconds(6)).await.unwrap());
    assert_eq!(known(&one, "192.0.2.1", seconds(6)).await, None);
    assert_eq!(known(&other, "192.0.2.1", seconds(10)).await, None);
}

#[tokio::test]
async fn a_guess_tells_a_process_of_a_block_at_once() {
    let store = Arc::new(InMemory::default());
    let (one, other) = (process(&store), process(&store));
    assert_eq!(known(&other, "192.0.2.1", at(0)).await, None);
    fail(&one, 10, at(0)).await;
    assert_eq!(fail(&other, 1, at(0)).await, Failed::WasBlocked(at(15)));
    assert_eq!(known(&other, "192.0.2.1", at(0)).await, Some(at(15)));
}

#[tokio::test]
async fn who_shares_flags_hears_of_blocks_at_once_and_reads_no_list() {
    let (store, flags) = (Arc::new(InMemory::default()), Arc::new(Flags::default()));
    let process = || Blocks::new(store.clone(), Some(flags.clone()), Some(3));
    let (one, other) = (process(), process());
    fail(&one, 3, at(0)).await;
    assert_eq!((known(&other, "192.0.2.1", at(0)).await, store.listed.load(Ordering::Relaxed)), (None, 0));
    assert_eq!(other.shared(guesser(), at(0)).await, Some(at(15)));
    one.lift(guesser(), at(1)).await.unwrap();
    assert_eq!(other.shared(guesser(), at(1)).await, None);
}

#[tokio::test]
async fn nobody_reads_anything_where_nobody_guesses() {
    let store = Arc::new(InMemory::default());
    let blocks = process(&store);
    assert_eq!(blocks.known(|| panic!("nobody needs it"), false, at(0)).await, None);
    assert_eq!(store.listed.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_database_that_is_away_frees_and_blocks_nobody() {
    let store = Arc::new(InMemory::default());
    let blocks = process(&store);
    fail(&blocks, 10, at(0)).await;
    store.away.store(true, Ordering::Relaxed);
    assert_eq!((known(&blocks, "192.0.2.1", at(1)).await, known(&blocks, "192.0.2.2", at(1)).await), (Some(at(15)), None));
}

#[tokio::test]
async fn an_admin_blocks_by_hand_and_sees_every_block() {
    let blocks = process(&Arc::default());
    let made = blocks.block(guesser(), 60, "abuse", at(0)).await.unwrap();
    assert_eq!(made.block, Some(Block { since: at(0), until: at(60), reason: "abuse".into(), failures: 0 }));
    assert_eq!((known(&blocks, "192.0.2.1", at(59)).await, known(&blocks, "192.0.2.1", at(60)).await), (Some(at(60)), None));
    assert_eq!(blocks.list(at(1)).await.unwrap(), [made]);
    assert_eq!(fail(&blocks, 10, at(60)).await, Failed::Blocked);
    assert_eq!(known(&blocks, "192.0.2.1", at(60)).await, Some(at(75)), "a block by hand is no first one");
}

#[tokio::test]
async fn failures_are_not_counted_where_they_block_nobody() {
    let store = Arc::new(InMemory::default());
    let blocks = Blocks::new(store.clone(), None, None);
    assert_eq!(fail(&blocks, 100, at(0)).await, Failed::Counted);
    assert!(store.offenders.lock().is_empty());
}
