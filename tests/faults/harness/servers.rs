//! Servers of a test's own, which it may stop: Postgres that keeps what it committed, and Redis.

use std::{
    os::unix::fs::chown,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use sqlx::{Connection, Executor, PgConnection};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::sleep,
};

const STARTED_WITHIN: Duration = Duration::from_secs(60);

/// How Postgres is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Ends connections and closes its files (SIGINT).
    Fast,
    /// Leaves everything as it is, to be recovered at the next start (SIGQUIT).
    Immediate,
}

/// A Postgres cluster in a directory of its own, with its commits synced as in production.
pub struct OwnPostgres {
    directory: TempDir,
    port: u16,
    owner: Option<(u32, u32)>,
    server: Option<Child>,
}

impl OwnPostgres {
    /// A new cluster, started, with the programs in the folder that `A2A_TEST_POSTGRES_BIN` names.
    pub async fn start() -> OwnPostgres {
        // It refuses to run as root, and another user can't reach every temporary directory.
        let root = id(&["-u"]).await == Some(0);
        let owner = if root { Some((id(&["-u", "postgres"]).await.unwrap(), id(&["-g", "postgres"]).await.unwrap())) } else { None };
        let base = if root { PathBuf::from("/tmp") } else { std::env::temp_dir() };
        let directory = tempfile::Builder::new().prefix("a2a-faults-postgres-").tempdir_in(base).unwrap();
        if let Some((user, group)) = owner {
            chown(directory.path(), Some(user), Some(group)).unwrap();
        }
        let mut server = OwnPostgres { directory, port: free_port().await, owner, server: None };
        let mut create = server.program("initdb");
        let created =
            create.args(["--pgdata=data", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]).output().await.unwrap();
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
        server.start_again().await;
        server
    }

    /// Where a new, empty database is.
    pub async fn database(&self) -> String {
        let name = format!("d{}", uuid::Uuid::now_v7().simple());
        let mut connection = PgConnection::connect(&self.url(self.port, "postgres")).await.unwrap();
        connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        name
    }

    /// The URL of a database behind a port, the server's own or a proxy's.
    pub fn url(&self, port: u16, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/{database}")
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops it and waits for its end.
    pub async fn stop(&mut self, how: Stop) {
        let mut server = self.server.take().expect("a running server");
        let signal = match how {
            Stop::Fast => "-INT",
            Stop::Immediate => "-QUIT",
        };
        let id = server.id().expect("a running server").to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
        server.wait().await.unwrap();
    }

    /// Starts it over its data, and waits until it answers.
    pub async fn start_again(&mut self) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.directory.path().join("log")).unwrap();
        let port = self.port.to_string();
        let mut serve = self.program("postgres");
        serve.args(["-D", "data", "-p", &port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=300"]);
        self.server = Some(serve.stdout(Stdio::null()).stderr(log).kill_on_drop(true).spawn().unwrap());
        let begun = Instant::now();
        while PgConnection::connect(&self.url(self.port, "postgres")).await.is_err() {
            let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
            assert!(begun.elapsed() < STARTED_WITHIN, "Postgres doesn't start:\n{log}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(folder("A2A_TEST_POSTGRES_BIN").join(name));
        command.current_dir(self.directory.path()).env("LC_ALL", "C").stdin(Stdio::null());
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
        command
    }
}

/// Redis that keeps nothing: after a stop all of it is lost.
pub struct OwnRedis {
    port: u16,
    server: Option<Child>,
}

impl OwnRedis {
    /// Started with the program in the folder that `A2A_TEST_REDIS_BIN` names.
    pub async fn start() -> OwnRedis {
        let mut server = OwnRedis { port: free_port().await, server: None };
        server.start_again().await;
        server
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// `kill -9`.
    pub async fn stop(&mut self) {
        self.server.take().expect("a running server").kill().await.unwrap();
    }

    /// Starts it empty at the same port, and waits until it answers.
    pub async fn start_again(&mut self) {
        let folder = folder("A2A_TEST_REDIS_BIN");
        let program = ["redis-server", "valkey-server"].map(|name| folder.join(name)).into_iter().find(|path| path.exists()).expect("redis-server");
        let port = self.port.to_string();
        let mut serve = Command::new(program);
        serve.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no"]);
        self.server = Some(serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap());
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(begun.elapsed() < STARTED_WITHIN, "Redis doesn't start");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

fn folder(variable: &str) -> PathBuf {
    std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} isn't set: `cargo xtask test` finds the programs that tests need")).into()
}

/// A port that stays free while its server is stopped: below those that the system gives to connections.
async fn free_port() -> u16 {
    loop {
        let port = 10_000 + (uuid::Uuid::new_v4().as_u128() % 20_000) as u16;
        if tokio::net::TcpListener::bind(("127.0.0.1", port)).await.is_ok() {
            return port;
        }
    }
}

async fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().await.ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
