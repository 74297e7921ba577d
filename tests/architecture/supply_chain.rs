//! What is linked, from where and on whose terms: the rules of `deny.toml`, held here too because `cargo deny` isn't on every machine.

use std::{collections::BTreeSet, fs, process::Command};

use serde_json::Value;

use crate::files::root;

/// The part of `deny.toml` under a heading.
fn rules(heading: &str) -> String {
    let text = fs::read_to_string(root().join("deny.toml")).unwrap();
    let text: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    text.join("\n").split(&format!("[{heading}]\n")).nth(1).unwrap().split("\n[").next().unwrap().to_owned()
}

/// The texts of a list there.
fn listed(heading: &str, name: &str) -> BTreeSet<String> {
    let rules = rules(heading);
    let list = rules.split(&format!("{name} = [")).nth(1).unwrap().split(']').next().unwrap();
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// All that any of our binaries or tests links on this machine.
fn packages() -> Vec<Value> {
    let host = Command::new("rustc").args(["-vV"]).output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let arguments = ["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", host];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let linked: BTreeSet<&str> = metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect();
    let packages = metadata["packages"].as_array().unwrap().iter().filter(|package| linked.contains(package["id"].as_str().unwrap()));
    packages.cloned().collect()
}

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap()
}

/// Whether terms are met by what is allowed: SPDX's `OR`, `AND`, `WITH` and parentheses, and the slash of old.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    either(&mut words.as_slice(), allowed)
}

fn either(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = both(words, allowed);
    while words.first() == Some(&"OR") {
        *words = &words[1..];
        met |= both(words, allowed);
    }
    met
}

fn both(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = one(words, allowed);
    while words.first() == Some(&"AND") {
        *words = &words[1..];
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let Some((first, rest)) = words.split_first() else { return false };
    *words = rest;
    if *first == "(" {
        let met = either(words, allowed);
        *words = words.strip_prefix(&[")"]).unwrap_or_else(|| panic!("no parenthesis closes before {words:?}"));
        return met;
    }
    if let ["WITH", exception, rest @ ..] = words {
        let whole = format!("{first} WITH {exception}");
        *words = rest;
        return allowed.contains(&whole);
    }
    allowed.contains(*first)
}

#[test]
fn terms_are_read_as_they_are_meant() {
    let allowed = BTreeSet::from(["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned));
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND Zlib", true),
        ("GPL-3.0 OR (MIT AND GPL-2.0)", false),
        ("MIT AND GPL-2.0 OR Zlib", true),
        ("Apache-2.0", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0 WITH other", false),
        ("", false),
    ] {
        assert_eq!(is_met(expression, &allowed), met, "{expression}");
    }
}

#[test]
fn everything_that_is_linked_has_terms_that_are_allowed() {
    let allowed = listed("licenses", "allow");
    let packages = packages();
    let foreign: Vec<&Value> = packages.iter().filter(|package| !package["source"].is_null()).collect();
    assert!(foreign.len() > 200, "{}", foreign.len());
    for package in foreign {
        let terms = package["license"].as_str().unwrap_or_default();
        assert!(is_met(terms, &allowed), "`{}` has the terms `{terms}`", name(package));
    }
}

#[test]
fn nothing_that_is_banned_is_linked() {
    let banned = listed("bans", "deny");
    assert!(banned.contains("aws-lc-rs"), "{banned:?}");
    // Cargo's tree has what is linked; its metadata have what some choice of features would link besides.
    let tree = ["tree", "--workspace", "--offline", "--locked", "--prefix", "none", "--format", "{p}"];
    let output = Command::new(env!("CARGO")).args(tree).current_dir(root()).output().unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    let linked: BTreeSet<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(linked.len() > 200, "{}", String::from_utf8_lossy(&output.stderr));
    for name in banned {
        assert!(!linked.contains(name.as_str()), "`{name}` is linked");
    }
}

#[test]
fn everything_comes_from_the_public_registry_and_no_version_is_left_open() {
    for lock in ["Cargo.lock", "tests/fuzz/Cargo.lock", "tests/bench/Cargo.lock"] {
        let text = fs::read_to_string(root().join(lock)).unwrap();
        for source in text.lines().filter_map(|line| line.strip_prefix("source = ")) {
            assert_eq!(source, r#""registry+https://github.com/rust-lang/crates.io-index""#, "{lock}");
        }
    }
    for package in packages().iter().filter(|package| package["source"].is_null()) {
        for dependency in package["dependencies"].as_array().unwrap() {
            assert!(dependency["req"] != "*" || dependency["path"].is_string(), "`{}` takes any version of {}", name(package), dependency["name"]);
        }
    }
}

#[test]
fn no_crate_of_ours_can_have_unsafe_code() {
    let ours = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let lints = ours.split("[workspace.lints.rust]\n").nth(1).unwrap().split("\n[").next().unwrap();
    assert!(lints.lines().any(|line| line == r#"unsafe_code = "forbid""#), "{lints}");
    let mut members = 0;
    for package in packages().iter().filter(|package| package["source"].is_null()) {
        let manifest = fs::read_to_string(package["manifest_path"].as_str().unwrap()).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "`{}` is not held to the workspace's lints", name(package));
        members += 1;
    }
    assert!(members >= 30, "{members}");
    // These are workspaces of their own. Of the fuzz targets the library is all that is ours: the rest is what libFuzzer makes of a line each.
    let bench = fs::read_to_string(root().join("tests/bench/Cargo.toml")).unwrap();
    assert!(bench.contains("[lints.rust]\nunsafe_code = \"forbid\""), "tests/bench");
    assert!(fs::read_to_string(root().join("tests/fuzz/src/lib.rs")).unwrap().contains("#![forbid(unsafe_code)]"), "tests/fuzz");
    for target in fs::read_dir(root().join("tests/fuzz/fuzz_targets")).unwrap() {
        let text = fs::read_to_string(target.unwrap().path()).unwrap();
        assert!(text.lines().count() <= 4 && !text.contains(concat!("un", "safe")), "{text}");
    }
}

#[test]
fn the_limits_that_security_promises_are_constants() {
    let text = fs::read_to_string(root().join(".github/SECURITY.md")).unwrap();
    let rows: Vec<&str> = text.split("## Limits").nth(1).unwrap().lines().filter(|line| line.starts_with("| ") && line.contains('`')).collect();
    assert!(rows.len() >= 15, "{rows:?}");
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let mut named = cells[2].split('`').skip(1).step_by(2);
        let file = fs::read_to_string(root().join(named.next().unwrap())).unwrap_or_else(|error| panic!("{row}: {error}"));
        let mut numbers = cells[1].split(|character: char| !(character.is_ascii_digit() || character == ',')).filter(|part| !part.is_empty());
        for constant in named {
            let value = file.split(&format!("const {constant}: ")).nth(1).unwrap_or_else(|| panic!("`{constant}` isn't there: {row}"));
            let value = value.split('=').nth(1).unwrap().split(';').next().unwrap().replace('_', "");
            let number = numbers.next().unwrap_or_else(|| panic!("`{constant}` has no number: {row}")).replace(',', "");
            assert!(value.split(|character: char| !character.is_ascii_digit()).any(|part| part == number), "{row}: `{constant}` is{value}");
        }
    }
}
