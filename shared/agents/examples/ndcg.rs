//! Measures `document_search` on a collection: a folder of documents.jsonl (id, title, text) and queries.jsonl (id, text, relevant).

#![allow(clippy::print_stdout, reason = "it prints its findings")]

use std::{collections::HashSet, error::Error, path::Path, sync::Arc, time::Instant};

use agents::{reading::read_path, research::ResearchAgent};
use engine::{
    Caller,
    ports::{Agent, AgentError, Corpus, DocumentStore, Job, NewDocument, SystemClock, Update},
};
use futures::StreamExt;
use protocol::types::{Message, Part, PartContent, Role};
use serde_json::{Value, json};
use store::{SqliteDatabase, SqliteDocumentStore};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: ndcg FOLDER [COPIES]")?;
    let copies: usize = std::env::args().nth(2).map_or(Ok(1), |copies| copies.parse())?;
    let store: Arc<dyn DocumentStore> = Arc::new(SqliteDocumentStore::new(SqliteDatabase::temporary()?));

    let begun = Instant::now();
    let documents: Vec<NewDocument> = read_path(&Path::new(&folder).join("documents.jsonl"))?.collect::<Result<_, _>>()?;
    println!("read and analysed {} documents in {:?}", documents.len(), begun.elapsed());
    let begun = Instant::now();
    for copy in 0..copies {
        for batch in documents.chunks(64) {
            let renamed = |document: &NewDocument| NewDocument {
                id: if copy == 0 { document.id.clone() } else { format!("{}-{copy}", document.id) },
                ..document.clone()
            };
            store.put(&Corpus::Shared, batch.iter().map(renamed).collect()).await?;
        }
    }
    println!("put {} documents in {:?}", store.count("").await?, begun.elapsed());

    let agent = ResearchAgent::new(store.clone(), Arc::new(SystemClock));
    let mut times = vec![];
    let mut gains = vec![];
    for line in std::fs::read_to_string(Path::new(&folder).join("queries.jsonl"))?.lines() {
        let query: serde_json::Value = serde_json::from_str(line)?;
        let text = query["text"].as_str().unwrap_or_default();
        let relevant: HashSet<&str> = query["relevant"].as_array().into_iter().flatten().filter_map(|id| id.as_str()).collect();
        let job = asking(text);
        let begun = Instant::now();
        let found = ids(agent.run(job).collect().await);
        times.push(begun.elapsed());
        let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
        let got: f64 = found.iter().enumerate().filter(|(_, id)| relevant.contains(id.as_str())).map(|(rank, _)| gain(rank)).sum();
        gains.push(got / (0..relevant.len().min(10)).map(gain).sum::<f64>());
    }
    times.sort();
    let mean = |gains: &mut dyn Iterator<Item = &f64>| {
        let gains: Vec<f64> = gains.copied().collect();
        gains.iter().sum::<f64>() / gains.len().max(1) as f64
    };
    println!(
        "nDCG@10 {:.4} (even {:.4}, odd {:.4})",
        mean(&mut gains.iter()),
        mean(&mut gains.iter().step_by(2)),
        mean(&mut gains.iter().skip(1).step_by(2))
    );
    println!("query: median {:?}, worst {:?}", times[times.len() / 2], times[times.len() - 1]);
    Ok(())
}

/// What a client asks.
fn asking(text: &str) -> Job {
    let metadata = [("skillId", json!("document_search")), ("limit", json!(10))];
    Job {
        task_id: "t".into(),
        context_id: "c".into(),
        message: Message::new(Role::User, vec![Part::text(text)]),
        history: vec![],
        metadata: metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        referenced_tasks: vec![],
        caller: Caller::anonymous(),
        cancellation: Default::default(),
    }
}

/// The documents' ids in the artifact.
fn ids(updates: Vec<Result<Update, AgentError>>) -> Vec<String> {
    let data = updates.into_iter().filter_map(|update| match update {
        Ok(Update::Artifact { artifact, .. }) => artifact.parts.into_iter().find_map(|part| match part.content {
            PartContent::Data(data) => Some(data),
            _ => None,
        }),
        _ => None,
    });
    let id = |document: &Value| document["id"].as_str().map(str::to_owned);
    data.flat_map(|data| data["documents"].as_array().cloned().unwrap_or_default()).filter_map(|document| id(&document)).collect()
}
