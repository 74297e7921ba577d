//! Addresses that guess: who shows wrong credentials too often isn't heard from there for a while, and for longer each time.
//!
//! Failures and blocks are kept in the database, where all processes count them together. Nobody asks it for each request: a process believes
//! for a moment what it read there, and where processes share a store of flags, that says at once who is blocked.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use engine::ports::{Block, BlockStore, Offender, StoreError};
use parking_lot::RwLock;

use crate::{Address, QuotasAway, reach::Reach};

/// So many wrong credentials block an address, where nobody says another number.
pub const DEFAULT_FAILURES: u32 = 10;
/// Failures count for so long.
pub const FAILURES_COUNT_FOR: TimeDelta = TimeDelta::minutes(15);
/// The first block lasts so long, each further one twice as long as the one before.
pub const FIRST_BLOCK: TimeDelta = TimeDelta::minutes(15);
/// The longest block by failures.
pub const LONGEST_BLOCK: TimeDelta = TimeDelta::hours(24);
/// So long after the end of a block the next one is a further one.
pub const BLOCKS_COUNT_FOR: TimeDelta = TimeDelta::hours(24);
/// How long a process believes what it has read of blocks.
pub const BLOCKS_BELIEVED_FOR: TimeDelta = TimeDelta::seconds(5);
/// The longest block by an admin.
pub const MAX_BLOCK_MINUTES: u32 = 525_600;
/// Processes that note failures of one address at the same moment get in each other's way.
const TRIES: u32 = 20;

/// Tells all processes at once who is blocked.
#[async_trait]
pub trait SharedBlocks: Send + Sync + 'static {
    /// Until when an address is blocked, if it is.
    async fn blocked_until(&self, address: &str) -> Result<Option<DateTime<Utc>>, QuotasAway>;

    /// Blocks it until then, or not any more.
    async fn block(&self, address: &str, until: Option<DateTime<Utc>>) -> Result<(), QuotasAway>;
}

/// What came of wrong credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// They are counted.
    Counted,
    /// They were one too many: the address is blocked from now on.
    Blocked,
    /// The address was blocked already, which this process didn't know.
    WasBlocked(DateTime<Utc>),
}

#[derive(Default)]
struct Known {
    until: HashMap<Address, DateTime<Utc>>,
    read_at: Option<DateTime<Utc>>,
}

/// All blocks of a database.
pub struct Blocks {
    store: Arc<dyn BlockStore>,
    shared: Option<Arc<dyn SharedBlocks>>,
    reach: Reach,
    /// So many failures block an address; `None`: as many as they like.
    after: Option<u32>,
    known: RwLock<Known>,
    /// Whether any block is known, so that most requests needn't look.
    any: AtomicBool,
    /// Failures are noted one after the other, so that those of one process don't get in each other's way.
    noting: tokio::sync::Mutex<()>,
}

impl Blocks {
    /// The blocks in this store, and with others where they share flags. `after` so many failures an address is blocked; `None`: never by itself.
    pub fn new(store: Arc<dyn BlockStore>, shared: Option<Arc<dyn SharedBlocks>>, after: Option<u32>) -> Self {
        let (reach, known, any, noting) = Default::default();
        Blocks { store, shared, reach, after, known, any, noting }
    }

    /// Until when the address is blocked, as far as this process knows. Asks the database where what is known is old, and somebody `guesses` or is known
    /// to be blocked.
    pub async fn known(&self, address: impl Fn() -> Address, guesses: bool, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let any = self.any.load(Ordering::Relaxed);
        if !any && !guesses {
            return None;
        }
        let shares = self.shared.is_some() && self.reach.is_here();
        if any || !shares {
            self.read_again(now).await;
        }
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        self.known.read().until.get(&address()).copied().filter(|until| *until > now)
    }

    /// The same as all processes know it who share flags; `None` where there are none.
    pub async fn shared(&self, address: Address, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (shared, address) = (self.shared.as_ref()?, address.to_string());
        let (until, _) = self.reach.ask(now, shared.blocked_until(&address)).await;
        until.flatten().filter(|until| *until > now)
    }

    /// Notes that wrong credentials came from there.
    ///
    /// # Errors
    /// What the database says; then nothing is noted.
    pub async fn failed(&self, address: Address, now: DateTime<Utc>) -> Result<Failed, StoreError> {
        let Some(after) = self.after else { return Ok(Failed::Counted) };
        let _one_at_a_time = self.noting.lock().await;
        for _ in 0..TRIES {
            let before = self.store.offender(&address.to_string()).await?;
            if let Some(until) = before.as_ref().and_then(|offender| offender.blocked_until(now)) {
                self.tell(address, Some(until), now).await;
                return Ok(Failed::WasBlocked(until));
            }
            let offender = failed(before, address, after, now);
            if self.store.put_offender(&offender, now).await? {
                return Ok(match offender.blocked_until(now) {
                    Some(until) => {
                        self.tell(address, Some(until), now).await;
                        Failed::Blocked
                    }
                    None => Failed::Counted,
                });
            }
        }
        Err(StoreError::Unavailable("too many note failures of one address".into()))
    }

    /// All blocks, the latest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list(&self, now: DateTime<Utc>) -> Result<Vec<Offender>, StoreError> {
        self.store.blocked(now).await
    }

    /// Blocks an address by hand, or for another time than it is.
    ///
    /// # Errors
    /// What the database says.
    pub async fn block(&self, address: Address, minutes: u32, reason: &str, now: DateTime<Utc>) -> Result<Offender, StoreError> {
        for _ in 0..TRIES {
            let before = self.store.offender(&address.to_string()).await?.unwrap_or_else(|| new(address, now));
            let until = now + TimeDelta::minutes(i64::from(minutes.min(MAX_BLOCK_MINUTES)));
            let block = Block { since: now, until, reason: reason.to_owned(), failures: 0 };
            let offender = Offender { version: before.version + 1, block: Some(block), forget_at: until + BLOCKS_COUNT_FOR, ..before };
            if self.store.put_offender(&offender, now).await? {
                self.tell(address, Some(until), now).await;
                return Ok(offender);
            }
        }
        Err(StoreError::Unavailable("others change the same address".into()))
    }

    /// Lifts a block, here at once and elsewhere within [`BLOCKS_BELIEVED_FOR`]; with it all that is known of the address is forgotten. Whether it was
    /// blocked.
    ///
    /// # Errors
    /// What the database says.
    pub async fn lift(&self, address: Address, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let was_blocked = self.store.offender(&address.to_string()).await?.is_some_and(|offender| offender.blocked_until(now).is_some());
        if was_blocked {
            self.store.forget_offender(&address.to_string()).await?;
            self.tell(address, None, now).await;
        }
        Ok(was_blocked)
    }

    async fn read_again(&self, now: DateTime<Utc>) {
        let is_fresh = |known: &Known| known.read_at.is_some_and(|read_at| read_at <= now && now - read_at < BLOCKS_BELIEVED_FOR);
        if is_fresh(&self.known.read()) {
            return;
        }
        {
            let mut known = self.known.write();
            if is_fresh(&known) {
                return;
            }
            // One reads; what it reads the others hear with their next request.
            known.read_at = Some(now);
        }
        match self.store.blocked(now).await {
            Ok(offenders) => {
                let until = offenders.iter().filter_map(|offender| Some((offender.address.parse().ok()?, offender.blocked_until(now)?)));
                let mut known = self.known.write();
                known.until = until.collect();
                self.any.store(!known.until.is_empty(), Ordering::Relaxed);
            }
            // Who was blocked stays so, and nobody else is.
            Err(error) => tracing::warn!(%error, "blocked addresses can't be read"),
        }
    }

    async fn tell(&self, address: Address, until: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        {
            let mut known = self.known.write();
            match until {
                Some(until) => known.until.insert(address, until),
                None => known.until.remove(&address),
            };
            self.any.store(!known.until.is_empty(), Ordering::Relaxed);
        }
        if let Some(shared) = &self.shared {
            // Who isn't told by it learns it from the database.
            let address = address.to_string();
            let _ = self.reach.ask(now, shared.block(&address, until)).await;
        }
    }
}

fn new(address: Address, now: DateTime<Utc>) -> Offender {
    Offender { address: address.to_string(), version: 0, failures: Vec::new(), block: None, blocks: 0, forget_at: now }
}

/// One more failure of an address that isn't blocked.
fn failed(before: Option<Offender>, address: Address, after: u32, now: DateTime<Utc>) -> Offender {
    let mut offender = before.unwrap_or_else(|| new(address, now));
    offender.version += 1;
    if offender.forget_at <= now {
        offender = Offender { version: offender.version, ..new(address, now) };
    }
    offender.failures.retain(|failure| now - *failure < FAILURES_COUNT_FOR);
    offender.failures.push(now);
    let failures = u32::try_from(offender.failures.len()).unwrap_or(u32::MAX);
    if failures >= after {
        let lasts = FIRST_BLOCK.checked_mul(1 << offender.blocks.min(16)).unwrap_or(LONGEST_BLOCK).min(LONGEST_BLOCK);
        let reason = format!("{failures} wrong credentials within {} minutes", FAILURES_COUNT_FOR.num_minutes());
        offender.block = Some(Block { since: now, until: now + lasts, reason, failures });
        offender.blocks += 1;
        // They have had their effect.
        offender.failures.clear();
    }
    // What a block left behind outlasts failures.
    let counted = offender.block.as_ref().map_or(now, |block| block.until + BLOCKS_COUNT_FOR);
    offender.forget_at = counted.max(now + FAILURES_COUNT_FOR);
    offender
}

#[cfg(test)]
mod tests;
