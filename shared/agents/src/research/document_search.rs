//! The skill `document_search`: documents ranked for a query.

use engine::ports::{AgentError, DocumentFilter, Job, Update};
use serde_json::{Value, json};

use super::{
    ResearchAgent,
    answer::{self, ShownDocument},
    ask, failed,
    intent::{Skill, number, text_of, topic},
    retrieval::{Found, Query, retrieve},
};
use crate::reading::terms::terms;

/// As answers name it.
pub const METHOD: &str = "bm25f+relevance-feedback";

/// Searches; a message without words asks for some.
pub async fn run(agent: &ResearchAgent, job: &Job) -> Result<Vec<Update>, AgentError> {
    let text = query_text(job);
    if text.trim().is_empty() {
        return Ok(vec![ask(Skill::DocumentSearch, "What should I search for? Send the words or the question as text.")]);
    }
    let query = Query {
        text: topic(&text).to_owned(),
        filter: filter(job).map_err(AgentError::new)?,
        offset: number(job, "offset", 0, 0, 100_000).map_err(AgentError::new)?,
        limit: number(job, "limit", 10, 1, 100).map_err(AgentError::new)?,
        forgiving: true,
    };
    let found = retrieve(agent.documents(), &job.caller.owner, &query).await.map_err(failed)?;
    let documents: Vec<ShownDocument> = found.hits.iter().map(|hit| ShownDocument::new(hit, &found.terms)).collect();

    let read_as = read_as(&query.text, &found);
    let readable = readable(&query, found.total, &read_as, &documents);
    let mut data = json!({
        "search_method": METHOD,
        "total_found": found.total,
        "query": text.trim(),
        "topic": query.text.trim(),
        "offset": query.offset,
        "limit": query.limit,
        "documents": documents,
    });
    if !read_as.is_empty() {
        data["read_as"] = read_as.into_iter().map(|(word, known)| (word, Value::from(known))).collect();
    }
    let description = format!("Documents for: {}", query.text.trim().chars().take(120).collect::<String>());
    Ok(vec![answer::whole(answer::artifact("search-results", "search_results", &description, answer::parts(data, readable), agent.now()))])
}

/// The text parts, else a data part `{"query": …}`.
pub fn query_text(job: &Job) -> String {
    let text = text_of(&job.message);
    if !text.trim().is_empty() {
        return text;
    }
    let data = job.message.parts.iter().filter_map(|part| match &part.content {
        protocol::types::PartContent::Data(data) => data.get("query").or_else(|| data.get("text")).and_then(Value::as_str),
        _ => None,
    });
    data.collect::<Vec<_>>().join(" ")
}

/// `metadata.filter`, an object of `ids`, `source` and `sources`; the last also on their own.
pub fn filter(job: &Job) -> Result<DocumentFilter, String> {
    let mut filter = DocumentFilter::default();
    if let Some(value) = job.setting("filter").filter(|value| !value.is_null()) {
        let members =
            value.as_object().ok_or_else(|| format!("`metadata.filter` must be an object such as {{\"source\": \"report.pdf\"}}, not {value}"))?;
        for (name, value) in members {
            match name.as_str() {
                "ids" | "id" => filter.ids = strings("metadata.filter.ids", value)?,
                "source" | "sources" => filter.sources = strings("metadata.filter.source", value)?,
                other => return Err(format!("`metadata.filter` has no condition `{other}` (it has ids, source)")),
            }
        }
    }
    if let Some(value) = job.setting("source").filter(|value| !value.is_null()) {
        filter.sources = strings("metadata.source", value)?;
    }
    Ok(filter)
}

fn strings(name: &str, value: &Value) -> Result<Vec<String>, String> {
    let as_strings = |value: &Value| match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Number(number) => Some(vec![number.to_string()]),
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).or_else(|| item.is_number().then(|| item.to_string()))).collect()
        }
        _ => None,
    };
    as_strings(value).ok_or_else(|| format!("`{name}` must be a string or a list of strings, not {value}"))
}

/// Words of the query that no document has, and words of the documents that they were taken for.
fn read_as(query: &str, found: &Found) -> Vec<(String, String)> {
    let word = |text: &str, stem: &str| terms(text).into_iter().find(|term| term.stem == stem).map(|term| text[term.span].to_lowercase());
    let of_documents = |stem: &str| found.hits.iter().find_map(|hit| word(&hit.passage.text, stem));
    let both = |(wrong, right): &(String, String)| {
        (word(query, wrong).unwrap_or_else(|| wrong.clone()), of_documents(right).unwrap_or_else(|| right.clone()))
    };
    found.corrected.iter().map(both).collect()
}

fn readable(query: &Query, total: usize, read_as: &[(String, String)], documents: &[ShownDocument]) -> String {
    let topic = query.text.trim();
    let otherwise: Vec<String> = read_as.iter().map(|(word, known)| format!("“{word}” as “{known}”")).collect();
    let otherwise = if otherwise.is_empty() { String::new() } else { format!(" (read {})", otherwise.join(", ")) };
    match (total, documents.is_empty()) {
        (0, _) => format!("No document was found for “{topic}”."),
        (_, true) => format!("{total} documents were found for “{topic}”, none after the first {}.", query.offset),
        _ => {
            let entry = |(index, document): (usize, &ShownDocument)| {
                let source = if document.source.is_empty() { &document.id } else { &document.source };
                format!("{}. {} ({source})\n   {}", query.offset + index + 1, document.label(), document.snippet)
            };
            let entries: Vec<String> = documents.iter().enumerate().map(entry).collect();
            format!("{total} found for “{topic}”{otherwise}, best first:\n\n{}", entries.join("\n\n"))
        }
    }
}
