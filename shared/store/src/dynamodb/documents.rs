//! Documents beside a table: the shared ones in the table or in a file that only changes with a deployment, each owner's own in the table.
//!
//! A search needs an index that a table of items is poor at. So a corpus is kept as compressed packs, one for each put, and read into a SQLite
//! file of this process when its head says that it changed: searches find and rank as they do on SQLite. That suits corpora of some megabytes;
//! what is larger belongs into the file.

mod corpora;
mod packs;

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use engine::ports::{
    Corpus, CorpusStatistics, DocumentFilter, DocumentStore, NewDocument, Place, PlaceRange, PostingBlock, PutSummary, StoreError, StoredDocument,
    StoredPassage,
};
use futures::future::BoxFuture;
use tokio::sync::OnceCell;

use self::corpora::{Corpora, Held};
use super::{attributes::failed, database::DynamoDbDatabase};
use crate::{
    SqliteDocumentStore,
    documents::{SHARED, corpus_name, name_of},
};

/// Opens the file with the shared corpus, when it is first needed.
pub type OpenCorpus = Box<dyn Fn() -> BoxFuture<'static, Result<SqliteDocumentStore, StoreError>> + Send + Sync>;

/// Own corpora are told from the shared one by this bit of their numbers.
const OWN: u32 = 1 << 31;

/// Nobody's name within the file, so that it shows what is shared and nothing else.
const NOBODY: &str = "";

/// Keeps documents in DynamoDB.
pub struct DynamoDbDocumentStore {
    corpora: Corpora,
    /// In place of a shared corpus in the table.
    file: Option<(OpenCorpus, OnceCell<SqliteDocumentStore>)>,
}

impl DynamoDbDocumentStore {
    /// In this table. With a file the shared corpus is what it holds, and can't be put to.
    pub fn new(database: DynamoDbDatabase, file: Option<OpenCorpus>) -> Self {
        DynamoDbDocumentStore { corpora: Corpora::new(database), file: file.map(|open| (open, OnceCell::new())) }
    }

    /// What an owner sees at this moment.
    async fn seen_by<'a>(&self, owner: &'a str) -> Result<Seen<'a>, StoreError> {
        let own_name = name_of(owner);
        let (shared, own) = match &self.file {
            Some((open, file)) => (Some(file.get_or_try_init(open).await?.clone()), self.corpora.read(&[&own_name]).await?.pop().flatten()),
            None => {
                let mut held = self.corpora.read(&[SHARED, &own_name]).await?;
                let own = held.pop().flatten();
                (held.pop().flatten().map(|shared| shared.store.clone()), own)
            }
        };
        Ok(Seen { owner, shared, own })
    }
}

/// The corpora that one owner sees.
struct Seen<'a> {
    owner: &'a str,
    shared: Option<SqliteDocumentStore>,
    own: Option<Arc<Held>>,
}

impl Seen<'_> {
    /// The stores, each with whom to ask as and the bit of its corpora.
    fn parts(&self) -> impl Iterator<Item = (&SqliteDocumentStore, &str, u32)> {
        let own = self.own.as_ref().map(|held| (&held.store, self.owner, OWN));
        self.shared.iter().map(|store| (store, NOBODY, 0)).chain(own)
    }
}

#[async_trait]
impl DocumentStore for DynamoDbDocumentStore {
    async fn put(&self, corpus: &Corpus, documents: Vec<NewDocument>) -> Result<PutSummary, StoreError> {
        if *corpus == Corpus::Shared && self.file.is_some() {
            return Err(failed("the documents that everyone sees are in the file of A2A_CORPUS: `a2a index PATH --out FILE` writes a new one"));
        }
        self.corpora.put(&corpus_name(corpus), &documents).await
    }

    async fn statistics(&self, owner: &str) -> Result<CorpusStatistics, StoreError> {
        let seen = self.seen_by(owner).await?;
        let mut sum = CorpusStatistics::default();
        for (store, owner, _) in seen.parts() {
            let CorpusStatistics { documents, passages, title_terms, text_terms } = store.statistics(owner).await?;
            sum.documents += documents;
            sum.passages += passages;
            sum.title_terms += title_terms;
            sum.text_terms += text_terms;
        }
        Ok(sum)
    }

    async fn postings(&self, owner: &str, terms: &[String]) -> Result<Vec<PostingBlock>, StoreError> {
        let seen = self.seen_by(owner).await?;
        let mut blocks = Vec::new();
        for (store, owner, bit) in seen.parts() {
            let found = store.postings(owner, terms).await?;
            blocks.extend(found.into_iter().map(|block| PostingBlock { corpus: block.corpus | bit, ..block }));
        }
        Ok(blocks)
    }

    async fn passage_counts(&self, owner: &str, terms: &[String]) -> Result<Vec<(String, u64)>, StoreError> {
        let seen = self.seen_by(owner).await?;
        let mut counts: HashMap<String, u64> = HashMap::new();
        for (store, owner, _) in seen.parts() {
            for (term, count) in store.passage_counts(owner, terms).await? {
                *counts.entry(term).or_default() += count;
            }
        }
        Ok(counts.into_iter().collect())
    }

    async fn terms(&self, owner: &str, prefix: &str, most: usize) -> Result<Vec<String>, StoreError> {
        let seen = self.seen_by(owner).await?;
        let mut terms = Vec::new();
        for (store, owner, _) in seen.parts() {
            terms.extend(store.terms(owner, prefix, most).await?);
        }
        terms.sort_unstable();
        terms.dedup();
        terms.truncate(most);
        Ok(terms)
    }

    async fn passages(&self, owner: &str, places: &[Place]) -> Result<Vec<StoredPassage>, StoreError> {
        let seen = self.seen_by(owner).await?;
        let mut passages = Vec::new();
        for (store, owner, bit) in seen.parts() {
            let there = places.iter().filter(|place| place.corpus & OWN == bit);
            let there: Vec<Place> = there.map(|place| Place { corpus: place.corpus & !OWN, ..*place }).collect();
            let found = store.passages(owner, &there).await?.into_iter();
            let found = found.filter(|passage| bit == OWN || !seen.own.as_ref().is_some_and(|own| own.has(&passage.document_id)));
            passages.extend(found.map(|passage| StoredPassage { place: with_bit(passage.place, bit), ..passage }));
        }
        Ok(passages)
    }

    async fn ranges(&self, owner: &str, filter: &DocumentFilter) -> Result<Vec<PlaceRange>, StoreError> {
        let seen = self.seen_by(owner).await?;
        let mut ranges = Vec::new();
        for (store, owner, bit) in seen.parts() {
            let found = store.ranges(owner, filter).await?;
            ranges.extend(found.into_iter().map(|range| PlaceRange { first: with_bit(range.first, bit), ..range }));
        }
        Ok(ranges)
    }

    async fn document(&self, owner: &str, document_id: &str) -> Result<Option<StoredDocument>, StoreError> {
        let seen = self.seen_by(owner).await?;
        let mut found = None;
        // The owner's own comes last and counts.
        for (store, owner, _) in seen.parts() {
            found = store.document(owner, document_id).await?.or(found);
        }
        Ok(found)
    }
}

fn with_bit(place: Place, bit: u32) -> Place {
    Place { corpus: place.corpus | bit, ..place }
}
