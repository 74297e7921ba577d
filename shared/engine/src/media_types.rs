//! Which parts an agent takes: what it doesn't is refused before a task exists (spec section 3.1.1).

use protocol::{
    A2aError,
    types::{Part, PartContent},
};

use crate::ports::AgentProfile;

/// Whether the agent, or one of its skills, takes every part. A part that names no type counts as `text/plain` or
/// `application/json` by its kind; a nameless file passes where any file may.
pub(crate) fn check(profile: &AgentProfile, parts: &[Part]) -> Result<(), A2aError> {
    let skill_modes = profile.skills.iter().chain(&profile.extended_skills).filter_map(|skill| skill.input_modes.as_deref()).flatten();
    let accepted: Vec<&str> = profile.input_modes.iter().chain(skill_modes).map(|mode| essence(mode)).collect();
    for part in parts {
        let taken = match (&part.media_type, &part.content) {
            (Some(media_type), _) => accepted.iter().any(|mode| matches(mode, essence(media_type))),
            (None, PartContent::Text(_)) => accepted.iter().any(|mode| matches(mode, TEXT)),
            (None, PartContent::Data(_)) => accepted.iter().any(|mode| matches(mode, JSON)),
            (None, PartContent::Raw(_) | PartContent::Url(_)) => accepted.iter().any(|mode| ![TEXT, JSON].contains(mode)),
        };
        if !taken {
            let media_type = part.media_type.clone().unwrap_or_else(|| default_type(&part.content).to_owned());
            let mut listed: Vec<&str> = Vec::new();
            accepted.iter().for_each(|mode| {
                if !listed.contains(mode) {
                    listed.push(mode)
                }
            });
            return Err(A2aError::ContentTypeNotSupported { media_type, accepted: listed.join(", ") });
        }
    }
    Ok(())
}

const TEXT: &str = "text/plain";
const JSON: &str = "application/json";

fn default_type(content: &PartContent) -> &'static str {
    match content {
        PartContent::Text(_) => TEXT,
        PartContent::Data(_) => JSON,
        PartContent::Raw(_) | PartContent::Url(_) => "application/octet-stream",
    }
}

/// Without parameters such as `charset`.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

fn matches(accepted: &str, media_type: &str) -> bool {
    if accepted == "*/*" || accepted == "*" || accepted.eq_ignore_ascii_case(media_type) {
        return true;
    }
    let Some(kind) = accepted.strip_suffix("/*") else { return false };
    media_type.split_once('/').is_some_and(|(of, _)| of.eq_ignore_ascii_case(kind))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn types_match_by_name_and_by_wildcard() {
        for (accepted, media_type, expected) in [
            ("text/plain", "text/plain", true),
            ("text/plain", "Text/Plain", true),
            ("text/plain", "text/html", false),
            ("text/*", "text/html", true),
            ("text/*", "application/json", false),
            ("*/*", "image/png", true),
        ] {
            assert_eq!(matches(accepted, media_type), expected, "{accepted} {media_type}");
        }
    }
}
