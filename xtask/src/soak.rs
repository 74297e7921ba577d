//! `cargo xtask soak`: a server under a steady load for long, and whether it stays as it is: no failure, no more memory, files or connections.

mod process;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use self::process::{Sample, Server};
use crate::step::{cargo, step, target};

/// What the server may take more of at the end than after its warm-up.
const GROWTH: f64 = 0.05;
/// Files and connections come and go one by one: so many are no growth.
const SPARE_FILES: f64 = 2.0;
/// The first part of the time is the warm-up.
const WARM_UP: usize = 5;
/// How often the server is looked at during a soak, at least a tenth of a second apart.
const SAMPLES: u32 = 300;
/// How long each rate is tried when half the highest is looked for, in seconds.
const TRY_SECONDS: &str = "3";

/// How long, and how much.
pub struct Soak {
    pub server: PathBuf,
    pub duration: Duration,
    /// Requests a second; half of what the server bears if not given.
    pub rate: Option<f64>,
}

/// What was seen.
#[derive(Debug)]
pub struct Soaked {
    pub rate: f64,
    pub samples: Vec<Sample>,
    pub requests: u64,
    pub failed: u64,
}

/// Builds the server as it is shipped, and soaks it.
///
/// # Errors
/// Where it can't be built or measured, or doesn't stay as it is.
pub fn run(seconds: u64, rate: Option<f64>) -> Result<()> {
    step("build the server", &mut cargo(&["build", "--release", "--package", "gateway", "--quiet"]))?;
    let soaked = Soak { server: target().join("release/a2a"), duration: Duration::from_secs(seconds), rate }.run()?;
    soaked.print();
    let problems = soaked.problems();
    ensure!(problems.is_empty(), "{}", problems.join("; "));
    println!("Nothing failed, and nothing grew.");
    Ok(())
}

impl Soak {
    /// Loads a fresh server, and looks at it meanwhile.
    ///
    /// # Errors
    /// Where the server or the load can't be started, or say what they don't say.
    pub fn run(&self) -> Result<Soaked> {
        let server = Server::start(&self.server)?;
        let rate = match self.rate {
            Some(rate) => rate,
            None => {
                let report = self.load(&server, &["--saturate", "--duration", TRY_SECONDS])?.finish()?;
                report["saturation"]["highest_rate"].as_f64().context("no rate was borne")? / 2.0
            }
        };
        println!("{rate:.0} requests a second for {} s", self.duration.as_secs());
        let (rate_text, duration) = (rate.to_string(), self.duration.as_secs_f64().to_string());
        let mut load = self.load(&server, &["--rate", &rate_text, "--duration", &duration])?;
        let pause = (self.duration / SAMPLES).max(Duration::from_millis(100));
        let (begun, mut samples) = (Instant::now(), Vec::new());
        while !load.is_over()? {
            if begun.elapsed() < self.duration {
                samples.push(server.sample(begun.elapsed())?);
            }
            thread::sleep(pause);
        }
        let report = load.finish()?;
        let count = |name: &str| report[name].as_u64().with_context(|| format!("the report has no {name}"));
        Ok(Soaked { rate, samples, requests: count("total_requests")?, failed: count("failed_requests")? })
    }

    fn load(&self, server: &Server, arguments: &[&str]) -> Result<Load> {
        let report = server.directory().join("report.json");
        let mut command = Command::new(&self.server);
        command.args(["load", "--url", &server.url, "--report"]).arg(&report).args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().context("can't start the load")?;
        Ok(Load { child, report })
    }
}

/// A load under way; ended with this.
struct Load {
    child: std::process::Child,
    report: PathBuf,
}

impl Load {
    fn is_over(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    fn finish(mut self) -> Result<Value> {
        let status = self.child.wait()?;
        ensure!(status.success(), "the load ended with {status}");
        read(&self.report)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // It has ended, most likely.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("no report at {}", path.display()))?;
    serde_json::from_str(&text).context("the report is not JSON")
}

/// What is measured, by name: how it is taken from a sample, what stands for many of them, and how much more of it is no growth.
type Measure = (&'static str, fn(&Sample) -> f64, fn(&[f64]) -> Option<f64>, f64);

const MEASURES: [Measure; 3] = [
    ("memory (MB)", |sample| sample.memory_kb as f64 / 1024.0, median, 0.0),
    // Where requests come at a rate, a slow moment takes more connections for a while: what is never given back is what counts.
    ("open files", |sample| sample.files as f64, least, SPARE_FILES),
    ("connections", |sample| sample.sockets as f64, least, SPARE_FILES),
];

fn median(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

fn least(sorted: &[f64]) -> Option<f64> {
    sorted.first().copied()
}

impl Soaked {
    /// What didn't stay as it was.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.failed > 0 {
            problems.push(format!("{} of {} requests failed", self.failed, self.requests));
        }
        for (name, of, stands, spare) in MEASURES {
            match self.beginning_and_end(of, stands) {
                Some((before, after)) if after > before * (1.0 + GROWTH) + spare => {
                    problems.push(format!("{name} grew from {before:.1} to {after:.1}"))
                }
                Some(_) => {}
                None => problems.push(format!("too few samples of {name}")),
            }
        }
        problems
    }

    /// What stands for the first and for the last quarter after the warm-up.
    fn beginning_and_end(&self, of: fn(&Sample) -> f64, stands: fn(&[f64]) -> Option<f64>) -> Option<(f64, f64)> {
        let warm = &self.samples[self.samples.len() / WARM_UP..];
        let quarter = warm.len() / 4;
        let one = |samples: &[Sample]| {
            let mut values: Vec<f64> = samples.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            stands(&values)
        };
        Some((one(&warm[..quarter])?, one(&warm[warm.len() - quarter..])?))
    }

    fn print(&self) {
        println!("\n{} requests, {:.0} a second, {} failed", self.requests, self.rate, self.failed);
        println!("{:>8} {:>12} {:>12} {:>12}", "second", "memory MB", "open files", "connections");
        for sample in self.samples.iter().step_by((self.samples.len() / 20).max(1)) {
            let memory = sample.memory_kb as f64 / 1024.0;
            println!("{:>8.0} {memory:>12.1} {:>12} {:>12}", sample.at.as_secs_f64(), sample.files, sample.sockets);
        }
        for (name, of, stands, _) in MEASURES {
            if let Some((before, after)) = self.beginning_and_end(of, stands) {
                println!("{name}: {before:.1} after the warm-up, {after:.1} at the end");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each second a little more.
    fn soaked(memory_kb: u64, files: f64, failed: u64) -> Soaked {
        let sample = |second: u64| Sample {
            at: Duration::from_secs(second),
            memory_kb: 100_000 + memory_kb * second,
            files: 40 + (files * second as f64) as usize,
            sockets: 30,
        };
        Soaked { rate: 50.0, samples: (0..600).map(sample).collect(), requests: 30_000, failed }
    }

    #[test]
    fn what_stays_as_it_is_has_no_problems() {
        assert_eq!(soaked(0, 0.0, 0).problems(), Vec::<String>::new());
        // 3.6 % in what is compared.
        assert_eq!(soaked(10, 0.0, 0).problems(), Vec::<String>::new());
    }

    #[test]
    fn a_slow_moment_is_no_growth() {
        let mut soaked = soaked(0, 0.0, 0);
        soaked.samples[550..].iter_mut().for_each(|sample| sample.sockets += 40);
        assert_eq!(soaked.problems(), Vec::<String>::new());
        soaked.samples[400..].iter_mut().for_each(|sample| sample.sockets += 40);
        assert_eq!(soaked.problems(), ["connections grew from 30.0 to 70.0"]);
    }

    #[test]
    fn whatever_grows_or_fails_is_named() {
        assert_eq!(soaked(20, 0.0, 0).problems(), ["memory (MB) grew from 101.2 to 108.2"]);
        assert_eq!(soaked(0, 0.1, 0).problems(), ["open files grew from 52.0 to 88.0"]);
        assert_eq!(soaked(0, 0.0, 3).problems(), ["3 of 30000 requests failed"]);
        let short = Soaked { samples: Vec::new(), ..soaked(0, 0.0, 0) };
        assert_eq!(short.problems().len(), 3, "{:?}", short.problems());
    }

    #[test]
    fn a_server_is_loaded_and_looked_at() {
        let server = target().join("debug/a2a");
        if !server.exists() {
            assert!(cargo(&["build", "--package", "gateway", "--bin", "a2a", "--quiet"]).status().unwrap().success());
        }
        let soaked = Soak { server, duration: Duration::from_secs(2), rate: Some(25.0) }.run().unwrap();
        assert_eq!((soaked.requests, soaked.failed), (50, 0));
        assert!(soaked.samples.len() >= 5, "{soaked:?}");
        for sample in &soaked.samples {
            assert!(sample.memory_kb > 5_000 && sample.sockets >= 2 && sample.files > sample.sockets, "{sample:?}");
        }
    }
}
