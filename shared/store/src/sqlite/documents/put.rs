//! Adding and replacing documents in SQLite.

use std::collections::HashSet;

use engine::ports::{NewDocument, Place, PostingBlock, PutSummary};
use rusqlite::{Connection, OptionalExtension, params};

use crate::documents::{Change, entries_without, latest_of_each_id, number_of};

/// Puts documents into the corpus of that name, within the caller's transaction.
pub fn put(connection: &Connection, corpus: &str, documents: &[NewDocument]) -> rusqlite::Result<PutSummary> {
    let mut change = begin(connection, corpus)?;
    for document in latest_of_each_id(documents) {
        put_one(&mut change, connection, document)?;
    }
    write(&change, connection)?;
    Ok(change.summary)
}

/// Puts new documents into the corpus of that name, each beginning at its passage, in ascending order.
pub fn put_at(connection: &Connection, corpus: &str, documents: &[(u32, NewDocument)]) -> rusqlite::Result<()> {
    let mut change = begin(connection, corpus)?;
    for (first, document) in documents {
        change.next_passage = *first;
        put_one(&mut change, connection, document)?;
    }
    write(&change, connection)
}

fn begin(connection: &Connection, corpus: &str) -> rusqlite::Result<Change> {
    connection.prepare_cached("INSERT INTO corpora (name) VALUES (?) ON CONFLICT DO NOTHING")?.execute([corpus])?;
    connection
        .prepare_cached("SELECT key, next_passage FROM corpora WHERE name = ?")?
        .query_row([corpus], |row| Ok(Change { corpus: row.get(0)?, next_passage: row.get(1)?, ..Change::default() }))
}

fn put_one(change: &mut Change, connection: &Connection, document: &NewDocument) -> rusqlite::Result<()> {
    let known: Option<(String, u32, u32)> = connection
        .prepare_cached("SELECT fingerprint, first_passage, passages FROM documents WHERE corpus = ? AND id = ?")?
        .query_row(params![change.corpus, document.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    match known {
        Some((fingerprint, _, _)) if fingerprint == document.fingerprint => {
            change.summary.unchanged += 1;
            return Ok(());
        }
        Some((_, first, passages)) => {
            remove(change, connection, first, passages)?;
            change.summary.replaced += 1;
        }
        None => {
            change.documents += 1;
            change.summary.added += 1;
        }
    }
    let first = change.next_passage;
    let mut insert = connection
        .prepare_cached("INSERT INTO passages (place, document_id, number, title_length, text_length, text, terms) VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    for row in change.add(document) {
        insert.execute(params![row.place, document.id, row.number, row.title_length, row.text_length, row.text, row.terms])?;
    }
    connection
        .prepare_cached(
            "INSERT INTO documents (corpus, id, title, source, fingerprint, first_passage, passages) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (corpus, id) DO UPDATE SET title = excluded.title, source = excluded.source, fingerprint = excluded.fingerprint,
             first_passage = excluded.first_passage, passages = excluded.passages",
        )?
        .execute(params![change.corpus, document.id, document.title, document.source, document.fingerprint, first, change.next_passage - first])?;
    Ok(())
}

fn remove(change: &mut Change, connection: &Connection, first: u32, passages: u32) -> rusqlite::Result<()> {
    let first = number_of(Place { corpus: change.corpus, passage: first });
    let mut delete =
        connection.prepare_cached("DELETE FROM passages WHERE place >= ? AND place < ? RETURNING place, title_length, text_length, terms")?;
    let mut rows = delete.query([first, first + i64::from(passages)])?;
    while let Some(row) = rows.next()? {
        change.remove(row.get(0)?, row.get(1)?, row.get(2)?, row.get_ref(3)?.as_str()?);
    }
    Ok(())
}

fn write(change: &Change, connection: &Connection) -> rusqlite::Result<()> {
    for ((term, block), offsets) in &change.removed {
        write_without(connection, change.corpus, term, *block, offsets)?;
    }
    // `||` makes text of its result; its bytes stay as they are.
    let mut append = connection.prepare_cached(
        "INSERT INTO postings (corpus, term, block, entries) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET entries = CAST(entries || excluded.entries AS BLOB)",
    )?;
    for ((term, block), entries) in &change.added {
        append.execute(params![change.corpus, term, block, entries])?;
    }
    connection
        .prepare_cached(
            "UPDATE corpora SET next_passage = ?, documents = documents + ?, passages = passages + ?, title_terms = title_terms + ?,
             text_terms = text_terms + ? WHERE key = ?",
        )?
        .execute(params![change.next_passage, change.documents, change.passages, change.title_terms, change.text_terms, change.corpus])?;
    Ok(())
}

fn write_without(connection: &Connection, corpus: u32, term: &str, block: u32, offsets: &HashSet<u16>) -> rusqlite::Result<()> {
    let entries: Option<Vec<u8>> = connection
        .prepare_cached("SELECT entries FROM postings WHERE corpus = ? AND term = ? AND block = ?")?
        .query_row(params![corpus, term, block], |row| row.get(0))
        .optional()?;
    let Some(entries) = entries else { return Ok(()) };
    let left = entries_without(&PostingBlock { corpus, block, term: term.to_owned(), entries }, offsets);
    match left.is_empty() {
        true => {
            connection.prepare_cached("DELETE FROM postings WHERE corpus = ? AND term = ? AND block = ?")?.execute(params![corpus, term, block])?
        }
        false => connection
            .prepare_cached("UPDATE postings SET entries = ? WHERE corpus = ? AND term = ? AND block = ?")?
            .execute(params![left, corpus, term, block])?,
    };
    Ok(())
}
