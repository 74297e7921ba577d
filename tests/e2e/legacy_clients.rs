//! Clients of the protocol's first days: what they send, and every shape that they read.

use serde_json::{Value, json};

use crate::harness::Server;

/// A text as the first clients send it: no ids, no credentials, no version.
async fn say(server: &Server, id: Value, text: &str) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": id, "method": "tasks/send", "params": {"message": {"role": "user", "parts": [{"type": "text", "text": text}]}}});
    let answered = server.post("/", &[], body.to_string()).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    answered.json()
}

#[tokio::test]
async fn the_snippets_read_a_flat_task() {
    let server = Server::start();
    for id in [json!(1), json!(1_763_812_345_678_u64), json!("load_test_3_1763812345")] {
        let response = say(&server, id.clone(), "Search for documents about artificial intelligence research").await;
        assert_eq!(response["id"], id);
        assert!(response.get("error").is_none(), "a success has no error key: {response}");
        let task = &response["result"];
        assert!(task["id"].is_string() && task["sessionId"].as_str().unwrap().len() >= 8, "{task}");
        assert!(task.get("task").is_none(), "{task}");
        assert_eq!(task["status"]["state"], "completed");
        for list in ["artifacts", "history"] {
            assert!(task[list].is_array(), "{list} is never null: {task}");
        }
        let timestamp = task["status"]["timestamp"].as_str().unwrap();
        let digits = timestamp.split_once('.').map_or(0, |(_, fraction)| fraction.chars().take_while(char::is_ascii_digit).count());
        assert!([0, 3, 6].contains(&digits), "{timestamp}");
    }
}

#[tokio::test]
async fn each_sentence_of_the_load_tester_is_completed_with_an_artifact() {
    let server = Server::start();
    for topic in [
        "machine learning algorithms",
        "neural network architectures",
        "artificial intelligence research",
        "deep learning applications",
        "natural language processing",
    ] {
        completed(&say(&server, json!(1), &format!("Search for documents about {topic}")).await);
    }
    completed(&say(&server, json!(2), "Synthesize findings from multiple research sources").await);
    let asked = say(&server, json!(3), "Analyze statistical trends in AI research").await;
    assert!(["completed", "input-required"].contains(&asked["result"]["status"]["state"].as_str().unwrap()), "{asked}");
    assert!(asked["result"]["id"].is_string());
}

fn completed(response: &Value) {
    let task = &response["result"];
    assert_eq!(task["status"]["state"], "completed", "{response}");
    let artifact = &task["artifacts"][0];
    assert!(artifact["name"].is_string() && artifact["description"].is_string(), "{artifact}");
    assert_eq!((&artifact["index"], &artifact["parts"][0]["type"]), (&json!(0), &json!("text")), "{artifact}");
    for field in ["agent_id", "agent_name", "agent_type", "timestamp"] {
        assert!(artifact["metadata"][field].is_string(), "{field} is missing in {artifact}");
    }
}

#[tokio::test]
async fn they_need_no_credentials_where_others_may_show_some() {
    let settings = [("A2A_AUTH", "optional"), ("A2A_SECRET_KEY", "a-secret-key-of-at-least-32-bytes!"), ("A2A_ADMIN_API_KEY", "the-admins-own-key")];
    let server = Server::with(&[&settings[..], &[("A2A_THREATS", "block")]].concat());
    let response = say(&server, json!(1), "Search for documents about machine learning algorithms").await;
    completed(&response);
    assert_eq!(server.old("tasks/get", json!({"id": response["result"]["id"]})).await["result"]["id"], response["result"]["id"]);
    assert_eq!(server.get("/.well-known/agent.json", &[]).await.status, 200);
}

#[tokio::test]
async fn a_search_artifact_is_text_that_is_json() {
    let server = Server::start();
    let response = say(&server, json!(1), "Search for documents about durable tasks").await;
    let text = response["result"]["artifacts"][0]["parts"][0]["text"].as_str().unwrap();
    let found: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(found["search_method"].is_string() && found["query"].is_string() && found["total_found"].is_u64(), "{found}");
    for document in found["documents"].as_array().unwrap() {
        for field in ["id", "title", "content", "relevance_score", "source"] {
            assert!(!document[field].is_null(), "{field} is missing in {document}");
        }
    }
}

#[tokio::test]
async fn an_invalid_request_is_an_error_with_http_200() {
    let server = Server::start();
    let answered = server.post("/", &[], r#"{"invalid":"request"}"#).await;
    assert_eq!(answered.status, 200);
    let response = answered.json();
    assert!(response["error"]["code"].is_i64() && response["error"]["message"].is_string(), "{response}");
    assert!(response.get("result").is_none(), "{response}");
}

#[tokio::test]
async fn a_client_that_sends_its_content_type_with_get_is_answered() {
    let server = Server::start();
    for path in ["/health", "/.well-known/agent.json", "/agents"] {
        assert_eq!(server.get(path, &[("Content-Type", "application/json")]).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn tasks_get_takes_either_name_of_the_id() {
    let server = Server::start();
    let id = say(&server, json!(1), "Search for documents about agents").await["result"]["id"].clone();
    for name in ["id", "taskId"] {
        let task = server.old("tasks/get", json!({name: id})).await["result"].clone();
        assert_eq!((&task["id"], task["sessionId"].is_string()), (&id, true), "{task}");
    }
    assert_eq!(server.old("tasks/get", json!({"id": "none"})).await["error"]["code"], -32001);
}
