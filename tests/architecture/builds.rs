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
