//! Addresses that guess credentials: blocked, listed, lifted. On Linux each address of 127.0.0.0/8 is this machine's, so a test has as many as it likes.

use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::harness::{Answered, Server, answered};

const V1: (&str, &str) = ("A2A-Version", "1.0");
const ADMIN: (&str, &str) = ("X-API-Key", "the-admins-own-key");
const WRONG: (&str, &str) = ("X-API-Key", "a-guess");

fn server(more: &[(&str, &str)]) -> Server {
    let fixed = [("A2A_AGENTS", "conformance"), ("A2A_ADMIN_API_KEY", ADMIN.1), ("A2A_SECRET_KEY", "a-secret-key-of-at-least-32-bytes!")];
    Server::with(&[&fixed[..], more].concat())
}

/// Somebody at an address of this machine.
struct Caller<'a> {
    server: &'a Server,
    http: Client,
}

impl<'a> Caller<'a> {
    fn at(server: &'a Server, address: &str) -> Self {
        let http = Client::builder().no_proxy().local_address(address.parse::<std::net::IpAddr>().unwrap()).build().unwrap();
        Caller { server, http }
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &Value) -> Answered {
        let mut request = self.http.request(method, self.server.url(path)).header(V1.0, V1.1);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.header("Content-Type", "application/json").body(body.to_string());
        }
        answered(request.send().await.unwrap()).await
    }

    async fn ask(&self, headers: &[(&str, &str)]) -> Answered {
        let body = json!({"jsonrpc": "2.0", "id": "q-1", "method": "GetTask", "params": {"id": "missing"}});
        self.send(Method::POST, "/", headers, &body).await
    }

    /// So many guesses; the status of each.
    async fn guess(&self, times: usize) -> Vec<u16> {
        let mut statuses = Vec::new();
        for _ in 0..times {
            statuses.push(self.ask(&[WRONG]).await.status);
        }
        statuses
    }

    async fn blocks(&self) -> Vec<Value> {
        let listed = self.send(Method::GET, "/admin/blocks", &[ADMIN], &Value::Null).await;
        assert_eq!(listed.status, 200, "{listed:?}");
        listed.json()["blocks"].as_array().unwrap().clone()
    }

    /// Other processes believe for 5 s what they have read.
    async fn until_heard(&self) {
        let start = Instant::now();
        while self.ask(&[ADMIN]).await.status != 200 {
            assert!(start.elapsed() < Duration::from_secs(20), "the address is still blocked");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[tokio::test]
async fn ten_guesses_block_an_address_and_no_other_until_the_block_is_lifted() {
    let server = server(&[("A2A_AUTH", "required")]);
    let (guesser, admin) = (Caller::at(&server, "127.0.0.2"), Caller::at(&server, "127.0.0.1"));
    assert_eq!(guesser.guess(10).await, [401; 10]);
    // With right credentials too, and whatever address headers claim.
    for headers in [&[WRONG][..], &[ADMIN], &[ADMIN, ("X-Forwarded-For", "203.0.113.7")], &[]] {
        let refused = guesser.ask(headers).await;
        let (error, id) = (&refused.json()["error"], &refused.json()["id"]);
        assert_eq!((refused.status, &error["code"], id), (403, &json!(-32018), &json!("q-1")), "{refused:?}");
        assert!((880..=900).contains(&refused.header("retry-after").parse::<u32>().unwrap()), "{refused:?}");
    }
    let rest = guesser.send(Method::GET, "/tasks", &[ADMIN], &Value::Null).await;
    assert_eq!((rest.status, &rest.json()["error"]["status"]), (403, &json!("PERMISSION_DENIED")), "another function: {rest:?}");
    assert_eq!(guesser.send(Method::GET, "/health", &[], &Value::Null).await.status, 200, "health answers everybody");
    assert_eq!(guesser.send(Method::GET, "/health", &[WRONG], &Value::Null).await.status, 403, "but tells nobody whether credentials hold");
    assert_eq!(admin.ask(&[ADMIN, ("X-Forwarded-For", "127.0.0.2")]).await.status, 200);

    let listed = admin.blocks().await;
    assert_eq!((listed.len(), &listed[0]["address"], &listed[0]["failures"]), (1, &json!("127.0.0.2"), &json!(10)), "{listed:?}");
    let time = |name: &str| listed[0][name].as_str().unwrap().to_owned();
    assert!(time("since") < time("until") && time("reason").contains("wrong credentials"), "{listed:?}");
    assert_eq!(admin.send(Method::DELETE, "/admin/blocks/127.0.0.3", &[ADMIN], &Value::Null).await.status, 404);
    assert_eq!(admin.send(Method::DELETE, "/admin/blocks/127.0.0.2", &[ADMIN], &Value::Null).await.status, 204);
    guesser.until_heard().await;
    assert_eq!(admin.blocks().await, Vec::<Value>::new());
    assert_eq!(guesser.guess(3).await, [401; 3], "what was counted before is forgotten");
}

#[tokio::test]
async fn who_has_a_credential_that_was_good_once_is_not_guessing() {
    let server = server(&[]);
    let output = server.command(&["token", "--sub", "ann", "--role", "authenticated", "--ttl", "0"]);
    let over = format!("Bearer {}", String::from_utf8(output.stdout).unwrap().trim());
    let key = String::from_utf8(server.command(&["key", "create", "--name", "over", "--expires", "0"]).stdout).unwrap().trim().to_owned();
    let caller = Caller::at(&server, "127.0.0.1");
    for _ in 0..15 {
        assert_eq!(caller.ask(&[("Authorization", over.as_str())]).await.status, 401);
        assert_eq!(caller.ask(&[("X-API-Key", key.as_str())]).await.status, 401);
    }
    assert_eq!(caller.ask(&[ADMIN]).await.status, 200);
    // Right credentials in between don't make wrong ones undone.
    for _ in 0..5 {
        assert_eq!(caller.guess(2).await, [401; 2]);
        let between = caller.ask(&[ADMIN]).await.status;
        assert!([200, 403].contains(&between), "{between}");
    }
    assert_eq!(caller.ask(&[ADMIN]).await.status, 403);
}

#[tokio::test]
async fn admins_block_by_hand_and_operators_lift_on_the_command_line() {
    let server = server(&[]);
    let (admin, other) = (Caller::at(&server, "127.0.0.1"), Caller::at(&server, "127.0.0.4"));
    let made = admin.send(Method::POST, "/admin/blocks", &[ADMIN], &json!({"address": "127.0.0.4", "minutes": 5, "reason": "abuse"})).await;
    assert_eq!((made.status, &made.json()["address"], &made.json()["reason"]), (201, &json!("127.0.0.4"), &json!("abuse")), "{made:?}");
    let network = admin.send(Method::POST, "/admin/blocks", &[ADMIN], &json!({"address": "2001:db8:1:2::5"})).await;
    assert_eq!((network.status, &network.json()["address"]), (201, &json!("2001:db8:1:2::/64")));
    let start = Instant::now();
    while other.ask(&[ADMIN]).await.status != 403 {
        assert!(start.elapsed() < Duration::from_secs(20), "nobody hears of the block");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for wrong in
        [json!({}), json!({"address": "ann"}), json!({"address": "127.0.0.5", "minutes": 0}), json!({"address": "127.0.0.5", "for": 1}), json!([])]
    {
        let refused = admin.send(Method::POST, "/admin/blocks", &[ADMIN], &wrong).await;
        assert_eq!((refused.status, refused.json()["error"].is_object()), (400, true), "{wrong}");
    }
    assert_eq!(admin.send(Method::DELETE, "/admin/blocks/2001:db8:1:2::", &[ADMIN], &Value::Null).await.status, 204);
    assert_eq!(admin.send(Method::PUT, "/admin/blocks", &[ADMIN], &json!({})).await.status, 405);
    assert_eq!(other.send(Method::GET, "/admin/blocks", &[], &Value::Null).await.status, 403);

    let list = server.command(&["block", "list"]);
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(list.starts_with("127.0.0.4  until ") && list.ends_with("  abuse\n"), "{list}");
    let lifted = server.command(&["block", "lift", "127.0.0.4"]);
    assert_eq!(String::from_utf8(lifted.stdout).unwrap().trim(), "lifted 127.0.0.4");
    assert!(!server.command(&["block", "lift", "127.0.0.4"]).status.success(), "it is no more");
    other.until_heard().await;
}

#[tokio::test]
async fn wrong_credentials_block_nobody_where_that_is_off() {
    let server = server(&[("A2A_BLOCK_AFTER_FAILURES", "off")]);
    let caller = Caller::at(&server, "127.0.0.1");
    assert_eq!(caller.guess(30).await, [401; 30]);
    assert_eq!(caller.ask(&[ADMIN]).await.status, 200);
}
