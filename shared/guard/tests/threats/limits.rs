//! What is too large or too deep, and that nothing makes the search fail or crawl.

use std::time::{Duration, Instant};

use guard::threats::{Context, Kind, MOST_ENCODINGS, MOST_NAME_BYTES, MOST_TEXT_BYTES, MOST_VALUE_BYTES, inspect};
use proptest::prelude::*;

#[test]
fn a_field_over_its_limit_is_oversize_and_one_below_is_not() {
    for (context, limit) in [(Context::Name, MOST_NAME_BYTES), (Context::Value, MOST_VALUE_BYTES), (Context::Text, MOST_TEXT_BYTES)] {
        assert_eq!(inspect(&"x".repeat(limit), context), None);
        assert_eq!(inspect(&"x".repeat(limit + 1), context).map(|threat| threat.kind), Some(Kind::Oversize));
    }
}

#[test]
fn encodings_on_top_of_each_other_are_undone_up_to_the_limit_and_a_threat_beyond() {
    let mut text = "100% sure".to_owned();
    for depth in 1..=MOST_ENCODINGS + 1 {
        text = text.replace('%', "%25");
        let found = inspect(&text, Context::Value).map(|threat| threat.kind);
        assert_eq!(found, (depth > MOST_ENCODINGS).then_some(Kind::Nesting), "{depth}: {text}");
    }
}

#[test]
fn the_largest_value_is_searched_in_time() {
    for pattern in ["' or (", "<a x=", "%25", "${", "/*", "&#60;", "\\u003c", "*)(", "../", "union select ", "日本", "((((", "\n", "+ADw-"] {
        let value = pattern.repeat(MOST_VALUE_BYTES / pattern.len());
        let started = Instant::now();
        let _ = inspect(&value, Context::Value);
        assert!(started.elapsed() < Duration::from_secs(60), "{pattern:?} took {:?}", started.elapsed());
    }
}

proptest! {
    #[test]
    fn any_text_can_be_searched(text in "(\\PC|[\\x00-\\x7f]|%[0-9a-f]{2}|&#[0-9]{1,4};|\\\\u[0-9a-f]{4}|\\+[A-Za-z0-9/]{1,5}-){0,60}") {
        for context in [Context::Name, Context::Value, Context::Text] {
            let _ = inspect(&text, context);
        }
    }

    #[test]
    fn ids_and_slugs_are_never_threats(id in "[A-Za-z0-9][A-Za-z0-9_.:-]{0,40}") {
        prop_assume!(!id.contains("..") && !id.contains("__"));
        prop_assert_eq!(inspect(&id, Context::Name), None);
    }
}
