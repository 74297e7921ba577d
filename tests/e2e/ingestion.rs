//! document_ingestion by message: text, Markdown, HTML and PDF become searchable.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use crate::harness::{Server, pdf_of, say, state};

#[tokio::test]
async fn what_a_message_brings_is_found() {
    let server = Server::start();
    let encode = |bytes: &[u8]| STANDARD.encode(bytes);
    let documents = [
        (json!({"text": "The axolotl keeps its gills all its life."}), "axolotl gills", "axolotl"),
        (
            json!({"raw": encode(b"# Kites\n\nThe *rokkaku* is a six-sided fighting kite."), "mediaType": "text/markdown", "filename": "kites.md"}),
            "rokkaku",
            "rokkaku",
        ),
        (
            json!({"raw": encode(b"<html><body><p>Sourdough needs a <b>levain</b>.</p></body></html>"), "mediaType": "text/html", "filename": "bread.html"}),
            "levain",
            "levain",
        ),
        (
            json!({"raw": encode(&pdf_of(&["The theremin is played without touch."])), "mediaType": "application/pdf", "filename": "music.pdf"}),
            "theremin",
            "theremin",
        ),
    ];
    for (part, query, word) in documents {
        let mut params = say("document_ingestion", "");
        params["message"]["parts"] = json!([part]);
        let stored = server.ok("SendMessage", params).await;
        assert_eq!(state(&stored), "TASK_STATE_COMPLETED", "{stored}");
        let found = server.ok("SendMessage", say("document_search", query)).await;
        assert!(found["task"]["artifacts"].to_string().to_lowercase().contains(word), "{query}: {found}");
    }
}

#[tokio::test]
async fn a_message_without_a_document_is_asked_for_one() {
    let server = Server::start();
    let mut params = say("document_ingestion", "");
    params["message"]["parts"] = json!([{"text": " "}]);
    let asked = server.ok("SendMessage", params).await;
    assert_eq!(state(&asked), "TASK_STATE_INPUT_REQUIRED", "{asked}");
}

#[tokio::test]
async fn a_document_that_can_not_be_read_fails_its_task_with_a_reason() {
    let mut server = Server::with(&[]);
    let mut params = say("document_ingestion", "");
    params["message"]["parts"] = json!([{"raw": STANDARD.encode(b"%PDF-1.4 nothing"), "mediaType": "application/pdf", "filename": "broken.pdf"}]);
    let task = server.ok("SendMessage", params).await["task"].clone();
    assert_eq!(state(&task), "TASK_STATE_FAILED", "{task}");
    assert!(crate::harness::text_of(&task["status"]["message"]).contains("broken.pdf"), "{task}");
    assert!(server.lives());
}
