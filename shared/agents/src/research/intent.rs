//! What a message is after: which skill, and which words of it are the topic and which the request.

use engine::ports::Job;
use protocol::types::PartContent;
use serde_json::Value;

/// What the agent can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skill {
    /// Ranked full text.
    DocumentSearch,
    /// Keeps what is sent.
    DocumentIngestion,
    /// Facts out of a text, as data.
    InformationExtraction,
    /// Claims against the documents.
    FactVerification,
    /// Many documents into one cited text.
    ResearchSynthesis,
}

impl Skill {
    /// All, the default one first.
    pub const ALL: [Skill; 5] =
        [Skill::DocumentSearch, Skill::DocumentIngestion, Skill::InformationExtraction, Skill::FactVerification, Skill::ResearchSynthesis];

    /// As in `skillId` and in the agent card.
    pub const fn id(self) -> &'static str {
        match self {
            Skill::DocumentSearch => "document_search",
            Skill::DocumentIngestion => "document_ingestion",
            Skill::InformationExtraction => "information_extraction",
            Skill::FactVerification => "fact_verification",
            Skill::ResearchSynthesis => "research_synthesis",
        }
    }
}

/// The skill that a job asks for, by name or by its words. A follow-up that names none goes on with what the task began with.
///
/// # Errors
/// Says which skills there are, where one is named that isn't among them.
pub fn skill_of(job: &Job) -> Result<Skill, String> {
    let named = job.setting("skillId").or_else(|| job.setting("skill_id")).filter(|value| !value.is_null());
    let began_with = || job.history.iter().filter_map(|message| message.metadata.as_ref()?.get("skillId")).find(|value| value.is_string());
    if let Some(value) = named.or_else(began_with) {
        let known = || Skill::ALL.map(Skill::id).join(", ");
        let name = value.as_str().ok_or_else(|| format!("`skillId` must be a string (one of {})", known()))?;
        let wanted = Skill::ALL.into_iter().find(|skill| skill.id() == name);
        return wanted.ok_or_else(|| format!("the research agent has no skill `{name}` (it has {})", known()));
    }
    let first_words = || job.history.iter().find(|message| message.role == protocol::types::Role::User).map(text_of);
    let by_files = job.message.parts.iter().any(|part| matches!(part.content, PartContent::Raw(_) | PartContent::Url(_)));
    let text = text_of(&job.message);
    Ok(by_words(&text)
        .or_else(|| by_files.then_some(Skill::DocumentIngestion))
        .or_else(|| first_words().and_then(|text| by_words(&text)))
        .or_else(|| (!job.message.reference_task_ids.as_deref().unwrap_or_default().is_empty()).then_some(Skill::ResearchSynthesis))
        .unwrap_or(Skill::DocumentSearch))
}

/// All text parts of a message.
pub fn text_of(message: &protocol::types::Message) -> String {
    message.parts.iter().filter_map(|part| part.as_text()).collect::<Vec<_>>().join("\n")
}

/// Only the beginning of a text shows what it asks for; the rest may be anything.
pub fn by_words(text: &str) -> Option<Skill> {
    const SIGNS: [(Skill, &[&str]); 5] = [
        (
            Skill::FactVerification,
            &[
                "verify",
                "fact-check",
                "fact check",
                "factcheck",
                "is it true",
                "is that true",
                "is this true",
                "true or false",
                "check whether",
                "check the claim",
                "check this claim",
                "confirm that",
                "validate the claim",
                "support the claim",
                "support the statement",
                "support this claim",
                "support this statement",
            ],
        ),
        (
            Skill::ResearchSynthesis,
            &[
                "synthesize",
                "synthesise",
                "synthesis",
                "summarize",
                "summarise",
                "summary of",
                "give me an overview",
                "overview of",
                "combine the findings",
                "compare the findings",
                "bring together",
                "literature review",
            ],
        ),
        (
            Skill::InformationExtraction,
            &["extract", "pull out", "list all dates", "list the dates", "named entities", "key terms", "find entities", "find the entities"],
        ),
        (
            Skill::DocumentIngestion,
            &[
                "ingest",
                "index this",
                "index these",
                "index the following",
                "store this",
                "store the following",
                "add this document",
                "add these documents",
                "add the following",
                "remember this",
                "save this",
            ],
        ),
        (Skill::DocumentSearch, &["search", "find", "look for", "look up", "retrieve"]),
    ];
    let start: String = text.chars().take(160).flat_map(char::to_lowercase).collect();
    // The start of a word is enough: `search` stands for `searching`, but not for `research`.
    let begins = |sign: &str| start.match_indices(sign).map(|(at, _)| at).find(|at| !start[..*at].ends_with(char::is_alphanumeric));
    let earliest = |(skill, signs): (Skill, &[&str])| signs.iter().filter_map(|sign| begins(sign)).min().map(|at| (at, skill));
    SIGNS.into_iter().filter_map(earliest).min_by_key(|(at, _)| *at).map(|(_, skill)| skill)
}

/// A query without the words that only ask for it: `Search for documents about heat flow` is about heat flow.
pub fn topic(text: &str) -> &str {
    const POLITE: &[&str] = &[
        "please", "can", "could", "would", "will", "you", "i", "want", "need", "to", "like", "d", "help", "me", "us", "let", "s", "the", "hi",
        "hello", "kindly",
    ];
    const ASKING: &[&str] = &[
        "search",
        "find",
        "look",
        "show",
        "get",
        "list",
        "give",
        "tell",
        "retrieve",
        "locate",
        "fetch",
        "query",
        "browse",
        "summarize",
        "summarise",
        "synthesize",
        "synthesise",
        "extract",
        "verify",
        "research",
        "synthesis",
        "overview",
        "summary",
    ];
    const OBJECTS: &[&str] = &[
        "for",
        "up",
        "me",
        "us",
        "all",
        "any",
        "some",
        "the",
        "a",
        "an",
        "relevant",
        "related",
        "documents",
        "document",
        "docs",
        "papers",
        "paper",
        "articles",
        "article",
        "texts",
        "sources",
        "publications",
        "files",
        "pages",
        "material",
        "information",
        "info",
        "results",
        "everything",
        "anything",
        "findings",
        "knowledge",
        "of",
        "in",
        "from",
        "multiple",
        "several",
        "research",
        "that",
        "which",
        "discuss",
        "discussing",
        "mention",
        "mentioning",
        "dealing",
        "deal",
        "with",
        "containing",
        "describing",
        "what",
        "is",
        "are",
        "known",
    ];
    const LEADING: &[&str] = &["about", "on", "regarding", "concerning", "covering", "into", "to"];

    let words: Vec<_> = crate::reading::terms::words(text).collect();
    let is = |index: usize, set: &[&str]| words.get(index).is_some_and(|span| set.contains(&text[span.clone()].to_lowercase().as_str()));
    let mut at = 0;
    while is(at, POLITE) {
        at += 1;
    }
    let asked = is(at, ASKING);
    if !asked && at > 0 {
        at = 0;
    }
    at += usize::from(asked);
    let objects = at;
    while is(at, OBJECTS) {
        at += 1;
    }
    match is(at, LEADING) {
        true if asked || at > objects => at += 1,
        _ if !asked => at = 0,
        _ => {}
    }
    // A quotation mark right before the topic belongs to it.
    let start = |span: &std::ops::Range<usize>| text[..span.start].trim_end_matches(['"', '“', '„', '«', '\'', '‘']).len();
    let rest = words.get(at).map_or("", |span| &text[start(span)..]);
    // Nothing but asking words: then they are the topic.
    if rest.is_empty() || crate::reading::terms::stems(rest).is_empty() { text } else { rest }
}

/// A number setting of at least `least`.
///
/// # Errors
/// Names the setting and what it takes.
pub fn number(job: &Job, name: &str, default: usize, least: usize, most: usize) -> Result<usize, String> {
    let value = match job.setting(name) {
        None | Some(Value::Null) => return Ok(default),
        Some(value) => value,
    };
    let whole = value.as_u64().or_else(|| value.as_f64().filter(|number| number.fract() == 0.0 && *number >= 0.0).map(|number| number as u64));
    let whole = whole.or_else(|| value.as_str()?.trim().parse().ok()).and_then(|number| usize::try_from(number).ok());
    match whole {
        Some(number) if number >= least => Ok(number.min(most)),
        _ => Err(format!("`metadata.{name}` must be a whole number from {least} on, not {value}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{job, text_message};

    #[test]
    fn the_topic_is_what_remains_of_a_request() {
        for (text, expected) in [
            ("Search for documents about neural network architectures", "neural network architectures"),
            ("please find me all papers on heat flow", "heat flow"),
            ("Could you summarize what is known about bees?", "bees?"),
            ("papers on shock waves", "shock waves"),
            ("\"base pressure\"", "\"base pressure\""),
            ("what similarity laws must be obeyed", "what similarity laws must be obeyed"),
            ("to be found in rivers", "to be found in rivers"),
            ("search documents", "search documents"),
            ("Synthesize findings from multiple research sources", "Synthesize findings from multiple research sources"),
            ("", ""),
        ] {
            assert_eq!(topic(text), expected);
        }
    }

    #[test]
    fn the_first_words_choose_the_skill() {
        for (text, skill) in [
            ("Search for documents about how to verify claims", Skill::DocumentSearch),
            ("Is it true that bees sleep?", Skill::FactVerification),
            ("Please fact-check: bees sleep", Skill::FactVerification),
            ("Synthesize findings from multiple research sources", Skill::ResearchSynthesis),
            ("Extract the dates from this", Skill::InformationExtraction),
            ("Index this document: x", Skill::DocumentIngestion),
            ("Remember this: the office closes at five", Skill::DocumentIngestion),
            ("Pull out all dates and names from this text: …", Skill::InformationExtraction),
            ("Compare the findings of papers on ablation", Skill::ResearchSynthesis),
            ("Does the corpus support the statement that drag rises?", Skill::FactVerification),
            ("Analyze statistical trends in AI research", Skill::DocumentSearch),
            ("heat", Skill::DocumentSearch),
        ] {
            assert_eq!(skill_of(&job(text_message("m", text))), Ok(skill), "{text}");
        }
    }

    #[test]
    fn a_number_may_come_as_a_double_or_a_string() {
        let with = |value: Value| {
            let mut job = job(text_message("m", "x"));
            job.metadata.insert("limit".into(), value);
            number(&job, "limit", 10, 1, 100)
        };
        assert_eq!(with(Value::from(5.0)), Ok(5));
        assert_eq!(with(Value::from("7")), Ok(7));
        assert_eq!(with(Value::from(1_000)), Ok(100));
        assert_eq!(with(Value::Null), Ok(10));
        assert!(with(Value::from(-1)).is_err_and(|reason| reason.contains("`metadata.limit`")));
    }
}
