//! Every route and method with every kind of credential, where authentication is optional and where it is required: what each comes to follows
//! from the one table of the guard.

use std::time::Duration;

use engine::Role;
use guard::{Access, Authentication, TokenKey, issue_token, minimal_role};
use http_body_util::BodyExt;

use crate::*;

const SECRET: &str = "a-secret-key-of-at-least-32-bytes!";
const ADMIN: &str = "the-admins-own-key";
const SYSTEM: &str = "the-systems-own-key";

/// What a request shows, who that makes its caller (`None`: nobody), and whether the task is theirs.
struct Shown {
    what: &'static str,
    header: Option<(&'static str, String)>,
    role: Option<Role>,
    owns: bool,
}

/// A request for something.
struct Route {
    serves: Serves,
    http_method: &'static str,
    path: String,
    body: Value,
    /// Where it is let through and the task is the caller's, or none is needed.
    status: u16,
    /// Whether it is about a task.
    of_task: bool,
}

fn token(subject: &str, seconds: u64) -> String {
    let now = engine::ports::Clock::now(&engine::ports::SystemClock);
    let token = issue_token(&TokenKey::new(SECRET).unwrap(), subject, Role::Authenticated, Duration::from_secs(seconds), now);
    format!("Bearer {}", token.unwrap())
}

async fn api_key(server: &Server, role: &str, days: u32) -> String {
    let body = json!({"name": "k", "role": role, "expiresDays": days}).to_string();
    let made = server.send(Serves::Admin, "POST", "/admin/keys", &[("X-API-Key", ADMIN), ("Content-Type", "application/json")], &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["key"].as_str().unwrap().to_owned()
}

async fn credentials(server: &Server) -> Vec<Shown> {
    let shown = |what, header: (&'static str, String), role, owns| Shown { what, header: Some(header), role, owns };
    let revoked = api_key(server, "admin", 1).await;
    let list = server.send(Serves::Admin, "GET", "/admin/keys", &[("X-API-Key", ADMIN)], "").await.json();
    let path = format!("/admin/keys/{}", list["keys"][0]["id"].as_str().unwrap());
    assert_eq!(server.send(Serves::Admin, "DELETE", &path, &[("X-API-Key", ADMIN)], "").await.status, 204);
    vec![
        Shown { what: "no credential", header: None, role: Some(Role::Public), owns: false },
        shown("garbage", ("Authorization", "Bearer nonsense".into()), None, false),
        shown("a garbage API key", ("X-API-Key", "nonsense".into()), None, false),
        shown("an expired token", ("Authorization", token("ann", 0)), None, false),
        shown("an expired API key", ("X-API-Key", api_key(server, "admin", 0).await), None, false),
        shown("a revoked API key", ("X-API-Key", revoked), None, false),
        shown("a foreign owner", ("Authorization", token("bob", 600)), Some(Role::Authenticated), false),
        shown("a foreign API key", ("X-API-Key", api_key(server, "authenticated", 1).await), Some(Role::Authenticated), false),
        shown("the owner", ("Authorization", token("ann", 600)), Some(Role::Authenticated), true),
        shown("the admin", ("X-API-Key", ADMIN.into()), Some(Role::Admin), false),
        shown("an admin's API key", ("Authorization", format!("Bearer {}", api_key(server, "admin", 1).await)), Some(Role::Admin), false),
        shown("the system", ("X-API-Key", SYSTEM.into()), Some(Role::System), false),
    ]
}

fn get(serves: Serves, path: &str, status: u16) -> Route {
    Route { serves, http_method: "GET", path: path.into(), body: Value::Null, status, of_task: false }
}

/// All ways to ask for it, about this task.
fn routes(access: Access, task: &str) -> Vec<Route> {
    let front = Serves::EveryMethod;
    match access {
        Access::AnyMethod => vec![
            Route { serves: front, http_method: "POST", path: "/".into(), body: rpc("Nothing", json!({})), status: 404, of_task: false },
            Route { serves: front, http_method: "POST", path: "/".into(), body: json!({}), status: 400, of_task: false },
            get(front, "/nothing", 404),
        ],
        Access::AgentCards => {
            ["/.well-known/agent-card.json", "/.well-known/agent.json", "/.well-known/jwks.json", "/echo/.well-known/agent-card.json"]
                .map(|path| get(Serves::AgentCards, path, 200))
                .into()
        }
        Access::Agents => vec![get(Serves::Agents, "/agents", 200)],
        Access::Health => ["/health", "/health/ready"].map(|path| get(Serves::Health, path, 200)).into(),
        Access::HealthDetails => vec![get(Serves::Health, "/health/details", 200)],
        Access::Admin => {
            let change = |http_method, path: &str, body, status| Route { http_method, body, ..get(Serves::Admin, path, status) };
            vec![
                get(Serves::Admin, "/admin/queues", 200),
                get(Serves::Admin, "/admin/keys", 200),
                get(Serves::Admin, "/admin/audit?type=denial&pageSize=1", 200),
                get(Serves::Admin, "/admin/audit?type=nonsense", 400),
                get(Serves::Admin, "/admin/threats?hours=1", 200),
                get(Serves::Admin, "/admin/threats?hours=0", 400),
                get(Serves::Admin, "/admin/blocks", 200),
                get(Serves::Admin, "/admin/nothing", 404),
                get(Serves::Admin, "/admin", 404),
                change("POST", "/admin/keys", json!({"name": "another"}), 201),
                change("POST", "/admin/keys/missing:rotate", Value::Null, 404),
                change("DELETE", "/admin/keys/missing", Value::Null, 404),
                change("POST", "/admin/blocks", json!({"address": "203.0.113.9"}), 201),
                change("DELETE", "/admin/blocks/203.0.113.10", Value::Null, 404),
            ]
        }
        Access::Method(method) => of_method(method, task),
    }
}

/// By JSON-RPC at the root and at the method's own function, under its older name, and by REST.
fn of_method(method: Method, task: &str) -> Vec<Route> {
    let of = json!({"id": task});
    let config = json!({"taskId": task, "id": "c"});
    let path = format!("/tasks/{task}");
    let configs = format!("{path}/pushNotificationConfigs");
    let message = message("tck-input-required-m", "x");
    let old_message =
        json!({"message": {"kind": "message", "messageId": "tck-input-required-o", "role": "user", "parts": [{"kind": "text", "text": "x"}]}});
    let new_config = json!({"taskId": task, "id": "c", "url": "https://example.com/"});
    let old_config = json!({"taskId": task, "pushNotificationConfig": {"id": "c", "url": "https://example.com/"}});
    let old_named = json!({"id": task, "pushNotificationConfigId": "c"});
    let (params, old, http_method, rest, body) = match method {
        Method::SendMessage => (message.clone(), Some(("message/send", old_message)), "POST", "/message:send".into(), message),
        Method::SendStreamingMessage => (message.clone(), Some(("message/stream", old_message)), "POST", "/message:stream".into(), message),
        Method::GetTask => (of.clone(), Some(("tasks/get", of)), "GET", path, Value::Null),
        Method::ListTasks => (json!({}), None, "GET", "/tasks".into(), Value::Null),
        Method::CancelTask => (of.clone(), Some(("tasks/cancel", of)), "POST", format!("{path}:cancel"), Value::Null),
        Method::SubscribeToTask => (of.clone(), Some(("tasks/resubscribe", of)), "GET", format!("{path}:subscribe"), Value::Null),
        Method::CreateTaskPushNotificationConfig => {
            (new_config.clone(), Some(("tasks/pushNotificationConfig/set", old_config)), "POST", configs, new_config)
        }
        Method::GetTaskPushNotificationConfig => {
            (config, Some(("tasks/pushNotificationConfig/get", old_named)), "GET", format!("{configs}/c"), Value::Null)
        }
        Method::ListTaskPushNotificationConfigs => {
            (json!({"taskId": task}), Some(("tasks/pushNotificationConfig/list", of)), "GET", configs, Value::Null)
        }
        Method::DeleteTaskPushNotificationConfig => {
            (config, Some(("tasks/pushNotificationConfig/delete", old_named)), "DELETE", format!("{configs}/c"), Value::Null)
        }
        Method::GetExtendedAgentCard => {
            (json!({}), Some(("agent/getAuthenticatedExtendedCard", json!({}))), "GET", "/extendedAgentCard".into(), Value::Null)
        }
    };
    let of_task = !matches!(method, Method::SendMessage | Method::SendStreamingMessage | Method::ListTasks | Method::GetExtendedAgentCard);
    let route = |serves, http_method, path: String, body| Route { serves, http_method, path, body, status: 200, of_task };
    let mut routes = vec![
        route(Serves::EveryMethod, "POST", "/".into(), rpc(method.name(), params.clone())),
        route(Serves::Method(method), "POST", format!("/rpc/{}", method.name()), rpc(method.name(), params)),
        route(Serves::Method(method), http_method, rest.clone(), body.clone()),
        route(Serves::EveryMethod, http_method, rest, body),
    ];
    routes.extend(old.map(|(name, params)| route(Serves::EveryMethod, "POST", "/".into(), rpc(name, params))));
    routes
}

fn rpc(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 7_000_000_000_007_u64, "method": method, "params": params})
}

/// The status, or the one that a JSON-RPC error on 200 stands for; of a stream its head alone. And the body.
async fn outcome(server: &Server, route: &Route, shown: &Shown) -> (u16, Answer) {
    let body = if route.body.is_null() { String::new() } else { route.body.to_string() };
    let is_old = route.body["method"].as_str().is_some_and(|method| method.contains('/'));
    let mut headers = if is_old { Vec::new() } else { vec![("A2A-Version", "1.0")] };
    headers.extend((!route.body.is_null()).then_some(("Content-Type", "application/json")));
    headers.extend(shown.header.as_ref().map(|(name, value)| (*name, value.as_str())));
    let (head, body) = server.begin(route.serves, route.http_method, &route.path, &headers, &body).await.into_parts();
    let streams = head.headers.get("content-type").is_some_and(|of| of == "text/event-stream");
    let text = if streams { String::new() } else { String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap() };
    let answer = Answer { status: head.status.as_u16(), headers: head.headers, text };
    let status = match (answer.status, serde_json::from_str::<Value>(&answer.text).ok().and_then(|body| body["error"]["code"].as_i64())) {
        (200, Some(-32001 | -32601)) => 404,
        (200, Some(_)) => 400,
        (status, _) => status,
    };
    (status, answer)
}

async fn task_of_ann(server: &Server, number: usize) -> String {
    let ann = token("ann", 600);
    let headers = [("A2A-Version", "1.0"), ("Authorization", ann.as_str())];
    let sent = server.post("/", &headers, rpc("SendMessage", message(&format!("tck-input-required-{number}"), "x"))).await.json();
    let task = sent["result"]["task"]["id"].as_str().unwrap_or_else(|| panic!("{sent}")).to_owned();
    let config = json!({"taskId": task, "id": "c", "url": "https://example.com/"});
    let set = server.post("/", &headers, rpc("CreateTaskPushNotificationConfig", config)).await.json();
    assert!(set["result"].is_object(), "{set}");
    task
}

async fn every_cell(mode: &str, authentication: Authentication) {
    // Here hundreds of wrong credentials come from one address.
    let vars = [
        ("A2A_BLOCK_AFTER_FAILURES", "off"),
        ("A2A_AUTH", mode),
        ("A2A_AGENTS", "conformance,echo"),
        ("A2A_SECRET_KEY", SECRET),
        ("A2A_ADMIN_API_KEY", ADMIN),
    ];
    let server = Server::with(&[&vars[..], &[("A2A_SYSTEM_API_KEY", SYSTEM)]].concat()).await;
    let credentials = credentials(&server).await;
    let (mut cells, mut tasks) = (0, 0);
    for access in Access::all() {
        let needed = minimal_role(access, authentication);
        let count = routes(access, "t").len();
        assert!(count > 0, "nothing asks for {access:?}");
        for shown in &credentials {
            for number in 0..count {
                // One of its own for each cell: some change it.
                let task = if routes(access, "t")[number].of_task { task_of_ann(&server, tasks).await } else { String::new() };
                tasks += 1;
                let route = routes(access, &task).swap_remove(number);
                let enough = |role: Role| needed == Role::Public || role == needed || (needed == Role::Authenticated && role != Role::Public);
                let expected = match shown.role {
                    None => 401,
                    Some(role) if enough(role) => {
                        if route.of_task && !shown.owns {
                            404
                        } else {
                            route.status
                        }
                    }
                    Some(Role::Public) => 401,
                    Some(_) => 403,
                };
                let (status, answer) = outcome(&server, &route, shown).await;
                let cell = format!("{mode}: {} {} {} with {}: {}", route.http_method, route.path, route.body, shown.what, answer.text);
                assert_eq!(status, expected, "{cell}");
                assert_eq!(answer.header("www-authenticate"), if expected == 401 { "Bearer realm=\"a2a\"" } else { "" }, "{cell}");
                if matches!(expected, 401 | 403) {
                    assert!(answer.json()["error"]["code"].is_i64(), "{cell}");
                    // REST's own bodies have ids of configs.
                    let sent = route.body.get("jsonrpc").map_or(&Value::Null, |_| &route.body["id"]);
                    assert_eq!(&answer.json()["id"], sent, "{cell}");
                }
                cells += 1;
            }
        }
    }
    assert!(cells >= 12 * (6 + 11 * 4), "{cells} cells");
}

#[tokio::test]
async fn each_cell_is_as_the_table_says_where_authentication_is_optional() {
    every_cell("optional", Authentication::Optional).await;
}

#[tokio::test]
async fn each_cell_is_as_the_table_says_where_authentication_is_required() {
    every_cell("required", Authentication::Required).await;
}
