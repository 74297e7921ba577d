//! Where the functions' programs are: in a folder that is named, or built from the checkout that this program was built from.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail, ensure};
use tokio::process::Command;

/// The program of each function, by name. Builds them where no folder is named and there is a checkout; otherwise they have to lie beside this program.
pub async fn find(names: &[&str], folder: Option<&Path>) -> Result<BTreeMap<String, PathBuf>> {
    let own = std::env::current_exe().context("where this program is")?;
    let beside = own.parent().context("a program has a folder")?;
    let folder = match folder {
        Some(folder) => folder,
        None => &build(beside).await?.unwrap_or_else(|| beside.to_owned()),
    };
    let find = |name: &&str| {
        // As cargo-lambda lays them out, then as cargo does.
        let found = [folder.join(name).join("bootstrap"), folder.join(name)].into_iter().find(|path| path.is_file());
        let found = found.with_context(|| format!("`{}` has no program of the function `{name}`", folder.display()))?;
        Ok((name.to_string(), std::path::absolute(found)?))
    };
    names.iter().map(find).collect()
}

/// Brings the programs up to date, if this one lies in the folder of a checkout's builds, and says where they are then. Those of a release have a
/// profile of their own: its optimizer would look at each of them as a whole, for minutes.
async fn build(beside: &Path) -> Result<Option<PathBuf>> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).filter(|root| root.join("functions").is_dir());
    let (Some(checkout), Some(target), Some(profile)) = (checkout, beside.parent(), beside.file_name()) else { return Ok(None) };
    if !target.join("CACHEDIR.TAG").exists() {
        return Ok(None);
    }
    let (profile, folder) = match profile.to_str() {
        Some("debug") => ("dev", "debug"),
        Some("release") => ("functions", "functions"),
        Some(profile) => (profile, profile),
        None => bail!("the folder `{}` has no name that cargo gives", beside.display()),
    };
    eprintln!("building the functions (the first time this takes some minutes)");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--bins", "--package", "*-function", "--profile", profile, "--target-dir"]).arg(target);
    if target.join(folder) == beside {
        // With the gateway, which is built: so they share its libraries, and only their own few lines are compiled and linked.
        cargo.args(["--package", "gateway"]);
    }
    let status = cargo.current_dir(checkout).stdin(Stdio::null()).status().await.context("cargo can't be started")?;
    ensure!(status.success(), "the functions can't be built ({status})");
    Ok(Some(target.join(folder)))
}
