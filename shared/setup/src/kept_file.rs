//! A secret in a file beside a database that is a file: made once, and kept so that it outlives the process.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::Path,
};

/// What the file holds; what `make` makes is put there first if there is none. Only the file's owner may read it.
///
/// # Errors
/// Where the file can neither be read nor written.
pub(crate) fn kept(path: &Path, make: impl FnOnce() -> io::Result<String>) -> io::Result<String> {
    if !path.exists() {
        create(path, &make()?)?;
    }
    fs::read_to_string(path)
}

/// Whole or not at all: another process that starts now finds a secret or none, and the first one wins.
fn create(path: &Path, secret: &str) -> io::Result<()> {
    let directory = path.parent().ok_or(ErrorKind::InvalidFilename)?;
    fs::create_dir_all(directory)?;
    let unfinished = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&unfinished)?.write_all(secret.as_bytes())?;
    let linked = fs::hard_link(&unfinished, path);
    fs::remove_file(&unfinished)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_kept_and_nobody_elses() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("below").join("secret");
        assert_eq!(kept(&path, || Ok("first".into())).unwrap(), "first");
        assert_eq!(kept(&path, || Ok("second".into())).unwrap(), "first");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
    }
}
