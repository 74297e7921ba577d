//! A server in a directory of its own, and what the kernel says of it.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Context, Result};

/// A server, ended and deleted with this.
pub struct Server {
    /// Where clients find it.
    pub url: String,
    child: Child,
    directory: PathBuf,
}

/// What a process has.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Since the load began.
    pub at: Duration,
    /// Resident.
    pub memory_kb: u64,
    /// Of any kind.
    pub files: usize,
    /// Those of the files that are connections, or wait for some.
    pub sockets: usize,
}

impl Server {
    /// Starts a server at a free port, without data of its own. Variables are this process's: they say where its database is, if not in a file.
    ///
    /// # Errors
    /// Where it doesn't start.
    pub fn start(program: &Path) -> Result<Server> {
        static SERVERS: AtomicU32 = AtomicU32::new(0);
        let number = SERVERS.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("a2a-soak-{}-{number}", std::process::id()));
        fs::create_dir(&directory).with_context(|| format!("can't make {}", directory.display()))?;
        let log = fs::File::create(directory.join("log"))?;
        let mut command = Command::new(program);
        command.args(["serve", "--addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0"]).current_dir(&directory);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn();
        let mut server = Server { url: String::new(), child: child.with_context(|| format!("can't start {}", program.display()))?, directory };
        let output = server.child.stdout.take().context("the server's output")?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        // A log may come before it.
        while output.read_line(&mut line)? > 0 {
            if let Some((_, url)) = line.split_once("listening on ") {
                server.url = url.trim().to_owned();
                // A server that nobody reads would stand still, or complain of it.
                thread::spawn(move || io::copy(&mut output, &mut io::sink()));
                return Ok(server);
            }
            line.clear();
        }
        let log = fs::read_to_string(server.directory.join("log")).unwrap_or_default();
        anyhow::bail!("the server doesn't start: {}", log.lines().last().unwrap_or("it says nothing"))
    }

    /// A place for files, gone with the server.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What it has now.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn sample(&self, at: Duration) -> Result<Sample> {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()));
        let status = fs::read_to_string(process.join("status")).context("the server has ended")?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse().ok());
        let mut sample = Sample { at, memory_kb: memory.context("the server has ended")?, files: 0, sockets: 0 };
        for file in fs::read_dir(process.join("fd")).context("the server has ended")? {
            sample.files += 1;
            // One that was closed meanwhile is none.
            let is_socket =
                file.ok().and_then(|file| fs::read_link(file.path()).ok()).is_some_and(|link| link.to_string_lossy().starts_with("socket:"));
            sample.sockets += usize::from(is_socket);
        }
        Ok(sample)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended, or ends now.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
