//! The analysis agent: right numbers, a chart, and a question where data is missing.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::harness::{Server, data_message, first_artifact, say, state};

/// The data part of the answer that holds this key.
fn computed(task: &Value, key: &str) -> Value {
    assert_eq!(state(task), "TASK_STATE_COMPLETED", "{task}");
    let artifacts = task["task"]["artifacts"].as_array().unwrap();
    let parts = artifacts.iter().flat_map(|artifact| artifact["parts"].as_array().unwrap());
    parts.filter_map(|part| part["data"].get(key)).next().unwrap_or_else(|| panic!("no {key} in {task}")).clone()
}

fn close(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!((value - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{value} is not {expected}");
}

#[tokio::test]
async fn statistics_are_right() {
    let server = Server::start();
    let task = server.ok("SendMessage", data_message("statistical_analysis", json!({"values": [2, 4, 4, 4, 5, 5, 7, 9]}))).await;
    let statistics = computed(&task, "statistics");
    for (name, expected) in
        [("count", 8.0), ("mean", 5.0), ("median", 4.5), ("min", 2.0), ("max", 9.0), ("variance", 32.0 / 7.0), ("std_dev", (32.0_f64 / 7.0).sqrt())]
    {
        let value = statistics.get(name).or_else(|| statistics.as_object().unwrap().values().next().unwrap().get(name)).unwrap();
        close(value, expected);
    }
}

#[tokio::test]
async fn a_csv_file_gives_numbers_for_each_column_and_a_chart() {
    let server = Server::start();
    let csv = "x,y\n1,2.1\n2,3.9\n3,6.2\n4,7.8\n5,10.1\n";
    let mut params = say("statistical_analysis", "Describe these columns");
    let file = json!({"raw": STANDARD.encode(csv), "mediaType": "text/csv", "filename": "points.csv"});
    params["message"]["parts"].as_array_mut().unwrap().push(file);
    let task = server.ok("SendMessage", params).await;
    let statistics = computed(&task, "statistics");
    close(&statistics["x"]["mean"], 3.0);
    close(&statistics["y"]["mean"], 6.02);
    let artifacts = task["task"]["artifacts"].as_array().unwrap();
    let chart = artifacts
        .iter()
        .flat_map(|artifact| artifact["parts"].as_array().unwrap())
        .find(|part| part["mediaType"] == "image/svg+xml")
        .expect("a chart");
    let svg = String::from_utf8(STANDARD.decode(chart["raw"].as_str().unwrap()).unwrap()).unwrap();
    assert!(svg.trim_start().starts_with("<svg") || svg.starts_with("<?xml"), "{svg}");
    assert!(svg.trim_end().ends_with("</svg>"), "{svg}");
}

#[tokio::test]
async fn a_trend_is_fitted() {
    let server = Server::start();
    let task = server.ok("SendMessage", data_message("trend_analysis", json!({"columns": {"x": [1, 2, 3, 4, 5], "y": [3, 5, 7, 9, 11]}}))).await;
    let trend = computed(&task, "trend");
    let trend = if trend.get("slope").is_some() { trend } else { trend.as_object().unwrap().values().next().unwrap().clone() };
    close(&trend["slope"], 2.0);
    close(&trend["intercept"], 1.0);
    close(&trend["r_squared"], 1.0);
    assert!(trend["forecast"].is_array() || trend["forecast"].is_object(), "{trend}");
}

#[tokio::test]
async fn an_outlier_is_found() {
    let server = Server::start();
    let task = server.ok("SendMessage", data_message("anomaly_detection", json!({"values": [10, 11, 10, 12, 11, 10, 95, 11, 10, 12]}))).await;
    let anomalies = computed(&task, "anomalies");
    assert!(anomalies.as_array().unwrap().iter().any(|anomaly| anomaly["index"] == 6 && anomaly["value"].as_f64() == Some(95.0)), "{anomalies}");
}

#[tokio::test]
async fn patterns_and_charts_are_drawn_from_numbers_in_words() {
    let server = Server::start();
    let task = server.ok("SendMessage", say("pattern_recognition", "1, 5, 1, 5, 1, 5, 1, 5, 1, 5, 1, 5")).await;
    assert!(!computed(&task, "patterns").as_array().unwrap().is_empty(), "{task}");
    let task = server.ok("SendMessage", say("data_visualization", "Draw 3, 1, 4, 1, 5, 9, 2, 6")).await;
    assert!(task["task"]["artifacts"].to_string().contains("image/svg+xml"), "{task}");
}

#[tokio::test]
async fn analysis_without_data_asks_for_some_and_goes_on_when_it_comes() {
    let server = Server::start();
    let asked = server.ok("SendMessage", say("statistical_analysis", "Please analyse my measurements")).await["task"].clone();
    assert_eq!(state(&asked), "TASK_STATE_INPUT_REQUIRED", "{asked}");
    assert!(!crate::harness::text_of(&asked["status"]["message"]).is_empty(), "it says what it needs: {asked}");
    let mut params = data_message("statistical_analysis", json!({"values": [1, 2, 3]}));
    params["message"]["taskId"] = asked["id"].clone();
    params["message"]["metadata"] = Value::Null;
    let done = server.ok("SendMessage", params).await;
    assert_eq!(done["task"]["id"], asked["id"]);
    let statistics = computed(&done, "statistics");
    assert!(statistics.to_string().contains("\"mean\":2"), "{statistics}");
    first_artifact(&done);
}

#[tokio::test]
async fn data_that_makes_no_sense_never_breaks_the_server() {
    let mut server = Server::with(&[]);
    for data in [
        json!({"values": []}),
        json!({"values": ["a", null]}),
        json!({"values": [1e308, -1e308, 1e308]}),
        json!({"columns": {"x": [1, 2], "y": [1]}}),
        json!({"values": [7]}),
    ] {
        for skill in ["statistical_analysis", "trend_analysis", "anomaly_detection", "pattern_recognition", "data_visualization"] {
            let task = server.ok("SendMessage", data_message(skill, data.clone())).await;
            assert!(["TASK_STATE_COMPLETED", "TASK_STATE_INPUT_REQUIRED", "TASK_STATE_FAILED"].contains(&state(&task)), "{skill} {data}: {task}");
            assert!(!task.to_string().contains("panic"), "{skill} {data}: {task}");
        }
    }
    assert!(server.lives());
}
