//! The documents that agents search. Beside the task store, because the same backends keep both.

use async_trait::async_trait;

use super::StoreError;

/// Keeps documents in passages and finds candidates for a query; ranking is the caller's.
#[async_trait]
pub trait DocumentStore: Send + Sync + 'static {
    /// Adds documents or replaces those of the same id in the same corpus.
    async fn put(&self, corpus: &Corpus, documents: Vec<NewDocument>) -> Result<(), StoreError>;

    /// The best candidates for any of the terms, over the shared corpus and the owner's own.
    async fn candidates(&self, query: &CandidateQuery) -> Result<Vec<Candidate>, StoreError>;

    /// All passages of a document in order; `None` if the caller can't see one of that id.
    async fn document(&self, owner: &str, document_id: &str) -> Result<Option<NewDocument>, StoreError>;

    /// How many documents an owner sees.
    async fn count(&self, owner: &str) -> Result<u64, StoreError>;
}

/// Whose documents.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Corpus {
    /// Everyone sees them.
    Shared,
    /// Only that owner does.
    Of(String),
}

/// A document with its passages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDocument {
    /// The id that it came with.
    pub id: String,
    /// May be empty.
    pub title: String,
    /// Where it came from: a path, a URL, a file name; may be empty.
    pub source: String,
    /// Its text in order.
    pub passages: Vec<Passage>,
}

/// A piece of a document's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// From 0.
    pub number: u32,
    /// The text.
    pub text: String,
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CandidateQuery {
    /// Whose view.
    pub owner: String,
    /// Plain words, any of which may match.
    pub terms: Vec<String>,
    /// At most so many.
    pub limit: u32,
}

/// A passage that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Of the document.
    pub document_id: String,
    /// Of the document.
    pub title: String,
    /// Of the document.
    pub source: String,
    /// Its matching passage.
    pub passage: Passage,
}
