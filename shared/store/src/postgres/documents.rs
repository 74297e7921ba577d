//! Documents and their inverted index in Postgres.

mod put;

use async_trait::async_trait;
use engine::ports::{
    Corpus, CorpusStatistics, DocumentFilter, DocumentStore, NewDocument, Place, PlaceRange, Posting, PostingBlock, PutSummary, StoreError,
    StoredDocument, StoredPassage,
};
use sha2::{Digest, Sha256};
use sqlx::{
    Postgres, Row,
    postgres::{PgArguments, PgRow},
    query,
    query::Query,
};

use super::{
    PostgresDatabase,
    names::{column, name},
    store_error,
};
use crate::documents::{corpus_name, name_of, number_of, place_of, read_terms};

/// So many characters of a source are in its index.
const INDEXED: usize = 200;

/// The postings of the terms `$2` in the corpus `c`. Each term is looked up by itself: the plan that serves any number of terms and of postings would
/// compare each of the ones with each of the others.
macro_rules! postings_of_corpus {
    () => {
        "LATERAL (SELECT found.block, found.term, found.entries
                  FROM unnest($2::text[]) AS wanted (term)
                  CROSS JOIN LATERAL (SELECT block, term, entries FROM postings WHERE corpus = c.key AND term = wanted.term OFFSET 0) AS found) AS p"
    };
}

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

    /// The rows of a statement that reads.
    async fn rows<'q>(&self, statement: impl Fn() -> Query<'q, Postgres, PgArguments>) -> Result<Vec<PgRow>, StoreError> {
        let read = || async { statement().fetch_all(self.database.pool().await?).await.map_err(store_error) };
        self.database.again(read).await
    }
}

#[async_trait]
impl DocumentStore for PostgresDocumentStore {
    async fn put(&self, corpus: &Corpus, documents: Vec<NewDocument>) -> Result<PutSummary, StoreError> {
        put::put(&mut *self.database.connection().await?, &column(&corpus_name(corpus)), &documents).await.map_err(store_error)
    }

    async fn statistics(&self, owner: &str) -> Result<CorpusStatistics, StoreError> {
        self.statistics_and_postings(owner, &[]).await.map(|(statistics, _)| statistics)
    }

    async fn postings(&self, owner: &str, terms: &[String]) -> Result<Vec<PostingBlock>, StoreError> {
        self.statistics_and_postings(owner, terms).await.map(|(_, blocks)| blocks)
    }

    async fn statistics_and_postings(&self, owner: &str, terms: &[String]) -> Result<(CorpusStatistics, Vec<PostingBlock>), StoreError> {
        let sql = concat!(
            "SELECT c.key, c.documents, c.passages, c.title_terms, c.text_terms, p.block, p.term, p.entries FROM corpora AS c LEFT JOIN ",
            postings_of_corpus!(),
            " ON true WHERE c.name IN ('shared', $1)"
        );
        let wanted = each(terms);
        let rows = self.rows(|| query(sql).bind(own(owner)).bind(wanted.clone())).await?;
        let (mut statistics, mut counted, mut blocks) = (CorpusStatistics::default(), Vec::new(), Vec::new());
        for row in &rows {
            let corpus = unsigned(row, 0).map_err(store_error)?;
            // Each row of a corpus says how large it is.
            if !counted.contains(&corpus) {
                counted.push(corpus);
                let number = |index: usize| row.try_get::<i64, _>(index).map(i64::unsigned_abs).map_err(store_error);
                statistics.documents += number(1)?;
                statistics.passages += number(2)?;
                statistics.title_terms += number(3)?;
                statistics.text_terms += number(4)?;
            }
            blocks.extend(block(row, corpus).map_err(store_error)?);
        }
        blocks.sort_unstable_by(|a, b| (a.corpus, a.block, &a.term).cmp(&(b.corpus, b.block, &b.term)));
        Ok((statistics, blocks))
    }

    async fn passage_counts(&self, owner: &str, terms: &[String]) -> Result<Vec<(String, u64)>, StoreError> {
        // The length of a value that stands elsewhere is known where it is referred to: the value isn't read.
        let sql = concat!(
            "SELECT p.term, sum(octet_length(p.entries))::bigint FROM corpora AS c CROSS JOIN ",
            postings_of_corpus!(),
            " WHERE c.name IN ('shared', $1) GROUP BY p.term"
        );
        let wanted = each(terms);
        let rows = self.rows(|| query(sql).bind(own(owner)).bind(wanted.clone())).await?;
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
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let statement = || query(sql).bind(own(owner)).bind(from.to_string()).bind(format!("{from}{}", char::MAX)).bind(most);
        all(self.rows(statement).await?, |row| Ok(name(row.try_get(0)?)))
    }

    async fn passages(&self, owner: &str, places: &[Place]) -> Result<Vec<StoredPassage>, StoreError> {
        let sql = "SELECT p.place, d.id, d.title, d.source, p.number, p.text, p.terms
                   FROM passages AS p
                   JOIN corpora AS c ON c.key = (p.place >> 32)::integer AND c.name IN ('shared', $1)
                   JOIN documents AS d ON d.corpus = c.key AND d.digest = p.document
                   WHERE p.place = ANY ($2) AND (c.name <> 'shared' OR NOT EXISTS (
                       SELECT FROM documents AS o WHERE o.corpus = (SELECT key FROM corpora WHERE name = $1) AND o.digest = p.document))";
        let numbers: Vec<i64> = places.iter().map(|place| number_of(*place)).collect();
        let rows = self.rows(|| query(sql).bind(own(owner)).bind(numbers.clone())).await?;
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
        let rows = self.rows(|| query(sql).bind(own(owner)).bind(digests.clone()).bind(sources.clone()).bind(beginnings.clone())).await?;
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
        let rows = self.rows(|| query(sql).bind(own(owner)).bind(digest(document_id))).await?;
        let read = |row: &PgRow| {
            let passages: Vec<String> = row.try_get(2)?;
            Ok(StoredDocument {
                id: document_id.to_owned(),
                title: name(row.try_get(0)?),
                source: name(row.try_get(1)?),
                passages: passages.iter().map(|text| name(text)).collect(),
            })
        };
        rows.first().map(read).transpose().map_err(store_error)
    }
}

fn all<T>(rows: Vec<PgRow>, read: impl Fn(&PgRow) -> sqlx::Result<T>) -> Result<Vec<T>, StoreError> {
    rows.iter().map(read).collect::<sqlx::Result<_>>().map_err(store_error)
}

/// Of a corpus that has any.
fn block(row: &PgRow, corpus: u32) -> sqlx::Result<Option<PostingBlock>> {
    let Some(term) = row.try_get::<Option<&str>, _>(6)? else { return Ok(None) };
    Ok(Some(PostingBlock { corpus, block: unsigned(row, 5)?, term: name(term), entries: row.try_get(7)? }))
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

/// Each once, because each is looked up by itself.
fn each(terms: &[String]) -> Vec<String> {
    let mut terms = columns(terms);
    terms.sort_unstable();
    terms.dedup();
    terms
}

fn digest(id: &str) -> [u8; 32] {
    Sha256::digest(id).into()
}
