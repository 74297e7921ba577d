//! A server as a child process: its address, the CPU time that it used.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};

/// A running server, killed when it is dropped.
pub struct Process {
    child: Child,
    /// `HOST:PORT`.
    pub address: String,
}

impl Process {
    /// Starts a server that prints its address on its first line.
    pub fn start(command: &mut Command) -> Result<Process> {
        let name = command.get_program().display().to_string();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().with_context(|| format!("can't start {name}"))?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        std::thread::spawn(move || lines.for_each(drop));
        let port = first.split("127.0.0.1:").nth(1).with_context(|| format!("{name} printed no address: `{first}`"))?;
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        Ok(Process { child, address: format!("127.0.0.1:{port}") })
    }

    /// User and system time so far, in microseconds.
    pub fn cpu_micros(&self) -> Result<u64> {
        cpu_micros(self.child.id())
    }

    /// Resident memory in bytes.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kilobytes =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")).and_then(|value| value.trim().trim_end_matches(" kB").parse::<u64>().ok());
        Ok(kilobytes.unwrap_or(0) * 1024)
    }
}

/// User and system time of a process so far, and of its children that are gone.
fn cpu_micros(pid: u32) -> Result<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    // Fields 14 to 17 of the line; the state is field 3. In ticks of a hundredth of a second, as Linux has it.
    let ticks: u64 = after_name.split(' ').skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(ticks * 10_000)
}

/// The same with its children that are there.
#[cfg(feature = "servers")]
pub fn tree_cpu_micros(pid: u32) -> Result<u64> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    // One that is gone meanwhile counts with its parent.
    let children: u64 = children.split_whitespace().filter_map(|child| cpu_micros(child.parse().ok()?).ok()).sum();
    Ok(cpu_micros(pid)? + children)
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
