//! A table and queues for one test, at one of the servers that speak as DynamoDB and SQS do.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::servers::{aws_servers, unique_name};

const REGION: &str = "us-east-1";
/// As often as the template's queues hand out a message before it is a dead letter.
const MOST_RECEIPTS: u32 = 50;

/// What a gateway has to be told to keep everything there, webhooks in a FIFO queue as in the template. The servers share the load of all tests;
/// the table is made by who needs it first.
pub async fn variables() -> Vec<(&'static str, String)> {
    place(".fifo").await
}

/// The same, where webhooks may come twice and in any order.
pub async fn variables_of_standard_queues() -> Vec<(&'static str, String)> {
    place("").await
}

async fn place(push_suffix: &str) -> Vec<(&'static str, String)> {
    static PLACES: AtomicUsize = AtomicUsize::new(0);
    let mut servers = aws_servers();
    let endpoint = servers.swap_remove(PLACES.fetch_add(1, Ordering::Relaxed) % servers.len());
    let name = unique_name();
    vec![
        ("A2A_DATABASE_URL", format!("dynamodb://{name}")),
        ("A2A_QUEUE_URL", queue(&endpoint, &format!("{name}-run-task"), "").await),
        ("A2A_PUSH_QUEUE_URL", queue(&endpoint, &format!("{name}-deliver-push"), push_suffix).await),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
    ]
}

/// Makes a queue with its dead letters, as the template does, and says where it is. The suffix makes FIFO queues of them.
async fn queue(endpoint: &str, name: &str, suffix: &str) -> String {
    let make = async |name: String, mut attributes: Value| {
        if !suffix.is_empty() {
            attributes["FifoQueue"] = json!("true");
        }
        sqs(endpoint, "CreateQueue", json!({"QueueName": name, "Attributes": attributes})).await["QueueUrl"].clone()
    };
    let dead = make(format!("{name}-dead{suffix}"), json!({})).await;
    let attributes = sqs(endpoint, "GetQueueAttributes", json!({"QueueUrl": dead, "AttributeNames": ["QueueArn"]})).await;
    let redrive = json!({"deadLetterTargetArn": attributes["Attributes"]["QueueArn"], "maxReceiveCount": MOST_RECEIPTS}).to_string();
    let url = make(format!("{name}{suffix}"), json!({"RedrivePolicy": redrive})).await;
    url.as_str().expect("a queue is made").to_owned()
}

/// All items of a table, as text.
pub async fn items(endpoint: &str, table: &str) -> String {
    let (mut text, mut start) = (String::new(), Value::Null);
    loop {
        let mut input = json!({"TableName": table});
        if !start.is_null() {
            input["ExclusiveStartKey"] = start;
        }
        let mut page = operation(endpoint, "dynamodb", "DynamoDB_20120810.Scan", input).await;
        text.push_str(&page["Items"].to_string());
        start = page["LastEvaluatedKey"].take();
        if start.is_null() {
            assert!(text.len() > 2, "no items in {table}");
            return text;
        }
    }
}

/// An operation of SQS.
pub async fn sqs(endpoint: &str, name: &str, input: Value) -> Value {
    operation(endpoint, "sqs", &format!("AmazonSQS.{name}"), input).await
}

/// An operation in AWS's JSON protocol. These servers don't check signatures, but read the region and the service from them.
async fn operation(endpoint: &str, service: &str, target: &str, input: Value) -> Value {
    let client = crate::http().build().expect("a client");
    let scope = format!("Credential=test/20260101/{REGION}/{service}/aws4_request");
    let request = client
        .post(endpoint)
        .header("X-Amz-Target", target)
        .header("Content-Type", "application/x-amz-json-1.0")
        .header("Authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none"))
        .body(input.to_string());
    let answer = request.send().await.expect("an answer").text().await.expect("a whole answer");
    let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{target}: {answer}"));
    assert!(answer.get("__type").is_none(), "{target}: {answer}");
    answer
}
