//! Rates, latencies and CPU.

use std::{fs, path::Path, time::Instant};

/// Whose CPU is counted.
pub struct Meter {
    /// The process whose children are the database's, where it is one on this machine.
    pub postmaster: Option<u32>,
}

impl Meter {
    /// Does it `times` times from `at_once` tasks and tells rate, latency and CPU.
    pub async fn measure<F, T>(&self, what: &str, times: usize, at_once: usize, work: impl Fn() -> F) -> Vec<T>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let (cpu, begin) = (self.cpu(), Instant::now());
        let (mut results, mut latencies) = (Vec::with_capacity(times), Vec::with_capacity(times));
        let mut running = tokio::task::JoinSet::new();
        let mut started = 0;
        while results.len() < times {
            while started < times && running.len() < at_once {
                let (work, begin) = (work(), Instant::now());
                running.spawn(async move { (work.await, begin.elapsed().as_micros()) });
                started += 1;
            }
            let (result, latency) = running.join_next().await.unwrap().unwrap();
            results.push(result);
            latencies.push(latency);
        }
        latencies.sort_unstable();
        let (per_second, now) = (times as f64 / begin.elapsed().as_secs_f64(), self.cpu());
        let [here, there] = [(now.0 - cpu.0) / times as f64, (now.1 - cpu.1) / times as f64];
        let (p50, p99) = (latencies[times / 2], latencies[times * 99 / 100]);
        let whose = if self.postmaster.is_some() { "the server's" } else { "the writer's (of it)" };
        println!("{what:34} {per_second:9.0}/s   p50 {p50:5} us   p99 {p99:6} us   CPU {here:6.1} us each, {there:6.1} {whose}");
        results
    }

    /// What this process used so far, and the database: the server's processes or the writer's thread. In microseconds (Linux).
    fn cpu(&self) -> (f64, f64) {
        let (mut all, mut writer) = (0.0, 0.0);
        for thread in fs::read_dir("/proc/self/task").unwrap().map(|thread| thread.unwrap().path()) {
            let used = microseconds(&thread);
            all += used;
            if fs::read_to_string(thread.join("comm")).unwrap().starts_with("sqlite-writer") {
                writer += used;
            }
        }
        (all, self.postmaster.map_or(writer, server_cpu))
    }
}

fn server_cpu(postmaster: u32) -> f64 {
    let processes = fs::read_dir("/proc").unwrap().map(|process| process.unwrap().path());
    processes.filter(|process| parent(process) == Some(postmaster)).map(|process| microseconds(&process)).sum()
}

/// The process that started a process.
pub fn parent(process: &Path) -> Option<u32> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The name, in parentheses, may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn microseconds(of: &Path) -> f64 {
    let used = fs::read_to_string(of.join("schedstat")).unwrap_or_default();
    used.split(' ').next().and_then(|used| used.parse::<f64>().ok()).unwrap_or_default() / 1000.0
}
