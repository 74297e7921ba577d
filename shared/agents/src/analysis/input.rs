//! Finds the data in a message: data parts, files, or what stands in the text.

mod delimited;
mod json;
mod prose;

use protocol::types::{Message, Part, PartContent};

use super::table::Table;

/// Why data isn't taken, in words for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Other data is needed; the same won't do.
    TooLarge(String),
    /// The same data in another form would do.
    Unreadable(String),
}

/// The data of a message: that of its data parts and files side by side, or else of its text. `None` if there is none.
///
/// # Errors
/// What is wrong with a file or with the size of the data.
pub(crate) fn table_of(message: &Message) -> Result<Option<Table>, Refusal> {
    let mut found: Option<Table> = None;
    for part in &message.parts {
        let table = match &part.content {
            PartContent::Data(value) => json::table(value),
            PartContent::Raw(bytes) => Some(file(part, bytes).map_err(Refusal::Unreadable)?),
            PartContent::Text(text) if is_of(part, "csv") => delimited::table(text),
            PartContent::Text(text) if is_of(part, "json") => {
                json::parse(text).map_err(|error| Refusal::Unreadable(format!("it is no JSON ({error})")))?
            }
            PartContent::Text(_) | PartContent::Url(_) => None,
        };
        if let Some(table) = table {
            table.check_size().map_err(Refusal::TooLarge)?;
            match &mut found {
                Some(found) => found.join(table),
                None => found = Some(table),
            }
        }
    }
    if found.is_none() {
        let texts: Vec<&str> = message.parts.iter().filter_map(Part::as_text).collect();
        found = text(&texts.join("\n"));
    }
    if let Some(url) = message.parts.iter().find_map(|part| if let PartContent::Url(url) = &part.content { Some(url) } else { None })
        && found.is_none()
    {
        return Err(Refusal::Unreadable(format!("the file at {url} isn't fetched; send its content as a file part")));
    }
    found.iter().try_for_each(Table::check_size).map_err(Refusal::TooLarge)?;
    Ok(found)
}

/// Data within a text: JSON, lines of delimited cells, or a list of numbers.
fn text(text: &str) -> Option<Table> {
    json::within(text).or_else(|| delimited::within(text)).or_else(|| prose::table(text))
}

fn file(part: &Part, bytes: &[u8]) -> Result<Table, String> {
    let name = part.filename.as_deref().unwrap_or("the file");
    let text = decode(bytes).ok_or_else(|| format!("{name} is no text (send CSV or JSON in UTF-8)"))?;
    let read = if is_of(part, "json") {
        json::parse(&text).map_err(|error| format!("{name} is no JSON ({error})"))?
    } else if is_of(part, "csv") || is_of(part, "tsv") || is_of(part, "tab-separated-values") {
        delimited::table(&text)
    } else {
        json::parse(&text).ok().flatten().or_else(|| delimited::table(&text))
    };
    read.ok_or_else(|| format!("no column of numbers was found in {name} (send CSV or JSON)"))
}

/// UTF-8, UTF-16 with a byte order mark, or else one byte a letter. A file with NUL bytes is no text.
fn decode(bytes: &[u8]) -> Option<String> {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => Some(wide(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Some(wide(rest, u16::from_be_bytes)),
        _ if bytes.contains(&0) => None,
        _ => Some(match std::str::from_utf8(bytes) {
            Ok(text) => text.trim_start_matches('\u{feff}').to_string(),
            Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
        }),
    }
}

/// Whether media type or file name say that a part is of a kind.
fn is_of(part: &Part, kind: &str) -> bool {
    let media_type = part.media_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let subtype = essence.rsplit(['/', '+']).next().unwrap_or_default();
    let extension = part.filename.as_deref().and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension.to_ascii_lowercase());
    subtype == kind || extension.as_deref() == Some(kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::message_of;

    fn columns(parts: Vec<Part>) -> Vec<(String, Vec<f64>)> {
        let table = table_of(&message_of(parts)).expect("readable").expect("data");
        table.columns.into_iter().map(|column| (column.name, column.values)).collect()
    }

    #[test]
    fn a_csv_file_is_known_by_its_type_or_its_name() {
        let right = vec![("a".to_string(), vec![1.0, 2.0])];
        assert_eq!(columns(vec![Part::raw(b"a\n1\n2\n".to_vec()).with_media_type("text/csv; charset=utf-8")]), right);
        assert_eq!(columns(vec![Part::raw(b"a\n1\n2\n".to_vec()).with_filename("DATA.CSV")]), right);
        assert_eq!(columns(vec![Part::raw(b"\xef\xbb\xbfa\r\n1\r\n2\r\n".to_vec())]), right);
        assert_eq!(columns(vec![Part::raw(b"{\"a\":[1,2]}".to_vec()).with_filename("a.json")]), right);
        assert_eq!(columns(vec![Part::raw(b"gr\xf6\xdfe\n1\n2".to_vec()).with_filename("a.csv")])[0].0, "größe");
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain("a\n1\n2".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(columns(vec![Part::raw(wide).with_filename("a.csv")]), right);
    }

    #[test]
    fn several_parts_with_data_stand_side_by_side() {
        let parts = vec![Part::text("compare 1, 2 and 3"), Part::data(json!({"x": [1, 2, 3]})), Part::data(json!({"y": [4, 5]}))];
        let columns = columns(parts);
        assert_eq!((columns[0].0.as_str(), columns[1].0.as_str(), columns.len()), ("x", "y", 2));
        assert!(columns[1].1[2].is_nan());
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let unreadable = |parts| match table_of(&message_of(parts)) {
            Err(Refusal::Unreadable(reason)) => reason,
            other => panic!("{other:?}"),
        };
        let binary = unreadable(vec![Part::raw(vec![0, 1, 2]).with_filename("a.xlsx")]);
        assert_eq!(binary, "a.xlsx is no text (send CSV or JSON in UTF-8)");
        let words = unreadable(vec![Part::raw(b"name\nx\n".to_vec()).with_filename("a.csv")]);
        assert_eq!(words, "no column of numbers was found in a.csv (send CSV or JSON)");
        let broken = unreadable(vec![Part::raw(b"{\"values\":[1,".to_vec()).with_filename("a.json")]);
        assert!(broken.starts_with("a.json is no JSON (EOF"), "{broken}");
        assert!(unreadable(vec![Part::url("https://example.com/a.csv")]).contains("https://example.com/a.csv"));
        assert_eq!(table_of(&message_of(vec![Part::text("Analyze statistical trends in AI research")])), Ok(None));
    }

    proptest::proptest! {
        #[test]
        fn no_text_and_no_file_makes_it_panic(text in "\\PC{0,200}|[-0-9,;.\\t\\n\"e: ]{0,200}", bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = table_of(&message_of(vec![Part::text(text.clone())]));
            let _ = table_of(&message_of(vec![Part::raw(bytes).with_filename("a.csv")]));
            let _ = table_of(&message_of(vec![Part::raw(text.into_bytes())]));
        }
    }
}
