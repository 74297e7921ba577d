//! The skill `document_ingestion`: keeps the documents of a message, so that they can be searched.

use engine::{
    Role,
    ports::{AgentError, Corpus, Job, NewDocument, Update},
};
use protocol::types::{Message, Part, PartContent};
use serde_json::{Value, json};

use super::{ResearchAgent, answer, ask, failed, intent::Skill};
use crate::{
    reading::{RawDocument, Source, Unreadable, analysed, json_lines, read},
    say,
};

/// So many documents go into one write, for the sake of other writers.
const BATCH: usize = 64;

/// Reads every part first: a message of which one part can't be read changes nothing.
pub async fn run(agent: &ResearchAgent, job: &Job) -> Result<Vec<Update>, AgentError> {
    let corpus = match corpus(job) {
        Ok(corpus) => corpus,
        Err(reason) => return Ok(vec![say::status_saying(protocol::types::TaskState::Rejected, reason)]),
    };
    let message = job.message.clone();
    // Parsing is work for a thread that may be busy for a while.
    let documents = tokio::task::spawn_blocking(move || documents(&message))
        .await
        .map_err(|_| AgentError::new("reading the documents failed"))?
        .map_err(AgentError::new)?;
    if documents.is_empty() {
        return Ok(vec![ask(
            Skill::DocumentIngestion,
            "Which documents should I take in? Attach files (text, Markdown, HTML, PDF, JSON lines) or send their text.",
        )]);
    }

    let kept: Vec<Value> = documents
        .iter()
        .map(|document| json!({"id": document.id, "title": document.title, "source": document.source, "passages": document.passages.len()}))
        .collect();
    let (mut added, mut replaced, mut unchanged) = (0, 0, 0);
    let mut rest = documents;
    while !rest.is_empty() {
        let after = rest.split_off(rest.len().min(BATCH));
        let summary = agent.documents().put(&corpus, rest).await.map_err(failed)?;
        (added, replaced, unchanged) = (added + summary.added, replaced + summary.replaced, unchanged + summary.unchanged);
        rest = after;
    }
    let total = agent.documents().count(&job.caller.owner).await.map_err(failed)?;

    let shared = corpus == Corpus::Shared;
    let mut readable = format!("{added} added, {replaced} replaced, {unchanged} unchanged; documents that can be searched now: {total}.");
    for document in &kept {
        readable.push_str(&format!("\n- {} (passages: {})", document["id"].as_str().unwrap_or_default(), document["passages"]));
    }
    let data = json!({
        "added": added,
        "replaced": replaced,
        "unchanged": unchanged,
        "visibility": if shared { "shared" } else { "private" },
        "documents": kept,
        "total_documents": total,
    });
    Ok(vec![answer::whole(answer::artifact(
        "ingestion",
        "ingested_documents",
        "The documents that were taken in",
        answer::parts(data, readable),
        agent.now(),
    ))])
}

/// Whose the documents will be: the caller's own, unless an operator shares them.
fn corpus(job: &Job) -> Result<Corpus, String> {
    let own = || Corpus::Of(job.caller.owner.clone());
    match job.setting("visibility") {
        None | Some(Value::Null) => Ok(own()),
        Some(Value::String(visibility)) if visibility == "private" => Ok(own()),
        Some(Value::String(visibility)) if visibility == "shared" => match job.caller.role {
            Role::Admin | Role::System => Ok(Corpus::Shared),
            Role::Public | Role::Authenticated => Err("only the roles `admin` and `system` may share documents".into()),
        },
        Some(other) => Err(format!("`metadata.visibility` must be \"private\" or \"shared\", not {other}")),
    }
}

fn documents(message: &Message) -> Result<Vec<NewDocument>, String> {
    let has_files = message.parts.iter().any(|part| !matches!(part.content, PartContent::Text(_)));
    let mut documents = vec![];
    for (index, part) in message.parts.iter().enumerate() {
        // Beside files a bare text is what is said about them.
        let is_remark = has_files && matches!(part.content, PartContent::Text(_)) && part.filename.is_none() && !declares_format(part);
        if !is_remark {
            let is_text = matches!(part.content, PartContent::Text(_));
            documents
                .extend(from_part(message, index, part)?.into_iter().map(|document| analysed(if is_text { titled(document) } else { document })));
        }
    }
    Ok(documents)
}

/// A text without a title is called by how it begins.
fn titled(document: RawDocument) -> RawDocument {
    const MOST_WORDS: usize = 10;
    let line = document.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let words: Vec<&str> = line.split_whitespace().take(MOST_WORDS + 1).collect();
    match words.get(..MOST_WORDS) {
        _ if !document.title.is_empty() => document,
        Some(first) if words.len() > MOST_WORDS => RawDocument { title: format!("{} …", first.join(" ")), ..document },
        _ => RawDocument { title: words.join(" "), ..document },
    }
}

/// The documents of a part.
pub fn from_part(message: &Message, index: usize, part: &Part) -> Result<Vec<RawDocument>, String> {
    let setting = |name: &str| {
        let of_part = part.metadata.as_ref().and_then(|metadata| metadata.get(name));
        let of_message = || message.metadata.as_ref().filter(|_| message.parts.len() == 1).and_then(|metadata| metadata.get(name));
        of_part.or_else(of_message).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let name = part.filename.clone().unwrap_or_default();
    let mut documents = match &part.content {
        PartContent::Url(url) => return Err(format!("`{url}` is not fetched: this agent opens no URLs; send the file's content")),
        PartContent::Data(data) => {
            json_lines::documents(&name, data).map_err(|reason| Unreadable { name: format!("parts[{index}]"), reason }.to_string())?
        }
        PartContent::Text(text) => {
            let text = if name.is_empty() && !declares_format(part) { without_command(text) } else { text };
            if text.trim().is_empty() {
                return Ok(vec![]);
            }
            let media_type = part.media_type.as_deref();
            read(Source { name: &name, media_type, bytes: text.as_bytes() }).map_err(|unreadable| unreadable.to_string())?
        }
        PartContent::Raw(bytes) => {
            read(Source { name: &name, media_type: part.media_type.as_deref(), bytes }).map_err(|unreadable| unreadable.to_string())?
        }
    };
    if let [document] = &mut documents[..] {
        for (name, field) in [("id", &mut document.id), ("title", &mut document.title), ("source", &mut document.source)] {
            let given = [setting(&format!("document_{name}")), setting(name)].into_iter().find(|given| !given.is_empty());
            *field = given.unwrap_or_else(|| std::mem::take(field));
        }
    }
    Ok(documents)
}

fn declares_format(part: &Part) -> bool {
    part.media_type.as_deref().is_some_and(|media_type| !media_type.starts_with("text/plain"))
}

/// `Index this document: …` is a request with the document after the colon.
fn without_command(text: &str) -> &str {
    const COMMANDS: [&str; 7] = ["ingest", "index", "store", "add", "save", "remember", "please"];
    let first = text.split_whitespace().next().unwrap_or_default().to_lowercase();
    if !COMMANDS.contains(&first.as_str()) {
        return text;
    }
    let end_of_line = text.find('\n').unwrap_or(text.len());
    match text[..end_of_line].find(':') {
        Some(colon) if text[..colon].split_whitespace().count() <= 8 => &text[colon + 1..],
        _ if text[..end_of_line].split_whitespace().count() <= 6 => &text[end_of_line..],
        _ => text,
    }
}
