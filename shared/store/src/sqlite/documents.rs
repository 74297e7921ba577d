//! Documents and their inverted index in SQLite.

mod put;

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use engine::ports::{
    Corpus, CorpusStatistics, DocumentFilter, DocumentStore, NewDocument, Place, PlaceRange, Posting, PostingBlock, PutSummary, StoreError,
    StoredDocument, StoredPassage,
};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use tempfile::TempDir;

use super::SqliteDatabase;
use crate::documents::{corpus_name, name_of, number_of, place_of, read_terms};

/// Keeps documents in SQLite. Cheap to clone.
#[derive(Clone)]
pub struct SqliteDocumentStore {
    database: SqliteDatabase,
}

impl SqliteDocumentStore {
    /// In this database.
    pub fn new(database: SqliteDatabase) -> Self {
        SqliteDocumentStore { database }
    }

    /// Those that everyone sees in a file that never changes: see [`SqliteDatabase::open_finished`].
    ///
    /// # Errors
    /// What is no such file.
    pub fn finished(path: impl AsRef<Path>, directory: Option<TempDir>) -> Result<Self, StoreError> {
        Ok(Self::new(SqliteDatabase::open_finished(path, directory)?))
    }

    /// One corpus that never changes, whose documents begin at these passages, in ascending order and each of another id.
    pub(crate) fn at(corpus: &str, documents: Vec<(u32, NewDocument)>) -> Result<Self, StoreError> {
        Ok(Self::new(SqliteDatabase::finished(|connection| put::put_at(connection, corpus, &documents))?))
    }
}

#[async_trait]
impl DocumentStore for SqliteDocumentStore {
    async fn put(&self, corpus: &Corpus, documents: Vec<NewDocument>) -> Result<PutSummary, StoreError> {
        let name = corpus_name(corpus);
        let documents = Arc::new(documents);
        self.database.write(move |connection| put::put(connection, &name, &documents)).await
    }

    async fn statistics(&self, owner: &str) -> Result<CorpusStatistics, StoreError> {
        let own = name_of(owner);
        self.database.read_here(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT coalesce(sum(documents), 0), coalesce(sum(passages), 0), coalesce(sum(title_terms), 0), coalesce(sum(text_terms), 0)
                 FROM corpora WHERE name IN ('shared', :own)",
            )?;
            statement.query_row(named_params! {":own": own}, |row| {
                let number = |index: usize| row.get::<_, i64>(index).map(i64::unsigned_abs);
                Ok(CorpusStatistics { documents: number(0)?, passages: number(1)?, title_terms: number(2)?, text_terms: number(3)? })
            })
        })
    }

    async fn postings(&self, owner: &str, terms: &[String]) -> Result<Vec<PostingBlock>, StoreError> {
        let (own, terms) = (name_of(owner), json_list(terms));
        self.database
            .read(move |connection| {
                let block = |row: &Row| Ok(PostingBlock { corpus: row.get(0)?, block: row.get(1)?, term: row.get(2)?, entries: row.get(3)? });
                let sql = "SELECT corpus, block, term, entries FROM postings
                           WHERE corpus IN (SELECT key FROM corpora WHERE name IN ('shared', :own)) AND term IN (SELECT value FROM json_each(:terms))";
                let mut blocks = all(connection, sql, named_params! {":own": own, ":terms": terms}, block)?;
                blocks.sort_by_key(|block| (block.corpus, block.block));
                Ok(blocks)
            })
            .await
    }

    async fn passage_counts(&self, owner: &str, terms: &[String]) -> Result<Vec<(String, u64)>, StoreError> {
        let (own, terms) = (name_of(owner), json_list(terms));
        self.database
            .read(move |connection| {
                // The length of a blob stands before it: the blob itself isn't read.
                let sql = "SELECT term, sum(length(entries)) FROM postings
                           WHERE corpus IN (SELECT key FROM corpora WHERE name IN ('shared', :own)) AND term IN (SELECT value FROM json_each(:terms))
                           GROUP BY term";
                let count = |row: &Row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs() / Posting::BYTES as u64));
                all(connection, sql, named_params! {":own": own, ":terms": terms}, count)
            })
            .await
    }

    async fn terms(&self, owner: &str, prefix: &str, most: usize) -> Result<Vec<String>, StoreError> {
        let (own, from) = (name_of(owner), prefix.to_owned());
        self.database
            .read(move |connection| {
                // Jumps from term to term; a scan would read every block of each.
                let sql = "WITH RECURSIVE
                               seen (key) AS (SELECT key FROM corpora WHERE name IN ('shared', :own)),
                               found (corpus, term) AS (
                                   SELECT key, (SELECT min(term) FROM postings WHERE corpus = key AND term >= :from AND term < :from || char(1114111)) FROM seen
                                   UNION ALL
                                   SELECT f.corpus, (SELECT min(p.term) FROM postings AS p
                                                     WHERE p.corpus = f.corpus AND p.term > f.term AND p.term < :from || char(1114111))
                                   FROM found AS f WHERE f.term IS NOT NULL)
                           SELECT DISTINCT term FROM found WHERE term IS NOT NULL LIMIT :most";
                let mut terms = all(connection, sql, named_params! {":own": own, ":from": from, ":most": most as i64}, |row| row.get(0))?;
                terms.sort_unstable();
                Ok(terms)
            })
            .await
    }

    async fn passages(&self, owner: &str, places: &[Place]) -> Result<Vec<StoredPassage>, StoreError> {
        let numbers: Vec<i64> = places.iter().map(|place| number_of(*place)).collect();
        let (own, places) = (name_of(owner), json_list(&numbers));
        self.database
            .read(move |connection| {
                let sql = "SELECT p.place, d.id, d.title, d.source, p.number, p.text, p.terms
                           FROM json_each(:places) AS wanted
                           CROSS JOIN passages AS p ON p.place = wanted.value
                           CROSS JOIN corpora AS c ON c.key = p.place >> 32 AND c.name IN ('shared', :own)
                           CROSS JOIN documents AS d ON d.corpus = c.key AND d.id = p.document_id
                           WHERE c.name <> 'shared' OR NOT EXISTS (
                               SELECT 1 FROM documents AS o WHERE o.corpus = (SELECT key FROM corpora WHERE name = :own) AND o.id = d.id)";
                all(connection, sql, named_params! {":own": own, ":places": places}, |row| {
                    Ok(StoredPassage {
                        place: place_of(row.get(0)?),
                        document_id: row.get(1)?,
                        title: row.get(2)?,
                        source: row.get(3)?,
                        number: row.get(4)?,
                        text: row.get(5)?,
                        terms: read_terms(row.get_ref(6)?.as_str()?),
                    })
                })
            })
            .await
    }

    async fn ranges(&self, owner: &str, filter: &DocumentFilter) -> Result<Vec<PlaceRange>, StoreError> {
        let own = name_of(owner);
        let filter = filter.clone();
        self.database
            .read(move |connection| {
                let sql = "SELECT corpus, first_passage, passages FROM documents
                           WHERE corpus IN (SELECT key FROM corpora WHERE name IN ('shared', :own))
                             AND (:any_id OR id IN (SELECT value FROM json_each(:ids)))
                             AND (:any_source OR source IN (SELECT value FROM json_each(:sources)))
                           ORDER BY corpus, first_passage";
                let parameters = named_params! {
                    ":own": own,
                    ":any_id": filter.ids.is_empty(),
                    ":ids": json_list(&filter.ids),
                    ":any_source": filter.sources.is_empty(),
                    ":sources": json_list(&filter.sources),
                };
                all(connection, sql, parameters, |row| {
                    Ok(PlaceRange { first: Place { corpus: row.get(0)?, passage: row.get(1)? }, passages: row.get(2)? })
                })
            })
            .await
    }

    async fn document(&self, owner: &str, document_id: &str) -> Result<Option<StoredDocument>, StoreError> {
        let (own, id) = (name_of(owner), document_id.to_owned());
        self.database
            .read(move |connection| {
                let mut found = connection.prepare_cached(
                    "SELECT d.corpus, d.first_passage, d.passages, d.title, d.source FROM documents AS d JOIN corpora AS c ON c.key = d.corpus
                     WHERE d.id = :id AND c.name IN ('shared', :own) ORDER BY c.name = 'shared' LIMIT 1",
                )?;
                let row = found.query_row(named_params! {":id": id, ":own": own}, |row| {
                    let first = number_of(Place { corpus: row.get(0)?, passage: row.get(1)? });
                    Ok((first, row.get::<_, i64>(2)?, row.get(3)?, row.get(4)?))
                });
                let Some((first, count, title, source)) = row.optional()? else { return Ok(None) };
                let sql = "SELECT text FROM passages WHERE place >= :first AND place < :first + :count ORDER BY place";
                let passages = all(connection, sql, named_params! {":first": first, ":count": count}, |row| row.get(0))?;
                Ok(Some(StoredDocument { id, title, source, passages }))
            })
            .await
    }
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    parameters: &[(&str, &dyn rusqlite::ToSql)],
    read: impl FnMut(&Row) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(parameters, read)?.collect()
}

fn json_list<T: serde::Serialize>(items: &[T]) -> String {
    serde_json::json!(items).to_string()
}
