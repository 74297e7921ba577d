//! What an answer says, in any version of the protocol: how far the task is, and whether that is a success.

use serde_json::Value;

/// A task's state, or what there is instead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// In the words of 1.0 without their prefix: `completed`, `input-required`, …; `message` where no task was needed.
    pub state: Option<String>,
    /// Why it is no success.
    pub error: Option<String>,
}

impl Answer {
    /// Something went wrong before there was an answer.
    pub fn failed(error: impl Into<String>) -> Self {
        Answer { state: None, error: Some(error.into()) }
    }

    /// The JSON that answers a message; with JSON-RPC in its envelope.
    pub fn of_message(status: u16, body: &[u8]) -> Self {
        let body: Option<Value> = serde_json::from_slice(body).ok();
        let answer = body.as_ref().map(Answer::read);
        match answer {
            Some(answer) if answer.error.is_some() && answer.state.is_none() && status == 200 => answer,
            _ if status != 200 => Answer::failed(refusal(status, body.as_ref())),
            Some(answer) => answer,
            None => Answer::failed("the answer is not JSON"),
        }
    }

    /// One event of a stream, or a whole answer.
    pub fn read(value: &Value) -> Self {
        if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
            let code = error["code"].as_i64().map_or_else(String::new, |code| format!("{code} "));
            return Answer::failed(format!("{code}{}", error["message"].as_str().unwrap_or("an error without a message")));
        }
        let result = value.get("result").unwrap_or(value);
        let is_message = result.get("message").is_some_and(|message| message.get("parts").is_some()) || result["kind"] == "message";
        if is_message {
            return Answer { state: Some("message".to_owned()), error: None };
        }
        let said = ["task", "statusUpdate", "status_update"].into_iter().find_map(|name| result.get(name)).unwrap_or(result);
        match said.pointer("/status/state").and_then(Value::as_str) {
            Some(state) => Answer::in_state(state),
            None => Answer::failed("the answer is neither a task nor a message"),
        }
    }

    fn in_state(state: &str) -> Self {
        let state = state.trim_start_matches("TASK_STATE_").to_lowercase().replace('_', "-");
        // Who is asked for more has been served; whoever is still at work, or gave up, has not.
        let error = match state.as_str() {
            "completed" | "input-required" => None,
            "failed" | "canceled" | "rejected" => Some(format!("task {state}")),
            "auth-required" => Some("task wants other credentials".to_owned()),
            _ => Some(format!("task still {state} when it was answered")),
        };
        Answer { state: Some(state), error }
    }

    /// The page that says whether a server is well.
    pub fn of_health(status: u16, body: &[u8]) -> Self {
        if status != 200 {
            return Answer::failed(format!("HTTP {status}"));
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        match body["status"].as_str() {
            Some("healthy") => Answer::default(),
            other => Answer::failed(format!("Unhealthy status: {}", other.unwrap_or("none"))),
        }
    }
}

/// What a refusal says of itself, if it does.
fn refusal(status: u16, body: Option<&Value>) -> String {
    let said = body.and_then(|body| body.pointer("/error/message").or(body.get("message")).or(body.get("detail"))).and_then(Value::as_str);
    said.map_or_else(|| format!("HTTP {status}"), |said| format!("HTTP {status}: {said}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> (Option<String>, Option<String>) {
        let answer = Answer::of_message(200, body.to_string().as_bytes());
        (answer.state, answer.error)
    }

    fn state(state: &str) -> (Option<String>, Option<String>) {
        (Some(state.to_owned()), None)
    }

    #[test]
    fn a_task_of_each_version_is_read() {
        assert_eq!(read(&json!({"result": {"task": {"status": {"state": "TASK_STATE_COMPLETED"}}}})), state("completed"));
        assert_eq!(read(&json!({"task": {"status": {"state": "TASK_STATE_INPUT_REQUIRED"}}})), state("input-required"));
        assert_eq!(read(&json!({"result": {"kind": "task", "status": {"state": "input-required"}}})), state("input-required"));
        assert_eq!(read(&json!({"result": {"id": "1", "status": {"state": "completed"}}})), state("completed"));
        assert_eq!(read(&json!({"result": {"statusUpdate": {"status": {"state": "TASK_STATE_COMPLETED"}}}})), state("completed"));
    }

    #[test]
    fn a_message_is_an_answer_too() {
        assert_eq!(read(&json!({"result": {"message": {"role": "ROLE_AGENT", "parts": [{"text": "hi"}]}}})), state("message"));
        assert_eq!(read(&json!({"result": {"kind": "message", "role": "agent", "parts": []}})), state("message"));
        // A task whose status has a message is a task.
        assert_eq!(read(&json!({"result": {"status": {"state": "completed", "message": {"parts": []}}}})), state("completed"));
    }

    #[test]
    fn a_task_that_failed_or_is_not_done_is_no_success() {
        for (said, why) in [
            ("failed", "task failed"),
            ("TASK_STATE_FAILED", "task failed"),
            ("TASK_STATE_REJECTED", "task rejected"),
            ("canceled", "task canceled"),
            ("working", "task still working when it was answered"),
            ("TASK_STATE_SUBMITTED", "task still submitted when it was answered"),
        ] {
            let (state, error) = read(&json!({"result": {"status": {"state": said}}}));
            assert_eq!(error.as_deref(), Some(why));
            assert!(state.is_some(), "{said}");
        }
    }

    #[test]
    fn errors_say_what_went_wrong() {
        assert_eq!(read(&json!({"error": {"code": -32603, "message": "internal"}})).1.unwrap(), "-32603 internal");
        let of = |status, body: &str| Answer::of_message(status, body.as_bytes()).error.unwrap();
        assert_eq!(of(401, r#"{"error":{"code":401,"message":"who?"}}"#), "HTTP 401: who?");
        assert_eq!(of(502, "<html>"), "HTTP 502");
        assert_eq!(of(200, "<html>"), "the answer is not JSON");
        assert_eq!(of(200, "{}"), "the answer is neither a task nor a message");
    }

    #[test]
    fn a_server_is_well_that_says_so() {
        assert_eq!(Answer::of_health(200, br#"{"status":"healthy"}"#), Answer::default());
        assert_eq!(Answer::of_health(200, br#"{"status":"degraded"}"#).error.unwrap(), "Unhealthy status: degraded");
        assert_eq!(Answer::of_health(503, b"{}").error.unwrap(), "HTTP 503");
    }
}
