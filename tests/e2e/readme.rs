//! The README's commands do what it says.

use std::process::Command;

use crate::harness::{Server, tool};

const README: &str = include_str!("../../README.md");

/// The fenced blocks of a language, in order.
fn blocks(language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    README.split(&opening).skip(1).map(|rest| rest.split("\n```").next().unwrap().to_owned()).collect()
}

fn here(block: &str, server: &Server) -> String {
    block.replace("http://127.0.0.1:8080", &server.base)
}

#[test]
fn every_shell_command_succeeds() {
    if Command::new("curl").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "curl is not installed, so this can't run");
        return println!("NOT RUN: curl is not installed");
    }
    let server = Server::with(&[]);
    let blocks = blocks("bash");
    assert!(blocks.len() >= 4, "{blocks:?}");
    for block in blocks {
        let output = Command::new("bash").args(["-euc", &here(&block, &server)]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !said.is_empty(), "{block}\n{output:?}");
        assert!(!said.contains("\"error\""), "{block}\n{said}");
    }
}

#[test]
fn the_python_snippet_prints_a_completed_task() {
    let Some(python) = tool("A2A_TEST_PYTHON_1") else { return };
    let server = Server::with(&[]);
    for block in blocks("python") {
        let said = python.run(&["-c", &here(&block, &server)]);
        assert!(said.to_lowercase().contains("completed"), "{said}");
    }
}

#[test]
fn the_javascript_snippet_prints_a_completed_task() {
    let Some(node) = tool("A2A_TEST_NODE") else { return };
    let server = Server::with(&[]);
    for block in blocks("javascript") {
        let said = node.run(&["--input-type=module", "--eval", &here(&block, &server)]);
        assert!(said.contains("completed"), "{said}");
    }
}
