//! The documents that agents search: their passages, and the inverted index that says which passage has which term. Beside the task store,
//! because the same backends keep both.
//!
//! A backend only keeps and finds; which words are terms and how passages rank is the business of whoever puts and asks, so that every
//! backend ranks alike. Counts are kept for each corpus, so that what one owner has never shows in another's statistics.

use async_trait::async_trait;

use super::StoreError;

/// Keeps documents in passages, with their index.
#[async_trait]
pub trait DocumentStore: Send + Sync + 'static {
    /// Adds documents or replaces those of the same id in the same corpus: all of them or none. One with the fingerprint that the
    /// store has already is left as it is.
    async fn put(&self, corpus: &Corpus, documents: Vec<NewDocument>) -> Result<PutSummary, StoreError>;

    /// Sizes of what an owner sees: the shared corpus and the owner's own, added up.
    async fn statistics(&self, owner: &str) -> Result<CorpusStatistics, StoreError>;

    /// Every posting of the terms that the owner sees, ordered by corpus and block. Terms that no passage has are absent.
    async fn postings(&self, owner: &str, terms: &[String]) -> Result<Vec<PostingBlock>, StoreError>;

    /// What a search begins with: both of the above, in one round trip where a store can.
    async fn statistics_and_postings(&self, owner: &str, terms: &[String]) -> Result<(CorpusStatistics, Vec<PostingBlock>), StoreError> {
        Ok((self.statistics(owner).await?, self.postings(owner, terms).await?))
    }

    /// How many passages have each term, without reading the postings. Terms that none has are absent.
    async fn passage_counts(&self, owner: &str, terms: &[String]) -> Result<Vec<(String, u64)>, StoreError>;

    /// The terms that begin so among those that passages have which the owner sees, by name and each once, at most so many.
    async fn terms(&self, owner: &str, prefix: &str, most: usize) -> Result<Vec<String>, StoreError>;

    /// The passages at these places, in no particular order. Places that are gone, or not the owner's to see, are absent; so is a
    /// shared document where the owner has one of the same id.
    async fn passages(&self, owner: &str, places: &[Place]) -> Result<Vec<StoredPassage>, StoreError>;

    /// Where the documents lie that the filter selects, ordered by place.
    async fn ranges(&self, owner: &str, filter: &DocumentFilter) -> Result<Vec<PlaceRange>, StoreError>;

    /// A document with all its passages in order; the owner's own before a shared one; `None` if the owner sees none of that id.
    async fn document(&self, owner: &str, document_id: &str) -> Result<Option<StoredDocument>, StoreError>;

    /// How many documents an owner sees.
    async fn count(&self, owner: &str) -> Result<u64, StoreError> {
        Ok(self.statistics(owner).await?.documents)
    }
}

/// Whose documents.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Corpus {
    /// Everyone sees them.
    Shared,
    /// Only that owner does.
    Of(String),
}

/// A document, read, cut and analysed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDocument {
    /// The id that it came with.
    pub id: String,
    /// May be empty.
    pub title: String,
    /// Where it came from: a path, a URL, a file name; may be empty.
    pub source: String,
    /// The same for the same content cut and analysed in the same way.
    pub fingerprint: String,
    /// Its text in order.
    pub passages: Vec<NewPassage>,
}

/// A piece of a document's text, analysed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPassage {
    /// As people read it.
    pub text: String,
    /// Each once.
    pub terms: Vec<TermCount>,
    /// Terms of the document's title, repetitions counted.
    pub title_length: u8,
    /// Terms of the text, repetitions counted.
    pub text_length: u16,
}

/// How often a passage has a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermCount {
    /// A stem: no white space.
    pub term: String,
    /// In the title of its document; 255 stands for more.
    pub in_title: u8,
    /// In its text; 255 stands for more.
    pub in_text: u8,
}

/// What came of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PutSummary {
    /// New ids.
    pub added: u64,
    /// Known ids with other content.
    pub replaced: u64,
    /// Known ids with the same content.
    pub unchanged: u64,
}

/// Sizes that ranking needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CorpusStatistics {
    /// Documents.
    pub documents: u64,
    /// Passages of all documents.
    pub passages: u64,
    /// Sum of the passages' title lengths.
    pub title_terms: u64,
    /// Sum of the passages' text lengths.
    pub text_terms: u64,
}

/// Where a passage lies. Passages of a document follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The store's number of the corpus.
    pub corpus: u32,
    /// The passage's number in the corpus.
    pub passage: u32,
}

/// Passages of one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceRange {
    /// The first.
    pub first: Place,
    /// How many.
    pub passages: u32,
}

/// The postings of one term in [`PostingBlock::PASSAGES`] neighbouring places of a corpus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostingBlock {
    /// The store's number of the corpus.
    pub corpus: u32,
    /// Passages from `block * PASSAGES` on.
    pub block: u32,
    /// The term.
    pub term: String,
    /// [`Posting`]s, encoded one after the other.
    pub entries: Vec<u8>,
}

impl PostingBlock {
    /// Places in a block.
    pub const PASSAGES: u32 = 1024;

    /// The postings.
    pub fn iter(&self) -> impl Iterator<Item = Posting> + '_ {
        self.entries.as_chunks::<{ Posting::BYTES }>().0.iter().map(Posting::decode)
    }

    /// How many passages of the block have the term.
    pub fn len(&self) -> usize {
        self.entries.len() / Posting::BYTES
    }

    /// Whether none has it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// One passage that has a term, with all that ranking it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// The passage's offset in its block.
    pub offset: u16,
    /// The passage's number in its document; 65,535 stands for more.
    pub number: u16,
    /// Times in the title.
    pub in_title: u8,
    /// Times in the text.
    pub in_text: u8,
    /// Length of the title.
    pub title_length: u8,
    /// Length of the text.
    pub text_length: u16,
}

impl Posting {
    /// Size of one in a block.
    pub const BYTES: usize = 9;

    /// Little endian, in the order of the fields.
    pub fn encode(&self) -> [u8; Self::BYTES] {
        let ([o0, o1], [n0, n1], [t0, t1]) = (self.offset.to_le_bytes(), self.number.to_le_bytes(), self.text_length.to_le_bytes());
        [o0, o1, n0, n1, self.in_title, self.in_text, self.title_length, t0, t1]
    }

    /// What [`Self::encode`] made.
    pub fn decode(bytes: &[u8; Self::BYTES]) -> Self {
        let [o0, o1, n0, n1, in_title, in_text, title_length, t0, t1] = *bytes;
        Posting {
            offset: u16::from_le_bytes([o0, o1]),
            number: u16::from_le_bytes([n0, n1]),
            in_title,
            in_text,
            title_length,
            text_length: u16::from_le_bytes([t0, t1]),
        }
    }
}

/// Which documents; all given conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DocumentFilter {
    /// One of these ids; empty for any.
    pub ids: Vec<String>,
    /// One of these sources; empty for any.
    pub sources: Vec<String>,
}

impl DocumentFilter {
    /// Whether it selects everything.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.sources.is_empty()
    }
}

/// A passage with its document's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPassage {
    /// Where it lies.
    pub place: Place,
    /// Of the document.
    pub document_id: String,
    /// Of the document.
    pub title: String,
    /// Of the document.
    pub source: String,
    /// From 0 within the document.
    pub number: u32,
    /// As people read it.
    pub text: String,
    /// As they were put.
    pub terms: Vec<TermCount>,
}

/// A document as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDocument {
    /// The id that it came with.
    pub id: String,
    /// May be empty.
    pub title: String,
    /// May be empty.
    pub source: String,
    /// The texts in order.
    pub passages: Vec<String>,
}
