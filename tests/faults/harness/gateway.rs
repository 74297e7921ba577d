//! Gateways as child processes over one backend: started, killed, replaced.

use std::{
    ffi::OsStr,
    io::Write,
    os::unix::{
        fs::{PermissionsExt, symlink},
        process::ExitStatusExt,
    },
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tempfile::TempDir;
use tests::servers::{drop_postgres_database, postgres_database};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// A killed process is gone, and a started one listens, within this.
const PATIENCE: Duration = Duration::from_secs(90);

/// What gateways share: a directory, and a database with what belongs to it.
pub struct Backend {
    directory: TempDir,
    settings: Vec<(String, String)>,
    gateways: AtomicU32,
    database: Option<String>,
}

impl Backend {
    /// One that gateways reach with these settings; without any it is a SQLite file in the directory.
    pub fn new(settings: &[(&str, &str)]) -> Backend {
        let own = [
            ("A2A_AGENTS", "steps"),
            ("A2A_PUSH_ALLOW_LOOPBACK", "1"),
            ("A2A_LOG_FORMAT", "text"),
            ("A2A_DB_MAX_CONNECTIONS", "5"),
            ("TOKIO_WORKER_THREADS", "2"),
        ];
        let settings = own.iter().chain(settings).map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Backend { directory: tempfile::tempdir().unwrap(), settings, gateways: AtomicU32::new(0), database: None }
    }

    /// A database of the test's own on Postgres, which its gateways don't need any more when this value goes.
    pub async fn postgres() -> Backend {
        let url = postgres_database().await;
        let mut backend = Backend::new(&[("A2A_DATABASE_URL", &url)]);
        backend.database = Some(url);
        backend
    }

    /// The same with Redis at this URL.
    pub async fn postgres_and_redis(redis: &str) -> Backend {
        let mut backend = Backend::postgres().await;
        backend.set("A2A_REDIS_URL", redis);
        backend
    }

    /// A table and queues of the test's own, as in the template.
    pub async fn dynamodb_sqs() -> Backend {
        Backend::on_aws(tests::aws::variables().await)
    }

    /// The same, where webhooks may come twice and in any order.
    pub async fn dynamodb_sqs_standard() -> Backend {
        Backend::on_aws(tests::aws::variables_of_standard_queues().await)
    }

    fn on_aws(variables: Vec<(&'static str, String)>) -> Backend {
        let settings: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Backend::new(&settings)
    }

    /// The file whose presence arms the faults of this backend's gateways.
    pub fn trigger(&self) -> PathBuf {
        self.directory.path().join("armed")
    }

    /// What gateways are told by a variable.
    pub fn setting(&self, name: &str) -> &str {
        &self.settings.iter().rev().find(|(known, _)| known == name).expect("a setting of this backend").1
    }

    /// Tells gateways that start from now on something else.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A gateway that no fault hits.
    pub async fn gateway(&self) -> Gateway {
        self.start(&[]).await
    }

    /// A gateway that dies at the `number`th time at a point, once [`Self::trigger`] is there, if no other gateway did.
    pub async fn doomed_gateway(&self, point: &str, number: u32) -> Gateway {
        self.start(&[("A2A_FAULT", &self.fault(point, number))]).await
    }

    /// To die at the `number`th time at a point, once [`Self::trigger`] is there, if no other process did.
    pub fn fault(&self, point: &str, number: u32) -> String {
        format!("kill:{point}#{number}@{}", self.trigger().display())
    }

    /// A gateway that runs functions as processes, of which those of some functions have faults.
    pub async fn gateway_of_processes(&self, faults: &[(&str, &str)]) -> Gateway {
        let programs = binary().parent().unwrap().to_owned();
        let bootstraps = self.directory.path().join("bootstraps");
        std::fs::create_dir(&bootstraps).unwrap();
        for program in std::fs::read_dir(&programs).unwrap().map(|entry| entry.unwrap().path()) {
            if program.is_file() && program.extension().is_none() {
                symlink(&program, bootstraps.join(program.file_name().unwrap())).unwrap();
            }
        }
        for (function, fault) in faults {
            let doomed = bootstraps.join(function);
            std::fs::remove_file(&doomed).unwrap();
            std::fs::write(&doomed, format!("#!/bin/sh\nA2A_FAULT='{fault}' exec '{}'\n", programs.join(function).display())).unwrap();
            std::fs::set_permissions(&doomed, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        self.run(&["--functions".as_ref(), "processes".as_ref(), "--bootstraps".as_ref(), bootstraps.as_os_str()], &[]).await
    }

    /// A gateway with more settings.
    pub async fn start(&self, more: &[(&str, &str)]) -> Gateway {
        self.run(&[], more).await
    }

    async fn run(&self, options: &[&OsStr], more: &[(&str, &str)]) -> Gateway {
        let log = self.directory.path().join(format!("gateway-{}.log", self.gateways.fetch_add(1, Ordering::SeqCst)));
        let mut command = Command::new(binary());
        command
            .args(["serve", "--addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0"])
            .args(options)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("A2A_")) {
            command.env_remove(name);
        }
        command.envs(self.settings.iter().map(|(name, value)| (name, value))).envs(more.iter().copied());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = timeout(PATIENCE, lines.next_line()).await.expect("a gateway's first line in time").unwrap().unwrap_or_default();
        let Some(base) = first.split_whitespace().find(|word| word.starts_with("http://")).map(str::to_owned) else {
            let output = child.wait_with_output().await.unwrap();
            panic!("the gateway's first line names no address: `{first}`\n{}", String::from_utf8_lossy(&output.stderr));
        };
        let mut file = std::fs::File::create(&log).unwrap();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let _ = writeln!(file, "{line}");
            }
        });
        Gateway { base, child, log }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let Some(url) = self.database.take() else { return };
        // In the midst of a test, which runs on a runtime of its own.
        let dropping = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move { drop_postgres_database(&url).await });
        });
        let _ = dropping.join();
    }
}

/// A running gateway; killed with the value.
pub struct Gateway {
    /// Its URL.
    pub base: String,
    child: Child,
    log: PathBuf,
}

impl Gateway {
    /// `kill -9`.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, and what became of it.
    pub async fn terminate(&mut self) -> ExitStatus {
        let id = self.child.id().expect("a running gateway").to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        timeout(PATIENCE, self.child.wait()).await.expect("the gateway ends when it is told to").unwrap()
    }

    /// Waits for its fault to hit: it ends by SIGKILL and by nothing else.
    pub async fn hit(&mut self) {
        let status = self.child.wait().await.unwrap();
        assert_eq!(status.signal(), Some(9), "a gateway ended by itself ({status}):\n{}", self.last_words());
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("--- the last words of {}\n{}", self.log.display(), self.last_words());
        }
    }
}

/// The `a2a` binary beside the test's own. It has to be built with its fault points.
fn binary() -> PathBuf {
    let path = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("a2a");
    assert!(path.exists(), "no binary at {}: `cargo build -p gateway --features fault-points` makes it", path.display());
    path
}
