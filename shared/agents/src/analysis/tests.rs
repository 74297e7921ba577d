//! The agent as a client sees it: a message in, updates out.

use std::{collections::HashMap, sync::Arc, time::Duration};

use engine::ports::{Agent, Job, SystemClock, Update};
use futures::StreamExt;
use protocol::types::{Artifact, Message, Part, PartContent, Role, TaskState};
use serde_json::{Value, json};

use super::{AnalysisAgent, nist, table::MAX_ROWS};
use crate::testing::{job, message_of, text_message, updates};

fn agent() -> AnalysisAgent {
    AnalysisAgent::new(Arc::new(SystemClock))
}

async fn run(job: Job) -> Vec<Update> {
    updates(&agent(), job).await
}

fn artifact(told: &[Update]) -> &Artifact {
    let [
        Update::Status { state: TaskState::Working, .. },
        Update::Artifact { artifact, append: false, last_chunk: true },
        Update::Status { state: TaskState::Completed, .. },
    ] = told
    else {
        panic!("{told:?}")
    };
    artifact
}

fn data(told: &[Update]) -> &Value {
    match &artifact(told).parts[0].content {
        PartContent::Data(value) => value,
        other => panic!("{other:?}"),
    }
}

fn question(told: &[Update]) -> &Message {
    let [_, Update::Status { state: TaskState::InputRequired, message: Some(message) }] = told else { panic!("{told:?}") };
    message
}

fn with_skill(mut message: Message, skill: &str) -> Message {
    message.metadata = Some(HashMap::from([("skillId".into(), json!(skill))]));
    message
}

#[tokio::test]
async fn an_answer_is_data_words_and_a_chart() {
    let told = run(job(message_of(vec![Part::data(json!({"values": [1, 2, 3, 4]}))]))).await;
    assert_eq!(data(&told)["statistics"]["mean"], json!(2.5));
    for field in ["agent_id", "agent_name", "agent_type", "timestamp"] {
        assert!(artifact(&told).metadata.as_ref().is_some_and(|metadata| metadata[field].is_string()), "{field}");
    }
    let [_, words, chart] = artifact(&told).parts.as_slice() else { panic!("{told:?}") };
    assert!(words.as_text().is_some_and(|text| text.contains("mean 2.5")));
    assert_eq!((chart.media_type.as_deref(), chart.filename.as_deref()), (Some("image/svg+xml"), Some("chart.svg")));
    let PartContent::Raw(svg) = &chart.content else { panic!("{chart:?}") };
    assert!(roxmltree::Document::parse(std::str::from_utf8(svg).expect("UTF-8")).is_ok());
}

#[tokio::test]
async fn each_skill_answers_under_its_own_key() {
    for (skill, key) in [
        ("statistical_analysis", "statistics"),
        ("trend_analysis", "trend"),
        ("anomaly_detection", "anomalies"),
        ("pattern_recognition", "patterns"),
        ("data_visualization", "chart"),
    ] {
        let told = run(job(with_skill(text_message("m1", "analyze 3, 5, 8.5 and -2e3"), skill))).await;
        assert!(data(&told).get(key).is_some(), "{skill}: {told:?}");
        assert_eq!(data(&told)["skill"], json!(skill));
    }
}

#[tokio::test]
async fn a_csv_file_of_norris_has_its_certified_line() {
    let file = Part::raw(nist::text("Norris").as_bytes().to_vec()).with_media_type("text/csv").with_filename("norris.csv");
    let told = run(job(with_skill(message_of(vec![file]), "trend_analysis"))).await;
    assert!(nist::digits(data(&told)["trend"]["slope"].as_f64(), 1.00211681802045) >= 14.0);
    assert!(nist::digits(data(&told)["trend"]["intercept"].as_f64(), -0.262323073774029) >= 14.0);
}

#[tokio::test]
async fn a_csv_file_of_longley_has_its_certified_coefficients() {
    let file = Part::raw(nist::text("Longley").as_bytes().to_vec()).with_filename("longley.csv");
    let told = run(job(message_of(vec![file]))).await;
    assert!(nist::digits(data(&told)["regression"]["coefficients"]["x1"].as_f64(), 15.0618722713733) >= 14.0);
    assert!(nist::digits(data(&told)["statistics"]["y"]["mean"].as_f64(), 65317.0) >= 14.0);
}

#[tokio::test]
async fn numacc4_as_json_is_right_to_the_last_digit() {
    let values = nist::alternating(10_000_000.2, 10_000_000.1, 10_000_000.3);
    let told = run(job(message_of(vec![Part::data(json!({ "values": values }))]))).await;
    assert_eq!(data(&told)["statistics"]["mean"], json!(10_000_000.2));
    assert_eq!(data(&told)["statistics"]["std_dev"], json!(0.1));
}

#[tokio::test]
async fn without_data_it_asks_and_says_what_it_takes() {
    let told = run(job(text_message("m1", "Analyze statistical trends in AI research"))).await;
    let text = question(&told).text().expect("a text");
    for form in ["\"values\"", "\"columns\"", "CSV", "JSON", "text"] {
        assert!(text.contains(form), "{form} in {text}");
    }
}

#[tokio::test]
async fn the_next_message_completes_the_task_with_the_skill_of_the_first() {
    let first = with_skill(text_message("m1", "please"), "anomaly_detection");
    let told = run(job(first.clone())).await;
    let question = question(&told).clone();
    let data_only = message_of(vec![Part::data(json!([1, 1, 1, 1, 50]))]);
    let mut by_message = job(data_only.clone());
    by_message.history = vec![first];
    assert_eq!(data(&run(by_message).await)["anomalies"][0]["index"], json!(4));
    // The skill may have stood in the request only: then the question remembers it.
    let mut by_question = job(data_only.clone());
    by_question.history = vec![text_message("m1", "Forecast this"), question];
    assert_eq!(data(&run(by_question).await)["anomalies"][0]["index"], json!(4));
    let mut by_intent = job(data_only);
    by_intent.history = vec![text_message("m1", "Find outliers")];
    assert_eq!(data(&run(by_intent).await)["anomalies"][0]["index"], json!(4));
}

#[tokio::test]
async fn a_follow_up_may_ask_for_something_else() {
    let mut next = job(text_message("m2", "Find outliers in 1, 1, 1, 50, 1"));
    next.history = vec![text_message("m1", "Analyze statistical trends in AI research")];
    assert_eq!(data(&run(next).await)["skill"], json!("anomaly_detection"));
}

#[tokio::test]
async fn a_setting_that_cannot_be_used_is_asked_again_and_the_data_is_kept() {
    let mut first = with_skill(message_of(vec![Part::data(json!([1, 2, 3]))]), "trend_analysis");
    first.metadata.as_mut().expect("metadata").insert("horizon".into(), json!(-1));
    let told = run(job(first.clone())).await;
    assert!(question(&told).text().is_some_and(|text| text.contains("`horizon`")));
    let mut second = text_message("m2", "then two");
    second.metadata = Some(HashMap::from([("horizon".into(), json!(2))]));
    let mut next = job(second);
    next.history = vec![first];
    assert_eq!(data(&run(next).await)["trend"]["forecast"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn an_unknown_skill_is_rejected_by_name() {
    let told = run(job(with_skill(text_message("m1", "1, 2, 3"), "document_search"))).await;
    let Some(Update::Status { state: TaskState::Rejected, message: Some(message) }) = told.last() else { panic!("{told:?}") };
    assert!(message.text().is_some_and(|text| text.contains("`document_search`")));
    assert_eq!(message.role, Role::Agent);
}

#[tokio::test]
async fn a_million_rows_are_taken_and_more_are_refused_with_the_limit() {
    let column = "1\n".repeat(MAX_ROWS + 1);
    let file = Part::raw(column.into_bytes()).with_media_type("text/csv");
    let told: Vec<_> = agent().run(job(message_of(vec![file]))).collect().await;
    let error = told.into_iter().find_map(Result::err).expect("a failure");
    assert_eq!(error.reason, "the data has 1000001 rows; at most 1000000 are taken");
}

#[tokio::test]
async fn a_cancellation_ends_the_run_at_once() {
    let values: Vec<f64> = (0..200_000).map(f64::from).collect();
    let job = job(with_skill(message_of(vec![Part::data(json!({ "values": values }))]), "pattern_recognition"));
    job.cancellation.cancel();
    let told = tokio::time::timeout(Duration::from_secs(5), run(job)).await.expect("an end");
    let Some(Update::Status { state: TaskState::Canceled, .. }) = told.last() else { panic!("{told:?}") };
}
