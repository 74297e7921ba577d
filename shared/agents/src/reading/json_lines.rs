//! Documents that come as JSON: one object on each line, one object, or a list of them.

use serde_json::Value;

use super::RawDocument;

/// One object on each line; empty lines are passed over.
///
/// # Errors
/// Names the line.
pub fn read_lines(name: &str, text: &str) -> Result<Vec<RawDocument>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let value: Value = serde_json::from_str(line).map_err(|error| format!("line {} is not JSON ({error})", index + 1))?;
            document(name, &value).map_err(|reason| format!("line {}: {reason}", index + 1))
        })
        .collect()
}

/// One object or a list of them.
///
/// # Errors
/// Names the element.
pub fn read_value(name: &str, text: &str) -> Result<Vec<RawDocument>, String> {
    match serde_json::from_str(text) {
        Ok(value) => documents(name, &value),
        // Lines of JSON are often declared as JSON.
        Err(_) if text.lines().filter(|line| !line.trim().is_empty()).count() > 1 => read_lines(name, text),
        Err(error) => Err(format!("it is not JSON ({error})")),
    }
}

/// One object, a list of them, or an object with such a list as its `documents`.
///
/// # Errors
/// Names the element.
pub fn documents(name: &str, value: &Value) -> Result<Vec<RawDocument>, String> {
    match value.get("documents").unwrap_or(value) {
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| document(name, item).map_err(|reason| format!("element {index}: {reason}"))).collect()
        }
        one => Ok(vec![document(name, one)?]),
    }
}

fn document(name: &str, value: &Value) -> Result<RawDocument, String> {
    let members = value.as_object().ok_or("a document must be an object with `id`, `title` and `text`")?;
    let text = |names: &[&str]| names.iter().find_map(|name| members.get(*name)?.as_str()).unwrap_or_default().to_owned();
    let id = match members.get("id").or_else(|| members.get("_id")) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        Some(other) => return Err(format!("`id` must be a string or a number, not {other}")),
    };
    let body = text(&["text", "content", "body"]);
    let title = text(&["title"]);
    if body.trim().is_empty() && title.trim().is_empty() && !members.contains_key("text") {
        return Err("it has no `text`".into());
    }
    let source = text(&["source", "url"]);
    Ok(RawDocument { id, title, source: if source.is_empty() { name.to_owned() } else { source }, text: body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_document_with_the_id_that_it_came_with() {
        let documents =
            read_lines("a.jsonl", "{\"id\":\"x\",\"title\":\"T\",\"text\":\"one\"}\n\n{\"id\":7,\"text\":\"two\"}\n").expect("fine lines");
        assert_eq!(documents[0], RawDocument { id: "x".into(), title: "T".into(), source: "a.jsonl".into(), text: "one".into() });
        assert_eq!(documents[1].id, "7");
    }

    #[test]
    fn a_bad_line_is_named() {
        assert!(read_lines("a.jsonl", "{\"text\":\"a\"}\nnope").expect_err("a bad line").starts_with("line 2 is not JSON"));
        assert_eq!(read_lines("a.jsonl", "[1]").expect_err("no object"), "line 1: a document must be an object with `id`, `title` and `text`");
        assert_eq!(read_lines("a.jsonl", "{\"id\":1}").expect_err("no text"), "line 1: it has no `text`");
    }

    #[test]
    fn a_list_and_a_single_object_are_read_too() {
        assert_eq!(read_value("a.json", "[{\"text\":\"a\"},{\"text\":\"b\"}]").expect("a list").len(), 2);
        assert_eq!(read_value("a.json", "{\"documents\":[{\"text\":\"a\"}]}").expect("an object with a list").len(), 1);
        assert_eq!(read_value("a.json", "{\"text\":\"a\"}\n{\"text\":\"b\"}").expect("lines").len(), 2);
    }
}
