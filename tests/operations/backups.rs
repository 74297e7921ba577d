//! A restore drill: what a server kept in Postgres is dumped while it serves, and another server goes on with it.

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};
use tests::servers;

use crate::harness::{Server, say, state};

const ADMIN: &str = "an-admin-key-of-thirty-two-letters";
const SKILL: &str = "document_search";

/// A server whose data is there.
fn serve(database: &str) -> Server {
    Server::with(&[("A2A_DATABASE_URL", database), ("A2A_AUTH", "required"), ("A2A_ADMIN_API_KEY", ADMIN), ("A2A_DB_MAX_CONNECTIONS", "4")])
}

/// A script of `infra/backup`, with the programs of the tests' own Postgres before others.
fn script(name: &str, database: &str, arguments: &[&Path]) -> Output {
    let programs = std::env::var("A2A_TEST_POSTGRES_BIN").expect("`cargo xtask test` finds the programs that tests need");
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/backup").join(name);
    Command::new(script).args(arguments).env("A2A_DATABASE_URL", database).env("PATH", path).output().unwrap()
}

/// What the bearer of a key is answered.
async fn ask(server: &Server, key: &str, method: &str, params: Value) -> Value {
    let response = server.rpc(&[("A2A-Version", "1.0"), ("X-API-Key", key)], method, params).await;
    assert!(response.get("error").is_none(), "{method}: {response}");
    response["result"].clone()
}

#[tokio::test]
async fn what_was_in_postgres_dumped_while_it_served_is_served_after_a_restore() {
    let directory = tempfile::tempdir().unwrap();
    let dump = directory.path().join("a2a.dump");
    let (first, second) = (servers::postgres_database().await, servers::postgres_database().await);
    let server = serve(&first);
    let made = server.command(&["key", "create", "--name", "kept", "--role", "authenticated"]);
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let mut document = say("document_ingestion", "");
    document["message"]["parts"] = json!([{"text": "The axolotl keeps its gills all its life."}]);
    assert_eq!(state(&ask(&server, &key, "SendMessage", document).await), "TASK_STATE_COMPLETED");
    let waiting = ask(&server, &key, "SendMessage", say("statistical_analysis", "Describe my numbers")).await["task"].clone();
    assert_eq!(state(&waiting), "TASK_STATE_INPUT_REQUIRED", "{waiting}");
    let signing_keys = server.get("/.well-known/jwks.json", &[]).await.json();
    let task = ask(&server, &key, "GetTask", json!({"id": waiting["id"]})).await;

    let dumped = script("dump.sh", &first, &[&dump]);
    assert!(dumped.status.success(), "{dumped:?}");
    assert_eq!(std::fs::metadata(&dump).unwrap().permissions().mode() & 0o777, 0o600, "it holds keys");
    let again = script("dump.sh", &first, &[&dump]);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("is there already"), "{again:?}");
    ask(&server, &key, "SendMessage", say(SKILL, "after the dump")).await;
    drop(server);

    let restored = script("restore.sh", &second, &[&dump]);
    assert!(restored.status.success(), "{restored:?}");
    let twice = script("restore.sh", &second, &[&dump]);
    assert!(!twice.status.success() && String::from_utf8_lossy(&twice.stderr).contains("isn't empty"), "{twice:?}");

    let server = serve(&second);
    assert_eq!(ask(&server, &key, "GetTask", json!({"id": waiting["id"]})).await, task, "the key, the task and its history");
    assert_eq!(ask(&server, &key, "ListTasks", json!({})).await["totalSize"], 2, "what came after the dump isn't in it");
    assert_eq!(server.get("/.well-known/jwks.json", &[]).await.json(), signing_keys);
    let found = ask(&server, &key, "SendMessage", say(SKILL, "axolotl gills")).await;
    assert!(found["task"]["artifacts"].to_string().contains("axolotl"), "{found}");
    // The task goes on where it waited.
    let mut more = say("statistical_analysis", "1, 2, 3, 4, 5, 6");
    more["message"]["taskId"] = waiting["id"].clone();
    assert_eq!(state(&ask(&server, &key, "SendMessage", more).await), "TASK_STATE_COMPLETED");
    drop(server);
    for database in [first, second] {
        servers::drop_postgres_database(&database).await;
    }
}

#[test]
fn a_dump_of_postgres_dumped_in_vain_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let dump = directory.path().join("a2a.dump");
    for (database, said) in [
        ("postgres://a2a:hush@127.0.0.1:9/none", "127.0.0.1"),
        ("sqlite://a2a.db", "A2A_DATABASE_URL has to be a postgres:// URL"),
        ("postgres://a2a@127.0.0.1:9/none?iam=true", "put a token into PGPASSWORD"),
    ] {
        let dumped = script("dump.sh", database, &[&dump]);
        let error = String::from_utf8_lossy(&dumped.stderr);
        assert!(!dumped.status.success() && error.contains(said) && !error.contains("hush"), "{database}: {error}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "{database}");
    }
    let restored = script("restore.sh", "postgres://a2a@127.0.0.1:9/none", &[&dump]);
    assert!(!restored.status.success() && String::from_utf8_lossy(&restored.stderr).contains("can't be read"), "{restored:?}");
}
