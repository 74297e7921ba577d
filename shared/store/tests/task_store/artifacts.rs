//! Artifacts, which are written in chunks and read whole.

use std::collections::HashMap;

use engine::ports::{Change, View};
use protocol::types::TaskState;
use serde_json::json;

use crate::{
    Store,
    given::{chunk, create, done, texts, update, whole},
};

pub async fn chunks_make_one_artifact(store: Store) {
    let mut first = chunk(0, 0, "a");
    first.artifact.name = Some("first name".into());
    first.artifact.description = Some("description".into());
    done(&store, Change { chunks: vec![first, chunk(0, 1, "b"), chunk(1, 0, "x")], ..create("t", "o", TaskState::Working, 0) }).await;
    let mut later = chunk(0, 2, "c");
    later.artifact.name = Some("second name".into());
    later.artifact.metadata = Some(HashMap::from([("k".into(), json!(1))]));
    done(&store, Change { chunks: vec![later, chunk(1, 1, "y")], ..update("t", 1, TaskState::Working, 0) }).await;
    let stored = whole(&store, "t").await;
    let artifacts = stored.task.artifacts.unwrap();
    assert_eq!(texts(&artifacts[0].parts), ["a", "b", "c"]);
    assert_eq!(texts(&artifacts[1].parts), ["x", "y"]);
    assert_eq!((artifacts[0].name.as_deref(), artifacts[0].description.as_deref()), (Some("second name"), Some("description")));
    assert_eq!(artifacts[0].metadata.as_ref().map(|metadata| &metadata["k"]), Some(&json!(1)));
    assert_eq!(stored.artifact_chunks, [("artifact-0".to_owned(), 3), ("artifact-1".to_owned(), 2)]);
}

pub async fn a_first_chunk_replaces_the_artifact(store: Store) {
    let chunks = vec![chunk(0, 0, "a"), chunk(0, 1, "b"), chunk(0, 2, "c"), chunk(1, 0, "x")];
    done(&store, Change { chunks, ..create("t", "o", TaskState::Working, 0) }).await;
    done(&store, Change { chunks: vec![chunk(0, 0, "new")], ..update("t", 1, TaskState::Working, 0) }).await;
    let stored = whole(&store, "t").await;
    let artifacts = stored.task.artifacts.unwrap();
    assert_eq!((texts(&artifacts[0].parts), texts(&artifacts[1].parts)), (vec!["new"], vec!["x"]));
    assert_eq!(stored.artifact_chunks[0], ("artifact-0".to_owned(), 1));
    // Twice within one change: the second one counts.
    let chunks = vec![chunk(0, 0, "one"), chunk(0, 1, "two"), chunk(0, 0, "three"), chunk(0, 1, "four")];
    done(&store, Change { chunks: chunks.clone(), ..update("t", 2, TaskState::Working, 0) }).await;
    done(&store, Change { chunks, ..create("u", "o", TaskState::Working, 0) }).await;
    for id in ["t", "u"] {
        assert_eq!(texts(&whole(&store, id).await.task.artifacts.unwrap()[0].parts), ["three", "four"]);
    }
    // Shorter, and longer again.
    for (version, chunks, parts) in [(3, vec![chunk(0, 0, "short")], vec!["short"]), (4, vec![chunk(0, 1, "longer")], vec!["short", "longer"])] {
        done(&store, Change { chunks, ..update("t", version, TaskState::Working, 0) }).await;
        let artifacts = whole(&store, "t").await.task.artifacts.unwrap();
        assert_eq!((texts(&artifacts[0].parts), texts(&artifacts[1].parts)), (parts, vec!["x"]));
    }
}

pub async fn artifacts_are_read_only_when_asked_for(store: Store) {
    done(&store, Change { chunks: vec![chunk(0, 0, "a")], ..create("t", "o", TaskState::Working, 0) }).await;
    let stored = store.task_of_any_owner("t", View::STATUS).await.unwrap().unwrap();
    assert_eq!(stored.task.artifacts, None);
    assert_eq!(stored.artifact_chunks, [("artifact-0".to_owned(), 1)]);
}
