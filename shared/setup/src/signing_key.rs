//! The key that signs agent cards, kept with the database so that it outlives the process: beside a file, or in a table for all who share it.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use edge::{SigningKey, SigningKeySource};
use store::SharedSecrets;

/// What the key is called among a database's secrets.
const NAME: &str = "agent-card-key";

/// The key in this file; a new one is put there first if there is none.
pub(crate) fn load(path: &Path) -> anyhow::Result<SigningKey> {
    let name = path.display();
    if !path.exists() {
        create(path).with_context(|| format!("no key for agent cards can be kept in `{name}`"))?;
    }
    let pem = fs::read_to_string(path).with_context(|| format!("the key for agent cards in `{name}` can't be read"))?;
    SigningKey::from_pem(&pem).with_context(|| format!("the key for agent cards in `{name}` can't be used"))
}

/// The key in this file, read at its first use as [`load`] does.
pub(crate) fn beside(path: PathBuf) -> SigningKeySource {
    Arc::new(move || {
        let path = path.clone();
        Box::pin(async move { Ok(Arc::new(load(&path)?)) })
    })
}

/// The key of all who share a database, read at its first use; a new one is kept there first if there is none.
pub(crate) fn shared(database: impl SharedSecrets + Clone) -> SigningKeySource {
    Arc::new(move || {
        let database = database.clone();
        Box::pin(async move {
            let kept = database.shared_secret(NAME, SigningKey::generate_pem()?).await?;
            Ok(Arc::new(SigningKey::from_pem(&kept)?))
        })
    })
}

/// Whole or not at all: another process that starts now finds a key or none, and the first one wins.
fn create(path: &Path) -> anyhow::Result<()> {
    let directory = path.parent().context("a file has a directory")?;
    fs::create_dir_all(directory)?;
    let unfinished = path.with_extension(format!("{}.new", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&unfinished)?.write_all(SigningKey::generate_pem()?.as_bytes())?;
    let linked = fs::hard_link(&unfinished, path);
    fs::remove_file(&unfinished)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("below").join("card-key.pem");
        let first = load(&path).unwrap();
        assert_eq!(load(&path).unwrap().key_set(), first.key_set());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_no_key_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("card-key.pem");
        fs::write(&path, "nonsense").unwrap();
        assert!(load(&path).err().unwrap().to_string().contains("card-key.pem"));
    }
}
