//! `A2A-Version` and `A2A-Extensions` (spec sections 3.2.6 and 3.6).

use protocol::{A2aError, Dialect, extensions, rest};
use serde_json::json;

use crate::samples::rpc;

fn dialect(method: &str, version: Option<&str>) -> Dialect {
    rpc(method, json!({"id": "t"}), version).dialect
}

#[test]
fn section_3_6_2_an_unsupported_version_is_refused_in_every_binding() {
    for version in ["0.1", "0.2", "0.5", "1.1", "2.0", "99.0", "1", "1.0.x", "1.0.", "v1.0", "one"] {
        let error = A2aError::VersionNotSupported { version: version.to_owned() };
        for method in ["GetTask", "tasks/get", "tasks/send", "nonsense"] {
            assert_eq!(rpc(method, json!({"id": "t"}), Some(version)).call, Err(error.clone()), "{method}");
        }
        assert_eq!(rest::dialect_of("/tasks", Some(version)), Err(error.clone()));
        assert_eq!(rest::dialect_of("/v1/tasks", Some(version)), Err(error));
    }
}

#[test]
fn section_3_6_2_an_empty_version_is_0_3_for_what_v0_3_knows() {
    for version in [None, Some(""), Some("  ")] {
        assert_eq!(dialect("tasks/get", version), Dialect::V0_3);
        assert_eq!(rest::dialect_of("/v1/tasks/t", version), Ok(Dialect::V0_3));
    }
}

#[test]
fn section_3_6_patch_numbers_do_not_count() {
    for version in ["1.0", "1.0.0", "1.0.1", " 1.0 "] {
        assert_eq!(dialect("GetTask", Some(version)), Dialect::V1_0);
        assert_eq!(rest::dialect_of("/v1/tasks", Some(version)), Ok(Dialect::V1_0));
    }
    for version in ["0.3", "0.3.0", "0.3.26"] {
        assert_eq!(dialect("tasks/get", Some(version)), Dialect::V0_3);
        assert_eq!(rest::dialect_of("/tasks", Some(version)), Ok(Dialect::V0_3));
    }
}

#[test]
fn a_pascal_case_method_is_v1_0_whatever_the_older_version_says() {
    for version in [None, Some(""), Some("0.3"), Some("1.0")] {
        let request = rpc("GetTask", json!({"id": "t"}), version);
        assert_eq!((request.dialect, request.call.is_ok()), (Dialect::V1_0, true));
    }
}

#[test]
fn section_3_2_6_extensions_are_comma_separated_and_each_counts_once() {
    let uris = extensions::parse(" https://a.example/x ,https://b.example/y,, https://a.example/x");
    assert_eq!(uris, ["https://a.example/x", "https://b.example/y"]);
    assert_eq!(extensions::header(&uris), "https://a.example/x,https://b.example/y");
    assert!(extensions::parse("").is_empty());
}
