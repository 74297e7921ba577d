//! Functions as `cargo lambda build --release`, and so `sam build`, makes them, without the tools for that: by the same lines of Cargo.toml
//! and the same configuration of Cargo in their folders.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::step::{cargo, quiet, root, step, target};

/// Builds the functions of these names, or all, one after the other, and gives the folder that has their programs, and no other file.
///
/// # Errors
/// Where a build fails.
pub fn build(names: Option<&[&str]>) -> Result<PathBuf> {
    let metadata: Value = serde_json::from_str(&quiet(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?)?;
    let as_deployed = &metadata["metadata"]["lambda"]["build"];
    let config = as_deployed["config"].as_array().context("Cargo.toml has no `config` in [workspace.metadata.lambda.build]")?;
    let folder = target().join("deployed");
    let programs = folder.join("programs");
    // What an earlier run left may be of another version.
    if programs.exists() {
        fs::remove_dir_all(&programs)?;
    }
    fs::create_dir_all(&programs)?;
    for name in functions()?.into_iter().filter(|name| names.is_none_or(|names| names.contains(&name.as_str()))) {
        // From its own folder, as only its own features count, and what its configuration says.
        let mut build = cargo(&["build", "--release", "--quiet", "--bin", &name, "--target-dir"]);
        build.arg(&folder).current_dir(root().join("functions").join(&name));
        if as_deployed["no_default_features"] == true {
            build.arg("--no-default-features");
        }
        build.args(config.iter().filter_map(Value::as_str).flat_map(|line| ["--config", line]));
        step(&format!("build {name} as it is deployed"), &mut build)?;
        fs::copy(folder.join("release").join(&name), programs.join(&name))?;
    }
    Ok(programs)
}

fn functions() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("functions"))? {
        let entry = entry?;
        // Beside the functions lies what is the same for all.
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().display().to_string());
        }
    }
    names.sort();
    Ok(names)
}
