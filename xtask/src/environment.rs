//! `cargo xtask env`: the secrets that infra/compose.yaml asks for, made at random.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, Result, bail};

use crate::step::root;

/// Each gets a value of its own.
const SECRETS: [&str; 7] = [
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "A2A_SECRET_KEY",
    "A2A_CREDENTIALS_KEY",
    "A2A_ADMIN_API_KEY",
    "A2A_SYSTEM_API_KEY",
    "GRAFANA_ADMIN_PASSWORD",
];
/// 256 bits.
const SECRET_BYTES: usize = 32;

/// Writes infra/.env, which its owner alone may read.
///
/// # Errors
/// Where the file is there, or can't be written.
pub fn run() -> Result<()> {
    let path = root().join("infra/.env");
    write(&path)?;
    println!("written to {}", path.display());
    Ok(())
}

fn write(path: &Path) -> Result<()> {
    let name = path.display();
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match opened {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{name} is there already, and the database knows its password: change single lines by hand")
        }
        opened => opened.with_context(|| format!("can't write {name}"))?,
    };
    let mut random = File::open("/dev/urandom").context("no random numbers")?;
    let mut text =
        String::from("# For compose.yaml. Back it up: what the database holds is of no use without POSTGRES_PASSWORD and A2A_CREDENTIALS_KEY.\n");
    for secret in SECRETS {
        let mut bytes = [0; SECRET_BYTES];
        random.read_exact(&mut bytes).context("no random numbers")?;
        text += &format!("{secret}={}\n", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    }
    file.write_all(text.as_bytes()).with_context(|| format!("can't write {name}"))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt};

    use super::*;

    /// An empty directory, gone with the test.
    struct Directory(std::path::PathBuf);

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn secrets_are_random_for_their_owner_alone_and_never_written_over() {
        let directory = Directory(std::env::temp_dir().join(format!("a2a-env-{}", std::process::id())));
        fs::create_dir(&directory.0).unwrap();
        let path = directory.0.join(".env");
        write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let values: BTreeSet<_> = text.lines().filter_map(|line| line.split_once('=')).map(|(_, value)| value.to_owned()).collect();
        assert_eq!(values.len(), SECRETS.len(), "{text}");
        assert!(values.iter().all(|value| value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit())), "{text}");

        assert!(write(&path).unwrap_err().to_string().contains("is there already"));
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn compose_asks_for_these_secrets_and_for_no_others() {
        let compose = fs::read_to_string(root().join("infra/compose.yaml")).unwrap();
        let asked: BTreeSet<_> =
            compose.split("${").skip(1).filter_map(|rest| Some(rest.split_once(":?")?.0)).filter(|name| !name.contains('}')).collect();
        assert_eq!(asked, BTreeSet::from(SECRETS));
        // And keeps them to itself.
        assert!(fs::read_to_string(root().join(".gitignore")).unwrap().lines().any(|line| line == "/infra/.env"));
        assert!(fs::read_to_string(root().join(".dockerignore")).unwrap().lines().any(|line| line == "**/.env"));
    }
}
