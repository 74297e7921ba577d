//! Two owners at once over one server: whatever they ask for, nobody sees a byte of the other's data.

use std::time::Instant;

use serde_json::{Value, json};
use tokio::sync::RwLock;

use crate::harness::{Backend, Server, message};

const KEY: &str = "a-secret-key-of-at-least-32-bytes!";
/// What each owner does, and where AWS is played by something that takes milliseconds for each request.
const OPERATIONS: usize = 1_000;
const OPERATIONS_ON_A_STAND_IN: usize = 100;
/// Connections of each owner.
const AT_ONCE: usize = 4;
/// Another seed is another run; what goes wrong with one does so again.
const SEED: u64 = 0x5eed_a2a0;

/// A sequence that looks random and is the same each time (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(end).unwrap()).unwrap()
    }
}

/// An owner, and the ids that it made so far.
struct Owner {
    name: &'static str,
    /// In all that it sends, and in nothing of the other's.
    mark: &'static str,
    authorization: String,
    tasks: RwLock<Vec<String>>,
}

impl Owner {
    fn new(server: &Server, name: &'static str, mark: &'static str) -> Self {
        let output = server.command(&["token", "--sub", name, "--role", "authenticated", "--ttl", "600"]);
        assert!(output.status.success(), "{output:?}");
        let token = String::from_utf8(output.stdout).unwrap();
        Owner { name, mark, authorization: format!("Bearer {}", token.trim()), tasks: RwLock::default() }
    }

    async fn any_task(&self, random: &mut Random) -> Option<String> {
        let tasks = self.tasks.read().await;
        (!tasks.is_empty()).then(|| tasks[random.below(tasks.len())].clone())
    }
}

/// One connection of an owner.
struct Client<'a> {
    server: &'a Server,
    own: &'a Owner,
    other: &'a Owner,
    number: usize,
    operations: usize,
    random: Random,
    /// How often it asked for what is the other's, and for what is its own.
    foreign: usize,
    owned: usize,
}

impl Client<'_> {
    async fn run(&mut self) {
        for step in 0..self.operations {
            let text = self.operation(step).await;
            assert!(!text.contains(self.other.mark), "{} sees what is {}'s: {text}", self.own.name, self.other.name);
        }
    }

    /// Does something with a task, whoever's it is; all that it was answered.
    async fn operation(&mut self, step: usize) -> String {
        let headers = [("A2A-Version", "1.0"), ("Authorization", self.own.authorization.as_str())];
        let kind = self.random.below(100);
        if kind < 25 {
            return self.send(step, &headers).await;
        }
        let is_foreign = self.random.below(2) == 0;
        let whose = if is_foreign { self.other } else { self.own };
        let Some(task) = whose.any_task(&mut self.random).await else { return self.send(step, &headers).await };
        let config = json!({"taskId": task, "id": "c"});
        let hook = json!({"taskId": task, "id": "c", "url": format!("https://example.com/{}", self.own.mark), "token": self.own.mark});
        let (method, params) = match kind {
            25..45 => ("GetTask", json!({"id": task})),
            45..55 => ("ListTasks", json!({"pageSize": 20, "includeArtifacts": true})),
            55..63 => ("CancelTask", json!({"id": task})),
            63..71 => ("CreateTaskPushNotificationConfig", hook),
            71..77 => ("GetTaskPushNotificationConfig", config),
            77..82 => ("ListTaskPushNotificationConfigs", json!({"taskId": task})),
            82..86 => ("DeleteTaskPushNotificationConfig", config),
            86..92 => ("SendMessage", self.follow_up(step, &task)),
            92..96 => return self.subscribe(&headers, &task, is_foreign).await,
            _ => return self.stream(step, &headers).await,
        };
        let response = self.server.rpc(&headers, method, params).await;
        if method != "ListTasks" {
            let code = &response["error"]["code"];
            if is_foreign {
                self.foreign += 1;
                assert_eq!(code, &json!(-32001), "{method} of {}'s task by {}: {response}", whose.name, self.own.name);
            } else {
                self.owned += usize::from(response["error"].is_null());
                // Its own may be over, or without such a config; but it is there, unless a config was asked for.
                assert!(code != &json!(-32001) || method.contains("PushNotificationConfig"), "{method} of its own task: {response}");
            }
        }
        response.to_string().replace(&task, "")
    }

    async fn send(&mut self, step: usize, headers: &[(&str, &str)]) -> String {
        // Both owners use the same ids of messages.
        let id = format!("tck-{}-{}-{step}", if self.random.below(2) == 0 { "input-required" } else { "artifact-text" }, self.number);
        let response = self.server.rpc(headers, "SendMessage", message(&id, self.own.mark)).await;
        let task = response["result"]["task"]["id"].as_str().unwrap_or_else(|| panic!("{response}")).to_owned();
        self.own.tasks.write().await.push(task);
        response.to_string()
    }

    fn follow_up(&self, step: usize, task: &str) -> Value {
        let mut params = message(&format!("tck-follow-{}-{step}", self.number), self.own.mark);
        params["message"]["taskId"] = json!(task);
        params
    }

    async fn stream(&mut self, step: usize, headers: &[(&str, &str)]) -> String {
        let params = message(&format!("tck-stream-{}-{step}", self.number), self.own.mark);
        format!("{:?}", self.server.stream(headers, "SendStreamingMessage", params).await.all().await)
    }

    async fn subscribe(&mut self, headers: &[(&str, &str)], task: &str, is_foreign: bool) -> String {
        if is_foreign {
            self.foreign += 1;
            let response = self.server.rpc(headers, "SubscribeToTask", json!({"id": task})).await;
            assert_eq!(response["error"]["code"], -32001, "{response}");
            return response.to_string().replace(task, "");
        }
        // Its first event is the task; a task that waits for its owner tells no more.
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "SubscribeToTask", "params": {"id": task}}).to_string();
        let all: Vec<_> = [("Content-Type", "application/json")].into_iter().chain(headers.iter().copied()).collect();
        let mut response = self.server.send(reqwest::Method::POST, "/", &all, body).await;
        let first = response.chunk().await.unwrap().unwrap_or_default();
        String::from_utf8_lossy(&first).replace(task, "")
    }
}

#[tokio::test]
async fn two_owners_at_once_see_no_byte_of_each_other() {
    let server = Server::with(&[("A2A_AGENTS", "conformance"), ("A2A_SECRET_KEY", KEY), ("A2A_AUTH", "required")]);
    let (ada, bob) = (Owner::new(&server, "ada", "crimson-otter-81"), Owner::new(&server, "bob", "velvet-heron-37"));
    let each = if Backend::chosen() == Backend::DynamoDbSqs { OPERATIONS_ON_A_STAND_IN } else { OPERATIONS };
    let started = Instant::now();
    let clients = (0..2 * AT_ONCE).map(|number| {
        let (own, other) = if number % 2 == 0 { (&ada, &bob) } else { (&bob, &ada) };
        Client {
            server: &server,
            own,
            other,
            number: number / 2,
            operations: each / AT_ONCE,
            random: Random(SEED + number as u64),
            foreign: 0,
            owned: 0,
        }
    });
    let counts = futures::future::join_all(clients.map(|mut client| async move {
        client.run().await;
        (client.foreign, client.owned)
    }))
    .await;
    let (foreign, owned) = counts.iter().fold((0, 0), |(foreign, owned), count| (foreign + count.0, owned + count.1));
    assert!(foreign > each / 4 && owned > each / 4, "{foreign} operations on the other's tasks, {owned} on their own");
    for (own, other) in [(&ada, &bob), (&bob, &ada)] {
        let headers = [("A2A-Version", "1.0"), ("Authorization", own.authorization.as_str())];
        let listed = server.rpc(&headers, "ListTasks", json!({"pageSize": 100, "historyLength": 10, "includeArtifacts": true})).await;
        let text = listed.to_string();
        assert!(text.contains(own.mark) && !text.contains(other.mark), "{} lists what is {}'s", own.name, other.name);
    }
    println!("{} operations in {:?}, {foreign} of them on the other's tasks", 2 * each, started.elapsed());
}
