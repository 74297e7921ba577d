//! Adding and replacing documents in Postgres: a few statements, however many documents.

use std::collections::HashMap;

use engine::ports::{NewDocument, Place, PostingBlock, PutSummary};
use sqlx::{Connection, PgConnection, Row, query, query_as};

use super::{column, digest, name};
use crate::documents::{Change, NewRow, entries_without, latest_of_each_id, number_of};

/// Puts documents into the corpus of that name. Whoever puts into the same one waits.
pub(super) async fn put(connection: &mut PgConnection, corpus: &str, documents: &[NewDocument]) -> sqlx::Result<PutSummary> {
    // Its own statement: a new corpus is there for who comes next, whatever becomes of this put.
    query("INSERT INTO corpora (name) VALUES ($1) ON CONFLICT DO NOTHING").bind(corpus).execute(&mut *connection).await?;
    let mut transaction = connection.begin().await?;
    let (key, next_passage): (i32, i64) =
        query_as("SELECT key, next_passage FROM corpora WHERE name = $1 FOR UPDATE").bind(corpus).fetch_one(&mut *transaction).await?;
    let mut change = Change { corpus: key.unsigned_abs(), next_passage: next_passage as u32, ..Change::default() };
    let documents: Vec<&NewDocument> = latest_of_each_id(documents).collect();
    let documents = changed(&mut transaction, &mut change, documents).await?;
    if !documents.is_empty() {
        add(&mut transaction, &mut change, &documents).await?;
        remove_postings(&mut transaction, &change).await?;
        add_postings(&mut transaction, &change).await?;
        count(&mut transaction, &change).await?;
    }
    transaction.commit().await?;
    Ok(change.summary)
}

/// Leaves those that are new or have other content, and deletes the passages that they replace.
async fn changed<'a>(connection: &mut PgConnection, change: &mut Change, documents: Vec<&'a NewDocument>) -> sqlx::Result<Vec<&'a NewDocument>> {
    let digests: Vec<[u8; 32]> = documents.iter().map(|document| digest(&document.id)).collect();
    let sql = "SELECT digest, fingerprint, first_passage, passages FROM documents WHERE corpus = $1 AND digest = ANY ($2)";
    let rows = query(sql).bind(change.corpus as i32).bind(digests).fetch_all(&mut *connection).await?;
    let mut known: HashMap<&[u8], (&str, i64, i64)> = HashMap::new();
    for row in &rows {
        known.insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?));
    }
    let (mut new, mut firsts, mut lasts) = (Vec::new(), Vec::new(), Vec::new());
    for document in documents {
        match known.get(digest(&document.id).as_slice()) {
            Some((fingerprint, ..)) if *fingerprint == column(&document.fingerprint) => {
                change.summary.unchanged += 1;
                continue;
            }
            Some((_, first, passages)) => {
                let first = number_of(Place { corpus: change.corpus, passage: *first as u32 });
                firsts.push(first);
                lasts.push(first + passages - 1);
                change.summary.replaced += 1;
            }
            None => {
                change.documents += 1;
                change.summary.added += 1;
            }
        }
        new.push(document);
    }
    if !firsts.is_empty() {
        let sql =
            "DELETE FROM passages AS p USING unnest($1::bigint[], $2::bigint[]) AS gone (first, last) WHERE p.place BETWEEN gone.first AND gone.last
                   RETURNING p.place, p.title_length::bigint, p.text_length::bigint, p.terms";
        for row in query(sql).bind(firsts).bind(lasts).fetch_all(connection).await? {
            change.remove(row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, &name(row.try_get(3)?));
        }
    }
    Ok(new)
}

async fn add(connection: &mut PgConnection, change: &mut Change, documents: &[&NewDocument]) -> sqlx::Result<()> {
    let texts = |text: fn(&NewDocument) -> &str| documents.iter().map(|document| column(text(document))).collect::<Vec<_>>();
    let (mut firsts, mut counts) = (Vec::new(), Vec::new());
    let mut passages: Vec<([u8; 32], NewRow)> = Vec::new();
    for document in documents {
        let digest = digest(&document.id);
        firsts.push(i64::from(change.next_passage));
        let rows = change.add(document);
        counts.push(rows.len() as i64);
        passages.extend(rows.into_iter().map(|row| (digest, row)));
    }
    query(
        "INSERT INTO documents (corpus, digest, id, title, source, fingerprint, first_passage, passages)
         SELECT $1, * FROM unnest($2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[])
         ON CONFLICT (corpus, digest) DO UPDATE SET title = excluded.title, source = excluded.source, fingerprint = excluded.fingerprint,
         first_passage = excluded.first_passage, passages = excluded.passages",
    )
    .bind(change.corpus as i32)
    .bind(documents.iter().map(|document| digest(&document.id)).collect::<Vec<_>>())
    .bind(texts(|document| &document.id))
    .bind(texts(|document| &document.title))
    .bind(texts(|document| &document.source))
    .bind(texts(|document| &document.fingerprint))
    .bind(firsts)
    .bind(counts)
    .execute(&mut *connection)
    .await?;
    query(
        "INSERT INTO passages (place, document, number, title_length, text_length, text, terms)
         SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::integer[], $4::smallint[], $5::integer[], $6::text[], $7::text[])",
    )
    .bind(passages.iter().map(|(_, row)| row.place).collect::<Vec<_>>())
    .bind(passages.iter().map(|(digest, _)| *digest).collect::<Vec<_>>())
    .bind(passages.iter().map(|(_, row)| row.number as i32).collect::<Vec<_>>())
    .bind(passages.iter().map(|(_, row)| i16::from(row.title_length)).collect::<Vec<_>>())
    .bind(passages.iter().map(|(_, row)| i32::from(row.text_length)).collect::<Vec<_>>())
    .bind(passages.iter().map(|(_, row)| column(row.text)).collect::<Vec<_>>())
    .bind(passages.iter().map(|(_, row)| column(&row.terms)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

async fn remove_postings(connection: &mut PgConnection, change: &Change) -> sqlx::Result<()> {
    if change.removed.is_empty() {
        return Ok(());
    }
    let (terms, numbers): (Vec<_>, Vec<_>) = change.removed.keys().map(|(term, block)| (column(term), *block as i32)).unzip();
    let sql = "SELECT p.term, p.block, p.entries FROM unnest($2::text[], $3::integer[]) AS touched (term, block)
               JOIN postings AS p ON p.corpus = $1 AND p.term = touched.term AND p.block = touched.block";
    let rows = query(sql).bind(change.corpus as i32).bind(terms).bind(numbers).fetch_all(&mut *connection).await?;
    let (mut terms, mut numbers, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let number: i32 = row.try_get(1)?;
        let block = PostingBlock { corpus: change.corpus, block: number.unsigned_abs(), term: name(row.try_get(0)?), entries: row.try_get(2)? };
        if let Some(offsets) = change.removed.get(&(block.term.clone(), block.block)) {
            left.push(entries_without(&block, offsets));
            terms.push(column(&block.term).into_owned());
            numbers.push(number);
        }
    }
    query(
        "UPDATE postings AS p SET entries = new.entries FROM unnest($2::text[], $3::integer[], $4::bytea[]) AS new (term, block, entries)
         WHERE p.corpus = $1 AND p.term = new.term AND p.block = new.block",
    )
    .bind(change.corpus as i32)
    .bind(&terms)
    .bind(&numbers)
    .bind(left)
    .execute(&mut *connection)
    .await?;
    query(
        "DELETE FROM postings AS p USING unnest($2::text[], $3::integer[]) AS touched (term, block)
         WHERE p.corpus = $1 AND p.term = touched.term AND p.block = touched.block AND octet_length(p.entries) = 0",
    )
    .bind(change.corpus as i32)
    .bind(terms)
    .bind(numbers)
    .execute(connection)
    .await?;
    Ok(())
}

async fn add_postings(connection: &mut PgConnection, change: &Change) -> sqlx::Result<()> {
    let (terms, numbers): (Vec<_>, Vec<_>) = change.added.keys().map(|(term, block)| (column(term), *block as i32)).unzip();
    query(
        "INSERT INTO postings AS p (corpus, term, block, entries)
         SELECT $1, * FROM unnest($2::text[], $3::integer[], $4::bytea[])
         ON CONFLICT (corpus, term, block) DO UPDATE SET entries = p.entries || excluded.entries",
    )
    .bind(change.corpus as i32)
    .bind(terms)
    .bind(numbers)
    .bind(change.added.values().collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

async fn count(connection: &mut PgConnection, change: &Change) -> sqlx::Result<()> {
    query(
        "UPDATE corpora SET next_passage = $2, documents = documents + $3, passages = passages + $4, title_terms = title_terms + $5,
         text_terms = text_terms + $6 WHERE key = $1",
    )
    .bind(change.corpus as i32)
    .bind(i64::from(change.next_passage))
    .bind(change.documents)
    .bind(change.passages)
    .bind(change.title_terms)
    .bind(change.text_terms)
    .execute(connection)
    .await?;
    Ok(())
}
