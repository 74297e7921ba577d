//! What people and programs write passes.

use std::path::Path;

use guard::threats::{Context, inspect};

use super::lines;

fn all_pass<'a>(texts: impl Iterator<Item = &'a str>, context: Context) -> usize {
    let mut count = 0;
    for text in texts {
        assert_eq!(inspect(text, context), None, "{text}");
        count += 1;
    }
    count
}

#[test]
fn names_of_people_firms_files_and_titles_pass_everywhere() {
    for context in [Context::Name, Context::Value, Context::Text] {
        assert!(all_pass(lines(include_str!("innocent/names.txt")), context) > 100);
    }
}

#[test]
fn values_with_marks_of_attacks_pass() {
    assert!(all_pass(lines(include_str!("innocent/values.txt")), Context::Value) >= 60);
}

#[test]
fn prose_in_several_languages_about_code_mathematics_and_people_passes_as_text() {
    let prose = include_str!("innocent/prose.txt");
    assert!(all_pass(lines(prose), Context::Text) >= 120);
    all_pass([prose].into_iter(), Context::Text);
}

#[test]
fn questions_about_code_and_attacks_pass_as_text() {
    let questions = include_str!("innocent/questions.txt");
    assert!(all_pass(lines(questions), Context::Text) >= 40);
    all_pass([questions].into_iter(), Context::Text);
}

#[test]
fn snippets_of_code_pass_as_text() {
    assert!(all_pass(lines(include_str!("innocent/snippets.txt")), Context::Text) >= 30);
}

#[test]
fn code_in_a_sentence_passes_as_text() {
    for (_, file) in super::ATTACKS {
        for attack in lines(file) {
            let question = format!("Could you please explain what the input {attack} would do on our server?");
            assert_eq!(inspect(&question, Context::Text), None, "{question}");
        }
    }
}

#[test]
fn the_project_s_own_documents_pass_as_text() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut texts = vec![std::fs::read_to_string(root.join("README.md")).unwrap(), std::fs::read_to_string(root.join("template.yaml")).unwrap()];
    let library = std::fs::read_to_string(root.join("tests/corpus/library.jsonl")).unwrap();
    for line in library.lines() {
        let document: serde_json::Value = serde_json::from_str(line).unwrap();
        texts.extend(document.as_object().unwrap().values().filter_map(|value| value.as_str()).map(str::to_owned));
    }
    let mut count = 0;
    for text in &texts {
        count += all_pass([text.as_str()].into_iter(), Context::Text);
        count += all_pass(text.split("\n\n"), Context::Text);
        count += all_pass(text.lines(), Context::Text);
    }
    assert!(count > 400, "{count}");
}

#[test]
fn what_clients_put_into_headers_passes() {
    let headers = [
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "\"Not;A=Brand\";v=\"99\", \"Chromium\";v=\"124\", \"Not A(Brand\";v=\"24\"",
        "for=192.0.2.60;proto=http;by=203.0.113.43",
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "W/\"67ab43\", \"54ed21\", W/\"7892dd\"",
        "<https://example.com/style.css>; rel=preload; as=style",
        "gzip, deflate, br, zstd",
        "*/*",
        "?0",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "1.1 vegur, 1.1 varnish (Varnish/6.0)",
        "https://a2a.example/ext/one, https://a2a.example/ext/two",
        "python-httpx/0.28.1",
        "a2a-sdk/1.0 (python 3.12; linux) httpx/0.28",
        "curl/8.5.0",
        "PostmanRuntime/7.39.0",
        "[::1]:8080",
    ];
    all_pass(headers.into_iter(), Context::Name);
}

#[test]
fn several_lines_are_a_value_but_not_a_name() {
    let address = "Ann Lee\n5 Main Street\nSpringfield";
    assert_eq!(inspect(address, Context::Value), None);
    assert!(inspect(address, Context::Name).is_some());
}
