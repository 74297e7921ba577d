//! The sweep as a custom resource of CloudFormation: a new database is brought to form, and a newer one stops the deployment.

use setup::deployment::Request;
use store::PostgresDatabase;
use tests::servers::postgres_database;

use crate::*;

/// A request whose answer goes to `port`.
fn asks(kind: &str, port: u16) -> Value {
    json!({
        "RequestType": kind,
        "ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:a2a-sweep",
        "ResponseURL": format!("http://127.0.0.1:{port}/answer?signature=1"),
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/a2a/1",
        "RequestId": "request-1",
        "LogicalResourceId": "Migration",
        "ResourceType": "Custom::Migration",
        "ResourceProperties": {"ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:a2a-sweep", "Version": "1"}
    })
}

/// Has the function answer, as in Lambda; gives the head of its request and the answer itself.
async fn answer(kind: &str, database: &str) -> (String, Value) {
    let server = Server::with(&[("A2A_DATABASE_URL", database), ("AWS_LAMBDA_FUNCTION_NAME", "sweep")]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let request = Request::read(&asks(kind, listener.local_addr().unwrap().port())).unwrap();
    let (mut heard, ()) = tokio::join!(hear(&listener, 1), request.answer(&server.app));
    heard.remove(0)
}

async fn is_ready(database: &str) -> bool {
    let server = Server::with(&[("A2A_DATABASE_URL", database), ("AWS_LAMBDA_FUNCTION_NAME", "get-task")]).await;
    server.app.ports.tasks.active_tasks().await.is_ok()
}

#[tokio::test]
async fn a_new_database_is_brought_to_form_before_cloudformation_goes_on() {
    let database = postgres_database().await;
    assert!(!is_ready(&database).await);
    let (head, told) = answer("Create", &database).await;
    assert!(head.starts_with("put /answer?signature=1 http/1.1") && !head.contains("content-type"), "{head}");
    let expected = json!({
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "database",
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/a2a/1",
        "RequestId": "request-1",
        "LogicalResourceId": "Migration"
    });
    assert_eq!(told, expected);
    assert!(is_ready(&database).await);
    // Each deployment asks again.
    assert_eq!(answer("Update", &database).await.1, expected);
    assert_eq!(answer("Delete", &database).await.1, expected);
    assert!(is_ready(&database).await);
}

#[tokio::test]
async fn a_database_of_a_newer_version_stops_the_deployment() {
    let url = postgres_database().await;
    let database = PostgresDatabase::open(&url, 1).unwrap();
    database.migrate().await.unwrap();
    sqlx::query("INSERT INTO migrations (name) VALUES ('9999_later')").execute(database.pool().await.unwrap()).await.unwrap();
    let (_, told) = answer("Update", &url).await;
    assert_eq!(told["Status"], "FAILED");
    assert!(told["Reason"].as_str().unwrap().contains("9999_later"), "{told}");
}

#[test]
fn a_schedules_event_is_no_request() {
    let event = json!({"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}});
    assert_eq!(Request::read(&event), None);
}
