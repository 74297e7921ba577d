//! What a corpus is made of in the table: its head, and packs of documents that the head names.

use std::io::{Read, Write};

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use engine::ports::{NewDocument, NewPassage, StoreError};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use serde::{Deserialize, Serialize};

use crate::{
    documents::{read_terms, write_terms},
    dynamodb::{
        attributes::{Attributes, failed, from_json, number, text, to_json},
        keys::{self, Item},
    },
};

/// Bytes of a piece: an item may have 400 KB.
const PIECE: usize = 350 * 1024;

/// Sort key of a head.
pub(super) const HEAD: &str = "head";

/// Which packs a corpus is made of, the latest last.
#[derive(Debug, Clone, Default)]
pub(super) struct Head {
    /// 0 where there is no corpus yet.
    pub(super) version: u64,
    /// No passage has this number or a higher one, nor ever had: places of documents that are gone aren't given to others.
    pub(super) next_passage: u32,
    pub(super) packs: Vec<Pack>,
}

/// Documents that were put together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pack {
    /// The name of its pieces, which grows with time.
    pub(super) set: String,
    pub(super) pieces: usize,
}

impl Head {
    pub(super) fn of(item: &Item) -> Result<Self, StoreError> {
        Ok(Head { version: item.number("version")?, next_passage: item.number("next_passage")?, packs: from_json(item.text("packs")?)? })
    }

    pub(super) fn item(&self, partition: &str) -> Result<Item, StoreError> {
        let mut item = keys::key(partition, HEAD);
        item.insert("version".into(), number(self.version));
        item.insert("next_passage".into(), number(self.next_passage));
        item.insert("packs".into(), text(to_json(&self.packs)?));
        Ok(item)
    }
}

impl Pack {
    /// The keys of its pieces in order.
    pub(super) fn keys(&self, partition: &str) -> Vec<Item> {
        (0..self.pieces).map(|piece| keys::key(partition, keys::pack_piece(&self.set, piece))).collect()
    }
}

/// A document as it lies in a pack.
#[derive(Serialize, Deserialize)]
struct Kept {
    first: u32,
    id: String,
    title: String,
    source: String,
    fingerprint: String,
    passages: Vec<KeptPassage>,
}

#[derive(Serialize, Deserialize)]
struct KeptPassage {
    text: String,
    terms: String,
    title_length: u8,
    text_length: u16,
}

/// A new pack, and its items. Each document begins at its passage.
pub(super) fn pack(partition: &str, documents: &[(u32, NewDocument)]) -> Result<(Pack, Vec<Item>), StoreError> {
    let kept: Vec<Kept> = documents.iter().map(|(first, document)| keep(*first, document)).collect();
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(to_json(&kept)?.as_bytes()).map_err(failed)?;
    let bytes = encoder.finish().map_err(failed)?;
    let pieces: Vec<&[u8]> = bytes.chunks(PIECE).collect();
    let pack = Pack { set: uuid::Uuid::now_v7().to_string(), pieces: pieces.len() };
    let item = |(mut item, piece): (Item, &[u8])| {
        item.insert("bytes".into(), AttributeValue::B(Blob::new(piece)));
        item
    };
    let items = pack.keys(partition).into_iter().zip(pieces).map(item).collect();
    Ok((pack, items))
}

/// The documents of a pack from its items; `None` if some are gone.
pub(super) fn unpack(pack: &Pack, items: &[Item]) -> Result<Option<Vec<(u32, NewDocument)>>, StoreError> {
    let mut bytes = Vec::new();
    for piece in 0..pack.pieces {
        let name = keys::pack_piece(&pack.set, piece);
        let Some(item) = items.iter().find(|item| item.text_if_any("sk") == Some(&name)) else { return Ok(None) };
        let Some(Ok(piece)) = item.get("bytes").map(AttributeValue::as_b) else { return Err(failed(format!("the item `{name}` has no bytes"))) };
        bytes.extend_from_slice(piece.as_ref());
    }
    let mut json = String::new();
    ZlibDecoder::new(bytes.as_slice()).read_to_string(&mut json).map_err(failed)?;
    let kept: Vec<Kept> = from_json(&json)?;
    Ok(Some(kept.into_iter().map(restore).collect()))
}

fn keep(first: u32, document: &NewDocument) -> Kept {
    let passage = |passage: &NewPassage| KeptPassage {
        text: passage.text.clone(),
        terms: write_terms(&passage.terms),
        title_length: passage.title_length,
        text_length: passage.text_length,
    };
    Kept {
        first,
        id: document.id.clone(),
        title: document.title.clone(),
        source: document.source.clone(),
        fingerprint: document.fingerprint.clone(),
        passages: document.passages.iter().map(passage).collect(),
    }
}

fn restore(kept: Kept) -> (u32, NewDocument) {
    let passage = |passage: KeptPassage| NewPassage {
        text: passage.text,
        terms: read_terms(&passage.terms),
        title_length: passage.title_length,
        text_length: passage.text_length,
    };
    let Kept { first, id, title, source, fingerprint, passages } = kept;
    (first, NewDocument { id, title, source, fingerprint, passages: passages.into_iter().map(passage).collect() })
}
