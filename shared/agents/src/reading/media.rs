//! Tells by media type, name and content what a file is, and reads it.

use super::{RawDocument, html, json_lines, markdown, pdf};

/// Bytes to read, with what is known of them.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// A file name or path; becomes the document's id, and its title where the content has none. May be empty.
    pub name: &'a str,
    /// As the client declared it.
    pub media_type: Option<&'a str>,
    /// The content.
    pub bytes: &'a [u8],
}

/// What can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As it is.
    Text,
    /// CommonMark with tables.
    Markdown,
    /// Or XHTML.
    Html,
    /// With a text layer.
    Pdf,
    /// One `{"id", "title", "text"}` on each line.
    JsonLines,
    /// One such object or a list of them.
    Json,
}

/// Why something wasn't read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` can't be read: {reason}")]
pub struct Unreadable {
    /// The file.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

/// The documents in a file: one, or as many as a file of JSON has.
///
/// # Errors
/// Broken, binary or empty content. A parser that panics counts as broken content.
pub fn read(source: Source<'_>) -> Result<Vec<RawDocument>, Unreadable> {
    let documents = documents(source).map_err(|reason| unreadable(source.name, reason))?;
    if documents.iter().all(|document| document.text.trim().is_empty()) {
        return Err(unreadable(source.name, "there is no text in it".into()));
    }
    Ok(documents)
}

fn documents(source: Source<'_>) -> Result<Vec<RawDocument>, String> {
    let format = format_of(source);
    if format == Format::Pdf {
        return Ok(vec![named(source.name, pdf::read(source.bytes)?)]);
    }
    let text = decoded(source.bytes)?;
    match format {
        Format::JsonLines => json_lines::read_lines(source.name, &text),
        Format::Json => json_lines::read_value(source.name, &text),
        Format::Markdown => Ok(vec![named(source.name, markdown::read(&text))]),
        Format::Html => Ok(vec![named(source.name, html::read(&text))]),
        Format::Text | Format::Pdf => Ok(vec![named(source.name, RawDocument { text, ..RawDocument::default() })]),
    }
}

/// By content where it is unmistakable, then by declared media type, then by extension, then by a look at the text.
pub fn format_of(source: Source<'_>) -> Format {
    let head = &source.bytes[..source.bytes.len().min(1024)];
    if head.windows(5).any(|window| window == b"%PDF-") {
        return Format::Pdf;
    }
    let media_type = source.media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let by_media_type = match media_type.as_str() {
        "application/pdf" => Some(Format::Pdf),
        "text/markdown" | "text/x-markdown" => Some(Format::Markdown),
        "text/html" | "application/xhtml+xml" => Some(Format::Html),
        "application/jsonl" | "application/x-ndjson" | "application/x-jsonlines" | "application/ndjson" => Some(Format::JsonLines),
        "application/json" => Some(Format::Json),
        _ => None,
    };
    by_media_type.or_else(|| by_extension(source.name)).unwrap_or_else(|| by_look(&String::from_utf8_lossy(head)))
}

/// What a file of that name holds; `None` where the name doesn't tell.
pub fn by_extension(name: &str) -> Option<Format> {
    let extension = name.rsplit(['/', '\\']).next()?.rsplit_once('.')?.1.to_ascii_lowercase();
    Some(match extension.as_str() {
        "txt" | "text" => Format::Text,
        "md" | "markdown" => Format::Markdown,
        "html" | "htm" | "xhtml" => Format::Html,
        "pdf" => Format::Pdf,
        "jsonl" | "ndjson" => Format::JsonLines,
        "json" => Format::Json,
        _ => return None,
    })
}

fn by_look(head: &str) -> Format {
    let start = head.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).to_ascii_lowercase();
    if ["<!doctype html", "<html", "<head", "<body"].iter().any(|sign| start.starts_with(sign)) {
        Format::Html
    } else if start.starts_with('{') && start.contains("\"text\"") {
        Format::JsonLines
    } else if start.starts_with("# ") || start.contains("\n## ") || start.contains("\n# ") {
        Format::Markdown
    } else {
        Format::Text
    }
}

/// UTF-8, UTF-16 with its mark, or else one byte a letter.
fn decoded(bytes: &[u8]) -> Result<String, String> {
    let utf16 =
        |pair: fn([u8; 2]) -> u16| String::from_utf16_lossy(&bytes[2..].as_chunks::<2>().0.iter().map(|unit| pair(*unit)).collect::<Vec<_>>());
    match bytes {
        [0xff, 0xfe, ..] => return Ok(utf16(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => return Ok(utf16(u16::from_be_bytes)),
        _ => {}
    }
    let controls = bytes.iter().filter(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127)).count();
    if bytes.contains(&0) || controls * 50 > bytes.len() {
        return Err("it is binary, not text".into());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.trim_start_matches('\u{feff}').to_owned()),
        Err(_) => Ok(bytes.iter().map(|byte| char::from(*byte)).collect()),
    }
}

/// Id and source are the file's name; so is the title, without folders, where the content has none.
fn named(name: &str, document: RawDocument) -> RawDocument {
    let file_name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let title = if document.title.is_empty() { file_name.to_owned() } else { document.title };
    RawDocument { id: name.to_owned(), title, source: name.to_owned(), text: document.text }
}

fn unreadable(name: &str, reason: String) -> Unreadable {
    Unreadable { name: if name.is_empty() { "the attached content".into() } else { name.into() }, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source<'a>(name: &'a str, media_type: Option<&'a str>, bytes: &'a [u8]) -> Source<'a> {
        Source { name, media_type, bytes }
    }

    #[test]
    fn content_then_media_type_then_name_then_look_tell_the_format() {
        assert_eq!(format_of(source("a.txt", Some("text/plain"), b"%PDF-1.4")), Format::Pdf);
        assert_eq!(format_of(source("a.txt", Some("text/html; charset=utf-8"), b"x")), Format::Html);
        assert_eq!(format_of(source("notes/a.MD", Some("application/octet-stream"), b"x")), Format::Markdown);
        assert_eq!(format_of(source("", None, b"\xef\xbb\xbf <!DOCTYPE html><p>x")), Format::Html);
        assert_eq!(format_of(source("", None, b"{\"id\": 1, \"text\": \"x\"}\n")), Format::JsonLines);
        assert_eq!(format_of(source("", None, b"# Title\ntext")), Format::Markdown);
        assert_eq!(format_of(source("", None, b"plain")), Format::Text);
    }

    #[test]
    fn what_is_binary_broken_or_empty_is_refused_by_name() {
        for (name, bytes) in [("a.txt", &b"\x00\x01\x02abc"[..]), ("b.pdf", b"%PDF-1.4 nonsense"), ("c.md", b"  \n"), ("d.jsonl", b"{\"id\":")] {
            let refusal = read(source(name, None, bytes)).expect_err(name).to_string();
            assert!(refusal.starts_with(&format!("`{name}` can't be read: ")), "{refusal}");
        }
    }

    #[test]
    fn text_in_other_encodings_is_read() {
        assert_eq!(read(source("a.txt", None, b"caf\xe9")).expect("latin 1")[0].text, "café");
        assert_eq!(read(source("a.txt", None, b"\xff\xfeh\0i\0")).expect("utf 16")[0].text, "hi");
    }
}
