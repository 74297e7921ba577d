//! A server under test: a child process with a directory of its own, killed when the test ends.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use super::{Events, Place};

/// A running server.
pub struct Server {
    pub base: String,
    pub http: reqwest::Client,
    child: Option<Child>,
    place: Option<Arc<Place>>,
    settings: Vec<(String, String)>,
    /// Of the command line.
    arguments: Vec<OsString>,
    /// Where Prometheus reads.
    metrics: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answered {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answered {
    /// The body, which has to be JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("HTTP {} with a body that is not JSON ({error}): {}", self.status, self.text))
    }

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Server {
    /// A server with the shipped agents: the one at `A2A_TEST_URL`, or a fresh one.
    pub fn start() -> Server {
        match std::env::var("A2A_TEST_URL") {
            Ok(url) if !url.is_empty() => {
                let (settings, arguments, metrics) = Default::default();
                Server { base: url.trim_end_matches('/').to_owned(), http: client(), child: None, place: None, settings, arguments, metrics }
            }
            _ => Server::with(&[]),
        }
    }

    /// A fresh server with the conformance agent, which may call webhooks on this machine.
    pub fn conformance() -> Server {
        Server::with(CONFORMANCE)
    }

    /// The same, with these environment variables too.
    pub fn conformance_with(settings: &[(&str, &str)]) -> Server {
        Server::with(&[CONFORMANCE, settings].concat())
    }

    /// Gives a variable that it was started with another value, for its next start.
    pub fn set(&mut self, name: &str, value: &str) {
        let (_, held) = self.settings.iter_mut().find(|(known, _)| known == name).expect("a variable that it was started with");
        *held = value.to_owned();
    }

    /// So many such servers over the same data, started at the same moment.
    pub fn conformance_at_once(count: usize) -> Vec<Server> {
        let place = Arc::new(Place::new());
        std::thread::scope(|scope| {
            let starts: Vec<_> = (0..count).map(|_| scope.spawn(|| Server::over(place.clone(), owned(CONFORMANCE)))).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        })
    }

    /// A fresh server with these environment variables, in an empty directory.
    pub fn with(settings: &[(&str, &str)]) -> Server {
        Server::over(Arc::new(Place::new()), owned(settings))
    }

    /// The same, but described by this template in place of the built-in one.
    pub fn described_by(template: &str, settings: &[(&str, &str)]) -> Server {
        let place = Arc::new(Place::new());
        let path = place.directory.path().join("template.yaml");
        std::fs::write(&path, template).unwrap();
        let mut arguments = how_functions_run();
        arguments.extend(["--template".into(), path.into()]);
        Server::launched(place, owned(settings), arguments)
    }

    /// Another server with the same settings over the same data.
    pub fn beside(&self) -> Server {
        Server::over(self.place().clone(), self.settings.clone())
    }

    fn over(place: Arc<Place>, settings: Vec<(String, String)>) -> Server {
        Server::launched(place, settings, how_functions_run())
    }

    /// A server with these arguments, too.
    pub fn launched(place: Arc<Place>, settings: Vec<(String, String)>, arguments: Vec<OsString>) -> Server {
        let (child, base, metrics) = launch(&place, &settings, &arguments);
        Server { base, http: client(), child: Some(child), place: Some(place), settings, arguments, metrics }
    }

    /// Where Prometheus reads.
    pub fn metrics_url(&self) -> String {
        format!("{}/metrics", self.metrics)
    }

    /// The page that Prometheus reads.
    pub async fn metrics(&self) -> String {
        self.http.get(self.metrics_url()).send().await.unwrap().text().await.unwrap()
    }

    /// All that the server keeps: see [`Place::everything`].
    pub async fn everything(&self) -> Vec<u8> {
        self.place().everything().await
    }

    /// What the server and its functions logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory().join("server.log")).unwrap_or_default()
    }

    fn place(&self) -> &Arc<Place> {
        self.place.as_ref().expect("a server of the test's own")
    }

    /// The directory that the server was started in.
    pub fn directory(&self) -> &Path {
        self.place().directory.path()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        let child = self.child.as_mut().expect("a server of the test's own");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// A new process over the same data, at another port.
    pub fn restart(&mut self) {
        let (child, base, metrics) = launch(self.place(), &self.settings, &self.arguments);
        (self.child, self.base, self.metrics) = (Some(child), base, metrics);
        self.http = client();
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let id = self.child.as_ref().expect("a server of the test's own").id();
        assert!(Command::new("kill").args(["-TERM", &id.to_string()]).status().unwrap().success());
    }

    /// Waits for the process to end by itself.
    pub async fn ended(&mut self, within: Duration) -> ExitStatus {
        let child = self.child.as_mut().expect("a server of the test's own");
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < within, "the server still runs {within:?} after it was told to stop");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether the process is still the one that was started.
    pub fn lives(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_none())
    }

    /// Runs a subcommand of `a2a` over this server's data.
    pub fn command(&self, arguments: &[&str]) -> std::process::Output {
        a2a(self.place(), &self.settings).args(arguments).output().unwrap()
    }

    /// The absolute URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Any request.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> reqwest::Response {
        let mut request = self.http.request(method, self.url(path)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap_or_else(|error| panic!("no answer from {path}: {error:?}"))
    }

    /// GET.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answered {
        answered(self.send(Method::GET, path, headers, "").await).await
    }

    /// POST with a JSON body of any kind.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answered {
        let mut all = vec![("Content-Type", "application/json")];
        all.retain(|(name, _)| !headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)));
        all.extend_from_slice(headers);
        answered(self.send(Method::POST, path, &all, body).await).await
    }

    /// POST in A2A 1.0's HTTP+JSON binding.
    pub async fn rest(&self, path: &str, body: &Value) -> Answered {
        self.post(path, &[("A2A-Version", "1.0")], body.to_string()).await
    }

    /// A JSON-RPC request of A2A 1.0; the whole response object.
    pub async fn v1(&self, method: &str, params: Value) -> Value {
        self.rpc(&[("A2A-Version", "1.0")], method, params).await
    }

    /// The result of a JSON-RPC request of A2A 1.0 that succeeds.
    #[track_caller]
    pub fn ok(&self, method: &str, params: Value) -> impl Future<Output = Value> {
        let method = method.to_owned();
        async move {
            let response = self.v1(&method, params).await;
            assert!(response.get("error").is_none(), "{method}: {response}");
            response["result"].clone()
        }
    }

    /// A JSON-RPC request as clients of 0.3 and before send it: without a version.
    pub async fn old(&self, method: &str, params: Value) -> Value {
        self.rpc(&[], method, params).await
    }

    /// A JSON-RPC request with these headers.
    pub async fn rpc(&self, headers: &[(&str, &str)], method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.post("/", headers, body.to_string()).await.json()
    }

    /// The events of a streaming JSON-RPC method.
    pub async fn stream(&self, headers: &[(&str, &str)], method: &str, params: Value) -> Events {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut all = vec![("Content-Type", "application/json"), ("Accept", "text/event-stream")];
        all.extend_from_slice(headers);
        Events::of(self.send(Method::POST, "/", &all, body.to_string()).await).await
    }

    /// The events of a streaming method of A2A 1.0.
    pub async fn v1_stream(&self, method: &str, params: Value) -> Events {
        self.stream(&[("A2A-Version", "1.0")], method, params).await
    }

    /// Asks for a task until it is in one of these states.
    pub async fn wait_for(&self, id: &str, states: &[&str]) -> Value {
        let start = Instant::now();
        loop {
            let task = self.ok("GetTask", json!({"id": id})).await;
            if states.contains(&super::state(&task)) {
                return task;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "task is not {states:?}: {task}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() && self.place.is_some() {
            let log = self.log();
            let lines: Vec<_> = log.lines().rev().take(20).collect();
            println!("--- the server's last words");
            for line in lines.iter().rev() {
                println!("{line}");
            }
        }
    }
}

const CONFORMANCE: &[(&str, &str)] = &[("A2A_AGENTS", "conformance"), ("A2A_PUSH_ALLOW_LOOPBACK", "1")];

/// Variables and their values.
pub fn owned(settings: &[(&str, &str)]) -> Vec<(String, String)> {
    settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// Reads an answer to its end.
pub async fn answered(response: reqwest::Response) -> Answered {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answered { status, headers, text: response.text().await.unwrap() }
}

fn client() -> reqwest::Client {
    tests::http().build().unwrap()
}

/// The process, its address for clients and its address for Prometheus.
fn launch(place: &Place, settings: &[(String, String)], arguments: &[OsString]) -> (Child, String, String) {
    let directory = place.directory.path();
    let mut log = std::fs::OpenOptions::new().create(true).append(true).open(directory.join("server.log")).unwrap();
    let mut child = a2a(place, settings)
        .args(["serve", "--addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(log.try_clone().unwrap())
        .spawn()
        .unwrap();
    // A slow start is logged before it is over.
    let is_said = |line: &std::io::Result<String>| !line.as_ref().is_ok_and(|line| line.starts_with('{'));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().skip_while(move |line| !is_said(line));
    let first = lines.next().transpose().unwrap().unwrap_or_default();
    let second = lines.next().transpose().unwrap().unwrap_or_default();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let _ = log.write_all(format!("{line}\n").as_bytes());
        }
    });
    let (Some(base), Some(metrics)) = (address(&first), address(&second)) else {
        let log = std::fs::read_to_string(directory.join("server.log")).unwrap_or_default();
        panic!("the server's first two lines name no addresses: `{first}`, `{second}`\n{log}");
    };
    (child, base, metrics)
}

/// The address in a line.
fn address(line: &str) -> Option<String> {
    let port = line.split_whitespace().find_map(|word| word.trim_start_matches("http://").strip_prefix("127.0.0.1:"))?;
    Some(format!("http://127.0.0.1:{}", port.split(|c: char| !c.is_ascii_digit()).next()?))
}

/// As processes of their own where `A2A_TEST_FUNCTIONS` is `processes`: the programs beside the server's own.
pub fn how_functions_run() -> Vec<OsString> {
    match std::env::var("A2A_TEST_FUNCTIONS").as_deref().unwrap_or("in-process") {
        "in-process" => Vec::new(),
        "processes" => as_processes(binary().parent().unwrap()),
        other => panic!("A2A_TEST_FUNCTIONS is `{other}`, and not in-process or processes"),
    }
}

/// The arguments that have functions run as processes.
pub fn as_processes(bootstraps: &Path) -> Vec<OsString> {
    vec!["--functions".into(), "processes".into(), "--bootstraps".into(), bootstraps.into()]
}

fn a2a(place: &Place, settings: &[(String, String)]) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(place.directory.path()).stdin(Stdio::null());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("A2A_")) {
        command.env_remove(name);
    }
    command.envs(place.variables.iter().map(|(name, value)| (name, value)));
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    command
}

/// The `a2a` binary beside the test's own, built where it is missing.
pub fn binary() -> &'static PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let path = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("a2a");
        if !path.exists() {
            let built = Command::new(env!("CARGO")).args(["build", "--package", "gateway", "--bin", "a2a"]).status().unwrap();
            assert!(built.success() && path.exists(), "no binary at {}", path.display());
        }
        path
    })
}
