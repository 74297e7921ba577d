//! The skill `research_synthesis`: many documents, or the results of other tasks, into one text that cites them.

use std::collections::HashSet;

use engine::ports::{AgentError, Job, Update};
use protocol::types::{Part, Task};
use serde_json::{Value, json};

use super::{
    ResearchAgent, answer, ask,
    document_ingestion::from_part,
    document_search::{filter, query_text},
    failed,
    intent::{Skill, by_words, number, topic},
    retrieval::{Query, retrieve},
    sentence_ranking::{Chosen, Sentence, choose, sentences_of, split},
};
use crate::reading::terms::stems;

const ARTIFACT: &str = "synthesis";
const IN_OVERVIEW: usize = 2;
const FINDINGS: usize = 10;

/// What a synthesis is made of.
struct SourceText {
    id: String,
    title: String,
    source: String,
    text: String,
}

impl SourceText {
    fn label(&self) -> String {
        let title = [&self.title, &self.source, &self.id].into_iter().find(|name| !name.is_empty()).map_or("", String::as_str);
        // A file's name, or a task's, tells its id already.
        let tells = self
            .source
            .rsplit(['/', ' '])
            .next()
            .is_some_and(|name| name == self.id || name.strip_prefix(&self.id).is_some_and(|end| end.starts_with('.')));
        let id = if tells { "" } else { &self.id };
        let origin = [id, &self.source].into_iter().filter(|name| !name.is_empty() && *name != title).collect::<Vec<_>>().join(", ");
        if origin.is_empty() { title.to_owned() } else { format!("{title} ({origin})") }
    }
}

/// Writes from attached files and referenced tasks where there are any, else from the documents found for the text.
pub async fn run(agent: &ResearchAgent, job: &Job) -> Result<Vec<Update>, AgentError> {
    let text = query_text(job);
    let topic = topic(&text).trim().to_owned();
    // `Synthesize findings from all sources` names no topic, but its words are all there is to search for.
    let heading = if topic == text.trim() && by_words(&text).is_some() { String::new() } else { topic.clone() };
    let mut sources: Vec<SourceText> = job.referenced_tasks.iter().flat_map(of_task).collect();
    sources.extend(attached(job)?);
    if sources.is_empty() {
        if topic.is_empty() {
            return Ok(vec![ask(
                Skill::ResearchSynthesis,
                "What should I write about? Name a topic, attach documents, or refer to tasks whose results I should bring together.",
            )]);
        }
        sources = found(agent, job, &topic).await?;
    }

    let texts: Vec<String> = sources.iter().map(|source| source.text.clone()).collect();
    let titles: HashSet<Vec<String>> = sources.iter().map(|source| stems(&source.title)).collect();
    let wanted = topic.clone();
    // Each sentence is compared with each: work for a thread that may be busy for a while.
    let choosing = tokio::task::spawn_blocking(move || {
        // A text that begins with its title says nothing by it.
        let sentences: Vec<Sentence> = split(&texts).into_iter().filter(|sentence| !titles.contains(&stems(&sentence.words))).collect();
        choose(&sentences, &wanted, IN_OVERVIEW + FINDINGS)
    });
    let chosen = choosing.await.map_err(|_| AgentError::new("choosing the sentences failed"))?;
    let (chosen, sources) = cited(chosen, sources);
    Ok(chunks(agent, &heading, &chosen, &sources))
}

async fn found(agent: &ResearchAgent, job: &Job, topic: &str) -> Result<Vec<SourceText>, AgentError> {
    let query = Query {
        text: topic.to_owned(),
        filter: filter(job).map_err(AgentError::new)?,
        offset: number(job, "offset", 0, 0, 100_000).map_err(AgentError::new)?,
        limit: number(job, "limit", 10, 1, 50).map_err(AgentError::new)?,
        forgiving: true,
    };
    let found = retrieve(agent.documents(), &job.caller.owner, &query).await.map_err(failed)?;
    let best = found.hits.first().map_or(0.0, |hit| hit.relevance);
    // What is much worse than the best is about something else.
    let near = found.hits.into_iter().filter(|hit| hit.relevance >= best * 0.4);
    Ok(near
        .map(|hit| SourceText { id: hit.passage.document_id, title: hit.passage.title, source: hit.passage.source, text: hit.passage.text })
        .collect())
}

fn attached(job: &Job) -> Result<Vec<SourceText>, AgentError> {
    let mut sources = vec![];
    for (index, part) in job.message.parts.iter().enumerate() {
        let is_question = part.as_text().is_some() && part.filename.is_none();
        let is_query = matches!(&part.content, protocol::types::PartContent::Data(data) if data.get("query").is_some());
        if !is_question && !is_query {
            let raw = from_part(&job.message, index, part).map_err(AgentError::new)?;
            sources.extend(raw.into_iter().map(|raw| SourceText { id: raw.id, title: raw.title, source: raw.source, text: raw.text }));
        }
    }
    Ok(sources)
}

/// The documents that a search task found, or else the texts of a task's artifacts.
fn of_task(task: &Task) -> Vec<SourceText> {
    let artifacts = task.artifacts.as_deref().unwrap_or_default();
    let string = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let documents: Vec<SourceText> = artifacts
        .iter()
        .flat_map(|artifact| &artifact.parts)
        .filter_map(|part| match &part.content {
            protocol::types::PartContent::Data(data) => data.get("documents").or_else(|| data.get("sources"))?.as_array(),
            _ => None,
        })
        .flatten()
        .filter(|document| document.get("content").is_some())
        .map(|document| SourceText {
            id: string(document, "id"),
            title: string(document, "title"),
            source: string(document, "source"),
            text: string(document, "content").trim_matches(['…', ' ']).to_owned(),
        })
        .collect();
    if !documents.is_empty() {
        return documents;
    }
    let is_prose = |part: &&Part| part.media_type.as_deref() != Some("application/json");
    let text = |parts: &[Part]| parts.iter().filter(is_prose).filter_map(Part::as_text).collect::<String>();
    let named = artifacts.iter().map(|artifact| (artifact.name.clone().unwrap_or_default(), text(&artifact.parts)));
    named
        .filter(|(_, text)| !text.trim().is_empty())
        .map(|(title, text)| SourceText { id: task.id.clone(), title, source: format!("task {}", task.id), text })
        .collect()
}

/// Only the sources that are cited, numbered in the order of their first citation.
fn cited(chosen: Vec<Chosen>, sources: Vec<SourceText>) -> (Vec<Chosen>, Vec<SourceText>) {
    let mut order: Vec<usize> = vec![];
    for index in chosen.iter().flat_map(|chosen| &chosen.said_by) {
        if !order.contains(index) {
            order.push(*index);
        }
    }
    let number = |index: &usize| order.iter().position(|known| known == index).unwrap_or_default();
    let renumbered = chosen.into_iter().map(|chosen| Chosen { said_by: chosen.said_by.iter().map(number).collect(), ..chosen }).collect();
    let mut sources: Vec<Option<SourceText>> = sources.into_iter().map(Some).collect();
    let ordered = order.iter().filter_map(|index| sources.get_mut(*index).and_then(Option::take)).collect();
    (renumbered, ordered)
}

/// One artifact in pieces: title and overview, each finding, the sources.
fn chunks(agent: &ResearchAgent, topic: &str, chosen: &[Chosen], sources: &[SourceText]) -> Vec<Update> {
    let heading = if topic.is_empty() { "Synthesis".to_owned() } else { format!("Synthesis: {}", topic.trim_end_matches(['.', '?', '!', ' '])) };
    let line = |chosen: &Chosen| {
        let mut numbers = chosen.said_by.clone();
        numbers.sort_unstable();
        let citations: String = numbers.iter().map(|number| format!("[{}]", number + 1)).collect();
        format!("{} {citations}", tidy(&chosen.sentence.words))
    };
    let (overview, findings) = chosen.split_at(chosen.len().min(IN_OVERVIEW));
    let mut texts = vec![match sources.len() {
        0 => format!("# {heading}\n\n## Overview\n\nNo documents were found on this.\n"),
        count => {
            let documents = if count == 1 { "one document".to_owned() } else { format!("{count} documents") };
            let sentences: Vec<String> = overview.iter().map(line).collect();
            format!("# {heading}\n\n## Overview\n\nDrawn from {documents}. {}\n", sentences.join(" "))
        }
    }];
    if !findings.is_empty() {
        texts.push("\n## Findings\n\n".to_owned());
        texts.extend(findings.iter().map(|chosen| format!("- {}\n", line(chosen))));
    }
    if !sources.is_empty() {
        let lines: String = sources.iter().enumerate().map(|(index, source)| format!("[{}] {}\n", index + 1, source.label())).collect();
        texts.push(format!("\n## Sources\n\n{lines}"));
    }

    let shown: Vec<Value> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| json!({"number": index + 1, "id": source.id, "title": source.title, "source": source.source}))
        .collect();
    let findings: Vec<Value> = chosen
        .iter()
        .map(|chosen| json!({"text": chosen.sentence.words, "sources": chosen.said_by.iter().map(|number| number + 1).collect::<Vec<_>>()}))
        .collect();
    let data = Part::data(json!({"topic": topic, "findings": findings, "sources": shown})).with_media_type("application/json");

    let mut parts: Vec<Part> = texts.into_iter().map(|text| Part::text(text).with_media_type("text/markdown")).collect();
    parts.push(data);
    let last = parts.len() - 1;
    let description = "A text drawn from documents, with citations";
    let update = |(index, part): (usize, Part)| {
        let artifact = answer::artifact(ARTIFACT, "research_synthesis", description, vec![part], agent.now());
        Update::Artifact { artifact, append: index > 0, last_chunk: index == last }
    };
    parts.into_iter().enumerate().map(update).collect()
}

/// A quoted sentence in the middle of other text: it begins with a capital, and no space stands before its marks.
fn tidy(sentence: &str) -> String {
    let mut text = String::with_capacity(sentence.len());
    for (at, c) in sentence.char_indices() {
        if matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | ')') && sentence[at + c.len_utf8()..].chars().next().is_none_or(char::is_whitespace) {
            text.truncate(text.trim_end().len());
        }
        text.push(c);
    }
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Whether a text has sentences to work on; a bare question has none.
pub fn has_prose(text: &str) -> bool {
    sentences_of(text).len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_tidied_as_text() {
        assert_eq!(tidy("flutter, at mach 1.2 , is measured (see 3 ) ."), "Flutter, at mach 1.2, is measured (see 3).");
        assert_eq!(tidy("a .5 share"), "A .5 share");
        assert_eq!(tidy(""), "");
    }

    #[test]
    fn a_source_is_called_by_its_title_and_where_it_is_found() {
        let label = |id: &str, title: &str, source: &str| {
            SourceText { id: id.into(), title: title.into(), source: source.into(), text: String::new() }.label()
        };
        assert_eq!(label("7", "Wings", "all.jsonl"), "Wings (7, all.jsonl)");
        assert_eq!(label("a.md", "Wings", "a.md"), "Wings (a.md)");
        assert_eq!(label("a.md", "a.md", "a.md"), "a.md");
        assert_eq!(label("wings", "Wings", "docs/wings.txt"), "Wings (docs/wings.txt)");
        assert_eq!(label("7", "", ""), "7");
    }
}
