//! The text layer of a PDF. The parser is guarded: it panics on some broken files, and follows loops in hostile ones.

use std::{
    collections::{HashMap, HashSet},
    io::{BufReader, Read},
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use pdf_extract::{Dictionary, Document, Object, ObjectId};

use super::RawDocument;

/// A file of thousands of pages takes seconds; what takes longer than this is not worth its thread.
const LONGEST: Duration = Duration::from_secs(60);

/// Streams are compressed: ten megabytes may stand for ten thousand.
const LARGEST_INFLATED_BYTES: u64 = 512 << 20;

/// The parser goes as deep as the file's objects do.
const STACK_BYTES: usize = 64 << 20;

/// Reads on a thread of its own, up to a minute.
///
/// # Errors
/// Says what is wrong with the file.
pub fn read(bytes: &[u8]) -> Result<RawDocument, String> {
    let bytes = bytes.to_owned();
    let (done, outcome) = std::sync::mpsc::channel();
    let work = move || {
        let text = catch_unwind(AssertUnwindSafe(|| extract(&bytes))).unwrap_or_else(|_| Err("the PDF is damaged".into()));
        // Nobody listens after the deadline.
        let _ = done.send(text);
    };
    std::thread::Builder::new()
        .name("read-pdf".into())
        .stack_size(STACK_BYTES)
        .spawn(work)
        .map_err(|error| format!("no thread to read it on ({error})"))?;
    outcome.recv_timeout(LONGEST).unwrap_or_else(|_| Err(format!("the PDF took longer than {} s", LONGEST.as_secs())))
}

fn extract(bytes: &[u8]) -> Result<RawDocument, String> {
    if bytes.is_empty() {
        return Err("the PDF is empty".into());
    }
    if inflated_bytes(bytes) >= LARGEST_INFLATED_BYTES {
        return Err(format!("the PDF inflates to more than {} MB", LARGEST_INFLATED_BYTES >> 20));
    }
    let mut document = Document::load_mem(bytes).map_err(|error| format!("the PDF is damaged ({error})"))?;
    if document.is_encrypted() {
        document.decrypt("").map_err(|_| "the PDF is encrypted with a password")?;
    }
    if has_loop(&document) {
        return Err("the PDF contains itself".into());
    }
    let mut text = String::new();
    let mut output = pdf_extract::PlainTextOutput::new(&mut text);
    pdf_extract::output_doc(&document, &mut output).map_err(|error| format!("the PDF is damaged ({error})"))?;
    if text.trim().is_empty() {
        return Err("the PDF has no text layer (a scan?)".into());
    }
    Ok(RawDocument { title: title(&document).unwrap_or_default(), text: unwrapped(&text), ..RawDocument::default() })
}

fn title(document: &Document) -> Option<String> {
    let info = document.trailer.get(b"Info").ok()?;
    let info = document.dereference(info).ok()?.1.as_dict().ok()?;
    let title = pdf_extract::decode_text_string(document.dereference(info.get(b"Title").ok()?).ok()?.1).ok()?;
    given_title(&title)
}

/// What people called the document: neither what tools write where nobody did, nor the name of the tool.
fn given_title(title: &str) -> Option<String> {
    const NONE_GIVEN: [&str; 7] = ["untitled", "untitled document", "anonymous", "unspecified", "unknown", "title", "document"];
    let title = title.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let title = ["Microsoft Word - ", "Microsoft PowerPoint - "].into_iter().find_map(|tool| title.strip_prefix(tool)).unwrap_or(title);
    let bare = title.trim_matches(['(', ')', '<', '>', '[', ']']).to_lowercase();
    (!bare.is_empty() && !NONE_GIVEN.contains(&bare.as_str())).then(|| title.to_owned())
}

/// Lines of a paragraph become one line; a word that a hyphen divides becomes one word.
fn unwrapped(text: &str) -> String {
    let joined = super::passages::paragraphs(text).into_iter().map(|paragraph| {
        let mut whole = String::with_capacity(paragraph.len());
        for line in paragraph.lines().map(str::trim) {
            let divided = whole.ends_with('-') && whole.chars().rev().nth(1).is_some_and(char::is_alphabetic) && line.starts_with(char::is_lowercase);
            if divided {
                whole.pop();
            } else if !whole.is_empty() {
                whole.push(' ');
            }
            whole.push_str(line);
        }
        whole
    });
    joined.collect::<Vec<_>>().join("\n\n")
}

/// How much all streams of a file come to, up to the limit. A stream may be compressed twice.
fn inflated_bytes(bytes: &[u8]) -> u64 {
    const MARK: &[u8] = b"stream";
    let mut total = 0;
    let mut rest = bytes;
    while let Some(at) = rest.windows(MARK.len()).position(|window| window == MARK) {
        rest = &rest[at + MARK.len()..];
        let start = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let once = || flate2::read::ZlibDecoder::new(&rest[start..]);
        // What is no compressed stream, or a damaged one, ends with an error at once or where it is damaged.
        total += count(once(), LARGEST_INFLATED_BYTES - total);
        total += count(flate2::read::ZlibDecoder::new(BufReader::new(once())), LARGEST_INFLATED_BYTES - total);
        if total >= LARGEST_INFLATED_BYTES {
            break;
        }
    }
    total
}

fn count(mut reader: impl Read, most: u64) -> u64 {
    let mut buffer = [0; 16 << 10];
    let mut total = 0;
    while total < most {
        match reader.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(length) => total += length as u64,
        }
    }
    total
}

/// Whether a page's parents or a form's own forms lead back to it.
fn has_loop(document: &Document) -> bool {
    let mut state = HashMap::new();
    document.objects.keys().any(|id| leads_back(document, *id, &mut state))
}

/// Depth first without recursion; `true` in `state` stands for what is on the way, `false` for what is done.
fn leads_back(document: &Document, start: ObjectId, state: &mut HashMap<ObjectId, bool>) -> bool {
    let mut way = vec![(start, false)];
    while let Some((id, done)) = way.pop() {
        if done {
            state.insert(id, false);
            continue;
        }
        match state.get(&id) {
            Some(true) => return true,
            Some(false) => continue,
            None => {}
        }
        state.insert(id, true);
        way.push((id, true));
        for next in next(document, id) {
            match state.get(&next) {
                Some(true) => return true,
                Some(false) => {}
                None => way.push((next, false)),
            }
        }
    }
    false
}

/// What the parser would go to from here: the parent, and forms among the resources.
fn next(document: &Document, id: ObjectId) -> HashSet<ObjectId> {
    let dictionary = |object: &Object| -> Option<Dictionary> {
        match document.dereference(object).ok()?.1 {
            Object::Dictionary(dictionary) => Some(dictionary.clone()),
            Object::Stream(stream) => Some(stream.dict.clone()),
            _ => None,
        }
    };
    let Some(own) = document.objects.get(&id).and_then(dictionary) else { return HashSet::new() };
    let parent = own.get(b"Parent").and_then(Object::as_reference).ok();
    let forms = own.get(b"Resources").ok().and_then(dictionary).and_then(|resources| resources.get(b"XObject").ok().and_then(dictionary));
    let shows_itself = forms.is_none() && is_form_that_shows(document, id);
    let forms = forms.into_iter().flat_map(|forms| forms.iter().filter_map(|(_, form)| form.as_reference().ok()).collect::<Vec<_>>());
    forms.chain(parent).chain(shows_itself.then_some(id)).collect()
}

/// A form that shows forms without naming any takes them from the page that shows it, and may find itself there.
fn is_form_that_shows(document: &Document, id: ObjectId) -> bool {
    let Some(Object::Stream(stream)) = document.objects.get(&id) else { return false };
    let is_form = stream.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|name| name == b"Form");
    is_form && stream.decompressed_content().unwrap_or_else(|_| stream.content.clone()).windows(3).any(|window| window == b" Do")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PDF of one page with this content stream and these entries among its resources; objects from 6 on can be added.
    pub(crate) fn pdf(content: &str, resources: &str, more: &[&str]) -> Vec<u8> {
        let mut objects = vec![
            "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
            "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 612 792]>>".to_owned(),
            format!("<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>{resources}>>>>"),
            format!("<</Length {}>>stream\n{content}\nendstream", content.len()),
            "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_owned(),
        ];
        objects.extend(more.iter().map(|object| (*object).to_owned()));
        let mut file = "%PDF-1.4\n".to_owned();
        let offsets: Vec<usize> = (1..)
            .zip(&objects)
            .map(|(number, object)| {
                let offset = file.len();
                file.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
                offset
            })
            .collect();
        let table = file.len();
        file.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
        offsets.iter().for_each(|offset| file.push_str(&format!("{offset:010} 00000 n \n")));
        file.push_str(&format!("trailer<</Root 1 0 R/Size {}>>\nstartxref\n{table}\n%%EOF", objects.len() + 1));
        file.into_bytes()
    }

    #[test]
    fn a_title_that_nobody_gave_is_none() {
        for title in ["", "untitled", "(anonymous)", "Untitled Document", " \0"] {
            assert_eq!(given_title(title), None, "{title}");
        }
        assert_eq!(given_title("Microsoft Word - Report.docx").as_deref(), Some("Report.docx"));
        assert_eq!(given_title("On wings").as_deref(), Some("On wings"));
    }

    #[test]
    fn the_text_layer_is_read() {
        let document = read(&pdf("BT /F1 12 Tf 72 720 Td (Heat flows through slabs.) Tj ET", "", &[])).expect("a good file");
        assert_eq!(document.text, "Heat flows through slabs.");
    }

    #[test]
    fn a_page_without_text_is_told_as_such() {
        assert_eq!(read(&pdf("", "", &[])).expect_err("no text"), "the PDF has no text layer (a scan?)");
    }

    #[test]
    fn broken_files_are_errors_whatever_the_parser_does() {
        let good = pdf("BT /F1 12 Tf 72 720 Td (Heat) Tj ET", "", &[]);
        for end in [9, 40, 200, good.len() - 30] {
            assert!(read(&good[..end]).is_err(), "cut at {end}");
        }
        assert!(read(&pdf("BT /F9 12 Tf (x) Tj ET", "", &[])).is_err(), "a font that isn't there");
    }

    #[test]
    fn a_form_that_shows_itself_is_refused() {
        let form = |resources: &str| format!("<</Type/XObject/Subtype/Form/BBox[0 0 9 9]{resources}/Length 6>>stream\n/X0 Do\nendstream");
        for resources in ["/Resources<</XObject<</X0 6 0 R>>>>", ""] {
            let file = pdf("/X0 Do", "/XObject<</X0 6 0 R>>", &[&form(resources)]);
            assert_eq!(read(&file).expect_err("a loop"), "the PDF contains itself");
        }
    }

    #[test]
    fn streams_are_counted_before_they_are_inflated() {
        let packed = |bytes: &[u8]| {
            let mut encoder = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::best());
            std::io::Write::write_all(&mut encoder, bytes).expect("written");
            encoder.finish().expect("packed")
        };
        let zeros = packed(&vec![0; 5 << 20]);
        let file = |stream: &[u8]| [b"%PDF-1.4\n4 0 obj<<>>stream\r\n", stream, b"\nendstream"].concat();
        assert_eq!(inflated_bytes(&file(&zeros)), 5 << 20);
        assert!(inflated_bytes(&file(&packed(&zeros))) > 5 << 20);
        assert_eq!(inflated_bytes(&file(b"BT ET")), 0);
    }

    #[test]
    fn lines_of_a_paragraph_are_joined() {
        assert_eq!(unwrapped("A divi-\nded word\nand more.\n\n\nNext"), "A divided word and more.\n\nNext");
    }
}
