//! Documents and their inverted index in Postgres.

mod put;

use async_trait::async_trait;
use engine::ports::{
    Corpus, CorpusStatistics, DocumentFilter, DocumentStore, NewDocument, Place, PlaceRange, Posting, PostingBlock, PutSummary, StoreError,
    StoredDocument, StoredPassage,
};
use sha2::{Digest, Sha256};
use sqlx::{Row, postgres::PgRow, query, query_scalar};

use super::{
    PostgresDatabase,
    names::{column, name},
    store_error,
};
use crate::documents::{corpus_name, name_of, number_of, place_of, read_terms};

/// So many characters of a source are in its index.
const INDEXED: usize = 200;

/// Keeps documents in Postgres. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PostgresDocumentStore {
    database: PostgresDatabase,
}

impl PostgresDocumentStore {
    /// In this database.
    pub fn new(database: PostgresDatabase) -> Self {
        PostgresDocumentStore { database }
    }
}

#[async_trait]
impl DocumentStore for PostgresDocumentStore {
    async fn put(&self, corpus: &Corpus, documents: Vec<NewDocument>) -> Result<PutSummary, StoreError> {
        put::put(&mut *self.database.connection().await?, &column(&corpus_name(corpus)), &documents).await.map_err(store_error)
    }

    async fn statistics(&self, owner: &str) -> Result<CorpusStatistics, StoreError> {
        let sql = "SELECT coalesce(sum(documents), 0)::bigint, coalesce(sum(passages), 0)::bigint,
                          coalesce(sum(title_terms), 0)::bigint, coalesce(sum(text_terms), 0)::bigint
                   FROM corpora WHERE name IN ('shared', $1)";
        let row = query(sql).bind(own(owner)).fetch_one(self.database.pool().await?).await.map_err(store_error)?;
        let number = |index: usize| row.try_get::<i64, _>(index).map(i64::unsigned_abs).map_err(store_error);
        Ok(CorpusStatistics { documents: number(0)?, passages: number(1)?, title_terms: number(2)?, text_terms: number(3)? })
    }

    async fn postings(&self, owner: &str, terms: &[String]) -> Result<Vec<PostingBlock>, StoreError> {
        let sql = "SELECT p.corpus, p.block, p.term, p.entries FROM corpora AS c JOIN postings AS p ON p.corpus = c.key
                   WHERE c.name IN ('shared', $1) AND p.term = ANY ($2)";
        let rows = query(sql).bind(own(owner)).bind(columns(terms)).fetch_all(self.database.pool().await?).await.map_err(store_error)?;
        let mut blocks = all(rows, |row| {
            Ok(PostingBlock { corpus: unsigned(row, 0)?, block: unsigned(row, 1)?, term: name(row.try_get(2)?), entries: row.try_get(3)? })
        })?;
        blocks.sort_unstable_by(|a, b| (a.corpus, a.block, &a.term).cmp(&(b.corpus, b.block, &b.term)));
        Ok(blocks)
    }

    async fn passage_counts(&self, owner: &str, terms: &[String]) -> Result<Vec<(String, u64)>, StoreError> {
        // The length of a value that stands elsewhere is known where it is referred to: the value isn't read.
        let sql = "SELECT p.term, sum(octet_length(p.entries))::bigint FROM corpora AS c JOIN postings AS p ON p.corpus = c.key
                   WHERE c.name IN ('shared', $1) AND p.term = ANY ($2) GROUP BY p.term";
        let rows = query(sql).bind(own(owner)).bind(columns(terms)).fetch_all(self.database.pool().await?).await.map_err(store_error)?;
        all(rows, |row| Ok((name(row.try_get(0)?), row.try_get::<i64, _>(1)?.unsigned_abs() / Posting::BYTES as u64)))
    }

    async fn terms(&self, owner: &str, prefix: &str, most: usize) -> Result<Vec<String>, StoreError> {
        // Jumps from term to term; a scan would read every block of each.
        let sql = "WITH RECURSIVE found (corpus, term, number) AS (
                       SELECT c.key, (SELECT p.term FROM postings AS p WHERE p.corpus = c.key AND p.term >= $2 AND p.term < $3 ORDER BY p.term LIMIT 1), 1::bigint
                       FROM corpora AS c WHERE c.name IN ('shared', $1)
                       UNION ALL
                       SELECT f.corpus, (SELECT p.term FROM postings AS p WHERE p.corpus = f.corpus AND p.term > f.term AND p.term < $3 ORDER BY p.term LIMIT 1),
                              f.number + 1
                       FROM found AS f WHERE f.term IS NOT NULL AND f.number < $4)
                   SELECT DISTINCT term FROM found WHERE term IS NOT NULL ORDER BY term LIMIT $4";
        let from = column(prefix);
        let terms: Vec<String> = query_scalar(sql)
            .bind(own(owner))
            .bind(&*from)
            .bind(format!("{from}{}", char::MAX))
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(self.database.pool().await?)
            .await
            .map_err(store_error)?;
        Ok(terms.iter().map(|term| name(term)).collect())
    }

    async fn passages(&self, owner: &str, places: &[Place]) -> Result<Vec<StoredPassage>, StoreError> {
        let sql = "SELECT p.place, d.id, d.title, d.source, p.number, p.text, p.terms
                   FROM passages AS p
                   JOIN corpora AS c ON c.key = (p.place >> 32)::integer AND c.name IN ('shared', $1)
                   JOIN documents AS d ON d.corpus = c.key AND d.digest = p.document
                   WHERE p.place = ANY ($2) AND (c.name <> 'shared' OR NOT EXISTS (
                       SELECT FROM documents AS o WHERE o.corpus = (SELECT key FROM corpora WHERE name = $1) AND o.digest = p.document))";
        let numbers: Vec<i64> = places.iter().map(|place| number_of(*place)).collect();
        let rows = query(sql).bind(own(owner)).bind(numbers).fetch_all(self.database.pool().await?).await.map_err(store_error)?;
        all(rows, |row| {
            Ok(StoredPassage {
                place: place_of(row.try_get(0)?),
                document_id: name(row.try_get(1)?),
                title: name(row.try_get(2)?),
                source: name(row.try_get(3)?),
                number: unsigned(row, 4)?,
                text: name(row.try_get(5)?),
                terms: read_terms(&name(row.try_get(6)?)),
            })
        })
    }

    async fn ranges(&self, owner: &str, filter: &DocumentFilter) -> Result<Vec<PlaceRange>, StoreError> {
        let sql = "SELECT d.corpus, d.first_passage, d.passages FROM corpora AS c JOIN documents AS d ON d.corpus = c.key
                   WHERE c.name IN ('shared', $1) AND ($2::bytea[] IS NULL OR d.digest = ANY ($2))
                     AND ($3::text[] IS NULL OR left(d.source, 200) = ANY ($4) AND d.source = ANY ($3))
                   ORDER BY d.corpus, d.first_passage";
        let digests: Option<Vec<_>> = (!filter.ids.is_empty()).then(|| filter.ids.iter().map(|id| digest(id)).collect());
        let sources = (!filter.sources.is_empty()).then(|| columns(&filter.sources));
        let beginnings: Option<Vec<String>> =
            sources.as_ref().map(|sources| sources.iter().map(|source| source.chars().take(INDEXED).collect()).collect());
        let rows = query(sql)
            .bind(own(owner))
            .bind(digests)
            .bind(sources)
            .bind(beginnings)
            .fetch_all(self.database.pool().await?)
            .await
            .map_err(store_error)?;
        all(rows, |row| {
            let passage = |column| Ok::<_, sqlx::Error>(row.try_get::<i64, _>(column)? as u32);
            Ok(PlaceRange { first: Place { corpus: unsigned(row, 0)?, passage: passage(1)? }, passages: passage(2)? })
        })
    }

    async fn document(&self, owner: &str, document_id: &str) -> Result<Option<StoredDocument>, StoreError> {
        // One statement, so that a document that is just replaced is read as it was or as it is.
        let sql = "SELECT d.title, d.source, ARRAY (
                       SELECT p.text FROM passages AS p
                       WHERE p.place >= (d.corpus::bigint << 32) + d.first_passage AND p.place < (d.corpus::bigint << 32) + d.first_passage + d.passages
                       ORDER BY p.place)
                   FROM corpora AS c JOIN documents AS d ON d.corpus = c.key
                   WHERE d.digest = $2 AND c.name IN ('shared', $1) ORDER BY c.name = 'shared' LIMIT 1";
        let row = query(sql).bind(own(owner)).bind(digest(document_id)).fetch_optional(self.database.pool().await?).await.map_err(store_error)?;
        let read = |row: &PgRow| {
            let passages: Vec<String> = row.try_get(2)?;
            Ok(StoredDocument {
                id: document_id.to_owned(),
                title: name(row.try_get(0)?),
                source: name(row.try_get(1)?),
                passages: passages.iter().map(|text| name(text)).collect(),
            })
        };
        row.as_ref().map(read).transpose().map_err(store_error)
    }
}

fn all<T>(rows: Vec<PgRow>, read: impl Fn(&PgRow) -> sqlx::Result<T>) -> Result<Vec<T>, StoreError> {
    rows.iter().map(read).collect::<sqlx::Result<_>>().map_err(store_error)
}

fn unsigned(row: &PgRow, column: usize) -> sqlx::Result<u32> {
    Ok(row.try_get::<i32, _>(column)?.unsigned_abs())
}

fn own(owner: &str) -> String {
    column(&name_of(owner)).into_owned()
}

fn columns(names: &[String]) -> Vec<String> {
    names.iter().map(|name| column(name).into_owned()).collect()
}

fn digest(id: &str) -> [u8; 32] {
    Sha256::digest(id).into()
}
