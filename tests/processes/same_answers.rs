//! Every kind of request is answered alike, whether functions run in-process or as processes: statuses, headers and bodies, but for what is new each time.

use std::{collections::HashMap, sync::LazyLock};

use regex::{Captures, Regex};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    harness::{Server, answered, data_message, message, say},
    start::{in_process, with_processes},
};

const SETTINGS: &[(&str, &str)] = &[
    ("A2A_AGENTS", "conformance,research,analysis"),
    ("A2A_PUSH_ALLOW_LOOPBACK", "1"),
    ("A2A_ADMIN_API_KEY", "an-admin-key-of-32-characters-000"),
    ("A2A_SYSTEM_API_KEY", "a-system-key-of-32-characters-000"),
    ("A2A_CORS_ORIGINS", "https://example.com"),
    ("A2A_BASE_PATH", "/base"),
];
/// What agents say of an artifact comes in no order, whoever runs them.
static OF_AN_ARTIFACT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#""metadata":\{("(?:agent_id|agent_name|agent_type|timestamp)":[^{}]*)\}"#).unwrap());
/// When something was done.
static TIME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").unwrap());
/// Ids; tags of cards; page tokens, keys and signatures.
static NEW_EACH_TIME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{24}\b|"[0-9A-Za-z_-]{32,}""#).unwrap());
const V1: (&str, &str) = ("A2A-Version", "1.0");
const V0_3: (&str, &str) = ("A2A-Version", "0.3");
const JSON: (&str, &str) = ("Content-Type", "application/json");

/// What one server answered, request by request.
struct Transcript {
    server: Server,
    lines: Vec<String>,
    /// What is new each time, by what stands for it.
    named: HashMap<String, String>,
}

impl Transcript {
    fn new(server: Server) -> Transcript {
        Transcript { server, lines: Vec::new(), named: HashMap::new() }
    }

    async fn ask(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<String>) -> Value {
        let body = body.into();
        let answer = answered(self.server.send(method.clone(), path, headers, body.clone()).await).await;
        let mut seen: Vec<_> = answer.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        // How long it is, when it was sent and by whom is said by the gateway itself.
        seen.retain(|header| !["content-length", "transfer-encoding", "date", "last-modified"].iter().any(|name| header.starts_with(name)));
        if answer.text.is_empty() {
            // The type of no body is the runtime's own.
            seen.retain(|header| !header.starts_with("content-type"));
        }
        seen.sort();
        let text = self.timeless(&format!("{}\n{}\n{}", answer.status, seen.join("\n"), answer.text));
        let asked = self.timeless(&format!("{method} {path} {headers:?} {body}"));
        self.lines.push(format!("{asked}\n{text}"));
        serde_json::from_str(&answer.text).unwrap_or_default()
    }

    async fn rpc(&mut self, headers: &[(&str, &str)], method: &str, params: Value) -> Value {
        let headers = [&[JSON], headers].concat();
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        self.ask(Method::POST, "/", &headers, body).await
    }

    /// By JSON-RPC, by the method's own function.
    async fn own(&mut self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": "own", "method": method, "params": params}).to_string();
        self.ask(Method::POST, &format!("/rpc/{method}"), &[JSON, V1], body).await
    }

    /// The text with ids, times, signatures, keys, tags and the server's own address by names in the order in which they appear.
    fn timeless(&mut self, text: &str) -> String {
        let text = text.replace(&self.server.base, "http://server");
        let text = TIME.replace_all(&text, "TIME");
        let sorted = |found: &Captures<'_>| {
            let mut members: Vec<_> = found[1].split(',').collect();
            members.sort_unstable();
            format!(r#""metadata":{{{}}}"#, members.join(","))
        };
        let text = OF_AN_ARTIFACT.replace_all(&text, sorted);
        let named = &mut self.named;
        let name = |found: &Captures<'_>| {
            let next = format!("NEW-{}", named.len());
            named.entry(found[0].to_owned()).or_insert(next).clone()
        };
        NEW_EACH_TIME.replace_all(&text, name).into_owned()
    }

    async fn all(mut self) -> Vec<String> {
        self.documents().await;
        self.json_rpc().await;
        self.own_functions().await;
        self.rest().await;
        self.older_generations().await;
        self.mistakes().await;
        self.lines
    }

    async fn documents(&mut self) {
        for path in
            ["/.well-known/agent-card.json", "/.well-known/agent.json", "/research/.well-known/agent-card.json", "/base/.well-known/agent-card.json"]
        {
            for version in [V1, V0_3, ("A2A-Version", "")] {
                self.ask(Method::GET, path, &[version], "").await;
            }
        }
        self.ask(Method::HEAD, "/.well-known/agent-card.json", &[], "").await;
        self.ask(Method::GET, "/.well-known/jwks.json", &[], "").await;
        self.ask(Method::GET, "/agents", &[], "").await;
        self.ask(Method::GET, "/health/ready", &[], "").await;
        self.ask(Method::GET, "/health/details", &[], "").await;
        self.ask(Method::GET, "/extendedAgentCard", &[V1], "").await;
        let preflight = [("Origin", "https://example.com"), ("Access-Control-Request-Method", "POST")];
        for path in ["/", "/message:send", "/tasks", "/rpc/GetTask"] {
            self.ask(Method::OPTIONS, path, &preflight, "").await;
        }
        self.ask(Method::GET, "/agents", &[("Origin", "https://example.com")], "").await;
    }

    async fn json_rpc(&mut self) {
        let v1 = &[V1];
        let task = self.rpc(v1, "SendMessage", message("tck-artifact-text-1", "x")).await["result"]["task"]["id"].clone();
        self.rpc(v1, "SendStreamingMessage", message("tck-stream-artifact-chunked-1", "x")).await;
        self.rpc(v1, "SendStreamingMessage", message("tck-input-required-1", "x")).await;
        let waiting = self.rpc(v1, "SendMessage", message("tck-input-required-2", "x")).await["result"]["task"]["id"].clone();
        self.rpc(v1, "GetTask", json!({"id": task, "historyLength": 1})).await;
        self.rpc(v1, "ListTasks", json!({"pageSize": 2, "includeArtifacts": true})).await;
        self.rpc(v1, "SubscribeToTask", json!({"id": task})).await;
        let hook = json!({"taskId": waiting, "url": "http://127.0.0.1:9/hook"});
        let config = self.rpc(v1, "CreateTaskPushNotificationConfig", hook).await["result"]["id"].clone();
        self.rpc(v1, "GetTaskPushNotificationConfig", json!({"taskId": waiting, "id": config})).await;
        self.rpc(v1, "ListTaskPushNotificationConfigs", json!({"taskId": waiting})).await;
        self.rpc(v1, "DeleteTaskPushNotificationConfig", json!({"taskId": waiting, "id": config})).await;
        self.rpc(v1, "CancelTask", json!({"id": waiting})).await;
        self.rpc(v1, "CancelTask", json!({"id": waiting})).await;
        self.rpc(v1, "GetExtendedAgentCard", json!({})).await;
        for (skill, text) in [("document_search", "leases of tasks"), ("information_extraction", "Ada Lovelace wrote to Charles Babbage in 1843.")] {
            self.rpc(v1, "SendMessage", say(skill, text)).await;
        }
        self.rpc(v1, "SendStreamingMessage", data_message("statistical_analysis", json!({"values": [1, 2, 3, 4, 50]}))).await;
    }

    async fn own_functions(&mut self) {
        let task = self.own("SendMessage", message("tck-artifact-data-1", "x")).await["result"]["task"]["id"].clone();
        self.own("SendStreamingMessage", message("tck-artifact-text-2", "x")).await;
        self.own("GetTask", json!({"id": task})).await;
        self.own("ListTasks", json!({})).await;
        self.own("SubscribeToTask", json!({"id": task})).await;
        self.own("CancelTask", json!({"id": task})).await;
        let config =
            self.own("CreateTaskPushNotificationConfig", json!({"taskId": task, "url": "http://127.0.0.1:9/hook"})).await["result"]["id"].clone();
        self.own("GetTaskPushNotificationConfig", json!({"taskId": task, "id": config})).await;
        self.own("ListTaskPushNotificationConfigs", json!({"taskId": task})).await;
        self.own("DeleteTaskPushNotificationConfig", json!({"taskId": task, "id": config})).await;
        self.own("GetExtendedAgentCard", json!({})).await;
    }

    async fn rest(&mut self) {
        let headers = &[JSON, V1];
        let body = message("tck-artifact-file-1", "x").to_string();
        let task = self.ask(Method::POST, "/message:send", headers, body).await["task"]["id"].clone();
        let task = task.as_str().unwrap();
        self.ask(Method::POST, "/message:stream", headers, message("tck-artifact-text-3", "x").to_string()).await;
        for path in ["/tasks?pageSize=1", &format!("/tasks/{task}"), &format!("/tasks/{task}?historyLength=0"), &format!("/conformance/tasks/{task}")]
        {
            self.ask(Method::GET, path, headers, "").await;
        }
        self.ask(Method::POST, &format!("/tasks/{task}:cancel"), headers, "{}").await;
        self.ask(Method::GET, &format!("/tasks/{task}:subscribe"), headers, "").await;
        let configs = format!("/tasks/{task}/pushNotificationConfigs");
        let config = self.ask(Method::POST, &configs, headers, r#"{"url":"http://127.0.0.1:9/hook"}"#).await["id"].clone();
        let config = format!("{configs}/{}", config.as_str().unwrap_or_default());
        self.ask(Method::GET, &configs, headers, "").await;
        self.ask(Method::GET, &config, headers, "").await;
        self.ask(Method::DELETE, &config, headers, "").await;
    }

    async fn older_generations(&mut self) {
        let of_0_3 = |id: &str| json!({"message": {"kind": "message", "messageId": id, "role": "user", "parts": [{"kind": "text", "text": "x"}]}});
        let task = self.rpc(&[], "message/send", of_0_3("tck-artifact-text-4")).await["result"]["id"].clone();
        self.rpc(&[], "message/stream", of_0_3("tck-stream-artifact-chunked-2")).await;
        self.rpc(&[], "tasks/get", json!({"id": task})).await;
        self.rpc(&[], "tasks/cancel", json!({"id": task})).await;
        self.rpc(&[], "agent/getAuthenticatedExtendedCard", json!({})).await;
        self.ask(Method::POST, "/v1/message:send", &[JSON], of_0_3("tck-artifact-text-5").to_string()).await;
        self.ask(Method::GET, &format!("/v1/tasks/{}", task.as_str().unwrap()), &[], "").await;
        let of_0_1 = json!({"id": "older", "message": {"role": "user", "parts": [{"type": "text", "text": "tck-artifact-text"}]}});
        self.rpc(&[], "tasks/send", of_0_1.clone()).await;
        self.rpc(&[], "tasks/sendSubscribe", json!({"id": "older-stream", "message": of_0_1["message"]})).await;
    }

    async fn mistakes(&mut self) {
        for body in
            ["", "{", "[]", "7", r#"{"jsonrpc":"2.0","id":1,"method":"Nothing"}"#, r#"{"jsonrpc":"2.0","method":"GetTask","params":{"id":"x"}}"#]
        {
            self.ask(Method::POST, "/", &[JSON, V1], body).await;
            self.ask(Method::POST, "/rpc/GetTask", &[JSON, V1], body).await;
            self.ask(Method::POST, "/message:send", &[JSON, V1], body).await;
        }
        let batch =
            r#"[{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":"none"}},{"jsonrpc":"2.0","id":null,"method":"ListTasks","params":{}}]"#;
        self.ask(Method::POST, "/", &[JSON, V1], batch).await;
        self.ask(Method::POST, "/", &[JSON, ("A2A-Version", "7.0")], r#"{"jsonrpc":"2.0","id":1,"method":"GetTask"}"#).await;
        self.ask(Method::POST, "/", &[("Content-Type", "text/plain"), V1], "x").await;
        self.ask(Method::POST, "/", &[JSON, V1], "x".repeat(7 << 20)).await;
        for (method, path) in [
            (Method::GET, "/"),
            (Method::PUT, "/tasks"),
            (Method::GET, "/message:send"),
            (Method::GET, "/tasks/none"),
            (Method::GET, "/nowhere/at/all?x=%C3%A4&x=2"),
            (Method::GET, "/%ff%00"),
            (Method::GET, "/admin/keys"),
            (Method::POST, "/tasks/none:cancel"),
        ] {
            self.ask(method, path, &[V1], "").await;
        }
        self.ask(Method::GET, "/tasks", &[V1, ("Authorization", "Bearer nonsense")], "").await;
        self.ask(Method::GET, "/health/details", &[("X-API-Key", "wrong")], "").await;
    }
}

#[tokio::test]
async fn each_request_is_answered_alike_in_process_and_by_processes() {
    let in_process = Transcript::new(in_process(SETTINGS)).all();
    let processes = Transcript::new(with_processes(SETTINGS, None, &[])).all();
    let (in_process, processes) = tokio::join!(in_process, processes);
    assert_eq!(in_process.len(), processes.len());
    let different: Vec<_> = in_process.iter().zip(&processes).filter(|(expected, found)| expected != found).collect();
    for (expected, found) in &different {
        let lines = expected.lines().zip(found.lines()).filter(|(expected, found)| expected != found);
        println!("{}", expected.lines().next().unwrap());
        for (expected, found) in lines {
            let same = expected.bytes().zip(found.bytes()).take_while(|(expected, found)| expected == found).count().saturating_sub(80);
            let from = |line: &str| String::from_utf8_lossy(&line.as_bytes()[same..]).chars().take(300).collect::<String>();
            println!("    in-process: …{}\n    processes:  …{}", from(expected), from(found));
        }
    }
    assert!(different.is_empty(), "{} of {} answers differ", different.len(), in_process.len());
}

#[tokio::test]
async fn two_environments_tag_a_card_alike() {
    let server = with_processes(&[], None, &[]);
    let cards = futures::future::join_all((0..8).map(|_| server.get("/.well-known/agent-card.json", &[]))).await;
    let signed: std::collections::BTreeSet<_> = cards.iter().map(|card| card.text.as_str()).collect();
    assert!(signed.len() > 1, "the cards of several processes differ in their signatures");
    assert!(cards.iter().all(|card| card.header("etag") == cards[0].header("etag")));
}
