//! A server for one run: its own port and directory, both free again when this process has ended, however that came about.

use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, TcpListener},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::programs::is_root;

/// How long a server may take to start.
const START: Duration = Duration::from_secs(60);
/// How often one is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(20);
/// Another process may take a port between its choice and its use.
const ATTEMPTS: u32 = 3;

/// Hears the server's process id, then waits for the end of its input, which comes with the end of the process that started it; ends the server,
/// by force after 5 s, and deletes its directory.
const KEEPER: &str = r#"read -r server
read -r _
if [ -n "$server" ]; then
    kill -s "$1" "$server" 2>/dev/null
    for _ in 1 2 3 4 5 6 7 8 9 10; do kill -s 0 "$server" 2>/dev/null && sleep 0.1; done
    for _ in 1 2 3 4; do kill -s 0 "$server" 2>/dev/null && sleep 1; done
    kill -s KILL "$server" 2>/dev/null
fi
rm -rf "$2""#;

/// A running server.
pub struct Throwaway {
    /// Where clients find it.
    pub url: String,
    server: Child,
    place: Place,
}

/// How a kind of server is started.
pub struct Plan {
    /// What it is called.
    pub name: &'static str,
    /// The user and group that it runs as; `None` for this process's own.
    pub owner: Option<(u32, u32)>,
    /// What its log says, one after the other, when it is ready.
    pub ready: &'static [&'static str],
    /// What ends it at once.
    pub signal: &'static str,
    /// Where clients find it, from its port.
    pub url: fn(u16) -> String,
}

/// Starts a server at a free port of this machine and waits until it is ready. `prepare` makes the command from an empty directory, in which it
/// is run, and the port.
///
/// # Errors
/// With the last words of the server's log, where it doesn't start.
pub fn start(plan: &Plan, prepare: impl Fn(&Path, u16) -> Result<Command>) -> Result<Throwaway> {
    let mut attempt = 1;
    loop {
        match try_to_start(plan, &prepare) {
            Err(_) if attempt < ATTEMPTS => attempt += 1,
            outcome => return outcome,
        }
    }
}

fn try_to_start(plan: &Plan, prepare: impl Fn(&Path, u16) -> Result<Command>) -> Result<Throwaway> {
    let mut place = Place::new(plan)?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut command = prepare(&place.directory, port)?;
    let log_file = place.directory.join("log");
    let log = fs::File::create(&log_file)?;
    command.current_dir(&place.directory).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
    let server = command.spawn().with_context(|| format!("can't start {}", command.get_program().display()))?;
    place.holds(&server)?;
    let mut throwaway = Throwaway { url: (plan.url)(port), server, place };
    let begun = Instant::now();
    loop {
        let log = String::from_utf8_lossy(&fs::read(&log_file)?).into_owned();
        if says(&log, plan.ready) {
            return Ok(throwaway);
        }
        if throwaway.server.try_wait()?.is_some() || begun.elapsed() > START {
            let last: Vec<_> = log.lines().rev().take(3).collect();
            bail!("{} doesn't start: {}", plan.name, last.into_iter().rev().collect::<Vec<_>>().join(" / "));
        }
        thread::sleep(LOOK);
    }
}

fn says(log: &str, ready: &[&str]) -> bool {
    ready.iter().try_fold(log, |rest, words| Some(rest.split_once(words)?.1)).is_some()
}

/// Where a server lives: a directory, and a process that clears up after both of us.
struct Place {
    directory: PathBuf,
    keeper: Child,
}

impl Place {
    fn new(plan: &Plan) -> Result<Place> {
        // Of the temporary directories, another user can surely reach this one only.
        let base = if is_root() { PathBuf::from("/tmp") } else { std::env::temp_dir() };
        static PLACES: AtomicU32 = AtomicU32::new(0);
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        let directory = base.join(format!("a2a-test-{}-{}-{number}", plan.name, std::process::id()));
        fs::create_dir(&directory).with_context(|| format!("can't make {}", directory.display()))?;
        // A process group of its own, as the server has: Ctrl-C means this process, whose end they see.
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper", plan.signal])
            .arg(&directory)
            .current_dir("/")
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("can't start sh")?;
        let place = Place { directory, keeper };
        if let Some((user, group)) = plan.owner {
            chown(&place.directory, Some(user), Some(group)).with_context(|| format!("can't give {} away", place.directory.display()))?;
        }
        Ok(place)
    }

    fn holds(&mut self, server: &Child) -> Result<()> {
        let input = self.keeper.stdin.as_mut().context("the keeper listens")?;
        writeln!(input, "{}", server.id()).context("the keeper listens")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        drop(self.place.keeper.stdin.take());
        // The keeper sees the server's end only once it was taken note of here.
        let _ = self.server.wait();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn plan(name: &'static str) -> Plan {
        Plan { name, owner: None, ready: &["first", "second"], signal: "TERM", url: |port| format!("test://127.0.0.1:{port}") }
    }

    fn shell(script: &str) -> Result<Command> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Ok(command)
    }

    #[test]
    fn a_server_and_its_directory_are_gone_when_nobody_holds_them() {
        let server = start(&plan("ends"), |_, _| shell("echo first; sleep 0.1; echo second; exec sleep 600")).unwrap();
        let (process, directory) = (server.server.id().to_string(), server.place.directory.clone());
        let lives = || Command::new("kill").args(["-s", "0", &process]).stderr(Stdio::null()).status().unwrap().success();
        assert!(lives() && directory.join("log").exists());
        drop(server);
        assert!(!lives() && !directory.exists());
    }

    #[test]
    fn a_server_that_does_not_start_is_named_with_its_last_words() {
        let error = start(&plan("fails"), |_, _| shell("echo first; echo no more room; exit 3")).err().unwrap().to_string();
        assert_eq!(error, "fails doesn't start: first / no more room");
    }
}
