//! What every document store must do, whatever it is made of. A backend adds its line at the end.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

mod dynamodb_alone;

use std::sync::Arc;

use engine::ports::{Corpus, CorpusStatistics, DocumentFilter, DocumentStore, NewDocument, NewPassage, PutSummary, TermCount};
use futures::future::join_all;

/// The suite for one backend: `$store` makes an empty store, each apart from the others.
macro_rules! document_store {
    ($backend:ident, $store:expr) => {
        document_store! { $backend, $store; putting_again_changes_nothing_and_other_content_replaces, of_two_documents_of_one_id_in_a_batch_the_later_counts, an_owner_sees_the_shared_and_their_own, an_owners_document_hides_the_shared_one_of_its_id, postings_come_by_block_and_say_what_ranking_takes, a_filter_selects_by_id_and_source, terms_are_told_by_their_beginning_to_whom_sees_them, puts_into_one_corpus_at_once_lose_nothing, a_put_is_all_or_nothing, any_text_is_kept }
    };
    ($backend:ident, $store:expr; $($fact:ident),+) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $fact() {
                    let store: super::Store = std::sync::Arc::new($store);
                    super::$fact(store).await;
                }
            )+
        }
    };
}

/// The store under test.
type Store = Arc<dyn DocumentStore>;

document_store!(sqlite, store::SqliteDocumentStore::new(store::SqliteDatabase::temporary().unwrap()));

document_store!(postgres, crate::in_postgres().await);

async fn in_postgres() -> store::PostgresDocumentStore {
    let database = store::PostgresDatabase::open(&tests::servers::postgres_database().await, 5).unwrap();
    database.migrate().await.unwrap();
    store::PostgresDocumentStore::new(database)
}

document_store!(dynamodb, store::DynamoDbDocumentStore::new(crate::dynamodb_table().await, None));

async fn dynamodb_table() -> store::DynamoDbDatabase {
    let database = store::DynamoDbDatabase::new(tests::servers::unique_name(), async || tests::servers::aws_config());
    database.create_table().await.unwrap();
    database
}

/// Each passage a list of words, each of which is a term.
fn document(id: &str, passages: &[&str]) -> NewDocument {
    let passage = |text: &&str| NewPassage {
        text: (*text).into(),
        terms: {
            let mut words: Vec<&str> = text.split(' ').collect();
            words.sort_unstable();
            words.chunk_by(|a, b| a == b).map(|same| TermCount { term: same[0].into(), in_title: 0, in_text: same.len() as u8 }).collect()
        },
        title_length: 2,
        text_length: text.split(' ').count() as u16,
    };
    NewDocument {
        id: id.into(),
        title: format!("Title of {id}"),
        source: format!("{id}.txt"),
        fingerprint: passages.join("|"),
        passages: passages.iter().map(passage).collect(),
    }
}

async fn count(store: &Store, owner: &str, term: &str) -> u64 {
    let counts = store.passage_counts(owner, &[term.to_owned()]).await.unwrap();
    let postings = store.postings(owner, &[term.to_owned()]).await.unwrap();
    let entries: usize = postings.iter().map(|block| block.len()).sum();
    let twice = store.statistics_and_postings(owner, &[term.to_owned(), term.to_owned()]).await.unwrap();
    assert_eq!(twice, (store.statistics(owner).await.unwrap(), postings), "both at once, and {term} once");
    let counted = counts.first().map_or(0, |(_, count)| *count);
    assert_eq!(counted, entries as u64, "the count and the postings of {term}");
    counted
}

async fn putting_again_changes_nothing_and_other_content_replaces(store: Store) {
    let put = async |document: NewDocument| store.put(&Corpus::Shared, vec![document]).await.unwrap();
    assert_eq!(put(document("a", &["red fox", "fox den"])).await, PutSummary { added: 1, ..PutSummary::default() });
    let before = store.statistics("x").await.unwrap();
    assert_eq!(before, CorpusStatistics { documents: 1, passages: 2, title_terms: 4, text_terms: 4 });
    assert_eq!(put(document("a", &["red fox", "fox den"])).await, PutSummary { unchanged: 1, ..PutSummary::default() });
    assert_eq!(store.statistics("x").await.unwrap(), before);
    assert_eq!(count(&store, "x", "fox").await, 2);

    assert_eq!(put(document("a", &["blue fox lake"])).await, PutSummary { replaced: 1, ..PutSummary::default() });
    assert_eq!(store.statistics("x").await.unwrap(), CorpusStatistics { documents: 1, passages: 1, title_terms: 2, text_terms: 3 });
    assert_eq!((count(&store, "x", "fox").await, count(&store, "x", "red").await, count(&store, "x", "lake").await), (1, 0, 1));
    assert_eq!(store.document("x", "a").await.unwrap().unwrap().passages, ["blue fox lake"]);
}

async fn of_two_documents_of_one_id_in_a_batch_the_later_counts(store: Store) {
    store.put(&Corpus::Shared, vec![document("a", &["first"]), document("b", &["other"]), document("a", &["second"])]).await.unwrap();
    assert_eq!(store.document("x", "a").await.unwrap().unwrap().passages, ["second"]);
    assert_eq!((store.count("x").await.unwrap(), count(&store, "x", "first").await), (2, 0));
}

async fn an_owner_sees_the_shared_and_their_own(store: Store) {
    store.put(&Corpus::Shared, vec![document("s", &["fox"])]).await.unwrap();
    store.put(&Corpus::Of("ann".into()), vec![document("a", &["fox fox"])]).await.unwrap();
    // An owner of that name has nothing to do with the shared corpus.
    store.put(&Corpus::Of("shared".into()), vec![document("z", &["fox"])]).await.unwrap();
    assert_eq!((count(&store, "ann", "fox").await, count(&store, "bob", "fox").await), (2, 1));
    assert_eq!((store.count("ann").await.unwrap(), store.count("bob").await.unwrap()), (2, 1));
    let places = store.ranges("ann", &DocumentFilter::default()).await.unwrap().iter().map(|range| range.first).collect::<Vec<_>>();
    assert_eq!((store.passages("ann", &places).await.unwrap().len(), store.passages("bob", &places).await.unwrap().len()), (2, 1));
    assert!(store.document("bob", "a").await.unwrap().is_none());
}

async fn an_owners_document_hides_the_shared_one_of_its_id(store: Store) {
    store.put(&Corpus::Shared, vec![document("a", &["common"])]).await.unwrap();
    store.put(&Corpus::Of("ann".into()), vec![document("a", &["private"])]).await.unwrap();
    let places = store.ranges("ann", &DocumentFilter::default()).await.unwrap().iter().map(|range| range.first).collect::<Vec<_>>();
    let texts: Vec<String> = store.passages("ann", &places).await.unwrap().into_iter().map(|passage| passage.text).collect();
    assert_eq!(texts, ["private"]);
    assert_eq!(store.document("ann", "a").await.unwrap().unwrap().passages, ["private"]);
    assert_eq!(store.document("bob", "a").await.unwrap().unwrap().passages, ["common"]);
}

async fn postings_come_by_block_and_say_what_ranking_takes(store: Store) {
    let documents = (0..5_000).map(|n| document(&format!("d{n}"), &[if n % 2 == 0 { "even number" } else { "odd odd" }])).collect::<Vec<_>>();
    for batch in documents.chunks(700) {
        store.put(&Corpus::Shared, batch.to_vec()).await.unwrap();
    }
    let blocks = store.postings("x", &["odd".into(), "number".into(), "missing".into()]).await.unwrap();
    assert!(blocks.is_sorted_by_key(|block| (block.corpus, block.block)) && blocks.len() == 10);
    let odd: Vec<_> =
        blocks.iter().filter(|block| block.term == "odd").flat_map(|block| block.iter().map(move |posting| (block.block, posting))).collect();
    assert_eq!(odd.len(), 2_500);
    assert!(odd.is_sorted_by_key(|(block, posting)| (*block, posting.offset)));
    assert!(odd.iter().all(|(_, posting)| (posting.in_text, posting.text_length, posting.title_length, posting.number) == (2, 2, 2, 0)));
}

async fn a_filter_selects_by_id_and_source(store: Store) {
    store.put(&Corpus::Shared, vec![document("a", &["one", "two"]), document("b", &["three"])]).await.unwrap();
    let passages = async |ids: &[&str], sources: &[&str]| {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let ranges = store.ranges("x", &DocumentFilter { ids: owned(ids), sources: owned(sources) }).await.unwrap();
        ranges.iter().map(|range| range.passages).sum::<u32>()
    };
    assert_eq!(passages(&[], &[]).await, 3);
    assert_eq!(passages(&["a"], &[]).await, 2);
    assert_eq!(passages(&[], &["b.txt"]).await, 1);
    assert_eq!(passages(&["a"], &["b.txt"]).await, 0);
}

async fn terms_are_told_by_their_beginning_to_whom_sees_them(store: Store) {
    store.put(&Corpus::Shared, vec![document("a", &["wing wind window", "wing lift"])]).await.unwrap();
    store.put(&Corpus::Of("ann".into()), vec![document("b", &["wine wing"])]).await.unwrap();
    let terms = async |owner: &str, prefix: &str, most: usize| store.terms(owner, prefix, most).await.unwrap();
    assert_eq!(terms("ann", "wi", 10).await, ["wind", "window", "wine", "wing"]);
    assert_eq!(terms("bob", "wi", 10).await, ["wind", "window", "wing"]);
    assert_eq!(terms("bob", "wi", 2).await.len(), 2);
    assert_eq!(terms("bob", "x", 10).await, Vec::<String>::new());
    assert_eq!(terms("bob", "", 10).await, ["lift", "wind", "window", "wing"]);
}

async fn puts_into_one_corpus_at_once_lose_nothing(store: Store) {
    // Each writer adds documents of its own and replaces those that all have.
    let write = async |writer: usize| {
        for round in 0..5 {
            let own = document(&format!("w{writer}-{round}"), &["fox den", "fox"]);
            let common = document(&format!("common-{round}"), &[&format!("fox of {writer}")]);
            let documents = if writer.is_multiple_of(2) { vec![own, common] } else { vec![common, own] };
            store.put(&Corpus::Shared, documents).await.unwrap();
        }
    };
    join_all((0..8).map(write)).await;
    assert_eq!(store.statistics("x").await.unwrap(), CorpusStatistics { documents: 45, passages: 85, title_terms: 170, text_terms: 135 });
    assert_eq!((count(&store, "x", "fox").await, count(&store, "x", "den").await, count(&store, "x", "of").await), (85, 40, 5));
    let ranges = store.ranges("x", &DocumentFilter::default()).await.unwrap();
    assert!(ranges.windows(2).all(|pair| pair[0].first.passage + pair[0].passages <= pair[1].first.passage), "no two documents share a place");
    let places: Vec<_> = ranges.iter().map(|range| range.first).collect();
    assert_eq!(store.passages("x", &places).await.unwrap().len(), 45);
}

async fn a_put_is_all_or_nothing(store: Store) {
    store.put(&Corpus::Shared, vec![document("a", &["red fox"])]).await.unwrap();
    let before = store.statistics("x").await.unwrap();
    let many: Vec<NewDocument> = (0..2_000).map(|n| document(&format!("d{n}"), &["fox"])).collect();
    // Whoever stops waiting leaves either none of them or all.
    let _ = tokio::time::timeout(std::time::Duration::from_millis(5), store.put(&Corpus::Shared, many)).await;
    store.put(&Corpus::Of("ann".into()), vec![document("b", &["lake"])]).await.unwrap();
    store.put(&Corpus::Shared, vec![document("c", &["lake"])]).await.unwrap();
    let after = store.statistics("x").await.unwrap();
    let added = after.documents - before.documents - 1;
    assert!(added == 0 || added == 2_000, "{added} documents");
    assert_eq!(count(&store, "x", "fox").await, 1 + added);
}

async fn any_text_is_kept(store: Store) {
    let mut odd = document("a\0\u{1}b", &["fox 'quoted' $1 \\ \0 \u{10ffff}"]);
    odd.title = "\0".into();
    store.put(&Corpus::Of("o\0".into()), vec![odd.clone()]).await.unwrap();
    let kept = store.document("o\0", &odd.id).await.unwrap().unwrap();
    assert_eq!((kept.id, kept.title, kept.passages), (odd.id.clone(), odd.title, vec![odd.passages[0].text.clone()]));
    assert_eq!(count(&store, "o\0", "\u{10ffff}").await, 1);
    let ranges = store.ranges("o\0", &DocumentFilter { ids: vec![odd.id], sources: vec![] }).await.unwrap();
    let passages = store.passages("o\0", &[ranges[0].first]).await.unwrap();
    let mut terms = passages[0].terms.clone();
    terms.sort_by(|a, b| a.term.cmp(&b.term));
    assert_eq!(terms, odd.passages[0].terms);
}
