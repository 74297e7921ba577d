//! Parts as the generations before v1.0 have them: text, file and data under a `kind` (v0.3) or `type` (v0.1), or as v0.3's proto has them.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use crate::{
    fields::{Object, Struct},
    types::{Part, PartContent},
    write::{One, filled},
};

/// Marks a data part whose object only wraps another JSON value: data was always an object before v1.0.
const WRAPPED: &str = "data_part_compat";

/// Reads a part of either generation. A discriminator is believed where it stands; without one the member decides.
pub(crate) fn read(o: &mut Object<'_>, sent: FileBytes) -> Part {
    let tag = o.either("kind", "type");
    let tagged = o.has(tag);
    let kind = o.text(tag);
    let member = match kind.as_deref() {
        Some("text") => "text",
        Some("file") => "file",
        Some("data") => "data",
        Some(other) => {
            o.wrong(tag, format!("must be one of text, file, data; got `{other}`"));
            return Part::text("");
        }
        None if tagged => return Part::text(""),
        None => {
            let members: Vec<_> = ["text", "file", "data"].into_iter().filter(|name| o.has(name)).collect();
            match members.as_slice() {
                &[member] => member,
                [] => {
                    o.wrong_here("must have one of text, file, data");
                    return Part::text("");
                }
                _ => {
                    o.wrong_here("must have only one of text, file, data");
                    return Part::text("");
                }
            }
        }
    };
    let mut metadata = o.structure("metadata");
    let mut part = match member {
        "text" => {
            if !o.has("text") {
                o.wrong("text", "is required");
            }
            Part::text(o.text("text").unwrap_or_default())
        }
        "file" => o.required_object("file", |o| file(o, sent)).unwrap_or_else(|| Part::text("")),
        _ => {
            if !o.has("data") {
                o.wrong("data", "is required");
            }
            let wrapped = metadata.as_mut().and_then(|metadata| metadata.remove(WRAPPED)) == Some(Value::Bool(true));
            Part::data(data(o, tagged, wrapped))
        }
    };
    part.metadata = metadata.filter(|metadata| !metadata.is_empty());
    part
}

fn file(o: &mut Object<'_>, sent: FileBytes) -> Part {
    let (bytes, uri) = (o.either("bytes", "fileWithBytes"), o.either("uri", "fileWithUri"));
    let mut part = match (o.has(bytes), o.has(uri)) {
        (true, false) => {
            let content = o.bytes(bytes).unwrap_or_default();
            Part::raw(if bytes == "fileWithBytes" { decoded_again(content, sent) } else { content })
        }
        (false, true) => Part::url(o.text(uri).unwrap_or_default()),
        (false, false) => {
            o.wrong_here("must have one of bytes, uri");
            Part::text("")
        }
        (true, true) => {
            o.wrong_here("must have only one of bytes, uri");
            Part::text("")
        }
    };
    part.media_type = o.string("mimeType");
    part.filename = o.string("name");
    part
}

/// Clients of several makes put base64 text where the proto wants bytes, so their JSON holds base64 of base64. Where it isn't
/// known that the client does, only what can hardly be anything else is decoded again: canonical, and padded or of some length.
fn decoded_again(content: Vec<u8>, sent: FileBytes) -> Vec<u8> {
    if sent == FileBytes::Once && !content.ends_with(b"=") && content.len() < 16 {
        return content;
    }
    STANDARD.decode(&content).unwrap_or(content)
}

fn data(o: &mut Object<'_>, tagged: bool, wrapped: bool) -> Value {
    let mut map = match o.value("data") {
        Some(Value::Object(map)) => map,
        Some(Value::Null) | None => return Value::Null,
        Some(_) => {
            o.wrong("data", "must be an object");
            return Value::Null;
        }
    };
    // v0.3's proto has `{"data": {"data": {…}}}`, always without a discriminator.
    if !tagged
        && map.len() == 1
        && let Some(Value::Object(inner)) = map.get_mut("data")
    {
        map = std::mem::take(inner);
    }
    match map.remove("value") {
        Some(value) if wrapped && map.is_empty() => value,
        Some(value) => {
            map.insert("value".to_owned(), value);
            map.into()
        }
        None => map.into(),
    }
}

/// How a part is told apart on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// `"kind": "text"`.
    Kind,
    /// `"type": "text"`.
    Type,
    /// v0.3's proto: by the member that is there.
    Member(FileBytes),
}

/// How the bytes of a file are written in the JSON of v0.3's proto.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileBytes {
    /// In base64, as that JSON has bytes.
    #[default]
    Once,
    /// In base64 of base64: the official Python and Java clients take the bytes for base64 text, and fail on any other.
    Twice,
}

/// Writes a part of either generation.
pub(crate) struct LegacyPart<'a>(pub Tag, pub &'a Part);

impl Serialize for LegacyPart<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let LegacyPart(tag, part) = *self;
        let mut map = serializer.serialize_map(None)?;
        let kind = match &part.content {
            PartContent::Text(_) => "text",
            PartContent::Raw(_) | PartContent::Url(_) => "file",
            PartContent::Data(_) => "data",
        };
        match tag {
            Tag::Kind => map.serialize_entry("kind", kind)?,
            Tag::Type => map.serialize_entry("type", kind)?,
            Tag::Member(_) => {}
        }
        let mut wrapped = false;
        match &part.content {
            PartContent::Text(text) => map.serialize_entry("text", text)?,
            PartContent::Raw(_) | PartContent::Url(_) => map.serialize_entry("file", &File(tag, part))?,
            PartContent::Data(value) => {
                wrapped = !value.is_object();
                match (wrapped, tag) {
                    (false, Tag::Member(_)) => map.serialize_entry("data", &One("data", value))?,
                    (false, _) => map.serialize_entry("data", value)?,
                    (true, Tag::Member(_)) => map.serialize_entry("data", &One("data", &One("value", value)))?,
                    (true, _) => map.serialize_entry("data", &One("value", value))?,
                }
            }
        }
        match filled(&part.metadata) {
            metadata if wrapped => map.serialize_entry("metadata", &mark_wrapped(metadata))?,
            Some(metadata) => map.serialize_entry("metadata", metadata)?,
            None => {}
        }
        map.end()
    }
}

fn mark_wrapped(metadata: Option<&Struct>) -> Map<String, Value> {
    let own = metadata.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone()));
    own.chain([(WRAPPED.to_owned(), Value::Bool(true))]).collect()
}

struct File<'a>(Tag, &'a Part);

impl Serialize for File<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let File(tag, part) = *self;
        let (bytes, uri) = if matches!(tag, Tag::Member(_)) { ("fileWithBytes", "fileWithUri") } else { ("bytes", "uri") };
        let mut map = serializer.serialize_map(None)?;
        match &part.content {
            PartContent::Raw(content) if tag == Tag::Member(FileBytes::Twice) => {
                map.serialize_entry(bytes, &STANDARD.encode(STANDARD.encode(content)))?;
            }
            PartContent::Raw(content) => map.serialize_entry(bytes, &STANDARD.encode(content))?,
            PartContent::Url(url) => map.serialize_entry(uri, url)?,
            PartContent::Text(_) | PartContent::Data(_) => {}
        }
        if let Some(media_type) = &part.media_type {
            map.serialize_entry("mimeType", media_type)?;
        }
        if let Some(name) = &part.filename {
            map.serialize_entry("name", name)?;
        }
        map.end()
    }
}
