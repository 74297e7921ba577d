//! Words of A2A 1.0 that tests say often.

use serde_json::{Value, json};

/// Parameters of SendMessage with a text and a `messageId` (which steers the conformance agent).
pub fn message(id: &str, text: &str) -> Value {
    json!({"message": {"messageId": id, "role": "ROLE_USER", "parts": [{"text": text}]}})
}

/// Parameters of SendMessage that ask for a skill by its id.
pub fn say(skill: &str, text: &str) -> Value {
    json!({"message": {"messageId": unique(), "role": "ROLE_USER", "parts": [{"text": text}], "metadata": {"skillId": skill}}})
}

/// Parameters of SendMessage with a data part for a skill.
pub fn data_message(skill: &str, data: Value) -> Value {
    json!({"message": {"messageId": unique(), "role": "ROLE_USER", "parts": [{"data": data}], "metadata": {"skillId": skill}}})
}

/// The state of a task, or of the task in a result.
pub fn state(value: &Value) -> &str {
    value.pointer("/task/status/state").or_else(|| value.pointer("/status/state")).and_then(Value::as_str).unwrap_or_default()
}

/// The task's first artifact.
#[track_caller]
pub fn first_artifact(value: &Value) -> &Value {
    let task = value.get("task").unwrap_or(value);
    task.pointer("/artifacts/0").unwrap_or_else(|| panic!("no artifact: {value}"))
}

/// The text parts of a message or an artifact, one after the other.
pub fn text_of(value: &Value) -> String {
    value["parts"].as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect()
}

fn unique() -> String {
    protocol::types::new_message_id()
}
