//! Events as API Gateway's REST API sends them. `MESSAGE` stands for what is new in each.

use serde_json::{Value, json};

/// A message to the agent that echoes.
pub fn send_message() -> String {
    let message = json!({ "messageId": "MESSAGE", "role": "ROLE_USER", "parts": [{ "text": "hello from the bench" }] });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": { "message": message } });
    event("POST", "/", Some(&body))
}

/// That task again.
pub fn get_task(id: &str) -> String {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": { "id": id } });
    event("POST", "/rpc/GetTask", Some(&body))
}

/// The card.
pub fn agent_card() -> String {
    event("GET", "/.well-known/agent-card.json", None)
}

/// Of the task that an answer tells of.
pub fn task_id(answer: &str) -> Option<String> {
    let answer = &answer[answer.find("{\"jsonrpc\"").or_else(|| answer.find("{\\\"jsonrpc"))?..];
    let plain = answer.replace("\\\"", "\"");
    let (_, rest) = plain.split_once("\"task\":{")?;
    let (_, rest) = rest.split_once("\"id\":\"")?;
    rest.split('"').next().map(str::to_owned)
}

fn event(method: &str, path: &str, body: Option<&Value>) -> String {
    let headers = json!({
        "A2A-Version": "1.0", "Accept": "application/json", "Content-Type": "application/json", "Host": "api.example.com",
        "User-Agent": "bench/1", "X-Amzn-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700", "X-Forwarded-For": "192.0.2.1",
        "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https",
    });
    let lists: Value = headers.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), json!([value]))).collect();
    let event = json!({
        "resource": path, "path": path, "httpMethod": method, "headers": headers, "multiValueHeaders": lists,
        "queryStringParameters": null, "multiValueQueryStringParameters": null, "pathParameters": null, "stageVariables": null,
        "requestContext": {
            "resourceId": "abc123", "resourcePath": path, "httpMethod": method, "requestTime": "22/Nov/2026:06:20:00 +0000", "path": path,
            "accountId": "123456789012", "protocol": "HTTP/1.1", "stage": "live", "domainPrefix": "api", "requestTimeEpoch": 1_795_328_400_000_u64,
            "requestId": "MESSAGE", "identity": { "sourceIp": "192.0.2.1", "userAgent": "bench/1" }, "domainName": "api.example.com", "apiId": "abc",
        },
        "body": body.map(Value::to_string), "isBase64Encoded": false,
    });
    event.to_string()
}
