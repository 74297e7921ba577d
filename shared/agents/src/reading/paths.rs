//! Reads a file or a folder of files into documents, one after the other, for `a2a index`.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use engine::ports::NewDocument;

use super::{
    analysed, json_lines,
    media::{Format, Source, by_extension, read},
};

/// Larger files (of other kinds than JSON lines, which are read line by line) are left out.
const LARGEST_BYTES: u64 = 256 << 20;

/// What [`read_path`] takes, as people write it.
pub const EXTENSIONS: &str = ".txt, .md, .html, .htm, .pdf, .jsonl";

/// Something that was left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Skipped {
    /// Relative to what was asked for.
    pub path: String,
    /// Names the file.
    pub reason: String,
}

/// The documents under `path`: that file, or all files of that folder and the folders in it whose names end in one of [`EXTENSIONS`], by name.
/// Hidden files and folders are passed over, symbolic links aren't followed. A document's id is its file's path relative to the folder, or the
/// one that its JSON line has.
///
/// # Errors
/// There is no such file or folder, or the file's kind is not one of these.
pub fn read_path(path: &Path) -> io::Result<Reading> {
    let metadata = std::fs::metadata(path).map_err(|error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display())))?;
    let (mut files, mut ready) = (vec![], VecDeque::new());
    if metadata.is_dir() {
        let unlisted = |folder: &Path, error: io::Error| Skipped { path: relative(path, folder), reason: format!("`{}`: {error}", folder.display()) };
        list(path, path, &mut files, &mut |folder, error| ready.push_back(Err(unlisted(folder, error))));
        files.sort_by(|a: &Listed, b: &Listed| a.name.cmp(&b.name));
    } else {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if by_extension(&name).is_none() {
            let reason = format!("`{}` is not one of {EXTENSIONS}", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        files.push(Listed { path: path.to_owned(), name, bytes: metadata.len() });
    }
    let total_bytes = files.iter().map(|file| file.bytes).sum();
    Ok(Reading { files: files.into(), total_bytes, read_bytes: 0, lines: None, ready })
}

struct Listed {
    path: PathBuf,
    name: String,
    bytes: u64,
}

/// A folder that can't be listed is told, and the others follow.
fn list(root: &Path, folder: &Path, files: &mut Vec<Listed>, tell: &mut dyn FnMut(&Path, io::Error)) {
    let mut list_entries = || {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let path = entry.path();
            if kind.is_dir() {
                list(root, &path, files, tell);
            } else if kind.is_file() {
                let name = relative(root, &path);
                if by_extension(&name).is_some_and(|format| format != Format::Json) {
                    files.push(Listed { bytes: entry.metadata()?.len(), path, name });
                }
            }
        }
        Ok(())
    };
    if let Err(error) = list_entries() {
        tell(folder, error);
    }
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// Documents as they are read; one that can't be read is told as [`Skipped`], and the next follows.
pub struct Reading {
    files: VecDeque<Listed>,
    total_bytes: u64,
    read_bytes: u64,
    lines: Option<Lines>,
    ready: VecDeque<Result<NewDocument, Skipped>>,
}

struct Lines {
    reader: BufReader<File>,
    name: String,
    number: u64,
}

impl Reading {
    /// Size of all files, for a progress bar.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// How much of it is behind us.
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    /// The next line's document; `None` at the end of the file.
    fn next_line(&mut self) -> Option<Result<NewDocument, Skipped>> {
        loop {
            let lines = self.lines.as_mut()?;
            let mut line = vec![];
            let length = lines.reader.read_until(b'\n', &mut line);
            lines.number += 1;
            let skipped = |lines: &Lines, reason: String| {
                Some(Err(Skipped { path: lines.name.clone(), reason: format!("`{}` line {}: {reason}", lines.name, lines.number) }))
            };
            match length {
                Ok(0) => {
                    self.lines = None;
                    return None;
                }
                Err(error) => {
                    let told = skipped(lines, error.to_string());
                    self.lines = None;
                    return told;
                }
                Ok(length) => self.read_bytes += length as u64,
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            // Some editors begin a file with a mark of its encoding.
            let raw = serde_json::from_slice(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line))
                .map_err(|error| format!("not JSON ({error})"))
                .and_then(|value| json_lines::documents(&lines.name, &value));
            return match raw.map(|mut raw| raw.pop()) {
                Ok(Some(raw)) => Some(Ok(analysed(raw))),
                Ok(None) => continue,
                Err(reason) => skipped(lines, reason),
            };
        }
    }

    fn open(&mut self, file: Listed) {
        let skipped = |reason: String| Err(Skipped { path: file.name.clone(), reason });
        if by_extension(&file.name) == Some(Format::JsonLines) {
            match File::open(&file.path) {
                Ok(open) => self.lines = Some(Lines { reader: BufReader::new(open), name: file.name, number: 0 }),
                Err(error) => self.ready.push_back(skipped(format!("`{}`: {error}", file.name))),
            }
            return;
        }
        self.read_bytes += file.bytes;
        if file.bytes > LARGEST_BYTES {
            self.ready.push_back(skipped(format!("`{}` has {} bytes, more than {LARGEST_BYTES}", file.name, file.bytes)));
            return;
        }
        match std::fs::read(&file.path) {
            Err(error) => self.ready.push_back(skipped(format!("`{}`: {error}", file.name))),
            Ok(bytes) => match read(Source { name: &file.name, media_type: None, bytes: &bytes }) {
                Ok(documents) => self.ready.extend(documents.into_iter().map(|raw| Ok(analysed(raw)))),
                Err(unreadable) => self.ready.push_back(skipped(unreadable.to_string())),
            },
        }
    }
}

impl Iterator for Reading {
    type Item = Result<NewDocument, Skipped>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(ready) = self.ready.pop_front().or_else(|| self.next_line()) {
                return Some(ready);
            }
            let file = self.files.pop_front()?;
            self.open(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_by_name_and_what_cannot_be_read_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, content).expect("a file");
        };
        write("b/notes.md", "# Notes\n\nBody");
        write("a.txt", "Text");
        write("c.pdf", "not a PDF");
        write("d.jsonl", "\u{feff}{\"id\":\"9\",\"text\":\"nine\"}\nbroken\n\n{\"id\":\"10\",\"text\":\"ten\"}");
        write("e.png", "ignored");
        write(".hidden/f.txt", "ignored");

        let mut reading = read_path(folder.path()).expect("a folder");
        let told: Vec<String> =
            reading.by_ref().map(|item| item.map_or_else(|skipped| format!("!{}", skipped.path), |document| document.id)).collect();
        assert_eq!(told, ["a.txt", "b/notes.md", "!c.pdf", "9", "!d.jsonl", "10"]);
        assert_eq!(reading.read_bytes(), reading.total_bytes());
    }

    #[test]
    fn a_path_that_is_not_there_is_named() {
        let error = read_path(Path::new("/no/such/folder")).err().expect("no such folder").to_string();
        assert!(error.contains("`/no/such/folder`"), "{error}");
    }
}
