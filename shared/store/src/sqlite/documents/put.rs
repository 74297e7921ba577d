//! Adding and replacing documents: gathers what a batch changes, so that each row of postings is written once.

use std::collections::{BTreeMap, HashMap, HashSet};

use engine::ports::{NewDocument, Place, Posting, PostingBlock, PutSummary, TermCount};
use rusqlite::{Connection, OptionalExtension, params};

use super::{number_of, place_of, read_terms, write_terms};

/// Puts documents into the corpus of that name, within the caller's transaction.
pub fn put(connection: &Connection, corpus: &str, documents: &[NewDocument]) -> rusqlite::Result<PutSummary> {
    connection.prepare_cached("INSERT INTO corpora (name) VALUES (?) ON CONFLICT DO NOTHING")?.execute([corpus])?;
    let mut change = connection
        .prepare_cached("SELECT key, next_passage FROM corpora WHERE name = ?")?
        .query_row([corpus], |row| Ok(Change { corpus: row.get(0)?, next_passage: row.get(1)?, ..Change::default() }))?;
    // Of two documents of one id the later one counts.
    let latest: HashMap<&str, usize> = documents.iter().enumerate().map(|(index, document)| (document.id.as_str(), index)).collect();
    for (index, document) in documents.iter().enumerate() {
        if latest.get(document.id.as_str()) == Some(&index) {
            change.put(connection, document)?;
        }
    }
    change.write(connection)?;
    Ok(change.summary)
}

#[derive(Default)]
struct Change {
    corpus: u32,
    next_passage: u32,
    documents: i64,
    passages: i64,
    title_terms: i64,
    text_terms: i64,
    added: BTreeMap<(String, u32), Vec<u8>>,
    removed: BTreeMap<(String, u32), HashSet<u16>>,
    summary: PutSummary,
}

impl Change {
    fn put(&mut self, connection: &Connection, document: &NewDocument) -> rusqlite::Result<()> {
        let known: Option<(String, u32, u32)> = connection
            .prepare_cached("SELECT fingerprint, first_passage, passages FROM documents WHERE corpus = ? AND id = ?")?
            .query_row(params![self.corpus, document.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        match known {
            Some((fingerprint, _, _)) if fingerprint == document.fingerprint => {
                self.summary.unchanged += 1;
                return Ok(());
            }
            Some((_, first, passages)) => {
                self.remove(connection, first, passages)?;
                self.summary.replaced += 1;
            }
            None => {
                self.documents += 1;
                self.summary.added += 1;
            }
        }
        let first = self.next_passage;
        self.add_passages(connection, document)?;
        connection
            .prepare_cached(
                "INSERT INTO documents (corpus, id, title, source, fingerprint, first_passage, passages) VALUES (?, ?, ?, ?, ?, ?, ?)
                 ON CONFLICT (corpus, id) DO UPDATE SET title = excluded.title, source = excluded.source, fingerprint = excluded.fingerprint,
                 first_passage = excluded.first_passage, passages = excluded.passages",
            )?
            .execute(params![self.corpus, document.id, document.title, document.source, document.fingerprint, first, self.next_passage - first])?;
        Ok(())
    }

    fn add_passages(&mut self, connection: &Connection, document: &NewDocument) -> rusqlite::Result<()> {
        let mut insert = connection.prepare_cached(
            "INSERT INTO passages (place, document_id, number, title_length, text_length, text, terms) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?;
        for (number, passage) in (0u32..).zip(&document.passages) {
            let place = Place { corpus: self.corpus, passage: self.next_passage };
            let (block, offset) = block_of(place.passage);
            for TermCount { term, in_title, in_text } in &passage.terms {
                let posting = Posting {
                    offset,
                    number: u16::try_from(number).unwrap_or(u16::MAX),
                    in_title: *in_title,
                    in_text: *in_text,
                    title_length: passage.title_length,
                    text_length: passage.text_length,
                };
                self.added.entry((term.clone(), block)).or_default().extend(posting.encode());
            }
            let terms = write_terms(&passage.terms);
            insert.execute(params![number_of(place), document.id, number, passage.title_length, passage.text_length, passage.text, terms])?;
            self.next_passage += 1;
            self.passages += 1;
            self.title_terms += i64::from(passage.title_length);
            self.text_terms += i64::from(passage.text_length);
        }
        Ok(())
    }

    fn remove(&mut self, connection: &Connection, first: u32, passages: u32) -> rusqlite::Result<()> {
        let first = number_of(Place { corpus: self.corpus, passage: first });
        let mut delete =
            connection.prepare_cached("DELETE FROM passages WHERE place >= ? AND place < ? RETURNING place, title_length, text_length, terms")?;
        let mut rows = delete.query([first, first + i64::from(passages)])?;
        while let Some(row) = rows.next()? {
            let (block, offset) = block_of(place_of(row.get(0)?).passage);
            self.passages -= 1;
            self.title_terms -= row.get::<_, i64>(1)?;
            self.text_terms -= row.get::<_, i64>(2)?;
            for TermCount { term, .. } in read_terms(row.get_ref(3)?.as_str()?) {
                self.removed.entry((term, block)).or_default().insert(offset);
            }
        }
        Ok(())
    }

    fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        for ((term, block), offsets) in &self.removed {
            self.write_without(connection, term, *block, offsets)?;
        }
        // Places only grow, so what is appended keeps the order. `||` makes text of its result; its bytes stay as they are.
        let mut append = connection.prepare_cached(
            "INSERT INTO postings (corpus, term, block, entries) VALUES (?, ?, ?, ?)
             ON CONFLICT DO UPDATE SET entries = CAST(entries || excluded.entries AS BLOB)",
        )?;
        for ((term, block), entries) in &self.added {
            append.execute(params![self.corpus, term, block, entries])?;
        }
        connection
            .prepare_cached(
                "UPDATE corpora SET next_passage = ?, documents = documents + ?, passages = passages + ?, title_terms = title_terms + ?,
                 text_terms = text_terms + ? WHERE key = ?",
            )?
            .execute(params![self.next_passage, self.documents, self.passages, self.title_terms, self.text_terms, self.corpus])?;
        Ok(())
    }

    fn write_without(&self, connection: &Connection, term: &str, block: u32, offsets: &HashSet<u16>) -> rusqlite::Result<()> {
        let entries: Option<Vec<u8>> = connection
            .prepare_cached("SELECT entries FROM postings WHERE corpus = ? AND term = ? AND block = ?")?
            .query_row(params![self.corpus, term, block], |row| row.get(0))
            .optional()?;
        let Some(entries) = entries else { return Ok(()) };
        let held = PostingBlock { corpus: self.corpus, block, term: term.to_owned(), entries };
        let left: Vec<u8> = held.iter().filter(|posting| !offsets.contains(&posting.offset)).flat_map(|posting| posting.encode()).collect();
        match left.is_empty() {
            true => connection.prepare_cached("DELETE FROM postings WHERE corpus = ? AND term = ? AND block = ?")?.execute(params![
                self.corpus,
                term,
                block
            ])?,
            false => connection.prepare_cached("UPDATE postings SET entries = ? WHERE corpus = ? AND term = ? AND block = ?")?.execute(params![
                left,
                self.corpus,
                term,
                block
            ])?,
        };
        Ok(())
    }
}

fn block_of(passage: u32) -> (u32, u16) {
    (passage / PostingBlock::PASSAGES, (passage % PostingBlock::PASSAGES) as u16)
}
