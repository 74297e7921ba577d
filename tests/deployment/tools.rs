//! The checks of AWS's own tools. Each finds what another lets pass: a misspelt property of an event is seen by the first one alone.

use std::{path::PathBuf, process::Command};

/// The Python of the environment with the tools; `None` where there is none, which fails in CI.
pub fn python() -> Option<PathBuf> {
    let found = std::env::var_os("A2A_TEST_PYTHON_SAM").filter(|path| !path.is_empty());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "A2A_TEST_PYTHON_SAM is not set, so this can't run (start it with `cargo xtask test`)");
        println!("NOT RUN: A2A_TEST_PYTHON_SAM is not set (start it with `cargo xtask test`)");
    }
    found.map(PathBuf::from)
}

/// Runs a program of the environment, without an account; gives what it prints.
#[track_caller]
pub fn run(program: PathBuf, arguments: &[&str]) -> String {
    let mut command = Command::new(&program);
    // It looks for newer versions of itself otherwise, and tells its maker of each run.
    command.args(arguments).env("SAM_CLI_TELEMETRY", "0").env("AWS_DEFAULT_REGION", "eu-west-1").env_remove("AWS_PROFILE");
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{} {arguments:?}: {}\n{out}\n{err}", program.display(), output.status);
    out.into_owned()
}

pub fn template() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../template.yaml").to_owned()
}

fn check(program: &str, arguments: &[&str]) {
    if let Some(python) = python() {
        run(python.with_file_name(program), &[arguments, &[&template()]].concat());
    }
}

#[test]
fn sam_validate_passes() {
    check("sam", &["validate", "--template"]);
}

#[test]
fn sam_validate_lint_passes() {
    check("sam", &["validate", "--lint", "--template"]);
}

#[test]
fn cfn_lint_passes_without_a_warning() {
    check("cfn-lint", &[]);
}

#[test]
fn samconfig_is_read_and_gives_parameters_that_there_are() {
    let Some(python) = python() else { return };
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/samconfig.toml");
    run(python.with_file_name("sam"), &["validate", "--config-file", config, "--config-env", "postgres", "--template", &template()]);
    let read = "import json, sys, tomllib; json.dump(tomllib.load(open(sys.argv[1], 'rb')), sys.stdout)";
    let config: serde_json::Value = serde_json::from_str(&run(python, &["-c", read, config])).unwrap();
    let parameters = &crate::stack::transformed().unwrap()["Parameters"];
    for environment in ["default", "postgres", "x86"] {
        let deploy = &config[environment]["deploy"]["parameters"];
        assert_eq!(deploy["capabilities"], "CAPABILITY_IAM", "{environment}");
        for given in deploy["parameter_overrides"].as_array().unwrap() {
            let (name, value) = given.as_str().unwrap().split_once('=').unwrap();
            let allowed = parameters[name]["AllowedValues"].as_array().unwrap();
            assert!(allowed.iter().any(|allowed| allowed == value), "{environment}: {given}");
        }
    }
}
