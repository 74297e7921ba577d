//! What is flagged and what is not: attacks in every encoding, and what people write.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod encodings;
mod innocent;
mod limits;

use std::collections::HashSet;

use guard::threats::{Context, Kind, inspect};

/// Attacks by the file that they are in, and the kinds that are right for it.
const ATTACKS: [(&str, &str); 9] = [
    ("sql", include_str!("attacks/sql.txt")),
    ("xss", include_str!("attacks/xss.txt")),
    ("command", include_str!("attacks/command.txt")),
    ("path", include_str!("attacks/path.txt")),
    ("template", include_str!("attacks/template.txt")),
    ("lookup", include_str!("attacks/lookup.txt")),
    ("directory", include_str!("attacks/directory.txt")),
    ("xml", include_str!("attacks/xml.txt")),
    ("lines", include_str!("attacks/lines.txt")),
];

/// Another set, written apart from the rules in the manner of public collections: probes and fragments among them that are hardly attacks.
const PUBLIC_STYLE: [(&str, &str); 10] = [
    ("sql", include_str!("public_style/sql.txt")),
    ("xss", include_str!("public_style/xss.txt")),
    ("command", include_str!("public_style/command.txt")),
    ("path", include_str!("public_style/path.txt")),
    ("template", include_str!("public_style/template.txt")),
    ("lookup", include_str!("public_style/lookup.txt")),
    ("directory", include_str!("public_style/directory.txt")),
    ("xml", include_str!("public_style/xml.txt")),
    ("lines", include_str!("public_style/lines.txt")),
    // Written last: 97 % of it were flagged before anybody looked.
    ("mixed", include_str!("public_style/mixed.txt")),
];

fn lines(file: &str) -> impl Iterator<Item = &str> {
    file.lines().filter(|line| !line.is_empty())
}

/// The share that is flagged, in thousandths, and what isn't.
fn flagged(payloads: impl Iterator<Item = String>, context: Context) -> (usize, usize, Vec<String>) {
    let payloads: HashSet<String> = payloads.collect();
    let missed: Vec<String> = payloads.iter().filter(|payload| inspect(payload, context).is_none()).cloned().collect();
    ((payloads.len() - missed.len()) * 1000 / payloads.len(), payloads.len(), missed)
}

#[test]
fn attacks_in_fields_that_name_something_are_flagged() {
    for (name, file) in ATTACKS {
        for context in [Context::Name, Context::Value] {
            let (share, _, missed) = flagged(lines(file).map(str::to_owned), context);
            assert!(share >= 980, "{name}: {share} of 1000; missed {missed:#?}");
        }
    }
    let (share, count, missed) = flagged(ATTACKS.iter().flat_map(|(_, file)| lines(file)).map(str::to_owned), Context::Value);
    assert!(count >= 500, "{count} attacks");
    assert!(share >= 990, "{share} of 1000; missed {missed:#?}");
}

#[test]
fn attacks_in_the_manner_of_public_collections_are_flagged() {
    for (name, file) in PUBLIC_STYLE {
        for context in [Context::Name, Context::Value] {
            let (share, _, missed) = flagged(lines(file).map(str::to_owned), context);
            assert!(share >= 960, "{name}: {share} of 1000; missed {missed:#?}");
        }
    }
    for context in [Context::Name, Context::Value] {
        let (share, count, missed) = flagged(PUBLIC_STYLE.iter().flat_map(|(_, file)| lines(file)).map(str::to_owned), context);
        assert!(count >= 880, "{count} attacks");
        assert!(share >= 980, "{share} of 1000; missed {missed:#?}");
    }
}

#[test]
fn no_encoding_hides_an_attack() {
    for (encoding, encode) in encodings::ALL {
        let (share, count, missed) = flagged(ATTACKS.iter().flat_map(|(_, file)| lines(file)).map(encode), Context::Value);
        assert!(count >= 500, "{encoding}: {count}");
        assert!(share >= 980, "{encoding}: {share} of 1000; missed {missed:#?}");
    }
}

#[test]
fn sql_with_comments_in_place_of_spaces_is_flagged() {
    for space in ["/**/", "/*x*/", "%09", "%0b", "+", "\u{a0}", "  ", "--%0a", "%23x%0a"] {
        let (share, _, missed) = flagged(lines(ATTACKS[0].1).map(|payload| payload.replace(' ', space)), Context::Value);
        assert!(share >= 980, "{space}: {share} of 1000; missed {missed:#?}");
    }
}

#[test]
fn an_attack_is_flagged_wherever_it_stands_in_a_value() {
    let embedded = |before: &'static str, after: &'static str| {
        let missed: Vec<&str> =
            ["<script>alert(1)</script>", "../../etc/passwd", "${jndi:ldap://e.test}", "1 union select 1,2 from t", "$(id)", "{{7*7}}"]
                .into_iter()
                .filter(|attack| inspect(&format!("{before}{attack}{after}"), Context::Value).is_none())
                .collect();
        assert_eq!(missed, Vec::<&str>::new(), "between {before:?} and {after:?}");
    };
    embedded("A perfectly ordinary title ", "");
    embedded("x=", "&y=2");
    embedded("https://example.com/?q=", "");
    embedded("{\"a\":\"", "\"}");
    embedded("日本語 ", " そして");
}

#[test]
fn a_threat_names_its_kind() {
    for (payload, kind) in [
        ("' or 1=1--", Kind::SqlInjection),
        ("<script>alert(1)</script>", Kind::Xss),
        ("; cat notes", Kind::CommandInjection),
        ("../../secret", Kind::PathTraversal),
        ("{{7*7}}", Kind::TemplateInjection),
        ("x%0d%0aSet-Cookie: a=b", Kind::HeaderInjection),
        ("x%0a[INFO] forged", Kind::LogInjection),
        ("*)(uid=*))(|(uid=*", Kind::LdapInjection),
        ("<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///x\">]>", Kind::Xxe),
        ("${jndi:ldap://e.test/a}", Kind::Log4Shell),
    ] {
        let threat = inspect(payload, Context::Name).unwrap();
        assert_eq!(threat.kind, kind, "{payload}: {threat:?}");
        assert!(threat.score >= guard::threats::THREAT && !threat.reasons.is_empty(), "{threat:?}");
    }
}
