//! What holds for documents on DynamoDB alone: the shared file, packs, places.

use engine::ports::{Place, PostingBlock};
use store::{DynamoDbDatabase, DynamoDbDocumentStore, SqliteDatabase, SqliteDocumentStore};

use super::*;

fn ann() -> Corpus {
    Corpus::Of("ann".into())
}

/// Another process over the same table: it has read nothing yet.
fn another(database: &DynamoDbDatabase) -> Store {
    Arc::new(DynamoDbDocumentStore::new(database.clone(), None))
}

async fn places(store: &Store, owner: &str) -> Vec<Place> {
    store.ranges(owner, &DocumentFilter::default()).await.unwrap().into_iter().map(|range| range.first).collect()
}

#[tokio::test]
async fn a_file_is_the_shared_corpus_and_is_only_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("corpus.db");
    let source = SqliteDatabase::temporary().unwrap();
    let filled = SqliteDocumentStore::new(source.clone());
    filled.put(&Corpus::Shared, vec![document("a", &["common fox"]), document("s", &["fox"])]).await.unwrap();
    // What the file's own owners had is nobody's business here.
    filled.put(&ann(), vec![document("z", &["fox"])]).await.unwrap();
    source.copy_to(&path).await.unwrap();
    let open = move || -> futures::future::BoxFuture<'static, _> {
        let path = path.clone();
        Box::pin(async move { SqliteDocumentStore::finished(path, None) })
    };
    let store: Store = Arc::new(DynamoDbDocumentStore::new(dynamodb_table().await, Some(Box::new(open))));

    let error = store.put(&Corpus::Shared, vec![document("t", &["fox"])]).await.unwrap_err().to_string();
    assert!(error.contains("A2A_CORPUS"), "{error}");
    assert_eq!((store.count("ann").await.unwrap(), count(&store, "ann", "fox").await), (2, 2));
    store.put(&ann(), vec![document("a", &["private fox"])]).await.unwrap();
    assert_eq!((store.count("ann").await.unwrap(), store.count("bob").await.unwrap()), (3, 2));
    assert_eq!((count(&store, "ann", "fox").await, count(&store, "bob", "fox").await), (3, 2));
    // Both have a first corpus and a first passage; they are told apart, and the owner's hides the shared one of its id.
    let places = places(&store, "ann").await;
    assert!(places.len() == 3 && places.is_sorted() && places.windows(2).all(|pair| pair[0] != pair[1]));
    let passages = store.passages("ann", &places).await.unwrap();
    assert!(passages.iter().all(|passage| places.contains(&passage.place)));
    let mut texts: Vec<String> = passages.into_iter().map(|passage| passage.text).collect();
    texts.sort();
    assert_eq!(texts, ["fox", "private fox"]);
    let blocks: Vec<PostingBlock> = store.postings("ann", &["fox".into()]).await.unwrap();
    assert_eq!(blocks.iter().map(|block| block.corpus).collect::<Vec<_>>(), [places[0].corpus, places[2].corpus]);
}

#[tokio::test]
async fn a_corpus_of_many_puts_is_written_anew_and_its_places_stay() {
    let database = dynamodb_table().await;
    let store = another(&database);
    store.put(&ann(), vec![document("gone", &["one", "two"]), document("kept", &["three", "four"])]).await.unwrap();
    let kept = store.ranges("ann", &DocumentFilter { ids: vec!["kept".into()], sources: Vec::new() }).await.unwrap()[0].first;
    store.put(&ann(), vec![document("gone", &["five"])]).await.unwrap();
    for n in 0..70 {
        store.put(&ann(), vec![document(&format!("d-{n}"), &[&format!("text{n}")])]).await.unwrap();
    }
    for store in [store, another(&database)] {
        assert_eq!(store.count("ann").await.unwrap(), 72);
        assert_eq!((count(&store, "ann", "text0").await, count(&store, "ann", "one").await, count(&store, "ann", "five").await), (1, 0, 1));
        let passages = store.passages("ann", &[kept]).await.unwrap();
        assert_eq!(passages.iter().map(|passage| passage.text.as_str()).collect::<Vec<_>>(), ["three"]);
        // Where the replaced one began there is nothing now.
        assert_eq!(store.passages("ann", &[Place { passage: 0, ..kept }]).await.unwrap(), []);
    }
}

#[tokio::test]
async fn documents_of_any_size_are_kept() {
    let database = dynamodb_table().await;
    // Digits of a random sequence: they don't get small by being compressed.
    let mut state = 1_u64;
    let mut text = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{state:020}")
    };
    let long: Vec<String> = (0..60).map(|_| (0..1500).map(|_| text()).collect::<Vec<_>>().join(" ")).collect();
    let big = document("big", &long.iter().map(String::as_str).collect::<Vec<_>>());
    another(&database).put(&ann(), vec![big, document("small", &["x"])]).await.unwrap();
    let store = another(&database);
    assert_eq!(store.document("ann", "big").await.unwrap().unwrap().passages, long);
    assert_eq!(store.document("ann", "small").await.unwrap().unwrap().passages, ["x"]);
}

#[tokio::test]
async fn what_one_process_puts_another_sees_at_once() {
    let database = dynamodb_table().await;
    let (one, other) = (another(&database), another(&database));
    for (n, document) in [document("a", &["fox"]), document("a", &["fox fox"]), document("b", &["fox"])].into_iter().enumerate() {
        one.put(&ann(), vec![document]).await.unwrap();
        assert_eq!(other.statistics("ann").await.unwrap().text_terms, [1, 2, 3][n]);
        assert_eq!(places(&other, "ann").await, places(&one, "ann").await);
    }
}
