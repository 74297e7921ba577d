//! How binaries are built.

use std::fs;

use crate::files::root;

#[test]
fn a_panic_unwinds_in_every_build() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    // Without the word `cargo lambda` builds with `abort`, and an agent's panic ends its function.
    let release = manifest.split("[profile.release]\n").nth(1).unwrap().split("\n[").next().unwrap();
    assert!(release.lines().any(|line| line == r#"panic = "unwind""#), "{release}");
    assert!(!manifest.lines().any(|line| line.contains("panic") && line.contains("abort") && !line.starts_with('#')));
}

#[test]
fn functions_are_deployed_without_databases_in_files_and_at_fixed_addresses() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let deployed = manifest.split("[workspace.metadata.lambda.build]\n").nth(1).unwrap().split("\n[").next().unwrap();
    assert!(deployed.lines().any(|line| line == "no_default_features = true"), "{deployed}");
    let mut functions = 0;
    for folder in fs::read_dir(root().join("functions")).unwrap() {
        let path = folder.unwrap().path().join("Cargo.toml");
        let function = fs::read_to_string(&path).unwrap();
        assert!(function.contains("\n[features]\ndefault = [\"sqlite\"]\nsqlite = [\"setup/sqlite\"]\n"), "{}", path.display());
        // A start of what is linked to fixed addresses costs less.
        assert!(function.contains("\nbuild = \"../../infra/function_build.rs\"\n"), "{}", path.display());
        functions += 1;
    }
    assert_eq!(functions, 19);
    // Or else they would have it again.
    assert!(manifest.contains("setup = { path = \"shared/setup\", default-features = false }"));
}
