//! What holds for each source file.

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use tests::files::root;

/// The folder of each function.
pub fn functions() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("functions")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|folder| folder.join("Cargo.toml").exists()).collect()
}

/// Every Rust file of ours below a folder: its path from the repository, and its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let shown = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.push((shown, fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "{folder}");
    found
}

/// The part of a file that is shipped: without the tests at its end.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

/// Whether a file is there for tests only.
fn of_tests(path: &str) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
        || path.ends_with("/testing.rs")
}

#[test]
fn a_file_opens_by_saying_what_it_is_for() {
    for (path, text) in sources(".") {
        assert!(text.starts_with("//! "), "{path} doesn't open with a `//!` sentence");
    }
}

#[test]
fn no_file_is_two_files() {
    for (path, text) in sources(".") {
        assert!(text.lines().count() <= 500, "{path} has {} lines", text.lines().count());
    }
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["todo", "unimplemented"].map(|word| format!("{word}!("));
    // Of halves, so that this file has none of them either.
    let marks = [("TO", "DO"), ("FIX", "ME"), ("XX", "X")].map(|(half, other)| format!("{half}{other}"));
    let ignored = format!("#[{}", "ignore");
    for (path, text) in sources(".") {
        for word in words.iter().chain(&marks).chain([&ignored]) {
            assert!(!text.contains(word.as_str()), "{path} contains `{word}`");
        }
    }
}

#[test]
fn no_file_is_named_for_nothing_in_particular() {
    for (path, _) in sources(".") {
        let name = Path::new(&path).file_stem().unwrap().to_str().unwrap();
        assert!(!["util", "utils", "common", "helper", "helpers", "misc", "manager"].contains(&name), "{path}");
    }
}

#[test]
fn only_setup_reads_the_environment() {
    for (path, text) in [sources("shared"), sources("functions"), sources("infra")].concat() {
        if !path.starts_with("shared/setup/") && !of_tests(&path) {
            assert!(!shipped(&text).contains("env::var"), "{path} reads the environment");
        }
    }
}

#[test]
fn only_the_clock_tells_the_time() {
    for (path, text) in [sources("shared"), sources("functions")].concat() {
        if !path.ends_with("clock.rs") && !of_tests(&path) {
            for reading in ["Utc::now()", "SystemTime::now()", "Local::now()"] {
                assert!(!shipped(&text).contains(reading), "{path} asks for the time with `{reading}`");
            }
        }
    }
}

#[test]
fn protocol_never_waits() {
    for (path, text) in sources("shared/protocol") {
        assert!(!text.contains("async fn") && !text.contains(".await"), "{path} is asynchronous");
    }
}

#[test]
fn nothing_below_the_neck_knows_a_protocol_version() {
    for folder in ["shared/engine", "shared/agents", "shared/events", "shared/queue"] {
        for (path, text) in sources(folder).into_iter().filter(|(path, _)| !of_tests(path)) {
            assert!(!shipped(&text).contains("Dialect::V"), "{path} names a version of the protocol");
        }
    }
}

#[test]
fn the_readme_names_every_variable() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for (path, text) in sources("shared/setup") {
        // Each variable is documented where it is read.
        for documented in text.lines().filter_map(|line| line.trim_start().strip_prefix("/// `A2A_")) {
            let name = format!("`A2A_{}`", documented.split('`').next().unwrap());
            assert!(readme.contains(&name), "{path} reads {name}, which the README doesn't name");
        }
    }
}

#[test]
fn the_readme_says_what_tests_run_against() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut named = 0;
    for (path, text) in [sources("tests/src"), sources("tests/e2e/harness")].concat() {
        for rest in text.split("\"A2A_TEST_").skip(1) {
            let name = format!("A2A_TEST_{}", rest.split('"').next().unwrap());
            if name.ends_with("_URL") || name.ends_with("_BACKEND") {
                assert!(readme.contains(&format!("`{name}")), "{path} reads {name}, which the README doesn't name");
                named += 1;
            }
        }
    }
    assert!(named >= 5, "{named}");
}
