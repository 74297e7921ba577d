//! The agent as its clients see it, over a SQLite store and a small corpus of its own.

use std::{collections::HashMap, sync::Arc};

use engine::{
    Caller, Role,
    ports::{Agent, Clock, Corpus, DocumentStore, Job, SystemClock, Update},
};
use futures::StreamExt;
use proptest::prelude::*;
use protocol::types::{Artifact, Message, Part, PartContent, Role as Speaker, Task, TaskState, TaskStatus};
use serde_json::{Value, json};
use store::{SqliteDatabase, SqliteDocumentStore};

use super::{
    ResearchAgent,
    retrieval::{Query, retrieve},
};
use crate::{
    reading::{RawDocument, analysed},
    testing::{job, text_message},
};

const CORPUS: &[(&str, &str, &str)] = &[
    (
        "roofs",
        "Green roofs and summer heat",
        "Planted roofs keep houses cool in summer. A green roof lowers the temperature of the rooms below by 4 degrees. Plants give off water, and the water cools the air.",
    ),
    (
        "bees",
        "Bees in the city",
        "Wild bees find food on balconies and green roofs. In 2019 the city counted 120 species of bees. Honey from the city contains fewer pesticides.",
    ),
    ("trams", "Tram lines", "The tram line to the harbour opened in 1932. It carries 40,000 passengers a day. The cars do not run at night."),
    (
        "heat",
        "Heat pumps",
        "A heat pump is a machine that moves heat from the cold side to the warm side. It needs a third of the power of a boiler. In winter the pump heats houses, in summer it cools them.",
    ),
    ("bread", "Sourdough", "Flour and water ferment for a day. The dough rises in the cold, and the crust turns dark in the oven."),
    ("concrete", "Concrete and carbon", "Making cement gives off carbon dioxide. Concrete takes some of it back while it ages."),
];

async fn store() -> Arc<dyn DocumentStore> {
    let store = SqliteDocumentStore::new(SqliteDatabase::temporary().expect("a database"));
    let document = |(id, title, text): &(&str, &str, &str)| {
        analysed(RawDocument { id: (*id).into(), title: (*title).into(), source: format!("{id}.txt"), text: (*text).into() })
    };
    store.put(&Corpus::Shared, CORPUS.iter().map(document).collect()).await.expect("put");
    Arc::new(store)
}

async fn agent() -> ResearchAgent {
    ResearchAgent::new(store().await, Arc::new(SystemClock) as Arc<dyn Clock>)
}

fn asking(skill: &str, text: &str, more: Value) -> Job {
    let mut metadata: HashMap<String, Value> = serde_json::from_value(more).expect("an object");
    if !skill.is_empty() {
        metadata.insert("skillId".into(), json!(skill));
    }
    job(Message { metadata: Some(metadata), ..text_message("m1", text) })
}

fn with_part(mut job: Job, part: Part) -> Job {
    job.message.parts.push(part);
    job
}

/// How a run ended: its last state with its words, and the artifacts put together.
struct Outcome {
    state: TaskState,
    words: String,
    artifacts: Vec<Artifact>,
}

impl Outcome {
    fn data(&self) -> &Value {
        self.artifacts[0]
            .parts
            .iter()
            .find_map(|part| if let PartContent::Data(data) = &part.content { Some(data) } else { None })
            .expect("a data part")
    }

    fn ids(&self) -> Vec<&str> {
        self.data()["documents"].as_array().expect("documents").iter().filter_map(|document| document["id"].as_str()).collect()
    }

    fn text(&self) -> String {
        self.artifacts[0].parts.iter().filter_map(Part::as_text).collect()
    }
}

async fn run(agent: &ResearchAgent, job: Job) -> Outcome {
    let updates: Vec<_> = agent.run(job).collect().await;
    let mut outcome = Outcome { state: TaskState::Submitted, words: String::new(), artifacts: vec![] };
    for update in updates {
        match update {
            Err(error) => (outcome.state, outcome.words) = (TaskState::Failed, error.reason),
            Ok(Update::Status { state, message }) => {
                (outcome.state, outcome.words) = (state, message.and_then(|message| message.text().map(str::to_owned)).unwrap_or_default())
            }
            Ok(Update::Artifact { artifact, append: true, .. }) => {
                outcome.artifacts.last_mut().expect("an artifact to append to").parts.extend(artifact.parts)
            }
            Ok(Update::Artifact { artifact, .. }) => outcome.artifacts.push(artifact),
            Ok(Update::Message(_)) => panic!("this agent answers with tasks"),
        }
    }
    outcome
}

#[tokio::test]
async fn a_search_ranks_what_the_question_is_about_first() {
    let agent = agent().await;
    for (question, best) in [
        ("Search for documents about green roofs in summer", "roofs"),
        ("when did the tram to the harbor or harbour open?", "trams"),
        ("How do bees fare in cities", "bees"),
        ("heating with a pump", "heat"),
        ("cement and climate: carbon", "concrete"),
    ] {
        let outcome = run(&agent, asking("document_search", question, json!({}))).await;
        assert_eq!((outcome.state.clone(), outcome.ids()[0]), (TaskState::Completed, best), "{question}");
    }
}

#[tokio::test]
async fn the_first_part_is_json_as_text_and_says_the_same_as_the_data() {
    let outcome = run(&agent().await, asking("", "Search for documents about green roofs", json!({}))).await;
    let artifact = &outcome.artifacts[0];
    let text: Value = serde_json::from_str(artifact.parts[0].as_text().expect("text")).expect("JSON");
    assert_eq!(&text, outcome.data());
    assert_eq!(text["query"], "Search for documents about green roofs");
    assert_eq!(text["total_found"], 2);
    assert!(text["search_method"].is_string());
    let first = &text["documents"][0];
    assert_eq!((first["id"].as_str(), first["source"].as_str()), (Some("roofs"), Some("roofs.txt")));
    assert!(first["snippet"].as_str().is_some_and(|snippet| snippet.contains("**green** **roof**")), "{first}");
    let scores: Vec<f64> =
        text["documents"].as_array().expect("documents").iter().filter_map(|document| document["relevance_score"].as_f64()).collect();
    assert!(scores.windows(2).all(|pair| pair[0] >= pair[1]) && scores.iter().all(|score| (0.0..=1.0).contains(score)), "{scores:?}");
    let metadata = artifact.metadata.as_ref().expect("metadata");
    assert_eq!((&metadata["agent_id"], &metadata["agent_type"]), (&json!("research"), &json!("AgentType.RESEARCH")));
    assert!(metadata.contains_key("agent_name") && metadata.contains_key("timestamp"));
}

#[tokio::test]
async fn pages_follow_each_other_without_overlap() {
    let agent = agent().await;
    let all = run(&agent, asking("document_search", "summer heat water city", json!({}))).await;
    let mut paged = vec![];
    for offset in 0..all.ids().len() {
        let page = run(&agent, asking("document_search", "summer heat water city", json!({"limit": 1, "offset": offset}))).await;
        assert_eq!(page.data()["total_found"], all.data()["total_found"]);
        paged.extend(page.ids().iter().map(|id| (*id).to_owned()));
    }
    assert_eq!(paged, all.ids());
    let beyond = run(&agent, asking("document_search", "summer", json!({"offset": 50}))).await;
    assert_eq!((beyond.state.clone(), beyond.ids().len()), (TaskState::Completed, 0));
}

#[tokio::test]
async fn a_filter_leaves_out_the_rest() {
    let agent = agent().await;
    let by_id = run(&agent, asking("document_search", "summer", json!({"filter": {"ids": ["heat", "bread"]}}))).await;
    assert_eq!((by_id.ids(), &by_id.data()["total_found"]), (vec!["heat"], &json!(1)));
    let by_source = run(&agent, asking("document_search", "summer", json!({"filter": {"source": "roofs.txt"}}))).await;
    assert_eq!(by_source.ids(), ["roofs"]);
    let wrong = run(&agent, asking("document_search", "summer", json!({"filter": {"colour": "red"}}))).await;
    assert_eq!((wrong.state, wrong.words.contains("`colour`")), (TaskState::Failed, true));
}

#[tokio::test]
async fn a_wrong_setting_is_named() {
    for (setting, value) in [("limit", json!("many")), ("limit", json!(0)), ("offset", json!(-1)), ("limit", json!(1.5))] {
        let outcome = run(&agent().await, asking("document_search", "summer", json!({setting: value}))).await;
        assert_eq!(outcome.state, TaskState::Failed);
        assert!(outcome.words.contains(&format!("`metadata.{setting}`")), "{}", outcome.words);
    }
}

#[tokio::test]
async fn a_search_without_words_asks_for_them_and_one_without_hits_completes() {
    let agent = agent().await;
    assert_eq!(run(&agent, asking("document_search", "  ", json!({}))).await.state, TaskState::InputRequired);
    for text in ["quantum chromodynamics", "to be or not to be", "🙂"] {
        let outcome = run(&agent, asking("document_search", text, json!({}))).await;
        assert_eq!((outcome.state.clone(), &outcome.data()["total_found"]), (TaskState::Completed, &json!(0)), "{text}");
    }
}

#[tokio::test]
async fn an_unknown_skill_is_rejected_with_the_known_ones() {
    let outcome = run(&agent().await, asking("cooking", "x", json!({}))).await;
    assert_eq!(outcome.state, TaskState::Rejected);
    assert!(outcome.words.contains("`cooking`") && outcome.words.contains("fact_verification"), "{}", outcome.words);
}

#[tokio::test]
async fn a_long_document_appears_once_by_its_best_passage() {
    let agent = agent().await;
    let filler = "Nothing of note happened on this day in the village near the river. ".repeat(60);
    let text = format!("{filler}\n\nThe zeppelin landed behind the church.\n\n{filler}\n\nA second zeppelin followed.\n\n{filler}");
    let sent = with_part(asking("document_ingestion", "", json!({})), Part::raw(text.into_bytes()).with_filename("chronicle.txt"));
    let kept = run(&agent, sent).await;
    assert!(kept.data()["documents"][0]["passages"].as_u64().is_some_and(|passages| passages > 3), "{}", kept.data());
    let found = run(&agent, asking("document_search", "zeppelin", json!({}))).await;
    assert_eq!((found.ids(), &found.data()["total_found"]), (vec!["chronicle.txt"], &json!(1)));
    assert!(found.data()["documents"][0]["snippet"].as_str().is_some_and(|snippet| snippet.contains("**zeppelin**")));
}

#[tokio::test]
async fn what_one_owner_takes_in_no_other_finds() {
    let agent = agent().await;
    let of = |owner: &str, job: Job| Job { caller: Caller { owner: owner.into(), role: Role::Authenticated }, ..job };
    let kept = run(&agent, of("ann", asking("document_ingestion", "Add this document: The secret garden lies behind the mill.", json!({})))).await;
    assert_eq!((kept.state.clone(), &kept.data()["added"], &kept.data()["visibility"]), (TaskState::Completed, &json!(1), &json!("private")));
    assert_eq!(run(&agent, of("ann", asking("document_search", "garden mill", json!({})))).await.ids().len(), 1);
    assert_eq!(run(&agent, of("bob", asking("document_search", "garden mill", json!({})))).await.ids().len(), 0);
    let again = run(&agent, of("ann", asking("document_ingestion", "Add this document: The secret garden lies behind the mill.", json!({})))).await;
    assert_eq!((&again.data()["unchanged"], &again.data()["total_documents"]), (&json!(1), &json!(7)));
}

#[tokio::test]
async fn only_operators_share() {
    let agent = agent().await;
    let shared = |role| Job {
        caller: Caller { owner: "op".into(), role },
        ..asking("document_ingestion", "A text about owls.", json!({"visibility": "shared"}))
    };
    assert_eq!(run(&agent, shared(Role::Authenticated)).await.state, TaskState::Rejected);
    assert_eq!(run(&agent, shared(Role::Admin)).await.data()["visibility"], "shared");
    assert_eq!(run(&agent, asking("document_search", "owls", json!({}))).await.ids().len(), 1);
}

#[tokio::test]
async fn files_of_every_kind_are_found_afterwards() {
    let agent = agent().await;
    let files = [
        Part::raw(b"# Glaciers\n\nGlaciers *carve* valleys.".to_vec()).with_media_type("text/markdown").with_filename("ice.md"),
        Part::raw(b"<html><title>Volcanoes</title><p>Lava flows downhill.".to_vec()).with_filename("fire.html"),
        Part::raw(b"{\"id\":\"w1\",\"title\":\"Wind\",\"text\":\"Trade winds blow west.\"}\n{\"id\":\"w2\",\"text\":\"Monsoon rains.\"}".to_vec())
            .with_filename("air.jsonl"),
        Part::data(json!({"id": "e1", "title": "Earth", "text": "Loess is fertile."})),
    ];
    let sent = files.into_iter().fold(asking("", "Please index these files", json!({})), with_part);
    let kept = run(&agent, sent).await;
    assert_eq!((kept.state.clone(), &kept.data()["added"]), (TaskState::Completed, &json!(5)), "{}", kept.words);
    for (query, id) in [("carving valleys", "ice.md"), ("lava", "fire.html"), ("trade winds", "w1"), ("monsoon", "w2"), ("loess", "e1")] {
        assert_eq!(run(&agent, asking("document_search", query, json!({}))).await.ids(), [id]);
    }
}

#[tokio::test]
async fn what_cannot_be_taken_in_is_named_and_changes_nothing() {
    let agent = agent().await;
    let good = || Part::raw(b"A fine text about lynxes.".to_vec()).with_filename("good.txt");
    for (part, named) in [
        (Part::raw(b"%PDF-1.7 broken".to_vec()).with_filename("broken.pdf"), "`broken.pdf`"),
        (Part::raw(vec![0, 159, 146, 150]).with_filename("picture.bin"), "`picture.bin`"),
        (Part::url("https://example.org/a.pdf"), "`https://example.org/a.pdf` is not fetched"),
    ] {
        let outcome = run(&agent, with_part(with_part(asking("document_ingestion", "", json!({})), good()), part)).await;
        assert_eq!(outcome.state, TaskState::Failed);
        assert!(outcome.words.contains(named), "{}", outcome.words);
    }
    assert_eq!(run(&agent, asking("document_search", "lynxes", json!({}))).await.ids().len(), 0);
    assert_eq!(run(&agent, asking("document_ingestion", "", json!({}))).await.state, TaskState::InputRequired);
}

#[tokio::test]
async fn a_misspelt_word_is_read_as_the_one_that_documents_have() {
    let agent = agent().await;
    let found = run(&agent, asking("document_search", "plantd roofs in sumer", json!({}))).await;
    assert_eq!(found.ids()[0], "roofs");
    assert_eq!(found.data()["read_as"], json!({"plantd": "planted", "sumer": "summer"}));
    let right = run(&agent, asking("document_search", "planted roofs", json!({}))).await;
    assert_eq!(right.data().get("read_as"), None);
    // Nothing is made of a word that is like none, and claims are taken at their word.
    assert!(run(&agent, asking("document_search", "xylophones", json!({}))).await.ids().is_empty());
}

#[tokio::test]
async fn claims_are_supported_contradicted_or_not_found_with_quotes() {
    let agent = agent().await;
    let text = "Verify the following claims: The tram line to the harbour opened in 1932. The city counted 150 species of bees in 2019. Dolphins sleep with one eye open.";
    let outcome = run(&agent, asking("", text, json!({}))).await;
    let claims = outcome.data()["claims"].as_array().expect("claims").clone();
    let verdicts: Vec<&str> = claims.iter().filter_map(|claim| claim["verdict"].as_str()).collect();
    assert_eq!(verdicts, ["supported", "contradicted", "not_found"], "{claims:#?}");
    assert_eq!(
        (&claims[0]["evidence"][0]["document_id"], &claims[0]["evidence"][0]["quote"]),
        (&json!("trams"), &json!("The tram line to the harbour opened in 1932."))
    );
    assert_eq!(claims[1]["evidence"][0]["quote"], "In 2019 the city counted 120 species of bees.");
    let night = run(&agent, asking("fact_verification", "The tram cars run at night.", json!({}))).await;
    assert_eq!(night.data()["claims"][0]["verdict"], "contradicted");
    assert_eq!(run(&agent, asking("fact_verification", "", json!({}))).await.state, TaskState::InputRequired);
}

#[tokio::test]
async fn information_is_extracted_from_the_text_or_the_documents_for_it() {
    let agent = agent().await;
    let text = "Extract the facts from this text: On 3 May 2021 Maria Keller paid $1,200 to Northern Light Ltd. A lynx is a wild cat of the forests.";
    let outcome = run(&agent, asking("", text, json!({}))).await;
    let data = outcome.data();
    assert_eq!(data["entities"]["dates"][0]["value"], "2021-05-03");
    assert_eq!(data["entities"]["amounts"][0]["text"], "$1,200");
    assert_eq!(data["entities"]["names"][0]["text"], "Maria Keller");
    assert_eq!(data["definitions"][0]["term"], "A lynx");
    let from_documents = run(&agent, asking("information_extraction", "bees in the city", json!({"limit": 1}))).await;
    assert_eq!(
        (&from_documents.data()["sources"][0]["id"], &from_documents.data()["entities"]["years"][0]["text"]),
        (&json!("bees"), &json!("2019"))
    );
    for text in ["", "Extract the dates from this text"] {
        assert_eq!(run(&agent, asking("information_extraction", text, json!({}))).await.state, TaskState::InputRequired, "{text}");
    }
}

#[tokio::test]
async fn a_synthesis_cites_its_sources_and_comes_in_pieces() {
    let agent = agent().await;
    let updates: Vec<_> = agent.run(asking("", "Synthesize what is known about cooling houses in summer", json!({}))).collect().await;
    let pieces: Vec<(bool, bool)> = updates
        .iter()
        .filter_map(|update| if let Ok(Update::Artifact { append, last_chunk, .. }) = update { Some((*append, *last_chunk)) } else { None })
        .collect();
    assert!(pieces.len() > 3 && !pieces[0].0 && pieces[1..].iter().all(|piece| piece.0));
    assert!(pieces.iter().rev().skip(1).all(|piece| !piece.1) && pieces[pieces.len() - 1].1);

    let outcome = run(&agent, asking("research_synthesis", "cooling houses in summer", json!({}))).await;
    let text = outcome.text();
    for section in [
        "# Synthesis: cooling houses in summer",
        "## Overview",
        "## Sources",
        "[1]",
        "Green roofs and summer heat (roofs.txt)",
        "Heat pumps (heat.txt)",
    ] {
        assert!(text.contains(section), "{section} in {text}");
    }
    let sources = outcome.data()["sources"].as_array().expect("sources").len();
    assert!((1..=sources).all(|number| text.contains(&format!("[{number}]"))), "{text}");
}

#[tokio::test]
async fn a_synthesis_of_referenced_tasks_is_made_of_their_results() {
    let agent = agent().await;
    let artifact = Artifact {
        artifact_id: "a".into(),
        name: Some("survey".into()),
        description: None,
        parts: vec![Part::text("The survey asked two hundred people about their garden. Most of them grow tomatoes there.")],
        metadata: None,
        extensions: None,
    };
    let task = Task {
        id: "t9".into(),
        context_id: "c".into(),
        status: TaskStatus { state: TaskState::Completed, message: None, timestamp: None },
        artifacts: Some(vec![artifact]),
        history: None,
        metadata: None,
    };
    let job = Job { referenced_tasks: vec![task], ..asking("research_synthesis", "Summarize the results", json!({})) };
    let outcome = run(&agent, job).await;
    assert!(outcome.text().contains("grow tomatoes there. [1]") && outcome.text().contains("[1] survey (task t9)"), "{}", outcome.text());
}

#[tokio::test]
async fn a_follow_up_goes_on_with_the_skill_that_the_task_began_with() {
    let agent = agent().await;
    let mut follow_up = job(text_message("m2", "The tram line to the harbour opened in 1932."));
    follow_up.history =
        vec![asking("fact_verification", "", json!({})).message, Message::new(Speaker::Agent, vec![Part::text("Which claim should I check?")])];
    assert_eq!(run(&agent, follow_up).await.data()["claims"][0]["verdict"], "supported");
}

#[tokio::test]
async fn the_question_remembers_the_skill_that_only_the_request_named() {
    let agent = agent().await;
    let first = Job { metadata: [("skillId".to_owned(), json!("fact_verification"))].into(), ..job(text_message("m1", "")) };
    let asked: Vec<_> = agent.run(first).collect().await;
    let Some(Ok(Update::Status { state: TaskState::InputRequired, message: Some(question) })) = asked.last() else {
        panic!("no question: {asked:?}")
    };
    let mut second = job(text_message("m2", "The tram line to the harbour opened in 1932."));
    second.history = vec![text_message("m1", ""), question.clone()];
    assert_eq!(run(&agent, second).await.data()["claims"][0]["verdict"], "supported");
}

#[tokio::test]
async fn feedback_finds_what_is_near_the_topic_but_names_it_otherwise() {
    let store = store().await;
    let found = retrieve(&*store, "x", &Query { text: "planted roofs".into(), limit: 10, ..Query::default() }).await.expect("a search");
    assert_eq!(found.hits[0].passage.document_id, "roofs");
    assert!(found.hits.iter().all(|hit| (0.0..=1.0).contains(&hit.relevance)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_text_makes_a_run_fail(text in ".{0,80}", skill in prop::sample::select(vec!["document_search", "information_extraction", "fact_verification", "research_synthesis"])) {
        thread_local! {
            static AGENT: ResearchAgent = agent().now_or_never_blocking();
        }
        let agent = AGENT.with(Clone::clone);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let outcome = runtime.block_on(run(&agent, asking(skill, &text, json!({}))));
        prop_assert!(matches!(outcome.state, TaskState::Completed | TaskState::InputRequired), "{:?} {}", outcome.state, outcome.words);
    }

    #[test]
    fn signs_of_query_languages_are_just_text(text in r#"[a-z"*()^:{}+\-~ ANDORNT%_';]{0,40}"#) {
        thread_local! {
            static STORE: Arc<dyn DocumentStore> = store().now_or_never_blocking();
        }
        let store = STORE.with(Clone::clone);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let found = runtime.block_on(retrieve(&*store, "x", &Query { text, limit: 10, ..Query::default() }));
        prop_assert!(found.is_ok());
    }
}

/// Runs a future where no runtime is.
trait Blocking: Future + Sized {
    fn now_or_never_blocking(self) -> Self::Output {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(self)
    }
}

impl<F: Future> Blocking for F {}
