//! The skill `information_extraction`: what a text states, as data.

use engine::ports::{AgentError, Job, Update};
use protocol::types::PartContent;
use serde_json::{Value, json};

use super::{
    ResearchAgent, answer, ask,
    document_ingestion::from_part,
    document_search::{filter, query_text},
    entities::{Entity, definitions, entities, key_terms},
    failed,
    intent::{Skill, number, topic},
    research_synthesis::has_prose,
    retrieval::{Query, retrieve},
    scorer::inverse_frequency,
};
use crate::reading::terms::stems;

const KEY_TERMS: usize = 15;

/// A text with where it came from.
struct Read {
    id: String,
    title: String,
    text: String,
}

/// Reads attached files, else the text itself, else the best documents for the question that the text is.
pub async fn run(agent: &ResearchAgent, job: &Job) -> Result<Vec<Update>, AgentError> {
    let text = query_text(job);
    let mut read = attached(job)?;
    if read.is_empty() {
        match own_text(&text) {
            Some(own) => read.push(Read { id: String::new(), title: "the message".into(), text: own.to_owned() }),
            None if topic(&text).trim().is_empty() || is_bare_request(&text) => {
                return Ok(vec![ask(
                    Skill::InformationExtraction,
                    "From what should I extract information? Send a text, attach a file, or name a topic of the documents.",
                )]);
            }
            None => read = found(agent, job, topic(&text)).await?,
        }
    }
    let all = read.iter().map(|read| read.text.as_str()).collect::<Vec<_>>().join("\n\n");

    let mut terms = stems(&all);
    terms.sort_unstable();
    terms.dedup();
    terms.truncate(5_000);
    let passages = agent.documents().statistics(&job.caller.owner).await.map_err(failed)?.passages;
    let counts: std::collections::HashMap<String, u64> =
        agent.documents().passage_counts(&job.caller.owner, &terms).await.map_err(failed)?.into_iter().collect();
    // With few documents to compare with, every term is about as rare.
    let weigh = |term: &str| 1.0 + if passages < 20 { 0.0 } else { inverse_frequency(passages, counts.get(term).copied().unwrap_or(0)) };

    let entities = entities(&all);
    let definitions = definitions(&all);
    let key_terms = key_terms(&all, KEY_TERMS, weigh);
    let summary = summary(&entities, definitions.len(), &read);
    let shown: Vec<Value> = key_terms.iter().map(|(term, weight)| json!({"term": term, "weight": (weight * 1000.0).round() / 1000.0})).collect();
    let sources: Vec<Value> = read.iter().map(|read| json!({"id": read.id, "title": read.title})).collect();
    let data = json!({"entities": entities, "definitions": definitions, "key_terms": shown, "sources": sources, "summary": summary});
    let terms: Vec<&str> = key_terms.iter().map(|(term, _)| term.as_str()).collect();
    let readable = readable(&summary, &data, &terms);
    let artifact = answer::artifact("extraction", "extracted_information", "What the text states", answer::parts(data, readable), agent.now());
    Ok(vec![answer::whole(artifact)])
}

fn attached(job: &Job) -> Result<Vec<Read>, AgentError> {
    let mut read = vec![];
    for (index, part) in job.message.parts.iter().enumerate() {
        let is_file = matches!(part.content, PartContent::Raw(_) | PartContent::Url(_)) || part.as_text().is_some() && part.filename.is_some();
        if is_file {
            let documents = from_part(&job.message, index, part).map_err(AgentError::new)?;
            read.extend(documents.into_iter().map(|document| Read { id: document.id, title: document.title, text: document.text }));
        }
    }
    Ok(read)
}

/// The text to read within the message: after a colon or the first line of a request, or all of it if it is more than a request.
fn own_text(text: &str) -> Option<&str> {
    let request = text.trim_start().get(..7).is_some_and(|start| start.eq_ignore_ascii_case("extract"));
    let after_colon = text
        .split_once(':')
        .filter(|(before, _)| request && !before.contains('.') && before.split_whitespace().count() <= 15)
        .map(|(_, after)| after.trim());
    let after_line = text.trim().split_once('\n').filter(|_| request).map(|(_, after)| after.trim());
    match (after_colon, after_line) {
        (Some(after), _) if !after.is_empty() => Some(after),
        (_, Some(after)) if !after.is_empty() => Some(after),
        _ if request => has_prose(text).then_some(text),
        _ => (has_prose(text) || entities(text).values().any(|found| !found.is_empty())).then_some(text),
    }
}

/// `Extract the dates from this text`, and no text.
fn is_bare_request(text: &str) -> bool {
    const WORDS: [&str; 30] = [
        "extract",
        "find",
        "list",
        "get",
        "information",
        "info",
        "facts",
        "data",
        "entities",
        "entity",
        "dates",
        "date",
        "names",
        "name",
        "amounts",
        "numbers",
        "key",
        "terms",
        "definitions",
        "text",
        "document",
        "documents",
        "file",
        "report",
        "following",
        "attached",
        "emails",
        "urls",
        "article",
        "message",
    ];
    let plain = |word: &str| WORDS.iter().any(|known| crate::reading::terms::stem(known).as_deref() == Some(word));
    stems(text).iter().all(|word| plain(word))
}

async fn found(agent: &ResearchAgent, job: &Job, topic: &str) -> Result<Vec<Read>, AgentError> {
    let query = Query {
        text: topic.to_owned(),
        filter: filter(job).map_err(AgentError::new)?,
        offset: 0,
        limit: number(job, "limit", 5, 1, 50).map_err(AgentError::new)?,
        forgiving: true,
    };
    let found = retrieve(agent.documents(), &job.caller.owner, &query).await.map_err(failed)?;
    Ok(found.hits.into_iter().map(|hit| Read { id: hit.passage.document_id, title: hit.passage.title, text: hit.passage.text }).collect())
}

fn summary(entities: &std::collections::BTreeMap<&'static str, Vec<Entity>>, definitions: usize, read: &[Read]) -> String {
    let mut counts: Vec<String> =
        entities.iter().filter(|(_, found)| !found.is_empty()).map(|(kind, found)| format!("{kind} {}", found.len())).collect();
    if definitions > 0 {
        counts.push(format!("definitions {definitions}"));
    }
    let origin = match read {
        [] => return "No document was found for this.".into(),
        [one] => one.title.clone(),
        many => format!("{} documents", many.len()),
    };
    if counts.is_empty() {
        format!("{origin}: no dates, amounts, names or the like were found.")
    } else {
        format!("{origin}: {}.", counts.join(", "))
    }
}

fn readable(summary: &str, data: &Value, key_terms: &[&str]) -> String {
    let mut lines = vec![summary.to_owned()];
    for (kind, found) in data["entities"].as_object().into_iter().flatten() {
        let texts: Vec<&str> = found.as_array().into_iter().flatten().filter_map(|entity| entity["text"].as_str()).collect();
        if !texts.is_empty() {
            lines.push(format!("{kind}: {}", texts.join("; ")));
        }
    }
    for definition in data["definitions"].as_array().into_iter().flatten() {
        lines.push(format!(
            "definition: {} = {}",
            definition["term"].as_str().unwrap_or_default(),
            definition["definition"].as_str().unwrap_or_default()
        ));
    }
    if !key_terms.is_empty() {
        lines.push(format!("key terms: {}", key_terms.join(", ")));
    }
    lines.join("\n")
}
