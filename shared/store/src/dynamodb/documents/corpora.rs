//! Corpora in the table, and what this process has read of them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use engine::ports::{NewDocument, PutSummary, StoreError};
use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use super::packs::{HEAD, Head, Pack, pack, unpack};
use crate::{
    SqliteDocumentStore,
    documents::latest_of_each_id,
    dynamodb::{
        attributes::{Attributes, failed, number, text},
        database::{DynamoDbDatabase, Query},
        keys::{self, Item},
        transaction::{FIRST_PAUSE, Write, rest},
    },
};

/// So many corpora are held at once, each a file in the system's directory for temporary files.
const HELD: usize = 64;
/// One that nobody asks for is let go after this time.
const HELD_FOR: Duration = Duration::from_secs(15 * 60);
/// A corpus of more packs than this is written anew as one.
const PACKS: usize = 32;
/// How often a put or a read begins anew because somebody else's put came between.
const TRIES: u32 = 20;
/// Pieces in one batch, which may have 16 MB on its way.
const WRITTEN_AT_ONCE: usize = 10;
/// What no head names and is older than this was left by a put that died.
const ABANDONED_AFTER: Duration = Duration::from_secs(3600);

/// The corpora of a table.
pub(super) struct Corpora {
    database: DynamoDbDatabase,
    held: Mutex<HashMap<String, (Arc<Held>, Instant)>>,
}

/// A corpus as it was at a version.
pub(super) struct Held {
    head: Head,
    /// By id: where it begins, and its fingerprint.
    documents: HashMap<String, (u32, String)>,
    pub(super) store: SqliteDocumentStore,
}

impl Held {
    /// Whether it has a document of this id.
    pub(super) fn has(&self, document_id: &str) -> bool {
        self.documents.contains_key(document_id)
    }
}

impl Corpora {
    pub(super) fn new(database: DynamoDbDatabase) -> Self {
        Corpora { database, held: Mutex::default() }
    }

    /// These corpora as they are now; `None` for one that there isn't.
    pub(super) async fn read(&self, names: &[&str]) -> Result<Vec<Option<Arc<Held>>>, StoreError> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..TRIES {
            if let Some(held) = self.try_read(names).await? {
                return Ok(held);
            }
            rest(&mut pause).await;
        }
        Err(busy(names))
    }

    /// `None` if one was written anew while it was read.
    async fn try_read(&self, names: &[&str]) -> Result<Option<Vec<Option<Arc<Held>>>>, StoreError> {
        let heads = self.database.get_all(names.iter().map(|name| keys::key(keys::documents(name), HEAD)).collect()).await?;
        let mut all = Vec::new();
        for name in names {
            let partition = keys::documents(name);
            let Some(head) = heads.iter().find(|item| item.text_if_any("pk") == Some(&partition)) else {
                all.push(None);
                continue;
            };
            let head = Head::of(head)?;
            match self.held(name).filter(|held| held.head.version == head.version) {
                Some(held) => all.push(Some(held)),
                None => match self.load(name, head).await? {
                    Some(held) => all.push(Some(held)),
                    None => return Ok(None),
                },
            }
        }
        Ok(Some(all))
    }

    fn held(&self, name: &str) -> Option<Arc<Held>> {
        let mut held = self.held.lock();
        let (corpus, asked_for) = held.get_mut(name)?;
        *asked_for = Instant::now();
        Some(corpus.clone())
    }

    /// Holds a corpus, and lets those go that nobody asks for.
    fn hold(&self, name: &str, corpus: &Arc<Held>) {
        let mut held = self.held.lock();
        held.retain(|_, (_, asked_for)| asked_for.elapsed() < HELD_FOR);
        let longest = held.iter().min_by_key(|(_, (_, asked_for))| *asked_for).map(|(name, _)| name.clone());
        if let Some(longest) = longest.filter(|_| held.len() >= HELD) {
            held.remove(&longest);
        }
        held.insert(name.to_owned(), (corpus.clone(), Instant::now()));
    }

    async fn load(&self, name: &str, head: Head) -> Result<Option<Arc<Held>>, StoreError> {
        let Some(documents) = self.documents(name, &head).await? else { return Ok(None) };
        let known = documents.iter().map(|(first, document)| (document.id.clone(), (*first, document.fingerprint.clone()))).collect();
        let corpus = name.to_owned();
        let store = tokio::task::spawn_blocking(move || SqliteDocumentStore::at(&corpus, documents)).await.map_err(failed)??;
        let held = Arc::new(Held { head, documents: known, store });
        self.hold(name, &held);
        Ok(Some(held))
    }

    /// The documents of a corpus in the order of their places; `None` if a pack is gone.
    async fn documents(&self, name: &str, head: &Head) -> Result<Option<Vec<(u32, NewDocument)>>, StoreError> {
        let partition = keys::documents(name);
        let items = self.database.get_all(head.packs.iter().flat_map(|pack| pack.keys(&partition)).collect()).await?;
        let mut latest: HashMap<String, (u32, NewDocument)> = HashMap::new();
        for pack in &head.packs {
            let Some(documents) = unpack(pack, &items)? else { return Ok(None) };
            latest.extend(documents.into_iter().map(|(first, document)| (document.id.clone(), (first, document))));
        }
        let mut documents: Vec<_> = latest.into_values().collect();
        documents.sort_unstable_by_key(|(first, _)| *first);
        Ok(Some(documents))
    }

    /// Adds or replaces documents, all or none: they are there when the head names them.
    pub(super) async fn put(&self, name: &str, documents: &[NewDocument]) -> Result<PutSummary, StoreError> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..TRIES {
            let held = self.read(&[name]).await?.pop().flatten();
            let (summary, changed) = changes(held.as_deref(), documents);
            if changed.is_empty() || self.try_put(name, held.as_deref(), &changed).await? {
                return Ok(summary);
            }
            rest(&mut pause).await;
        }
        Err(busy(&[name]))
    }

    /// `false` if somebody else's put came first.
    async fn try_put(&self, name: &str, held: Option<&Held>, changed: &[&NewDocument]) -> Result<bool, StoreError> {
        let partition = keys::documents(name);
        let before = held.map(|held| held.head.clone()).unwrap_or_default();
        let mut head = Head { version: before.version + 1, ..before.clone() };
        let mut packed = Vec::new();
        for document in changed {
            packed.push((head.next_passage, (*document).clone()));
            head.next_passage += u32::try_from(document.passages.len()).map_err(failed)?;
        }
        let anew = before.packs.len() >= PACKS;
        if anew {
            let Some(mut all) = self.documents(name, &before).await? else { return Ok(false) };
            let ids: HashSet<&str> = changed.iter().map(|document| document.id.as_str()).collect();
            all.retain(|(_, document)| !ids.contains(document.id.as_str()));
            all.append(&mut packed);
            packed = all;
            head.packs.clear();
        }
        let (new, items) = pack(&partition, &packed)?;
        self.database.put_all(items, WRITTEN_AT_ONCE).await?;
        head.packs.push(new.clone());
        let write = Write::put(head.item(&partition)?);
        let write = match before.version {
            0 => write.when("attribute_not_exists(#pk)", []),
            version => write.when("#version = :before", [(":before", number(version))]),
        };
        // Refused, it may have been made all the same, by a request whose answer got lost.
        if !self.database.write(write).await? && !self.names(&partition, &new).await? {
            self.database.delete_all(new.keys(&partition)).await?;
            return Ok(false);
        }
        if anew && let Err(error) = self.clear(&partition, &new, &before.packs).await {
            tracing::warn!(corpus = name, %error, "packs that nothing needs any more are still there; a later put clears them away");
        }
        Ok(true)
    }

    async fn names(&self, partition: &str, pack: &Pack) -> Result<bool, StoreError> {
        let head = self.database.get(keys::key(partition, HEAD)).await?;
        Ok(head.map(|item| Head::of(&item)).transpose()?.is_some_and(|head| head.packs.contains(pack)))
    }

    /// Deletes packs that were written anew, and those that a put left which died.
    async fn clear(&self, partition: &str, new: &Pack, old: &[Pack]) -> Result<(), StoreError> {
        let query = Query {
            keys: "#pk = :pk AND begins_with(#sk, :pack)",
            values: vec![(":pk", text(partition)), (":pack", text("pack/"))],
            only: Some("#pk, #sk"),
            ..Query::default()
        };
        let is_needless = |item: &Item| {
            let set = item.text_if_any("sk").and_then(|name| name.split('/').nth(1)).unwrap_or_default();
            old.iter().any(|pack| pack.set == set) || set != new.set && age(set, &new.set) > ABANDONED_AFTER
        };
        let mut needless = self.database.query(query).await?;
        needless.retain(is_needless);
        self.database.delete_all(needless).await
    }
}

/// What a put changes, without what is there as it is.
fn changes<'a>(held: Option<&Held>, documents: &'a [NewDocument]) -> (PutSummary, Vec<&'a NewDocument>) {
    let (mut summary, mut changed) = (PutSummary::default(), Vec::new());
    for document in latest_of_each_id(documents) {
        match held.and_then(|held| held.documents.get(&document.id)) {
            Some((_, fingerprint)) if *fingerprint == document.fingerprint => {
                summary.unchanged += 1;
                continue;
            }
            Some(_) => summary.replaced += 1,
            None => summary.added += 1,
        }
        changed.push(document);
    }
    (summary, changed)
}

/// How much older a set is than another, by the times in their names.
fn age(old: &str, new: &str) -> Duration {
    let time = |set: &str| {
        let (seconds, nanoseconds) = Uuid::parse_str(set).ok()?.get_timestamp()?.to_unix();
        Some(Duration::new(seconds, nanoseconds))
    };
    time(old).zip(time(new)).map_or(Duration::ZERO, |(old, new)| new.saturating_sub(old))
}

fn busy(names: &[&str]) -> StoreError {
    StoreError::Unavailable(format!("the documents of `{}` change too often", names.join("`, `")).into())
}
