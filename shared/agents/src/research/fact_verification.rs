//! The skill `fact_verification`: claims held against the documents, with the very words that decide.

use std::{collections::HashMap, sync::LazyLock};

use engine::ports::{AgentError, Job, Update};
use protocol::types::PartContent;
use regex::Regex;
use serde_json::{Value, json};

use super::{
    ResearchAgent, answer, ask,
    document_ingestion::from_part,
    document_search::{filter, query_text},
    evidence::{Alignment, Claim, Stance},
    failed,
    intent::Skill,
    retrieval::{Hit, Query, retrieve},
    scorer::inverse_frequency,
};
use crate::reading::{
    passages::{paragraphs, sentences},
    terms::stems,
};

const MOST_CLAIMS: usize = 25;
const DOCUMENTS_PER_CLAIM: usize = 10;
const QUOTES_PER_CLAIM: usize = 3;

/// Checks every sentence of the text, or of attached files, as one claim.
pub async fn run(agent: &ResearchAgent, job: &Job) -> Result<Vec<Update>, AgentError> {
    let filter = filter(job).map_err(AgentError::new)?;
    let claims = claims(job)?;
    if claims.is_empty() {
        return Ok(vec![ask(Skill::FactVerification, "Which claim should I check? Send it as a sentence.")]);
    }
    let left_out = claims.len().saturating_sub(MOST_CLAIMS);
    let mut checked = vec![];
    for claim in claims.iter().take(MOST_CLAIMS) {
        if job.cancellation.is_cancelled() {
            break;
        }
        let query = Query { text: claim.clone(), filter: filter.clone(), offset: 0, limit: DOCUMENTS_PER_CLAIM, forgiving: false };
        let found = retrieve(agent.documents(), &job.caller.owner, &query).await.map_err(failed)?;
        let passages = agent.documents().statistics(&job.caller.owner).await.map_err(failed)?.passages;
        let counts = agent.documents().passage_counts(&job.caller.owner, &found.terms).await.map_err(failed)?;
        checked.push(check(claim, &found.hits, passages, &counts.into_iter().collect()));
    }

    let count = |verdict: &str| checked.iter().filter(|claim| claim["verdict"] == verdict).count();
    let summary = json!({"claims": checked.len(), "supported": count("supported"), "contradicted": count("contradicted"), "not_found": count("not_found"), "left_out": left_out});
    let readable = readable(&checked, left_out);
    let data = json!({"summary": summary, "claims": checked});
    let artifact =
        answer::artifact("verification", "fact_verification", "Claims held against the documents", answer::parts(data, readable), agent.now());
    Ok(vec![answer::whole(artifact)])
}

fn claims(job: &Job) -> Result<Vec<String>, AgentError> {
    let mut claims = split(without_question(&query_text(job)));
    for (index, part) in job.message.parts.iter().enumerate().filter(|(_, part)| matches!(part.content, PartContent::Raw(_) | PartContent::Url(_))) {
        let documents = from_part(&job.message, index, part).map_err(AgentError::new)?;
        claims.extend(documents.iter().flat_map(|document| split(&document.text)));
    }
    Ok(claims)
}

/// What a list has before each of its items.
static MARKER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\s*(?:[-*•–]|\(?(?:\d{1,3}|[A-Za-z])[.)])\s+").ok());

fn split(text: &str) -> Vec<String> {
    let unmarked = |line: &str| MARKER.as_ref().map_or_else(|| line.to_owned(), |marker| marker.replace(line, "").into_owned());
    let is_item = |line: &str| MARKER.as_ref().is_some_and(|marker| marker.is_match(line));
    let one_line = |sentence: &str| unmarked(&sentence.split_whitespace().collect::<Vec<_>>().join(" "));
    let of_paragraph = |paragraph: &str| sentences(paragraph).into_iter().map(|span| one_line(&paragraph[span])).collect::<Vec<_>>();
    // A list of claims has one on each line.
    let is_list = text.lines().filter(|line| is_item(line)).count() > 1;
    let pieces: Vec<String> = if is_list { text.lines().map(unmarked).collect() } else { paragraphs(text).into_iter().map(str::to_owned).collect() };
    // A number alone is what stood before an item, too.
    let says_something = |claim: &String| claim.chars().any(char::is_alphabetic) && !stems(claim).is_empty();
    pieces.iter().flat_map(|piece| of_paragraph(piece)).filter(says_something).collect()
}

/// The claim in `Verify that …`, `Is it true that …?`, `Check this claim: …`.
fn without_question(text: &str) -> &str {
    const OPENINGS: [&str; 22] = [
        "please",
        "can you",
        "could you",
        "verify that",
        "verify whether",
        "verify if",
        "verify this claim",
        "verify the claim",
        "verify the following claims",
        "verify the following",
        "verify",
        "fact-check",
        "fact check",
        "is it true that",
        "is this true",
        "check whether",
        "check if",
        "check that",
        "check this claim",
        "confirm that",
        "validate the claim",
        "true or false",
    ];
    const NAMES: [&str; 3] = ["claim", "statement", "following"];
    let mut rest = text.trim();
    let mut is_asked = false;
    loop {
        let opening = OPENINGS
            .iter()
            .filter_map(|opening| rest.get(..opening.len()).filter(|start| start.eq_ignore_ascii_case(opening)))
            .max_by_key(|start| start.len());
        let Some(opening) = opening.filter(|opening| !rest[opening.len()..].starts_with(char::is_alphanumeric)) else { break };
        rest = rest[opening.len()..].trim_start_matches([':', ' ', ',', '\n', '?', '"', '“']);
        rest = rest.strip_prefix("that ").unwrap_or(rest);
        is_asked = true;
    }
    // `Fact check these claims: …`
    match rest.split_once(':') {
        Some((before, after))
            if is_asked && before.split_whitespace().count() <= 5 && NAMES.iter().any(|name| before.to_lowercase().contains(name)) =>
        {
            after.trim_start()
        }
        _ => rest,
    }
}

fn check(claim: &str, hits: &[Hit], passages: u64, counts: &HashMap<String, u64>) -> Value {
    let weigh = |term: &str| inverse_frequency(passages, counts.get(term).copied().unwrap_or(0));
    let analysed = Claim::new(claim, weigh);
    let mut quotes: Vec<(Alignment, &Hit, &str)> = vec![];
    for hit in hits {
        let text = &hit.passage.text;
        let best = paragraphs(text)
            .into_iter()
            .flat_map(|paragraph| sentences(paragraph).into_iter().map(move |span| &paragraph[span]))
            .map(|sentence| (analysed.against(sentence), sentence))
            .max_by(|a, b| rank(&a.0).cmp(&rank(&b.0)).then(a.0.coverage.total_cmp(&b.0.coverage)));
        quotes.extend(best.map(|(alignment, sentence)| (alignment, hit, sentence)));
    }
    // The sentence that speaks of most of the claim decides; of two that do so alike, the one that supports.
    quotes.sort_by(|a, b| {
        let decides = |alignment: &Alignment| alignment.stance != Stance::Unrelated;
        decides(&b.0).cmp(&decides(&a.0)).then(b.0.coverage.total_cmp(&a.0.coverage)).then(rank(&b.0).cmp(&rank(&a.0)))
    });
    let stance = quotes.first().map_or(Stance::Unrelated, |(alignment, _, _)| alignment.stance);
    let coverage = quotes.first().map_or(0.0, |(alignment, _, _)| alignment.coverage);
    let verdict = name(stance);
    let agreeing = quotes.iter().filter(|(alignment, _, _)| alignment.stance == stance).count();
    let opposing = quotes.iter().filter(|(alignment, _, _)| alignment.stance != stance && alignment.stance != Stance::Unrelated).count();
    let confidence = match stance {
        // How sure it is that nothing is said of it.
        Stance::Unrelated => 1.0 - coverage,
        _ => coverage * (agreeing as f64 + 1.0) / (agreeing + opposing + 1) as f64 * 0.95,
    };
    let evidence: Vec<Value> = quotes
        .iter()
        .filter(|(alignment, _, _)| alignment.stance != Stance::Unrelated)
        .take(QUOTES_PER_CLAIM)
        .map(|(alignment, hit, quote)| {
            json!({
                "document_id": hit.passage.document_id,
                "title": hit.passage.title,
                "source": hit.passage.source,
                "quote": quote,
                "stance": name(alignment.stance),
                "coverage": rounded(alignment.coverage),
            })
        })
        .collect();
    json!({"claim": claim, "verdict": verdict, "confidence": rounded(confidence), "evidence": evidence})
}

fn rank(alignment: &Alignment) -> u8 {
    match alignment.stance {
        Stance::Supports => 2,
        Stance::Contradicts => 1,
        Stance::Unrelated => 0,
    }
}

fn name(stance: Stance) -> &'static str {
    match stance {
        Stance::Supports => "supported",
        Stance::Contradicts => "contradicted",
        Stance::Unrelated => "not_found",
    }
}

fn rounded(share: f64) -> f64 {
    (share.clamp(0.0, 1.0) * 1000.0).round() / 1000.0
}

fn readable(checked: &[Value], left_out: usize) -> String {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let mut lines = vec![];
    for claim in checked {
        lines.push(format!(
            "{} ({:.0} %): {}",
            text(claim, "verdict").replace('_', " "),
            claim["confidence"].as_f64().unwrap_or(0.0) * 100.0,
            text(claim, "claim")
        ));
        for quote in claim["evidence"].as_array().into_iter().flatten() {
            lines.push(format!("  “{}” ({}, {})", text(quote, "quote"), text(quote, "document_id"), text(quote, "stance").replace('_', " ")));
        }
    }
    if left_out > 0 {
        lines.push(format!("{left_out} more claims were left out: at most {MOST_CLAIMS} are checked at a time."));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_claim_is_found_within_the_request() {
        for text in [
            "Verify that ice floats.",
            "Is it true that ice floats.",
            "Please verify: ice floats.",
            "Fact-check this: ice floats.",
            "check this claim: \"ice floats.",
        ] {
            assert!(without_question(text).ends_with("ice floats.") && without_question(text).len() <= 17, "{}", without_question(text));
        }
        assert_eq!(without_question("Verification is slow."), "Verification is slow.");
    }

    #[test]
    fn each_sentence_or_item_is_a_claim() {
        assert_eq!(split("Ice floats. Lead sinks!"), ["Ice floats.", "Lead sinks!"]);
        assert_eq!(split("- Ice floats\n- Lead sinks"), ["Ice floats", "Lead sinks"]);
        assert_eq!(split("1. Ice floats.\n2) Lead sinks.\n(3) Tin melts"), ["Ice floats.", "Lead sinks.", "Tin melts"]);
        assert_eq!(split("1. Ice floats. 2. Lead sinks."), ["Ice floats.", "Lead sinks."]);
        assert_eq!(split(without_question("Fact check these claims:\n1. Ice floats.\n2. Lead sinks.")), ["Ice floats.", "Lead sinks."]);
    }
}
