//! What the research agent says of itself.

use engine::ports::{self, AgentProfile};
use protocol::types::AgentSkill;

use super::intent::Skill;

/// For people.
pub const NAME: &str = "Research Agent";

const INPUT_MODES: &[&str] = &[
    "text/plain",
    "text/markdown",
    "text/x-markdown",
    "text/html",
    "application/xhtml+xml",
    "application/pdf",
    "application/json",
    "application/jsonl",
    "application/x-jsonlines",
    "application/x-ndjson",
    "application/octet-stream",
];

/// What it says of itself.
pub fn profile() -> AgentProfile {
    let description =
        "Searches documents, takes new ones in, checks claims against them, extracts facts and writes syntheses that cite their sources.";
    AgentProfile {
        input_modes: INPUT_MODES.iter().map(|mode| (*mode).into()).collect(),
        output_modes: vec!["text/plain".into(), "text/markdown".into(), "application/json".into()],
        ..AgentProfile::new("research", NAME, description, Skill::ALL.map(card).into())
    }
}

fn card(skill: Skill) -> AgentSkill {
    let (name, description, tags, examples): (_, _, &[&str], &[&str]) = match skill {
        Skill::DocumentSearch => (
            "Document search",
            "Finds the documents that answer a question, best first, with a snippet of each. Settings in metadata: limit, offset, filter {ids, source}.",
            &["search", "find", "look up", "query", "documents", "papers", "articles", "literature", "retrieval", "full text", "research"],
            &["Search for documents about machine learning algorithms", "Find papers on heat conduction in composite slabs"],
        ),
        Skill::DocumentIngestion => (
            "Document ingestion",
            "Takes in documents (text, Markdown, HTML, PDF or JSON lines of id, title, text), so that they can be searched. They belong to who sends them; an operator shares them with metadata visibility: shared.",
            &["ingest", "index", "upload", "add documents", "store", "remember", "pdf", "markdown", "html"],
            &["Index the attached documents", "Add this document: …"],
        ),
        Skill::InformationExtraction => (
            "Information extraction",
            "Reads a text, attached files or the best documents for a question, and lists what they state: names, dates, amounts, percentages, addresses, definitions and key terms.",
            &["extract", "entities", "dates", "amounts", "names", "definitions", "key terms", "facts"],
            &["Extract dates and amounts from this text: …", "Extract the key terms of the attached report"],
        ),
        Skill::FactVerification => (
            "Fact verification",
            "Checks each claim of a text against the documents: supported, contradicted or not found, with a confidence and the very words of the documents.",
            &["verify", "fact check", "claims", "statement", "evidence", "support", "true", "false", "quotes"],
            &["Verify that the boundary layer stays laminar at low Reynolds numbers", "Is it true that the server keeps tasks in memory only?"],
        ),
        Skill::ResearchSynthesis => (
            "Research synthesis",
            "Brings many documents, or the results of referenced tasks, together into one text with an overview, findings and numbered citations of its sources.",
            &["synthesis", "synthesize", "summarize", "summary", "overview", "literature review", "findings", "sources", "citations"],
            &["Synthesize findings from multiple research sources", "Summarize what is known about supersonic flow past wedges"],
        ),
    };
    ports::skill(skill.id(), name, description, tags, examples)
}
