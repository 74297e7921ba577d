//! The key that signs agent cards, kept with the database so that it outlives the process: beside a file, or in a table for all who share it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use edge::{SigningKey, SigningKeySource};
use store::SharedSecrets;

use crate::kept_file::kept;

/// What the key is called among a database's secrets.
const NAME: &str = "agent-card-key";

/// The key in this file; a new one is put there first if there is none.
pub(crate) fn load(path: &Path) -> anyhow::Result<SigningKey> {
    let name = path.display();
    let pem = kept(path, || SigningKey::generate_pem().map_err(io::Error::other)).with_context(|| format!("the key for agent cards in `{name}`"))?;
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

#[cfg(test)]
mod tests {
    use std::fs;

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
