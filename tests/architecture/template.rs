//! template.yaml is the one route table: every function stands in it.

use std::fs;

use crate::files::root;

#[test]
fn every_function_is_deployed() {
    let template = fs::read_to_string(root().join("template.yaml")).unwrap();
    for entry in fs::read_dir(root().join("functions")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let named = template.lines().any(|line| line.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == name));
        assert!(named, "`{name}` is not in template.yaml");
    }
}

#[test]
fn a_function_says_its_trigger_in_its_first_line() {
    for entry in fs::read_dir(root().join("functions")).unwrap().map(Result::unwrap) {
        let main = fs::read_to_string(entry.path().join("src/main.rs")).unwrap();
        assert!(main.starts_with("//! Trigger: "), "{}", entry.path().display());
        assert!(main.lines().count() <= 20, "{} is more than a few lines", entry.path().display());
        // Their manifests build no tests: what there is to test is below them.
        let handler = fs::read_to_string(entry.path().join("src/lib.rs")).unwrap();
        assert!(!handler.contains("#[cfg(test)]"), "{} has tests that never run", entry.path().display());
    }
}
