//! How binaries are built.

use std::{fs, path::Path};

use crate::files::{functions, root};

#[test]
fn a_panic_unwinds_in_every_build_that_runs_agents() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    // Without the word `cargo lambda` builds with `abort`, and an agent's panic ends its function.
    let release = manifest.split("[profile.release]\n").nth(1).unwrap().split("\n[").next().unwrap();
    assert!(release.lines().any(|line| line == r#"panic = "unwind""#), "{release}");
    assert!(!manifest.lines().any(|line| line.contains("panic") && line.contains("abort") && !line.starts_with('#')));
    let says = |folder: &Path, what: &str| {
        fs::read_to_string(folder.join(".cargo/config.toml")).is_ok_and(|config| config.contains(&format!("[profile.release]\npanic = \"{what}\"\n")))
    };
    assert!(says(&root().join("functions"), "abort"));
    let mut running = 0;
    for folder in functions() {
        let main = fs::read_to_string(folder.join("src/main.rs")).unwrap();
        let runs_agents = main.contains("Parts::RUNS") || main.contains("Parts::WORKS");
        assert_eq!(says(&folder, "unwind"), runs_agents, "{}", folder.display());
        assert_eq!(folder.join(".cargo").exists(), runs_agents, "{}", folder.display());
        running += usize::from(runs_agents);
    }
    assert_eq!(running, 4);
}

#[test]
fn functions_are_deployed_without_databases_in_files_and_at_fixed_addresses() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let deployed = manifest.split("[workspace.metadata.lambda.build]\n").nth(1).unwrap().split("\n[").next().unwrap();
    assert!(deployed.lines().any(|line| line == "no_default_features = true"), "{deployed}");
    let functions = functions();
    for folder in &functions {
        let path = folder.join("Cargo.toml");
        let function = fs::read_to_string(&path).unwrap();
        assert!(function.contains("\n[features]\ndefault = [\"sqlite\"]\nsqlite = [\"setup/sqlite\"]\n"), "{}", path.display());
        // A start of what is linked to fixed addresses costs less.
        assert!(function.contains("\nbuild = \"../../infra/function_build.rs\"\n"), "{}", path.display());
    }
    assert_eq!(functions.len(), 19);
    // Or else they would have it again.
    assert!(manifest.contains("setup = { path = \"shared/setup\", default-features = false }"));
}
