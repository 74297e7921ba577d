//! document_search: finds what was indexed, ranked, with snippets, in pages.

use serde_json::{Value, json};

use crate::harness::{Server, first_artifact, pdf_of, say, state};

/// A server whose corpus is the repository's small one.
fn library() -> Server {
    let server = Server::with(&[]);
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
    let output = server.command(&["index", corpus]);
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    server
}

/// The documents that a search found.
fn documents(task: &Value) -> Vec<Value> {
    assert_eq!(state(task), "TASK_STATE_COMPLETED", "{task}");
    let parts = first_artifact(task)["parts"].as_array().unwrap();
    let found = parts.iter().find_map(|part| part["data"]["documents"].as_array().cloned());
    found.or_else(|| serde_json::from_str::<Value>(parts[0]["text"].as_str()?).ok()?["documents"].as_array().cloned()).expect("documents")
}

async fn search(server: &Server, query: &str, settings: Value) -> Vec<Value> {
    let mut params = say("document_search", query);
    for (name, value) in settings.as_object().unwrap() {
        params["message"]["metadata"][name] = value.clone();
    }
    documents(&server.ok("SendMessage", params).await)
}

fn ids(documents: &[Value]) -> Vec<&str> {
    documents.iter().map(|document| document["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_best_document_comes_first() {
    let server = library();
    for (query, best) in [
        ("why are blunt noses used at hypersonic speeds", "heat-1"),
        ("swarm decision by quorum of scouts", "bees-1"),
        ("Who built the lens of the Cordouan lighthouse?", "lamp-1"),
        ("heat conduction in composite slabs", "heat-2"),
        ("brewing temperatures of green tea", "tea-1"),
        ("what happens to a task when its worker dies", "queue-2"),
    ] {
        let found = search(&server, query, json!({})).await;
        assert_eq!(ids(&found).first(), Some(&best), "{query}: {found:?}");
        let scores: Vec<f64> = found.iter().map(|document| document["relevance_score"].as_f64().unwrap()).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
        assert!(found[0]["title"].is_string() && !found[0]["content"].as_str().unwrap().is_empty(), "{found:?}");
    }
}

#[tokio::test]
async fn files_of_every_kind_are_found() {
    let server = library();
    std::fs::write(server.directory().join("harbour.pdf"), pdf_of(&["The harbour of Valparaiso", "has funicular railways up its hills."])).unwrap();
    let output = server.command(&["index", "harbour.pdf"]);
    assert!(output.status.success(), "{output:?}");
    for (query, word) in [
        ("isotopes of oxygen in ice cores", "glacier"),
        ("glass flake epoxy paint", "bridge"),
        ("varnish of linseed oil and resin", "violin"),
        ("funicular railways of Valparaiso", "harbour"),
    ] {
        let found = search(&server, query, json!({})).await;
        assert!(found[0].to_string().to_lowercase().contains(word), "{query}: {found:?}");
    }
    let hidden = search(&server, "marimba", json!({})).await;
    assert!(hidden.is_empty(), "scripts are no text: {hidden:?}");
}

#[tokio::test]
async fn pages_follow_each_other() {
    let server = library();
    let all = search(&server, "tea bees light heat wing queue", json!({"limit": 6})).await;
    assert_eq!(all.len(), 6, "{:?}", ids(&all));
    let first = search(&server, "tea bees light heat wing queue", json!({"limit": 3})).await;
    let second = search(&server, "tea bees light heat wing queue", json!({"limit": 3, "offset": 3})).await;
    assert_eq!([ids(&first), ids(&second)].concat(), ids(&all));
}

#[tokio::test]
async fn settings_may_stand_in_the_params_instead() {
    let server = library();
    let params = json!({"metadata": {"skillId": "document_search", "limit": 1},
        "message": {"messageId": "m-1", "role": "ROLE_USER", "parts": [{"text": "lighthouse keepers wick"}]}});
    let found = documents(&server.ok("SendMessage", params).await);
    assert_eq!(ids(&found), ["lamp-2"]);
}

#[tokio::test]
async fn a_search_without_a_hit_is_completed_and_empty() {
    let server = library();
    for query in ["xylophone quasar", "\"unbalanced", "NEAR( AND * OR", "-- ; DROP TABLE documents", "日本語"] {
        let found = search(&server, query, json!({})).await;
        assert!(found.len() <= 10, "{query}: {found:?}");
    }
    assert!(search(&server, "xylophone quasar", json!({})).await.is_empty());
}

#[tokio::test]
async fn a_first_search_finds_the_projects_own_readme() {
    let server = Server::with(&[]);
    let found = search(&server, "durable tasks survive a killed process", json!({})).await;
    assert!(!found.is_empty());
}

#[tokio::test]
async fn indexing_a_document_again_replaces_it() {
    let server = Server::with(&[]);
    let path = server.directory().join("one.jsonl");
    for text in ["the okapi lives in rain forests", "the narwhal lives in cold seas"] {
        std::fs::write(&path, json!({"id": "animal", "title": "Animals", "text": text}).to_string()).unwrap();
        assert!(server.command(&["index", path.to_str().unwrap()]).status.success());
    }
    assert_eq!(ids(&search(&server, "narwhal", json!({})).await), ["animal"]);
    assert!(search(&server, "okapi", json!({})).await.is_empty());
}

#[tokio::test]
async fn a_long_document_is_found_by_any_of_its_pieces_and_once() {
    let server = Server::with(&[]);
    let filler = "Ordinary words about nothing in particular fill this paragraph of the document. ".repeat(8);
    let text: Vec<String> = (0..60).map(|n| if n == 47 { "The zeppelin moored at the mast. ".repeat(3) } else { filler.clone() }).collect();
    std::fs::write(server.directory().join("long.jsonl"), json!({"id": "long", "title": "Long", "text": text.join("\n\n")}).to_string()).unwrap();
    assert!(server.command(&["index", "long.jsonl"]).status.success());
    let found = search(&server, "zeppelin mast", json!({})).await;
    assert_eq!(ids(&found), ["long"]);
    assert!(found[0]["content"].as_str().unwrap().contains("zeppelin"), "the snippet shows the hit: {found:?}");
}
