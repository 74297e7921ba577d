//! Finds attacks in what clients send: a field is decoded as far as it goes, then searched, and what is found adds up to a score with reasons.
//!
//! A field that names something (an id, a header, a URL, a key of metadata) has no business holding SQL or markup, and is judged strictly. A message
//! is prose for an agent: there SQL, markup and shell are subjects to talk about, and only a bare attack is one.

mod base64;
mod clean;
mod decode;
mod entities;
mod escapes;
mod features;
mod fields;
mod fold;
mod innocent;
mod lines;
mod prose;
mod rules;
mod view;

use self::features::Features;
pub use self::{
    clean::CleanValues,
    fields::{Finding, in_call, in_field},
    rules::compiled_tables,
};

/// So many encodings may lie on top of each other; more are an attempt to hide.
pub const MOST_ENCODINGS: usize = 5;

/// The most bytes of a field that names something.
pub const MOST_NAME_BYTES: usize = 8 * 1024;

/// The most bytes of one value of metadata.
pub const MOST_VALUE_BYTES: usize = 64 * 1024;

/// The most bytes of one text of a message.
pub const MOST_TEXT_BYTES: usize = 1024 * 1024;

/// The most parts of one message.
pub const MOST_PARTS: usize = 1000;

/// How deep metadata and data may nest.
pub const MOST_DEPTH: usize = 32;

/// From this score on a field that names something is a threat.
pub const THREAT: u8 = 5;

/// What a message is refused for: an attack that has no other reading.
const CERTAIN: u8 = 10;

/// What is done about a threat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// Nothing is searched.
    Off,
    /// It is recorded, and passes.
    #[default]
    Report,
    /// It is recorded and refused.
    Block,
}

impl Policy {
    /// As settings, logs and metrics have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Policy::Off => "off",
            Policy::Report => "report",
            Policy::Block => "block",
        }
    }
}

/// What is attempted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// SQL, and the operators of document databases.
    SqlInjection,
    /// Markup or script that a browser would run.
    Xss,
    /// What a shell or an interpreter would run.
    CommandInjection,
    /// A way out of a folder, or to a file that is nobody's business.
    PathTraversal,
    /// An expression that a template engine would evaluate.
    TemplateInjection,
    /// A line break that adds a header.
    HeaderInjection,
    /// A line break or control character that forges a log.
    LogInjection,
    /// A filter of a directory.
    LdapInjection,
    /// Entities and includes of XML.
    Xxe,
    /// A lookup that a logger would perform.
    Log4Shell,
    /// Larger than anything of its sort should be.
    Oversize,
    /// Deeper, in structure or in encodings, than anything of its sort should be.
    Nesting,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 12] = [
        Kind::SqlInjection,
        Kind::Xss,
        Kind::CommandInjection,
        Kind::PathTraversal,
        Kind::TemplateInjection,
        Kind::HeaderInjection,
        Kind::LogInjection,
        Kind::LdapInjection,
        Kind::Xxe,
        Kind::Log4Shell,
        Kind::Oversize,
        Kind::Nesting,
    ];

    /// For metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Kind::SqlInjection => "sql_injection",
            Kind::Xss => "xss",
            Kind::CommandInjection => "command_injection",
            Kind::PathTraversal => "path_traversal",
            Kind::TemplateInjection => "template_injection",
            Kind::HeaderInjection => "header_injection",
            Kind::LogInjection => "log_injection",
            Kind::LdapInjection => "ldap_injection",
            Kind::Xxe => "xxe",
            Kind::Log4Shell => "log4shell",
            Kind::Oversize => "oversize",
            Kind::Nesting => "nesting",
        }
    }

    /// For logs and errors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::SqlInjection => "SQL injection",
            Kind::Xss => "cross-site scripting",
            Kind::CommandInjection => "command injection",
            Kind::PathTraversal => "path traversal",
            Kind::TemplateInjection => "template injection",
            Kind::HeaderInjection => "header injection",
            Kind::LogInjection => "log injection",
            Kind::LdapInjection => "LDAP injection",
            Kind::Xxe => "XML external entity",
            Kind::Log4Shell => "log4shell",
            Kind::Oversize => "oversize",
            Kind::Nesting => "nesting",
        }
    }
}

/// What a field is for, which says how strictly it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// One line that names something: ids, names, URLs, headers, keys.
    Name,
    /// A value of metadata: as a name, but it may have several lines.
    Value,
    /// Prose for an agent.
    Text,
}

/// What was found in one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threat {
    /// The kind with the most to say for it.
    pub kind: Kind,
    /// From [`THREAT`] to 100.
    pub score: u8,
    /// Why, the weightiest first; never the client's own words.
    pub reasons: Vec<&'static str>,
}

/// Searches one field; `None` where there is nothing to object to. Clean text costs one pass.
pub fn inspect(text: &str, context: Context) -> Option<Threat> {
    let (limit, oversize) = match context {
        Context::Name => (MOST_NAME_BYTES, "a name of more than 8 KB"),
        Context::Value => (MOST_VALUE_BYTES, "a value of more than 64 KB"),
        Context::Text => (MOST_TEXT_BYTES, "a text of more than 1 MB"),
    };
    if text.len() > limit {
        return Some(Threat { kind: Kind::Oversize, score: CERTAIN, reasons: vec![oversize] });
    }
    let mut score = Score::default();
    match context {
        Context::Text => {
            if prose::may_be_bare_attack(text) {
                search(text, context, &mut score);
            }
            score.threat(CERTAIN)
        }
        Context::Name | Context::Value => {
            search(text, context, &mut score);
            score.threat(THREAT)
        }
    }
}

/// Searches a text as it is, and as it reads after each decoding.
fn search(text: &str, context: Context, score: &mut Score) {
    let features = Features::of(text);
    lines::search(text, features, context, false, score);
    if features.is_of_base64()
        && let Some(hidden) = base64::hidden_text(text)
    {
        search(&hidden, context, score);
    }
    if features.is_plain() && !text.starts_with(['.', '-']) && !text.contains("0x2") {
        return;
    }
    if context != Context::Text && innocent::is_innocent(text, features) {
        return;
    }
    view::search(text, features, context, score);
    let mut current = decode::step(text, features, score);
    for depth in 1.. {
        let Some(decoded) = current else { break };
        if depth > MOST_ENCODINGS {
            score.add(Kind::Nesting, CERTAIN, "more encodings on top of each other than 5");
            break;
        }
        let features = Features::of(&decoded);
        lines::search(&decoded, features, context, true, score);
        view::search(&decoded, features, context, score);
        current = decode::step(&decoded, features, score);
    }
}

/// What has been found so far.
#[derive(Debug, Default)]
struct Score {
    found: Vec<(Kind, u8, &'static str)>,
}

impl Score {
    /// Adds a reason once, however often it is seen.
    fn add(&mut self, kind: Kind, weight: u8, reason: &'static str) {
        if !self.found.iter().any(|found| found.2 == reason) {
            self.found.push((kind, weight, reason));
        }
    }

    /// The threat, if one reason weighs that much. In fields that name something lighter ones of the same kind add up, too.
    fn threat(mut self, least: u8) -> Option<Threat> {
        if self.found.is_empty() {
            return None;
        }
        self.found.sort_by_key(|(_, weight, _)| std::cmp::Reverse(*weight));
        let sum = |kind: Kind| self.found.iter().filter(|found| found.0 == kind).map(|found| u32::from(found.1)).sum::<u32>();
        let (kind, total) = self.found.iter().map(|found| (found.0, sum(found.0))).reduce(|best, next| if next.1 > best.1 { next } else { best })?;
        let heaviest = self.found[0].1;
        let enough = if least == CERTAIN { heaviest >= CERTAIN } else { total >= u32::from(least) };
        let kind = if heaviest >= CERTAIN { self.found[0].0 } else { kind };
        enough.then(|| Threat {
            kind,
            score: u8::try_from(sum(kind).min(100)).unwrap_or(100),
            reasons: self.found.iter().map(|found| found.2).collect(),
        })
    }
}
