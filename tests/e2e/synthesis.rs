//! research_synthesis, fact_verification and information_extraction over a small corpus.

use serde_json::Value;

use crate::harness::{Server, say, state, text_of};

fn library() -> Server {
    let server = Server::with(&[]);
    assert!(server.command(&["index", concat!(env!("CARGO_MANIFEST_DIR"), "/corpus")]).status.success());
    server
}

#[tokio::test]
async fn a_synthesis_streams_text_that_cites_its_sources() {
    let server = library();
    let events = server.v1_stream("SendStreamingMessage", say("research_synthesis", "How do bees decide on a nest?")).await.results().await;
    let pieces: Vec<&Value> = events.iter().filter_map(|event| event.get("artifactUpdate")).collect();
    assert!(pieces.len() > 1, "in several chunks: {events:?}");
    let text: String = pieces.iter().map(|piece| text_of(&piece["artifact"])).collect();
    assert!(text.contains("[1]"), "{text}");
    assert!(text.contains("How honey bees find a nest") || text.contains("bees-1"), "the source is named: {text}");
    assert!(text.contains("quorum"), "{text}");
    assert_eq!(events.last().unwrap()["statusUpdate"]["status"]["state"], "TASK_STATE_COMPLETED");
}

#[tokio::test]
async fn a_claim_is_checked_against_the_corpus_with_a_quote() {
    let server = library();
    let task = server.ok("SendMessage", say("fact_verification", "Fresnel built the first lens for the Cordouan lighthouse in 1823.")).await;
    assert_eq!(state(&task), "TASK_STATE_COMPLETED", "{task}");
    assert!(task.to_string().contains("Augustin Fresnel"), "a quote: {task}");
}

#[tokio::test]
async fn information_is_extracted_from_what_the_message_brings() {
    let server = library();
    let text = "Contact Ada Lovelace at ada@example.org before 2026-03-01; the engine costs $1,200.";
    let task = server.ok("SendMessage", say("information_extraction", text)).await;
    assert_eq!(state(&task), "TASK_STATE_COMPLETED", "{task}");
    assert!(task["task"]["artifacts"].to_string().contains("ada@example.org"), "{task}");
}
