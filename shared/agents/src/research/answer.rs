//! What the research agent says: artifacts that name it, and a document as an answer shows it.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, Utc};
use engine::ports::Update;
use protocol::types::{Artifact, Part};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    retrieval::Hit,
    snippet::{Snippet, snippet},
};

/// A document in an answer.
#[derive(Debug, Clone, Serialize)]
pub struct ShownDocument {
    /// The id that it came with.
    pub id: String,
    /// May be empty.
    pub title: String,
    /// Its best stretch.
    pub content: String,
    /// The same with the query's words marked.
    pub snippet: String,
    /// From 0 to 1.
    pub relevance_score: f64,
    /// Where it came from.
    pub source: String,
    /// Which passage of the document it is, from 0.
    pub passage: u32,
}

impl ShownDocument {
    /// A hit with the stretch that answers these terms.
    pub fn new(hit: &Hit, terms: &[String]) -> Self {
        let Snippet { content, marked } = snippet(&hit.passage.text, terms);
        ShownDocument {
            id: hit.passage.document_id.clone(),
            title: hit.passage.title.clone(),
            content,
            snippet: marked,
            relevance_score: (hit.relevance * 10_000.0).round() / 10_000.0,
            source: hit.passage.source.clone(),
            passage: hit.passage.number,
        }
    }

    /// What to call it where people read.
    pub fn label(&self) -> &str {
        [&self.title, &self.source, &self.id].into_iter().find(|name| !name.is_empty()).map_or("", String::as_str)
    }
}

/// The parts of an answer that is data: the same as text that is JSON (for clients that read only text) and as data, then for people.
pub fn parts(data: Value, readable: String) -> Vec<Part> {
    vec![
        Part::text(data.to_string()).with_media_type("application/json"),
        Part::data(data).with_media_type("application/json"),
        Part::text(readable).with_media_type("text/plain"),
    ]
}

/// An artifact of this agent.
pub fn artifact(id: &str, name: &str, description: &str, parts: Vec<Part>, now: DateTime<Utc>) -> Artifact {
    let metadata = json!({
        "agent_id": "research",
        "agent_name": super::profile::NAME,
        "agent_type": protocol::agent_type("research"),
        "timestamp": now.to_rfc3339_opts(SecondsFormat::Millis, true),
    });
    let metadata: Option<HashMap<String, Value>> = serde_json::from_value(metadata).ok();
    Artifact { artifact_id: id.into(), name: Some(name.into()), description: Some(description.into()), parts, metadata, extensions: None }
}

/// A whole artifact.
pub fn whole(artifact: Artifact) -> Update {
    Update::Artifact { artifact, append: false, last_chunk: true }
}
