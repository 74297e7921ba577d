//! How well document_search ranks: every query of a judged collection over HTTP, as a client would ask.

use std::{collections::HashSet, fs, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{http::Connection, process::Process};

/// The depth at which a ranking is judged.
const DEPTH: usize = 10;
/// How far average precision looks.
const FAR: usize = 100;

/// Indexes `documents.jsonl`, asks `queries.jsonl`, prints the means. The database is a new one, or that of `A2A_DATABASE_URL`.
pub async fn run(server: &Path, collection: &Path) -> Result<()> {
    let server = std::path::absolute(server)?;
    let directory = tempfile::tempdir()?;
    let indexed = Command::new(&server).arg("index").arg(collection.join("documents.jsonl")).current_dir(directory.path()).status()?;
    ensure!(indexed.success(), "indexing failed ({indexed})");
    let mut command = Command::new(&server);
    command.args(["serve", "--addr", "127.0.0.1:0", "--metrics-addr", "127.0.0.1:0"]).current_dir(directory.path());
    let process = Process::start(&mut command)?;
    let mut connection = Connection::open(&process.address).await?;

    let path = collection.join("queries.jsonl");
    let queries = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
    // Of this run: a database that has seen an earlier one would answer a repeated message with the task of that time.
    let run = std::process::id();
    let (mut gains, mut precisions, mut latencies) = (Vec::new(), Vec::new(), Vec::new());
    for (number, line) in queries.lines().filter(|line| !line.trim().is_empty()).enumerate() {
        let query: Value = serde_json::from_str(line).with_context(|| format!("{} line {}", path.display(), number + 1))?;
        let relevant: HashSet<String> = query["relevant"].as_array().context("`relevant` is a list of ids")?.iter().map(id).collect();
        let text = query["text"].as_str().context("`text` is the query")?;
        let (top, took) = ask(&mut connection, &format!("{run}-{number}-top"), text, DEPTH).await?;
        let (ranking, _) = ask(&mut connection, &format!("{run}-{number}-far"), text, FAR).await?;
        gains.push(ndcg(&top, &relevant));
        precisions.push(average_precision(&ranking, &relevant));
        latencies.push(took);
    }
    ensure!(!gains.is_empty(), "{} has no queries", path.display());
    latencies.sort_unstable();
    let at = |quantile: f64| latencies[((latencies.len() - 1) as f64 * quantile) as usize].as_secs_f64() * 1000.0;
    println!("\n| queries | mean nDCG@{DEPTH} | MAP | p50 ms | p99 ms |\n|--:|--:|--:|--:|--:|");
    println!("| {} | {:.4} | {:.4} | {:.2} | {:.2} |", gains.len(), mean(&gains), mean(&precisions), at(0.5), at(0.99));
    Ok(())
}

async fn ask(connection: &mut Connection, label: &str, text: &str, limit: usize) -> Result<(Vec<String>, Duration)> {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message":
        {"messageId": format!("bench-{label}"), "role": "ROLE_USER", "parts": [{"text": text}], "metadata": {"skillId": "document_search", "limit": limit}}}});
    let answer = connection.post("/", &request.to_string()).await?;
    let response: Value = serde_json::from_slice(&answer.body)?;
    let parts = response.pointer("/result/task/artifacts/0/parts").and_then(Value::as_array);
    let Some(parts) = parts else { bail!("no artifact: {response}") };
    let documents = parts.iter().find_map(|part| {
        let inside = part["text"].as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        part["data"]["documents"].as_array().cloned().or_else(|| inside?["documents"].as_array().cloned())
    });
    let documents = documents.with_context(|| format!("no documents: {response}"))?;
    Ok((documents.iter().map(|document| id(&document["id"])).collect(), answer.whole))
}

/// An id as text, whether the collection writes it as text or as a number.
fn id(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// With binary relevance; the ideal ranking has as many relevant documents at its head as there are and fit.
fn ndcg(ranking: &[String], relevant: &HashSet<String>) -> f64 {
    let discount = |rank: usize| 1.0 / ((rank + 2) as f64).log2();
    let gain: f64 = ranking.iter().take(DEPTH).enumerate().filter(|(_, id)| relevant.contains(*id)).map(|(rank, _)| discount(rank)).sum();
    let ideal: f64 = (0..relevant.len().min(DEPTH)).map(discount).sum();
    if ideal == 0.0 { 0.0 } else { gain / ideal }
}

fn average_precision(ranking: &[String], relevant: &HashSet<String>) -> f64 {
    let hits = ranking.iter().enumerate().filter(|(_, id)| relevant.contains(*id)).map(|(rank, _)| rank + 1);
    let sum: f64 = hits.enumerate().map(|(found, rank)| (found + 1) as f64 / rank as f64).sum();
    sum / relevant.len().max(1) as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn a_perfect_ranking_has_gain_one() {
        let relevant = ids(&["a", "b"]).into_iter().collect();
        assert_eq!(ndcg(&ids(&["a", "b", "c"]), &relevant), 1.0);
        assert_eq!(average_precision(&ids(&["a", "b", "c"]), &relevant), 1.0);
    }

    #[test]
    fn a_hit_further_down_counts_less() {
        let relevant = ids(&["a"]).into_iter().collect();
        assert!((ndcg(&ids(&["x", "a"]), &relevant) - 1.0 / 3f64.log2()).abs() < 1e-12);
        assert_eq!(average_precision(&ids(&["x", "a"]), &relevant), 0.5);
    }
}
