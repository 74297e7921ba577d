//! Texts in items, whatever their size: small ones lie in the item itself, others in pieces beside it.
//!
//! Pieces are written before the transaction whose item names them, under a name that nothing else has, so nobody sees them before. The
//! set has an entry in the index until that transaction takes it away; what it never took away is deleted by retention.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use engine::ports::StoreError;

use super::{
    attributes::{Attributes, number, text},
    database::{DynamoDbDatabase, Query},
    keys::{self, Item},
    places::UNFINISHED,
    transaction::Write,
};

/// Bytes of a piece: an item may have 400 KB.
const PIECE: usize = 350 * 1024;
/// Bytes of one of a row's four texts that stay in the row.
pub(super) const IN_ROW: usize = 64 * 1024;
/// Bytes of a text that stay in an item that has no other.
pub(super) const IN_ITEM: usize = PIECE;
/// Bytes of all texts that stay in a transaction's items: it may have 4 MB, with keys and all.
const IN_TRANSACTION: usize = 3 * 1024 * 1024;
/// Pieces in one batch, which may have 16 MB on its way: JSON within JSON grows.
const WRITTEN_AT_ONCE: usize = 10;

/// The texts of one commit.
#[derive(Default)]
pub(super) struct Texts {
    texts: Vec<String>,
    longest: Vec<usize>,
}

/// A text of [`Texts`].
#[derive(Clone, Copy)]
pub(super) struct Slot(usize);

impl Texts {
    /// Takes a text that stays in its item up to so many bytes.
    pub(super) fn add(&mut self, text: String, longest: usize) -> Slot {
        self.texts.push(text);
        self.longest.push(longest);
        Slot(self.texts.len() - 1)
    }

    /// Decides which lie where: the longest leave first.
    pub(super) fn settle(self, task_id: &str) -> Settled {
        let mut order: Vec<usize> = (0..self.texts.len()).collect();
        order.sort_by_key(|n| self.texts[*n].len());
        let (mut left, mut stays) = (IN_TRANSACTION, vec![false; order.len()]);
        for n in order {
            let length = self.texts[n].len();
            if length <= self.longest[n] && length <= left {
                stays[n] = true;
                left -= length;
            }
        }
        let mut settled = Settled { task_id: task_id.to_owned(), set: None, values: Vec::new(), pieces: Vec::new() };
        for (n, whole) in self.texts.into_iter().enumerate() {
            let value = if stays[n] { text(whole) } else { settled.cut(n, &whole) };
            settled.values.push(value);
        }
        settled
    }
}

/// Texts as attributes, and the pieces that must be written before.
pub(super) struct Settled {
    task_id: String,
    set: Option<String>,
    values: Vec<AttributeValue>,
    pieces: Vec<Item>,
}

impl Settled {
    /// The attribute of a text.
    pub(super) fn take(&mut self, slot: Slot) -> AttributeValue {
        std::mem::replace(&mut self.values[slot.0], AttributeValue::Null(true))
    }

    /// The set that the texts lie in which didn't stay in their items.
    pub(super) fn set(&self) -> Option<&str> {
        self.set.as_deref()
    }

    fn cut(&mut self, n: usize, mut rest: &str) -> AttributeValue {
        let set = self.set.get_or_insert_with(|| uuid::Uuid::new_v4().simple().to_string()).clone();
        let mut pieces = 0;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
            let mut item = keys::key(keys::task(&self.task_id), keys::blob_piece(&set, n, pieces));
            item.insert("piece".to_owned(), text(piece));
            self.pieces.push(item);
            (pieces, rest) = (pieces + 1, after);
        }
        AttributeValue::M(HashMap::from([("set".to_owned(), text(set)), ("text".to_owned(), number(n)), ("pieces".to_owned(), number(pieces))]))
    }

    /// Writes the pieces, if there are any.
    pub(super) async fn upload(&mut self, database: &DynamoDbDatabase, now_milliseconds: i64) -> Result<(), StoreError> {
        let Some(set) = &self.set else { return Ok(()) };
        let mut entry = self.entry(set);
        entry.insert("queue".to_owned(), text(UNFINISHED));
        entry.insert("due".to_owned(), number(now_milliseconds));
        database.write(Write::put(entry)).await?;
        database.put_all(std::mem::take(&mut self.pieces), WRITTEN_AT_ONCE).await
    }

    /// What a transaction must write to keep the pieces: it fails if retention gave them up.
    pub(super) fn keep(&self) -> Option<Write> {
        let entry = self.entry(self.set.as_deref()?);
        Some(Write::delete(entry).when("attribute_exists(#pk) AND attribute_not_exists(#abandoned)", []))
    }

    fn entry(&self, set: &str) -> Item {
        keys::key(keys::task(&self.task_id), keys::blob(set))
    }
}

/// Deletes a set with its entry. Nothing may name it.
pub(super) async fn delete_set(database: &DynamoDbDatabase, pk: &str, set: &str) -> Result<(), StoreError> {
    delete(database, pk, set).await?;
    database.delete_all(vec![keys::key(pk, keys::blob(set))]).await
}

/// Deletes the pieces of a text, by its [`place`], or of all texts of a set.
pub(super) async fn delete(database: &DynamoDbDatabase, pk: &str, place: &str) -> Result<(), StoreError> {
    let pieces = Query {
        keys: "#pk = :pk AND begins_with(#sk, :prefix)",
        values: vec![(":pk", text(pk)), (":prefix", text(format!("{}/", keys::blob(place))))],
        only: Some("#pk, #sk"),
        ..Query::default()
    };
    database.delete_all(database.query(pieces).await?).await
}

/// Where an attribute's text lies, if it isn't in the item.
pub(super) fn place(value: &AttributeValue) -> Option<String> {
    let named = value.as_m().ok()?;
    Some(keys::blob_text(named.text_if_any("set")?, named.number_if_any("text")?))
}

/// The text of an attribute of an item of that task; `None` where pieces are gone, because what named them was replaced meanwhile.
pub(super) async fn read(database: &DynamoDbDatabase, pk: &str, value: &AttributeValue) -> Result<Option<String>, StoreError> {
    let named = match value {
        AttributeValue::S(text) => return Ok(Some(text.clone())),
        AttributeValue::M(named) => named,
        _ => return Err(StoreError::Failed(format!("an item of `{pk}` has a text that is none").into())),
    };
    let (set, of_text, count): (_, usize, usize) = (named.text("set")?, named.number("text")?, named.number("pieces")?);
    let pieces = (0..count).map(|piece| keys::key(pk, keys::blob_piece(set, of_text, piece))).collect();
    let mut found = database.get_all(pieces).await?;
    if found.len() < count {
        return Ok(None);
    }
    found.sort_by(|a, b| a.text_if_any("sk").cmp(&b.text_if_any("sk")));
    found.iter().map(|piece| piece.text("piece")).collect::<Result<String, _>>().map(Some)
}
