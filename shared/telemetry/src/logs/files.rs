//! The log's files: a new one each day and where one is full, and the old ones go.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use chrono::{DateTime, NaiveDate, Utc};

/// So many files are kept.
const MOST_FILES: usize = 30;
/// And none for longer.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Writes to `a2a.DAY.log`, then to `a2a.DAY.1.log` and so on.
pub(super) struct RotatedFiles {
    directory: PathBuf,
    max_bytes: u64,
    file: File,
    day: NaiveDate,
    written: u64,
    /// When it was last written to, as the file system tells.
    at: SystemTime,
}

impl RotatedFiles {
    /// Opens the file of today, in a directory that is made if there is none.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn open(directory: &Path, max_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        // Whoever makes a file is told the time by it.
        let probe = directory.join(format!(".a2a-{}", std::process::id()));
        let made = File::create(&probe).and_then(|file| file.metadata()?.modified());
        fs::remove_file(&probe)?;
        Self::at(directory, max_bytes, made?)
    }

    fn at(directory: &Path, max_bytes: u64, at: SystemTime) -> io::Result<Self> {
        let day = DateTime::<Utc>::from(at).date_naive();
        let mut number = 0;
        let (file, written) = loop {
            let file = OpenOptions::new().create(true).append(true).open(directory.join(name(day, number)))?;
            let written = file.metadata()?.len();
            // Other processes may write to the same.
            if written < max_bytes {
                break (file, written);
            }
            number += 1;
        };
        prune(directory, at);
        Ok(RotatedFiles { directory: directory.into(), max_bytes, file, day, written, at })
    }

    /// The first lines of a day may still come to the file of the day before: those that are written together.
    fn is_over(&self, more: usize) -> bool {
        let full = self.written > 0 && self.written + more as u64 > self.max_bytes;
        full || DateTime::<Utc>::from(self.at).date_naive() != self.day
    }
}

impl Write for RotatedFiles {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        if self.is_over(lines.len()) {
            // Where there can't be another one, the old one grows.
            let full = self.max_bytes.saturating_sub(lines.len() as u64).max(1);
            if let Ok(mut next) = Self::at(&self.directory, full, self.at) {
                next.max_bytes = self.max_bytes;
                *self = next;
            }
        }
        self.file.write_all(lines)?;
        self.written += lines.len() as u64;
        self.at = self.file.metadata()?.modified()?;
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn name(day: NaiveDate, number: u32) -> String {
    if number == 0 { format!("a2a.{day}.log") } else { format!("a2a.{day}.{number}.log") }
}

/// What can't be deleted stays: a log must not end for that.
fn prune(directory: &Path, now: SystemTime) {
    let files = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<(SystemTime, PathBuf)> = files
        .filter(|file| file.file_name().to_str().is_some_and(|name| name.starts_with("a2a.") && name.ends_with(".log")))
        .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path())))
        .collect();
    files.sort_by(|a, b| b.cmp(a));
    for (place, (modified, path)) in files.into_iter().enumerate() {
        if place >= MOST_FILES || now.duration_since(modified).is_ok_and(|age| age > LONGEST) {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn time(text: &str) -> SystemTime {
        text.parse::<DateTime<Utc>>().unwrap().into()
    }

    #[test]
    fn a_full_file_is_followed_by_another_and_no_line_is_torn_or_lost() {
        let directory = tempfile::tempdir().unwrap();
        let mut files = RotatedFiles::at(directory.path(), 100, time("2026-02-03T04:05:06Z")).unwrap();
        for number in 0..20 {
            files.write_all(format!("line {number:02} of thirty bytes......\n").as_bytes()).unwrap();
        }
        let texts: Vec<_> = names(directory.path()).iter().map(|name| fs::read_to_string(directory.path().join(name)).unwrap()).collect();
        assert!(texts.len() >= 6 && texts.iter().all(|text| text.len() <= 100 && text.ends_with('\n')), "{texts:?}");
        assert_eq!(texts.iter().flat_map(|text| text.lines()).count(), 20);
    }

    #[test]
    fn each_day_has_a_file_and_a_start_goes_on_with_it() {
        let directory = tempfile::tempdir().unwrap();
        for at in ["2026-02-03T23:59:59Z", "2026-02-04T00:00:00Z", "2026-02-04T12:00:00Z"] {
            let files = RotatedFiles::at(directory.path(), 100, time(at)).unwrap();
            assert!(!files.is_over(10));
        }
        assert_eq!(names(directory.path()), ["a2a.2026-02-03.log", "a2a.2026-02-04.log"]);
        let mut files = RotatedFiles::at(directory.path(), 100, time("2026-02-04T12:00:00Z")).unwrap();
        files.at = time("2026-02-05T00:00:00Z");
        assert!(files.is_over(10), "another day");
    }

    #[test]
    fn thirty_files_are_kept_for_thirty_days() {
        let directory = tempfile::tempdir().unwrap();
        for number in 0..40 {
            fs::write(directory.path().join(name(NaiveDate::MIN, number)), "x").unwrap();
        }
        fs::write(directory.path().join("of-somebody-else.log"), "x").unwrap();
        let now = fs::metadata(directory.path()).unwrap().modified().unwrap();
        prune(directory.path(), now);
        assert_eq!(names(directory.path()).len(), 31);
        prune(directory.path(), now + LONGEST + Duration::from_secs(3600));
        assert_eq!(names(directory.path()), ["of-somebody-else.log"]);
    }
}
