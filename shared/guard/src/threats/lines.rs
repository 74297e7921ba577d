//! Line breaks and control characters: what forges a header or a line of a log.

use super::{
    CERTAIN, Context, Features, Kind, Score,
    rules::{self, Rule},
};

/// What a header, a response or a line of a log begins with, after a break.
pub(super) const RULES: &[Rule] = &[
    (
        Kind::HeaderInjection,
        CERTAIN - 2,
        "a line break, then a header",
        r"(?i)[\r\n]\s*(?:set-cookie|location|content-\w+|x-[\w-]+|access-control-[\w-]+|host|refresh|cookie|link|transfer-encoding|status|server|etag|connection|cache-control|authorization|user-agent|referer|origin|bcc|cc|to|from|subject|reply-to|mime-version|vary|date|expires|last-modified|www-authenticate|clear-site-data|strict-transport-security|[\w]+-[\w-]+)\s*:|[\r\n]\s*http/\d|[\r\n]\s*(?:get|post|put|delete|head|options|helo|rcpt|mail from|data|quit|flushall|set|config)\s+\S|\r\n\r\n|\n\n\s*<",
    ),
    (
        Kind::LogInjection,
        CERTAIN - 2,
        "a line break, then what looks like a log",
        r"(?i)[\r\n]\s*(?:\[?\s*(?:info|warn|warning|error|debug|trace|fatal|critical|notice|alert|audit|success|fail(?:ed|ure)?|security|emerg)\b\s*[\]:=|-]?|\[?\d{4}[-/]\d\d?[-/]\d\d?|\[?\d\d?[:/](?:\d\d|[a-z]{3})[:/]\d\d|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\s+\d|\d+\.\d+\.\d+\.\d+\s|(?:level|time|ts|msg|severity|event|status|user|action)\s*=|<\d+>|(?:user|login|admin|root|auth\w*|session|access|password)\b.*\b(?:logged|login|granted|success\w*|fail\w*|authenticated|accepted|denied|deleted|created|changed|opened|closed|from)\b|\{\s*\x22(?:level|time|ts|msg|severity|timestamp)|root:|uid=)",
    ),
];

/// Searches for breaks; `decoded` says that they were written in some encoding, which nobody does without intent.
pub(super) fn search(text: &str, features: Features, context: Context, decoded: bool, score: &mut Score) {
    let breaks = |character| matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' | '嘊' | '嘍');
    if !features.any(Features::CONTROL | Features::HIGH | Features::BACKSLASH) || context == Context::Text {
        return;
    }
    // Written out, a break may be part of a path: only what follows tells.
    if features.any(Features::BACKSLASH) && (text.contains("\\n") || text.contains("\\r")) {
        rules::search_lines(&text.replace("\\n", "\n").replace("\\r", "\r"), score);
    }
    if text.contains('\0') {
        score.add(Kind::PathTraversal, CERTAIN - 2, "a NUL");
    }
    if text.contains(['\u{1b}', '\u{9b}', '\u{8}', '\u{7f}', '\u{7}']) {
        score.add(Kind::LogInjection, CERTAIN - 2, "a control character of a terminal");
    }
    if !text.contains(breaks) {
        return;
    }
    let folded;
    let lines = if features.any(Features::HIGH) {
        folded = text.replace(['\u{85}', '\u{2028}', '\u{2029}', '嘊'], "\n").replace('嘍', "\r");
        &folded
    } else {
        text
    };
    rules::search_lines(lines, score);
    if decoded {
        score.add(Kind::LogInjection, 6, "a line break in an encoding");
    } else if context == Context::Name {
        score.add(Kind::LogInjection, 6, "a line break in a name");
    }
}
