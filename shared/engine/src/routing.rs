//! Which agent a message is for: the one that was addressed, the one that has the skill, or the one whose words it speaks.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use protocol::{
    A2aError,
    types::{Message, PartContent, SendMessageRequest},
};
use serde_json::Value;

use crate::{
    media_types,
    ports::{Agent, AgentProfile},
};

/// How much a word counts that stands in …
const NAME: f32 = 3.0;
const TAG: f32 = 3.0;
const EXAMPLE: f32 = 1.5;
const DESCRIPTION: f32 = 1.0;

/// What a word of the topic counts, such as `anomaly` in `find papers about anomaly detection`: it isn't what is asked for.
const TOPIC: f32 = 0.25;

/// Words that the topic follows.
const TOPIC_FOLLOWS: &[&str] = &["about", "regarding", "concerning"];

/// So many numbers in a row are data.
const FEWEST_NUMBERS: usize = 3;

/// So many letters at least two forms of a word have in common.
const STEM_LETTERS: usize = 4;

/// Words that say nothing about intent.
const EMPTY_WORDS: &[&str] = &[
    "about", "and", "any", "are", "but", "can", "could", "does", "for", "from", "give", "has", "have", "how", "into", "its", "let", "like", "may",
    "more", "not", "our", "out", "please", "should", "some", "tell", "than", "that", "the", "their", "them", "then", "there", "these", "this",
    "those", "was", "what", "when", "where", "which", "who", "why", "will", "with", "would", "you", "your",
];

/// An agent with the words that its profile uses.
pub(crate) struct Candidate {
    pub(crate) agent: Arc<dyn Agent>,
    /// By [`stem_key`]: words under different keys can't be forms of one. Made for the first message that names neither agent nor skill.
    vocabulary: OnceLock<HashMap<String, Vec<(String, f32)>>>,
}

impl Candidate {
    pub(crate) fn new(agent: Arc<dyn Agent>) -> Self {
        Candidate { agent, vocabulary: OnceLock::new() }
    }

    fn profile(&self) -> &AgentProfile {
        self.agent.profile()
    }

    /// How much a word belongs to this agent.
    fn weight(&self, word: &str) -> f32 {
        let alike = self.vocabulary.get_or_init(|| vocabulary(self.profile())).get(stem_key(word)).into_iter().flatten();
        alike.filter(|(known, _)| same_stem(known, word)).map(|(_, weight)| *weight).fold(0.0, f32::max)
    }
}

/// The agent for a message that begins a task.
///
/// `tenant` and a `skillId` in the metadata of message or request are obeyed, or refused where there is no such thing.
/// Without either, the agents that take the message's media types compete by [`scores`]; the first wins where nothing speaks for another.
pub(crate) fn route<'a>(candidates: &'a [Candidate], tenant: Option<&str>, request: &SendMessageRequest) -> Result<&'a Arc<dyn Agent>, A2aError> {
    let skill = skill_id(request);
    if let Some(tenant) = tenant {
        let found = candidates.iter().find(|candidate| candidate.profile().id == tenant);
        return found.map(|candidate| &candidate.agent).ok_or_else(|| no_such_tenant(candidates.iter().map(Candidate::profile), tenant));
    }
    if let (Some((field, skill)), true) = (skill, candidates.len() > 1) {
        let found = candidates.iter().find(|candidate| has_skill(candidate.profile(), skill));
        return found.map(|candidate| &candidate.agent).ok_or_else(|| no_such_skill(candidates, field, skill));
    }
    let takes_it = |candidate: &&Candidate| media_types::check(candidate.profile(), &request.message.parts).is_ok();
    let able: Vec<&Candidate> = candidates.iter().filter(takes_it).collect();
    let able = if able.is_empty() { candidates.iter().collect() } else { able };
    let mut best: Option<(&Candidate, f32)> = None;
    if able.len() > 1 {
        for (candidate, score) in able.iter().zip(scores(&able, &words_of(&request.message))) {
            if best.is_none_or(|(_, highest)| score > highest) {
                best = Some((candidate, score));
            }
        }
    }
    let chosen = best.map(|(candidate, _)| candidate).or(able.first().copied());
    chosen.map(|candidate| &candidate.agent).ok_or_else(|| A2aError::UnsupportedOperation { reason: "this server has no agent".into() })
}

/// For each candidate the sum over the message's words of the word's weight there, divided by the number of agents that know the word:
/// what all of them talk about tells nothing.
fn scores(candidates: &[&Candidate], words: &[(String, f32)]) -> Vec<f32> {
    let mut scores = vec![0.0; candidates.len()];
    for (word, share) in words {
        let weights: Vec<f32> = candidates.iter().map(|candidate| candidate.weight(word)).collect();
        let knowing = weights.iter().filter(|weight| **weight > 0.0).count().max(1) as f32;
        for (score, weight) in scores.iter_mut().zip(weights) {
            *score += share * weight / knowing;
        }
    }
    scores
}

/// `skillId` with the field that it stands in: the message's metadata first, then the request's.
fn skill_id(request: &SendMessageRequest) -> Option<(&'static str, &str)> {
    let in_message = request.message.metadata.as_ref().and_then(|metadata| metadata.get("skillId")).and_then(Value::as_str);
    let in_request = request.metadata.as_ref().and_then(|metadata| metadata.get("skillId")).and_then(Value::as_str);
    in_message.map(|skill| ("message.metadata.skillId", skill)).or(in_request.map(|skill| ("metadata.skillId", skill)))
}

fn has_skill(profile: &AgentProfile, skill_id: &str) -> bool {
    profile.skills.iter().chain(&profile.extended_skills).any(|skill| skill.id == skill_id)
}

/// The error for a tenant that is no agent's.
pub(crate) fn no_such_tenant<'a>(profiles: impl Iterator<Item = &'a AgentProfile>, tenant: &str) -> A2aError {
    let known: Vec<_> = profiles.map(|profile| profile.id.as_str()).collect();
    A2aError::invalid("tenant", format!("`{tenant}` is no agent here (there are: {})", known.join(", ")))
}

fn no_such_skill(candidates: &[Candidate], field: &str, skill_id: &str) -> A2aError {
    let skills = candidates.iter().flat_map(|candidate| candidate.profile().skills.iter().map(|skill| skill.id.as_str()));
    A2aError::invalid(field, format!("no agent here has the skill `{skill_id}` (there are: {})", skills.collect::<Vec<_>>().join(", ")))
}

fn vocabulary(profile: &AgentProfile) -> HashMap<String, Vec<(String, f32)>> {
    let mut vocabulary: HashMap<String, Vec<(String, f32)>> = HashMap::new();
    let mut add = |text: &str, weight: f32| {
        for word in words(text) {
            let alike = vocabulary.entry(stem_key(&word).to_owned()).or_default();
            match alike.iter_mut().find(|(known, _)| *known == word) {
                Some((_, known)) => *known = known.max(weight),
                None => alike.push((word, weight)),
            }
        }
    };
    add(&profile.description, DESCRIPTION);
    add(&profile.name, NAME);
    for skill in &profile.skills {
        add(&skill.id, NAME);
        add(&skill.name, NAME);
        add(&skill.description, DESCRIPTION);
        skill.tags.iter().for_each(|tag| add(tag, TAG));
        skill.examples.iter().flatten().for_each(|example| add(example, EXAMPLE));
    }
    vocabulary
}

/// The words of a message, each once, with what they count. Long texts are content, not intent: their beginning decides. Data speaks for itself.
fn words_of(message: &Message) -> Vec<(String, f32)> {
    let mut seen: Vec<(String, f32)> = Vec::new();
    let mut add = |word: String, share: f32| {
        if seen.len() < 64 && !seen.iter().any(|(known, _)| *known == word) {
            seen.push((word, share));
        }
    };
    for part in &message.parts {
        match &part.content {
            PartContent::Text(text) => {
                let request = &text[..topic_begins(text)];
                words(request).take(64).for_each(|word| add(word, 1.0));
                words(&text[request.len()..]).take(64).for_each(|word| add(word, TOPIC));
                if has_numbers(text) {
                    DATA_WORDS.iter().for_each(|word| add((*word).into(), 1.0));
                }
            }
            PartContent::Data(data) => {
                add(DATA_WORDS[0].into(), 1.0);
                data.as_object().into_iter().flat_map(|object| object.keys()).take(16).flat_map(|key| words(key)).for_each(|word| add(word, 1.0));
            }
            PartContent::Raw(_) | PartContent::Url(_) => {}
        }
    }
    seen
}

/// What data is called.
const DATA_WORDS: [&str; 2] = ["data", "numbers"];

/// Where the request ends and the topic begins; the text's length if it names none so.
fn topic_begins(text: &str) -> usize {
    let mut end = 0;
    for word in text.split_inclusive(|c: char| !c.is_alphanumeric()).take(64) {
        end += word.len();
        if TOPIC_FOLLOWS.iter().any(|follows| word.trim_end_matches(|c: char| !c.is_alphanumeric()).eq_ignore_ascii_case(follows)) {
            return end;
        }
    }
    text.len()
}

/// Whether the text's beginning lists numbers.
fn has_numbers(text: &str) -> bool {
    let mut in_a_row = 0;
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '[' | ']' | '(' | ')')).filter(|piece| !piece.is_empty()).take(256).any(
        |piece| {
            let is_number = piece.trim_end_matches(['.', '?', '!', '%']).parse::<f64>().is_ok_and(f64::is_finite);
            in_a_row = if is_number || in_a_row > 0 && matches!(piece, "and" | "or") { in_a_row + usize::from(is_number) } else { 0 };
            in_a_row >= FEWEST_NUMBERS
        },
    )
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 2)
        .map(str::to_lowercase)
        .filter(|word| !EMPTY_WORDS.contains(&word.as_str()))
}

/// The letters in which all forms of a word agree.
fn stem_key(word: &str) -> &str {
    word.char_indices().nth(STEM_LETTERS).map_or(word, |(end, _)| &word[..end])
}

/// Whether two words are forms of one, such as `analyze` and `analysis`: equal, or alike in most of the shorter one's letters.
fn same_stem(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let shorter = one.chars().count().min(other.chars().count());
    let alike = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    alike >= STEM_LETTERS.max((shorter * 7).div_ceil(10))
}

#[cfg(test)]
#[path = "routing_tests.rs"]
mod tests;
